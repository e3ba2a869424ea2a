//! Deletion by filter.

use std::marker::PhantomData;

use sea_query::Query;

use super::by_key;
use super::projection::{Selected, entity};
use super::returning::{self, Outcome};
use crate::engine::Executor;
use crate::expr::IntoExpr;
use crate::expr::node::{Node, Nodes};
use crate::lower::{table_ref, with_clause};
use crate::model::Model;
use crate::statement::{Access, Statement};
use crate::table::TableDef;
use crate::{Dialect, Result};

/// A deletion of the rows that a filter finds, made by [`Model::delete`]. Without a filter it is of all rows.
#[derive(Debug, Clone)]
#[must_use = "a deletion does nothing until it is run, as with `.execute(&db)`"]
pub struct Delete<M> {
    node: DeleteNode,
    model: PhantomData<fn() -> M>,
}

/// A deletion as a tree, before a dialect is known.
#[derive(Debug, Clone)]
pub(crate) struct DeleteNode {
    pub(crate) table: &'static TableDef,
    /// All must be true.
    pub(crate) filter: Vec<Node>,
}

impl<M: Model> Delete<M> {
    pub(crate) fn new() -> Delete<M> {
        Delete { node: DeleteNode { table: M::TABLE, filter: Vec::new() }, model: PhantomData }
    }

    /// Deletes only the rows for which the condition is true.
    pub fn filter(mut self, condition: impl IntoExpr<bool>) -> Self {
        self.node.filter.push(condition.into_expr().node);
        self
    }

    /// Runs it, and gives the number of rows deleted.
    ///
    /// # Errors
    /// When the database does not answer, or a foreign key does not hold.
    #[track_caller]
    pub fn execute(self, db: &impl Executor) -> impl Future<Output = Result<u64>> + Send {
        returning::count(M::TABLE, db, move |dialect| Ok(vec![self.node.statement(dialect, Nodes::default())?]))
    }

    /// Runs it, and gives the rows as they were, in no particular order.
    ///
    /// # Errors
    /// As for [`execute`](Delete::execute), and when a row does not fit the model.
    #[track_caller]
    pub fn returning(self, db: &impl Executor) -> impl Future<Output = Result<Vec<M>>> + Send {
        self.returning_columns(entity::<M>(), db)
    }

    /// Runs it, and gives columns or expressions of the rows as they were, in no particular order.
    ///
    /// # Errors
    /// As for [`execute`](Delete::execute), and when a row does not fit.
    #[track_caller]
    pub fn returning_columns<C: Selected>(
        self,
        columns: C,
        db: &impl Executor,
    ) -> impl Future<Output = Outcome<C>> + Send {
        returning::rows::<M, C>(db, columns, move |dialect, nodes| Ok(vec![self.node.statement(dialect, nodes)?]))
    }
}

impl DeleteNode {
    pub(crate) fn statement(self, dialect: Dialect, columns: Nodes) -> Result<Statement> {
        returning::check(self.table, self.filter.iter().chain(&columns.0), &[])?;
        let mut query = Query::delete();
        query.from_table(table_ref(self.table, dialect));
        for condition in &self.filter {
            query.and_where(condition.lower(dialect)?);
        }
        if let Some(clause) = returning::clause(&columns, dialect)? {
            query.returning(clause);
        }
        if let Some(ctes) = with_clause(self.filter.iter(), dialect)? {
            query.with_cte(ctes);
        }
        let statement = Statement::build(dialect, Access::Write, &query);
        let names_one = by_key::names_one(self.table, &self.filter);
        let statement = if names_one { statement.of_one_row() } else { statement };
        Ok(returning::guarded(statement, self.table, &[], &self.filter, None))
    }
}
