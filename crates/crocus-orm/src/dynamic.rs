//! Queries and writes over columns that are known only when the program runs, by their descriptions: what generated
//! resources are made of. Conditions and orders are those of every other query; rows are JSON text.
//!
//! Where the compiler checks a typed column, the caller of this module does: a value belongs to the column that read it
//! ([`DynamicColumn::parse`]), and text is asked of text ([`DynamicColumn::is_text`]).

mod beside;
mod column;
mod input;
mod insert;
mod list;
mod operators;
mod relation;
mod row_by_key;
mod rows;
mod table_rows;
mod together;
mod write;
mod written;

pub use self::beside::{select_beside, select_beside_text};
pub use self::column::{Aggregate, DynamicColumn};
pub use self::input::{Input, Purpose, Reader};
pub use self::insert::{DynamicInsert, OnConflict, insert};
pub use self::list::{JsonList, JsonPage};
pub use self::operators::{Comparison, Operator, Search};
pub use self::relation::{Related, Source};
pub use self::row_by_key::RowByKey;
pub(crate) use self::rows::Members;
pub use self::rows::{JsonRow, Member, Rows, select};
pub use self::table_rows::{is_unique, json, table_rows};
pub(crate) use self::together::Together;
pub use self::write::{DynamicDelete, DynamicUpdate, TableRow, by_keys, delete, key_equals, update};
pub use self::written::Written;
