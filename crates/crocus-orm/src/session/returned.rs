//! The rows that come back from a statement of a flush: read as they come, and each told to the change that it belongs
//! to. They wait here, as their model, until the flush has succeeded and the objects take them.

use std::any::Any;
use std::cmp::Ordering;

use super::plan::{Change, Kind, Subject};
use super::slot::AnySlot;
use super::write::Prepared;
use crate::model::Model;
use crate::query::matching::{Told, matched};
use crate::row::Row;
use crate::value::Value;
use crate::{Error, ErrorKind, Result};

/// Rows of one model as they were read. Each is there until an object takes it.
pub(super) struct Fresh(Box<dyn AnyRows>);

/// One of them.
#[derive(Clone, Copy)]
pub(super) struct FreshRow<'a> {
    rows: &'a Fresh,
    place: usize,
}

/// The rows of whichever model.
trait AnyRows: Any + Send + Sync {
    fn add(&mut self, row: &Row) -> Result<()>;
    fn len(&self) -> usize;
    fn values(&self, place: usize) -> Vec<Value>;
    fn arrange(&mut self, places: &[usize]);
}

struct Rows<M>(Vec<Option<M>>);

impl<M: Model> AnyRows for Rows<M> {
    fn add(&mut self, row: &Row) -> Result<()> {
        self.0.push(Some(M::from_row(row, 0)?));
        Ok(())
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn values(&self, place: usize) -> Vec<Value> {
        self.0[place].as_ref().map(Model::values).unwrap_or_default()
    }

    fn arrange(&mut self, places: &[usize]) {
        self.0 = places.iter().map(|place| self.0[*place].take()).collect();
    }
}

impl Fresh {
    /// For so many rows, which are still to come.
    pub(super) fn of<M: Model>(rows: usize) -> Fresh {
        Fresh(Box::new(Rows::<M>(Vec::with_capacity(rows))))
    }

    pub(super) fn row(&self, place: usize) -> FreshRow<'_> {
        FreshRow { rows: self, place }
    }

    /// Takes a row out.
    ///
    /// # Panics
    /// When they are of another model, or it was taken before.
    pub(super) fn take<M: Model>(&mut self, place: usize) -> M {
        let rows: &mut dyn Any = &mut *self.0;
        let rows: &mut Rows<M> = rows.downcast_mut().expect("a slot is given rows of its own model");
        rows.0[place].take().expect("each row is taken once")
    }
}

impl FreshRow<'_> {
    pub(super) fn values(self) -> Vec<Value> {
        self.rows.0.values(self.place)
    }
}

/// What has come back from a statement so far.
pub(super) struct Returned<'a> {
    statement: &'a Prepared,
    /// None of an association: nobody asks for its rows.
    fresh: Option<Result<Fresh>>,
    /// The columns of the key.
    key: Vec<usize>,
    /// Whether the key is known from what was sent.
    by_key: bool,
    /// Whether each row until now is that of the change in its place.
    in_order: bool,
    /// The key of the last row, where the database makes it.
    last: Vec<Option<i64>>,
}

impl<'a> Returned<'a> {
    pub(super) fn new(statement: &'a Prepared, slots: &[Box<dyn AnySlot>]) -> Returned<'a> {
        let fresh = statement.changes.first().and_then(|change| match change.subject {
            Subject::Object(any) => Some(Ok(slots[any].fresh(statement.changes.len()))),
            Subject::Association(_) => None,
        });
        let key: Vec<_> = statement.table.key_indexes().collect();
        let by_key = key.iter().all(|column| statement.sent(0, *column).is_some());
        Returned { statement, fresh, last: vec![None; key.len()], key, by_key, in_order: true }
    }

    /// Reads one more row.
    pub(super) fn add(&mut self, row: &Row) {
        let Some(Ok(Fresh(rows))) = &mut self.fresh else { return };
        let place = rows.len();
        if let Err(error) = rows.add(row) {
            self.fresh = Some(Err(error));
            return;
        }
        // More may come than were asked for, as of a table that inherits from this one.
        self.in_order = self.in_order && place < self.statement.changes.len() && self.is_next(row, place);
    }

    /// Whether the row is that of the change in this place, as it mostly is: what [`matched`] would find, without the
    /// values of each.
    fn is_next(&mut self, row: &Row, place: usize) -> bool {
        let ty = |column: usize| self.statement.table.columns[column].ty;
        let columns = match self.statement.inserted_columns() {
            Some(columns) if !self.by_key => {
                let mut order = Ordering::Equal;
                for (last, column) in self.last.iter_mut().zip(&self.key) {
                    let number = row.integer(*column, ty(*column));
                    order = order.then(number.cmp(last));
                    *last = number;
                }
                if order == Ordering::Less {
                    return false;
                }
                columns
            }
            _ => &self.key,
        };
        let holds = |column: &usize| {
            self.statement.sent(place, *column).is_some_and(|sent| row.holds(*column, ty(*column), sent))
        };
        columns.iter().all(holds)
    }

    /// The row of each change, in their order; nothing where no rows were asked for.
    ///
    /// # Errors
    /// When a row was not there or not as it was read, or cannot be told from others.
    pub(super) fn finish(self, slots: &[Box<dyn AnySlot>]) -> Result<Option<Fresh>> {
        let Some(mut fresh) = self.fresh.transpose()? else { return Ok(None) };
        let statement = self.statement;
        if self.in_order && fresh.0.len() == statement.changes.len() {
            return Ok(Some(fresh));
        }
        let sent: Vec<_> = (0..statement.changes.len()).map(|place| (statement, place)).collect();
        let rows = (0..fresh.0.len()).map(|place| (fresh.0.values(place), place)).collect();
        let told = Told { key: self.key, written: statement.inserted_columns().unwrap_or_default().to_vec() };
        let found = matched(told, &sent, |(of, place), column| of.sent(*place, column), rows, |(values, _)| values);
        let mut places = Vec::with_capacity(found.len());
        for (change, row) in statement.changes.iter().zip(found) {
            let Subject::Object(slot) = change.subject else { continue };
            let (_, place) = row.ok_or_else(|| lost(statement, change, &*slots[slot]))?;
            places.push(place);
        }
        fresh.0.arrange(&places);
        Ok(Some(fresh))
    }
}

/// The error for a change whose row did not come back.
fn lost(statement: &Prepared, change: &Change, slot: &dyn AnySlot) -> Error {
    if statement.kind == Kind::Insert {
        let text = format!(
            "the insert into `{}` did not give every row back; does a trigger or a rule swallow it?",
            statement.table.name
        );
        return Error::new(ErrorKind::Database, text);
    }
    if change.version().is_none() {
        return slot.missing();
    }
    slot.stale()
}
