//! `db lint`: what can go wrong with migrations, said before they run.

use std::fmt::Write;

use clap::Args;
use crocus_migrate::lint::{Finding, lint_history};
use crocus_migrate::{Applied, Graph, Migration};
use serde_json::{Value, json};

use crate::cli::{Context, DEFAULT, print};
use crate::error::{Error, Result};

/// Say what can go wrong with migrations, and fail where nobody has acknowledged it
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  {program} db lint\n  {program} db lint 3f9a\n  {program} db lint current:head\n  \
                        {program} db lint --json"
)]
pub(super) struct Lint {
    /// Which: a revision, or a range `a:b`, of which `a` is what comes before [default: all]
    range: Option<String>,

    /// Print JSON, for machines
    #[arg(long)]
    json: bool,
}

pub(super) async fn lint(context: &Context, binds: Vec<Option<&'static str>>, arguments: &Lint) -> Result<()> {
    let mut rows = Vec::new();
    let mut open = 0;
    for bind in binds {
        let migrations = context.migrations(bind)?;
        super::migrate::refuse_stale(context, migrations)?;
        let (graph, wanted) = wanted(context, bind, arguments).await?;
        let dialect = context.database_url(bind)?.0.dialect();
        let is_wanted = |migration: &Migration| wanted.contains(&migration.revision);
        let findings = lint_history(graph.ordered(), dialect, is_wanted);
        open += findings.iter().filter(|finding| finding.acknowledged.is_none()).count();
        if arguments.json {
            rows.extend(findings.iter().map(|finding| row(context, bind, finding)));
        } else {
            context.headline(bind)?;
            print(&text(&findings, wanted.len()))?;
        }
    }
    if arguments.json {
        print(&format!("{}\n", Value::from(rows)))?;
    }
    match open {
        0 => Ok(()),
        1 => Err(Error::new("one finding is not acknowledged")),
        open => Err(Error::new(format!("{open} findings are not acknowledged"))),
    }
    .map_err(|error| error.with_hint("do it as each says, or give the reason for not doing so: `op.allow(...)`"))
}

/// The history, and the revisions of it that are meant.
async fn wanted<'a>(
    context: &'a Context,
    bind: Option<&'static str>,
    arguments: &Lint,
) -> Result<(&'a Graph, Vec<&'static str>)> {
    let migrations = context.migrations(bind)?;
    let graph = migrations.graph().map_err(context.of_migration())?;
    let Some(range) = &arguments.range else {
        return Ok((graph, graph.ordered().iter().map(|migration| migration.revision).collect()));
    };
    // Only where the database is meant it is asked.
    let asks = range.contains("current") || range.split([':', '@']).any(|word| word.starts_with(['+', '-']));
    let applied = if asks {
        let (engine, _) = context.engine(bind).await?;
        crocus_migrate::applied(&engine, migrations).await.map_err(context.of_migration())?
    } else {
        Applied::default()
    };
    let graph = migrations.graph_of(&applied).map_err(context.of_migration())?;
    let found = if range.contains(':') { graph.upgrade_range(range, &applied) } else { graph.resolve(range, &applied) };
    Ok((graph, found.map_err(context.of_migration())?.iter().map(|migration| migration.revision).collect()))
}

fn text(findings: &[Finding], migrations: usize) -> String {
    let mut text = String::new();
    let mut revision = "";
    for finding in findings {
        if finding.revision != revision {
            revision = &finding.revision;
            let _ = writeln!(text, "{revision} ({})", finding.file);
        }
        let step = finding.step.map(|step| format!("step {step}, ")).unwrap_or_default();
        let _ = write!(text, "  {step}{}: {}", finding.code, finding.what);
        if let Some(why) = &finding.acknowledged {
            let _ = writeln!(text, " (acknowledged: {why})");
            continue;
        }
        let _ = write!(text, "\n    {}\n", finding.code.why());
        for line in finding.code.recipe().lines() {
            let _ = writeln!(text, "    - {line}");
        }
        if let Some(line) = finding.override_line() {
            let place = if finding.step.is_some() { "before the step" } else { "in `downgrade`" };
            let _ = writeln!(text, "    Or, {place}: {line}");
        }
    }
    if findings.is_empty() {
        let _ = writeln!(text, "No findings in {migrations} migration{}.", if migrations == 1 { "" } else { "s" });
    }
    text
}

fn row(context: &Context, bind: Option<&'static str>, finding: &Finding) -> Value {
    let mut row = json!({
        "code": finding.code.name(),
        "category": finding.code.category().name(),
        "revision": finding.revision,
        "file": finding.file,
        "step": finding.step,
        "what": finding.what,
        "why": finding.code.why(),
        "recipe": finding.code.recipe().lines().collect::<Vec<_>>(),
        "override": finding.override_line(),
        "acknowledged": finding.acknowledged,
    });
    if !context.app.binds.is_empty() {
        row["bind"] = bind.unwrap_or(DEFAULT).into();
    }
    row
}
