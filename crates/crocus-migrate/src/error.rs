//! The one error type of this crate.

use std::error::Error as StdError;
use std::fmt;

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong with a migration.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kinds of [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The history of revisions has a gap, a fork or a cycle.
    History,
    /// No such revision, or several that the name fits.
    Revision,
    /// What shall be renamed is not there.
    Rename,
    /// A step cannot be undone.
    Irreversible,
    /// A step loses data, and nobody has acknowledged it. Nothing was run.
    Unacknowledged,
    /// A step failed; its revision left no trace.
    Step,
    /// Another program is migrating the database and does not come to an end.
    Locked,
    /// A file or a folder cannot be read or written.
    Folder,
    /// The database, as [`source`](StdError::source) says.
    Database,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Box::new(Inner { kind, message: message.into(), hint: None, source: None }))
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Error {
        self.0.hint = Some(hint.into());
        self
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        self.0.source = Some(source.into());
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
}

impl From<crocus_orm::Error> for Error {
    fn from(error: crocus_orm::Error) -> Error {
        let hint = error.hint().map(str::to_owned);
        let mut converted = Error::new(ErrorKind::Database, error.to_string()).with_source(error);
        converted.0.hint = hint;
        converted
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error").field("kind", &self.0.kind).field("message", &self.0.message).finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        // A database's error is this error: its own causes follow.
        let source = self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static));
        if self.0.kind == ErrorKind::Database { source.and_then(StdError::source) } else { source }
    }
}
