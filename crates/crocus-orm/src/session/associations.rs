//! Rows of associations that have no object of their own: which objects are linked, and which links are to be written.

use std::any::TypeId;
use std::collections::HashMap;

use super::plan::{Change, Kind, Pointer, Stored, Subject, TableId, id_of};
use crate::table::TableDef;
use crate::value::Value;

/// The links that the session knows.
#[derive(Clone, Default)]
pub(super) struct Associations {
    rows: Vec<AssociationRow>,
    /// Each row by its table and its ends.
    known: HashMap<(TableId, [End; 2]), usize>,
    /// The rows that have an end there, in the order in which they became known.
    by_end: HashMap<(TableId, End), Vec<usize>>,
}

/// The association's columns that hold an object's key, and the object's slot.
pub(super) type End = (Vec<usize>, usize);

#[derive(Clone)]
pub(super) struct AssociationRow {
    pub(super) table: &'static TableDef,
    pub(super) ends: [End; 2],
    pub(super) state: LinkState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LinkState {
    /// In the database.
    Known,
    /// To be inserted.
    Added,
    /// To be deleted.
    Removed,
    /// Not there.
    Gone,
}

impl Associations {
    /// The row between two objects, made if need be.
    pub(super) fn row(&mut self, table: &'static TableDef, source: End, target: End) -> &mut AssociationRow {
        let mut ends = [source, target];
        ends.sort();
        let index = *self.known.entry((id_of(table), ends.clone())).or_insert_with(|| {
            for end in &ends {
                self.by_end.entry((id_of(table), end.clone())).or_default().push(self.rows.len());
            }
            self.rows.push(AssociationRow { table, ends, state: LinkState::Gone });
            self.rows.len() - 1
        });
        &mut self.rows[index]
    }

    /// The objects that are linked with the one at this end, as it will be after the next flush.
    pub(super) fn linked(&self, table: &TableDef, end: &End) -> Vec<usize> {
        let rows = self.by_end.get(&(id_of(table), end.clone())).into_iter().flatten().map(|row| &self.rows[*row]);
        rows.filter(|row| matches!(row.state, LinkState::Known | LinkState::Added))
            .map(|row| if row.ends[0] == *end { row.ends[1].1 } else { row.ends[0].1 })
            .collect()
    }

    /// The rows that the next flush writes.
    pub(super) fn changed(&self) -> impl Iterator<Item = (usize, &AssociationRow)> {
        let changed = |row: &AssociationRow| matches!(row.state, LinkState::Added | LinkState::Removed);
        self.rows.iter().enumerate().filter(move |(_, row)| changed(row))
    }

    /// The row was written.
    pub(super) fn written(&mut self, index: usize, kind: Kind) {
        self.rows[index].state = if kind == Kind::Insert { LinkState::Known } else { LinkState::Gone };
    }

    /// Forgets what was not flushed.
    pub(super) fn discard(&mut self) {
        for row in &mut self.rows {
            row.state = match row.state {
                LinkState::Known | LinkState::Removed => LinkState::Known,
                LinkState::Added | LinkState::Gone => LinkState::Gone,
            };
        }
    }

    /// Rows of the table were written by others: nothing is known of them any more.
    /// Says whether something was.
    pub(super) fn forget(&mut self, table: &TableDef) -> bool {
        let mut forgotten = false;
        for row in self.rows.iter_mut().filter(|row| id_of(row.table) == id_of(table)) {
            if row.state == LinkState::Known {
                row.state = LinkState::Gone;
                forgotten = true;
            }
        }
        forgotten
    }

    /// The rows at this end are about to be read again.
    pub(super) fn forget_end(&mut self, table: &TableDef, end: &End) {
        for row in self.by_end.get(&(id_of(table), end.clone())).into_iter().flatten() {
            if self.rows[*row].state == LinkState::Known {
                self.rows[*row].state = LinkState::Gone;
            }
        }
    }

    /// The object is gone, and its rows with it.
    pub(super) fn remove_object(&mut self, slot: usize) {
        for row in self.rows.iter_mut().filter(|row| row.ends.iter().any(|(_, end)| *end == slot)) {
            row.state = LinkState::Gone;
        }
    }
}

impl AssociationRow {
    /// What is to be done with the row. `keys` are those of its ends, where they have one.
    pub(super) fn change(&self, index: usize, keys: [Option<Vec<Value>>; 2]) -> Option<Change> {
        let mut change = Change {
            subject: Subject::Association(index),
            model: TypeId::of::<()>(),
            table: self.table,
            kind: Kind::Insert,
            values: Vec::new(),
            pointers: Vec::new(),
            stored: None,
        };
        if self.state == LinkState::Added {
            let pointer = |(columns, target): &End| Pointer { columns: columns.clone(), target: *target };
            change.pointers = self.ends.iter().map(pointer).collect();
            return Some(change);
        }
        let values = self.ends.iter().zip(keys).map(|((columns, _), key)| Some(columns.iter().copied().zip(key?)));
        let mut key: Vec<_> = values.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
        key.sort_by_key(|(column, _)| *column);
        change.stored = Some(Box::new(Stored { row: key.clone(), key, ..Stored::default() }));
        change.kind = Kind::Delete;
        Some(change)
    }
}
