//! What stands around every handler: the request's id, its limits, what is counted of it, and its one line in the log.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Instant, SystemTime};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;

use crate::compression::{self, Wanted};
use crate::metrics::{METRICS, Metrics};
use crate::problem::Cause;
use crate::rate_limit::RateLimiter;
use crate::timing::Counted;
use crate::traces::{Context, Span, Traces};
use crate::{Cors, Db, Limits, Problem, health};

/// The routes for those who look after the program: they are asked again and again, and must be answered.
const OPERATORS: [&str; 3] = [health::ALIVE, health::READY, METRICS];

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

/// What stands around every handler of a service.
#[derive(Debug)]
pub(crate) struct Around {
    pub(crate) db: Db,
    pub(crate) limits: Limits,
    pub(crate) compression: bool,
    pub(crate) cors: Option<Cors>,
    pub(crate) rate_limit: Option<RateLimiter>,
    pub(crate) server_timing: bool,
    pub(crate) metrics: Option<Arc<Metrics>>,
    pub(crate) traces: Option<Traces>,
}

/// Runs the rest, and everything around it in one place: its order is the order of these lines.
pub(crate) async fn observe(State(around): State<Arc<Around>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let _in_flight = around.metrics.as_ref().map(Metrics::begin);
    let id = RequestId::of(&request);
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map(MatchedPath::as_str);
    let origin = around.cors.as_ref().and_then(|_| request.headers().get(header::ORIGIN).cloned());
    let wanted = around.compression.then(|| Wanted::of(request.headers_mut()));
    let trace = around.traces.as_ref().map(|traces| (traces, Context::of(request.headers())));
    let counted = around.server_timing.then(Counted::default);

    let mut response = match around.cors.as_ref().and_then(|cors| cors.preflight(&request)) {
        Some(response) => response,
        None => {
            let extensions = request.extensions_mut();
            extensions.insert(id.clone());
            extensions.insert(around.db.clone());
            extensions.insert(around.limits);
            if let Some(counted) = &counted {
                extensions.insert(counted.clone());
            }
            around.limit_rate(request, route, next).await
        }
    };

    if let Some(wanted) = wanted {
        response = wanted.apply(response);
    }
    if let Some(cors) = &around.cors {
        cors.allow(origin.as_ref(), response.headers_mut());
    }
    if let Some(counted) = counted {
        counted.tell(started.elapsed(), response.headers_mut());
    }
    let elapsed = started.elapsed();
    let status = response.status();
    if let Some(metrics) = &around.metrics {
        metrics.count(&method, route, status, elapsed);
    }
    let status = status.as_u16();
    let trace_id = trace.as_ref().map(|(_, context)| context.trace_id());
    let trace_id = trace_id.as_deref();
    let cause = response.extensions().get::<Cause>().map(|Cause(cause)| cause.clone());
    let cause = cause.as_deref();
    let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
    let id_text = id.as_str();
    if status >= 500 {
        tracing::error!(target: "crocus::request", %method, path, route, status, micros, request_id = id_text, trace_id, cause);
    } else {
        tracing::info!(target: "crocus::request", %method, path, route, status, micros, request_id = id_text, trace_id, cause);
    }
    if let Some((traces, context)) = trace {
        let (route, ended) = (route.map(str::to_owned), SystemTime::now());
        traces.record(Span { context, method, route, path, status, duration: elapsed, ended });
    }
    response.headers_mut().insert(REQUEST_ID, id.0);
    response
}

impl Around {
    /// Runs the rest if the client may ask for it now. Those who look after the program always may.
    async fn limit_rate(&self, request: Request, route: Option<&str>, next: Next) -> Response {
        let limiter = self.rate_limit.as_ref().filter(|_| !route.is_some_and(|route| OPERATORS.contains(&route)));
        let Some(limiter) = limiter else { return self.run(request, next).await };
        let standing = limiter.take(&request);
        let mut response = match limiter.refuse(standing) {
            Some(refusal) => refusal,
            None => self.run(request, next).await,
        };
        limiter.tell(standing, response.headers_mut());
        response
    }

    /// Runs the rest on a body that is not compressed any more.
    async fn run(&self, mut request: Request, next: Next) -> Response {
        match compression::decode(&mut request, self.limits.body) {
            Some(refusal) => refusal,
            None => self.limit_time(request, next).await,
        }
    }

    /// Runs the rest with a time limit; a handler that panics or takes too long is a problem too.
    async fn limit_time(&self, request: Request, next: Next) -> Response {
        let is_safe = request.method().is_safe();
        let limit = self.limits.request_timeout;
        let answer = std::panic::AssertUnwindSafe(next.run(request)).catch_unwind();
        match tokio::time::timeout(limit, answer).await {
            Ok(Ok(response)) => response,
            Ok(Err(panic)) => Problem::internal(panic_text(&*panic)).into_response(),
            Err(_) => {
                // A statement that was sent is called back, but the database may have done it before it hears that.
                let fate = if is_safe { "" } else { ": what it asked for may have been done, or not" };
                let detail = format!("the request took longer than {} s{fate}", limit.as_secs());
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout").with_detail(detail).into_response()
            }
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a handler panicked: {}", text.unwrap_or("without a text"))
}
