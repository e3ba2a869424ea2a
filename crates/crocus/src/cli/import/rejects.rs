//! The file of rejected rows: each as it was, with its line and the reason before it, so that the file can be imported
//! when it is repaired.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::plan::{LINE, REASON};
use super::rows::Form;
use crate::error::{Error, Result};

/// Where rejected rows go.
#[derive(Debug)]
pub(super) struct Rejects {
    path: PathBuf,
    form: Form,
    /// The head of the file that is imported, as it is written there.
    head: Vec<u8>,
    file: Option<File>,
}

impl Rejects {
    pub(super) fn new(path: PathBuf, form: Form, head: Vec<u8>) -> Rejects {
        Rejects { path, form, head, file: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses a file that holds other rows: `length` is how much an import has written that goes on.
    pub(super) fn check(&self, length: u64, begun: bool) -> Result<()> {
        let there = self.path.metadata().map(|metadata| metadata.len()).ok();
        if !begun && there.is_some() {
            let text = format!("`{}` is there already, with the rejected rows of another import", self.path.display());
            return Err(Error::new(text)
                .with_hint("move it away, name another with `--rejects`, or begin anew with `--restart`"));
        }
        if there.unwrap_or(0) < length {
            let text = format!("`{}` has not all rows that the import has rejected until now", self.path.display());
            return Err(Error::new(text)
                .with_hint("name the file of the first run with `--rejects`, or begin anew with `--restart`"));
        }
        Ok(())
    }

    /// Removes the rows of an import that begins anew, and no file that holds anything else.
    pub(super) fn clear(&self) -> Result<()> {
        let failed = |error: io::Error| Error::new(format!("failed to remove `{}`: {error}", self.path.display()));
        let mut begin = Vec::new();
        match File::open(&self.path) {
            Ok(file) => file.take(LINE.len() as u64 + 2).read_to_end(&mut begin).map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        let begin = String::from_utf8_lossy(&begin);
        if !begin.is_empty() && !begin.trim_start_matches(['{', '"']).starts_with(LINE) {
            return Err(Error::new(format!("`{}` holds no rejected rows", self.path.display()))
                .with_hint("name another file with `--rejects`"));
        }
        std::fs::remove_file(&self.path).map_err(failed)
    }

    /// The bytes for a row. The first are the head's.
    pub(super) fn written(&self, row: &[u8], line: u64, reason: &str, is_first: bool) -> Vec<u8> {
        let mut text = Vec::new();
        match self.form {
            Form::Csv { delimiter } => {
                let own = |text: &mut Vec<u8>, line: &str, reason: &str| {
                    text.extend_from_slice(line.as_bytes());
                    text.push(delimiter);
                    text.extend_from_slice(reason.as_bytes());
                    text.push(delimiter);
                };
                if is_first {
                    own(&mut text, LINE, REASON);
                    text.extend_from_slice(&self.head);
                    text.push(b'\n');
                }
                own(&mut text, &line.to_string(), &format!("\"{}\"", reason.replace('"', "\"\"")));
                text.extend_from_slice(row);
            }
            Form::Ndjson => {
                let reason = Json::from(reason);
                let own = format!("{{\"{LINE}\":{line},\"{REASON}\":{reason}");
                text.extend_from_slice(own.as_bytes());
                let inside = match serde_json::from_slice(row) {
                    Ok(Json::Object(object)) if object.is_empty() => b"}".to_vec(),
                    Ok(Json::Object(_)) => {
                        let row = row.trim_ascii();
                        [b",", &row[1..]].concat()
                    }
                    _ => format!(",\"crocus_row\":{}}}", Json::from(String::from_utf8_lossy(row))).into_bytes(),
                };
                text.extend_from_slice(&inside);
            }
        }
        text.push(b'\n');
        text
    }

    /// Adds bytes behind those that belong to the import; what a crash has left behind them goes. They are on disk when
    /// this is over.
    pub(super) fn append(&mut self, length: u64, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let failed = |error: io::Error| Error::new(format!("failed to write `{}`: {error}", self.path.display()));
        let file = match self.file.take() {
            Some(file) => file,
            None => OpenOptions::new().create(true).truncate(false).write(true).open(&self.path).map_err(failed)?,
        };
        let append = || {
            file.set_len(length)?;
            (&file).seek(SeekFrom::Start(length))?;
            (&file).write_all(bytes)?;
            file.sync_data()
        };
        append().map_err(failed)?;
        self.file = Some(file);
        Ok(())
    }
}
