//! Traces: each request as a span of whatever trace its caller is in (W3C Trace Context), sent to an OpenTelemetry
//! collector (OTLP over HTTP, in JSON).
//!
//! Requests do not wait for it: what the collector does not take in time is thrown away, and said.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{LazyLock, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, Method, Uri};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// Spans that wait to be sent.
const WAITING: usize = 4096;

/// Spans sent at a time.
const BATCH: usize = 512;

/// How long spans are gathered before they are sent.
const EVERY: Duration = Duration::from_secs(1);

/// How long the collector may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where traces are sent, and as whose.
///
/// # Example
/// ```
/// use crocus_web::Collector;
///
/// assert!(Collector::new("http://127.0.0.1:4318", "cars").is_ok());
/// assert!(Collector::new("https://collector.example", "cars").is_err(), "it is not encrypted: use one that is near");
/// ```
#[derive(Debug, Clone)]
pub struct Collector {
    authority: String,
    /// With the port.
    address: String,
    path: String,
    service: String,
}

impl Collector {
    /// An OpenTelemetry collector, such as `http://127.0.0.1:4318`, and the service's name.
    ///
    /// # Errors
    /// When the address is none: the reason in words.
    pub fn new(endpoint: &str, service: &str) -> Result<Collector, String> {
        let refused = |why: &str| format!("`{endpoint}` is no collector's address: {why}");
        let uri: Uri = endpoint.parse().map_err(|_| refused("it is no URL"))?;
        if uri.scheme_str() != Some("http") {
            return Err(refused("it begins with `http://`; traces are sent as they are, to a collector nearby"));
        }
        let authority = uri.authority().ok_or_else(|| refused("it has no host"))?;
        let address = format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(4318));
        let path = format!("{}/v1/traces", uri.path().trim_end_matches('/'));
        Ok(Collector { authority: authority.to_string(), address, path, service: service.to_owned() })
    }

    async fn send(&self, spans: Vec<Span>) -> io::Result<()> {
        let name = json!({"key": "service.name", "value": {"stringValue": self.service}});
        let spans: Vec<Value> = spans.iter().map(Span::to_json).collect();
        let scope = json!({"scope": {"name": "crocus"}, "spans": spans});
        let body = json!({"resourceSpans": [{"resource": {"attributes": [name]}, "scopeSpans": [scope]}]}).to_string();
        let Collector { authority, path, .. } = self;
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n"
        );
        let mut stream = TcpStream::connect(&self.address).await?;
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await?;
        let status = String::from_utf8_lossy(&answer[9..]).into_owned();
        if status.starts_with('2') { Ok(()) } else { Err(io::Error::other(format!("the collector answered {status}"))) }
    }
}

/// What sends the spans of a service.
#[derive(Debug)]
pub(crate) struct Traces {
    collector: Collector,
    /// Made with the first span, on the runtime that serves.
    sender: OnceLock<mpsc::Sender<Span>>,
    lost: AtomicU64,
}

/// The place of a request in its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Context {
    trace: u128,
    span: u64,
    /// The caller's span.
    parent: Option<u64>,
    sampled: bool,
}

/// A request that was answered.
#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) context: Context,
    pub(crate) method: Method,
    pub(crate) route: Option<String>,
    pub(crate) path: String,
    pub(crate) status: u16,
    pub(crate) duration: Duration,
    pub(crate) ended: SystemTime,
}

impl Context {
    /// In the trace that the caller names, or in a new one.
    pub(crate) fn of(headers: &HeaderMap) -> Context {
        let span = new_id();
        let named = headers.get("traceparent").and_then(|value| parent(value.to_str().ok()?));
        match named {
            Some((trace, parent, sampled)) => Context { trace, span, parent: Some(parent), sampled },
            None => {
                let trace = u128::from(new_id()) << 64 | u128::from(new_id());
                Context { trace, span, parent: None, sampled: true }
            }
        }
    }

    /// The trace's id as it is written everywhere.
    pub(crate) fn trace_id(&self) -> String {
        format!("{:032x}", self.trace)
    }
}

/// `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`: the trace, the caller's span, and whether it is kept. Later
/// versions may have more behind it.
fn parent(text: &str) -> Option<(u128, u64, bool)> {
    let lower = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let mut parts = text.split('-');
    let mut part = |length| parts.next().filter(|part| part.len() == length && lower(part));
    let (version, trace, span, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
    if version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let (trace, span) = (u128::from_str_radix(trace, 16).ok()?, u64::from_str_radix(span, 16).ok()?);
    let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
    (trace != 0 && span != 0).then_some((trace, span, sampled))
}

/// A number that nobody else has, and nobody foresees.
fn new_id() -> u64 {
    static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    KEYS.hash_one(COUNT.fetch_add(1, Relaxed)).max(1)
}

impl Span {
    fn to_json(&self) -> Value {
        let nanos = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string();
        let text = |key: &str, text: &str| json!({"key": key, "value": {"stringValue": text}});
        let mut attributes = vec![
            text("http.request.method", self.method.as_str()),
            text("url.path", &self.path),
            json!({"key": "http.response.status_code", "value": {"intValue": self.status.to_string()}}),
        ];
        attributes.extend(self.route.as_deref().map(|route| text("http.route", route)));
        let name = self.route.as_ref().map_or(self.method.to_string(), |route| format!("{} {route}", self.method));
        let mut span = json!({
            "traceId": self.context.trace_id(),
            "spanId": format!("{:016x}", self.context.span),
            "name": name,
            // SPAN_KIND_SERVER
            "kind": 2,
            "startTimeUnixNano": nanos(self.ended.checked_sub(self.duration).unwrap_or(self.ended)),
            "endTimeUnixNano": nanos(self.ended),
            "attributes": attributes,
            // STATUS_CODE_ERROR: what a client did wrong is no error of the server's.
            "status": if self.status >= 500 { json!({"code": 2}) } else { json!({}) },
        });
        if let Some(parent) = self.context.parent {
            span["parentSpanId"] = format!("{parent:016x}").into();
        }
        span
    }
}

impl Traces {
    pub(crate) fn new(collector: Collector) -> Traces {
        Traces { collector, sender: OnceLock::new(), lost: AtomicU64::new(0) }
    }

    /// Hands a span over, unless its caller keeps none of the trace.
    pub(crate) fn record(&self, span: Span) {
        if !span.context.sampled {
            return;
        }
        let sender = self.sender.get_or_init(|| {
            let (sender, spans) = mpsc::channel(WAITING);
            tokio::spawn(export(self.collector.clone(), spans));
            sender
        });
        if sender.try_send(span).is_err() && self.lost.fetch_add(1, Relaxed) == 0 {
            tracing::warn!("requests end faster than the collector takes their spans: some are lost");
        }
    }
}

/// Sends spans until the service is gone.
async fn export(collector: Collector, mut spans: mpsc::Receiver<Span>) {
    let mut is_away = false;
    loop {
        let mut batch = Vec::with_capacity(BATCH);
        let gathered = async { while batch.len() < BATCH && spans.recv_many(&mut batch, BATCH).await > 0 {} };
        let more = tokio::time::timeout(EVERY, gathered).await.is_err() || batch.len() >= BATCH;
        if !batch.is_empty() {
            let number = batch.len();
            let sent = tokio::time::timeout(PATIENCE, collector.send(batch)).await;
            let sent = sent.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
            match sent {
                Ok(()) => is_away = false,
                // Said once, and again after it was back.
                Err(error) if !is_away => {
                    is_away = true;
                    let address = &collector.address;
                    tracing::warn!(%error, number, "failed to send spans to the collector at {address}: they are lost");
                }
                Err(_) => {}
            }
        }
        if !more {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_trace_is_taken_over() {
        let trace = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
        let span = 0x00f0_67aa_0ba9_02b7;
        for (text, expected) in [
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", Some((trace, span, true))),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", Some((trace, span, false))),
            ("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03-more", Some((trace, span, true))),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", None),
            ("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", None),
            ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", None),
            ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", None),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", None),
            ("00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", None),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", None),
            ("", None),
        ] {
            assert_eq!(parent(text), expected, "{text}");
        }
        let (one, other) = (Context::of(&HeaderMap::new()), Context::of(&HeaderMap::new()));
        assert!(one.trace != other.trace && one.span != other.span && one.parent.is_none());
        assert_eq!(one.trace_id().len(), 32);
    }
}
