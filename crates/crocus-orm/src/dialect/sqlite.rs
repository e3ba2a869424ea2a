//! SQLite, through rusqlite: each connection lives on a thread of its own.

pub(crate) mod by_type;
pub(crate) mod connection;
pub(crate) mod database;
#[cfg(feature = "decimal")]
pub(crate) mod decimals;
pub(crate) mod errors;
pub(crate) mod expressions;
pub(crate) mod pool;
mod references;
pub(crate) mod types;
