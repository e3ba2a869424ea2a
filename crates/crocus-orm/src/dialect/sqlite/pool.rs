//! SQLite connections: one that writes, and several that read beside it (WAL, "Write-Ahead Logging", 2.2).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{self, Metrics, Object, PoolError, QueueMode, RecycleError, RecycleResult};
use tokio::sync::watch;

use super::connection::{Connection, RowStream};
use super::opening::open;
use super::writes::Writes;
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
    /// The writes that wait for the one that writes.
    writes: Arc<Writes>,
    /// How long they do.
    patience: Duration,
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
                // The one that was used last has the pages at hand.
                .queue_mode(QueueMode::Lifo)
                .wait_timeout(Some(options.pool_timeout))
                .runtime(Runtime::Tokio1)
                .build()
                .expect("a pool with time-outs has its runtime")
        };
        let readers = path.is_some().then(|| build(Access::Read, options.max_connections));
        Pool { writer: build(Access::Write, 1), readers, writes: Arc::new(Writes::new(options.share)), patience, open }
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
        let mut writer = self.writer.status();
        writer.waiting += self.writes.waiting();
        (writer, self.readers.as_ref().map(managed::Pool::status))
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
        match statement.access {
            Access::Read => self.connection(Access::Read).await?.read(statement, watch).await,
            Access::Write => self.writes.write(&self.writer, statement, self.patience, watch).await,
        }
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
        let open = move || open(path, access, patience);
        Connection::open(Alive::new(&self.open), self.statement_timeout, patience, open).await
    }

    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<Error> {
        if connection.is_open() { Ok(()) } else { Err(RecycleError::message("the thread has ended")) }
    }
}

pub(super) fn checked_out(result: Result<Object<Manager>, PoolError<Error>>) -> Result<Object<Manager>> {
    result.map_err(|error| match error {
        PoolError::Backend(error) => error,
        PoolError::Timeout(_) => Error::all_in_use(),
        PoolError::Closed => closed(),
        other => Error::new(ErrorKind::Unavailable, other.to_string()),
    })
}

pub(super) fn closed() -> Error {
    Error::new(ErrorKind::Unavailable, "the engine is closed")
}
