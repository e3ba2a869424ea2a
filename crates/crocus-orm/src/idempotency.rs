//! Answers that are kept with the writes that they are about, so that a client which did not get one can ask again.
//!
//! They are in a table of each database, `crocus_idempotency_keys`, which is made when the first one is kept. What an
//! answer is, and what tells one request from another, the caller knows.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::{Dialect, Engine, ErrorKind, Result, Statement, Transaction};

/// How long an answer is kept.
pub const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

const CREATE: &str = "CREATE TABLE IF NOT EXISTS crocus_idempotency_keys (\
                      key text NOT NULL PRIMARY KEY, request text NOT NULL, answer text NOT NULL, kept_at bigint NOT NULL)";
const FIND: &str = "SELECT request, answer FROM crocus_idempotency_keys WHERE key = $1 AND kept_at > $2";
const KEEP: &str = "INSERT INTO crocus_idempotency_keys (key, request, answer, kept_at) VALUES ($1, $2, $3, $4)";
const FORGET: &str = "DELETE FROM crocus_idempotency_keys WHERE key = $1 OR kept_at <= $2";

/// PostgreSQL: false where another transaction has the key. SQLite needs no lock: there is one that writes.
const LOCK: &str = "SELECT pg_try_advisory_xact_lock(hashtextextended('crocus_idempotency_keys ' || $1::text, 0))";

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Nothing: the request is to be done, and its answer to be [kept](keep).
    New,
    /// Another transaction is doing it.
    InFlight,
    /// It was done.
    Done {
        /// What told the request from others.
        request: String,
        /// The answer.
        answer: String,
    },
}

/// Makes the table, if it is not there.
///
/// # Errors
/// When the database does not answer, or the user may not make tables.
pub async fn prepare(engine: &Engine) -> Result<()> {
    match engine.execute(Statement::write(CREATE, [])).await {
        // Another program made it at the same time: PostgreSQL tells by an entry in its catalogues.
        Err(error) if error.kind() == ErrorKind::UniqueViolation => engine.execute(Statement::write(CREATE, [])).await,
        made => made,
    }
    .map(drop)
}

/// Looks whether the request with a key was done, and keeps others from doing it until the transaction ends.
///
/// # Errors
/// When the database does not answer.
pub async fn look(transaction: &Transaction, key: &str) -> Result<Known> {
    if transaction.dialect() == Dialect::Postgres {
        let rows = transaction.query(Statement::write(LOCK, [key.into()])).await?;
        if !rows.first().map_or(Ok(false), |row| row.get(0))? {
            return Ok(Known::InFlight);
        }
    }
    // The right to write, on SQLite: nobody else looks meanwhile.
    let rows = transaction.query(Statement::write(FIND, [key.into(), oldest().into()])).await?;
    match rows.first() {
        Some(row) => Ok(Known::Done { request: row.get(0)?, answer: row.get(1)? }),
        None => Ok(Known::New),
    }
}

/// Keeps the answer to a request, and forgets those that are a day old.
///
/// # Errors
/// When the database does not answer.
pub async fn keep(transaction: &Transaction, key: &str, request: &str, answer: &str) -> Result<()> {
    transaction.execute(Statement::write(FORGET, [key.into(), oldest().into()])).await?;
    let values = [key.into(), request.into(), answer.into(), seconds(SystemTime::now()).into()];
    transaction.execute(Statement::write(KEEP, values)).await.map(drop)
}

fn oldest() -> i64 {
    seconds(SystemTime::now() - KEPT)
}

/// Seconds since 1970.
fn seconds(at: SystemTime) -> i64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
