//! Settings: from the command line, else the environment, else `crocus.toml`, else the default. A setting that is not
//! understood is an error that says where it stands.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use crocus_orm::EngineOptions;
use crocus_web::{Limits, ServiceOptions};

use crate::error::{Error, Result};

mod operations;

use operations::Operations;

/// The file, in the folder that the program is run in.
const FILE: &str = "crocus.toml";

/// What was set, and by whom.
#[derive(Debug, Clone, Default)]
pub(crate) struct Config {
    database_url: Option<Setting<String>>,
    host: Option<Setting<String>>,
    port: Option<Setting<u16>>,
    request_timeout: Option<Setting<u64>>,
    body_limit: Option<Setting<usize>>,
    max_connections: Option<Setting<usize>>,
    share: Option<Setting<bool>>,
    replica_url: Option<Setting<String>>,
    echo: Option<Setting<bool>>,
    slow_query: Option<Setting<u64>>,
    statement_timeout: Option<Setting<u64>>,
    lock_timeout: Option<Setting<u64>>,
    operations: Operations,
    /// The URLs of binds, by key.
    binds: BTreeMap<String, Setting<String>>,
}

/// A value and where it came from, as in "(from the environment variable `DATABASE_URL`)".
#[derive(Debug, Clone)]
pub(crate) struct Setting<T> {
    pub(crate) value: T,
    pub(crate) origin: String,
}

/// The table of the file with the URLs of binds.
const BINDS: &str = "binds";

/// What a setting is in the file. In the environment each is text, of a list with commas between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    List,
    Number,
    Truth,
}

/// The settings: key of the file, environment variable, what it is in the file, what a value is.
const KEYS: [(&str, &str, Kind, &str); 23] = [
    ("database_url", "DATABASE_URL", Kind::Text, "a database URL"),
    ("host", "CROCUS_HOST", Kind::Text, "a host name or an address"),
    ("port", "CROCUS_PORT", Kind::Number, "a port number from 0 to 65535"),
    ("request_timeout", "CROCUS_REQUEST_TIMEOUT", Kind::Number, "a number of seconds, 1 or more"),
    ("body_limit", "CROCUS_BODY_LIMIT", Kind::Number, "a number of bytes"),
    ("max_connections", "CROCUS_MAX_CONNECTIONS", Kind::Number, "a number of connections, 1 or more"),
    ("share", "CROCUS_SHARE", Kind::Truth, "true or false"),
    ("replica_url", "CROCUS_REPLICA_URL", Kind::Text, "a database URL"),
    ("echo", "CROCUS_ECHO", Kind::Truth, "true or false"),
    ("slow_query", "CROCUS_SLOW_QUERY", Kind::Number, "a number of milliseconds"),
    ("statement_timeout", "CROCUS_STATEMENT_TIMEOUT", Kind::Number, "a number of milliseconds, 1 or more"),
    ("lock_timeout", "CROCUS_LOCK_TIMEOUT", Kind::Number, "a number of milliseconds, 1 or more"),
    ("compression", "CROCUS_COMPRESSION", Kind::Truth, "true or false"),
    ("server_timing", "CROCUS_SERVER_TIMING", Kind::Truth, "true or false"),
    ("metrics", "CROCUS_METRICS", Kind::Truth, "true or false"),
    ("otlp_endpoint", "CROCUS_OTLP_ENDPOINT", Kind::Text, "a collector's address, such as http://127.0.0.1:4318"),
    ("cors_origins", "CROCUS_CORS_ORIGINS", Kind::List, "origins such as https://shop.example, or *"),
    ("cors_methods", "CROCUS_CORS_METHODS", Kind::List, "methods such as GET"),
    ("cors_headers", "CROCUS_CORS_HEADERS", Kind::List, "names of headers, or *"),
    ("cors_credentials", "CROCUS_CORS_CREDENTIALS", Kind::Truth, "true or false"),
    ("cors_max_age", "CROCUS_CORS_MAX_AGE", Kind::Number, "a number of seconds"),
    ("rate_limit", "CROCUS_RATE_LIMIT", Kind::Text, "a number of requests and a time, such as 100/60s"),
    ("rate_limit_header", "CROCUS_RATE_LIMIT_HEADER", Kind::Text, "the name of a header"),
];

impl Config {
    /// Reads the environment and the file. The command line comes on top, with the `set_` functions.
    pub(crate) fn read() -> Result<Config> {
        let mut config = Config::default();
        config.read_file(Path::new(FILE))?;
        config.read_environment(
            std::env::vars_os()
                .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())),
        )?;
        Ok(config)
    }

    fn read_file(&mut self, path: &Path) -> Result<()> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Error::new(format!("failed to read `{}`: {error}", path.display()))),
        };
        self.read_toml(&text, &path.display().to_string())
    }

    fn read_toml(&mut self, text: &str, file: &str) -> Result<()> {
        let line = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
        let table = toml::de::DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(1, |span| line(span.start));
            Error::new(format!("`{file}`, line {at}: {}", error.message()))
        })?;
        for (key, value) in table.get_ref() {
            let origin = format!("`{file}`, line {}", line(key.span().start));
            if key.get_ref() == BINDS {
                let toml::de::DeValue::Table(urls) = value.get_ref() else {
                    let found = value.get_ref().type_str();
                    return Err(Error::new(format!(
                        "`{BINDS}` must be a table of database URLs, not a value of type {found} (from {origin})"
                    )));
                };
                for (key, value) in urls {
                    let origin = format!("`{file}`, line {}", line(key.span().start));
                    let Some(url) = value.get_ref().as_str() else {
                        return Err(wrong_type("database_url", &origin, value.get_ref().type_str()));
                    };
                    self.binds.extend(setting(url.to_owned(), &origin).map(|url| (key.get_ref().to_string(), url)));
                }
                continue;
            }
            let kind = KEYS.iter().find(|(known, ..)| known == key.get_ref()).map(|(_, _, kind, _)| *kind);
            let wrong = |found: &toml::de::DeValue<'_>| Err(wrong_type(key.get_ref(), &origin, found.type_str()));
            use toml::de::DeValue;
            let value = match (kind, value.get_ref()) {
                // Nothing is made of an unknown key's value: the key is refused below.
                (None, _) => String::new(),
                (Some(Kind::Text | Kind::List), DeValue::String(text)) => text.to_string(),
                (Some(Kind::List), DeValue::Array(items)) => {
                    let mut texts = Vec::with_capacity(items.len());
                    for item in items {
                        match item.get_ref().as_str() {
                            Some(text) => texts.push(text),
                            None => return wrong(item.get_ref()),
                        }
                    }
                    texts.join(",")
                }
                (Some(Kind::Truth), DeValue::Boolean(truth)) => truth.to_string(),
                // 5_000 and 0x1388 are 5000 as well.
                (Some(Kind::Number), DeValue::Integer(number)) => i64::from_str_radix(number.as_str(), number.radix())
                    .map_or_else(|_| number.as_str().to_owned(), |number| number.to_string()),
                (Some(_), other) => return wrong(other),
            };
            self.set(key.get_ref(), &value, &origin)?;
        }
        Ok(())
    }

    fn read_environment(&mut self, variables: impl Iterator<Item = (String, String)>) -> Result<()> {
        for (name, value) in variables {
            let origin = format!("the environment variable `{name}`");
            match KEYS.iter().find(|(_, variable, ..)| *variable == name) {
                Some((key, ..)) => self.set(key, &value, &origin)?,
                None if name.starts_with("CROCUS_") => {
                    let known: Vec<_> = KEYS.iter().map(|(_, variable, ..)| *variable).collect();
                    return Err(unknown(&name, "the environment", &known));
                }
                None => {
                    if let Some(key) = name.strip_prefix("DATABASE_URL_") {
                        self.binds.extend(setting(value, &origin).map(|url| (key.to_ascii_lowercase(), url)));
                    }
                }
            }
        }
        Ok(())
    }

    fn set(&mut self, key: &str, value: &str, origin: &str) -> Result<()> {
        match key {
            "database_url" => self.set_database_url(value.to_owned(), origin),
            "host" => self.set_host(value.to_owned(), origin),
            "port" => self.set_port(parse(key, value, origin, |_| true)?, origin),
            "request_timeout" => {
                self.request_timeout = setting(parse(key, value, origin, |seconds| *seconds > 0)?, origin)
            }
            "body_limit" => self.body_limit = setting(parse(key, value, origin, |_| true)?, origin),
            "max_connections" => {
                self.max_connections = setting(parse(key, value, origin, |number| *number > 0)?, origin);
            }
            "replica_url" => self.replica_url = setting(value.to_owned(), origin),
            "share" => self.share = setting(parse(key, value, origin, |_| true)?, origin),
            "echo" => self.echo = setting(parse(key, value, origin, |_| true)?, origin),
            "slow_query" => self.slow_query = setting(parse(key, value, origin, |_| true)?, origin),
            "statement_timeout" => {
                self.statement_timeout = setting(parse(key, value, origin, |milliseconds| *milliseconds > 0)?, origin);
            }
            "lock_timeout" => {
                self.lock_timeout = setting(parse(key, value, origin, |milliseconds| *milliseconds > 0)?, origin);
            }
            _ => {
                if !self.operations.set(key, value, origin)? {
                    let known: Vec<_> = KEYS.iter().map(|(key, ..)| *key).collect();
                    return Err(unknown(key, origin, &known));
                }
            }
        }
        Ok(())
    }

    pub(crate) fn set_database_url(&mut self, url: String, origin: &str) {
        self.database_url = setting(url, origin);
    }

    /// Lets statements take their time, as those of many rows do.
    pub(crate) fn lift_statement_timeout(&mut self) {
        self.statement_timeout = None;
    }

    pub(crate) fn set_host(&mut self, host: String, origin: &str) {
        self.host = setting(host, origin);
    }

    pub(crate) fn set_port(&mut self, port: u16, origin: &str) {
        self.port = setting(port, origin);
    }

    /// The database URL, if one is set.
    pub(crate) fn database_url(&self) -> Option<&Setting<String>> {
        self.database_url.as_ref()
    }

    /// The URL of a bind, if one is set.
    pub(crate) fn bind_url(&self, key: &str) -> Option<&Setting<String>> {
        self.binds.get(key)
    }

    /// Refuses the URL of a bind that the program does not have. Another program's may be in the environment.
    pub(crate) fn check_binds(&self, known: &[&str]) -> Result<()> {
        let unknown = |(key, setting): &(&String, &Setting<String>)| {
            !known.contains(&key.as_str()) && !setting.origin.contains("environment")
        };
        match self.binds.iter().find(unknown) {
            Some((key, setting)) => {
                let error = Error::new(format!("unknown bind `{key}` (from {})", setting.origin));
                Err(match known {
                    [] => error.with_hint("the program declares no binds"),
                    known => error.with_hint(format!("known are {}", known.join(", "))),
                })
            }
            None => Ok(()),
        }
    }

    /// Loopback unless told otherwise.
    pub(crate) fn host(&self) -> &str {
        self.host.as_ref().map_or("127.0.0.1", |host| &host.value)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.as_ref().map_or(5000, |port| port.value)
    }

    fn limits(&self) -> Limits {
        let default = Limits::default();
        Limits {
            body: self.body_limit.as_ref().map_or(default.body, |limit| limit.value),
            request_timeout: self
                .request_timeout
                .as_ref()
                .map_or(default.request_timeout, |seconds| Duration::from_secs(seconds.value)),
        }
    }

    /// What stands around the routes of a program.
    pub(crate) fn service_options(&self, program: &str) -> Result<ServiceOptions> {
        self.operations.service(program, self.limits())
    }

    /// How the engines keep their connections, and what is told of their statements. The replica is left out.
    pub(crate) fn engine_options(&self, program: &str) -> EngineOptions {
        let default = EngineOptions::default();
        EngineOptions {
            application_name: program.to_owned(),
            max_connections: self.max_connections.as_ref().map_or(default.max_connections, |number| number.value),
            share: self.share.as_ref().map_or(default.share, |share| share.value),
            echo: self.echo.as_ref().is_some_and(|echo| echo.value),
            statement_timeout: self.statement_timeout.as_ref().map(|limit| Duration::from_millis(limit.value)),
            slow_query: self.slow_query.as_ref().map(|slow| Duration::from_millis(slow.value)),
            ..default
        }
    }

    /// How long a migration waits for a table's lock, if that is set.
    pub(crate) fn lock_timeout(&self) -> Option<Duration> {
        self.lock_timeout.as_ref().map(|lock| Duration::from_millis(lock.value))
    }

    /// The URL of a copy of the default database for reads, if one is set.
    pub(crate) fn replica_url(&self) -> Option<&Setting<String>> {
        self.replica_url.as_ref()
    }
}

fn setting<T>(value: T, origin: &str) -> Option<Setting<T>> {
    Some(Setting { value, origin: origin.to_owned() })
}

fn parse<T: FromStr>(key: &str, value: &str, origin: &str, fits: impl Fn(&T) -> bool) -> Result<T> {
    value
        .trim()
        .parse()
        .ok()
        .filter(fits)
        .ok_or_else(|| Error::new(format!("`{key}` must be {}, not `{value}` (from {origin})", what(key))))
}

fn wrong_type(key: &str, origin: &str, found: &str) -> Error {
    Error::new(format!("`{key}` must be {}, not a value of type {found} (from {origin})", what(key)))
}

fn what(key: &str) -> &'static str {
    KEYS.iter().find(|(known, ..)| *known == key).map_or("a setting", |(.., what)| what)
}

fn unknown(key: &str, origin: &str, known: &[&str]) -> Error {
    Error::new(format!("unknown setting `{key}` (from {origin})")).with_hint(format!("known are {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn from(toml: &str, environment: &[(&str, &str)]) -> Result<Config> {
        let mut config = Config::default();
        config.read_toml(toml, "crocus.toml")?;
        config.read_environment(environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))?;
        Ok(config)
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let toml = "port = 8_000\nhost = \"::1\"\nrequest_timeout = 7\nbody_limit = 10\nmax_connections = 3";
        let config = from(toml, &[("CROCUS_PORT", "9000"), ("HOME", "/x")]).unwrap();
        assert_eq!((config.host(), config.port(), config.engine_options("x").max_connections), ("::1", 9000, 3));
        assert_eq!((config.limits().body, config.limits().request_timeout.as_secs()), (10, 7));
        let config = from("", &[]).unwrap();
        assert_eq!((config.host(), config.port()), ("127.0.0.1", 5000));
        assert!(config.database_url().is_none());
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for (toml, environment, message) in [
            ("prot = 1", &[][..], "error: unknown setting `prot` (from `crocus.toml`, line 1)"),
            (
                "\nport = \"80\"",
                &[],
                "error: `port` must be a port number from 0 to 65535, not a value of type string (from `crocus.toml`, line 2)",
            ),
            (
                "host = 1",
                &[],
                "error: `host` must be a host name or an address, not a value of type integer (from `crocus.toml`, line 1)",
            ),
            (
                "port = 70000",
                &[],
                "error: `port` must be a port number from 0 to 65535, not `70000` (from `crocus.toml`, line 1)",
            ),
            (
                "port = true",
                &[],
                "error: `port` must be a port number from 0 to 65535, not a value of type boolean (from `crocus.toml`, line 1)",
            ),
            (
                "[port]\na = 1",
                &[],
                "error: `port` must be a port number from 0 to 65535, not a value of type table (from `crocus.toml`, line 1)",
            ),
            ("", &[("CROCUS_PROT", "1")], "error: unknown setting `CROCUS_PROT` (from the environment)"),
            (
                "",
                &[("CROCUS_PORT", "many")],
                "error: `port` must be a port number from 0 to 65535, not `many` (from the environment variable `CROCUS_PORT`)",
            ),
            (
                "",
                &[("CROCUS_REQUEST_TIMEOUT", "0")],
                "error: `request_timeout` must be a number of seconds, 1 or more, not `0` (from the environment variable `CROCUS_REQUEST_TIMEOUT`)",
            ),
        ] {
            let error = from(toml, environment).unwrap_err().render();
            assert_eq!(error.lines().next(), Some(message));
        }
        assert!(from("port = = 1", &[]).unwrap_err().render().contains("`crocus.toml`, line 1"));
    }
}
