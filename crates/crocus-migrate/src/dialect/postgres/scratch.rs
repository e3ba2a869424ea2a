//! A place where tables are made only to be read back: the session's temporary tables.

use crocus_orm::{Connection, Engine, ErrorKind as OrmKind};

use super::ddl::{create_foreign_key, create_table};
use crate::schema::{ForeignKey, Schema, Table};
use crate::{Error, ErrorKind, Result};

/// What `NAMEDATALEN` leaves. PostgreSQL cuts a longer name, which would then never be found again.
pub(crate) const LONGEST_NAME: usize = 63;

/// Functions, operators and types are found where the program's statements find them, and written back as there.
const OPEN: &str = "BEGIN;
SELECT set_config('search_path', concat_ws(', ', 'pg_temp', NULLIF(current_setting('search_path'), '')), true)";

/// A connection on which tables are made in scratch.
pub(crate) async fn open(engine: &Engine, models: &Schema) -> Result<Connection> {
    if let Some(name) = names(models).find(|name| name.len() > LONGEST_NAME) {
        let text = format!("the name `{name}` is longer than PostgreSQL's {LONGEST_NAME} bytes");
        return Err(Error::new(ErrorKind::Step, text).with_hint("name it in the model, shorter"));
    }
    let connection = engine.connection().await?;
    connection.batch(OPEN).await?;
    // `pg_temp` is made by the first table in it, and without it every other schema moves up.
    connection.batch("CREATE TABLE pg_temp.crocus_scratch (); DROP TABLE pg_temp.crocus_scratch").await.map_err(
        |error| {
            let hint = match error.kind() {
                OrmKind::Database => "comparing needs the privilege TEMPORARY on the database",
                _ => error.hint().unwrap_or("try again"),
            }
            .to_owned();
            Error::new(ErrorKind::Step, "failed to make the models' tables in scratch")
                .with_hint(hint)
                .with_source(error)
        },
    )?;
    Ok(connection)
}

/// What makes the tables of one schema, each statement with its table: foreign keys when all of them are there, since
/// they may refer to each other. Those to tables of another schema are left out.
pub(crate) fn statements<'a>(tables: &[&'a Table]) -> Vec<(&'a Table, String)> {
    let bare = |table: &Table| Table { name: table.name.name.as_str().into(), ..table.clone() };
    let tables_alone = tables.iter().flat_map(|table| {
        let alone = Table { foreign_keys: Vec::new(), ..bare(table) };
        create_table(&alone).into_iter().map(|statement| (*table, statement))
    });
    let keys = tables.iter().flat_map(|table| {
        let keys = table.foreign_keys.iter().filter(|key| key.target.schema == table.name.schema);
        keys.map(|key| {
            let key = ForeignKey { target: key.target.name.as_str().into(), ..key.clone() };
            (*table, create_foreign_key(&bare(table).name, &key))
        })
    });
    tables_alone.chain(keys).collect()
}

/// A table as it was read back, by its own name again, with the foreign keys that could not be made.
pub(crate) fn in_its_schema(made: Table, model: &Table) -> Table {
    let foreign_keys = model.foreign_keys.iter().map(|key| {
        let read = made.foreign_keys.iter().find(|read| read.name == key.name);
        ForeignKey { target: key.target.clone(), ..read.cloned().unwrap_or_else(|| normal(key)) }
    });
    Table { name: model.name.clone(), foreign_keys: foreign_keys.collect(), ..made }
}

/// A foreign key as inspection would read it: its columns that are set in its own order, and all of them as none.
fn normal(key: &ForeignKey) -> ForeignKey {
    let is_set = |column: &&String| key.on_delete_columns.contains(column);
    let set: Vec<_> = key.columns.iter().filter(is_set).cloned().collect();
    ForeignKey { on_delete_columns: if set == key.columns { Vec::new() } else { set }, ..key.clone() }
}

fn names(models: &Schema) -> impl Iterator<Item = &str> {
    let enums = models.enums.iter().map(|values| values.name.as_str());
    let schemas = models.schemas.iter().map(String::as_str);
    schemas.chain(enums).chain(models.tables.iter().flat_map(|table| {
        let columns = table.columns.iter().map(|column| &column.name);
        let uniques = table.uniques.iter().map(|unique| &unique.name);
        let checks = table.checks.iter().map(|check| &check.name);
        let foreign_keys = table.foreign_keys.iter().map(|key| &key.name);
        let indexes = table.indexes.iter().map(|index| &index.name);
        let constraints = uniques.chain(checks).chain(foreign_keys);
        [&table.name.name].into_iter().chain(columns).chain(constraints).chain(indexes).map(String::as_str)
    }))
}
