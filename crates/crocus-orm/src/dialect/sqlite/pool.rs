//! SQLite connections: one that writes, and several that read beside it (WAL, "Write-Ahead Logging", 2.2).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool::Runtime;
use deadpool::managed::{self, Metrics, Object, PoolError, RecycleError, RecycleResult};
use rusqlite::{ErrorCode, OpenFlags};
use tokio::sync::watch;

use super::connection::{Connection, RowStream};
use super::errors;
use crate::observe::Watch;
use crate::row::Source;
use crate::statement::{Access, Answer, Statement};
use crate::{EngineOptions, Error, ErrorKind, Result};

/// Connections to one SQLite database.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    writer: managed::Pool<Manager>,
    /// `None` for a database in memory, which only its one connection sees.
    readers: Option<managed::Pool<Manager>>,
    /// How many connections are open.
    open: watch::Sender<usize>,
}

/// Opens connections.
#[derive(Debug)]
pub(crate) struct Manager {
    path: Option<PathBuf>,
    access: Access,
    /// How long a statement waits for another process's lock.
    patience: Duration,
    statement_timeout: Option<Duration>,
    open: watch::Sender<usize>,
}

/// Counts a connection as open until it is dropped.
#[derive(Debug)]
pub(crate) struct Alive(watch::Sender<usize>);

impl Alive {
    fn new(open: &watch::Sender<usize>) -> Alive {
        open.send_modify(|open| *open += 1);
        Alive(open.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

impl Pool {
    pub(crate) fn new(path: Option<PathBuf>, options: &EngineOptions) -> Pool {
        let open = watch::Sender::new(0);
        let (patience, statement_timeout) = (options.pool_timeout, options.statement_timeout);
        let build = |access, size| {
            let manager = Manager { path: path.clone(), access, patience, statement_timeout, open: open.clone() };
            managed::Pool::builder(manager)
                .max_size(size)
                .wait_timeout(Some(options.pool_timeout))
                .runtime(Runtime::Tokio1)
                .build()
                .expect("a pool with time-outs has its runtime")
        };
        let readers = path.is_some().then(|| build(Access::Read, options.max_connections));
        Pool { writer: build(Access::Write, 1), readers, open }
    }

    /// Waits until every connection is closed: the last one brings the write-ahead log into the database's file and
    /// removes it.
    pub(crate) async fn close(&self) {
        self.writer.close();
        if let Some(readers) = &self.readers {
            readers.close();
        }
        // It fails only where the sender is gone, and it is here.
        drop(self.open.subscribe().wait_for(|open| *open == 0).await);
    }

    /// How many connections there are: the one that writes, and those that read beside it.
    pub(crate) fn status(&self) -> (deadpool::Status, Option<deadpool::Status>) {
        (self.writer.status(), self.readers.as_ref().map(managed::Pool::status))
    }

    /// The connection that writes, alone until it is given back.
    pub(crate) async fn writer(&self) -> Result<Object<Manager>> {
        checked_out(self.writer.get().await)
    }

    async fn connection(&self, access: Access) -> Result<Object<Manager>> {
        match (&self.readers, access) {
            (Some(readers), Access::Read) => checked_out(readers.get().await),
            _ => self.writer().await,
        }
    }

    /// A connection for a transaction that only reads.
    pub(crate) async fn reader(&self) -> Result<Object<Manager>> {
        let connection = self.connection(Access::Read).await?;
        if self.readers.is_none() {
            connection.only_read().await?;
        }
        Ok(connection)
    }

    pub(crate) async fn query(&self, statement: &Arc<Statement>, watch: &Watch) -> Result<Answer> {
        self.connection(statement.access).await?.query(statement, watch).await
    }

    pub(crate) async fn stream(&self, statement: Arc<Statement>, watch: Watch) -> Result<crate::RowStream> {
        if self.readers.is_none() {
            // The one connection must not wait for a slow reader.
            return Ok(crate::RowStream::ready(self.query(&statement, &watch).await?.rows));
        }
        let connection = self.connection(statement.access).await?;
        let rows = RowStream::start(connection, statement.clone(), &watch).await;
        crate::RowStream::new(rows.map(Source::Sqlite), statement, watch)
    }
}

impl Manager {
    pub(crate) fn is_in_memory(&self) -> bool {
        self.path.is_none()
    }
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = Error;

    async fn create(&self) -> Result<Connection> {
        let (path, access, patience) = (self.path.clone(), self.access, self.patience);
        Connection::open(Alive::new(&self.open), self.statement_timeout, move || open(path, access, patience)).await
    }

    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<Error> {
        if connection.is_open() { Ok(()) } else { Err(RecycleError::message("the thread has ended")) }
    }
}

fn open(path: Option<PathBuf>, access: Access, patience: Duration) -> Result<rusqlite::Connection> {
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

fn prepared(connection: rusqlite::Connection, access: Access) -> rusqlite::Result<rusqlite::Connection> {
    // FULL: an acknowledged commit is on disk (with NORMAL, WAL commits can be lost with the power).
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    if access == Access::Read {
        connection.pragma_update(None, "query_only", true)?;
    }
    // Double-quoted names that match no column are errors, not strings ("Quirks", 8).
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    connection.set_prepared_statement_cache_capacity(256);
    super::by_type::register(&connection)?;
    #[cfg(feature = "decimal")]
    super::decimals::register(&connection)?;
    Ok(connection)
}

fn checked_out(result: Result<Object<Manager>, PoolError<Error>>) -> Result<Object<Manager>> {
    result.map_err(|error| match error {
        PoolError::Backend(error) => error,
        PoolError::Timeout(_) => Error::all_in_use(),
        PoolError::Closed => Error::new(ErrorKind::Unavailable, "the engine is closed"),
        other => Error::new(ErrorKind::Unavailable, other.to_string()),
    })
}
