//! A law: a row inside another is the JSON that it is by itself, whatever it holds and however the session is set.

use crocus_orm::dynamic::{Member, Related, Rows, Source, select};
use crocus_orm::{EngineOptions, Executor, Model, RelationDef, RelationKind, TableDef};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time, date};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::database::Database;
use crate::models::{NewSample, Sample};
use crate::own_types::{Bike, Lists, NewLists, bike, with_tables};

fn texts() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "\"",
        "\\",
        "/",
        "\u{1}\u{1f}\u{7f}\t\r\n",
        "🚗\u{10ffff}",
        "\u{2028}",
        "null",
        "</a>",
    ]);
    prop_oneof![any::<String>().prop_map(|text| text.replace('\0', "")), odd.prop_map(str::to_owned)]
}

fn floats(database: &Database) -> BoxedStrategy<f64> {
    let special =
        [0.0, 1.0, 1e15, 1e16, 123_456_789_012_345_680.0, 1e300, 5e-324, 1e-5, 0.0001, f64::MAX, f64::INFINITY];
    let all = prop_oneof![any::<f64>(), prop::sample::select(special.to_vec())];
    match database.is_sqlite() {
        true => all.prop_filter("SQLite has no NaN", |float| !float.is_nan()).boxed(),
        false => prop_oneof![4 => all, 1 => Just(f64::NAN), 1 => Just(f64::NEG_INFINITY)].boxed(),
    }
}

fn documents() -> impl Strategy<Value = Json> {
    let float = any::<f64>().prop_map(|float| json!(float));
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        float,
        texts().prop_map(Json::from)
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Json::from),
            prop::collection::btree_map(texts(), inner, 0..3).prop_map(Json::from_iter),
        ]
    })
}

/// From the first year on that the database knows.
fn moments(database: &Database) -> BoxedStrategy<DateTime> {
    let years = if database.is_sqlite() { 0..=9999_i16 } else { -4000..=9999 };
    let day = prop_oneof![years, 0..=1_i16].prop_flat_map(|year| (Just(year), 1..=12_i8, 1..=28_i8));
    let micros = prop_oneof![Just(0), 0..1_000_000_i32, (0..1_000_i32).prop_map(|milli| milli * 1_000)];
    let time = (0..24_i8, 0..60_i8, 0..60_i8, micros);
    (day, time)
        .prop_map(|((year, month, day), (hour, minute, second, micro))| {
            date(year, month, day).at(hour, minute, second, micro * 1_000)
        })
        .boxed()
}

fn decimals() -> impl Strategy<Value = Decimal> {
    (any::<i64>(), any::<u32>(), 0..=28_u32, any::<bool>()).prop_map(|(low, high, scale, negative)| {
        let bits = low.to_le_bytes();
        let part = |at: usize| u32::from_le_bytes([bits[at], bits[at + 1], bits[at + 2], bits[at + 3]]);
        let high = if high % 2 == 0 { 0 } else { high };
        let decimal = Decimal::from_parts(part(0), part(4), high, false, scale);
        if negative && !decimal.is_zero() { -decimal } else { decimal }
    })
}

fn instants(database: &Database) -> BoxedStrategy<Timestamp> {
    moments(database).prop_map(|at| at.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp()).boxed()
}

fn samples(database: &Database) -> impl Strategy<Value = NewSample> {
    use prop::option::of as some;
    let numbers =
        (some(any::<i16>()), some(any::<i32>()), some(any::<i64>()), some(floats(database)), some(any::<bool>()));
    let texts = (some(texts()), some(any::<Vec<u8>>()), some(documents()));
    let times = (
        some(moments(database)).prop_map(|at| at.map(DateTime::date)),
        some(moments(database)).prop_map(|at| at.map(DateTime::time)),
        some(moments(database)),
        some(instants(database)),
    );
    let rest = (some(any::<u128>().prop_map(Uuid::from_u128)), some(decimals()));
    (numbers, texts, times, rest).prop_map(
        |((int2, int4, int8, float, truth), (text, bytes, json), (date, time, date_time, instant), (uuid, decimal))| {
            NewSample {
                int2,
                int4,
                int8,
                float,
                truth,
                text,
                bytes,
                json,
                date,
                time,
                date_time,
                instant,
                uuid,
                decimal,
            }
        },
    )
}

fn lists(database: &Database) -> impl Strategy<Value = NewLists> {
    fn some<T: std::fmt::Debug + 'static>(items: impl Strategy<Value = T> + 'static) -> BoxedStrategy<Vec<T>> {
        prop::collection::vec(items, 0..4).boxed()
    }
    let float = floats(database);
    let float =
        if database.is_sqlite() { float.prop_filter("no infinity", |float| float.is_finite()).boxed() } else { float };
    let numbers = (some(any::<i16>()), some(any::<i32>()), some(any::<i64>()), some(float), some(any::<bool>()));
    let texts = (some(texts()), some(any::<Vec<u8>>()));
    let dates: BoxedStrategy<Vec<Date>> = some(moments(database).prop_map(DateTime::date));
    let hours: BoxedStrategy<Vec<Time>> = some(moments(database).prop_map(DateTime::time));
    let times = (dates, hours, some(moments(database)), some(instants(database)));
    let rest = (some(any::<u128>().prop_map(Uuid::from_u128)), some(decimals()));
    (numbers, texts, times, rest).prop_map(
        |((int2, int4, int8, float, truth), (text, bytes), (date, time, date_time, instant), (uuid, decimal))| {
            NewLists {
                int2,
                int4,
                int8,
                float,
                truth,
                text,
                bytes,
                date,
                time,
                date_time,
                instant,
                uuid,
                decimal,
                prices: Vec::new(),
            }
        },
    )
}

/// Reads every row of a table, and in it the row itself once more: by a relationship to one, and by one to many.
async fn the_law_holds(table: &'static TableDef, target: fn() -> &'static TableDef, db: &impl Executor) {
    let root = Source::new(table);
    let all = |source: &Source| {
        let value = |column| (format!("\"{}\"", column), Member::Value(source.column(table.column(column).unwrap())));
        let members = table.columns.iter().map(|column| value(column.name)).collect();
        Rows { members, ..Rows::new(source.clone()) }
    };
    let mut rows = all(&root);
    let one = RelationDef { name: "one", kind: RelationKind::HasOne { columns: &["id"] }, target };
    let many = RelationDef { name: "many", kind: RelationKind::HasMany { columns: &["id"] }, target };
    for (number, relation) in [one, many].into_iter().enumerate() {
        let related = Related { from: root.clone(), relation, to: Source::numbered(table, number) };
        let inside = all(&related.to);
        rows.members.push((relation.name.to_owned(), Member::Related(related, inside)));
    }
    let rows = select(rows).all(db).await.unwrap();
    assert!(rows.len() > 1);
    for row in rows {
        let mut row: Json = serde_json::from_slice(&row.0).unwrap_or_else(|error| panic!("{error}: {row:?}"));
        let object = row.as_object_mut().unwrap();
        let (one, many) = (object.remove("one").unwrap(), object.remove("many").unwrap());
        assert_eq!(one, row);
        assert_eq!(many, json!([row]));
    }
}

#[tokio::test]
async fn a_row_inside_another_is_the_json_that_it_is_by_itself() {
    for db in with_tables().await {
        let mut runner = TestRunner::deterministic();
        let sampled = prop::collection::vec(samples(&db), 150).new_tree(&mut runner).unwrap().current();
        for sample in sampled {
            Sample::insert(db.engine(), sample).await.unwrap();
        }
        let listed = prop::collection::vec(lists(&db), 60).new_tree(&mut runner).unwrap().current();
        for list in listed {
            Lists::insert(db.engine(), list).await.unwrap();
        }
        for _ in 0..2 {
            Bike::insert(db.engine(), bike()).await.unwrap();
        }
        the_law_holds(Sample::TABLE, || Sample::TABLE, db.engine()).await;
        the_law_holds(Lists::TABLE, || Lists::TABLE, db.engine()).await;
        the_law_holds(Bike::TABLE, || Bike::TABLE, db.engine()).await;
        if db.is_sqlite() {
            continue;
        }
        db.batch(
            "DO $$ DECLARE setting text; BEGIN
                FOREACH setting IN ARRAY ARRAY['\"TimeZone\" TO ''Asia/Kathmandu''', 'datestyle TO ''SQL, DMY''',
                                               'bytea_output TO ''escape''', 'intervalstyle TO ''sql_standard''']
                LOOP EXECUTE format('ALTER DATABASE %I SET ', current_database()) || setting; END LOOP;
            END $$",
        )
        .await;
        let elsewhere = db.another_engine(&EngineOptions::default());
        the_law_holds(Sample::TABLE, || Sample::TABLE, &elsewhere).await;
        the_law_holds(Lists::TABLE, || Lists::TABLE, &elsewhere).await;
    }
}
