//! Queries: what is read (`select`, `projection`, `join`, `subquery`) and reading it (`run`), how rows become values
//! (`shape`), what is loaded beside them (`load`), and what is written (`write`). `node` is a query as a tree, and `known` the
//! SQL of trees like it.

pub(crate) mod by_key;
pub(crate) mod delete;
pub(crate) mod insert;
pub(crate) mod join;
pub(crate) mod keyset;
pub(crate) mod known;
pub(crate) mod load;
pub(crate) mod matching;
pub(crate) mod node;
mod page;
pub(crate) mod projection;
mod raw;
pub(crate) mod returning;
mod run;
pub(crate) mod select;
pub(crate) mod shape;
pub(crate) mod subquery;
pub(crate) mod update;
pub(crate) mod write;

pub use delete::Delete;
pub use insert::{Insert, OnConflict};
pub use join::{Along, Joined, Relationship, Table};
pub use keyset::{Keyset, KeysetPage};
pub use load::{Load, LoadMany, LoadOne, Loaded};
pub use page::{Page, Paginate};
pub use projection::{Entity, OptionalEntity, Selected, entity};
pub use raw::{FromColumns, Sql, sql};
pub use select::Select;
pub use subquery::{Columns, Subquery, exists};
pub use update::{Update, excluded};
