//! Migrations: the schema that the models declare, what the database has, the operations between the two, and
//! running them. This crate knows no HTTP and prints nothing.
//!
//! `schema`, `operation`, `compare`, `diagram`, `fold`, `lint`, `models`, `render` and `squash` do no I/O. `inspect` reads a database, `runner` changes one,
//! `folder` writes files.

pub mod compare;
mod data;
pub mod diagram;
mod dialect;
mod error;
mod execute;
pub mod fold;
pub mod folder;
pub mod head;
mod history;
mod inspect;
pub mod lint;
pub mod models;
mod operation;
mod operations;
pub mod plan;
mod progress;
pub mod render;
pub mod repair;
mod revision;
mod runner;
pub mod schema;
mod script;
mod squash;
mod types;

pub use compare::Comparison;
pub use data::{Data, DataFuture, DataResult, DataStep};
pub use error::{Error, ErrorKind, Result};
pub use history::{Applied, Record, applied, listed, recorded};
pub use inspect::{declared, inspect, inspect_with};
pub use operation::{Constraint, Irreversible, Operation};
pub use operations::{
    CheckBuilder, ColumnBuilder, DataBuilder, EnumValueBuilder, ForeignKeyBuilder, IndexBuilder, Operations,
    TableBuilder, UniqueBuilder,
};
pub use revision::{Changed, Graph, Migration, Migrations, Placement};
pub use runner::{Direction, Options, Step, apply, apply_in_segments, downgrade, pending, stamp, upgrade};
pub use script::script;
pub use squash::Squashed;
pub use types::TypeChange;

/// What a migration file uses.
pub mod prelude {
    pub use crocus_orm::table::ReferentialAction::{Cascade, NoAction, Restrict, SetDefault, SetNull};
    pub use crocus_orm::{Dialect, Statement};

    pub use crate::operations::{
        Operations, array, big_integer, binary, boolean, column, custom, date, datetime, decimal, double, enumeration,
        expression, integer, json, small_integer, text, time, timestamp, uuid,
    };
}
