//! The server that all tests of a run share, and an empty database for each test.

use std::error::Error as _;
use std::sync::OnceLock;

use crate::temp_dir::unique_name;
use crate::{Cluster, Error, Server, TempDir};

/// The environment variable that names the shared server: the URL of its database `postgres`.
///
/// `cargo xtask test` sets it.
pub const TEST_POSTGRES_URL: &str = "TEST_POSTGRES_URL";

/// The server that tests share: the one that [`TEST_POSTGRES_URL`] names, or else a cluster of this process, which is
/// started at the first call and removed after the process has ended.
///
/// # Panics
///
/// When there is no such server: a test can do nothing better.
pub fn postgres() -> &'static Server {
    static NAMED: OnceLock<Server> = OnceLock::new();
    static OWN: OnceLock<Cluster> = OnceLock::new();
    match std::env::var(TEST_POSTGRES_URL) {
        Ok(url) => NAMED.get_or_init(|| done(Server::from_url(&url))),
        Err(_) => OWN.get_or_init(|| done(Cluster::start())),
    }
}

/// An empty database, gone on drop.
///
/// # Panics
///
/// All its constructors do when the database cannot be made.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    url: String,
    home: Home,
}

#[derive(Debug)]
enum Home {
    Sqlite(#[expect(dead_code, reason = "kept for its drop")] TempDir),
    Postgres(&'static Server),
}

impl TestDatabase {
    /// A URL `sqlite:PATH`. The file is not there yet; its folder is.
    pub fn sqlite() -> Self {
        let folder = done(TempDir::new());
        let name = folder.path().join("test.db").display().to_string();
        Self { url: format!("sqlite:{name}"), name, home: Home::Sqlite(folder) }
    }

    /// A database on the [shared server](postgres).
    pub fn postgres() -> Self {
        let database = Self::postgres_missing();
        done(postgres().create_database(&database.name));
        database
    }

    /// A database that is not there yet on the [shared server](postgres). It is dropped if the test makes it.
    pub fn postgres_missing() -> Self {
        let name = unique_name("test_");
        Self { url: postgres().url(&name), name, home: Home::Postgres(postgres()) }
    }

    /// One on each dialect, for a case that must hold on all of them.
    pub fn each() -> [Self; 2] {
        [Self::sqlite(), Self::postgres()]
    }

    /// The URL, as a user would configure it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The name on its server, for [`Server::psql`]; the file's path for SQLite.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `sqlite` or `postgresql`.
    pub fn dialect(&self) -> &'static str {
        match self.home {
            Home::Sqlite(_) => "sqlite",
            Home::Postgres(_) => "postgresql",
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Home::Postgres(server) = self.home {
            // A second panic during a failed test would abort it; the database goes with its cluster.
            let _ = server.drop_database(&self.name);
        }
    }
}

fn done<T>(result: Result<T, Error>) -> T {
    result.unwrap_or_else(|error| match error.source() {
        Some(cause) => panic!("{error}: {cause}"),
        None => panic!("{error}"),
    })
}
