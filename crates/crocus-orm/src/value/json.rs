//! A JSON column that holds a Rust value.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{ColumnValue, FromColumn, Value, unwritable};
use crate::Result;
use crate::json::Rule;
use crate::row::Row;
use crate::table::ColumnType;

/// A Rust value as JSON in a column: `jsonb` on PostgreSQL, text on SQLite. Serde says how.
///
/// # Example
/// ```
/// use crocus_orm::{ColumnValue, Json};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// struct Options {
///     heated_seats: bool,
/// }
///
/// let options = Json::<Options>::from_json(serde_json::json!({"heated_seats": true}));
/// assert_eq!(options, Ok(Json(Options { heated_seats: true })));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json<T>(
    /// The value.
    pub T,
);

impl<T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static> ColumnValue for Json<T> {
    type Base = Json<T>;

    const TYPE: ColumnType = ColumnType::Json;

    fn into_value(self) -> Value {
        match serde_json::to_value(self.0) {
            Ok(json) => Value::from(json),
            Err(error) => unwritable(format!("the value cannot be written as JSON: {error}")),
        }
    }

    fn null() -> Value {
        Value::Json(None)
    }

    fn from_row(row: &Row, index: usize) -> Result<Self> {
        row.decode(index)
    }

    fn from_json(json: serde_json::Value) -> Result<Self, Rule> {
        serde_json::from_value(json).map(Json).map_err(|error| error.to_string().into())
    }
}

impl<T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static> ColumnValue for Option<Json<T>> {
    type Base = Json<T>;

    const TYPE: ColumnType = ColumnType::Json;
    const NULLABLE: bool = true;

    fn into_value(self) -> Value {
        self.map_or_else(Self::null, Json::into_value)
    }

    fn null() -> Value {
        Value::Json(None)
    }

    fn from_row(row: &Row, index: usize) -> Result<Self> {
        row.decode(index)
    }

    fn from_json(json: serde_json::Value) -> Result<Self, Rule> {
        if json.is_null() { Ok(None) } else { Json::from_json(json).map(Some) }
    }
}

impl<T: DeserializeOwned> FromColumn for Json<T> {
    fn from_sqlite(value: &rusqlite::types::Value) -> Result<Self, String> {
        let text = String::from_sqlite(value)?;
        serde_json::from_str(&text).map(Json).map_err(|error| error.to_string())
    }

    fn from_postgres(row: &tokio_postgres::Row, index: usize) -> Result<Self, tokio_postgres::Error> {
        row.try_get(index).map(|tokio_postgres::types::Json(value)| Json(value))
    }

    fn from_value(value: &Value) -> Result<Self, String> {
        let Value::Json(Some(json)) = value else { return Err("it is no JSON".to_owned()) };
        T::deserialize(&**json).map(Json).map_err(|error| error.to_string())
    }
}
