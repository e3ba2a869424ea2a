//! Typed columns and the expressions built from them. They are trees (`expr/node.rs`) until a query runs and its
//! dialect is known.

pub(crate) mod node;

use std::borrow::Cow;
use std::marker::PhantomData;
use std::ops::{BitAnd, BitOr, Not};

use node::{Binary, Case, Node};

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
#[derive(Debug, Clone)]
#[must_use = "an order does nothing until it is given to `.order_by(...)`"]
pub struct Order {
    pub(crate) node: Node,
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

/// A column or an expression, and what can be asked of it. The words are SQLAlchemy's.
///
/// Comparing with NULL is never true in SQL: ask with [`is_null`](ColumnOperators::is_null).
#[expect(
    clippy::wrong_self_convention,
    reason = "the words are SQL's, and an expression is used up by what is made of it"
)]
pub trait ColumnOperators: Sized {
    /// What it gives.
    type Type: ColumnValue;

    /// It as an expression.
    fn expr(self) -> Expr<Self::Type>;

    /// `self = other`
    fn eq(self, other: impl IntoExpr<Base<Self>>) -> Expr<bool> {
        compare(self, Binary::Eq, other)
    }

    /// `self <> other`
    fn ne(self, other: impl IntoExpr<Base<Self>>) -> Expr<bool> {
        compare(self, Binary::Ne, other)
    }

    /// `self < other`
    fn lt(self, other: impl IntoExpr<Base<Self>>) -> Expr<bool> {
        compare(self, Binary::Lt, other)
    }

    /// `self <= other`
    fn le(self, other: impl IntoExpr<Base<Self>>) -> Expr<bool> {
        compare(self, Binary::Le, other)
    }

    /// `self > other`
    fn gt(self, other: impl IntoExpr<Base<Self>>) -> Expr<bool> {
        compare(self, Binary::Gt, other)
    }

    /// `self >= other`
    fn ge(self, other: impl IntoExpr<Base<Self>>) -> Expr<bool> {
        compare(self, Binary::Ge, other)
    }

    /// `self BETWEEN low AND high`, both ends included
    fn between(self, low: impl IntoExpr<Base<Self>>, high: impl IntoExpr<Base<Self>>) -> Expr<bool> {
        let [node, low, high] = [self.expr().node, low.into_expr().node, high.into_expr().node].map(Box::new);
        Expr::new(Node::Between { node, low, high })
    }

    /// `self IN (values)`; never true for no values
    fn is_in<V: IntoExpr<Base<Self>>>(self, values: impl IntoIterator<Item = V>) -> Expr<bool> {
        let list = values.into_iter().map(|value| value.into_expr().node).collect();
        Expr::new(Node::In { node: Box::new(self.expr().node), list })
    }

    /// `self IS NULL`
    fn is_null(self) -> Expr<bool> {
        Expr::new(Node::IsNull(Box::new(self.expr().node)))
    }

    /// `self IS NOT NULL`
    fn is_not_null(self) -> Expr<bool> {
        !self.is_null()
    }

    /// From the smallest to the largest. NULL is last.
    fn asc(self) -> Order {
        let nulls = Self::Type::NULLABLE.then_some(Nulls::Last);
        Order { node: self.expr().node, descending: false, nulls }
    }

    /// From the largest to the smallest. NULL is first.
    fn desc(self) -> Order {
        let nulls = Self::Type::NULLABLE.then_some(Nulls::First);
        Order { node: self.expr().node, descending: true, nulls }
    }

    /// `self LIKE pattern`, with `%` for any characters, `_` for one, and `\` before either to mean itself.
    /// PostgreSQL tells upper from lower case; SQLite does not for the letters of ASCII.
    fn like(self, pattern: impl IntoExpr<String>) -> Expr<bool>
    where
        Self::Type: ColumnValue<Base = String>,
    {
        let [node, pattern] = [self.expr().node, pattern.into_expr().node].map(Box::new);
        Expr::new(Node::Like { node, pattern, case: Case::Sensitive })
    }
}

/// What an expression gives when it is not NULL.
pub type Base<E> = <<E as ColumnOperators>::Type as ColumnValue>::Base;

fn compare<E: ColumnOperators>(left: E, operator: Binary, right: impl IntoExpr<Base<E>>) -> Expr<bool> {
    Expr::new(left.expr().node.binary(operator, right.into_expr().node))
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
        Expr::new(Node::Value(self.into_value()))
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
        Expr::new(Node::Value(self.into_value()))
    }
}

impl<T: ColumnValue> IntoOperand<Option<T>> for T
where
    Option<T>: ColumnValue,
{
    fn into_operand(self) -> Expr<Option<T>> {
        Expr::new(Node::Value(self.into_value()))
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

impl<T> Expr<T> {
    pub(crate) fn new(node: Node) -> Expr<T> {
        Expr { node, types: PhantomData }
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
