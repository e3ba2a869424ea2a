//! Migrations as a script: what `--sql` writes, for somebody else to read and run.
//!
//! For PostgreSQL nothing is asked: what online the database tells, the operations since the base do. For SQLite, where a
//! table is made anew from what is stored of it, the migrations are run on a database in memory, and what they send is
//! the script.

mod postgres;
mod sqlite;

use crocus_orm::Dialect;

use crate::history::Applied;
use crate::operation::Operation;
use crate::revision::{Graph, Migration, Migrations, Places};
use crate::runner::{Direction, Options, check_destructive};
use crate::{Error, ErrorKind, Result};

/// One revision of a script.
struct Way<'a> {
    migration: &'a Migration,
    operations: Vec<Operation>,
}

/// The SQL that runs the migrations of a range, with their rows in the version table: `a:b`, or one place for all from
/// the base to it; on the way back `b:a`.
///
/// It stops nowhere by itself: whoever runs it has to end at the first error. On PostgreSQL it cannot be sent as one
/// text, since some of its statements are in no transaction.
///
/// # Errors
/// When the range is not there, a revision cannot be undone, one loses data and nobody has acknowledged it, or a data
/// step in Rust is among the operations.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use crocus_migrate::{Direction, Migrations, Options, script};
/// use crocus_orm::Dialect;
///
/// let migrations = Migrations::new("migrations", Vec::new());
/// let sql = script(&migrations, Dialect::Postgres, Direction::Upgrade, "heads", &Options::default()).await?;
/// assert!(!sql.contains("BEGIN"));
/// # Ok(()) }
/// ```
pub async fn script(
    migrations: &Migrations,
    dialect: Dialect,
    direction: Direction,
    range: &str,
    options: &Options,
) -> Result<String> {
    let graph = migrations.graph()?;
    let nowhere = Applied::default();
    let steps = match direction {
        Direction::Upgrade => graph.upgrade_range(range, &nowhere)?,
        Direction::Downgrade => graph.downgrade_range(range, &nowhere)?,
    };
    let places: Places = steps.iter().filter_map(|migration| graph.position(migration.revision)).collect();
    let all = graph.with_ancestors(&places);
    let before: Places = match direction {
        Direction::Upgrade => all.difference(&places).copied().collect(),
        Direction::Downgrade => all.clone(),
    };
    if direction == Direction::Upgrade {
        check_destructive(graph, &all, &before, dialect, options)?;
    }
    let ways = steps.into_iter().map(|migration| way(migration, direction)).collect::<Result<Vec<_>>>()?;
    let mut text = head(dialect, direction, range, options);
    let body = match dialect {
        Dialect::Postgres => postgres::body(&upgrades(graph, &before)?, direction, &ways, options),
        _ => sqlite::body(&upgrades(graph, &before)?, direction, &ways, options).await?,
    };
    text.push_str(&body);
    Ok(text)
}

fn way(migration: &Migration, direction: Direction) -> Result<Way<'_>> {
    let operations = migration.operations(match direction {
        Direction::Upgrade => migration.upgrade,
        Direction::Downgrade => migration.downgrade,
    })?;
    if let Some(step) = operations.iter().find(|operation| matches!(operation, Operation::Run(_))) {
        let text = format!(
            "the revision {} ({}) cannot be written as a script: `{step}` is Rust, not SQL",
            migration.revision,
            migration.title()
        );
        let hint = "run it by `db upgrade`, and write scripts of what comes before and after it: `--sql FROM:TO`";
        return Err(Error::new(ErrorKind::Irreversible, text).with_hint(hint));
    }
    Ok(Way { migration, operations })
}

/// What has been done where a script begins. Data steps change no schema.
fn upgrades<'a>(graph: &'a Graph, places: &Places) -> Result<Vec<Way<'a>>> {
    let done = |migration: &'a Migration| {
        let mut operations = migration.operations(migration.upgrade)?;
        operations.retain(|operation| !matches!(operation, Operation::Run(_)));
        Ok(Way { migration, operations })
    };
    graph.migrations(places).into_iter().map(done).collect()
}

fn head(dialect: Dialect, direction: Direction, range: &str, options: &Options) -> String {
    let verb = match direction {
        Direction::Upgrade => "upgrade",
        Direction::Downgrade => "downgrade",
    };
    let by = if options.program.is_empty() { String::new() } else { format!(", by {}", options.program) };
    format!("-- {verb} {range} on {dialect}{by}\n")
}

/// `-- a1 -> b2, add doors`
fn title(migration: &Migration, direction: Direction) -> String {
    let (before, after) = (migration.follows(), migration.revision);
    let title = migration.title();
    match direction {
        Direction::Upgrade => format!("\n-- {before} -> {after}, {title}\n"),
        Direction::Downgrade => format!("\n-- {after} -> {before}, {title}\n"),
    }
}

/// A statement with its end, also where it ends with a comment.
fn ended(sql: &str) -> String {
    let sql = sql.trim();
    let end = match sql.lines().last() {
        Some(last) if last.contains("--") => "\n;\n",
        _ if sql.ends_with(';') => "\n",
        _ => ";\n",
    };
    format!("{sql}{end}")
}
