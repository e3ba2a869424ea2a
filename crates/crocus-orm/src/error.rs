//! The one error type of this crate, and the kinds that callers can ask for.

use std::error::Error as StdError;
use std::fmt;

use crate::statement::{REDACTED, Statement};
use crate::table::TableDef;

/// What to do where a statement may fail and the transaction is to go on.
pub(crate) const SAVEPOINT: &str =
    "run what may fail in a savepoint (`transaction.savepoint()`), and roll that back before you go on";

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong with a database, a statement or a value.
///
/// Its text is one line, without a password. [`kind`](Error::kind) says what a program can do about it, and
/// [`hint`](Error::hint) what a person can.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    /// What the database adds to its message. It quotes values.
    detail: Option<String>,
    /// Whether the database itself refused a statement; the transaction around it has failed then.
    refused: bool,
    /// Which of the statements that were run together failed.
    index: Option<usize>,
    /// Which of the statement's values does not fit.
    value: Option<usize>,
    hint: Option<String>,
    constraint: Option<Constraint>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kinds of [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The database URL cannot be read.
    InvalidUrl,
    /// The server or file cannot be reached or does not answer now. Nothing was changed; trying again may work.
    Unavailable,
    /// The connection was lost while a write was under way: it may have been done, or not.
    OutcomeUnknown,
    /// The server refused the user name or the password, or its certificate is not to be trusted.
    Authentication,
    /// The database that the URL names does not exist.
    MissingDatabase,
    /// The database lacks a table or a column that the statement names.
    MissingTable,
    /// A unique constraint, a unique index or the primary key has such a row already.
    UniqueViolation,
    /// A foreign key points to a row that is not there, or from a row that still is.
    ForeignKeyViolation,
    /// A column that is NOT NULL was given none.
    NotNullViolation,
    /// A check constraint does not hold.
    CheckViolation,
    /// The row is not there, or not any more.
    NotFound,
    /// A query that should give one row gave several.
    MultipleRows,
    /// A value that the column cannot hold.
    InvalidValue,
    /// The database holds something that the model cannot: the two do not describe the same table.
    Mismatch,
    /// Two transactions stood in each other's way; trying the whole again may work.
    Conflict,
    /// An object was changed or deleted by somebody else since it was read: its version is not that of the row.
    StaleObject,
    /// The database stopped the statement, and undid it: it took longer than
    /// [`EngineOptions::statement_timeout`](crate::EngineOptions::statement_timeout), or somebody asked for that.
    Cancelled,
    /// A query that means nothing: it uses a column of a table that it does not read, or something that its dialect
    /// lacks. It was not sent.
    InvalidQuery,
    /// Any other refusal by the database.
    Database,
}

/// The constraint that a statement ran into.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Constraint {
    /// The constraint's or index's name, where the database told it or the model knows it.
    pub name: Option<String>,
    /// The table that has it.
    pub table: Option<String>,
    /// The columns that it is about, in its own order; empty when the database did not tell and no model knows.
    pub columns: Vec<String>,
    /// For a check that a model declares: its expression.
    pub expression: Option<String>,
}

impl Error {
    /// An error of a kind, with its one line of text.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        let message = one_line(message.into());
        Error(Box::new(Inner {
            kind,
            message,
            detail: None,
            refused: false,
            index: None,
            value: None,
            hint: None,
            constraint: None,
            source: None,
        }))
    }

    /// The error for a caller that has waited in vain for a connection.
    pub(crate) fn all_in_use() -> Error {
        Error::new(ErrorKind::Unavailable, "every connection to the database is in use")
            .with_hint("does one task hold a transaction or a stream, and wait for another connection?")
    }

    /// The error for a column of a table that the query does not read.
    pub(crate) fn not_joined(table: &str, column: &str) -> Error {
        let text = format!("the column `{table}`.`{column}` is used in a query that does not read `{table}`");
        Error::new(ErrorKind::InvalidQuery, text).with_hint("join the table, as with `.join(Car::MAKER)`")
    }

    /// The error for a statement that took too long.
    pub(crate) fn statement_timeout() -> Error {
        Error::new(ErrorKind::Cancelled, "the statement took longer than the statement timeout and was stopped")
    }

    /// The error for a commit of what has failed before.
    pub(crate) fn not_committed() -> Error {
        Error::new(ErrorKind::Database, "the transaction was not committed, since a statement in it has failed")
            .with_hint(SAVEPOINT)
    }

    /// The error for a write in a transaction or on a connection that only reads.
    pub(crate) fn read_only() -> Error {
        Error::new(ErrorKind::Database, "the statement writes where only reading is allowed")
            .with_hint("was the statement or its transaction said to read only, or is the server a standby?")
    }

    /// Says that the database itself refused a statement.
    pub(crate) fn refused(mut self) -> Error {
        self.0.refused = true;
        self
    }

    pub(crate) fn is_refusal(&self) -> bool {
        self.0.refused
    }

    /// Says which of the statements that were run together failed, counted from 0.
    pub(crate) fn with_index(mut self, index: usize) -> Error {
        self.0.index = Some(index);
        self
    }

    /// Leaves out which it is of what was run together.
    pub(crate) fn without_index(mut self) -> Error {
        self.0.index = None;
        self
    }

    pub(crate) fn with_detail(mut self, detail: &str) -> Error {
        self.0.detail = Some(one_line(detail.to_owned()));
        self
    }

    /// Names the column of the statement's value that does not fit, and takes out what must not be seen: the sensitive
    /// values of the statement that failed.
    pub(crate) fn redact(mut self, statement: &Statement) -> Error {
        if let Some(place) = self.0.value.take().and_then(|value| statement.place_of(value)) {
            self.0.message = format!("the value for {place} does not fit: {}", self.0.message);
        }
        if statement.values.has_secrets() {
            // Both quote values in forms of the database's own.
            self.0.detail = None;
            self.0.source = None;
            for secret in statement.values.secrets() {
                let in_one_line = secret.split_whitespace().collect::<Vec<_>>().join(" ");
                for form in [secret.replace('\'', "''"), in_one_line.replace('\'', "''"), secret, in_one_line] {
                    if !form.is_empty() {
                        self.0.message = self.0.message.replace(&form, REDACTED);
                    }
                }
            }
        }
        self
    }

    /// Says that this of the statement's values, counted from 0, does not fit.
    pub(crate) fn of_value(mut self, value: usize) -> Error {
        self.0.value = Some(value);
        self
    }

    /// Adds what a person can do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Error {
        self.0.hint = Some(hint.into());
        self
    }

    /// Puts before the text what it is about.
    pub(crate) fn with_subject(mut self, subject: &str) -> Error {
        self.0.message = format!("{subject}: {}", self.0.message);
        self
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        self.0.source = Some(source.into());
        self
    }

    pub(crate) fn with_constraint(mut self, constraint: Constraint) -> Error {
        self.0.constraint = Some(constraint);
        self
    }

    /// Says a lost connection's true meaning for a statement that writes: nobody knows whether it was done.
    pub(crate) fn lost_during_write(mut self) -> Error {
        if self.0.kind == ErrorKind::Unavailable {
            self.0.kind = ErrorKind::OutcomeUnknown;
            self.0.refused = false;
            self.0.message = format!(
                "the outcome of the write is unknown: the connection was lost before the answer ({})",
                self.0.message
            );
        }
        self
    }

    /// The reverse, for a statement inside a transaction: what was not committed was not done.
    pub(crate) fn lost_before_commit(mut self) -> Error {
        if self.0.kind == ErrorKind::OutcomeUnknown && !self.0.refused {
            self.0.kind = ErrorKind::Unavailable;
            self.0.message = "the connection to the database is lost; the transaction was not committed".to_owned();
        }
        self
    }

    /// Says that a write was done although its transaction could not be begun.
    pub(crate) fn written_without_transaction(mut self) -> Error {
        self.0.kind = ErrorKind::OutcomeUnknown;
        self.0.message = format!("the transaction was not begun, and a write was done without it ({})", self.0.message);
        self
    }

    /// Completes what the database said of a constraint with what the model knows: a check's expression and column,
    /// a unique constraint's name, a foreign key's columns.
    pub(crate) fn for_table(mut self, table: &TableDef) -> Error {
        let Some(constraint) = self.0.constraint.as_mut() else {
            return self;
        };
        constraint.table.get_or_insert_with(|| table.name.to_owned());
        if let Some(name) = &constraint.name {
            if let Some(check) = table.checks.iter().find(|check| check.name == *name) {
                constraint.expression = Some(check.expression.to_owned());
                constraint.columns = check.column.iter().map(|name| (*name).to_owned()).collect();
            }
            if let Some(columns) = table.unique_columns(name) {
                constraint.columns = columns;
            }
            // Of another table's key only the name is told: it is not in what this table was given.
            if let Some(key) = table.foreign_keys.iter().find(|key| key.name == *name)
                && constraint.table.as_deref() == Some(table.name)
            {
                constraint.columns = key.columns.iter().map(|column| (*column).to_owned()).collect();
            }
        } else if self.0.kind == ErrorKind::UniqueViolation
            && let Some(name) = table.unique_name(&constraint.columns)
        {
            constraint.name = Some(name);
        }
        self
    }

    /// What kind of error this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The constraint that was violated, for the four kinds of violation.
    pub fn constraint(&self) -> Option<&Constraint> {
        self.0.constraint.as_ref()
    }

    /// Which of the statements that were run together failed, counted from 0:
    /// [`Transaction::query_each`](crate::Transaction::query_each) says it. Of an insert of several rows, which row is
    /// refused: [`DynamicInsert::written`](crate::dynamic::DynamicInsert::written) says it.
    pub fn index(&self) -> Option<usize> {
        self.0.index
    }

    /// Whether the row was not there.
    pub fn is_not_found(&self) -> bool {
        self.0.kind == ErrorKind::NotFound
    }

    /// Whether the database is away: unreachable, or lost before anything was changed.
    pub fn is_unavailable(&self) -> bool {
        self.0.kind == ErrorKind::Unavailable
    }
}

/// A database quotes values, and those may have several lines.
fn one_line(text: String) -> String {
    if text.contains(['\n', '\r']) { text.split_whitespace().collect::<Vec<_>>().join(" ") } else { text }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match &self.0.detail {
            Some(detail) => write!(f, " ({detail})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.to_string())
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| &**source as _)
    }
}
