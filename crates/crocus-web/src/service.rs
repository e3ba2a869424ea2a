//! The service: routes with everything around them that every program needs.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::metrics::{self, Metrics};
use crate::observe::{Around, Observe};
use crate::rate_limit::RateLimiter;
use crate::traces::Traces;
use crate::{Collector, Cors, Db, Problem, RateLimit};

/// What one request may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The largest body, in bytes.
    pub body: usize,
    /// How long a handler may take until it answers. A list that is being sent may take longer.
    pub request_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { body: 1024 * 1024, request_timeout: Duration::from_secs(30) }
    }
}

/// What stands around a program's routes.
#[derive(Debug, Clone)]
pub struct ServiceOptions {
    /// What one request may cost.
    pub limits: Limits,
    /// Whether answers are compressed where a client accepts that and it is worth it. Bodies may be compressed in any
    /// case.
    pub compression: bool,
    /// Which other origins' pages may use the service; none without it.
    pub cors: Option<Cors>,
    /// How many requests a client may make; as many as it likes without it.
    pub rate_limit: Option<RateLimit>,
    /// Whether answers tell how long they took, and how long the database was waited for: `Server-Timing`.
    pub server_timing: bool,
    /// Whether there is `/metrics`.
    pub metrics: bool,
    /// Where each request is sent as a span, when it was answered; nowhere without it.
    pub traces: Option<Collector>,
}

impl Default for ServiceOptions {
    fn default() -> ServiceOptions {
        ServiceOptions {
            limits: Limits::default(),
            compression: true,
            cors: None,
            rate_limit: None,
            server_timing: false,
            metrics: true,
            traces: None,
        }
    }
}

impl From<Limits> for ServiceOptions {
    fn from(limits: Limits) -> ServiceOptions {
        ServiceOptions { limits, ..ServiceOptions::default() }
    }
}

/// Routes with the databases for [`Db`], request ids, the log, and what the options add; what no route answers is a
/// problem.
///
/// # Panics
/// When the routes have `/metrics` themselves, and the options want it too.
#[track_caller]
pub fn service(routes: Router, db: impl Into<Db>, options: impl Into<ServiceOptions>) -> Router {
    let (db, options) = (db.into(), options.into());
    let metrics = options.metrics.then(|| Arc::new(Metrics::new()));
    let routes = match &metrics {
        Some(metrics) => routes.merge(metrics::route(metrics.clone(), db.clone())),
        None => routes,
    };
    let around = Around {
        db,
        limits: options.limits,
        compression: options.compression,
        cors: options.cors,
        rate_limit: options.rate_limit.map(RateLimiter::new),
        server_timing: options.server_timing,
        metrics,
        traces: options.traces.map(Traces::new),
    };
    let routes = routes.fallback(unknown_path).method_not_allowed_fallback(wrong_method);
    // With its state, a router has its handlers ready: without it, each request would put the layers around its own.
    routes.layer(Observe(Arc::new(around))).with_state(())
}

// A client of PostgREST that asks for a resource that is not there shows the `message`.
async fn unknown_path(request: Request) -> Problem {
    Problem::not_found(format!("there is nothing at {}", request.uri().path())).of_resource()
}

/// The router adds the `Allow` header.
async fn wrong_method(request: Request) -> Response {
    if request.method() == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    let text = format!("{} does not answer to {}", request.uri().path(), request.method());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed").with_detail(text).of_resource().into_response()
}
