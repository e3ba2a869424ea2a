//! Seeing what happens: what is recorded and logged of the statements, from where, and what is never shown.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crocus_orm::{EngineOptions, Error, ErrorKind, Recorded, Statement};
use futures_util::TryStreamExt;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::DefaultGuard;

use crate::cancellation::dropped_after;
use crate::database::{assert_kind, each, each_with};
use crate::models::car;

fn sql(recorded: &Recorded) -> Vec<String> {
    recorded.statements().into_iter().map(|statement| statement.sql).collect()
}

#[tokio::test]
async fn all_that_is_sent_through_a_handle_is_recorded() {
    for db in each().await {
        let (engine, recorded) = db.record();
        engine.query(Statement::read("SELECT $1 || '!'", ["a".into()])).await.unwrap();
        db.query(Statement::read("SELECT 'not through the handle'", [])).await.unwrap();
        let mut transaction = engine.begin().await.unwrap();
        assert_eq!(sql(&recorded).len(), 1, "{db}: BEGIN is not sent yet");
        transaction.execute(Statement::write("UPDATE cars SET doors = 1", [])).await.unwrap();
        let savepoint = transaction.savepoint().await.unwrap();
        savepoint.query(Statement::read("SELECT 1", [])).await.unwrap();
        savepoint.rollback().await.unwrap();
        transaction.savepoint().await.unwrap().release().await.unwrap();
        transaction.batch("DELETE FROM wheels; DELETE FROM cars").await.unwrap();
        transaction.commit().await.unwrap();
        drop(engine.begin().await.unwrap());
        let transaction = engine.begin().await.unwrap();
        transaction.query(Statement::read("SELECT 2", [])).await.unwrap();
        drop(transaction);
        engine.connection().await.unwrap().batch("SELECT 3").await.unwrap();
        let mut stream = engine.stream(Statement::read("SELECT 4", [])).await.unwrap();
        while stream.try_next().await.unwrap().is_some() {}
        let begin = if db.is_sqlite() { "BEGIN IMMEDIATE" } else { "BEGIN" };
        let expected = [
            "SELECT $1 || '!'",
            begin,
            "UPDATE cars SET doors = 1",
            "SAVEPOINT crocus_1",
            "SELECT 1",
            "ROLLBACK TO SAVEPOINT crocus_1",
            "RELEASE SAVEPOINT crocus_1",
            "DELETE FROM wheels; DELETE FROM cars",
            "COMMIT",
            begin,
            "SELECT 2",
            "ROLLBACK",
            "SELECT 3",
            "SELECT 4",
        ];
        assert_eq!(sql(&recorded), expected, "{db}");
        let statements = recorded.statements();
        assert!(statements.iter().all(|statement| statement.finished && statement.error.is_none()), "{statements:#?}");
        assert_eq!((&*statements[0].values, statements[0].rows), (&["'a'".to_owned()][..], 1), "{db}");
        assert_eq!(statements.last().unwrap().rows, 1, "{db}");
        recorded.clear();
        assert!(recorded.statements().is_empty() && recorded.round_trips() == 0);
    }
}

#[tokio::test]
async fn a_session_and_a_recording_of_a_recording_are_recorded_too() {
    for db in each().await {
        let (outer, all) = db.record();
        let (inner, some) = outer.record();
        let mut session = inner.session();
        session.add(car("One"));
        session.commit().await.unwrap();
        outer.ping().await.unwrap();
        assert!(sql(&some).iter().any(|sql| sql.starts_with("INSERT INTO")), "{db}: {:?}", sql(&some));
        assert_eq!(sql(&all).len(), sql(&some).len() + 1, "{db}");
    }
}

#[tokio::test]
async fn round_trips_are_counted() {
    for db in each().await {
        let (engine, recorded) = db.record();
        let trips = || {
            let trips = recorded.round_trips();
            recorded.clear();
            trips
        };
        // New statements are prepared first.
        let prepare = if db.is_sqlite() { 0 } else { 1 };
        let select = || Statement::read("SELECT 1 + $1", [1.into()]);
        engine.query(select()).await.unwrap();
        assert_eq!(trips(), 1 + prepare, "{db}");
        engine.query(select()).await.unwrap();
        assert_eq!(trips(), 1, "{db}");
        let mut transaction = engine.begin().await.unwrap();
        assert_eq!(trips(), 0, "{db}: BEGIN waits for the first statement");
        transaction.query(select()).await.unwrap();
        assert_eq!(trips(), 1, "{db}: and goes with it");
        let savepoint = transaction.savepoint().await.unwrap();
        savepoint.query(select()).await.unwrap();
        savepoint.release().await.unwrap();
        transaction.query(select()).await.unwrap();
        assert_eq!(trips(), 2, "{db}: savepoints cost none");
        transaction.commit().await.unwrap();
        assert_eq!(trips(), 1, "{db}");
        engine.begin().await.unwrap().commit().await.unwrap();
        assert_eq!(trips(), 0, "{db}: nothing to commit");
        drop(engine.stream(select()).await.unwrap());
        assert_eq!(trips(), 1, "{db}");
        assert_kind(engine.query(Statement::read("SELECT 1 / 0 FROM nowhere", [])).await, ErrorKind::MissingTable);
        assert_eq!(trips(), 1, "{db}: one that fails was waited for too");
    }
}

#[tokio::test]
async fn a_statement_knows_its_place() {
    for db in each().await {
        let (engine, recorded) = db.record();
        let from = line!() + 1;
        engine.query(Statement::read("SELECT 1", [])).await.unwrap();
        engine.execute(Statement::write("UPDATE cars SET doors = 1", [])).await.unwrap();
        drop(engine.stream(Statement::read("SELECT 1", [])).await.unwrap());
        engine.ping().await.unwrap();
        let mut transaction = engine.begin().await.unwrap();
        transaction.query(Statement::read("SELECT 1", [])).await.unwrap();
        let savepoint = transaction.savepoint().await.unwrap();
        savepoint.batch("SELECT 1").await.unwrap();
        savepoint.release().await.unwrap();
        transaction.query_each(vec![Statement::read("SELECT 1", [])]).await.unwrap();
        transaction.commit().await.unwrap();
        engine.transaction(async |tx| tx.query(Statement::read("SELECT 1", [])).await).await.unwrap();
        let places: Vec<_> = recorded
            .statements()
            .into_iter()
            .map(|statement| {
                let place = statement.location.unwrap();
                assert!(place.file().ends_with("seeing.rs"), "{db}: {statement:?} is from {place}");
                place.line() - from
            })
            .collect();
        assert_eq!(places, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 11, 11], "{db}");
        let elsewhere = std::panic::Location::caller();
        engine.query(Statement::read("SELECT 2", []).at(elsewhere)).await.unwrap();
        assert_eq!(recorded.statements().last().unwrap().location, Some(elsewhere));
    }
}

#[tokio::test]
async fn what_did_not_end_well_is_recorded_as_such() {
    for db in each().await {
        let (engine, recorded) = db.record();
        assert_kind(engine.query(Statement::read("SELECT * FROM nowhere", [])).await, ErrorKind::MissingTable);
        let statement = recorded.statements().remove(0);
        assert!(statement.finished && statement.error.unwrap().contains("nowhere"), "{db}");
        recorded.clear();
        assert!(dropped_after(1, engine.query(db.slow())).await.is_none(), "{db}");
        assert!(recorded.statements().iter().all(|statement| !statement.finished), "{db}");
        recorded.clear();
        let mut stream = engine.stream(Statement::read("SELECT name FROM cars", [])).await.unwrap();
        assert!(!recorded.statements()[0].finished, "{db}");
        while stream.try_next().await.unwrap().is_some() {}
        assert!(recorded.statements()[0].finished, "{db}");
    }
}

const SECRET: &str = "hunter2's";

fn secret(sql: &str) -> Statement {
    Statement::write(sql, [SECRET.into(), "open".into()]).sensitive(0)
}

/// All that can be seen of an error.
fn shown(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {:?}", error.hint());
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text += &format!(" {error} {error:?}");
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn a_sensitive_value_is_shown_nowhere() {
    let log = Log::default();
    let _guard = log.listen(LevelFilter::TRACE);
    let options = EngineOptions { echo: true, slow_query: Some(Duration::ZERO), ..EngineOptions::default() };
    for db in each_with(options).await {
        let (engine, recorded) = db.record();
        let insert = "INSERT INTO cars (name, model, doors) VALUES ($1, $2, 4)";
        let debug = format!("{:?}", secret(insert));
        assert!(!debug.contains("hunter") && debug.contains(r#"["[redacted]", "'open'"]"#), "{debug}");
        engine.execute(secret(insert)).await.unwrap();
        let error = assert_kind(engine.execute(secret(insert)).await, ErrorKind::UniqueViolation);
        assert!(!shown(&error).contains("hunter"), "{db}: {}", shown(&error));
        assert!(error.constraint().is_some());
        // Each database has its own way of quoting a value.
        let refused = if db.is_sqlite() {
            secret("SELECT json_extract('{}', $1) || $2")
        } else {
            secret("SELECT CAST(CAST($1 AS text) AS integer) || CAST($2 AS text)")
        };
        for refused in [refused.clone(), refused.sensitive(1)] {
            for error in [
                engine.query(refused.clone()).await.unwrap_err(),
                stream_error(&engine, refused.clone()).await,
                engine.begin().await.unwrap().query(refused.clone()).await.unwrap_err(),
            ] {
                assert!(!shown(&error).contains("hunter") && shown(&error).contains("[redacted]"), "{db}: {error}");
            }
        }
        let recorded = format!("{:?}", recorded.statements());
        assert!(!recorded.contains("hunter") && recorded.contains("[redacted]"), "{db}: {recorded}");
    }
    let log = log.text();
    assert!(log.contains("[redacted], 'open'"), "{log}");
    let leak: Vec<_> = log.lines().filter(|line| line.contains("hunter")).collect();
    assert!(leak.is_empty(), "{leak:#?}");
}

async fn stream_error(engine: &crocus_orm::Engine, statement: Statement) -> Error {
    let mut stream = match engine.stream(statement).await {
        Ok(stream) => stream,
        Err(error) => return error,
    };
    loop {
        match stream.try_next().await {
            Ok(row) => assert!(row.is_some(), "the stream has ended as if it were whole"),
            Err(error) => return error,
        }
    }
}

#[tokio::test]
async fn echo_logs_each_statement_in_one_line() {
    let log = Log::default();
    let _guard = log.listen(LevelFilter::INFO);
    for db in each_with(EngineOptions { echo: true, ..EngineOptions::default() }).await {
        log.clear();
        let (name, none) = ("two\nlines".into(), None::<String>.into());
        db.query(Statement::read("SELECT $1 || coalesce($2, '')", [name, none])).await.unwrap();
        let transaction = db.begin().await.unwrap();
        transaction.execute(Statement::write("UPDATE cars SET doors = $1", [7.into()])).await.unwrap();
        transaction.commit().await.unwrap();
        let text = log.text();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{db}: {text}");
        let system = if db.is_sqlite() { "sqlite" } else { "postgresql" };
        let first = format!(
            "SELECT $1 || coalesce($2, '') db.system=\"{system}\" values=\"[E'two\\\\nlines', NULL]\" duration="
        );
        assert!(lines[0].contains("INFO crocus::sql: ") && lines[0].contains(&first), "{}", lines[0]);
        assert!(lines[0].ends_with(" rows=1"), "{}", lines[0]);
        assert!(lines[2].contains("UPDATE cars SET doors = $1") && lines[2].contains("values=\"[7]\""), "{}", lines[2]);
        assert!(lines[3].contains("COMMIT"), "{}", lines[3]);
    }
}

#[tokio::test]
async fn a_slow_statement_is_warned_of_with_its_place() {
    let log = Log::default();
    let _guard = log.listen(LevelFilter::INFO);
    let slow = Duration::from_millis(50);
    for db in each_with(EngineOptions { slow_query: Some(slow), ..EngineOptions::default() }).await {
        log.clear();
        let statement = db.slow();
        let sql = statement.sql().to_owned();
        db.query(Statement::read("SELECT 1", [])).await.unwrap();
        let line = line!() + 1;
        db.query(statement).await.unwrap();
        let text = log.text();
        // On a busy machine the quick one may be slow too.
        let warned: Vec<_> = text.lines().filter(|line| !line.contains("statement: SELECT 1 ")).collect();
        let [warned] = warned[..] else { panic!("{db}: {text}") };
        assert!(warned.contains(&format!("WARN crocus::sql: slow statement: {sql} ")), "{db}: {text}");
        assert!(warned.contains(&format!("seeing.rs:{line}:")), "{db}: {text}");
    }
}

#[tokio::test]
async fn each_statement_is_a_span() {
    let log = Log::default();
    let _guard = log.listen(LevelFilter::DEBUG);
    for db in each().await {
        log.clear();
        db.query(Statement::read("SELECT 40 + 2", [])).await.unwrap();
        let text = log.text();
        let system = if db.is_sqlite() { "sqlite" } else { "postgresql" };
        let span = format!("statement{{db.system=\"{system}\" db.query.text=\"SELECT 40 + 2\" duration=");
        let closed = text.lines().find(|line| line.contains(&span) && line.contains("close"));
        assert!(closed.is_some_and(|line| line.contains("rows=1}")), "{db}: {text}");
    }
}

/// What this thread logs.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn listen(&self, level: LevelFilter) -> DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .with_span_events(tracing_subscriber::fmt::format::FmtSpan::CLOSE)
            .with_writer(move || log.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
