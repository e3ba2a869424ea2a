//! Where an export goes: standard output, or a file that has its name when it is whole.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::error::{Error, Result};

/// Where bytes go.
#[derive(Debug)]
pub(super) enum Target {
    Stdout,
    File(Partial),
}

/// A file that is not whole yet. Dropped, it is removed.
#[derive(Debug)]
pub(super) struct Partial {
    path: PathBuf,
    partial: PathBuf,
    writer: Option<Writer>,
}

#[derive(Debug)]
enum Writer {
    Plain(File),
    Gzip(Box<GzEncoder<File>>),
}

impl Target {
    /// Whether rows go to a terminal, where a bar would stand between them.
    pub(super) fn shows_rows(path: Option<&Path>) -> bool {
        path.is_none() && io::stdout().is_terminal()
    }

    pub(super) fn open(path: Option<&Path>) -> Result<Target> {
        let Some(path) = path else { return Ok(Target::Stdout) };
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let failed = |error: io::Error| Error::new(format!("failed to write `{}`: {error}", partial.display()));
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&partial).map_err(failed)?;
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(Error::new(format!("another export to `{}` is running", path.display())));
        }
        file.set_len(0).map_err(failed)?;
        let is_compressed = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
        let writer = if is_compressed {
            Writer::Gzip(Box::new(GzEncoder::new(file, Compression::default())))
        } else {
            Writer::Plain(file)
        };
        Ok(Target::File(Partial { path: path.to_owned(), partial, writer: Some(writer) }))
    }

    /// Writes bytes. `false`: nobody reads them any more.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<bool> {
        match self {
            Target::Stdout => {
                let mut stdout = io::stdout().lock();
                match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
                    Ok(()) => Ok(true),
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
                    Err(error) => Err(Error::new(format!("failed to write to standard output: {error}"))),
                }
            }
            Target::File(file) => {
                let written = match &mut file.writer {
                    Some(Writer::Plain(writer)) => writer.write_all(bytes),
                    Some(Writer::Gzip(writer)) => writer.write_all(bytes),
                    None => Ok(()),
                };
                written.map(|()| true).map_err(|error| file.failed(&error))
            }
        }
    }

    /// The whole is there: gives the file its name, once it is on disk.
    pub(super) fn finish(self) -> Result<()> {
        match self {
            Target::Stdout => Ok(()),
            Target::File(mut file) => file.finish().map_err(|error| file.failed(&error)),
        }
    }
}

impl Partial {
    fn finish(&mut self) -> io::Result<()> {
        let file = match self.writer.take() {
            Some(Writer::Plain(file)) => file,
            Some(Writer::Gzip(encoder)) => encoder.finish()?,
            None => return Ok(()),
        };
        file.sync_all()?;
        std::fs::rename(&self.partial, &self.path)
    }

    fn failed(&self, error: &io::Error) -> Error {
        Error::new(format!("failed to write `{}`: {error}", self.path.display()))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if self.writer.take().is_some() {
            // Where it cannot be removed, its name still says that it is not whole.
            drop(std::fs::remove_file(&self.partial));
        }
    }
}
