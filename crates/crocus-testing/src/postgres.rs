//! PostgreSQL: which installation is used, the clusters made from it, and how a server is asked.

pub(crate) mod cluster;
pub(crate) mod installation;
mod keeper;
pub(crate) mod server;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Output, Stdio};

use crate::Error;

/// A command that speaks English and does not see the user's own `PG...` settings, which would send it elsewhere.
fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.as_bytes().starts_with(b"PG") {
            command.env_remove(name);
        }
    }
    command.env("LC_ALL", "C").stdin(Stdio::null());
    command
}

/// The output of a command that succeeded, or what it wrote about its failure.
fn check(program: &str, output: Output) -> Result<Output, Error> {
    if output.status.success() {
        return Ok(output);
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(Error::new(format!("`{program}` failed ({}): {}", output.status, stderr.trim())))
}
