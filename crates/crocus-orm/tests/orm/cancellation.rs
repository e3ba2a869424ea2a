//! Futures that are dropped before their end, as at a request's time-out: what they held is whole again.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use crocus_orm::{ColumnOperators, Engine, EngineOptions, Error, ErrorKind, Model, Statement, TransactionOptions};
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

/// A write that takes minutes.
pub(crate) fn endless_write(db: &Database) -> Statement {
    Statement::write(
        if db.is_sqlite() {
            "INSERT INTO notes
             WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 2000000000)
             SELECT n FROM n WHERE n % 100000 = 1"
        } else {
            "INSERT INTO notes SELECT n FROM generate_series(1, 3) n WHERE pg_sleep(100 * (n - 1)) IS NOT NULL"
        },
        [],
    )
}

/// A query that takes minutes.
pub(crate) fn endless(db: &Database) -> Statement {
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
async fn an_abandoned_write_does_not_run_on() {
    for db in each_with(few_connections(2)).await {
        db.batch("CREATE TABLE notes (note integer)").await;
        let count = async || db.number("SELECT count(*) FROM notes").await;
        give_up(db.execute(endless_write(&db))).await;
        let insert = || Statement::write("INSERT INTO notes VALUES (1)", []);
        // On SQLite there is one connection that writes.
        let inserted = async || {
            while let Err(error) = db.execute(insert()).await {
                assert!(error.is_unavailable(), "{db}: {error}");
            }
        };
        soon(inserted()).await;
        assert_eq!(count().await, 1, "{db}");
        let transaction = db.begin().await.unwrap();
        transaction.execute(insert()).await.unwrap();
        give_up(transaction.execute(endless_write(&db))).await;
        drop(transaction);
        soon(inserted()).await;
        assert_eq!(count().await, 2, "{db}");
    }
}

/// As a caller may do who has begun the transaction by hand: what follows must still be in it.
#[tokio::test]
async fn a_write_that_is_abandoned_alone_leaves_the_transaction_around_it() {
    let db = Database::sqlite().await;
    let connection = db.connection().await.unwrap();
    connection.batch("CREATE TABLE notes (note integer); BEGIN").await.unwrap();
    let write = "INSERT INTO notes
                 WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 3000000)
                 SELECT n FROM n WHERE n = 1";
    assert!(dropped_after(1, connection.execute(Statement::write(write, []))).await.is_none());
    connection.execute(Statement::write("INSERT INTO notes VALUES (2)", [])).await.unwrap();
    connection.batch("ROLLBACK").await.unwrap();
    drop(connection);
    assert_eq!(db.number("SELECT count(*) FROM notes").await, 0);
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
        if db.is_sqlite() {
            // It is dropped while it waits for its turn; once it has that, it is done before anybody can drop it.
            let other = db.begin().await.unwrap();
            give_up(session.commit()).await;
            drop(other);
        } else {
            drop(dropped_after(1, session.commit()).await);
        }
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

/// How long the load lasts on each database; `CROCUS_CANCELLATION_SECONDS` makes it longer.
fn load_time() -> Duration {
    let seconds = std::env::var("CROCUS_CANCELLATION_SECONDS").map_or(2, |seconds| seconds.parse().unwrap());
    Duration::from_secs(seconds)
}

/// Numbers that look random, from a seed that is told when the test fails.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        // Xorshift.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}

/// Writes two rows in one of the ways in which a program writes several, or reads a few.
async fn work(engine: Engine, way: u64, pair: String) -> Result<Work, Error> {
    let (one, two) = (car(&format!("{pair} one")), car(&format!("{pair} two")));
    match way {
        0 => {
            let transaction = engine.begin().await?;
            Car::insert(&transaction, one).await?;
            Car::insert(&transaction, two).await?;
            transaction.commit().await?;
        }
        1 => {
            let pair = engine.transaction(async |transaction| {
                Car::insert(transaction, one.clone()).await?;
                let savepoint = transaction.savepoint().await?;
                Car::insert(&savepoint, two.clone()).await?;
                savepoint.rollback().await?;
                let savepoint = transaction.savepoint().await?;
                Car::insert(&savepoint, two.clone()).await?;
                savepoint.release().await
            });
            pair.await?;
        }
        2 => {
            let mut session = engine.session();
            session.add(one);
            session.add(two);
            session.commit().await?;
        }
        3 => {
            let insert = |name: &str| {
                let sql = "INSERT INTO cars (name, model, doors) VALUES ($1, $1 || '!', 4) RETURNING id";
                Statement::write(sql, [name.into()])
            };
            let transaction = engine.begin().await?;
            transaction.query_each(vec![insert(&one.name), insert(&two.name)]).await?;
            transaction.commit().await?;
        }
        4 => {
            let transaction = engine.begin_with(TransactionOptions::new().read_only()).await?;
            Car::select().limit(20).all(&transaction).await?;
            transaction.rollback().await?;
            return Ok(Work::Read);
        }
        _ => {
            let mut stream = Car::select().limit(500).stream(&engine).await?;
            while stream.try_next().await?.is_some() {}
            return Ok(Work::Read);
        }
    }
    Ok(Work::Written(pair))
}

enum Work {
    Read,
    /// The pair was acknowledged.
    Written(String),
}

/// Works and gives up until the time is over. Answers what was acknowledged, and how often it gave up.
async fn impatient(engine: Engine, task: usize, mut random: Random, end: Instant) -> (Vec<String>, usize) {
    let (mut written, mut given_up) = (Vec::new(), 0);
    for number in 0.. {
        if Instant::now() > end {
            break;
        }
        let work = work(engine.clone(), random.below(6), format!("{task}-{number}"));
        let outcome = match random.below(5) {
            0 => Some(work.await),
            1 | 2 => dropped_after(random.below(15) as usize, work).await,
            _ => tokio::time::timeout(Duration::from_micros(random.below(20_000)), work).await.ok(),
        };
        match outcome {
            None => given_up += 1,
            Some(Ok(Work::Read)) => {}
            Some(Ok(Work::Written(pair))) => written.push(pair),
            // The others had every connection.
            Some(Err(error)) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}"),
        }
    }
    (written, given_up)
}

/// Nothing is left of those that gave up: no open transaction, no connection, no half of a pair; and nothing is lost that
/// was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_that_give_up_under_load_leave_nothing_behind() {
    const CONNECTIONS: usize = 4;
    let seed = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0);
    for db in each_with(few_connections(CONNECTIONS)).await {
        let end = Instant::now() + load_time();
        let tasks = (0..24).map(|task| {
            let random = Random(seed.wrapping_add(task as u64 * 7919) | 1);
            tokio::spawn(impatient(db.engine().clone(), task, random, end))
        });
        let (mut written, mut given_up) = (Vec::new(), 0);
        for outcome in futures_util::future::join_all(tasks).await {
            let (pairs, times) = outcome.unwrap();
            written.extend(pairs);
            given_up += times;
        }
        assert!(written.len() > 20 && given_up > 20, "{db}: {} written, {given_up} given up", written.len());

        // Every connection can be had at once, and works.
        let mut held = Vec::new();
        for _ in 0..CONNECTIONS {
            let transaction = soon(async {
                loop {
                    match db.begin_with(TransactionOptions::new().read_only()).await {
                        Err(error) if error.is_unavailable() => {}
                        result => break result.unwrap(),
                    }
                }
            });
            let transaction = transaction.await;
            soon(Car::select().count(&transaction)).await.unwrap();
            held.push(transaction);
        }
        drop(held);
        if !db.is_sqlite() {
            let other = db.another_engine(&EngineOptions::default());
            let sql = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'";
            soon(async {
                while other.query(Statement::read(sql, [])).await.unwrap()[0].get::<i64>(0).unwrap() > 0 {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            })
            .await;
        }
        let mut there: HashMap<String, usize> = HashMap::new();
        for car in soon(Car::select().all(db.engine())).await.unwrap() {
            *there.entry(car.name.split(' ').next().unwrap().to_owned()).or_default() += 1;
        }
        let half: Vec<_> = there.iter().filter(|(_, rows)| **rows != 2).collect();
        assert!(half.is_empty(), "{db}, seed {seed}: {half:?}");
        let lost: Vec<_> = written.iter().filter(|pair| !there.contains_key(*pair)).collect();
        assert!(lost.is_empty(), "{db}, seed {seed}: {lost:?}");
    }
}
