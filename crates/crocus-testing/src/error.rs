//! The crate's one error type.

use std::fmt;
use std::io;

/// Why a throwaway database could not be made, asked or stopped.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    source: Option<io::Error>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    NotInstalled,
    PortTaken,
    Other,
}

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::with_kind(Kind::Other, message)
    }

    pub(crate) fn with_kind(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// For `map_err`: puts what was being done in front of the operating system's reason.
    pub(crate) fn io(message: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { kind: Kind::Other, message: message.into(), source: Some(source) }
    }

    /// Whether no PostgreSQL server is installed where it was looked for.
    pub fn is_not_installed(&self) -> bool {
        self.kind == Kind::NotInstalled
    }

    pub(crate) fn is_port_taken(&self) -> bool {
        self.kind == Kind::PortTaken
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}
