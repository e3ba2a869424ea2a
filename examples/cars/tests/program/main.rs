//! The program as its users meet it: the built binary, real HTTP, real databases.
//!
//! `program` runs the binary and `client` speaks HTTP to it. Each other file holds the tests of one promise.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod adoption;
mod client;
mod program;

mod command_line;
mod configuration;
mod contract;
mod crashes;
mod database_commands;
mod documentation;
mod embedded;
mod many_rows;
mod outage;
mod serving;
mod stop;
mod tutorial;
