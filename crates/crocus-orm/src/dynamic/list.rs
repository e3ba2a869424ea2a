//! Lists of rows as one JSON text, written row by row as the database sends them, in turns with what else the program does.

use std::panic::Location;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::task::yield_now;

use super::JsonRow;
use crate::Result;
use crate::engine::Executor;
use crate::query::known::statement;
use crate::query::shape::Shape;
use crate::query::{Keyset, Select};
use crate::row::Row;

/// A list that may have more rows than these is written as they arrive, and does not hold them all at once. A shorter
/// one is an answer like any other.
const SHORT: u64 = 500;

/// How long a part of a list is, but for its last row, in bytes. After each the thread does something else first: who lists
/// much holds up nobody who asks little. Large blocks of memory would be moved as they grow, and small ones are used again.
const PART: usize = 32 * 1024;

/// Rows as JSON objects, in one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonList {
    full: Vec<Part>,
    last: Part,
}

/// A part of the text: some rows, each behind a bracket or a comma.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    text: Vec<u8>,
    /// Where each row ends.
    ends: Vec<usize>,
}

/// A page of a query's rows, with the cursors of its neighbours: see [`KeysetPage`](crate::KeysetPage).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPage {
    /// The rows, in the query's order.
    pub rows: JsonList,
    /// The cursor of the page after this one, if there are more rows.
    pub next: Option<String>,
    /// The cursor of the page before this one, if there are more rows.
    pub prev: Option<String>,
}

impl Part {
    fn new(begin: u8, bytes: usize) -> Part {
        let mut text = Vec::with_capacity(bytes);
        text.push(begin);
        Part { text, ends: Vec::new() }
    }

    fn is_full(&self) -> bool {
        self.text.len() >= PART
    }
}

impl JsonList {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.parts().map(|part| part.ends.len()).sum()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.last.ends.is_empty()
    }

    /// The rows, each a JSON object in UTF-8, in the parts of the text that they are in.
    pub fn rows(&self) -> impl Iterator<Item = impl Iterator<Item = &[u8]>> {
        self.parts().map(|part| {
            let starts = std::iter::once(1).chain(part.ends.iter().map(|end| end + 1));
            starts.zip(&part.ends).map(|(start, end)| &part.text[start..*end])
        })
    }

    /// The rows as a JSON array, in parts.
    pub fn into_array(mut self) -> Vec<Bytes> {
        self.last.text.push(b']');
        self.full.into_iter().chain([self.last]).map(|part| part.text.into()).collect()
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        self.full.iter().chain([&self.last])
    }

    fn new(rows: usize) -> JsonList {
        JsonList { full: Vec::new(), last: Part::new(b'[', (64 * (rows + 1)).min(PART + 1024)) }
    }

    fn add(&mut self, shape: &dyn Shape<JsonRow>, row: &Row) -> Result<()> {
        if self.last.is_full() {
            let next = Part::new(b',', PART + 1024);
            self.full.push(std::mem::replace(&mut self.last, next));
        } else if !self.last.ends.is_empty() {
            self.last.text.push(b',');
        }
        let Part { text, ends } = &mut self.last;
        match shape.members() {
            Some(members) => members.write(row, text)?,
            None => text.extend_from_slice(&shape.read_one(row)?.0),
        }
        ends.push(text.len());
        Ok(())
    }

    fn of<'a>(shape: &dyn Shape<JsonRow>, rows: impl ExactSizeIterator<Item = &'a Row>) -> Result<JsonList> {
        let mut list = JsonList::new(rows.len());
        rows.into_iter().try_for_each(|row| list.add(shape, row)).map(|()| list)
    }

    /// Adds at most so many rows as they arrive. Gives the last of them, and whether there are more.
    async fn add_all(
        &mut self,
        shape: &dyn Shape<JsonRow>,
        mut rows: impl Stream<Item = Result<Row>> + Unpin,
        most: u64,
    ) -> Result<(Option<Row>, bool)> {
        let (mut last, mut added) = (None, 0);
        while let Some(row) = rows.next().await.transpose()? {
            if added == most {
                // The stream ends as it should, with its last row.
                while rows.next().await.transpose()?.is_some() {}
                return Ok((last, true));
            }
            self.add(shape, &row)?;
            (last, added) = (Some(row), added + 1);
            if self.last.is_full() {
                yield_now().await;
            }
        }
        Ok((last, false))
    }
}

impl Select<JsonRow> {
    /// All rows in one text.
    ///
    /// # Errors
    /// When the database does not answer, or a row does not fit.
    #[track_caller]
    pub fn list(self, db: &impl Executor) -> impl Future<Output = Result<JsonList>> + Send {
        let place = Location::caller();
        async move {
            let Select { node, shape, .. } = self;
            let target = db.target(node.root.bind)?;
            if node.limit.is_some_and(|limit| limit <= SHORT) {
                return JsonList::of(&*shape, target.read_at(&node, place).await?.iter());
            }
            let rows = target.stream(statement(&node, target.dialect())?.at(place)).await?;
            let mut list = JsonList::new(0);
            list.add_all(&*shape, rows, u64::MAX).await?;
            Ok(list)
        }
    }
}

impl Keyset<JsonRow> {
    /// Reads the page in one text: one statement.
    ///
    /// # Errors
    /// As [`Keyset::fetch`](Keyset::fetch).
    #[track_caller]
    pub fn list(self, db: &impl Executor) -> impl Future<Output = Result<JsonPage>> + Send {
        let place = Location::caller();
        async move {
            let target = db.target(self.bind())?;
            let paged = self.prepare(target.dialect())?;
            if paged.is_backwards() || paged.rows <= SHORT {
                let rows = target.read_at(&paged.node, place).await?;
                let (rows, next, prev) = paged.cut(&rows)?;
                return Ok(JsonPage { rows: JsonList::of(&*paged.shape, rows.into_iter())?, next, prev });
            }
            let rows = target.stream(statement(&paged.node, target.dialect())?.at(place)).await?;
            let mut list = JsonList::new(0);
            let (last, more) = list.add_all(&*paged.shape, rows, paged.rows).await?;
            let next = if more { last.map(|row| paged.cursor(&row)).transpose()? } else { None };
            Ok(JsonPage { rows: list, next, prev: None })
        }
    }
}
