//! What is known of each request: its id, its time-out, and its one line in the log.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;

use crate::problem::Cause;
use crate::{Limits, Problem};

/// The header that carries the request's id, both ways.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The request's id, which handlers can ask for with `Extension<RequestId>`: the client's own, or a new one.
#[derive(Debug, Clone)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The client's id if it is one that a log can take: up to 128 visible ASCII characters.
    fn of(request: &Request) -> RequestId {
        let given = request
            .headers()
            .get(&REQUEST_ID)
            .filter(|id| (1..=128).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic));
        RequestId(given.cloned().unwrap_or_else(new_id))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// A start that differs between processes, and a count.
fn new_id() -> HeaderValue {
    static START: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish());
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let id = format!("{:012x}-{:x}", *START >> 16, COUNT.fetch_add(1, Ordering::Relaxed));
    HeaderValue::try_from(id).expect("hexadecimal digits are a header's value")
}

/// Runs the rest with a time limit; a handler that panics or takes too long is a problem too.
pub(crate) async fn observe(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::of(&request);
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let limits = request.extensions().get::<Limits>().copied().unwrap_or_default();
    request.extensions_mut().insert(id.clone());

    let answer = std::panic::AssertUnwindSafe(next.run(request)).catch_unwind();
    let mut response = match tokio::time::timeout(limits.request_timeout, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => Problem::internal(panic_text(&*panic)).into_response(),
        Err(_) => {
            // A statement that was sent is not called back: the database may do it yet.
            let fate = if method.is_safe() { "" } else { ": what it asked for may have been done, or not" };
            let detail = format!("the request took longer than {} s{fate}", limits.request_timeout.as_secs());
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout").with_detail(detail).into_response()
        }
    };

    let status = response.status().as_u16();
    let cause = response.extensions().get::<Cause>().map(|Cause(cause)| cause.clone());
    let cause = cause.as_deref();
    let route = route.as_ref().map(MatchedPath::as_str);
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    let id_text = id.as_str();
    if status >= 500 {
        tracing::error!(target: "crocus::request", %method, path, route, status, micros, request_id = id_text, cause);
    } else {
        tracing::info!(target: "crocus::request", %method, path, route, status, micros, request_id = id_text, cause);
    }
    response.headers_mut().insert(REQUEST_ID, id.0);
    response
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a handler panicked: {}", text.unwrap_or("without a text"))
}
