//! Debian's packages, where this user may install them.

use std::path::Path;
use std::process::Command;

use crate::failure::Failure;

/// Whether packages can be installed: by root, on a system that has `apt-get`.
pub(crate) fn can_install() -> bool {
    let id = Command::new("id").arg("-u").output();
    let is_root = id.is_ok_and(|id| id.stdout.trim_ascii() == b"0");
    is_root && Path::new("/usr/bin/apt-get").exists()
}

/// Installs a package, and says so.
pub(crate) fn install(package: &str) -> Result<(), Failure> {
    println!("Installing Debian's package `{package}`");
    apt_get(&["update"])?;
    apt_get(&["install", "--yes", "--no-install-recommends", package])
}

fn apt_get(arguments: &[&str]) -> Result<(), Failure> {
    let name = format!("apt-get {}", arguments[0]);
    let status = Command::new("apt-get")
        .arg("--quiet")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .status()
        .map_err(Failure::because(format!("failed to run `{name}`")))?;
    Failure::unless(status, format!("`{name}` failed"))
}
