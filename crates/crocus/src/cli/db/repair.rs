//! `db repair`: what an upgrade cannot decide.

use clap::Args;
use crocus_migrate::Direction;
use crocus_migrate::repair::{Fault, Repair, faults, repair as mend};

use crate::cli::{Context, print};
use crate::error::Result;

/// Show what an upgrade cannot decide, and mend it as told: without an option nothing is changed
#[derive(Debug, Args)]
#[command(
    name = "repair",
    after_help = "Examples:\n  {program} db repair\n  {program} db repair --accept 3f9a\n  \
                  {program} db repair --forget 91d0e4aa02c7\n  {program} db repair --done 3f9a\n  \
                  {program} db repair --reindex cars_name_idx"
)]
pub(super) struct RepairArguments {
    /// The database is as an edited migration says now: record that
    #[arg(long, value_name = "REVISION")]
    accept: Vec<String>,

    /// Forget a revision that the program does not have
    #[arg(long, value_name = "REVISION")]
    forget: Vec<String>,

    /// A revision that was broken off is done as a whole: somebody did the rest by hand
    #[arg(long, value_name = "REVISION")]
    done: Vec<String>,

    /// Nothing of a revision that was broken off is there: somebody undid it by hand
    #[arg(long, value_name = "REVISION")]
    undone: Vec<String>,

    /// Build an index again that is not complete, without keeping writers out
    #[arg(long, value_name = "INDEX")]
    reindex: Vec<String>,
}

pub(super) async fn repair(context: &Context, bind: Option<&'static str>, arguments: &RepairArguments) -> Result<()> {
    let migrations = context.migrations(bind)?;
    let (engine, _) = context.engine(bind).await?;
    let of = |words: &[String], repair: fn(String) -> Repair| words.iter().cloned().map(repair).collect::<Vec<_>>();
    let repairs = [
        of(&arguments.accept, Repair::Accept),
        of(&arguments.forget, Repair::Forget),
        of(&arguments.done, Repair::Done),
        of(&arguments.undone, Repair::Undone),
        of(&arguments.reindex, Repair::Reindex),
    ]
    .concat();
    let mut text = String::new();
    if repairs.is_empty() {
        let found = faults(&engine, migrations).await.map_err(context.of_migration())?;
        found.iter().for_each(|fault| text.push_str(&said(fault, context.name())));
        if found.is_empty() {
            text.push_str("Nothing to repair.\n");
        }
    } else {
        let done = mend(&engine, migrations, &repairs, &context.options()).await.map_err(context.of_migration())?;
        for line in done {
            let mut letters = line.chars();
            let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
            text.push_str(&format!("{first}{}.\n", letters.as_str()));
        }
    }
    print(&text)
}

/// What is wrong, and each way out.
fn said(fault: &Fault, program: &str) -> String {
    let way = |words: &str, what: &str| format!("  {program} db {words}\n      {what}\n");
    match fault {
        Fault::Edited { revision, file } => format!(
            "{revision} was edited after it was applied (`{file}`).\n  Put the file back as it was, or:\n{}",
            way(&format!("repair --accept {revision}"), "the database is as the file says now")
        ),
        Fault::Missing { revision, message } => format!(
            "{revision} ({}) is applied, and this program does not have it.\n  Run the program that has it, or:\n{}",
            message.lines().next().unwrap_or_default(),
            way(&format!("repair --forget {revision}"), "it is gone for good; what it made stays")
        ),
        Fault::HalfDone { revision, direction, steps } => {
            let (verb, way_on) = match direction {
                Direction::Upgrade => ("upgrade", "upgrade"),
                Direction::Downgrade => ("downgrade", "downgrade"),
            };
            format!(
                "{revision} was broken off in its {verb}, with {steps} step{} done.\n{}{}{}",
                if *steps == 1 { "" } else { "s" },
                way(way_on, "goes on from there"),
                way(&format!("repair --done {revision}"), "the rest was done by hand"),
                way(&format!("repair --undone {revision}"), "what was done of it was undone by hand")
            )
        }
        Fault::InvalidIndex { index, table } => format!(
            "The index {index} on {table} is not complete, and no query uses it.\n{}",
            way(&format!("repair --reindex {index}"), "builds it again, without keeping writers out")
        ),
    }
}
