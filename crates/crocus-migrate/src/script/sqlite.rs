//! A script for SQLite: what the migrations send to a database in memory.

use crocus_orm::{Engine, RecordedStatement};

use super::{Start, Way, ended, title};
use crate::dialect::sqlite::ddl::literal;
use crate::dialect::sqlite::lock;
use crate::execute::{Job, run};
use crate::history;
use crate::progress::Position;
use crate::runner::{Direction, Options};
use crate::{Error, ErrorKind, Result};
use crocus_orm::{Connection, DatabaseUrl, Dialect};

/// Sent before and after what may be refused, and is then done otherwise.
const SAVEPOINT: &str = "SAVEPOINT ";
const ROLL_BACK: &str = "ROLLBACK TO ";

/// What a revision's transaction is begun and ended with.
const TRANSACTION: [&str; 2] = ["BEGIN IMMEDIATE", "COMMIT"];

/// A transaction that has left rows without the rows that they refer to fails at its end.
const CHECK: &str = "CREATE TEMP TABLE crocus_broken_references (number INTEGER CHECK (number = 0));
INSERT INTO crocus_broken_references SELECT count(*) FROM pragma_foreign_key_check;
DROP TABLE crocus_broken_references";

pub(super) async fn body(
    done: &[Way<'_>],
    start: &Start<'_>,
    direction: Direction,
    ways: &[Way<'_>],
    options: &Options,
) -> Result<String> {
    if ways.is_empty() {
        return Ok(String::new());
    }
    let url: DatabaseUrl = "sqlite::memory:".parse()?;
    let (engine, recorded) = Engine::connect(&url).await?.record();
    let connection = engine.connection().await?;
    lock::prepare(&connection).await?;
    for way in done {
        perform(&connection, way, Direction::Upgrade, options).await?;
    }
    // The setting has no effect inside a transaction.
    let mut text = ended("PRAGMA foreign_keys = OFF");
    if done.is_empty() {
        text.push_str(&ended(&history::prepare_sql(Dialect::Sqlite)));
    }
    text.push_str(&ended(&check(start)));
    for way in ways {
        recorded.clear();
        perform(&connection, way, direction, options).await?;
        text.push_str(&title(way, direction));
        text.push_str(&ended("BEGIN IMMEDIATE"));
        for statement in sent(&recorded.statements()) {
            text.push_str(&ended(statement));
        }
        text.push_str(&ended(CHECK));
        text.push_str(&ended(&match direction {
            Direction::Upgrade => history::record_sql(way.migration, &options.program),
            Direction::Downgrade => history::undone_sql(way.migration),
        }));
        text.push_str(&ended("COMMIT"));
    }
    Ok(text)
}

/// Fails where the database is somewhere else. SQLite says the name of the check that fails.
fn check(start: &Start<'_>) -> String {
    let (mut checks, mut values) = (Vec::new(), Vec::new());
    let mut expect = |names: &[&str], is_applied: bool| {
        let literals: Vec<_> = names.iter().map(|name| literal(name)).collect();
        let (not, whole) = if is_applied { ("", " AND progress IS NULL") } else { (" not", "") };
        let name =
            Dialect::Sqlite.quote(&format!("this script begins where {} is{not} applied: see `db current`", names[0]));
        let column = format!("c{}", checks.len() + 1);
        checks.push(format!("{column} INTEGER CONSTRAINT {name} CHECK ({column})"));
        values.push(format!(
            "{not} EXISTS (SELECT 1 FROM crocus_migrations WHERE revision IN ({}){whole})",
            literals.join(", ")
        ));
    };
    start.applied.iter().for_each(|names| expect(names, true));
    start.not_applied.iter().for_each(|names| expect(names, false));
    format!(
        "CREATE TEMP TABLE crocus_start (\n    {}\n);\nINSERT INTO crocus_start SELECT{};\nDROP TABLE crocus_start",
        checks.join(",\n    "),
        values.join(",")
    )
}

async fn perform(connection: &Connection, way: &Way<'_>, direction: Direction, options: &Options) -> Result<()> {
    let what = format!("the revision {} ({})", way.migration.revision, way.migration.title());
    let (start, is_resumed) = (Position::default(), false);
    let job = Job {
        what,
        operations: &way.operations,
        revision: Some((way.migration, direction)),
        options,
        engine: None,
        at_once: true,
        start,
        is_resumed,
    };
    lock::begin(connection).await?;
    run(connection, &job, &mut |_| ()).await.map_err(|error| {
        let text = format!("{error}, on a database in memory that has what the migrations before it have made");
        let hint = "a script for SQLite is written by running the migrations on such a database; does SQL of a migration \
                    need what no migration makes?";
        let failed = Error::new(ErrorKind::Step, text).with_hint(hint);
        match std::error::Error::source(&error) {
            Some(source) => failed.with_source(source.to_string()),
            None => failed,
        }
    })?;
    Ok(connection.batch("COMMIT").await?)
}

/// The statements that were sent and have changed something, in order.
fn sent(recorded: &[RecordedStatement]) -> Vec<&str> {
    let mut sent: Vec<&str> = Vec::new();
    for statement in recorded {
        let sql = statement.sql.as_str();
        if sql.starts_with(ROLL_BACK) {
            // What was refused is done otherwise after it.
            let start = sent.iter().rposition(|sql| sql.starts_with(SAVEPOINT)).unwrap_or(sent.len());
            sent.truncate(start + 1);
            continue;
        }
        if statement.error.is_none() && !statement.reads && !TRANSACTION.contains(&sql) {
            sent.push(sql);
        }
    }
    sent
}
