//! A statement: SQL text of one dialect with its bound values.

use sea_query::{PostgresQueryBuilder, QueryStatementWriter, SqliteQueryBuilder};

use crate::Dialect;
use crate::value::Value;

/// SQL text with its values, ready to be sent.
#[derive(Debug, Clone)]
pub struct Statement {
    pub(crate) sql: String,
    pub(crate) values: Vec<Value>,
    pub(crate) access: Access,
}

/// Whether a statement changes anything. It decides which SQLite connection runs it, and what a lost connection means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

impl Statement {
    /// A statement that only reads, in the dialect's own SQL: `$1`, `$2`, ... stand for the values on both dialects.
    pub fn read(sql: impl Into<String>, values: impl Into<Vec<Value>>) -> Statement {
        Statement { sql: sql.into(), values: values.into(), access: Access::Read }
    }

    /// A statement that writes, in the dialect's own SQL: `$1`, `$2`, ... stand for the values on both dialects.
    pub fn write(sql: impl Into<String>, values: impl Into<Vec<Value>>) -> Statement {
        Statement { sql: sql.into(), values: values.into(), access: Access::Write }
    }

    pub(crate) fn build(dialect: Dialect, access: Access, query: &impl QueryStatementWriter) -> Statement {
        let (sql, values) = match dialect {
            Dialect::Sqlite => query.build(SqliteQueryBuilder),
            Dialect::Postgres => query.build(PostgresQueryBuilder),
        };
        Statement { sql, values: values.0, access }
    }

    /// The SQL text.
    pub fn sql(&self) -> &str {
        &self.sql
    }
}
