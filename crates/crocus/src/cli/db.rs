//! `db ...`: create, migrate and inspect the database. The verbs are Flask-Migrate's and Alembic's; each file has one, or
//! a pair that belong together, with its arguments, its help and its examples.

mod check;
mod create;
mod current;
mod diagram;
mod history;
mod init;
mod inspect;
mod lint;
mod listed;
mod migrate;
mod plan;
mod renames;
mod repair;
mod revision;
mod squash;
mod stamp;
pub(super) mod upgrade;

use clap::{Args, Subcommand};
use crocus_migrate::Migration;

use super::Context;
use crate::error::{Error, Result};

/// Create, migrate and inspect the database
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  {program} db create\n  {program} db migrate -m \"create cars\"\n  \
                        {program} db upgrade\n  {program} db current")]
pub(super) struct Db {
    /// The bind: which of the program's databases [default: `default` for drop, downgrade, stamp and what
    /// names a revision, else all]
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
    Revision(revision::Revision),
    Edit(revision::Edit),
    Show(history::Show),
    Merge(revision::Merge),
    Squash(squash::Squash),
    Upgrade(upgrade::Upgrade),
    Downgrade(upgrade::Downgrade),
    History(history::History),
    Plan(plan::PlanArguments),
    Lint(lint::Lint),
    Heads(history::Heads),
    Branches(history::Branches),
    Current(current::Current),
    Inspect(inspect::Inspect),
    Diagram(diagram::Diagram),
    Stamp(stamp::Stamp),
    Repair(repair::RepairArguments),
    Check(check::Check),
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
            for bind in context.one_or_chosen(arguments.is_for_one(), named)? {
                context.headline(bind)?;
                migrate::migrate(context, bind, &arguments.new, &arguments.rename).await?;
            }
            Ok(())
        }
        Command::Upgrade(arguments) if arguments.sql => {
            upgrade::write_upgrade(context, context.one(named)?, &arguments).await
        }
        Command::Downgrade(arguments) if arguments.sql => {
            upgrade::write_downgrade(context, context.one(named)?, &arguments).await
        }
        Command::Revision(arguments) => {
            for bind in context.one_or_chosen(arguments.is_for_one(), named)? {
                context.headline(bind)?;
                revision::revision(context, bind, &arguments).await?;
            }
            Ok(())
        }
        Command::Merge(arguments) => revision::merge(context, context.one(named)?, &arguments).await,
        Command::Squash(arguments) => squash::squash(context, context.one(named)?, &arguments).await,
        Command::Edit(arguments) => revision::edit(context, context.one(named)?, &arguments).await,
        Command::Show(arguments) => history::show(context, context.one(named)?, &arguments).await,
        Command::Upgrade(arguments) => {
            for bind in context.one_or_chosen(arguments.names_a_revision(), named)? {
                context.headline(bind)?;
                upgrade::upgrade(context, bind, &arguments).await?;
            }
            Ok(())
        }
        Command::Downgrade(arguments) => upgrade::downgrade(context, context.one(named)?, &arguments).await,
        Command::Current(arguments) => current::current(context, &context.chosen(named)?, &arguments).await,
        Command::History(arguments) => history::history(context, &context.chosen(named)?, &arguments).await,
        Command::Heads(arguments) => history::heads(context, &context.chosen(named)?, &arguments),
        Command::Branches(arguments) => history::branches(context, &context.chosen(named)?, &arguments),
        Command::Check(arguments) => check::check(context, &context.chosen(named)?, &arguments).await,
        Command::Diagram(arguments) => diagram::diagram(context, context.one(named)?, &arguments).await,
        Command::Inspect(arguments) => inspect::inspect(context, context.one(named)?, &arguments).await,
        Command::Plan(arguments) => {
            let one = arguments.names_a_revision();
            let binds = if one { vec![context.one(named)?] } else { context.chosen(named)? };
            plan::plan(context, binds, &arguments).await
        }
        Command::Lint(arguments) => lint::lint(context, context.chosen(named)?, &arguments).await,
        Command::Repair(arguments) => repair::repair(context, context.one(named)?, &arguments).await,
        Command::Stamp(arguments) => stamp::stamp(context, context.one(named)?, &arguments).await,
    }
}

/// `1 pending revision`, `2 pending revisions`
pub(super) fn pending_revisions(number: usize) -> String {
    format!("{number} pending revision{}", if number == 1 { "" } else { "s" })
}

/// Says which revisions a database lacks.
pub(super) fn behind(pending: &[&Migration]) -> Error {
    let names: Vec<_> =
        pending.iter().map(|migration| format!("{} ({})", migration.revision, migration.title())).collect();
    Error::new(format!("the database is behind by {}: {}", pending_revisions(pending.len()), names.join(", ")))
}
