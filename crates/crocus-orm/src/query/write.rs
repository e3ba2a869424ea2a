//! Writing: update and delete by filter, and the statements that write single rows.

use std::marker::PhantomData;

use sea_query::Query;

use super::node::SelectNode;
use crate::engine::Executor;
use crate::expr::node::{Binary, Node};
use crate::expr::{Column, IntoExpr, IntoOperand};
use crate::lower::table_ref;
use crate::model::{Model, NewModel};
use crate::relation::NoObjects;
use crate::statement::{Access, Statement};
use crate::value::ColumnValue;
use crate::{Dialect, Error, ErrorKind, Key, Result};

/// An update of the rows that a filter finds, made by [`Model::update`].
#[derive(Debug, Clone)]
#[must_use = "an update does nothing until it is run with `.execute(&db)`"]
pub struct Update<M> {
    set: Vec<(&'static str, Node)>,
    filter: Vec<Node>,
    model: PhantomData<fn() -> M>,
}

impl<M: Model> Update<M> {
    pub(crate) fn new() -> Update<M> {
        Update { set: Vec::new(), filter: Vec::new(), model: PhantomData }
    }

    /// Sets a column to a value or an expression.
    pub fn set<T: ColumnValue>(mut self, column: Column<M, T>, value: impl IntoOperand<T>) -> Self {
        self.set.push((column.name(), value.into_operand().node));
        self
    }

    /// Updates only the rows for which the condition is true.
    pub fn filter(mut self, condition: impl IntoExpr<bool>) -> Self {
        self.filter.push(condition.into_expr().node);
        self
    }

    /// Runs it, and gives the number of rows updated.
    ///
    /// # Errors
    /// When the database does not answer, or a constraint does not hold.
    pub async fn execute(self, db: &impl Executor) -> Result<u64> {
        if self.set.is_empty() {
            let text = format!("the update of `{}` sets no column", M::TABLE.name);
            return Err(Error::new(ErrorKind::InvalidQuery, text).with_hint("add a `.set(COLUMN, value)`"));
        }
        let target = db.target(M::TABLE.bind)?;
        let dialect = target.dialect();
        check::<M>(self.set.iter().map(|(_, node)| node).chain(&self.filter))?;
        let mut query = Query::update();
        query.table(table_ref(M::TABLE, dialect));
        for (column, node) in &self.set {
            query.value(*column, node.lower(dialect)?);
        }
        for condition in &self.filter {
            query.and_where(condition.lower(dialect)?);
        }
        let statement = Statement::build(dialect, Access::Write, &query);
        target.execute(statement).await.map_err(|error| error.for_table(M::TABLE))
    }
}

/// A deletion of the rows that a filter finds, made by [`Model::delete`].
#[derive(Debug, Clone)]
#[must_use = "a deletion does nothing until it is run with `.execute(&db)`"]
pub struct Delete<M> {
    filter: Vec<Node>,
    model: PhantomData<fn() -> M>,
}

impl<M: Model> Delete<M> {
    pub(crate) fn new() -> Delete<M> {
        Delete { filter: Vec::new(), model: PhantomData }
    }

    /// Deletes only the rows for which the condition is true.
    pub fn filter(mut self, condition: impl IntoExpr<bool>) -> Self {
        self.filter.push(condition.into_expr().node);
        self
    }

    /// Runs it, and gives the number of rows deleted.
    ///
    /// # Errors
    /// When the database does not answer, or a foreign key does not hold.
    pub async fn execute(self, db: &impl Executor) -> Result<u64> {
        let target = db.target(M::TABLE.bind)?;
        let dialect = target.dialect();
        check::<M>(self.filter.iter())?;
        let mut query = Query::delete();
        query.from_table(table_ref(M::TABLE, dialect));
        for condition in &self.filter {
            query.and_where(condition.lower(dialect)?);
        }
        let statement = Statement::build(dialect, Access::Write, &query);
        target.execute(statement).await.map_err(|error| error.for_table(M::TABLE))
    }
}

/// Refuses the columns of other tables.
fn check<'a, M: Model>(nodes: impl Iterator<Item = &'a Node>) -> Result<()> {
    let mut missing = None;
    for node in nodes {
        node.tables(&mut |table, column| {
            if table != M::TABLE.name {
                missing.get_or_insert((table, column));
            }
        });
    }
    match missing {
        Some((table, column)) => Err(Error::not_joined(table, column)),
        None => Ok(()),
    }
}

pub(crate) async fn get<M: Model>(db: &impl Executor, key: M::Key) -> Result<Option<M>> {
    let mut node = SelectNode::of(M::TABLE);
    let columns: Vec<_> = M::TABLE.primary_key().map(|column| Node::column(M::TABLE.name, column.name)).collect();
    let conditions = columns.into_iter().zip(key.into_values());
    node.filter.extend(conditions.map(|(column, value)| column.binary(Binary::Eq, Node::Value(value))));
    let rows = db.target(M::TABLE.bind)?.read(&node).await?;
    rows.first().map(|row| M::from_row(row, 0)).transpose()
}

pub(crate) async fn insert<N: NewModel>(db: &impl Executor, new: N) -> Result<N::Model> {
    let target = db.target(N::Model::TABLE.bind)?;
    let statement = insert_statement::<N>(target.dialect(), new)?;
    let rows = target.query(statement).await.map_err(|error| error.for_table(N::Model::TABLE))?;
    inserted(rows)
}

/// The row that an insert gave back.
pub(crate) fn inserted<M: Model>(rows: Vec<crate::Row>) -> Result<M> {
    let row = rows.first().ok_or_else(|| {
        let text =
            format!("the insert into `{}` gave no row back; does a trigger or a rule swallow it?", M::TABLE.name);
        Error::new(ErrorKind::Database, text)
    })?;
    M::from_row(row, 0)
}

/// `INSERT ... RETURNING` all columns.
pub(crate) fn insert_statement<N: NewModel>(dialect: Dialect, new: N) -> Result<Statement> {
    let table = N::Model::TABLE;
    let (indexes, values): (Vec<_>, Vec<_>) = new
        .into_assignments(&NoObjects)?
        .into_iter()
        .map(|(index, value)| (index, sea_query::Expr::val(value)))
        .unzip();
    let columns: Vec<_> = indexes.iter().map(|index| table.columns[*index].name).collect();
    let mut query = Query::insert();
    query.into_table(table_ref(table, dialect));
    if columns.is_empty() {
        query.or_default_values();
    } else {
        query.columns(columns).values_panic(values);
    }
    query.returning(Query::returning().columns(table.columns.iter().map(|column| column.name)));
    Ok(Statement::build(dialect, Access::Write, &query).writes(table, indexes, 1))
}
