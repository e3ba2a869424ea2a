//! The verbs for relationships: `load` and `related` read them, `set` and `clear` change a belongs-to, `link` and
//! `unlink` the others.

use std::any::TypeId;
use std::collections::{HashMap, HashSet};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::associations::{End, LinkState};
use super::plan::indexes;
use super::slot::{AnySlot, Phase, Points, text_of};
use super::{Handle, Session};
use crate::engine::Executor;
use crate::expr::node::Node;
use crate::model::{Key, Model};
use crate::query::load::among;
use crate::relation::{BelongsTo, HasMany, HasOne, ManyToMany, ObjectKeys, ObjectReference, Pointed};
use crate::row::Row;
use crate::table::TableDef;
use crate::value::Value;
use crate::{Error, ErrorKind, Result};

/// Objects whose relationship is asked for in one query; a key has four columns at most.
const TOGETHER: usize = 8_000;

/// A relationship of `M`, as a session reads it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a relationship of `{M}`",
    label = "expected a relationship of `{M}`, such as `Car::MAKER`"
)]
pub trait Related<M: Model>: Copy + Send + Sync + 'static {
    /// What it gives: a handle, an `Option` of one, or a `Vec`.
    type Handles: Send + 'static;

    /// What the session knows.
    #[doc(hidden)]
    fn related(self, session: &Session, handle: Handle<M>) -> Result<Self::Handles>;

    /// Reads what the session does not know.
    #[doc(hidden)]
    fn load<'a>(self, session: &'a mut Session, handles: &'a [Handle<M>]) -> BoxFuture<'a, Result<()>>;
}

/// A relationship of `M` that [`Session::link`] and [`Session::unlink`] change: a has-one, a has-many or a many-to-many.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not link `{M}` with `{T}`",
    note = "a belongs-to is changed by `session.set` and `session.clear`"
)]
pub trait LinkMany<M: Model, T: Model>: Copy {
    #[doc(hidden)]
    fn link(self, session: &mut Session, handle: Handle<M>, other: Handle<T>) -> Result<()>;

    #[doc(hidden)]
    fn unlink(self, session: &mut Session, handle: Handle<M>, other: Handle<T>) -> Result<()>;
}

impl Session {
    /// Reads what a relationship of an object points to: one query, or none for a belongs-to whose row the session has.
    ///
    /// The answer is what [`related`](Session::related) gives from now on. Unflushed changes that the query could see
    /// are flushed first.
    ///
    /// # Errors
    /// When the object is deleted or gone, the flush fails, or the database does not answer.
    pub async fn load<M: Model, R: Related<M>>(&mut self, handle: Handle<M>, relationship: R) -> Result<R::Handles> {
        self.load_each(&[handle], relationship).await?;
        self.related(handle, relationship)
    }

    /// The same for many objects, together in one query (one for each 8,000 of them), in their order.
    ///
    /// # Errors
    /// As for [`load`](Session::load).
    pub async fn load_all<M: Model, R: Related<M>>(
        &mut self,
        handles: &[Handle<M>],
        relationship: R,
    ) -> Result<Vec<R::Handles>> {
        self.load_each(handles, relationship).await?;
        handles.iter().map(|handle| self.related(*handle, relationship)).collect()
    }

    async fn load_each<M: Model, R: Related<M>>(&mut self, handles: &[Handle<M>], relationship: R) -> Result<()> {
        let mut seen = HashSet::new();
        let mut distinct = Vec::with_capacity(handles.len());
        for handle in handles {
            self.checked(*handle)?;
            if seen.insert(handle.index) {
                distinct.push(*handle);
            }
        }
        relationship.load(self, &distinct).await
    }

    /// What a relationship of an object points to, as it will be after the next flush. It asks the database nothing: a
    /// belongs-to is known when the session has the other object, the others when they were [loaded](Session::load) (or
    /// the object was added here, so that there was nothing to load).
    ///
    /// # Errors
    /// When it is not loaded ([`ErrorKind::NotFound`], with the relationship's name), or the object is deleted, expired
    /// or gone.
    pub fn related<M: Model, R: Related<M>>(&self, handle: Handle<M>, relationship: R) -> Result<R::Handles> {
        self.checked(handle)?;
        let slot = self.slot(handle);
        match slot.phase() {
            Phase::Pending | Phase::Persistent => relationship.related(self, handle),
            Phase::Expired | Phase::Deleted | Phase::Gone => Err(slot.object().err().unwrap_or_else(|| slot.missing())),
        }
    }

    /// Lets an object belong to another one, which may be one that is not flushed yet.
    ///
    /// The foreign key's column follows at once where the other object has a key; otherwise with the flush.
    ///
    /// # Errors
    /// When either object is deleted, expired or gone.
    pub fn set<M: Model, T: Pointed>(
        &mut self,
        handle: Handle<M>,
        relationship: BelongsTo<M, T>,
        to: Handle<T::Model>,
    ) -> Result<()> {
        self.checked(handle)?;
        self.checked(to)?;
        self.usable(to.index)?;
        let columns = indexes(M::TABLE, relationship.columns());
        if let Some(key) = self.slot(to).row().and(self.slot(to).object().ok()).map(Model::key)
            && let Ok(object) = self.slot_mut(handle).object_mut()
        {
            relationship.set(object, key);
            self.slot_mut(handle).links.retain(|link| link.columns != columns);
            return Ok(());
        }
        self.point(handle.index, &columns, Some(to.index))
    }

    /// Lets an object belong to none.
    ///
    /// # Errors
    /// When the object is deleted, expired or gone.
    pub fn clear<M: Model, T: Model>(
        &mut self,
        handle: Handle<M>,
        relationship: BelongsTo<M, Option<T>>,
    ) -> Result<()> {
        self.checked(handle)?;
        let columns = indexes(M::TABLE, relationship.columns());
        let Ok(object) = self.slot_mut(handle).object_mut() else {
            return self.point(handle.index, &columns, None);
        };
        relationship.clear(object);
        self.slot_mut(handle).links.retain(|link| link.columns != columns);
        Ok(())
    }

    /// Adds an object to a has-many or a many-to-many, or makes it the one of a has-one.
    ///
    /// For a many-to-many, the association's row is written with the next flush; its other columns must be able to do
    /// without a value. Linking what is linked already does nothing.
    ///
    /// # Errors
    /// When either object is deleted, expired or gone, or the association has columns that need a value.
    pub fn link<M: Model, T: Model>(
        &mut self,
        handle: Handle<M>,
        relationship: impl LinkMany<M, T>,
        other: Handle<T>,
    ) -> Result<()> {
        self.checked(handle)?;
        self.checked(other)?;
        relationship.link(self, handle, other)
    }

    /// Takes an object out of a has-many, a has-one or a many-to-many. One that a `delete_orphan` relationship does not
    /// have any more is deleted. For a many-to-many nothing has to be loaded. Unlinking what is not linked does nothing.
    ///
    /// # Errors
    /// When either object is deleted, expired or gone, or the other must belong to one.
    pub fn unlink<M: Model, T: Model>(
        &mut self,
        handle: Handle<M>,
        relationship: impl LinkMany<M, T>,
        other: Handle<T>,
    ) -> Result<()> {
        self.checked(handle)?;
        self.checked(other)?;
        relationship.unlink(self, handle, other)
    }

    /// Points columns of an object to another one, or to none.
    fn point(&mut self, index: usize, columns: &[usize], target: Option<usize>) -> Result<()> {
        if let Some(target) = target {
            self.usable(target)?;
        }
        self.usable(index)?;
        let table = self.slots[index].table();
        let values: Option<Vec<Value>> = match target {
            Some(target) => self.key(target),
            None => {
                let Some(current) = self.slots[index].current() else { return Ok(()) };
                // Columns that cannot be NULL belong to another key too.
                Some(
                    columns
                        .iter()
                        .map(|column| match table.columns[*column].nullable {
                            true => current[*column].as_null(),
                            false => current[*column].clone(),
                        })
                        .collect(),
                )
            }
        };
        self.slots[index].point(columns, target, values.as_deref())
    }

    fn usable(&self, index: usize) -> Result<()> {
        let slot = &self.slots[index];
        match slot.phase() {
            Phase::Pending | Phase::Persistent => Ok(()),
            Phase::Expired | Phase::Deleted | Phase::Gone => Err(slot.absent()),
        }
    }

    /// The objects of `T` whose columns point to the object, in the order in which they were read, then made.
    fn pointing<T: Model>(&self, columns: &[usize], target: usize, order: &[usize]) -> Vec<usize> {
        let key = self.key(target).and_then(|key| text_of(&key));
        let points = |index: &usize| {
            let slot = &self.slots[*index];
            matches!(slot.phase(), Phase::Pending | Phase::Persistent | Phase::Expired)
                && match slot.points_to(columns) {
                    Points::Nowhere => false,
                    Points::ToObject(object) => object == target,
                    Points::ToKey(values) => key.is_some() && text_of(&values) == key,
                }
        };
        let known: HashSet<_> = order.iter().copied().collect();
        let others = self.models.get(&TypeId::of::<T>()).into_iter().flatten().copied();
        order.iter().copied().chain(others.filter(|index| !known.contains(index))).filter(points).collect()
    }

    fn not_loaded<M: Model>(&self, handle: Handle<M>, name: &str) -> Error {
        let text = format!("the relationship `{name}` of the {} is not loaded", self.slots[handle.index].described());
        let constant = name.to_uppercase();
        Error::new(ErrorKind::NotFound, text)
            .with_hint(format!("load it first: `session.load(handle, {}::{constant})`", M::TABLE.model))
    }

    /// The objects that have a row, with their keys, once changes that a query would see are flushed.
    async fn with_keys<M: Model>(
        &mut self,
        handles: &[Handle<M>],
        tables: &[&'static TableDef],
    ) -> Result<Vec<(usize, M::Key)>> {
        let pending = |handle: &Handle<M>| self.slots[handle.index].phase() == Phase::Pending;
        if self.autoflush && handles.iter().any(pending) {
            self.flush().await?;
        }
        self.flush_before(tables).await?;
        let row = |handle: &Handle<M>| self.slot(*handle).row().map(|row| (handle.index, row.key()));
        Ok(handles.iter().filter_map(row).collect())
    }

    /// Reads the rows of `T` whose columns point to the objects.
    async fn load_pointing<M: Model, T: Model>(
        &mut self,
        handles: &[Handle<M>],
        name: &'static str,
        columns: &'static [&'static str],
    ) -> Result<()> {
        let keys = self.with_keys(handles, &[T::TABLE]).await?;
        let nodes: Vec<_> = columns.iter().map(|column| Node::column(T::TABLE.name, *column)).collect();
        let indexes = indexes(T::TABLE, columns);
        let mut lists: HashMap<String, Vec<usize>> = HashMap::new();
        let all: Vec<_> = keys.iter().map(|(_, key)| key.clone()).collect();
        for some in all.chunks(TOGETHER) {
            let mut query = T::select();
            query.node.filter.push(among(&nodes, some));
            for row in query.all(&*self).await? {
                let values = row.values();
                let key = text_of(indexes.iter().map(|column| &values[*column])).unwrap_or_default();
                let object = self.join(row);
                lists.entry(key).or_default().push(object.index);
            }
        }
        for (index, key) in keys {
            let list = text_of(&key.into_values()).and_then(|key| lists.get(&key).cloned());
            self.loaded.insert((index, name), list.unwrap_or_default());
        }
        Ok(())
    }
}

impl<M: Model, T: Pointed> Related<M> for BelongsTo<M, T> {
    type Handles = T::Of<Handle<T::Model>>;

    fn related(self, session: &Session, handle: Handle<M>) -> Result<Self::Handles> {
        let target = match session.slots[handle.index].points_to(&indexes(M::TABLE, self.columns())) {
            Points::Nowhere => None,
            Points::ToObject(index) => Some(index),
            Points::ToKey(values) => match session.known::<T::Model>(values)? {
                Some(index) => Some(index),
                None => return Err(session.not_loaded(handle, self.name())),
            },
        };
        T::of(target.map(|index| session.handle(index))).ok_or_else(|| session.not_loaded(handle, self.name()))
    }

    fn load<'a>(self, session: &'a mut Session, handles: &'a [Handle<M>]) -> BoxFuture<'a, Result<()>> {
        async move {
            let columns = indexes(M::TABLE, self.columns());
            let mut missing = Vec::new();
            for handle in handles {
                if let Points::ToKey(values) = session.slots[handle.index].points_to(&columns)
                    && session.known::<T::Model>(values.clone())?.is_none()
                {
                    missing.push(key_from::<T::Model>(values)?);
                }
            }
            let mut seen = HashSet::new();
            missing.retain(|key| seen.insert(key.clone()));
            if missing.is_empty() {
                return Ok(());
            }
            let table = T::Model::TABLE;
            session.flush_before(&[table]).await?;
            let nodes: Vec<_> = table.primary_key().map(|column| Node::column(table.name, column.name)).collect();
            for some in missing.chunks(TOGETHER) {
                let mut query = T::Model::select();
                query.node.filter.push(among(&nodes, some));
                for row in query.all(&*session).await? {
                    session.join(row);
                }
            }
            Ok(())
        }
        .boxed()
    }
}

impl Session {
    /// The object with this key, where the session has it.
    fn known<M: Model>(&self, key: Vec<Value>) -> Result<Option<usize>> {
        let index = self.identities.get::<M>(&key_from::<M>(key)?);
        Ok(index.filter(|index| self.slots[*index].phase() == Phase::Persistent))
    }
}

fn key_from<M: Model>(values: Vec<Value>) -> Result<M::Key> {
    let indexes: Vec<_> = (0..values.len()).collect();
    M::Key::from_row(&Row::of(&[], values), &indexes)
}

impl<M: Model, T: Model> Related<M> for HasMany<M, T> {
    type Handles = Vec<Handle<T>>;

    fn related(self, session: &Session, handle: Handle<M>) -> Result<Vec<Handle<T>>> {
        let order = session.loaded.get(&(handle.index, self.name()));
        let order = order.ok_or_else(|| session.not_loaded(handle, self.name()))?;
        let objects = session.pointing::<T>(&indexes(T::TABLE, self.columns()), handle.index, order);
        Ok(objects.into_iter().map(|index| session.handle(index)).collect())
    }

    fn load<'a>(self, session: &'a mut Session, handles: &'a [Handle<M>]) -> BoxFuture<'a, Result<()>> {
        session.load_pointing::<M, T>(handles, self.name(), self.columns()).boxed()
    }
}

impl<M: Model, T: Model> Related<M> for HasOne<M, T> {
    type Handles = Option<Handle<T>>;

    fn related(self, session: &Session, handle: Handle<M>) -> Result<Option<Handle<T>>> {
        let order = session.loaded.get(&(handle.index, self.name()));
        let order = order.ok_or_else(|| session.not_loaded(handle, self.name()))?;
        let objects = session.pointing::<T>(&indexes(T::TABLE, self.columns()), handle.index, order);
        Ok(objects.first().map(|index| session.handle(*index)))
    }

    fn load<'a>(self, session: &'a mut Session, handles: &'a [Handle<M>]) -> BoxFuture<'a, Result<()>> {
        session.load_pointing::<M, T>(handles, self.name(), self.columns()).boxed()
    }
}

impl<M: Model, T: Model> ManyToMany<M, T> {
    fn source_end(&self, index: usize) -> End {
        (indexes(self.association(), self.source()), index)
    }

    fn target_end(&self, index: usize) -> End {
        (indexes(self.association(), self.target()), index)
    }
}

impl<M: Model, T: Model> Related<M> for ManyToMany<M, T> {
    type Handles = Vec<Handle<T>>;

    fn related(self, session: &Session, handle: Handle<M>) -> Result<Vec<Handle<T>>> {
        if !session.loaded.contains_key(&(handle.index, self.name())) {
            return Err(session.not_loaded(handle, self.name()));
        }
        let linked = session.associations.linked(self.association(), &self.source_end(handle.index));
        let there = |index: &usize| !matches!(session.slots[*index].phase(), Phase::Deleted | Phase::Gone);
        Ok(linked.into_iter().filter(there).map(|index| session.handle(index)).collect())
    }

    fn load<'a>(self, session: &'a mut Session, handles: &'a [Handle<M>]) -> BoxFuture<'a, Result<()>> {
        async move {
            let keys = session.with_keys(handles, &[T::TABLE, self.association()]).await?;
            let all: Vec<_> = keys.iter().map(|(_, key)| key.clone()).collect();
            let lists = self.load().lists(&all, session.target(T::TABLE.bind)?).await?;
            for ((index, _), rows) in keys.into_iter().zip(lists) {
                let objects: Vec<_> = rows.into_iter().map(|row| session.join(row).index).collect();
                session.associations.forget_end(self.association(), &self.source_end(index));
                for object in objects {
                    let (source, target) = (self.source_end(index), self.target_end(object));
                    let row = session.associations.row(self.association(), source, target);
                    if row.state != LinkState::Removed {
                        row.state = LinkState::Known;
                    }
                }
                session.loaded.insert((index, self.name()), Vec::new());
            }
            Ok(())
        }
        .boxed()
    }
}

impl<M: Model, T: Model> LinkMany<M, T> for HasMany<M, T> {
    fn link(self, session: &mut Session, handle: Handle<M>, other: Handle<T>) -> Result<()> {
        session.point(other.index, &indexes(T::TABLE, self.columns()), Some(handle.index))
    }

    fn unlink(self, session: &mut Session, handle: Handle<M>, other: Handle<T>) -> Result<()> {
        session.unlink_pointing(handle, other, self.columns(), self.deletes_orphans())
    }
}

impl<M: Model, T: Model> LinkMany<M, T> for HasOne<M, T> {
    fn link(self, session: &mut Session, handle: Handle<M>, other: Handle<T>) -> Result<()> {
        if let Ok(Some(before)) = session.related(handle, self)
            && before != other
        {
            self.unlink(session, handle, before)?;
        }
        session.point(other.index, &indexes(T::TABLE, self.columns()), Some(handle.index))
    }

    fn unlink(self, session: &mut Session, handle: Handle<M>, other: Handle<T>) -> Result<()> {
        session.unlink_pointing(handle, other, self.columns(), self.deletes_orphans())
    }
}

impl<M: Model, T: Model> LinkMany<M, T> for ManyToMany<M, T> {
    fn link(self, session: &mut Session, handle: Handle<M>, other: Handle<T>) -> Result<()> {
        session.usable(handle.index)?;
        session.usable(other.index)?;
        let table = self.association();
        let needs = table.columns.iter().find(|column| {
            let given = self.source().contains(&column.name) || self.target().contains(&column.name);
            let made = column.nullable || column.identity || column.version;
            !given && !made && column.default.is_none() && column.generated.is_none()
        });
        if let Some(column) = needs {
            let text =
                format!("a row of `{}` needs a value for `{}`, which a link does not bring", table.name, column.name);
            return Err(Error::new(ErrorKind::InvalidValue, text)
                .with_hint(format!("add the row itself: `session.add(New{} {{ .. }})`", table.model)));
        }
        let row = session.associations.row(table, self.source_end(handle.index), self.target_end(other.index));
        row.state = match row.state {
            LinkState::Known | LinkState::Removed => LinkState::Known,
            LinkState::Added | LinkState::Gone => LinkState::Added,
        };
        Ok(())
    }

    fn unlink(self, session: &mut Session, handle: Handle<M>, other: Handle<T>) -> Result<()> {
        session.usable(handle.index)?;
        session.usable(other.index)?;
        let in_database = [handle.index, other.index].iter().all(|slot| session.key(*slot).is_some());
        let known = session.loaded.contains_key(&(handle.index, self.name()));
        let (source, target) = (self.source_end(handle.index), self.target_end(other.index));
        let row = session.associations.row(self.association(), source, target);
        row.state = match row.state {
            LinkState::Known | LinkState::Removed => LinkState::Removed,
            // Nothing was loaded, so it may be there.
            LinkState::Gone if in_database && !known => LinkState::Removed,
            LinkState::Added | LinkState::Gone => LinkState::Gone,
        };
        Ok(())
    }
}

impl Session {
    fn unlink_pointing<M: Model, T: Model>(
        &mut self,
        handle: Handle<M>,
        other: Handle<T>,
        columns: &'static [&'static str],
        delete_orphan: bool,
    ) -> Result<()> {
        self.usable(handle.index)?;
        self.usable(other.index)?;
        let columns = indexes(T::TABLE, columns);
        if self.pointing::<T>(&columns, handle.index, &[other.index]).first() != Some(&other.index) {
            return Ok(());
        }
        if delete_orphan {
            self.delete(other);
            return Ok(());
        }
        if !columns.iter().any(|column| T::TABLE.columns[*column].nullable) {
            let text = format!("the {} must belong to a {}", self.slots[other.index].described(), M::noun());
            return Err(Error::new(ErrorKind::InvalidValue, text).with_hint("delete it, or link it to another one"));
        }
        self.point(other.index, &columns, None)
    }
}

/// The keys of the session's objects, for what is assigned.
pub(super) struct Resolver<'a>(pub(super) &'a Session);

impl ObjectKeys for Resolver<'_> {
    fn key_of(&self, object: ObjectReference) -> Result<Value> {
        if object.session != self.0.id {
            return Err(Error::new(ErrorKind::InvalidValue, "this handle belongs to another session"));
        }
        let slot = &self.0.slots[object.index];
        let key = self.0.key(object.index).and_then(|key| key.into_iter().next());
        key.ok_or_else(|| {
            let text = format!("the new values refer to a {} that has no key", slot.table().noun());
            Error::new(ErrorKind::InvalidValue, text)
                .with_hint("flush the session first, or use `session.set`, which can wait for the key")
        })
    }
}
