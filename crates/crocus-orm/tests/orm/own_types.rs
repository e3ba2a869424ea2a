//! Types of a program's own: enums, new types, lists and typed JSON; and PostgreSQL's own kinds of text and numbers.

use crocus_macros::{DbEnum, Model};
use crocus_orm::{ColumnOperators, Dialect, ErrorKind, Json, Model, NewType, Reference, Statement};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time, date, datetime, time};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::database::{Database, assert_kind, each};
use crate::models::in_words_of;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, DbEnum)]
#[db_enum(crate = "crocus_orm")]
pub(crate) enum Color {
    Red,
    RacingGreen,
    #[db_enum(rename = "it's \"none\"")]
    Unpainted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct BikeId(i32);

impl NewType for BikeId {
    type Inner = i32;

    fn into_inner(self) -> i32 {
        self.0
    }

    fn from_inner(inner: i32) -> Result<BikeId, String> {
        Ok(BikeId(inner))
    }
}

/// An amount that is never below nothing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Price(Decimal);

impl NewType for Price {
    type Inner = Decimal;

    fn into_inner(self) -> Decimal {
        self.0
    }

    fn from_inner(inner: Decimal) -> Result<Price, String> {
        if inner.is_sign_negative() { Err(format!("must not be below 0, as {inner} is")) } else { Ok(Price(inner)) }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Options {
    bell: bool,
    gears: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "bikes")]
pub(crate) struct Bike {
    #[model(primary_key, identity)]
    id: BikeId,
    color: Color,
    saddle: Option<Color>,
    price: Option<Price>,
    #[model(belongs_to = Self)]
    twin_id: Option<BikeId>,
    options: Option<Json<Options>>,
    tags: Vec<String>,
    colors: Option<Vec<Color>>,
}

/// A list of every type.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "lists")]
pub(crate) struct Lists {
    #[model(primary_key)]
    pub(crate) id: i32,
    pub(crate) int2: Vec<i16>,
    pub(crate) int4: Vec<i32>,
    pub(crate) int8: Vec<i64>,
    pub(crate) float: Vec<f64>,
    pub(crate) truth: Vec<bool>,
    pub(crate) text: Vec<String>,
    pub(crate) bytes: Vec<Vec<u8>>,
    pub(crate) date: Vec<Date>,
    pub(crate) time: Vec<Time>,
    pub(crate) date_time: Vec<DateTime>,
    pub(crate) instant: Vec<Timestamp>,
    pub(crate) uuid: Vec<Uuid>,
    pub(crate) decimal: Vec<Decimal>,
    pub(crate) prices: Vec<Price>,
}

const ENUM: &str = "CREATE TYPE color AS ENUM ('red', 'racing_green', 'it''s \"none\"')";

const BIKES: &str = "
CREATE TABLE bikes (
    id {id},
    color {color} NOT NULL,
    saddle {color},
    price {decimal},
    twin_id {int4} REFERENCES bikes (id),
    options {json},
    tags {text[]} NOT NULL,
    colors {color[]}
)";

const LISTS: &str = "
CREATE TABLE lists (
    id {id},
    int2 {int2[]} NOT NULL,
    int4 {int4[]} NOT NULL,
    int8 {int8[]} NOT NULL,
    float {float8[]} NOT NULL,
    truth {bool[]} NOT NULL,
    text {text[]} NOT NULL,
    bytes {bytea[]} NOT NULL,
    date {date[]} NOT NULL,
    time {time[]} NOT NULL,
    date_time {timestamp[]} NOT NULL,
    instant {timestamptz[]} NOT NULL,
    uuid {uuid[]} NOT NULL,
    decimal {numeric[]} NOT NULL,
    prices {numeric[]} NOT NULL
)";

/// Both databases, with the tables. A list is `name[]` on PostgreSQL and JSON on SQLite.
pub(crate) async fn with_tables() -> [Database; 2] {
    let databases = each().await;
    for db in &databases {
        if !db.is_sqlite() {
            db.batch(ENUM).await;
        }
        for table in [BIKES, LISTS] {
            let mut sql = in_words_of(db.dialect(), table);
            while let Some((start, rest)) = sql.split_once('{') {
                let (name, rest) = rest.split_once('}').unwrap();
                let name = if db.dialect() == Dialect::Postgres { name } else { "text" };
                sql = format!("{start}{name}{rest}");
            }
            db.batch(&sql).await;
        }
    }
    databases
}

pub(crate) fn bike() -> NewBike {
    NewBike {
        color: Color::Red,
        saddle: None,
        price: None,
        twin_id: None,
        options: None,
        tags: Vec::new(),
        colors: None,
    }
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn lists() -> NewLists {
    NewLists {
        int2: vec![i16::MIN, 0, i16::MAX],
        int4: vec![i32::MIN, i32::MAX],
        int8: vec![i64::MIN, (1 << 53) + 1, i64::MAX],
        float: vec![-0.1, 5e-324, f64::MAX],
        truth: vec![true, false],
        text: vec!["".into(), "a,b".into(), "{\"}".into(), "\\ NULL 'ü'\n".into()],
        bytes: vec![vec![], vec![0, 255]],
        date: vec![date(1, 1, 1), Date::MAX],
        time: vec![time(0, 0, 0, 1_000), time(23, 59, 59, 999_999_000)],
        date_time: vec![datetime(2026, 11, 22, 14, 3, 0, 500_000_000)],
        instant: vec!["1969-12-31T23:59:59.999999Z".parse().unwrap()],
        uuid: vec![Uuid::nil(), Uuid::max()],
        decimal: vec![decimal("-79228162514264337593543950335"), decimal("0.10")],
        prices: vec![Price(decimal("1.50"))],
    }
}

#[tokio::test]
async fn they_come_back_as_they_went() {
    let full = NewBike {
        color: Color::Unpainted,
        saddle: Some(Color::RacingGreen),
        price: Some(Price(decimal("12.50"))),
        options: Some(Json(Options { bell: true, gears: vec![3, 7] })),
        tags: vec!["fast".into(), "it's".into()],
        colors: Some(vec![Color::Unpainted, Color::Red]),
        ..bike()
    };
    for db in with_tables().await {
        let plain = Bike::insert(db.engine(), bike()).await.unwrap();
        assert_eq!(plain.id, BikeId(1), "{db}");
        let twin_id = Some(Reference::Key(plain.id));
        let inserted = Bike::insert(db.engine(), NewBike { twin_id, ..full.clone() }).await.unwrap();
        let expected = Bike {
            id: BikeId(2),
            color: Color::Unpainted,
            saddle: full.saddle,
            price: full.price.clone(),
            twin_id: Some(plain.id),
            options: full.options.clone(),
            tags: full.tags.clone(),
            colors: full.colors.clone(),
        };
        assert_eq!(inserted, expected, "{db}");
        assert_eq!(Bike::get(db.engine(), inserted.id).await.unwrap(), Some(expected), "{db}");
        assert_eq!((plain.colors, plain.tags, plain.options), (None, Vec::new(), None), "{db}");
    }
}

#[tokio::test]
async fn they_are_found_by_their_values() {
    for db in with_tables().await {
        let one = Bike::insert(db.engine(), NewBike { tags: vec!["a".into()], ..bike() }).await.unwrap();
        let saddle = Some(Color::Unpainted);
        let two = NewBike { color: Color::RacingGreen, saddle, price: Some(Price(decimal("10"))), ..bike() };
        let two = Bike::insert(db.engine(), two).await.unwrap();
        let find = async |filter| {
            let found = Bike::select().filter(filter).order_by(Bike::ID.asc()).all(db.engine()).await.unwrap();
            found.into_iter().map(|bike| bike.id.0).collect::<Vec<_>>()
        };
        assert_eq!(find(Bike::COLOR.eq(Color::Red)).await, [one.id.0], "{db}");
        assert_eq!(find(Bike::SADDLE.eq(Color::Unpainted)).await, [two.id.0], "{db}");
        assert_eq!(find(Bike::SADDLE.is_null()).await, [one.id.0], "{db}");
        assert_eq!(find(Bike::COLOR.is_in([Color::Red, Color::RacingGreen])).await, [1, 2], "{db}");
        assert_eq!(find(Bike::ID.eq(two.id)).await, [2], "{db}");
        assert_eq!(find(Bike::TAGS.eq(vec!["a".to_owned()])).await, [1], "{db}");
        let changed = Bike::update().set(Bike::SADDLE, Color::Red).filter(Bike::ID.eq(one.id));
        assert_eq!(changed.execute(db.engine()).await.unwrap(), 1, "{db}");
        assert_eq!(find(Bike::SADDLE.eq(Color::Red)).await, [1], "{db}");
    }
}

#[tokio::test]
async fn a_session_knows_them() {
    for db in with_tables().await {
        let mut session = db.session();
        let added = session.add(NewBike { tags: vec!["a".into()], ..bike() });
        session.commit().await.unwrap();
        let id = session[added].id;
        assert_eq!(session.get::<Bike>(id).await.unwrap(), Some(added), "{db}");
        session[added].color = Color::RacingGreen;
        session[added].tags.push("b".into());
        session.commit().await.unwrap();
        let stored = Bike::get(db.engine(), id).await.unwrap().unwrap();
        assert_eq!((stored.color, stored.tags.len()), (Color::RacingGreen, 2), "{db}");
    }
}

#[tokio::test]
async fn lists_hold_every_type() {
    for db in with_tables().await {
        let row = Lists::insert(db.engine(), lists()).await.unwrap();
        let new = lists();
        assert_eq!((&row.int2, &row.int4, &row.int8), (&new.int2, &new.int4, &new.int8), "{db}");
        assert_eq!((&row.float, &row.truth, &row.text), (&new.float, &new.truth, &new.text), "{db}");
        assert_eq!((&row.bytes, &row.date, &row.time), (&new.bytes, &new.date, &new.time), "{db}");
        assert_eq!((&row.date_time, &row.instant), (&new.date_time, &new.instant), "{db}");
        assert_eq!((&row.uuid, &row.prices), (&new.uuid, &new.prices), "{db}");
        let digits: Vec<_> = row.decimal.iter().map(Decimal::to_string).collect();
        assert_eq!(digits, ["-79228162514264337593543950335", "0.10"], "{db}");
        assert_eq!(Lists::get(db.engine(), row.id).await.unwrap(), Some(row), "{db}");
    }
}

#[tokio::test]
async fn what_no_list_holds_is_refused() {
    for db in with_tables().await {
        let new = NewLists { text: vec!["a\0b".into()], ..lists() };
        assert_kind(Lists::insert(db.engine(), new).await, ErrorKind::InvalidValue);
        let infinite = Lists::insert(db.engine(), NewLists { float: vec![f64::INFINITY], ..lists() }).await;
        if db.is_sqlite() {
            let error = assert_kind(infinite, ErrorKind::InvalidValue);
            assert_eq!(
                error.to_string(),
                "the value for the column `float` of `lists` does not fit: a list in SQLite cannot store inf"
            );
        } else {
            assert_eq!(infinite.unwrap().float, [f64::INFINITY]);
        }
    }
}

#[tokio::test]
async fn what_the_type_cannot_hold_names_the_column() {
    for db in with_tables().await {
        if !db.is_sqlite() {
            db.batch("ALTER TYPE color ADD VALUE 'purple'").await;
        }
        let list = |text: &str| if db.is_sqlite() { format!("'[{text}]'") } else { format!("'{{{text}}}'") };
        let no_tags = list("");
        for (columns, values, told) in [
            ("color, tags", format!("'purple', {no_tags}"), "not \"purple\""),
            (
                "color, saddle, tags",
                format!("'red', 'purple', {no_tags}"),
                "must be one of \"red\", \"racing_green\", ",
            ),
            ("color, price, tags", format!("'red', '-1', {no_tags}"), "must not be below 0, as -1 is"),
            ("color, colors, tags", format!("'red', {}, {no_tags}", list("\"purple\"")), "not \"purple\""),
            ("color, tags", format!("'red', {}", list("null")), "null"),
            ("color, options, tags", format!("'red', '{{\"bell\": 1}}', {no_tags}"), "expected a boolean"),
        ] {
            db.batch(&format!("DELETE FROM bikes; INSERT INTO bikes ({columns}) VALUES ({values})")).await;
            let error = assert_kind(Bike::select().all(db.engine()).await, ErrorKind::Mismatch).to_string();
            let column = columns.split(", ").filter(|column| *column != "tags" || told == "null").last().unwrap();
            let start = format!("the column `{column}` does not hold what the model says: ");
            assert!(error.starts_with(&start) && error.to_lowercase().contains(told), "{db}: {error}");
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Unwritable(std::collections::BTreeMap<Vec<u8>, i32>);

#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "bikes")]
struct BikeWithoutJson {
    #[model(primary_key)]
    id: i32,
    color: Color,
    options: Json<Unwritable>,
    tags: Vec<String>,
}

/// JSON has only text for the keys of an object.
#[tokio::test]
async fn what_is_no_json_is_refused() {
    for db in with_tables().await {
        let options = Json(Unwritable([(vec![1], 2)].into()));
        let new = NewBikeWithoutJson { color: Color::Red, options, tags: Vec::new() };
        let error = assert_kind(BikeWithoutJson::insert(db.engine(), new).await, ErrorKind::InvalidValue);
        assert!(error.to_string().contains("cannot be written as JSON: key must be a string"), "{db}: {error}");
        assert_eq!(Bike::select().count(db.engine()).await.unwrap(), 0, "{db}");
    }
}

#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "kinds")]
struct Kinds {
    #[model(primary_key)]
    id: i32,
    short: Option<String>,
    padded: Option<String>,
    folded: Option<String>,
    positive: Option<i32>,
    painted: Option<Color>,
    plain: Option<String>,
    names: Option<Vec<String>>,
}

#[tokio::test]
async fn postgresql_s_own_kinds_of_text_and_numbers_are_read_and_written() {
    let db = Database::postgres().await;
    db.batch(ENUM).await;
    db.batch(
        "CREATE EXTENSION citext;
         CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
         CREATE DOMAIN painted AS color CHECK (VALUE <> 'red');
         CREATE TABLE kinds (
             id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
             short varchar(5), padded char(3), folded citext, positive positive, painted painted, plain color,
             names varchar(5)[]
         )",
    )
    .await;
    let new = NewKinds {
        short: Some("abc".into()),
        padded: Some("ab".into()),
        folded: Some("AbC".into()),
        positive: Some(7),
        painted: Some(Color::RacingGreen),
        plain: Some("red".into()),
        names: Some(vec!["a".into()]),
    };
    let row = Kinds::insert(db.engine(), new.clone()).await.unwrap();
    let expected = (row.short.as_deref(), row.positive, row.painted, row.plain.as_deref());
    assert_eq!(expected, (Some("abc"), Some(7), Some(Color::RacingGreen), Some("red")));
    assert_eq!((row.padded.as_deref(), row.folded.as_deref()), (Some("ab"), Some("AbC")));
    assert_eq!(row.names, Some(vec!["a".to_owned()]));
    let found = Kinds::select().filter(Kinds::FOLDED.eq("abc")).count(db.engine()).await.unwrap();
    assert_eq!(found, 1);
    let none = NewKinds { short: None, padded: None, folded: None, positive: None, ..new.clone() };
    Kinds::insert(db.engine(), NewKinds { painted: None, plain: None, names: None, ..none }).await.unwrap();

    for wrong in [
        NewKinds { short: Some("abcdef".into()), ..new.clone() },
        NewKinds { plain: Some("purple".into()), ..new.clone() },
        NewKinds { names: Some(vec!["abcdef".into()]), ..new.clone() },
    ] {
        assert_kind(Kinds::insert(db.engine(), wrong).await, ErrorKind::InvalidValue);
    }
    let wrong = NewKinds { painted: Some(Color::Red), ..new };
    assert_kind(Kinds::insert(db.engine(), wrong).await, ErrorKind::CheckViolation);
    let rows = db.query(Statement::read("SELECT plain FROM kinds ORDER BY id", [])).await.unwrap();
    assert_eq!(rows[0].get::<Color>(0).unwrap(), Color::Red);
}
