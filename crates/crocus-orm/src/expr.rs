//! Typed columns and the expressions built from them.

use std::marker::PhantomData;
use std::ops::{BitAnd, BitOr, Not};

use sea_query::ExprTrait;

use crate::value::ColumnValue;

/// A column of the model `M` that holds `T`s: `Car::DOORS`.
///
/// Comparing with NULL is never true in SQL: ask with [`is_null`](Column::is_null).
pub struct Column<M, T> {
    table: &'static str,
    name: &'static str,
    types: PhantomData<fn() -> (M, T)>,
}

/// A condition on rows of the model `M`. Conditions combine with `&`, `|` and `!`.
pub struct Expr<M> {
    pub(crate) inner: sea_query::Expr,
    model: PhantomData<fn() -> M>,
}

/// An order of rows of the model `M`, by one column.
pub struct Order<M> {
    pub(crate) by: sea_query::Expr,
    pub(crate) direction: sea_query::Order,
    /// Said only where there can be NULL, since the dialects disagree on where it goes.
    pub(crate) nulls: Option<sea_query::NullOrdering>,
    model: PhantomData<fn() -> M>,
}

/// What can stand opposite a column that holds `T`s: a `T`, and for text also a `&str`.
#[diagnostic::on_unimplemented(
    message = "a column of `{T}` cannot be compared with `{Self}`",
    label = "expected `{T}`"
)]
pub trait IntoOperand<T> {
    /// The value as the column holds it.
    fn into_operand(self) -> T;
}

impl<T: ColumnValue> IntoOperand<T> for T {
    fn into_operand(self) -> T {
        self
    }
}

impl IntoOperand<String> for &str {
    fn into_operand(self) -> String {
        self.to_owned()
    }
}

impl IntoOperand<String> for &String {
    fn into_operand(self) -> String {
        self.clone()
    }
}

impl<T: ColumnValue> IntoOperand<Option<T>> for T
where
    Option<T>: ColumnValue,
{
    fn into_operand(self) -> Option<T> {
        Some(self)
    }
}

impl IntoOperand<Option<String>> for &str {
    fn into_operand(self) -> Option<String> {
        Some(self.to_owned())
    }
}

impl<M, T> Column<M, T> {
    /// The column `name` of the table `table`; made by `derive(Model)`.
    #[doc(hidden)]
    pub const fn new(table: &'static str, name: &'static str) -> Self {
        Column { table, name, types: PhantomData }
    }
}

impl<M, T: ColumnValue> Column<M, T> {
    /// The column's name in the database.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// `column = value`
    pub fn eq(self, value: impl IntoOperand<T>) -> Expr<M> {
        Expr::new(self.expr().eq(bound(value)))
    }

    /// `column <> value`
    pub fn ne(self, value: impl IntoOperand<T>) -> Expr<M> {
        Expr::new(self.expr().ne(bound(value)))
    }

    /// `column < value`
    pub fn lt(self, value: impl IntoOperand<T>) -> Expr<M> {
        Expr::new(self.expr().lt(bound(value)))
    }

    /// `column <= value`
    pub fn le(self, value: impl IntoOperand<T>) -> Expr<M> {
        Expr::new(self.expr().lte(bound(value)))
    }

    /// `column > value`
    pub fn gt(self, value: impl IntoOperand<T>) -> Expr<M> {
        Expr::new(self.expr().gt(bound(value)))
    }

    /// `column >= value`
    pub fn ge(self, value: impl IntoOperand<T>) -> Expr<M> {
        Expr::new(self.expr().gte(bound(value)))
    }

    /// `column BETWEEN low AND high`, both ends included
    pub fn between(self, low: impl IntoOperand<T>, high: impl IntoOperand<T>) -> Expr<M> {
        Expr::new(self.expr().between(bound(low), bound(high)))
    }

    /// `column IN (values)`; never true for no values
    pub fn is_in<V: IntoOperand<T>>(self, values: impl IntoIterator<Item = V>) -> Expr<M> {
        let mut values = values.into_iter().map(bound).peekable();
        if values.peek().is_none() {
            // The builder would compare two bound numbers, whose type PostgreSQL takes for text.
            return Expr::new(sea_query::Expr::cust("FALSE"));
        }
        Expr::new(self.expr().is_in(values))
    }

    /// `column IS NULL`
    pub fn is_null(self) -> Expr<M> {
        Expr::new(self.expr().is_null())
    }

    /// `column IS NOT NULL`
    pub fn is_not_null(self) -> Expr<M> {
        Expr::new(self.expr().is_not_null())
    }

    /// From the smallest to the largest. NULL is last.
    pub fn asc(self) -> Order<M> {
        self.order(sea_query::Order::Asc, sea_query::NullOrdering::Last)
    }

    /// From the largest to the smallest. NULL is first.
    pub fn desc(self) -> Order<M> {
        self.order(sea_query::Order::Desc, sea_query::NullOrdering::First)
    }

    fn order(self, direction: sea_query::Order, nulls: sea_query::NullOrdering) -> Order<M> {
        Order { by: self.expr(), direction, nulls: T::NULLABLE.then_some(nulls), model: PhantomData }
    }

    pub(crate) fn expr(&self) -> sea_query::Expr {
        sea_query::Expr::col((self.table, self.name))
    }
}

/// Pattern matching, for columns of text.
macro_rules! text_columns {
    ($($type:ty),*) => {$(
        impl<M> Column<M, $type> {
            /// `column LIKE pattern`, with `%` for any characters, `_` for one, and `\` before either to mean itself.
            /// PostgreSQL tells upper from lower case; SQLite does not for the letters of ASCII.
            pub fn like(self, pattern: impl Into<String>) -> Expr<M> {
                Expr::new(self.expr().like(sea_query::LikeExpr::new(pattern).escape('\\')))
            }
        }
    )*};
}
text_columns!(String, Option<String>);

fn bound<T: ColumnValue>(value: impl IntoOperand<T>) -> sea_query::Expr {
    sea_query::Expr::val(value.into_operand().into_value())
}

impl<M> Expr<M> {
    fn new(inner: sea_query::Expr) -> Expr<M> {
        Expr { inner, model: PhantomData }
    }
}

impl<M> BitAnd for Expr<M> {
    type Output = Expr<M>;

    fn bitand(self, other: Expr<M>) -> Expr<M> {
        Expr::new(self.inner.and(other.inner))
    }
}

impl<M> BitOr for Expr<M> {
    type Output = Expr<M>;

    fn bitor(self, other: Expr<M>) -> Expr<M> {
        Expr::new(self.inner.or(other.inner))
    }
}

impl<M> Not for Expr<M> {
    type Output = Expr<M>;

    fn not(self) -> Expr<M> {
        Expr::new(self.inner.not())
    }
}

impl<M, T> Clone for Column<M, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M, T> Copy for Column<M, T> {}

impl<M> Clone for Expr<M> {
    fn clone(&self) -> Self {
        Expr::new(self.inner.clone())
    }
}

impl<M, T> std::fmt::Debug for Column<M, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.table, self.name)
    }
}

impl<M> std::fmt::Debug for Expr<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Expr").field(&self.inner).finish()
    }
}

impl<M> std::fmt::Debug for Order<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Order").field("by", &self.by).field("direction", &self.direction).finish()
    }
}
