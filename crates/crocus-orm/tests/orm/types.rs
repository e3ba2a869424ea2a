//! Every column type: what is written is read, found and ordered, at its extremes and as NULL.

use crocus_macros::Model;
use crocus_orm::dynamic::{Comparison, DynamicColumn};
use crocus_orm::{Column, ColumnOperators, ColumnValue, ErrorKind, Model, Statement};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time, date, datetime, time};
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::database::{Database, assert_kind, each};
use crate::dynamic::rows_of;
use crate::models::{NewSample, NewStrict, Sample, Strict, nothing};

/// The values, from the smallest to the largest, are read as they were written, found by `=` and ordered.
macro_rules! round_trips {
    ($($test:ident: $field:ident, $column:ident, $values:expr;)*) => {$(
        #[tokio::test]
        async fn $test() {
            for db in each().await {
                round_trip(&db, Sample::$column, $values, |value| NewSample { $field: value, ..nothing() }, |sample| {
                    sample.$field.clone()
                })
                .await;
            }
        }
    )*};
}

round_trips! {
    small_integers: int2, INT2, vec![i16::MIN, -1, 0, 1, i16::MAX];
    integers: int4, INT4, vec![i32::MIN, -1, 0, 1, i32::MAX];
    big_integers: int8, INT8, vec![i64::MIN, i64::from(i32::MIN) - 1, -1, 0, 1, (1 << 53) + 1, i64::MAX - 1, i64::MAX];
    floats: float, FLOAT, vec![
        f64::NEG_INFINITY, f64::MIN, -1.5, -f64::MIN_POSITIVE, -5e-324, 0.0, 5e-324, f64::MIN_POSITIVE, 0.1, 0.3,
        4.0, 9007199254740993.0, 1e300, f64::MAX, f64::INFINITY,
    ];
    truths: truth, TRUTH, vec![false, true];
    texts: text, TEXT, vec![
        "", "\t\r\n", " ", "'; DROP TABLE samples; --", "10", "9", "A", "Z\u{300}", "\\", "a", "a\u{1}", "aa", "ä", "日本語",
        "🚗", "🚗🚙",
    ].into_iter().map(String::from).collect::<Vec<_>>();
    long_texts: text, TEXT, vec!["x".repeat(1 << 20), "ü".repeat(1 << 19)];
    bytes: bytes, BYTES, vec![vec![], vec![0], vec![0, 0], vec![0, 255], b"text".to_vec(), vec![255; 1 << 20]];
    dates: date, DATE, vec![
        date(0, 1, 1), date(1, 1, 1), date(999, 12, 31), date(1969, 12, 31), date(1970, 1, 1), date(2024, 2, 29),
        Date::MAX,
    ];
    times: time, TIME, vec![
        Time::MIN, time(0, 0, 0, 1_000), time(11, 59, 59, 999_999_000), time(12, 0, 0, 0), time(23, 59, 59, 999_999_000),
    ];
    date_times: date_time, DATE_TIME, vec![
        datetime(0, 1, 1, 0, 0, 0, 0), datetime(1999, 12, 31, 23, 59, 59, 999_999_000), datetime(2000, 1, 1, 0, 0, 0, 0),
        datetime(2000, 1, 1, 0, 0, 0, 1_000), datetime(2026, 11, 22, 14, 3, 0, 0), datetime(9999, 12, 31, 23, 59, 59, 999_999_000),
    ];
    instants: instant, INSTANT, vec![
        "0000-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z", "1999-12-31T23:59:59.9Z",
        "2026-11-22T14:03:00.5Z", "2026-11-22T14:03:00.500001Z", "9999-12-30T22:00:00Z",
    ].into_iter().map(|text| text.parse::<Timestamp>().unwrap()).collect::<Vec<_>>();
    uuids: uuid, UUID, vec![
        Uuid::nil(), Uuid::from_u128(1), Uuid::from_u128(0xa0), "6ba7b810-9dad-11d1-80b4-00c04fd430c8".parse().unwrap(),
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11".parse().unwrap(), Uuid::max(),
    ];
}

async fn round_trip<T: ColumnValue<Base = T> + PartialEq + std::fmt::Debug>(
    db: &Database,
    column: Column<Sample, Option<T>>,
    values: Vec<T>,
    new: impl Fn(Option<T>) -> NewSample,
    field: impl Fn(&Sample) -> Option<T>,
) where
    Option<T>: ColumnValue<Base = T>,
{
    let null = Sample::insert(db.engine(), new(None)).await.unwrap();
    assert_eq!(field(&null), None, "{db}");
    assert_eq!(Sample::get(db.engine(), null.id).await.unwrap().unwrap(), null, "{db}");
    let described = DynamicColumn::new(Sample::TABLE, Sample::TABLE.column(column.name()).unwrap());
    assert_eq!(as_json(db, &described, null.id).await, Json::Null, "{db}");

    // Written in the reverse order, so that the order of the rows themselves does not help.
    for value in values.iter().rev() {
        let inserted = Sample::insert(db.engine(), new(Some(value.clone()))).await.unwrap();
        assert!(field(&inserted).as_ref() == Some(value), "{db}: {value:?}");
        let got = Sample::get(db.engine(), inserted.id).await.unwrap().unwrap();
        assert!(field(&got).as_ref() == Some(value), "{db}: {value:?}");
        let found = Sample::select().filter(column.eq(value.clone())).all(db.engine()).await.unwrap();
        assert!(found == [got.clone()], "{db}: {value:?}");

        // The same without the type: as JSON, as a text in a URL, and found by it.
        let text = match as_json(db, &described, got.id).await {
            Json::String(text) => text,
            json => json.to_string(),
        };
        let equal = described.compare(Comparison::Eq, described.parse(&text).unwrap());
        assert!(Sample::select().filter(equal).all(db.engine()).await.unwrap() == [got], "{db}: {text}");
    }
    let by_description = Sample::select().order_by(described.order(false, None)).all(db.engine()).await.unwrap();
    let by_column = Sample::select().order_by(column.asc()).all(db.engine()).await.unwrap();
    assert!(by_description == by_column, "{db}: {by_description:?}");
    let ordered = Sample::select().filter(column.is_not_null()).order_by(column.asc()).all(db.engine()).await.unwrap();
    let ordered: Vec<_> = ordered.iter().map(|sample| field(sample).unwrap()).collect();
    assert!(ordered == values, "{db}: {ordered:?}");

    // NULL counts as larger than everything, as in PostgreSQL.
    let last = Sample::select().order_by(column.asc()).all(db.engine()).await.unwrap().pop();
    assert_eq!(last.map(|sample| sample.id), Some(null.id), "{db}");
    let first = Sample::select().order_by(column.desc()).first(db.engine()).await.unwrap();
    assert_eq!(first.map(|sample| sample.id), Some(null.id), "{db}");
}

/// A column of a row, as JSON text has it.
async fn as_json(db: &Database, column: &DynamicColumn, id: i32) -> Json {
    let rows = rows_of(Sample::TABLE, vec![("\"it\"".to_owned(), column.clone())]);
    let row = rows.filter(Sample::ID.eq(id)).one(db.engine()).await.unwrap();
    serde_json::from_slice::<Json>(&row.0).unwrap()["\"it\""].take()
}

#[tokio::test]
async fn a_row_without_null_comes_back_whole() {
    let new = NewStrict {
        int2: 1,
        int4: 2,
        int8: 3,
        float: 4.5,
        truth: true,
        text: "text".into(),
        bytes: vec![1, 2],
        json: json!({"a": [1]}),
        date: date(2026, 11, 22),
        time: time(14, 3, 0, 0),
        date_time: datetime(2026, 11, 22, 14, 3, 0, 0),
        instant: "2026-11-22T14:03:00Z".parse().unwrap(),
        uuid: Uuid::from_u128(7),
        decimal: Decimal::new(1250, 2),
    };
    for db in each().await {
        let row = Strict::insert(db.engine(), new.clone()).await.unwrap();
        let expected = Strict {
            id: row.id,
            int2: 1,
            int4: 2,
            int8: 3,
            float: 4.5,
            truth: true,
            text: "text".into(),
            bytes: vec![1, 2],
            json: json!({"a": [1]}),
            date: date(2026, 11, 22),
            time: time(14, 3, 0, 0),
            date_time: datetime(2026, 11, 22, 14, 3, 0, 0),
            instant: "2026-11-22T14:03:00Z".parse().unwrap(),
            uuid: Uuid::from_u128(7),
            decimal: Decimal::new(1250, 2),
        };
        assert_eq!(row, expected, "{db}");
        assert_eq!(Strict::get(db.engine(), row.id).await.unwrap(), Some(expected), "{db}");
    }
}

#[tokio::test]
async fn negative_zero_is_zero() {
    for db in each().await {
        let row = Sample::insert(db.engine(), NewSample { float: Some(-0.0), ..nothing() }).await.unwrap();
        assert_eq!(row.float, Some(0.0), "{db}");
        assert_eq!(Sample::select().filter(Sample::FLOAT.eq(0.0)).count(db.engine()).await.unwrap(), 1, "{db}");
    }
}

/// SQLite would store NULL in its place.
#[tokio::test]
async fn nan_is_stored_or_refused_but_never_becomes_null() {
    for db in each().await {
        let result = Sample::insert(db.engine(), NewSample { float: Some(f64::NAN), ..nothing() }).await;
        if db.is_sqlite() {
            let error = assert_kind(result, ErrorKind::InvalidValue);
            let expected = "the value for the column `float` of `samples` does not fit: SQLite cannot store NaN";
            assert_eq!(error.to_string(), expected);
        } else {
            assert!(result.unwrap().float.unwrap().is_nan());
        }
    }
}

#[tokio::test]
async fn text_with_nul_is_refused_alike() {
    for db in each().await {
        for (column, new) in [
            ("text", NewSample { text: Some("a\0b".into()), ..nothing() }),
            ("json", NewSample { json: Some(json!({"list": ["a\0b"]})), ..nothing() }),
            ("json", NewSample { json: Some(json!({"a\0b": 1})), ..nothing() }),
        ] {
            let error = assert_kind(Sample::insert(db.engine(), new).await, ErrorKind::InvalidValue);
            let rule = "does not fit: text must not contain the character U+0000";
            assert_eq!(error.to_string(), format!("the value for the column `{column}` of `samples` {rule}"), "{db}");
        }
        // A backslash before `u0000` makes it six ordinary characters.
        let json = json!("\\u0000");
        let row = Sample::insert(db.engine(), NewSample { json: Some(json.clone()), ..nothing() }).await.unwrap();
        assert_eq!(row.json, Some(json), "{db}");
        let filter = Sample::TEXT.eq("a\0b");
        assert_kind(Sample::select().filter(filter).all(db.engine()).await, ErrorKind::InvalidValue);
        assert_eq!(Sample::select().count(db.engine()).await.unwrap(), 1, "{db}");
    }
}

#[tokio::test]
async fn json_comes_back_as_it_went() {
    let mut deep = json!(1);
    for _ in 0..100 {
        deep = json!([deep]);
    }
    let values = [
        json!(null),
        json!(true),
        json!("text with \"quotes\", \\ and 🚗"),
        json!({"a": null, "b": {"c": [1, "two", {}, []]}, "": 0, "ü": "é"}),
        json!([i64::MIN, i64::MAX, u64::MAX, 0]),
        json!([0.1, 1e300, -1e-300, f64::MAX, f64::MIN_POSITIVE, 5e-324, 1.5]),
        // These are lost by readers of JSON that round twice.
        json!([31.245270191439438, 121.48791951161945, 9.5367431640625e-7, 8.41e21, 2.225073858507201e-308]),
        deep,
    ];
    for db in each().await {
        for json in &values {
            let new = NewSample { json: Some(json.clone()), ..nothing() };
            let row = Sample::insert(db.engine(), new).await.unwrap();
            // JSON's own null is not SQL's, but an `Option` cannot tell them apart once they are read.
            let expected = (!json.is_null()).then(|| json.clone());
            let got = Sample::get(db.engine(), row.id).await.unwrap().unwrap();
            assert_eq!(got.json.filter(|json| !json.is_null()), expected, "{db}");
            let found = Sample::select().filter(Sample::JSON.eq(json.clone())).count(db.engine()).await.unwrap();
            assert_eq!(found, 1, "{db}: {json}");
        }
    }
}

/// PostgreSQL keeps microseconds; halves are rounded up, before its epoch of 2000 too.
#[tokio::test]
async fn times_are_rounded_to_the_microsecond_alike() {
    let round = |nanosecond| match nanosecond {
        123_456_499 => 123_456_000,
        123_456_500 | 123_456_501 => 123_457_000,
        other => other,
    };
    for db in each().await {
        for nanosecond in [123_456_499, 123_456_500, 123_456_501] {
            for year in [1, 1969, 1999, 2026] {
                let at = |nanosecond| datetime(year, 5, 6, 7, 8, 9, nanosecond);
                let instant = |at: DateTime| at.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
                let new = NewSample {
                    time: Some(at(nanosecond).time()),
                    date_time: Some(at(nanosecond)),
                    instant: Some(instant(at(nanosecond))),
                    ..nothing()
                };
                let row = Sample::insert(db.engine(), new).await.unwrap();
                let expected = at(round(nanosecond));
                assert_eq!(row.time, Some(expected.time()), "{db}");
                assert_eq!(row.date_time, Some(expected), "{db}");
                assert_eq!(row.instant, Some(instant(expected)), "{db}");
            }
        }
        // The last half microsecond of a day has no time of day to be rounded up to.
        let late = time(23, 59, 59, 999_999_999);
        let new = NewSample { time: Some(late), date_time: Some(date(2026, 12, 31).to_datetime(late)), ..nothing() };
        let row = Sample::insert(db.engine(), new).await.unwrap();
        assert_eq!(row.time, Some(time(23, 59, 59, 999_999_000)), "{db}");
        assert_eq!(row.date_time, Some(datetime(2027, 1, 1, 0, 0, 0, 0)), "{db}");
    }
}

#[tokio::test]
async fn times_out_of_range_are_refused() {
    for db in each().await {
        for new in [
            NewSample { date: Some(Date::MIN), ..nothing() },
            NewSample { date_time: Some(DateTime::MIN), ..nothing() },
            NewSample { instant: Some(Timestamp::MIN), ..nothing() },
            // Rounded up, these are past what can be read.
            NewSample { date_time: Some(DateTime::MAX), ..nothing() },
            NewSample { instant: Some(Timestamp::MAX), ..nothing() },
        ] {
            let error = assert_kind(Sample::insert(db.engine(), new).await, ErrorKind::InvalidValue);
            assert!(error.to_string().contains("range"), "{db}: {error}");
        }
        assert_eq!(Sample::select().count(db.engine()).await.unwrap(), 0, "{db}");
    }
}

#[tokio::test]
async fn a_time_written_by_the_database_is_read() {
    for db in each().await {
        db.batch("INSERT INTO samples (date, time, date_time, instant) VALUES (CURRENT_DATE, CURRENT_TIME, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)").await;
        let row = Sample::select().first(db.engine()).await.unwrap().unwrap();
        let age = Timestamp::now().duration_since(row.instant.unwrap()).as_secs();
        assert!((-2..60).contains(&age), "{db}: {row:?}");
    }
}

#[tokio::test]
async fn decimals_keep_their_digits_and_their_scale() {
    let texts = [
        "-79228162514264337593543950335",
        "-1.50",
        "-0.0000000000000000000000000001",
        "0",
        "0.00",
        "0.0000000000000000000000000001",
        "0.1000",
        "1",
        "1.5",
        "1.50",
        "9.99",
        "10",
        "100",
        "12345678.90123456789",
        "7.9228162514264337593543950335",
        "10000.0001",
        "79228162514264337593543950335",
    ];
    for db in each().await {
        for text in texts {
            let decimal: Decimal = text.parse().unwrap();
            let row = Sample::insert(db.engine(), NewSample { decimal: Some(decimal), ..nothing() }).await.unwrap();
            assert_eq!(row.decimal.unwrap().to_string(), text, "{db}");
            let got = Sample::get(db.engine(), row.id).await.unwrap().unwrap();
            assert_eq!(got.decimal.unwrap().to_string(), text, "{db}");
        }
    }
}

/// Kept as text, decimals would be ordered as text: `10` before `9`. The collation `decimal` is the one that SQLite's
/// own shell has.
#[tokio::test]
async fn decimals_are_compared_as_numbers() {
    let values = ["-10", "-9.5", "-0.001", "0", "0.10", "0.9", "1", "9", "10", "10.5", "1000000000000000000000000.1"];
    for db in each().await {
        if db.is_sqlite() {
            db.batch("ALTER TABLE samples DROP COLUMN decimal").await;
            db.batch("ALTER TABLE samples ADD COLUMN decimal DECIMAL_TEXT COLLATE decimal").await;
        }
        for text in values.into_iter().rev() {
            let new = NewSample { decimal: Some(text.parse().unwrap()), ..nothing() };
            Sample::insert(db.engine(), new).await.unwrap();
        }
        let rows = Sample::select().order_by(Sample::DECIMAL.asc()).all(db.engine()).await.unwrap();
        let ordered: Vec<_> = rows.iter().map(|row| row.decimal.unwrap().to_string()).collect();
        assert_eq!(ordered, values, "{db}");
        let above = Sample::select().filter(Sample::DECIMAL.gt(Decimal::from(9))).count(db.engine()).await.unwrap();
        assert_eq!(above, 3, "{db}");
        let equal = Sample::select().filter(Sample::DECIMAL.eq("0.1".parse::<Decimal>().unwrap()));
        assert_eq!(equal.count(db.engine()).await.unwrap(), 1, "{db}");
    }
}

/// What other programs may have put there, the model's type cannot hold.
#[tokio::test]
async fn what_the_type_cannot_hold_names_the_column() {
    let cases = [
        ("int2", "70000", None),
        ("int4", "3000000000", None),
        ("int4", "'four'", None),
        ("truth", "2", None),
        ("text", "x'00ff'", None),
        ("date", "'yesterday'", Some("'infinity'")),
        ("date_time", "'2026-13-01 00:00:00'", Some("'infinity'")),
        ("instant", "'now'", Some("'-infinity'")),
        ("uuid", "'abc'", None),
        ("decimal", "'1e400'", Some("1e400")),
        ("decimal", "'NaN'", Some("'NaN'")),
        ("json", "'{'", None),
    ];
    for db in each().await {
        for (column, sqlite, postgres) in cases {
            let Some(value) = (if db.is_sqlite() { Some(sqlite) } else { postgres }) else { continue };
            db.batch(&format!("DELETE FROM samples; INSERT INTO samples ({column}) VALUES ({value})")).await;
            let error = assert_kind(Sample::select().all(db.engine()).await, ErrorKind::Mismatch);
            let start = format!("the column `{column}` does not hold what the model says: ");
            assert!(error.to_string().starts_with(&start), "{db}: {error}");
        }
    }
}

#[tokio::test]
async fn null_where_the_model_has_none_names_the_column() {
    for db in each().await {
        Sample::insert(db.engine(), nothing()).await.unwrap();
        let error = assert_kind(Strict::select().all(db.engine()).await, ErrorKind::Mismatch);
        assert_eq!(error.to_string(), "the column `int2` does not hold what the model says: it is NULL", "{db}");
    }
}

#[tokio::test]
async fn a_column_of_another_type_is_named() {
    for db in each().await {
        let row = &db.query(Statement::read("SELECT 'four' AS doors", [])).await.unwrap()[0];
        let error = assert_kind(row.get::<i32>(0), ErrorKind::Mismatch);
        assert!(error.to_string().contains("`doors`") && error.to_string().contains("text"), "{db}: {error}");
        let error = assert_kind(row.get::<String>(1), ErrorKind::Mismatch);
        assert_eq!(error.to_string(), "the row has 1 columns, there is none at index 1", "{db}");
    }
}

/// A program whose field is larger than the database's column.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "samples")]
struct Wide {
    #[model(primary_key)]
    id: i32,
    text: Option<String>,
    int4: Option<i64>,
}

/// SQLite's columns take any integer; there, the program that reads it says so.
#[tokio::test]
async fn a_number_that_the_column_cannot_hold_names_the_column() {
    for db in each().await {
        let result = Wide::insert(db.engine(), NewWide { text: None, int4: Some(3_000_000_000) }).await;
        if db.is_sqlite() {
            let id = result.unwrap().id;
            assert_kind(Sample::get(db.engine(), id).await, ErrorKind::Mismatch);
            continue;
        }
        let expected = "the value for the column `int4` of `samples` does not fit: 3000000000 does not fit 4 bytes";
        assert_eq!(assert_kind(result, ErrorKind::InvalidValue).to_string(), expected);
        assert_eq!(Wide::select().count(db.engine()).await.unwrap(), 0);
    }
}

/// Every kind of value can be bound to the statements that a program writes itself.
#[tokio::test]
async fn a_value_of_another_size_is_fitted_or_refused() {
    for db in each().await {
        let insert = |value: i64| Statement::write("INSERT INTO samples (int2) VALUES ($1)", [value.into()]);
        assert_eq!(db.execute(insert(7)).await.unwrap(), 1, "{db}");
        if !db.is_sqlite() {
            // SQLite's columns take any integer.
            assert_kind(db.execute(insert(70_000)).await, ErrorKind::InvalidValue);
        }
        let none = Json::Null;
        let row = Sample::insert(db.engine(), NewSample { json: Some(none), ..nothing() }).await.unwrap();
        assert!(row.json.is_none_or(|json| json.is_null()), "{db}");
    }
}
