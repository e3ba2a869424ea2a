//! `db check`: whether the database is at the head, and has what the models declare.

use clap::Args;
use crocus_migrate::Comparison;
use serde_json::{Value, json};

use super::listed::{Listed, Telling, print_json};
use super::migrate::{Sides, refuse_behind, refuse_stale};
use crate::cli::{Context, print};
use crate::error::{Error, Result};

/// Fail where the database is behind, or `db migrate` would find changes
///
/// It writes nothing. It fails also where the migrations have several heads, or an applied one was edited.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  {program} db check\n  {program} db check --json")]
pub(super) struct Check {
    #[command(flatten)]
    telling: Telling,
}

/// What is found of one database.
struct Found {
    comparison: Option<Comparison>,
    fault: Option<Error>,
}

pub(super) async fn check(context: &Context, binds: &[Option<&'static str>], arguments: &Check) -> Result<()> {
    let mut rows = Vec::new();
    let mut fault = Ok(());
    for bind in binds {
        let listed = Listed::of_database(context, *bind).await?;
        let found = found(context, *bind, &listed).await;
        if arguments.telling.json {
            rows.push(row(&listed, &found));
        } else {
            context.headline(*bind)?;
            print(&text(&found))?;
        }
        fault = fault.and(found.fault.map_or(Ok(()), Err));
    }
    if arguments.telling.json {
        print_json(&Value::from(rows))?;
    }
    fault
}

async fn found(context: &Context, bind: Option<&'static str>, listed: &Listed<'_>) -> Found {
    let ready = || {
        refuse_stale(context, context.migrations(bind)?)?;
        listed.graph.check_forks().map_err(context.of_migration())?;
        listed.applied.check(listed.graph).map_err(context.of_migration())?;
        refuse_behind(context, listed.graph, &listed.applied)
    };
    let comparison = match ready() {
        Ok(()) => Sides::read(context, bind, &listed.applied).await.map(|sides| sides.compare()),
        Err(error) => Err(error),
    };
    match comparison {
        Err(fault) => Found { comparison: None, fault: Some(fault) },
        Ok(comparison) => {
            let number = comparison.operations.len();
            let fault = (number > 0).then(|| {
                let changes = if number == 1 { "one change".to_owned() } else { format!("{number} changes") };
                Error::new(format!("the models have {changes} that the database lacks"))
                    .with_hint(format!("`{} db migrate -m \"...\"` writes the migration", context.name()))
            });
            Found { comparison: Some(comparison), fault }
        }
    }
}

fn text(found: &Found) -> String {
    let Some(comparison) = &found.comparison else { return String::new() };
    let mut text: String = comparison.notes.iter().map(|note| format!("Note: {note}\n")).collect();
    text.extend(comparison.operations.iter().map(|operation| format!("Detected: {operation}\n")));
    if comparison.operations.is_empty() {
        text.push_str("No changes detected.\n");
    }
    text
}

fn row(listed: &Listed<'_>, found: &Found) -> Value {
    let compared = |texts: fn(&Comparison) -> Vec<String>| found.comparison.as_ref().map(texts);
    listed.with_bind(json!({
        "ok": found.fault.is_none(),
        "error": found.fault.as_ref().map(Error::message),
        "heads": Listed::names(&listed.graph.heads()),
        "current": Listed::names(&listed.graph.current(&listed.applied)),
        "pending": Listed::names(&listed.graph.pending(&listed.applied)),
        "changes": compared(|comparison| comparison.operations.iter().map(ToString::to_string).collect()),
        "notes": compared(|comparison| comparison.notes.clone()),
        "ignored": compared(|comparison| {
            comparison.ignored.iter().map(|found| format!("{} {}", found.kind, found.in_words())).collect()
        }),
    }))
}
