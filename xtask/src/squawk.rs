//! `cargo xtask squawk`: the SQL that migrations send to PostgreSQL, before a linter for such SQL.

use crate::failure::Failure;
use crate::{cargo, postgres, python};

/// The release whose findings `docs/reference/squawk.md` answers.
const PACKAGE: &str = "squawk-cli==2.70.0";

/// Runs squawk over the SQL of all cases.
pub(crate) fn run() -> Result<(), Failure> {
    postgres::ensure_installed()?;
    let python = python::with(&[PACKAGE])?;
    let status = cargo()
        .args(["test", "-p", "crocus-migrate", "--test", "squawk", "--", "--ignored", "--nocapture"])
        .env("SQUAWK", python.with_file_name("squawk"))
        .status()
        .map_err(Failure::because("failed to run `cargo test`"))?;
    Failure::unless(status, "squawk finds what is not answered")
}
