//! Reading a schema from SQLite's pragmas and stored statements.

use crocus_orm::table::ReferentialAction;
use crocus_orm::{Connection, Result, Statement};

use super::ddl::ACTIONS;
use super::index_sql::IndexSql;
use super::rebuild::Stored;
use super::table_sql::{ColumnSql, ConstraintSql, Kind, TableSql};
use super::tokens::default;
use super::types::type_from;
use crate::schema::{Check, Column, Enum, ForeignKey, IndexKey, Schema, Table, Type, Unique, Unmanaged};

/// Without those that are virtual, and those that these keep their rows in.
const TABLES: &str = "
SELECT m.name, m.sql FROM sqlite_master m JOIN pragma_table_list l ON l.schema = 'main' AND l.name = m.name
WHERE m.type = 'table' AND l.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY m.name";

/// What no migration manages, with the table that it belongs to.
const UNMANAGED: &str = "
SELECT CASE m.type WHEN 'table' THEN 'virtual table' ELSE m.type END, m.name, m.tbl_name
FROM sqlite_master m LEFT JOIN pragma_table_list l ON l.schema = 'main' AND l.name = m.name
WHERE m.type IN ('view', 'trigger') OR (m.type = 'table' AND l.type = 'virtual')";

/// The words of that query.
const KINDS: [&str; 3] = ["view", "trigger", "virtual table"];

/// `hidden` is 3 for generated columns that are stored, 2 for others, 1 for those of virtual tables.
const COLUMNS: &str = "
SELECT m.name, x.name, x.type, x.\"notnull\", x.dflt_value, x.pk
FROM sqlite_master m JOIN pragma_table_xinfo(m.name) x
WHERE m.type = 'table' AND x.hidden IN (0, 3) ORDER BY m.name, x.cid";

/// The tables whose primary key is not the rowid: SQLite gives every other key an index.
const KEYED: &str = "
SELECT m.name FROM sqlite_master m JOIN pragma_index_list(m.name) l WHERE m.type = 'table' AND l.origin = 'pk'";

/// Those made by `CREATE INDEX`.
const INDEXES: &str = "
SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY tbl_name, name";

/// In the order in which they are written: the last one has the number 0.
const FOREIGN_KEYS: &str = "
SELECT m.name, f.id, f.\"from\", f.\"table\", f.\"to\", f.on_delete, f.on_update
FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f
WHERE m.type = 'table' ORDER BY m.name, f.id DESC, f.seq";

/// All tables but SQLite's own.
pub(crate) async fn inspect(connection: &Connection) -> Result<Schema> {
    let mut schema = Schema::default();
    let mut definitions = Vec::new();
    for row in connection.query(Statement::read(TABLES, [])).await? {
        schema.tables.push(Table::new(row.get::<String>(0)?));
        definitions.push(row.get::<String>(1)?);
    }
    let mut keys: Vec<Vec<(i64, String)>> = vec![Vec::new(); schema.tables.len()];
    for row in connection.query(Statement::read(COLUMNS, [])).await? {
        let Some(at) = position(&schema, &row.get::<String>(0)?) else { continue };
        let name: String = row.get(1)?;
        let key: i64 = row.get(5)?;
        if key > 0 {
            keys[at].push((key, name.clone()));
        }
        let column = Column {
            nullable: row.get::<i64>(3)? == 0,
            default: row.get::<Option<String>>(4)?.map(|sql| default(&sql)),
            ..Column::new(name, type_from(&row.get::<String>(2)?))
        };
        schema.tables[at].columns.push(column);
    }
    for row in connection.query(Statement::read(INDEXES, [])).await? {
        let Some(at) = position(&schema, &row.get::<String>(0)?) else { continue };
        let (name, sql): (String, String) = (row.get(1)?, row.get(2)?);
        let table = &mut schema.tables[at];
        let columns: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
        match IndexSql::parse(&name, &sql, &columns) {
            Some(IndexSql { index, is_constraint: true }) => {
                let columns = index.columns();
                table.uniques.push(Unique::new(name, columns));
            }
            Some(IndexSql { index, is_constraint: false }) => table.indexes.push(index),
            None => {}
        }
    }
    foreign_keys(connection, &mut schema).await?;
    let keyed = connection.query(Statement::read(KEYED, [])).await?;
    let keyed = keyed.iter().map(|row| row.get::<String>(0)).collect::<Result<Vec<_>>>()?;
    for ((table, definition), mut key) in schema.tables.iter_mut().zip(&definitions).zip(keys) {
        key.sort_unstable();
        table.primary_key = key.into_iter().map(|(_, name)| name).collect();
        if !keyed.contains(&table.name.name)
            && let [key] = table.primary_key.as_slice()
            && let Some(column) = table.columns.iter_mut().find(|column| column.name == *key)
        {
            // The key is the rowid, which counts up and is never NULL, whether or not the definition says so.
            (column.identity, column.nullable) = (true, false);
        }
        let Some(definition) = TableSql::parse(definition) else { continue };
        for (name, written) in definition.columns() {
            let Some(column) = table.columns.iter_mut().find(|column| column.name == name) else { continue };
            column.generated = written.generated();
            // Those that every column has, or every one of its type, were not chosen.
            column.collation = written.collation().filter(|name| name != "BINARY" && name != "decimal");
            if let Some((name, values)) = written.as_enum() {
                column.ty = Type::Enum(Enum { name, values });
            }
        }
        let mut keys = table.foreign_keys.iter_mut();
        for ConstraintSql { name, kind, .. } in definition.constraints(&table.name.name) {
            match kind {
                Kind::Unique(columns) => table.uniques.push(Unique::new(name, columns)),
                Kind::Check(expression) => table.checks.push(Check::new(name, expression)),
                Kind::ForeignKey(deferrable) => {
                    if let Some(key) = keys.next() {
                        (key.name, key.deferrable) = (name, deferrable);
                    }
                }
                Kind::Other => {}
            }
        }
        for part in table.indexes.iter_mut().flat_map(|index| &mut index.parts) {
            let IndexKey::Column(column) = &part.key else { continue };
            let own = definition.columns().find(|(name, _)| name == column).and_then(|(_, column)| column.collation());
            if part.collation.as_deref() == Some(own.as_deref().unwrap_or("BINARY")) {
                part.collation = None;
            }
        }
        // The order of PostgreSQL's catalogues, so that what is generated from them is in one order on both.
        table.checks.sort_by(|one, other| one.name.cmp(&other.name));
        table.uniques.sort_by(|one, other| one.name.cmp(&other.name));
        table.foreign_keys.sort_by(|one, other| one.name.cmp(&other.name));
    }
    resolve_targets(&mut schema);
    let mut schema = Schema::new(schema.tables);
    for row in connection.query(Statement::read(UNMANAGED, [])).await? {
        let word: String = row.get(0)?;
        let Some(kind) = KINDS.iter().find(|kind| **kind == word) else { continue };
        let table = (*kind == "trigger").then(|| row.get::<String>(2)).transpose()?;
        schema.unmanaged.push(Unmanaged { kind, name: row.get::<String>(1)?.into(), table: table.map(Into::into) });
    }
    schema.unmanaged.sort();
    Ok(schema)
}

/// The foreign keys in the order in which they are written, without their names, which no pragma tells.
async fn foreign_keys(connection: &Connection, schema: &mut Schema) -> Result<()> {
    let mut last = None;
    for row in connection.query(Statement::read(FOREIGN_KEYS, [])).await? {
        let Some(at) = position(schema, &row.get::<String>(0)?) else { continue };
        let keys = &mut schema.tables[at].foreign_keys;
        let id = (at, row.get::<i64>(1)?);
        if last.replace(id) != Some(id) {
            keys.push(ForeignKey {
                on_delete: action_from(&row.get::<String>(5)?),
                on_update: action_from(&row.get::<String>(6)?),
                ..ForeignKey::new("", Vec::new(), row.get::<String>(3)?, Vec::new())
            });
        }
        let key = keys.last_mut().expect("it was just pushed");
        key.columns.push(row.get(2)?);
        key.target_columns.extend(row.get::<Option<String>>(4)?);
    }
    Ok(())
}

/// Says what foreign keys refer to by its own name: they may name it in other letters, and leave the columns out
/// where they mean the primary key.
fn resolve_targets(schema: &mut Schema) {
    let tables = schema.clone().tables;
    for key in schema.tables.iter_mut().flat_map(|table| &mut table.foreign_keys) {
        let Some(target) = tables.iter().find(|table| table.name.name.eq_ignore_ascii_case(&key.target.name)) else {
            continue;
        };
        key.target.clone_from(&target.name);
        if key.target_columns.is_empty() {
            key.target_columns.clone_from(&target.primary_key);
        }
        for name in &mut key.target_columns {
            if let Some(column) = target.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name)) {
                name.clone_from(&column.name);
            }
        }
    }
}

/// The tables with columns of the enum with this name, and those columns.
pub(crate) async fn enum_columns(connection: &Connection, name: &str) -> Result<Vec<(String, Vec<String>)>> {
    let mut found = Vec::new();
    for row in connection.query(Statement::read(TABLES, [])).await? {
        let (table, sql): (String, String) = (row.get(0)?, row.get(1)?);
        let Some(definition) = TableSql::parse(&sql) else { continue };
        let is_it = |column: &ColumnSql| column.as_enum().is_some_and(|(found, _)| found == name);
        let columns = definition.columns().filter(|(_, column)| is_it(column));
        let columns: Vec<_> = columns.map(|(name, _)| name.to_owned()).collect();
        if !columns.is_empty() {
            found.push((table, columns));
        }
    }
    Ok(found)
}

/// What is stored of one table, for making it anew.
pub(crate) async fn stored(connection: &Connection, table: &str) -> Result<Option<Stored>> {
    let sql = "SELECT type, sql, name FROM sqlite_master WHERE tbl_name = $1 COLLATE NOCASE AND sql IS NOT NULL \
               ORDER BY type <> 'table', rowid";
    let mut found: Option<Stored> = None;
    for row in connection.query(Statement::read(sql, [table.into()])).await? {
        let (kind, sql): (String, String) = (row.get(0)?, row.get(1)?);
        match (kind.as_str(), &mut found) {
            ("table", None) => {
                let name: String = row.get(2)?;
                let new_name = free_name(connection, &format!("crocus_new_{name}")).await?;
                found = Some(Stored { name, sql, dependents: Vec::new(), new_name });
            }
            (_, Some(stored)) => stored.dependents.push(sql),
            _ => {}
        }
    }
    Ok(found)
}

/// The statement of the index of the table with this name, where there is one.
pub(crate) async fn index_sql(connection: &Connection, table: &str, name: &str) -> Result<Option<String>> {
    let sql = "SELECT sql FROM sqlite_master WHERE type = 'index' AND name = $1 AND tbl_name = $2 COLLATE NOCASE";
    let rows = connection.query(Statement::read(sql, [name.into(), table.into()])).await?;
    rows.first().map(|row| row.get(0)).transpose()
}

/// A name that nothing in the database has: what somebody keeps under the obvious one is not ours.
async fn free_name(connection: &Connection, base: &str) -> Result<String> {
    let sql = "SELECT 1 FROM sqlite_master WHERE name = $1 COLLATE NOCASE";
    let mut name = base.to_owned();
    let mut number = 0;
    while !connection.query(Statement::read(sql, [name.as_str().into()])).await?.is_empty() {
        number += 1;
        name = format!("{base}_{number}");
    }
    Ok(name)
}

fn position(schema: &Schema, name: &str) -> Option<usize> {
    schema.tables.iter().position(|table| table.name.name == name)
}

fn action_from(name: &str) -> ReferentialAction {
    ACTIONS.iter().find(|(_, known)| *known == name).map(|(action, _)| *action).unwrap_or_default()
}
