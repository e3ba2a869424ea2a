//! The session: a unit of work with an identity map. Changes are found by comparison, and written together.
//!
//! Here is what a program sees of it. `slot` is one object's state, `identity` which object has which row, `relations`
//! the verbs for relationships, `results` how rows of queries become objects, `plan` what a flush does in which order,
//! `write` its statements, `flush` running them, `returned` the rows that come back, `followers` what the database does by
//! itself, `frame` what a rollback needs.

mod associations;
mod flush;
mod followers;
mod frame;
mod handle;
mod identity;
mod nested;
mod plan;
mod relations;
mod results;
mod returned;
mod slot;
mod write;

use std::any::{Any, TypeId};
use std::ops::{Deref, DerefMut, Index, IndexMut};
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::{HashMap, HashMapExt};
pub use handle::Handle;
pub use nested::Nested;
pub use relations::{LinkMany, Related};
pub use results::IntoHandles;

use self::associations::Associations;
use self::frame::Frame;
use self::identity::Identities;
use self::relations::Resolver;
use self::slot::{AnySlot, Pending, Phase, Slot, State};
use crate::engine::{Engine, Executor, Target};
use crate::model::{Key, Model, NewModel};
use crate::relation::NoObjects;
use crate::row::Row;
use crate::{Binds, Error, ErrorKind, Result, Transaction, TransactionOptions};

/// A unit of work: objects read and made here, and written together by [`commit`](Session::commit).
///
/// The session owns its objects; a [`Handle`] names one, and `session[handle]` is the object itself. One row is one
/// object: getting it twice gives one handle.
///
/// # What is written
/// A [flush](Session::flush) compares each object with its row and writes what differs: only the columns that changed,
/// and nothing where nothing changed. Rows go in an order that the foreign keys allow, rows of one table together in
/// one statement, and statements that need nothing of each other's results in one round trip. [`commit`](Session::commit)
/// flushes; so does a query that could see a change, before it runs ([`no_autoflush`](Session::no_autoflush) does
/// without). Adding 1,000 rows to three tables, each of which points to the one before, takes three statements.
///
/// # Transactions
/// The first flush begins the session's transaction, or [`begin`](Session::begin) does; `commit` and
/// [`rollback`](Session::rollback) end it. What is read before it runs outside, what is read after it inside. After a
/// rollback the objects are as they were when it began: added ones are gone, and one that was first read inside is
/// expired, since its row may never have been. [`begin_nested`](Session::begin_nested) is a savepoint.
///
/// # Example
/// ```
/// # use crocus_macros::Model;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), crocus_orm::Error> {
/// use crocus_orm::{Engine, Model, Statement};
///
/// #[derive(Debug, Clone, Model)]
/// # #[model(crate = "crocus_orm")]
/// #[model(table = "makers")]
/// struct Maker {
///     #[model(primary_key)]
///     id: i32,
///     name: String,
/// }
///
/// #[derive(Debug, Clone, Model)]
/// # #[model(crate = "crocus_orm")]
/// #[model(table = "cars")]
/// struct Car {
///     #[model(primary_key)]
///     id: i32,
///     doors: i32,
///     #[model(belongs_to = Maker)]
///     maker_id: i32,
/// }
///
/// # let db = Engine::connect(&"sqlite::memory:".parse()?).await?;
/// # db.execute(Statement::write("CREATE TABLE makers (id INTEGER PRIMARY KEY, name TEXT NOT NULL)", [])).await?;
/// # let sql = "CREATE TABLE cars (id INTEGER PRIMARY KEY, doors INTEGER NOT NULL, maker_id INTEGER NOT NULL)";
/// # db.execute(Statement::write(sql, [])).await?;
/// let mut session = db.session();
/// let maker = session.add(NewMaker { name: "Tesla".into() });
/// let car = session.add(NewCar { doors: 4, maker_id: maker.into() }); // a key that does not exist yet
/// session.commit().await?; // INSERT makers, INSERT cars
/// assert_eq!(session[car].maker_id, session[maker].id);
///
/// session[car].doors = 5;
/// session.commit().await?; // UPDATE cars SET doors = 5
///
/// session.delete(car);
/// session.rollback().await?;
/// assert_eq!(session[car].doors, 5);
/// # Ok(()) }
/// ```
///
/// # Panics
/// `session[handle]` panics for a handle of another session, and for an object that is not there: one that was added and
/// is not flushed yet (its row does not exist, so it has no key), or that is deleted, expired or gone. Like an index out
/// of range it is a mistake in the program; [`try_get`](Session::try_get) asks first.
pub struct Session {
    id: u64,
    databases: Databases,
    slots: Vec<Box<dyn AnySlot>>,
    /// The slots of each model, in the order in which they were made.
    models: HashMap<TypeId, Vec<usize>>,
    identities: Identities,
    associations: Associations,
    /// The relationships to many that are known in full, and the order in which their objects were read.
    loaded: HashMap<(usize, &'static str), Vec<usize>>,
    /// The transactions that are open, one for each bind that was written to.
    transactions: Vec<(Bind, Transaction)>,
    options: TransactionOptions,
    /// The transaction, then the savepoints in it, the innermost last.
    frames: Vec<Frame>,
    autoflush: bool,
}

/// The key of a bind; the default one has none.
type Bind = Option<&'static str>;

/// Where a session's rows are.
#[derive(Debug, Clone)]
enum Databases {
    /// All in one database, whatever bind the models name.
    One(Engine),
    /// Each on its model's bind.
    Binds(Binds),
}

impl Databases {
    /// The bind under which a transaction for it is kept.
    fn bind(&self, bind: Bind) -> Bind {
        match self {
            Databases::One(_) => None,
            Databases::Binds(_) => bind,
        }
    }

    fn engine(&self, bind: Bind) -> Result<&Engine> {
        match self {
            Databases::One(engine) => Ok(engine),
            Databases::Binds(binds) => binds.engine(bind),
        }
    }
}

impl Session {
    pub(crate) fn of_engine(engine: Engine) -> Session {
        Session::new(Databases::One(engine))
    }

    pub(crate) fn of_binds(binds: Binds) -> Session {
        Session::new(Databases::Binds(binds))
    }

    fn new(databases: Databases) -> Session {
        static SESSIONS: AtomicU64 = AtomicU64::new(0);
        Session {
            id: SESSIONS.fetch_add(1, Ordering::Relaxed),
            databases,
            slots: Vec::new(),
            models: HashMap::new(),
            identities: Identities::default(),
            associations: Associations::default(),
            loaded: HashMap::new(),
            transactions: Vec::new(),
            options: TransactionOptions::new(),
            frames: vec![Frame::default()],
            autoflush: true,
        }
    }

    /// Adds an object; the next flush inserts its row.
    pub fn add<N: NewModel>(&mut self, new: N) -> Handle<N::Model> {
        self.add_pending(Pending::New(new))
    }

    /// Adds many.
    pub fn add_all<N: NewModel>(&mut self, news: impl IntoIterator<Item = N>) -> Vec<Handle<N::Model>> {
        let news = news.into_iter();
        self.expect::<N::Model>(news.size_hint().0);
        self.expect_to_keep(news.size_hint().0);
        news.map(|new| self.add(new)).collect()
    }

    fn add_pending<M: Model>(&mut self, pending: Pending<M>) -> Handle<M> {
        let handle = self.push(State::Pending(pending));
        self.keep_as(handle.index, None);
        // Nothing in the database points to a row that is not there.
        for relation in M::RELATIONS.iter().filter(|relation| relation.columns().is_empty()) {
            self.loaded.insert((handle.index, relation.name), Vec::new());
        }
        handle
    }

    /// What the insert of an object that was added will bring. `None` once it is flushed.
    #[track_caller]
    pub fn pending<M: Model>(&self, handle: Handle<M>) -> Option<&M::New> {
        match &self.slot(handle).state {
            State::Pending(Pending::New(new)) => Some(new),
            _ => None,
        }
    }

    /// The same, to be changed.
    #[track_caller]
    pub fn pending_mut<M: Model>(&mut self, handle: Handle<M>) -> Option<&mut M::New> {
        match &mut self.slot_mut(handle).state {
            State::Pending(Pending::New(new)) => Some(new),
            _ => None,
        }
    }

    /// The object, where `session[handle]` would have one.
    ///
    /// # Errors
    /// When the object is not flushed yet, deleted, expired or gone ([`ErrorKind::NotFound`], with the reason), or the
    /// handle is of another session.
    pub fn try_get<M: Model>(&self, handle: Handle<M>) -> Result<&M> {
        self.checked(handle)?;
        self.slot(handle).object()
    }

    /// The same, to be changed.
    ///
    /// # Errors
    /// As for [`try_get`](Session::try_get).
    pub fn try_get_mut<M: Model>(&mut self, handle: Handle<M>) -> Result<&mut M> {
        self.checked(handle)?;
        self.slot_mut(handle).object_mut()
    }

    /// The object with this primary key. A row that the session has already is not read again, unless it is expired.
    ///
    /// # Errors
    /// When the database does not answer, or the row does not fit the model.
    pub async fn get<M: Model>(&mut self, key: M::Key) -> Result<Option<Handle<M>>> {
        if let Some(index) = self.identities.get::<M>(&key) {
            match self.slots[index].phase() {
                Phase::Persistent => return Ok(Some(self.handle(index))),
                Phase::Expired => {}
                Phase::Pending | Phase::Deleted | Phase::Gone => return Ok(None),
            }
        }
        let row = M::get(&*self, key).await?;
        Ok(row.map(|row| self.join(row)))
    }

    /// Takes over every field that an insert would bring, as [`Model::assign`] does; the new values may refer to objects
    /// of this session. For an object that is not flushed yet, they take the place of what was added.
    ///
    /// # Errors
    /// When the object is deleted, expired or gone, or the new values refer to an object that is not flushed yet.
    pub fn assign<M: Model>(&mut self, handle: Handle<M>, new: M::New) -> Result<()> {
        self.checked(handle)?;
        if let State::Pending(Pending::New(pending)) = &mut self.slot_mut(handle).state {
            *pending = new;
            self.slot_mut(handle).links.clear();
            return Ok(());
        }
        let mut object = self.slot(handle).object()?.clone();
        object.assign_with(new, &Resolver(self))?;
        *self.slot_mut(handle).object_mut()? = object;
        Ok(())
    }

    /// Brings an object from outside into the session: one that another session had, or that was kept from before. The
    /// row's object takes over its values, and the next flush writes what differs; where there is no such row, it is
    /// added as it is.
    ///
    /// # Errors
    /// When the database does not answer, or the object with that key is to be deleted.
    pub async fn merge<M: Model>(&mut self, model: M) -> Result<Handle<M>> {
        let key = model.key();
        let Some(handle) = self.get::<M>(key.clone()).await? else {
            if self.identities.get::<M>(&key).is_some() {
                return Err(M::not_found(&key).with_hint("the session is about to delete it"));
            }
            return Ok(self.add_pending(Pending::Row(model)));
        };
        *self.slot_mut(handle).object_mut()? = model;
        Ok(handle)
    }

    /// The same for what an insert brings, of a model whose key the program makes: the row's object is
    /// [assigned](Session::assign) to, or one is added.
    ///
    /// # Errors
    /// When the database does not answer, or the new values bring no key.
    pub async fn merge_new<N: NewModel>(&mut self, new: N) -> Result<Handle<N::Model>> {
        let table = N::Model::TABLE;
        let brought = new.clone().into_assignments(&NoObjects)?;
        let key: Vec<_> = table
            .key_indexes()
            .filter_map(|column| brought.iter().find(|(other, _)| *other == column).map(|(_, value)| value.clone()))
            .collect();
        if key.len() < table.key_indexes().count() {
            let text = format!("a new {} brings no key to be merged by", N::Model::noun());
            return Err(Error::new(ErrorKind::InvalidValue, text).with_hint("use `session.add`"));
        }
        let indexes: Vec<_> = (0..key.len()).collect();
        let key = <N::Model as Model>::Key::from_row(&Row::of(&[], key), &indexes)?;
        match self.get::<N::Model>(key).await? {
            Some(handle) => self.assign(handle, new).map(|()| handle),
            None => Ok(self.add(new)),
        }
    }

    /// Reads the object's row again. Changes that were not flushed are lost.
    ///
    /// # Errors
    /// When the row is not there any more ([`ErrorKind::NotFound`]), the object has none, or the database does not
    /// answer.
    pub async fn refresh<M: Model>(&mut self, handle: Handle<M>) -> Result<()> {
        self.checked(handle)?;
        let slot = self.slot(handle);
        let Some(key) = slot.row().map(Model::key) else {
            return Err(slot.object().err().unwrap_or_else(|| slot.missing()));
        };
        let row = M::get(&*self, key.clone()).await?.ok_or_else(|| M::not_found(&key))?;
        if self.is_in_transaction::<M>() {
            self.keep(handle.index);
        }
        self.forget_relationships(handle.index);
        self.slot_mut(handle).state = State::Expired { stored: row.clone() };
        self.slot_mut(handle).links.clear();
        self.slot_mut(handle).refresh(row);
        Ok(())
    }

    /// Forgets the object's values, also those that were not flushed, and what was loaded beside it. Before it can be
    /// used again, it must be read: by [`refresh`](Session::refresh), by [`get`](Session::get) or by a query.
    #[track_caller]
    pub fn expire<M: Model>(&mut self, handle: Handle<M>) {
        self.slot_mut(handle).expire();
        self.forget_relationships(handle.index);
    }

    /// Expires every object that has a row.
    pub fn expire_all(&mut self) {
        for index in 0..self.slots.len() {
            if self.slots[index].phase() != Phase::Pending {
                self.slots[index].expire();
                self.forget_relationships(index);
            }
        }
    }

    /// Takes an object out of the session, and what was not flushed of it. Its row stays as it is.
    #[track_caller]
    pub fn expunge<M: Model>(&mut self, handle: Handle<M>) {
        let index = self.index_of(handle);
        self.slots[index].leave(index, &mut self.identities);
        self.slots[index].remove();
        self.forget(index);
        self.forget_relationships(index);
        self.associations.remove_object(index);
    }

    /// Deletes an object; the next flush deletes its row. One that is not flushed yet is forgotten.
    ///
    /// What becomes of the rows that point to it, the foreign keys say (`on_delete`): the database does it, and the
    /// session's objects follow.
    #[track_caller]
    pub fn delete<M: Model>(&mut self, handle: Handle<M>) {
        let slot = self.slot_mut(handle);
        slot.links.clear();
        slot.state = match std::mem::replace(&mut slot.state, State::Gone) {
            State::Pending(_) | State::Gone => State::Gone,
            State::Persistent { current, stored } => {
                State::Deleted { stored: stored.map_or(current, |stored| *stored) }
            }
            State::Expired { stored } | State::Deleted { stored } => State::Deleted { stored },
        };
        if self.slots[handle.index].phase() == Phase::Gone {
            self.associations.remove_object(handle.index);
        }
    }

    /// Whether the next flush has something to write.
    pub fn is_changed(&self) -> bool {
        self.slots.iter().any(|slot| slot.is_changed()) || self.associations.changed().next().is_some()
    }

    /// The session without the flush before queries, for as long as what this gives is kept.
    pub fn no_autoflush(&mut self) -> NoAutoflush<'_> {
        let before = std::mem::replace(&mut self.autoflush, false);
        NoAutoflush { session: self, before }
    }

    /// So many objects of a model are about to be added or read.
    fn expect<M: Model>(&mut self, objects: usize) {
        self.slots.reserve(objects);
        self.models.entry(TypeId::of::<M>()).or_default().reserve(objects);
    }

    fn push<M: Model>(&mut self, state: State<M>) -> Handle<M> {
        let index = self.slots.len();
        self.slots.push(Box::new(Slot::new(state)));
        self.models.entry(TypeId::of::<M>()).or_default().push(index);
        self.handle(index)
    }

    fn handle<M>(&self, index: usize) -> Handle<M> {
        Handle::new(self.id, index)
    }

    fn checked<M>(&self, handle: Handle<M>) -> Result<()> {
        if handle.session == self.id {
            return Ok(());
        }
        Err(Error::new(ErrorKind::InvalidValue, "this handle belongs to another session"))
    }

    #[track_caller]
    fn index_of<M>(&self, handle: Handle<M>) -> usize {
        assert!(handle.session == self.id, "this handle belongs to another session");
        handle.index
    }

    #[track_caller]
    fn slot<M: Model>(&self, handle: Handle<M>) -> &Slot<M> {
        let slot: &dyn Any = &*self.slots[self.index_of(handle)];
        slot.downcast_ref().expect("a handle's slot has the handle's model")
    }

    #[track_caller]
    fn slot_mut<M: Model>(&mut self, handle: Handle<M>) -> &mut Slot<M> {
        let index = self.index_of(handle);
        let slot: &mut dyn Any = &mut *self.slots[index];
        slot.downcast_mut().expect("a handle's slot has the handle's model")
    }

    fn is_in_transaction<M: Model>(&self) -> bool {
        let bind = self.databases.bind(M::TABLE.bind);
        self.transactions.iter().any(|(other, _)| *other == bind)
    }

    fn forget_relationships(&mut self, index: usize) {
        self.loaded.retain(|(slot, _), _| *slot != index);
    }
}

impl Engine {
    /// Starts a unit of work. All its models are in this database.
    pub fn session(&self) -> Session {
        Session::of_engine(self.clone())
    }
}

impl Binds {
    /// Starts a unit of work over several databases, each model on its own bind.
    pub fn session(&self) -> Session {
        Session::of_binds(self.clone())
    }
}

/// Queries that are given the session run in its transaction, once it has begun. They do not flush, and give rows and
/// no objects: for that there is [`Session::all`].
impl Executor for Session {
    fn target(&self, bind: Option<&'static str>) -> Result<Target<'_>> {
        let bind = self.databases.bind(bind);
        match self.transactions.iter().find(|(other, _)| *other == bind) {
            Some((_, transaction)) => Ok(Target::Transaction(transaction)),
            None => self.databases.engine(bind).map(Target::Engine),
        }
    }
}

impl<M: Model> Index<Handle<M>> for Session {
    type Output = M;

    #[track_caller]
    fn index(&self, handle: Handle<M>) -> &M {
        match self.slot(handle).object() {
            Ok(object) => object,
            Err(error) => panic!("{error}"),
        }
    }
}

impl<M: Model> IndexMut<Handle<M>> for Session {
    #[track_caller]
    fn index_mut(&mut self, handle: Handle<M>) -> &mut M {
        match self.slot_mut(handle).object_mut() {
            Ok(object) => object,
            Err(error) => panic!("{error}"),
        }
    }
}

/// A [`Session`] that does not flush before queries, made by [`Session::no_autoflush`].
#[derive(Debug)]
pub struct NoAutoflush<'a> {
    session: &'a mut Session,
    before: bool,
}

impl Deref for NoAutoflush<'_> {
    type Target = Session;

    fn deref(&self) -> &Session {
        self.session
    }
}

impl DerefMut for NoAutoflush<'_> {
    fn deref_mut(&mut self) -> &mut Session {
        self.session
    }
}

impl Drop for NoAutoflush<'_> {
    fn drop(&mut self) {
        self.session.autoflush = self.before;
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("objects", &self.slots.len())
            .field("transactions", &self.transactions)
            .finish_non_exhaustive()
    }
}
