//! Counting: what an engine has sent and how long it took, and what one request has of that.
//!
//! Unlike a recording it keeps numbers only: a statement costs a few atomic additions and two looks at the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::statement::{Access, Form, Statement};

/// The upper bounds of the classes of durations that are counted, the last one without end.
const BOUNDS: [Duration; 13] = [
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_millis(2_500),
    Duration::from_secs(10),
];

/// What a statement does, by its first word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatementKind {
    /// It reads.
    Select,
    /// `INSERT`, and PostgreSQL's `COPY`.
    Insert,
    /// `UPDATE`.
    Update,
    /// `DELETE`.
    Delete,
    /// `BEGIN`, `COMMIT`, `ROLLBACK` and those of savepoints.
    Transaction,
    /// Anything else.
    Other,
}

impl StatementKind {
    /// All kinds.
    pub const ALL: [StatementKind; 6] = [
        StatementKind::Select,
        StatementKind::Insert,
        StatementKind::Update,
        StatementKind::Delete,
        StatementKind::Transaction,
        StatementKind::Other,
    ];

    /// Its name in lower case, such as `select`.
    pub fn name(self) -> &'static str {
        match self {
            StatementKind::Select => "select",
            StatementKind::Insert => "insert",
            StatementKind::Update => "update",
            StatementKind::Delete => "delete",
            StatementKind::Transaction => "transaction",
            StatementKind::Other => "other",
        }
    }

    fn of(statement: &Statement) -> StatementKind {
        match (statement.form, statement.access) {
            (Form::Commit, _) => return StatementKind::Transaction,
            (Form::Copy, _) => return StatementKind::Insert,
            (_, Access::Read) => return StatementKind::Select,
            _ => {}
        }
        let first = statement.sql.split(|letter: char| !letter.is_ascii_alphabetic()).next().unwrap_or_default();
        let is = |words: &[&str]| words.iter().any(|word| first.eq_ignore_ascii_case(word));
        if is(&["insert"]) {
            StatementKind::Insert
        } else if is(&["update"]) {
            StatementKind::Update
        } else if is(&["delete"]) {
            StatementKind::Delete
        } else if is(&["begin", "savepoint", "release", "rollback", "commit"]) {
            StatementKind::Transaction
        } else {
            StatementKind::Other
        }
    }
}

/// What an engine has done since it was made, all its handles together, and its connections at this moment.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Statistics {
    /// The statements that were sent, of each kind.
    pub statements: Vec<(StatementKind, u64)>,
    /// The statements that failed.
    pub failed: u64,
    /// The statements that took longer than [`EngineOptions::slow_query`](crate::EngineOptions::slow_query).
    pub slow: u64,
    /// How many of the statements that have ended took at most so long, each number with those before it: those that
    /// took longer than the last bound are in [`ended`](Statistics::ended) only.
    pub durations: Vec<(Duration, u64)>,
    /// The statements that have ended, well or badly.
    pub ended: u64,
    /// How long they took together. What is sent together is waited for together, and counted for each.
    pub duration: Duration,
    /// Its pools of connections: `primary`, or `writer` and `readers` on SQLite; with `replica` before it for a replica's.
    pub pools: Vec<PoolStatistics>,
}

/// The connections of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStatistics {
    /// Which pool it is.
    pub name: &'static str,
    /// How many connections it may open.
    pub max: usize,
    /// How many are open.
    pub open: usize,
    /// How many of them nobody uses.
    pub idle: usize,
    /// How many callers wait for one.
    pub waiting: usize,
}

impl PoolStatistics {
    pub(crate) fn new(name: &'static str, status: &deadpool::Status) -> PoolStatistics {
        PoolStatistics {
            name,
            max: status.max_size,
            open: status.size,
            idle: status.available,
            waiting: status.waiting,
        }
    }
}

/// The counters of an engine.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    statements: [AtomicU64; StatementKind::ALL.len()],
    failed: AtomicU64,
    slow: AtomicU64,
    /// One for each bound, and one for what takes longer.
    durations: [AtomicU64; BOUNDS.len() + 1],
    nanos: AtomicU64,
}

impl Counters {
    pub(crate) fn sent(&self, statements: &[Arc<Statement>]) {
        for statement in statements {
            self.statements[StatementKind::of(statement) as usize].fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn ended(&self, duration: Duration, failed: bool, slow: bool) {
        let class = BOUNDS.iter().position(|bound| duration <= *bound).unwrap_or(BOUNDS.len());
        self.durations[class].fetch_add(1, Relaxed);
        self.nanos.fetch_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX), Relaxed);
        if failed {
            self.failed.fetch_add(1, Relaxed);
        }
        if slow {
            self.slow.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn read(&self, pools: Vec<PoolStatistics>) -> Statistics {
        let mut ended = 0;
        let mut durations = Vec::with_capacity(BOUNDS.len());
        for (index, count) in self.durations.iter().enumerate() {
            ended += count.load(Relaxed);
            durations.extend(BOUNDS.get(index).map(|bound| (*bound, ended)));
        }
        let sent = |kind: StatementKind| (kind, self.statements[kind as usize].load(Relaxed));
        Statistics {
            statements: StatementKind::ALL.map(sent).to_vec(),
            failed: self.failed.load(Relaxed),
            slow: self.slow.load(Relaxed),
            durations,
            ended,
            duration: Duration::from_nanos(self.nanos.load(Relaxed)),
            pools,
        }
    }
}

/// How many statements somebody has sent, and how long the database was waited for: what [`Engine::counting`] counts.
///
/// [`Engine::counting`]: crate::Engine::counting
#[derive(Debug, Clone)]
pub struct StatementCount(Arc<Count>);

#[derive(Debug)]
struct Count {
    statements: AtomicU64,
    /// Waits that have not ended.
    open: AtomicI64,
    /// The waits, each as its end minus its start; of those that have not ended the start alone is taken off.
    nanos: AtomicI64,
    epoch: Instant,
}

impl StatementCount {
    /// Counts from nothing.
    pub fn new() -> StatementCount {
        StatementCount(Arc::new(Count {
            statements: AtomicU64::new(0),
            open: AtomicI64::new(0),
            nanos: AtomicI64::new(0),
            epoch: Instant::now(),
        }))
    }

    /// How many statements were sent. `BEGIN` and `COMMIT` are statements too.
    pub fn statements(&self) -> u64 {
        self.0.statements.load(Relaxed)
    }

    /// How long the database was waited for until now, with the waits for a connection. Statements that are sent
    /// together are one wait; those that run beside each other are one each. A stream is a wait until its last row.
    pub fn duration(&self) -> Duration {
        let Count { open, nanos, .. } = &*self.0;
        let total = nanos.load(Relaxed) + open.load(Relaxed) * self.0.at(Instant::now());
        Duration::from_nanos(u64::try_from(total).unwrap_or(0))
    }

    pub(crate) fn begin(&self, statements: usize, start: Instant) {
        self.0.statements.fetch_add(statements as u64, Relaxed);
        self.0.open.fetch_add(1, Relaxed);
        self.0.nanos.fetch_sub(self.0.at(start), Relaxed);
    }

    pub(crate) fn end(&self) {
        self.0.nanos.fetch_add(self.0.at(Instant::now()), Relaxed);
        self.0.open.fetch_sub(1, Relaxed);
    }
}

impl Default for StatementCount {
    fn default() -> StatementCount {
        StatementCount::new()
    }
}

impl Count {
    fn at(&self, time: Instant) -> i64 {
        i64::try_from(time.saturating_duration_since(self.epoch).as_nanos()).unwrap_or(i64::MAX)
    }
}
