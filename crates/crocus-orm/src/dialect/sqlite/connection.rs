//! One SQLite connection, on a thread of its own: SQLite's calls block, and a connection is not shared.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use deadpool::managed::Object;
use rusqlite::ErrorCode;
use rusqlite::limits::Limit;
use rusqlite::types::Value as Stored;
use tokio::sync::{mpsc as tokio_mpsc, oneshot};

use super::pool::{Alive, Manager};
use super::{errors, references, types};
use crate::observe::Watch;
use crate::row::Row;
use crate::statement::{Answer, Failure, Form, ROLLBACK, Statement};
use crate::value::invalid;
use crate::{Error, ErrorKind, Result};

/// Rows sent at a time to the reader of a stream.
const BATCH: usize = 256;

/// Steps of SQLite's machine between two questions whether anybody still waits: far less than a millisecond.
const STEPS: std::ffi::c_int = 10_000;

thread_local! {
    /// Whether the statement that the connection's thread is running is to go on.
    static WANTED: RefCell<Option<Box<dyn Fn() -> bool>>> = const { RefCell::new(None) };
}

type Job = Box<dyn FnOnce(&mut rusqlite::Connection) + Send>;

/// A handle on a connection's thread. The thread ends, and the connection closes, when the handle is dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    jobs: mpsc::Sender<Job>,
    /// How long a statement may take.
    limit: Option<Duration>,
    /// Whether it may take longer, for its holder.
    unlimited: AtomicBool,
    /// Whether the open transaction is going to be rolled back, whatever its statement does.
    abandoned: Arc<AtomicBool>,
}

/// When a statement is to be stopped while it runs.
struct Stop {
    /// Whether anybody waits for its answer.
    is_awaited: Box<dyn Fn() -> bool>,
    abandoned: Arc<AtomicBool>,
    deadline: Option<Instant>,
}

impl Stop {
    fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

impl Connection {
    /// Starts the thread, which opens the connection. It keeps `alive` until the connection is closed.
    pub(crate) async fn open(
        alive: Alive,
        limit: Option<Duration>,
        open: impl FnOnce() -> Result<rusqlite::Connection> + Send + 'static,
    ) -> Result<Connection> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let (opened, answer) = oneshot::channel();
        let work = move || {
            // Dropped last, after the connection.
            let _alive = alive;
            let stops_when_unwanted = |mut connection: rusqlite::Connection| {
                let unwanted = || WANTED.with_borrow(|wanted| wanted.as_ref().is_some_and(|wanted| !wanted()));
                connection.progress_handler(STEPS, Some(unwanted)).map_err(errors::from_driver)?;
                Ok(connection)
            };
            let mut connection = match open().and_then(stops_when_unwanted) {
                Ok(connection) => connection,
                Err(error) => return drop(opened.send(Err(error))),
            };
            if opened.send(Ok(())).is_ok() {
                while let Ok(job) = queue.recv() {
                    job(&mut connection);
                }
            }
        };
        std::thread::Builder::new().name("crocus-sqlite".to_owned()).spawn(work).map_err(|error| {
            Error::new(ErrorKind::Unavailable, format!("failed to start a thread for SQLite: {error}"))
        })?;
        answer.await.map_err(|_| ended())??;
        Ok(Connection { jobs, limit, unlimited: AtomicBool::new(false), abandoned: Arc::default() })
    }

    /// Runs a job on the connection's thread. It runs to its end also when the caller stops waiting.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut rusqlite::Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (done, answer) = oneshot::channel();
        // A caller that is gone does not want the answer.
        self.send(move |connection| drop(done.send(job(connection))))?;
        answer.await.map_err(|_| ended())?
    }

    fn send(&self, job: impl FnOnce(&mut rusqlite::Connection) + Send + 'static) -> Result<()> {
        self.jobs.send(Box::new(job)).map_err(|_| ended())
    }

    /// Runs one statement.
    pub(crate) async fn query(&self, statement: &Arc<Statement>, watch: &Watch) -> Result<Answer> {
        match self.run(std::slice::from_ref(statement), watch).await {
            Ok(answers) => Ok(answers.into_iter().next().unwrap_or_default()),
            Err(failure) => Err(failure.error),
        }
    }

    /// Runs statements one after the other in one visit to the thread. Gives their answers, or the first failure; what
    /// comes after it was not done.
    pub(crate) async fn run(&self, statements: &[Arc<Statement>], watch: &Watch) -> Result<Vec<Answer>, Failure> {
        watch.round_trip();
        let all = statements.to_vec();
        // Gone when this future is.
        let waiting = Arc::new(());
        let still_waiting = Arc::downgrade(&waiting);
        let (abandoned, limit) = (self.abandoned.clone(), self.limit());
        let ran = self.call(move |connection| {
            let mut answers = Vec::with_capacity(all.len());
            for (index, statement) in all.iter().enumerate() {
                let start = Instant::now();
                let waiting = still_waiting.clone();
                let is_awaited = Box::new(move || waiting.strong_count() > 0);
                let stop =
                    Stop { is_awaited, abandoned: abandoned.clone(), deadline: limit.map(|limit| start + limit) };
                match run_one(connection, statement, stop) {
                    Ok(answer) => answers.push((answer, start.elapsed())),
                    Err(error) => return Ok((answers, Some((Failure { index, error }, start.elapsed())))),
                }
            }
            Ok((answers, None))
        });
        let ran = ran.await;
        drop(waiting);
        let (answers, failure) = ran.map_err(|error| Failure { index: 0, error })?;
        for (index, (answer, duration)) in answers.iter().enumerate() {
            watch.answered_in(index, *duration, answer.count());
        }
        if let Some((Failure { index, error }, duration)) = failure {
            let failure = Failure { index, error: error.redact(&statements[index]) };
            watch.failed_in(failure.index, duration, &failure.error);
            return Err(failure);
        }
        Ok(answers.into_iter().map(|(answer, _)| answer).collect())
    }

    /// Refuses writes, until the transaction is over.
    pub(crate) async fn only_read(&self) -> Result<()> {
        self.call(|connection| connection.pragma_update(None, "query_only", true).map_err(errors::from_driver)).await
    }

    /// Lets the holder's statements take their time.
    pub(crate) fn lift_limit(&self) {
        self.unlimited.store(true, Ordering::Relaxed);
    }

    fn limit(&self) -> Option<Duration> {
        self.limit.filter(|_| !self.unlimited.load(Ordering::Relaxed))
    }

    pub(crate) fn is_open(&self) -> bool {
        self.send(|_| ()).is_ok()
    }
}

/// Rolls back, then gives the connection back: in this order, also when the caller has stopped waiting. A statement
/// that is running is stopped.
pub(crate) fn roll_back_and_release(connection: Object<Manager>) {
    let jobs = connection.jobs.clone();
    let in_memory = is_in_memory(&connection);
    connection.abandoned.store(true, Ordering::Relaxed);
    let job: Job = Box::new(move |raw| {
        connection.abandoned.store(false, Ordering::Relaxed);
        let rolled_back = if raw.is_autocommit() { Ok(()) } else { raw.execute_batch(ROLLBACK) };
        // A transaction that only reads has had the one connection for itself.
        let usual = if in_memory { raw.pragma_update(None, "query_only", false) } else { Ok(()) };
        if let Err(error) = rolled_back.and(usual) {
            tracing::error!(%error, "failed to roll back; the connection is closed");
            drop(Object::take(connection));
        }
    });
    drop(jobs.send(job));
}

fn is_in_memory(connection: &Object<Manager>) -> bool {
    Object::pool(connection).is_some_and(|pool| pool.manager().is_in_memory())
}

/// Rolls back and closes the connection, and its settings with it; the next caller gets a new one. A database in memory
/// would end with its only connection: there, foreign keys are set back.
pub(crate) fn roll_back_and_close(connection: Object<Manager>) {
    let jobs = connection.jobs.clone();
    let in_memory = is_in_memory(&connection);
    connection.abandoned.store(true, Ordering::Relaxed);
    let job: Job = Box::new(move |raw| {
        connection.abandoned.store(false, Ordering::Relaxed);
        connection.unlimited.store(false, Ordering::Relaxed);
        let rolled_back = if raw.is_autocommit() { Ok(()) } else { raw.execute_batch(ROLLBACK) };
        match rolled_back.and_then(|()| raw.pragma_update(None, "foreign_keys", true)) {
            Ok(()) if in_memory => drop(connection),
            _ => drop(Object::take(connection)),
        }
    });
    drop(jobs.send(job));
}

/// Rows on their way from a connection's thread. The connection is released when the last row was read, or the
/// stream dropped.
#[derive(Debug)]
pub(crate) struct RowStream {
    batches: tokio_mpsc::Receiver<Result<Vec<Row>>>,
    batch: std::vec::IntoIter<Row>,
}

impl RowStream {
    /// Gives the stream once the statement is found to be in order.
    pub(crate) async fn start(
        connection: Object<Manager>,
        statement: Arc<Statement>,
        watch: &Watch,
    ) -> Result<RowStream> {
        watch.round_trip();
        let (sender, batches) = tokio_mpsc::channel(1);
        let (started, answer) = oneshot::channel();
        let jobs = connection.jobs.clone();
        let (abandoned, limit) = (connection.abandoned.clone(), connection.limit());
        let job: Job = Box::new(move |raw| {
            let deadline = limit.map(|limit| Instant::now() + limit);
            let prepared = match prepare(raw, &statement) {
                Ok(prepared) => prepared,
                Err(error) => return drop(started.send(Err(error))),
            };
            // A caller that is gone has dropped the receiver too.
            drop(started.send(Ok(())));
            let mut batch = Vec::with_capacity(BATCH);
            let receiver = sender.clone();
            let stop = Stop { is_awaited: Box::new(move || !receiver.is_closed()), abandoned, deadline };
            let result = each_row(prepared, raw.is_autocommit(), stop, |row| {
                batch.push(row);
                batch.len() < BATCH
                    || sender.blocking_send(Ok(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)))).is_ok()
            });
            // A receiver that is gone does not want the rest.
            drop(sender.blocking_send(result.map(|()| batch)));
            drop(connection);
        });
        jobs.send(job).map_err(|_| ended())?;
        answer.await.map_err(|_| ended())??;
        Ok(RowStream { batches, batch: Vec::new().into_iter() })
    }

    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Row>>> {
        loop {
            if let Some(row) = self.batch.next() {
                return Poll::Ready(Some(Ok(row)));
            }
            match std::task::ready!(self.batches.poll_recv(context)) {
                Some(Ok(batch)) => self.batch = batch.into_iter(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

fn run_one(connection: &rusqlite::Connection, statement: &Statement, stop: Stop) -> Result<Answer> {
    if statement.form != Form::Prepared {
        // SQLite has rolled back by itself where it stopped a statement that writes.
        if *statement.sql == *ROLLBACK && connection.is_autocommit() {
            return Ok(Answer::default());
        }
        return connection.execute_batch(&statement.sql).map(|()| Answer::default()).map_err(errors::from_driver);
    }
    let before = connection.total_changes();
    let mut rows = Vec::new();
    each_row(prepare(connection, statement)?, connection.is_autocommit(), stop, |row| {
        rows.push(row);
        true
    })
    .map_err(|error| references::named(connection, statement, error))?;
    // A statement that is no INSERT, UPDATE or DELETE leaves the count of the one before it.
    let written = if connection.total_changes() == before { 0 } else { connection.changes() };
    Ok(Answer { rows, written, arrived: None })
}

/// The statement with its values.
fn prepare<'a>(connection: &'a rusqlite::Connection, statement: &Statement) -> Result<rusqlite::CachedStatement<'a>> {
    let given = statement.values.len();
    let most = connection.limit(Limit::SQLITE_LIMIT_VARIABLE_NUMBER).map_err(errors::from_driver)?;
    if usize::try_from(most).is_ok_and(|most| given > most) {
        return Err(invalid(format!("the statement has {given} values, and SQLite takes {most}")));
    }
    let mut prepared = connection.prepare_cached(&statement.sql).map_err(errors::from_driver)?;
    let wanted = prepared.parameter_count();
    if wanted != given {
        let text = format!("the statement takes {wanted} values and was given {given}");
        return Err(Error::new(ErrorKind::Database, text));
    }
    for place in 1..=wanted {
        // `$2` is a name to SQLite, which counts names by where each is first ("Binding Values To Prepared Statements").
        let number = prepared.parameter_name(place).and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok());
        let index = number.unwrap_or(place).wrapping_sub(1);
        let value = statement.values.get(index).ok_or_else(|| {
            let text = format!("the statement takes a value `${}` and was given {given}", index.wrapping_add(1));
            Error::new(ErrorKind::Database, text)
        })?;
        let bound = types::to_sqlite(value).map_err(|error| error.of_value(index))?;
        prepared.raw_bind_parameter(place, bound).map_err(errors::from_driver)?;
    }
    Ok(prepared)
}

/// Calls `take` with each row until it answers `false`. A statement ends early when its time is up, or nobody waits for
/// it. One that writes in a transaction that somebody may go on with does not end for that: SQLite would roll back the
/// whole transaction, and what follows would be outside of one.
fn each_row(
    mut prepared: rusqlite::CachedStatement<'_>,
    is_alone: bool,
    stop: Stop,
    mut take: impl FnMut(Row) -> bool,
) -> Result<()> {
    let may_stop = is_alone || prepared.readonly();
    let stop = Rc::new(stop);
    let asked = stop.clone();
    WANTED.set(Some(Box::new(move || {
        let is_awaited = if may_stop { (asked.is_awaited)() } else { !asked.abandoned.load(Ordering::Relaxed) };
        is_awaited && !asked.is_late()
    })));
    let mut rows = prepared.raw_query();
    // Known with the first row only: a statement prepared before its table changed is prepared anew when it is run.
    let mut names: Option<Arc<[String]>> = None;
    let result = loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        };
        let names = names.get_or_insert_with(|| row.as_ref().column_names().map(str::to_owned).collect());
        let values = (0..names.len()).map(|index| row.get::<_, Stored>(index)).collect::<rusqlite::Result<Vec<_>>>();
        match values {
            Ok(values) => {
                if !take(Row::sqlite(names.clone(), values)) {
                    break Ok(());
                }
            }
            Err(error) => break Err(error),
        }
    };
    WANTED.set(None);
    result.map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) if stop.is_late() => Error::statement_timeout().refused(),
        _ => errors::from_driver(error),
    })
}

fn ended() -> Error {
    Error::new(ErrorKind::Unavailable, "the SQLite connection's thread has ended")
}
