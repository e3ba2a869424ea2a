//! Errors of the command line: what, the causes, then what to do.

use std::error::Error as StdError;
use std::fmt::Write;

use crocus_migrate::ErrorKind as MigrateKind;
use crocus_orm::ErrorKind as OrmKind;

/// The result of a command.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// An error as it is shown: lines of text, without a password.
#[derive(Debug)]
pub(crate) struct Error {
    message: String,
    hint: Option<String>,
}

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Error {
        Error { message: message.into(), hint: None }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Error {
        self.hint = Some(hint.into());
        self
    }

    /// What went wrong, without what to do.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// What to do.
    pub(crate) fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// `error: what: cause`, then `hint: what to do`.
    pub(crate) fn render(&self) -> String {
        let mut text = format!("error: {}\n", self.message);
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "hint: {hint}");
        }
        text
    }

    /// An error of a database, where the command that helps is known.
    pub(crate) fn of_database(error: &crocus_orm::Error, program: &str) -> Error {
        let hint = match error.kind() {
            OrmKind::MissingDatabase => Some(format!("create it with `{program} db create`")),
            OrmKind::MissingTable => Some(format!("bring the database up to date with `{program} db upgrade`")),
            _ => error.hint().map(str::to_owned),
        };
        Error { message: error.to_string(), hint }
    }

    /// An error of a migration, with its causes.
    pub(crate) fn of_migration(error: &crocus_migrate::Error, program: &str) -> Error {
        if error.kind() == MigrateKind::Database {
            return Error { message: error.to_string(), hint: error.hint().map(|hint| named(hint, program)) };
        }
        let mut message = error.to_string();
        let mut cause = error.source();
        // A database's error repeats its driver's: one level tells it all.
        if let Some(source) = cause.take() {
            let _ = write!(message, ": {source}");
        }
        Error { message, hint: error.hint().map(|hint| named(hint, program)) }
    }
}

/// The libraries say `db init`; the program is called by its name.
fn named(hint: &str, program: &str) -> String {
    hint.replace("`db ", &format!("`{program} db "))
}
