//! What stands around every handler: the request's id, its limits, what is counted of it, and its one line in the log.

use std::any::Any;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use std::time::{Instant, SystemTime};

use axum::extract::{FromRequestParts, MatchedPath, Request};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::Either;
use pin_project_lite::pin_project;
use tokio::time::Sleep;
use tower_layer::Layer;
use tower_service::Service;

use crate::compression::{self, Wanted};
use crate::metrics::{METRICS, Metrics};
use crate::problem::Cause;
use crate::rate_limit::{RateLimiter, Standing};
use crate::timing::Counted;
use crate::traces::{self, Span, Traces};
use crate::{Cors, Db, Limits, Problem, health};

/// The routes for those who look after the program: they are asked again and again, and must be answered.
const OPERATORS: [&str; 3] = [health::ALIVE, health::READY, METRICS];

/// The header that carries the request's id, both ways.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The request's id, which handlers can ask for: the client's own, or a new one.
#[derive(Debug, Clone)]
pub struct RequestId(Id);

/// A new id takes no memory of its own until it is a header.
#[derive(Debug, Clone)]
enum Id {
    Given(HeaderValue),
    New { text: [u8; LENGTH], length: usize },
}

/// The longest new id: a start, a hyphen and a count.
const LENGTH: usize = 12 + 1 + 16;

impl RequestId {
    /// The client's id if it is one that a log can take: up to 128 visible ASCII characters.
    fn of(request: &Request) -> RequestId {
        let given = request
            .headers()
            .get(&REQUEST_ID)
            .filter(|id| (1..=128).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic));
        RequestId(given.cloned().map_or_else(Id::new, Id::Given))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Id::Given(id) => id.to_str().unwrap_or_default(),
            Id::New { text, length } => std::str::from_utf8(&text[..*length]).unwrap_or_default(),
        }
    }

    fn into_header(self) -> HeaderValue {
        match self.0 {
            Id::Given(id) => id,
            Id::New { text, length } => {
                HeaderValue::from_bytes(&text[..length]).expect("hexadecimal digits are a header's value")
            }
        }
    }
}

impl Id {
    /// A start that differs between processes, and a count, in hexadecimal.
    fn new() -> Id {
        static START: LazyLock<[u8; 12]> = LazyLock::new(|| {
            let start = RandomState::new().build_hasher().finish();
            std::array::from_fn(|place| digit(start >> (4 * place)))
        });
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let mut text = [b'-'; LENGTH];
        text[..12].copy_from_slice(&*START);
        let digits = (64 - (count | 1).leading_zeros() as usize).div_ceil(4);
        for place in 0..digits {
            text[13 + place] = digit(count >> (4 * (digits - 1 - place)));
        }
        Id::New { text, length: 13 + digits }
    }
}

/// The last hexadecimal digit of a number.
fn digit(number: u64) -> u8 {
    b"0123456789abcdef"[(number & 15) as usize]
}

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<RequestId, Problem> {
        let given: Option<&Given> = parts.extensions.get();
        given.map(|given| given.id.clone()).ok_or_else(|| Problem::internal("the service gives its requests no ids"))
    }
}

/// What handlers find with their request.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    id: RequestId,
    pub(crate) db: Db,
    pub(crate) limits: Limits,
    pub(crate) counted: Option<Counted>,
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

/// Puts a service's routes behind what stands around them.
#[derive(Debug, Clone)]
pub(crate) struct Observe(pub(crate) Arc<Around>);

impl<S> Layer<S> for Observe {
    type Service = Observed<S>;

    fn layer(&self, inner: S) -> Observed<S> {
        Observed { around: self.0.clone(), inner }
    }
}

/// Runs the rest, and everything around it: its order is the order of the lines of `begin`, `refuse` and `end`.
#[derive(Debug, Clone)]
pub(crate) struct Observed<S> {
    around: Arc<Around>,
    inner: S,
}

impl<S> Service<Request> for Observed<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answering<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let around = InFlight::of(&self.around);
        let mut begun = around.begin(&mut request);
        let answer = match around.refuse(&mut begun, &mut request) {
            Some(refusal) => Either::Right(ready(Ok(refusal))),
            None => match catch_unwind(AssertUnwindSafe(|| self.inner.call(request))) {
                Ok(answer) => Either::Left(answer),
                Err(panic) => Either::Right(ready(Ok(panicked(&*panic)))),
            },
        };
        // Of a limit that is too long for a clock the timer makes one far away.
        let limit = tokio::time::sleep(around.limits.request_timeout);
        Answering { around, begun: Some(begun), answer, limit }
    }
}

pin_project! {
    /// A request that is being answered, with a time limit. A handler that panics or takes too long is a problem too.
    pub(crate) struct Answering<F> {
        around: InFlight,
        begun: Option<Begun>,
        #[pin]
        answer: Either<F, Ready<Result<Response, Infallible>>>,
        #[pin]
        limit: Sleep,
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for Answering<F> {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let response = match catch_unwind(AssertUnwindSafe(|| this.answer.as_mut().poll(context))) {
            Ok(Poll::Ready(Ok(response))) => response,
            Ok(Poll::Pending) if this.limit.poll(context).is_pending() => return Poll::Pending,
            Ok(Poll::Pending) => {
                // What the handler was doing ends here.
                this.answer.set(Either::Right(ready(Ok(Response::default()))));
                this.around.too_late(this.begun.as_ref().is_some_and(|begun| begun.method.is_safe()))
            }
            Err(panic) => panicked(&*panic),
        };
        let begun = this.begun.take().expect("a future that has ended is not asked again");
        Poll::Ready(Ok(this.around.end(begun, response)))
    }
}

/// What stands around a request, which counts as being answered for as long.
struct InFlight(Arc<Around>);

impl InFlight {
    fn of(around: &Arc<Around>) -> InFlight {
        if let Some(metrics) = &around.metrics {
            metrics.begin();
        }
        InFlight(around.clone())
    }
}

impl Deref for InFlight {
    type Target = Around;

    fn deref(&self) -> &Around {
        &self.0
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(metrics) = &self.0.metrics {
            metrics.end();
        }
    }
}

/// What is known of a request that is being answered.
struct Begun {
    started: Instant,
    id: RequestId,
    method: Method,
    path: String,
    route: Option<MatchedPath>,
    origin: Option<HeaderValue>,
    wanted: Option<Wanted>,
    trace: Option<traces::Context>,
    counted: Option<Counted>,
    standing: Option<Standing>,
}

impl Begun {
    /// The template of its route.
    fn route(&self) -> Option<&str> {
        self.route.as_ref().map(MatchedPath::as_str)
    }
}

impl Around {
    fn begin(&self, request: &mut Request) -> Begun {
        Begun {
            started: Instant::now(),
            id: RequestId::of(request),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            route: request.extensions().get::<MatchedPath>().cloned(),
            origin: self.cors.as_ref().and_then(|_| request.headers().get(header::ORIGIN).cloned()),
            wanted: self.compression.then(|| Wanted::of(request.headers_mut())),
            trace: self.traces.as_ref().map(|_| traces::Context::of(request.headers())),
            counted: self.server_timing.then(Counted::default),
            standing: None,
        }
    }

    /// The answer to a request that no handler sees. Gives the others what their handlers ask for.
    fn refuse(&self, begun: &mut Begun, request: &mut Request) -> Option<Response> {
        if let Some(preflight) = self.cors.as_ref().and_then(|cors| cors.preflight(request)) {
            return Some(preflight);
        }
        let (id, counted) = (begun.id.clone(), begun.counted.clone());
        request.extensions_mut().insert(Given { id, db: self.db.clone(), limits: self.limits, counted });
        // Those who look after the program may always ask.
        if let Some(limiter) = &self.rate_limit
            && !begun.route().is_some_and(|route| OPERATORS.contains(&route))
        {
            let standing = limiter.take(request);
            begun.standing = Some(standing);
            if let Some(refusal) = limiter.refuse(standing) {
                return Some(refusal);
            }
        }
        compression::decode(request, self.limits.body)
    }

    /// The answer to a request that has taken too long.
    fn too_late(&self, is_safe: bool) -> Response {
        // A statement that was sent is called back, but the database may have done it before it hears that.
        let fate = if is_safe { "" } else { ": what it asked for may have been done, or not" };
        let detail = format!("the request took longer than {} s{fate}", self.limits.request_timeout.as_secs());
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout").with_detail(detail).into_response()
    }

    fn end(&self, begun: Begun, mut response: Response) -> Response {
        if let (Some(limiter), Some(standing)) = (&self.rate_limit, begun.standing) {
            limiter.tell(standing, response.headers_mut());
        }
        if let Some(wanted) = &begun.wanted {
            response = wanted.apply(response);
        }
        if let Some(cors) = &self.cors {
            cors.allow(begun.origin.as_ref(), response.headers_mut());
        }
        if let Some(counted) = &begun.counted {
            counted.tell(begun.started.elapsed(), response.headers_mut());
        }
        let elapsed = begun.started.elapsed();
        let status = response.status();
        let route = begun.route();
        if let Some(metrics) = &self.metrics {
            metrics.count(&begun.method, route, status, elapsed);
        }
        let status = status.as_u16();
        let trace_id = begun.trace.as_ref().map(traces::Context::trace_id);
        let trace_id = trace_id.as_deref();
        let cause = response.extensions().get::<Cause>().map(|Cause(cause)| cause.clone());
        let cause = cause.as_deref();
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        let (method, path, request_id) = (begun.method.as_str(), begun.path.as_str(), begun.id.as_str());
        if status >= 500 {
            tracing::error!(target: "crocus::request", method, path, route, status, micros, request_id, trace_id, cause);
        } else {
            tracing::info!(target: "crocus::request", method, path, route, status, micros, request_id, trace_id, cause);
        }
        if let (Some(traces), Some(context)) = (&self.traces, begun.trace) {
            let route = begun.route.as_ref().map(|route| route.as_str().to_owned());
            let Begun { method, path, .. } = begun;
            traces.record(Span { context, method, route, path, status, duration: elapsed, ended: SystemTime::now() });
        }
        response.headers_mut().insert(REQUEST_ID, begun.id.into_header());
        response
    }
}

/// The answer of a handler that panicked.
fn panicked(panic: &(dyn Any + Send)) -> Response {
    Problem::internal(panic_text(panic)).into_response()
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a handler panicked: {}", text.unwrap_or("without a text"))
}
