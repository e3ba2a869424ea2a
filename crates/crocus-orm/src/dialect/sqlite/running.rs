//! Running one statement on an open connection, on whichever thread: its values, its rows, and when it is to stop.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::ErrorCode;
use rusqlite::limits::Limit;
use rusqlite::types::Value as Stored;

use super::pool::Alive;
use super::{errors, references, types};
use crate::row::Row;
use crate::statement::{Answer, Form, ROLLBACK, Statement};
use crate::value::invalid;
use crate::{Error, ErrorKind, Result};

/// Steps of SQLite's machine between two questions whether a statement is to go on: some ten microseconds.
const STEPS: std::ffi::c_int = 1_000;

/// How long a statement that reads may take where others wait for its thread.
pub(super) const QUICK: Duration = Duration::from_micros(500);

/// How often a statement that writes is asked whether it is to go on before it is no quick one any more. Its time says
/// nothing: most of it may be the disk's, for the commit.
const FEW: u32 = 10;

/// Statements that a connection keeps prepared, and knows something about.
const KEPT: usize = 256;

/// Values that every build of SQLite takes.
const ALWAYS_TAKEN: usize = 999;

thread_local! {
    /// When the statement that this thread is running is to stop.
    static STOP: RefCell<Option<Stop>> = const { RefCell::new(None) };
}

/// An open connection, with what is known of the statements that it has run.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) raw: rusqlite::Connection,
    known: HashMap<Arc<str>, Known>,
    /// Dropped last, when the connection is closed.
    _alive: Alive,
}

#[derive(Debug)]
struct Known {
    names: Arc<[String]>,
    /// Whether it was done soon the last time.
    is_quick: bool,
}

/// When a statement is to be stopped while it runs.
#[derive(Default)]
pub(super) struct Stop {
    /// Whether anybody waits for its answer.
    pub(super) is_awaited: Option<Box<dyn Fn() -> bool>>,
    /// Whether the transaction around it is going to be rolled back, whatever it does.
    pub(super) abandoned: Option<Arc<AtomicBool>>,
    pub(super) deadline: Option<Instant>,
    /// How often this was asked.
    pub(super) asked: u32,
}

impl Stop {
    fn is_due(&mut self) -> bool {
        self.asked += 1;
        self.is_late()
            || self.is_awaited.as_ref().is_some_and(|is_awaited| !is_awaited())
            || self.abandoned.as_ref().is_some_and(|abandoned| abandoned.load(Ordering::Relaxed))
    }

    fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

impl Driver {
    pub(super) fn new(mut raw: rusqlite::Connection, alive: Alive) -> Result<Driver> {
        let is_due = || STOP.with_borrow_mut(|stop| stop.as_mut().is_some_and(Stop::is_due));
        raw.progress_handler(STEPS, Some(is_due)).map_err(errors::from_driver)?;
        raw.set_prepared_statement_cache_capacity(KEPT);
        Ok(Driver { raw, known: HashMap::new(), _alive: alive })
    }

    /// Whether the statement is prepared, and was quick the last time.
    pub(super) fn is_quick(&self, statement: &Statement) -> bool {
        statement.form == Form::Prepared && self.known.get(&statement.sql).is_some_and(|known| known.is_quick)
    }

    /// Runs one statement. `is_alone` is told in [`each_row`](Driver::each_row).
    pub(super) fn run(&mut self, statement: &Statement, stop: Stop, is_alone: bool) -> Result<Answer> {
        if statement.form != Form::Prepared {
            // SQLite has rolled back by itself where it stopped a statement that writes.
            if *statement.sql == *ROLLBACK && self.raw.is_autocommit() {
                return Ok(Answer::default());
            }
            return self.raw.execute_batch(&statement.sql).map(|()| Answer::default()).map_err(errors::from_driver);
        }
        let before = self.raw.total_changes();
        let mut rows = Vec::new();
        self.each_row(statement, stop, is_alone, |row| {
            rows.push(row);
            true
        })
        .map_err(|error| references::named(&self.raw, statement, error))?;
        // A statement that is no INSERT, UPDATE or DELETE leaves the count of the one before it.
        let written = if self.raw.total_changes() == before { 0 } else { self.raw.changes() };
        Ok(Answer { rows, written, arrived: None })
    }

    /// Finds out whether a statement can be prepared, and has the values that it takes.
    pub(super) fn check(&self, statement: &Statement) -> Result<()> {
        prepare(&self.raw, statement).map(drop)
    }

    /// Calls `take` with each row until it answers `false`. A statement ends early when its time is up, or nobody waits
    /// for it. One that writes in a transaction that somebody may go on with (`is_alone` is false) does not end for that:
    /// SQLite would roll back the whole transaction, and what follows would be outside of one.
    pub(super) fn each_row(
        &mut self,
        statement: &Statement,
        mut stop: Stop,
        is_alone: bool,
        take: impl FnMut(Row) -> bool,
    ) -> Result<()> {
        let start = Instant::now();
        let mut prepared = prepare(&self.raw, statement)?;
        let reads = prepared.readonly();
        if is_alone || reads {
            stop.abandoned = None;
        } else {
            stop.is_awaited = None;
        }
        STOP.set(Some(stop));
        let known = self.known.get(&statement.sql).map(|known| &known.names);
        let result = rows(&mut prepared, known, take);
        let stop = STOP.take().unwrap_or_default();
        drop(prepared);
        let is_quick = if reads { start.elapsed() < QUICK } else { stop.asked < FEW };
        match (&result, self.known.get_mut(&statement.sql)) {
            (Ok(names), Some(known)) => {
                known.is_quick = is_quick;
                if let Some(names) = names {
                    known.names = names.clone();
                }
            }
            (Err(_), Some(known)) => known.is_quick &= is_quick,
            (Ok(names), None) => {
                // More texts than are kept prepared: which of them come again shows anew.
                if self.known.len() >= KEPT {
                    self.known.clear();
                }
                let names = names.clone().unwrap_or_default();
                self.known.insert(statement.sql.clone(), Known { names, is_quick });
            }
            (Err(_), None) => {}
        }
        result.map(drop).map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) if stop.is_late() => Error::statement_timeout().refused(),
            _ => errors::from_driver(error),
        })
    }
}

/// Reads the rows of a statement that has its values. Gives the names of the columns where there was a row. `known` are
/// those of the last time, which are taken again where they still are the same.
fn rows(
    prepared: &mut rusqlite::CachedStatement<'_>,
    known: Option<&Arc<[String]>>,
    mut take: impl FnMut(Row) -> bool,
) -> rusqlite::Result<Option<Arc<[String]>>> {
    let mut rows = prepared.raw_query();
    // Known with the first row only: a statement prepared before its table changed is prepared anew when it is run.
    let mut names: Option<Arc<[String]>> = None;
    while let Some(row) = rows.next()? {
        let names = names.get_or_insert_with(|| {
            let found = row.as_ref();
            match known {
                Some(known) if found.column_names().eq(known.iter().map(String::as_str)) => known.clone(),
                _ => found.column_names().map(str::to_owned).collect(),
            }
        });
        let values = (0..names.len()).map(|index| row.get::<_, Stored>(index)).collect::<rusqlite::Result<Vec<_>>>()?;
        if !take(Row::sqlite(names.clone(), values)) {
            break;
        }
    }
    Ok(names)
}

/// The statement with its values.
fn prepare<'a>(raw: &'a rusqlite::Connection, statement: &Statement) -> Result<rusqlite::CachedStatement<'a>> {
    let given = statement.values.len();
    if given > ALWAYS_TAKEN {
        let most = raw.limit(Limit::SQLITE_LIMIT_VARIABLE_NUMBER).map_err(errors::from_driver)?;
        if usize::try_from(most).is_ok_and(|most| given > most) {
            return Err(invalid(format!("the statement has {given} values, and SQLite takes {most}")));
        }
    }
    let mut prepared = raw.prepare_cached(&statement.sql).map_err(errors::from_driver)?;
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
