//! Queries whose rows are JSON text.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value as Json;

use super::DynamicColumn;
use crate::Result;
use crate::engine::Target;
use crate::expr::node::Node;
use crate::query::Select;
use crate::query::node::SelectNode;
use crate::query::shape::{RowsRead, Shape};
use crate::row::Row;
use crate::table::{ColumnType, TableDef};
use crate::value::by_type;

/// A row as a JSON object, in UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JsonRow(pub Vec<u8>);

/// The rows of a table as JSON objects, with these members, each under its name.
pub fn json_rows(table: &'static TableDef, members: Vec<(String, DynamicColumn)>) -> Select<JsonRow> {
    let mut node = SelectNode::of(table);
    let mut shape = Members::default();
    (node.columns, shape.0) = members
        .into_iter()
        .map(|(name, column)| (column.node, (format!("{}:", Json::String(name)).into_bytes(), column.ty)))
        .unzip();
    if node.columns.is_empty() {
        // SQLite has no query without a column.
        node.columns.push(Node::Constant("NULL"));
    }
    Select { node, shape: Arc::new(shape), mapped: false }
}

/// The members of an object: their names as they are written, with the colon, and their types.
#[derive(Default)]
struct Members(Vec<(Vec<u8>, ColumnType)>);

impl Shape<JsonRow> for Members {
    fn read<'a>(&'a self, rows: RowsRead<'a>, _: Target<'a>) -> BoxFuture<'a, Result<Vec<JsonRow>>> {
        std::future::ready(rows.iter().map(|row| self.read_one(row)).collect()).boxed()
    }

    fn read_one(&self, row: &Row) -> Result<JsonRow> {
        let mut text = Vec::with_capacity(32 * self.0.len());
        text.push(b'{');
        for (index, (name, ty)) in self.0.iter().enumerate() {
            if index > 0 {
                text.push(b',');
            }
            text.extend_from_slice(name);
            text.extend_from_slice(by_type::json(row, index, *ty)?.to_string().as_bytes());
        }
        text.push(b'}');
        Ok(JsonRow(text))
    }

    fn needs_query(&self) -> Option<&'static str> {
        None
    }
}
