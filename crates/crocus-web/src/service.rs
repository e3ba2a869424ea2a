//! The service: routes with everything around them that every program needs.

use std::time::Duration;

use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};

use crate::{Db, Problem, observe};

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

/// Routes with the databases for [`Db`], limits, request ids and the log; what no route answers is a problem.
pub fn service(routes: Router, db: impl Into<Db>, limits: Limits) -> Router {
    routes
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn(observe::observe))
        .layer(Extension(db.into()))
        .layer(Extension(limits))
}

async fn unknown_path(request: Request) -> Problem {
    Problem::not_found(format!("there is nothing at {}", request.uri().path()))
}

/// The router adds the `Allow` header.
async fn wrong_method(request: Request) -> Response {
    if request.method() == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    let text = format!("{} does not answer to {}", request.uri().path(), request.method());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed").with_detail(text).into_response()
}
