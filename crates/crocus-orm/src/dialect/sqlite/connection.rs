//! One SQLite connection, on a thread of its own: SQLite's calls block, and a connection is not shared.

use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};

use deadpool::managed::Object;
use rusqlite::types::Value as Stored;
use tokio::sync::{mpsc as tokio_mpsc, oneshot};

use super::pool::Manager;
use super::{errors, types};
use crate::row::Row;
use crate::statement::Statement;
use crate::{Error, ErrorKind, Result};

/// Rows sent at a time to the reader of a stream.
const BATCH: usize = 256;

type Job = Box<dyn FnOnce(&mut rusqlite::Connection) + Send>;

/// A handle on a connection's thread. The thread ends, and the connection closes, when the handle is dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    jobs: mpsc::Sender<Job>,
}

impl Connection {
    /// Starts the thread, which opens the connection.
    pub(crate) async fn open(
        open: impl FnOnce() -> rusqlite::Result<rusqlite::Connection> + Send + 'static,
    ) -> Result<Connection> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let (opened, answer) = oneshot::channel();
        let work = move || {
            let mut connection = match open() {
                Ok(connection) => connection,
                Err(error) => return drop(opened.send(Err(errors::from_driver(error)))),
            };
            if opened.send(Ok(())).is_ok() {
                while let Ok(job) = queue.recv() {
                    job(&mut connection);
                }
            }
        };
        std::thread::Builder::new().name("crocus-sqlite".to_owned()).spawn(work).map_err(|error| {
            Error::new(ErrorKind::Unavailable, format!("failed to start a thread for SQLite: {error}"))
        })?;
        answer.await.map_err(|_| ended())??;
        Ok(Connection { jobs })
    }

    /// Runs a job on the connection's thread. It runs to its end also when the caller stops waiting.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut rusqlite::Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (done, answer) = oneshot::channel();
        // A caller that is gone does not want the answer.
        self.send(move |connection| drop(done.send(job(connection))))?;
        answer.await.map_err(|_| ended())?
    }

    fn send(&self, job: impl FnOnce(&mut rusqlite::Connection) + Send + 'static) -> Result<()> {
        self.jobs.send(Box::new(job)).map_err(|_| ended())
    }

    pub(crate) async fn query(&self, statement: Statement) -> Result<Vec<Row>> {
        self.call(move |connection| {
            let mut rows = Vec::new();
            each_row(connection, &statement, |row| {
                rows.push(row);
                true
            })?;
            Ok(rows)
        })
        .await
    }

    pub(crate) async fn execute(&self, statement: Statement) -> Result<u64> {
        self.call(move |connection| {
            let mut prepared = connection.prepare_cached(&statement.sql).map_err(errors::from_driver)?;
            bind(&mut prepared, &statement)?;
            prepared.raw_execute().map(|count| count as u64).map_err(errors::from_driver)
        })
        .await
    }

    /// Runs statements that bring no values and whose rows nobody wants.
    pub(crate) async fn batch(&self, sql: String) -> Result<()> {
        self.call(move |connection| connection.execute_batch(&sql).map_err(errors::from_driver)).await
    }

    pub(crate) fn is_open(&self) -> bool {
        self.send(|_| ()).is_ok()
    }
}

/// Rolls back and undoes the settings, then gives the connection back: in this order, also when the caller has
/// stopped waiting.
pub(crate) fn roll_back_and_release(connection: Object<Manager>) {
    let jobs = connection.jobs.clone();
    let job: Job = Box::new(move |raw| {
        let rolled_back = if raw.is_autocommit() { Ok(()) } else { raw.execute_batch("ROLLBACK") };
        if let Err(error) = rolled_back.and_then(|()| raw.pragma_update(None, "foreign_keys", true)) {
            tracing::error!(%error, "failed to roll back; the connection is closed");
            drop(Object::take(connection));
        }
    });
    drop(jobs.send(job));
}

/// Rows on their way from a connection's thread. The connection is released when the last row was read, or the
/// stream dropped.
#[derive(Debug)]
pub struct RowStream {
    batches: tokio_mpsc::Receiver<Result<Vec<Row>>>,
    batch: std::vec::IntoIter<Row>,
}

impl RowStream {
    pub(crate) fn start(connection: Object<Manager>, statement: Statement) -> Result<RowStream> {
        let (sender, batches) = tokio_mpsc::channel(1);
        let jobs = connection.jobs.clone();
        let job: Job = Box::new(move |raw| {
            let mut batch = Vec::with_capacity(BATCH);
            let result = each_row(raw, &statement, |row| {
                batch.push(row);
                batch.len() < BATCH
                    || sender.blocking_send(Ok(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)))).is_ok()
            });
            // A receiver that is gone does not want the rest.
            drop(sender.blocking_send(result.map(|()| batch)));
            drop(connection);
        });
        jobs.send(job).map_err(|_| ended())?;
        Ok(RowStream { batches, batch: Vec::new().into_iter() })
    }

    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Row>>> {
        loop {
            if let Some(row) = self.batch.next() {
                return Poll::Ready(Some(Ok(row)));
            }
            match std::task::ready!(self.batches.poll_recv(context)) {
                Some(Ok(batch)) => self.batch = batch.into_iter(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

/// Calls `take` with each row until it answers `false`.
fn each_row(connection: &rusqlite::Connection, statement: &Statement, mut take: impl FnMut(Row) -> bool) -> Result<()> {
    let mut prepared = connection.prepare_cached(&statement.sql).map_err(errors::from_driver)?;
    bind(&mut prepared, statement)?;
    let names: Arc<[String]> = prepared.column_names().into_iter().map(str::to_owned).collect();
    let mut rows = prepared.raw_query();
    while let Some(row) = rows.next().map_err(errors::from_driver)? {
        let values = (0..names.len())
            .map(|index| row.get::<_, Stored>(index))
            .collect::<rusqlite::Result<Vec<_>>>()
            .map_err(errors::from_driver)?;
        if !take(Row::sqlite(names.clone(), values)) {
            break;
        }
    }
    Ok(())
}

fn bind(prepared: &mut rusqlite::Statement<'_>, statement: &Statement) -> Result<()> {
    let (wanted, given) = (prepared.parameter_count(), statement.values.len());
    if wanted != given {
        let text = format!("the statement takes {wanted} values and was given {given}");
        return Err(Error::new(ErrorKind::Database, text));
    }
    for (index, value) in statement.values.iter().enumerate() {
        prepared.raw_bind_parameter(index + 1, types::to_sqlite(value)?).map_err(errors::from_driver)?;
    }
    Ok(())
}

fn ended() -> Error {
    Error::new(ErrorKind::Unavailable, "the SQLite connection's thread has ended")
}
