//! Running migrations, each together with its row in the version table. One program at a time. A crash leaves the
//! database at a revision, or, on PostgreSQL, between two transactions of one, from where the next run goes on.

mod turn;

use std::time::{Duration, Instant};

use crocus_orm::{Connection, Dialect, Engine};

use crate::dialect::{postgres, sqlite};
use crate::execute::{Job, commit, run};
use crate::history::{self, Applied};
use crate::lint::{self, Code};
use crate::operation::Operation;
use crate::progress::{Position, Progress};
use crate::revision::{Graph, Migration, Migrations, Places};
use crate::{Error, ErrorKind, Result};

/// How often a lock that another program holds is tried, and how many times: ten minutes in all.
const TRY_EVERY: Duration = Duration::from_millis(250);
const TRIES: u32 = 2400;

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Towards the head.
    Upgrade,
    /// Towards the base.
    Downgrade,
}

/// What happens while migrations run.
#[derive(Debug, Clone, Copy)]
pub enum Step<'a> {
    /// Another program is migrating; this one waits. Said once.
    Waiting,
    /// A revision begins.
    Begin(Direction, &'a Migration),
    /// A lock was not to be had, because of who has it: the transaction is tried again after a pause.
    Retry {
        /// `the session 4711 (psql, user ada, idle in transaction) holds a lock on "cars"`
        who: &'a str,
        /// How long the pause is.
        pause: Duration,
    },
    /// An index is made or dropped beside the clients, and waits for a transaction that began before: nobody waits for it
    /// meanwhile. Said once for each index.
    Blocked {
        /// `the session 4711 (psql, user ada, idle in transaction)`
        who: &'a str,
    },
    /// A data step says how far it is; told once a second, and at its end.
    Progress {
        /// The step's name.
        name: &'a str,
        /// How much is done.
        done: u64,
        /// Of how much.
        total: u64,
    },
    /// A revision is done, and the database is there; last comes what it follows, for a person.
    Done(Direction, &'a Migration, &'a str),
    /// A squashed revision is recorded in place of those that it stands for, all of which are applied. Nothing was run.
    TakenTogether(&'a Migration),
}

/// How migrations are run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Who runs them: the program's name and version, `cars 1.2.0`. It is recorded with each revision.
    pub program: String,
    /// Findings of destructive steps that are acknowledged this once, beside those that the files acknowledge.
    pub allow: Vec<Code>,
    /// How long PostgreSQL waits for a table's lock, and others wait behind it; then the transaction is rolled back, and
    /// tried again after a pause, ten times in all.
    pub lock_timeout: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options { program: String::new(), allow: Vec::new(), lock_timeout: Duration::from_secs(5) }
    }
}

/// The revisions that lead to the heads and are not applied, in the order in which they would be.
///
/// # Errors
/// When the database does not answer, or has revisions that the program does not.
pub async fn pending<'a>(engine: &Engine, migrations: &'a Migrations) -> Result<Vec<&'a Migration>> {
    let applied = history::applied(engine, migrations).await?;
    Ok(migrations.graph_of(&applied)?.pending(&applied))
}

/// Applies revisions up to `target`, and gives how many. What another program applied in the meantime is skipped.
///
/// # Errors
/// When a step loses data and nobody has acknowledged it: nothing was run. When a step fails: those revisions that are
/// done are kept, and on PostgreSQL of the one that failed the transactions that were committed. The error says which
/// steps, and the next upgrade goes on after them.
pub async fn upgrade(
    engine: &Engine,
    migrations: &Migrations,
    target: &str,
    options: &Options,
    mut on_step: impl FnMut(Step<'_>),
) -> Result<usize> {
    let connection = lock(engine, &mut on_step).await?;
    let mut goal = None;
    let mut split = None;
    let mut done = 0;
    loop {
        begin(&connection, &mut on_step).await?;
        let recorded = match &split {
            None => history::applied_on(&connection, migrations).await?,
            // What is to be run is a set of places in the graph that it was found in.
            Some(split) => history::applied_since(&connection, migrations, split).await?,
        };
        split.get_or_insert_with(|| recorded.split.clone());
        let graph = migrations.graph_of(&recorded)?;
        if goal.is_none() {
            recorded.check(graph)?;
            refuse_half_done(&recorded, Direction::Downgrade)?;
        }
        let applied = &recorded.places;
        // Relative places are meant from where the database was when the lock was had.
        let goal = match &mut goal {
            Some(goal) => goal,
            none => {
                let found = graph.goal(target, applied)?;
                check_destructive(graph, &found, applied, connection.dialect(), options)?;
                none.insert(found)
            }
        };
        let Some(next) = goal.difference(applied).next() else {
            let taken = history::take_together(&connection, migrations, &options.program).await?;
            connection.batch(if taken.is_empty() { "ROLLBACK" } else { "COMMIT" }).await?;
            taken.into_iter().for_each(|migration| on_step(Step::TakenTogether(migration)));
            return Ok(done);
        };
        let migration = &graph.ordered()[*next];
        on_step(Step::Begin(Direction::Upgrade, migration));
        let started = Instant::now();
        if done == 0 {
            history::prepare(&connection).await?;
        }
        let operations = migration.operations(migration.upgrade)?;
        let job = Job { engine: Some(engine), ..job(migration, Direction::Upgrade, &operations, options, &recorded)? };
        run(&connection, &job, &mut on_step).await?;
        history::record(&connection, migration, &options.program, Some(started.elapsed())).await?;
        commit(&connection, &job).await?;
        on_step(Step::Done(Direction::Upgrade, migration, &graph.follows(migration)));
        done += 1;
    }
}

/// Undoes the revisions beyond `target`, the last one first, and gives how many. One that an upgrade has left half-way is
/// undone from there, where its `downgrade` undoes step by step what is done of it.
///
/// # Errors
/// When a revision cannot be undone: then nothing is. When a step fails: its revision is as before, those after it are
/// undone.
pub async fn downgrade(
    engine: &Engine,
    migrations: &Migrations,
    target: &str,
    options: &Options,
    mut on_step: impl FnMut(Step<'_>),
) -> Result<usize> {
    let connection = lock(engine, &mut on_step).await?;
    begin(&connection, &mut on_step).await?;
    let taken = history::take_together(&connection, migrations, &options.program).await?;
    connection.batch(if taken.is_empty() { "ROLLBACK" } else { "COMMIT" }).await?;
    taken.into_iter().for_each(|migration| on_step(Step::TakenTogether(migration)));
    let recorded = history::applied_on(&connection, migrations).await?;
    let graph = migrations.graph_of(&recorded)?;
    let split = recorded.split.clone();
    let mut left = recorded.places.clone();
    let half = turn::half_applied(graph, &recorded);
    left.extend(half);
    // Every step is asked for its reverse before the first is taken.
    let steps = graph
        .beyond(target, &left)?
        .into_iter()
        .rev()
        .map(|at| Ok((at, graph.ordered()[at].operations(graph.ordered()[at].downgrade)?)))
        .collect::<Result<Vec<_>>>()?;
    match half.and_then(|half| steps.iter().find(|(at, _)| *at == half)) {
        Some((at, operations)) => {
            turn::turn_round(&connection, &graph.ordered()[*at], operations, options, &recorded).await?;
        }
        None => refuse_half_done(&recorded, Direction::Upgrade)?,
    }
    let mut done = 0;
    for (at, operations) in steps {
        let migration = &graph.ordered()[at];
        begin(&connection, &mut on_step).await?;
        let recorded = history::applied_since(&connection, migrations, &split).await?;
        if recorded.places != left {
            connection.batch("ROLLBACK").await?;
            let text = "another program has migrated the database in the meantime";
            return Err(Error::new(ErrorKind::Locked, text).with_hint("see `db current`, then try again"));
        }
        on_step(Step::Begin(Direction::Downgrade, migration));
        let job =
            Job { engine: Some(engine), ..job(migration, Direction::Downgrade, &operations, options, &recorded)? };
        run(&connection, &job, &mut on_step).await?;
        history::undone(&connection, migration).await?;
        commit(&connection, &job).await?;
        left.remove(&at);
        on_step(Step::Done(Direction::Downgrade, migration, &graph.follows(migration)));
        done += 1;
    }
    Ok(done)
}

/// Runs operations in one transaction, outside the history: no revision is recorded. A program can so bring a database
/// to what a comparison says, without writing a migration.
///
/// # Errors
/// When one fails: then none of them was done.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use crocus_migrate::Operations;
/// use crocus_migrate::prelude::*;
///
/// let engine = crocus_orm::Engine::connect(&"sqlite::memory:".parse()?).await?;
/// let mut op = Operations::default();
/// op.create_table("cars", |t| t.column("name", text().not_null()));
/// crocus_migrate::apply(&engine, op.list()).await?;
/// assert!(crocus_migrate::inspect(&engine).await?.table("cars").is_some());
/// # Ok(()) }
/// ```
pub async fn apply(engine: &Engine, operations: &[Operation]) -> Result<()> {
    outside_history(engine, operations, true).await
}

/// As [`apply`], but as an upgrade does it: on PostgreSQL in several transactions, so that the tables can be used
/// meanwhile.
///
/// # Errors
/// When one fails. The error says which of them are done and kept.
pub async fn apply_in_segments(engine: &Engine, operations: &[Operation]) -> Result<()> {
    outside_history(engine, operations, false).await
}

async fn outside_history(engine: &Engine, operations: &[Operation], at_once: bool) -> Result<()> {
    let connection = lock(engine, &mut |_| ()).await?;
    begin(&connection, &mut |_| ()).await?;
    let (what, options) = ("the change".to_owned(), &Options::default());
    let (start, is_resumed) = (Position::default(), false);
    let engine = Some(engine);
    let job = Job { what, operations, revision: None, options, engine, at_once, start, is_resumed };
    run(&connection, &job, &mut |_| ()).await?;
    commit(&connection, &job).await
}

/// Records the database as being at these revisions without running anything: for a database that was made by other
/// means. What is recorded on other branches stays; with `purge` nothing that was recorded does, also of revisions that
/// the program does not know.
///
/// # Errors
/// When a revision is not there, or the database does not answer.
pub async fn stamp(
    engine: &Engine,
    migrations: &Migrations,
    targets: &[&str],
    purge: bool,
    options: &Options,
) -> Result<Applied> {
    let connection = lock(engine, &mut |_| ()).await?;
    begin(&connection, &mut |_| ()).await?;
    history::prepare(&connection).await?;
    if purge {
        for record in history::recorded_on(&connection).await? {
            history::remove(&connection, &record.revision).await?;
        }
    }
    history::take_together(&connection, migrations, &options.program).await?;
    let applied = history::applied_on(&connection, migrations).await?;
    let graph = migrations.graph_of(&applied)?;
    let stamped = graph.stamped(targets, &applied.places)?;
    for record in applied.records() {
        if !graph.position(&record.revision).is_some_and(|at| stamped.contains(&at)) {
            history::remove(&connection, &record.revision).await?;
        }
    }
    for at in stamped.difference(&applied.places) {
        history::record(&connection, &graph.ordered()[*at], &options.program, None).await?;
    }
    let stamped = history::applied_on(&connection, migrations).await?;
    connection.batch("COMMIT").await?;
    Ok(stamped)
}

/// Refuses what loses data and nobody has acknowledged, before anything runs.
pub(crate) fn check_destructive(
    graph: &Graph,
    goal: &Places,
    applied: &Places,
    dialect: Dialect,
    options: &Options,
) -> Result<()> {
    let ordered = graph.ordered().iter().enumerate();
    let concerned = ordered.filter(|(at, _)| goal.contains(at) || applied.contains(at)).map(|(_, migration)| migration);
    let is_pending =
        |migration: &Migration| graph.position(migration.revision).is_some_and(|at| !applied.contains(&at));
    lint::check_destructive(&lint::lint_history(concerned, dialect, is_pending), &options.allow)
}

/// A connection on which no other program migrates at the same time.
pub(crate) async fn lock(engine: &Engine, on_step: &mut impl FnMut(Step<'_>)) -> Result<Connection> {
    let connection = engine.connection().await?;
    match connection.dialect() {
        Dialect::Postgres => postgres::lock::prepare(&connection).await?,
        _ => sqlite::lock::prepare(&connection).await?,
    }
    for attempt in 0..TRIES {
        let locked = match connection.dialect() {
            Dialect::Postgres => postgres::lock::try_lock(&connection).await?,
            _ => sqlite::lock::try_lock(&connection).await?,
        };
        if locked {
            return Ok(connection);
        }
        if attempt == 0 {
            on_step(Step::Waiting);
        }
        tokio::time::sleep(TRY_EVERY).await;
    }
    Err(still_locked())
}

async fn begin(connection: &Connection, on_step: &mut impl FnMut(Step<'_>)) -> Result<()> {
    for attempt in 0..TRIES {
        let begun = match connection.dialect() {
            Dialect::Postgres => postgres::lock::begin(connection).await,
            _ => sqlite::lock::begin(connection).await,
        };
        match begun {
            // Another program is in the middle of a revision.
            Err(error)
                if error.kind() == crocus_orm::ErrorKind::Conflict && connection.dialect() == Dialect::Sqlite =>
            {
                if attempt == 0 {
                    on_step(Step::Waiting);
                }
                tokio::time::sleep(TRY_EVERY).await;
            }
            result => return Ok(result?),
        }
    }
    Err(still_locked())
}

/// A revision's operations, from where a run before this one has left them.
fn job<'a>(
    migration: &'a Migration,
    direction: Direction,
    operations: &'a [Operation],
    options: &'a Options,
    recorded: &Applied,
) -> Result<Job<'a>> {
    let record = recorded.record(migration.revision).and_then(|record| record.progress.as_deref());
    let progress = record.and_then(Progress::parse).filter(|progress| progress.direction == direction);
    if let (Some(record), Some(progress)) = (record, progress)
        && !progress.is_of(record, operations)
    {
        let done = progress.at.kept().unwrap_or_default();
        let text = format!(
            "the revision {} ({}) was left half-way, {done}, and these steps were edited since",
            migration.revision,
            migration.title()
        );
        let hint = format!("put them back in `{}`, and change only what comes after them", migration.file);
        return Err(Error::new(ErrorKind::History, text).with_hint(hint));
    }
    Ok(Job {
        what: format!("the revision {} ({})", migration.revision, migration.title()),
        operations,
        revision: Some((migration, direction)),
        options,
        engine: None,
        at_once: false,
        start: progress.map(|progress| progress.at).unwrap_or_default(),
        is_resumed: progress.is_some(),
    })
}

/// What was left half-way in one direction goes on in that direction only.
fn refuse_half_done(recorded: &Applied, left: Direction) -> Result<()> {
    for record in recorded.records() {
        let Some(progress) = record.progress.as_deref().and_then(Progress::parse) else { continue };
        if progress.direction == left {
            let (verb, command) = match left {
                Direction::Upgrade => ("applied", "upgrade"),
                Direction::Downgrade => ("undone", "downgrade"),
            };
            let done = progress.at.kept().unwrap_or_else(|| "step 1 has begun".to_owned());
            let text = format!("the revision {} ({}) is half {verb}: {done}", record.revision, record.message);
            return Err(Error::new(ErrorKind::History, text).with_hint(format!("`db {command}` goes on with it")));
        }
    }
    Ok(())
}

fn still_locked() -> Error {
    Error::new(ErrorKind::Locked, "another program has been migrating the database for too long")
        .with_hint("find it and let it finish, then try again")
}
