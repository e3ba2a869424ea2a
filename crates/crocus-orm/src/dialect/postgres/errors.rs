//! PostgreSQL's errors by their SQLSTATE ("PostgreSQL Error Codes"), and the driver's own.

use std::error::Error as StdError;

use tokio_postgres::error::{DbError, SqlState};

use crate::{Constraint, Error, ErrorKind};

/// What an error of the driver means.
pub(crate) fn from_driver(error: tokio_postgres::Error) -> Error {
    if let Some(refusal) = error.as_db_error() {
        let refusal = refusal.clone();
        return from_server(&refusal).with_source(error);
    }
    // The driver hides the kinds of its own errors; a socket error and a closed connection mean that the server is
    // away, the rest is ours.
    let cause = root(&error);
    if error.is_closed() || cause.is::<std::io::Error>() {
        return Error::new(ErrorKind::Unavailable, format!("the connection to the database is lost: {cause}"));
    }
    let text = error.to_string();
    let kind = match text.as_str() {
        _ if text.starts_with("error serializing parameter") => ErrorKind::InvalidValue,
        _ if text.starts_with("error connecting") || text.contains("timed out") => ErrorKind::Unavailable,
        _ if cause.to_string() == "password missing" => ErrorKind::Authentication,
        _ if text.starts_with("authentication error") => ErrorKind::Authentication,
        _ if text.starts_with("error performing TLS handshake") => ErrorKind::Unavailable,
        _ => ErrorKind::Database,
    };
    let message = match error.source() {
        Some(_) => format!("{text}: {cause}"),
        None => text,
    };
    let message = if kind == ErrorKind::InvalidValue { root(&error).to_string() } else { message };
    Error::new(kind, message)
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
        SqlState::TOO_MANY_CONNECTIONS => ErrorKind::Unavailable,
        // Class 22 is "data exception": a value that the column cannot hold.
        ref code if code.code().starts_with("22") => ErrorKind::InvalidValue,
        // Class 08 is "connection exception", 57P is the server shutting down, starting or recovering.
        ref code if code.code().starts_with("08") || code.code().starts_with("57P") => ErrorKind::Unavailable,
        _ => ErrorKind::Database,
    };
    let mut message = refusal.message().to_owned();
    if let Some(detail) = refusal.detail() {
        message = format!("{message} ({detail})");
    }
    let error = Error::new(kind, message);
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
            None => error,
        },
    }
}

/// Whether a prepared statement no longer fits its table, since the table changed after it was prepared.
pub(crate) fn is_stale_plan(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|refusal| {
        *refusal.code() == SqlState::FEATURE_NOT_SUPPORTED && refusal.message().contains("cached plan")
    })
}

/// Why a value could not be read, without the driver's "error deserializing column 3".
pub(crate) fn decode_cause(error: &tokio_postgres::Error) -> String {
    root(error).to_string()
}

/// The first of an error's causes.
pub(crate) fn root<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause
}
