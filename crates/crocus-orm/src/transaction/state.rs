//! What is known of a transaction on this side: what must be sent before its next statement, its savepoints, and
//! whether it has failed. Nothing here speaks to a database.
//!
//! PostgreSQL refuses everything after a failed statement until the transaction, or the savepoint around the statement,
//! is rolled back. SQLite would go on. The rule is kept here, for both.

use std::panic::Location;
use std::sync::Arc;

use crate::error::SAVEPOINT;
use crate::statement::Statement;
use crate::{Error, ErrorKind, Result};

type Place = &'static Location<'static>;

#[derive(Debug)]
pub(super) struct State {
    /// `BEGIN`, `SAVEPOINT` and their like that are sent with the next statement, each with the level that it opens.
    before: Vec<(Option<u32>, Arc<Statement>)>,
    begun: bool,
    /// The transaction itself, then its open savepoints, the innermost last.
    levels: Vec<Level>,
    last: u32,
    /// Whether the last thing that happened is a conflict in a savepoint that was dropped for it.
    conflict: bool,
}

#[derive(Debug)]
struct Level {
    number: u32,
    failed: Option<Failed>,
}

/// Why a level can only be rolled back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failed {
    /// The database refused a statement.
    Refused(ErrorKind),
    /// Nobody waited for a statement's answer.
    Abandoned,
}

impl State {
    pub(super) fn new(begin: Statement) -> State {
        State {
            before: vec![(Some(0), Arc::new(begin))],
            begun: false,
            levels: vec![Level { number: 0, failed: None }],
            last: 0,
            conflict: false,
        }
    }

    /// Whether the database knows of the transaction.
    pub(super) fn is_begun(&self) -> bool {
        self.begun
    }

    /// Whether trying the whole transaction again may help.
    pub(super) fn has_conflict(&self) -> bool {
        let conflict = Some(Failed::Refused(ErrorKind::Conflict));
        self.conflict || self.levels.iter().any(|level| level.failed == conflict)
    }

    /// What is to be sent before the next statement, which is about to be sent.
    pub(super) fn start(&mut self) -> Result<Vec<Arc<Statement>>> {
        self.check()?;
        self.conflict = false;
        self.begun = true;
        Ok(self.before.drain(..).map(|(_, statement)| statement).collect())
    }

    /// The same for `COMMIT`. `None`: there is nothing to commit.
    pub(super) fn commit(&mut self) -> Result<Option<Vec<Arc<Statement>>>> {
        if self.levels.iter().any(|level| level.failed.is_some()) {
            return Err(Error::not_committed());
        }
        if self.begun { self.start().map(Some) } else { Ok(None) }
    }

    /// A statement has failed; `early` is one of those that were sent before it.
    pub(super) fn fail(&mut self, failed: Failed, early: bool) {
        let level = if early { self.levels.first_mut() } else { self.levels.last_mut() };
        let level = level.expect("the transaction itself is never left");
        level.failed.get_or_insert(failed);
    }

    fn check(&self) -> Result<()> {
        let Some(level) = self.levels.iter().find(|level| level.failed.is_some()) else {
            return Ok(());
        };
        let what = if level.number == 0 { "transaction" } else { "savepoint" };
        let why = match level.failed {
            Some(Failed::Abandoned) => "a statement in it was given up before its answer",
            _ => "a statement in it has failed",
        };
        let hint = if level.number == 0 { SAVEPOINT } else { "roll the savepoint back (`savepoint.rollback()`)" };
        let text = format!("the {what} can only be rolled back, since {why}");
        Err(Error::new(ErrorKind::Database, text).with_hint(hint))
    }

    /// Opens a savepoint and gives its number.
    pub(super) fn save(&mut self, at: Place) -> Result<u32> {
        self.check()?;
        self.last += 1;
        let number = self.last;
        self.levels.push(Level { number, failed: None });
        self.add(Some(number), format!("SAVEPOINT crocus_{number}"), at);
        Ok(number)
    }

    /// Closes a savepoint and keeps what was done in it.
    pub(super) fn release(&mut self, number: u32, at: Place) -> Result<()> {
        let index = self.index_of(number)?;
        self.check()?;
        self.levels.truncate(index);
        if !self.forget_unsent(number) {
            self.add(None, format!("RELEASE SAVEPOINT crocus_{number}"), at);
        }
        Ok(())
    }

    /// Closes a savepoint and undoes what was done in it, before the next statement.
    pub(super) fn roll_back_to(&mut self, number: u32, at: Place) -> Result<()> {
        let index = self.index_of(number)?;
        self.levels.truncate(index);
        if !self.forget_unsent(number) {
            self.add(None, format!("ROLLBACK TO SAVEPOINT crocus_{number}"), at);
            self.add(None, format!("RELEASE SAVEPOINT crocus_{number}"), at);
        }
        Ok(())
    }

    /// The same for one that was dropped, perhaps on the way out of the whole transaction.
    pub(super) fn abandon(&mut self, number: u32, at: Place) {
        let conflict = self.has_conflict();
        // One that is not there any more went with a savepoint around it.
        let _ = self.roll_back_to(number, at);
        self.conflict = conflict;
    }

    fn index_of(&self, number: u32) -> Result<usize> {
        self.levels.iter().position(|level| level.number == number).ok_or_else(|| {
            Error::new(ErrorKind::Database, "the savepoint is gone: one around it was released or rolled back")
        })
    }

    /// Takes back a savepoint of which the database has not heard, and what was to follow it.
    fn forget_unsent(&mut self, number: u32) -> bool {
        let Some(place) = self.before.iter().position(|(opens, _)| *opens == Some(number)) else {
            return false;
        };
        self.before.truncate(place);
        true
    }

    fn add(&mut self, opens: Option<u32>, sql: String, at: Place) {
        self.before.push((opens, Arc::new(Statement::text(sql).at(at))));
    }
}
