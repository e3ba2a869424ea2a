//! Names that PostgreSQL makes of those of tables and columns: of primary keys, and of the sequences that columns own.
//!
//! It leaves them as they are when a table or a column is renamed. They are renamed with it here, where they are still
//! PostgreSQL's own: what goes and comes back has the name that it had.

use crocus_orm::{Connection, Result, Statement};

use super::ddl::{qualified, quote};
use super::scratch::LONGEST_NAME;
use crate::operation::Operation;
use crate::schema::{Schema, TableName};

/// The index of the primary key, and each sequence with the column that owns it.
const OWNED: &str = "
SELECT i.relname::text, NULL::text FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class i ON i.oid = k.conindid
WHERE k.conrelid = to_regclass($1) AND k.contype = 'p'
UNION ALL
SELECT s.relname::text, a.attname::text FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
  AND d.refobjid = to_regclass($1) AND d.deptype IN ('a', 'i')";

const IS_TAKEN: &str = "SELECT to_regclass($1) IS NOT NULL";

/// The primary key's name.
pub(super) fn primary_key(table: &str) -> String {
    made(table, None, "pkey")
}

fn sequence(table: &str, column: &str) -> String {
    made(table, Some(column), "seq")
}

/// The longer of the two names is cut until all fits (PostgreSQL's `makeObjectName`).
fn made(table: &str, column: Option<&str>, label: &str) -> String {
    let (mut of_table, mut of_column) = (table.len(), column.map_or(0, str::len));
    let room = LONGEST_NAME - label.len() - 1 - usize::from(column.is_some());
    while of_table + of_column > room {
        if of_table > of_column {
            of_table -= 1;
        } else {
            of_column -= 1;
        }
    }
    let names = [Some(cut(table, of_table)), column.map(|column| cut(column, of_column)), Some(label)];
    names.into_iter().flatten().collect::<Vec<_>>().join("_")
}

/// At most so many bytes, in whole characters.
fn cut(name: &str, most: usize) -> &str {
    let end = (0..=most).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
    &name[..end]
}

/// What is renamed, and what it has.
#[derive(Debug, Clone, Copy)]
struct Renamed<'a> {
    table: &'a TableName,
    new_table: &'a str,
    /// Where it is a column: what it is called, and will be.
    column: Option<(&'a str, &'a str)>,
}

impl<'a> Renamed<'a> {
    fn by(operation: &'a Operation) -> Option<Renamed<'a>> {
        match operation {
            Operation::RenameTable { name, new_name } => {
                Some(Renamed { table: name, new_table: new_name, column: None })
            }
            Operation::RenameColumn { table, name, new_name } => {
                Some(Renamed { table, new_table: &table.name, column: Some((name, new_name)) })
            }
            _ => None,
        }
    }

    /// What PostgreSQL calls the primary key, before and after.
    fn primary_key(self) -> (String, String) {
        (primary_key(&self.table.name), primary_key(self.new_table))
    }

    /// What PostgreSQL calls the sequence of a column, before and after.
    fn sequence(self, column: &str) -> (String, String) {
        let new = self.column.filter(|(name, _)| *name == column).map_or(column, |(_, new)| new);
        (sequence(&self.table.name, column), sequence(self.new_table, new))
    }
}

/// The statements that rename what has the old name.
pub(super) async fn ask(connection: &Connection, operation: &Operation) -> Result<Vec<String>> {
    let Some(renamed) = Renamed::by(operation) else { return Ok(Vec::new()) };
    let mut statements = Vec::new();
    for row in connection.query(Statement::read(OWNED, [qualified(renamed.table).into()])).await? {
        let (found, column): (String, Option<String>) = (row.get(0)?, row.get(1)?);
        let (kind, (old, new)) = match &column {
            None => ("INDEX", renamed.primary_key()),
            Some(column) => ("SEQUENCE", renamed.sequence(column)),
        };
        if found != old || old == new {
            continue;
        }
        let taken = Statement::read(IS_TAKEN, [qualified(&renamed.table.beside(&new)).into()]);
        if !connection.query(taken).await?.first().map(|row| row.get(0)).transpose()?.unwrap_or(false) {
            let old = qualified(&renamed.table.beside(&old));
            statements.push(format!("ALTER {kind} {old} RENAME TO {}", quote(&new)));
        }
    }
    Ok(statements)
}

/// The same by what operations have made: what has another name after all stays as it is.
pub(super) fn known(schema: &Schema, operation: &Operation) -> Vec<String> {
    let Some(renamed) = Renamed::by(operation) else { return Vec::new() };
    let Some(table) = schema.table(renamed.table) else { return Vec::new() };
    let key = (!table.primary_key.is_empty()).then(|| ("INDEX", renamed.primary_key()));
    let counting = table.columns.iter().filter(|column| column.identity);
    let sequences = counting.map(|column| ("SEQUENCE", renamed.sequence(&column.name)));
    let found = key.into_iter().chain(sequences).filter(|(_, (old, new))| old != new);
    let rename = |(kind, (old, new)): (&str, (String, String))| {
        let old = qualified(&renamed.table.beside(&old));
        format!("ALTER {kind} IF EXISTS {old} RENAME TO {}", quote(&new))
    };
    found.map(rename).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_as_by_postgresql() {
        let long = "a".repeat(40);
        assert_eq!(primary_key("cars"), "cars_pkey");
        assert_eq!(primary_key(&"ü".repeat(31)), format!("{}_pkey", "ü".repeat(29)));
        assert_eq!(sequence(&long, "id"), format!("{long}_id_seq"));
        assert_eq!(sequence(&long, &"b".repeat(40)), format!("{}_{}_seq", "a".repeat(29), "b".repeat(29)));
        assert_eq!(sequence(&"a".repeat(63), "id"), format!("{}_id_seq", "a".repeat(56)));
    }
}
