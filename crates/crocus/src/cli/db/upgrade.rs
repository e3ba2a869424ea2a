//! `db upgrade` and `db downgrade`: running migrations.

use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use crocus_migrate::lint::{Category, Code};
use crocus_migrate::{Direction, Migrations, Options, Step};
use crocus_orm::{Dialect, Engine};

use super::migrate::refuse_stale;
use crate::cli::{Context, print};
use crate::error::Result;

/// Apply migrations
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  {program} db upgrade\n  {program} db upgrade +1\n  {program} db upgrade 3f9a\n  \
                  {program} db upgrade --allow drop-column")]
pub(super) struct Upgrade {
    /// How far: `head`, `heads`, a revision or its beginning, `+N`, or one of these on a branch: `payments@head`
    #[arg(default_value = "head")]
    revision: String,

    /// Acknowledge this once what a step loses, where its file does not (`db lint` tells)
    #[arg(long, value_name = "CODE", value_parser = destructive())]
    allow: Vec<Code>,

    /// Write the SQL on standard output instead of running it, for `psql` or `sqlite3`; nothing is asked of the database.
    /// The revision is then a place, or a range FROM:TO
    #[arg(long)]
    pub(super) sql: bool,

    #[command(flatten)]
    run: Run,
}

/// Undo migrations
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  {program} db downgrade\n  {program} db downgrade -2\n  {program} db downgrade base\n  \
                    {program} db downgrade head:3f9a --sql > downgrade.sql"
)]
pub(super) struct Downgrade {
    /// How far: `-N`, a revision or its beginning, `base`, or one of these on a branch: `payments@-1`
    #[arg(default_value = "-1", allow_hyphen_values = true)]
    revision: String,

    /// Write the SQL on standard output instead of running it, for `psql` or `sqlite3`; nothing is asked of the database.
    /// The revision is then a range FROM:TO
    #[arg(long)]
    pub(super) sql: bool,

    #[command(flatten)]
    run: Run,
}

/// How migrations are run.
#[derive(Debug, Clone, Copy, Default, Args)]
struct Run {
    /// How long to wait for a table's lock on PostgreSQL before others go first [default: 5000]
    #[arg(long, value_name = "MILLISECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    lock_timeout: Option<u64>,
}

impl Run {
    fn options(self, context: &Context) -> Options {
        let options = context.options();
        let lock_timeout = self.lock_timeout.map_or(options.lock_timeout, Duration::from_millis);
        Options { lock_timeout, ..options }
    }
}

impl Upgrade {
    /// Whether it is for one database: a revision is one database's.
    pub(super) fn names_a_revision(&self) -> bool {
        !matches!(self.revision.as_str(), "head" | "heads")
    }
}

pub(super) async fn upgrade(context: &Context, bind: Option<&'static str>, arguments: &Upgrade) -> Result<()> {
    let migrations = context.migrations(bind)?;
    refuse_stale(context, migrations)?;
    let (engine, _) = context.engine(bind).await?;
    let options = Options { allow: arguments.allow.clone(), ..arguments.run.options(context) };
    match run(context, &engine, migrations, &arguments.revision, &options).await? {
        0 => print("Nothing to upgrade.\n"),
        _ => Ok(()),
    }
}

pub(super) async fn downgrade(context: &Context, bind: Option<&'static str>, arguments: &Downgrade) -> Result<()> {
    let migrations = context.migrations(bind)?;
    let (engine, _) = context.engine(bind).await?;
    let options = arguments.run.options(context);
    let done = crocus_migrate::downgrade(&engine, migrations, &arguments.revision, &options, report).await;
    match done.map_err(context.of_migration())? {
        0 => print("Nothing to downgrade.\n"),
        _ => Ok(()),
    }
}

/// Writes what an upgrade would send.
pub(super) async fn write_upgrade(context: &Context, bind: Option<&'static str>, arguments: &Upgrade) -> Result<()> {
    let options = Options { allow: arguments.allow.clone(), ..arguments.run.options(context) };
    write(context, bind, Direction::Upgrade, &arguments.revision, &options).await
}

/// Writes what a downgrade would send.
pub(super) async fn write_downgrade(
    context: &Context,
    bind: Option<&'static str>,
    arguments: &Downgrade,
) -> Result<()> {
    write(context, bind, Direction::Downgrade, &arguments.revision, &arguments.run.options(context)).await
}

async fn write(
    context: &Context,
    bind: Option<&'static str>,
    direction: Direction,
    range: &str,
    options: &Options,
) -> Result<()> {
    let migrations = context.migrations(bind)?;
    refuse_stale(context, migrations)?;
    let dialect = context.database_url(bind)?.0.dialect();
    let script = crocus_migrate::script(migrations, dialect, direction, range, options).await;
    // What comes after an error must not run.
    let stop = match dialect {
        Dialect::Postgres => "\\set ON_ERROR_STOP on",
        _ => ".bail on",
    };
    print(&format!("{stop}\n{}", script.map_err(context.of_migration())?))
}

/// Applies migrations and says each; also what `run --upgrade` does.
pub(in crate::cli) async fn run(
    context: &Context,
    engine: &Engine,
    migrations: &Migrations,
    target: &str,
    options: &Options,
) -> Result<usize> {
    crocus_migrate::upgrade(engine, migrations, target, options, report).await.map_err(context.of_migration())
}

/// The codes of steps that lose something.
fn destructive() -> impl TypedValueParser<Value = Code> {
    let codes = Code::ALL.iter().filter(|code| code.category() == Category::Destructive);
    let parser = PossibleValuesParser::new(codes.map(|code| code.name()));
    parser.map(|name| Code::named(&name).expect("it is one of the names"))
}

fn report(step: Step<'_>) {
    let line = match step {
        Step::Waiting => "Another program is migrating the database: waiting for it.".to_owned(),
        Step::Begin(..) => return,
        Step::Retry { who, pause } => format!("Waiting for a lock: {who}. Trying again in {pause:?}."),
        Step::Blocked { who } => format!("Waiting for {who}, which began before; nobody waits meanwhile."),
        Step::Progress { name, done, total } => format!("{name}: {done} of {total}"),
        Step::TakenTogether(migration) => format!(
            "Recorded {} in place of {}, {}",
            migration.revision,
            migration.replaces.join(", "),
            migration.title()
        ),
        Step::Done(direction, migration, follows) => {
            let (before, after) = (follows, migration.revision);
            let (verb, from, to) = match direction {
                Direction::Upgrade => ("Upgraded", before, after),
                Direction::Downgrade => ("Downgraded", after, before),
            };
            format!("{verb} {from} -> {to}, {}", migration.title())
        }
    };
    // A reader that went away must not stop a migration.
    drop(print(&format!("{line}\n")));
}
