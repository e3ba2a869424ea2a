//! `db stamp`: recording where a database is, without running anything.

use clap::Args;

use super::place;
use crate::cli::{Context, print};
use crate::error::Result;

/// Record the database as being at a revision, without running anything
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  {program} db stamp head\n  {program} db stamp 3f9a")]
pub(super) struct Stamp {
    /// `head`, `base`, or a revision or its beginning
    revision: String,
}

pub(super) async fn stamp(context: &Context, bind: Option<&'static str>, arguments: &Stamp) -> Result<()> {
    let migrations = context.migrations(bind)?;
    let (engine, _) = context.engine(bind).await?;
    let targets = [arguments.revision.as_str()];
    let applied = crocus_migrate::stamp(&engine, migrations, &targets, false, &context.options()).await;
    let applied = applied.map_err(context.of_migration())?;
    let graph = migrations.graph().map_err(context.of_migration())?;
    print(&format!("The database is recorded as being at {}.\n", place(graph, &applied)))
}
