//! The engine: a database behind a URL, of whichever dialect, with its connections.

use std::sync::Arc;
use std::time::Duration;

use crate::database_url::Location;
use crate::dialect::{postgres, sqlite};
use crate::statement::Statement;
use crate::transaction::{Connection, Held};
use crate::{DatabaseUrl, Dialect, Result, Row, RowStream, Session, Transaction};

/// A database: its dialect and its connections. Cloning it is cheap and shares the connections.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), crocus_orm::Error> {
/// use crocus_orm::{Engine, Statement};
///
/// let engine = Engine::connect(&"sqlite::memory:".parse()?).await?;
/// let rows = engine.query(Statement::read("SELECT $1 || '!'", ["Crocus".into()])).await?;
/// assert_eq!(rows[0].get::<String>(0)?, "Crocus!");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Engine(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    url: DatabaseUrl,
    pool: Pool,
}

#[derive(Debug)]
enum Pool {
    Sqlite(sqlite::pool::Pool),
    Postgres(postgres::pool::Pool),
}

/// How an engine keeps its connections.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Connections at most; for SQLite those that read, beside the one that writes.
    pub max_connections: usize,
    /// How long a statement waits for a connection before it fails as unavailable.
    pub pool_timeout: Duration,
    /// What PostgreSQL shows in `pg_stat_activity`, unless the URL says otherwise.
    pub application_name: String,
}

impl Default for EngineOptions {
    fn default() -> EngineOptions {
        EngineOptions {
            max_connections: 16,
            pool_timeout: Duration::from_secs(10),
            application_name: "crocus".to_owned(),
        }
    }
}

impl Engine {
    /// An engine that has not connected yet. Connections are opened as they are needed.
    pub fn new(url: &DatabaseUrl, options: &EngineOptions) -> Engine {
        let pool = match &url.location {
            Location::Memory => Pool::Sqlite(sqlite::pool::Pool::new(None, options)),
            Location::File(path) => Pool::Sqlite(sqlite::pool::Pool::new(Some(path.clone()), options)),
            Location::Postgres { config, tls } => {
                Pool::Postgres(postgres::pool::Pool::new((**config).clone(), tls.clone(), options))
            }
        };
        Engine(Arc::new(Inner { url: url.clone(), pool }))
    }

    /// An engine whose database is known to answer.
    ///
    /// # Errors
    /// When the database is missing or away, or refuses the user.
    pub async fn connect(url: &DatabaseUrl) -> Result<Engine> {
        let engine = Engine::new(url, &EngineOptions::default());
        engine.ping().await?;
        Ok(engine)
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// When it gives none.
    pub async fn ping(&self) -> Result<()> {
        self.query(Statement::read("SELECT 1", [])).await.map(drop)
    }

    /// Closes the engine, for all its clones: statements fail from now on. On SQLite it waits until every connection is
    /// closed, so that nothing is left beside the database's file.
    pub async fn close(&self) {
        match &self.0.pool {
            Pool::Sqlite(pool) => pool.close().await,
            Pool::Postgres(pool) => pool.close(),
        }
    }

    /// Where the database is.
    pub fn url(&self) -> &DatabaseUrl {
        &self.0.url
    }

    /// Which SQL the database speaks.
    pub fn dialect(&self) -> Dialect {
        self.0.url.dialect()
    }

    /// Starts a unit of work.
    pub fn session(&self) -> Session {
        Session::new(self.clone())
    }

    /// Starts a transaction, on a connection of its own.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin(&self) -> Result<Transaction> {
        self.connection().await?.start(false).await
    }

    /// Checks out a connection for statements that must share one. It is not shared with anybody.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn connection(&self) -> Result<Connection> {
        Ok(Connection::new(match &self.0.pool {
            Pool::Sqlite(pool) => Held::Sqlite(pool.writer().await?),
            Pool::Postgres(pool) => Held::Postgres(pool.connection().await?),
        }))
    }

    /// Runs a statement and gives all its rows.
    ///
    /// # Errors
    /// When the database does not answer, or refuses the statement.
    pub async fn query(&self, statement: Statement) -> Result<Vec<Row>> {
        match &self.0.pool {
            Pool::Sqlite(pool) => pool.query(statement).await,
            Pool::Postgres(pool) => pool.query(&statement).await,
        }
    }

    /// Runs a statement and gives the number of rows that it wrote.
    ///
    /// # Errors
    /// When the database does not answer, or refuses the statement.
    pub async fn execute(&self, statement: Statement) -> Result<u64> {
        match &self.0.pool {
            Pool::Sqlite(pool) => pool.execute(statement).await,
            Pool::Postgres(pool) => pool.execute(&statement).await,
        }
    }

    /// Runs a statement and gives its rows as they arrive. The stream holds a connection until its end; of a database
    /// in memory, which has one connection only, the rows are all read first.
    ///
    /// # Errors
    /// When the database does not answer, or refuses the statement.
    pub async fn stream(&self, statement: Statement) -> Result<RowStream> {
        match &self.0.pool {
            Pool::Sqlite(pool) => pool.stream(statement).await,
            Pool::Postgres(pool) => pool.stream(&statement).await,
        }
    }
}

impl DatabaseUrl {
    /// Whether the database exists.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn database_exists(&self) -> Result<bool> {
        match &self.location {
            Location::Memory => Ok(true),
            Location::File(path) => sqlite::database::exists(path.clone()).await,
            Location::Postgres { config, tls } => postgres::database::exists(config, tls).await,
        }
    }

    /// Makes the database. Answers `false` when it is there already.
    ///
    /// # Errors
    /// When the server or the disk refuses.
    pub async fn create_database(&self) -> Result<bool> {
        match &self.location {
            Location::Memory => Ok(false),
            Location::File(path) => sqlite::database::create(path.clone()).await,
            Location::Postgres { config, tls } => postgres::database::create(config, tls).await,
        }
    }

    /// Drops the database with everything in it. Answers `false` when there is none.
    ///
    /// # Errors
    /// When the server or the disk refuses.
    pub async fn drop_database(&self) -> Result<bool> {
        match &self.location {
            Location::Memory => Ok(false),
            Location::File(path) => sqlite::database::drop(path.clone()).await,
            Location::Postgres { config, tls } => postgres::database::drop(config, tls).await,
        }
    }
}

/// What queries run on: an [`Engine`], each statement on its own, or a [`Transaction`].
#[diagnostic::on_unimplemented(
    message = "a query cannot run on `{Self}`",
    note = "give it a reference to an engine (`&db`) or to a transaction (`&transaction`)"
)]
pub trait Executor: Sync {
    /// What runs the statements for models of a bind; the default one for `None`. An engine or a transaction runs all:
    /// it was chosen by the caller. [`Binds`](crate::Binds) choose the engine.
    ///
    /// # Errors
    /// When there is no such bind.
    fn target(&self, bind: Option<&'static str>) -> Result<Target<'_>>;
}

/// The two kinds of [`Executor`].
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// Each statement on a connection of its own choice.
    Engine(&'a Engine),
    /// All statements on the transaction's connection.
    Transaction(&'a Transaction),
}

impl Executor for Engine {
    fn target(&self, _: Option<&'static str>) -> Result<Target<'_>> {
        Ok(Target::Engine(self))
    }
}

impl Executor for Transaction {
    fn target(&self, _: Option<&'static str>) -> Result<Target<'_>> {
        Ok(Target::Transaction(self))
    }
}

impl Target<'_> {
    pub(crate) fn dialect(self) -> Dialect {
        match self {
            Target::Engine(engine) => engine.dialect(),
            Target::Transaction(transaction) => transaction.dialect(),
        }
    }

    pub(crate) async fn query(self, statement: Statement) -> Result<Vec<Row>> {
        match self {
            Target::Engine(engine) => engine.query(statement).await,
            Target::Transaction(transaction) => transaction.query(statement).await,
        }
    }

    pub(crate) async fn execute(self, statement: Statement) -> Result<u64> {
        match self {
            Target::Engine(engine) => engine.execute(statement).await,
            Target::Transaction(transaction) => transaction.execute(statement).await,
        }
    }

    pub(crate) async fn stream(self, statement: Statement) -> Result<RowStream> {
        match self {
            Target::Engine(engine) => engine.stream(statement).await,
            Target::Transaction(transaction) => Ok(RowStream::Ready(transaction.query(statement).await?.into_iter())),
        }
    }
}
