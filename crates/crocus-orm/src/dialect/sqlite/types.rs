//! Values to and from SQLite's five storage classes.
//!
//! Booleans are 0 and 1. Dates, times, UUIDs, decimals and JSON are text: dates and times in one fixed width, so that
//! text order is time order ("Date And Time Functions" reads the same forms).

use rusqlite::types::{ToSqlOutput, Value as Stored, ValueRef};
use sea_query::Value;

use crate::Result;
use crate::dialect::postgres;
#[cfg(feature = "time")]
use crate::value::microseconds;
use crate::value::{FromColumn, check_json, check_text, invalid, is_null, shown};

/// What is bound for a value.
pub(crate) fn to_sqlite(value: &Value) -> Result<ToSqlOutput<'_>> {
    let borrowed = |value| Ok(ToSqlOutput::Borrowed(value));
    let text = |text: String| Ok(ToSqlOutput::Owned(Stored::Text(text)));
    let integer = |number: i64| borrowed(ValueRef::Integer(number));
    match value {
        Value::Bool(Some(truth)) => integer(i64::from(*truth)),
        Value::TinyInt(Some(number)) => integer(i64::from(*number)),
        Value::SmallInt(Some(number)) => integer(i64::from(*number)),
        Value::Int(Some(number)) => integer(i64::from(*number)),
        Value::BigInt(Some(number)) => integer(*number),
        Value::TinyUnsigned(Some(number)) => integer(i64::from(*number)),
        Value::SmallUnsigned(Some(number)) => integer(i64::from(*number)),
        Value::Unsigned(Some(number)) => integer(i64::from(*number)),
        Value::BigUnsigned(Some(number)) => {
            integer(i64::try_from(*number).map_err(|_| invalid(format!("{number} does not fit 8 bytes")))?)
        }
        Value::Float(Some(number)) => real(f64::from(*number)),
        Value::Double(Some(number)) => real(*number),
        Value::String(Some(string)) => {
            check_text(string)?;
            borrowed(ValueRef::Text(string.as_bytes()))
        }
        Value::Enum(sea_query::OptionEnum::Some(value)) => text(value.value.clone().into_owned()),
        Value::Char(Some(character)) => text(character.to_string()),
        Value::Bytes(Some(bytes)) => borrowed(ValueRef::Blob(bytes)),
        Value::Json(Some(json)) => {
            check_json(json)?;
            text(json.to_string())
        }
        Value::Array(_, Some(items)) => {
            let items = items.iter().map(json).collect::<Result<Vec<_>>>()?;
            text(serde_json::Value::Array(items).to_string())
        }
        #[cfg(feature = "time")]
        Value::JiffDate(Some(date)) => text(in_order(*date)?.to_string()),
        #[cfg(feature = "time")]
        Value::JiffTime(Some(time)) => text(format!("{:.6}", microseconds::time(*time))),
        #[cfg(feature = "time")]
        Value::JiffDateTime(Some(at)) => {
            let at = microseconds::date_time(**at)?;
            text(format!("{} {:.6}", in_order(at.date())?, at.time()))
        }
        #[cfg(feature = "time")]
        Value::JiffTimestamp(Some(at)) => {
            let at = microseconds::timestamp(**at)?.to_zoned(jiff::tz::TimeZone::UTC).datetime();
            text(format!("{} {:.6}Z", in_order(at.date())?, at.time()))
        }
        #[cfg(feature = "uuid")]
        Value::Uuid(Some(uuid)) => text(uuid.hyphenated().to_string()),
        #[cfg(feature = "decimal")]
        Value::Decimal(Some(decimal)) => text(decimal.to_string()),
        // Every variant that holds `None`.
        _ => borrowed(ValueRef::Null),
    }
}

/// An item of a list, in the form that `ColumnValue::from_json` reads.
fn json(item: &Value) -> Result<serde_json::Value> {
    if let Value::Bool(Some(truth)) = item {
        return Ok((*truth).into());
    }
    Ok(match to_sqlite(item)? {
        ToSqlOutput::Borrowed(ValueRef::Integer(number)) => number.into(),
        ToSqlOutput::Borrowed(ValueRef::Real(number)) => serde_json::Number::from_f64(number)
            .ok_or_else(|| invalid(format!("a list in SQLite cannot store {number}")))?
            .into(),
        ToSqlOutput::Borrowed(ValueRef::Text(text)) => String::from_utf8_lossy(text).into(),
        ToSqlOutput::Owned(Stored::Text(text)) => text.into(),
        ToSqlOutput::Borrowed(ValueRef::Blob(bytes)) => shown(&Value::Bytes(Some(bytes.to_vec()))).into(),
        _ => return Err(invalid("a list holds no NULL")),
    })
}

/// SQLite stores NaN as NULL without a word; a NOT NULL column would then blame the wrong thing.
fn real(number: f64) -> Result<ToSqlOutput<'static>> {
    if number.is_nan() {
        return Err(invalid("SQLite cannot store NaN"));
    }
    Ok(ToSqlOutput::Borrowed(ValueRef::Real(number)))
}

/// Text order is time order only from the year 0 on, and SQLite's own functions know no years before either.
#[cfg(feature = "time")]
fn in_order(date: jiff::civil::Date) -> Result<jiff::civil::Date> {
    if date.year() < 0 {
        return Err(invalid(format!("the date {date} is out of SQLite's range, which starts at the year 0")));
    }
    Ok(date)
}

impl<T: FromColumn> FromColumn for Option<T> {
    fn from_sqlite(value: &Stored) -> Result<Self, String> {
        match value {
            Stored::Null => Ok(None),
            value => T::from_sqlite(value).map(Some),
        }
    }

    fn from_postgres(row: &tokio_postgres::Row, index: usize) -> Result<Self, tokio_postgres::Error> {
        if postgres::types::is_null(row, index) { Ok(None) } else { T::from_postgres(row, index).map(Some) }
    }

    fn from_value(value: &Value) -> Result<Self, String> {
        if is_null(value) { Ok(None) } else { T::from_value(value).map(Some) }
    }
}

impl FromColumn for String {
    fn from_sqlite(value: &Stored) -> Result<Self, String> {
        text(value).map(str::to_owned)
    }

    fn from_postgres(row: &tokio_postgres::Row, index: usize) -> Result<Self, tokio_postgres::Error> {
        row.try_get(index).map(|postgres::types::Text(text)| text)
    }

    fn from_value(value: &Value) -> Result<Self, String> {
        plain(value)
    }
}

/// Each type's reading of SQLite's storage classes. PostgreSQL's is the driver's own (`postgres/types.rs` binds).
macro_rules! from_column {
    ($($(#[$cfg:meta])? $type:ty: $value:ident => $sqlite:expr;)*) => {$(
        $(#[$cfg])?
        impl FromColumn for $type {
            fn from_sqlite($value: &Stored) -> Result<Self, String> {
                $sqlite
            }

            fn from_postgres(row: &tokio_postgres::Row, index: usize) -> Result<Self, tokio_postgres::Error> {
                row.try_get(index)
            }

            fn from_value(value: &Value) -> Result<Self, String> {
                plain(value)
            }
        }
    )*};
}

from_column! {
    i16: value => integer(value)?.try_into().map_err(|_| "the number does not fit 2 bytes".to_owned());
    i32: value => integer(value)?.try_into().map_err(|_| "the number does not fit 4 bytes".to_owned());
    i64: value => integer(value);
    bool: value => match integer(value)? {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(format!("{other} is neither 0 nor 1")),
    };
    f64: value => match value {
        Stored::Real(number) => Ok(*number),
        // A column without REAL affinity keeps 4.0 as 4.
        Stored::Integer(number) => Ok(*number as f64),
        other => Err(mismatch(other, "a number")),
    };
    Vec<u8>: value => match value {
        Stored::Blob(bytes) => Ok(bytes.clone()),
        Stored::Text(text) => Ok(text.clone().into_bytes()),
        other => Err(mismatch(other, "bytes")),
    };
    serde_json::Value: value => serde_json::from_str(text(value)?).map_err(|error| error.to_string());
    #[cfg(feature = "time")] jiff::civil::Date: value => parsed(value);
    #[cfg(feature = "time")] jiff::civil::Time: value => parsed(value);
    #[cfg(feature = "time")] jiff::civil::DateTime: value => parsed(value);
    #[cfg(feature = "time")] jiff::Timestamp: value => {
        // `CURRENT_TIMESTAMP` is UTC and does not say so.
        let text = text(value)?;
        text.parse::<jiff::Timestamp>()
            .or_else(|_| format!("{text}Z").parse())
            .map_err(|error| error.to_string())
    };
    #[cfg(feature = "uuid")] uuid::Uuid: value => match value {
        Stored::Blob(bytes) => uuid::Uuid::from_slice(bytes).map_err(|error| error.to_string()),
        value => parsed(value),
    };
    #[cfg(feature = "decimal")] rust_decimal::Decimal: value => match value {
        Stored::Integer(number) => Ok((*number).into()),
        value => parsed(value),
    };
}

/// What a value that was to be bound holds, where it is of the type.
fn plain<T: sea_query::ValueType>(value: &Value) -> Result<T, String> {
    let unfit = |_| if is_null(value) { "it is NULL" } else { "it is of another type" }.to_owned();
    T::try_from(value.clone()).map_err(unfit)
}

fn integer(value: &Stored) -> Result<i64, String> {
    match value {
        Stored::Integer(number) => Ok(*number),
        other => Err(mismatch(other, "an integer")),
    }
}

fn text(value: &Stored) -> Result<&str, String> {
    match value {
        Stored::Text(text) => Ok(text),
        other => Err(mismatch(other, "text")),
    }
}

#[cfg(any(feature = "time", feature = "uuid", feature = "decimal"))]
fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(value: &Stored) -> Result<T, String> {
    text(value)?.parse().map_err(|error: T::Err| error.to_string())
}

fn mismatch(value: &Stored, wanted: &str) -> String {
    let found = match value {
        Stored::Null => return "it is NULL".to_owned(),
        Stored::Integer(_) => "an integer",
        Stored::Real(_) => "a real number",
        Stored::Text(_) => "text",
        Stored::Blob(_) => "a blob",
    };
    format!("it is {found}, not {wanted}")
}
