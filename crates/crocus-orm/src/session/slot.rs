//! An object of a session: what it is now, what its row is, and what the next flush has to do for it.

use std::any::{Any, TypeId};
use std::fmt::Write;

use super::identity::Identities;
use super::plan::{Change, Kind, Pointer, Stored, Subject, id_of};
use super::returned::Fresh;
use crate::model::{Assignments, Model, NewModel};
use crate::relation::{ObjectKeys, ObjectReference, RelationKind};
use crate::row::Row;
use crate::table::TableDef;
use crate::value::{Value, is_null, same};
use crate::{Error, ErrorKind, Result};

/// NULL, of whichever type: it is bound alike for all.
pub(super) const NULL: Value = Value::Bool(None);

/// The place of an object of the model `M`.
#[derive(Clone)]
pub(super) struct Slot<M: Model> {
    pub(super) state: State<M>,
    /// What was set by relationship and has no key yet, or stands beside a [`Model::New`].
    pub(super) links: Vec<Link>,
}

#[derive(Clone)]
pub(super) enum State<M: Model> {
    /// Not in the database yet.
    Pending(Pending<M>),
    /// As it is now, and as it is in the database where somebody had the object in hand since: it may differ.
    Persistent { current: M, stored: Option<Box<M>> },
    /// In the database, as it was there; its values are to be read again.
    Expired { stored: M },
    /// To be deleted; as it is in the database.
    Deleted { stored: M },
    /// Not part of the session: deleted, expunged, or added and rolled back.
    Gone,
}

#[derive(Clone)]
pub(super) enum Pending<M: Model> {
    New(M::New),
    /// A whole row, of which only generated columns are left to the database.
    Row(M),
}

/// Columns that take the key of another object, or NULL.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) columns: Vec<usize>,
    /// The other object's slot.
    pub(super) target: Option<usize>,
    /// What the columns held. An object whose columns hold something else now was changed after: the last word counts.
    pub(super) was: Vec<Value>,
}

/// What a foreign key points to.
pub(super) enum Points {
    /// Nothing: it is NULL, or there is no object.
    Nowhere,
    /// The object in this slot.
    ToObject(usize),
    /// The row with this key.
    ToKey(Vec<Value>),
}

/// In which of its states an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Pending,
    Persistent,
    Expired,
    Deleted,
    Gone,
}

/// A [`Slot`] of whichever model.
pub(super) trait AnySlot: Any + Send + Sync {
    fn table(&self) -> &'static TableDef;
    fn phase(&self) -> Phase;
    /// `car with id 7`, or `car` where it has no key yet.
    fn described(&self) -> String;
    /// The error for a row that has another version.
    fn stale(&self) -> Error;
    /// The error for a row that is gone.
    fn missing(&self) -> Error;
    /// What the next flush writes, if anything. `subject` is the slot's own number, `session` the session's.
    fn change(&self, subject: usize, session: u64) -> Result<Option<Change>>;
    /// Whether the next flush writes something.
    fn is_changed(&self) -> bool;
    /// The values of the row as it is in the database.
    fn stored(&self) -> Option<Vec<Value>>;
    /// The values of the object as it is now. A pending one has those that it brings, and NULL for the rest.
    fn current(&self) -> Option<Vec<Value>>;
    /// Where columns point to, as far as it is known here.
    fn points_to(&self, columns: &[usize]) -> Points;
    /// Points columns to another object, whose key is `values` where it has one, or to none.
    fn point(&mut self, columns: &[usize], target: Option<usize>, values: Option<&[Value]>) -> Result<()>;
    /// Why there is no object to be had.
    fn absent(&self) -> Error;
    /// Whether the relationship with this name goes through this association.
    fn is_linked_over(&self, relationship: &str, association: &TableDef) -> bool;
    /// A place for so many rows of its model.
    fn fresh(&self, rows: usize) -> Fresh;
    /// The row was written: the one in this place is what it is.
    fn write(&mut self, fresh: &mut Fresh, place: usize);
    /// The database has changed columns of the row by itself.
    fn follow(&mut self, values: &[(usize, Value)]) -> Result<()>;
    fn expire(&mut self);
    fn remove(&mut self);
    /// Forgets what was not flushed.
    fn discard(&mut self);
    /// The slot as its row is, without what was not flushed.
    fn snapshot(&self) -> Box<dyn AnySlot>;
    /// So many objects of its model are about to join the identity map.
    fn expect(&self, objects: usize, identities: &mut Identities);
    /// Joins the identity map under the stored key. `false`: another object has the key.
    fn join(&self, index: usize, identities: &mut Identities) -> bool;
    fn leave(&self, index: usize, identities: &mut Identities);
}

impl<M: Model> Slot<M> {
    pub(super) fn new(state: State<M>) -> Slot<M> {
        Slot { state, links: Vec::new() }
    }

    /// As it is in the database, where it is there.
    pub(super) fn row(&self) -> Option<&M> {
        match &self.state {
            State::Persistent { current, stored } => Some(stored.as_deref().unwrap_or(current)),
            State::Expired { stored } | State::Deleted { stored } => Some(stored),
            State::Pending(_) | State::Gone => None,
        }
    }

    /// The object.
    ///
    /// # Errors
    /// When there is none to be had now, with the reason.
    pub(super) fn object(&self) -> Result<&M> {
        match &self.state {
            State::Persistent { current, .. } | State::Pending(Pending::Row(current)) => Ok(current),
            state => Err(state.absence()),
        }
    }

    /// The same, to be changed.
    pub(super) fn object_mut(&mut self) -> Result<&mut M> {
        match &mut self.state {
            State::Persistent { current, stored } => {
                stored.get_or_insert_with(|| Box::new(current.clone()));
                Ok(current)
            }
            State::Pending(Pending::Row(current)) => Ok(current),
            state => Err(state.absence()),
        }
    }

    /// A row that was read takes the place of an object that has no changes.
    pub(super) fn refresh(&mut self, row: M) {
        if matches!(self.state, State::Expired { .. } | State::Persistent { .. }) && !self.is_changed() {
            self.state = State::Persistent { current: row, stored: None };
        }
    }

    /// The links that still count.
    fn valid_links<'a>(&'a self, current: &'a [Value]) -> impl Iterator<Item = &'a Link> {
        self.links.iter().filter(move |link| {
            link.was.is_empty() || link.columns.iter().zip(&link.was).all(|(column, was)| same(&current[*column], was))
        })
    }

    /// What an insert brings: the values, and the objects whose keys it takes.
    fn brought(pending: &Pending<M>) -> Result<(Assignments, Vec<ObjectReference>)> {
        match pending {
            Pending::New(new) => {
                let objects = new.objects();
                let mut values = new.clone().into_assignments(&Unknown)?;
                if !objects.is_empty() {
                    values.retain(|(column, _)| !objects.iter().any(|object| object.column == *column));
                }
                Ok((values, objects))
            }
            Pending::Row(row) => Ok((writable(M::TABLE, row.values().into_iter().enumerate()).collect(), Vec::new())),
        }
    }

    /// The same with what was set by relationship.
    fn insertion(&self, pending: &Pending<M>, session: u64) -> Result<(Assignments, Vec<Pointer>)> {
        let (mut values, objects) = Self::brought(pending)?;
        if objects.iter().any(|object| object.session != session) {
            let text = format!("a new {} refers to an object of another session", M::noun());
            return Err(
                Error::new(ErrorKind::InvalidValue, text).with_hint("use the object's key, as in `(&maker).into()`")
            );
        }
        let mut pointers: Vec<_> =
            objects.iter().map(|object| Pointer { columns: vec![object.column], target: object.index }).collect();
        let current = if self.links.is_empty() { Vec::new() } else { self.current().unwrap_or_default() };
        for link in self.valid_links(&current) {
            values.retain(|(column, _)| !link.columns.contains(column));
            pointers.retain(|pointer| !pointer.columns.iter().any(|column| link.columns.contains(column)));
            match link.target {
                Some(target) => pointers.push(Pointer { columns: link.columns.clone(), target }),
                None => values.extend(link.columns.iter().map(|column| (*column, NULL))),
            }
        }
        values.sort_by_key(|(column, _)| *column);
        Ok((values, pointers))
    }

    fn key_of(values: &[Value]) -> Vec<(usize, Value)> {
        M::TABLE.key_indexes().map(|index| (index, values[index].clone())).collect()
    }

    fn changed(current: &[Value], stored: &[Value]) -> Assignments {
        let pairs = current.iter().zip(stored).enumerate();
        let changes = pairs.filter(|(_, (now, then))| !same(now, then)).map(|(index, (now, _))| (index, now.clone()));
        writable(M::TABLE, changes).filter(|(index, _)| !M::TABLE.columns[*index].version).collect()
    }
}

/// The columns that are written: the database computes the others.
fn writable(
    table: &'static TableDef,
    values: impl Iterator<Item = (usize, Value)>,
) -> impl Iterator<Item = (usize, Value)> {
    values.filter(|(index, _)| table.columns[*index].generated.is_none())
}

impl<M: Model> AnySlot for Slot<M> {
    fn table(&self) -> &'static TableDef {
        M::TABLE
    }

    fn phase(&self) -> Phase {
        match &self.state {
            State::Pending(_) => Phase::Pending,
            State::Persistent { .. } => Phase::Persistent,
            State::Expired { .. } => Phase::Expired,
            State::Deleted { .. } => Phase::Deleted,
            State::Gone => Phase::Gone,
        }
    }

    fn described(&self) -> String {
        match self.row() {
            Some(row) => format!("{} with {}", M::noun(), crate::model::describe::<M>(&row.key())),
            None => M::noun(),
        }
    }

    fn stale(&self) -> Error {
        let text = format!("the {} was changed or deleted by somebody else since it was read", self.described());
        Error::new(ErrorKind::StaleObject, text).with_hint("read it again (`session.refresh(handle)`), then change it")
    }

    fn missing(&self) -> Error {
        match self.row() {
            Some(row) => M::not_found(&row.key()),
            None => Error::new(ErrorKind::NotFound, format!("the {} is not there", M::noun())),
        }
    }

    fn change(&self, subject: usize, session: u64) -> Result<Option<Change>> {
        let version = M::TABLE.columns.iter().position(|column| column.version);
        let subject = Subject::Object(subject);
        let change = |kind, values, pointers, stored| Change {
            subject,
            model: TypeId::of::<M>(),
            table: M::TABLE,
            kind,
            values,
            pointers,
            stored,
        };
        let stored_as = |row: Vec<Value>, version| {
            let key = Self::key_of(&row);
            let row = row.into_iter().enumerate().collect();
            Some(Box::new(Stored { row, key, version, cascades: Vec::new() }))
        };
        Ok(match &self.state {
            State::Pending(pending) => {
                let (values, pointers) = self.insertion(pending, session)?;
                Some(change(Kind::Insert, values, pointers, None))
            }
            State::Persistent { current, stored } if stored.is_some() || !self.links.is_empty() => {
                let current = current.values();
                let stored = stored.as_ref().map_or_else(|| current.clone(), |stored| stored.values());
                let mut values = Self::changed(&current, &stored);
                let mut pointers = Vec::new();
                for link in self.valid_links(&current) {
                    values.retain(|(column, _)| !link.columns.contains(column));
                    if let Some(target) = link.target {
                        pointers.push(Pointer { columns: link.columns.clone(), target });
                    }
                }
                let changed = !values.is_empty() || !pointers.is_empty();
                // The object's own version is checked: a program may set it to the one that its client has read.
                let own = version.map(|column| (column, current[column].clone()));
                if !changed && own.as_ref().is_some_and(|(column, own)| !same(own, &stored[*column])) {
                    return Err(self.stale());
                }
                changed.then(|| change(Kind::Update, values, pointers, stored_as(stored, own)))
            }
            State::Deleted { stored } => {
                let row = stored.values();
                let version = version.map(|column| (column, row[column].clone()));
                Some(change(Kind::Delete, Vec::new(), Vec::new(), stored_as(row, version)))
            }
            State::Persistent { .. } | State::Expired { .. } | State::Gone => None,
        })
    }

    fn is_changed(&self) -> bool {
        match &self.state {
            State::Pending(_) | State::Deleted { .. } => true,
            State::Persistent { current, stored } => {
                if stored.is_none() && self.links.is_empty() {
                    return false;
                }
                let current = current.values();
                self.valid_links(&current).next().is_some()
                    || stored.as_ref().is_some_and(|stored| !Self::changed(&current, &stored.values()).is_empty())
            }
            State::Expired { .. } | State::Gone => false,
        }
    }

    fn stored(&self) -> Option<Vec<Value>> {
        self.row().map(Model::values)
    }

    fn current(&self) -> Option<Vec<Value>> {
        match &self.state {
            State::Persistent { current, .. } | State::Pending(Pending::Row(current)) => Some(current.values()),
            State::Pending(pending @ Pending::New(_)) => {
                // What is wrong with it is told by the flush.
                let (brought, _) = Self::brought(pending).ok()?;
                let mut values = vec![NULL; M::TABLE.columns.len()];
                for (column, value) in brought {
                    values[column] = value;
                }
                Some(values)
            }
            State::Expired { stored } => Some(stored.values()),
            State::Deleted { .. } | State::Gone => None,
        }
    }

    fn points_to(&self, columns: &[usize]) -> Points {
        let Some(values) = self.current() else { return Points::Nowhere };
        if let Some(link) = self.valid_links(&values).find(|link| link.columns == columns) {
            return link.target.map_or(Points::Nowhere, Points::ToObject);
        }
        if let State::Pending(Pending::New(new)) = &self.state
            && let [column] = columns
            && let Some(object) = new.objects().into_iter().find(|object| object.column == *column)
        {
            return Points::ToObject(object.index);
        }
        let key: Vec<_> = columns.iter().map(|column| values[*column].clone()).collect();
        if key.iter().any(is_null) { Points::Nowhere } else { Points::ToKey(key) }
    }

    fn point(&mut self, columns: &[usize], target: Option<usize>, key: Option<&[Value]>) -> Result<()> {
        self.links.retain(|link| link.columns != columns);
        if matches!(self.state, State::Pending(Pending::New(_))) {
            let nullable = |column: &usize| M::TABLE.columns[*column].nullable;
            let columns = columns.iter().copied().filter(|column| target.is_some() || nullable(column)).collect();
            self.links.push(Link { columns, target, was: Vec::new() });
            return Ok(());
        }
        let object = self.object_mut()?;
        let mut values = object.values();
        match key {
            Some(key) => {
                for (column, value) in columns.iter().zip(key) {
                    values[*column] = value.clone();
                }
                *object = M::from_row(&Row::of(M::TABLE.columns, values), 0)?;
            }
            None => {
                let was = columns.iter().map(|column| values[*column].clone()).collect();
                self.links.push(Link { columns: columns.to_vec(), target, was });
            }
        }
        Ok(())
    }

    fn absent(&self) -> Error {
        self.object().err().unwrap_or_else(|| self.missing())
    }

    fn is_linked_over(&self, relationship: &str, table: &TableDef) -> bool {
        M::RELATIONS.iter().any(|relation| match relation.kind {
            RelationKind::ManyToMany { association, .. } => {
                relation.name == relationship && id_of(association()) == id_of(table)
            }
            _ => false,
        })
    }

    fn fresh(&self, rows: usize) -> Fresh {
        Fresh::of::<M>(rows)
    }

    fn write(&mut self, fresh: &mut Fresh, place: usize) {
        *self = Slot::new(State::Persistent { current: fresh.take(place), stored: None });
    }

    fn follow(&mut self, changes: &[(usize, Value)]) -> Result<()> {
        let patched = |model: &M| {
            let mut values = model.values();
            for (column, value) in changes {
                values[*column] = value.clone();
            }
            M::from_row(&Row::of(M::TABLE.columns, values), 0)
        };
        match &mut self.state {
            State::Persistent { current, stored } => {
                let now = patched(current)?;
                if let Some(stored) = stored {
                    **stored = patched(stored)?;
                }
                *current = now;
            }
            State::Expired { stored } | State::Deleted { stored } => *stored = patched(stored)?,
            State::Pending(_) | State::Gone => {}
        }
        Ok(())
    }

    fn expire(&mut self) {
        self.discard();
        if let Some(stored) = self.row().cloned() {
            self.state = State::Expired { stored };
        }
    }

    fn remove(&mut self) {
        *self = Slot::new(State::Gone);
    }

    fn discard(&mut self) {
        *self = Slot::new(match std::mem::replace(&mut self.state, State::Gone) {
            State::Persistent { current, stored } => {
                State::Persistent { current: stored.map_or(current, |stored| *stored), stored: None }
            }
            State::Deleted { stored } => State::Persistent { current: stored, stored: None },
            State::Expired { stored } => State::Expired { stored },
            State::Pending(_) | State::Gone => State::Gone,
        });
    }

    fn snapshot(&self) -> Box<dyn AnySlot> {
        let mut slot = self.clone();
        slot.discard();
        Box::new(slot)
    }

    fn expect(&self, objects: usize, identities: &mut Identities) {
        identities.reserve::<M>(objects);
    }

    fn join(&self, index: usize, identities: &mut Identities) -> bool {
        self.row().is_none_or(|row| identities.join::<M>(row.key(), index))
    }

    fn leave(&self, index: usize, identities: &mut Identities) {
        if let Some(row) = self.row() {
            identities.leave::<M>(&row.key(), index);
        }
    }
}

impl<M: Model> State<M> {
    /// Why there is no object to be had.
    fn absence(&self) -> Error {
        let (why, hint) = match self {
            State::Pending(_) => (
                "was added and is not flushed yet",
                "`session.flush()` or `session.commit()` inserts its row; until then there is `session.pending(handle)`",
            ),
            State::Persistent { .. } => ("is here", ""),
            State::Expired { .. } => ("is expired", "read it again with `session.refresh(handle)`"),
            State::Deleted { .. } => ("is deleted", "a rollback brings it back"),
            State::Gone => ("is not part of the session any more", "it was deleted, expunged or rolled back"),
        };
        Error::new(ErrorKind::NotFound, format!("the {} {why}", M::noun())).with_hint(hint)
    }
}

/// Stands in for keys while it is asked which columns take one.
struct Unknown;

impl ObjectKeys for Unknown {
    fn key_of(&self, _: ObjectReference) -> Result<Value> {
        Ok(NULL)
    }
}

/// A key in a form that can be compared and hashed, where none of its values is NULL.
pub(super) fn text_of<'a>(values: impl IntoIterator<Item = &'a Value>) -> Option<String> {
    let mut text = String::new();
    for value in values {
        if is_null(value) {
            return None;
        }
        // The names of variants keep numbers and texts apart; lengths are not needed since texts are quoted.
        // A string takes whatever is written to it.
        let _ = write!(text, "{value:?};");
    }
    Some(text)
}
