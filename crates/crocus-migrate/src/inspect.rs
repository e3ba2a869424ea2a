//! Reading schemas: what a database has, and what the models' schema is in the database's own normal form.

use std::collections::BTreeSet;

use crocus_orm::{Connection, Dialect, Engine};

use crate::dialect::{postgres, sqlite};
use crate::schema::{Enum, Schema, Table, TableName};
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
pub async fn declared(engine: &Engine, models: &Schema) -> Result<Schema> {
    if engine.dialect() != Dialect::Postgres {
        let scratch = Engine::connect(&"sqlite::memory:".parse()?).await?.connection().await?;
        let create = models
            .tables
            .iter()
            .flat_map(|table| sqlite::ddl::create_table(table).into_iter().map(move |statement| (table, statement)));
        make(&scratch, create).await?;
        return Ok(inspect_on(&scratch, &models.tables.iter().map(|table| table.name.clone()).collect()).await?);
    }
    // The connection's end is the end of its transaction and of its temporary tables.
    let scratch = postgres::scratch::open(engine, models).await?;
    let user = |values: &Enum| models.tables.iter().find(|table| table.has_enum(&values.name));
    let enums = models.enums.iter().filter_map(|values| Some((user(values)?, postgres::ddl::create_enum(values))));
    make(&scratch, enums).await?;
    let mut declared = Schema::default();
    // Temporary tables have no schema: two of one name are made one after the other.
    for schema in models.tables.iter().map(|table| &table.name.schema).collect::<BTreeSet<_>>() {
        let group: Vec<_> = models.tables.iter().filter(|table| table.name.schema == *schema).collect();
        scratch.batch("SAVEPOINT crocus_scratch").await?;
        make(&scratch, postgres::scratch::statements(&group)).await?;
        let made = inspect_on(&scratch, &BTreeSet::new()).await?;
        scratch.batch("ROLLBACK TO crocus_scratch").await?;
        declared.enums = made.enums;
        declared.tables.extend(made.tables.into_iter().filter_map(|made| {
            let model = group.iter().find(|model| model.name.name == made.name.name)?;
            Some(postgres::scratch::in_its_schema(made, model))
        }));
    }
    Ok(declared)
}

/// Runs statements in scratch, each with the table whose model it is of.
async fn make(scratch: &Connection, statements: impl IntoIterator<Item = (&Table, String)>) -> Result<()> {
    for (table, statement) in statements {
        scratch.batch(&statement).await.map_err(|error| {
            let text = format!("the database refuses what the model of `{}` declares", table.name);
            Error::new(ErrorKind::Step, text).with_hint(format!("it was: {statement}")).with_source(error)
        })?;
    }
    Ok(())
}
