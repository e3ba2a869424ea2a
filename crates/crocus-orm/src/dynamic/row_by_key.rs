//! The row with a key, by a query that is built once.

use std::sync::{Arc, OnceLock};

use futures_util::FutureExt;

use super::key_equals;
use crate::engine::Executor;
use crate::query::Select;
use crate::query::by_key::{self, Shape};
use crate::table::TableDef;
use crate::value::Value;
use crate::{Dialect, Result};

/// A query for rows of a table, asked for one row at a time, by its key.
pub struct RowByKey<O> {
    table: &'static TableDef,
    select: Select<O>,
    /// Its SQL for the dialect that it was asked in first; none where it asks for more than columns of the row.
    known: OnceLock<(Dialect, Option<Arc<Shape>>)>,
}

impl<O> std::fmt::Debug for RowByKey<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowByKey").field("table", &self.table.name).finish_non_exhaustive()
    }
}

impl<O: Send + 'static> RowByKey<O> {
    /// From a query for the table's rows.
    pub fn new(table: &'static TableDef, select: Select<O>) -> RowByKey<O> {
        RowByKey { table, select, known: OnceLock::new() }
    }

    /// The row with a key: the values of its columns, in the table's order.
    ///
    /// # Errors
    /// When the database does not answer, or the row does not fit.
    pub async fn get(&self, db: &impl Executor, key: &[Value]) -> Result<Option<O>> {
        let target = db.target(self.table.bind)?;
        let dialect = target.dialect();
        let known = match self.known.get() {
            Some(known) => known,
            None => {
                let node = self.of(key).node;
                let shape = by_key::shape_of(&node, dialect)?;
                self.known.get_or_init(|| (dialect, shape))
            }
        };
        match (known, key) {
            ((known, Some(shape)), [key]) if *known == dialect => {
                let rows = target.query(shape.statement(key.clone())).await?;
                rows.first().map(|row| self.select.shape.read_one(row)).transpose()
            }
            // In a box: few take this way, and all would make room for it.
            _ => self.of(key).one_or_none(db).boxed().await,
        }
    }

    fn of(&self, key: &[Value]) -> Select<O> {
        self.select.clone().filter(key_equals(self.table, key))
    }
}
