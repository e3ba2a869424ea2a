//! Identity columns whose values are given: the sequence behind one goes on after them, as SQLite's numbers do by themselves.

use crate::model::Assignments;
use crate::statement::Statement;
use crate::table::TableDef;
use crate::{Dialect, Value};

/// Moves the sequence of a column forward to a number, and gives no rows. One that is further already stays, and so does one
/// that this user may not set. It is not undone with the transaction, as nothing about a sequence is.
///
/// `pg_sequence_last_value` is NULL as long as the sequence has given no number.
const MOVE: &str = "SELECT 1 FROM (SELECT pg_get_serial_sequence($1, $2)::regclass AS oid) AS it
    JOIN pg_catalog.pg_sequence ON seqrelid = it.oid
    WHERE CASE WHEN has_sequence_privilege(it.oid, 'UPDATE') AND has_sequence_privilege(it.oid, 'USAGE, SELECT')
        AND $3 > coalesce(pg_sequence_last_value(it.oid), seqstart - 1) AND $3 <= seqmax AND seqincrement > 0
    THEN setval(it.oid, $3) IS NULL END";

/// What is to be done before these rows are inserted, where they bring values of the identity column themselves.
pub(crate) fn moves(table: &'static TableDef, rows: &[Assignments]) -> Option<Statement> {
    let (index, column) = table.columns.iter().enumerate().find(|(_, column)| column.identity)?;
    let given = rows.iter().flatten().filter(|(given, _)| *given == index);
    let largest = given.filter_map(|(_, value)| number(value)).max()?;
    let quote = |name: &str| Dialect::Postgres.quote(name);
    let name = match table.schema {
        Some(schema) => format!("{}.{}", quote(schema), quote(table.name)),
        None => quote(table.name),
    };
    Some(Statement::write(MOVE, [Value::from(name), Value::from(column.name), Value::from(largest)]))
}

fn number(value: &Value) -> Option<i64> {
    match value {
        Value::SmallInt(number) => number.map(Into::into),
        Value::Int(number) => number.map(Into::into),
        Value::BigInt(number) => *number,
        _ => None,
    }
}
