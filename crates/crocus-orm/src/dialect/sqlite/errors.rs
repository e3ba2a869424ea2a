//! SQLite's errors by their extended result codes, and their messages where only those name the constraint.

use rusqlite::ErrorCode;
use rusqlite::ffi;

use crate::{Constraint, Error, ErrorKind};

/// What the functions of decimals say where a result is no decimal number of theirs.
pub(crate) const DECIMAL_OVERFLOW: &str = "a decimal number does not fit 28 digits";

/// What an error of the driver means.
pub(crate) fn from_driver(error: rusqlite::Error) -> Error {
    let text = error.to_string();
    let (Some(code), message) = parts(&error) else {
        return Error::new(ErrorKind::Database, text).refused().with_source(error);
    };
    let message = message.unwrap_or(text);
    let violated = |kind, what: &str, subject: &str| {
        let constraint = constraint_from(kind, subject);
        let text = match kind {
            ErrorKind::ForeignKeyViolation => "a foreign key does not hold".to_owned(),
            _ => format!("{what}: {subject}"),
        };
        Error::new(kind, text).refused().with_constraint(constraint)
    };
    let subject = message.split_once("constraint failed: ").map_or("", |(_, subject)| subject);
    match code.extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            violated(ErrorKind::UniqueViolation, "a row with this value is there already", subject)
        }
        ffi::SQLITE_CONSTRAINT_CHECK => violated(ErrorKind::CheckViolation, "a check does not hold", subject),
        ffi::SQLITE_CONSTRAINT_NOTNULL => violated(ErrorKind::NotNullViolation, "a value is required", subject),
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => violated(ErrorKind::ForeignKeyViolation, "", subject),
        _ => {
            // A file that cannot be written is told when it is opened: this is a connection that only reads.
            if code.code == ErrorCode::ReadOnly {
                return Error::read_only().refused().with_source(error);
            }
            let kind = match code.code {
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => ErrorKind::Conflict,
                ErrorCode::CannotOpen => ErrorKind::Unavailable,
                ErrorCode::Unknown if is_missing(&message) => ErrorKind::MissingTable,
                ErrorCode::TypeMismatch => ErrorKind::InvalidValue,
                ErrorCode::Unknown if is_unfit(&message) => ErrorKind::InvalidValue,
                _ => ErrorKind::Database,
            };
            let message = match code.code {
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
                    "another program has had the database locked for too long".to_owned()
                }
                ErrorCode::TypeMismatch => "a value cannot be one of the type that is asked for".to_owned(),
                _ => message,
            };
            let is_full = code.code == ErrorCode::DiskFull;
            let error = Error::new(kind, message).refused().with_source(error);
            if is_full { error.with_hint("make room on the disk") } else { error }
        }
    }
}

/// SQLite has one code for every mistake in a statement.
fn is_missing(message: &str) -> bool {
    message.starts_with("no such table")
        || message.starts_with("no such column")
        || message.contains(" has no column named ")
}

/// The same code says that a value is too large for what is made of it.
fn is_unfit(message: &str) -> bool {
    message == "integer overflow" || message == DECIMAL_OVERFLOW || message.starts_with("LIKE or GLOB pattern")
}

/// The same error once more, for another whom it concerns.
pub(super) fn again(error: &rusqlite::Error) -> rusqlite::Error {
    match parts(error) {
        (Some(code), message) => rusqlite::Error::SqliteFailure(code, message),
        (None, _) => rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_ERROR), Some(error.to_string())),
    }
}

fn parts(error: &rusqlite::Error) -> (Option<ffi::Error>, Option<String>) {
    match error {
        rusqlite::Error::SqliteFailure(code, message) => (Some(*code), message.clone()),
        rusqlite::Error::SqlInputError { error, msg, .. } => (Some(*error), Some(msg.clone())),
        _ => (None, None),
    }
}

/// SQLite says `cars.name, cars.model` for a unique constraint and for NOT NULL, `index 'name'` for an index on an
/// expression, and the name for a check.
fn constraint_from(kind: ErrorKind, subject: &str) -> Constraint {
    if kind == ErrorKind::CheckViolation {
        return Constraint { name: Some(subject.to_owned()), ..Constraint::default() };
    }
    if let Some(name) = subject.strip_prefix("index '") {
        return Constraint { name: Some(name.trim_end_matches('\'').to_owned()), ..Constraint::default() };
    }
    let mut constraint = Constraint::default();
    for part in subject.split(", ") {
        if let Some((table, column)) = part.split_once('.') {
            constraint.table = Some(table.to_owned());
            constraint.columns.push(column.to_owned());
        }
    }
    constraint
}
