//! Lists that are streamed: memory does not grow with the number of rows.

use std::pin::Pin;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use crocus_orm::{Model, Rows};
use futures_util::StreamExt;
use serde::Serialize;
use tokio::sync::mpsc;

use crate::Result;

/// How much JSON is sent at a time.
const CHUNK: usize = 32 * 1024;

/// How long a client may take for a chunk before it is given up: it holds a connection to the database.
const STALLED: Duration = Duration::from_secs(30);

/// A JSON object with a list of rows and their number, `{"count":2,"cars":[...]}`, written as the rows arrive.
///
/// The number is that of the rows in this very answer. A list that fits into 32 KiB is sent whole, with its length; of
/// a longer one the number is known, and stands, at the end: `{"cars":[...],"count":20000}`. When the database fails in
/// the middle of a longer one, the connection is cut: the client sees that the answer is incomplete.
#[derive(Debug)]
pub struct List<M> {
    rows: Rows<M>,
    items: &'static str,
    count: &'static str,
}

impl<M: Model + Serialize> List<M> {
    /// A list with the names of its two members.
    pub fn new(items: &'static str, count: &'static str, rows: Rows<M>) -> List<M> {
        List { rows, items, count }
    }

    /// The answer.
    ///
    /// # Errors
    /// When the database fails before the first chunk is full.
    pub async fn respond(self) -> Result<Response> {
        let mut writer = Writer { rows: Box::pin(self.rows), written: 0, ended: false };
        let mut items = Vec::new();
        writer.fill(&mut items).await?;
        let (items_name, count_name) = (quoted(self.items), quoted(self.count));
        let body = if writer.ended {
            let mut whole = format!("{{{count_name}:{},{items_name}:[", writer.written).into_bytes();
            whole.extend_from_slice(&items);
            whole.extend_from_slice(b"]}");
            Body::from(whole)
        } else {
            let mut first = format!("{{{items_name}:[").into_bytes();
            first.extend_from_slice(&items);
            stream(first, count_name, writer)
        };
        Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response())
    }
}

fn quoted(name: &str) -> String {
    serde_json::Value::from(name).to_string()
}

/// Writes rows as JSON, with commas between.
struct Writer<M> {
    rows: Pin<Box<Rows<M>>>,
    written: u64,
    ended: bool,
}

impl<M: Model + Serialize> Writer<M> {
    /// Writes until the chunk is full or there are no more rows.
    async fn fill(&mut self, chunk: &mut Vec<u8>) -> crocus_orm::Result<()> {
        while chunk.len() < CHUNK {
            let Some(row) = self.rows.next().await else {
                self.ended = true;
                return Ok(());
            };
            if self.written > 0 {
                chunk.push(b',');
            }
            serde_json::to_writer(&mut *chunk, &row?).map_err(|error| {
                let text = format!("a row cannot be written as JSON: {error}");
                crocus_orm::Error::new(crocus_orm::ErrorKind::Mismatch, text)
            })?;
            self.written += 1;
        }
        Ok(())
    }
}

/// A body that a task writes: a client that does not read must not hold the rows' connection for ever, and only a
/// task notices that.
fn stream<M: Model + Serialize>(first: Vec<u8>, count_name: String, mut writer: Writer<M>) -> Body {
    let (sender, receiver) = mpsc::channel::<std::result::Result<Bytes, std::io::Error>>(1);
    tokio::spawn(async move {
        let mut chunk = first;
        loop {
            let ended = writer.ended;
            match tokio::time::timeout(STALLED, sender.send(Ok(chunk.into()))).await {
                Ok(Ok(())) if ended => break,
                Ok(Ok(())) => {}
                // The client is gone.
                Ok(Err(_)) => return,
                Err(_) => return tracing::warn!("a client stopped reading a list; the answer is cut"),
            }
            chunk = Vec::with_capacity(CHUNK + 1024);
            if let Err(error) = writer.fill(&mut chunk).await {
                tracing::error!(%error, "a list failed in the middle; the answer is cut");
                drop(sender.send(Err(std::io::Error::other(error))).await);
                return;
            }
            if writer.ended {
                chunk.extend_from_slice(format!("],{count_name}:{}}}", writer.written).as_bytes());
            }
        }
        drop(sender.send(Ok(Bytes::new())).await);
    });
    // The last item is empty and says that the list is whole; a channel that closes without it was cut.
    let body = futures_util::stream::unfold(Some(receiver), async |receiver| {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Ok(chunk)) if chunk.is_empty() => None,
            Some(Ok(chunk)) => Some((Ok(chunk), Some(receiver))),
            Some(Err(error)) => Some((Err(error), None)),
            None => Some((Err(std::io::Error::other("the list was cut")), None)),
        }
    });
    Body::from_stream(body)
}
