//! Lists of rows as one JSON text, written row by row as the database sends them, in turns with what else the program does.

use std::panic::Location;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use memmap2::MmapMut;
use tokio::task::yield_now;

use super::JsonRow;
use super::together::Together;
use crate::Result;
use crate::engine::{Executor, Target};
use crate::query::keyset::Paged;
use crate::query::known::statement;
use crate::query::shape::Shape;
use crate::query::{Keyset, Select};
use crate::row::{Row, RowStream};
use crate::statement::{Share, Statement};

/// A list that may have more rows than these is written as they arrive, and does not hold them all at once. A shorter
/// one is an answer like any other.
const SHORT: u64 = 500;

/// How long a part of a list is, but for its last row, in bytes. After each the thread does something else first: who lists
/// much holds up nobody who asks little.
const PART: usize = 64 * 1024;

/// Rows as JSON objects, in one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonList(Arc<[Part]>);

/// A part of the text: some rows, each behind a bracket or a comma.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    text: Bytes,
    /// Where each row ends.
    ends: Vec<usize>,
}

/// A list as it is written.
struct Writing {
    full: Vec<Part>,
    /// Those of the last part.
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// A list that is read row by row.
pub(super) struct Long {
    pub(super) statement: Statement,
    pub(super) shape: Arc<dyn Shape<JsonRow>>,
    /// How many rows it has at most, where it is a page.
    pub(super) page: Option<Paged<JsonRow>>,
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

impl JsonList {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.0.iter().map(|part| part.ends.len()).sum()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows, each a JSON object in UTF-8, in the parts of the text that they are in.
    pub fn rows(&self) -> impl Iterator<Item = impl Iterator<Item = &[u8]>> {
        self.0.iter().map(|part| {
            let starts = std::iter::once(1).chain(part.ends.iter().map(|end| end + 1));
            starts.zip(&part.ends).map(|(start, end)| &part.text[start..*end])
        })
    }

    /// The rows as a JSON array, in parts.
    pub fn array(&self) -> Vec<Bytes> {
        self.0.iter().map(|part| part.text.clone()).collect()
    }

    fn of<'a>(shape: &dyn Shape<JsonRow>, rows: impl ExactSizeIterator<Item = &'a Row>) -> Result<JsonList> {
        let mut list = Writing::new(rows.len());
        rows.into_iter().try_for_each(|row| list.add(shape, row)).map(|()| list.end())
    }
}

impl Writing {
    fn new(rows: usize) -> Writing {
        let mut text = Vec::with_capacity((64 * (rows + 1)).min(PART));
        text.push(b'[');
        Writing { full: Vec::new(), text, ends: Vec::with_capacity(rows) }
    }

    fn add(&mut self, shape: &dyn Shape<JsonRow>, row: &Row) -> Result<()> {
        if !(self.ends.is_empty() && self.full.is_empty()) {
            self.text.push(b',');
        }
        match shape.members() {
            Some(members) => members.write(row, &mut self.text)?,
            None => self.text.extend_from_slice(&shape.read_one(row)?.0),
        }
        self.ends.push(self.text.len());
        Ok(())
    }

    /// Adds at most so many rows as they arrive. Gives the last of them, and whether there are more.
    async fn add_all(
        &mut self,
        shape: &dyn Shape<JsonRow>,
        mut rows: RowStream,
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
            if self.text.len() >= PART {
                self.put_away();
                yield_now().await;
            }
        }
        Ok((last, false))
    }

    fn put_away(&mut self) {
        let next = Vec::with_capacity(self.ends.len());
        self.full.push(Part { text: apart(&self.text), ends: std::mem::replace(&mut self.ends, next) });
        self.text.clear();
    }

    fn end(mut self) -> JsonList {
        self.text.push(b']');
        let last = Part { text: self.text.into(), ends: self.ends };
        JsonList(self.full.into_iter().chain([last]).collect())
    }
}

impl Long {
    /// Reads it, for itself.
    pub(super) async fn read(&self, target: Target<'_>) -> Result<JsonPage> {
        let rows = target.stream(self.statement.clone()).await?;
        let mut list = Writing::new(0);
        let most = self.page.as_ref().map_or(u64::MAX, |page| page.rows);
        let (last, more) = list.add_all(&*self.shape, rows, most).await?;
        let last = last.filter(|_| more).zip(self.page.as_ref());
        let next = last.map(|(row, page)| page.cursor(&row)).transpose()?;
        Ok(JsonPage { rows: list.end(), next, prev: None })
    }

    /// The same list, asked by another.
    pub(super) fn is_same(&self, other: &Long) -> bool {
        let Long { statement, shape, page } = self;
        let members = || shape.members().zip(other.shape.members());
        *statement.sql == *other.statement.sql
            && statement.values.iter().eq(other.statement.values.iter())
            && page.as_ref().map(|page| page.rows) == other.page.as_ref().map(|page| page.rows)
            && members().is_some_and(|(one, other)| one == other)
    }

    async fn read_with_others(self, target: Target<'_>) -> Result<JsonPage> {
        match target {
            Target::Engine(engine) if matches!(self.statement.share, Share::Rows) => Together::read(engine, self).await,
            target => self.read(target).await,
        }
    }
}

/// A part in memory of its own, which the system has back once it was sent. Of what is taken from the allocator much would
/// stay with the process: small blocks that others hold stand between.
fn apart(text: &[u8]) -> Bytes {
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
            let statement = statement(&node, target.dialect())?.at(place);
            let list = Long { statement, shape, page: None };
            list.read_with_others(target).await.map(|page| page.rows)
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
            let statement = statement(&paged.node, target.dialect())?.at(place);
            let list = Long { statement, shape: paged.shape.clone(), page: Some(paged) };
            list.read_with_others(target).await
        }
    }
}
