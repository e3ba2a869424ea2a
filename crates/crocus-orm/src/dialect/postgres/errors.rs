//! PostgreSQL's errors by their SQLSTATE ("PostgreSQL Error Codes"), and the driver's own.

use std::error::Error as StdError;

use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::types::WasNull;

use crate::{Constraint, Error, ErrorKind};

/// What a person can do when nobody answers.
pub(crate) const NOT_RUNNING: &str = "is the server running, and are the host and the port right?";

/// What a person can do about a refusal.
const NOT_ALLOWED: &str =
    "the user of the database URL may not do this: connect as one who may, such as the owner of the tables";

/// What a person can do where prepared statements come and go.
const NOT_KEPT: &str = "is there a pooler between that gives each transaction another session, such as PgBouncer with \
                        `pool_mode = transaction`? use `pool_mode = session`, or the URL of the server itself";

/// What an error of the driver means.
pub(crate) fn from_driver(error: tokio_postgres::Error) -> Error {
    if let Some(refusal) = error.as_db_error() {
        let refusal = refusal.clone();
        return from_server(&refusal).refused().with_source(error);
    }
    // The driver hides the kinds of its own errors, and tells them in its texts only.
    let text = error.to_string();
    let cause = root(&error);
    if let Some(parameter) = text.strip_prefix("error serializing parameter ") {
        let index = parameter.split(':').next().and_then(|index| index.parse().ok());
        let error = Error::new(ErrorKind::InvalidValue, cause.to_string());
        return match index {
            Some(index) => error.of_value(index),
            None => error,
        };
    }
    if text.starts_with("error encoding message") {
        return Error::new(ErrorKind::InvalidValue, format!("the statement cannot be sent: {cause}"));
    }
    // A socket error and a closed connection mean that the server is away.
    if error.is_closed() || cause.is::<std::io::Error>() {
        return Error::new(ErrorKind::Unavailable, format!("the connection to the database is lost: {cause}"));
    }
    Error::new(ErrorKind::Database, if error.source().is_some() { format!("{text}: {cause}") } else { text })
}

/// What an error of the driver means when it is connecting: its kind, and the reason alone.
pub(crate) fn from_connecting(error: tokio_postgres::Error) -> Error {
    if error.as_db_error().is_some() {
        return from_driver(error);
    }
    let text = error.to_string();
    let cause = root(&error).to_string();
    if text.starts_with("authentication error") || cause == "password missing" {
        return Error::new(ErrorKind::Authentication, cause);
    }
    if cause == "server does not support TLS" {
        return Error::new(ErrorKind::Unavailable, "the server does not offer TLS")
            .with_hint("`sslmode=prefer` does without when it must, `sslmode=disable` always");
    }
    let cause = if cause == "connection closed" { "the server closed the connection".to_owned() } else { cause };
    Error::new(ErrorKind::Unavailable, cause).with_hint(NOT_RUNNING)
}

fn from_server(refusal: &DbError) -> Error {
    let code = refusal.code();
    let kind = match *code {
        SqlState::UNIQUE_VIOLATION | SqlState::EXCLUSION_VIOLATION => ErrorKind::UniqueViolation,
        SqlState::FOREIGN_KEY_VIOLATION | SqlState::RESTRICT_VIOLATION => ErrorKind::ForeignKeyViolation,
        SqlState::NOT_NULL_VIOLATION => ErrorKind::NotNullViolation,
        SqlState::CHECK_VIOLATION => ErrorKind::CheckViolation,
        SqlState::UNDEFINED_TABLE | SqlState::UNDEFINED_COLUMN | SqlState::INVALID_SCHEMA_NAME => {
            ErrorKind::MissingTable
        }
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => ErrorKind::Authentication,
        SqlState::INVALID_CATALOG_NAME => ErrorKind::MissingDatabase,
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED | SqlState::LOCK_NOT_AVAILABLE => {
            ErrorKind::Conflict
        }
        // Also what somebody has stopped with `pg_cancel_backend`: the message says which, in the server's language.
        SqlState::QUERY_CANCELED => ErrorKind::Cancelled,
        SqlState::TOO_MANY_CONNECTIONS => ErrorKind::Unavailable,
        // Class 22 is "data exception": a value that the column cannot hold.
        ref code if code.code().starts_with("22") => ErrorKind::InvalidValue,
        // What a full-text search is given: words that it cannot read, and a language that it does not have.
        _ if refusal.file().is_some_and(is_of_a_search) => ErrorKind::InvalidValue,
        SqlState::UNDEFINED_OBJECT if refusal.routine() == Some("get_ts_config_oid") => ErrorKind::InvalidValue,
        // A statement that is against the protocol will be so again.
        SqlState::PROTOCOL_VIOLATION => ErrorKind::Database,
        // Class 08 is "connection exception", 57P is the server shutting down, starting or recovering.
        ref code if code.code().starts_with("08") || code.code().starts_with("57P") => ErrorKind::Unavailable,
        _ => ErrorKind::Database,
    };
    if *code == SqlState::READ_ONLY_SQL_TRANSACTION {
        return Error::read_only();
    }
    // The detail of these two is the whole row, with values that are nobody's business.
    let is_row = matches!(kind, ErrorKind::NotNullViolation | ErrorKind::CheckViolation);
    let mut error = Error::new(kind, refusal.message());
    if let Some(detail) = refusal.detail().filter(|_| !is_row) {
        error = error.with_detail(detail);
    }
    match kind {
        ErrorKind::UniqueViolation
        | ErrorKind::ForeignKeyViolation
        | ErrorKind::NotNullViolation
        | ErrorKind::CheckViolation => error.with_constraint(Constraint {
            name: refusal.constraint().map(str::to_owned),
            table: refusal.table().map(str::to_owned),
            columns: refusal.column().map(str::to_owned).into_iter().collect(),
            expression: None,
        }),
        _ => match refusal.hint() {
            Some(hint) => error.with_hint(hint),
            None if *code == SqlState::INSUFFICIENT_PRIVILEGE => error.with_hint(NOT_ALLOWED),
            // A prepared statement is its connection's, and each has another name.
            None if [SqlState::DUPLICATE_PSTATEMENT, SqlState::INVALID_SQL_STATEMENT_NAME].contains(code) => {
                error.with_hint(NOT_KEPT)
            }
            None => error,
        },
    }
}

/// Whether the words of a search are read there. The codes say no more than "syntax error" or "internal error".
fn is_of_a_search(file: &str) -> bool {
    file.ends_with("tsquery.c") || file.ends_with("tsvector_parser.c")
}

/// Whether a prepared statement no longer fits its table, since the table changed after it was prepared.
pub(crate) fn is_stale_plan(error: &tokio_postgres::Error) -> bool {
    // The code says no more than "feature not supported", and the message is in the server's language.
    error.as_db_error().is_some_and(|refusal| {
        *refusal.code() == SqlState::FEATURE_NOT_SUPPORTED && refusal.routine() == Some("RevalidateCachedQuery")
    })
}

/// Whether the transaction had failed before: the server does nothing more in it.
pub(crate) fn is_in_failed_transaction(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&SqlState::IN_FAILED_SQL_TRANSACTION)
}

/// Whether the server itself does not know what became of the statement.
pub(crate) fn is_outcome_unknown(refusal: &DbError) -> bool {
    [SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN, SqlState::TRANSACTION_RESOLUTION_UNKNOWN].contains(refusal.code())
}

/// Why a value could not be read, without the driver's "error deserializing column 3".
pub(crate) fn decode_cause(error: &tokio_postgres::Error) -> String {
    let cause = root(error);
    if cause.is::<WasNull>() { "it is NULL".to_owned() } else { cause.to_string() }
}

fn root<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause
}
