//! `db current`: where the database is.

use clap::Args;

use super::{pending_revisions, place};
use crate::cli::{Context, print};
use crate::error::Result;

/// Show the database's revision
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  {program} db current")]
pub(super) struct Current {}

pub(super) async fn current(context: &Context, bind: Option<&'static str>) -> Result<()> {
    let migrations = context.migrations(bind)?;
    let (engine, _) = context.engine(bind).await?;
    let applied = crocus_migrate::applied(&engine, migrations).await.map_err(context.of_migration())?;
    let graph = migrations.graph().map_err(context.of_migration())?;
    let behind = match graph.pending(&applied).len() {
        0 => String::new(),
        number => format!(", {}", pending_revisions(number)),
    };
    print(&format!("{}{behind}\n", place(graph, &applied)))?;
    applied.check(graph).map_err(context.of_migration())
}
