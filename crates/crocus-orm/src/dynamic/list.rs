//! Lists of rows as one JSON text, written row by row as the database sends them, in turns with what else the program does.

use std::panic::Location;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use memmap2::MmapMut;
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
/// much holds up nobody who asks little.
const PART: usize = 64 * 1024;

/// Rows as JSON objects, in one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonList {
    full: Vec<Part<Bytes>>,
    last: Part<Vec<u8>>,
}

/// A part of the text: some rows, each behind a bracket or a comma.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part<T> {
    text: T,
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

impl<T: AsRef<[u8]>> Part<T> {
    fn rows(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(1).chain(self.ends.iter().map(|end| end + 1));
        starts.zip(&self.ends).map(|(start, end)| &self.text.as_ref()[start..*end])
    }
}

impl JsonList {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.full.iter().map(|part| part.ends.len()).sum::<usize>() + self.last.ends.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows, each a JSON object in UTF-8, in the parts of the text that they are in.
    pub fn rows(&self) -> impl Iterator<Item = Vec<&[u8]>> {
        let full = self.full.iter().map(|part| part.rows().collect());
        full.chain(std::iter::once_with(|| self.last.rows().collect()))
    }

    /// The rows as a JSON array, in parts.
    pub fn into_array(mut self) -> Vec<Bytes> {
        self.last.text.push(b']');
        self.full.into_iter().map(|part| part.text).chain([self.last.text.into()]).collect()
    }

    fn new(rows: usize) -> JsonList {
        let mut text = Vec::with_capacity((64 * (rows + 1)).min(PART));
        text.push(b'[');
        JsonList { full: Vec::new(), last: Part { text, ends: Vec::new() } }
    }

    fn add(&mut self, shape: &dyn Shape<JsonRow>, row: &Row) -> Result<()> {
        let Part { text, ends } = &mut self.last;
        if !(ends.is_empty() && self.full.is_empty()) {
            text.push(b',');
        }
        match shape.members() {
            Some(members) => members.write(row, text)?,
            None => text.extend_from_slice(&shape.read_one(row)?.0),
        }
        ends.push(text.len());
        Ok(())
    }

    /// Puts a full part away, and gives others their turn.
    async fn rest(&mut self) {
        if self.last.text.len() < PART {
            return;
        }
        let text = put_away(&self.last.text);
        self.last.text.clear();
        let next = Vec::with_capacity(self.last.ends.len());
        self.full.push(Part { text, ends: std::mem::replace(&mut self.last.ends, next) });
        yield_now().await;
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
            self.rest().await;
        }
        Ok((last, false))
    }
}

/// A part in memory of its own, which the system has back once it was sent. Of what is taken from the allocator much would
/// stay with the process: small blocks that others hold stand between.
fn put_away(text: &[u8]) -> Bytes {
    match MmapMut::map_anon(text.len()) {
        Ok(mut memory) => {
            memory.copy_from_slice(text);
            Bytes::from_owner(memory)
        }
        Err(_) => Bytes::copy_from_slice(text),
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
