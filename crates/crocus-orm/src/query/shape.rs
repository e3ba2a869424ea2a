//! Shapes: how the rows of a query become values. A shape knows from which column on it reads.

use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::load::Loaded;
use crate::dynamic::Members;
use crate::engine::Target;
use crate::model::Model;
use crate::row::Row;
use crate::{Error, ErrorKind, Result};

/// Rows to be read.
pub(crate) type RowsRead<'a> = &'a [&'a Row];

/// How rows become `O`s, one for each row.
pub trait Shape<O>: Send + Sync {
    /// Reads the rows, and asks the database for what they do not have themselves.
    fn read<'a>(&'a self, rows: RowsRead<'a>, target: Target<'a>) -> BoxFuture<'a, Result<Vec<O>>>;

    /// Reads one row of a shape that asks nothing.
    ///
    /// # Errors
    /// When the row does not fit.
    fn read_one(&self, row: &Row) -> Result<O>;

    /// The relationship that it asks the database for, if it does.
    fn needs_query(&self) -> Option<&'static str>;

    /// What writes its rows into a JSON text, where it makes such rows.
    #[expect(private_interfaces, reason = "no program has shapes of its own")]
    fn members(&self) -> Option<&Members> {
        None
    }
}

/// A model, from the column `start` on.
pub(crate) struct ModelShape<M> {
    start: usize,
    model: PhantomData<fn() -> M>,
}

/// A value, and another loaded beside it.
pub(crate) struct With<A, B> {
    value: Arc<dyn Shape<A>>,
    beside: Arc<dyn Shape<B>>,
}

/// Something else made of each value.
pub(crate) struct Map<A, F> {
    from: Arc<dyn Shape<A>>,
    make: F,
}

/// What an outer join brings: nothing where `present` is NULL.
pub(crate) struct Optional<O> {
    pub(crate) present: usize,
    pub(crate) shape: Arc<dyn Shape<O>>,
}

/// What an outer join always brings, if the database keeps its foreign keys.
pub(crate) struct Required<O> {
    pub(crate) present: usize,
    pub(crate) relationship: &'static str,
    pub(crate) shape: Arc<dyn Shape<O>>,
}

impl<M> ModelShape<M> {
    pub(crate) fn at(start: usize) -> ModelShape<M> {
        ModelShape { start, model: PhantomData }
    }
}

impl<A, B> With<A, B> {
    pub(crate) fn new(value: Arc<dyn Shape<A>>, beside: Arc<dyn Shape<B>>) -> With<A, B> {
        With { value, beside }
    }
}

impl<A, F> Map<A, F> {
    pub(crate) fn new(from: Arc<dyn Shape<A>>, make: F) -> Map<A, F> {
        Map { from, make }
    }
}

impl<M: Model> Shape<M> for ModelShape<M> {
    fn read<'a>(&'a self, rows: RowsRead<'a>, _: Target<'a>) -> BoxFuture<'a, Result<Vec<M>>> {
        std::future::ready(rows.iter().map(|row| self.read_one(row)).collect()).boxed()
    }

    fn read_one(&self, row: &Row) -> Result<M> {
        M::from_row(row, self.start)
    }

    fn needs_query(&self) -> Option<&'static str> {
        None
    }
}

impl<A: Loaded + Send + 'static, B: Send + 'static> Shape<A::With<B>> for With<A, B> {
    fn read<'a>(&'a self, rows: RowsRead<'a>, target: Target<'a>) -> BoxFuture<'a, Result<Vec<A::With<B>>>> {
        async move {
            let values = self.value.read(rows, target).await?;
            let beside = self.beside.read(rows, target).await?;
            Ok(values.into_iter().zip(beside).map(|(value, beside)| value.and(beside)).collect())
        }
        .boxed()
    }

    fn read_one(&self, row: &Row) -> Result<A::With<B>> {
        Ok(self.value.read_one(row)?.and(self.beside.read_one(row)?))
    }

    fn needs_query(&self) -> Option<&'static str> {
        self.value.needs_query().or_else(|| self.beside.needs_query())
    }
}

impl<A: Send + 'static, T: Send + 'static, F: Fn(A) -> T + Send + Sync> Shape<T> for Map<A, F> {
    fn read<'a>(&'a self, rows: RowsRead<'a>, target: Target<'a>) -> BoxFuture<'a, Result<Vec<T>>> {
        async move { Ok(self.from.read(rows, target).await?.into_iter().map(&self.make).collect()) }.boxed()
    }

    fn read_one(&self, row: &Row) -> Result<T> {
        self.from.read_one(row).map(&self.make)
    }

    fn needs_query(&self) -> Option<&'static str> {
        self.from.needs_query()
    }
}

impl<O: Send + 'static> Shape<Option<O>> for Optional<O> {
    fn read<'a>(&'a self, rows: RowsRead<'a>, target: Target<'a>) -> BoxFuture<'a, Result<Vec<Option<O>>>> {
        async move {
            let there: Vec<&Row> = rows.iter().copied().filter(|row| !row.is_null(self.present)).collect();
            let mut values = self.shape.read(&there, target).await?.into_iter();
            Ok(rows.iter().map(|row| if row.is_null(self.present) { None } else { values.next() }).collect())
        }
        .boxed()
    }

    fn read_one(&self, row: &Row) -> Result<Option<O>> {
        if row.is_null(self.present) { Ok(None) } else { self.shape.read_one(row).map(Some) }
    }

    fn needs_query(&self) -> Option<&'static str> {
        self.shape.needs_query()
    }
}

impl<O> Required<O> {
    fn check(&self, row: &Row) -> Result<()> {
        if row.is_null(self.present) {
            let text = format!("the row that `{}` points to is not there", self.relationship);
            return Err(Error::new(ErrorKind::Mismatch, text)
                .with_hint("does the database lack the foreign key? `db migrate` compares it with the model"));
        }
        Ok(())
    }
}

impl<O: Send + 'static> Shape<O> for Required<O> {
    fn read<'a>(&'a self, rows: RowsRead<'a>, target: Target<'a>) -> BoxFuture<'a, Result<Vec<O>>> {
        async move {
            rows.iter().try_for_each(|row| self.check(row))?;
            self.shape.read(rows, target).await
        }
        .boxed()
    }

    fn read_one(&self, row: &Row) -> Result<O> {
        self.check(row)?;
        self.shape.read_one(row)
    }

    fn needs_query(&self) -> Option<&'static str> {
        self.shape.needs_query()
    }
}
