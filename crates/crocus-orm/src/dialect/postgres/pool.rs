//! PostgreSQL connections, checked out one by one.

use std::sync::Arc;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{self, Metrics, PoolError, RecycleError, RecycleResult};
use futures_util::FutureExt;
use tokio::time::timeout;

use super::connection::{Connection, Pooled, RowStream};
use super::tls::{Tls, TlsOptions};
use super::{database, errors};
use crate::observe::Watch;
use crate::row::Source;
use crate::statement::{Answer, Statement};
use crate::{EngineOptions, Error, ErrorKind, Result};

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
    statement_timeout: Option<Duration>,
}

impl Pool {
    pub(crate) fn new(mut config: tokio_postgres::Config, tls: TlsOptions, options: &EngineOptions) -> Pool {
        if config.get_application_name().is_none() {
            config.application_name(&options.application_name);
        }
        let pool = managed::Pool::builder(Manager { config, tls, statement_timeout: options.statement_timeout })
            .max_size(options.max_connections)
            .wait_timeout(Some(options.pool_timeout))
            .runtime(Runtime::Tokio1)
            .build()
            .expect("a pool with time-outs has its runtime");
        Pool(pool)
    }

    /// Closes the connections that nobody holds; the others when they are given back.
    pub(crate) fn close(&self) {
        self.0.close();
    }

    /// How many connections there are.
    pub(crate) fn status(&self) -> deadpool::Status {
        self.0.status()
    }

    /// A connection, alone until it is given back.
    pub(crate) async fn connection(&self) -> Result<Pooled> {
        self.0.get().await.map(Pooled::new).map_err(|error| match error {
            PoolError::Backend(error) => error,
            PoolError::Timeout(_) => Error::all_in_use(),
            PoolError::Closed => Error::new(ErrorKind::Unavailable, "the engine is closed"),
            other => Error::new(ErrorKind::Unavailable, other.to_string()),
        })
    }

    pub(crate) async fn query(&self, statement: &Statement, watch: &Watch) -> Result<Answer> {
        self.connection().await?.query(statement, watch).await
    }

    pub(crate) async fn stream(&self, statement: Arc<Statement>, watch: Watch) -> Result<crate::RowStream> {
        let rows = RowStream::start(self.connection().await?, &statement, &watch).await;
        crate::RowStream::new(rows.map(|rows| Source::Postgres(Box::new(rows))), statement, watch)
    }
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = Error;

    async fn create(&self) -> Result<Connection> {
        // In a box, since the driver's own future is deep, and the compiler follows those of programs to a limited depth.
        let mut connection = connect(&self.config, &self.tls).boxed().await?;
        if let Some(limit) = self.statement_timeout {
            connection.limit(limit).await?;
        }
        Ok(connection)
    }

    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<Error> {
        if connection.is_open() { Ok(()) } else { Err(RecycleError::message("the connection is closed")) }
    }
}

/// Opens a connection; its errors name the server or the database.
pub(crate) async fn connect(config: &tokio_postgres::Config, options: &TlsOptions) -> Result<Connection> {
    let server = database::server(config);
    let tls = Tls::load(options).await?;
    // The driver's time limit is for each address of each host, and ends when the socket is open: a server that then
    // says nothing would keep us for ever.
    let limit = config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
    let hosts = u32::try_from(config.get_hosts().len().max(1)).unwrap_or(u32::MAX);
    let error = match timeout(limit.saturating_mul(hosts), tls.connect(config)).await {
        Ok(Ok(client)) => return Ok(Connection::new(client, tls)),
        Ok(Err(error)) => error,
        Err(_) => {
            let seconds = limit.as_secs();
            let text = format!("failed to connect to PostgreSQL at {server}: no answer within {seconds} s");
            return Err(Error::new(ErrorKind::Unavailable, text).with_hint(errors::NOT_RUNNING));
        }
    };
    if let Some(reason) = Tls::distrust(&error) {
        let text = format!("PostgreSQL at {server} is not trusted: {reason}");
        return Err(Error::new(ErrorKind::Authentication, text).with_hint(
            "`sslrootcert=FILE` in the database URL names the authority to trust; `sslmode=require` without it encrypts, and trusts any server",
        ));
    }
    let user = config.get_user().map_or("of this program".to_owned(), |user| format!("`{user}`"));
    let error = errors::from_connecting(error);
    let (text, hint) = match error.kind() {
        ErrorKind::MissingDatabase => (format!("the database `{}` does not exist", database::name(config)), None),
        ErrorKind::Authentication => (
            format!("PostgreSQL at {server} refused the user {user}: {error}"),
            Some("check the user name and the password in the database URL"),
        ),
        _ => (format!("failed to connect to PostgreSQL at {server}: {error}"), error.hint()),
    };
    let shown = Error::new(error.kind(), text);
    Err(if let Some(hint) = hint { shown.with_hint(hint) } else { shown })
}
