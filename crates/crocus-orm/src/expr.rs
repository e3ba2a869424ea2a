//! Typed columns and the expressions built from them. They are trees (`expr/node.rs`) until a query runs and its
//! dialect is known.

mod aggregates;
mod arithmetic;
mod arrays;
mod dates;
mod functions;
mod json;
pub(crate) mod node;
mod operators;
mod windows;

use std::borrow::Cow;
use std::marker::PhantomData;
use std::ops::{BitAnd, BitOr, Not};

pub use aggregates::{Aggregate, Averaged, Summed, count};
pub use arithmetic::{Number, Operand, Rounded};
pub use arrays::ArrayValue;
#[cfg(feature = "time")]
pub use dates::now;
pub use dates::{HasDate, HasTime};
pub use functions::{CaseStart, CaseWhen, TextValue, case, literal, null, raw};
pub use json::{JsonPath, JsonValue};
pub use node::FrameBound;
use node::{Binary, Node};
pub use operators::{Base, ColumnOperators};
pub use windows::{Window, WindowFunction, dense_rank, rank, row_number, window};

use crate::table::ColumnType;
use crate::value::ColumnValue;

/// A column of the model `M` that holds `T`s: `Car::DOORS`.
///
/// What can be asked of it stands at [`ColumnOperators`].
pub struct Column<M, T> {
    table: &'static str,
    name: &'static str,
    types: PhantomData<fn() -> (M, T)>,
}

/// An SQL expression that gives `T`s. Conditions are `Expr<bool>`, and combine with `&`, `|` and `!`.
///
/// # Example
/// ```
/// # use crocus_macros::Model;
/// use crocus_orm::{ColumnOperators, Expr, Model};
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
/// let family: Expr<bool> = Car::DOORS.ge(4) & !Car::NAME.like("%Coupé%");
/// let cars = Car::select().filter(family);
/// # let _ = cars;
/// ```
pub struct Expr<T> {
    pub(crate) node: Node,
    types: PhantomData<fn() -> T>,
}

/// An order of rows, by one expression.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an order does nothing until it is given to `.order_by(...)`"]
pub struct Order {
    pub(crate) node: Node,
    /// What the expression gives when it is not NULL.
    pub(crate) ty: ColumnType,
    pub(crate) descending: bool,
    /// Said only where there can be NULL, since the dialects disagree on where it goes.
    pub(crate) nulls: Option<Nulls>,
}

/// Where NULL stands in an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nulls {
    First,
    Last,
}

/// What can stand in an expression where the database has a `T`: a `T` itself, a column or an expression of `T`s (or of
/// `Option<T>`s), and for text also a `&str`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand where the database has `{T}`",
    label = "expected `{T}`, or a column or an expression of it"
)]
pub trait IntoExpr<T> {
    /// The expression.
    fn into_expr(self) -> Expr<T>;
}

/// What a column that holds `T`s can be set to: a `T`, and for a column that can be NULL also what is in the `Option`;
/// for text a `&str`; or an expression.
#[diagnostic::on_unimplemented(
    message = "a column of `{T}` cannot be set to `{Self}`",
    label = "expected `{T}`, or an expression of it"
)]
pub trait IntoOperand<T> {
    /// The expression.
    fn into_operand(self) -> Expr<T>;
}

impl<M, T> Column<M, T> {
    /// The column `name` of the table `table`; made by `derive(Model)`.
    #[doc(hidden)]
    pub const fn new(table: &'static str, name: &'static str) -> Self {
        Column { table, name, types: PhantomData }
    }

    /// The column's name in the database.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The column of a table that has another name in the query: `Employee::NAME.of("boss")`.
    ///
    /// The name is an alias, as in `.join(Employee::MANAGER.alias("boss"))`, or that of a subquery or a common table
    /// expression.
    pub fn of(self, alias: &'static str) -> Expr<T> {
        Expr::new(Node::column(alias, self.name))
    }
}

impl<M, T: ColumnValue> ColumnOperators for Column<M, T> {
    type Type = T;

    fn expr(self) -> Expr<T> {
        Expr::new(Node::Column { table: Cow::Borrowed(self.table), name: Cow::Borrowed(self.name) })
    }
}

impl<T: ColumnValue> ColumnOperators for Expr<T> {
    type Type = T;

    fn expr(self) -> Expr<T> {
        self
    }
}

impl<T: ColumnValue<Base = T>> IntoExpr<T> for T {
    fn into_expr(self) -> Expr<T> {
        Expr::bound(self)
    }
}

impl<M, T: ColumnValue> IntoExpr<T::Base> for Column<M, T> {
    fn into_expr(self) -> Expr<T::Base> {
        Expr::new(self.expr().node)
    }
}

impl<T: ColumnValue> IntoExpr<T::Base> for Expr<T> {
    fn into_expr(self) -> Expr<T::Base> {
        Expr::new(self.node)
    }
}

impl IntoExpr<String> for &str {
    fn into_expr(self) -> Expr<String> {
        self.to_owned().into_expr()
    }
}

impl IntoExpr<String> for &String {
    fn into_expr(self) -> Expr<String> {
        self.clone().into_expr()
    }
}

impl<T: ColumnValue> IntoOperand<T> for T {
    fn into_operand(self) -> Expr<T> {
        Expr::bound(self)
    }
}

impl<T: ColumnValue> IntoOperand<Option<T>> for T
where
    Option<T>: ColumnValue,
{
    fn into_operand(self) -> Expr<Option<T>> {
        Expr::new(Expr::bound(self).node)
    }
}

impl IntoOperand<String> for &str {
    fn into_operand(self) -> Expr<String> {
        self.into_expr()
    }
}

impl IntoOperand<Option<String>> for &str {
    fn into_operand(self) -> Expr<Option<String>> {
        Expr::new(self.into_expr().node)
    }
}

impl<T> IntoOperand<T> for Expr<T> {
    fn into_operand(self) -> Expr<T> {
        self
    }
}

impl<M, T: ColumnValue> IntoOperand<T> for Column<M, T> {
    fn into_operand(self) -> Expr<T> {
        self.expr()
    }
}

impl<T> IntoOperand<Option<T>> for Expr<T> {
    fn into_operand(self) -> Expr<Option<T>> {
        Expr::new(self.node)
    }
}

impl<M, T: ColumnValue> IntoOperand<Option<T>> for Column<M, T> {
    fn into_operand(self) -> Expr<Option<T>> {
        Expr::new(self.expr().node)
    }
}

impl<T> Expr<T> {
    pub(crate) fn new(node: Node) -> Expr<T> {
        Expr { node, types: PhantomData }
    }
}

impl<T: ColumnValue> Expr<T> {
    /// A bound value.
    pub(crate) fn bound(value: T) -> Expr<T> {
        Expr::new(Node::Bound { value: value.into_value(), ty: T::TYPE })
    }
}

/// An expression where it is compared, ordered or grouped: decimals by their number, also where they are kept as text.
pub(crate) fn by_value<T: ColumnValue>(node: Node) -> Node {
    if T::TYPE == ColumnType::Decimal { Node::Number(Box::new(node)) } else { node }
}

impl Order {
    /// NULL comes first.
    pub fn nulls_first(mut self) -> Order {
        self.nulls = Some(Nulls::First);
        self
    }

    /// NULL comes last.
    pub fn nulls_last(mut self) -> Order {
        self.nulls = Some(Nulls::Last);
        self
    }
}

impl<E: IntoExpr<bool>> BitAnd<E> for Expr<bool> {
    type Output = Expr<bool>;

    fn bitand(self, other: E) -> Expr<bool> {
        Expr::new(self.node.and(other.into_expr().node))
    }
}

impl<E: IntoExpr<bool>> BitOr<E> for Expr<bool> {
    type Output = Expr<bool>;

    fn bitor(self, other: E) -> Expr<bool> {
        Expr::new(self.node.binary(Binary::Or, other.into_expr().node))
    }
}

impl Not for Expr<bool> {
    type Output = Expr<bool>;

    fn not(self) -> Expr<bool> {
        Expr::new(Node::Not(Box::new(self.node)))
    }
}

impl<M, E: IntoExpr<bool>> BitAnd<E> for Column<M, bool> {
    type Output = Expr<bool>;

    fn bitand(self, other: E) -> Expr<bool> {
        self.expr() & other
    }
}

impl<M, E: IntoExpr<bool>> BitOr<E> for Column<M, bool> {
    type Output = Expr<bool>;

    fn bitor(self, other: E) -> Expr<bool> {
        self.expr() | other
    }
}

impl<M> Not for Column<M, bool> {
    type Output = Expr<bool>;

    fn not(self) -> Expr<bool> {
        !self.expr()
    }
}

impl<M, T> Clone for Column<M, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M, T> Copy for Column<M, T> {}

impl<T> Clone for Expr<T> {
    fn clone(&self) -> Self {
        Expr::new(self.node.clone())
    }
}

impl<M, T> std::fmt::Debug for Column<M, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.table, self.name)
    }
}

impl<T> std::fmt::Debug for Expr<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Expr").field(&self.node).finish()
    }
}
