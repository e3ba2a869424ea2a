//! Running migrations: each revision in a transaction of its own, together with its row in the version table. One
//! program at a time; a crash leaves the database at a revision.

use std::time::Duration;

use crocus_orm::{Connection, Dialect, Engine};

use crate::dialect::{postgres, sqlite};
use crate::execute::{commit, run};
use crate::history::{self, Applied};
use crate::operation::Operation;
use crate::revision::{Migration, Migrations};
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
    /// A revision is done, and the database is there.
    Done(Direction, &'a Migration),
}

/// The revisions that lead to the head and are not applied.
///
/// # Errors
/// When the database does not answer, or has revisions that the program does not.
pub async fn pending<'a>(engine: &Engine, migrations: &'a Migrations) -> Result<Vec<&'a Migration>> {
    let applied = history::applied(engine, migrations).await?.applied;
    Ok(migrations.ordered()?.split_off(applied))
}

/// Applies revisions up to `target`, and gives how many. What another program applied in the meantime is skipped.
///
/// # Errors
/// When a step fails: its revision left no trace, those before it are applied.
pub async fn upgrade(
    engine: &Engine,
    migrations: &Migrations,
    target: &str,
    mut on_step: impl FnMut(Step<'_>),
) -> Result<usize> {
    let ordered = migrations.ordered()?;
    let connection = lock(engine, &mut on_step).await?;
    begin(&connection, &mut on_step).await?;
    history::create(&connection).await?;
    connection.batch("COMMIT").await?;
    let mut done = 0;
    // Relative places are meant from where the database was when the lock was had.
    let start = history::applied_on(&connection, migrations).await?.applied;
    let goal = migrations.resolve(target, start)?.applied();
    if goal < start {
        let text = format!("`{target}` is behind the database's revision {}", ordered[start - 1].revision);
        return Err(Error::new(ErrorKind::Revision, text).with_hint("`db downgrade` goes back"));
    }
    loop {
        begin(&connection, &mut on_step).await?;
        let at = history::applied_on(&connection, migrations).await?.applied;
        if at >= goal {
            connection.batch("ROLLBACK").await?;
            return Ok(done);
        }
        let migration = ordered[at];
        on_step(Step::Begin(Direction::Upgrade, migration));
        let operations = migration.operations(migration.upgrade)?;
        let what = named(migration);
        run(&connection, &what, &operations).await?;
        history::record(&connection, migration).await?;
        commit(&connection, &what).await?;
        on_step(Step::Done(Direction::Upgrade, migration));
        done += 1;
    }
}

/// Undoes revisions back to `target`, and gives how many.
///
/// # Errors
/// When a revision cannot be undone: then nothing is. When a step fails: its revision is as before, those after it are
/// undone.
pub async fn downgrade(
    engine: &Engine,
    migrations: &Migrations,
    target: &str,
    mut on_step: impl FnMut(Step<'_>),
) -> Result<usize> {
    let ordered = migrations.ordered()?;
    let connection = lock(engine, &mut on_step).await?;
    let start = history::applied_on(&connection, migrations).await?.applied;
    let goal = migrations.resolve(target, start)?.applied();
    if goal > start {
        let text = format!("`{target}` is ahead of the database");
        return Err(Error::new(ErrorKind::Revision, text).with_hint("`db upgrade` goes forward"));
    }
    // Every step is asked for its reverse before the first is taken.
    let steps = ordered[goal..start]
        .iter()
        .rev()
        .map(|migration| Ok((*migration, migration.operations(migration.downgrade)?)))
        .collect::<Result<Vec<_>>>()?;
    let mut done = 0;
    for (migration, operations) in steps {
        begin(&connection, &mut on_step).await?;
        let at = history::applied_on(&connection, migrations).await?.applied;
        if at == 0 || ordered[at - 1].revision != migration.revision {
            connection.batch("ROLLBACK").await?;
            let text = "another program has migrated the database in the meantime";
            return Err(Error::new(ErrorKind::Locked, text).with_hint("see `db current`, then try again"));
        }
        on_step(Step::Begin(Direction::Downgrade, migration));
        let what = named(migration);
        run(&connection, &what, &operations).await?;
        history::remove(&connection, migration).await?;
        commit(&connection, &what).await?;
        on_step(Step::Done(Direction::Downgrade, migration));
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
    let connection = lock(engine, &mut |_| ()).await?;
    begin(&connection, &mut |_| ()).await?;
    run(&connection, "the change", operations).await?;
    commit(&connection, "the change").await
}

/// Records the database as being at `target` without running anything: for a database that was made by other means.
///
/// # Errors
/// When the database does not answer.
pub async fn stamp(engine: &Engine, migrations: &Migrations, target: &str) -> Result<Applied> {
    let ordered = migrations.ordered()?;
    let connection = lock(engine, &mut |_| ()).await?;
    begin(&connection, &mut |_| ()).await?;
    history::create(&connection).await?;
    let at = history::applied_on(&connection, migrations).await?.applied;
    let goal = migrations.resolve(target, at)?.applied();
    for migration in &ordered[goal.min(at)..at] {
        history::remove(&connection, migration).await?;
    }
    for migration in &ordered[at.min(goal)..goal] {
        history::record(&connection, migration).await?;
    }
    connection.batch("COMMIT").await?;
    Ok(Applied { applied: goal, total: ordered.len() })
}

/// A connection on which no other program migrates at the same time.
async fn lock(engine: &Engine, on_step: &mut impl FnMut(Step<'_>)) -> Result<Connection> {
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

fn named(migration: &Migration) -> String {
    format!("the revision {} ({})", migration.revision, migration.message)
}

fn still_locked() -> Error {
    Error::new(ErrorKind::Locked, "another program has been migrating the database for too long")
        .with_hint("find it and let it finish, then try again")
}
