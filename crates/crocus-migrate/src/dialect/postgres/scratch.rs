//! A place where tables are made only to be read back: the session's temporary tables.

use std::collections::BTreeSet;

use crocus_orm::{Connection, Engine, ErrorKind as OrmKind};

use super::ddl::{create_enum, create_foreign_key, create_table};
use super::inspect::inspect;
use super::words;
use crate::inspect::refused;
use crate::schema::{Enum, ForeignKey, Schema, Table, TableName};
use crate::{Error, ErrorKind, Result};

/// What `NAMEDATALEN` leaves. PostgreSQL cuts a longer name, which would then never be found again.
pub(crate) const LONGEST_NAME: usize = 63;

/// Functions, operators and types are found where the program's statements find them, and written back as there.
const OPEN: &str = "BEGIN;
SELECT set_config('search_path', concat_ws(', ', 'pg_temp', NULLIF(current_setting('search_path'), '')), true)";

/// The models' schema as the database writes it. Only what the database does not have in the model's words is made.
pub(crate) async fn declared(engine: &Engine, models: &Schema, actual: &Schema) -> Result<Schema> {
    if let Some(name) = names(models).find(|name| name.len() > LONGEST_NAME) {
        let text = format!("the name `{name}` is longer than PostgreSQL's {LONGEST_NAME} bytes");
        return Err(Error::new(ErrorKind::Step, text).with_hint("name it in the model, shorter"));
    }
    let (mut tables, mut others) = (Vec::new(), BTreeSet::new());
    for model in &models.tables {
        match actual.table(&model.name).and_then(|actual| words::read_back(model, actual)) {
            Some(table) => tables.push(table),
            None => drop(others.insert(&model.name)),
        }
    }
    if !others.is_empty() {
        let made = make(engine, models, &with_neighbours(models, &others)).await?;
        tables.extend(made.into_iter().filter(|made| others.contains(&made.name)));
    }
    let is_used = |values: &&Enum| models.tables.iter().any(|table| table.has_enum(&values.name));
    let others = actual.enums.iter().filter(|values| models.enumeration(&values.name).is_none());
    let enums = models.enums.iter().filter(is_used).chain(others).cloned().collect();
    Ok(Schema { enums, tables, ..Schema::default() })
}

/// Tables, and those at the other ends of their foreign keys: whether a key is possible depends on both.
fn with_neighbours<'a>(models: &'a Schema, names: &BTreeSet<&TableName>) -> Vec<&'a Table> {
    let of_them = models.tables.iter().filter(|table| names.contains(&table.name));
    let targets: BTreeSet<_> = of_them.flat_map(|table| &table.foreign_keys).map(|key| &key.target).collect();
    let is_one = |table: &&Table| {
        let refers = || table.foreign_keys.iter().any(|key| names.contains(&key.target));
        names.contains(&table.name) || targets.contains(&table.name) || refers()
    };
    models.tables.iter().filter(is_one).collect()
}

/// Makes tables, and reads them back. The connection's end is the end of its transaction and of its temporary tables.
async fn make(engine: &Engine, models: &Schema, tables: &[&Table]) -> Result<Vec<Table>> {
    let scratch = open(engine).await?;
    let mut found = Vec::new();
    // Temporary tables have no schema: two of one name are made one after the other.
    for schema in tables.iter().map(|table| &table.name.schema).collect::<BTreeSet<_>>() {
        let group: Vec<_> = tables.iter().copied().filter(|table| table.name.schema == *schema).collect();
        let user = |values: &Enum| group.iter().copied().find(|table| table.has_enum(&values.name));
        let enums = models.enums.iter().filter_map(|values| Some((user(values)?, create_enum(values))));
        run(&scratch, &enums.chain(statements(&group)).collect::<Vec<_>>()).await?;
        let made = inspect(&scratch, &BTreeSet::new()).await?;
        scratch.batch(BACK).await?;
        found.extend(made.tables.into_iter().filter_map(|made| {
            let model = group.iter().find(|model| model.name.name == made.name.name)?;
            Some(in_its_schema(made, model))
        }));
    }
    Ok(found)
}

const BACK: &str = "ROLLBACK TO crocus_scratch";

/// Runs statements in one round trip; one by one where that fails, to tell which one it was.
async fn run(scratch: &Connection, statements: &[(&Table, String)]) -> Result<()> {
    let all: Vec<_> = statements.iter().map(|(_, statement)| statement.as_str()).collect();
    if scratch.batch(&all.join(";\n")).await.is_ok() {
        return Ok(());
    }
    scratch.batch(BACK).await?;
    for (table, statement) in statements {
        scratch.batch(statement).await.map_err(|error| refused(table, statement, error))?;
    }
    Ok(())
}

async fn open(engine: &Engine) -> Result<Connection> {
    let connection = engine.connection().await?;
    connection.batch(OPEN).await?;
    // `pg_temp` is made by the first table in it, and without it every other schema moves up.
    let first = "CREATE TABLE pg_temp.crocus_scratch (); DROP TABLE pg_temp.crocus_scratch; SAVEPOINT crocus_scratch";
    connection.batch(first).await.map_err(|error| {
        let hint = match error.kind() {
            OrmKind::Database => "comparing needs the privilege TEMPORARY on the database",
            _ => error.hint().unwrap_or("try again"),
        };
        let hint = hint.to_owned();
        Error::new(ErrorKind::Step, "failed to make the models' tables in scratch").with_hint(hint).with_source(error)
    })?;
    Ok(connection)
}

/// What makes tables of one schema, each statement with its table: foreign keys when all of them are there, since they
/// may refer to each other. Those to other tables are left out.
fn statements<'a>(tables: &[&'a Table]) -> Vec<(&'a Table, String)> {
    let bare = |table: &Table| Table { name: table.name.name.as_str().into(), ..table.clone() };
    let tables_alone = tables.iter().flat_map(|table| {
        let alone = Table { foreign_keys: Vec::new(), ..bare(table) };
        create_table(&alone).into_iter().map(|statement| (*table, statement))
    });
    let keys = tables.iter().flat_map(|table| {
        let keys = table.foreign_keys.iter().filter(|key| tables.iter().any(|table| table.name == key.target));
        keys.map(|key| {
            let key = ForeignKey { target: key.target.name.as_str().into(), ..key.clone() };
            (*table, create_foreign_key(&bare(table).name, &key))
        })
    });
    tables_alone.chain(keys).collect()
}

/// A table as it was read back, by its own name again, with the foreign keys that could not be made.
fn in_its_schema(made: Table, model: &Table) -> Table {
    let foreign_keys = model.foreign_keys.iter().map(|key| {
        let read = made.foreign_keys.iter().find(|read| read.name == key.name);
        ForeignKey { target: key.target.clone(), ..read.cloned().unwrap_or_else(|| in_order(key)) }
    });
    Table { name: model.name.clone(), foreign_keys: foreign_keys.collect(), ..made }
}

/// A foreign key as inspection would read it: its columns that are set in its own order, and all of them as none.
pub(crate) fn in_order(key: &ForeignKey) -> ForeignKey {
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
