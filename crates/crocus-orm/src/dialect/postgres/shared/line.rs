//! A shared connection: what is sent on it, one behind the other, and how fast it moves.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio_postgres::Statement as Plan;

use crate::dialect::postgres::connection::Connection;
use crate::dialect::postgres::pool::Manager;
use crate::observe::Watch;
use crate::statement::{Answer, Statement};
use crate::{ErrorKind, Result};

/// A line that has not moved for so long is not joined.
const STUCK: Duration = Duration::from_millis(20);

/// How many statements may be under way. There are connections of one's own beside it.
const LENGTH: usize = 256;

/// After a failure to connect the next one is tried so much later; twice as much after each further one, up to `LONGEST`.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Line {
    manager: Arc<Manager>,
    /// How many statements are under way that could be here.
    asking: Arc<AtomicUsize>,
    /// How long a statement waits for a lock; as long as the server lets it without one.
    lock_timeout: Option<Duration>,
    state: Mutex<State>,
    waiting: AtomicUsize,
    /// When the last answer came: nanoseconds since `epoch`.
    moved: AtomicU64,
    epoch: Instant,
}

#[derive(Debug)]
enum State {
    /// It is opened when it is needed, but not before this.
    Away {
        until: Instant,
        pause: Duration,
    },
    Opening,
    /// The connection, and what is being prepared there.
    Open(Arc<Connection>, HashSet<Arc<str>>),
    Closed,
}

impl Line {
    pub(super) fn new(manager: Arc<Manager>, asking: Arc<AtomicUsize>, lock_timeout: Option<Duration>) -> Line {
        let epoch = Instant::now();
        let state = Mutex::new(State::Away { until: epoch, pause: PAUSE });
        Line { manager, asking, lock_timeout, state, waiting: AtomicUsize::new(0), moved: AtomicU64::new(0), epoch }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(&*self.state(), State::Open(connection, _) if connection.is_open())
    }

    /// How many wait for an answer.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Relaxed)
    }

    pub(super) fn close(&self) {
        *self.state() = State::Closed;
    }

    /// Runs a statement, and says how long the server took for it. None where it cannot be joined now.
    pub(super) async fn run(self: &Arc<Line>, statement: &Statement) -> Option<(Result<Answer>, Duration)> {
        self.on(&statement.sql, async |connection, plan| connection.share(statement, plan).await).await
    }

    /// The same for any use of a statement's plan.
    pub(super) async fn on<T>(
        self: &Arc<Line>,
        sql: &Arc<str>,
        ask: impl AsyncFnOnce(&Connection, Plan) -> Result<T>,
    ) -> Option<(Result<T>, Duration)> {
        if self.is_stuck() {
            return None;
        }
        let (connection, plan) = self.plan(sql)?;
        let place = Place::take(self);
        let answer = ask(&connection, plan).await;
        let took = place.leave();
        if let Err(error) = &answer
            && matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Conflict)
        {
            // It may be that the plan does not fit its table any more.
            connection.forget(sql);
        }
        Some((answer, took))
    }

    /// The connection itself, for several statements.
    pub(super) fn connection(self: &Arc<Line>) -> Option<Arc<Connection>> {
        let mut state = self.state();
        if let State::Open(connection, _) = &*state
            && connection.is_open()
        {
            return Some(connection.clone());
        }
        self.reopen(&mut state);
        None
    }

    /// Leaves a connection that is of no use any more; the next one is opened when it is needed.
    pub(super) fn drop_connection(&self, connection: &Arc<Connection>) {
        let mut state = self.state();
        if matches!(&*state, State::Open(open, _) if Arc::ptr_eq(open, connection)) {
            *state = State::Away { until: Instant::now(), pause: PAUSE };
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn is_stuck(&self) -> bool {
        let waiting = self.waiting();
        let still = || Duration::from_nanos(self.now().saturating_sub(self.moved.load(Relaxed)));
        waiting >= LENGTH || (waiting > 0 && still() > STUCK)
    }

    /// The connection, and the statement as it is prepared there. Where one of them is missing it is seen to, for those
    /// who come later.
    fn plan(self: &Arc<Line>, sql: &Arc<str>) -> Option<(Arc<Connection>, Plan)> {
        let mut state = self.state();
        match &mut *state {
            State::Open(connection, preparing) if connection.is_open() => {
                if let Some(plan) = connection.prepared(sql) {
                    return Some((connection.clone(), plan));
                }
                if preparing.insert(sql.clone()) {
                    spawn(self.clone().prepare(sql.clone(), connection.clone()));
                }
            }
            _ => self.reopen(&mut state),
        }
        None
    }

    fn reopen(self: &Arc<Line>, state: &mut State) {
        let pause = match *state {
            State::Away { until, pause } if until <= Instant::now() => pause,
            State::Open(..) => PAUSE,
            State::Away { .. } | State::Opening | State::Closed => return,
        };
        if self.asking.load(Relaxed) < 2 {
            return;
        }
        *state = State::Opening;
        spawn(self.clone().open(pause));
    }

    async fn open(self: Arc<Line>, pause: Duration) {
        let opened = async {
            let connection = self.manager.open().await?;
            if let Some(limit) = self.lock_timeout {
                connection.batch(&format!("SET lock_timeout = {}", limit.as_millis())).await?;
            }
            Ok::<_, crate::Error>(connection)
        };
        let opened = opened.await;
        let mut state = self.state();
        // It may have been closed meanwhile.
        if matches!(*state, State::Opening) {
            *state = match opened {
                Ok(connection) => State::Open(Arc::new(connection), HashSet::new()),
                Err(_) => State::Away { until: Instant::now() + pause, pause: (2 * pause).min(LONGEST) },
            };
        }
    }

    async fn prepare(self: Arc<Line>, sql: Arc<str>, connection: Arc<Connection>) {
        // Where it fails it fails on a connection of one's own too, and says why.
        drop(connection.prepare(&sql, false, &Watch::nobody()).await);
        if let State::Open(open, preparing) = &mut *self.state()
            && Arc::ptr_eq(open, &connection)
        {
            preparing.remove(&sql);
        }
    }
}

/// Without a runtime nothing can be seen to: the next one who asks has one.
fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(task);
    }
}

/// A place in a line, left when it is dropped.
struct Place<'a> {
    line: &'a Line,
    since: u64,
}

impl<'a> Place<'a> {
    fn take(line: &'a Line) -> Place<'a> {
        let since = line.now();
        if line.waiting.fetch_add(1, Relaxed) == 0 {
            line.moved.store(since, Relaxed);
        }
        Place { line, since }
    }

    /// How long the server took: from the answer before it, or from the question where nobody was before it.
    fn leave(self) -> Duration {
        let now = self.line.now();
        let before = self.line.moved.swap(now, Relaxed);
        Duration::from_nanos(now.saturating_sub(before.max(self.since)))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.line.waiting.fetch_sub(1, Relaxed);
    }
}
