//! Opening connections: what is set on each, and the write-ahead log.
//!
//! What is not set: `mmap_size`, since an error of the disk would end the program there, and not fail one statement
//! ("Memory-Mapped I/O"); `temp_store`, since large sorts belong on the disk; `cache_size`, since two megabytes for each
//! connection hold the inner pages of any table, and the system has the others.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{ErrorCode, OpenFlags};

use super::errors;
use crate::statement::{Access, ROLLBACK};
use crate::{Error, ErrorKind, Result};

/// The length of a log in bytes: 1,000 pages, from which on it is brought into the database ("PRAGMA
/// wal_autocheckpoint"), and some that the last commit may have too many.
const LOG: u64 = 1_100 * 4_120;

/// The length in bytes to which a longer log is cut.
const LONGEST_LOG: i64 = 64 << 20;

/// Opens a database's file, or a new database in memory.
pub(super) fn open(path: Option<PathBuf>, access: Access, patience: Duration) -> Result<rusqlite::Connection> {
    let Some(path) = path else {
        return rusqlite::Connection::open_in_memory()
            .and_then(|connection| prepared(connection, access))
            .map_err(errors::from_driver);
    };
    if !path.is_file() {
        return Err(super::database::missing(&path));
    }
    let connection =
        open_file(&path, access, patience).and_then(|connection| prepared(connection, access)).map_err(|error| {
            // The files that WAL needs cannot be made beside it.
            if error.sqlite_error_code() == Some(ErrorCode::ReadOnly) {
                return not_writable(&path, "can neither be written nor read");
            }
            let error = errors::from_driver(error);
            Error::new(error.kind(), format!("failed to open the database `{}`: {error}", path.display()))
        })?;
    // SQLite opens a file that it may not write all the same.
    if access == Access::Write && connection.is_readonly("main").map_err(errors::from_driver)? {
        return Err(not_writable(&path, "cannot be written"));
    }
    Ok(connection)
}

fn not_writable(path: &Path, what: &str) -> Error {
    let text = format!("the database `{}` {what}", path.display());
    Error::new(ErrorKind::Database, text).with_hint("see the permissions of the file and of its folder")
}

fn open_file(path: &Path, access: Access, patience: Duration) -> rusqlite::Result<rusqlite::Connection> {
    // Without CREATE: a misspelt path must not become an empty database. A path that starts with `file:` would be
    // read as a URI, so none does.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = rusqlite::Connection::open_with_flags(Path::new(".").join(path), flags)?;
    connection.busy_timeout(patience)?;
    if access == Access::Write && !connection.is_readonly("main")? {
        use_wal(&connection, patience)?;
        lay_out_log(&connection, path, patience)?;
    }
    Ok(connection)
}

/// SQLite does not wait for other connections to make the file WAL ("PRAGMA journal_mode"), so this does.
fn use_wal(connection: &rusqlite::Connection, patience: Duration) -> rusqlite::Result<()> {
    let start = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && start.elapsed() < patience => {
                std::thread::sleep(Duration::from_millis(10));
            }
            result => return result,
        }
    }
}

/// Gives the write-ahead log its usual length at once. A commit that makes the file longer waits for the file system's
/// own journal too, which takes several times as long as one that writes over what is there; and each program that starts
/// alone on a database starts a new log. What is behind the last commit is not read ("WAL File Format", 4.3).
fn lay_out_log(connection: &rusqlite::Connection, path: &Path, patience: Duration) -> rusqlite::Result<()> {
    // Whoever has the right to write is the only one that makes the log longer. One that has it now has laid it out.
    connection.busy_timeout(Duration::ZERO)?;
    let begun = connection.execute_batch("BEGIN IMMEDIATE");
    connection.busy_timeout(patience)?;
    if begun.is_err() {
        return Ok(());
    }
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    // Without it everything is the same, but slower.
    if let Err(error) = fill(Path::new(&log)) {
        tracing::debug!(%error, "failed to lay out the write-ahead log");
    }
    connection.execute_batch(ROLLBACK)
}

/// Fills a file with zeros up to the length of a log.
fn fill(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).open(path)?;
    let length = file.metadata()?.len();
    let filled = io::copy(&mut io::repeat(0).take(LOG.saturating_sub(length)), &mut file);
    if filled.is_err() {
        file.set_len(length)?;
    }
    filled.map(drop)
}

fn prepared(connection: rusqlite::Connection, access: Access) -> rusqlite::Result<rusqlite::Connection> {
    // FULL: an acknowledged commit is on disk (with NORMAL, WAL commits can be lost with the power).
    connection.pragma_update(None, "synchronous", "FULL")?;
    // A log that a long read has let grow gives its room back.
    connection.pragma_update(None, "journal_size_limit", LONGEST_LOG)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    if access == Access::Read {
        connection.pragma_update(None, "query_only", true)?;
    }
    // Double-quoted names that match no column are errors, not strings ("Quirks", 8).
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    super::by_type::register(&connection)?;
    #[cfg(feature = "decimal")]
    super::decimals::register(&connection)?;
    Ok(connection)
}
