//! How a transaction is to be.

use std::time::Duration;

use crate::Dialect;

/// How far a transaction is kept apart from others that run at the same time.
///
/// SQLite has one writer at a time and a fixed view for each reader: its transactions are always serializable, whichever
/// of these is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isolation {
    /// Each statement sees what was committed before it. PostgreSQL's default.
    ReadCommitted,
    /// Every statement sees what was committed before the first one. A write to a row that was changed since is a
    /// [`Conflict`](crate::ErrorKind::Conflict).
    RepeatableRead,
    /// As if transactions ran one after the other. One that could not have is a
    /// [`Conflict`](crate::ErrorKind::Conflict), at any statement or at the commit.
    Serializable,
}

/// How a transaction is to be, for [`Engine::begin_with`](crate::Engine::begin_with) and
/// [`Engine::transaction_with`](crate::Engine::transaction_with).
///
/// # Example
/// ```
/// use std::time::Duration;
/// use crocus_orm::{Isolation, TransactionOptions};
///
/// let report = TransactionOptions::new().isolation(Isolation::RepeatableRead).read_only();
/// let booking = TransactionOptions::new().isolation(Isolation::Serializable).tries(10);
/// # let _ = (report, booking.delays(Duration::from_millis(5), Duration::from_millis(500)));
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct TransactionOptions {
    isolation: Option<Isolation>,
    pub(crate) read_only: bool,
    pub(super) tries: u32,
    pub(super) first_delay: Duration,
    pub(super) longest_delay: Duration,
}

impl TransactionOptions {
    /// The database's own isolation, writes allowed, and five tries.
    pub fn new() -> TransactionOptions {
        TransactionOptions {
            isolation: None,
            read_only: false,
            tries: 5,
            first_delay: Duration::from_millis(20),
            longest_delay: Duration::from_secs(1),
        }
    }

    /// How far it is kept apart from others. Without it, it is as the database is set up.
    pub fn isolation(mut self, isolation: Isolation) -> TransactionOptions {
        self.isolation = Some(isolation);
        self
    }

    /// Refuses what writes. On SQLite the transaction then runs beside the writer, and sees what was committed before
    /// its first statement.
    pub fn read_only(mut self) -> TransactionOptions {
        self.read_only = true;
        self
    }

    /// How often [`Engine::transaction`](crate::Engine::transaction) tries at most. A transaction that is begun by hand
    /// has one try.
    pub fn tries(mut self, tries: u32) -> TransactionOptions {
        self.tries = tries;
        self
    }

    /// How long at most it waits before the second try, and before any: the limit doubles from try to try, and the wait
    /// is a random part of it. 20 ms and 1 s when not said.
    pub fn delays(mut self, first: Duration, longest: Duration) -> TransactionOptions {
        self.first_delay = first;
        self.longest_delay = longest;
        self
    }

    pub(super) fn begin_sql(&self, dialect: Dialect) -> String {
        if dialect == Dialect::Sqlite {
            // The right to write is taken at once: a reader that becomes a writer fails when another has written
            // meanwhile ("Transactions", 2.2).
            return if self.read_only { "BEGIN" } else { "BEGIN IMMEDIATE" }.to_owned();
        }
        let isolation = match self.isolation {
            None => "",
            Some(Isolation::ReadCommitted) => " ISOLATION LEVEL READ COMMITTED",
            Some(Isolation::RepeatableRead) => " ISOLATION LEVEL REPEATABLE READ",
            Some(Isolation::Serializable) => " ISOLATION LEVEL SERIALIZABLE",
        };
        let access = if self.read_only { " READ ONLY" } else { "" };
        format!("BEGIN{isolation}{access}")
    }
}

impl Default for TransactionOptions {
    fn default() -> TransactionOptions {
        TransactionOptions::new()
    }
}
