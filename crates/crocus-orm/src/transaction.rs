//! Transactions: statements on one connection that happen together or not at all.

mod options;
mod retry;
mod savepoint;
mod state;

use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use options::{Isolation, TransactionOptions};
pub(crate) use savepoint::Part;
pub use savepoint::Savepoint;

use self::state::{Failed, State};
use crate::connection::{Connection, Held};
use crate::dialect::{postgres, sqlite};
use crate::statement::{Answer, Failure, ROLLBACK, Statement, Take};
use crate::{Dialect, ErrorKind, Result, Row};

/// Statements that happen together or not at all. Queries take it in the place of an engine.
///
/// A transaction that is dropped without [`commit`](Transaction::commit) is rolled back. So is one whose future is
/// dropped half-way, as at a time-out.
///
/// When the database has refused a statement, or a statement's future was dropped before its answer, the transaction can
/// only be rolled back: further statements and the commit are refused. A statement that may fail goes into a
/// [savepoint](Transaction::savepoint). A row that is not found, or does not fit its model, is no failure of a statement.
///
/// `BEGIN` is sent together with the first statement, and costs no round trip of its own.
///
/// # Example
/// ```
/// # use crocus_macros::Model;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), crocus_orm::Error> {
/// use crocus_orm::{ColumnOperators, Engine, Model, Statement};
///
/// #[derive(Debug, Clone, Model)]
/// # #[model(crate = "crocus_orm")]
/// #[model(table = "cars")]
/// struct Car {
///     #[model(primary_key)]
///     id: i32,
///     doors: i32,
/// }
///
/// # let db = Engine::connect(&"sqlite::memory:".parse()?).await?;
/// # db.execute(Statement::write("CREATE TABLE cars (id INTEGER PRIMARY KEY, doors INTEGER NOT NULL)", [])).await?;
/// let transaction = db.begin().await?;
/// let car = Car::insert(&transaction, NewCar { doors: 4 }).await?;
/// Car::update().set(Car::DOORS, 5).filter(Car::ID.eq(car.id)).execute(&transaction).await?;
/// transaction.commit().await?;
///
/// assert_eq!(Car::get(&db, car.id).await?.map(|car| car.doors), Some(5));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Transaction {
    connection: Connection,
    read_only: bool,
    /// Whether the connection had another caller before, who may have changed its settings.
    used: bool,
    finished: bool,
    state: Mutex<State>,
}

type Place = &'static Location<'static>;

impl Transaction {
    pub(crate) fn new(connection: Connection, options: &TransactionOptions, used: bool, at: Place) -> Transaction {
        let begin = Statement::text(options.begin_sql(connection.dialect())).at(at);
        let state = Mutex::new(State::new(begin));
        Transaction { connection, read_only: options.read_only, used, finished: false, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes what was done last. Where nothing was done, nothing is sent.
    ///
    /// # Errors
    /// When the database refuses, or a statement has failed before; then nothing was done. When the connection is lost
    /// here, nobody knows whether it was done: [`ErrorKind::OutcomeUnknown`].
    #[track_caller]
    pub fn commit(self) -> impl Future<Output = Result<()>> + Send {
        self.commit_at(Location::caller())
    }

    async fn commit_at(mut self, at: Place) -> Result<()> {
        let before = self.state().commit()?;
        if let Some(mut statements) = before {
            statements.push(Arc::new(Statement::commit().at(at)));
            if !self.read_only {
                self.connection.has_written();
            }
            self.connection.run(&statements).await.map_err(|failure| failure.error)?;
        }
        self.finished = true;
        Ok(())
    }

    /// Undoes what was done.
    ///
    /// # Errors
    /// When the connection is lost; then it is undone too.
    #[track_caller]
    pub fn rollback(self) -> impl Future<Output = Result<()>> + Send {
        self.rollback_at(Location::caller())
    }

    async fn rollback_at(mut self, at: Place) -> Result<()> {
        if self.state().is_begun() {
            let rollback = Arc::new(Statement::text(ROLLBACK).at(at));
            self.connection.run(&[rollback]).await.map_err(|failure| failure.error.lost_before_commit())?;
        }
        self.finished = true;
        Ok(())
    }

    /// Which SQL the database speaks.
    pub fn dialect(&self) -> Dialect {
        self.connection.dialect()
    }

    /// Runs a statement and gives all its rows.
    ///
    /// # Errors
    /// When the database does not answer, or refuses the statement.
    #[track_caller]
    pub fn query(&self, statement: Statement) -> impl Future<Output = Result<Vec<Row>>> + Send {
        let statement = statement.run_at(Location::caller());
        async { self.answer(statement).await.map(|answer| answer.rows) }
    }

    /// Runs a statement and gives the number of rows that it wrote.
    ///
    /// # Errors
    /// When the database does not answer, or refuses the statement.
    #[track_caller]
    pub fn execute(&self, statement: Statement) -> impl Future<Output = Result<u64>> + Send {
        let statement = statement.run_at(Location::caller());
        async { self.answer(statement).await.map(|answer| answer.written) }
    }

    /// Runs statements, separated by semicolons, that bring no values. Settings should end with the transaction, as with
    /// `SET LOCAL`: the connection is used again.
    ///
    /// # Errors
    /// When the database does not answer, or refuses one of them.
    #[track_caller]
    pub fn batch(&self, sql: &str) -> impl Future<Output = Result<()>> + Send {
        let statement = Statement::text(sql).at(Location::caller());
        async { self.answer(statement).await.map(drop) }
    }

    /// Runs statements one after the other without waiting for each, and gives the rows of each: on PostgreSQL in one
    /// round trip, and one more when some of them are new on the connection; on SQLite in one visit to its thread.
    ///
    /// PostgreSQL is shown all of them before the first is run: none may need a table that one before it makes.
    ///
    /// # Errors
    /// When the database does not answer, or refuses one of them: the error has its [index](crate::Error::index), and
    /// those after it were not done.
    #[track_caller]
    pub fn query_each(&self, statements: Vec<Statement>) -> impl Future<Output = Result<Vec<Vec<Row>>>> + Send {
        let location = Location::caller();
        let statements = statements.into_iter().map(|statement| Arc::new(statement.run_at(location))).collect();
        async {
            let answers = self.run(statements, None).await;
            let answers = answers.map_err(|failure| failure.error.with_index(failure.index))?;
            Ok(answers.into_iter().map(|answer| answer.rows).collect())
        }
    }

    /// The same with statements that the caller keeps, where `take` is given the rows of each as they come.
    pub(crate) async fn run_each(&self, statements: Vec<Arc<Statement>>, take: Take<'_>) -> Result<()> {
        let answers = self.run(statements, Some(take)).await;
        answers.map(drop).map_err(|failure| failure.error.with_index(failure.index))
    }

    async fn answer(&self, statement: Statement) -> Result<Answer> {
        match self.run(vec![Arc::new(statement)], None).await {
            Ok(answers) => Ok(answers.into_iter().next().unwrap_or_default()),
            Err(failure) => Err(failure.error),
        }
    }

    /// Sends what was to go with the next statement without one.
    async fn send_waiting(&self) -> Result<()> {
        if !self.state().is_begun() {
            return Ok(());
        }
        self.run(Vec::new(), None).await.map(drop).map_err(|failure| failure.error)
    }

    async fn run(&self, statements: Vec<Arc<Statement>>, take: Option<Take<'_>>) -> Result<Vec<Answer>, Failure> {
        let mut all = self.state().start().map_err(|error| Failure { index: 0, error })?;
        let early = all.len();
        all.extend(statements);
        if all.is_empty() {
            return Ok(Vec::new());
        }
        let abandoned = Abandoned(self);
        let result = match take {
            None => self.connection.run(&all).await,
            Some(take) => {
                // What goes before the statements has no rows.
                let mut take = |index: usize, row| {
                    if let Some(index) = index.checked_sub(early) {
                        take(index, row);
                    }
                };
                self.connection.run_and(&all, Some(&mut take)).await
            }
        };
        std::mem::forget(abandoned);
        match result {
            Ok(mut answers) => Ok(answers.split_off(early)),
            Err(Failure { index, error }) => {
                // A connection that is lost says so at the next statement too.
                if error.is_refusal() && error.kind() != ErrorKind::Unavailable {
                    self.state().fail(Failed::Refused(error.kind()), index < early);
                }
                Err(Failure { index: index.saturating_sub(early), error: error.lost_before_commit() })
            }
        }
    }

    /// Whether another transaction stood in the way: trying the whole again may work.
    fn has_conflict(&self) -> bool {
        self.state().has_conflict()
    }
}

/// Notes that nobody waited for a statement's answer: it may have failed.
struct Abandoned<'a>(&'a Transaction);

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        self.0.state().fail(Failed::Abandoned, false);
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let open = self.state().is_begun() && !self.finished;
        if open {
            let rollback = [Arc::new(Statement::text(ROLLBACK))];
            self.connection.observer.watch(&rollback).answered(0, 0);
        }
        if self.used {
            // The connection's own drop rolls back, and undoes the settings too.
            return;
        }
        match self.connection.take() {
            Some(Held::Postgres(connection)) if open => postgres::connection::roll_back_and_release(connection),
            Some(Held::Sqlite(connection)) if open || self.read_only => {
                sqlite::connection::roll_back_and_release(connection);
            }
            held => drop(held),
        }
    }
}
