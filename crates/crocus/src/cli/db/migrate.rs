//! `db migrate`: what the models have and the database lacks, written as a migration.

use std::path::{Path, PathBuf};

use clap::Args;
use crocus_migrate::lint::{Category, Finding, lint_operations};
use crocus_migrate::schema::Schema;
use crocus_migrate::{Applied, Comparison, Graph, Migrations, compare, folder, render};

use super::behind;
use super::listed::Listed;
use super::renames;
use super::revision::New;
use crate::cli::{Context, print};
use crate::error::{Error, Result};

/// Write a migration: what the models have and the database lacks
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  {program} db migrate -m \"create cars\"\n  \
                        {program} db migrate -m \"call names titles\" --rename cars.name=cars.title\n  \
                        {program} db migrate -m \"add the amount\" --head payments@head")]
pub(super) struct Migrate {
    #[command(flatten)]
    pub(super) new: New,

    /// What was called otherwise: `cars=vehicles` a table, `cars.name=cars.title` a column, `colour.red=colour.crimson` a
    /// value of an enum. Without it, it is asked on a terminal
    #[arg(long, value_name = "OLD=NEW")]
    pub(super) rename: Vec<String>,
}

impl Migrate {
    /// Whether it is for one database: what is renamed is in one.
    pub(super) fn is_for_one(&self) -> bool {
        self.new.is_for_one() || !self.rename.is_empty()
    }
}

pub(super) async fn migrate(
    context: &Context,
    bind: Option<&'static str>,
    arguments: &New,
    given: &[String],
) -> Result<()> {
    let migrations = context.migrations(bind)?;
    models(context, bind)?;
    let folder = directory(context, bind, arguments.directory.as_ref())?;
    folder::check(migrations, &folder).map_err(context.of_migration())?;
    let listed = Listed::of_database(context, bind).await?;
    // What is wrong with the place is said before the database is compared, which takes its time.
    let head = arguments.file_head(context, listed.graph, &listed.applied)?;
    refuse_behind(context, listed.graph, &listed.applied)?;
    let mut sides = Sides::read(context, bind, &listed.applied).await?;
    renames::take_over(given, &mut sides.models, &sides.actual).map_err(context.of_migration())?;
    let mut comparison = sides.compare();
    let can_ask = renames::can_ask();
    if can_ask && !comparison.candidates.is_empty() {
        let agreed = renames::ask(&comparison.candidates, std::io::stdin().lock(), std::io::stderr());
        let agreed = agreed.map_err(|error| Error::new(format!("failed to read the answer: {error}")))?;
        agreed.iter().for_each(|rename| sides.models.rename(rename));
        comparison = sides.compare();
    }
    let hints = if can_ask { String::new() } else { renames::hints(&comparison.candidates, context.name()) };
    let mut text = String::new();
    for note in &comparison.notes {
        text.push_str(&format!("Note: {note}\n"));
    }
    let ignored = comparison.ignored_in_words().map(|words| format!("Ignored: {words}\n")).unwrap_or_default();
    if comparison.operations.is_empty() {
        // Who comes with a database that something else has made wants to know; who made it so does, and knows.
        let is_adopted = listed.applied.records().iter().all(|record| record.duration_ms.is_none());
        let ignored = if is_adopted { ignored } else { String::new() };
        return print(&format!("{text}No changes detected.\n{ignored}"));
    }
    for operation in &comparison.operations {
        text.push_str(&format!("Detected: {operation}\n"));
    }
    text.push_str(&ignored);
    let file = render::migration(&head, &comparison.operations);
    let path = folder::write(migrations, &folder, &head.file_name(), &file).map_err(context.of_migration())?;
    let file = head.file_name();
    let found = lint_operations(
        &sides.actual,
        &head.revision,
        &file,
        &comparison.operations,
        context.engine(bind).await?.0.dialect(),
    );
    text.push_str(&format!("Wrote {}\n{}", path.display(), losses(&found)));
    text.push_str(&hints);
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

/// The models and the database.
pub(super) struct Sides {
    models: Schema,
    declared: Schema,
    actual: Schema,
    ours: compare::Ours,
}

impl Sides {
    pub(super) async fn read(context: &Context, bind: Option<&'static str>, applied: &Applied) -> Result<Sides> {
        let models = models(context, bind)?;
        let (engine, _) = context.engine(bind).await?;
        let ours = context.migrations(bind)?.made(applied).map_err(context.of_migration())?;
        let known = models.tables.iter().map(|table| table.name.clone()).chain(ours.tables.clone()).collect();
        let actual = crocus_migrate::inspect_with(&engine, &known).await.map_err(context.of_migration())?;
        let declared = crocus_migrate::declared(&engine, &models, &actual).await.map_err(context.of_migration())?;
        Ok(Sides { models, declared, actual, ours })
    }

    /// What the models have and the database lacks.
    pub(super) fn compare(&self) -> Comparison {
        compare::compare(&self.models, &self.declared, &self.actual, &self.ours)
    }
}

/// What the models declare.
fn models(context: &Context, bind: Option<&'static str>) -> Result<Schema> {
    let models = context.models(bind);
    if models.is_empty() {
        return Err(Error::new("the program knows no models")
            .with_hint("did you call `.model::<T>()` on its `App`, once for each of them?"));
    }
    Ok(Schema::from_models(&models))
}

/// A migration that is made while others wait would repeat what they do.
pub(super) fn refuse_behind(context: &Context, graph: &Graph, applied: &Applied) -> Result<()> {
    let pending = graph.pending(applied);
    if pending.is_empty() {
        Ok(())
    } else {
        Err(behind(&pending).with_hint(format!("run `{} db upgrade`", context.name())))
    }
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
