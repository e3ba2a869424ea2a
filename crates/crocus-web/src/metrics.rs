//! `/metrics`: what the service has done, in Prometheus's text format (0.0.4).
//!
//! Each thread counts requests for itself, under a lock that only a scrape ever makes it wait for; a scrape adds up.
//! Routes are counted by their templates, so that no client can make a new series.

mod process;
mod text;

use std::cell::Cell;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use axum::extract::State;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::IntoResponse;
use axum::{Router, routing};
use foldhash::{HashMap, HashMapExt};

use crate::Db;
use text::{Histogram, Text};

/// Where the service tells its metrics.
pub const METRICS: &str = "/metrics";

/// What a request without a route is counted under: a template begins with `/`.
const NO_ROUTE: &str = "none";

/// Threads that do not share their counters. More threads than these share some.
const SHARDS: usize = 32;

/// The methods that are told apart, by their place.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "other"];

/// The classes of statuses, by their first digit.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The upper bounds of the classes of durations, in microseconds.
const BOUNDS: [u64; 13] =
    [500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 10_000_000];

/// What is counted of the requests of one service.
#[derive(Debug)]
pub(crate) struct Metrics {
    shards: [Shard; SHARDS],
    start: SystemTime,
}

/// One thread's counters. Its size keeps it out of the other threads' cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard {
    routes: Mutex<HashMap<Box<str>, Methods>>,
    /// Requests that began on this thread, less those that ended on it.
    in_flight: AtomicI64,
}

/// What is counted of a route, by the place of the method.
type Methods = [Option<Box<Counts>>; METHODS.len()];

/// What is counted of one route's method.
#[derive(Debug, Clone, Default)]
struct Counts {
    classes: [u64; CLASSES.len()],
    /// One for each bound, and one for what takes longer.
    durations: [u64; BOUNDS.len() + 1],
    micros: u64,
}

impl Metrics {
    pub(crate) fn new() -> Metrics {
        Metrics { shards: Default::default(), start: SystemTime::now() }
    }

    /// A request is being answered from now on.
    pub(crate) fn begin(&self) {
        self.shard().in_flight.fetch_add(1, Relaxed);
    }

    /// It is not any more.
    pub(crate) fn end(&self) {
        self.shard().in_flight.fetch_sub(1, Relaxed);
    }

    pub(crate) fn count(&self, method: &Method, route: Option<&str>, status: StatusCode, duration: Duration) {
        let other = METHODS.len() - 1;
        let method = METHODS.iter().position(|name| *name == method.as_str()).unwrap_or(other);
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len()) - 1;
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let place = BOUNDS.iter().position(|bound| micros <= *bound).unwrap_or(BOUNDS.len());
        let route = route.unwrap_or(NO_ROUTE);
        let mut routes = self.shard().routes.lock().unwrap_or_else(PoisonError::into_inner);
        let methods = match routes.get_mut(route) {
            Some(methods) => methods,
            None => routes.entry(route.into()).or_default(),
        };
        let counts = methods[method].get_or_insert_default();
        counts.classes[class] += 1;
        counts.durations[place] += 1;
        counts.micros += micros;
    }

    fn shard(&self) -> &Shard {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local!(static THREAD: Cell<usize> = Cell::new(THREADS.fetch_add(1, Relaxed)));
        // A thread that is ending has no number any more.
        let thread = THREAD.try_with(Cell::get).unwrap_or_default();
        &self.shards[thread % SHARDS]
    }

    /// The counters of all threads, by route and method.
    fn sum(&self) -> Vec<(Box<str>, &'static str, Counts)> {
        let mut all: HashMap<(Box<str>, usize), Counts> = HashMap::new();
        for shard in &self.shards {
            let routes = shard.routes.lock().unwrap_or_else(PoisonError::into_inner);
            for (route, methods) in routes.iter() {
                for (method, counts) in methods.iter().enumerate() {
                    if let Some(counts) = counts {
                        all.entry((route.clone(), method)).or_default().add(counts);
                    }
                }
            }
        }
        let mut all: Vec<_> = all.into_iter().collect();
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        all.into_iter().map(|((route, method), counts)| (route, METHODS[method], counts)).collect()
    }

    fn render(&self, db: &Db) -> String {
        let mut text = Text::default();
        let routes = self.sum();
        text.family("crocus_http_requests_total", "counter", "Requests that were answered.");
        for (route, method, counts) in &routes {
            for (class, count) in CLASSES.iter().zip(counts.classes).filter(|(_, count)| *count > 0) {
                let labels = [("method", *method), ("route", route), ("status", class)];
                text.sample("crocus_http_requests_total", &labels, count);
            }
        }
        let name = "crocus_http_request_duration_seconds";
        text.family(name, "histogram", "How long requests took until their answers began.");
        for (route, method, counts) in &routes {
            text.histogram(name, &[("method", method), ("route", route)], &counts.histogram());
        }
        text.family("crocus_http_requests_in_flight", "gauge", "Requests that are being answered.");
        let in_flight: i64 = self.shards.iter().map(|shard| shard.in_flight.load(Relaxed)).sum();
        text.sample("crocus_http_requests_in_flight", &[], in_flight.max(0));
        text.databases(db);
        process::write(&mut text, self.start);
        text.into()
    }
}

impl Counts {
    fn add(&mut self, other: &Counts) {
        let add = |into: &mut [u64], from: &[u64]| into.iter_mut().zip(from).for_each(|(into, from)| *into += from);
        add(&mut self.classes, &other.classes);
        add(&mut self.durations, &other.durations);
        self.micros += other.micros;
    }

    fn histogram(&self) -> Histogram {
        let mut count = 0;
        let mut buckets = Vec::with_capacity(BOUNDS.len());
        for (index, number) in self.durations.iter().enumerate() {
            count += number;
            buckets.extend(BOUNDS.get(index).map(|bound| (Duration::from_micros(*bound), count)));
        }
        Histogram { buckets, count, sum: Duration::from_micros(self.micros) }
    }
}

/// The route that tells them.
pub(crate) fn route(metrics: Arc<Metrics>, db: Db) -> Router {
    let tell = async |State((metrics, db)): State<(Arc<Metrics>, Db)>| {
        let content_type = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        ([(header::CONTENT_TYPE, content_type)], metrics.render(&db)).into_response()
    };
    Router::new().route(METRICS, routing::get(tell)).with_state((metrics, db))
}
