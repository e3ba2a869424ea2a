//! Serving until a signal: requests in flight are finished, a second signal ends them.

use std::io;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Serves HTTP/1.1 and HTTP/2 until SIGTERM or Ctrl-C. Then no new connection is taken, and requests in flight are
/// finished; a second signal ends at once.
///
/// # Errors
/// When signals cannot be listened for.
pub async fn serve(listener: TcpListener, service: Router) -> io::Result<()> {
    let mut signals = Signals::listen()?;
    // Small answers must not wait for the acknowledgement of the last one (Nagle's algorithm).
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "failed to set TCP_NODELAY");
        }
    });
    let (stop, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move { drop(stopped.await) });
    let server = tokio::spawn(server.into_future());
    signals.next().await;
    tracing::info!("stopping: requests in flight are finished");
    drop(stop);
    tokio::select! {
        finished = server => finished.map_err(io::Error::other)?,
        () = signals.next() => {
            tracing::warn!("stopping at once: requests in flight are lost");
            Ok(())
        }
    }
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
