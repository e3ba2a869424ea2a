//! Connections held by one caller, and transactions on them.

use deadpool::managed::Object;

use crate::dialect::{postgres, sqlite};
use crate::statement::Statement;
use crate::{Dialect, Error, Result, Row};

/// A connection that one caller has for itself, for settings and statements that must share one.
///
/// When it is dropped, an open transaction is rolled back, and the connection is closed: its settings are gone. (A
/// database in memory has one connection only, of which nothing but `PRAGMA foreign_keys` is set back.)
#[derive(Debug)]
pub struct Connection {
    /// Taken only when it is dropped.
    held: Option<Held>,
}

/// The two dialects' connections.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there are as many as connections, and a box would be one more allocation each"
)]
pub(crate) enum Held {
    Sqlite(Object<sqlite::pool::Manager>),
    Postgres(postgres::connection::Pooled),
}

/// Statements that happen together or not at all. Queries take it in the place of an engine.
///
/// A transaction that is dropped without [`commit`](Transaction::commit) is rolled back. So is one whose future is
/// dropped half-way, as at a time-out.
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
    /// Whether the connection had another caller before, who may have changed its settings.
    used: bool,
    finished: bool,
}

impl Connection {
    pub(crate) fn new(held: Held) -> Connection {
        Connection { held: Some(held) }
    }

    fn held(&self) -> &Held {
        self.held.as_ref().expect("a connection is taken only when it is dropped")
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
    pub async fn query(&self, statement: Statement) -> Result<Vec<Row>> {
        match self.held() {
            Held::Sqlite(connection) => connection.query(statement).await,
            Held::Postgres(connection) => connection.query(&statement).await,
        }
    }

    /// Runs a statement and gives the number of rows that it wrote.
    ///
    /// # Errors
    /// When the database does not answer, or refuses the statement.
    pub async fn execute(&self, statement: Statement) -> Result<u64> {
        match self.held() {
            Held::Sqlite(connection) => connection.execute(statement).await,
            Held::Postgres(connection) => connection.execute(&statement).await,
        }
    }

    /// Runs statements, separated by semicolons, that bring no values.
    ///
    /// # Errors
    /// When the database does not answer, or refuses one of them. Those before it have run.
    pub async fn batch(&self, sql: &str) -> Result<()> {
        match self.held() {
            Held::Sqlite(connection) => connection.batch(sql.to_owned()).await,
            Held::Postgres(connection) => connection.batch(sql).await,
        }
    }

    /// Starts a transaction. On SQLite it takes the right to write at once, so that it cannot fail for it later.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin(self) -> Result<Transaction> {
        self.start(true).await
    }

    pub(crate) async fn start(self, used: bool) -> Result<Transaction> {
        self.batch(self.begin_sql()).await.map_err(nothing_done)?;
        Ok(Transaction { connection: self, used, finished: false })
    }

    fn begin_sql(&self) -> &'static str {
        match self.held() {
            Held::Sqlite(_) => "BEGIN IMMEDIATE",
            Held::Postgres(_) => "BEGIN",
        }
    }

    async fn commit(&self) -> Result<()> {
        match self.held() {
            Held::Sqlite(connection) => connection.batch("COMMIT".to_owned()).await,
            Held::Postgres(connection) => connection.commit().await,
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

impl Transaction {
    /// Makes what was done last.
    ///
    /// # Errors
    /// When the database refuses; then nothing was done. PostgreSQL refuses a transaction in which a statement has
    /// failed, whatever became of the error. When the connection is lost here, nobody knows whether it was done:
    /// [`ErrorKind::OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown).
    pub async fn commit(mut self) -> Result<()> {
        let result = self.connection.commit().await;
        self.finished = result.is_ok();
        result
    }

    /// Undoes what was done.
    ///
    /// # Errors
    /// When the connection is lost; then it is undone too.
    pub async fn rollback(mut self) -> Result<()> {
        let result = self.connection.batch("ROLLBACK").await.map_err(nothing_done);
        self.finished = result.is_ok();
        result
    }

    /// Which SQL the database speaks.
    pub fn dialect(&self) -> Dialect {
        self.connection.dialect()
    }

    /// Runs a statement and gives all its rows.
    ///
    /// # Errors
    /// When the database does not answer, or refuses the statement.
    pub async fn query(&self, statement: Statement) -> Result<Vec<Row>> {
        self.connection.query(statement).await.map_err(nothing_done)
    }

    /// Runs a statement and gives the number of rows that it wrote.
    ///
    /// # Errors
    /// When the database does not answer, or refuses the statement.
    pub async fn execute(&self, statement: Statement) -> Result<u64> {
        self.connection.execute(statement).await.map_err(nothing_done)
    }

    /// Runs statements, separated by semicolons, that bring no values. Settings should end with the transaction, as with
    /// `SET LOCAL`: the connection is used again.
    ///
    /// # Errors
    /// When the database does not answer, or refuses one of them.
    pub async fn batch(&self, sql: &str) -> Result<()> {
        self.connection.batch(sql).await.map_err(nothing_done)
    }
}

/// A connection lost before COMMIT was sent has done nothing, whatever the statement was.
fn nothing_done(error: Error) -> Error {
    error.lost_before_commit()
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if self.used {
            // The connection's own drop undoes the settings too.
            return;
        }
        let Some(held) = self.connection.held.take() else {
            return;
        };
        match (held, self.finished) {
            (Held::Postgres(connection), false) => postgres::connection::roll_back_and_release(connection),
            (Held::Sqlite(connection), false) => sqlite::connection::roll_back_and_release(connection),
            (held, true) => drop(held),
        }
    }
}
