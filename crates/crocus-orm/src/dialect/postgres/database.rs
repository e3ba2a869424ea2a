//! Making and dropping whole PostgreSQL databases, from a connection to another database of the server.

use tokio_postgres::config::Host;
use tokio_postgres::error::SqlState;

use super::connection::Connection;
use super::pool;
use super::tls::TlsOptions;
use crate::observe::Watch;
use crate::statement::Statement;
use crate::{Dialect, ErrorKind, Result, Value};

pub(crate) async fn exists(config: &tokio_postgres::Config, tls: &TlsOptions) -> Result<bool> {
    match pool::connect(config, tls).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::MissingDatabase => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes the database. `false`: it was there already.
pub(crate) async fn create(config: &tokio_postgres::Config, tls: &TlsOptions) -> Result<bool> {
    let server = maintenance(config, tls).await?;
    if listed(&server, &name(config)).await? {
        return Ok(false);
    }
    match server.batch(&format!("CREATE DATABASE {}", Dialect::Postgres.quote(&name(config)))).await {
        Ok(()) => Ok(true),
        // Somebody else made it in between.
        Err(_) if listed(&server, &name(config)).await? => Ok(false),
        Err(error) => Err(error),
    }
}

/// Drops the database. `false`: it was not there.
pub(crate) async fn drop(config: &tokio_postgres::Config, tls: &TlsOptions) -> Result<bool> {
    let server = maintenance(config, tls).await?;
    if !listed(&server, &name(config)).await? {
        return Ok(false);
    }
    let sql = format!("DROP DATABASE {}", Dialect::Postgres.quote(&name(config)));
    server.batch(&sql).await.map_err(|error| {
        let in_use = std::error::Error::source(&error)
            .and_then(|source| source.downcast_ref::<tokio_postgres::Error>())
            .is_some_and(|source| source.code() == Some(&SqlState::OBJECT_IN_USE));
        if in_use { error.with_hint("stop the programs that use it, then try again") } else { error }
    })?;
    Ok(true)
}

/// The database's name; libpq's default is the user's.
pub(crate) fn name(config: &tokio_postgres::Config) -> String {
    config.get_dbname().or(config.get_user()).unwrap_or_default().to_owned()
}

/// The server as a person writes it: `localhost:5432`.
pub(crate) fn server(config: &tokio_postgres::Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        #[cfg(unix)]
        Some(Host::Unix(path)) => path.display().to_string(),
        None => config.get_hostaddrs().first().map(ToString::to_string).unwrap_or_default(),
    };
    format!("{host}:{}", config.get_ports().first().copied().unwrap_or(5432))
}

/// A connection to a database that every server has. `postgres` may have been dropped; `template1` must exist.
async fn maintenance(config: &tokio_postgres::Config, tls: &TlsOptions) -> Result<Connection> {
    let mut config = config.clone();
    match pool::connect(config.dbname("postgres"), tls).await {
        Err(error) if error.kind() == ErrorKind::MissingDatabase => {
            pool::connect(config.dbname("template1"), tls).await
        }
        result => result,
    }
}

async fn listed(server: &Connection, name: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM pg_catalog.pg_database WHERE datname = $1";
    let statement = Statement::read(sql, [Value::from(name)]);
    Ok(!server.query(&statement, &Watch::nobody()).await?.rows.is_empty())
}
