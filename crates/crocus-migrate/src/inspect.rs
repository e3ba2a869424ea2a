//! Reading schemas: what a database has, and what the models' schema is in the database's own normal form.

use std::collections::BTreeSet;

use crocus_orm::{Connection, Dialect, Engine};

use crate::dialect::{postgres, sqlite};
use crate::schema::{Schema, Table, TableName};
use crate::{Error, ErrorKind, Result};

/// What the database has: on PostgreSQL the current schema, the first of the `search_path` that exists.
///
/// # Errors
/// When the database does not answer.
pub async fn inspect(engine: &Engine) -> Result<Schema> {
    inspect_with(engine, &BTreeSet::new()).await
}

/// What the database has, also in the schemas of tables that are known by name: those of the models, and those that
/// migrations have made. They are called by these names, on SQLite too.
///
/// # Errors
/// When the database does not answer.
pub async fn inspect_with(engine: &Engine, known: &BTreeSet<TableName>) -> Result<Schema> {
    Ok(inspect_on(&engine.connection().await?, known).await?)
}

async fn inspect_on(connection: &Connection, known: &BTreeSet<TableName>) -> crocus_orm::Result<Schema> {
    match connection.dialect() {
        Dialect::Postgres => postgres::inspect::inspect(connection, known).await,
        _ => Ok(sqlite::inspect::inspect(connection).await?.call(known, None)),
    }
}

/// The models' schema as the database itself writes it: made in scratch, read back, and gone. Scratch is temporary
/// tables in a transaction that is rolled back on PostgreSQL, and a database in memory on SQLite: a crash leaves
/// nothing either, and a user who may only read the tables can still compare.
///
/// # Errors
/// When the database does not answer, or refuses what a model declares, such as a check's expression.
pub async fn declared(engine: &Engine, models: &Schema, actual: &Schema) -> Result<Schema> {
    if engine.dialect() == Dialect::Postgres {
        return postgres::scratch::declared(engine, models, actual).await;
    }
    let scratch = Engine::connect(&"sqlite::memory:".parse()?).await?.connection().await?;
    for table in &models.tables {
        for statement in sqlite::ddl::create_table(table) {
            scratch.batch(&statement).await.map_err(|error| refused(table, &statement, error))?;
        }
    }
    Ok(inspect_on(&scratch, &models.tables.iter().map(|table| table.name.clone()).collect()).await?)
}

/// What a database refuses of a model.
pub(crate) fn refused(table: &Table, statement: &str, error: crocus_orm::Error) -> Error {
    let text = format!("the database refuses what the model of `{}` declares", table.name);
    Error::new(ErrorKind::Step, text).with_hint(format!("it was: {statement}")).with_source(error)
}
