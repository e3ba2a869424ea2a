//! `Server-Timing`: what of a request's time went to the database (W3C Server Timing).

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use crocus_orm::StatementCount;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Counts one request's statements: [`Db`](crate::Db) gives the handler engines that count there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counted(pub(crate) StatementCount);

impl Counted {
    /// Adds the field to those that the handler has written.
    pub(crate) fn tell(&self, total: Duration, headers: &mut HeaderMap) {
        let Counted(count) = self;
        let statements = count.statements();
        let plural = if statements == 1 { "query" } else { "queries" };
        let (database, total) = (milliseconds(count.duration()), milliseconds(total));
        let text = format!("db;dur={database:.1};desc=\"{statements} {plural}\", total;dur={total:.1}");
        headers.append(SERVER_TIMING, HeaderValue::try_from(text).expect("numbers are a header's value"));
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
