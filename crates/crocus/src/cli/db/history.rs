//! `db history`: the revisions and how they follow each other.

use clap::Args;
use crocus_migrate::{Applied, Migration};

use crate::cli::{Context, print};
use crate::error::Result;

/// List the revisions, the newest first
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  {program} db history")]
pub(super) struct History {}

pub(super) async fn history(context: &Context, bind: Option<&'static str>) -> Result<()> {
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
