//! The log, on standard error: text on a terminal, JSON otherwise.

mod json;
mod lines;

use std::io::IsTerminal;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::error::{Error, Result};

pub(crate) use lines::flush;

/// Starts the log. `RUST_LOG` decides what is logged (`info,crocus=debug`); without it, `verbosity` does: 0 is
/// information, 1 adds what Crocus can tell, 2 adds everything.
pub(crate) fn init(verbosity: u8) -> Result<()> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(directives) if !directives.is_empty() => directives.parse::<Targets>().map_err(|error| {
            Error::new(format!("`{directives}` is no log filter: {error} (from the environment variable `RUST_LOG`)"))
                .with_hint("write a level, or targets with levels, as in `info,crocus=debug`")
        })?,
        _ => match verbosity {
            0 => Targets::new().with_default(LevelFilter::INFO),
            // The libraries below log much that helps nobody but themselves.
            1 => Targets::new().with_default(LevelFilter::INFO).with_target("crocus", LevelFilter::DEBUG),
            _ => Targets::new().with_default(LevelFilter::TRACE),
        },
    };
    let registry = tracing_subscriber::registry().with(filter);
    let format = tracing_subscriber::fmt::layer();
    // Fails only where the program that we are part of has a log already; that one is used.
    if std::io::stderr().is_terminal() {
        drop(registry.with(format.with_writer(std::io::stderr)).try_init());
    } else {
        let format =
            format.fmt_fields(JsonFields::new()).event_format(json::Lines::default()).with_writer(lines::Writer);
        if registry.with(format).try_init().is_ok() {
            lines::flush_on_panic();
        }
    }
    Ok(())
}
