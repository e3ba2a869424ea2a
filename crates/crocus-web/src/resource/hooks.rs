//! What a program does before and after a resource's writes.

use std::fmt;
use std::marker::PhantomData;

use axum::http::request::Parts;
use crocus_orm::{Assignments, Column, ColumnValue, FieldError, Model, Row, TableDef, Transaction};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::{Problem, Result};

/// What a program does before and after the writes of a resource, in the same transaction. Each has a default that does
/// nothing.
pub trait Hooks<M: Model>: Send + Sync + 'static {
    /// Looks at a row as it would be after the write, defaults and generated columns among it. Mistakes are a 422, and
    /// nothing is written.
    ///
    /// # Errors
    /// The row's mistakes, each with the JSON pointer of a column.
    fn validate(&self, row: &M) -> Result<(), Vec<FieldError>> {
        let _ = row;
        Ok(())
    }

    /// Looks at a change, and may change it, before it is sent: once for each row of an insert, and once for an update
    /// or a deletion of however many rows.
    ///
    /// # Errors
    /// The answer, in place of the write.
    fn before(&self, request: &Parts, change: &mut Change<M>) -> impl Future<Output = Result<()>> + Send {
        let _ = (request, change);
        async { Ok(()) }
    }

    /// Is told which rows were written, as they are now, or as they were before they were deleted.
    ///
    /// # Errors
    /// The answer; everything is taken back.
    fn after(
        &self,
        request: &Parts,
        transaction: &Transaction,
        write: Write,
        rows: Vec<M>,
    ) -> impl Future<Output = Result<()>> + Send {
        let _ = (request, transaction, write, rows);
        async { Ok(()) }
    }
}

/// No hooks.
impl<M: Model> Hooks<M> for () {}

/// The kinds of write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Write {
    /// New rows, or with `resolution=merge-duplicates` changed ones.
    Insert,
    /// Other values in rows.
    Update,
    /// Rows that go.
    Delete,
}

/// A change that a client asks for.
pub struct Change<M> {
    /// What is done.
    pub write: Write,
    pub(crate) assignments: Assignments,
    model: PhantomData<fn() -> M>,
}

impl<M: Model> Change<M> {
    /// Whether the client gives the column a value.
    pub fn has<T>(&self, column: Column<M, T>) -> bool {
        let index = index(M::TABLE, column.name());
        self.assignments.iter().any(|(other, _)| *other == index)
    }

    /// Gives the column a value, in place of the client's. A deletion has no values.
    pub fn set<T: ColumnValue>(&mut self, column: Column<M, T>, value: T) {
        let index = index(M::TABLE, column.name());
        self.assignments.retain(|(other, _)| *other != index);
        self.assignments.push((index, value.into_value()));
        self.assignments.sort_by_key(|(index, _)| *index);
    }
}

impl<M> fmt::Debug for Change<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values may be sensitive.
        f.debug_struct("Change").field("write", &self.write).finish_non_exhaustive()
    }
}

fn index(table: &TableDef, name: &str) -> usize {
    table.columns.iter().position(|column| column.name == name).unwrap_or(usize::MAX)
}

/// The hooks of a resource, without its model's type.
pub(crate) trait DynHooks: Send + Sync {
    fn before<'a>(
        &'a self,
        request: &'a Parts,
        write: Write,
        assignments: Assignments,
    ) -> BoxFuture<'a, Result<Assignments>>;

    /// Validates, then tells what was written. The rows have all columns. The mistakes of a row are told with its place
    /// among the rows.
    fn after<'a>(
        &'a self,
        request: &'a Parts,
        transaction: &'a Transaction,
        write: Write,
        rows: &'a [&'a Row],
    ) -> BoxFuture<'a, Result<(), Refused>>;
}

/// Why a write is taken back.
pub(crate) enum Refused {
    /// Rows have mistakes: the index of each, and what is wrong with it.
    Invalid(Vec<(usize, Vec<FieldError>)>),
    Problem(Problem),
}

/// Hooks that know their model.
pub(crate) struct Typed<M, H> {
    hooks: H,
    model: PhantomData<fn() -> M>,
}

impl<M, H> Typed<M, H> {
    pub(super) fn new(hooks: H) -> Typed<M, H> {
        Typed { hooks, model: PhantomData }
    }
}

impl<M: Model, H: Hooks<M>> DynHooks for Typed<M, H> {
    fn before<'a>(
        &'a self,
        request: &'a Parts,
        write: Write,
        assignments: Assignments,
    ) -> BoxFuture<'a, Result<Assignments>> {
        async move {
            let mut change = Change { write, assignments, model: PhantomData };
            self.hooks.before(request, &mut change).await?;
            Ok(change.assignments)
        }
        .boxed()
    }

    fn after<'a>(
        &'a self,
        request: &'a Parts,
        transaction: &'a Transaction,
        write: Write,
        rows: &'a [&'a Row],
    ) -> BoxFuture<'a, Result<(), Refused>> {
        async move {
            let models: crocus_orm::Result<Vec<M>> = rows.iter().map(|row| M::from_row(row, 0)).collect();
            let models = models.map_err(|error| Refused::Problem(error.into()))?;
            if write != Write::Delete {
                let wrong = models.iter().enumerate();
                let wrong: Vec<_> =
                    wrong.filter_map(|(at, row)| self.hooks.validate(row).err().map(|errors| (at, errors))).collect();
                if !wrong.is_empty() {
                    return Err(Refused::Invalid(wrong));
                }
            }
            self.hooks.after(request, transaction, write, models).await.map_err(Refused::Problem)
        }
        .boxed()
    }
}
