//! Rust types as column values: what a field of a model may be.

use crate::json::Rule;
use crate::row::Row;
use crate::table::ColumnType;
use crate::{Error, Result};

mod array;
mod array_text;
pub(crate) mod by_type;
mod json;
mod new_type;

pub use self::array::ArrayItem;
pub use self::json::Json;
pub use self::new_type::NewType;

/// A value bound to a statement. Each variant holds `None` for NULL.
pub use sea_query::Value;

/// A Rust type that a column can hold.
///
/// Implemented for `i16`, `i32`, `i64`, `f64`, `bool`, `String`, `Vec<u8>`, `serde_json::Value`, [`Json`] of what serde
/// can write, `Vec` of an [`ArrayItem`], and `Option` of each; with the features of the same names for `jiff`'s date and
/// time types (`time`), `uuid::Uuid` (`uuid`) and `rust_decimal::Decimal` (`decimal`). A program's own types join them
/// with `derive(DbEnum)` or [`NewType`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type that a column can hold",
    label = "not a column type",
    note = "column types are i16, i32, i64, f64, bool, String, Vec<u8>, serde_json::Value, Vec<T>, Json<T>, and Option<T> of each",
    note = "jiff's Date, Time, DateTime and Timestamp need crocus's feature `time`; Uuid needs `uuid`; Decimal needs `decimal`",
    note = "a type of your own becomes one with `derive(DbEnum)` or `impl NewType`"
)]
pub trait ColumnValue: Sized + Clone + Send + Sync + 'static {
    /// The column's type.
    const TYPE: ColumnType;
    /// Whether the column can be NULL.
    const NULLABLE: bool = false;
    /// What it holds when it is not NULL: `T` for an `Option<T>`, and otherwise itself.
    type Base: ColumnValue;

    /// The value to bind.
    fn into_value(self) -> Value;

    /// NULL, as it is bound where the column can be NULL.
    fn null() -> Value;

    /// Reads the value at `index` of a row.
    ///
    /// # Errors
    /// When the column is NULL and the type is not an `Option`, or holds something that the type cannot.
    fn from_row(row: &Row, index: usize) -> Result<Self>;

    /// Reads the value from JSON.
    ///
    /// # Errors
    /// The rule that the JSON value breaks, such as ``must be an integer``.
    fn from_json(json: serde_json::Value) -> Result<Self, Rule>;
}

/// What each dialect's `types.rs` provides for a type: reading it from the driver's row.
pub(crate) trait FromColumn: Sized {
    /// Reads from SQLite's storage classes.
    fn from_sqlite(value: &rusqlite::types::Value) -> Result<Self, String>;
    /// Reads from PostgreSQL's binary format.
    fn from_postgres(row: &tokio_postgres::Row, index: usize) -> Result<Self, tokio_postgres::Error>;
    /// Takes back what was to be bound.
    fn from_value(value: &Value) -> Result<Self, String>;
}

macro_rules! column_values {
    ($($(#[$cfg:meta])? $type:ty => $column_type:ident;)*) => {$(
        $(#[$cfg])?
        impl ColumnValue for $type {
            type Base = $type;

            const TYPE: ColumnType = ColumnType::$column_type;

            fn into_value(self) -> Value {
                Value::from(self)
            }

            fn null() -> Value {
                Value::from(None::<$type>)
            }

            fn from_row(row: &Row, index: usize) -> Result<Self> {
                row.decode(index)
            }

            fn from_json(json: serde_json::Value) -> Result<Self, Rule> {
                crate::json::FromJsonValue::from_json_value(json)
            }
        }

        // Not one implementation for every `Option<T>`: its bounds would each be reported for a type that is none.
        $(#[$cfg])?
        impl ColumnValue for Option<$type> {
            type Base = $type;

            const TYPE: ColumnType = ColumnType::$column_type;
            const NULLABLE: bool = true;

            fn into_value(self) -> Value {
                Value::from(self)
            }

            fn null() -> Value {
                Value::from(None::<$type>)
            }

            fn from_row(row: &Row, index: usize) -> Result<Self> {
                row.decode(index)
            }

            fn from_json(json: serde_json::Value) -> Result<Self, Rule> {
                match json {
                    serde_json::Value::Null => Ok(None),
                    json => <$type>::from_json(json).map(Some),
                }
            }
        }
    )*};
}

column_values! {
    i16 => SmallInteger;
    i32 => Integer;
    i64 => BigInteger;
    f64 => Double;
    bool => Boolean;
    String => Text;
    Vec<u8> => Binary;
    serde_json::Value => Json;
    #[cfg(feature = "time")] jiff::civil::Date => Date;
    #[cfg(feature = "time")] jiff::civil::Time => Time;
    #[cfg(feature = "time")] jiff::civil::DateTime => DateTime;
    #[cfg(feature = "time")] jiff::Timestamp => Timestamp;
    #[cfg(feature = "uuid")] uuid::Uuid => Uuid;
    #[cfg(feature = "decimal")] rust_decimal::Decimal => Decimal;
}

/// The text that a person sees for a value, as in "no car with id 7".
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::SmallInt(Some(n)) => n.to_string(),
        Value::Int(Some(n)) => n.to_string(),
        Value::BigInt(Some(n)) => n.to_string(),
        Value::Bool(Some(truth)) => truth.to_string(),
        Value::String(Some(text)) => format!("{text:?}"),
        Value::Bytes(Some(bytes)) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        #[cfg(feature = "time")]
        Value::JiffDate(Some(date)) => date.to_string(),
        #[cfg(feature = "time")]
        Value::JiffTimestamp(Some(timestamp)) => timestamp.to_string(),
        #[cfg(feature = "uuid")]
        Value::Uuid(Some(uuid)) => uuid.to_string(),
        #[cfg(feature = "decimal")]
        Value::Decimal(Some(decimal)) => decimal.to_string(),
        other => format!("{other:?}"),
    }
}

/// Whether a value is NULL.
pub(crate) fn is_null(value: &Value) -> bool {
    *value == value.as_null()
}

/// Whether two values of a column are the same. Unlike in arithmetic, NaN is what it is.
pub(crate) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Double(Some(one)), Value::Double(Some(other))) if one.is_nan() => other.is_nan(),
        (Value::Array(_, Some(ones)), Value::Array(_, Some(others))) => {
            ones.len() == others.len() && ones.iter().zip(others.iter()).all(|(one, other)| same(one, other))
        }
        _ => one == other,
    }
}

/// The member of a JSON object that says why a value cannot be written: a name that no other object has on its way to a
/// database.
const UNWRITABLE: &str = "\0unwritable";

/// A JSON value that [`check_json`] refuses when it is bound, since making values does not fail.
fn unwritable(reason: String) -> Value {
    Value::from(serde_json::json!({ UNWRITABLE: reason }))
}

/// Refuses text that PostgreSQL cannot hold ("Character Types") and at which SQLite's own functions stop: one rule on
/// both.
pub(crate) fn check_text(text: &str) -> Result<()> {
    if text.contains('\0') { Err(invalid("text must not contain the character U+0000")) } else { Ok(()) }
}

/// The same for every text inside a JSON value ("JSON Types").
pub(crate) fn check_json(json: &serde_json::Value) -> Result<()> {
    match json {
        serde_json::Value::String(text) => check_text(text),
        serde_json::Value::Array(items) => items.iter().try_for_each(check_json),
        serde_json::Value::Object(members) => {
            if let Some(serde_json::Value::String(reason)) = members.get(UNWRITABLE) {
                return Err(invalid(reason));
            }
            members.iter().try_for_each(|(name, value)| check_text(name).and_then(|()| check_json(value)))
        }
        _ => Ok(()),
    }
}

/// Times as every dialect keeps them: to the microsecond, halves rounded up.
#[cfg(feature = "time")]
pub(crate) mod microseconds {
    use jiff::civil::{DateTime, Time};
    use jiff::tz::TimeZone;
    use jiff::{Timestamp, Unit};

    use super::invalid;
    use crate::Result;

    const LAST: Time = Time::constant(23, 59, 59, 999_999_000);

    /// A time that would be rounded up to the next day's midnight stays the last of its own day.
    pub(crate) fn time(time: Time) -> Time {
        if time > LAST { LAST } else { time.round(Unit::Microsecond).unwrap_or(LAST) }
    }

    pub(crate) fn date_time(at: DateTime) -> Result<DateTime> {
        at.round(Unit::Microsecond).map_err(|_| invalid(format!("{at} is out of range")))
    }

    pub(crate) fn timestamp(at: Timestamp) -> Result<Timestamp> {
        // As a civil time, since a timestamp by itself is rounded away from 1970.
        date_time(at.to_zoned(TimeZone::UTC).datetime())?
            .to_zoned(TimeZone::UTC)
            .map(|at| at.timestamp())
            .map_err(|_| invalid(format!("{at} is out of range")))
    }
}

/// An error for a value that a driver or the database cannot take.
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(crate::ErrorKind::InvalidValue, message)
}
