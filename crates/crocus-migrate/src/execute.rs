//! Running operations: what each dialect needs to know of the database first, and what a failure says. How they are
//! divided into transactions on PostgreSQL is in `segments.rs`.

mod data;
mod segments;

pub(crate) use segments::whole_steps;

use crocus_orm::{Connection, Dialect, Engine, Statement};

use crate::data::DataStep;
use crate::dialect::sqlite;
use crate::dialect::sqlite::rebuild::Edit;
use crate::operation::Operation;
use crate::progress::Position;
use crate::revision::Migration;
use crate::runner::{Direction, Options, Step};
use crate::{Error, ErrorKind, Result};

const NOTHING_KEPT: &str = "nothing of this revision was kept";

/// Operations to run, and what is recorded of them.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    /// The subject of its errors: `the revision 3f9a1c27b6d0 (create cars)`.
    pub(crate) what: String,
    pub(crate) operations: &'a [Operation],
    /// The revision that is recorded while they are done; none for operations outside the history.
    pub(crate) revision: Option<(&'a Migration, Direction)>,
    pub(crate) options: &'a Options,
    /// Where it can be asked, beside the job's own connection, who is in its way.
    pub(crate) engine: Option<&'a Engine>,
    /// Whether all of it is one transaction, also on PostgreSQL.
    pub(crate) at_once: bool,
    /// What was done before, by a run that did not come to its end.
    pub(crate) start: Position,
    pub(crate) is_resumed: bool,
}

/// Runs a job. A transaction is open before; one is open after, in which its record can be made. A failure rolls back.
pub(crate) async fn run(connection: &Connection, job: &Job<'_>, on_step: &mut impl FnMut(Step<'_>)) -> Result<()> {
    match connection.dialect() {
        Dialect::Postgres => segments::run(connection, job, on_step).await,
        _ => run_sqlite(connection, job, on_step).await,
    }
}

/// Makes a job last whose record is made. What is refused here was done by no step alone, such as a deferred constraint.
pub(crate) async fn commit(connection: &Connection, job: &Job<'_>) -> Result<()> {
    let Err(error) = connection.batch("COMMIT").await else { return Ok(()) };
    match connection.dialect() {
        Dialect::Postgres => {
            let end = Position { operation: job.operations.len(), part: 0 };
            Err(segments::failed(connection, job, end, end, &[], error).await)
        }
        _ => Err(undone(connection, format!("{} failed at its end", job.what), error).await),
    }
}

/// SQLite has one writer: a job is one transaction.
async fn run_sqlite(connection: &Connection, job: &Job<'_>, on_step: &mut impl FnMut(Step<'_>)) -> Result<()> {
    let (what, operations) = (&job.what, job.operations);
    let before = sqlite::lock::broken(connection).await?;
    let mut done = 0;
    while let Some(operation) = operations.get(done) {
        let together = sqlite::ddl::together(&operations[done..]);
        if together > 1 && edited_at_once(connection, &operations[done..done + together]).await? {
            done += together;
            continue;
        }
        let executed = match operation {
            Operation::Run(step) => run_data(connection, step, on_step).await,
            _ => execute_sqlite(connection, operation).await,
        };
        if let Err(error) = executed {
            let text = format!("{what} failed at step {} of {}, {operation}", done + 1, operations.len());
            return Err(undone(connection, text, error).await);
        }
        done += 1;
    }
    match sqlite::lock::settle(connection, &before).await {
        Ok(()) => Ok(()),
        Err(error) => Err(undone(connection, format!("{what} failed at its end"), error).await),
    }
}

async fn run_data(
    connection: &Connection,
    step: &DataStep,
    on_step: &mut impl FnMut(Step<'_>),
) -> crocus_orm::Result<()> {
    while !data::run(connection, step, on_step).await? {}
    Ok(())
}

/// Rolls back, and says what failed.
async fn undone(connection: &Connection, text: String, error: crocus_orm::Error) -> Error {
    // A renaming that failed has left the setting on.
    drop(connection.batch("ROLLBACK").await);
    drop(connection.batch("PRAGMA legacy_alter_table = OFF").await);
    let hint = match error.hint() {
        Some(hint) => format!("{hint}; {NOTHING_KEPT}"),
        None => format!("{NOTHING_KEPT}; mend the migration or the data, then run the command again"),
    };
    Error::new(ErrorKind::Step, text).with_hint(hint).with_source(error)
}

async fn execute_sqlite(connection: &Connection, operation: &Operation) -> crocus_orm::Result<()> {
    match sqlite::ddl::plan(operation) {
        sqlite::ddl::Plan::Statements(statements) => all(connection, &statements).await,
        sqlite::ddl::Plan::Edit { table, edit } => edit_table(connection, &table, vec![edit]).await,
        sqlite::ddl::Plan::RenameEnumValue { name, value, new_value, lists } => {
            let mut tables: Vec<(String, Vec<Edit>)> = Vec::new();
            let rename = |column| {
                let (value, new_value) = (value.clone(), new_value.clone());
                Edit::RenameEnumValue { column, value, new_value }
            };
            for (table, columns) in sqlite::inspect::enum_columns(connection, &name).await? {
                tables.push((table, columns.into_iter().map(rename).collect()));
            }
            for (table, column) in lists {
                let (value, new_value) = (value.clone(), new_value.clone());
                let edit = Edit::RenameListValue { column, value, new_value };
                match tables.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&table)) {
                    Some((_, edits)) => edits.push(edit),
                    None => tables.push((table, vec![edit])),
                }
            }
            for (table, edits) in tables {
                edit_table(connection, &table, edits).await?;
            }
            Ok(())
        }
    }
}

/// Edits a table's definition at several places with one rebuild. `false` when that is refused: done one by one, they
/// tell which of them it is.
async fn edited_at_once(connection: &Connection, operations: &[Operation]) -> crocus_orm::Result<bool> {
    connection.batch("SAVEPOINT crocus_edits").await?;
    let is_done = edit_together(connection, operations).await.is_ok();
    if !is_done {
        connection.batch("ROLLBACK TO crocus_edits; PRAGMA legacy_alter_table = OFF").await?;
    }
    connection.batch("RELEASE crocus_edits").await?;
    Ok(is_done)
}

async fn edit_together(connection: &Connection, operations: &[Operation]) -> crocus_orm::Result<()> {
    let mut edits = Vec::new();
    for operation in operations {
        match sqlite::ddl::plan(operation) {
            sqlite::ddl::Plan::Statements(statements) => all(connection, &statements).await?,
            sqlite::ddl::Plan::Edit { edit, .. } => edits.push(edit),
            // Of no table alone, so it is in no group.
            sqlite::ddl::Plan::RenameEnumValue { .. } => {}
        }
    }
    let Some(table) = operations.first().and_then(Operation::table) else { return Ok(()) };
    edit_table(connection, &table.name, edits).await
}

/// By `ALTER TABLE` where it can, else by making the table anew.
async fn edit_table(connection: &Connection, table: &str, edits: Vec<Edit>) -> crocus_orm::Result<()> {
    let mut of_definition = Vec::new();
    for edit in edits {
        let name = match &edit {
            Edit::DropConstraint { name } | Edit::RenameConstraint { name, .. } => name,
            _ => {
                of_definition.push(edit);
                continue;
            }
        };
        // A unique constraint can be an index.
        let Some(sql) = sqlite::inspect::index_sql(connection, table, name).await? else {
            of_definition.push(edit);
            continue;
        };
        connection.batch(&format!("DROP INDEX {}", Dialect::Sqlite.quote(name))).await?;
        if let Edit::RenameConstraint { new_name, .. } = &edit
            && let Some(create) = sqlite::index_sql::renamed(&sql, new_name)
        {
            connection.batch(&create).await?;
        }
    }
    if of_definition.is_empty() {
        return Ok(());
    }
    let refused = |text: String| crocus_orm::Error::new(crocus_orm::ErrorKind::MissingTable, text);
    let stored = sqlite::inspect::stored(connection, table).await?;
    let stored = stored.ok_or_else(|| refused(format!("no such table: {table}")))?;
    if let Some(alterations) = sqlite::rebuild::alterations(&stored, &of_definition) {
        let done = all(connection, &alterations).await;
        // `DROP COLUMN` is refused where any view or trigger of the database does not work: a rebuild is not.
        if done.is_ok() || alterations.len() > 1 {
            return done;
        }
    }
    let statements = sqlite::rebuild::statements(&stored, &of_definition).map_err(refused)?;
    if statements.is_empty() {
        return Ok(());
    }
    all(connection, &statements).await.map_err(|error| {
        // A row that the new definition refuses is told by the name that a person knows.
        let text = error.to_string().replace(&stored.new_name, &stored.name);
        crocus_orm::Error::new(error.kind(), text).with_source(error)
    })?;
    for (column, ty, query) in sqlite::rebuild::misfits(&stored, &of_definition) {
        if !connection.query(Statement::read(format!("{query} LIMIT 1"), [])).await?.is_empty() {
            let text = format!("a value of {}.{column} does not fit the type {ty}", stored.name);
            let error = crocus_orm::Error::new(crocus_orm::ErrorKind::InvalidValue, text);
            return Err(error.with_hint(format!("mend the rows that this finds first: {query}")));
        }
    }
    for dependent in &stored.dependents {
        connection.batch(dependent).await.map_err(|error| {
            let text = format!("`{dependent}` does not fit the changed table: {error}");
            crocus_orm::Error::new(error.kind(), text).with_hint("drop it in a step before").with_source(error)
        })?;
    }
    Ok(())
}

async fn all(connection: &Connection, statements: &[String]) -> crocus_orm::Result<()> {
    for statement in statements {
        connection.batch(statement).await?;
    }
    Ok(())
}
