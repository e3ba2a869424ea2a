//! The engine: a database behind a URL, of whichever dialect, with its connections.

use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryFutureExt};

use crate::connection::{Connection, Held};
use crate::database_url::Location as UrlLocation;
use crate::dialect::{postgres, sqlite};
use crate::dynamic::Together;
use crate::observe::{Observer, Recorded, Watch};
use crate::statement::{Access, Answer, Statement, Take};
use crate::statistics::{PoolStatistics, StatementCount, Statistics};
use crate::{
    DatabaseUrl, Dialect, Error, ErrorKind, Result, Row, RowStream, Savepoint, Transaction, TransactionOptions,
};

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
pub struct Engine {
    inner: Arc<Inner>,
    observer: Arc<Observer>,
    /// Whether this handle has written, when it is one for a request.
    written: Option<Arc<AtomicBool>>,
}

#[derive(Debug)]
struct Inner {
    primary: Database,
    /// What reads outside a transaction are asked of.
    replica: Option<Database>,
    /// Those that are being read, where statements share what they can.
    lists: Option<Together>,
}

#[derive(Debug)]
struct Database {
    url: DatabaseUrl,
    pool: Pool,
}

#[derive(Debug)]
enum Pool {
    Sqlite(sqlite::pool::Pool),
    Postgres(postgres::pool::Pool),
}

/// How an engine keeps its connections, and who looks at its statements.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Connections at most; for SQLite those that read, beside the one that writes.
    pub max_connections: usize,
    /// How long a statement waits for a connection before it fails as unavailable; on SQLite also how long it waits for
    /// another program's lock before that is a conflict.
    pub pool_timeout: Duration,
    /// What PostgreSQL shows in `pg_stat_activity`, unless the URL says otherwise.
    pub application_name: String,
    /// Whether each statement is logged with its values, its duration and its number of rows: an event at the level
    /// INFO of the target `crocus::sql`.
    pub echo: bool,
    /// How long a statement may take before it is warned of, with its place in the program: an event at the level WARN
    /// of the target `crocus::sql`. `None`: as long as it likes.
    pub slow_query: Option<Duration>,
    /// How long the database may work on a statement, with the rows that it sends, before it stops and undoes it
    /// ([`ErrorKind::Cancelled`]). `None`: as long as it likes, or as PostgreSQL's own settings say. It holds for queries
    /// and transactions, and not on a [`Connection`]: migrations take their time. On SQLite the whole transaction around
    /// a statement that writes is undone.
    pub statement_timeout: Option<Duration>,
    /// A copy of the database that follows it, for reads outside transactions. What was written a moment ago may not be
    /// there yet: see [`Engine::request`].
    pub replica: Option<DatabaseUrl>,
    /// Whether statements outside of transactions share what they can while others are under way: connections, the
    /// statement where each reads the row with a key, the commit where each writes one row. What each sees, and what an
    /// answer means, is the same without it: see the guide, "Two clients at once".
    pub share: bool,
}

impl Default for EngineOptions {
    fn default() -> EngineOptions {
        EngineOptions {
            max_connections: 16,
            pool_timeout: Duration::from_secs(10),
            application_name: "crocus".to_owned(),
            echo: false,
            slow_query: None,
            statement_timeout: None,
            replica: None,
            share: true,
        }
    }
}

impl Engine {
    /// An engine that has not connected yet. Connections are opened as they are needed.
    pub fn new(url: &DatabaseUrl, options: &EngineOptions) -> Engine {
        let primary = Database::new(url, options);
        let replica = options.replica.as_ref().map(|url| Database::new(url, options));
        let observer = Arc::new(Observer::new(url.dialect(), options));
        let lists = options.share.then(Together::default);
        Engine { inner: Arc::new(Inner { primary, replica, lists }), observer, written: None }
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

    /// Asks the database for a sign of life, and its replica too.
    ///
    /// # Errors
    /// When one of them gives none.
    #[track_caller]
    pub fn ping(&self) -> impl Future<Output = Result<()>> + Send {
        let statement = Arc::new(Statement::read("SELECT 1", []).at(Location::caller()));
        async move {
            let watch = || self.observer.watch(std::slice::from_ref(&statement));
            self.inner.primary.query(&statement, &watch()).await?;
            if self.inner.replica.is_some() {
                self.replica()?.query(&statement, &watch()).await.map_err(|error| self.of_replica(error))?;
            }
            Ok(())
        }
    }

    /// Closes the engine, for all its clones: statements fail from now on. On SQLite it waits until every connection is
    /// closed, so that nothing is left beside the database's file.
    pub async fn close(&self) {
        self.inner.primary.close().await;
        if let Some(replica) = &self.inner.replica {
            replica.close().await;
        }
    }

    /// Where the database is.
    pub fn url(&self) -> &DatabaseUrl {
        &self.inner.primary.url
    }

    /// Which SQL the database speaks.
    pub fn dialect(&self) -> Dialect {
        self.url().dialect()
    }

    /// A handle for one request: it reads from the replica until it, or one of its clones, has written; from then on it
    /// reads what it wrote. A handle that was not made so reads from the replica whatever it has written.
    #[must_use]
    pub fn request(&self) -> Engine {
        let written = self.inner.replica.is_some().then(Arc::default);
        Engine { written, ..self.clone() }
    }

    pub(crate) fn has_replica(&self) -> bool {
        self.inner.replica.is_some()
    }

    /// A handle that notes its statements, also those of its transactions, streams and sessions. Other handles on the
    /// same engine are not noted.
    pub fn record(&self) -> (Engine, Recorded) {
        let (observer, recorded) = self.observer.recording();
        (Engine { observer: Arc::new(observer), ..self.clone() }, recorded)
    }

    /// A handle that counts its statements there, also those of its transactions, streams and sessions. Several engines
    /// can count into one.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), crocus_orm::Error> {
    /// use crocus_orm::{Engine, Statement, StatementCount};
    ///
    /// let engine = Engine::connect(&"sqlite::memory:".parse()?).await?;
    /// let count = StatementCount::new();
    /// engine.counting(&count).query(Statement::read("SELECT 1", [])).await?;
    /// assert_eq!(count.statements(), 1);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn counting(&self, count: &StatementCount) -> Engine {
        Engine { observer: Arc::new(self.observer.counting(count)), ..self.clone() }
    }

    /// What the engine has done until now, all its handles together, and its connections at this moment.
    pub fn statistics(&self) -> Statistics {
        let mut pools = self.inner.primary.statistics(false);
        if let Some(replica) = &self.inner.replica {
            pools.extend(replica.statistics(true));
        }
        self.observer.counters.read(pools)
    }

    /// Starts a transaction, on a connection of its own. On SQLite it is the one that writes.
    ///
    /// # Errors
    /// When the database does not answer.
    #[track_caller]
    pub fn begin(&self) -> impl Future<Output = Result<Transaction>> + Send {
        self.begin_with(TransactionOptions::new())
    }

    /// Starts a transaction that is not the usual one.
    ///
    /// # Errors
    /// When the database does not answer.
    #[track_caller]
    pub fn begin_with(&self, options: TransactionOptions) -> impl Future<Output = Result<Transaction>> + Send {
        let location = Location::caller();
        async move { self.begin_at(&options, location).await }
    }

    pub(crate) async fn begin_at(
        &self,
        options: &TransactionOptions,
        location: &'static Location<'static>,
    ) -> Result<Transaction> {
        let held = match &self.inner.primary.pool {
            Pool::Sqlite(pool) if options.read_only => Held::Sqlite(pool.reader().await?),
            _ => self.inner.primary.connection().await?,
        };
        Ok(Transaction::new(self.connection_of(held), options, false, location))
    }

    /// Checks out a connection for statements that must share one. It is not shared with anybody.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn connection(&self) -> Result<Connection> {
        let held = self.inner.primary.connection().await?;
        match &held {
            Held::Sqlite(connection) => connection.lift_limit(),
            Held::Postgres(connection) => connection.lift_limit().await?,
        }
        Ok(self.connection_of(held))
    }

    fn connection_of(&self, held: Held) -> Connection {
        Connection::new(held, self.observer.clone(), self.written.clone())
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

    /// Runs a statement and gives its rows as they arrive. The stream holds a connection until its end; of a database
    /// in memory, which has one connection only, the rows are all read first.
    ///
    /// # Errors
    /// When the database does not answer, or refuses the statement.
    #[track_caller]
    pub fn stream(&self, statement: Statement) -> impl Future<Output = Result<RowStream>> + Send {
        let statement = Arc::new(statement.run_at(Location::caller()));
        async move {
            let watch = self.observer.watch(std::slice::from_ref(&statement));
            if self.reads_replica(statement.access) {
                return self.replica()?.stream(statement, watch).await.map_err(|error| self.of_replica(error));
            }
            self.inner.primary.stream(statement, watch).await
        }
    }

    /// The long lists that are being read. None where nothing is shared.
    pub(crate) fn lists(&self) -> Option<&Together> {
        self.inner.lists.as_ref()
    }

    /// Tells who looks at the statements that this one was answered by what another has asked.
    pub(crate) fn saw(&self, statement: Statement, took: Duration, rows: u64) {
        let watch = self.observer.watch(&[Arc::new(statement)]);
        watch.round_trip();
        watch.answered_in(0, took, rows);
    }

    async fn answer(&self, statement: Arc<Statement>) -> Result<Answer> {
        let watch = self.observer.watch(std::slice::from_ref(&statement));
        if self.reads_replica(statement.access) {
            return self.replica()?.query(&statement, &watch).await.map_err(|error| self.of_replica(error));
        }
        self.inner.primary.query(&statement, &watch).await
    }

    /// Whether a statement is for the replica. It takes note of a write.
    pub(crate) fn reads_replica(&self, access: Access) -> bool {
        if self.inner.replica.is_none() {
            return false;
        }
        match (&self.written, access) {
            (written, Access::Read) => !written.as_ref().is_some_and(|written| written.load(Ordering::Relaxed)),
            (Some(written), Access::Write) => {
                written.store(true, Ordering::Relaxed);
                false
            }
            (None, Access::Write) => false,
        }
    }

    /// The replica, where it speaks the same SQL.
    fn replica(&self) -> Result<&Database> {
        let replica = self.inner.replica.as_ref().expect("it was asked whether there is one");
        if replica.url.dialect() != self.dialect() {
            let text = format!("the replica `{}` is no {} database", replica.url, self.dialect());
            return Err(
                Error::new(ErrorKind::InvalidUrl, text).with_hint("a replica is a copy of the engine's database")
            );
        }
        Ok(replica)
    }

    /// An error of the replica, which says so where it is about reaching it.
    fn of_replica(&self, error: Error) -> Error {
        match (error.kind(), &self.inner.replica) {
            (ErrorKind::Unavailable | ErrorKind::Authentication | ErrorKind::MissingDatabase, Some(replica)) => {
                error.with_subject(&format!("the replica `{}` does not answer", replica.url))
            }
            _ => error,
        }
    }
}

impl Database {
    fn new(url: &DatabaseUrl, options: &EngineOptions) -> Database {
        let pool = match &url.location {
            UrlLocation::Memory => Pool::Sqlite(sqlite::pool::Pool::new(None, options)),
            UrlLocation::File(path) => Pool::Sqlite(sqlite::pool::Pool::new(Some(path.clone()), options)),
            UrlLocation::Postgres { config, tls } => {
                Pool::Postgres(postgres::pool::Pool::new((**config).clone(), tls.clone(), options))
            }
        };
        Database { url: url.clone(), pool }
    }

    async fn close(&self) {
        match &self.pool {
            Pool::Sqlite(pool) => pool.close().await,
            Pool::Postgres(pool) => pool.close(),
        }
    }

    fn statistics(&self, is_replica: bool) -> Vec<PoolStatistics> {
        let name = |name, of_replica| if is_replica { of_replica } else { name };
        match &self.pool {
            Pool::Sqlite(pool) => {
                let (writer, readers) = pool.status();
                let writer = PoolStatistics::new(name("writer", "replica writer"), &writer);
                let readers = readers.map(|status| PoolStatistics::new(name("readers", "replica readers"), &status));
                std::iter::once(writer).chain(readers).collect()
            }
            Pool::Postgres(pool) => pool.statistics(name("primary", "replica"), name("shared", "replica shared")),
        }
    }

    // What the dialects do is in boxes: their futures are deep, and the compiler follows those of programs, which are
    // around them, to a limited depth.

    fn connection(&self) -> BoxFuture<'_, Result<Held>> {
        match &self.pool {
            Pool::Sqlite(pool) => pool.writer().map_ok(Held::Sqlite).boxed(),
            Pool::Postgres(pool) => pool.connection().map_ok(Held::Postgres).boxed(),
        }
    }

    async fn query(&self, statement: &Arc<Statement>, watch: &Watch) -> Result<Answer> {
        match &self.pool {
            Pool::Sqlite(pool) => pool.query(statement, watch).boxed().await,
            Pool::Postgres(pool) => pool.query(statement, watch).await,
        }
    }

    fn stream(&self, statement: Arc<Statement>, watch: Watch) -> BoxFuture<'_, Result<RowStream>> {
        match &self.pool {
            Pool::Sqlite(pool) => pool.stream(statement, watch).boxed(),
            Pool::Postgres(pool) => pool.stream(statement, watch).boxed(),
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
            UrlLocation::Memory => Ok(true),
            UrlLocation::File(path) => sqlite::database::exists(path.clone()).await,
            UrlLocation::Postgres { config, tls } => postgres::database::exists(config, tls).await,
        }
    }

    /// Makes the database. Answers `false` when it is there already.
    ///
    /// # Errors
    /// When the server or the disk refuses.
    pub async fn create_database(&self) -> Result<bool> {
        match &self.location {
            UrlLocation::Memory => Ok(false),
            UrlLocation::File(path) => sqlite::database::create(path.clone()).await,
            UrlLocation::Postgres { config, tls } => postgres::database::create(config, tls).await,
        }
    }

    /// Drops the database with everything in it. Answers `false` when there is none.
    ///
    /// # Errors
    /// When the server or the disk refuses.
    pub async fn drop_database(&self) -> Result<bool> {
        match &self.location {
            UrlLocation::Memory => Ok(false),
            UrlLocation::File(path) => sqlite::database::drop(path.clone()).await,
            UrlLocation::Postgres { config, tls } => postgres::database::drop(config, tls).await,
        }
    }
}

/// What queries run on: an [`Engine`], each statement on its own, a [`Transaction`] or a [`Savepoint`], or a
/// [`Connection`] in whatever transaction its caller has begun.
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

/// The kinds of [`Executor`].
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// Each statement on a connection of its own choice.
    Engine(&'a Engine),
    /// All statements on one connection, in the transaction that is open there.
    Connection(&'a Connection),
    /// All statements on the transaction's connection.
    Transaction(&'a Transaction),
}

impl Executor for Engine {
    fn target(&self, _: Option<&'static str>) -> Result<Target<'_>> {
        Ok(Target::Engine(self))
    }
}

impl Executor for Connection {
    fn target(&self, _: Option<&'static str>) -> Result<Target<'_>> {
        Ok(Target::Connection(self))
    }
}

impl Executor for Transaction {
    fn target(&self, _: Option<&'static str>) -> Result<Target<'_>> {
        Ok(Target::Transaction(self))
    }
}

impl Executor for Savepoint<'_> {
    fn target(&self, _: Option<&'static str>) -> Result<Target<'_>> {
        Ok(Target::Transaction(self.transaction))
    }
}

impl Target<'_> {
    /// The dialect of the database.
    pub fn dialect(self) -> Dialect {
        match self {
            Target::Engine(engine) => engine.dialect(),
            Target::Connection(connection) => connection.dialect(),
            Target::Transaction(transaction) => transaction.dialect(),
        }
    }

    pub(crate) async fn query(self, statement: Statement) -> Result<Vec<Row>> {
        match self {
            Target::Engine(engine) => engine.query(statement).await,
            Target::Connection(connection) => connection.run_one(statement).await.map(|answer| answer.rows),
            Target::Transaction(transaction) => transaction.query(statement).await,
        }
    }

    pub(crate) async fn execute(self, statement: Statement) -> Result<u64> {
        match self {
            Target::Engine(engine) => engine.execute(statement).await,
            Target::Connection(connection) => connection.run_one(statement).await.map(|answer| answer.written),
            Target::Transaction(transaction) => transaction.execute(statement).await,
        }
    }

    /// Runs statements in one go, as [`Transaction::query_each`] does; for an engine in a transaction of their own, on a
    /// connection one after the other.
    ///
    /// # Errors
    /// As for a transaction, and when the database does not answer.
    #[track_caller]
    pub fn query_each(self, statements: Vec<Statement>) -> impl Future<Output = Result<Vec<Vec<Row>>>> + Send {
        let location = Location::caller();
        let statements: Vec<_> = statements.into_iter().map(|statement| statement.run_at(location)).collect();
        async move {
            let engine = match self {
                Target::Engine(engine) => engine,
                Target::Connection(connection) => {
                    let mut rows = Vec::with_capacity(statements.len());
                    for statement in statements {
                        rows.push(connection.run_one(statement).await?.rows);
                    }
                    return Ok(rows);
                }
                Target::Transaction(transaction) => return transaction.query_each(statements).await,
            };
            let transaction = engine.begin_at(&TransactionOptions::new(), location).await?;
            let rows = transaction.query_each(statements).await?;
            transaction.commit().await?;
            Ok(rows)
        }
    }

    /// The same with statements that the caller keeps, where `take` is given the rows of each as they come. An engine
    /// runs each by itself.
    pub(crate) async fn run_each(self, statements: Vec<Arc<Statement>>, take: Take<'_>) -> Result<()> {
        match self {
            Target::Engine(engine) => {
                for (index, statement) in statements.into_iter().enumerate() {
                    engine.answer(statement).await?.rows.into_iter().for_each(|row| take(index, row));
                }
            }
            Target::Connection(connection) => {
                for (index, statement) in statements.into_iter().enumerate() {
                    connection.answer(statement).await?.rows.into_iter().for_each(|row| take(index, row));
                }
            }
            Target::Transaction(transaction) => transaction.run_each(statements, take).await?,
        }
        Ok(())
    }

    pub(crate) async fn stream(self, statement: Statement) -> Result<RowStream> {
        match self {
            Target::Engine(engine) => engine.stream(statement).await,
            Target::Connection(connection) => {
                connection.run_one(statement).await.map(|answer| RowStream::ready(answer.rows))
            }
            Target::Transaction(transaction) => transaction.query(statement).await.map(RowStream::ready),
        }
    }
}
