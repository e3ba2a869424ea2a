//! How a command fails: what, why, what to do, and with which exit code.

use std::error::Error;
use std::process::{ExitCode, ExitStatus};

const USAGE: u8 = 2;

/// A failed command. Exit code 2 is for wrong usage.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    causes: Vec<String>,
    hint: Option<String>,
    code: u8,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), causes: Vec::new(), hint: None, code: 1 }
    }

    pub(crate) fn usage(message: impl Into<String>, hint: &str) -> Self {
        Self { code: USAGE, ..Self::new(message).hint(hint) }
    }

    /// For `map_err`.
    pub(crate) fn because<E: Error>(message: impl Into<String>) -> impl FnOnce(E) -> Self {
        move |error| {
            let mut failure = Self::new(message);
            let mut next: Option<&dyn Error> = Some(&error);
            while let Some(cause) = next {
                failure.causes.push(cause.to_string());
                next = cause.source();
            }
            failure
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names the step of a longer command that failed.
    pub(crate) fn in_step(mut self, step: &str) -> Self {
        self.message = format!("step `{step}` failed: {}", self.message);
        self
    }

    /// The outcome of another program, whose exit code becomes ours. One that a signal ended has none.
    pub(crate) fn unless(status: ExitStatus, message: impl Into<String>) -> Result<(), Self> {
        if status.success() {
            return Ok(());
        }
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        Err(Self { code: code.unwrap_or(1), ..Self::new(message) })
    }

    pub(crate) fn report(self) -> ExitCode {
        eprintln!("error: {}", self.message);
        for cause in &self.causes {
            eprintln!("cause: {cause}");
        }
        if let Some(hint) = &self.hint {
            eprintln!("hint: {hint}");
        }
        ExitCode::from(self.code)
    }

    #[cfg(test)]
    pub(crate) fn is_usage(&self) -> bool {
        self.code == USAGE
    }
}
