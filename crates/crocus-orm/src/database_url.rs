//! Database URLs: reading them, and showing them without their password.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use percent_encoding::percent_decode_str;

use crate::dialect::postgres::pool::CONNECT_TIMEOUT;
use crate::dialect::postgres::tls::TlsOptions;
use crate::{Dialect, Error, ErrorKind, Result};

/// PostgreSQL cuts longer names ("Identifiers and Key Words").
const LONGEST_NAME: usize = 63;

const FORMS: &str = "use `sqlite:PATH`, `sqlite::memory:` or `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`";

/// Where a database is.
///
/// - `sqlite:PATH`: a file, relative to the current folder or absolute. The whole rest is the path.
/// - `sqlite::memory:`: a database in memory, gone with the engine.
/// - `postgresql://USER:PASSWORD@HOST:PORT/DATABASE?PARAMETERS` (also `postgres://`): PostgreSQL's own connection
///   URI, with percent-encoding. Parameters are libpq's that the driver knows, `sslmode` and `sslrootcert` among them.
///
/// `Display` and `Debug` show it without the password.
///
/// # Example
/// ```
/// use crocus_orm::DatabaseUrl;
///
/// let url: DatabaseUrl = "postgresql://ada:secret@localhost/cars_api".parse()?;
/// assert_eq!(url.to_string(), "postgresql://ada@localhost/cars_api");
/// # Ok::<(), crocus_orm::Error>(())
/// ```
#[derive(Clone)]
pub struct DatabaseUrl {
    pub(crate) location: Location,
    shown: String,
}

#[derive(Clone)]
pub(crate) enum Location {
    Memory,
    File(PathBuf),
    Postgres { config: Box<tokio_postgres::Config>, tls: TlsOptions },
}

impl DatabaseUrl {
    /// The URL of an SQLite file.
    pub fn sqlite_file(path: impl Into<PathBuf>) -> DatabaseUrl {
        let path = path.into();
        DatabaseUrl { shown: format!("sqlite:{}", path.display()), location: Location::File(path) }
    }

    /// The dialect that the URL's scheme names.
    pub fn dialect(&self) -> Dialect {
        match self.location {
            Location::Memory | Location::File(_) => Dialect::Sqlite,
            Location::Postgres { .. } => Dialect::Postgres,
        }
    }

    /// The database's name: PostgreSQL's name of it, or SQLite's path.
    pub fn database(&self) -> String {
        match &self.location {
            Location::Memory => ":memory:".to_owned(),
            Location::File(path) => path.display().to_string(),
            Location::Postgres { config, .. } => {
                config.get_dbname().or(config.get_user()).unwrap_or_default().to_owned()
            }
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = Error;

    fn from_str(url: &str) -> Result<DatabaseUrl> {
        if url.trim().is_empty() {
            return Err(invalid("the database URL is empty").with_hint(FORMS));
        }
        let Some((scheme, rest)) = url.split_once(':') else {
            return Err(invalid("the database URL has no scheme").with_hint(FORMS));
        };
        // Anything else may be a part of a password.
        if !scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            || !scheme.chars().all(|other| other.is_ascii_alphanumeric() || "+-.".contains(other))
        {
            return Err(invalid("the database URL has no scheme").with_hint(FORMS));
        }
        match scheme.to_ascii_lowercase().as_str() {
            "sqlite" => parse_sqlite(rest),
            "postgresql" | "postgres" => parse_postgres(rest),
            other => {
                let known = format!("`{other}` is not a database that this program knows");
                Err(invalid(known).with_hint(FORMS))
            }
        }
    }
}

fn parse_sqlite(rest: &str) -> Result<DatabaseUrl> {
    if rest == ":memory:" {
        return Ok(DatabaseUrl { location: Location::Memory, shown: "sqlite::memory:".to_owned() });
    }
    if rest.is_empty() {
        return Err(invalid("the SQLite URL has no path").with_hint("write `sqlite:PATH` or `sqlite::memory:`"));
    }
    if rest.starts_with("//") {
        // Tools disagree on what `sqlite:///cars.db` means: SQLAlchemy reads a relative path, sqlx an absolute one.
        return Err(invalid("slashes after `sqlite:` have no one meaning").with_hint(
            "write `sqlite:cars.db` for a path relative to this folder, `sqlite:/srv/cars.db` for another",
        ));
    }
    if rest.contains('?') {
        return Err(invalid("an SQLite URL takes no parameters").with_hint("write `sqlite:PATH`"));
    }
    if rest.contains('\0') {
        return Err(invalid("the SQLite path contains a NUL character").with_hint("write `sqlite:PATH`"));
    }
    Ok(DatabaseUrl::sqlite_file(rest))
}

fn parse_postgres(rest: &str) -> Result<DatabaseUrl> {
    let Some(rest) = rest.strip_prefix("//") else {
        return Err(invalid("`postgresql:` must be followed by `//`").with_hint(FORMS));
    };
    // The driver takes all before the first `@` for the user and the password, wherever it stands. What a person
    // meant by an `@`, `/` or `?` in a password is not guessed: a part of the password would be shown as the host.
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    let ats = authority.matches('@').count();
    if ats > 1 || (ats == 0 && rest.contains('@')) {
        return Err(unreadable());
    }
    let (body, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (tls, query) = TlsOptions::take_from(query)?;
    let parameters = if query.is_empty() { String::new() } else { format!("?{query}") };
    let mut config = format!("postgresql://{body}{parameters}")
        .parse::<tokio_postgres::Config>()
        // The driver's error quotes parts of the URL, among them perhaps the password: only its kind is shown.
        .map_err(|_| unreadable())?;
    config.ssl_mode(tls.mode.for_driver());
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(invalid("the PostgreSQL URL names no host").with_hint(FORMS));
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_dbname().is_some_and(|name| name.len() > LONGEST_NAME) {
        let text = format!("the database's name is longer than the {LONGEST_NAME} bytes that PostgreSQL keeps");
        return Err(invalid(text).with_hint("choose a shorter one"));
    }
    let shown = format!("postgresql://{}{}", without_password(body), without_secrets(&query));
    Ok(DatabaseUrl { location: Location::Postgres { config: Box::new(config), tls }, shown })
}

/// `user:password@host/db` as `user@host/db`.
fn without_password(body: &str) -> String {
    let Some((credentials, rest)) = body.split_once('@') else {
        return body.to_owned();
    };
    let user = credentials.split(':').next().unwrap_or_default();
    format!("{user}@{rest}")
}

/// The parameters without `password`, which may be written in any encoding.
fn without_secrets(query: &str) -> String {
    let is_password = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        percent_decode_str(name).decode_utf8_lossy() == "password"
    };
    let kept: Vec<_> = query.split('&').filter(|pair| !pair.is_empty() && !is_password(pair)).collect();
    if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) }
}

fn unreadable() -> Error {
    invalid("the PostgreSQL URL cannot be read").with_hint(
        "check the host, the port and the parameters; percent-encode special characters in the user name and password (`@` is %40, `/` is %2F, `%` is %25)",
    )
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidUrl, message)
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_no_password() {
        for (url, shown) in [
            ("postgres://ada:s3cret@db:5433/cars", "postgresql://ada@db:5433/cars"),
            ("postgresql://ada:p%40ss@db/cars?sslmode=disable", "postgresql://ada@db/cars"),
            ("postgresql://db/cars?user=ada&password=s3cret", "postgresql://db/cars?user=ada"),
            ("postgresql://ada@db", "postgresql://ada@db"),
            ("sqlite:a b/ü.db", "sqlite:a b/ü.db"),
            ("sqlite::memory:", "sqlite::memory:"),
        ] {
            assert_eq!(url.parse::<DatabaseUrl>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        for (url, message) in [
            ("", "the database URL is empty"),
            ("cars.db", "the database URL has no scheme"),
            ("mongodb://x/y", "`mongodb` is not a database that this program knows"),
            ("sqlite:", "the SQLite URL has no path"),
            ("sqlite:///cars.db", "slashes after `sqlite:` have no one meaning"),
            ("sqlite:cars.db?mode=ro", "an SQLite URL takes no parameters"),
            ("postgresql:/db", "`postgresql:` must be followed by `//`"),
            ("postgresql:///db", "the PostgreSQL URL names no host"),
            ("postgresql://u:secret@h:port/db", "the PostgreSQL URL cannot be read"),
            ("postgresql://u:secret@h/db?color=red", "the PostgreSQL URL cannot be read"),
            ("postgresql://u:sec@secret@h/db", "the PostgreSQL URL cannot be read"),
            ("postgresql://u:sec/secret@h/db", "the PostgreSQL URL cannot be read"),
            ("postgresql://u:sec?secret@h/db", "the PostgreSQL URL cannot be read"),
            ("postgresql://u:secret@h/db?sslmode=maybe", "`maybe` is not an sslmode"),
        ] {
            let error = url.parse::<DatabaseUrl>().unwrap_err();
            assert_eq!(error.to_string(), message, "{url}");
            assert_eq!(error.kind(), ErrorKind::InvalidUrl);
            assert!(!format!("{error:?} {:?}", error.hint()).contains("secret"), "{error:?}");
        }
    }
}
