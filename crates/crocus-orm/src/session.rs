//! The session: a unit of work with an identity map. Changes are found by comparison, and written together.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::engine::Engine;
use crate::model::{Model, NewModel};
use crate::query::write as query;
use crate::relation::ObjectReference;
use crate::row::Row;
use crate::statement::Statement;
use crate::table::TableDef;
use crate::value::same;
use crate::{Dialect, Error, Result};

/// A unit of work: objects read and made here, and written together by [`commit`](Session::commit).
///
/// The session owns its objects; a [`Handle`] names one, and `session[handle]` is the object itself. One row is one
/// object: getting it twice gives one handle. Reading runs outside a transaction; a commit is one.
///
/// # Example
/// ```
/// # use crocus_macros::Model;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), crocus_orm::Error> {
/// use crocus_orm::{Engine, Model, Statement};
///
/// #[derive(Debug, Clone, Model)]
/// # #[model(crate = "crocus_orm")]
/// #[model(table = "cars")]
/// struct Car {
///     #[model(primary_key)]
///     id: i32,
///     doors: i32,
/// }
///
/// # let db = Engine::connect(&"sqlite::memory:".parse()?).await?;
/// # db.execute(Statement::write("CREATE TABLE cars (id INTEGER PRIMARY KEY, doors INTEGER NOT NULL)", [])).await?;
/// let mut session = db.session();
/// let car = session.add(NewCar { doors: 4 });
/// session.commit().await?; // INSERT
/// assert_eq!(session[car].id, 1);
///
/// session[car].doors = 5;
/// session.commit().await?; // UPDATE cars SET doors = 5
///
/// session.delete(car);
/// session.rollback();
/// assert_eq!(session[car].doors, 5);
/// # Ok(()) }
/// ```
///
/// # Panics
/// `session[handle]` panics for a handle of another session, of an object that was added and is not committed yet
/// (its row does not exist, so it has no key), or of one that is deleted: like an index out of range, a mistake in
/// the program.
pub struct Session {
    id: u64,
    engine: Engine,
    slots: Vec<Box<dyn AnySlot>>,
    identities: Identities,
}

/// Each model's `HashMap<M::Key, usize>`: which slot has the row.
type Identities = HashMap<TypeId, Box<dyn Any + Send + Sync>>;

/// Names an object of a [`Session`].
pub struct Handle<M> {
    session: u64,
    index: usize,
    model: PhantomData<fn() -> M>,
}

struct Slot<M: Model> {
    state: State<M>,
}

enum State<M: Model> {
    /// Not in the database yet.
    Added(M::New),
    /// As it is now, and as it is in the database.
    Loaded { current: M, stored: M },
    /// To be deleted; as it is in the database.
    Deleted { stored: M },
    /// Not part of the session: deleted, or added and rolled back.
    Gone,
}

/// What a commit does with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    Insert,
    Update,
    Delete,
}

/// A [`Slot`] of whichever model.
trait AnySlot: Any + Send + Sync {
    fn table(&self) -> &'static TableDef;
    /// What is to be written, if anything.
    fn work(&self, dialect: Dialect) -> Result<Option<(Work, Statement)>>;
    /// Reads what an insert or an update gave back: the row as the database made it.
    fn written(&self, rows: Vec<Row>) -> Result<Box<dyn Any + Send>>;
    /// The error for an object whose row is gone.
    fn missing(&self) -> Error;
    /// Takes note that the work is committed.
    fn committed(&mut self, written: Option<Box<dyn Any + Send>>);
    /// Forgets what was not committed.
    fn roll_back(&mut self);
    /// Joins the identity map under the stored key.
    fn identify(&self, index: usize, identities: &mut Identities);
    /// Leaves the identity map.
    fn forget(&self, identities: &mut Identities);
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl Session {
    pub(crate) fn new(engine: Engine) -> Session {
        static SESSIONS: AtomicU64 = AtomicU64::new(0);
        let id = SESSIONS.fetch_add(1, Ordering::Relaxed);
        Session { id, engine, slots: Vec::new(), identities: HashMap::new() }
    }

    /// Adds an object; the next commit inserts its row.
    pub fn add<N: NewModel>(&mut self, new: N) -> Handle<N::Model> {
        self.push(State::Added(new))
    }

    /// The object with this primary key. A row that the session has already is not read again.
    ///
    /// # Errors
    /// When the database does not answer, or the row does not fit the model.
    pub async fn get<M: Model>(&mut self, key: M::Key) -> Result<Option<Handle<M>>> {
        if let Some(index) = identities::<M>(&mut self.identities).get(&key).copied() {
            let deleted = matches!(self.slot::<M>(index).state, State::Deleted { .. });
            return Ok((!deleted).then(|| self.handle(index)));
        }
        let Some(model) = M::get(&self.engine, key).await? else {
            return Ok(None);
        };
        let key = model.key();
        let handle = self.push(State::Loaded { current: model.clone(), stored: model });
        identities::<M>(&mut self.identities).insert(key, handle.index);
        Ok(Some(handle))
    }

    /// Deletes an object; the next commit deletes its row. One that was only added is forgotten.
    #[track_caller]
    pub fn delete<M: Model>(&mut self, handle: Handle<M>) {
        let index = self.index_of(handle);
        let state = &mut self.slot_mut::<M>(index).state;
        *state = match std::mem::replace(state, State::Gone) {
            State::Added(_) | State::Gone => State::Gone,
            State::Loaded { stored, .. } | State::Deleted { stored } => State::Deleted { stored },
        };
    }

    /// Writes every change in one transaction: inserts in the order of adding, then updates of the columns that
    /// changed, then deletions, the latest first. Nothing changed: nothing is sent.
    ///
    /// # Errors
    /// When the database does not answer, a constraint does not hold, or the row of a changed or deleted object is
    /// gone ([`ErrorKind::NotFound`](crate::ErrorKind::NotFound)). Then nothing is written, and the session is as it
    /// was before: the cause can be mended and the commit tried again.
    ///
    /// When the connection is lost at the very end, nobody knows whether it was written
    /// ([`ErrorKind::OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown)), and neither is it known when the future is
    /// dropped before its end. The session takes it for not written.
    pub async fn commit(&mut self) -> Result<()> {
        let mut plan = Vec::new();
        for (index, slot) in self.slots.iter().enumerate() {
            if let Some((work, statement)) = slot.work(self.engine.dialect())? {
                plan.push((work, index, statement));
            }
        }
        plan.sort_by_key(|(work, index, _)| (*work, if *work == Work::Delete { usize::MAX - index } else { *index }));
        let done = match plan.len() {
            0 => return Ok(()),
            // One statement is a transaction by itself.
            1 => self.write(&self.engine, plan).await?,
            _ => {
                let transaction = self.engine.begin().await?;
                let done = self.write(&transaction, plan).await?;
                transaction.commit().await?;
                done
            }
        };
        // All leave the identity map before any joins it: one object may have taken over another's key.
        for (index, _) in &done {
            self.slots[*index].forget(&mut self.identities);
        }
        for (index, written) in done {
            self.slots[index].committed(written);
            self.slots[index].identify(index, &mut self.identities);
        }
        Ok(())
    }

    /// Forgets every change since the last commit: changed and deleted objects are as they were, added ones are gone.
    pub fn rollback(&mut self) {
        for slot in &mut self.slots {
            slot.roll_back();
        }
    }

    async fn write(
        &self,
        db: &impl crate::Executor,
        plan: Vec<(Work, usize, Statement)>,
    ) -> Result<Vec<(usize, Option<Box<dyn Any + Send>>)>> {
        let mut done = Vec::with_capacity(plan.len());
        for (work, index, statement) in plan {
            let slot = &self.slots[index];
            let target = db.target(slot.table().bind)?;
            let for_table = |error: Error| error.for_table(slot.table());
            let written = match work {
                Work::Insert | Work::Update => {
                    let rows = target.query(statement).await.map_err(for_table)?;
                    if work == Work::Update && rows.is_empty() {
                        return Err(slot.missing());
                    }
                    Some(slot.written(rows)?)
                }
                Work::Delete => {
                    if target.execute(statement).await.map_err(for_table)? == 0 {
                        return Err(slot.missing());
                    }
                    None
                }
            };
            done.push((index, written));
        }
        Ok(done)
    }

    fn push<M: Model>(&mut self, state: State<M>) -> Handle<M> {
        self.slots.push(Box::new(Slot { state }));
        self.handle(self.slots.len() - 1)
    }

    fn handle<M>(&self, index: usize) -> Handle<M> {
        Handle { session: self.id, index, model: PhantomData }
    }

    #[track_caller]
    fn index_of<M>(&self, handle: Handle<M>) -> usize {
        assert!(handle.session == self.id, "this handle belongs to another session");
        handle.index
    }

    fn slot<M: Model>(&self, index: usize) -> &Slot<M> {
        self.slots[index].as_any().downcast_ref().expect("a handle's slot has the handle's model")
    }

    fn slot_mut<M: Model>(&mut self, index: usize) -> &mut Slot<M> {
        self.slots[index].as_any_mut().downcast_mut().expect("a handle's slot has the handle's model")
    }
}

fn identities<M: Model>(all: &mut HashMap<TypeId, Box<dyn Any + Send + Sync>>) -> &mut HashMap<M::Key, usize> {
    all.entry(TypeId::of::<M>())
        .or_insert_with(|| Box::new(HashMap::<M::Key, usize>::new()))
        .downcast_mut()
        .expect("each model's map has the model's key")
}

impl<M: Model> AnySlot for Slot<M> {
    fn table(&self) -> &'static TableDef {
        M::TABLE
    }

    fn work(&self, dialect: Dialect) -> Result<Option<(Work, Statement)>> {
        Ok(match &self.state {
            State::Added(new) => Some((Work::Insert, query::insert_statement(dialect, new.clone())?)),
            State::Loaded { current, stored } => {
                let pairs = current.values().into_iter().zip(stored.values()).enumerate();
                let changes: Vec<_> =
                    pairs.filter(|(_, (now, then))| !same(now, then)).map(|(index, (now, _))| (index, now)).collect();
                (!changes.is_empty())
                    .then(|| (Work::Update, query::update_statement::<M>(dialect, stored.key(), changes)))
            }
            State::Deleted { stored } => Some((Work::Delete, query::delete_statement::<M>(dialect, stored.key()))),
            State::Gone => None,
        })
    }

    fn written(&self, rows: Vec<Row>) -> Result<Box<dyn Any + Send>> {
        query::inserted::<M>(rows).map(|model| Box::new(model) as _)
    }

    fn missing(&self) -> Error {
        match &self.state {
            State::Loaded { stored, .. } | State::Deleted { stored } => M::not_found(&stored.key()),
            State::Added(_) | State::Gone => {
                unreachable!("only what was loaded is updated or deleted")
            }
        }
    }

    fn committed(&mut self, written: Option<Box<dyn Any + Send>>) {
        self.state = match written {
            Some(row) => {
                let row = *row.downcast::<M>().expect("a slot is given what it read itself");
                State::Loaded { current: row.clone(), stored: row }
            }
            None => State::Gone,
        };
    }

    fn roll_back(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Gone) {
            State::Loaded { stored, .. } | State::Deleted { stored } => {
                State::Loaded { current: stored.clone(), stored }
            }
            State::Added(_) | State::Gone => State::Gone,
        };
    }

    fn identify(&self, index: usize, all: &mut Identities) {
        if let State::Loaded { stored, .. } = &self.state {
            identities::<M>(all).insert(stored.key(), index);
        }
    }

    fn forget(&self, all: &mut Identities) {
        if let State::Loaded { stored, .. } | State::Deleted { stored } = &self.state {
            identities::<M>(all).remove(&stored.key());
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

impl<M: Model> Index<Handle<M>> for Session {
    type Output = M;

    #[track_caller]
    fn index(&self, handle: Handle<M>) -> &M {
        match &self.slot::<M>(self.index_of(handle)).state {
            State::Loaded { current, .. } => current,
            state => panic!("{}", state.absence()),
        }
    }
}

impl<M: Model> IndexMut<Handle<M>> for Session {
    #[track_caller]
    fn index_mut(&mut self, handle: Handle<M>) -> &mut M {
        let index = self.index_of(handle);
        match &mut self.slot_mut::<M>(index).state {
            State::Loaded { current, .. } => current,
            state => panic!("{}", state.absence()),
        }
    }
}

impl<M: Model> State<M> {
    /// Why there is no object to be had.
    fn absence(&self) -> String {
        let why = match self {
            State::Added(_) => "was added and is not committed yet",
            State::Loaded { .. } => "is here",
            State::Deleted { .. } => "is deleted",
            State::Gone => "is not part of the session any more",
        };
        format!("the {} {why}", M::noun())
    }
}

impl<M> Handle<M> {
    /// As a reference from the column with this index in its table.
    pub(crate) fn referred(self, column: usize) -> ObjectReference {
        ObjectReference { session: self.session, index: self.index, column }
    }
}

impl<M> Clone for Handle<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Handle<M> {}

impl<M> PartialEq for Handle<M> {
    fn eq(&self, other: &Self) -> bool {
        (self.session, self.index) == (other.session, other.index)
    }
}

impl<M> Eq for Handle<M> {}

impl<M> std::fmt::Debug for Handle<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Handle").field(&self.index).finish()
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("objects", &self.slots.len()).finish_non_exhaustive()
    }
}
