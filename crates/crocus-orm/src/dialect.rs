//! The dialects. Each has a folder with the same file names: what differs is seen by opening two files side by side.
//!
//! `pool.rs` keeps connections, `connection.rs` is one of them, `database.rs` makes and drops whole databases,
//! `types.rs` carries values to and from the driver, `errors.rs` names the driver's errors.

pub(crate) mod postgres;
pub(crate) mod sqlite;

use std::fmt;

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// SQLite, embedded in the program.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

impl Dialect {
    /// Every dialect, for cases that run on each.
    pub const ALL: [Dialect; 2] = [Dialect::Sqlite, Dialect::Postgres];

    /// An identifier in this dialect's quotes. Both dialects take the standard's: double quotes, doubled inside.
    pub fn quote(self, identifier: &str) -> String {
        format!("\"{}\"", identifier.replace('"', "\"\""))
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Dialect::Sqlite => "SQLite",
            Dialect::Postgres => "PostgreSQL",
        })
    }
}
