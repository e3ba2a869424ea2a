//! One migration at a time: each revision's transaction takes the database's one right to write.

use std::collections::BTreeMap;

use crocus_orm::{Connection, Error, ErrorKind, Result, Statement};

/// Rows whose foreign key leads nowhere: their number by the names of the table and of the one referred to.
pub(crate) type BrokenKeys = BTreeMap<(String, String), i64>;

/// Settings for a connection that migrates: a table can be dropped and made again while others refer to it ("ALTER
/// TABLE", 8, step 1). The setting has no effect inside a transaction.
pub(crate) async fn prepare(connection: &Connection) -> Result<()> {
    connection.batch("PRAGMA foreign_keys = OFF").await
}

/// There is nothing to take before a transaction is begun.
pub(crate) async fn try_lock(_: &Connection) -> Result<bool> {
    Ok(true)
}

/// Starts a revision's transaction.
pub(crate) async fn begin(connection: &Connection) -> Result<()> {
    connection.batch("BEGIN IMMEDIATE").await
}

/// Foreign keys are not checked while a revision runs: what it broke is found at its end. What was broken before is
/// not its fault.
pub(crate) async fn settle(connection: &Connection, before: &BrokenKeys) -> Result<()> {
    let after = broken_keys(connection).await?;
    let Some(((table, parent), number)) = after.iter().find(|(key, number)| before.get(key).unwrap_or(&0) < number)
    else {
        return Ok(());
    };
    let text = format!("{number} rows of `{table}` refer to rows that `{parent}` does not have");
    Err(Error::new(ErrorKind::ForeignKeyViolation, text))
}

pub(crate) async fn broken_keys(connection: &Connection) -> Result<BrokenKeys> {
    let sql = "SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check GROUP BY \"table\", parent";
    let rows = connection.query(Statement::read(sql, [])).await?;
    rows.iter().map(|row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?))).collect()
}
