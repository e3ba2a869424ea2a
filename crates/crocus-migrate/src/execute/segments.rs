//! A job on PostgreSQL: transaction after transaction, each with its record of how far the revision is.
//!
//! A transaction that cannot have a lock is rolled back, and tried again after a while. An operation that fails is taken
//! back: what is kept of a revision are whole operations, unless the database cannot be reached any more.

use std::pin::pin;
use std::time::{Duration, Instant};

use crocus_orm::{Connection, ErrorKind as OrmKind};
use tokio::time::timeout;

use super::{Job, NOTHING_KEPT, all, data};
use crate::data::DataStep;
use crate::dialect::postgres::before;
use crate::dialect::postgres::lock;
use crate::dialect::postgres::parts::{self, Kind, Part};
use crate::operation::Operation;
use crate::progress::{Position, Progress, is_new};
use crate::runner::{Direction, Step};
use crate::{Error, ErrorKind, Result, history};

/// How many times a transaction is begun before the lock that it cannot have is an error.
const TRIES: u32 = 10;

/// How many lock time-outs a pause is long at most. Each is longer than the one before it: what holds the lock again and
/// again must not be met at the same moment each time.
const LONGEST_PAUSE: u32 = 3;

/// How often it is asked whom the making of an index waits for, until it is known.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// The transaction that is open.
#[derive(Debug)]
struct Segment {
    start: Position,
    /// Whether the version table says that the job is at the start.
    is_recorded: bool,
    began: Instant,
    tries: u32,
}

impl Segment {
    fn new(start: Position, is_recorded: bool) -> Segment {
        Segment { start, is_recorded, began: Instant::now(), tries: 1 }
    }
}

/// Runs a job's operations. A transaction is open before, and one is open after, in which nothing is left to do but the
/// record.
pub(super) async fn run(connection: &Connection, job: &Job<'_>, on_step: &mut impl FnMut(Step<'_>)) -> Result<()> {
    let mut at = job.start;
    let mut segment = Segment::new(at, job.is_resumed);
    while let Some(operation) = job.operations.get(at.operation) {
        let parts = match plan(connection, job, at).await {
            Ok(parts) => parts,
            Err(error) => return Err(failed(connection, job, segment.start, at, &[], error).await),
        };
        let Some(part) = parts.get(at.part) else { return Err(no_such_part(job, at)) };
        // What is done in several commits, or in none, is begun only where the version table says so.
        let is_recorded = match &part.kind {
            Kind::Build(_) | Kind::Drop(_) => segment.is_recorded,
            _ => !operation.is_batched() || segment.is_recorded,
        };
        if part.kind.begins() && (segment.start != at || !is_recorded) {
            keep(connection, job, segment.start, at).await?;
            segment = Segment::new(at, true);
        }
        let done = match operation {
            Operation::Run(step) => batches(connection, job, &mut segment, step, on_step).await,
            _ => one(connection, job, &segment, at, part, on_step).await,
        };
        match done {
            Ok(()) => {
                at = at.next(parts.len());
                if part.kind != Kind::Together && at.operation < job.operations.len() {
                    keep(connection, job, at, at).await?;
                    segment = Segment::new(at, true);
                }
            }
            Err(error) if lock::is_conflict(&error) && segment.tries < TRIES && !job.at_once => {
                connection.batch("ROLLBACK").await?;
                let who = lock::holders(connection, operation.table()).await;
                let limit = job.options.lock_timeout;
                let pause = (limit / 2 * segment.tries).min(limit * LONGEST_PAUSE);
                on_step(Step::Retry { who: &who, pause });
                tokio::time::sleep(pause).await;
                begin(connection, job).await?;
                at = segment.start;
                segment = Segment { tries: segment.tries + 1, ..Segment::new(at, segment.is_recorded) };
            }
            Err(error) => return Err(failed(connection, job, segment.start, at, &parts, error).await),
        }
    }
    match lock::settle(connection).await {
        Ok(()) => Ok(()),
        Err(error) => Err(failed(connection, job, segment.start, at, &[], error).await),
    }
}

/// The parts of the operation at a place. Where all happens at once, there is one.
async fn plan(connection: &Connection, job: &Job<'_>, at: Position) -> crocus_orm::Result<Vec<Part>> {
    let operation = &job.operations[at.operation];
    let before = before::ask(connection, operation, is_new(job.operations, at.operation)).await?;
    if job.at_once {
        return Ok(vec![Part::together(parts::at_once(operation, &before))]);
    }
    Ok(parts::parts(operation, &before))
}

async fn one(
    connection: &Connection,
    job: &Job<'_>,
    segment: &Segment,
    at: Position,
    part: &Part,
    on_step: &mut impl FnMut(Step<'_>),
) -> crocus_orm::Result<()> {
    let (Kind::Build(index) | Kind::Drop(index)) = &part.kind else {
        // A lock that was had is held while the next one is waited for: others wait for the sum.
        let whole = job.options.lock_timeout;
        let left = whole.saturating_sub(segment.began.elapsed()).max(whole / 10);
        lock::limit(connection, left).await?;
        return all(connection, &part.statements).await;
    };
    connection.batch("COMMIT").await?;
    let found = before::is_valid(connection, index).await?;
    let is_build = matches!(part.kind, Kind::Build(_));
    if is_build && found == Some(false) {
        lock::limit_without_blocking(connection).await?;
        all(connection, &part.undo).await?;
    }
    // The place was recorded before the first try: what is there now was done by a run that could not say so any more.
    let is_done = job.is_resumed && at == job.start && found == is_build.then_some(true);
    if !is_done {
        lock::limit_without_blocking(connection).await?;
        patiently(connection, job, &part.statements, on_step).await?;
    }
    lock::begin(connection).await
}

/// Runs what waits for others and keeps nobody waiting, and says whom it waits for, once.
async fn patiently(
    connection: &Connection,
    job: &Job<'_>,
    statements: &[String],
    on_step: &mut impl FnMut(Step<'_>),
) -> crocus_orm::Result<()> {
    let Some(engine) = job.engine else { return all(connection, statements).await };
    let session = lock::session(connection).await?;
    let mut done = pin!(all(connection, statements));
    loop {
        if let Ok(done) = timeout(ASK_EVERY, &mut done).await {
            return done;
        }
        // Who cannot be told has still to be waited for.
        let asked = timeout(ASK_EVERY, async { lock::blockers(&engine.connection().await?, session).await });
        if let Ok(Ok(Some(who))) = asked.await {
            on_step(Step::Blocked { who: &who });
            return done.await;
        }
    }
}

/// Runs a data step; where it comes in batches, each is committed.
async fn batches(
    connection: &Connection,
    job: &Job<'_>,
    segment: &mut Segment,
    step: &DataStep,
    on_step: &mut impl FnMut(Step<'_>),
) -> crocus_orm::Result<()> {
    lock::limit(connection, job.options.lock_timeout).await?;
    while !data::run(connection, step, on_step).await? {
        if !job.at_once {
            connection.batch("COMMIT").await?;
            lock::begin(connection).await?;
            *segment = Segment::new(segment.start, segment.is_recorded);
        }
    }
    Ok(())
}

/// Commits what was done since `start`, with the record that the job is at a place, and begins the next transaction.
async fn keep(connection: &Connection, job: &Job<'_>, start: Position, at: Position) -> Result<()> {
    let kept = async {
        lock::settle(connection).await?;
        if let Some((migration, direction)) = job.revision {
            let progress = Progress { direction, at }.with_operations(job.operations);
            history::set_progress(connection, migration, &job.options.program, Some(&progress)).await?;
        }
        connection.batch("COMMIT").await
    };
    match kept.await {
        Ok(()) => begin(connection, job).await,
        Err(error) => Err(failed(connection, job, start, at, &[], error).await),
    }
}

async fn begin(connection: &Connection, job: &Job<'_>) -> Result<()> {
    lock::begin(connection).await?;
    if job.revision.is_some() {
        // The transaction that was rolled back may have made the version table.
        history::prepare(connection).await?;
    }
    Ok(())
}

/// Rolls back, takes back what was done of the operation that failed, and says what is kept.
pub(super) async fn failed(
    connection: &Connection,
    job: &Job<'_>,
    start: Position,
    at: Position,
    parts: &[Part],
    error: crocus_orm::Error,
) -> Error {
    if error.kind() == OrmKind::OutcomeUnknown && parts.is_empty() {
        let text = format!("it is not known whether {} was done: the connection was lost at its end", job.what);
        let hint = "`db current` tells; `db upgrade` goes on from there";
        return Error::new(ErrorKind::Database, text).with_hint(hint).with_source(error);
    }
    let text = match job.operations.get(at.operation) {
        Some(operation) => {
            let (number, of) = (at.operation + 1, job.operations.len());
            format!("{} failed at step {number} of {of}, {operation}", job.what)
        }
        None => format!("{} failed at its end", job.what),
    };
    // A connection that is lost has rolled back by itself.
    let is_there = connection.batch("ROLLBACK").await.is_ok();
    let is_conflict = lock::is_conflict(&error);
    let mut kept = start;
    if is_there && !is_conflict && start == at && take_back(connection, job, at, parts).await.is_ok() {
        kept.part = 0;
    }
    let kept = kept.kept().unwrap_or_else(|| NOTHING_KEPT.to_owned());
    let hint = if is_conflict && is_there {
        let table = job.operations.get(at.operation).and_then(Operation::table);
        let who = lock::holders(connection, table).await;
        format!("{who}; {kept}: let the other end, then run the command again")
    } else {
        let first = match error.hint() {
            Some(hint) => format!("{hint}; "),
            None => String::new(),
        };
        if is_there {
            format!("{first}{kept}; mend the migration or the data, then run the command again")
        } else {
            format!("{first}{kept}; run the command again")
        }
    };
    Error::new(ErrorKind::Step, text).with_hint(hint).with_source(error)
}

/// Takes back what is half done of the operation that a job was left at, outside a transaction. `false`, and nothing is
/// taken back, where it is not known what is done of it.
pub(crate) async fn whole_steps(connection: &Connection, job: &Job<'_>) -> crocus_orm::Result<bool> {
    let at = job.start;
    let Some(operation) = job.operations.get(at.operation) else { return Ok(true) };
    if operation.is_batched() {
        return Ok(false);
    }
    let parts = plan(connection, job, at).await?;
    let Some(part) = parts.get(at.part) else { return Ok(false) };
    lock::limit(connection, job.options.lock_timeout).await?;
    match &part.kind {
        // One that can be used may be what was there before.
        Kind::Build(index) => match before::is_valid(connection, index).await? {
            Some(true) => return Ok(false),
            Some(false) => all(connection, &part.undo).await?,
            None => {}
        },
        Kind::Drop(index) if before::is_valid(connection, index).await? != Some(true) => return Ok(false),
        _ => {}
    }
    for part in parts[..at.part].iter().rev() {
        all(connection, &part.undo).await?;
    }
    Ok(true)
}

/// Undoes the parts of an operation up to the one that failed, and records that it is yet to be done.
async fn take_back(connection: &Connection, job: &Job<'_>, at: Position, parts: &[Part]) -> Result<()> {
    let Some(failed) = parts.get(at.part) else { return Ok(()) };
    if let Kind::Build(index) = &failed.kind {
        // One that can be used was there before, and is the reason of the failure.
        if before::is_valid(connection, index).await? == Some(false) {
            all(connection, &failed.undo).await?;
        }
    } else if at.part == 0 {
        return Ok(());
    }
    for part in parts[..at.part].iter().rev() {
        all(connection, &part.undo).await?;
    }
    let Some((migration, direction)) = job.revision else { return Ok(()) };
    lock::begin(connection).await?;
    let at = Position { part: 0, ..at };
    match (direction, at.operation) {
        (Direction::Upgrade, 0) => history::remove(connection, migration.revision).await?,
        (Direction::Downgrade, 0) => {
            history::set_progress(connection, migration, &job.options.program, None).await?;
        }
        _ => {
            let progress = Progress { direction, at }.with_operations(job.operations);
            history::set_progress(connection, migration, &job.options.program, Some(&progress)).await?;
        }
    }
    Ok(connection.batch("COMMIT").await?)
}

fn no_such_part(job: &Job<'_>, at: Position) -> Error {
    let text = format!(
        "{} was left half-way at step {}, which has changed since: it has no part {}",
        job.what,
        at.operation + 1,
        at.part + 1
    );
    Error::new(ErrorKind::History, text).with_hint("put the migration back as it was, then run the command again")
}
