//! Outside tools that come as Python packages, in an environment of their own below `target`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;

/// The interpreter of an environment that has these packages, which are installed once.
pub(crate) fn with(packages: &[&str]) -> Result<PathBuf, Failure> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/python");
    let python = home.join("bin/python");
    if !python.is_file() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
    }
    let missing = |package: &&&str| {
        let name = package.split(['[', '=']).next().unwrap_or_default();
        let known = Command::new(&python).args(["-m", "pip", "show", "--quiet", name]).output();
        !known.is_ok_and(|output| output.status.success())
    };
    let missing: Vec<_> = packages.iter().filter(missing).collect();
    if !missing.is_empty() {
        let options = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        run(Command::new(&python).args(options).args(missing))?;
    }
    Ok(python)
}

fn run(command: &mut Command) -> Result<(), Failure> {
    let shown = format!("{command:?}");
    let status = command.status().map_err(Failure::because(format!("failed to run {shown}")))?;
    Failure::unless(status, format!("{shown} failed"))
        .map_err(|failure| failure.hint("Python 3 with `venv` is needed, and a package index that it can reach"))
}
