//! Transactions as closures: committed, rolled back, and tried again when another one stood in the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crocus_orm::{Engine, Error, ErrorKind, Isolation, Model, Statement, Transaction, TransactionOptions};

use crate::database::{Database, assert_kind, each, each_with, few_connections, soon};
use crate::models::{Car, car};

#[tokio::test]
async fn ok_is_committed_and_err_is_rolled_back() {
    for db in each().await {
        let id = db
            .transaction(async |transaction| Ok::<_, Error>(Car::insert(transaction, car("One")).await?.id))
            .await
            .unwrap();
        assert_eq!(Car::get(db.engine(), id).await.unwrap().unwrap().name, "One", "{db}");

        let runs = AtomicUsize::new(0);
        let result: Result<(), Refused> = db
            .transaction(async |transaction| {
                runs.fetch_add(1, Ordering::Relaxed);
                Car::insert(transaction, car("Two")).await?;
                Err(Refused("sold out".to_owned()))
            })
            .await;
        assert_eq!((result.unwrap_err().0, runs.into_inner()), ("sold out".to_owned(), 1), "{db}");
        assert_eq!(Car::select().count(db.engine()).await.unwrap(), 1, "{db}");
    }
}

/// A program's own error, as a handler's.
#[derive(Debug)]
struct Refused(String);

impl From<Error> for Refused {
    fn from(error: Error) -> Refused {
        Refused(error.to_string())
    }
}

#[tokio::test]
async fn an_error_that_was_passed_over_is_no_commit() {
    for db in each().await {
        Car::insert(db.engine(), car("One")).await.unwrap();
        let runs = AtomicUsize::new(0);
        let result = db
            .transaction(async |transaction| {
                runs.fetch_add(1, Ordering::Relaxed);
                Car::insert(transaction, car("Two")).await?;
                drop(Car::insert(transaction, car("One")).await);
                Ok::<_, Error>(())
            })
            .await;
        assert_kind(result, ErrorKind::Database);
        assert_eq!((runs.into_inner(), Car::select().count(db.engine()).await.unwrap()), (1, 1), "{db}");
    }
}

/// As a handler of axum is run: on another thread, by a runtime that wants `Send`.
#[tokio::test]
async fn its_future_can_be_sent() {
    async fn sell(db: Engine, name: String) -> Result<i32, Refused> {
        db.transaction(async |transaction| {
            let sold = Car::insert(transaction, car(&name)).await?;
            let mut savepoint = transaction.savepoint().await?;
            nested(&mut savepoint, &name).await?;
            savepoint.release().await?;
            Ok(sold.id)
        })
        .await
    }
    async fn nested(savepoint: &mut crocus_orm::Savepoint<'_>, name: &str) -> Result<(), Error> {
        let inner = savepoint.savepoint().await?;
        drop(Car::insert(&inner, car(name)).await);
        inner.rollback().await
    }
    for db in each().await {
        let id = tokio::spawn(sell(db.engine().clone(), "One".to_owned())).await.unwrap().unwrap();
        assert_eq!(Car::get(db.engine(), id).await.unwrap().unwrap().name, "One", "{db}");
        let engine = db.engine().clone();
        let name = "Two".to_owned();
        let spawned = tokio::spawn(async move {
            let options = TransactionOptions::new().isolation(Isolation::Serializable);
            engine.transaction_with(options, async |tx| Car::insert(tx, car(&name)).await).await
        });
        assert_eq!(spawned.await.unwrap().unwrap().name, "Two", "{db}");
    }
}

/// Each adds one to what it read: none is lost, whoever meets whom.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_that_meet_are_tried_again() {
    for db in each().await {
        let one = Car::insert(db.engine(), car("One")).await.unwrap();
        let runs = Arc::new(AtomicUsize::new(0));
        let tasks = (0..8).map(|_| {
            let (engine, runs) = (db.engine().clone(), runs.clone());
            tokio::spawn(async move {
                let options = TransactionOptions::new().isolation(Isolation::Serializable).tries(50);
                engine
                    .transaction_with(options, async |transaction| {
                        runs.fetch_add(1, Ordering::Relaxed);
                        let doors = Car::get(transaction, one.id).await?.unwrap().doors;
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        Car::update().set(Car::DOORS, doors + 1).execute(transaction).await
                    })
                    .await
            })
        });
        for task in soon(futures_util::future::join_all(tasks)).await {
            task.unwrap().unwrap();
        }
        assert_eq!(Car::get(db.engine(), one.id).await.unwrap().unwrap().doors, 4 + 8, "{db}");
        let runs = runs.load(Ordering::Relaxed);
        assert!(if db.is_sqlite() { runs == 8 } else { runs > 8 }, "{db}: {runs} runs");
    }
}

/// Makes every try fail at its commit, on PostgreSQL.
async fn always_in_conflict(db: &Database, code: &str) {
    db.batch(&format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{code}'; END $$;
         CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON cars DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION refuse()"
    ))
    .await;
}

async fn runs(
    db: &Database,
    tries: u32,
    work: impl AsyncFnOnce(&mut Transaction) -> Result<(), Error> + Clone,
) -> (usize, Error) {
    let runs = AtomicUsize::new(0);
    let quick = Duration::from_millis(1);
    let result = db
        .transaction_with(TransactionOptions::new().tries(tries).delays(quick, quick), async |transaction| {
            runs.fetch_add(1, Ordering::Relaxed);
            work.clone()(transaction).await
        })
        .await;
    (runs.into_inner(), result.unwrap_err())
}

#[tokio::test]
async fn there_is_a_last_try() {
    for (code, kind, expected) in [
        ("40001", ErrorKind::Conflict, 3),
        ("40P01", ErrorKind::Conflict, 3),
        // Nothing is known of it, and so it is not repeated.
        ("40003", ErrorKind::Database, 1),
        ("23505", ErrorKind::UniqueViolation, 1),
    ] {
        let db = Database::postgres().await;
        always_in_conflict(&db, code).await;
        let insert = async |transaction: &mut Transaction| Car::insert(transaction, car("One")).await.map(drop);
        let (runs, error) = runs(&db, 3, insert).await;
        assert_eq!((runs, error.kind()), (expected, kind), "{code}: {error}");
        assert_eq!(Car::select().count(db.engine()).await.unwrap(), 0);
    }
}

/// What the closure makes of a conflict does not hide it.
#[tokio::test]
async fn a_conflict_is_seen_through_the_closure_s_own_error() {
    let db = Database::postgres().await;
    let conflict =
        || Statement::write("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'serialization_failure'; END $$", []);
    let hidden = Error::new(ErrorKind::NotFound, "something else");
    let (again, error) = runs(&db, 3, async |transaction| {
        transaction.execute(conflict()).await.map(drop).map_err(|_| Error::new(hidden.kind(), hidden.to_string()))
    })
    .await;
    assert_eq!((again, error.kind()), (3, ErrorKind::NotFound));
    let (again, error) = runs(&db, 3, async |transaction| {
        drop(transaction.execute(conflict()).await);
        Ok(())
    })
    .await;
    assert_eq!((again, error.kind()), (3, ErrorKind::Database));
    let (again, _) = runs(&db, 3, async |transaction| {
        let savepoint = transaction.savepoint().await?;
        savepoint.execute(conflict()).await?;
        savepoint.release().await
    })
    .await;
    assert_eq!(again, 3, "out through a savepoint");
    let (again, error) = runs(&db, 3, async |transaction| {
        let savepoint = transaction.savepoint().await?;
        drop(savepoint.execute(conflict()).await);
        savepoint.rollback().await?;
        Err(Error::new(hidden.kind(), hidden.to_string()))
    })
    .await;
    assert_eq!((again, error.kind()), (1, ErrorKind::NotFound), "mended by the closure itself");
}

#[tokio::test]
async fn another_program_s_lock_is_a_conflict() {
    let [db, _] = each_with(few_connections(1)).await;
    let path = db.url().database();
    let other = rusqlite::Connection::open(path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let transaction = db.begin().await.unwrap();
    let error = assert_kind(soon(Car::insert(&transaction, car("One"))).await, ErrorKind::Conflict);
    assert_eq!(error.to_string(), "another program has had the database locked for too long");
    drop(transaction);
    let (engine, waiting) = (db.engine().clone(), Arc::new(AtomicUsize::new(0)));
    let runs = waiting.clone();
    let insert = tokio::spawn(async move {
        engine
            .transaction(async |transaction| {
                runs.fetch_add(1, Ordering::Relaxed);
                Car::insert(transaction, car("Two")).await
            })
            .await
    });
    // Longer than one try waits for the lock.
    soon(async {
        while waiting.load(Ordering::Relaxed) < 2 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    other.execute_batch("ROLLBACK").unwrap();
    soon(insert).await.unwrap().unwrap();
    assert_eq!(Car::select().count(db.engine()).await.unwrap(), 1);
}
