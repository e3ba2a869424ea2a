//! What an upgrade would run: the SQL of each step, the locks that it takes, and how long about. Nothing is changed.
//!
//! Assumption: a time is an order of magnitude. It is made of the table's size and of what an ordinary disk does; what
//! else the database is busy with is not known.

mod sqlite;

use std::collections::BTreeMap;
use std::fmt;

use crocus_orm::{Connection, Dialect, Engine, Statement};

use crate::dialect::postgres::parts::{Kind, Part, parts};
use crate::dialect::postgres::{before, locks};
use crate::history::{self, Applied};
use crate::operation::Operation;
use crate::progress::{Position, Progress, is_new};
use crate::revision::{Migration, Migrations};
use crate::runner::Direction;
use crate::schema::{Schema, TableName};
use crate::{Result, inspect_with};

/// What an upgrade would run.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The revisions, in order.
    pub revisions: Vec<PlannedRevision>,
}

/// A revision that would be applied.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedRevision {
    /// The revision.
    pub revision: String,
    /// The first line of its message.
    pub message: String,
    /// The name of its file.
    pub file: String,
    /// Its steps; those that an upgrade which was broken off has done are left out.
    pub steps: Vec<PlannedStep>,
}

/// A step of a revision.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedStep {
    /// Its number in the file, from 1. On SQLite several in a row can be done at once.
    pub number: usize,
    /// What it does: `add column cars.doors`.
    pub operation: String,
    /// Its parts, each in one transaction.
    pub parts: Vec<PlannedPart>,
}

/// Statements that happen together.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedPart {
    /// The SQL.
    pub statements: Vec<String>,
    /// The transaction that they are in.
    pub transaction: Transaction,
    /// The locks on tables that were there before the revision.
    pub locks: Vec<Lock>,
    /// What is done under the locks.
    pub work: Work,
    /// About how long that takes; `None` where it is not known.
    pub time: Option<Time>,
}

/// A part's transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transaction {
    /// One with what stands before and after it.
    Shared,
    /// One that ends with it.
    Last,
    /// One of its own.
    Own,
    /// None.
    No,
}

/// A lock on a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The table; on SQLite the whole database is locked.
    pub table: Option<TableName>,
    /// How strong it is.
    pub level: LockLevel,
    /// The table's size, where it is known.
    pub size: Option<Size>,
}

/// How much a table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// About how many rows; on SQLite exactly so many.
    pub rows: i64,
    /// The bytes of the table with its indexes; PostgreSQL alone tells.
    pub bytes: Option<i64>,
}

/// The levels of PostgreSQL's table locks that migrations take, the weakest first, and SQLite's one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockLevel {
    /// `ROW SHARE`
    RowShare,
    /// `SHARE UPDATE EXCLUSIVE`
    ShareUpdateExclusive,
    /// `SHARE`
    Share,
    /// `SHARE ROW EXCLUSIVE`
    ShareRowExclusive,
    /// `ACCESS EXCLUSIVE`
    AccessExclusive,
    /// SQLite's right to write: readers go on.
    Reserved,
}

/// What is done under a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Only the catalogue changes.
    Moment,
    /// Every row is read.
    Reads,
    /// Every row is written anew.
    Rewrites,
    /// It is SQL or Rust of the file's own.
    Unknown,
}

/// An order of magnitude.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Time {
    /// Less than a second.
    Moment,
    /// Up to a minute.
    Seconds,
    /// Up to an hour.
    Minutes,
    /// More.
    Hours,
}

/// What a disk and a processor do in a second, as an order of magnitude, in bytes.
const READS: i64 = 200_000_000;
const WRITES: i64 = 20_000_000;

/// What a row takes where nobody tells.
const ROW: i64 = 100;

/// The tables of the schemas that the program knows, with their size.
const SIZES: &str = "
SELECT NULLIF(n.nspname, current_schema())::text, c.relname::text, c.reltuples::bigint, pg_total_relation_size(c.oid)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'";

/// Sizes by table.
type Sizes = BTreeMap<TableName, Size>;

/// What an upgrade to `target` would run on a database as it is now.
///
/// # Errors
/// When there is no such place, the database has revisions that the program does not, or it does not answer.
pub async fn plan(engine: &Engine, migrations: &Migrations, target: &str) -> Result<Plan> {
    let applied = history::applied(engine, migrations).await?;
    let graph = migrations.graph_of(&applied)?;
    applied.check(graph)?;
    let goal = graph.goal(target, &applied.places)?;
    let pending: Vec<_> = goal.difference(&applied.places).map(|at| &graph.ordered()[*at]).collect();
    let known = migrations.made(&applied)?.tables;
    let schema = inspect_with(engine, &known).await?;
    let connection = engine.connection().await?;
    let sizes = sizes(&connection, &schema).await?;
    let revisions = match connection.dialect() {
        Dialect::Postgres => of_postgres(&pending, &applied, schema, sizes)?,
        _ => sqlite::plan(&connection, &pending, sizes).await?,
    };
    Ok(Plan { revisions })
}

fn of_postgres(
    pending: &[&Migration],
    applied: &Applied,
    mut schema: Schema,
    mut sizes: Sizes,
) -> Result<Vec<PlannedRevision>> {
    let mut revisions = Vec::new();
    for migration in pending {
        let operations = migration.operations(migration.upgrade)?;
        let start = place(applied, migration);
        let mut steps = Vec::new();
        for (index, operation) in operations.iter().enumerate().skip(start.operation) {
            let is_new = is_new(&operations, index);
            let parts = parts(operation, &before::known(&schema, operation, is_new));
            let done = if index == start.operation { start.part } else { 0 };
            let planned = parts.iter().skip(done).map(|part| planned(operation, part, &schema, &sizes, is_new));
            let parts = planned.collect();
            steps.push(PlannedStep { number: index + 1, operation: operation.to_string(), parts });
            follow(operation, &mut schema, &mut sizes);
        }
        revisions.push(PlannedRevision::new(migration, steps));
    }
    Ok(revisions)
}

/// Where an upgrade that was broken off goes on.
fn place(applied: &Applied, migration: &Migration) -> Position {
    let progress = applied.record(migration.revision).and_then(|record| record.progress.as_deref());
    match progress.and_then(Progress::parse) {
        Some(Progress { direction: Direction::Upgrade, at }) => at,
        _ => Position::default(),
    }
}

fn planned(operation: &Operation, part: &Part, schema: &Schema, sizes: &Sizes, is_new: bool) -> PlannedPart {
    let (mut locks, mut work) = locks::locks(operation, part, schema);
    if is_new {
        // Nobody else knows the table.
        locks.retain(|lock| lock.table.as_ref() != operation.table());
        work = if matches!(work, Work::Unknown) { work } else { Work::Moment };
    }
    for lock in &mut locks {
        lock.size = lock.table.as_ref().and_then(|table| sizes.get(table)).copied();
    }
    let transaction = match part.kind {
        Kind::Together => Transaction::Shared,
        Kind::Last => Transaction::Last,
        Kind::Own => Transaction::Own,
        Kind::Build(_) | Kind::Drop(_) => Transaction::No,
    };
    let time = Time::of(work, locks.iter().filter_map(|lock| lock.size));
    PlannedPart { statements: part.statements.clone(), transaction, locks, work, time }
}

/// What is known after a step.
fn follow(operation: &Operation, schema: &mut Schema, sizes: &mut Sizes) {
    if let Operation::RenameTable { name, new_name } = operation
        && let Some(size) = sizes.remove(name)
    {
        sizes.insert(name.beside(new_name), size);
    }
    // What is not known cannot be followed.
    drop(schema.apply(operation));
}

async fn sizes(connection: &Connection, schema: &Schema) -> Result<Sizes> {
    let mut sizes = Sizes::new();
    if connection.dialect() == Dialect::Postgres {
        for row in connection.query(Statement::read(SIZES, [])).await? {
            let name = TableName { schema: row.get(0)?, name: row.get(1)? };
            let (rows, bytes) = (row.get::<i64>(2)?, row.get::<i64>(3)?);
            // Nobody has counted them yet.
            let rows = if rows < 0 { bytes / ROW } else { rows };
            sizes.insert(name, Size { rows, bytes: Some(bytes) });
        }
        return Ok(sizes);
    }
    for table in &schema.tables {
        let sql = format!("SELECT count(*) FROM {}", Dialect::Sqlite.quote(&table.name.name));
        let rows = connection.query(Statement::read(sql, [])).await?;
        sizes.insert(table.name.clone(), Size { rows: rows[0].get(0)?, bytes: None });
    }
    Ok(sizes)
}

impl Plan {
    /// Whether nothing would be run.
    pub fn is_empty(&self) -> bool {
        self.revisions.is_empty()
    }
}

impl PlannedRevision {
    fn new(migration: &Migration, steps: Vec<PlannedStep>) -> PlannedRevision {
        PlannedRevision {
            revision: migration.revision.to_owned(),
            message: migration.title().to_owned(),
            file: migration.file.to_owned(),
            steps,
        }
    }
}

impl Lock {
    pub(crate) fn on(table: &TableName, level: LockLevel) -> Lock {
        Lock { table: Some(table.clone()), level, size: None }
    }
}

impl LockLevel {
    /// Whether `SELECT` waits for it.
    pub fn blocks_reads(self) -> bool {
        self == LockLevel::AccessExclusive
    }

    /// Whether `INSERT`, `UPDATE` and `DELETE` wait for it.
    pub fn blocks_writes(self) -> bool {
        self >= LockLevel::Share
    }
}

impl fmt::Display for LockLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LockLevel::RowShare => "ROW SHARE",
            LockLevel::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
            LockLevel::Share => "SHARE",
            LockLevel::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            LockLevel::AccessExclusive => "ACCESS EXCLUSIVE",
            LockLevel::Reserved => "RESERVED",
        })
    }
}

impl Time {
    /// Of some work on tables of some sizes.
    fn of(work: Work, sizes: impl Iterator<Item = Size>) -> Option<Time> {
        let each = match work {
            Work::Unknown => return None,
            Work::Moment => return Some(Time::Moment),
            Work::Reads => READS,
            Work::Rewrites => WRITES,
        };
        let bytes: i64 = sizes.map(|size| size.bytes.unwrap_or(size.rows.saturating_mul(ROW))).sum();
        Some(match bytes / each {
            0 => Time::Moment,
            1..60 => Time::Seconds,
            60..3600 => Time::Minutes,
            _ => Time::Hours,
        })
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Time::Moment => "a moment",
            Time::Seconds => "seconds",
            Time::Minutes => "minutes",
            Time::Hours => "hours",
        })
    }
}
