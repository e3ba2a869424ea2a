//! Update by filter.

use std::marker::PhantomData;

use sea_query::Query;

use super::by_key;
use super::known;
use super::projection::{Selected, entity};
use super::returning::{self, Outcome};
use crate::engine::Executor;
use crate::expr::node::{Arithmetic, Node, Nodes};
use crate::expr::{Column, Expr, IntoExpr, IntoOperand};
use crate::lower::{set_value, table_ref, with_clause};
use crate::model::Model;
use crate::statement::{Access, Statement};
use crate::table::TableDef;
use crate::value::ColumnValue;
use crate::{Dialect, Error, ErrorKind, Result};

/// Columns with what they are set to.
type Assigned = Vec<(&'static str, Node)>;

/// An update of the rows that a filter finds, made by [`Model::update`]. Without a filter it is of all rows.
///
/// A `version` column is raised by one, so that a session that has read a row sees that it was changed.
///
/// # Example
/// ```
/// # use crocus_macros::Model;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), crocus_orm::Error> {
/// use crocus_orm::{ColumnOperators, Engine, Model, Statement};
///
/// #[derive(Debug, Clone, PartialEq, Model)]
/// # #[model(crate = "crocus_orm")]
/// #[model(table = "cars")]
/// struct Car {
///     #[model(primary_key)]
///     id: i32,
///     doors: i32,
/// }
///
/// # let db = Engine::connect(&"sqlite::memory:".parse()?).await?;
/// # db.execute(Statement::write("CREATE TABLE cars (id INTEGER PRIMARY KEY, doors INTEGER NOT NULL)", [])).await?;
/// Car::insert_many([NewCar { doors: 2 }, NewCar { doors: 4 }]).execute(&db).await?;
/// let wider = Car::update().set(Car::DOORS, Car::DOORS + 1).filter(Car::DOORS.lt(4));
/// assert_eq!(wider.returning(&db).await?, [Car { id: 1, doors: 3 }]);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use = "an update does nothing until it is run, as with `.execute(&db)`"]
pub struct Update<M> {
    node: UpdateNode,
    model: PhantomData<fn() -> M>,
}

/// An update as a tree, before a dialect is known.
#[derive(Debug, Clone)]
pub(crate) struct UpdateNode {
    pub(crate) table: &'static TableDef,
    pub(crate) set: Assigned,
    /// All must be true.
    pub(crate) filter: Vec<Node>,
}

impl<M: Model> Update<M> {
    pub(crate) fn new() -> Update<M> {
        Update { node: UpdateNode::new(M::TABLE), model: PhantomData }
    }

    /// Sets a column to a value or an expression. Expressions see the row as it was before.
    pub fn set<T: ColumnValue>(mut self, column: Column<M, T>, value: impl IntoOperand<T>) -> Self {
        self.node.set.retain(|(name, _)| *name != column.name());
        self.node.set.push((column.name(), value.into_operand().node));
        self
    }

    /// Updates only the rows for which the condition is true.
    pub fn filter(mut self, condition: impl IntoExpr<bool>) -> Self {
        self.node.filter.push(condition.into_expr().node);
        self
    }

    /// Runs it, and gives the number of rows updated.
    ///
    /// # Errors
    /// When the database does not answer, or a constraint does not hold.
    #[track_caller]
    pub fn execute(self, db: &impl Executor) -> impl Future<Output = Result<u64>> + Send {
        returning::count(M::TABLE, db, move |dialect| Ok(vec![self.node.statement(dialect, Nodes::default())?]))
    }

    /// Runs it, and gives the rows as they are then, in no particular order.
    ///
    /// # Errors
    /// As for [`execute`](Update::execute), and when a row does not fit the model.
    #[track_caller]
    pub fn returning(self, db: &impl Executor) -> impl Future<Output = Result<Vec<M>>> + Send {
        self.returning_columns(entity::<M>(), db)
    }

    /// Runs it, and gives columns or expressions of the rows as they are then, in no particular order.
    ///
    /// # Errors
    /// As for [`execute`](Update::execute), and when a row does not fit.
    #[track_caller]
    pub fn returning_columns<C: Selected>(
        self,
        columns: C,
        db: &impl Executor,
    ) -> impl Future<Output = Outcome<C>> + Send {
        returning::rows::<M, C>(db, columns, move |dialect, nodes| Ok(vec![self.node.statement(dialect, nodes)?]))
    }

    /// The update alone.
    pub(super) fn into_node(self) -> UpdateNode {
        self.node
    }
}

impl UpdateNode {
    pub(crate) fn new(table: &'static TableDef) -> UpdateNode {
        UpdateNode { table, set: Vec::new(), filter: Vec::new() }
    }

    pub(crate) fn statement(self, dialect: Dialect, columns: Nodes) -> Result<Statement> {
        let table = self.table;
        let (set, filter) = self.checked(&[])?;
        returning::check(table, columns.0.iter(), &[])?;
        let mut has_ctes = false;
        let build = || {
            let mut query = Query::update();
            query.table(table_ref(table, dialect));
            for (column, node) in &set {
                query.value(*column, set_value(node, dialect)?);
            }
            for condition in &filter {
                query.and_where(condition.lower(dialect)?);
            }
            if let Some(clause) = returning::clause(&columns, dialect)? {
                query.returning(clause);
            }
            if let Some(ctes) = with_clause(set.iter().map(|(_, node)| node).chain(&filter), dialect)? {
                has_ctes = true;
                query.with_cte(ctes);
            }
            Ok(Statement::build(dialect, Access::Write, &query))
        };
        let statement = known::write(dialect, |shape| shape.update(table, &set, &filter, &columns.0), build)?;
        // Where there are common table expressions, their values come first.
        let written = (!has_ctes).then(|| bound_columns(table, &set));
        let statement = if by_key::names_one(table, &filter) { statement.of_one_row() } else { statement };
        Ok(returning::guarded(statement, table, &set, &filter, written))
    }

    /// What is set, bound values first, and the conditions. Refuses the columns of tables that are neither its own
    /// nor these.
    pub(super) fn checked(self, others: &[&str]) -> Result<(Assigned, Vec<Node>)> {
        let UpdateNode { table, mut set, filter } = self;
        if set.is_empty() {
            let text = format!("the update of `{}` sets no column", table.name);
            return Err(Error::new(ErrorKind::InvalidQuery, text).with_hint("add a `.set(COLUMN, value)`"));
        }
        returning::check(table, set.iter().map(|(_, node)| node).chain(&filter), others)?;
        set.sort_by_key(|(_, node)| !matches!(node, Node::Bound { .. }));
        if let Some(version) = table.columns.iter().find(|column| column.version)
            && !set.iter().any(|(name, _)| *name == version.name)
        {
            let [left, right] = [Node::column(table.name, version.name), Node::Constant("1")].map(Box::new);
            set.push((version.name, Node::Arithmetic { left, operator: Arithmetic::Add, right, ty: version.ty }));
        }
        Ok((set, filter))
    }
}

/// The columns that are set to bound values, which come first.
fn bound_columns(table: &'static TableDef, set: &[(&'static str, Node)]) -> Vec<usize> {
    let bound = set.iter().take_while(|(_, node)| matches!(node, Node::Bound { .. }));
    bound.filter_map(|(name, _)| table.columns.iter().position(|column| column.name == *name)).collect()
}

/// The value that an insert would have given to the column, in what it does instead: see
/// [`OnConflict::do_update`](crate::OnConflict::do_update).
pub fn excluded<M: Model, T: ColumnValue>(column: Column<M, T>) -> Expr<T> {
    column.of("excluded")
}
