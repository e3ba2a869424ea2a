//! Throwaway databases for the tests of Crocus.
//!
//! Most tests want an empty database, on each dialect in turn. That is [`TestDatabase`]:
//!
//! ```no_run
//! use crocus_testing::TestDatabase;
//!
//! for database in TestDatabase::each() {
//!     println!("{}: {}", database.dialect(), database.url());
//! } // each database is dropped here
//! ```
//!
//! A test that stops, restarts or configures the server starts a [`Cluster`] of its own. It runs from the PostgreSQL
//! binaries that are installed ([`Installation::find`] says where they are looked for), in a folder of its own, on a
//! port of its own.
//!
//! Nothing stays behind: not after a failed test, not after Ctrl-C, not after `kill -9` (see `postgres/keeper.rs`).
//!
//! The crate uses the standard library only, and works on Unix only.

mod error;
mod postgres;
mod shared;
mod temp_dir;
pub mod tls;

pub use error::Error;
pub use postgres::cluster::{Cluster, ClusterBuilder};
pub use postgres::installation::Installation;
pub use postgres::server::Server;
pub use shared::{TEST_POSTGRES_URL, TestDatabase, postgres};
pub use temp_dir::TempDir;
