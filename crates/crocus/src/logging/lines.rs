//! Lines of the log on their way to standard error. A request does not wait for its line to be written: a thread writes
//! what has come together. Warnings and errors, and all before them, are written at once; so is everything at the end
//! of the program and at a panic.

use std::io::{self, Write as _};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// How long lines may come together until they are written.
const GATHER: Duration = Duration::from_millis(10);

/// How many bytes of lines may wait. Where standard error takes no more, who logs waits too: no line is left out.
const MOST: usize = 1024 * 1024;

static LINES: Lines = Lines {
    waiting: Mutex::new(Waiting { text: Vec::new(), writer: Writes::Never, is_writing: false }),
    came: Condvar::new(),
    written: Condvar::new(),
};

struct Lines {
    waiting: Mutex<Waiting>,
    /// The thread is told that there are lines.
    came: Condvar,
    /// Lines were written.
    written: Condvar,
}

struct Waiting {
    text: Vec<u8>,
    writer: Writes,
    /// Whether lines are being written that are not in `text` any more.
    is_writing: bool,
}

/// What the thread that writes does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writes {
    /// It was not started yet.
    Never,
    /// It looks for lines by itself.
    Soon,
    /// It waits to be told.
    WhenTold,
}

impl Lines {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, line: &[u8]) {
        let mut waiting = self.lock();
        while waiting.text.len() >= MOST {
            waiting = self.written.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.text.extend_from_slice(line);
        match waiting.writer {
            Writes::Soon => {}
            Writes::WhenTold => {
                waiting.writer = Writes::Soon;
                self.came.notify_one();
            }
            Writes::Never => {
                let thread = std::thread::Builder::new().name("crocus-log".to_owned());
                if thread.spawn(|| LINES.write_for_ever()).is_ok() {
                    waiting.writer = Writes::Soon;
                } else {
                    self.write(waiting, &mut Vec::new());
                }
            }
        }
    }

    fn write_for_ever(&self) {
        let mut text = Vec::new();
        loop {
            let mut waiting = self.lock();
            while waiting.text.is_empty() {
                waiting.writer = Writes::WhenTold;
                waiting = self.came.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
            self.write(waiting, &mut text);
            std::thread::sleep(GATHER);
        }
    }

    /// Writes what waits, after what is being written. `text` becomes the place of the next lines.
    fn write(&self, mut waiting: MutexGuard<'_, Waiting>, text: &mut Vec<u8>) {
        while waiting.is_writing {
            waiting = self.written.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut waiting.text, text);
        waiting.is_writing = true;
        drop(waiting);
        // Where standard error is closed, nobody reads the log.
        drop(io::stderr().write_all(text));
        text.clear();
        self.lock().is_writing = false;
        self.written.notify_all();
    }
}

/// Writes the lines that wait.
pub(crate) fn flush() {
    LINES.write(LINES.lock(), &mut Vec::new());
}

/// Writes the lines that wait at a panic too, after its message: the program may end with it.
pub(super) fn flush_on_panic() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        before(panic);
        flush();
    }));
}

/// Takes whole lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writer;

/// Takes one event's line.
#[derive(Debug)]
pub(super) struct Line {
    is_urgent: bool,
}

impl<'a> MakeWriter<'a> for Writer {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { is_urgent: false }
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> Line {
        Line { is_urgent: *event.level() <= Level::WARN }
    }
}

impl io::Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        LINES.add(line);
        if self.is_urgent {
            flush();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        flush();
        Ok(())
    }
}
