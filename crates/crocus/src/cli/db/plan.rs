//! `db plan`: what an upgrade would run, with its locks and how long about.

use std::fmt::Write;

use clap::Args;
use crocus_migrate::plan::{Lock, Plan, PlannedPart, PlannedRevision, PlannedStep, Size, Transaction, Work};
use serde_json::{Value, json};

use crate::cli::{Context, DEFAULT, print};
use crate::error::Result;

/// Say what an upgrade would run: the SQL, the locks that it takes, and how long about
#[derive(Debug, Args)]
#[command(
    name = "plan",
    after_help = "Examples:\n  {program} db plan\n  {program} db plan +1\n  {program} db plan 3f9a --json"
)]
pub(super) struct PlanArguments {
    /// How far, as for `db upgrade`
    #[arg(default_value = "heads")]
    revision: String,

    /// Print JSON, for machines
    #[arg(long)]
    json: bool,
}

impl PlanArguments {
    /// Whether it is for one database: a revision is one database's.
    pub(super) fn names_a_revision(&self) -> bool {
        !matches!(self.revision.as_str(), "head" | "heads")
    }
}

pub(super) async fn plan(context: &Context, binds: Vec<Option<&'static str>>, arguments: &PlanArguments) -> Result<()> {
    let mut rows = Vec::new();
    for bind in binds {
        let migrations = context.migrations(bind)?;
        super::migrate::refuse_stale(context, migrations)?;
        let (engine, _) = context.engine(bind).await?;
        let plan = crocus_migrate::plan::plan(&engine, migrations, &arguments.revision).await;
        let plan = plan.map_err(context.of_migration())?;
        if arguments.json {
            rows.extend(plan.revisions.iter().map(|revision| row(context, bind, revision)));
        } else {
            context.headline(bind)?;
            print(&text(&plan))?;
        }
    }
    if arguments.json { print(&format!("{}\n", Value::from(rows))) } else { Ok(()) }
}

fn text(plan: &Plan) -> String {
    if plan.is_empty() {
        return "Nothing to upgrade.\n".to_owned();
    }
    let mut text = String::new();
    for revision in &plan.revisions {
        let _ = writeln!(text, "{}, {} ({})", revision.revision, revision.message, revision.file);
        if revision.steps.is_empty() {
            text.push_str("  no steps\n");
        }
        for step in &revision.steps {
            let _ = writeln!(text, "  step {}, {}", step.number, step.operation.lines().next().unwrap_or_default());
            step.parts.iter().for_each(|part| write_part(&mut text, part));
        }
    }
    text
}

fn write_part(text: &mut String, part: &PlannedPart) {
    for statement in &part.statements {
        let lines = statement.trim().trim_end_matches(';');
        let _ = writeln!(text, "    {};", lines.lines().collect::<Vec<_>>().join("\n    "));
    }
    let where_to = match part.transaction {
        Transaction::Shared => None,
        Transaction::Last => Some("committed then"),
        Transaction::Own => Some("in a transaction of its own"),
        Transaction::No => Some("in no transaction"),
    };
    let locks = part.locks.iter().map(said_lock);
    let work = match part.work {
        Work::Moment => None,
        Work::Reads => Some("reads every row".to_owned()),
        Work::Rewrites => Some("writes every row anew".to_owned()),
        Work::Unknown => Some("what it does is not known".to_owned()),
    };
    let time = part.time.map(|time| format!("takes {time}"));
    let said: Vec<_> = locks.chain(work).chain(time).chain(where_to.map(str::to_owned)).collect();
    let _ = writeln!(text, "    -- {}", said.join("; "));
}

/// `ACCESS EXCLUSIVE on cars (1204332 rows, 96 MB), keeps readers and writers out`
fn said_lock(lock: &Lock) -> String {
    let size = lock.size.map(|size| format!(" ({})", said_size(size))).unwrap_or_default();
    let Some(table) = &lock.table else { return format!("keeps writers out{size}") };
    let blocks = match (lock.level.blocks_reads(), lock.level.blocks_writes()) {
        (true, _) => ", keeps readers and writers out",
        (false, true) => ", keeps writers out",
        (false, false) => ", keeps nobody out",
    };
    format!("{} on {table}{size}{blocks}", lock.level)
}

fn said_size(size: Size) -> String {
    let rows = format!("{} row{}", size.rows, if size.rows == 1 { "" } else { "s" });
    match size.bytes {
        None => rows,
        Some(bytes) => {
            let unit = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
            let found = unit.iter().find(|(least, _)| bytes >= *least);
            let bytes = found.map_or(format!("{bytes} bytes"), |(least, name)| format!("{} {name}", bytes / least));
            format!("{rows}, {bytes}")
        }
    }
}

fn row(context: &Context, bind: Option<&'static str>, revision: &PlannedRevision) -> Value {
    let steps: Vec<_> = revision.steps.iter().map(of_step).collect();
    let mut row = json!({
        "revision": revision.revision, "message": revision.message, "file": revision.file, "steps": steps,
    });
    if !context.app.binds.is_empty() {
        row["bind"] = bind.unwrap_or(DEFAULT).into();
    }
    row
}

fn of_step(step: &PlannedStep) -> Value {
    let part = |part: &PlannedPart| {
        let transaction = match part.transaction {
            Transaction::Shared => "shared",
            Transaction::Last => "last",
            Transaction::Own => "own",
            Transaction::No => "none",
        };
        let work = match part.work {
            Work::Moment => "moment",
            Work::Reads => "reads",
            Work::Rewrites => "rewrites",
            Work::Unknown => "unknown",
        };
        json!({
            "statements": part.statements,
            "transaction": transaction,
            "locks": part.locks.iter().map(of_lock).collect::<Vec<_>>(),
            "work": work,
            "time": part.time.map(|time| time.to_string()),
        })
    };
    let parts: Vec<_> = step.parts.iter().map(part).collect();
    json!({"step": step.number, "operation": step.operation, "parts": parts})
}

fn of_lock(lock: &Lock) -> Value {
    json!({
        "table": lock.table.as_ref().map(ToString::to_string),
        "level": lock.level.to_string(),
        "blocks_reads": lock.level.blocks_reads(),
        "blocks_writes": lock.level.blocks_writes(),
        "rows": lock.size.map(|size| size.rows),
        "bytes": lock.size.and_then(|size| size.bytes),
    })
}
