//! Eager loading: what `.with(...)` adds to a query for each kind of relationship.

use std::marker::PhantomData;
use std::sync::Arc;

use foldhash::{HashMap, HashSet, HashSetExt};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};

use super::known::statement;
use super::node::{Join, JoinKind, SelectNode};
use super::select::Select;
use super::shape::{ModelShape, Optional, Required, RowsRead, Shape, With};
use crate::engine::Target;
use crate::expr::node::{Binary, Name, Node, Source};
use crate::expr::{IntoExpr, Order};
use crate::model::{Key, Model};
use crate::relation::{BelongsTo, HasMany, HasOne, ManyToMany, Pointed};
use crate::row::Row;
use crate::table::TableDef;
use crate::{Dialect, Error, ErrorKind, Result};

/// Rows whose relationship is asked for in one query. Both databases limit the number of values in a statement: SQLite
/// to 32,766 ("Limits in SQLite", 9), PostgreSQL to 65,535; a key has four columns at most.
const TOGETHER: usize = 8_000;

/// Rows from which on the lists of a relationship are read while they arrive, on a connection of their own: nobody waits
/// behind them.
const STREAMED: usize = 100;

/// What can be loaded beside an `M`: a relationship, by itself or narrowed and with others.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a relationship of `{M}`",
    label = "expected a relationship of `{M}`, such as `Car::MAKER`"
)]
pub trait Load<M>: Clone + Send + Sync + 'static {
    /// What stands beside each `M`: a `T`, an `Option<T>` or a `Vec<T>`.
    type Output: Clone + Send + 'static;

    /// Adds to the query what it needs, and tells how to read it.
    #[doc(hidden)]
    fn attach(self, at: &mut Attachment<'_>) -> Arc<dyn Shape<Self::Output>>;
}

/// Where in a query a relationship is loaded.
#[doc(hidden)]
#[derive(Debug)]
pub struct Attachment<'a> {
    pub(crate) node: &'a mut SelectNode,
    /// The name of the relationship's own table there.
    pub(crate) alias: Name,
    /// The index of its first column.
    pub(crate) start: usize,
}

/// A model, or a tuple of a model and what was loaded beside it.
#[diagnostic::on_unimplemented(
    message = "nothing can be loaded beside `{Self}`",
    note = "relationships are loaded beside a model, at most seven in one query: `Car::select().with(Car::MAKER)`"
)]
pub trait Loaded: Sized {
    /// The model.
    type Model: Model;
    /// It with one more value beside it.
    type With<T: Send + 'static>: Send + 'static;

    /// Puts a value beside it.
    #[doc(hidden)]
    fn and<T: Send + 'static>(self, value: T) -> Self::With<T>;
}

impl<M: Model> Loaded for M {
    type Model = M;
    type With<T: Send + 'static> = (M, T);

    fn and<T: Send + 'static>(self, value: T) -> (M, T) {
        (self, value)
    }
}

macro_rules! loaded {
    ($($type:ident $index:tt),*) => {
        impl<M: Model, $($type: Send + 'static),*> Loaded for (M, $($type),*) {
            type Model = M;
            type With<T: Send + 'static> = (M, $($type,)* T);

            fn and<T: Send + 'static>(self, value: T) -> Self::With<T> {
                (self.0, $(self.$index,)* value)
            }
        }
    };
}

loaded!(A 1);
loaded!(A 1, B 2);
loaded!(A 1, B 2, C 3);
loaded!(A 1, B 2, C 3, D 4);
loaded!(A 1, B 2, C 3, D 4, E 5);
loaded!(A 1, B 2, C 3, D 4, E 5, F 6);

/// A [`BelongsTo`] or [`HasOne`] with others: `Car::MAKER.with(Maker::COUNTRY)`.
pub struct LoadOne<M, T, O> {
    name: &'static str,
    columns: JoinColumns,
    build: Build<O>,
    types: PhantomData<fn() -> (M, T)>,
}

type Build<O> = Arc<dyn Fn(&mut Attachment<'_>) -> Arc<dyn Shape<O>> + Send + Sync>;

/// Which side of a join to one row has the foreign key. The other side's columns are its primary key.
#[derive(Clone, Copy)]
enum JoinColumns {
    Source(&'static [&'static str]),
    Target(&'static [&'static str]),
}

/// A [`HasMany`] or [`ManyToMany`], narrowed, ordered or with others: `Maker::CARS.order_by(Car::NAME.asc())`.
pub struct LoadMany<M, O> {
    name: &'static str,
    /// Where the key of the `M` stands: in the other table or in the association.
    key: Vec<Node>,
    select: Select<O>,
    model: PhantomData<fn() -> M>,
}

impl<M: Model, T: Pointed, O: Clone + Send + 'static> LoadOne<M, T, O> {
    /// Loads a relationship of the other model too.
    pub fn with<L>(self, relationship: L) -> LoadOne<M, T, O::With<L::Output>>
    where
        O: Loaded,
        L: Load<O::Model>,
    {
        let build = self.build;
        LoadOne {
            name: self.name,
            columns: self.columns,
            build: Arc::new(move |at| {
                let value = build(at);
                let beside = relationship.clone().attach(at);
                Arc::new(With::new(value, beside))
            }),
            types: PhantomData,
        }
    }
}

impl<M: Model, T: Pointed> LoadOne<M, T, T::Model> {
    fn new(name: &'static str, columns: JoinColumns) -> Self {
        let build: Build<T::Model> = Arc::new(|at| Arc::new(ModelShape::at(at.start)));
        LoadOne { name, columns, build, types: PhantomData }
    }
}

impl<M: Model, T: Pointed, O: Clone + Send + 'static> Load<M> for LoadOne<M, T, O>
where
    T::Of<O>: Clone,
{
    type Output = T::Of<O>;

    fn attach(self, at: &mut Attachment<'_>) -> Arc<dyn Shape<T::Of<O>>> {
        let (table, own) = (T::Model::TABLE, at.alias.clone());
        let alias = at.node.fresh_alias(self.name);
        let on = match self.columns {
            JoinColumns::Source(columns) => equal(table.primary_key_names(), &alias, columns.iter().copied(), &own),
            JoinColumns::Target(columns) => equal(columns.iter().copied(), &alias, M::TABLE.primary_key_names(), &own),
        };
        let source = Source::Table { table, alias: Some(alias.clone()) };
        at.node.joins.push(Join { kind: JoinKind::Left, source, on, eager: true });
        let start = at.node.add_columns(table, &alias);
        let present = start + table.key_indexes().next().unwrap_or_default();
        let shape = (self.build)(&mut Attachment { node: at.node, alias, start });
        T::wrap(shape, present, self.name)
    }
}

/// `left.a = right.b AND ...`
fn equal<'a>(
    left: impl Iterator<Item = &'static str>,
    left_table: &'a Name,
    right: impl Iterator<Item = &'static str>,
    right_table: &'a Name,
) -> Node {
    left.zip(right)
        .map(|(left, right)| {
            Node::column(left_table.clone(), left).binary(Binary::Eq, Node::column(right_table.clone(), right))
        })
        .reduce(Node::and)
        .expect("a key has a column")
}

/// How a row that something points to stands beside it.
impl<M: Model> Pointed for M {
    type Model = M;
    type Of<O: Clone + Send + 'static> = O;
    const OPTIONAL: bool = false;

    fn of<O: Clone + Send + 'static>(value: Option<O>) -> Option<O> {
        value
    }

    fn wrap<O: Clone + Send + 'static>(
        shape: Arc<dyn Shape<O>>,
        present: usize,
        relationship: &'static str,
    ) -> Arc<dyn Shape<O>> {
        Arc::new(Required { present, relationship, shape })
    }
}

impl<M: Model> Pointed for Option<M> {
    type Model = M;
    type Of<O: Clone + Send + 'static> = Option<O>;
    const OPTIONAL: bool = true;

    fn of<O: Clone + Send + 'static>(value: Option<O>) -> Option<Option<O>> {
        Some(value)
    }

    fn wrap<O: Clone + Send + 'static>(
        shape: Arc<dyn Shape<O>>,
        present: usize,
        _: &'static str,
    ) -> Arc<dyn Shape<Option<O>>> {
        Arc::new(Optional { present, shape })
    }
}

impl<M: Model, O: Loaded + Clone + Send + 'static> LoadMany<M, O> {
    /// Loads only the rows for which the condition is true.
    pub fn filter(mut self, condition: impl IntoExpr<bool>) -> Self {
        self.select = self.select.filter(condition);
        self
    }

    /// Orders the rows of each list.
    pub fn order_by(mut self, order: Order) -> Self {
        self.select = self.select.order_by(order);
        self
    }

    /// Loads a relationship of the other model too.
    pub fn with<L>(self, relationship: L) -> LoadMany<M, O::With<L::Output>>
    where
        L: Load<O::Model>,
    {
        LoadMany { name: self.name, key: self.key, select: self.select.with(relationship), model: PhantomData }
    }
}

impl<M: Model, O: Clone + Send + 'static> Load<M> for LoadMany<M, O> {
    type Output = Vec<O>;

    fn attach(self, at: &mut Attachment<'_>) -> Arc<dyn Shape<Vec<O>>> {
        self.select.node.reads(&mut |table| at.node.beside.push(table));
        Arc::new(self.at(at.start))
    }
}

impl<M: Model, O: Clone + Send + 'static> LoadMany<M, O> {
    /// For rows that have their columns from the index `start` on.
    fn at(mut self, start: usize) -> Many<M, O> {
        let columns = &mut self.select.node.columns;
        let mut place = |key: &Node| {
            // A model has its foreign key among its own columns.
            columns.iter().position(|column| column == key).unwrap_or_else(|| {
                columns.push(key.clone());
                columns.len() - 1
            })
        };
        let child_key = self.key.iter().map(&mut place).collect();
        Many {
            name: self.name,
            parent_key: M::TABLE.key_indexes().map(|index| start + index).collect(),
            child_key,
            key: self.key,
            select: self.select,
            model: PhantomData,
        }
    }

    /// The list of each of the rows with these keys, no two of which are the same.
    pub(crate) async fn lists(self, keys: &[M::Key], target: Target<'_>) -> Result<Vec<Vec<O>>> {
        self.at(0).lists(keys, target).await
    }
}

/// Reads the lists of a relationship to many, for all rows together.
struct Many<M, O> {
    name: &'static str,
    /// Where the rows have their key.
    parent_key: Vec<usize>,
    /// Where the rows of `select` have the key of the row that they belong to.
    child_key: Vec<usize>,
    key: Vec<Node>,
    select: Select<O>,
    model: PhantomData<fn() -> M>,
}

impl<M: Model, O: Clone + Send + 'static> Many<M, O> {
    /// Whether its rows bring all that their values are made of.
    fn needs_nothing(&self) -> bool {
        self.select.shape.needs_query().is_none()
    }

    async fn lists(&self, keys: &[M::Key], target: Target<'_>) -> Result<Vec<Vec<O>>> {
        let places: HashMap<&M::Key, usize> = keys.iter().enumerate().map(|(place, key)| (key, place)).collect();
        let mut lists: Vec<Vec<O>> = keys.iter().map(|_| Vec::new()).collect();
        let mut add = |row: &Row, value: O| {
            if let Some(place) = places.get(&M::Key::from_row(row, &self.child_key)?) {
                lists[*place].push(value);
            }
            Ok(())
        };
        for keys in keys.chunks(TOGETHER) {
            let mut node = self.select.node.clone();
            node.filter.push(among(&self.key, keys));
            let statement = statement(&node, target.dialect())?;
            if keys.len() >= STREAMED && target.dialect() == Dialect::Postgres && self.needs_nothing() {
                let mut rows = target.stream(statement).await?;
                while let Some(row) = rows.next().await {
                    let row = row?;
                    add(&row, self.select.shape.read_one(&row)?)?;
                }
                continue;
            }
            let rows = target.query(statement).await?;
            let rows: Vec<&Row> = rows.iter().collect();
            for (row, value) in rows.iter().zip(self.select.shape.read(&rows, target).await?) {
                add(row, value)?;
            }
        }
        Ok(lists)
    }
}

/// The condition that columns hold one of several keys.
pub(crate) fn among<K: Key>(columns: &[Node], keys: &[K]) -> Node {
    let keys = keys.iter().map(|key| key.clone().into_values());
    match columns {
        [column] => Node::In { node: Box::new(column.clone()), list: keys.flatten().map(Node::Value).collect() },
        columns => Node::RowIn { row: columns.to_vec(), list: keys.collect() },
    }
}

impl<M: Model, O: Clone + Send + 'static> Shape<Vec<O>> for Many<M, O> {
    fn read<'a>(&'a self, rows: RowsRead<'a>, target: Target<'a>) -> BoxFuture<'a, Result<Vec<Vec<O>>>> {
        async move {
            let keys =
                rows.iter().map(|row| M::Key::from_row(row, &self.parent_key)).collect::<Result<Vec<M::Key>>>()?;
            let mut seen = HashSet::with_capacity(keys.len());
            let distinct: Vec<_> = keys.iter().filter(|key| seen.insert(*key)).cloned().collect();
            let lists = self.lists(&distinct, target).await?;
            if distinct.len() == keys.len() {
                return Ok(lists);
            }
            let lists: HashMap<M::Key, Vec<O>> = distinct.into_iter().zip(lists).collect();
            Ok(keys.iter().map(|key| lists.get(key).cloned().unwrap_or_default()).collect())
        }
        .boxed()
    }

    fn read_one(&self, _: &Row) -> Result<Vec<O>> {
        let text = format!("the relationship `{}` takes a query of its own", self.name);
        Err(Error::new(ErrorKind::InvalidQuery, text))
    }

    fn needs_query(&self) -> Option<&'static str> {
        Some(self.name)
    }
}

impl<M: Model, T: Pointed> BelongsTo<M, T> {
    /// Loads a relationship of the other model too, as in `Car::select().with(Car::MAKER.with(Maker::COUNTRY))`.
    pub fn with<L: Load<T::Model>>(self, relationship: L) -> LoadOne<M, T, (T::Model, L::Output)> {
        self.load().with(relationship)
    }

    fn load(self) -> LoadOne<M, T, T::Model> {
        LoadOne::new(self.name(), JoinColumns::Source(self.columns()))
    }
}

impl<M: Model, T: Pointed> Load<M> for BelongsTo<M, T>
where
    T::Of<T::Model>: Clone,
{
    type Output = T::Of<T::Model>;

    fn attach(self, at: &mut Attachment<'_>) -> Arc<dyn Shape<Self::Output>> {
        self.load().attach(at)
    }
}

impl<M: Model, T: Model> HasOne<M, T> {
    /// Loads a relationship of the other model too.
    pub fn with<L: Load<T>>(self, relationship: L) -> LoadOne<M, Option<T>, (T, L::Output)> {
        self.load().with(relationship)
    }

    fn load(self) -> LoadOne<M, Option<T>, T> {
        LoadOne::new(self.name(), JoinColumns::Target(self.columns()))
    }
}

impl<M: Model, T: Model> Load<M> for HasOne<M, T> {
    type Output = Option<T>;

    fn attach(self, at: &mut Attachment<'_>) -> Arc<dyn Shape<Option<T>>> {
        self.load().attach(at)
    }
}

/// The ways to say more of a relationship to many, before it is loaded.
macro_rules! to_many {
    ($($type:ident),*) => {$(
        impl<M: Model, T: Model> $type<M, T> {
            /// Loads only the rows for which the condition is true.
            pub fn filter(self, condition: impl IntoExpr<bool>) -> LoadMany<M, T> {
                self.load().filter(condition)
            }

            /// Orders the rows of each list.
            pub fn order_by(self, order: Order) -> LoadMany<M, T> {
                self.load().order_by(order)
            }

            /// Loads a relationship of the other model too.
            pub fn with<L: Load<T>>(self, relationship: L) -> LoadMany<M, (T, L::Output)> {
                self.load().with(relationship)
            }
        }

        impl<M: Model, T: Model> Load<M> for $type<M, T> {
            type Output = Vec<T>;

            fn attach(self, at: &mut Attachment<'_>) -> Arc<dyn Shape<Vec<T>>> {
                self.load().attach(at)
            }
        }
    )*};
}

to_many!(HasMany, ManyToMany);

impl<M: Model, T: Model> HasMany<M, T> {
    pub(crate) fn load(self) -> LoadMany<M, T> {
        let key = columns_of(T::TABLE.name, self.columns());
        LoadMany { name: self.name(), key, select: T::select(), model: PhantomData }
    }
}

impl<M: Model, T: Model> ManyToMany<M, T> {
    pub(crate) fn load(self) -> LoadMany<M, T> {
        let table = self.association();
        let mut select = T::select();
        let alias = select.node.fresh_alias(table.name);
        let on = equal(self.target().iter().copied(), &alias, T::TABLE.primary_key_names(), &T::TABLE.name.into());
        let key = columns_of(alias.clone(), self.source());
        let source = Source::Table { table, alias: Some(alias) };
        select.node.joins.push(Join { kind: JoinKind::Inner, source, on, eager: false });
        LoadMany { name: self.name(), key, select, model: PhantomData }
    }
}

fn columns_of(table: impl Into<Name>, columns: &[&'static str]) -> Vec<Node> {
    let table = table.into();
    columns.iter().map(|column| Node::column(table.clone(), *column)).collect()
}

impl TableDef {
    fn primary_key_names(&'static self) -> impl Iterator<Item = &'static str> {
        self.primary_key().map(|column| column.name)
    }
}

impl<M, T, O> Clone for LoadOne<M, T, O> {
    fn clone(&self) -> Self {
        LoadOne { name: self.name, columns: self.columns, build: Arc::clone(&self.build), types: PhantomData }
    }
}

impl<M, O> Clone for LoadMany<M, O> {
    fn clone(&self) -> Self {
        LoadMany { name: self.name, key: self.key.clone(), select: self.select.clone(), model: PhantomData }
    }
}

impl<M, T, O> std::fmt::Debug for LoadOne<M, T, O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("LoadOne").field(&self.name).finish()
    }
}

impl<M, O> std::fmt::Debug for LoadMany<M, O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("LoadMany").field(&self.name).finish()
    }
}
