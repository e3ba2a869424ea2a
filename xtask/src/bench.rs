//! `cargo xtask bench`: what the benchmarks need, and running them. That of import has a file of its own.

pub(crate) mod import;

use std::path::{Path, PathBuf};
use std::process::Command;

use crocus_testing::Cluster;

use crate::failure::Failure;
use crate::{cargo, debian, postgres, python};

/// Times the migration commands beside Alembic's, on a throwaway server.
pub(crate) fn migrations() -> Result<(), Failure> {
    postgres::ensure_installed()?;
    let python = python::with(&["alembic", "sqlalchemy", "psycopg[binary]"])?;
    let folder = bench();
    let build = cargo()
        .args(["build", "--release", "--package", "bench-migrations", "--manifest-path"])
        .arg(folder.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(folder.join("target"))
        .status()
        .map_err(Failure::because("failed to run `cargo build`"))?;
    Failure::unless(build, "the benchmark does not build")?;
    let cluster = Cluster::start().map_err(Failure::because("failed to start PostgreSQL"))?;
    let status = Command::new(python)
        .arg(folder.join("migrations/compare.py"))
        .arg(cluster.url("postgres"))
        .arg(folder.join("target/release/bench-migrations"))
        .status()
        .map_err(Failure::because("failed to run Python"))?;
    Failure::unless(status, "the comparison failed")
}

/// Compares speed with that of others, on both databases. The options are those of `bench/harness`.
pub(crate) fn speed(options: &[&str]) -> Result<(), Failure> {
    postgres::ensure_installed()?;
    ensure_wrk()?;
    let folder = bench();
    let run = cargo()
        .args(["run", "--release", "--quiet", "--package", "bench-harness", "--manifest-path"])
        .arg(folder.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(folder.join("target"))
        .arg("--")
        .args(options)
        .status()
        .map_err(Failure::because("failed to run `cargo run`"))?;
    Failure::unless(run, "the comparison failed")
}

fn ensure_wrk() -> Result<(), Failure> {
    let is_there = || Command::new("wrk").arg("--version").output().is_ok();
    if !is_there() && debian::can_install() {
        debian::install("wrk")?;
    }
    if is_there() {
        return Ok(());
    }
    Err(Failure::new("`wrk` is not installed")
        .hint("install it: `apt-get install wrk` on Debian, `brew install wrk` on macOS"))
}

fn bench() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../bench")
}
