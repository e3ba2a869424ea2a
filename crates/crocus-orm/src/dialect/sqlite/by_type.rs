//! Values of a type that a query names, by functions of ours: they are the code that reads and writes such values
//! outside of a query.

use std::sync::Arc;

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{ToSqlOutput, Value as Stored, ValueRef};
use rusqlite::{Connection, Error, Result, ffi};
use sea_query::SimpleExpr;

use super::types;
use crate::Dialect;
use crate::lower::Template;
use crate::row::Row;
use crate::table::ColumnType;
use crate::value::by_type;

/// Adds the functions to a connection: `json_text(value, type)` and `read_text(text, type)`.
pub(crate) fn register(connection: &Connection) -> Result<()> {
    let pure = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let names: Arc<[String]> = Arc::new(["value".to_owned()]);
    connection.create_scalar_function("json_text", 2, pure, move |context| {
        let value = match context.get_raw(0) {
            ValueRef::Null => return Ok("null".to_owned()),
            value => Stored::try_from(value)?,
        };
        let row = Row::sqlite(Arc::clone(&names), vec![value]);
        let json = by_type::json(&row, 0, type_of(context)?);
        json.map(|json| json.to_string()).map_err(|error| Error::UserFunctionError(error.into()))
    })?;
    connection.create_scalar_function("read_text", 2, pure, |context| {
        let text = match context.get_raw(0) {
            ValueRef::Null => return Ok(Stored::Null),
            ValueRef::Integer(number) => number.to_string(),
            ValueRef::Real(number) => number.to_string(),
            ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text).into_owned(),
        };
        // A text beside the code would make another code of it.
        let unfit = || Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_MISMATCH), None);
        let value = by_type::from_text(text.trim(), type_of(context)?).map_err(|_| unfit())?;
        match types::to_sqlite(&value).map_err(|_| unfit())? {
            ToSqlOutput::Borrowed(value) => Ok(Stored::try_from(value)?),
            ToSqlOutput::Owned(value) => Ok(value),
            _ => Err(unfit()),
        }
    })
}

/// A value of a type as JSON text, which is `null` for NULL.
pub(crate) fn json(node: SimpleExpr, ty: ColumnType) -> SimpleExpr {
    called("json_text(", node, ty)
}

/// The value of a type that a text or a number is.
pub(crate) fn read(node: SimpleExpr, ty: ColumnType) -> SimpleExpr {
    called("read_text(", node, ty)
}

fn called(function: &str, node: SimpleExpr, ty: ColumnType) -> SimpleExpr {
    let mut sql = Template::new(Dialect::Sqlite);
    sql.text(function).expr(node).text(&format!(", '{}')", name(ty)));
    sql.finish()
}

fn type_of(context: &Context<'_>) -> Result<ColumnType> {
    let name = context.get_raw(1).as_str()?;
    by_name(name).ok_or_else(|| Error::UserFunctionError(format!("there is no type {name:?}").into()))
}

/// The types by the names that the functions know, each with the array of it.
const TYPES: &[(&str, ColumnType, ColumnType)] = &[
    ("smallint", ColumnType::SmallInteger, ColumnType::Array(&ColumnType::SmallInteger)),
    ("integer", ColumnType::Integer, ColumnType::Array(&ColumnType::Integer)),
    ("bigint", ColumnType::BigInteger, ColumnType::Array(&ColumnType::BigInteger)),
    ("double", ColumnType::Double, ColumnType::Array(&ColumnType::Double)),
    ("boolean", ColumnType::Boolean, ColumnType::Array(&ColumnType::Boolean)),
    ("text", ColumnType::Text, ColumnType::Array(&ColumnType::Text)),
    ("binary", ColumnType::Binary, ColumnType::Array(&ColumnType::Binary)),
    ("date", ColumnType::Date, ColumnType::Array(&ColumnType::Date)),
    ("time", ColumnType::Time, ColumnType::Array(&ColumnType::Time)),
    ("datetime", ColumnType::DateTime, ColumnType::Array(&ColumnType::DateTime)),
    ("timestamp", ColumnType::Timestamp, ColumnType::Array(&ColumnType::Timestamp)),
    ("uuid", ColumnType::Uuid, ColumnType::Array(&ColumnType::Uuid)),
    ("decimal", ColumnType::Decimal, ColumnType::Array(&ColumnType::Decimal)),
    ("json", ColumnType::Json, ColumnType::Array(&ColumnType::Json)),
];

/// A type's name for the functions. An enum's values are text.
fn name(ty: ColumnType) -> String {
    let of = |ty: ColumnType| {
        let ty = if matches!(ty, ColumnType::Enum(_)) { ColumnType::Text } else { ty };
        TYPES.iter().find(|(_, one, _)| *one == ty).map_or("text", |(name, ..)| *name)
    };
    match ty {
        ColumnType::Array(item) => format!("{}[]", of(*item)),
        ty => of(ty).to_owned(),
    }
}

fn by_name(name: &str) -> Option<ColumnType> {
    let named = |name: &str| TYPES.iter().find(|(one, ..)| *one == name);
    match name.strip_suffix("[]") {
        Some(item) => named(item).map(|(_, _, array)| *array),
        None => named(name).map(|(_, ty, _)| *ty),
    }
}
