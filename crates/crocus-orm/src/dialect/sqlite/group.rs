//! Several writes in one commit, each with the outcome that it would have alone.
//!
//! SQLite undoes a statement that it refuses, and leaves what was done before it in the transaction ("The ON CONFLICT
//! Clause"): so a row that is refused is refused alone. Where SQLite undoes the transaction as a whole ("Response To
//! Errors Within A Transaction": the statement was stopped, or says `OR ROLLBACK`), and where the commit finds a deferred
//! foreign key that does not hold, the others are run again, each for itself.

use std::time::{Duration, Instant};

use rusqlite::ffi;

use super::errors;
use super::running::{Driver, Stop};
use super::writes::{Done, Write};
use crate::statement::{Answer, Form, ROLLBACK, Statement};
use crate::{Error, Result};

/// How long the first write of a commit waits for the others that go into it.
const LONGEST: Duration = Duration::from_millis(5);

/// Whether a statement may be committed with others: it changes rows, and was quick the last time. Everything else, as
/// `VACUUM` and what is not known yet, is run alone.
pub(super) fn joins(driver: &Driver, statement: &Statement) -> bool {
    let changes_rows = || {
        let first = statement.sql.split(|letter: char| !letter.is_ascii_alphabetic()).next().unwrap_or_default();
        ["INSERT", "UPDATE", "DELETE", "REPLACE", "WITH"].iter().any(|word| first.eq_ignore_ascii_case(word))
    };
    statement.form == Form::Prepared && driver.is_quick(statement) && driver.raw.is_autocommit() && changes_rows()
}

/// Runs writes and commits them. Gives what was done, and those that are left for the next time.
pub(super) fn run(driver: &mut Driver, writes: Vec<Write>, limit: Option<Duration>) -> (Vec<Done>, Vec<Write>) {
    if writes.len() < 2 {
        return (alone(driver, writes, limit), Vec::new());
    }
    let start = Instant::now();
    if let Err(error) = execute(driver, "BEGIN IMMEDIATE") {
        return (refused(writes, &error, start), Vec::new());
    }
    let mut ran: Vec<(Write, Result<Answer>)> = Vec::with_capacity(writes.len());
    let mut rest = writes.into_iter();
    while let Some(write) = rest.next() {
        let result = driver.run(&write.statement, stop(&write, limit), true);
        if driver.raw.is_autocommit() {
            // It has taken all with it.
            let others = ran.into_iter().map(|(write, _)| write).chain(rest).collect();
            let error = result.err().unwrap_or_else(Error::not_committed);
            let mut done = vec![Done { write, result: Err(error), duration: start.elapsed() }];
            done.extend(alone(driver, others, limit));
            return (done, Vec::new());
        }
        ran.push((write, result));
        if start.elapsed() >= LONGEST {
            break;
        }
    }
    let rest = rest.collect();
    let Err(error) = execute(driver, "COMMIT") else {
        let duration = start.elapsed();
        return (ran.into_iter().map(|(write, result)| Done { write, result, duration }).collect(), rest);
    };
    roll_back(driver);
    let is_deferred = error.sqlite_error().is_some_and(|code| code.extended_code == ffi::SQLITE_CONSTRAINT_FOREIGNKEY);
    if is_deferred {
        return (alone(driver, ran.into_iter().map(|(write, _)| write).collect(), limit), rest);
    }
    let (done, failed): (Vec<_>, Vec<_>) = ran.into_iter().partition(|(_, result)| result.is_err());
    let duration = start.elapsed();
    let mut done: Vec<_> = done.into_iter().map(|(write, result)| Done { write, result, duration }).collect();
    done.extend(refused(failed.into_iter().map(|(write, _)| write).collect(), &error, start));
    (done, rest)
}

/// Each in a commit of its own.
fn alone(driver: &mut Driver, writes: Vec<Write>, limit: Option<Duration>) -> Vec<Done> {
    let each = |write: Write| {
        let start = Instant::now();
        let result = driver.run(&write.statement, stop(&write, limit), true);
        Done { write, result, duration: start.elapsed() }
    };
    writes.into_iter().map(each).collect()
}

/// Nothing of them was done, for a reason that is none of theirs.
fn refused(writes: Vec<Write>, error: &rusqlite::Error, start: Instant) -> Vec<Done> {
    let duration = start.elapsed();
    let each = |write| Done { write, result: Err(errors::from_driver(errors::again(error))), duration };
    writes.into_iter().map(each).collect()
}

fn stop(write: &Write, limit: Option<Duration>) -> Stop {
    let caller = write.caller.clone();
    Stop {
        is_awaited: Some(Box::new(move || caller.strong_count() > 0)),
        deadline: limit.map(|limit| Instant::now() + limit),
        ..Stop::default()
    }
}

fn execute(driver: &Driver, sql: &str) -> rusqlite::Result<()> {
    driver.raw.prepare_cached(sql)?.execute([]).map(drop)
}

fn roll_back(driver: &Driver) {
    if !driver.raw.is_autocommit()
        && let Err(error) = driver.raw.execute_batch(ROLLBACK)
    {
        tracing::error!(%error, "failed to roll back writes that were not committed");
    }
}
