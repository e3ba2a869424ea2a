//! One PostgreSQL connection, with its prepared statements.

use std::collections::HashMap;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use deadpool::managed::Object;
use futures_util::{Stream, StreamExt};
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_postgres::types::ToSql;

use super::errors;
use super::pool::Manager;
use super::tls::Tls;
use super::types::Parameter;
use crate::row::Row;
use crate::statement::{Access, Statement};
use crate::value::invalid;
use crate::{Error, ErrorKind, Result};

/// Prepared statements kept on a connection. A program's statements are of a few fixed shapes; this only bounds one
/// that builds new shapes without end.
const PREPARED: usize = 512;

/// Values that a statement can have: the protocol counts them in two bytes ("Message Formats", Bind).
const MOST_VALUES: usize = u16::MAX as usize;

/// How long the server is asked to stop what nobody waits for.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection and the statements prepared on it.
pub(crate) struct Connection {
    client: tokio_postgres::Client,
    prepared: Mutex<HashMap<String, tokio_postgres::Statement>>,
    /// Questions whose answers have not been waited for to their end.
    unanswered: AtomicUsize,
    /// For asking the server to stop, which takes a connection of its own.
    tls: Tls,
}

impl Connection {
    pub(crate) fn new(client: tokio_postgres::Client, tls: Tls) -> Connection {
        Connection { client, prepared: Mutex::default(), unanswered: AtomicUsize::new(0), tls }
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.client.is_closed()
    }

    /// Whether every question was answered. On a connection where one was not, the next would wait for its answer.
    pub(crate) fn is_idle(&self) -> bool {
        self.unanswered.load(Ordering::Relaxed) == 0
    }

    /// Asks and waits. A future that is dropped before the answer leaves the question unanswered.
    async fn answer<T>(&self, question: impl Future<Output = T>) -> T {
        self.unanswered.fetch_add(1, Ordering::Relaxed);
        let answer = question.await;
        self.unanswered.fetch_sub(1, Ordering::Relaxed);
        answer
    }

    pub(crate) async fn query(&self, statement: &Statement) -> Result<Vec<Row>> {
        self.answer(async {
            let mut rows = self.start(statement).await?;
            let mut all = Vec::new();
            while let Some(row) = rows.next().await {
                all.push(Row::postgres(row.map_err(|error| lost(error, statement.access))?));
            }
            Ok(all)
        })
        .await
    }

    pub(crate) async fn execute(&self, statement: &Statement) -> Result<u64> {
        self.answer(async {
            let mut rows = self.start(statement).await?;
            while let Some(row) = rows.next().await {
                row.map_err(|error| lost(error, statement.access))?;
            }
            Ok(rows.rows_affected().unwrap_or(0))
        })
        .await
    }

    /// Runs statements that bring no values and whose rows nobody wants. Any of them may write.
    pub(crate) async fn batch(&self, sql: &str) -> Result<()> {
        self.answer(self.client.batch_execute(sql)).await.map_err(|error| lost(error, Access::Write))
    }

    /// `COMMIT`. A connection lost here leaves the outcome unknown.
    pub(crate) async fn commit(&self) -> Result<()> {
        // The server takes COMMIT in a transaction that has failed, and rolls back without a word ("COMMIT"). Any
        // other statement is refused there, and what follows it is not run.
        self.answer(self.client.batch_execute("SELECT; COMMIT")).await.map_err(|error| {
            if errors::is_in_failed_transaction(&error) {
                let text = "the transaction was not committed, since a statement in it has failed";
                return Error::new(ErrorKind::Database, text).with_source(error);
            }
            lost(error, Access::Write)
        })
    }

    async fn start(&self, statement: &Statement) -> Result<Pin<Box<tokio_postgres::RowStream>>> {
        let given = statement.values.len();
        if given > MOST_VALUES {
            let text = format!("the statement has {given} values, and PostgreSQL takes {MOST_VALUES}");
            return Err(invalid(text));
        }
        let mut retried = false;
        loop {
            let prepared = self.prepare(&statement.sql, retried).await?;
            let wanted = prepared.params().len();
            if wanted != given {
                let text = format!("the statement takes {wanted} values and was given {given}");
                return Err(Error::new(ErrorKind::Database, text));
            }
            let parameters: Vec<_> = statement.values.iter().map(Parameter).collect();
            let parameters = parameters.iter().map(|parameter| parameter as &(dyn ToSql + Sync));
            match self.client.query_raw(&prepared, parameters).await {
                Ok(rows) => return Ok(Box::pin(rows)),
                // A migration changed the table under a prepared statement. The server refused it before it did
                // anything, so it is prepared anew; inside a transaction the second try says what it is.
                Err(error) if errors::is_stale_plan(&error) && !retried => {
                    retried = true;
                    self.cache().remove(&statement.sql);
                }
                Err(error) => return Err(lost(error, statement.access)),
            }
        }
    }

    async fn prepare(&self, sql: &str, again: bool) -> Result<tokio_postgres::Statement> {
        if let Some(prepared) = self.cache().get(sql) {
            return Ok(prepared.clone());
        }
        let prepared = self.client.prepare(sql).await.map_err(|error| {
            if again && errors::is_in_failed_transaction(&error) {
                let text = "a table of the transaction was changed in the meantime; it can be tried again";
                return Error::new(ErrorKind::Conflict, text).with_source(error);
            }
            errors::from_driver(error)
        })?;
        let mut cache = self.cache();
        if cache.len() >= PREPARED {
            cache.clear();
        }
        cache.insert(sql.to_owned(), prepared.clone());
        Ok(prepared)
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, HashMap<String, tokio_postgres::Statement>> {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An error, where a connection lost under a statement that writes leaves the outcome unknown.
fn lost(error: tokio_postgres::Error, access: Access) -> Error {
    // A refusal by the server is a known outcome also when the server is going away.
    let refused = error.as_db_error().is_some_and(|refusal| !errors::is_outcome_unknown(refusal));
    let error = errors::from_driver(error);
    if access == Access::Write && !refused { error.lost_during_write() } else { error }
}

/// A connection out of the pool. Dropped, it goes back; but one with an unanswered question is closed, and the server
/// is asked to stop: the next caller must not wait for an answer that nobody wants.
#[derive(Debug)]
pub(crate) struct Pooled(
    /// Taken only when it is dropped.
    Option<Object<Manager>>,
);

impl Pooled {
    pub(crate) fn new(connection: Object<Manager>) -> Pooled {
        Pooled(Some(connection))
    }

    /// Closes the connection: its settings and locks end with it.
    pub(crate) fn close(mut self) {
        if let Some(connection) = self.0.take() {
            close(Object::take(connection));
        }
    }
}

impl Deref for Pooled {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.0.as_ref().expect("a connection is taken only when it is dropped")
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        match self.0.take() {
            Some(connection) if !connection.is_idle() => close(Object::take(connection)),
            connection => drop(connection),
        }
    }
}

fn close(connection: Connection) {
    // The driver reads the rest of the answers before it closes.
    if !connection.is_idle()
        && let Ok(runtime) = Handle::try_current()
    {
        runtime.spawn(async move {
            let token = connection.client.cancel_token();
            if let Ok(Err(error)) = timeout(CANCEL_TIMEOUT, connection.tls.cancel(&token)).await {
                tracing::debug!(%error, "failed to ask PostgreSQL to stop a statement");
            }
        });
    }
}

/// Rolls back, then gives the connection back. A connection that does not answer is closed instead.
pub(crate) fn roll_back_and_release(connection: Pooled) {
    let runtime = match Handle::try_current() {
        Ok(runtime) if connection.is_idle() => runtime,
        _ => return connection.close(),
    };
    runtime.spawn(async move {
        match timeout(Duration::from_secs(5), connection.batch("ROLLBACK")).await {
            Ok(Ok(())) => drop(connection),
            _ => connection.close(),
        }
    });
}

/// Rows on their way from the server. The connection is given back after the last one.
pub struct RowStream {
    rows: Pin<Box<tokio_postgres::RowStream>>,
    /// The stream is a question that is answered with its last row.
    connection: Option<Pooled>,
}

impl RowStream {
    pub(crate) async fn start(connection: Pooled, statement: &Statement) -> Result<RowStream> {
        let rows = connection.answer(connection.start(statement)).await?;
        connection.unanswered.fetch_add(1, Ordering::Relaxed);
        Ok(RowStream { rows, connection: Some(connection) })
    }

    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Row>>> {
        if self.connection.is_none() {
            return Poll::Ready(None);
        }
        let row = std::task::ready!(self.rows.as_mut().poll_next(context));
        if !matches!(row, Some(Ok(_)))
            && let Some(connection) = self.connection.take()
        {
            connection.unanswered.fetch_sub(1, Ordering::Relaxed);
        }
        Poll::Ready(row.map(|row| row.map(Row::postgres).map_err(errors::from_driver)))
    }
}

impl std::fmt::Debug for RowStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowStream").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}
