//! One migration at a time: a session's advisory lock, which ends with the connection, however it ends.

use crocus_orm::{Connection, Result, Statement};

/// Any fixed number does; it is the same for every program that migrates this database.
const KEY: i64 = 0x0043_524f_4355_5331;

/// Settings for a connection that migrates: no lock is waited for without an end.
pub(crate) async fn prepare(connection: &Connection) -> Result<()> {
    connection.batch("SET lock_timeout = '5s'; SET client_min_messages = warning").await
}

/// Takes the lock if it is free.
pub(crate) async fn try_lock(connection: &Connection) -> Result<bool> {
    let rows = connection.query(Statement::write("SELECT pg_try_advisory_lock($1)", [KEY.into()])).await?;
    rows[0].get(0)
}

/// Starts a revision's transaction.
pub(crate) async fn begin(connection: &Connection) -> Result<()> {
    connection.batch("BEGIN").await
}

/// Checks what can only be known at a revision's end. PostgreSQL has checked everything by then.
pub(crate) async fn verify(_: &Connection) -> Result<()> {
    Ok(())
}
