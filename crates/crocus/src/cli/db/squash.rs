//! `db squash`: one migration in place of several.

use std::path::PathBuf;

use clap::Args;
use crocus_migrate::folder;

use super::listed::Listed;
use super::migrate::directory;
use crate::cli::{Context, print};
use crate::error::{Error, Result};

/// Write one migration that stands for several
///
/// It makes what they come to, in fewer steps. A database that has none of them gets it alone; one that has all of them
/// has it, and the next upgrade records so without running anything; one that has some gets the others first. So their
/// files stay until every database has passed them.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  {program} db squash 3f9a:91d0 -m \"the first year\"\n  \
                        {program} db squash :91d0 -m \"the first year\"")]
pub(super) struct Squash {
    /// Which: `FROM:TO`, `FROM:` or `:TO`, both included
    #[arg(value_name = "RANGE", allow_hyphen_values = true)]
    range: String,

    /// What the migration does, in a few words
    #[arg(short, long, default_value = "squash")]
    message: String,

    /// The revision's name, in place of one that is made
    #[arg(long, value_name = "REVISION")]
    rev_id: Option<String>,

    /// The migrations folder [default: the one that the program was built with]
    #[arg(short, long, value_name = "FOLDER")]
    directory: Option<PathBuf>,
}

pub(super) async fn squash(context: &Context, bind: Option<&'static str>, arguments: &Squash) -> Result<()> {
    let Squash { range, message, rev_id, .. } = arguments;
    if message.trim().is_empty() {
        return Err(
            Error::new("the message is empty").with_hint("say what the migration does, as in `-m \"the first year\"`")
        );
    }
    let folder = directory(context, bind, arguments.directory.as_ref())?;
    let listed = Listed::of_database_if_there(context, bind).await?;
    let squashed = listed.graph.squash(range, message, rev_id.as_deref(), &listed.applied);
    let squashed = squashed.map_err(context.of_migration())?;
    let (file, text) = (squashed.head.file_name(), squashed.render());
    let path = folder::write(context.migrations(bind)?, &folder, &file, &text).map_err(context.of_migration())?;
    let replaced: Vec<_> =
        squashed.replaced.iter().map(|migration| format!("{}, {}\n", migration.revision, migration.title())).collect();
    print(&format!(
        "{}{} before, {} now.\nWrote {}\nRead it, build the program again, then run `{} db upgrade`.\n\
         Keep the other files until it has run on every database, then delete them.\n",
        replaced.concat(),
        counted(squashed.steps_before()),
        squashed.upgrade().len(),
        path.display(),
        context.name()
    ))
}

/// `1 step`, `7 steps`
fn counted(steps: usize) -> String {
    format!("{steps} step{}", if steps == 1 { "" } else { "s" })
}
