//! An event as a line of JSON: `{"timestamp":..., "level":..., its fields, "target":...}`.

use std::cell::RefCell;
use std::fmt::{self, Debug, Write as _};
use std::time::{SystemTime, UNIX_EPOCH};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Json, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes lines of JSON. Every request is one, so an event outside of spans is written straight into the line; what
/// stands in spans is left to the general formatter, whose lines are the same.
#[derive(Debug)]
pub(super) struct Lines {
    in_spans: Format<Json>,
}

impl Default for Lines {
    fn default() -> Lines {
        Lines { in_spans: Format::default().json().flatten_event(true) }
    }
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        if context.lookup_current().is_some() {
            return self.in_spans.format_event(context, line, event);
        }
        // Written into one text first: each write to the line itself is a call that the compiler cannot see through.
        thread_local!(static TEXT: RefCell<String> = const { RefCell::new(String::new()) });
        // A value that logs while it is shown would find the text in use.
        let mut text = TEXT.take();
        text.clear();
        text.push_str("{\"timestamp\":\"");
        write_time(&mut text, SystemTime::now())?;
        text.push_str("\",\"level\":\"");
        text.push_str(event.metadata().level().as_str());
        text.push('"');
        event.record(&mut Fields { text: &mut text });
        text.push_str(",\"target\":");
        write_text(&mut text, event.metadata().target());
        text.push_str("}\n");
        let written = line.write_str(&text);
        TEXT.set(text);
        written
    }
}

/// An event's fields as members.
struct Fields<'a> {
    text: &'a mut String,
}

impl Fields<'_> {
    fn name(&mut self, field: &Field) -> &mut String {
        self.text.push(',');
        // `r#type` in the program is `type`.
        let name = field.name();
        write_text(self.text, name.strip_prefix("r#").unwrap_or(name));
        self.text.push(':');
        self.text
    }

    fn number(&mut self, field: &Field, value: impl itoa::Integer) {
        self.name(field).push_str(itoa::Buffer::new().format(value));
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        write_text(self.name(field), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.name(field).push_str(if value { "true" } else { "false" });
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no number for all of them.
        self.name(field).push_str(&serde_json::Value::from(value).to_string());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write_text(self.name(field), &format!("{value:?}"));
    }
}

/// A string. Most have nothing to escape.
fn write_text(text: &mut String, value: &str) {
    // All bytes are looked at, many at a time.
    let escaped = |escaped: bool, byte: u8| escaped | (byte < b' ') | (byte == b'"') | (byte == b'\\');
    if value.bytes().fold(false, escaped) {
        text.push_str(&serde_json::Value::from(value).to_string());
        return;
    }
    text.reserve(value.len() + 2);
    text.push('"');
    text.push_str(value);
    text.push('"');
}

/// The time in UTC with six digits of the second: `2026-11-22T14:03:00.000250Z`.
fn write_time(line: &mut String, time: SystemTime) -> fmt::Result {
    thread_local! {
        /// A second, and its text.
        static LAST: RefCell<(u64, String)> = const { RefCell::new((u64::MAX, String::new())) };
    }
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    LAST.with_borrow_mut(|(second, text)| {
        if *second != since.as_secs() {
            *second = since.as_secs();
            text.clear();
            let (year, month, day) = date(*second / 86_400);
            let (hours, minutes, seconds) = (*second / 3600 % 24, *second / 60 % 60, *second % 60);
            write!(text, "{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}")?;
        }
        line.push_str(text);
        Ok(())
    })?;
    // Six digits with zeros before them, behind a digit that is left out.
    line.push('.');
    line.push_str(&itoa::Buffer::new().format(1_000_000 + since.subsec_micros())[1..]);
    line.push('Z');
    Ok(())
}

/// The date of a day counted from 1970-01-01. Years are counted from March, so that the day of a leap year is their last.
fn date(day: u64) -> (u64, u64, u64) {
    let day = day + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let from_march = (5 * day + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use serde_json::Value;
    use tracing_subscriber::fmt::format::JsonFields;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The members of each line in their order, without the time.
    fn logged(general: bool, log: fn()) -> Vec<Vec<String>> {
        let written = Written::default();
        let writer = {
            let written = written.clone();
            move || written.clone()
        };
        let layer = tracing_subscriber::fmt::layer().fmt_fields(JsonFields::new()).with_writer(writer);
        if general {
            let format = Format::default().json().flatten_event(true);
            tracing::subscriber::with_default(tracing_subscriber::registry().with(layer.event_format(format)), log);
        } else {
            let format = Lines::default();
            tracing::subscriber::with_default(tracing_subscriber::registry().with(layer.event_format(format)), log);
        }
        let written = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let member = |(name, value): (&String, &Value)| {
            if name == "timestamp" { name.clone() } else { format!("{name}={value}") }
        };
        let line =
            |line: &str| serde_json::from_str::<Value>(line).unwrap().as_object().unwrap().iter().map(member).collect();
        written.lines().map(line).collect()
    }

    #[test]
    fn lines_are_those_of_the_general_formatter() {
        let log = || {
            tracing::info!("plain");
            tracing::warn!(target: "crocus::\"x\"", number = 7u64, negative = -7, truth = true, none = None::<&str>, "a {}", "\"b\"");
            tracing::error!(text = "line\nend \\ \u{1} ü", float = 0.5, not = f64::NAN, shown = ?Some("x"), r#type = %'"');
            tracing::info_span!("around", id = 1).in_scope(|| tracing::info!(inside = true, "in a span"));
        };
        let (ours, general) = (logged(false, log), logged(true, log));
        assert_eq!(ours.len(), 4);
        assert_eq!(ours, general);
    }

    #[test]
    fn times_are_written_in_utc() {
        for (seconds, micros, expected) in [
            (0, 0, "1970-01-01T00:00:00.000000Z"),
            (951_782_399, 999_999, "2000-02-28T23:59:59.999999Z"),
            (951_782_400, 1, "2000-02-29T00:00:00.000001Z"),
            (1_795_442_580, 250, "2026-11-23T14:03:00.000250Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00.000000Z"),
            (253_402_300_799, 0, "9999-12-31T23:59:59.000000Z"),
        ] {
            let mut text = String::new();
            let time = UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(micros);
            write_time(&mut text, time).unwrap();
            assert_eq!(text, expected);
        }
    }
}
