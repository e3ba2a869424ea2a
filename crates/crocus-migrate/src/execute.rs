//! Running operations in the transaction that is open: what each dialect needs to know of the database first, and
//! what a failure says.

use crocus_orm::{Connection, Dialect, Statement};

use crate::dialect::sqlite::rebuild::Edit;
use crate::dialect::{postgres, sqlite};
use crate::operation::Operation;
use crate::{Error, ErrorKind, Result};

const NOTHING_KEPT: &str =
    "nothing of this revision was kept; mend the migration or the data, then run the command again";

/// Runs operations in the transaction that is open. A failure rolls it back.
///
/// `what` is the subject of its errors: `the revision 3f9a1c27b6d0 (create cars)`.
pub(crate) async fn run(connection: &Connection, what: &str, operations: &[Operation]) -> Result<()> {
    let before = match connection.dialect() {
        Dialect::Postgres => None,
        _ => Some(sqlite::lock::broken(connection).await?),
    };
    let mut done = 0;
    while let Some(operation) = operations.get(done) {
        let together = match &before {
            None => 1,
            Some(_) => sqlite::ddl::together(&operations[done..]),
        };
        if together > 1 && edited_at_once(connection, &operations[done..done + together]).await? {
            done += together;
            continue;
        }
        if let Err(error) = execute(connection, operation).await {
            let text = format!("{what} failed at step {} of {}, {operation}", done + 1, operations.len());
            return Err(undone(connection, text, Some(operation), error).await);
        }
        done += 1;
    }
    let settled = match &before {
        None => postgres::lock::settle(connection).await,
        Some(before) => sqlite::lock::settle(connection, before).await,
    };
    match settled {
        Ok(()) => Ok(()),
        Err(error) => Err(undone(connection, format!("{what} failed at its end"), None, error).await),
    }
}

/// Makes a revision last. What is refused here was done by no step alone, such as a deferred constraint.
pub(crate) async fn commit(connection: &Connection, what: &str) -> Result<()> {
    let Err(error) = connection.batch("COMMIT").await else { return Ok(()) };
    if error.kind() == crocus_orm::ErrorKind::OutcomeUnknown {
        let text = format!("it is not known whether {what} was done: the connection was lost at its end");
        return Err(Error::new(ErrorKind::Database, text).with_hint("`db current` tells"));
    }
    Err(undone(connection, format!("{what} failed at its end"), None, error).await)
}

/// Rolls back, and says what failed.
async fn undone(connection: &Connection, text: String, step: Option<&Operation>, error: crocus_orm::Error) -> Error {
    // A connection that is lost has rolled back by itself.
    let rolled_back = connection.batch("ROLLBACK").await;
    let hint = match connection.dialect() {
        Dialect::Postgres if rolled_back.is_ok() && postgres::lock::is_conflict(&error) => {
            Some(postgres::lock::conflict_hint(connection, step.and_then(Operation::table)).await)
        }
        Dialect::Postgres => None,
        _ => {
            // A renaming that failed has left it on.
            drop(connection.batch("PRAGMA legacy_alter_table = OFF").await);
            None
        }
    };
    let hint = hint.or_else(|| error.hint().map(str::to_owned)).unwrap_or_else(|| NOTHING_KEPT.to_owned());
    Error::new(ErrorKind::Step, text).with_hint(hint).with_source(error)
}

async fn execute(connection: &Connection, operation: &Operation) -> crocus_orm::Result<()> {
    match connection.dialect() {
        Dialect::Postgres => execute_postgres(connection, operation).await,
        _ => execute_sqlite(connection, operation).await,
    }
}

async fn execute_postgres(connection: &Connection, operation: &Operation) -> crocus_orm::Result<()> {
    use postgres::ddl::Plan;

    let statements = match postgres::ddl::plan(operation) {
        Plan::Statements(statements) => statements,
        Plan::AlterColumn { table, column, using } => {
            let current = postgres::inspect::current(connection, table, &column.name).await?;
            postgres::ddl::alter_column(table, column, using, current.as_ref())
        }
        Plan::AlterEnum(values) => postgres::enums::alter(connection, values).await?,
    };
    all(connection, &statements).await
}

async fn execute_sqlite(connection: &Connection, operation: &Operation) -> crocus_orm::Result<()> {
    match sqlite::ddl::plan(operation) {
        sqlite::ddl::Plan::Statements(statements) => all(connection, &statements).await,
        sqlite::ddl::Plan::Edit { table, edit } => edit_table(connection, &table, vec![edit]).await,
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
        }
    }
    let Some(table) = operations.first().and_then(Operation::table) else { return Ok(()) };
    edit_table(connection, table, edits).await
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
