//! One SQLite connection, with a thread of its own: SQLite's calls block. A statement that is known to be quick is run
//! without it, on the thread that asks: two changes of threads cost more than reading a row.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use deadpool::managed::Object;
use tokio::sync::{mpsc as tokio_mpsc, oneshot};

use super::errors;
use super::pool::{Alive, Manager};
use super::running::{Driver, QUICK, Stop};
use crate::observe::Watch;
use crate::row::Row;
use crate::statement::{Answer, Failure, ROLLBACK, Statement};
use crate::{Error, ErrorKind, Result};

/// Rows sent at a time to the reader of a stream.
const BATCH: usize = 256;

pub(super) type Job = Box<dyn FnOnce(&mut Driver) + Send>;

/// A handle on a connection's thread. The thread ends, and the connection closes, when the handle is dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Before `jobs`, so that the connection is closed on its thread.
    driver: Arc<Mutex<Driver>>,
    jobs: mpsc::Sender<Job>,
    /// How long a statement may take.
    limit: Option<Duration>,
    /// How long a statement waits for another process's lock.
    patience: Duration,
    /// Whether it may take longer, for its holder.
    unlimited: AtomicBool,
    /// Whether the open transaction is going to be rolled back, whatever its statement does.
    abandoned: Arc<AtomicBool>,
}

impl Connection {
    /// Starts the thread, which opens the connection. It keeps `alive` until the connection is closed.
    pub(crate) async fn open(
        alive: Alive,
        limit: Option<Duration>,
        patience: Duration,
        open: impl FnOnce() -> Result<rusqlite::Connection> + Send + 'static,
    ) -> Result<Connection> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let (opened, answer) = oneshot::channel();
        let work = move || {
            let driver = match open().and_then(|raw| Driver::new(raw, alive)) {
                Ok(driver) => Arc::new(Mutex::new(driver)),
                Err(error) => return drop(opened.send(Err(error))),
            };
            if opened.send(Ok(driver.clone())).is_ok() {
                while let Ok(job) = queue.recv() {
                    // A job that panics ends the thread, and no other finds what it has left.
                    let Ok(mut driver) = driver.lock() else { return };
                    job(&mut driver);
                }
            }
        };
        std::thread::Builder::new().name("crocus-sqlite".to_owned()).spawn(work).map_err(|error| {
            Error::new(ErrorKind::Unavailable, format!("failed to start a thread for SQLite: {error}"))
        })?;
        let driver = answer.await.map_err(|_| ended())??;
        Ok(Connection { driver, jobs, limit, patience, unlimited: AtomicBool::new(false), abandoned: Arc::default() })
    }

    /// Runs a job on the connection's thread. It runs to its end also when the caller stops waiting.
    async fn call<T: Send + 'static>(&self, job: impl FnOnce(&mut Driver) -> Result<T> + Send + 'static) -> Result<T> {
        let (done, answer) = oneshot::channel();
        // A caller that is gone does not want the answer.
        self.send(Box::new(move |driver| drop(done.send(job(driver)))))?;
        answer.await.map_err(|_| ended())?
    }

    fn send(&self, job: Job) -> Result<()> {
        self.jobs.send(job).map_err(|_| ended())
    }

    /// Runs a statement that reads: on this thread where it was quick the last time, and otherwise, or where it turns
    /// out to take longer, on the connection's.
    pub(crate) async fn read(&self, statement: &Arc<Statement>, watch: &Watch) -> Result<Answer> {
        if let Some((result, duration)) = self.run_here(statement) {
            watch.round_trip();
            let result = result.map_err(|error| error.redact(statement));
            match &result {
                Ok(answer) => watch.answered_in(0, duration, answer.count()),
                Err(error) => watch.failed_in(0, duration, error),
            }
            return result;
        }
        self.query(statement, watch).await
    }

    /// `None`: nothing was done here, or not to its end.
    fn run_here(&self, statement: &Statement) -> Option<(Result<Answer>, Duration)> {
        // Its thread may be busy with what nobody waits for any more.
        let mut driver = self.driver.try_lock().ok()?;
        if !driver.is_quick(statement) || self.limit().is_some_and(|limit| limit < QUICK) {
            return None;
        }
        let start = Instant::now();
        let stop = Stop { deadline: Some(start + QUICK), ..Stop::default() };
        // Another process's lock is not waited for here.
        driver.raw.busy_timeout(Duration::ZERO).ok()?;
        let result = driver.run(statement, stop, true);
        driver.raw.busy_timeout(self.patience).ok()?;
        let stays = |error: &Error| !matches!(error.kind(), ErrorKind::Cancelled | ErrorKind::Conflict);
        result.as_ref().err().is_none_or(stays).then(|| (result, start.elapsed()))
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
        let ran = self.call(move |driver| {
            let mut answers = Vec::with_capacity(all.len());
            for (index, statement) in all.iter().enumerate() {
                let start = Instant::now();
                let waiting = still_waiting.clone();
                let stop = Stop {
                    is_awaited: Some(Box::new(move || waiting.strong_count() > 0)),
                    abandoned: Some(abandoned.clone()),
                    deadline: limit.map(|limit| start + limit),
                    ..Stop::default()
                };
                let is_alone = driver.raw.is_autocommit();
                match driver.run(statement, stop, is_alone) {
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
        self.call(|driver| driver.raw.pragma_update(None, "query_only", true).map_err(errors::from_driver)).await
    }

    /// Lets the holder's statements take their time.
    pub(crate) fn lift_limit(&self) {
        self.unlimited.store(true, Ordering::Relaxed);
    }

    pub(super) fn limit(&self) -> Option<Duration> {
        self.limit.filter(|_| !self.unlimited.load(Ordering::Relaxed))
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.driver.is_poisoned()
    }
}

/// Rolls back, then gives the connection back: in this order, also when the caller has stopped waiting. A statement
/// that is running is stopped.
pub(crate) fn roll_back_and_release(connection: Object<Manager>) {
    let jobs = connection.jobs.clone();
    let in_memory = is_in_memory(&connection);
    connection.abandoned.store(true, Ordering::Relaxed);
    let job: Job = Box::new(move |Driver { raw, .. }| {
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
    let job: Job = Box::new(move |Driver { raw, .. }| {
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
        let job: Job = Box::new(move |driver| {
            let deadline = limit.map(|limit| Instant::now() + limit);
            if let Err(error) = driver.check(&statement) {
                return drop(started.send(Err(error)));
            }
            // A caller that is gone has dropped the receiver too.
            drop(started.send(Ok(())));
            let mut batch = Vec::with_capacity(BATCH);
            let receiver = sender.clone();
            let is_awaited: Box<dyn Fn() -> bool> = Box::new(move || !receiver.is_closed());
            let stop = Stop { is_awaited: Some(is_awaited), abandoned: Some(abandoned), deadline, ..Stop::default() };
            let is_alone = driver.raw.is_autocommit();
            let result = driver.each_row(&statement, stop, is_alone, |row| {
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

/// Runs a job on the connection's thread, which has the connection until the job lets go of it.
pub(super) fn send(
    connection: Object<Manager>,
    job: impl FnOnce(&mut Driver, Object<Manager>) + Send + 'static,
) -> Result<()> {
    let jobs = connection.jobs.clone();
    jobs.send(Box::new(move |driver| job(driver, connection))).map_err(|_| ended())
}

/// Gives the connection back; in a transaction that somebody has begun by hand, it is closed.
pub(super) fn release(driver: &Driver, connection: Object<Manager>) {
    if !driver.raw.is_autocommit() && !is_in_memory(&connection) {
        drop(Object::take(connection));
    }
}

pub(super) fn ended() -> Error {
    Error::new(ErrorKind::Unavailable, "the SQLite connection's thread has ended")
}
