//! `Select`: saying what a query reads. Running it is left to `run`, turning rows into values to `shape`, loading
//! relationships to `load`, joining and subqueries to `join` and `subquery`.

use std::fmt;
use std::sync::Arc;

use super::load::{Attachment, Load, Loaded};
use super::node::{LockWait, SelectNode};
use super::projection::{Projection, Selected};
use super::shape::{Map, ModelShape, Shape, With};
use crate::expr::node::{Name, Nodes, SetOperator};
use crate::expr::{IntoExpr, Order};
use crate::model::Model;

/// A query whose rows are `O`s: models, models with what was loaded beside them, or columns.
///
/// [`Model::select`] starts one.
///
/// # Example
/// ```
/// # use crocus_macros::Model;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), crocus_orm::Error> {
/// use crocus_orm::{ColumnOperators, Engine, Model, Statement};
///
/// #[derive(Debug, Clone, Model)]
/// # #[model(crate = "crocus_orm")]
/// #[model(table = "cars")]
/// struct Car {
///     #[model(primary_key)]
///     id: i32,
///     name: String,
///     doors: i32,
/// }
///
/// # let db = Engine::connect(&"sqlite::memory:".parse()?).await?;
/// # let sql = "CREATE TABLE cars (id INTEGER PRIMARY KEY, name TEXT NOT NULL, doors INTEGER NOT NULL)";
/// # db.execute(Statement::write(sql, [])).await?;
/// for (name, doors) in [("Model 3", 4), ("Model S", 5), ("Smart", 2)] {
///     Car::insert(&db, NewCar { name: name.into(), doors }).await?;
/// }
/// let models = Car::select().filter(Car::NAME.like("Model%") & Car::DOORS.ge(4)).order_by(Car::DOORS.desc());
/// let names: Vec<_> = models.limit(20).all(&db).await?.into_iter().map(|car| car.name).collect();
/// assert_eq!(names, ["Model S", "Model 3"]);
/// # Ok(()) }
/// ```
#[must_use = "a query does nothing until it is run, as with `.all(&db)`"]
pub struct Select<O> {
    pub(crate) node: SelectNode,
    pub(crate) shape: Arc<dyn Shape<O>>,
    /// Whether its rows are something else than its columns.
    pub(crate) mapped: bool,
}

impl<M: Model> Select<M> {
    pub(crate) fn new() -> Select<M> {
        Select { node: SelectNode::of(M::TABLE), shape: Arc::new(ModelShape::<M>::at(0)), mapped: false }
    }
}

impl<O: Send + 'static> Select<O> {
    /// Keeps the rows for which the condition is true. Several filters must all be true.
    pub fn filter(mut self, condition: impl IntoExpr<bool>) -> Self {
        self.node.filter.push(condition.into_expr().node);
        self
    }

    /// Orders the rows; a later order decides among rows that are equal in the earlier ones.
    pub fn order_by(mut self, order: Order) -> Self {
        self.node.order_by.push(order);
        self
    }

    /// At most so many rows.
    pub fn limit(mut self, rows: u64) -> Self {
        self.node.limit = Some(rows);
        self
    }

    /// Leaves out so many rows at the start.
    pub fn offset(mut self, rows: u64) -> Self {
        self.node.offset = Some(rows);
        self
    }

    /// Loads a relationship beside each row: `Car::select().with(Car::MAKER)` gives `(Car, Maker)`.
    ///
    /// A `BelongsTo` or `HasOne` is joined; a `HasMany` or `ManyToMany` takes one more query for all rows together (one
    /// for each 10,000 of them). The relationship can be narrowed and bring others with it:
    /// `Maker::CARS.order_by(Car::NAME.asc()).with(Car::SALES)`.
    pub fn with<L>(mut self, relationship: L) -> Select<O::With<L::Output>>
    where
        O: Loaded,
        L: Load<O::Model>,
    {
        let alias = Name::Borrowed(O::Model::TABLE.name);
        let loaded = relationship.attach(&mut Attachment { node: &mut self.node, alias, start: 0 });
        Select { node: self.node, shape: Arc::new(With::new(self.shape, loaded)), mapped: true }
    }

    /// Makes something else of each row.
    pub fn map<T: Send + 'static>(self, make: impl Fn(O) -> T + Send + Sync + 'static) -> Select<T> {
        Select { node: self.node, shape: Arc::new(Map::new(self.shape, make)), mapped: true }
    }

    /// Reads these columns instead: a column, an expression, or a tuple of up to twelve; an
    /// [`entity`](crate::entity) is a whole model. `.map(...)` makes your own struct of each row.
    ///
    /// # Example
    /// ```
    /// # use crocus_macros::Model;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), crocus_orm::Error> {
    /// use crocus_orm::{ColumnOperators, Engine, Model, Statement, count};
    ///
    /// #[derive(Debug, Clone, Model)]
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
    /// for doors in [4, 2, 4] {
    ///     Car::insert(&db, NewCar { doors }).await?;
    /// }
    /// let by_doors = Car::select().columns((Car::DOORS, count())).group_by(Car::DOORS).order_by(Car::DOORS.asc());
    /// let rows: Vec<(i32, i64)> = by_doors.all(&db).await?;
    /// assert_eq!(rows, [(2, 1), (4, 2)]);
    /// # Ok(()) }
    /// ```
    pub fn columns<C: Selected>(mut self, columns: C) -> Select<C::Output> {
        self.node.joins.retain(|join| !join.eager);
        let mut nodes = Nodes::default();
        let read = columns.add(&mut nodes);
        self.node.columns = nodes.0;
        Select { node: self.node, shape: Arc::new(Projection::new(read)), mapped: false }
    }

    /// Leaves out rows that are equal to another in all columns.
    pub fn distinct(mut self) -> Self {
        self.node.distinct = true;
        self
    }

    /// Keeps the first of the rows that agree in these columns, by the order of the query, which must start with them.
    /// PostgreSQL only.
    pub fn distinct_on(mut self, columns: impl Selected) -> Self {
        let mut nodes = Nodes::default();
        columns.add(&mut nodes);
        self.node.distinct_on = nodes.0;
        self
    }

    /// Makes one row of all that agree in this expression, or in all of a tuple of them.
    pub fn group_by(mut self, columns: impl Selected) -> Self {
        self.node.group_by.extend(columns.keys().0);
        self
    }

    /// Keeps the groups for which the condition is true. Several conditions must all be true.
    pub fn having(mut self, condition: impl IntoExpr<bool>) -> Self {
        self.node.having.push(condition.into_expr().node);
        self
    }

    /// The rows of both, without repeating equal ones.
    ///
    /// What is said after it (filters, order, bounds) is of all rows together; columns go by the names that they have
    /// in the first query.
    pub fn union(self, other: Select<O>) -> Select<O> {
        self.combined(SetOperator::Union, other)
    }

    /// The rows of both.
    pub fn union_all(self, other: Select<O>) -> Select<O> {
        self.combined(SetOperator::UnionAll, other)
    }

    /// The rows that both have.
    pub fn intersect(self, other: Select<O>) -> Select<O> {
        self.combined(SetOperator::Intersect, other)
    }

    /// The rows that the other does not have.
    pub fn except(self, other: Select<O>) -> Select<O> {
        self.combined(SetOperator::Except, other)
    }

    fn combined(self, operator: SetOperator, other: Select<O>) -> Select<O> {
        let mapped = self.mapped || other.mapped;
        let mut node = self.node.into_part();
        node.set.push((operator, other.node.into_part()));
        let mut node = node.wrapped();
        if mapped {
            node.refused = Some("queries are combined before `.with(...)` and `.map(...)`");
        }
        Select { node, shape: self.shape, mapped }
    }

    /// Locks the rows until the transaction ends, against other updates: `FOR UPDATE`. Rows of joined tables are not
    /// locked. It means something in a transaction only.
    ///
    /// SQLite has no locks of rows, and needs none: a transaction has the right to write from its start, and nobody else
    /// writes meanwhile.
    pub fn for_update(mut self) -> Self {
        self.node.lock.get_or_insert(LockWait::Wait);
        self
    }

    /// Locks the rows, and leaves out those that another transaction has locked: what several workers take their jobs
    /// with.
    pub fn skip_locked(mut self) -> Self {
        self.node.lock = Some(LockWait::SkipLocked);
        self
    }

    /// Locks the rows, and fails at once ([`ErrorKind::Conflict`](crate::ErrorKind::Conflict)) where another
    /// transaction has locked one.
    pub fn nowait(mut self) -> Self {
        self.node.lock = Some(LockWait::NoWait);
        self
    }
}

impl<O> Clone for Select<O> {
    fn clone(&self) -> Self {
        Select { node: self.node.clone(), shape: Arc::clone(&self.shape), mapped: self.mapped }
    }
}

impl<O> fmt::Debug for Select<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Select").field(&self.node).finish()
    }
}
