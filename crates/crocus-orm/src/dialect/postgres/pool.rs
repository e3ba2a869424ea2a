//! PostgreSQL connections: those that are checked out one by one, and those that are shared.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{self, Metrics, PoolError, RecycleError, RecycleResult};
use futures_util::FutureExt;
use tokio::time::timeout;

use super::connection::{Connection, Pooled, RowStream};
use super::shared::Shared;
use super::tls::{Tls, TlsOptions};
use super::{database, errors};
use crate::observe::Watch;
use crate::row::Source;
use crate::statement::{Answer, Statement};
use crate::statistics::PoolStatistics;
use crate::{EngineOptions, Error, ErrorKind, Result};

/// How long a server may take until it has accepted the user, unless the URL's `connect_timeout` says otherwise.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How many callers may wait for a connection. One more is told so at once: what waits takes memory, and is answered too
/// late to be of use.
const WAITING: usize = 4_096;

/// Connections to one PostgreSQL database.
#[derive(Debug)]
pub(crate) struct Pool {
    /// Those that one caller has for himself.
    own: managed::Pool<Manager>,
    /// Those that all have together, if there are any.
    shared: Option<Arc<Shared>>,
}

/// Opens connections.
#[derive(Debug, Clone)]
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
        let manager = Manager { config, tls, statement_timeout: options.statement_timeout };
        // One connection in eight and one for writes: those who need one of their own are to find one.
        let cores = available_parallelism().map_or(1, usize::from);
        let lines = if options.share { cores.min(options.max_connections / 8) } else { 0 };
        let taken = if lines > 0 { lines + 1 } else { 0 };
        let own = managed::Pool::builder(manager.clone())
            .max_size(options.max_connections - taken)
            .wait_timeout(Some(options.pool_timeout))
            .runtime(Runtime::Tokio1)
            .build()
            .expect("a pool with time-outs has its runtime");
        let shared = (lines > 0).then(|| Shared::new(manager, own.clone(), lines));
        Pool { own, shared }
    }

    /// Closes the connections that nobody holds; the others when they are given back.
    pub(crate) fn close(&self) {
        self.own.close();
        if let Some(shared) = &self.shared {
            shared.close();
        }
    }

    /// What connections there are; `own` and `shared` are what the two kinds are called.
    pub(crate) fn statistics(&self, own: &'static str, shared: &'static str) -> Vec<PoolStatistics> {
        let own = PoolStatistics::new(own, &self.own.status());
        std::iter::once(own).chain(self.shared.iter().map(|all| all.statistics(shared))).collect()
    }

    /// A connection, alone until it is given back.
    pub(crate) async fn connection(&self) -> Result<Pooled> {
        own(&self.own).await
    }

    pub(crate) async fn query(&self, statement: &Arc<Statement>, watch: &Watch) -> Result<Answer> {
        match self.shared.as_ref().and_then(|shared| shared.ask(statement)) {
            Some(asking) => asking.answer(watch).await,
            None => async { self.connection().await?.query(statement, watch).await }.boxed().await,
        }
    }

    pub(crate) async fn stream(&self, statement: Arc<Statement>, watch: Watch) -> Result<crate::RowStream> {
        let rows = RowStream::start(self.connection().await?, &statement, &watch).await;
        crate::RowStream::new(rows.map(|rows| Source::Postgres(Box::new(rows))), statement, watch)
    }
}

/// A connection of one's own.
pub(super) async fn own(pool: &managed::Pool<Manager>) -> Result<Pooled> {
    if pool.status().waiting >= WAITING {
        return Err(Error::all_in_use());
    }
    pool.get().await.map(Pooled::new).map_err(|error| match error {
        PoolError::Backend(error) => error,
        PoolError::Timeout(_) => Error::all_in_use(),
        PoolError::Closed => Error::new(ErrorKind::Unavailable, "the engine is closed"),
        other => Error::new(ErrorKind::Unavailable, other.to_string()),
    })
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = Error;

    async fn create(&self) -> Result<Connection> {
        self.open().await
    }

    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<Error> {
        if connection.is_open() { Ok(()) } else { Err(RecycleError::message("the connection is closed")) }
    }
}

impl Manager {
    /// Opens a connection for an engine's statements.
    pub(super) async fn open(&self) -> Result<Connection> {
        // In a box, since the driver's own future is deep, and the compiler follows those of programs to a limited depth.
        let mut connection = connect(&self.config, &self.tls).boxed().await?;
        if let Some(limit) = self.statement_timeout {
            connection.limit(limit).await?;
        }
        Ok(connection)
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
