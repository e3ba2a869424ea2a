//! `db history`, `db heads`, `db branches` and `db show`: the revisions, and how they follow each other.

use clap::Args;
use serde_json::{Value, json};

use super::listed::{Listed, Telling, print_json};
use crate::cli::{Context, print};
use crate::error::{Error, Result};

/// List the revisions, the newest first
///
/// Those that the database has and the program does not stand before the others, as `(unknown)`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  {program} db history\n  {program} db history -r 3f9a:\n  \
                        {program} db history -r -3:current -v\n  {program} db history --json")]
pub(super) struct History {
    /// Which: `FROM:TO`, `FROM:` or `:TO`, both included
    #[arg(short, long, value_name = "RANGE", allow_hyphen_values = true)]
    rev_range: Option<String>,

    /// Mark where the database is, which has to be there; without this it is marked if the database is there
    #[arg(short, long)]
    indicate_current: bool,

    #[command(flatten)]
    telling: Telling,
}

/// Show the revisions that none follows
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  {program} db heads\n  {program} db heads -v\n  {program} db heads --json")]
pub(super) struct Heads {
    #[command(flatten)]
    telling: Telling,
}

/// Show the revisions that several follow
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  {program} db branches\n  {program} db branches --json")]
pub(super) struct Branches {
    #[command(flatten)]
    telling: Telling,
}

/// Show everything about a revision
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  {program} db show\n  {program} db show 3f9a\n  {program} db show current --json")]
pub(super) struct Show {
    /// `head`, `heads`, `current`, a revision or its beginning, or a label
    #[arg(default_value = "head", allow_hyphen_values = true)]
    revision: String,

    #[command(flatten)]
    telling: Telling,
}

pub(super) async fn history(context: &Context, binds: &[Option<&'static str>], arguments: &History) -> Result<()> {
    let mut rows = Vec::new();
    for bind in binds {
        let listed = if arguments.indicate_current {
            Listed::with_unknown(context, *bind).await?
        } else {
            Listed::with_unknown_if_there(context, *bind).await?
        };
        let migrations = match &arguments.rev_range {
            None => listed.graph.ordered().iter().collect(),
            Some(range) => listed.graph.history(range, &listed.applied).map_err(context.of_migration())?,
        };
        // A range is one of the program's revisions: where in it the others belong is not known.
        let unknown = if arguments.rev_range.is_none() { listed.applied.unknown() } else { &[] };
        if arguments.telling.json {
            rows.extend(unknown.iter().map(|record| listed.unknown_json(record)));
            rows.extend(migrations.iter().rev().map(|migration| listed.json(migration)));
            continue;
        }
        context.headline(*bind)?;
        let lines = migrations.iter().rev().map(|migration| match context.is_verbose() {
            true => listed.in_full(migration),
            false => format!(
                "{} -> {}{}, {}, {}\n",
                listed.graph.follows(migration),
                migration.revision,
                listed.marks(migration),
                migration.title(),
                migration.created
            ),
        });
        let text: String = unknown.iter().map(|record| listed.unknown(record)).chain(lines).collect();
        print(if text.is_empty() { "There are no migrations.\n" } else { &text })?;
    }
    if arguments.telling.json { print_json(&Value::from(rows)) } else { Ok(()) }
}

pub(super) fn heads(context: &Context, binds: &[Option<&'static str>], arguments: &Heads) -> Result<()> {
    let mut rows = Vec::new();
    for bind in binds {
        let listed = Listed::of_program(context, *bind)?;
        let heads = listed.graph.heads();
        if arguments.telling.json {
            rows.extend(heads.iter().map(|head| listed.json(head)));
            continue;
        }
        context.headline(*bind)?;
        let text: String = heads.iter().map(|head| listed.entry(head)).collect();
        print(if text.is_empty() { "There are no migrations.\n" } else { &text })?;
    }
    if arguments.telling.json { print_json(&Value::from(rows)) } else { Ok(()) }
}

pub(super) fn branches(context: &Context, binds: &[Option<&'static str>], arguments: &Branches) -> Result<()> {
    let mut rows = Vec::new();
    for bind in binds {
        let listed = Listed::of_program(context, *bind)?;
        let points = listed.graph.branch_points();
        if arguments.telling.json {
            rows.extend(points.iter().map(|(point, followers)| {
                listed.with_bind(json!({"revision": point.revision, "followed_by": Listed::names(followers)}))
            }));
            continue;
        }
        context.headline(*bind)?;
        let mut text = String::new();
        for (point, followers) in points {
            text.push_str(&listed.entry(point));
            for follower in followers {
                text.push_str(&format!(
                    "    -> {}{}, {}\n",
                    follower.revision,
                    listed.marks(follower),
                    follower.title()
                ));
            }
        }
        print(if text.is_empty() { "No revision is followed by several.\n" } else { &text })?;
    }
    if arguments.telling.json { print_json(&Value::from(rows)) } else { Ok(()) }
}

pub(super) async fn show(context: &Context, bind: Option<&'static str>, arguments: &Show) -> Result<()> {
    let listed = Listed::with_unknown_if_there(context, bind).await?;
    let shown = match listed.graph.resolve(&arguments.revision, &listed.applied) {
        Ok(shown) => shown,
        Err(error) => {
            let mut named = listed.applied.unknown().iter().filter(|it| it.revision.starts_with(&arguments.revision));
            return match (named.next(), named.next()) {
                (Some(record), None) if arguments.telling.json => print_json(&json!([listed.unknown_json(record)])),
                (Some(record), None) => print(&Listed::unknown_in_full(record)),
                _ => Err(context.of_migration()(error)),
            };
        }
    };
    if arguments.telling.json {
        return print_json(&shown.iter().map(|migration| listed.json(migration)).collect());
    }
    if shown.is_empty() {
        return Err(Error::new(format!(
            "`{}` is no revision, but what comes before the first one",
            arguments.revision
        ))
        .with_hint(format!("`{} db history` lists them", context.name())));
    }
    print(&shown.iter().map(|migration| listed.in_full(migration)).collect::<String>())
}
