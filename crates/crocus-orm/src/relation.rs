//! Relationships between models: what `derive(Model)` writes for `belongs_to`, `has_one`, `has_many` and
//! `many_to_many`. Loading them is left to the queries and the session.
//!
//! A relationship is no field of the struct, so one that was not loaded cannot be read: what is loaded stands beside
//! the object, in the result of the query that asked for it.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::model::{Key, Model};
use crate::query::shape::Shape;
use crate::row::Row;
use crate::session::Handle;
use crate::table::TableDef;
use crate::value::Value;
use crate::{Error, ErrorKind, Result};

/// The row of another model that a row points to: `Car::MAKER`.
///
/// `T` is the other model, or an `Option` of it where the column can be NULL.
pub struct BelongsTo<M, T: Pointed> {
    name: &'static str,
    columns: &'static [&'static str],
    get: fn(&M) -> Option<<T::Model as Model>::Key>,
    set: fn(&mut M, <T::Model as Model>::Key),
    clear: Option<fn(&mut M)>,
}

/// The one row of another model that points to a row, if there is one: `User::PROFILE`.
pub struct HasOne<M, T> {
    inverse: Inverse<M, T>,
}

/// The rows of another model that point to a row: `Maker::CARS`.
pub struct HasMany<M, T> {
    inverse: Inverse<M, T>,
}

/// The rows of another model that a third one, the association, ties to a row: `Car::TAGS`.
pub struct ManyToMany<M, T> {
    name: &'static str,
    association: fn() -> &'static TableDef,
    /// The association's columns that point to `M`.
    source: &'static [&'static str],
    /// The association's columns that point to `T`.
    target: &'static [&'static str],
    types: PhantomData<fn() -> (M, T)>,
}

/// A [`BelongsTo`] seen from the other side.
struct Inverse<M, T> {
    name: &'static str,
    /// The columns of `T` that point to `M`.
    columns: &'static [&'static str],
    /// Whether a row there that no row here has any more is deleted.
    delete_orphan: bool,
    types: PhantomData<fn() -> (M, T)>,
}

/// What a [`BelongsTo`] can give: a model, or an `Option` of one.
pub trait Pointed: Sized + Send + Sync + 'static {
    /// The model.
    type Model: Model;
    /// `O`, or an `Option` of it.
    type Of<O: Clone + Send + 'static>: Clone + Send + 'static;
    /// Whether there may be none.
    const OPTIONAL: bool;

    /// One where there is one. `None` where there must be one and is none.
    #[doc(hidden)]
    fn of<O: Clone + Send + 'static>(value: Option<O>) -> Option<Self::Of<O>>;

    /// How rows that an outer join brought are read: `present` is a column that is never NULL in one that is there.
    #[doc(hidden)]
    fn wrap<O: Clone + Send + 'static>(
        shape: Arc<dyn Shape<O>>,
        present: usize,
        relationship: &'static str,
    ) -> Arc<dyn Shape<Self::Of<O>>>;
}

/// What an insert brings for a foreign key: the key itself, or an object of the session whose key may not exist yet.
///
/// Made with `.into()`, from a key, a model or a [`Handle`].
pub enum Reference<M: Model> {
    /// The primary key of the row.
    Key(M::Key),
    /// An object of a session.
    Object(Handle<M>),
}

/// A relationship as it is described to those who do not know its types.
#[derive(Debug, Clone, Copy)]
pub struct RelationDef {
    /// Its name, as in `Car::MAKER`: `maker`.
    pub name: &'static str,
    /// Which of the four it is.
    pub kind: RelationKind,
    /// The other model's table.
    pub target: fn() -> &'static TableDef,
}

/// The kinds of relationship.
#[derive(Debug, Clone, Copy)]
pub enum RelationKind {
    /// [`BelongsTo`]; the columns of this table that hold the other's primary key.
    BelongsTo {
        /// The columns, in the order of the other table's primary key.
        columns: &'static [&'static str],
    },
    /// [`HasOne`]; the columns of the other table that hold this one's primary key.
    HasOne {
        /// The columns, in the order of this table's primary key.
        columns: &'static [&'static str],
    },
    /// [`HasMany`]; the columns of the other table that hold this one's primary key.
    HasMany {
        /// The columns, in the order of this table's primary key.
        columns: &'static [&'static str],
    },
    /// [`ManyToMany`].
    ManyToMany {
        /// The association's table.
        association: fn() -> &'static TableDef,
        /// Its columns that hold this table's primary key.
        source: &'static [&'static str],
        /// Its columns that hold the other table's primary key.
        target: &'static [&'static str],
    },
}

impl RelationDef {
    /// The columns of the relationship's own table, if it has any: those of a [`BelongsTo`].
    pub fn columns(&self) -> &'static [&'static str] {
        match self.kind {
            RelationKind::BelongsTo { columns } => columns,
            _ => &[],
        }
    }
}

/// A reference to an object of a session, in what an insert brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectReference {
    /// Which session.
    pub(crate) session: u64,
    /// Which of its objects.
    pub(crate) index: usize,
    /// The column that is to hold the object's key: an index into the table's columns.
    pub(crate) column: usize,
}

/// Who knows the keys of a session's objects.
pub trait ObjectKeys {
    /// The key of the object, once it has one.
    ///
    /// # Errors
    /// When it has none, and will not get one.
    fn key_of(&self, object: ObjectReference) -> Result<Value>;
}

/// Outside a session no object has a key.
#[derive(Debug, Clone, Copy)]
pub struct NoObjects;

impl ObjectKeys for NoObjects {
    fn key_of(&self, _: ObjectReference) -> Result<Value> {
        let text = "a reference to an object of a session means nothing outside it";
        Err(Error::new(ErrorKind::InvalidValue, text)
            .with_hint("use the object's key, or `session.add` and `session.assign`"))
    }
}

impl<M: Model> Reference<M> {
    /// The value for the column with this index in its table.
    ///
    /// # Errors
    /// When it refers to an object that has no key here.
    pub fn into_value(self, column: usize, keys: &dyn ObjectKeys) -> Result<Value> {
        match self {
            Reference::Key(key) => Ok(key.into_values().into_iter().next().expect("a key has a column")),
            Reference::Object(handle) => keys.key_of(handle.referred(column)),
        }
    }

    /// The key itself.
    ///
    /// # Errors
    /// When it refers to an object that has no key here.
    pub fn into_key(self, keys: &dyn ObjectKeys) -> Result<M::Key> {
        match self {
            Reference::Key(key) => Ok(key),
            Reference::Object(handle) => M::Key::from_row(&Row::of(&[], vec![keys.key_of(handle.referred(0))?]), &[0]),
        }
    }

    /// The object that it refers to, for the column with this index in its table.
    pub fn object(&self, column: usize) -> Option<ObjectReference> {
        match self {
            Reference::Key(_) => None,
            Reference::Object(handle) => Some(handle.referred(column)),
        }
    }
}

impl<M: Model> From<Handle<M>> for Reference<M> {
    fn from(handle: Handle<M>) -> Reference<M> {
        Reference::Object(handle)
    }
}

impl<M: Model> From<Handle<M>> for Option<Reference<M>> {
    fn from(handle: Handle<M>) -> Option<Reference<M>> {
        Some(Reference::Object(handle))
    }
}

impl<M: Model> From<&M> for Reference<M> {
    fn from(model: &M) -> Reference<M> {
        Reference::Key(model.key())
    }
}

impl<M: Model<Key = String>> From<&str> for Reference<M> {
    fn from(key: &str) -> Reference<M> {
        Reference::Key(key.to_owned())
    }
}

// One for each type: a key could otherwise be a `Reference` itself.
macro_rules! references_from_keys {
    ($($(#[$cfg:meta])? $type:ty),* $(,)?) => {$(
        $(#[$cfg])?
        impl<M: Model<Key = $type>> From<$type> for Reference<M> {
            fn from(key: $type) -> Reference<M> {
                Reference::Key(key)
            }
        }
    )*};
}

references_from_keys!(
    i16,
    i32,
    i64,
    String,
    #[cfg(feature = "uuid")]
    uuid::Uuid,
);

impl<M: Model> Clone for Reference<M> {
    fn clone(&self) -> Self {
        match self {
            Reference::Key(key) => Reference::Key(key.clone()),
            Reference::Object(handle) => Reference::Object(*handle),
        }
    }
}

impl<M: Model> PartialEq for Reference<M> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Reference::Key(one), Reference::Key(other)) => one == other,
            (Reference::Object(one), Reference::Object(other)) => one == other,
            _ => false,
        }
    }
}

impl<M: Model> fmt::Debug for Reference<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reference::Key(key) => f.debug_tuple("Key").field(key).finish(),
            Reference::Object(handle) => f.debug_tuple("Object").field(handle).finish(),
        }
    }
}

impl<M: Model, T: Pointed> BelongsTo<M, T> {
    /// Made by `derive(Model)`.
    #[doc(hidden)]
    pub const fn new(
        name: &'static str,
        columns: &'static [&'static str],
        get: fn(&M) -> Option<<T::Model as Model>::Key>,
        set: fn(&mut M, <T::Model as Model>::Key),
        clear: Option<fn(&mut M)>,
    ) -> Self {
        BelongsTo { name, columns, get, set, clear }
    }

    /// Its name: `maker` for `Car::MAKER`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The columns that hold the key.
    pub const fn columns(&self) -> &'static [&'static str] {
        self.columns
    }

    /// The key of the row that a row points to.
    pub fn key(&self, model: &M) -> Option<<T::Model as Model>::Key> {
        (self.get)(model)
    }

    /// Points a row to the one with this key.
    pub(crate) fn set(&self, model: &mut M, key: <T::Model as Model>::Key) {
        (self.set)(model, key);
    }

    /// Points a row to none, where it can.
    pub(crate) fn clear(&self, model: &mut M) {
        if let Some(clear) = self.clear {
            clear(model);
        }
    }
}

impl<M: Model, T: Model> HasOne<M, T> {
    /// Made by `derive(Model)`.
    #[doc(hidden)]
    pub const fn new<O: Pointed<Model = M>>(name: &'static str, inverse: BelongsTo<T, O>, delete_orphan: bool) -> Self {
        HasOne { inverse: Inverse::new(name, inverse, delete_orphan) }
    }

    /// Its name: `profile` for `User::PROFILE`.
    pub const fn name(&self) -> &'static str {
        self.inverse.name
    }

    /// The other model's columns that hold the key.
    pub const fn columns(&self) -> &'static [&'static str] {
        self.inverse.columns
    }

    /// Whether a row there that no row here has any more is deleted.
    pub(crate) const fn deletes_orphans(&self) -> bool {
        self.inverse.delete_orphan
    }
}

impl<M: Model, T: Model> HasMany<M, T> {
    /// Made by `derive(Model)`.
    #[doc(hidden)]
    pub const fn new<O: Pointed<Model = M>>(name: &'static str, inverse: BelongsTo<T, O>, delete_orphan: bool) -> Self {
        HasMany { inverse: Inverse::new(name, inverse, delete_orphan) }
    }

    /// Its name: `cars` for `Maker::CARS`.
    pub const fn name(&self) -> &'static str {
        self.inverse.name
    }

    /// The other model's columns that hold the key.
    pub const fn columns(&self) -> &'static [&'static str] {
        self.inverse.columns
    }

    /// Whether a row there that no row here has any more is deleted.
    pub(crate) const fn deletes_orphans(&self) -> bool {
        self.inverse.delete_orphan
    }
}

impl<M: Model, T: Model> ManyToMany<M, T> {
    /// Made by `derive(Model)`.
    #[doc(hidden)]
    pub const fn new<A: Model, S: Pointed<Model = M>, O: Pointed<Model = T>>(
        name: &'static str,
        source: BelongsTo<A, S>,
        target: BelongsTo<A, O>,
    ) -> Self {
        ManyToMany {
            name,
            association: || A::TABLE,
            source: source.columns,
            target: target.columns,
            types: PhantomData,
        }
    }

    /// Its name: `tags` for `Car::TAGS`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The association's table.
    pub fn association(&self) -> &'static TableDef {
        (self.association)()
    }

    /// The association's columns that point to `M`.
    pub(crate) const fn source(&self) -> &'static [&'static str] {
        self.source
    }

    /// The association's columns that point to `T`.
    pub(crate) const fn target(&self) -> &'static [&'static str] {
        self.target
    }
}

impl<M, T> Inverse<M, T> {
    const fn new<O: Pointed>(name: &'static str, inverse: BelongsTo<T, O>, delete_orphan: bool) -> Self {
        Inverse { name, columns: inverse.columns, delete_orphan, types: PhantomData }
    }
}

/// `Copy` and the like for types whose parameters say nothing about them.
macro_rules! plain_values {
    ($($type:ident<$m:ident, $t:ident $(: $bound:ident)?>),*) => {$(
        impl<$m, $t $(: $bound)?> Clone for $type<$m, $t> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<$m, $t $(: $bound)?> Copy for $type<$m, $t> {}
    )*};
}

plain_values!(BelongsTo<M, T: Pointed>, HasOne<M, T>, HasMany<M, T>, ManyToMany<M, T>, Inverse<M, T>);

macro_rules! named {
    ($($type:ident<$m:ident, $t:ident: $bound:ident>),*) => {$(
        impl<$m: Model, $t: $bound> fmt::Debug for $type<$m, $t> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({}.{})", stringify!($type), $m::TABLE.model, self.name())
            }
        }
    )*};
}

named!(BelongsTo<M, T: Pointed>, HasOne<M, T: Model>, HasMany<M, T: Model>, ManyToMany<M, T: Model>);
