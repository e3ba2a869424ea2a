//! Connections that statements share. What stands alone and is quick is sent behind what others have asked; nobody waits
//! for a connection of his own. Reads of rows by their keys go together (`keys`), and so do the commits of single rows
//! (`commits`). Who asks the same has the same rows (`same`).
//!
//! They are opened when statements meet: a program that asks one thing at a time has no use for them.
//!
//! A statement that turns out to be slow loses its place until it was quick often enough on connections of its own, and
//! while a connection does not move, nobody joins it: what is slow holds up nobody for long.

mod commits;
mod keys;
mod line;
mod many;
mod queue;
mod same;

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use deadpool::managed;
use foldhash::HashMap;
use futures_util::FutureExt;
use tokio::sync::oneshot;

use super::pool::{self, Manager};
use crate::observe::Watch;
use crate::statement::{Answer, Share, Statement};
use crate::statistics::PoolStatistics;
use crate::{ErrorKind, Result};

use commits::{Commits, Write};
use keys::Keys;
use line::Line;
use many::Many;
use queue::{Going, Outcome, Together, Turn};
use same::{Asked, Same};

/// How long the server may take for a shared statement: each one behind it waits as long.
const QUICK: Duration = Duration::from_millis(5);

/// What a slow run costs a statement: it is made good by as many quick ones.
const SLOW: i32 = 16;

/// At twice the price a statement has lost its place: one slow run alone may be the machine's.
const OUT: i32 = 2 * SLOW;

/// What takes longer for many together is not usual.
const SLOWEST: Duration = Duration::from_millis(100);

/// Statements that are remembered. A program has a few; this only bounds one that builds new ones without end.
const SHAPES: usize = 512;

/// How long a write waits for a lock on a shared connection. Then it waits on one of its own.
const LOCK_PATIENCE: Duration = Duration::from_millis(20);

/// The shared connections to one database.
#[derive(Debug)]
pub(super) struct Shared {
    own: managed::Pool<Manager>,
    lines: Box<[Arc<Line>]>,
    commits: Arc<Commits>,
    shapes: RwLock<HashMap<Arc<str>, Arc<Shape>>>,
    /// How many statements are under way that could be shared, here or on connections of their own.
    asking: Arc<AtomicUsize>,
    itself: Weak<Shared>,
}

/// A statement that could be shared, while it is under way.
#[derive(Debug)]
pub(super) struct Asking<'a> {
    shared: &'a Shared,
    statement: &'a Arc<Statement>,
    shape: Arc<Shape>,
}

/// What is known of a statement, by its SQL.
#[derive(Debug, Default)]
struct Shape {
    /// What it has to make good: nothing at the start where it is known to be quick, else one quick run.
    debt: AtomicI32,
    /// Where rows are read by their keys.
    keys: Option<Arc<Keys>>,
    same: Same,
    /// Where one row is written.
    many: Many,
}

impl Shared {
    /// So many connections, and one more for writes.
    pub(super) fn new(manager: Manager, own: managed::Pool<Manager>, lines: usize) -> Arc<Shared> {
        let (manager, asking) = (Arc::new(manager), Arc::new(AtomicUsize::new(0)));
        let line = |lock_timeout| Arc::new(Line::new(manager.clone(), asking.clone(), lock_timeout));
        Arc::new_cyclic(|itself| Shared {
            own,
            lines: (0..lines).map(|_| line(None)).collect(),
            commits: Arc::new(Commits::new(line(Some(LOCK_PATIENCE)))),
            shapes: RwLock::default(),
            asking: asking.clone(),
            itself: itself.clone(),
        })
    }

    /// How many connections it has at most.
    pub(super) fn size(&self) -> usize {
        self.lines.len() + 1
    }

    /// Takes note of a statement. None where it is not to be shared.
    pub(super) fn ask<'a>(&'a self, statement: &'a Arc<Statement>) -> Option<Asking<'a>> {
        if matches!(statement.share, Share::Nothing) {
            return None;
        }
        self.asking.fetch_add(1, Relaxed);
        Some(Asking { shared: self, statement, shape: self.shape(statement) })
    }

    /// Whether there is no shared connection, and nobody to open one for.
    fn is_asleep(&self) -> bool {
        self.asking.load(Relaxed) < 2 && !self.lines.iter().any(|line| line.is_open())
    }

    /// Runs it behind what others have asked.
    async fn ride(&self, statement: &Statement, shape: &Shape) -> Option<Result<Answer>> {
        let (answer, took) = self.line()?.run(statement).await?;
        shape.took(took);
        settled(answer)
    }

    /// The line with the fewest that wait.
    fn line(&self) -> Option<&Arc<Line>> {
        self.lines.iter().min_by_key(|line| line.waiting())
    }

    /// What is known of a statement. One that reads by a key, or writes one row, is taken for quick.
    fn shape(&self, statement: &Statement) -> Arc<Shape> {
        if let Some(shape) = self.shapes.read().unwrap_or_else(PoisonError::into_inner).get(&statement.sql) {
            return shape.clone();
        }
        let (debt, keys) = match &statement.share {
            Share::Keys(read) => (0, Some(Arc::new(Keys::new(read.clone(), self.itself.clone())))),
            Share::Commit => (0, None),
            Share::Connection | Share::Rows | Share::Nothing => (OUT, None),
        };
        let mut shapes = self.shapes.write().unwrap_or_else(PoisonError::into_inner);
        if shapes.len() >= SHAPES {
            shapes.clear();
        }
        let new = || Arc::new(Shape { debt: AtomicI32::new(debt), keys, ..Shape::default() });
        shapes.entry(statement.sql.clone()).or_insert_with(new).clone()
    }

    /// Runs it on a connection of its own, and takes note of how long it took.
    async fn run_apart(&self, statement: &Arc<Statement>, shape: &Shape, watch: &Watch) -> Result<Answer> {
        let connection = pool::own(&self.own).await?;
        let begun = Instant::now();
        let answer = connection.query(statement, watch).await;
        if answer.is_ok() && begun.elapsed() <= QUICK {
            shape.was_quick();
        }
        answer
    }

    /// Closes the connections, once what is asked is answered.
    pub(super) fn close(&self) {
        self.lines.iter().for_each(|line| line.close());
        self.commits.close();
    }

    /// The connections, and how many statements wait for an answer there.
    pub(super) fn statistics(&self, name: &'static str) -> PoolStatistics {
        let lines = || self.lines.iter().map(|line| &**line).chain([self.commits.line()]);
        let open = lines().filter(|line| line.is_open()).count();
        let waiting = lines().map(Line::waiting).sum();
        let idle = lines().filter(|line| line.is_open() && line.waiting() == 0).count();
        PoolStatistics { name, max: self.size(), open, idle, waiting }
    }
}

/// How a statement goes.
enum Way {
    /// First, or alone.
    First(First),
    /// Others ask for it, and tell what came.
    Along(oneshot::Receiver<Outcome>),
    /// On a connection of its own.
    Apart,
}

/// The turn that a statement has, at whose end those go who have come meanwhile.
enum First {
    Keys(Going<Keys>),
    Commit(Going<Commits>),
    Same(Going<Asked>),
    Alone,
}

impl First {
    /// Waits for what the turn is for.
    async fn watch<T>(&self, turn: Pin<&mut (impl Future<Output = T> + Send)>) -> T {
        match self {
            First::Keys(going) => going.watch(turn).await,
            First::Commit(going) => going.watch(turn).await,
            First::Same(going) => going.watch(turn).await,
            First::Alone => turn.await,
        }
    }
}

impl<B: Together> Turn<B> {
    fn way(self, first: fn(Going<B>) -> First) -> Way {
        match self {
            Turn::Now(going) => Way::First(first(going)),
            Turn::Wait(answer) => Way::Along(answer),
        }
    }
}

impl Asking<'_> {
    /// Runs the statement, with others where they meet.
    pub(super) async fn answer(&self, watch: &Watch) -> Result<Answer> {
        // Most go along, and that takes little: what else there is has boxes of its own.
        let answer = match self.way() {
            Way::First(first) => return self.first(first, watch).boxed().await,
            Way::Along(answer) => answer.await.ok().flatten(),
            Way::Apart => None,
        };
        match answer {
            Some(answer) => self.seen(answer, watch),
            None => self.shared.run_apart(self.statement, &self.shape, watch).boxed().await,
        }
    }

    fn way(&self) -> Way {
        let Asking { shared, statement, shape } = self;
        if shared.is_asleep() {
            return Way::Apart;
        }
        if matches!(statement.share, Share::Rows) {
            return match shape.same.of(statement, shape, &shared.itself) {
                Some(asked) => asked.enter(|| ()).way(First::Same),
                None => Way::First(First::Alone),
            };
        }
        if !shape.is_quick() {
            return Way::Apart;
        }
        match (&statement.share, &shape.keys, statement.values.get(0)) {
            (Share::Commit, ..) => {
                let write = || Write { statement: (*statement).clone(), shape: shape.clone() };
                shared.commits.enter(write).way(First::Commit)
            }
            (_, Some(keys), Some(key)) => keys.enter(|| key.clone()).way(First::Keys),
            _ => Way::First(First::Alone),
        }
    }

    /// Runs the statement, while others may come.
    async fn first(&self, first: First, watch: &Watch) -> Result<Answer> {
        // Futures are as large as what they hold: each is held once, wherever it is waited for.
        if let Some(answer) = first.watch(pin!(self.share(&first))).await {
            return self.seen(answer, watch);
        }
        // Nothing was done. Who asks for others goes on for them too; any other turn ends here, before a wait for a lock.
        let first = match first {
            First::Same(_) => first,
            _ => {
                drop(first);
                First::Alone
            }
        };
        first.watch(pin!(self.shared.run_apart(self.statement, &self.shape, watch))).await
    }

    /// Runs it on a shared connection. None where it has no place there, or got no answer that counts.
    async fn share(&self, first: &First) -> Outcome {
        let Asking { shared, statement, shape } = self;
        match first {
            First::Commit(_) => shared.commits.write(statement, shape).await,
            _ if shape.is_quick() => shared.ride(statement, shape).await,
            _ => None,
        }
    }

    /// Tells who looks at the statement.
    fn seen(&self, answer: Result<Answer>, watch: &Watch) -> Result<Answer> {
        watch.round_trip();
        let answer = answer.map_err(|error| error.redact(self.statement));
        match &answer {
            Ok(answer) => watch.answered(0, answer.count()),
            Err(error) => watch.failed(0, error),
        }
        answer
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.shared.asking.fetch_sub(1, Relaxed);
    }
}

impl Shape {
    /// Takes note of how long the server took.
    fn took(&self, duration: Duration) {
        if duration > QUICK {
            self.debt.fetch_add(SLOW, Relaxed);
        } else {
            self.was_quick();
        }
    }

    /// Whether it has a place on a shared connection.
    fn is_quick(&self) -> bool {
        self.debt.load(Relaxed) < OUT
    }

    fn was_quick(&self) {
        if self.debt.load(Relaxed) > 0 {
            self.debt.fetch_sub(1, Relaxed);
        }
    }
}

/// An answer that counts. What the connection's end or another's lock has cut short is asked again elsewhere: it was not
/// done.
fn settled(answer: Result<Answer>) -> Option<Result<Answer>> {
    match answer {
        Err(error) if matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Conflict) => None,
        answer => Some(answer),
    }
}
