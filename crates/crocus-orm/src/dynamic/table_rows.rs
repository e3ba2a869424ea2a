//! Rows with all their columns, read by the table's description, and their values as JSON.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value as Json;

use super::{Rows, TableRow};
use crate::Result;
use crate::engine::Target;
use crate::expr::node::Node;
use crate::json::JsonObject;
use crate::query::Select;
use crate::query::shape::{RowsRead, Shape};
use crate::row::Row;
use crate::table::{ColumnDef, IndexKey, TableDef};
use crate::value::{Value, by_type};

/// The rows of a table with all their columns. What members are said of each is passed over.
pub fn table_rows(mut rows: Rows) -> Select<TableRow> {
    rows.members.clear();
    let table = rows.source.table();
    let Select { mut node, .. } = super::select(rows);
    node.columns = table.columns.iter().map(|column| Node::column(table.name, column.name)).collect();
    Select { node, shape: Arc::new(Whole(table)), mapped: true }
}

struct Whole(&'static TableDef);

impl Shape<TableRow> for Whole {
    fn read<'a>(&'a self, rows: RowsRead<'a>, _: Target<'a>) -> BoxFuture<'a, Result<Vec<TableRow>>> {
        std::future::ready(rows.iter().map(|row| self.read_one(row)).collect()).boxed()
    }

    fn read_one(&self, row: &Row) -> Result<TableRow> {
        let columns = self.0.columns.iter().enumerate();
        let values = columns.map(|(index, column)| by_type::any(row, index, column.ty)).collect::<Result<_>>()?;
        Ok(TableRow { table: self.0, row: Row::of(self.0.columns, values) })
    }

    fn needs_query(&self) -> Option<&'static str> {
        None
    }
}

impl TableRow {
    /// The value of a column, by its index in the table, as JSON.
    ///
    /// # Errors
    /// When the column holds something that the description does not say.
    pub fn json_value(&self, column: usize) -> Result<Json> {
        by_type::json(&self.row, column, self.table.columns[column].ty)
    }

    /// The primary key as JSON: the values of its columns, in the table's order.
    ///
    /// # Errors
    /// When a column holds something that the description does not say.
    pub fn json_key(&self) -> Result<Vec<Json>> {
        self.table.key_indexes().map(|column| self.json_value(column)).collect()
    }

    /// These columns as a JSON object.
    ///
    /// # Errors
    /// When a column holds something that the description does not say.
    pub fn object(&self, columns: impl Iterator<Item = &'static ColumnDef>) -> Result<JsonObject> {
        let member = |column: &'static ColumnDef| {
            let index = self.table.columns.iter().position(|other| other.name == column.name)?;
            Some(self.json_value(index).map(|value| (column.name.to_owned(), value)))
        };
        columns.filter_map(member).collect()
    }
}

/// A value as JSON, as rows have it; NULL as `null`.
///
/// # Errors
/// When it is none of a column's.
pub fn json(value: &Value) -> Result<Json> {
    by_type::to_json(value)
}

/// Whether no two rows can have the same values in all of these columns, in whatever order: they are the primary key, or
/// those of a unique constraint, or of a unique index of all rows.
pub fn is_unique(table: &TableDef, columns: &[&str]) -> bool {
    let same = |others: &[&str]| others.len() == columns.len() && others.iter().all(|other| columns.contains(other));
    let key: Vec<_> = table.primary_key().map(|column| column.name).collect();
    let indexes = table.indexes.iter().filter(|index| index.unique && index.condition.is_none()).filter_map(|index| {
        let names = index.parts.iter().map(|part| match part.key {
            IndexKey::Column(name) => Some(name),
            IndexKey::Expression(_) => None,
        });
        names.collect::<Option<Vec<_>>>()
    });
    same(&key)
        || table.uniques.iter().any(|unique| same(unique.columns))
        || indexes.into_iter().any(|names| same(&names))
}
