//! Updates and deletions by a table's description, without a model, and the rows that writes give back. The version column
//! is kept here, and never by the caller.

use super::{DynamicColumn, Input};
use crate::Result;
use crate::engine::Executor;
use crate::expr::node::{Node, Nodes};
use crate::expr::{Expr, IntoExpr};
use crate::query::delete::DeleteNode;
use crate::query::returning;
use crate::query::update::UpdateNode;
use crate::row::Row;
use crate::table::{ColumnDef, TableDef};
use crate::value::{Value, by_type};

/// A row of a table as the database has it: all columns, in the table's order.
#[derive(Debug)]
pub struct TableRow {
    pub(super) table: &'static TableDef,
    pub(super) row: Row,
}

/// An update of the rows that a filter finds, made by [`update`]. Without a filter it is of all rows.
#[derive(Debug, Clone)]
#[must_use = "an update does nothing until it is run, as with `.execute(&db)`"]
pub struct DynamicUpdate(UpdateNode);

/// A deletion of the rows that a filter finds, made by [`delete`]. Without a filter it is of all rows.
#[derive(Debug, Clone)]
#[must_use = "a deletion does nothing until it is run, as with `.execute(&db)`"]
pub struct DynamicDelete(DeleteNode);

/// Starts an update, which raises the version column.
pub fn update(table: &'static TableDef) -> DynamicUpdate {
    DynamicUpdate(UpdateNode::new(table))
}

/// Starts a deletion.
pub fn delete(table: &'static TableDef) -> DynamicDelete {
    DynamicDelete(DeleteNode { table, filter: Vec::new() })
}

/// Whether a row has this primary key: the values of its columns, in the table's order.
pub fn key_equals(table: &'static TableDef, key: &[Value]) -> Expr<bool> {
    let equal = table
        .primary_key()
        .zip(key)
        .map(|(column, value)| DynamicColumn::new(table, column).compare(super::Comparison::Eq, value.clone()).node);
    Expr::new(equal.reduce(Node::and).unwrap_or(Node::Constant("FALSE")))
}

/// Whether a row has one of these primary keys. A statement has room for 30,000 values on both databases.
pub fn by_keys(table: &'static TableDef, keys: &[Vec<Value>]) -> Expr<bool> {
    let mut columns = table.primary_key();
    if let (Some(column), None) = (columns.next(), columns.next()) {
        return DynamicColumn::new(table, column).is_in(keys.iter().flatten().cloned().collect());
    }
    let row = table.primary_key().map(|column| Node::column(table.name, column.name)).collect();
    Expr::new(Node::RowIn { row, list: keys.to_vec() })
}

impl DynamicUpdate {
    /// Sets columns to values, and others to their defaults.
    pub fn set(mut self, input: impl Into<Input>) -> DynamicUpdate {
        let Input { assignments, mut defaults } = input.into();
        defaults.retain(|column| assignments.iter().all(|(assigned, _)| assigned != column));
        let table = self.0.table;
        let values = assignments.into_iter().map(|(column, value)| {
            let column = &table.columns[column];
            (column.name, Node::Bound { value, ty: column.ty })
        });
        let defaults = defaults.into_iter().map(|column| (table.columns[column].name, default(&table.columns[column])));
        self.0.set.extend(values.chain(defaults));
        self
    }

    /// Updates only the rows for which the condition is true.
    pub fn filter(mut self, condition: impl IntoExpr<bool>) -> DynamicUpdate {
        self.0.filter.push(condition.into_expr().node);
        self
    }

    /// Runs it, and gives the number of rows updated.
    ///
    /// # Errors
    /// When it sets no column, the database does not answer, or a constraint does not hold.
    #[track_caller]
    pub fn execute(self, db: &impl Executor) -> impl Future<Output = Result<u64>> + Send {
        returning::count(self.0.table, db, move |dialect| Ok(vec![self.0.statement(dialect, Nodes::default())?]))
    }

    /// Runs it, and gives the rows as they are then, in no particular order.
    ///
    /// # Errors
    /// As for [`execute`](DynamicUpdate::execute).
    #[track_caller]
    pub fn returning(self, db: &impl Executor) -> impl Future<Output = Result<Vec<TableRow>>> + Send {
        let table = self.0.table;
        rows_of(
            table,
            returning::each(table, db, move |dialect| Ok(vec![self.0.statement(dialect, all_columns(table))?])),
        )
    }
}

impl DynamicDelete {
    /// Deletes only the rows for which the condition is true.
    pub fn filter(mut self, condition: impl IntoExpr<bool>) -> DynamicDelete {
        self.0.filter.push(condition.into_expr().node);
        self
    }

    /// Runs it, and gives the number of rows deleted.
    ///
    /// # Errors
    /// When the database does not answer, or a foreign key does not hold.
    #[track_caller]
    pub fn execute(self, db: &impl Executor) -> impl Future<Output = Result<u64>> + Send {
        returning::count(self.0.table, db, move |dialect| Ok(vec![self.0.statement(dialect, Nodes::default())?]))
    }

    /// Runs it, and gives the rows as they were, in no particular order.
    ///
    /// # Errors
    /// As for [`execute`](DynamicDelete::execute).
    #[track_caller]
    pub fn returning(self, db: &impl Executor) -> impl Future<Output = Result<Vec<TableRow>>> + Send {
        let table = self.0.table;
        rows_of(
            table,
            returning::each(table, db, move |dialect| Ok(vec![self.0.statement(dialect, all_columns(table))?])),
        )
    }
}

impl TableRow {
    /// The primary key: the values of its columns, in the table's order.
    ///
    /// # Errors
    /// When a column holds something that the description does not say.
    pub fn key(&self) -> Result<Vec<Value>> {
        self.table.key_indexes().map(|column| self.value(column)).collect()
    }

    /// The value of a column, by its index in the table.
    ///
    /// # Errors
    /// When the column holds something that the description does not say.
    pub fn value(&self, column: usize) -> Result<Value> {
        by_type::any(&self.row, column, self.table.columns[column].ty)
    }

    /// A JSON object of these columns, by their indexes in the table, each under its name; UTF-8.
    ///
    /// # Errors
    /// When a column holds something that the description does not say.
    pub fn json(&self, columns: &[usize]) -> Result<Vec<u8>> {
        let mut text = Vec::with_capacity(32 * columns.len() + 2);
        text.push(b'{');
        for (place, column) in columns.iter().enumerate() {
            if place > 0 {
                text.push(b',');
            }
            let ColumnDef { name, ty, .. } = self.table.columns[*column];
            by_type::write_json(&mut text, name);
            text.push(b':');
            by_type::write(&self.row, *column, ty, &mut text)?;
        }
        text.push(b'}');
        Ok(text)
    }

    /// The values of these columns, by their indexes in the table, as a JSON array; UTF-8.
    ///
    /// # Errors
    /// When a column holds something that the description does not say.
    pub fn json_values(&self, columns: impl IntoIterator<Item = usize>) -> Result<Vec<u8>> {
        let types = columns.into_iter().map(|column| (column, self.table.columns[column].ty));
        by_type::write_all(&self.row, types)
    }

    /// The row itself, from whose index 0 on a model is read: `Car::from_row(row.row(), 0)`.
    pub fn row(&self) -> &Row {
        &self.row
    }

    /// The row itself.
    pub fn into_row(self) -> Row {
        self.row
    }
}

async fn rows_of(
    table: &'static TableDef,
    rows: impl Future<Output = Result<Vec<Vec<Row>>>> + Send,
) -> Result<Vec<TableRow>> {
    Ok(rows.await?.into_iter().flatten().map(|row| TableRow { table, row }).collect())
}

pub(super) fn all_columns(table: &'static TableDef) -> Nodes {
    Nodes(table.columns.iter().map(|column| Node::column(table.name, column.name)).collect())
}

/// What a column is set to where an update gives it its default.
fn default(column: &'static ColumnDef) -> Node {
    match (column.default_with, column.default) {
        (Some(make), _) => Node::Bound { value: (make.0)(), ty: column.ty },
        (None, Some(sql)) => Node::Constant(sql),
        (None, None) => Node::Constant("NULL"),
    }
}
