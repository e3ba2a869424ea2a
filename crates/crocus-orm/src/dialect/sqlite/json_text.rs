//! Values as JSON text inside of a query: by a function of ours, which is the code that writes them outside of one.

use std::sync::Arc;

use rusqlite::functions::FunctionFlags;
use rusqlite::types::{Value as Stored, ValueRef};
use rusqlite::{Connection, Error};
use sea_query::SimpleExpr;

use crate::Dialect;
use crate::lower::Template;
use crate::row::Row;
use crate::table::ColumnType;
use crate::value::by_type;

/// Adds the function to a connection: `json_text(value, type)`.
pub(crate) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let pure = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let names: Arc<[String]> = Arc::new(["value".to_owned()]);
    connection.create_scalar_function("json_text", 2, pure, move |context| {
        let failed = |text: String| Error::UserFunctionError(text.into());
        let value = match context.get_raw(0) {
            ValueRef::Null => return Ok("null".to_owned()),
            value => Stored::try_from(value).map_err(|error| failed(error.to_string()))?,
        };
        let ty = by_name(context.get_raw(1).as_str()?).ok_or_else(|| failed("no such type".to_owned()))?;
        let row = Row::sqlite(Arc::clone(&names), vec![value]);
        by_type::json(&row, 0, ty).map(|json| json.to_string()).map_err(|error| failed(error.to_string()))
    })
}

/// A value of a type as JSON text.
pub(crate) fn value(node: SimpleExpr, ty: ColumnType) -> SimpleExpr {
    let mut sql = Template::new(Dialect::Sqlite);
    sql.text("json_text(").expr(node).text(&format!(", '{}')", name(ty)));
    sql.finish()
}

/// The types that the function knows by a name. One more is written beside them where there is one.
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

/// A type's name for the function. An enum's values are text.
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
