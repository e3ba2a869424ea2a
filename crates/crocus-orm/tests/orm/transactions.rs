//! Transactions: together or not at all, alone on their connection, and never left open.

use std::time::Duration;

use crocus_orm::{ColumnOperators, EngineOptions, ErrorKind, Model, Statement, Transaction};

use crate::database::{Database, assert_kind, each, each_with, few_connections, soon};
use crate::models::{Car, NewWheel, Wheel, car};

async fn names(db: &Database) -> Vec<String> {
    let cars = Car::select().order_by(Car::ID.asc()).all(db.engine()).await.unwrap();
    cars.into_iter().map(|car| car.name).collect()
}

#[tokio::test]
async fn a_commit_is_seen_and_a_rollback_is_not() {
    for db in each().await {
        let transaction = db.begin().await.unwrap();
        let one = Car::insert(&transaction, car("One")).await.unwrap();
        assert_eq!(Car::get(&transaction, one.id).await.unwrap(), Some(one), "{db}: it sees itself");
        assert!(names(&db).await.is_empty(), "{db}: nobody else does yet");
        transaction.commit().await.unwrap();
        assert_eq!(names(&db).await, ["One"], "{db}");

        let transaction = db.begin().await.unwrap();
        Car::insert(&transaction, car("Two")).await.unwrap();
        Car::update().set(Car::DOORS, 9).execute(&transaction).await.unwrap();
        transaction.rollback().await.unwrap();
        assert_eq!(names(&db).await, ["One"], "{db}");

        let transaction = db.begin().await.unwrap();
        Car::insert(&transaction, car("Three")).await.unwrap();
        drop(transaction);
        // The next writer waits for the rollback.
        Car::insert(db.engine(), car("Four")).await.unwrap();
        assert_eq!(names(&db).await, ["One", "Four"], "{db}");
    }
}

#[tokio::test]
async fn a_dropped_transaction_gives_back_a_clean_connection() {
    for db in each_with(few_connections(1)).await {
        for round in 0..5 {
            let transaction = soon(db.begin()).await.unwrap();
            Car::insert(&transaction, car("Ghost")).await.unwrap();
            if round % 2 == 0 {
                // One that has failed is no different.
                assert_kind(Car::insert(&transaction, car("Ghost")).await, ErrorKind::UniqueViolation);
            }
            drop(transaction);
        }
        soon(Car::insert(db.engine(), car("Real"))).await.unwrap();
        assert_eq!(names(&db).await, ["Real"], "{db}");
    }
}

/// What one caller sets on a connection, the next must not find.
#[tokio::test]
async fn settings_end_with_the_connection_also_after_a_commit() {
    for db in each_with(few_connections(1)).await {
        let (change, ask, usual) = if db.is_sqlite() {
            ("PRAGMA foreign_keys = OFF", "SELECT foreign_keys FROM pragma_foreign_keys", 1)
        } else {
            (
                "SET statement_timeout = 54321",
                "SELECT setting::bigint FROM pg_settings WHERE name = 'statement_timeout'",
                0,
            )
        };
        let now = async || -> i64 {
            let transaction = soon(db.begin()).await.unwrap();
            let rows = transaction.query(Statement::read(ask, [])).await.unwrap();
            transaction.commit().await.unwrap();
            rows[0].get(0).unwrap()
        };
        assert_eq!(now().await, usual, "{db}");

        let connection = db.connection().await.unwrap();
        connection.batch(change).await.unwrap();
        drop(connection);
        assert_eq!(now().await, usual, "{db}: dropped");

        let connection = soon(db.connection()).await.unwrap();
        connection.batch(change).await.unwrap();
        connection.begin().await.unwrap().commit().await.unwrap();
        assert_eq!(now().await, usual, "{db}: committed");
        assert_kind(Wheel::insert(db.engine(), NewWheel { car_id: 99.into() }).await, ErrorKind::ForeignKeyViolation);
    }
}

#[tokio::test]
async fn a_transaction_that_has_failed_is_never_committed_without_a_word() {
    for db in each().await {
        Car::insert(db.engine(), car("One")).await.unwrap();
        let transaction = db.begin().await.unwrap();
        Car::insert(&transaction, car("Two")).await.unwrap();
        assert_kind(Car::insert(&transaction, car("One")).await, ErrorKind::UniqueViolation);
        let error = assert_kind(Car::select().all(&transaction).await, ErrorKind::Database);
        let text = "the transaction can only be rolled back, since a statement in it has failed";
        assert_eq!(error.to_string(), text, "{db}");
        assert!(error.hint().unwrap().contains("savepoint"), "{:?}", error.hint());
        let error = assert_kind(transaction.commit().await, ErrorKind::Database);
        let text = "the transaction was not committed, since a statement in it has failed";
        assert_eq!(error.to_string(), text, "{db}");
        assert!(error.hint().unwrap().contains("savepoint"), "{:?}", error.hint());
        assert_eq!(names(&db).await, ["One"], "{db}");
    }
}

/// A refusal by the driver, before the server has heard of the statement, leaves the transaction whole.
#[tokio::test]
async fn a_value_that_is_refused_leaves_the_transaction_whole() {
    for db in each().await {
        let transaction = db.begin().await.unwrap();
        Car::insert(&transaction, car("One")).await.unwrap();
        assert_kind(Car::insert(&transaction, car("a\0b")).await, ErrorKind::InvalidValue);
        Car::insert(&transaction, car("Two")).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(names(&db).await, ["One", "Two"], "{db}");
    }
}

#[tokio::test]
async fn every_connection_in_use_is_told_in_time() {
    for db in each_with(few_connections(2)).await {
        // SQLite has one writer, PostgreSQL as many as it has connections.
        let held: Vec<Transaction> = if db.is_sqlite() {
            vec![db.begin().await.unwrap()]
        } else {
            vec![db.begin().await.unwrap(), db.begin().await.unwrap()]
        };
        let error = assert_kind(soon(db.begin()).await, ErrorKind::Unavailable);
        assert_eq!(error.to_string(), "every connection to the database is in use");
        assert!(error.hint().is_some());
        assert_kind(soon(Car::insert(db.engine(), car("One"))).await, ErrorKind::Unavailable);
        drop(held);
        soon(Car::insert(db.engine(), car("One"))).await.unwrap();
        assert_eq!(names(&db).await, ["One"], "{db}");
    }
}

/// SQLite has one writer at a time among all processes; the others wait for it.
#[tokio::test]
async fn two_writers_wait_for_each_other() {
    for db in each().await {
        let other = db.another_engine(&EngineOptions::default());
        let transaction = db.begin().await.unwrap();
        Car::insert(&transaction, car("First")).await.unwrap();
        let second = tokio::spawn(async move {
            let transaction = other.begin().await?;
            Car::insert(&transaction, car("Second")).await?;
            transaction.commit().await?;
            Car::insert(&other, car("Third")).await
        });
        tokio::time::sleep(Duration::from_millis(300)).await;
        if db.is_sqlite() {
            assert!(!second.is_finished(), "the second writer should be waiting");
        }
        transaction.commit().await.unwrap();
        soon(second).await.unwrap().unwrap();
        let mut names = names(&db).await;
        names.sort();
        assert_eq!(names, ["First", "Second", "Third"], "{db}");
    }
}

/// Programs that start at once on a new file all want to make it WAL.
#[tokio::test]
async fn a_new_file_is_opened_by_many_at_once() {
    for _ in 0..10 {
        let database = crocus_testing::TestDatabase::sqlite();
        let url: crocus_orm::DatabaseUrl = database.url().parse().unwrap();
        url.create_database().await.unwrap();
        let programs = (0..6).map(|number| {
            let engine = crocus_orm::Engine::new(&url, &EngineOptions::default());
            tokio::spawn(async move {
                engine.execute(Statement::write("CREATE TABLE IF NOT EXISTS t (n integer)", [])).await?;
                engine.execute(Statement::write("INSERT INTO t VALUES ($1)", [number.into()])).await?;
                engine.query(Statement::read("SELECT count(*) FROM t", [])).await
            })
        });
        for program in futures_util::future::join_all(programs).await {
            program.unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn many_tasks_write_at_once() {
    for db in each_with(EngineOptions { max_connections: 3, ..EngineOptions::default() }).await {
        let tasks = (0..40).map(|number| {
            let engine = db.engine().clone();
            tokio::spawn(async move {
                let name = format!("Car {number}");
                if number % 2 == 0 {
                    Car::insert(&engine, car(&name)).await?;
                } else {
                    let transaction = engine.begin().await?;
                    Car::insert(&transaction, car(&name)).await?;
                    transaction.commit().await?;
                }
                Car::select().filter(Car::NAME.eq(name)).one_or_none(&engine).await
            })
        });
        for task in soon(futures_util::future::join_all(tasks)).await {
            assert!(task.unwrap().unwrap().is_some(), "{db}: an acknowledged write is seen by who wrote it");
        }
    }
}

#[tokio::test]
async fn two_transactions_in_each_other_s_way_are_a_conflict() {
    let db = Database::postgres().await;
    let one = Car::insert(db.engine(), car("One")).await.unwrap();
    let two = Car::insert(db.engine(), car("Two")).await.unwrap();
    let (first, second) = (db.begin().await.unwrap(), db.begin().await.unwrap());
    let lock = |id| Car::update().set(Car::DOORS, 5).filter(Car::ID.eq(id));
    lock(one.id).execute(&first).await.unwrap();
    lock(two.id).execute(&second).await.unwrap();
    let (ours, theirs) = soon(futures_util::future::join(lock(two.id).execute(&first), async {
        let result = lock(one.id).execute(&second).await;
        // Lets the other one go on.
        drop(second);
        result
    }))
    .await;
    let error = ours.and(theirs).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
}
