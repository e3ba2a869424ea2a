//! `db migrate`: what the models have and the database lacks, written as a migration.

use std::path::{Path, PathBuf};

use clap::Args;
use crocus_migrate::head::Head;
use crocus_migrate::lint::{Category, Finding, lint_operations};
use crocus_migrate::schema::Schema;
use crocus_migrate::{Migrations, compare, folder, render};

use super::pending_revisions;
use crate::cli::{Context, print};
use crate::error::{Error, Result};

/// Write a migration: what the models have and the database lacks
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  {program} db migrate -m \"create cars\"")]
pub(super) struct Migrate {
    /// What the migration does, in a few words
    #[arg(short, long, default_value = "no message")]
    message: String,

    /// The migrations folder [default: the one that the program was built with]
    #[arg(short, long, value_name = "FOLDER")]
    directory: Option<PathBuf>,
}

pub(super) async fn migrate(context: &Context, bind: Option<&'static str>, arguments: &Migrate) -> Result<()> {
    let migrations = context.migrations(bind)?;
    let models = context.models(bind);
    if models.is_empty() {
        return Err(
            Error::new("the program knows no models").with_hint("register them with `.model::<T>()` on its `App`")
        );
    }
    if arguments.message.trim().is_empty() {
        return Err(
            Error::new("the message is empty").with_hint("say what the migration does, as in `-m \"create cars\"`")
        );
    }
    let folder = directory(context, bind, arguments.directory.as_ref())?;
    folder::check(migrations, &folder).map_err(context.of_migration())?;
    let (engine, _) = context.engine(bind).await?;
    let applied = crocus_migrate::applied(&engine, migrations).await.map_err(context.of_migration())?;
    let graph = migrations.graph().map_err(context.of_migration())?;
    graph.check_forks().map_err(context.of_migration())?;
    let pending = graph.pending(&applied).len();
    if pending > 0 {
        // Otherwise the next migration would repeat what the pending ones do.
        let text = format!("the database is behind by {}", pending_revisions(pending));
        return Err(Error::new(text).with_hint(format!("run `{} db upgrade` first", context.name())));
    }

    let models = Schema::from_models(&models);
    let declared = crocus_migrate::declared(&engine, &models).await.map_err(context.of_migration())?;
    let ours = migrations.made(&applied).map_err(context.of_migration())?;
    let known = models.tables.iter().map(|table| table.name.clone()).chain(ours.tables.clone()).collect();
    let actual = crocus_migrate::inspect_with(&engine, &known).await.map_err(context.of_migration())?;
    let comparison = compare::compare(&models, &declared, &actual, &ours);
    let mut text = String::new();
    for note in &comparison.notes {
        text.push_str(&format!("Note: {note}\n"));
    }
    if comparison.operations.is_empty() {
        return print(&format!("{text}No changes detected.\n"));
    }
    for operation in &comparison.operations {
        text.push_str(&format!("Detected: {operation}\n"));
    }
    let follows: Vec<_> = graph.resolve("head", &applied).map_err(context.of_migration())?;
    let follows: Vec<_> = follows.iter().map(|migration| migration.revision).collect();
    let head = Head::new(&arguments.message, &follows);
    let file = render::migration(&head, &comparison.operations);
    let path = folder::write(migrations, &folder, &head.file_name(), &file).map_err(context.of_migration())?;
    let file = head.file_name();
    let found = lint_operations(&actual, &head.revision, &file, &comparison.operations, engine.dialect());
    text.push_str(&format!("Wrote {}\n{}", path.display(), losses(&found)));
    text.push_str(&format!("Read it, build the program again, then run `{} db upgrade`.\n", context.name()));
    print(&text)
}

/// What a migration loses, and that an upgrade does not run it without a word.
fn losses(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings.iter().filter(|finding| finding.code.category() == Category::Destructive) {
        let (step, line) = (finding.step.unwrap_or_default(), finding.override_line().unwrap_or_default());
        text.push_str(&format!(
            "Step {step} {}. `db upgrade` refuses it unless the file says why, before the step:\n    {line}\n",
            finding.what
        ));
    }
    text
}

/// Where the program's source is at hand, a migration that was written after the program was built is missed at once.
pub(super) fn refuse_stale(context: &Context, migrations: &Migrations) -> Result<()> {
    let folder = Path::new(migrations.folder());
    if folder.is_dir() { folder::check(migrations, folder).map_err(context.of_migration()) } else { Ok(()) }
}

/// The folder that is named, or the one that the program was built with.
pub(super) fn directory(context: &Context, bind: Option<&'static str>, named: Option<&PathBuf>) -> Result<PathBuf> {
    let built_with = Path::new(context.migrations(bind)?.folder());
    // Made absolute, since the source is its parent, which a bare name does not have.
    let named = named.map(|named| std::path::absolute(named).unwrap_or_else(|_| named.clone()));
    Ok(named.unwrap_or_else(|| built_with.to_owned()))
}
