//! PostgreSQL connections, checked out one by one.

use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{self, Metrics, Object, PoolError, RecycleError, RecycleResult};

use super::connection::{Connection, RowStream};
use super::tls::TlsOptions;
use super::{database, errors, tls};
use crate::statement::Statement;
use crate::{EngineOptions, Error, ErrorKind, Result, Row};

/// How long a server may take until it has accepted the user, unless the URL's `connect_timeout` says otherwise.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections to one PostgreSQL database.
#[derive(Debug, Clone)]
pub(crate) struct Pool(managed::Pool<Manager>);

/// Opens connections.
#[derive(Debug)]
pub(crate) struct Manager {
    config: tokio_postgres::Config,
    tls: TlsOptions,
}

impl Pool {
    pub(crate) fn new(mut config: tokio_postgres::Config, tls: TlsOptions, options: &EngineOptions) -> Pool {
        if config.get_application_name().is_none() {
            config.application_name(&options.application_name);
        }
        let pool = managed::Pool::builder(Manager { config, tls })
            .max_size(options.max_connections)
            .wait_timeout(Some(options.pool_timeout))
            .runtime(Runtime::Tokio1)
            .build()
            .expect("a pool with time-outs has its runtime");
        Pool(pool)
    }

    /// A connection, alone until it is given back.
    pub(crate) async fn connection(&self) -> Result<Object<Manager>> {
        self.0.get().await.map_err(|error| match error {
            PoolError::Backend(error) => error,
            PoolError::Timeout(_) => Error::new(ErrorKind::Unavailable, "every connection to the database is in use"),
            other => Error::new(ErrorKind::Unavailable, other.to_string()),
        })
    }

    pub(crate) async fn query(&self, statement: &Statement) -> Result<Vec<Row>> {
        self.connection().await?.query(statement).await
    }

    pub(crate) async fn execute(&self, statement: &Statement) -> Result<u64> {
        self.connection().await?.execute(statement).await
    }

    pub(crate) async fn stream(&self, statement: &Statement) -> Result<crate::RowStream> {
        RowStream::start(self.connection().await?, statement).await.map(|rows| crate::RowStream::Postgres(Box::new(rows)))
    }
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = Error;

    async fn create(&self) -> Result<Connection> {
        connect(&self.config, &self.tls).await
    }

    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<Error> {
        if connection.is_open() { Ok(()) } else { Err(RecycleError::message("the connection is closed")) }
    }
}

/// Opens a connection; its errors name the server or the database.
pub(crate) async fn connect(config: &tokio_postgres::Config, tls: &TlsOptions) -> Result<Connection> {
    let unreachable = |kind, cause: &str| {
        Error::new(kind, format!("failed to connect to PostgreSQL at {}: {cause}", database::server(config)))
            .with_hint("is the server running, and are the host and the port right?")
    };
    // The driver's own limit ends with the TCP connection: one that is accepted and never answered would wait for ever.
    let limit = config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
    let limit = limit.saturating_mul(u32::try_from(config.get_hosts().len()).unwrap_or(u32::MAX).max(1));
    let Ok(connected) = tokio::time::timeout(limit, tls::connect(config, tls)).await else {
        return Err(unreachable(ErrorKind::Unavailable, &format!("no answer within {} s", limit.as_secs())));
    };
    connected.map(Connection::new).map_err(|error| {
        let lost = error.as_db_error().is_none().then(|| errors::root(&error).to_string());
        let error = errors::from_driver(error);
        let (user, name) = (config.get_user().unwrap_or_default(), database::name(config));
        match error.kind() {
            ErrorKind::MissingDatabase => {
                Error::new(ErrorKind::MissingDatabase, format!("the database `{name}` does not exist"))
            }
            ErrorKind::Authentication => Error::new(
                ErrorKind::Authentication,
                format!("PostgreSQL at {} refused the user `{user}`: {error}", database::server(config)),
            )
            .with_hint("check the user name and the password in the database URL"),
            ErrorKind::Unavailable => unreachable(error.kind(), &lost.unwrap_or_else(|| error.to_string())),
            kind => unreachable(kind, &error.to_string()),
        }
    })
}
