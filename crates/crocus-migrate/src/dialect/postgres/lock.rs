//! One migration at a time: a session's advisory lock, which ends with the connection, however it ends.

use std::time::Duration;

use crocus_orm::{Connection, Dialect, Error, ErrorKind, Result, Row, Statement};

use crate::schema::TableName;

/// Any fixed number does; it is the same for every program that migrates this database.
const KEY: i64 = 0x0043_524f_4355_5331;

/// Who holds locks on a table, or on any of its schema.
const HOLDERS: &str = "
SELECT DISTINCT s.pid, COALESCE(NULLIF(s.application_name, ''), 'a program without a name'), s.usename::text,
       COALESCE(s.state, 'in a state that this user may not see'), c.relname::text
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_stat_activity s ON s.pid = l.pid
JOIN pg_catalog.pg_class c ON c.oid = l.relation
WHERE l.granted AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
  AND l.pid <> pg_backend_pid() AND c.relkind IN ('r', 'p')
  AND c.relnamespace = to_regnamespace(quote_ident(COALESCE($2::text, current_schema()))) AND ($1::text IS NULL OR c.relname = $1)
ORDER BY s.pid, c.relname::text LIMIT 3";

/// Whom a session waits for.
const BLOCKERS: &str = "
SELECT s.pid, COALESCE(NULLIF(s.application_name, ''), 'a program without a name'), s.usename::text,
       COALESCE(s.state, 'in a state that this user may not see')
FROM pg_catalog.pg_stat_activity s WHERE s.pid = ANY (pg_blocking_pids($1::integer)) ORDER BY s.pid LIMIT 3";

/// Whether this session has the lock still.
const HELD: &str = "
SELECT EXISTS (SELECT FROM pg_catalog.pg_locks
               WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid() AND objsubid = 1
                 AND classid::bigint = $1::bigint >> 32 AND objid::bigint = $1::bigint & 4294967295)";

/// How long the building of an index may wait for transactions that began before it: nobody waits for it meanwhile.
const LIMIT_WITHOUT_BLOCKING: Duration = Duration::from_secs(600);

/// Settings for a connection that migrates.
pub(crate) async fn prepare(connection: &Connection) -> Result<()> {
    connection.batch("SET client_min_messages = warning").await
}

/// From here on, no lock is waited for longer.
pub(crate) async fn limit(connection: &Connection, limit: Duration) -> Result<()> {
    connection.batch(&limit_sql(limit)).await
}

/// [`limit`], for a script.
pub(crate) fn limit_sql(limit: Duration) -> String {
    // Zero would be no limit.
    format!("SET lock_timeout = {}", limit.as_millis().max(1))
}

/// [`limit_without_blocking`], for a script.
pub(crate) fn limit_without_blocking_sql() -> String {
    limit_sql(LIMIT_WITHOUT_BLOCKING)
}

/// What waits for the lock, for a script.
pub(crate) fn wait_sql() -> String {
    format!("DO $$ BEGIN PERFORM pg_advisory_lock({KEY}); END $$")
}

/// What gives the lock up, for a script whose session goes on.
pub(crate) fn release_sql() -> String {
    format!("DO $$ BEGIN PERFORM pg_advisory_unlock({KEY}); END $$")
}

/// The same for what does not keep others out while it waits.
pub(crate) async fn limit_without_blocking(connection: &Connection) -> Result<()> {
    limit(connection, LIMIT_WITHOUT_BLOCKING).await
}

/// Takes the lock if it is free.
pub(crate) async fn try_lock(connection: &Connection) -> Result<bool> {
    let rows = connection.query(Statement::write("SELECT pg_try_advisory_lock($1)", [KEY.into()])).await?;
    rows[0].get(0)
}

/// Starts a transaction of a revision.
///
/// The lock is the session's. A pooler that gives each transaction another one has lost it, and so has SQL that ends
/// all locks.
pub(crate) async fn begin(connection: &Connection) -> Result<()> {
    connection.batch("BEGIN").await?;
    let rows = connection.query(Statement::write(HELD, [KEY.into()])).await?;
    if rows[0].get(0)? {
        return Ok(());
    }
    let text = "the lock that keeps two migrations apart is lost: the connection does not keep its session";
    Err(Error::new(ErrorKind::Unavailable, text).with_hint(
        "is there a pooler between, such as PgBouncer with `pool_mode = transaction`? migrate with the URL of the server \
         itself; `DISCARD ALL` and `pg_advisory_unlock_all()` in a migration's SQL do the same",
    ))
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

/// Who is in the way. The holder mostly holds on: it is asked after the roll-back.
pub(crate) async fn holders(connection: &Connection, table: Option<&TableName>) -> String {
    let schema = table.and_then(|table| table.schema.clone());
    let holders = Statement::read(HOLDERS, [table.map(|table| table.name.clone()).into(), schema.into()]);
    let holders = connection.query(holders).await.unwrap_or_default();
    let holders: Vec<_> = holders.iter().filter_map(|row| holder(row).ok()).collect();
    match holders.as_slice() {
        [] => "another session held a lock on the table".to_owned(),
        several => several.join("; "),
    }
}

/// The number by which another session can ask for this one.
pub(crate) async fn session(connection: &Connection) -> Result<i32> {
    connection.query(Statement::read("SELECT pg_backend_pid()", [])).await?[0].get(0)
}

/// Whom a session waits for at this moment, if it waits. Another one has to ask.
pub(crate) async fn blockers(connection: &Connection, session: i32) -> Result<Option<String>> {
    let blockers = connection.query(Statement::read(BLOCKERS, [session.into()])).await?;
    let blockers = blockers.iter().map(in_words).collect::<Result<Vec<_>>>()?;
    Ok((!blockers.is_empty()).then(|| blockers.join("; ")))
}

/// `the session 4711 (psql, user ada, idle in transaction) holds a lock on \`cars\``
fn holder(row: &Row) -> Result<String> {
    Ok(format!("{} holds a lock on {}", in_words(row)?, Dialect::Postgres.quote(&row.get::<String>(4)?)))
}

/// `the session 4711 (psql, user ada, idle in transaction)`
fn in_words(row: &Row) -> Result<String> {
    let (pid, program, user) = (row.get::<i32>(0)?, row.get::<String>(1)?, row.get::<Option<String>>(2)?);
    let user = user.map(|user| format!(", user {user}")).unwrap_or_default();
    Ok(format!("the session {pid} ({program}{user}, {})", row.get::<String>(3)?))
}
