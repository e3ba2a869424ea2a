//! What `.columns(...)` reads: columns, expressions, whole models, and tuples of them.

use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::shape::{RowsRead, Shape};
use crate::Result;
use crate::engine::Target;
use crate::expr::node::{Name, Node, Nodes};
use crate::expr::{Aggregate, Column, ColumnOperators, Expr, by_value};
use crate::model::Model;
use crate::row::Row;
use crate::table::TableDef;
use crate::value::ColumnValue;

/// What a query can read: a column, an expression, an aggregate, an [`entity`], or a tuple of up to twelve of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a column of a query",
    label = "not a column or an expression, nor a tuple of them",
    note = "a value is made an expression with `literal(value)`, and a whole model is read with `entity::<Car>()`"
)]
pub trait Selected: Sized {
    /// What it gives for each row.
    type Output: Send + 'static;

    /// Adds its columns, and tells how they are read.
    #[doc(hidden)]
    fn add(self, columns: &mut Nodes) -> Read<Self::Output>;

    /// The expressions that rows are grouped by.
    #[doc(hidden)]
    fn keys(self) -> Nodes {
        let mut columns = Nodes::default();
        self.add(&mut columns);
        columns
    }
}

/// How a row becomes an `O`.
pub(crate) type Read<O> = Arc<dyn Fn(&Row) -> Result<O> + Send + Sync>;

/// The columns of one query as a shape.
pub(crate) struct Projection<O> {
    read: Read<O>,
}

impl<O> Projection<O> {
    pub(crate) fn new(read: Read<O>) -> Projection<O> {
        Projection { read }
    }
}

impl<O: Send + 'static> Shape<O> for Projection<O> {
    fn read<'a>(&'a self, rows: RowsRead<'a>, _: Target<'a>) -> BoxFuture<'a, Result<Vec<O>>> {
        std::future::ready(rows.iter().map(|row| (self.read)(row)).collect()).boxed()
    }

    fn read_one(&self, row: &Row) -> Result<O> {
        (self.read)(row)
    }

    fn needs_query(&self) -> Option<&'static str> {
        None
    }
}

/// A whole model as a column of a query; made by [`entity`].
pub struct Entity<M> {
    alias: Option<&'static str>,
    model: PhantomData<fn() -> M>,
}

/// A whole model that may not be there; made by [`Entity::nullable`].
pub struct OptionalEntity<M>(Entity<M>);

/// A whole model: a column of a query, or a table to join.
///
/// # Example
/// ```
/// # use crocus_macros::Model;
/// use crocus_orm::{ColumnOperators, Model, Select, entity};
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
/// let other = entity::<Car>().alias("other");
/// let pairs: Select<(Car, Car)> = Car::select()
///     .join_on(other, Car::DOORS.eq(Car::DOORS.of("other")) & Car::ID.lt(Car::ID.of("other")))
///     .columns((entity::<Car>(), other));
/// # let _ = pairs;
/// ```
pub fn entity<M: Model>() -> Entity<M> {
    Entity { alias: None, model: PhantomData }
}

impl<M: Model> Entity<M> {
    /// The model's table under another name, for a table that is read twice. Its columns are `Car::NAME.of("other")`
    /// then.
    pub fn alias(self, alias: &'static str) -> Entity<M> {
        Entity { alias: Some(alias), ..self }
    }

    /// The model, or none where an outer join found no row.
    pub fn nullable(self) -> OptionalEntity<M> {
        OptionalEntity(self)
    }

    /// The table, and its name where it is not its own.
    pub(crate) fn source(self) -> (&'static TableDef, Option<&'static str>) {
        (M::TABLE, self.alias)
    }

    fn add_columns(self, columns: &mut Nodes) -> usize {
        let start = columns.0.len();
        let name = Name::Borrowed(self.alias.unwrap_or(M::TABLE.name));
        columns.0.extend(M::TABLE.columns.iter().map(|column| Node::column(name.clone(), column.name)));
        start
    }
}

impl<M: Model> Selected for Entity<M> {
    type Output = M;

    fn add(self, columns: &mut Nodes) -> Read<M> {
        let start = self.add_columns(columns);
        Arc::new(move |row| M::from_row(row, start))
    }
}

impl<M: Model> Selected for OptionalEntity<M> {
    type Output = Option<M>;

    fn add(self, columns: &mut Nodes) -> Read<Option<M>> {
        let start = self.0.add_columns(columns);
        let present = start + M::TABLE.key_indexes().next().unwrap_or_default();
        Arc::new(move |row| if row.is_null(present) { Ok(None) } else { M::from_row(row, start).map(Some) })
    }
}

/// A column of a query that is one value.
macro_rules! selected {
    ($($type:ty, $($m:ident)?;)*) => {$(
        impl<$($m,)? T: ColumnValue> Selected for $type {
            type Output = T;

            fn add(self, columns: &mut Nodes) -> Read<T> {
                let index = columns.0.len();
                columns.0.push(self.expr().node);
                Arc::new(move |row| row.get(index))
            }

            fn keys(self) -> Nodes {
                Nodes(vec![by_value::<T::Base>(self.expr().node)])
            }
        }
    )*};
}

selected!(Column<M, T>, M; Expr<T>,; Aggregate<T>,;);

macro_rules! tuples {
    ($($type:ident $index:tt),*) => {
        impl<$($type: Selected),*> Selected for ($($type,)*) {
            type Output = ($($type::Output,)*);

            fn add(self, columns: &mut Nodes) -> Read<Self::Output> {
                let reads = ($(self.$index.add(columns),)*);
                Arc::new(move |row| Ok(($((reads.$index)(row)?,)*)))
            }

            fn keys(self) -> Nodes {
                Nodes([$(self.$index.keys().0),*].concat())
            }
        }
    };
}

tuples!(A 0);
tuples!(A 0, B 1);
tuples!(A 0, B 1, C 2);
tuples!(A 0, B 1, C 2, D 3);
tuples!(A 0, B 1, C 2, D 3, E 4);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);

impl<M> Clone for Entity<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Entity<M> {}

impl<M> Clone for OptionalEntity<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for OptionalEntity<M> {}

impl<M: Model> std::fmt::Debug for Entity<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entity({})", self.alias.unwrap_or(M::TABLE.name))
    }
}

impl<M: Model> std::fmt::Debug for OptionalEntity<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
