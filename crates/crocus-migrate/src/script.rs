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
    /// What it follows, for a person.
    follows: String,
    operations: Vec<Operation>,
}

/// Where a database has to be for a script: these revisions are applied, whole, and those are not. What follows from
/// them is not said. Each is one revision with those whose row says the same: what a squashed one replaces.
#[derive(Debug, PartialEq)]
struct Start<'a> {
    applied: Vec<Vec<&'a str>>,
    not_applied: Vec<Vec<&'a str>>,
}

impl<'a> Start<'a> {
    fn of(graph: &'a Graph, steps: &Places, direction: Direction) -> Start<'a> {
        let (applied, not_applied) = match direction {
            Direction::Upgrade => (graph.with_ancestors(steps).difference(steps).copied().collect(), steps.clone()),
            Direction::Downgrade => {
                (steps.clone(), graph.with_descendants(steps).difference(steps).copied().collect::<Places>())
            }
        };
        let is_first = |at: &usize| !graph.before(*at).any(|before| not_applied.contains(&before));
        let first: Places = not_applied.iter().copied().filter(is_first).collect();
        let names = |it: &Migration, replaced: &[&'static str]| {
            std::iter::once(it.revision).chain(replaced.iter().copied()).collect::<Vec<_>>()
        };
        // Where the last of them is applied all are, and where one of them is not, that one is not.
        let applied = graph.migrations(&graph.ends_of(&applied)).into_iter();
        let applied = applied.map(|it| names(it, it.replaces.last().map_or(&[], std::slice::from_ref)));
        let not_applied = graph.migrations(&first).into_iter().map(|it| names(it, it.replaces));
        Start { applied: applied.collect(), not_applied: not_applied.collect() }
    }
}

/// What to do where a script does not begin where the database is.
const NOT_THERE: &str = "`db current` says where it is; write the script from there with `--sql FROM:TO`, or run \
                         `db upgrade`, which completes a revision that was left half-way";

/// The SQL that runs the migrations of a range, with their rows in the version table: `a:b`, or one place for all from
/// the base to it; on the way back `b:a`.
///
/// It begins by asking whether the database is where the range begins, and fails where it is not. It stops nowhere by
/// itself: whoever runs it has to end at the first error. On PostgreSQL it cannot be sent as one
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
    let ways = steps.into_iter().map(|migration| way(graph, migration, direction)).collect::<Result<Vec<_>>>()?;
    let mut text = head(dialect, direction, range, options);
    let start = Start::of(graph, &places, direction);
    let body = match dialect {
        Dialect::Postgres => postgres::body(&upgrades(graph, &before)?, &start, direction, &ways, options),
        _ => sqlite::body(&upgrades(graph, &before)?, &start, direction, &ways, options).await?,
    };
    text.push_str(&body);
    Ok(text)
}

fn way<'a>(graph: &Graph, migration: &'a Migration, direction: Direction) -> Result<Way<'a>> {
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
    Ok(Way { migration, follows: graph.follows(migration), operations })
}

/// What has been done where a script begins. Data steps change no schema.
fn upgrades<'a>(graph: &'a Graph, places: &Places) -> Result<Vec<Way<'a>>> {
    let done = |migration: &'a Migration| {
        let mut operations = migration.operations(migration.upgrade)?;
        operations.retain(|operation| !matches!(operation, Operation::Run(_)));
        Ok(Way { migration, follows: graph.follows(migration), operations })
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
fn title(way: &Way<'_>, direction: Direction) -> String {
    let Way { migration, follows: before, .. } = way;
    let after = migration.revision;
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
