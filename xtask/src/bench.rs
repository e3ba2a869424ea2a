//! `cargo xtask bench migrations`: what the benchmarks need, and running them. Others have files of their own.

pub(crate) mod import;

use std::path::{Path, PathBuf};
use std::process::Command;

use crocus_testing::Cluster;

use crate::failure::Failure;
use crate::{cargo, postgres, python};

/// Times the migration commands beside Alembic's, on a throwaway server.
pub(crate) fn migrations() -> Result<(), Failure> {
    postgres::ensure_installed()?;
    let python = python::with(&["alembic", "sqlalchemy", "psycopg[binary]"])?;
    let folder = bench();
    let build = cargo()
        .args(["build", "--release", "--manifest-path"])
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

fn bench() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../bench")
}
