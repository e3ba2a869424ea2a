//! How far a command has come with its rows, on standard error: a bar on a terminal, a line now and then elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(10);

/// What a person sees of the progress.
#[derive(Debug)]
pub(super) struct Progress {
    shown: Shown,
    begun: Instant,
}

#[derive(Debug)]
enum Shown {
    Bar(ProgressBar),
    Lines { last: Instant },
    Nothing,
}

impl Progress {
    /// `size` is the number of bytes, where it is known.
    pub(super) fn new(quiet: bool, size: Option<u64>) -> Progress {
        let begun = Instant::now();
        let shown = if quiet {
            Shown::Nothing
        } else if std::io::stderr().is_terminal() {
            let bar = ProgressBar::with_draw_target(size, ProgressDrawTarget::stderr());
            let template = match size {
                Some(_) => "{bar:30} {percent:>3} %  {msg}  {eta} left",
                None => "{spinner} {msg}",
            };
            // The template is a constant, so that it is right or never was.
            bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
            Shown::Bar(bar)
        } else {
            Shown::Lines { last: begun }
        };
        Progress { shown, begun }
    }

    /// Says how many rows are done since the command began, and how many bytes of all.
    pub(super) fn at(&mut self, rows: u64, bytes: u64) {
        let said = || format!("{rows} rows, {} a second", rate(rows, self.begun.elapsed()));
        match &mut self.shown {
            Shown::Bar(bar) => {
                bar.set_position(bytes);
                bar.set_message(said());
                bar.tick();
            }
            Shown::Lines { last } if last.elapsed() >= EVERY => {
                *last = Instant::now();
                // Where standard error is closed, nobody listens.
                drop(writeln!(std::io::stderr(), "{}", said()));
            }
            Shown::Lines { .. } | Shown::Nothing => {}
        }
    }

    /// Says something beside the progress.
    pub(super) fn note(&self, text: &str) {
        let write = || drop(std::io::stderr().write_all(text.as_bytes()));
        match &self.shown {
            Shown::Bar(bar) => bar.suspend(write),
            Shown::Lines { .. } | Shown::Nothing => write(),
        }
    }

    /// Takes the bar away, and gives the time that has passed.
    pub(super) fn finish(self) -> Duration {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
        self.begun.elapsed()
    }
}

/// Rows a second.
pub(super) fn rate(rows: u64, elapsed: Duration) -> u64 {
    let milliseconds = elapsed.as_millis().max(1);
    u64::try_from(u128::from(rows) * 1000 / milliseconds).unwrap_or(u64::MAX)
}
