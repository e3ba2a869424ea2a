//! Outside tools that come as Node packages: those of `node/package.json`, in a folder of their own below `target`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;

const FILES: [&str; 3] = ["package.json", "spectral.yaml", "docs.mjs"];

/// Whether there is Node at all.
pub(crate) fn is_installed() -> bool {
    Command::new("npm").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// The folder with the packages, which are installed again where `package.json` changed.
pub(crate) fn packages() -> Result<PathBuf, Failure> {
    if !is_installed() {
        return Err(Failure::new("Node is not installed").hint("install Node 20 or later, with npm"));
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("node");
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/node");
    let failed = || Failure::because(format!("failed to write to `{}`", home.display()));
    fs::create_dir_all(&home).map_err(failed())?;
    let installed = fs::read(home.join("package.json")).ok();
    for file in FILES {
        fs::copy(source.join(file), home.join(file)).map_err(failed())?;
    }
    let is_same = installed == fs::read(source.join("package.json")).ok() && home.join("node_modules/.bin").is_dir();
    if !is_same {
        let options =
            ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", "--loglevel=error"];
        let status = Command::new("npm").args(options).current_dir(&home).status();
        let failed = || Failure::new("`npm install` failed").hint("a package registry must be within reach");
        if !status.is_ok_and(|status| status.success()) {
            // Otherwise the next run would take the packages for installed.
            drop(fs::remove_file(home.join("package.json")));
            return Err(failed());
        }
    }
    fs::canonicalize(&home).map_err(failed())
}
