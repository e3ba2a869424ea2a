//! Connections held by one caller.

use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use deadpool::managed::Object;
use futures_util::FutureExt;

use crate::dialect::{postgres, sqlite};
use crate::observe::Observer;
use crate::statement::{Access, Answer, Failure, Statement, Take};
use crate::{Dialect, Result, Row, Transaction, TransactionOptions};

/// A connection that one caller has for itself, for settings and statements that must share one. The engine's
/// [`statement_timeout`](crate::EngineOptions::statement_timeout) does not hold on it.
///
/// When it is dropped, an open transaction is rolled back, and the connection is closed: its settings are gone. (A
/// database in memory has one connection only, of which nothing but `PRAGMA foreign_keys` is set back.)
#[derive(Debug)]
pub struct Connection {
    /// Taken only when it is dropped.
    held: Option<Held>,
    pub(crate) observer: Arc<Observer>,
    /// Whether the engine's handle has written, where somebody wants to know.
    written: Option<Arc<AtomicBool>>,
}

/// The two dialects' connections.
#[derive(Debug)]
pub(crate) enum Held {
    Sqlite(Object<sqlite::pool::Manager>),
    Postgres(postgres::connection::Pooled),
}

impl Connection {
    pub(crate) fn new(held: Held, observer: Arc<Observer>, written: Option<Arc<AtomicBool>>) -> Connection {
        Connection { held: Some(held), observer, written }
    }

    fn held(&self) -> &Held {
        self.held.as_ref().expect("a connection is taken only when it is dropped")
    }

    /// The dialect's connection itself, for an end other than that of a drop.
    pub(crate) fn take(&mut self) -> Option<Held> {
        self.held.take()
    }

    /// Which SQL the database speaks.
    pub fn dialect(&self) -> Dialect {
        match self.held() {
            Held::Sqlite(_) => Dialect::Sqlite,
            Held::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs a statement and gives all its rows.
    ///
    /// # Errors
    /// When the database does not answer, or refuses the statement.
    #[track_caller]
    pub fn query(&self, statement: Statement) -> impl Future<Output = Result<Vec<Row>>> + Send {
        let statement = statement.run_at(Location::caller());
        async { self.answer(Arc::new(statement)).await.map(|answer| answer.rows) }
    }

    /// Runs a statement and gives the number of rows that it wrote.
    ///
    /// # Errors
    /// When the database does not answer, or refuses the statement.
    #[track_caller]
    pub fn execute(&self, statement: Statement) -> impl Future<Output = Result<u64>> + Send {
        let statement = statement.run_at(Location::caller());
        async { self.answer(Arc::new(statement)).await.map(|answer| answer.written) }
    }

    /// Runs statements, separated by semicolons, that bring no values.
    ///
    /// # Errors
    /// When the database does not answer, or refuses one of them. Those before it have run.
    #[track_caller]
    pub fn batch(&self, sql: &str) -> impl Future<Output = Result<()>> + Send {
        let statement = Statement::text(sql).at(Location::caller());
        async { self.answer(Arc::new(statement)).await.map(drop) }
    }

    /// Starts a transaction. Its `BEGIN` is sent together with its first statement.
    ///
    /// # Errors
    /// None yet: a database that does not answer is found by the first statement.
    #[track_caller]
    pub fn begin(self) -> impl Future<Output = Result<Transaction>> + Send {
        let transaction = Transaction::new(self, &TransactionOptions::new(), true, Location::caller());
        async { Ok(transaction) }
    }

    pub(crate) async fn answer(&self, statement: Arc<Statement>) -> Result<Answer> {
        if statement.access == Access::Write {
            self.has_written();
        }
        let watch = self.observer.watch(std::slice::from_ref(&statement));
        match self.held() {
            Held::Sqlite(connection) => connection.query(&statement, &watch).boxed().await,
            Held::Postgres(connection) => connection.query(&statement, &watch).boxed().await,
        }
    }

    /// Runs the statements of a transaction in one go: their answers, or the first failure.
    pub(crate) async fn run(&self, statements: &[Arc<Statement>]) -> Result<Vec<Answer>, Failure> {
        self.run_and(statements, None).await
    }

    /// The same, where `take` is given the rows as they come.
    pub(crate) async fn run_and(
        &self,
        statements: &[Arc<Statement>],
        take: Option<Take<'_>>,
    ) -> Result<Vec<Answer>, Failure> {
        let watch = self.observer.watch(statements);
        // In a box, as the engine's.
        match self.held() {
            Held::Postgres(connection) => {
                // For no longer than the rest lives.
                let take = take.map(|take| take as Take<'_>);
                connection.run_and(statements, &watch, take).boxed().await
            }
            Held::Sqlite(connection) => {
                let mut answers = connection.run(statements, &watch).boxed().await?;
                if let Some(take) = take {
                    for (index, answer) in answers.iter_mut().enumerate() {
                        std::mem::take(&mut answer.rows).into_iter().for_each(|row| take(index, row));
                    }
                }
                Ok(answers)
            }
        }
    }

    /// Runs a statement of any form.
    pub(crate) async fn run_one(&self, statement: Statement) -> Result<Answer> {
        if statement.access == Access::Write {
            self.has_written();
        }
        let answers = self.run(&[Arc::new(statement)]).await.map_err(|failure| failure.error)?;
        Ok(answers.into_iter().next().unwrap_or_default())
    }

    /// Reads through the engine's handle go to the primary from now on.
    pub(crate) fn has_written(&self) {
        if let Some(written) = &self.written {
            written.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        match self.held.take() {
            Some(Held::Sqlite(connection)) => sqlite::connection::roll_back_and_close(connection),
            Some(Held::Postgres(connection)) => connection.close(),
            None => {}
        }
    }
}
