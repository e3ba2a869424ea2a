//! Prometheus's text format: families of samples with labels, and what is told of the databases in it.

use std::fmt::{Display, Write};
use std::time::Duration;

use crocus_orm::{Engine, Statistics};

use crate::Db;

/// What the default database is called among the binds.
const DEFAULT: &str = "default";

/// Durations in classes, each number with those before it.
#[derive(Debug)]
pub(super) struct Histogram {
    pub(super) buckets: Vec<(Duration, u64)>,
    pub(super) count: u64,
    pub(super) sum: Duration,
}

/// The text as it grows.
#[derive(Debug, Default)]
pub(super) struct Text(String);

impl From<Text> for String {
    fn from(Text(text): Text) -> String {
        text
    }
}

impl Text {
    /// Begins a family, whose samples follow.
    pub(super) fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (index, (label, text)) in labels.iter().enumerate() {
            let _ = write!(self.0, "{}{label}=\"", if index == 0 { '{' } else { ',' });
            for letter in text.chars() {
                match letter {
                    '\\' => self.0.push_str("\\\\"),
                    '"' => self.0.push_str("\\\""),
                    '\n' => self.0.push_str("\\n"),
                    letter => self.0.push(letter),
                }
            }
            self.0.push('"');
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{end} {value}");
    }

    pub(super) fn histogram(&mut self, name: &str, labels: &[(&str, &str)], histogram: &Histogram) {
        let bucket = format!("{name}_bucket");
        let mut up_to = |bound: &str, count| self.sample(&bucket, &[labels, &[("le", bound)]].concat(), count);
        for (bound, count) in &histogram.buckets {
            up_to(&bound.as_secs_f64().to_string(), *count);
        }
        up_to("+Inf", histogram.count);
        self.sample(&format!("{name}_sum"), labels, histogram.sum.as_secs_f64());
        self.sample(&format!("{name}_count"), labels, histogram.count);
    }

    /// The statements and connections of each bind.
    pub(super) fn databases(&mut self, db: &Db) {
        let all: Vec<(&str, Statistics)> =
            db.engines().map(|(bind, engine): (_, &Engine)| (bind.unwrap_or(DEFAULT), engine.statistics())).collect();
        self.family("crocus_db_statements_total", "counter", "Statements that were sent.");
        for (bind, statistics) in &all {
            for (kind, count) in &statistics.statements {
                self.sample("crocus_db_statements_total", &[("bind", bind), ("kind", kind.name())], count);
            }
        }
        self.family("crocus_db_statements_failed_total", "counter", "Statements that failed.");
        for (bind, statistics) in &all {
            self.sample("crocus_db_statements_failed_total", &[("bind", bind)], statistics.failed);
        }
        self.family(
            "crocus_db_statements_slow_total",
            "counter",
            "Statements that took longer than the setting slow_query.",
        );
        for (bind, statistics) in &all {
            self.sample("crocus_db_statements_slow_total", &[("bind", bind)], statistics.slow);
        }
        let name = "crocus_db_statement_duration_seconds";
        self.family(name, "histogram", "How long statements took, with the wait for a connection.");
        for (bind, statistics) in &all {
            let Statistics { durations, ended, duration, .. } = statistics;
            let histogram = Histogram { buckets: durations.clone(), count: *ended, sum: *duration };
            self.histogram(name, &[("bind", bind)], &histogram);
        }
        self.family("crocus_db_connections", "gauge", "Open connections.");
        for (bind, statistics) in &all {
            for pool in &statistics.pools {
                let used = pool.open.saturating_sub(pool.idle);
                for (state, number) in [("idle", pool.idle), ("used", used)] {
                    let labels = [("bind", *bind), ("pool", pool.name), ("state", state)];
                    self.sample("crocus_db_connections", &labels, number);
                }
            }
        }
        self.family("crocus_db_connections_max", "gauge", "Connections that may be open.");
        for (bind, statistics) in &all {
            for pool in &statistics.pools {
                self.sample("crocus_db_connections_max", &[("bind", bind), ("pool", pool.name)], pool.max);
            }
        }
        self.family("crocus_db_connections_waiting", "gauge", "Callers that wait for a connection.");
        for (bind, statistics) in &all {
            for pool in &statistics.pools {
                self.sample("crocus_db_connections_waiting", &[("bind", bind), ("pool", pool.name)], pool.waiting);
            }
        }
    }
}
