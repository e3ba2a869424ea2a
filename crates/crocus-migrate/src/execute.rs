//! Running operations in the transaction that is open: what each dialect needs to know of the database first, and
//! what a failure says.

use crocus_orm::{Connection, Dialect};

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
    for (index, operation) in operations.iter().enumerate() {
        if let Err(error) = execute(connection, operation).await {
            let text = format!("{what} failed at step {} of {}, {operation}", index + 1, operations.len());
            return Err(undone(connection, text, Some(operation), error).await);
        }
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
    use sqlite::ddl::Plan;
    use sqlite::rebuild::Edit;

    match sqlite::ddl::plan(operation) {
        Plan::Statements(statements) => all(connection, &statements).await,
        Plan::Rebuild { table, edit } => rebuild(connection, &table, &edit).await,
        Plan::DropConstraint { table, name } => {
            if sqlite::inspect::index_sql(connection, &table, &name).await?.is_some() {
                connection.batch(&format!("DROP INDEX {}", Dialect::Sqlite.quote(&name))).await
            } else {
                rebuild(connection, &table, &Edit::DropConstraint { name }).await
            }
        }
        Plan::RenameConstraint { table, name, new_name } => {
            let index = sqlite::inspect::index_sql(connection, &table, &name).await?;
            match index.and_then(|sql| sqlite::index_sql::renamed(&sql, &new_name)) {
                Some(create) => {
                    let drop = format!("DROP INDEX {}", Dialect::Sqlite.quote(&name));
                    all(connection, &[drop, create]).await
                }
                None => rebuild(connection, &table, &Edit::RenameConstraint { name, new_name }).await,
            }
        }
    }
}

async fn rebuild(connection: &Connection, table: &str, edit: &sqlite::rebuild::Edit) -> crocus_orm::Result<()> {
    let refused = |text: String| crocus_orm::Error::new(crocus_orm::ErrorKind::MissingTable, text);
    let stored = sqlite::inspect::stored(connection, table).await?;
    let stored = stored.ok_or_else(|| refused(format!("no such table: {table}")))?;
    let statements = sqlite::rebuild::statements(&stored, edit).map_err(refused)?;
    all(connection, &statements).await.map_err(|error| {
        // A row that the new definition refuses is told by the name that a person knows.
        let text = error.to_string().replace(&sqlite::rebuild::new_name(&stored.name), &stored.name);
        crocus_orm::Error::new(error.kind(), text).with_source(error)
    })?;
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
