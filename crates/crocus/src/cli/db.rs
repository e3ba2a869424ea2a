//! `db ...`: create, migrate and inspect the database. The verbs are Flask-Migrate's and Alembic's.

use std::io::{BufRead, IsTerminal, Write};

use clap::{Args, Subcommand};
use crocus_migrate::{Applied, Direction, Graph, Migration, Migrations, Step};
use crocus_orm::{DatabaseUrl, Engine};

use super::{Context, db_migrate, print};
use crate::error::{Error, Result};

#[derive(Debug, Args)]
pub(super) struct Db {
    /// The bind: which of the program's databases [default: `default` for drop, downgrade and stamp, else
    /// all]
    #[arg(long, global = true, value_name = "KEY")]
    bind: Option<String>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create the database
    Create,
    /// Drop the database with everything in it
    Drop(Drop),
    /// Make the migrations folder in the program's source
    Init(db_migrate::Init),
    /// Write a migration: what the models have and the database lacks
    Migrate(db_migrate::Migrate),
    /// Apply migrations
    Upgrade(Upgrade),
    /// Undo migrations
    Downgrade(Downgrade),
    /// Show the database's revision
    Current,
    /// List the revisions, the newest first
    History,
    /// Record the database as being at a revision, without running anything
    Stamp(Stamp),
}

#[derive(Debug, Args)]
pub(super) struct Drop {
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct Upgrade {
    /// How far: `head`, a revision or its beginning, or `+N`
    #[arg(default_value = "head")]
    revision: String,
}

#[derive(Debug, Args)]
pub(super) struct Downgrade {
    /// How far: `-N`, a revision or its beginning, or `base`
    #[arg(default_value = "-1", allow_hyphen_values = true)]
    revision: String,
}

#[derive(Debug, Args)]
pub(super) struct Stamp {
    /// `head`, `base`, or a revision or its beginning
    revision: String,
}

pub(super) async fn db(context: &Context, Db { bind, command }: Db) -> Result<()> {
    let named = bind.as_deref();
    match command {
        Command::Create => {
            let binds = if named.is_none() { context.binds() } else { vec![context.one(named)?] };
            for bind in binds {
                create(context, bind).await?;
            }
            Ok(())
        }
        Command::Drop(arguments) => drop_database(context, context.one(named)?, &arguments).await,
        Command::Init(arguments) => {
            // A folder that is named is one database's.
            let binds = if arguments.has_folder() { vec![context.one(named)?] } else { context.chosen(named)? };
            binds.into_iter().try_for_each(|bind| db_migrate::init(context, bind, &arguments))
        }
        Command::Migrate(arguments) => {
            for bind in context.chosen(named)? {
                context.headline(bind)?;
                db_migrate::migrate(context, bind, &arguments).await?;
            }
            Ok(())
        }
        Command::Upgrade(arguments) => {
            // A revision is one database's.
            let binds = if arguments.revision == "head" { context.chosen(named)? } else { vec![context.one(named)?] };
            for bind in binds {
                context.headline(bind)?;
                let migrations = context.migrations(bind)?;
                db_migrate::refuse_stale(context, migrations)?;
                let (engine, _) = context.engine(bind).await?;
                if upgrade(context, &engine, migrations, &arguments.revision).await? == 0 {
                    print("Nothing to upgrade.\n")?;
                }
            }
            Ok(())
        }
        Command::Downgrade(arguments) => {
            let bind = context.one(named)?;
            let migrations = context.migrations(bind)?;
            let (engine, _) = context.engine(bind).await?;
            let done =
                crocus_migrate::downgrade(&engine, migrations, &arguments.revision, &context.options(), report).await;
            match done.map_err(context.of_migration())? {
                0 => print("Nothing to downgrade.\n"),
                _ => Ok(()),
            }
        }
        Command::Current => {
            for bind in context.chosen(named)? {
                context.headline(bind)?;
                current(context, bind).await?;
            }
            Ok(())
        }
        Command::History => {
            for bind in context.chosen(named)? {
                context.headline(bind)?;
                history(context, bind).await?;
            }
            Ok(())
        }
        Command::Stamp(arguments) => {
            let bind = context.one(named)?;
            let migrations = context.migrations(bind)?;
            let (engine, _) = context.engine(bind).await?;
            let targets = [arguments.revision.as_str()];
            let applied = crocus_migrate::stamp(&engine, migrations, &targets, false, &context.options()).await;
            let applied = applied.map_err(context.of_migration())?;
            let graph = migrations.graph().map_err(context.of_migration())?;
            print(&format!("The database is recorded as being at {}.\n", place(graph, &applied)))
        }
    }
}

/// Applies migrations and says each; also what `run --upgrade` does.
pub(super) async fn upgrade(
    context: &Context,
    engine: &Engine,
    migrations: &Migrations,
    target: &str,
) -> Result<usize> {
    crocus_migrate::upgrade(engine, migrations, target, &context.options(), report)
        .await
        .map_err(context.of_migration())
}

fn report(step: Step<'_>) {
    let line = match step {
        Step::Waiting => "Another program is migrating the database: waiting for it.".to_owned(),
        Step::Begin(..) => return,
        Step::Done(direction, migration) => {
            let (before, after) = (migration.follows(), migration.revision.to_owned());
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

async fn create(context: &Context, bind: Option<&'static str>) -> Result<()> {
    let (url, _) = context.database_url(bind)?;
    let made = url.create_database().await.map_err(|error| Error::of_database(&error, context.name()))?;
    let name = url.database();
    print(&if made {
        format!("Created the database `{name}`.\n")
    } else {
        format!("The database `{name}` exists already.\n")
    })
}

async fn drop_database(context: &Context, bind: Option<&'static str>, arguments: &Drop) -> Result<()> {
    let (url, _) = context.database_url(bind)?;
    let of_database = |error: crocus_orm::Error| Error::of_database(&error, context.name());
    if url.database_exists().await.map_err(of_database)? && !arguments.yes && !agreed(&url, context.name())? {
        return print("Nothing was dropped.\n");
    }
    let dropped = url.drop_database().await.map_err(of_database)?;
    let name = url.database();
    print(&if dropped {
        format!("Dropped the database `{name}`.\n")
    } else {
        format!("There is no database `{name}`.\n")
    })
}

fn agreed(url: &DatabaseUrl, program: &str) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(Error::new(format!("dropping the database `{}` must be confirmed", url.database()))
            .with_hint(format!("`{program} db drop --yes` drops it without asking")));
    }
    let question = format!("Drop the database {url} with everything in it? [y/N] ");
    drop(std::io::stderr().write_all(question.as_bytes()));
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| Error::new(format!("failed to read the answer: {error}")))?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

async fn current(context: &Context, bind: Option<&'static str>) -> Result<()> {
    let migrations = context.migrations(bind)?;
    let (engine, _) = context.engine(bind).await?;
    let applied = crocus_migrate::applied(&engine, migrations).await.map_err(context.of_migration())?;
    let graph = migrations.graph().map_err(context.of_migration())?;
    let behind = match graph.pending(&applied).len() {
        0 => String::new(),
        number => format!(", {}", pending_revisions(number)),
    };
    print(&format!("{}{behind}\n", place(graph, &applied)))
}

async fn history(context: &Context, bind: Option<&'static str>) -> Result<()> {
    let migrations = context.migrations(bind)?;
    let graph = migrations.graph().map_err(context.of_migration())?;
    // Without a database the history is still known, and asking for it makes none.
    let exists = context.database_url(bind)?.0.database_exists().await.unwrap_or(false);
    let applied = if exists {
        let (engine, _) = context.engine(bind).await?;
        crocus_migrate::applied(&engine, migrations).await.map_err(context.of_migration())?
    } else {
        Applied::default()
    };
    if graph.ordered().is_empty() {
        return print("There are no migrations.\n");
    }
    let mut text = String::new();
    let (heads, current) = (graph.heads(), graph.current(&applied));
    let is_in = |list: &[&Migration], of: &Migration| list.iter().any(|listed| listed.revision == of.revision);
    for migration in graph.ordered().iter().rev() {
        let head = if is_in(&heads, migration) { " (head)" } else { "" };
        let here = if is_in(&current, migration) { " (current)" } else { "" };
        text.push_str(&format!(
            "{} -> {}{head}{here}, {}, {}\n",
            migration.follows(),
            migration.revision,
            migration.title(),
            migration.created
        ));
    }
    print(&text)
}

/// `1 pending revision`, `2 pending revisions`
pub(super) fn pending_revisions(number: usize) -> String {
    format!("{number} pending revision{}", if number == 1 { "" } else { "s" })
}

/// `3f9a1c27b6d0 (head), create cars`
fn place(graph: &Graph, applied: &Applied) -> String {
    let heads = graph.heads();
    let places: Vec<_> = graph
        .current(applied)
        .iter()
        .map(|current| {
            let head = if heads.iter().any(|head| head.revision == current.revision) { " (head)" } else { "" };
            format!("{}{head}, {}", current.revision, current.title())
        })
        .collect();
    if places.is_empty() { "<base>".to_owned() } else { places.join("; ") }
}
