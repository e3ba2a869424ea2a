//! Seeing what happens: each statement on its way to the log, to a recording, or to a warning that it was slow.
//!
//! An engine has one observer, and so has what is made from the engine. When nobody looks, a statement is counted, and
//! nothing of it is kept or formatted.

use std::fmt::Write as _;
use std::panic::Location;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::{Level, Span};

use crate::statement::{Access, Statement};
use crate::statistics::{Counters, StatementCount};
use crate::{Dialect, EngineOptions, Error};

/// What looks at the statements of an engine.
#[derive(Debug, Clone)]
pub(crate) struct Observer {
    system: &'static str,
    echo: bool,
    slow_query: Option<Duration>,
    recordings: Vec<Arc<Log>>,
    /// The engine's own, which all its observers share.
    pub(crate) counters: Arc<Counters>,
    /// The handle's own.
    count: Option<StatementCount>,
}

#[derive(Debug, Default)]
struct Log {
    entries: Mutex<Entries>,
    round_trips: AtomicUsize,
}

#[derive(Debug, Default)]
struct Entries {
    /// How many were forgotten before the first of `kept`.
    forgotten: usize,
    kept: Vec<RecordedStatement>,
}

/// What an engine that [records](crate::Engine::record) has run.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), crocus_orm::Error> {
/// use crocus_orm::{Engine, Statement};
///
/// let engine = Engine::connect(&"sqlite::memory:".parse()?).await?;
/// let (db, recorded) = engine.record();
/// db.query(Statement::read("SELECT $1 + 1", [41.into()])).await?;
/// engine.ping().await?; // not through `db`
///
/// let statements = recorded.statements();
/// assert_eq!(statements.len(), 1);
/// assert_eq!((&*statements[0].sql, &*statements[0].values, statements[0].rows), ("SELECT $1 + 1", &["41".to_owned()][..], 1));
/// assert_eq!(recorded.round_trips(), 1);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Recorded(Arc<Log>);

/// A statement that was sent to the database. `BEGIN`, `SAVEPOINT` and their like are statements too.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RecordedStatement {
    /// The SQL text.
    pub sql: String,
    /// The bound values in SQL's notation; the sensitive ones as `[redacted]`.
    pub values: Vec<String>,
    /// Whether it was said to read only.
    pub reads: bool,
    /// From sending it to its last row. What is sent together starts together.
    pub duration: Duration,
    /// How many rows it gave, or wrote when it gave none.
    pub rows: u64,
    /// Why it failed.
    pub error: Option<String>,
    /// Whether its end was seen. It was not where the caller stopped waiting, or has not read the stream to its end.
    pub finished: bool,
    /// Where in the program it is from.
    pub location: Option<&'static Location<'static>>,
}

impl Recorded {
    /// The statements until now, in the order in which they were started.
    pub fn statements(&self) -> Vec<RecordedStatement> {
        self.0.entries().kept.clone()
    }

    /// How often an answer of the database was waited for. On PostgreSQL statements that are sent together make one
    /// round trip, and preparing those that are new on the connection one more; on SQLite it is one for each visit to
    /// the connection's thread. Opening connections, and rolling back what was dropped, are not counted.
    pub fn round_trips(&self) -> usize {
        self.0.round_trips.load(Ordering::Relaxed)
    }

    /// Forgets what was recorded until now.
    pub fn clear(&self) {
        let mut entries = self.0.entries();
        entries.forgotten += entries.kept.len();
        entries.kept.clear();
        self.0.round_trips.store(0, Ordering::Relaxed);
    }
}

impl Log {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds statements that are about to be sent, and gives the number of the first.
    fn add(&self, statements: &[Arc<Statement>]) -> usize {
        let mut entries = self.entries();
        let first = entries.forgotten + entries.kept.len();
        entries.kept.extend(statements.iter().map(|statement| RecordedStatement {
            sql: statement.sql.to_string(),
            values: statement.values.shown().collect(),
            reads: statement.access == Access::Read,
            duration: Duration::ZERO,
            rows: 0,
            error: None,
            finished: false,
            location: statement.location(),
        }));
        first
    }
}

impl Observer {
    pub(crate) fn new(dialect: Dialect, options: &EngineOptions) -> Observer {
        let system = match dialect {
            Dialect::Sqlite => "sqlite",
            Dialect::Postgres => "postgresql",
        };
        Observer {
            system,
            echo: options.echo,
            slow_query: options.slow_query,
            recordings: Vec::new(),
            counters: Arc::default(),
            count: None,
        }
    }

    /// The same observer, with a recording of its own beside those that it has.
    pub(crate) fn recording(&self) -> (Observer, Recorded) {
        let log = Arc::new(Log::default());
        let mut observer = self.clone();
        observer.recordings.push(log.clone());
        (observer, Recorded(log))
    }

    /// The same observer, which counts there as well.
    pub(crate) fn counting(&self, count: &StatementCount) -> Observer {
        Observer { count: Some(count.clone()), ..self.clone() }
    }

    /// Looks at statements that are about to be sent together.
    pub(crate) fn watch(self: &Arc<Self>, statements: &[Arc<Statement>]) -> Watch {
        let start = Instant::now();
        self.counters.sent(statements);
        if let Some(count) = &self.count {
            count.begin(statements.len(), start);
        }
        let echo = self.echo && tracing::enabled!(target: "crocus::sql", Level::INFO);
        let spans = tracing::enabled!(target: "crocus::sql", Level::DEBUG);
        let looks = echo || spans || self.slow_query.is_some() || !self.recordings.is_empty();
        let watched = looks.then(|| {
            let spans = statements.iter().filter(|_| spans).map(|statement| self.span(statement)).collect();
            let firsts = self.recordings.iter().map(|log| log.add(statements)).collect();
            Box::new(Watched { statements: statements.to_vec(), firsts, spans, echo })
        });
        Watch(Some(Started { observer: self.clone(), start, watched }))
    }

    fn span(&self, statement: &Statement) -> Span {
        tracing::debug_span!(
            target: "crocus::sql",
            "statement",
            db.system = self.system,
            db.query.text = &*statement.sql,
            duration = tracing::field::Empty,
            rows = tracing::field::Empty,
            error = tracing::field::Empty,
        )
    }
}

/// Statements on their way. It does nothing when they are the engine's own.
#[derive(Debug)]
pub(crate) struct Watch(Option<Started>);

#[derive(Debug)]
struct Started {
    observer: Arc<Observer>,
    start: Instant,
    /// Where somebody wants more than numbers.
    watched: Option<Box<Watched>>,
}

#[derive(Debug)]
struct Watched {
    statements: Vec<Arc<Statement>>,
    /// The number of the first statement in each recording.
    firsts: Vec<usize>,
    /// One for each statement, or none at all.
    spans: Vec<Span>,
    echo: bool,
}

impl Watch {
    /// For a statement of the engine's own.
    pub(crate) fn nobody() -> Watch {
        Watch(None)
    }

    /// A wait for the database.
    pub(crate) fn round_trip(&self) {
        if let Some(started) = &self.0 {
            for log in &started.observer.recordings {
                log.round_trips.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// The statement's last row is here.
    pub(crate) fn answered(&self, index: usize, rows: u64) {
        if let Some(started) = &self.0 {
            started.end(index, started.start.elapsed(), Ok(rows));
        }
    }

    /// The same, where the time was taken elsewhere.
    pub(crate) fn answered_in(&self, index: usize, duration: Duration, rows: u64) {
        if let Some(started) = &self.0 {
            started.end(index, duration, Ok(rows));
        }
    }

    pub(crate) fn failed(&self, index: usize, error: &Error) {
        if let Some(started) = &self.0 {
            started.end(index, started.start.elapsed(), Err(error));
        }
    }

    pub(crate) fn failed_in(&self, index: usize, duration: Duration, error: &Error) {
        if let Some(started) = &self.0 {
            started.end(index, duration, Err(error));
        }
    }
}

impl Started {
    fn end(&self, index: usize, duration: Duration, result: Result<u64, &Error>) {
        let slow = self.observer.slow_query.is_some_and(|limit| duration >= limit);
        self.observer.counters.ended(duration, result.is_err(), slow);
        if let Some(watched) = &self.watched {
            watched.end(&self.observer, index, duration, result, slow);
        }
    }
}

/// The database is not waited for any more.
impl Drop for Started {
    fn drop(&mut self) {
        if let Some(count) = &self.observer.count {
            count.end();
        }
    }
}

impl Watched {
    fn end(&self, observer: &Observer, index: usize, duration: Duration, result: Result<u64, &Error>, slow: bool) {
        let statement = &self.statements[index];
        let rows = result.unwrap_or(0);
        let error = result.err().map(ToString::to_string);
        for (log, first) in observer.recordings.iter().zip(&self.firsts) {
            let mut entries = log.entries();
            // Gone where the recording was cleared meanwhile.
            let place = (first + index).checked_sub(entries.forgotten);
            if let Some(entry) = place.and_then(|place| entries.kept.get_mut(place)) {
                entry.duration = duration;
                entry.rows = rows;
                entry.error.clone_from(&error);
                entry.finished = true;
            }
        }
        if let Some(span) = self.spans.get(index) {
            span.record("duration", tracing::field::debug(duration)).record("rows", rows);
            if let Some(error) = &error {
                span.record("error", &**error);
            }
        }
        if self.echo || slow {
            self.tell(observer.system, statement, duration, rows, error.as_deref(), slow);
        }
    }

    /// Writes to the log.
    fn tell(
        &self,
        system: &str,
        statement: &Statement,
        duration: Duration,
        rows: u64,
        error: Option<&str>,
        slow: bool,
    ) {
        let values = shown(statement);
        let at = statement.location().map(tracing::field::display);
        let sql = &statement.sql;
        if self.echo {
            tracing::info!(target: "crocus::sql", { db.system = system, values, ?duration, rows, error }, "{sql}");
        }
        if slow {
            tracing::warn!(
                target: "crocus::sql",
                { db.system = system, values, ?duration, rows, error, at },
                "slow statement: {sql}"
            );
        }
    }
}

/// The values as one text: `['Model 3', 4]`.
fn shown(statement: &Statement) -> String {
    let mut text = String::from("[");
    for (index, value) in statement.values.shown().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{comma}{value}");
    }
    text + "]"
}
