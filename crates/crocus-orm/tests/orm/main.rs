//! What the crate promises, asked of real databases: the same cases on every dialect.
//!
//! One program, since linking takes longer than running. Each file owns a subject; `database.rs` has the databases
//! and `models.rs` the tables.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod allocations;
mod asking;
mod batches;
mod binds;
mod cancellation;
mod cases;
mod columns;
mod connections;
mod constraints;
mod counting;
mod database;
mod databases;
mod dynamic;
mod embedded;
mod embedding;
mod filters;
mod inputs;
mod json_forms;
mod long_lists;
mod migration;
mod missing;
mod models;
mod outages;
mod own_types;
mod pages;
mod queries;
mod random_asks;
mod random_reads;
mod raw;
mod replicas;
mod retries;
mod rules;
mod savepoints;
mod secret_values;
mod secrets;
mod seeing;
mod sessions;
mod shared_commits;
mod sharing;
mod statement_timeouts;
mod tls;
mod transactions;
mod types;
mod write;
mod writing;
