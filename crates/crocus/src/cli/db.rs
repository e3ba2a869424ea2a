//! `db ...`: create, migrate and inspect the database. The verbs are Flask-Migrate's and Alembic's; each file has one, or
//! a pair that belong together, with its arguments, its help and its examples.

mod create;
mod current;
mod history;
mod init;
mod lint;
mod migrate;
mod stamp;
pub(super) mod upgrade;

use clap::{Args, Subcommand};
use crocus_migrate::{Applied, Graph};

use super::Context;
use crate::error::Result;

/// Create, migrate and inspect the database
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  {program} db create\n  {program} db migrate -m \"create cars\"\n  \
                        {program} db upgrade\n  {program} db current")]
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
    Create(create::Create),
    Drop(create::Drop),
    Init(init::Init),
    Migrate(migrate::Migrate),
    Upgrade(upgrade::Upgrade),
    Downgrade(upgrade::Downgrade),
    Current(current::Current),
    History(history::History),
    Lint(lint::Lint),
    Stamp(stamp::Stamp),
}

pub(super) async fn db(context: &Context, Db { bind, command }: Db) -> Result<()> {
    let named = bind.as_deref();
    match command {
        Command::Create(_) => {
            let binds = if named.is_none() { context.binds() } else { vec![context.one(named)?] };
            for bind in binds {
                create::create(context, bind).await?;
            }
            Ok(())
        }
        Command::Drop(arguments) => create::drop(context, context.one(named)?, &arguments).await,
        Command::Init(arguments) => {
            // A folder that is named is one database's.
            let binds = if arguments.has_folder() { vec![context.one(named)?] } else { context.chosen(named)? };
            binds.into_iter().try_for_each(|bind| init::init(context, bind, &arguments))
        }
        Command::Migrate(arguments) => {
            for bind in context.chosen(named)? {
                context.headline(bind)?;
                migrate::migrate(context, bind, &arguments).await?;
            }
            Ok(())
        }
        Command::Upgrade(arguments) if arguments.sql => {
            upgrade::write_upgrade(context, context.one(named)?, &arguments).await
        }
        Command::Downgrade(arguments) if arguments.sql => {
            upgrade::write_downgrade(context, context.one(named)?, &arguments).await
        }
        Command::Upgrade(arguments) => {
            let one = arguments.names_a_revision();
            let binds = if one { vec![context.one(named)?] } else { context.chosen(named)? };
            for bind in binds {
                context.headline(bind)?;
                upgrade::upgrade(context, bind, &arguments).await?;
            }
            Ok(())
        }
        Command::Downgrade(arguments) => upgrade::downgrade(context, context.one(named)?, &arguments).await,
        Command::Current(_) => {
            for bind in context.chosen(named)? {
                context.headline(bind)?;
                current::current(context, bind).await?;
            }
            Ok(())
        }
        Command::History(_) => {
            for bind in context.chosen(named)? {
                context.headline(bind)?;
                history::history(context, bind).await?;
            }
            Ok(())
        }
        Command::Lint(arguments) => lint::lint(context, context.chosen(named)?, &arguments).await,
        Command::Stamp(arguments) => stamp::stamp(context, context.one(named)?, &arguments).await,
    }
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
