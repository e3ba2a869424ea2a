//! An engine on a throwaway database that has the models' tables.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use crocus_orm::{DatabaseUrl, Dialect, Engine, EngineOptions, Error, ErrorKind, Statement};
use crocus_testing::TestDatabase;

use crate::models;

/// Longer than anything here takes on a busy machine, and far shorter than a wait that never ends.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// An engine with its database, which is dropped after it.
pub(crate) struct Database {
    engine: Engine,
    _database: TestDatabase,
}

/// A database with the models' tables on each dialect.
pub(crate) async fn each() -> [Database; 2] {
    each_with(EngineOptions::default()).await
}

/// The same for an engine that is not the usual one.
pub(crate) async fn each_with(options: EngineOptions) -> [Database; 2] {
    let [sqlite, postgres] = TestDatabase::each();
    [Database::new(sqlite, &options).await, Database::new(postgres, &options).await]
}

/// With so many connections, and little patience for one.
pub(crate) fn few_connections(max_connections: usize) -> EngineOptions {
    EngineOptions { max_connections, pool_timeout: Duration::from_millis(500), ..EngineOptions::default() }
}

impl Database {
    pub(crate) async fn sqlite() -> Database {
        Database::new(TestDatabase::sqlite(), &EngineOptions::default()).await
    }

    pub(crate) async fn postgres() -> Database {
        Database::new(TestDatabase::postgres(), &EngineOptions::default()).await
    }

    async fn new(database: TestDatabase, options: &EngineOptions) -> Database {
        let url: DatabaseUrl = database.url().parse().unwrap();
        url.create_database().await.unwrap();
        let engine = Engine::new(&url, options);
        let database = Database { engine, _database: database };
        models::create_tables(&database).await;
        database
    }

    /// The engine itself, where a reference to this does not do.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Another engine on the same database.
    pub(crate) fn another_engine(&self, options: &EngineOptions) -> Engine {
        Engine::new(self.engine.url(), options)
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        self.dialect() == Dialect::Sqlite
    }

    /// A query that takes a moment.
    pub(crate) fn slow(&self) -> Statement {
        let sql = if self.is_sqlite() {
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 2000000) SELECT count(*) FROM n"
        } else {
            "SELECT pg_sleep(0.2)"
        };
        Statement::read(sql, [])
    }

    /// Runs statements of the dialect's own, past the models.
    pub(crate) async fn batch(&self, sql: &str) {
        self.connection().await.unwrap().batch(sql).await.unwrap();
    }

    /// The only number that a statement answers.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let rows = self.query(Statement::read(sql, [])).await.unwrap();
        rows[0].get(0).unwrap()
    }
}

impl Deref for Database {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.dialect())
    }
}

/// Asserts an error's kind, and that its text is one line.
#[track_caller]
pub(crate) fn assert_kind<T: fmt::Debug>(result: Result<T, Error>, kind: ErrorKind) -> Error {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(!error.to_string().contains('\n'), "{error}");
    error
}

/// The future's output, which must not keep us waiting.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("this should not take so long")
}
