//! Statements that take longer than they may: the database stops them, and nothing of them is left.

use std::time::Duration;

use crocus_orm::{EngineOptions, ErrorKind, Statement};
use futures_util::TryStreamExt;

use crate::cancellation::{endless, endless_write};
use crate::database::{Database, assert_kind, each_with, soon};

/// Longer than any other statement here takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(1);

async fn each() -> [Database; 2] {
    let options = EngineOptions { statement_timeout: Some(LIMIT), max_connections: 1, ..EngineOptions::default() };
    each_with(options).await
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_stopped() {
    for db in each().await {
        assert_kind(soon(db.query(endless(&db))).await, ErrorKind::Cancelled);
        let mut stream = db.stream(endless(&db)).await.unwrap();
        assert_kind(soon(stream.try_next()).await, ErrorKind::Cancelled);
        drop(stream);
        // There is one connection, and it is whole.
        assert_eq!(db.number("SELECT count(*) FROM cars").await, 0, "{db}");
        assert_eq!(db.statistics().pools.iter().map(|pool| pool.open).max(), Some(1), "{db}");
    }
}

#[tokio::test]
async fn nothing_is_left_of_a_write_that_was_stopped() {
    for db in each().await {
        db.batch("CREATE TABLE notes (note integer)").await;
        assert_kind(soon(db.execute(endless_write(&db))).await, ErrorKind::Cancelled);
        let insert = || Statement::write("INSERT INTO notes VALUES (1)", []);
        let transaction = db.begin().await.unwrap();
        transaction.execute(insert()).await.unwrap();
        assert_kind(soon(transaction.execute(endless_write(&db))).await, ErrorKind::Cancelled);
        assert_kind(transaction.execute(insert()).await, ErrorKind::Database);
        transaction.rollback().await.unwrap();
        let mut transaction = db.begin().await.unwrap();
        transaction.execute(insert()).await.unwrap();
        let savepoint = transaction.savepoint().await.unwrap();
        assert_kind(soon(savepoint.execute(endless_write(&db))).await, ErrorKind::Cancelled);
        // SQLite has undone the whole transaction: what comes next must not be outside of one.
        assert_eq!(savepoint.rollback().await.is_err(), db.is_sqlite(), "{db}");
        let next = transaction.execute(insert()).await;
        assert_eq!(next.is_err(), db.is_sqlite(), "{db}");
        drop(transaction);
        assert_eq!(db.number("SELECT count(*) FROM notes").await, 0, "{db}");
        db.execute(insert()).await.unwrap();
        assert_eq!(db.number("SELECT count(*) FROM notes").await, 1, "{db}");
    }
}

#[tokio::test]
async fn a_connection_of_ones_own_may_take_its_time() {
    for db in each().await {
        let connection = db.connection().await.unwrap();
        let longer = tokio::time::timeout(LIMIT * 2, connection.query(endless(&db))).await;
        assert!(longer.is_err(), "{db}: {:?}", longer.unwrap());
        drop(connection);
        assert_kind(soon(db.query(endless(&db))).await, ErrorKind::Cancelled);
    }
}
