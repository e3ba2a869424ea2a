//! Which foreign key it is that does not hold. SQLite says that one does not, and undoes the statement alone: so the
//! connection can be asked for the rows that the statement's own refer to.

use super::{errors, types};
use crate::statement::{Statement, Written};
use crate::table::{ForeignKeyDef, TableDef};
use crate::value::{Value, by_type};
use crate::{Constraint, Dialect, Error, ErrorKind, Result};

/// Names the foreign key in the error of a statement, where it is one of the table's that it writes. Where none of them
/// is broken, rows of another table refer to what the statement changes.
pub(super) fn named(connection: &rusqlite::Connection, statement: &Statement, error: Error) -> Error {
    let Some(written) = statement.written().filter(|_| error.kind() == ErrorKind::ForeignKeyViolation) else {
        return error;
    };
    let broken = written.table.foreign_keys.iter().find(|key| {
        // Where it cannot be asked, the error stays what it is.
        is_broken(connection, statement, written, key).unwrap_or(false)
    });
    match broken {
        Some(key) => error.with_constraint(Constraint {
            name: Some(key.name.to_owned()),
            table: Some(written.table.name.to_owned()),
            columns: key.columns.iter().map(|column| (*column).to_owned()).collect(),
            expression: None,
        }),
        None => error,
    }
}

/// Whether a row of the statement refers by this key to a row that is not there.
fn is_broken(
    connection: &rusqlite::Connection,
    statement: &Statement,
    written: &Written,
    key: &ForeignKeyDef,
) -> Result<bool> {
    let target = (key.target)();
    // Rows that refer to each other were all undone.
    if target == written.table && written.rows > 1 {
        return Ok(false);
    }
    let place = |name: &&str| written.columns.iter().position(|column| written.table.columns[*column].name == *name);
    let Some(places) = key.columns.iter().map(place).collect::<Option<Vec<_>>>() else { return Ok(false) };
    let mut find = connection.prepare(&find(target)).map_err(errors::from_driver)?;
    for row in statement.values.chunks(written.columns.len().max(1)).take(written.rows) {
        let values: Option<Vec<&Value>> = places.iter().map(|place| row.get(*place)).collect();
        let Some(values) = values.filter(|values| !values.iter().any(|value| by_type::is_null(value))) else {
            continue;
        };
        let values = values.into_iter().map(types::to_sqlite).collect::<Result<Vec<_>>>()?;
        if !find.exists(rusqlite::params_from_iter(values)).map_err(errors::from_driver)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A query for the row with a key.
fn find(table: &TableDef) -> String {
    let quote = |name: &str| Dialect::Sqlite.quote(name);
    let key: Vec<_> = table.primary_key().map(|column| format!("{} = ?", quote(column.name))).collect();
    format!("SELECT 1 FROM {} WHERE {}", quote(table.name), key.join(" AND "))
}
