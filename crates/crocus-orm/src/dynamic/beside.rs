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
    let read = |row: &Row, columns: &[(usize, ColumnType)]| {
        columns.iter().map(|(index, ty)| by_type::json(row, *index, *ty)).collect()
    };
    beside(rows, columns, read)
}

/// The same, where the values beside each row are the text of a JSON array.
pub fn select_beside_text(rows: Rows, columns: Vec<DynamicColumn>) -> Select<(JsonRow, Vec<u8>)> {
    beside(rows, columns, |row, columns| by_type::write_all(row, columns.iter().copied()))
}

fn beside<T: Send + 'static>(rows: Rows, columns: Vec<DynamicColumn>, read: Read<T>) -> Select<(JsonRow, T)> {
    let Select { mut node, shape, .. } = select(rows);
    let mut places = Vec::with_capacity(columns.len());
    for column in columns {
        // What the row shows is there.
        let place = node.columns.iter().position(|other| *other == column.node).unwrap_or(node.columns.len());
        places.push((place, column.ty));
        if place == node.columns.len() {
            node.columns.push(column.node);
        }
    }
    Select { node, shape: Arc::new(Beside { shape, columns: places, read }), mapped: true }
}

/// Reads the columns at these indexes.
type Read<T> = fn(&Row, &[(usize, ColumnType)]) -> Result<T>;

struct Beside<T> {
    shape: Arc<dyn Shape<JsonRow>>,
    columns: Vec<(usize, ColumnType)>,
    read: Read<T>,
}

impl<T: Send + 'static> Shape<(JsonRow, T)> for Beside<T> {
    fn read<'a>(&'a self, rows: RowsRead<'a>, _: Target<'a>) -> BoxFuture<'a, Result<Vec<(JsonRow, T)>>> {
        std::future::ready(rows.iter().map(|row| self.read_one(row)).collect()).boxed()
    }

    fn read_one(&self, row: &Row) -> Result<(JsonRow, T)> {
        Ok((self.shape.read_one(row)?, (self.read)(row, &self.columns)?))
    }

    fn needs_query(&self) -> Option<&'static str> {
        None
    }
}
