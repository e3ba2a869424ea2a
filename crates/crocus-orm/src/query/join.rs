//! Joins: along relationships and free ones, and conditions on what a relationship leads to.

use super::node::{Join, JoinKind, SelectNode};
use super::projection::Entity;
use super::select::Select;
use super::subquery::Subquery;
use crate::expr::node::{Binary, Name, Node, Source};
use crate::expr::{Expr, IntoExpr};
use crate::model::Model;
use crate::relation::{BelongsTo, HasMany, HasOne, ManyToMany, Pointed};
use crate::table::TableDef;

/// A relationship of one model to another, whatever its kind: what a query can be joined along.
pub trait Relationship: Sized {
    /// The model that has it.
    type Source: Model;
    /// The model that it leads to.
    type Target: Model;

    /// How the tables are tied together.
    #[doc(hidden)]
    fn path(&self) -> Path;

    /// The same with another name for the table that it leads to, as a table that is read twice needs it. Its columns
    /// are `Employee::NAME.of("boss")` then.
    fn alias(self, alias: &'static str) -> Along<Self> {
        Along { relationship: self, source: None, alias: Some(alias) }
    }

    /// The same from a table that has another name in the query.
    fn of(self, source: &'static str) -> Along<Self> {
        Along { relationship: self, source: Some(source), alias: None }
    }

    /// Whether it leads to a row for which the condition is true: `EXISTS (SELECT ...)`.
    ///
    /// # Example
    /// ```
    /// # use crocus_macros::Model;
    /// use crocus_orm::{ColumnOperators, Model, Relationship};
    ///
    /// #[derive(Debug, Clone, Model)]
    /// # #[model(crate = "crocus_orm")]
    /// #[model(table = "makers", has_many(cars = Car::MAKER))]
    /// struct Maker {
    ///     #[model(primary_key)]
    ///     id: i32,
    /// }
    ///
    /// #[derive(Debug, Clone, Model)]
    /// # #[model(crate = "crocus_orm")]
    /// #[model(table = "cars")]
    /// struct Car {
    ///     #[model(primary_key)]
    ///     id: i32,
    ///     doors: i32,
    ///     #[model(belongs_to = Maker)]
    ///     maker_id: i32,
    /// }
    ///
    /// let of_sport_cars = Maker::select().filter(Maker::CARS.any(Car::DOORS.eq(2)));
    /// # let _ = of_sport_cars;
    /// ```
    fn any(self, condition: impl IntoExpr<bool>) -> Expr<bool> {
        Along { relationship: self, source: None, alias: None }.any(condition)
    }

    /// Whether it leads to no row for which the condition is true.
    fn none(self, condition: impl IntoExpr<bool>) -> Expr<bool> {
        !self.any(condition)
    }
}

/// A relationship with names for its tables; made by [`Relationship::alias`] and [`Relationship::of`].
#[derive(Debug, Clone, Copy)]
pub struct Along<R> {
    relationship: R,
    source: Option<&'static str>,
    alias: Option<&'static str>,
}

/// How a relationship ties tables together.
#[doc(hidden)]
#[derive(Debug)]
pub struct Path {
    /// Columns of the source, and those of what is joined to it that are equal to them.
    first: Tie,
    /// The association, and how it is tied to the target.
    through: Option<(&'static TableDef, Tie)>,
}

/// Columns on the left, and on the right.
type Tie = (Vec<&'static str>, Vec<&'static str>);

fn equal((left, right): &Tie, left_table: &Name, right_table: &Name) -> Node {
    left.iter()
        .zip(right)
        .map(|(left, right)| {
            Node::column(left_table.clone(), *left).binary(Binary::Eq, Node::column(right_table.clone(), *right))
        })
        .reduce(Node::and)
        .expect("a key has a column")
}

fn key(table: &'static TableDef) -> Vec<&'static str> {
    table.primary_key().map(|column| column.name).collect()
}

impl<M: Model, T: Pointed> Relationship for BelongsTo<M, T> {
    type Source = M;
    type Target = T::Model;

    fn path(&self) -> Path {
        Path { first: (self.columns().to_vec(), key(T::Model::TABLE)), through: None }
    }
}

impl<M: Model, T: Model> Relationship for HasOne<M, T> {
    type Source = M;
    type Target = T;

    fn path(&self) -> Path {
        Path { first: (key(M::TABLE), self.columns().to_vec()), through: None }
    }
}

impl<M: Model, T: Model> Relationship for HasMany<M, T> {
    type Source = M;
    type Target = T;

    fn path(&self) -> Path {
        Path { first: (key(M::TABLE), self.columns().to_vec()), through: None }
    }
}

impl<M: Model, T: Model> Relationship for ManyToMany<M, T> {
    type Source = M;
    type Target = T;

    fn path(&self) -> Path {
        let second = (self.target().to_vec(), key(T::TABLE));
        Path { first: (key(M::TABLE), self.source().to_vec()), through: Some((self.association(), second)) }
    }
}

impl<R: Relationship> Along<R> {
    /// Another name for the table that it leads to.
    pub fn alias(self, alias: &'static str) -> Along<R> {
        Along { alias: Some(alias), ..self }
    }

    /// The name of the table that it starts from.
    pub fn of(self, source: &'static str) -> Along<R> {
        Along { source: Some(source), ..self }
    }

    /// Whether it leads to a row for which the condition is true.
    pub fn any(self, condition: impl IntoExpr<bool>) -> Expr<bool> {
        let path = self.relationship.path();
        let source = self.source_name();
        let target = self.target_name();
        let mut node = SelectNode::from(R::Target::TABLE, self.target_source());
        node.columns = vec![Node::Constant("1")];
        // The rows of the table next to the source.
        let mut next = target.clone();
        if let Some((table, tie)) = &path.through {
            next = node.fresh_alias(table.name);
            let on = equal(tie, &next, &target);
            let source = Source::Table { table, alias: Some(next.clone()) };
            node.joins.push(Join { kind: JoinKind::Inner, source, on, eager: false });
        }
        node.filter.push(condition.into_expr().node);
        if source != target {
            node.filter.push(equal(&path.first, &source, &next));
            return Expr::new(Node::Exists(Box::new(node)));
        }
        // Inside, a table's name is the inner table's: what is outside cannot be compared with there. NULL is among no
        // rows, and makes `IN` neither true nor false.
        let columns = |names: &[&'static str], table: &Name| -> Vec<Node> {
            names.iter().map(|name| Node::column(table.clone(), *name)).collect()
        };
        let (outer, inner) = (columns(&path.first.0, &source), columns(&path.first.1, &next));
        let not_null = |column: &Node| Node::Not(Box::new(Node::IsNull(Box::new(column.clone()))));
        node.filter.extend(inner.iter().map(not_null));
        node.columns = inner;
        let known = outer.iter().map(not_null).reduce(Node::and).expect("a key has a column");
        let among = Node::InQuery { row: outer, query: Box::new(node) };
        let no = Node::Constant("FALSE");
        Expr::new(Node::When { branches: vec![(known, among)], otherwise: Some(Box::new(no)) })
    }

    /// Whether it leads to no row for which the condition is true.
    pub fn none(self, condition: impl IntoExpr<bool>) -> Expr<bool> {
        !self.any(condition)
    }

    fn source_name(&self) -> Name {
        Name::Borrowed(self.source.unwrap_or(R::Source::TABLE.name))
    }

    fn target_name(&self) -> Name {
        Name::Borrowed(self.alias.unwrap_or(R::Target::TABLE.name))
    }

    fn target_source(&self) -> Source {
        Source::Table { table: R::Target::TABLE, alias: self.alias.map(Name::Borrowed) }
    }
}

/// What a query can be joined along.
#[diagnostic::on_unimplemented(
    message = "a query cannot be joined along `{Self}`",
    label = "expected a relationship, such as `Car::MAKER` or `Employee::MANAGER.alias(\"boss\")`",
    note = "other tables are joined with `.join_on(entity::<Maker>(), condition)`"
)]
pub trait Joined {
    /// Adds the joins to a query.
    #[doc(hidden)]
    fn join(self, node: &mut Joining<'_>);
}

/// A query that is being joined.
#[doc(hidden)]
#[derive(Debug)]
pub struct Joining<'a> {
    node: &'a mut SelectNode,
    kind: JoinKind,
}

impl<R: Relationship> Joined for R {
    fn join(self, to: &mut Joining<'_>) {
        join(Along { relationship: self, source: None, alias: None }, to);
    }
}

impl<R: Relationship> Joined for Along<R> {
    fn join(self, to: &mut Joining<'_>) {
        join(self, to);
    }
}

fn join<R: Relationship>(along: Along<R>, to: &mut Joining<'_>) {
    let path = along.relationship.path();
    let (mut left, target) = (along.source_name(), along.target_name());
    let mut tie = path.first;
    if let Some((table, second)) = path.through {
        let alias = to.node.fresh_alias(table.name);
        let on = equal(&tie, &left, &alias);
        let source = Source::Table { table, alias: Some(alias.clone()) };
        to.node.joins.push(Join { kind: to.kind, source, on, eager: false });
        (left, tie) = (alias, second);
    }
    let on = equal(&tie, &left, &target);
    to.node.joins.push(Join { kind: to.kind, source: along.target_source(), on, eager: false });
}

/// What a query can be joined with freely: an [`entity`](crate::entity) or a [`Subquery`].
#[diagnostic::on_unimplemented(
    message = "a query cannot be joined with `{Self}`",
    label = "expected `entity::<Maker>()` or a subquery"
)]
pub trait Table {
    /// What stands after JOIN.
    #[doc(hidden)]
    fn into_source(self) -> TableSource;
}

/// What stands after JOIN.
#[doc(hidden)]
#[derive(Debug)]
pub struct TableSource(pub(crate) Source);

impl<M: Model> Table for Entity<M> {
    fn into_source(self) -> TableSource {
        let (table, alias) = self.source();
        TableSource(Source::Table { table, alias: alias.map(Name::Borrowed) })
    }
}

impl<O> Table for &Subquery<O> {
    fn into_source(self) -> TableSource {
        TableSource(self.source.clone())
    }
}

impl<O: Send + 'static> Select<O> {
    /// Brings the rows that a relationship leads to beside each row, so that conditions, orders and columns can speak of
    /// them; a row that it leads nowhere from is left out.
    ///
    /// `.join` gives nothing by itself: `.columns((entity::<Car>(), entity::<Maker>()))` reads both, and
    /// [`with`](Select::with) loads a relationship without any change to the rows.
    pub fn join(self, relationship: impl Joined) -> Self {
        self.joined(JoinKind::Inner, relationship)
    }

    /// The same, but a row that it leads nowhere from stays, with NULL beside it.
    pub fn left_join(self, relationship: impl Joined) -> Self {
        self.joined(JoinKind::Left, relationship)
    }

    /// Brings the rows of a table or a subquery for which the condition is true beside each row.
    pub fn join_on(self, table: impl Table, condition: impl IntoExpr<bool>) -> Self {
        self.joined_on(JoinKind::Inner, table, condition.into_expr().node)
    }

    /// The same, but a row without such a row stays, with NULL beside it.
    pub fn left_join_on(self, table: impl Table, condition: impl IntoExpr<bool>) -> Self {
        self.joined_on(JoinKind::Left, table, condition.into_expr().node)
    }

    /// Brings every row of a table or a subquery beside each row.
    pub fn cross_join(self, table: impl Table) -> Self {
        self.joined_on(JoinKind::Inner, table, Node::Constant("TRUE"))
    }

    fn joined(mut self, kind: JoinKind, relationship: impl Joined) -> Self {
        relationship.join(&mut Joining { node: &mut self.node, kind });
        self
    }

    fn joined_on(mut self, kind: JoinKind, table: impl Table, on: Node) -> Self {
        self.node.joins.push(Join { kind, source: table.into_source().0, on, eager: false });
        self
    }
}
