//! One PostgreSQL connection, with its prepared statements.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use deadpool::managed::Object;
use futures_util::{Stream, StreamExt};
use tokio_postgres::types::ToSql;

use super::errors;
use super::pool::Manager;
use super::types::Parameter;
use crate::row::Row;
use crate::statement::{Access, Statement};
use crate::{Error, Result};

/// Prepared statements kept on a connection. A program's statements are of a few fixed shapes; this only bounds one
/// that builds new shapes without end.
const PREPARED: usize = 512;

/// A connection and the statements prepared on it.
pub(crate) struct Connection {
    client: tokio_postgres::Client,
    prepared: Mutex<HashMap<String, tokio_postgres::Statement>>,
}

impl Connection {
    pub(crate) fn new(client: tokio_postgres::Client) -> Connection {
        Connection { client, prepared: Mutex::default() }
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.client.is_closed()
    }

    pub(crate) async fn query(&self, statement: &Statement) -> Result<Vec<Row>> {
        let mut rows = self.start(statement).await?;
        let mut all = Vec::new();
        while let Some(row) = rows.next().await {
            all.push(Row::postgres(row.map_err(|error| lost(error, statement.access))?));
        }
        Ok(all)
    }

    pub(crate) async fn execute(&self, statement: &Statement) -> Result<u64> {
        let mut rows = self.start(statement).await?;
        while let Some(row) = rows.next().await {
            row.map_err(|error| lost(error, statement.access))?;
        }
        Ok(rows.rows_affected().unwrap_or(0))
    }

    /// Runs statements that bring no values and whose rows nobody wants.
    pub(crate) async fn batch(&self, sql: &str) -> Result<()> {
        self.client.batch_execute(sql).await.map_err(errors::from_driver)
    }

    /// `COMMIT`. A connection lost here leaves the outcome unknown.
    pub(crate) async fn commit(&self) -> Result<()> {
        self.client.batch_execute("COMMIT").await.map_err(|error| lost(error, Access::Write))
    }

    async fn start(&self, statement: &Statement) -> Result<Pin<Box<tokio_postgres::RowStream>>> {
        let mut retried = false;
        loop {
            let prepared = self.prepare(&statement.sql).await?;
            let parameters: Vec<_> = statement.values.iter().map(Parameter).collect();
            if prepared.params().len() != parameters.len() {
                let text = format!(
                    "the statement takes {} values and was given {}",
                    prepared.params().len(),
                    parameters.len()
                );
                return Err(Error::new(crate::ErrorKind::Database, text));
            }
            let parameters = parameters.iter().map(|parameter| parameter as &(dyn ToSql + Sync));
            match self.client.query_raw(&prepared, parameters).await {
                Ok(rows) => return Ok(Box::pin(rows)),
                // A migration changed the table under a prepared statement. The server refused it before it did
                // anything, so it is prepared anew; inside a transaction the second try fails and says so.
                Err(error) if errors::is_stale_plan(&error) && !retried => {
                    retried = true;
                    self.cache().remove(&statement.sql);
                }
                Err(error) => return Err(lost(error, statement.access)),
            }
        }
    }

    async fn prepare(&self, sql: &str) -> Result<tokio_postgres::Statement> {
        if let Some(prepared) = self.cache().get(sql) {
            return Ok(prepared.clone());
        }
        let prepared = self.client.prepare(sql).await.map_err(errors::from_driver)?;
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
    let refused = error.as_db_error().is_some();
    let error = errors::from_driver(error);
    if access == Access::Write && !refused { error.lost_during_write() } else { error }
}

/// Rolls back, then gives the connection back. A connection that does not answer is closed instead.
pub(crate) fn roll_back_and_release(connection: Object<Manager>) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        drop(Object::take(connection));
        return;
    };
    runtime.spawn(async move {
        let rollback = connection.batch("ROLLBACK");
        match tokio::time::timeout(Duration::from_secs(5), rollback).await {
            Ok(Ok(())) => drop(connection),
            _ => drop(Object::take(connection)),
        }
    });
}

/// Rows on their way from the server. The connection is given back after the last one; a stream dropped before
/// closes it, since the rest of the rows is still on its way.
pub struct RowStream {
    rows: Pin<Box<tokio_postgres::RowStream>>,
    connection: Option<Object<Manager>>,
}

impl RowStream {
    pub(crate) async fn start(connection: Object<Manager>, statement: &Statement) -> Result<RowStream> {
        let rows = connection.start(statement).await?;
        Ok(RowStream { rows, connection: Some(connection) })
    }

    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Row>>> {
        match std::task::ready!(self.rows.as_mut().poll_next(context)) {
            Some(Ok(row)) => Poll::Ready(Some(Ok(Row::postgres(row)))),
            Some(Err(error)) => Poll::Ready(Some(Err(errors::from_driver(error)))),
            None => {
                drop(self.connection.take());
                Poll::Ready(None)
            }
        }
    }
}

impl Drop for RowStream {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(Object::take(connection));
        }
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
