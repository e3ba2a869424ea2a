//! Reading schemas: what a database has, and what the models' schema is in the database's own normal form.

use crocus_orm::{Connection, Dialect, Engine};

use crate::dialect::{postgres, sqlite};
use crate::schema::{Enum, Schema, Table};
use crate::{Error, ErrorKind, Result};

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

/// The models' schema as the database itself writes it: made in scratch, read back, and gone. Scratch is temporary
/// tables in a transaction that is rolled back on PostgreSQL, and a database in memory on SQLite: a crash leaves
/// nothing either, and a user who may only read the tables can still compare.
///
/// # Errors
/// When the database does not answer, or refuses what a model declares, such as a check's expression.
pub async fn declared(engine: &Engine, models: &Schema) -> Result<Schema> {
    let scratch = match engine.dialect() {
        Dialect::Postgres => postgres::scratch::open(engine, models).await?,
        _ => Engine::connect(&"sqlite::memory:".parse()?).await?.connection().await?,
    };
    for (table, statement) in scratch_statements(scratch.dialect(), models) {
        scratch.batch(&statement).await.map_err(|error| {
            let text = format!("the database refuses what the model of `{}` declares", table.name);
            Error::new(ErrorKind::Step, text).with_hint(format!("it was: {statement}")).with_source(error)
        })?;
    }
    // On PostgreSQL the connection's end is the end of its transaction and of its temporary tables.
    Ok(inspect_on(&scratch).await?)
}

/// The statements that make tables in scratch, each with the table whose model it is of.
fn scratch_statements(dialect: Dialect, models: &Schema) -> Vec<(&Table, String)> {
    let mut statements = Vec::new();
    if dialect == Dialect::Postgres {
        let users = |values: &Enum| models.tables.iter().find(|table| table.has_enum(&values.name));
        let enums = models.enums.iter().filter_map(|values| Some((users(values)?, postgres::ddl::create_enum(values))));
        statements.extend(enums);
    }
    for table in &models.tables {
        let create = match dialect {
            Dialect::Postgres => postgres::ddl::create_table(&Table { foreign_keys: Vec::new(), ..table.clone() }),
            _ => sqlite::ddl::create_table(table),
        };
        statements.extend(create.into_iter().map(|statement| (table, statement)));
    }
    if dialect == Dialect::Postgres {
        // When all tables are there, since they may refer to each other.
        for table in &models.tables {
            let keys = table.foreign_keys.iter().map(|key| postgres::ddl::create_foreign_key(&table.name, key));
            statements.extend(keys.map(|statement| (table, statement)));
        }
    }
    statements
}
