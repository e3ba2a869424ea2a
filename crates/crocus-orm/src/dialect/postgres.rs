//! PostgreSQL, through tokio-postgres.

pub(crate) mod connection;
pub(crate) mod database;
pub(crate) mod errors;
pub(crate) mod expressions;
pub(crate) mod json_text;
mod pipeline;
pub(crate) mod pool;
pub(crate) mod tls;
pub(crate) mod types;
