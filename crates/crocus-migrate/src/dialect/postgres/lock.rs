//! One migration at a time: a session's advisory lock, which ends with the connection, however it ends.

use crocus_orm::{Connection, Dialect, Error, ErrorKind, Result, Row, Statement};

/// Any fixed number does; it is the same for every program that migrates this database.
const KEY: i64 = 0x0043_524f_4355_5331;

/// Who holds locks on a table of the current schema, or on any of them.
const HOLDERS: &str = "
SELECT DISTINCT s.pid, COALESCE(NULLIF(s.application_name, ''), 'a program without a name'), s.usename::text,
       COALESCE(s.state, 'in a state that this user may not see'), c.relname::text
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_stat_activity s ON s.pid = l.pid
JOIN pg_catalog.pg_class c ON c.oid = l.relation
WHERE l.granted AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
  AND l.pid <> pg_backend_pid() AND c.relkind IN ('r', 'p')
  AND c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND ($1::text IS NULL OR c.relname = $1)
ORDER BY s.pid, c.relname::text LIMIT 3";

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

/// Undoes what a revision's SQL may have set, so that its record and the next revision are where they belong: a dump
/// of PostgreSQL's empties the search path.
pub(crate) async fn settle(connection: &Connection) -> Result<()> {
    connection.batch("RESET search_path").await
}

/// Whether another session was in the way: a lock was not to be had in time, or the two waited for each other.
pub(crate) fn is_conflict(error: &Error) -> bool {
    error.kind() == ErrorKind::Conflict
}

/// Who is in the way, and what to do. The holder mostly holds on: it is asked after the roll-back.
pub(crate) async fn conflict_hint(connection: &Connection, table: Option<&str>) -> String {
    let holders = Statement::read(HOLDERS, [table.map(str::to_owned).into()]);
    let holders = connection.query(holders).await.unwrap_or_default();
    let holders: Vec<_> = holders.iter().filter_map(|row| holder(row).ok()).collect();
    let who = match holders.as_slice() {
        [] => "another session held a lock on the table".to_owned(),
        several => several.join("; "),
    };
    format!("{who}; nothing of this revision was kept: let the other end, then run the command again")
}

/// `the session 4711 (psql, user ada, idle in transaction) holds a lock on \`cars\``
fn holder(row: &Row) -> Result<String> {
    let (pid, program, user) = (row.get::<i32>(0)?, row.get::<String>(1)?, row.get::<Option<String>>(2)?);
    let (state, table) = (row.get::<String>(3)?, row.get::<String>(4)?);
    let user = user.map(|user| format!(", user {user}")).unwrap_or_default();
    Ok(format!("the session {pid} ({program}{user}, {state}) holds a lock on {}", Dialect::Postgres.quote(&table)))
}
