//! A plan for SQLite: what the migrations send to a database in memory that has the same tables, without their rows.

use crocus_orm::{Connection, DatabaseUrl, Engine, RecordedStatement, Statement};

use super::{Lock, LockLevel, PlannedPart, PlannedRevision, PlannedStep, Sizes, Time, Transaction, Work};
use crate::dialect::sqlite::{ddl, lock};
use crate::execute::{Job, run};
use crate::operation::Operation;
use crate::progress::Position;
use crate::revision::Migration;
use crate::runner::Options;
use crate::{Error, ErrorKind, Result};

/// What made the tables, then what is on them.
const STORED: &str = "
SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'view' THEN 1 ELSE 2 END, rowid";

pub(super) async fn plan(
    connection: &Connection,
    pending: &[&Migration],
    mut sizes: Sizes,
) -> Result<Vec<PlannedRevision>> {
    let stored = connection.query(Statement::read(STORED, [])).await?;
    let url: DatabaseUrl = "sqlite::memory:".parse()?;
    let (engine, recorded) = Engine::connect(&url).await?.record();
    let copy = engine.connection().await?;
    lock::prepare(&copy).await?;
    for row in stored {
        // A table of a module that is not here is nothing that a migration changes.
        drop(copy.batch(&row.get::<String>(0)?).await);
    }
    let options = Options::default();
    let mut revisions = Vec::new();
    for migration in pending {
        let operations = migration.operations(migration.upgrade)?;
        let mut steps = Vec::new();
        let mut done = 0;
        while done < operations.len() {
            let together = &operations[done..done + ddl::together(&operations[done..]).max(1)];
            recorded.clear();
            let is_code = matches!(together, [Operation::Run(_)]);
            if !is_code {
                perform(&copy, migration, together, &options).await?;
            }
            let statements = sent(&recorded.statements());
            steps.push(step(done + 1, together, statements, &sizes));
            for operation in together {
                if let Operation::RenameTable { name, new_name } = operation
                    && let Some(size) = sizes.remove(name)
                {
                    sizes.insert(name.beside(new_name), size);
                }
            }
            done += together.len();
        }
        revisions.push(PlannedRevision::new(migration, steps));
    }
    Ok(revisions)
}

fn step(number: usize, operations: &[Operation], statements: Vec<String>, sizes: &Sizes) -> PlannedStep {
    let texts: Vec<_> = operations.iter().map(ToString::to_string).collect();
    let table = operations.iter().find_map(Operation::table);
    let size = table.and_then(|table| sizes.get(table)).copied();
    let begins = |words: &str| statements.iter().any(|sql| sql.trim_start().starts_with(words));
    let work = match operations {
        [Operation::Execute { .. } | Operation::Run(_)] => Work::Unknown,
        _ if begins("INSERT INTO") => Work::Rewrites,
        _ if begins("CREATE INDEX") || begins("CREATE UNIQUE INDEX") => Work::Reads,
        _ => Work::Moment,
    };
    let locks = vec![Lock { table: None, level: LockLevel::Reserved, size }];
    let time = Time::of(work, size.into_iter());
    let part = PlannedPart { statements, transaction: Transaction::Shared, locks, work, time };
    PlannedStep { number, operation: texts.join("; "), parts: vec![part] }
}

async fn perform(
    connection: &Connection,
    migration: &Migration,
    operations: &[Operation],
    options: &Options,
) -> Result<()> {
    let what = format!("the revision {} ({})", migration.revision, migration.title());
    let (start, is_resumed) = (Position::default(), false);
    let job = Job { what, operations, revision: None, options, engine: None, at_once: true, start, is_resumed };
    lock::begin(connection).await?;
    run(connection, &job, &mut |_| ()).await.map_err(|error| {
        let text = format!("{error}, on a database in memory that has the same tables without their rows");
        let failed = Error::new(ErrorKind::Step, text).with_hint("does SQL of the migration need rows?");
        match std::error::Error::source(&error) {
            Some(source) => failed.with_source(source.to_string()),
            None => failed,
        }
    })?;
    Ok(connection.batch("COMMIT").await?)
}

/// The statements that were sent and have changed something, in order.
fn sent(recorded: &[RecordedStatement]) -> Vec<String> {
    let mut sent: Vec<&str> = Vec::new();
    for statement in recorded {
        let sql = statement.sql.as_str();
        if sql.starts_with("ROLLBACK TO ") {
            // What was refused is done otherwise after it.
            let start = sent.iter().rposition(|sql| sql.starts_with("SAVEPOINT ")).unwrap_or(sent.len());
            sent.truncate(start);
        } else if statement.error.is_none() && !statement.reads {
            sent.push(sql);
        }
    }
    let is_change =
        |sql: &&&str| !["BEGIN", "COMMIT", "SAVEPOINT ", "RELEASE "].iter().any(|word| sql.starts_with(word));
    sent.iter().filter(is_change).map(|sql| (*sql).to_owned()).collect()
}
