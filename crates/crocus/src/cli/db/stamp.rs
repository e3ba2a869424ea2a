//! `db stamp`: recording where a database is, without running anything.

use clap::Args;

use super::listed::Listed;
use crate::cli::{Context, print};
use crate::error::Result;

/// Record the database as being at a revision, without running anything
///
/// It is for a database that was made by other means. What is recorded of other branches stays.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  {program} db stamp head\n  {program} db stamp 3f9a\n  \
                        {program} db stamp --purge base")]
pub(super) struct Stamp {
    /// `head`, `heads`, `base`, a revision or its beginning, or several of them
    #[arg(required = true, allow_negative_numbers = true, value_name = "REVISION")]
    revisions: Vec<String>,

    /// Forget everything that was recorded before, also what this program does not know
    #[arg(long)]
    purge: bool,
}

pub(super) async fn stamp(context: &Context, bind: Option<&'static str>, arguments: &Stamp) -> Result<()> {
    let migrations = context.migrations(bind)?;
    let (engine, _) = context.engine(bind).await?;
    let targets: Vec<_> = arguments.revisions.iter().map(String::as_str).collect();
    let stamped = crocus_migrate::stamp(&engine, migrations, &targets, arguments.purge, &context.options()).await;
    let listed = Listed::with(context, bind, stamped.map_err(context.of_migration())?)?;
    let places: Vec<_> = listed
        .graph
        .current(&listed.applied)
        .iter()
        .map(|current| {
            format!("{}{}, {}", current.revision, listed.marks(current).replace(" (current)", ""), current.title())
        })
        .collect();
    let places = if places.is_empty() { "<base>".to_owned() } else { places.join("; ") };
    print(&format!("The database is recorded as being at {places}.\n"))
}
