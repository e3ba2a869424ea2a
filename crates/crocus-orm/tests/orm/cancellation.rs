//! Futures that are dropped before their end, as at a request's time-out: what they held is whole again.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use crocus_orm::{ColumnOperators, Engine, Error, Model, Statement};
use futures_util::TryStreamExt;

use crate::database::{Database, each, each_with, few_connections, soon};
use crate::models::{Car, Sample, car};

/// Polls a future so many times, then drops it. `None`: it was dropped before its end.
pub(crate) async fn dropped_after<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// A query that takes minutes.
fn endless(db: &Database) -> Statement {
    Statement::read(
        if db.is_sqlite() {
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 2000000000) SELECT count(*) FROM n"
        } else {
            "SELECT pg_sleep(300)"
        },
        [],
    )
}

async fn give_up<T>(future: impl Future<Output = T>) {
    let result = tokio::time::timeout(Duration::from_millis(200), future).await;
    assert!(result.is_err(), "this should have taken longer");
}

#[tokio::test]
async fn an_abandoned_query_does_not_keep_its_connection() {
    for db in each_with(few_connections(1)).await {
        give_up(db.query(endless(&db))).await;
        soon(async {
            while let Err(error) = db.ping().await {
                assert!(error.is_unavailable(), "{db}: {error}");
            }
        })
        .await;
    }
}

#[tokio::test]
async fn an_abandoned_query_does_not_run_on() {
    let db = Database::postgres().await;
    give_up(db.query(endless(&db))).await;
    let transaction = db.begin().await.unwrap();
    give_up(transaction.query(endless(&db))).await;
    drop(transaction);
    let sql = "SELECT count(*) FROM pg_stat_activity
               WHERE datname = current_database() AND query = 'SELECT pg_sleep(300)' AND state = 'active'";
    let start = Instant::now();
    while db.number(sql).await > 0 {
        assert!(start.elapsed() < Duration::from_secs(20), "the server still sleeps for nobody");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn an_abandoned_stream_does_not_keep_its_connection() {
    for db in each_with(few_connections(1)).await {
        let sql = if db.is_sqlite() {
            // Rows that come, and then none for a long time.
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 2000000000)
             SELECT n FROM n WHERE n < 600 OR n < 0"
        } else {
            "SELECT CASE WHEN n > 600 THEN pg_sleep(300)::text ELSE repeat('x', 100) END FROM generate_series(1, 999) n"
        };
        let mut stream = db.stream(Statement::read(sql, [])).await.unwrap();
        assert!(stream.try_next().await.unwrap().is_some());
        drop(stream);
        soon(async {
            while let Err(error) = db.ping().await {
                assert!(error.is_unavailable(), "{db}: {error}");
            }
        })
        .await;
    }
}

#[tokio::test]
async fn an_abandoned_transaction_is_rolled_back_at_once() {
    for db in each_with(few_connections(2)).await {
        Car::insert(db.engine(), car("One")).await.unwrap();
        let transaction = db.begin().await.unwrap();
        Car::update().set(Car::DOORS, 9).execute(&transaction).await.unwrap();
        give_up(transaction.query(endless(&db))).await;
        drop(transaction);
        // It held a lock on the row.
        let engine = db.engine();
        let update = async || Car::update().set(Car::DOORS, 5).filter(Car::DOORS.eq(4)).execute(engine).await;
        let updated = soon(async {
            loop {
                match update().await {
                    Err(error) if error.is_unavailable() => continue,
                    result => break result,
                }
            }
        })
        .await;
        assert_eq!(updated.unwrap(), 1, "{db}");
    }
}

async fn write_two(engine: &Engine) -> Result<(), Error> {
    let transaction = engine.begin().await?;
    Car::insert(&transaction, car("One")).await?;
    Car::insert(&transaction, car("Two")).await?;
    transaction.commit().await
}

async fn write_two_in_a_session(engine: &Engine) -> Result<(), Error> {
    let mut session = engine.session();
    session.add(car("One"));
    session.add(car("Two"));
    session.commit().await
}

/// Dropped at each of its waits in turn: both rows are there or none, and the connections are clean.
#[tokio::test]
async fn a_transaction_dropped_anywhere_is_done_or_not_done() {
    for db in each_with(few_connections(1)).await {
        let (mut finished, mut polls) = (0, 0);
        while finished < 2 {
            polls += 1;
            assert!(polls < 200, "{db}: it never ends");
            let outcome = if polls % 2 == 0 {
                dropped_after(polls / 2, write_two(db.engine())).await
            } else {
                dropped_after(polls / 2, write_two_in_a_session(db.engine())).await
            };
            if let Some(result) = &outcome {
                assert!(result.is_ok(), "{db}: {result:?}");
                finished += 1;
            }
            // Another writer's transaction works, and is its own.
            let transaction = soon(db.begin()).await.unwrap();
            let names: Vec<_> =
                Car::select().all(&transaction).await.unwrap().into_iter().map(|car| car.name).collect();
            assert!(names.is_empty() || names.len() == 2, "{db}: {names:?} after {polls}");
            assert!(outcome.is_none() || names.len() == 2, "{db}: acknowledged and lost");
            Car::delete().execute(&transaction).await.unwrap();
            transaction.commit().await.unwrap();
            assert_eq!(soon(Car::select().count(db.engine())).await.unwrap(), 0, "{db}");
        }
    }
}

/// A single statement dropped at each of its waits leaves connections that answer the right question.
#[tokio::test]
async fn answers_never_reach_the_wrong_caller() {
    for db in each_with(few_connections(2)).await {
        for polls in 0..20 {
            let ask = |number: i32| Statement::read(format!("SELECT {number} + $1"), [0.into()]);
            drop(dropped_after(polls % 5, db.query(ask(-1))).await);
            let rows = soon(db.query(ask(polls as i32))).await.unwrap();
            assert_eq!(rows[0].get::<i32>(0).unwrap(), polls as i32, "{db}");
        }
    }
}

#[tokio::test]
async fn a_session_whose_commit_was_dropped_is_still_of_use() {
    for db in each().await {
        let mut session = db.session();
        let one = session.add(car("One"));
        let two = session.add(car("Two"));
        drop(dropped_after(1, session.commit()).await);
        session.commit().await.unwrap();
        assert_eq!((&*session[one].name, &*session[two].name), ("One", "Two"), "{db}");
        assert_eq!(Car::select().count(db.engine()).await.unwrap(), 2, "{db}");
    }
}

#[tokio::test]
async fn a_dropped_stream_of_a_model_frees_the_table() {
    for db in each().await {
        for _ in 0..600 {
            db.execute(Statement::write("INSERT INTO samples (int4) VALUES (1)", [])).await.unwrap();
        }
        let mut stream = Sample::select().stream(db.engine()).await.unwrap();
        stream.try_next().await.unwrap();
        drop(stream);
        soon(db.execute(Statement::write("DROP TABLE samples", []))).await.unwrap();
    }
}
