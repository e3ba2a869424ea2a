//! Values of a type that is known only when the program runs: read from a row, and to and from JSON.

use serde_json::Value as Json;

use super::array::Sparse;
use super::{ColumnValue, Value, array_text, invalid};
use crate::dialect::postgres::types::Plain;
use crate::json::Rule;
use crate::row::Row;
use crate::table::ColumnType;
use crate::{Error, ErrorKind, Result};

/// The Rust type behind each column type, for what is done alike with all of them.
macro_rules! with_type {
    ($ty:expr, $T:ident => $body:expr, otherwise: $otherwise:expr) => {
        match $ty {
            ColumnType::SmallInteger => {
                type $T = i16;
                $body
            }
            ColumnType::Integer => {
                type $T = i32;
                $body
            }
            ColumnType::BigInteger => {
                type $T = i64;
                $body
            }
            ColumnType::Double => {
                type $T = f64;
                $body
            }
            ColumnType::Boolean => {
                type $T = bool;
                $body
            }
            ColumnType::Text | ColumnType::Enum(_) => {
                type $T = String;
                $body
            }
            ColumnType::Binary => {
                type $T = Vec<u8>;
                $body
            }
            #[cfg(feature = "time")]
            ColumnType::Date => {
                type $T = jiff::civil::Date;
                $body
            }
            #[cfg(feature = "time")]
            ColumnType::Time => {
                type $T = jiff::civil::Time;
                $body
            }
            #[cfg(feature = "time")]
            ColumnType::DateTime => {
                type $T = jiff::civil::DateTime;
                $body
            }
            #[cfg(feature = "time")]
            ColumnType::Timestamp => {
                type $T = jiff::Timestamp;
                $body
            }
            #[cfg(feature = "uuid")]
            ColumnType::Uuid => {
                type $T = uuid::Uuid;
                $body
            }
            #[cfg(feature = "decimal")]
            ColumnType::Decimal => {
                type $T = rust_decimal::Decimal;
                $body
            }
            _ => $otherwise,
        }
    };
}

/// Reads the value at `index` of a row. A NULL is a value without one.
///
/// # Errors
/// When the column holds something else, or values of the type have no order.
pub(crate) fn read(row: &Row, index: usize, ty: ColumnType) -> Result<Value> {
    with_type!(ty, T => Option::<T>::from_row(row, index).map(ColumnValue::into_value), otherwise: {
        let text = format!("a page cannot begin after a value of the type {ty:?}");
        Err(Error::new(ErrorKind::InvalidQuery, text).with_hint("order by columns of numbers, texts or times"))
    })
}

/// The value at `index` of a row, of any type. A NULL is a value without one.
///
/// # Errors
/// When the column holds something else.
pub(crate) fn any(row: &Row, index: usize, ty: ColumnType) -> Result<Value> {
    match ty {
        ColumnType::Json => Option::<Json>::from_row(row, index).map(ColumnValue::into_value),
        ColumnType::Array(of) => {
            with_type!(*of, T => Option::<Vec<T>>::from_row(row, index).map(ColumnValue::into_value),
                       otherwise: Err(lacks(ty)))
        }
        ty => with_type!(ty, T => Option::<T>::from_row(row, index).map(ColumnValue::into_value),
                         otherwise: Err(lacks(ty))),
    }
}

/// The value at `index` of a row as JSON, of any type: what `FromJson` reads again, and NULL as `null`.
///
/// # Errors
/// When the column holds something else.
pub(crate) fn json(row: &Row, index: usize, ty: ColumnType) -> Result<Json> {
    if row.is_null(index) {
        return Ok(Json::Null);
    }
    match ty {
        ColumnType::Json => Json::from_row(row, index),
        ColumnType::Array(of) => with_type!(*of, T => {
            let Sparse::<T>(items) = row.decode(index)?;
            items.into_iter().map(|item| item.map_or(Ok(Json::Null), |item| to_json(&item.into_value()))).collect()
        }, otherwise: Err(lacks(ty))),
        ty => with_type!(ty, T => to_json(&T::from_row(row, index)?.into_value()), otherwise: Err(lacks(ty))),
    }
}

/// Writes the value at `index` of a row as JSON text: that of [`json`], without the detour.
///
/// # Errors
/// When the column holds something else.
pub(crate) fn write(row: &Row, index: usize, ty: ColumnType, text: &mut Vec<u8>) -> Result<()> {
    match (ty, row.plain(index)) {
        (ColumnType::Integer, Plain::Int(number)) => write_json(text, &number),
        (ColumnType::Text, Plain::Text(plain)) => {
            text.reserve(plain.len() + 2);
            text.push(b'"');
            text.extend_from_slice(plain);
            text.push(b'"');
        }
        (ColumnType::BigInteger, Plain::BigInt(number)) => write_json(text, &number),
        (ColumnType::SmallInteger, Plain::SmallInt(number)) => write_json(text, &number),
        (ColumnType::Boolean, Plain::Bool(truth)) => write_json(text, &truth),
        (_, Plain::Null) => text.extend_from_slice(NULL),
        _ => return write_other(row, index, ty, text),
    }
    Ok(())
}

fn write_other(row: &Row, index: usize, ty: ColumnType, text: &mut Vec<u8>) -> Result<()> {
    match ty {
        ColumnType::Text | ColumnType::Enum(_) => match row.text(index)? {
            Some(value) => write_json(text, &*value),
            None => text.extend_from_slice(NULL),
        },
        ColumnType::Json | ColumnType::Array(_) => write_json(text, &json(row, index, ty)?),
        ty => with_type!(ty, T => match Option::<T>::from_row(row, index)? {
            Some(value) => write_value(text, &value.into_value())?,
            None => text.extend_from_slice(NULL),
        }, otherwise: return Err(lacks(ty))),
    }
    Ok(())
}

/// Writes these values of a row as the text of a JSON array.
///
/// # Errors
/// When a column holds something else.
pub(crate) fn write_all(row: &Row, columns: impl IntoIterator<Item = (usize, ColumnType)>) -> Result<Vec<u8>> {
    let mut text = Vec::with_capacity(128);
    text.push(b'[');
    for (place, (index, ty)) in columns.into_iter().enumerate() {
        if place > 0 {
            text.push(b',');
        }
        write(row, index, ty, &mut text)?;
    }
    text.push(b']');
    Ok(text)
}

const NULL: &[u8] = b"null";

fn write_value(text: &mut Vec<u8>, value: &Value) -> Result<()> {
    match value {
        Value::SmallInt(Some(number)) => write_json(text, number),
        Value::Int(Some(number)) => write_json(text, number),
        Value::BigInt(Some(number)) => write_json(text, number),
        Value::Double(Some(number)) if number.is_finite() => write_json(text, number),
        Value::Bool(Some(truth)) => write_json(text, truth),
        value => write_json(text, &to_json(value)?),
    }
    Ok(())
}

pub(crate) fn write_json(text: &mut Vec<u8>, value: &(impl serde::Serialize + ?Sized)) {
    // Neither memory nor values, texts and documents refuse to be written.
    drop(serde_json::to_writer(text, value));
}

fn lacks(ty: ColumnType) -> Error {
    Error::new(ErrorKind::InvalidQuery, format!("values of the type {ty:?} cannot be read without a model"))
}

/// Reads a value from plain text, as a URL has it: numbers, truth values and documents as JSON writes them, all else as
/// in JSON's strings.
///
/// # Errors
/// The rule that the text breaks.
pub(crate) fn from_text(text: &str, ty: ColumnType) -> Result<Value, Rule> {
    let read = || serde_json::from_str::<Json>(text).ok();
    match ty {
        ColumnType::SmallInteger | ColumnType::Integer | ColumnType::BigInteger => {
            from_json(read().filter(Json::is_number).ok_or("must be an integer")?, ty)
        }
        // JSON has no number for all of them.
        ColumnType::Double => match text.parse::<f64>() {
            Ok(number) => Ok(number.into_value()),
            Err(_) => Err("must be a number".into()),
        },
        ColumnType::Boolean => from_json(read().filter(Json::is_boolean).ok_or("must be true or false")?, ty),
        ColumnType::Json => read().map(ColumnValue::into_value).ok_or("must be JSON".into()),
        ColumnType::Array(of) => array(text, *of),
        ColumnType::Enum(of) if !of.values.contains(&text) => Err(of.unknown(text).into()),
        ty => from_json(Json::String(text.to_owned()), ty),
    }
}

/// Reads an array of values of a type, as JSON or PostgreSQL writes it. No item is NULL.
fn array(text: &str, of: ColumnType) -> Result<Value, Rule> {
    let values: Vec<Result<Value, Rule>> = match serde_json::from_str::<Json>(text) {
        Ok(Json::Array(items)) => items
            .into_iter()
            .map(|item| match (item, of) {
                (Json::String(text), ColumnType::Enum(_)) => from_text(&text, of),
                (item, of) => from_json(item, of),
            })
            .collect(),
        _ => {
            let item = |item: Option<String>| item.map_or(Err("must not be NULL".into()), |text| from_text(&text, of));
            array_text::items(text)?.into_iter().map(item).collect()
        }
    };
    let item = |(index, value): (usize, Result<Value, Rule>)| match value {
        Ok(value) if is_null(&value) => Err(format!("item {index} must not be NULL").into()),
        Ok(value) => Ok(value),
        Err(rule) => Err(format!("item {index} {rule}").into()),
    };
    let values = values.into_iter().enumerate().map(item).collect::<Result<Vec<_>, Rule>>()?;
    let none =
        with_type!(of, T => <Vec<T> as ColumnValue>::null(), otherwise: return Err("has items without a type".into()));
    match none {
        Value::Array(ty, _) => Ok(Value::Array(ty, Some(Box::new(values)))),
        none => Ok(none),
    }
}

/// Reads a value from what [`to_json`] made of it.
pub(crate) fn from_json(json: Json, ty: ColumnType) -> Result<Value, Rule> {
    with_type!(ty, T => match (json, ty) {
        // JSON has no number for them.
        (Json::String(text), ColumnType::Double) => {
            text.parse::<f64>().map(|number| number.into_value()).map_err(|_| "must be a number".into())
        }
        (json, _) => Option::<T>::from_json(json).map(ColumnValue::into_value),
    }, otherwise: Err("has a type without an order".into()))
}

/// The value as JSON, without loss.
pub(crate) fn to_json(value: &Value) -> Result<Json> {
    Ok(match value {
        Value::SmallInt(Some(number)) => (*number).into(),
        Value::Int(Some(number)) => (*number).into(),
        Value::BigInt(Some(number)) => (*number).into(),
        Value::Double(Some(number)) if number.is_finite() => (*number).into(),
        Value::Double(Some(number)) => number.to_string().into(),
        Value::Bool(Some(truth)) => (*truth).into(),
        Value::String(Some(text)) => text.as_str().into(),
        Value::Bytes(Some(bytes)) => hexadecimal(bytes).into(),
        #[cfg(feature = "time")]
        Value::JiffDate(Some(date)) => date.to_string().into(),
        #[cfg(feature = "time")]
        Value::JiffTime(Some(time)) => time.to_string().into(),
        #[cfg(feature = "time")]
        Value::JiffDateTime(Some(at)) => at.to_string().into(),
        #[cfg(feature = "time")]
        Value::JiffTimestamp(Some(at)) => at.to_string().into(),
        #[cfg(feature = "uuid")]
        Value::Uuid(Some(uuid)) => uuid.to_string().into(),
        #[cfg(feature = "decimal")]
        Value::Decimal(Some(decimal)) => decimal.to_string().into(),
        value if is_null(value) => Json::Null,
        value => return Err(invalid(format!("{value:?} has no place in a cursor"))),
    })
}

/// Two digits a byte.
fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    digits.map(char::from).collect()
}

/// Whether the value is NULL.
pub(crate) fn is_null(value: &Value) -> bool {
    *value == value.as_null()
}
