//! What stands around the routes of every program, asked of a whole service on real databases.
//!
//! `asking.rs` has the services and the requests; each other file owns a subject.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod asking;
mod compression;
mod cors;
mod metrics;
mod rate_limit;
mod serving;
mod time_outs;
mod timing;
mod traces;
