//! Savepoints: what failed is undone alone, and one rule on both databases for what has failed.

use crocus_orm::{ColumnOperators, ErrorKind, Executor, Isolation, Model, Statement, TransactionOptions};

use crate::cancellation::dropped_after;
use crate::database::{Database, assert_kind, each, each_with, few_connections, soon};
use crate::models::{Car, car};

async fn names(db: &impl Executor) -> Vec<String> {
    let cars = Car::select().order_by(Car::NAME.asc()).all(db).await.unwrap();
    cars.into_iter().map(|car| car.name).collect()
}

async fn with_car(name: &str) -> [Database; 2] {
    let databases = each().await;
    for db in &databases {
        Car::insert(db.engine(), car(name)).await.unwrap();
    }
    databases
}

#[tokio::test]
async fn what_failed_is_undone_and_the_rest_is_kept() {
    for db in with_car("There").await {
        let mut transaction = db.begin().await.unwrap();
        Car::insert(&transaction, car("A")).await.unwrap();
        let savepoint = transaction.savepoint().await.unwrap();
        Car::insert(&savepoint, car("B")).await.unwrap();
        assert_kind(Car::insert(&savepoint, car("There")).await, ErrorKind::UniqueViolation);
        let error = assert_kind(Car::insert(&savepoint, car("C")).await, ErrorKind::Database);
        let text = "the savepoint can only be rolled back, since a statement in it has failed";
        assert_eq!(error.to_string(), text, "{db}");
        assert_eq!(error.hint(), Some("roll the savepoint back (`savepoint.rollback()`)"));
        savepoint.rollback().await.unwrap();
        assert_eq!(names(&transaction).await, ["A", "There"], "{db}");
        Car::insert(&transaction, car("D")).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(names(db.engine()).await, ["A", "D", "There"], "{db}");
    }
}

#[tokio::test]
async fn savepoints_are_nested() {
    for db in each().await {
        let mut transaction = db.begin().await.unwrap();
        let mut outer = transaction.savepoint().await.unwrap();
        Car::insert(&outer, car("A")).await.unwrap();
        let inner = outer.savepoint().await.unwrap();
        Car::insert(&inner, car("B")).await.unwrap();
        inner.rollback().await.unwrap();
        let mut inner = outer.savepoint().await.unwrap();
        Car::insert(&inner, car("C")).await.unwrap();
        let innermost = inner.savepoint().await.unwrap();
        Car::insert(&innermost, car("D")).await.unwrap();
        innermost.release().await.unwrap();
        inner.release().await.unwrap();
        assert_eq!(names(&outer).await, ["A", "C", "D"], "{db}");
        outer.release().await.unwrap();
        let outer = transaction.savepoint().await.unwrap();
        Car::delete().execute(&outer).await.unwrap();
        assert!(names(&outer).await.is_empty(), "{db}");
        outer.rollback().await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(names(db.engine()).await, ["A", "C", "D"], "{db}");
    }
}

#[tokio::test]
async fn a_dropped_savepoint_is_rolled_back_before_the_next_statement_or_the_commit() {
    for db in with_car("There").await {
        for commit_at_once in [true, false] {
            let mut transaction = db.begin().await.unwrap();
            Car::insert(&transaction, car("A")).await.unwrap();
            let mut savepoint = transaction.savepoint().await.unwrap();
            Car::insert(&savepoint, car("B")).await.unwrap();
            let inner = savepoint.savepoint().await.unwrap();
            assert_kind(Car::insert(&inner, car("There")).await, ErrorKind::UniqueViolation);
            drop(inner);
            drop(savepoint);
            if !commit_at_once {
                assert_eq!(names(&transaction).await, ["A", "There"], "{db}");
            }
            transaction.commit().await.unwrap();
            assert_eq!(names(db.engine()).await, ["A", "There"], "{db}");
            Car::delete().filter(Car::NAME.eq("A")).execute(db.engine()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_savepoint_that_has_failed_is_not_released() {
    for db in with_car("There").await {
        let mut transaction = db.begin().await.unwrap();
        let savepoint = transaction.savepoint().await.unwrap();
        assert_kind(Car::insert(&savepoint, car("There")).await, ErrorKind::UniqueViolation);
        assert_kind(savepoint.release().await, ErrorKind::Database);
        // It was rolled back instead.
        Car::insert(&transaction, car("A")).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(names(db.engine()).await, ["A", "There"], "{db}");
    }
}

#[tokio::test]
async fn a_failure_around_a_savepoint_is_not_undone_by_it() {
    for db in with_car("There").await {
        let mut transaction = db.begin().await.unwrap();
        assert_kind(Car::insert(&transaction, car("There")).await, ErrorKind::UniqueViolation);
        let error = assert_kind(transaction.savepoint().await, ErrorKind::Database);
        assert!(error.to_string().starts_with("the transaction can only be rolled back"), "{error}");
        transaction.rollback().await.unwrap();
        assert_eq!(names(db.engine()).await, ["There"], "{db}");
    }
}

/// An empty answer, and a row that a model cannot hold, are no failures of the statement.
#[tokio::test]
async fn only_the_database_fails_a_transaction() {
    for db in each().await {
        let transaction = db.begin().await.unwrap();
        assert_eq!(Car::get(&transaction, 1).await.unwrap(), None);
        let rows = transaction.query(Statement::read("SELECT 'x'", [])).await.unwrap();
        assert_kind(rows[0].get::<i32>(0), ErrorKind::Mismatch);
        Car::insert(&transaction, car("A")).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(names(db.engine()).await, ["A"], "{db}");
    }
}

#[tokio::test]
async fn a_statement_given_up_fails_the_transaction_alike() {
    for db in each_with(few_connections(2)).await {
        let mut transaction = db.begin().await.unwrap();
        Car::insert(&transaction, car("A")).await.unwrap();
        let savepoint = transaction.savepoint().await.unwrap();
        Car::insert(&savepoint, car("B")).await.unwrap();
        let given_up = dropped_after(1, savepoint.query(db.slow())).await;
        assert!(given_up.is_none(), "{db}");
        let error = assert_kind(names_or_error(&savepoint).await, ErrorKind::Database);
        let text = "the savepoint can only be rolled back, since a statement in it was given up before its answer";
        assert_eq!(error.to_string(), text, "{db}");
        soon(savepoint.rollback()).await.unwrap();
        assert_eq!(names(&transaction).await, ["A"], "{db}");
        transaction.commit().await.unwrap();
        assert_eq!(names(db.engine()).await, ["A"], "{db}");
    }
}

async fn names_or_error(db: &impl Executor) -> crocus_orm::Result<Vec<Car>> {
    Car::select().all(db).await
}

#[tokio::test]
async fn a_transaction_that_only_reads_refuses_writes_alike() {
    let memory = crocus_orm::Engine::connect(&"sqlite::memory:".parse().unwrap()).await.unwrap();
    crate::models::create_tables(&memory).await;
    let databases = each_with(few_connections(2)).await;
    for engine in databases.iter().map(Database::engine).chain([&memory]) {
        for isolation in [Isolation::ReadCommitted, Isolation::RepeatableRead, Isolation::Serializable] {
            let options = TransactionOptions::new().isolation(isolation).read_only();
            let transaction = engine.begin_with(options.clone()).await.unwrap();
            assert!(names(&transaction).await.is_empty());
            let error = assert_kind(Car::insert(&transaction, car("A")).await, ErrorKind::Database);
            assert_eq!(error.to_string(), "the statement writes where only reading is allowed");
            drop(transaction);
            let transaction = soon(engine.begin_with(options)).await.unwrap();
            assert!(names(&transaction).await.is_empty());
            transaction.commit().await.unwrap();
            // The next one may write again.
            let transaction = soon(engine.begin()).await.unwrap();
            Car::insert(&transaction, car("A")).await.unwrap();
            transaction.commit().await.unwrap();
            assert_eq!(Car::delete().execute(engine).await.unwrap(), 1);
        }
    }
}

/// On SQLite it reads beside the writer.
#[tokio::test]
async fn a_transaction_that_only_reads_keeps_its_view() {
    for db in each_with(few_connections(2)).await {
        let options = TransactionOptions::new().isolation(Isolation::RepeatableRead).read_only();
        let transaction = db.begin_with(options).await.unwrap();
        assert!(names(&transaction).await.is_empty());
        soon(Car::insert(db.engine(), car("A"))).await.unwrap();
        assert!(names(&transaction).await.is_empty(), "{db}");
        transaction.commit().await.unwrap();
        assert_eq!(names(db.engine()).await, ["A"], "{db}");
    }
}
