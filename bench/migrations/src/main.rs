//! A program with two hundred tables, whose `db current` and `db check` are timed beside Alembic's.

#![allow(dead_code, reason = "only the models' descriptions are read")]

use std::process::ExitCode;

use crocus::migrate::{Migration, Migrations};
use crocus::prelude::*;

include!(concat!(env!("OUT_DIR"), "/tables.rs"));

#[tokio::main]
async fn main() -> ExitCode {
    let first = Migration {
        revision: "000000000001",
        down_revisions: &[],
        labels: &[],
        depends_on: &[],
        replaces: &[],
        message: "two hundred tables",
        created: "2026-11-23 00:00 UTC",
        file: "000000000001_two_hundred_tables.rs",
        upgrade: create,
        downgrade: |op| (0..200).rev().for_each(|number| op.drop_table(format!("t{number:03}"))),
    };
    register(App::new("bench-migrations")).migrations(Migrations::new("", vec![first])).main().await
}
