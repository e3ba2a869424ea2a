//! Reading schemas: what a database has, and what the models' schema is in the database's own normal form.

use crocus_orm::{Connection, Dialect, Engine};

use crate::Result;
use crate::dialect::{postgres, sqlite};
use crate::operation::Operation;
use crate::schema::Schema;

/// What the database has: on PostgreSQL the current schema, the first of the `search_path` that exists.
///
/// # Errors
/// When the database does not answer.
pub async fn inspect(engine: &Engine) -> Result<Schema> {
    Ok(inspect_on(&engine.connection().await?).await?)
}

async fn inspect_on(connection: &Connection) -> crocus_orm::Result<Schema> {
    match connection.dialect() {
        Dialect::Postgres => postgres::inspect::inspect(connection).await,
        _ => sqlite::inspect::inspect(connection).await,
    }
}

/// The models' schema as the database itself writes it: made in scratch, read back, and gone. On PostgreSQL scratch
/// is a schema in a transaction that is rolled back, on SQLite a database in memory: a crash leaves nothing either.
///
/// # Errors
/// When the database does not answer, or refuses what a model declares, such as a check's expression.
pub async fn declared(engine: &Engine, models: &Schema) -> Result<Schema> {
    let scratch = match engine.dialect() {
        Dialect::Postgres => engine.connection().await?,
        _ => Engine::connect(&"sqlite::memory:".parse()?).await?.connection().await?,
    };
    if scratch.dialect() == Dialect::Postgres {
        let name = Dialect::Postgres.quote(&format!("crocus_scratch_{}", std::process::id()));
        scratch.batch(&format!("BEGIN; CREATE SCHEMA {name}; SET LOCAL search_path = {name}")).await?;
    }
    for table in &models.tables {
        for statement in create_statements(scratch.dialect(), Operation::CreateTable(table.clone())) {
            scratch.batch(&statement).await.map_err(|error| {
                let text = format!("the database refuses what the model of `{}` declares: {error}", table.name);
                crate::Error::new(crate::ErrorKind::Step, text).with_hint(format!("it was: {statement}"))
            })?;
        }
    }
    let schema = inspect_on(&scratch).await?;
    if scratch.dialect() == Dialect::Postgres {
        scratch.batch("ROLLBACK").await?;
    }
    Ok(schema)
}

fn create_statements(dialect: Dialect, operation: Operation) -> Vec<String> {
    match dialect {
        Dialect::Postgres => postgres::ddl::statements(&operation),
        _ => match sqlite::ddl::plan(&operation) {
            sqlite::ddl::Plan::Statements(statements) => statements,
            other => unreachable!("a table is created by statements, not by {other:?}"),
        },
    }
}
