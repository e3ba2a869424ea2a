//! One migration at a time: each revision's transaction takes the database's one right to write.

use crocus_orm::{Connection, Error, ErrorKind, Result, Statement};

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

/// Checks what can only be known at a revision's end: that every foreign key has its row.
pub(crate) async fn verify(connection: &Connection) -> Result<()> {
    let broken =
        connection.query(Statement::read("SELECT \"table\", rowid, parent FROM pragma_foreign_key_check", [])).await?;
    let Some(row) = broken.first() else { return Ok(()) };
    let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
    let row = row.get::<Option<i64>>(1)?.map(|rowid| format!(" (rowid {rowid})")).unwrap_or_default();
    let text = format!("a row of `{table}`{row} refers to a row that `{parent}` does not have");
    Err(Error::new(ErrorKind::ForeignKeyViolation, text))
}
