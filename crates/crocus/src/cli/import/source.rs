//! The bytes of an import: of a file or of standard input, compressed or not, and how far they are consumed.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// How many bytes are read at once, at least.
const CHUNK: usize = 256 * 1024;

/// The longest row. A quote that is left open would else read the whole file into memory.
const LONGEST: usize = 64 * 1024 * 1024;

/// Where rows come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Stdin,
    File(PathBuf),
}

/// A place between two rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// How many bytes stand before it, as they are after decompression.
    pub(super) position: u64,
    /// The number of the line that begins there, counted from 1.
    pub(super) line: u64,
}

/// Bytes that are read as they are asked for, each consumed once.
pub(super) struct Source {
    place: Place,
    inner: Box<dyn Read + Send + Sync>,
    buffer: Vec<u8>,
    /// What of the buffer is consumed.
    start: usize,
    ended: bool,
    mark: Mark,
    /// Of all that is consumed.
    digest: Sha256,
    /// The bytes of the file; unknown where it is compressed or a stream.
    size: Option<u64>,
    /// Kept open for its lock.
    file: Option<File>,
}

impl Place {
    pub(super) fn new(path: &Path) -> Place {
        if path == Path::new("-") { Place::Stdin } else { Place::File(path.to_owned()) }
    }

    /// What a person calls it.
    pub(super) fn shown(&self) -> String {
        match self {
            Place::Stdin => "standard input".to_owned(),
            Place::File(path) => format!("`{}`", path.display()),
        }
    }

    /// The name without what says that it is compressed.
    pub(super) fn plain(&self) -> Option<PathBuf> {
        match self {
            Place::Stdin => None,
            Place::File(path) if is_compressed(path) => Some(path.with_extension("")),
            Place::File(path) => Some(path.clone()),
        }
    }

    /// What tells it from other places of the machine: the path without links.
    pub(super) fn identity(&self) -> String {
        match self {
            Place::Stdin => "-".to_owned(),
            Place::File(path) => path.canonicalize().unwrap_or_else(|_| path.clone()).display().to_string(),
        }
    }
}

fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"))
}

impl Source {
    /// Opens the place, and passes over a byte order mark.
    pub(super) fn open(place: Place) -> Result<Source> {
        let failed = |error: io::Error| Error::new(format!("failed to open {}: {error}", place.shown()));
        let mut size = None;
        let (inner, file): (Box<dyn Read + Send + Sync>, _) = match &place {
            Place::Stdin => (Box::new(io::stdin()), None),
            Place::File(path) => {
                let file = File::open(path).map_err(failed)?;
                let metadata = file.metadata().map_err(failed)?;
                if metadata.is_dir() {
                    return Err(Error::new(format!("{} is a folder, and no file", place.shown())));
                }
                let held = file.try_clone().map_err(failed)?;
                if is_compressed(path) {
                    (Box::new(MultiGzDecoder::new(BufReader::new(file))), Some(held))
                } else {
                    size = metadata.is_file().then_some(metadata.len());
                    (Box::new(file), Some(held))
                }
            }
        };
        let mark = Mark { position: 0, line: 1 };
        let (buffer, digest) = (Vec::with_capacity(2 * CHUNK), Sha256::new());
        let mut source = Source { place, inner, buffer, start: 0, ended: false, mark, digest, size, file };
        while source.rest().len() < 3 && source.fill()? {}
        match source.rest() {
            [0xEF, 0xBB, 0xBF, ..] => source.consume(3, 0),
            [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => {
                let shown = source.place.shown();
                return Err(Error::new(format!("{shown} is in UTF-16, and not in UTF-8"))
                    .with_hint("convert it: `iconv -f UTF-16 -t UTF-8 FILE > NEW_FILE`"));
            }
            _ => {}
        }
        Ok(source)
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    pub(super) fn size(&self) -> Option<u64> {
        self.size
    }

    /// Keeps other imports on this machine from the file, until the source is dropped. `false`: one has it.
    pub(super) fn lock(&self) -> bool {
        // Where a file system has no locks, the record of the import is still moved by one alone.
        self.file.as_ref().is_none_or(|file| !matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock)))
    }

    /// The bytes that are read and not consumed.
    pub(super) fn rest(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Whether there is nothing behind [`rest`](Source::rest).
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    pub(super) fn mark(&self) -> Mark {
        self.mark
    }

    /// The digest so far of all that is consumed.
    pub(super) fn digest(&self) -> &Sha256 {
        &self.digest
    }

    /// Reads more. `false`: there is no more.
    pub(super) fn fill(&mut self) -> Result<bool> {
        if self.ended {
            return Ok(false);
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        let held = self.buffer.len();
        if held > LONGEST {
            let text = format!("the row that begins on line {} of {} has no end", self.mark.line, self.place.shown());
            return Err(Error::new(text).with_hint("is a quote left open there? a row has 64 MiB at most"));
        }
        // As much as is there, so that a long row is not looked through too often.
        self.buffer.resize(held + held.max(CHUNK), 0);
        let read = loop {
            match self.inner.read(&mut self.buffer[held..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(Error::new(format!("failed to read {}: {error}", self.place.shown())));
                }
                Ok(read) => break read,
            }
        };
        self.buffer.truncate(held + read);
        self.ended = read == 0;
        Ok(read > 0)
    }

    /// Consumes bytes, which have so many lines.
    pub(super) fn consume(&mut self, bytes: usize, lines: u64) {
        self.digest.update(&self.buffer[self.start..self.start + bytes]);
        self.start += bytes;
        self.mark.position += bytes as u64;
        self.mark.line += lines;
    }

    /// Consumes all up to a place further on. `false`: it ends before.
    pub(super) fn skip_to(&mut self, mark: Mark) -> Result<bool> {
        while self.mark.position < mark.position {
            let wanted = usize::try_from(mark.position - self.mark.position).unwrap_or(usize::MAX);
            let bytes = wanted.min(self.rest().len());
            self.consume(bytes, 0);
            if bytes < wanted && !self.fill()? {
                return Ok(false);
            }
        }
        self.mark.line = mark.line;
        Ok(self.mark.position == mark.position)
    }

    /// Whether everything is consumed.
    pub(super) fn is_at_end(&mut self) -> Result<bool> {
        while self.rest().is_empty() && self.fill()? {}
        Ok(self.rest().is_empty())
    }
}

/// A digest as it is kept: in hexadecimal.
pub(super) fn shown(digest: Sha256) -> String {
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
