//! `db current`: where the database is.

use clap::Args;
use serde_json::{Value, json};

use super::listed::{Listed, Telling, print_json};
use super::pending_revisions;
use crate::cli::{Context, print};
use crate::error::Result;

/// Show the database's revision
///
/// Where branches are applied, there are several. Those that the program does not have are `(unknown)`. It fails where an
/// applied migration was edited.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  {program} db current\n  {program} db current -v\n  {program} db current --json")]
pub(super) struct Current {
    #[command(flatten)]
    telling: Telling,
}

pub(super) async fn current(context: &Context, binds: &[Option<&'static str>], arguments: &Current) -> Result<()> {
    let mut rows = Vec::new();
    let mut edited = Ok(());
    for bind in binds {
        let listed = Listed::with_unknown(context, *bind).await?;
        let check = listed.applied.check(listed.graph).map_err(context.of_migration());
        if arguments.telling.json {
            rows.push(row(&listed));
        } else {
            context.headline(*bind)?;
            print(&text(&listed))?;
        }
        edited = edited.and(check);
    }
    if arguments.telling.json {
        print_json(&Value::from(rows))?;
    }
    edited
}

fn text(listed: &Listed<'_>) -> String {
    let current = listed.graph.current(&listed.applied);
    let unknown = listed.applied.unknown();
    let behind = match listed.graph.pending(&listed.applied).len() {
        0 => String::new(),
        number => pending_revisions(number),
    };
    let mut text: String = current.iter().map(|migration| listed.entry(migration)).collect();
    if current.is_empty() && (unknown.is_empty() || !behind.is_empty()) {
        text = "<base>\n".to_owned();
    }
    match (behind.is_empty(), current.len()) {
        (true, _) => {}
        // One place and how far it is behind are one line.
        (false, 0 | 1) if text.lines().count() == 1 => text = format!("{}, {behind}\n", text.trim_end()),
        (false, _) => text.push_str(&format!("{behind}\n")),
    }
    text.extend(unknown.iter().map(|record| listed.unknown(record)));
    for record in listed.applied.records() {
        let Some(progress) = &record.progress else { continue };
        let (what, verb) = if progress.starts_with("up") { ("applied", "upgrade") } else { ("undone", "downgrade") };
        text.push_str(&format!(
            "{} is half {what} ({progress}): `{} db {verb}` goes on\n",
            record.revision,
            listed.program()
        ));
    }
    text
}

fn row(listed: &Listed<'_>) -> Value {
    let changed = listed.applied.changed(listed.graph).into_iter().filter(|(_, changed)| changed.upgrade);
    let edited: Vec<_> = changed.map(|(migration, _)| migration).collect();
    let unfinished = listed.applied.records().iter().filter(|record| record.progress.is_some());
    let current = listed.graph.current(&listed.applied);
    listed.with_bind(json!({
        "current": Listed::names(&current),
        "applied": Listed::names(&listed.graph.applied(&listed.applied)),
        "pending": Listed::names(&listed.graph.pending(&listed.applied)),
        "edited": Listed::names(&edited),
        "unknown": listed.applied.unknown().iter().map(|record| record.revision.as_str()).collect::<Vec<_>>(),
        "unfinished": unfinished.map(|record| record.revision.as_str()).collect::<Vec<_>>(),
    }))
}
