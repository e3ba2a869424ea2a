//! How revisions are shown: in a line, in full, and as JSON.

use std::fmt::Write;
use std::path::Path;

use clap::Args;
use crocus_migrate::{Applied, Graph, Migration, Migrations, Record};
use serde_json::{Value, json};

use crate::cli::{Context, DEFAULT, print};
use crate::error::Result;

/// What every command that only tells understands.
#[derive(Debug, Args)]
pub(super) struct Telling {
    /// Print JSON, for machines
    #[arg(long)]
    pub(super) json: bool,
}

/// The revisions of a database's migrations, with what is known of the database.
pub(super) struct Listed<'a> {
    context: &'a Context,
    bind: Option<&'static str>,
    migrations: &'a Migrations,
    pub(super) graph: &'a Graph,
    pub(super) applied: Applied,
}

impl<'a> Listed<'a> {
    /// With what a database has applied.
    pub(super) async fn of_database(context: &'a Context, bind: Option<&'static str>) -> Result<Listed<'a>> {
        let migrations = context.migrations(bind)?;
        migrations.graph().map_err(context.of_migration())?;
        let (engine, _) = context.engine(bind).await?;
        let applied = crocus_migrate::applied(&engine, migrations).await;
        Listed::with(context, bind, applied.map_err(context.of_migration())?)
    }

    /// With what the database has applied where it is there: without one the history is still known, and asking for it
    /// makes none.
    pub(super) async fn of_database_if_there(context: &'a Context, bind: Option<&'static str>) -> Result<Listed<'a>> {
        match context.database_url(bind)?.0.database_exists().await {
            Ok(true) => Listed::of_database(context, bind).await,
            _ => Listed::of_program(context, bind),
        }
    }

    /// With every revision that the database has, also those that the program does not.
    pub(super) async fn with_unknown(context: &'a Context, bind: Option<&'static str>) -> Result<Listed<'a>> {
        let migrations = context.migrations(bind)?;
        migrations.graph().map_err(context.of_migration())?;
        let (engine, _) = context.engine(bind).await?;
        let applied = crocus_migrate::listed(&engine, migrations).await;
        Listed::with(context, bind, applied.map_err(context.of_migration())?)
    }

    /// The same where the database is there.
    pub(super) async fn with_unknown_if_there(context: &'a Context, bind: Option<&'static str>) -> Result<Listed<'a>> {
        match context.database_url(bind)?.0.database_exists().await {
            Ok(true) => Listed::with_unknown(context, bind).await,
            _ => Listed::of_program(context, bind),
        }
    }

    /// Without a database.
    pub(super) fn of_program(context: &'a Context, bind: Option<&'static str>) -> Result<Listed<'a>> {
        Listed::with(context, bind, Applied::default())
    }

    /// With what is applied.
    pub(super) fn with(context: &'a Context, bind: Option<&'static str>, applied: Applied) -> Result<Listed<'a>> {
        let migrations = context.migrations(bind)?;
        let graph = migrations.graph_of(&applied).map_err(context.of_migration())?;
        Ok(Listed { context, bind, migrations, graph, applied })
    }

    /// The program's name, for hints.
    pub(super) fn program(&self) -> &'static str {
        self.context.name()
    }

    /// ` (payments) (head) (current)`, with a space before.
    pub(super) fn marks(&self, migration: &Migration) -> String {
        let is_in = |list: &[&Migration]| list.iter().any(|listed| listed.revision == migration.revision);
        let labels = self.graph.labels_of(migration.revision);
        let branches = self.graph.branch_points();
        let mut marks = String::new();
        for (mark, applies) in [
            (labels.join(", "), !labels.is_empty()),
            ("head".to_owned(), is_in(&self.graph.heads())),
            ("current".to_owned(), is_in(&self.graph.current(&self.applied))),
            ("branchpoint".to_owned(), branches.iter().any(|(point, _)| point.revision == migration.revision)),
            ("mergepoint".to_owned(), migration.down_revisions.len() > 1),
            ("squashed".to_owned(), !migration.replaces.is_empty()),
        ] {
            if applies {
                let _ = write!(marks, " ({mark})");
            }
        }
        marks
    }

    /// `3f9a1c27b6d0 (head), create cars`, or all there is to say.
    pub(super) fn entry(&self, migration: &Migration) -> String {
        match self.context.is_verbose() {
            true => self.in_full(migration),
            false => {
                // That a list of where the database is lists where it is needs no word.
                let marks = self.marks(migration).replace(" (current)", "");
                format!("{}{marks}, {}\n", migration.revision, migration.title())
            }
        }
    }

    /// Everything that is known of a revision, a line each.
    pub(super) fn in_full(&self, migration: &Migration) -> String {
        let mut text = format!("Rev: {}{}\n", migration.revision, self.marks(migration));
        let _ = writeln!(text, "Parent: {}", self.graph.follows(migration));
        if !migration.depends_on.is_empty() {
            let _ = writeln!(text, "Depends on: {}", migration.depends_on.join(", "));
        }
        if !migration.replaces.is_empty() {
            let _ = writeln!(text, "Replaces: {}", migration.replaces.join(", "));
        }
        let _ = writeln!(text, "Path: {}", Path::new(self.migrations.folder()).join(migration.file).display());
        let _ = writeln!(text, "Created: {}", migration.created);
        if let Some(record) = self.applied.record(migration.revision) {
            let _ = writeln!(text, "Applied: {}", when_and_how(record));
        }
        text.push_str(&message_of(migration.message));
        text
    }

    /// A revision that the program does not have: in a line, or all there is to say.
    pub(super) fn unknown(&self, record: &Record) -> String {
        if self.context.is_verbose() {
            return Listed::unknown_in_full(record);
        }
        let title = record.message.lines().next().unwrap_or_default();
        format!("{} (unknown), {title}, applied {}{}\n", record.revision, record.applied_at, by(record))
    }

    /// Everything that is known of a revision that the program does not have, a line each.
    pub(super) fn unknown_in_full(record: &Record) -> String {
        let Record { revision, message, .. } = record;
        format!("Rev: {revision} (unknown)\nApplied: {}\n{}", when_and_how(record), message_of(message))
    }

    /// A revision as an object.
    pub(super) fn json(&self, migration: &Migration) -> Value {
        let is_in = |list: &[&Migration]| list.iter().any(|listed| listed.revision == migration.revision);
        self.with_bind(json!({
            "revision": migration.revision,
            "down_revisions": self.graph.followed(migration),
            "depends_on": migration.depends_on,
            "replaces": migration.replaces,
            "labels": migration.labels,
            "branch_labels": self.graph.labels_of(migration.revision),
            "message": migration.message,
            "created": migration.created,
            "file": migration.file,
            "is_head": is_in(&self.graph.heads()),
            "is_current": is_in(&self.graph.current(&self.applied)),
            "is_unknown": false,
            "applied": self.applied.record(migration.revision).map(applied_json),
        }))
    }

    /// A revision that the program does not have, as an object.
    pub(super) fn unknown_json(&self, record: &Record) -> Value {
        let nothing = Value::Null;
        self.with_bind(json!({
            "revision": record.revision,
            "down_revisions": nothing,
            "depends_on": nothing,
            "replaces": nothing,
            "labels": nothing,
            "branch_labels": nothing,
            "message": record.message,
            "created": nothing,
            "file": nothing,
            "is_head": nothing,
            "is_current": nothing,
            "is_unknown": true,
            "applied": applied_json(record),
        }))
    }

    /// The names of revisions.
    pub(super) fn names(migrations: &[&Migration]) -> Value {
        migrations.iter().map(|migration| migration.revision).collect()
    }

    /// The object, saying which database it is about where there are several.
    pub(super) fn with_bind(&self, mut object: Value) -> Value {
        if !self.context.app.binds.is_empty() {
            object["bind"] = self.bind.unwrap_or(DEFAULT).into();
        }
        object
    }
}

/// `2026-11-22T14:03:11Z by cars 1.2.0, in 20 ms`
fn when_and_how(record: &Record) -> String {
    let how = match (&record.progress, record.duration_ms) {
        (Some(progress), _) => format!(", not finished ({progress})"),
        (None, Some(milliseconds)) => format!(", in {milliseconds} ms"),
        (None, None) => String::new(),
    };
    format!("{}{}{how}", record.applied_at, by(record))
}

fn by(record: &Record) -> String {
    record.applied_by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default()
}

fn message_of(message: &str) -> String {
    let lines: String = message.lines().map(|line| format!("    {line}\n")).collect();
    format!("\n{lines}\n")
}

fn applied_json(record: &Record) -> Value {
    json!({
        "at": record.applied_at,
        "by": record.applied_by,
        "duration_ms": record.duration_ms,
        "progress": record.progress,
    })
}

/// Prints one value, for machines.
pub(super) fn print_json(value: &Value) -> Result<()> {
    print(&format!("{value}\n"))
}
