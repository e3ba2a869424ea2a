//! SQLite, through rusqlite: one connection that writes, and several that read, each with a thread of its own.

pub(crate) mod by_type;
pub(crate) mod connection;
pub(crate) mod database;
#[cfg(feature = "decimal")]
pub(crate) mod decimals;
pub(crate) mod errors;
pub(crate) mod expressions;
mod group;
mod opening;
pub(crate) mod pool;
mod references;
mod running;
pub(crate) mod types;
mod writes;
