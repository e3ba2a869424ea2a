//! Serving until a signal: requests in flight are finished, a second signal ends them.
//!
//! hyper's connections are driven here, and not by `axum::serve`, since that sets no time limit for a request's head:
//! clients that never finish one would keep their connections, and keep the program from stopping.

mod timer;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tower_service::Service;

use timer::Timer;

/// How long a client may take for a request's head.
const HEAD: Duration = Duration::from_secs(10);

/// How often a quiet HTTP/2 connection is asked whether it is still there.
const PING: Duration = Duration::from_secs(20);

/// Serves HTTP/1.1 and HTTP/2, and tells handlers who asks (`ConnectInfo<SocketAddr>`), until SIGTERM or Ctrl-C. Then no new connection is taken, and requests in flight are
/// finished; a second signal ends at once.
///
/// # Errors
/// When signals cannot be listened for, or a second one came while requests were in flight.
pub async fn serve(mut listener: TcpListener, service: Router) -> io::Result<()> {
    let mut signals = Signals::listen()?;
    let connections = GracefulShutdown::new();
    let mut protocol = Builder::new(TokioExecutor::new());
    protocol.http1().header_read_timeout(HEAD);
    protocol.http2().timer(TokioTimer::new()).keep_alive_interval(PING);
    loop {
        tokio::select! {
            // axum's `accept` waits and tries again where the process has run out of file descriptors.
            (stream, peer) = Listener::accept(&mut listener) => {
                handle(stream, peer, protocol.clone(), &connections, service.clone());
            }
            () = signals.next() => break,
        }
    }
    drop(listener);
    tracing::info!("stopping: requests in flight are finished");
    tokio::select! {
        () = connections.shutdown() => Ok(()),
        () = signals.next() => Err(io::Error::other("a second signal came, and requests in flight are lost")),
    }
}

/// Serves one connection on a task of its own.
fn handle(
    stream: TcpStream,
    peer: SocketAddr,
    mut protocol: Builder<TokioExecutor>,
    connections: &GracefulShutdown,
    service: Router,
) {
    // Small answers must not wait for the acknowledgement of the last one (Nagle's algorithm).
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "failed to set TCP_NODELAY");
    }
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        // A router is always ready, and need not be asked.
        service.clone().call(request)
    });
    protocol.http1().timer(Timer::default());
    let connection = protocol.serve_connection(TokioIo::new(stream), service).into_owned();
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        // The client went away, or sent what is not HTTP.
        if let Err(error) = connection.await {
            tracing::debug!(error, "a connection has ended");
        }
    });
}

struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn listen() -> io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    #[cfg(not(unix))]
    #[expect(clippy::unnecessary_wraps, reason = "the other system's can fail")]
    fn listen() -> io::Result<Signals> {
        Ok(Signals {})
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        drop(tokio::signal::ctrl_c().await);
    }
}
