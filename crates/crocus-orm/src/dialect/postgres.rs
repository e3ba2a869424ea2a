//! PostgreSQL, through tokio-postgres.

pub(crate) mod by_type;
pub(crate) mod connection;
pub(crate) mod database;
pub(crate) mod errors;
pub(crate) mod expressions;
pub(crate) mod identity;
mod pipeline;
pub(crate) mod pool;
mod shared;
pub(crate) mod tls;
pub(crate) mod types;
