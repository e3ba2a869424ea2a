//! What an upgrade cannot decide: finding it, and mending it in the way that somebody has chosen. Nothing is changed
//! without being told what.

use crocus_orm::{Connection, Dialect, Engine, Statement};

use crate::history::{self, Record};
use crate::progress::Progress;
use crate::revision::{Graph, Migrations, taken_together};
use crate::runner::{Direction, Options, lock};
use crate::schema::TableName;
use crate::{Error, ErrorKind, Result};

/// Something that an upgrade cannot decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The operations of an applied revision are not what they were.
    Edited {
        /// The revision.
        revision: String,
        /// The name of its file.
        file: String,
    },
    /// The program does not have an applied revision.
    Missing {
        /// The revision.
        revision: String,
        /// What its message was.
        message: String,
    },
    /// A revision was begun and has not come to its end.
    HalfDone {
        /// The revision.
        revision: String,
        /// Which way.
        direction: Direction,
        /// How many of its steps are done.
        steps: usize,
    },
    /// An index of PostgreSQL is not complete, and no query uses it.
    InvalidIndex {
        /// Its name.
        index: TableName,
        /// The name of its table.
        table: String,
    },
}

/// How a fault is mended. Revisions are named by their unique beginnings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// The database is as the edited file says: record the operations that it has now.
    Accept(String),
    /// The program lacks the revision for good: take its row away.
    Forget(String),
    /// What was begun is done as a whole.
    Done(String),
    /// Nothing of what was begun is there.
    Undone(String),
    /// Build an index again that is not complete, without keeping writers out.
    Reindex(String),
}

const INVALID: &str = "
SELECT NULLIF(n.nspname, current_schema())::text, i.relname::text, t.relname::text
FROM pg_catalog.pg_index x
JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
JOIN pg_catalog.pg_class t ON t.oid = x.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = i.relnamespace
WHERE NOT x.indisvalid AND i.relkind = 'i' AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 1 NULLS FIRST, 2";

/// What an upgrade cannot decide about a database.
///
/// # Errors
/// When the migrations do not fit together, or the database does not answer.
pub async fn faults(engine: &Engine, migrations: &Migrations) -> Result<Vec<Fault>> {
    let connection = engine.connection().await?;
    let records = history::recorded_on(&connection).await?;
    let graph = migrations.graph_split(&migrations.split(&records)?)?;
    let mut faults = Vec::new();
    for record in taken_together(graph, records) {
        faults.extend(of_record(graph, record));
    }
    for (index, table) in invalid_indexes(&connection).await? {
        faults.push(Fault::InvalidIndex { index, table });
    }
    Ok(faults)
}

fn of_record(graph: &Graph, record: Record) -> Option<Fault> {
    let Record { revision, message, progress, checksum, .. } = record;
    let Some(migration) = graph.get(&revision) else { return Some(Fault::Missing { revision, message }) };
    if let Some(Progress { direction, at }) = progress.as_deref().and_then(Progress::parse) {
        return Some(Fault::HalfDone { revision, direction, steps: at.operation });
    }
    let is_edited = checksum.is_some_and(|checksum| migration.changed_since(&checksum).upgrade);
    is_edited.then(|| Fault::Edited { revision, file: migration.file.to_owned() })
}

/// Mends faults, all or none; an index is built after the rest. Gives what was done, a line each.
///
/// # Errors
/// When there is no such fault: nothing was changed.
pub async fn repair(
    engine: &Engine,
    migrations: &Migrations,
    repairs: &[Repair],
    options: &Options,
) -> Result<Vec<String>> {
    let connection = lock(engine, &mut |_| ()).await?;
    let mut done = Vec::new();
    connection.batch(if connection.dialect() == Dialect::Postgres { "BEGIN" } else { "BEGIN IMMEDIATE" }).await?;
    let records = history::recorded_on(&connection).await?;
    let graph = migrations.graph_split(&migrations.split(&records)?)?;
    let records = taken_together(graph, records);
    for repair in repairs {
        done.extend(mend(&connection, graph, &records, repair, options).await?);
    }
    connection.batch("COMMIT").await?;
    for repair in repairs {
        if let Repair::Reindex(name) = repair {
            reindex(&connection, name).await?;
            done.push(format!("built the index `{name}` again"));
        }
    }
    Ok(done)
}

/// An error drops the connection, and the transaction with it.
async fn mend(
    connection: &Connection,
    graph: &Graph,
    records: &[Record],
    repair: &Repair,
    options: &Options,
) -> Result<Option<String>> {
    let (Repair::Accept(word) | Repair::Forget(word) | Repair::Done(word) | Repair::Undone(word)) = repair else {
        return Ok(None);
    };
    let record = recorded(records, word)?;
    let revision = record.revision.as_str();
    let fault = of_record(graph, record.clone());
    let not_so = |what: &str| {
        Error::new(ErrorKind::Revision, format!("the revision {revision} {what}"))
            .with_hint("`db repair` lists what can be mended")
    };
    let migration = graph.get(revision);
    match (repair, fault, migration) {
        (Repair::Accept(_), Some(Fault::Edited { .. }), Some(migration)) => {
            history::accept(connection, migration).await?;
            Ok(Some(format!("accepted {revision} as `{}` has it now", migration.file)))
        }
        (Repair::Accept(_), ..) => Err(not_so("was not edited since it was applied")),
        (Repair::Forget(_), Some(Fault::Missing { .. }), _) => {
            history::remove(connection, revision).await?;
            Ok(Some(format!("forgot {revision}, {}", record.message.lines().next().unwrap_or_default())))
        }
        (Repair::Forget(_), ..) => {
            Err(not_so("is one that the program has").with_hint("`db stamp` records another place"))
        }
        (Repair::Done(_), Some(Fault::HalfDone { direction: Direction::Upgrade, .. }), Some(migration)) => {
            history::record(connection, migration, &options.program, None).await?;
            Ok(Some(format!("recorded {revision} as applied")))
        }
        (Repair::Undone(_), Some(Fault::HalfDone { direction: Direction::Downgrade, .. }), Some(migration)) => {
            history::set_progress(connection, migration, &options.program, None).await?;
            Ok(Some(format!("recorded {revision} as applied")))
        }
        (Repair::Done(_) | Repair::Undone(_), Some(Fault::HalfDone { .. }), Some(migration)) => {
            history::undone(connection, migration).await?;
            Ok(Some(format!("recorded {revision} as not applied")))
        }
        _ => Err(not_so("is not half done")),
    }
}

/// The one record that a word is the beginning of.
fn recorded<'a>(records: &'a [Record], word: &str) -> Result<&'a Record> {
    let exact = records.iter().find(|record| record.revision == word);
    let mut fitting = records.iter().filter(|record| !word.is_empty() && record.revision.starts_with(word));
    match (exact, fitting.next(), fitting.next()) {
        (Some(record), ..) | (None, Some(record), None) => Ok(record),
        (None, None, _) => {
            let text = format!("the database has recorded no revision that is or begins with `{word}`");
            Err(Error::new(ErrorKind::Revision, text).with_hint("`db repair` lists what can be mended"))
        }
        (None, Some(one), Some(other)) => {
            let text = format!("several revisions begin with `{word}`: {}, {}", one.revision, other.revision);
            Err(Error::new(ErrorKind::Revision, text).with_hint("write more of the one that is meant"))
        }
    }
}

async fn reindex(connection: &Connection, name: &str) -> Result<()> {
    let found = invalid_indexes(connection).await?;
    let Some((index, _)) = found.iter().find(|(index, _)| index.to_string() == name) else {
        let text = format!("there is no index `{name}` that is not complete");
        return Err(Error::new(ErrorKind::Revision, text).with_hint("`db repair` lists what can be mended"));
    };
    let quote = |name: &str| Dialect::Postgres.quote(name);
    let schema = index.schema.as_deref().map(|schema| format!("{}.", quote(schema))).unwrap_or_default();
    // It waits for others' transactions, and keeps nobody out meanwhile.
    let sql = format!("SET lock_timeout = 0; REINDEX INDEX CONCURRENTLY {schema}{}", quote(&index.name));
    for statement in sql.split("; ") {
        connection.batch(statement).await?;
    }
    Ok(())
}

async fn invalid_indexes(connection: &Connection) -> Result<Vec<(TableName, String)>> {
    if connection.dialect() != Dialect::Postgres {
        return Ok(Vec::new());
    }
    let rows = connection.query(Statement::read(INVALID, [])).await?;
    let found = rows.iter().map(|row| Ok((TableName { schema: row.get(0)?, name: row.get(1)? }, row.get(2)?)));
    Ok(found.collect::<crocus_orm::Result<_>>()?)
}
