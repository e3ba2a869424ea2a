//! Outside tools that come as Python packages, in an environment of their own below `target`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;

/// Whether there is Python at all.
pub(crate) fn is_installed() -> bool {
    Command::new("python3").args(["-c", "import venv"]).output().is_ok_and(|output| output.status.success())
}

/// The interpreter of an environment of this name that has exactly what a file of requirements lists, with their hashes.
pub(crate) fn with_requirements(name: &str, requirements: &Path) -> Result<PathBuf, Failure> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target").join(name);
    let python = home.join("bin/python");
    let installed = home.join("requirements.txt");
    if !python.is_file() || fs::read(&installed).ok() != fs::read(requirements).ok() {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))?;
        let options = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r"];
        run(Command::new(&python).args(options).arg(requirements))?;
        fs::copy(requirements, &installed).map_err(Failure::because("failed to note what is installed"))?;
    }
    Ok(python)
}

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
