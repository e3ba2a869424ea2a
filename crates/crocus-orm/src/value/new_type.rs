//! Types of a program's own as columns: one value of a column type, under another name and with its own rules.

use std::fmt::Debug;
use std::hash::Hash;

use super::{ColumnValue, Value};
use crate::Result;
use crate::json::Rule;
use crate::model::Key;
use crate::row::Row;
use crate::table::ColumnType;

/// A type that stands for one value of a column type. It is then a column type itself, also in an `Option` and in a
/// `Vec`, and a primary key where it is `Eq`, `Hash` and `Debug`.
///
/// # Example
/// ```
/// use crocus_orm::{ColumnValue, NewType};
///
/// /// A percentage, from 0 to 100.
/// #[derive(Debug, Clone, PartialEq)]
/// struct Percentage(i16);
///
/// impl NewType for Percentage {
///     type Inner = i16;
///
///     fn into_inner(self) -> i16 {
///         self.0
///     }
///
///     fn from_inner(inner: i16) -> Result<Percentage, String> {
///         if (0..=100).contains(&inner) { Ok(Percentage(inner)) } else { Err("must be between 0 and 100".to_owned()) }
///     }
/// }
///
/// assert_eq!(Percentage::from_json(7.into()), Ok(Percentage(7)));
/// assert_eq!(Percentage::from_json(107.into()), Err("must be between 0 and 100".into()));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type that a column can hold",
    label = "not a column type",
    note = "column types are i16, i32, i64, f64, bool, String, Vec<u8>, serde_json::Value, Vec<T>, Json<T>, and Option<T> of each",
    note = "jiff's Date, Time, DateTime and Timestamp need crocus's feature `time`; Uuid needs `uuid`; Decimal needs `decimal`",
    note = "a type of your own becomes one with `derive(DbEnum)` or `impl NewType`"
)]
pub trait NewType: Sized + Clone + Send + Sync + 'static {
    /// The value that the column holds.
    type Inner: ColumnValue;

    /// The column's type.
    const TYPE: ColumnType = Self::Inner::TYPE;

    /// What is written.
    fn into_inner(self) -> Self::Inner;

    /// Reads what is in the database or in JSON.
    ///
    /// # Errors
    /// The rule that the value breaks, such as `must be between 0 and 100`.
    fn from_inner(inner: Self::Inner) -> Result<Self, String>;
}

impl<T: NewType> ColumnValue for T {
    type Base = T;

    const TYPE: ColumnType = <T as NewType>::TYPE;
    const NULLABLE: bool = T::Inner::NULLABLE;

    fn into_value(self) -> Value {
        self.into_inner().into_value()
    }

    fn null() -> Value {
        T::Inner::null()
    }

    fn from_row(row: &Row, index: usize) -> Result<Self> {
        T::from_inner(T::Inner::from_row(row, index)?).map_err(|rule| row.mismatch(index, rule))
    }

    fn from_json(json: serde_json::Value) -> Result<Self, Rule> {
        T::from_inner(T::Inner::from_json(json)?).map_err(Rule::from)
    }
}

impl<T: NewType> ColumnValue for Option<T> {
    type Base = T;

    const TYPE: ColumnType = <T as NewType>::TYPE;
    const NULLABLE: bool = true;

    fn into_value(self) -> Value {
        self.map_or_else(Self::null, T::into_value)
    }

    fn null() -> Value {
        T::Inner::null()
    }

    fn from_row(row: &Row, index: usize) -> Result<Self> {
        if row.is_null(index) { Ok(None) } else { <T as ColumnValue>::from_row(row, index).map(Some) }
    }

    fn from_json(json: serde_json::Value) -> Result<Self, Rule> {
        if json.is_null() { Ok(None) } else { T::from_json(json).map(Some) }
    }
}

impl<T: NewType + Eq + Hash + Debug> Key for T {
    fn into_values(self) -> Vec<Value> {
        vec![self.into_value()]
    }

    fn from_row(row: &Row, indexes: &[usize]) -> Result<Self> {
        row.get(indexes[0])
    }
}
