//! Asks a running server: its URLs, its databases, and `psql`.

use std::fmt;
use std::process::Command;

use super::{check, command};
use crate::{Error, Installation};

/// The address of a running PostgreSQL server, with a user who may do anything.
#[derive(Clone)]
pub struct Server {
    user: String,
    password: String,
    host: String,
    port: u16,
}

impl Server {
    pub(crate) fn new(user: &str, password: &str, host: &str, port: u16) -> Self {
        Self { user: user.to_owned(), password: password.to_owned(), host: host.to_owned(), port }
    }

    /// The server of a URL in its full form, `postgresql://user:password@host:port/database`, without escapes and
    /// without parameters. The database is not remembered.
    ///
    /// # Errors
    ///
    /// When the URL is not of that form.
    ///
    /// # Example
    ///
    /// ```
    /// # fn main() -> Result<(), crocus_testing::Error> {
    /// use crocus_testing::Server;
    ///
    /// let server = Server::from_url("postgresql://crocus:secret@127.0.0.1:5432/postgres")?;
    /// assert_eq!(server.url("cars"), "postgresql://crocus:secret@127.0.0.1:5432/cars");
    /// assert!(Server::from_url("postgresql://localhost/postgres").is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_url(url: &str) -> Result<Self, Error> {
        let parse = || {
            let rest = url.strip_prefix("postgresql://")?;
            let (authority, _database) = rest.split_once('/')?;
            let (account, address) = authority.rsplit_once('@')?;
            let (user, password) = account.split_once(':')?;
            let (host, port) = address.rsplit_once(':')?;
            let server = Self::new(user, password, host, port.parse().ok()?);
            (!url.contains(['%', '?'])).then_some(server)
        };
        parse().ok_or_else(|| {
            Error::new("the server's URL is not of the form `postgresql://user:password@host:port/database`")
        })
    }

    /// The URL of a database on this server, whether the database exists or not.
    pub fn url(&self, database: &str) -> String {
        let Self { user, password, host, port } = self;
        let database = percent_encoded(database);
        format!("postgresql://{user}:{password}@{host}:{port}/{database}")
    }

    /// The port that the server listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes an empty database.
    ///
    /// # Errors
    ///
    /// When it exists already, or the server does not answer.
    pub fn create_database(&self, name: &str) -> Result<(), Error> {
        // Nobody is ever connected to template0, and a template with other sessions cannot be copied.
        let sql = format!("CREATE DATABASE {} TEMPLATE template0", quoted(name));
        self.psql("postgres", &sql).map(drop)
    }

    /// Drops a database and ends the sessions that use it. A database that is not there is no error.
    ///
    /// # Errors
    ///
    /// When the server does not answer.
    pub fn drop_database(&self, name: &str) -> Result<(), Error> {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name));
        self.psql("postgres", &sql).map(drop)
    }

    /// Runs SQL, or one of `psql`'s backslash commands, and returns the rows: a line each, `|` between the columns,
    /// no heading, no last line break.
    ///
    /// Several statements are one transaction.
    ///
    /// # Errors
    ///
    /// When a statement fails; the error has what `psql` wrote.
    pub fn psql(&self, database: &str, sql: &str) -> Result<String, Error> {
        let output = self
            .psql_command(database)
            .args(["--quiet", "--no-align", "--tuples-only", "--command", sql])
            .output()
            .map_err(Error::io("failed to run `psql`"))?;
        let output = check("psql", output)?;
        let rows = String::from_utf8_lossy(&output.stdout);
        Ok(rows.strip_suffix('\n').unwrap_or(&rows).to_owned())
    }

    /// `psql` with the connection set, for output as a user sees it.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let output = crocus_testing::postgres()
    ///     .psql_command("cars")
    ///     .args(["--command", r"\d cars"])
    ///     .output()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn psql_command(&self, database: &str) -> Command {
        // The one in the installation's folder: Debian's `/usr/bin/psql` is a wrapper that chooses a cluster.
        let installed = Installation::find().map(|found| found.bin().join("psql"));
        let psql = installed.ok().filter(|psql| psql.is_file());
        let mut command = command(psql.unwrap_or_else(|| "psql".into()));
        command
            .env("PGHOST", &self.host)
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", &self.user)
            .env("PGPASSWORD", &self.password)
            .env("PGDATABASE", database)
            .args(["--no-psqlrc", "--set", "ON_ERROR_STOP=1"]);
        command
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the password: the server may be one that a developer named.
        write!(f, "Server({}:{})", self.host, self.port)
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// RFC 3986, section 2.1: all but the unreserved characters.
fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_whole_or_not_at_all() {
        let server = Server::from_url("postgresql://me:a@b@db.example:5433/postgres").unwrap();
        assert_eq!(server.port(), 5433);
        assert_eq!(server.url("x"), "postgresql://me:a@b@db.example:5433/x");

        for wrong in [
            "",
            "mysql://me:secret@localhost:3306/x",
            "postgresql://me@localhost:5432/x",
            "postgresql://me:secret@localhost/x",
            "postgresql://me:secret@localhost:port/x",
            "postgresql://me:secret@localhost:5432",
            "postgresql://me:sec%72et@localhost:5432/x",
            "postgresql://me:secret@localhost:5432/x?sslmode=require",
        ] {
            assert!(Server::from_url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_are_escaped() {
        let server = Server::new("me", "secret", "localhost", 1);
        assert_eq!(server.url("two wörds/x"), "postgresql://me:secret@localhost:1/two%20w%C3%B6rds%2Fx");
        assert_eq!(quoted(r#"a"b"#), r#""a""b""#);
    }

    #[test]
    fn the_password_is_not_shown() {
        let server = Server::new("me", "secret", "localhost", 1);
        assert_eq!(format!("{server:?}"), "Server(localhost:1)");
    }
}
