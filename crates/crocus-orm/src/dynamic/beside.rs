//! Rows as JSON, with columns beside them that are not shown: what else has to be known of a row.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value as Json;

use super::{DynamicColumn, JsonRow, Rows, select};
use crate::Result;
use crate::engine::Target;
use crate::query::Select;
use crate::query::shape::{RowsRead, Shape};
use crate::row::Row;
use crate::table::ColumnType;
use crate::value::by_type;

/// The rows as a query, each with the values of these columns beside it, as JSON. The rows must be those of the table,
/// and not of groups.
pub fn select_beside(rows: Rows, columns: Vec<DynamicColumn>) -> Select<(JsonRow, Vec<Json>)> {
    let Select { mut node, shape, .. } = select(rows);
    let start = node.columns.len();
    let types = columns.iter().map(|column| column.ty).collect();
    node.columns.extend(columns.into_iter().map(|column| column.node));
    Select { node, shape: Arc::new(Beside { shape, start, types }), mapped: true }
}

struct Beside {
    shape: Arc<dyn Shape<JsonRow>>,
    /// The index of the first column.
    start: usize,
    types: Vec<ColumnType>,
}

impl Shape<(JsonRow, Vec<Json>)> for Beside {
    fn read<'a>(&'a self, rows: RowsRead<'a>, _: Target<'a>) -> BoxFuture<'a, Result<Vec<(JsonRow, Vec<Json>)>>> {
        std::future::ready(rows.iter().map(|row| self.read_one(row)).collect()).boxed()
    }

    fn read_one(&self, row: &Row) -> Result<(JsonRow, Vec<Json>)> {
        let beside = self.types.iter().enumerate().map(|(index, ty)| by_type::json(row, self.start + index, *ty));
        Ok((self.shape.read_one(row)?, beside.collect::<Result<_>>()?))
    }

    fn needs_query(&self) -> Option<&'static str> {
        None
    }
}
