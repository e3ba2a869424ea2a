//! SQLite's writes that are committed together: each has the outcome that it would have alone, and what was acknowledged
//! is there. And its quick reads, which keep nobody waiting.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crocus_orm::{DatabaseUrl, Engine, EngineOptions, Error, ErrorKind, Model, Statement};
use crocus_testing::TempDir;
use futures_util::future::join_all;

use crate::database::{Database, assert_kind, few_connections, soon};
use crate::models::{Car, NewWheel, Wheel, car, create_tables};

/// A file, and an engine on it.
async fn database(options: &EngineOptions) -> (TempDir, Engine) {
    let folder = TempDir::new().unwrap();
    let url = DatabaseUrl::sqlite_file(folder.path().join("cars.db"));
    url.create_database().await.unwrap();
    let engine = Engine::new(&url, options);
    create_tables(&engine).await;
    engine.connection().await.unwrap().batch("CREATE TABLE notes (note integer NOT NULL)").await.unwrap();
    (folder, engine)
}

fn note(number: i64) -> Statement {
    Statement::write("INSERT INTO notes (note) VALUES ($1)", [number.into()])
}

/// An insert of as many rows as it is told; of none quickly.
fn notes(number: i64) -> Statement {
    let sql = "INSERT INTO notes WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT $1)
               SELECT n FROM n WHERE n % 100000 = 2";
    Statement::write(sql, [number.into()])
}

async fn number(engine: &Engine, sql: &str) -> i64 {
    engine.query(Statement::read(sql, [])).await.unwrap()[0].get(0).unwrap()
}

/// Runs writes that all wait for the writer at first. Those that were run before are committed together.
async fn together(engine: &Engine, statements: Vec<Statement>) -> Vec<Result<u64, Error>> {
    let first = engine.begin().await.unwrap();
    let all = statements.len();
    let writes = join_all(statements.into_iter().map(|statement| engine.execute(statement)));
    let let_go = async {
        while engine.statistics().pools[0].waiting < all {
            tokio::task::yield_now().await;
        }
        drop(first);
    };
    soon(async { tokio::join!(writes, let_go) }).await.0
}

/// What comes out of each write is known before: they must not meet.
#[tokio::test]
async fn each_write_has_its_own_outcome() {
    let pages = outcomes(true).await;
    assert!(pages < 3 * 32, "{pages} pages for three commits of 32 writes each: they were not together");
}

#[tokio::test]
async fn an_engine_that_shares_nothing_has_the_same_outcomes() {
    let pages = outcomes(false).await;
    assert!(pages >= 3 * 32, "{pages} pages for 96 commits: some were together");
}

/// How many pages were written to the log.
async fn outcomes(share: bool) -> i64 {
    let (_folder, engine) = database(&EngineOptions { share, ..EngineOptions::default() }).await;
    let insert = |id: i64, name: String, doors: i64| {
        let sql = "INSERT INTO cars (id, name, model, doors) VALUES ($1, $2, $3, $4)";
        Statement::write(sql, [id.into(), name.into(), format!("model {id}").into(), doors.into()])
    };
    let wheel = |car: i64| Statement::write("INSERT INTO wheels (car_id) VALUES ($1)", [car.into()]);
    let nothing = || Statement::write("INSERT INTO notes (note) VALUES ($1)", [None::<i64>.into()]);
    let update =
        |id: i64, doors: i64| Statement::write("UPDATE cars SET doors = $1 WHERE id = $2", [doors.into(), id.into()]);
    engine.execute(insert(1, "car 1".to_owned(), 4)).await.unwrap();
    engine.execute(wheel(1)).await.unwrap();
    engine.execute(note(0)).await.unwrap();
    engine.execute(update(1, 5)).await.unwrap();
    // The log begins anew.
    let checkpoint = |mode: &str| Statement::write(format!("PRAGMA wal_checkpoint({mode})"), []);
    engine.query(checkpoint("TRUNCATE")).await.unwrap();
    for round in 1..=3_i64 {
        let mut statements = Vec::new();
        let mut expected = Vec::new();
        for client in 0..64_i64 {
            let id = round * 1_000 + client;
            let (statement, outcome) = match client % 8 {
                0 => (insert(id, "car 1".to_owned(), 4), Err(ErrorKind::UniqueViolation)),
                1 => (insert(id, format!("car {id}"), -1), Err(ErrorKind::CheckViolation)),
                2 => (wheel(999_999), Err(ErrorKind::ForeignKeyViolation)),
                3 => (nothing(), Err(ErrorKind::NotNullViolation)),
                4 => (update(1, id), Ok(1)),
                5 => (note(id), Ok(1)),
                // The car of the write before it.
                7 => (wheel(id - 1), Ok(1)),
                _ => (insert(id, format!("car {id}"), 4), Ok(1)),
            };
            statements.push(statement);
            expected.push(outcome);
        }
        let outcomes = together(&engine, statements).await;
        for (client, (outcome, expected)) in outcomes.into_iter().zip(expected).enumerate() {
            assert_eq!(outcome.map_err(|error| error.kind()), expected, "{client}");
        }
        let cars = format!("SELECT count(*) FROM cars WHERE id >= {round} * 1000");
        let wheels = format!("SELECT count(*) FROM wheels WHERE car_id >= {round} * 1000");
        let notes = format!("SELECT count(*) FROM notes WHERE note >= {round} * 1000");
        let found = [number(&engine, &cars).await, number(&engine, &wheels).await, number(&engine, &notes).await];
        assert_eq!(found, [8, 8, 8]);
        assert_eq!(number(&engine, "SELECT doors FROM cars WHERE id = 1").await, round * 1_000 + 60);
    }
    let written = engine.query(checkpoint("PASSIVE")).await.unwrap()[0].get(1).unwrap();
    // A model's foreign key is named among others too.
    let wheels = join_all((1..5).map(|id| Wheel::insert(&engine, NewWheel { car_id: (id * 1_000).into() })));
    for (id, wheel) in (1..5).zip(soon(wheels).await) {
        if id > 1 {
            let error = assert_kind(wheel, ErrorKind::ForeignKeyViolation);
            assert_eq!(error.constraint().unwrap().columns, ["car_id"]);
        }
    }
    written
}

#[tokio::test]
async fn a_write_that_is_stopped_takes_no_other_with_it() {
    let options = EngineOptions { statement_timeout: Some(Duration::from_secs(1)), ..EngineOptions::default() };
    let (_folder, engine) = database(&options).await;
    for statement in [note(0), notes(0)] {
        engine.execute(statement).await.unwrap();
    }
    let before = number(&engine, "SELECT count(*) FROM notes").await;
    let statements = (0..9).map(|n| if n == 4 { notes(2_000_000_000) } else { note(n) }).collect();
    for (n, outcome) in together(&engine, statements).await.into_iter().enumerate() {
        let expected = if n == 4 { Err(ErrorKind::Cancelled) } else { Ok(1) };
        assert_eq!(outcome.map_err(|error| error.kind()), expected, "{n}");
    }
    assert_eq!(number(&engine, "SELECT count(*) FROM notes").await, before + 8);
}

#[tokio::test]
async fn a_write_that_undoes_its_transaction_undoes_its_own() {
    let (_folder, engine) = database(&EngineOptions::default()).await;
    let sql = "INSERT OR ROLLBACK INTO cars (id, name, model, doors) VALUES ($1, $2, $2 || '!', 4)";
    let insert = |id: i64| Statement::write(sql, [id.into(), format!("car {id}").into()]);
    for statement in [note(0), insert(1)] {
        engine.execute(statement).await.unwrap();
    }
    let outcomes = together(&engine, vec![note(1), insert(2), insert(1), note(3), insert(3)]).await;
    let outcomes: Vec<_> = outcomes.into_iter().map(|outcome| outcome.map_err(|error| error.kind())).collect();
    assert_eq!(outcomes, [Ok(1), Ok(1), Err(ErrorKind::UniqueViolation), Ok(1), Ok(1)]);
    assert_eq!(number(&engine, "SELECT count(*) FROM notes").await, 3);
    assert_eq!(number(&engine, "SELECT count(*) FROM cars").await, 3);
}

#[tokio::test]
async fn a_foreign_key_that_the_commit_refuses_is_refused_alone() {
    let (_folder, engine) = database(&EngineOptions::default()).await;
    let sql = "CREATE TABLE parts (id INTEGER PRIMARY KEY,
                                   car INTEGER REFERENCES cars (id) DEFERRABLE INITIALLY DEFERRED)";
    engine.connection().await.unwrap().batch(sql).await.unwrap();
    let made = Car::insert(&engine, car("One")).await.unwrap();
    let part = |car: i32| Statement::write("INSERT INTO parts (car) VALUES ($1)", [car.into()]);
    for statement in [note(0), part(made.id)] {
        engine.execute(statement).await.unwrap();
    }
    let outcomes = together(&engine, vec![note(1), part(made.id), part(made.id + 1), note(2)]).await;
    let outcomes: Vec<_> = outcomes.into_iter().map(|outcome| outcome.map_err(|error| error.kind())).collect();
    assert_eq!(outcomes, [Ok(1), Ok(1), Err(ErrorKind::ForeignKeyViolation), Ok(1)]);
    assert_eq!(number(&engine, "SELECT count(*) FROM parts").await, 2);
    assert_eq!(number(&engine, "SELECT count(*) FROM notes").await, 3);
}

/// What cannot be in a transaction runs in its place among the others.
#[tokio::test]
async fn a_statement_that_cannot_be_in_a_transaction_runs_alone() {
    let (_folder, engine) = database(&EngineOptions::default()).await;
    let vacuum = || Statement::write("VACUUM", []);
    let table = || Statement::write("CREATE TABLE IF NOT EXISTS t (n INTEGER)", []);
    for statement in [note(0), vacuum(), table()] {
        engine.execute(statement).await.unwrap();
    }
    for outcome in together(&engine, vec![note(1), vacuum(), note(2), table(), note(3)]).await {
        outcome.unwrap();
    }
    assert_eq!(number(&engine, "SELECT count(*) FROM notes").await, 4);
}

#[tokio::test]
async fn another_programs_lock_is_told_to_each() {
    let (_folder, engine) = database(&few_connections(4)).await;
    let other = Engine::new(engine.url(), &EngineOptions::default());
    engine.execute(note(0)).await.unwrap();
    let lock = other.begin().await.unwrap();
    lock.execute(note(1)).await.unwrap();
    let outcomes = soon(join_all((2..6).map(|n| engine.execute(note(n))))).await;
    let kinds: Vec<_> = outcomes.into_iter().map(|outcome| outcome.unwrap_err().kind()).collect();
    // Who has waited for the lock is told of it, and who has waited for the writer of that.
    let expected = |kind: &ErrorKind| matches!(kind, ErrorKind::Conflict | ErrorKind::Unavailable);
    assert!(kinds.contains(&ErrorKind::Conflict) && kinds.iter().all(expected), "{kinds:?}");
    lock.commit().await.unwrap();
    for outcome in soon(join_all((6..10).map(|n| engine.execute(note(n))))).await {
        outcome.unwrap();
    }
    assert_eq!(number(&engine, "SELECT count(*) FROM notes").await, 6);
}

#[tokio::test]
async fn a_write_that_nobody_waits_for_is_not_run() {
    let (_folder, engine) = database(&few_connections(2)).await;
    engine.execute(note(0)).await.unwrap();
    let transaction = engine.begin().await.unwrap();
    // One is given up by its caller, the others by themselves.
    let given_up = tokio::time::timeout(Duration::from_millis(50), engine.execute(note(1))).await;
    assert!(given_up.is_err());
    for outcome in soon(join_all((2..5).map(|n| engine.execute(note(n))))).await {
        let error = assert_kind(outcome, ErrorKind::Unavailable);
        assert_eq!(error.to_string(), "every connection to the database is in use");
    }
    drop(transaction);
    engine.execute(note(9)).await.unwrap();
    assert_eq!(number(&engine, "SELECT count(*) FROM notes").await, 2);
    assert_eq!(engine.statistics().pools[0].waiting, 0);
}

#[tokio::test]
async fn an_engine_that_closes_answers_all() {
    let (folder, engine) = database(&EngineOptions::default()).await;
    let transaction = engine.begin().await.unwrap();
    transaction.execute(note(0)).await.unwrap();
    let writes = join_all((1..9).map(|n| engine.execute(note(n))));
    let close = async {
        while engine.statistics().pools[0].waiting < 8 {
            tokio::task::yield_now().await;
        }
        tokio::join!(engine.close(), async { drop(transaction) });
    };
    for outcome in soon(async { tokio::join!(writes, close) }).await.0 {
        assert_eq!(assert_kind(outcome, ErrorKind::Unavailable).to_string(), "the engine is closed");
    }
    assert_kind(soon(engine.execute(note(9))).await, ErrorKind::Unavailable);
    assert!(!folder.path().join("cars.db-wal").exists(), "a connection is open");
}

/// Writes that keep coming do not keep the engine open.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_engine_closes_under_load() {
    let (_folder, engine) = database(&EngineOptions::default()).await;
    engine.execute(note(0)).await.unwrap();
    let writers: Vec<_> = (0..16)
        .map(|_| {
            let engine = engine.clone();
            tokio::spawn(async move {
                let end = Instant::now() + Duration::from_secs(60);
                let mut refused = 0;
                while refused < 1_000 && Instant::now() < end {
                    refused += u32::from(engine.execute(note(1)).await.is_err());
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    soon(engine.close()).await;
    assert_kind(engine.execute(note(2)).await, ErrorKind::Unavailable);
    join_all(writers).await;
}

/// An engine may outlive the runtime in which its writes were waiting.
#[test]
fn a_runtime_that_ends_leaves_the_engine_whole() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let first = runtime();
    let (_folder, engine) = first.block_on(database(&EngineOptions::default()));
    let transaction = first.block_on(engine.begin()).unwrap();
    for n in 0..4 {
        let engine = engine.clone();
        first.spawn(async move { engine.execute(note(n)).await });
    }
    while engine.statistics().pools[0].waiting < 4 {
        std::thread::yield_now();
    }
    first.shutdown_timeout(Duration::from_secs(10));
    drop(transaction);
    runtime().block_on(async {
        soon(engine.execute(note(9))).await.unwrap();
        assert_eq!(number(&engine, "SELECT count(*) FROM notes").await, 1);
    });
}

/// Neither keeps the other from the writer.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn transactions_and_single_writes_take_turns() {
    let (_folder, engine) = database(&EngineOptions::default()).await;
    engine.execute(note(0)).await.unwrap();
    let (done, singles) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let (engine, done, singles) = (engine.clone(), done.clone(), singles.clone());
            tokio::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    engine.execute(note(1)).await.unwrap();
                    singles.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let transactions = |number: usize| {
        let engine = engine.clone();
        tokio::spawn(async move {
            for _ in 0..number {
                let transaction = engine.begin().await.unwrap();
                transaction.execute(note(2)).await.unwrap();
                transaction.execute(note(2)).await.unwrap();
                transaction.commit().await.unwrap();
            }
        })
    };
    let mut seen = 0;
    for _ in 0..5 {
        for ended in soon(join_all([transactions(5), transactions(5)])).await {
            ended.unwrap();
        }
        let now = singles.load(Ordering::Relaxed);
        assert!(now > seen, "no single write had its turn");
        seen = now;
    }
    done.store(true, Ordering::Relaxed);
    for writer in soon(join_all(writers)).await {
        writer.unwrap();
    }
    let singles = i64::try_from(singles.load(Ordering::Relaxed)).unwrap();
    assert_eq!(number(&engine, "SELECT count(*) FROM notes WHERE note = 1").await, singles);
    assert_eq!(number(&engine, "SELECT count(*) FROM notes WHERE note = 2").await, 100);
}

/// A read that was quick until now takes long: it must not keep this runtime's only thread.
#[tokio::test]
async fn a_slow_read_keeps_nobody_waiting() {
    let db = Database::sqlite().await;
    let count = |number: i64| {
        let sql = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT $1) SELECT count(*) FROM n";
        Statement::read(sql, [number.into()])
    };
    for _ in 0..3 {
        db.query(count(1)).await.unwrap();
    }
    let slow = db.query(count(3_000_000));
    let quick = async {
        let mut longest = Duration::ZERO;
        for _ in 0..20 {
            let start = Instant::now();
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert_eq!(db.number("SELECT count(*) FROM cars").await, 0);
            longest = longest.max(start.elapsed());
        }
        longest
    };
    let start = Instant::now();
    let (rows, longest) = tokio::join!(slow, quick);
    assert_eq!(rows.unwrap()[0].get::<i64>(0).unwrap(), 3_000_000);
    assert!(longest < start.elapsed() / 2, "{longest:?} of {:?}", start.elapsed());
}

#[tokio::test]
async fn a_table_that_changes_is_read_with_its_new_columns() {
    let db = Database::sqlite().await;
    db.batch("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1)").await;
    let names = async || {
        let rows = db.query(Statement::read("SELECT * FROM t", [])).await.unwrap();
        rows[0].names().join(",")
    };
    for _ in 0..3 {
        assert_eq!(names().await, "a");
    }
    db.batch("ALTER TABLE t RENAME COLUMN a TO b; ALTER TABLE t ADD COLUMN c INTEGER").await;
    for _ in 0..3 {
        assert_eq!(names().await, "b,c");
    }
}

/// It is longer than what is in it from the start, and what another program has in it stays.
#[tokio::test]
async fn a_log_is_laid_out_behind_what_it_has() {
    let (folder, engine) = database(&EngineOptions::default()).await;
    let log = folder.path().join("cars.db-wal");
    assert!(fs::metadata(&log).unwrap().len() > 4_000_000);
    engine.query(Statement::write("PRAGMA wal_checkpoint(TRUNCATE)", [])).await.unwrap();
    engine.execute(note(1)).await.unwrap();
    assert!(fs::metadata(&log).unwrap().len() < 100_000);
    let other = Engine::new(engine.url(), &EngineOptions::default());
    other.execute(note(2)).await.unwrap();
    assert!(fs::metadata(&log).unwrap().len() > 4_000_000);
    engine.execute(note(3)).await.unwrap();
    for engine in [&engine, &other] {
        assert_eq!(number(engine, "SELECT count(*) FROM notes").await, 3);
    }
    // As after a crash: who comes next reads the log from its beginning.
    let copy = folder.path().join("copy.db");
    fs::copy(folder.path().join("cars.db"), &copy).unwrap();
    fs::copy(&log, folder.path().join("copy.db-wal")).unwrap();
    let copy = Engine::connect(&DatabaseUrl::sqlite_file(&copy)).await.unwrap();
    assert_eq!(number(&copy, "SELECT count(*) FROM notes").await, 3);
    let sound = copy.query(Statement::read("PRAGMA integrity_check", [])).await.unwrap();
    assert_eq!(sound[0].get::<String>(0).unwrap(), "ok");
}

/// `SHARED_COMMITS_KILLS` says how often.
#[tokio::test]
async fn a_kill_loses_nothing_that_was_acknowledged() {
    let kills = std::env::var("SHARED_COMMITS_KILLS").map_or(5, |kills| kills.parse().unwrap());
    let (folder, engine) = database(&EngineOptions::default()).await;
    let mut acknowledged = Vec::new();
    for round in 0..kills {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "--ignored", "shared_commits::the_program_that_is_killed"]);
        command
            .env("SHARED_COMMITS_FILE", folder.path().join("cars.db"))
            .env("SHARED_COMMITS_ROUND", round.to_string());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let reading = std::thread::spawn(move || {
            let mut numbers = Vec::new();
            while let Some(Ok(line)) = lines.next() {
                // The last line may be cut off.
                let number = line.strip_prefix("acknowledged ").and_then(|line| line.strip_suffix('.'));
                numbers.extend(number.map(|number| number.parse::<i64>().unwrap()));
            }
            numbers
        });
        tokio::time::sleep(Duration::from_millis(300 + round * 137 % 400)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let numbers: Vec<i64> = reading.join().unwrap();
        acknowledged.extend(numbers);
    }
    assert!(!acknowledged.is_empty(), "no write was acknowledged before its program was killed");
    let rows = engine.query(Statement::read("SELECT note FROM notes ORDER BY note", [])).await.unwrap();
    let found: Vec<i64> = rows.iter().map(|row| row.get(0).unwrap()).collect();
    let lost: Vec<_> = acknowledged.iter().filter(|number| found.binary_search(number).is_err()).collect();
    assert!(lost.is_empty(), "{} of {} are lost: {lost:?}", lost.len(), acknowledged.len());
    // Each client had one write on its way at most.
    assert!(found.len() <= acknowledged.len() + CLIENTS * usize::try_from(kills).unwrap(), "{}", found.len());
    let sound = engine.query(Statement::read("PRAGMA integrity_check", [])).await.unwrap();
    assert_eq!(sound[0].get::<String>(0).unwrap(), "ok");
}

const CLIENTS: usize = 32;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the other half of `a_kill_loses_nothing_that_was_acknowledged`"]
async fn the_program_that_is_killed() {
    let Some(path) = std::env::var_os("SHARED_COMMITS_FILE") else { return };
    let round: i64 = std::env::var("SHARED_COMMITS_ROUND").unwrap().parse().unwrap();
    let engine = Engine::connect(&DatabaseUrl::sqlite_file(Path::new(&path))).await.unwrap();
    let numbers = Arc::new(AtomicUsize::new(0));
    let clients = (0..CLIENTS).map(|_| {
        let (engine, numbers) = (engine.clone(), numbers.clone());
        tokio::spawn(async move {
            loop {
                let number = round * 1_000_000 + i64::try_from(numbers.fetch_add(1, Ordering::Relaxed)).unwrap();
                engine.execute(note(number)).await.unwrap();
                writeln!(std::io::stdout(), "acknowledged {number}.").unwrap();
            }
        })
    });
    join_all(clients).await;
}
