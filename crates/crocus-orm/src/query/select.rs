//! `Select`: what a query reads, and running it. Turning rows into values is left to `shape`, loading relationships to
//! `load`.

use std::fmt;
use std::sync::Arc;

use super::load::{Attachment, Load, Loaded};
use super::shape::{ModelShape, Shape, With};
use crate::engine::Executor;
use crate::expr::node::{Aggregate, Name, Node, Source};
use crate::expr::{IntoExpr, Order};
use crate::model::Model;
use crate::row::{Row, Rows};
use crate::statement::{Access, Statement};
use crate::table::TableDef;
use crate::{Dialect, Error, ErrorKind, Result};

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
}

/// What a query reads, before a dialect is known.
#[derive(Debug, Clone)]
pub(crate) struct SelectNode {
    /// The table that errors speak of.
    pub(crate) root: &'static TableDef,
    pub(crate) distinct: bool,
    pub(crate) columns: Vec<Node>,
    pub(crate) from: Source,
    pub(crate) joins: Vec<Join>,
    /// The tables of the queries that load relationships beside its rows.
    pub(crate) beside: Vec<&'static TableDef>,
    /// All must be true.
    pub(crate) filter: Vec<Node>,
    pub(crate) group_by: Vec<Node>,
    /// All must be true.
    pub(crate) having: Vec<Node>,
    pub(crate) order_by: Vec<Order>,
    pub(crate) limit: Option<u64>,
    pub(crate) offset: Option<u64>,
}

/// A joined table or query.
#[derive(Debug, Clone)]
pub(crate) struct Join {
    pub(crate) kind: JoinKind,
    pub(crate) source: Source,
    pub(crate) on: Node,
    /// Whether it only brings what is loaded beside each row, and leaves out or repeats none.
    pub(crate) eager: bool,
}

/// The kinds of join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JoinKind {
    Inner,
    Left,
}

impl SelectNode {
    /// All columns of a table.
    pub(crate) fn of(table: &'static TableDef) -> SelectNode {
        let mut node = SelectNode {
            root: table,
            distinct: false,
            columns: Vec::new(),
            from: Source::Table { table, alias: None },
            joins: Vec::new(),
            beside: Vec::new(),
            filter: Vec::new(),
            group_by: Vec::new(),
            having: Vec::new(),
            order_by: Vec::new(),
            limit: None,
            offset: None,
        };
        node.add_columns(table, &Name::Borrowed(table.name));
        node
    }

    /// Adds all columns of a table under the name that it has in the query. Gives the index of the first.
    pub(crate) fn add_columns(&mut self, table: &'static TableDef, name: &Name) -> usize {
        let start = self.columns.len();
        self.columns.extend(table.columns.iter().map(|column| Node::column(name.clone(), column.name)));
        start
    }

    /// A name that no table of the query has yet: `maker_1`.
    pub(crate) fn fresh_alias(&self, name: &str) -> Name {
        // PostgreSQL cuts names at 63 bytes ("Identifiers and Key Words"), and what is left must still differ.
        let short: String = name.chars().take(12).collect();
        Name::Owned(format!("{short}_{}", self.joins.len() + 1))
    }

    /// Calls `visit` with the table and name of each column that the query takes from a query around it.
    pub(crate) fn outer_tables<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a str)) {
        let mut own = |table: &'a str, column: &'a str| {
            let known = |source: &Source| source.name() == table;
            if !known(&self.from) && !self.joins.iter().any(|join| known(&join.source)) {
                visit(table, column);
            }
        };
        self.columns.iter().for_each(|node| node.tables(&mut own));
        self.joins.iter().for_each(|join| join.on.tables(&mut own));
        self.filter.iter().for_each(|node| node.tables(&mut own));
        self.group_by.iter().for_each(|node| node.tables(&mut own));
        self.having.iter().for_each(|node| node.tables(&mut own));
        self.order_by.iter().for_each(|order| order.node.tables(&mut own));
    }

    /// Calls `visit` with every table that it reads, also in subqueries and beside its rows.
    pub(crate) fn reads(&self, visit: &mut dyn FnMut(&'static TableDef)) {
        self.beside.iter().for_each(|table| visit(table));
        let sources = std::iter::once(&self.from).chain(self.joins.iter().map(|join| &join.source));
        for source in sources {
            match source {
                Source::Table { table, .. } => visit(table),
                Source::Query { query, .. } => query.reads(visit),
            }
        }
        let mut queries = |node: &Node| node.queries(&mut |query| query.reads(visit));
        self.columns.iter().for_each(&mut queries);
        self.joins.iter().for_each(|join| queries(&join.on));
        self.filter.iter().for_each(&mut queries);
        self.group_by.iter().for_each(&mut queries);
        self.having.iter().for_each(&mut queries);
        self.order_by.iter().for_each(|order| queries(&order.node));
    }

    /// Whether each row is one of the root's, unchanged.
    fn is_plain(&self) -> bool {
        !self.distinct
            && self.group_by.is_empty()
            && self.having.is_empty()
            && self.limit.is_none()
            && self.offset.is_none()
    }

    /// The number of its rows.
    fn counted(mut self) -> SelectNode {
        self.order_by.clear();
        let count = Node::Aggregate { function: Aggregate::Count, argument: None, distinct: false };
        if self.is_plain() {
            self.joins.retain(|join| !join.eager);
            self.columns = vec![count];
            return self;
        }
        let mut node = SelectNode::of(self.root);
        node.columns = vec![count];
        node.from = Source::Query { query: Box::new(self), alias: Name::Borrowed("rows") };
        node
    }
}

impl<M: Model> Select<M> {
    pub(crate) fn new() -> Select<M> {
        Select { node: SelectNode::of(M::TABLE), shape: Arc::new(ModelShape::<M>::at(0)) }
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
        Select { node: self.node, shape: Arc::new(With::new(self.shape, loaded)) }
    }

    /// Makes something else of each row.
    pub fn map<T: Send + 'static>(self, make: impl Fn(O) -> T + Send + Sync + 'static) -> Select<T> {
        Select { node: self.node, shape: Arc::new(super::shape::Map::new(self.shape, make)) }
    }

    /// All rows, in memory.
    ///
    /// # Errors
    /// When the database does not answer, or a row does not fit.
    pub async fn all(self, db: &impl Executor) -> Result<Vec<O>> {
        self.fetch(db).await
    }

    /// The first row, or none.
    ///
    /// # Errors
    /// When the database does not answer, or the row does not fit.
    pub async fn first(self, db: &impl Executor) -> Result<Option<O>> {
        Ok(self.limit(1).fetch(db).await?.into_iter().next())
    }

    /// The only row.
    ///
    /// # Errors
    /// When there is none ([`ErrorKind::NotFound`]) or several ([`ErrorKind::MultipleRows`]), the database does not
    /// answer, or the row does not fit.
    pub async fn one(self, db: &impl Executor) -> Result<O> {
        let none = self.none_found();
        self.one_or_none(db).await?.ok_or(none)
    }

    /// The error for a query that finds nothing where something should be: `no car was found`.
    pub fn none_found(&self) -> Error {
        Error::new(ErrorKind::NotFound, format!("no {} was found", self.node.root.noun()))
    }

    /// The only row, or none.
    ///
    /// # Errors
    /// When there are several ([`ErrorKind::MultipleRows`]), the database does not answer, or the row does not fit.
    pub async fn one_or_none(self, db: &impl Executor) -> Result<Option<O>> {
        let root = self.node.root;
        let mut rows = self.limit(2).fetch(db).await?.into_iter();
        match (rows.next(), rows.next()) {
            (row, None) => Ok(row),
            _ => Err(Error::new(ErrorKind::MultipleRows, format!("more than one {} was found", root.noun()))),
        }
    }

    /// How many rows there are.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count(self, db: &impl Executor) -> Result<u64> {
        let target = db.target(self.node.root.bind)?;
        let statement = statement(&self.node.counted(), target.dialect())?;
        let rows = target.query(statement).await?;
        let count: i64 = rows.first().map_or(Ok(0), |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// The rows as they arrive. Memory does not grow with their number; a transaction's rows are all read first.
    ///
    /// # Errors
    /// When the database does not answer or refuses the statement, or when a relationship is to be loaded that takes a
    /// query of its own. Each row can fail too.
    pub async fn stream(self, db: &impl Executor) -> Result<Rows<O>> {
        if let Some(relationship) = self.shape.needs_query() {
            let text = format!("the relationship `{relationship}` takes a query of its own, and cannot be streamed");
            return Err(Error::new(ErrorKind::InvalidQuery, text)
                .with_hint("read the rows with `.all(&db)`, or load the relationship for a few rows at a time"));
        }
        let target = db.target(self.node.root.bind)?;
        let statement = statement(&self.node, target.dialect())?;
        let rows = target.stream(statement).await?;
        Ok(Rows::new(rows, self.shape))
    }

    async fn fetch(self, db: &impl Executor) -> Result<Vec<O>> {
        let target = db.target(self.node.root.bind)?;
        let rows = target.query(statement(&self.node, target.dialect())?).await?;
        let rows: Vec<&Row> = rows.iter().collect();
        self.shape.read(&rows, target).await
    }
}

fn statement(node: &SelectNode, dialect: Dialect) -> Result<Statement> {
    Ok(Statement::build(dialect, Access::Read, &node.build(dialect)?))
}

impl<O> Clone for Select<O> {
    fn clone(&self) -> Self {
        Select { node: self.node.clone(), shape: Arc::clone(&self.shape) }
    }
}

impl<O> fmt::Debug for Select<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Select").field(&self.node).finish()
    }
}
