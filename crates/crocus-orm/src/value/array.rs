//! Lists of values in one column: arrays on PostgreSQL, JSON on SQLite.

use tokio_postgres::types::{FromSql, Type};

use super::{ColumnValue, FromColumn, NewType, Value};
use crate::Result;
use crate::dialect::postgres;
use crate::json::Rule;
use crate::row::Row;
use crate::table::ColumnType;

/// A type that a `Vec` can hold in a column: `i16`, `i32`, `i64`, `f64`, `bool`, `String`, `Vec<u8>`, the types of the
/// features `time`, `uuid` and `decimal`, and every [`NewType`] of one of them.
///
/// No item is NULL: reading an array that has one is an error.
#[diagnostic::on_unimplemented(
    message = "a list in a column cannot hold `{Self}`",
    label = "not a type for the items of a list",
    note = "use `Json<T>` for anything that serde can write"
)]
pub trait ArrayItem: ColumnValue + Element {}

type BoxError = Box<dyn std::error::Error + Sync + Send>;

/// How an item is read from PostgreSQL. It cannot be implemented elsewhere.
pub trait Element: Sized {
    /// What sea-query calls the type.
    fn array_type() -> sea_query::ArrayType;
    /// Whether the item can be read from this type.
    fn accepts(ty: &Type) -> bool;
    /// Reads the item.
    fn from_sql(ty: &Type, raw: &[u8]) -> Result<Self, BoxError>;
}

macro_rules! array_items {
    ($($(#[$cfg:meta])? $type:ty;)*) => {$(
        $(#[$cfg])?
        impl Element for $type {
            fn array_type() -> sea_query::ArrayType {
                <$type as sea_query::ValueType>::array_type()
            }

            fn accepts(ty: &Type) -> bool {
                <$type as FromSql>::accepts(ty)
            }

            fn from_sql(ty: &Type, raw: &[u8]) -> Result<Self, BoxError> {
                <$type as FromSql>::from_sql(ty, raw)
            }
        }

        $(#[$cfg])?
        impl ArrayItem for $type {}
    )*};
}

array_items! {
    i16;
    i32;
    i64;
    f64;
    bool;
    Vec<u8>;
    #[cfg(feature = "time")] jiff::civil::Date;
    #[cfg(feature = "time")] jiff::civil::Time;
    #[cfg(feature = "time")] jiff::civil::DateTime;
    #[cfg(feature = "time")] jiff::Timestamp;
    #[cfg(feature = "uuid")] uuid::Uuid;
    #[cfg(feature = "decimal")] rust_decimal::Decimal;
}

impl Element for String {
    fn array_type() -> sea_query::ArrayType {
        sea_query::ArrayType::String
    }

    fn accepts(ty: &Type) -> bool {
        postgres::types::Text::accepts(ty)
    }

    fn from_sql(ty: &Type, raw: &[u8]) -> Result<Self, BoxError> {
        postgres::types::Text::from_sql(ty, raw).map(|text| text.0)
    }
}

impl ArrayItem for String {}

impl<T: NewType<Inner: Element>> Element for T {
    fn array_type() -> sea_query::ArrayType {
        T::Inner::array_type()
    }

    fn accepts(ty: &Type) -> bool {
        T::Inner::accepts(ty)
    }

    fn from_sql(ty: &Type, raw: &[u8]) -> Result<Self, BoxError> {
        T::from_inner(T::Inner::from_sql(ty, raw)?).map_err(BoxError::from)
    }
}

impl<T: NewType<Inner: ArrayItem>> ArrayItem for T {}

impl<T: ArrayItem> ColumnValue for Vec<T> {
    type Base = Vec<T>;

    const TYPE: ColumnType = ColumnType::Array(&T::TYPE);

    fn into_value(self) -> Value {
        let values = self.into_iter().map(T::into_value).collect();
        Value::Array(T::array_type(), Some(Box::new(values)))
    }

    fn null() -> Value {
        Value::Array(T::array_type(), None)
    }

    fn from_row(row: &Row, index: usize) -> Result<Self> {
        row.decode(index)
    }

    fn from_json(json: serde_json::Value) -> Result<Self, Rule> {
        let serde_json::Value::Array(items) = json else {
            return Err(crate::json::not("an array", &json));
        };
        items
            .into_iter()
            .enumerate()
            .map(|(index, item)| T::from_json(item).map_err(|rule| format!("item {index} {rule}").into()))
            .collect()
    }
}

impl<T: ArrayItem> ColumnValue for Option<Vec<T>> {
    type Base = Vec<T>;

    const TYPE: ColumnType = ColumnType::Array(&T::TYPE);
    const NULLABLE: bool = true;

    fn into_value(self) -> Value {
        self.map_or_else(Self::null, Vec::into_value)
    }

    fn null() -> Value {
        Value::Array(T::array_type(), None)
    }

    fn from_row(row: &Row, index: usize) -> Result<Self> {
        row.decode(index)
    }

    fn from_json(json: serde_json::Value) -> Result<Self, Rule> {
        if json.is_null() { Ok(None) } else { <Vec<T> as ColumnValue>::from_json(json).map(Some) }
    }
}

/// An item as the driver reads it.
struct Item<T>(T);

impl<'a, T: Element> FromSql<'a> for Item<T> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        T::from_sql(ty, raw).map(Item)
    }

    fn accepts(ty: &Type) -> bool {
        T::accepts(ty)
    }
}

impl<T: ArrayItem> FromColumn for Vec<T> {
    fn from_sqlite(value: &rusqlite::types::Value) -> Result<Self, String> {
        let text = String::from_sqlite(value)?;
        let json = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        <Vec<T> as ColumnValue>::from_json(json).map_err(|rule| format!("it {rule}"))
    }

    fn from_postgres(row: &tokio_postgres::Row, index: usize) -> Result<Self, tokio_postgres::Error> {
        let items: Vec<Item<T>> = row.try_get(index)?;
        Ok(items.into_iter().map(|item| item.0).collect())
    }

    fn from_value(value: &Value) -> Result<Self, String> {
        let Value::Array(_, Some(items)) = value else { return Err("it is no list".to_owned()) };
        let item = |item: &Value| T::from_row(&Row::of(&[], vec![item.clone()]), 0).map_err(|error| error.to_string());
        items.iter().map(item).collect()
    }
}

/// A list of which items are NULL, as other programs may have written it.
pub(crate) struct Sparse<T>(pub(crate) Vec<Option<T>>);

impl<T: ArrayItem> FromColumn for Sparse<T> {
    fn from_sqlite(value: &rusqlite::types::Value) -> Result<Self, String> {
        let text = String::from_sqlite(value)?;
        let items: Vec<serde_json::Value> = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let item = |item: serde_json::Value| if item.is_null() { Ok(None) } else { T::from_json(item).map(Some) };
        items.into_iter().map(item).collect::<Result<_, Rule>>().map(Sparse).map_err(|rule| format!("an item {rule}"))
    }

    fn from_postgres(row: &tokio_postgres::Row, index: usize) -> Result<Self, tokio_postgres::Error> {
        let items: Vec<Option<Item<T>>> = row.try_get(index)?;
        Ok(Sparse(items.into_iter().map(|item| item.map(|item| item.0)).collect()))
    }

    fn from_value(value: &Value) -> Result<Self, String> {
        Vec::from_value(value).map(|items| Sparse(items.into_iter().map(Some).collect()))
    }
}
