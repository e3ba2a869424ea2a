//! Queries inside queries: as a table, as a value, as a condition, and with a name of their own (WITH).

use std::sync::Arc;

use super::node::SelectNode;
use super::select::Select;
use super::shape::Shape;
use crate::expr::Expr;
use crate::expr::node::{Cte, Name, Node, SetOperator, Source};
use crate::table::TableDef;
use crate::value::ColumnValue;

const MAPPED: &str = "a query inside another gives columns or a model: `.with(...)` and `.map(...)` come last";

/// A query that another reads from, by a name; made by [`Select::subquery`], [`Select::cte`] and
/// [`Select::recursive_cte`].
///
/// Its columns are [`columns()`](Subquery::columns) for a query of columns, and `Car::NAME.of("name")` for a query of
/// models.
pub struct Subquery<O> {
    pub(crate) source: Source,
    root: &'static TableDef,
    labels: Vec<Name>,
    shape: Arc<dyn Shape<O>>,
    refused: Option<&'static str>,
}

/// A tuple of one value or more, or one value by itself: what a query of columns gives.
#[diagnostic::on_unimplemented(
    message = "the columns of a query of `{Self}` have no names of their own",
    note = "those of a query of models are `Car::NAME.of(\"name\")`"
)]
pub trait Columns {
    /// An expression for each.
    type Exprs;

    /// The expressions for columns with these names.
    #[doc(hidden)]
    fn exprs(column: &mut dyn FnMut() -> Column) -> Self::Exprs;
}

/// A column of a subquery.
#[doc(hidden)]
#[derive(Debug)]
pub struct Column(Node);

macro_rules! columns {
    ($($type:ident),*) => {
        impl<$($type: ColumnValue),*> Columns for ($($type,)*) {
            type Exprs = ($(Expr<$type>,)*);

            fn exprs(column: &mut dyn FnMut() -> Column) -> Self::Exprs {
                ($(Expr::<$type>::new(column().0),)*)
            }
        }
    };
}

columns!(A);
columns!(A, B);
columns!(A, B, C);
columns!(A, B, C, D);
columns!(A, B, C, D, E);
columns!(A, B, C, D, E, F);
columns!(A, B, C, D, E, F, G);
columns!(A, B, C, D, E, F, G, H);
columns!(A, B, C, D, E, F, G, H, I);
columns!(A, B, C, D, E, F, G, H, I, J);
columns!(A, B, C, D, E, F, G, H, I, J, K);
columns!(A, B, C, D, E, F, G, H, I, J, K, L);

/// Whether the query gives a row: `EXISTS (SELECT ...)`. It may use columns of the query around it.
pub fn exists<O: Send + 'static>(query: Select<O>) -> Expr<bool> {
    Expr::new(Node::Exists(Box::new(query.node)))
}

impl<T: ColumnValue> Select<T> {
    /// The query's value as an expression of another query; NULL where it gives no row. It may use columns of the query
    /// around it. More than one row is an error on PostgreSQL; SQLite takes the first.
    pub fn scalar(self) -> Expr<Option<T::Base>>
    where
        Option<T::Base>: ColumnValue,
    {
        Expr::new(Node::Scalar(Box::new(self.into_columns())))
    }
}

impl<O: Send + 'static> Select<O> {
    /// The query's tree, where its rows are its columns.
    pub(crate) fn into_columns(mut self) -> SelectNode {
        if self.mapped {
            self.node.refused.get_or_insert(MAPPED);
        }
        self.node
    }

    /// The query as a table for another, under this name.
    ///
    /// # Example
    /// ```
    /// # use crocus_macros::Model;
    /// use crocus_orm::{ColumnOperators, Model, Select, count};
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
    /// let sizes = Car::select().columns((Car::DOORS, count())).group_by(Car::DOORS).subquery("sizes");
    /// let (doors, cars) = sizes.columns();
    /// let alike: Select<(i32, i64)> =
    ///     Car::select().join_on(&sizes, Car::DOORS.eq(doors)).columns((Car::ID, cars - 1));
    /// # let _ = alike;
    /// ```
    pub fn subquery(self, name: &'static str) -> Subquery<O> {
        self.named(|node| Source::Query { query: Box::new(node), alias: Name::Borrowed(name) })
    }

    /// The query as a common table expression for another, under this name: `WITH name AS (SELECT ...)`. It stands in
    /// the whole query once, wherever it is read.
    pub fn cte(self, name: &'static str) -> Subquery<O> {
        self.named(|query| {
            let cte = Cte { name: Name::Borrowed(name), query, recursive: None };
            Source::Cte { cte: Arc::new(cte), alias: None }
        })
    }

    /// A common table expression that reads itself: this query's rows, and then those that `step` makes of the rows
    /// before, again and again until there are no new ones (`WITH RECURSIVE ... UNION`).
    ///
    /// # Example
    /// ```
    /// # use crocus_macros::Model;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), crocus_orm::Error> {
    /// use crocus_orm::{ColumnOperators, Engine, Model, Statement, literal};
    ///
    /// #[derive(Debug, Clone, Model)]
    /// # #[model(crate = "crocus_orm")]
    /// #[model(table = "folders")]
    /// struct Folder {
    ///     #[model(primary_key)]
    ///     id: i32,
    ///     parent_id: Option<i32>,
    /// }
    ///
    /// # let db = Engine::connect(&"sqlite::memory:".parse()?).await?;
    /// # db.execute(Statement::write("CREATE TABLE folders (id INTEGER PRIMARY KEY, parent_id INTEGER)", [])).await?;
    /// let mut parent_id = None;
    /// for _ in 0..3 {
    ///     parent_id = Some(Folder::insert(&db, NewFolder { parent_id }).await?.id);
    /// }
    /// let top = Folder::select().columns((Folder::ID, literal(0))).filter(Folder::PARENT_ID.is_null());
    /// let tree = top.recursive_cte("tree", |tree| {
    ///     let (id, depth) = tree.columns();
    ///     Folder::select().join_on(tree, Folder::PARENT_ID.eq(id)).columns((Folder::ID, depth + 1))
    /// });
    /// let (id, depth) = tree.columns();
    /// let folders = tree.select().filter(depth.gt(0)).order_by(id.asc());
    /// assert_eq!(folders.all(&db).await?, [(2, 1), (3, 2)]);
    /// # Ok(()) }
    /// ```
    pub fn recursive_cte(self, name: &'static str, step: impl FnOnce(&Subquery<O>) -> Select<O>) -> Subquery<O> {
        self.recursive(name, SetOperator::Union, step)
    }

    /// The same, where equal rows count as often as they come (`UNION ALL`): it never ends where the rows lead back to
    /// one that was there.
    pub fn recursive_cte_all(self, name: &'static str, step: impl FnOnce(&Subquery<O>) -> Select<O>) -> Subquery<O> {
        self.recursive(name, SetOperator::UnionAll, step)
    }

    fn recursive(
        self,
        name: &'static str,
        operator: SetOperator,
        step: impl FnOnce(&Subquery<O>) -> Select<O>,
    ) -> Subquery<O> {
        let name = Name::Borrowed(name);
        let query = self.node.clone().into_part();
        let mut subquery = self.named(|_| Source::Itself { name: name.clone() });
        let step = step(&subquery).into_columns();
        let cte = Cte { name, query, recursive: Some((operator, step)) };
        subquery.source = Source::Cte { cte: Arc::new(cte), alias: None };
        subquery
    }

    fn named(self, source: impl FnOnce(SelectNode) -> Source) -> Subquery<O> {
        let refused = self.mapped.then_some(MAPPED).or(self.node.refused);
        let (root, labels) = (self.node.root, self.node.labels());
        Subquery { root, labels, shape: self.shape, refused, source: source(self.node) }
    }
}

impl<O: Send + 'static> Subquery<O> {
    /// Starts a query for its rows.
    pub fn select(&self) -> Select<O> {
        let table = Name::Owned(self.source.name().to_owned());
        let columns = self.labels.iter().map(|label| Node::column(table.clone(), label.clone())).collect();
        let from = SelectNode::from(self.root, self.source.clone());
        let node = SelectNode { columns, refused: self.refused, ..from };
        Select { node, shape: Arc::clone(&self.shape), mapped: false }
    }

    /// Its columns: an expression for each value of its rows.
    pub fn columns(&self) -> O::Exprs
    where
        O: Columns,
    {
        let table = self.source.name();
        let mut labels = self.labels.iter();
        O::exprs(&mut || {
            let label = labels.next().expect("a query of columns has one for each value");
            Column(Node::column(table.to_owned(), label.clone()))
        })
    }
}

impl<O> Clone for Subquery<O> {
    fn clone(&self) -> Self {
        Subquery {
            source: self.source.clone(),
            root: self.root,
            labels: self.labels.clone(),
            shape: Arc::clone(&self.shape),
            refused: self.refused,
        }
    }
}

impl<O> std::fmt::Debug for Subquery<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Subquery").field(&self.source).finish()
    }
}
