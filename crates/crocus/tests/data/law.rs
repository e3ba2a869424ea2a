//! A law: what is exported and imported again is what it was, whatever it is, from each database to each.

use crocus::DbEnum;
use crocus::Model;
use crocus::migrate::prelude::*;
use crocus::orm::{ColumnOperators, Engine, Model as _};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::child::{Place, places};
use crate::import::ready;

/// A colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, DbEnum)]
pub(crate) enum Colour {
    Red,
    DarkBlue,
}

/// Of every type.
#[derive(Debug, Clone, Model)]
#[model(table = "things")]
pub(crate) struct Thing {
    #[model(primary_key)]
    id: i64,
    int2: Option<i16>,
    int4: Option<i32>,
    int8: Option<i64>,
    float: Option<f64>,
    truth: Option<bool>,
    text: Option<String>,
    name: String,
    bytes: Option<Vec<u8>>,
    json: Option<Json>,
    document: Json,
    date: Option<Date>,
    time: Option<Time>,
    date_time: Option<DateTime>,
    instant: Option<Timestamp>,
    uuid: Option<Uuid>,
    decimal: Option<Decimal>,
    colour: Option<Colour>,
    texts: Vec<String>,
    floats: Option<Vec<f64>>,
    binaries: Vec<Vec<u8>>,
    instants: Vec<Timestamp>,
    decimals: Vec<Decimal>,
}

pub(crate) fn create(op: &mut Operations) {
    op.create_enum("colour", ["red", "dark_blue"]);
    op.create_table("things", |t| {
        t.column("id", big_integer().identity().primary_key());
        t.column("int2", small_integer());
        t.column("int4", integer());
        t.column("int8", big_integer());
        t.column("float", double());
        t.column("truth", boolean());
        t.column("text", text());
        t.column("name", text().not_null());
        t.column("bytes", binary());
        t.column("json", json());
        t.column("document", json().not_null());
        t.column("date", date());
        t.column("time", time());
        t.column("date_time", datetime());
        t.column("instant", timestamp());
        t.column("uuid", uuid());
        t.column("decimal", decimal());
        t.column("colour", enumeration("colour", ["red", "dark_blue"]));
        t.column("texts", array(text()).not_null());
        t.column("floats", array(double()));
        t.column("binaries", array(binary()).not_null());
        t.column("instants", array(timestamp()).not_null());
        t.column("decimals", array(decimal()).not_null());
    });
}

fn texts() -> impl Strategy<Value = String> {
    let odd = [
        "",
        " ",
        "a,b",
        "\"",
        "\"\"",
        "x\ny",
        "\r\n",
        "\r",
        "NULL",
        "null",
        "\\N",
        "\\.",
        "ü€🚗",
        "'",
        "\u{feff}",
        "{}",
    ];
    prop_oneof![
        any::<String>().prop_map(|text| text.replace('\0', "")),
        prop::sample::select(odd.to_vec()).prop_map(str::to_owned)
    ]
}

fn floats() -> impl Strategy<Value = f64> {
    let special = [0.0, 1.0, 1e16, 1e300, 5e-324, 0.1, f64::MAX, f64::INFINITY, f64::NEG_INFINITY];
    prop_oneof![
        any::<f64>().prop_filter("SQLite has no NaN, and no -0.0", |float| !float.is_nan() && *float != 0.0),
        prop::sample::select(special.to_vec())
    ]
}

fn documents() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        // PostgreSQL's jsonb writes no exponents, and has no -0.0.
        any::<i32>().prop_map(|number| json!(f64::from(number) + 0.5)),
        texts().prop_map(Json::from)
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(prop_oneof![4 => inner.clone(), 1 => Just(Json::Null)], 0..3).prop_map(Json::from),
            prop::collection::btree_map(texts(), inner, 0..3).prop_map(Json::from_iter),
        ]
    })
}

fn moments() -> impl Strategy<Value = DateTime> {
    let day = (prop_oneof![0..=9999_i16, 1970..=2030_i16], 1..=12_i8, 1..=28_i8);
    let micros = prop_oneof![Just(0), 0..1_000_000_i32];
    (day, (0..24_i8, 0..60_i8, 0..60_i8, micros)).prop_map(|((year, month, day), (hour, minute, second, micro))| {
        date_of(year, month, day).at(hour, minute, second, micro * 1_000)
    })
}

/// The migration's column of this name stands in the way.
fn date_of(year: i16, month: i8, day: i8) -> Date {
    jiff::civil::date(year, month, day)
}

fn instants() -> impl Strategy<Value = Timestamp> {
    moments().prop_map(|at| at.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp())
}

fn decimals() -> impl Strategy<Value = Decimal> {
    (any::<u32>(), any::<u32>(), any::<u32>(), any::<bool>(), 0..=28_u32).prop_map(
        |(low, middle, high, negative, scale)| {
            let decimal = Decimal::from_parts(low, middle, if high % 2 == 0 { 0 } else { high }, false, scale);
            if negative && !decimal.is_zero() { -decimal } else { decimal }
        },
    )
}

fn things() -> impl Strategy<Value = NewThing> {
    use prop::option::of as some;
    let numbers = (some(any::<i16>()), some(any::<i32>()), some(any::<i64>()), some(floats()), some(any::<bool>()));
    let words = (some(texts()), texts(), some(any::<Vec<u8>>()), some(documents()), documents());
    let times = (some(moments()), some(moments()), some(moments()), some(instants()));
    let others = (
        some(any::<u128>().prop_map(Uuid::from_u128)),
        some(decimals()),
        some(prop::sample::select(vec![Colour::Red, Colour::DarkBlue])),
    );
    let lists = (
        prop::collection::vec(texts(), 0..4),
        some(prop::collection::vec(floats().prop_filter("SQLite's JSON", |float| float.is_finite()), 0..4)),
        prop::collection::vec(any::<Vec<u8>>(), 0..3),
        prop::collection::vec(instants(), 0..3),
        prop::collection::vec(decimals(), 0..3),
    );
    (numbers, words, times, others, lists).prop_map(
        |(
            (int2, int4, int8, float, truth),
            (text, name, bytes, json, document),
            (date, time, date_time, instant),
            (uuid, decimal, colour),
            (texts, floats, binaries, instants, decimals),
        )| NewThing {
            int2,
            int4,
            int8,
            float,
            truth,
            text,
            name,
            bytes,
            json,
            document,
            date: date.map(DateTime::date),
            time: time.map(DateTime::time),
            date_time,
            instant,
            uuid,
            decimal,
            colour,
            texts,
            floats,
            binaries,
            instants,
            decimals,
        },
    )
}

/// The rows in the order of their keys, as Rust writes them: NaN is what it is there.
fn all(place: &Place) -> Vec<String> {
    let things = place.block_on(async {
        let engine = Engine::connect(&place.url()).await.unwrap();
        Thing::select().order_by(Thing::ID.asc()).all(&engine).await.unwrap()
    });
    things.iter().map(|thing| format!("{thing:?}")).collect()
}

fn fill(place: &Place, things: &[NewThing]) {
    place.block_on(async {
        let engine = Engine::connect(&place.url()).await.unwrap();
        Thing::insert_many(things.iter().cloned()).execute(&engine).await.unwrap();
    });
}

pub(crate) fn what_is_exported_is_imported_without_loss() {
    let mut runner = TestRunner::deterministic();
    let things = prop::collection::vec(things(), 300).new_tree(&mut runner).unwrap().current();
    let plain = things[0].clone();
    let null = NewThing { json: Some(Json::Null), document: Json::Null, ..plain.clone() };
    let infinite = vec![f64::NAN, -0.0, f64::NEG_INFINITY];
    let infinite = NewThing { float: Some(f64::NAN), floats: Some(infinite), ..plain };
    for from in places() {
        ready(&from);
        fill(&from, &things);
        for name in ["things.csv", "things.ndjson"] {
            from.run("program", &["export", "things", "--order", "id", "--output", name]).success();
            for to in places() {
                ready(&to);
                let file = from.folder.path().join(name);
                to.run("program", &["import", "things", file.to_str().unwrap(), "--batch", "70"]).success();
                for (before, after) in all(&from).iter().zip(all(&to)) {
                    assert_eq!(after, *before, "{name} from {} to {}", from.dialect(), to.dialect());
                }
                assert_eq!(all(&to).len(), things.len());
                if from.dialect() == to.dialect() {
                    let again = to.run("program", &["export", "things", "--order", "id", "--output", name]);
                    again.success();
                    let read = |place: &Place| std::fs::read_to_string(place.folder.path().join(name)).unwrap();
                    assert!(read(&to) == read(&from), "{name} on {}", to.dialect());
                }
            }
        }
        // JSON's null and NULL are told apart in CSV alone, and PostgreSQL has numbers that SQLite lacks.
        from.sql("DELETE FROM things");
        fill(&from, std::slice::from_ref(&null));
        let before = all(&from);
        from.run("program", &["export", "things", "--output", "null.csv"]).success();
        from.sql("DELETE FROM things");
        from.run("program", &["import", "things", "null.csv"]).success();
        assert_eq!(all(&from), before);
        if from.dialect() == "postgresql" {
            fill(&from, std::slice::from_ref(&infinite));
            let before = all(&from);
            for name in ["infinite.csv", "infinite.ndjson"] {
                let arguments = ["export", "things", "--where", "float=not.is.null", "--output", name];
                from.run("program", &arguments).success();
                from.sql("DELETE FROM things WHERE float IS NOT NULL");
                from.run("program", &["import", "things", name]).success();
                assert_eq!(all(&from), before, "{name}");
            }
        }
    }
}
