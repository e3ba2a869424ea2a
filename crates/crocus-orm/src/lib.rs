//! Engine, dialects, models, queries and sessions: everything of Crocus that speaks to a database on a program's
//! behalf. Migrations and HTTP are left to the crates above.
//!
//! A [`Model`] is a struct with `#[derive(Model)]`; an [`Engine`] is a database behind a URL. Queries are built from
//! the model's typed columns and run on the engine, or on a [`Transaction`]; a [`Session`] is a unit of work.

mod binds;
mod connection;
pub mod database_url;
pub mod dialect;
pub mod dynamic;
#[doc(hidden)]
pub mod embedded;
mod engine;
mod error;
mod expr;
pub mod idempotency;
mod json;
mod lower;
mod model;
mod nearest;
mod observe;
mod query;
mod relation;
mod row;
mod session;
mod statement;
mod statistics;
pub mod table;
pub mod testing;
mod transaction;
mod value;

pub use binds::Binds;
pub use connection::Connection;
pub use database_url::DatabaseUrl;
pub use dialect::Dialect;
pub use embedded::Embedded;
pub use engine::{Engine, EngineOptions, Executor, Target};
pub use error::{Constraint, Error, ErrorKind, Result};
#[cfg(feature = "time")]
pub use expr::now;
pub use expr::{
    Aggregate, ArrayValue, Averaged, Base, CaseStart, CaseWhen, Column, ColumnOperators, Expr, FrameBound, HasDate,
    HasTime, IntoExpr, IntoOperand, JsonPath, JsonValue, Number, Operand, Order, Rounded, Summed, TextValue, Window,
    WindowFunction, case, count, dense_rank, literal, null, rank, raw, row_number, window,
};
pub use json::{FieldError, Fields, FromJson, JsonObject, Patch, Rule};
pub use model::{Assignments, Key, Model, NewModel, PatchModel};
#[doc(hidden)]
pub use nearest::nearest;
pub use observe::{Recorded, RecordedStatement};
pub use query::{
    Along, Columns, Delete, Entity, FromColumns, Insert, Joined, Keyset, KeysetPage, Load, LoadMany, LoadOne, Loaded,
    OnConflict, OptionalEntity, Page, Paginate, Relationship, Select, Selected, Sql, Subquery, Table, Update, entity,
    excluded, exists, sql,
};
pub use relation::{
    BelongsTo, HasMany, HasOne, ManyToMany, NoObjects, ObjectKeys, ObjectReference, Pointed, Reference, RelationDef,
    RelationKind,
};
pub use row::{Row, RowStream, Rows};
/// For the code that `derive(DbEnum)` writes.
#[doc(hidden)]
pub use serde;
pub use session::{Handle, IntoHandles, LinkMany, Nested, NoAutoflush, Related, Session};
pub use statement::Statement;
pub use statistics::{PoolStatistics, StatementCount, StatementKind, Statistics};
pub use table::{ColumnType, TableDef};
pub use transaction::{Isolation, Savepoint, Transaction, TransactionOptions};
pub use value::{ArrayItem, ColumnValue, Json, NewType, Value};
