//! The rows of a source, read on a thread of their own while those before them are written.

use crocus_orm::Assignments;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::plan::Plan;
use super::source::{self, Mark, Source};
use crate::error::Result;
use std::sync::Arc;

/// The most bytes of a batch, however few rows they are.
const BYTES: usize = 8 * 1024 * 1024;

/// Rows that are written together.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) start: Mark,
    pub(super) end: Mark,
    /// The digest of all up to its end.
    pub(super) digest: String,
    pub(super) rows: Vec<Read>,
    /// Whether the source ends here.
    pub(super) last: bool,
    /// All bytes from its start to its end.
    raw: Vec<u8>,
    /// The digest of all before it.
    before: Sha256,
}

/// A row that was read.
#[derive(Debug)]
pub(super) struct Read {
    /// Where it begins in the batch's bytes.
    at: usize,
    content: usize,
    pub(super) line: u64,
    /// What it brings, until that is taken, or why it can be no row of the table.
    pub(super) brings: Result<Option<Assignments>, String>,
}

/// What the reader tells.
#[derive(Debug)]
pub(super) enum Told {
    Batch(Box<Batch>),
    Failed(crate::error::Error),
    /// Somebody wants it to end.
    Interrupted,
}

impl Batch {
    /// A row as it was, without the end of its line.
    pub(super) fn raw(&self, row: usize) -> &[u8] {
        let Read { at, content, .. } = self.rows[row];
        &self.raw[at..at + content]
    }

    /// The place before a row, and the digest of all up to there.
    pub(super) fn before(&self, row: usize) -> (Mark, String) {
        let Read { at, line, .. } = self.rows[row];
        let mut digest = self.before.clone();
        digest.update(&self.raw[..at]);
        (Mark { position: self.start.position + at as u64, line }, source::shown(digest))
    }
}

/// Reads a source to its end, a few batches ahead of who takes them.
pub(super) fn read(mut source: Source, plan: Arc<Plan>, rows: usize) -> mpsc::Receiver<Told> {
    let (sender, receiver) = mpsc::channel(2);
    let interrupted = sender.clone();
    // A thread of its own, since a program that ends does not wait for it: standard input may never end.
    std::thread::spawn(move || {
        loop {
            let told = match batch(&mut source, &plan, rows) {
                Ok(batch) => Told::Batch(Box::new(batch)),
                Err(error) => Told::Failed(error),
            };
            let is_last = match &told {
                Told::Batch(batch) => batch.last,
                _ => true,
            };
            if sender.blocking_send(told).is_err() || is_last {
                return;
            }
        }
    });
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            drop(interrupted.send(Told::Interrupted).await);
        }
    });
    receiver
}

fn batch(source: &mut Source, plan: &Plan, most: usize) -> Result<Batch> {
    let (start, before) = (source.mark(), source.digest().clone());
    let (mut raw, mut rows, mut fields) = (Vec::new(), Vec::with_capacity(most.min(100_000)), Vec::new());
    let mut last = false;
    while rows.len() < most && raw.len() < BYTES {
        if source.rest().is_empty() && source.has_ended() {
            last = true;
            break;
        }
        let found = match source.rest() {
            [] => None,
            rest => plan.form.row(rest, source.has_ended(), &mut fields),
        };
        let Some(row) = found else {
            source.fill()?;
            continue;
        };
        let bytes = &source.rest()[..row.bytes];
        if !plan.is_blank(&bytes[..row.content]) {
            let brings = plan.row(bytes, row, &fields).map(Some);
            rows.push(Read { at: raw.len(), content: row.content, line: source.mark().line, brings });
        }
        raw.extend_from_slice(bytes);
        source.consume(row.bytes, row.lines);
    }
    let digest = source::shown(source.digest().clone());
    Ok(Batch { start, end: source.mark(), digest, rows, last: last || source.is_at_end()?, raw, before })
}
