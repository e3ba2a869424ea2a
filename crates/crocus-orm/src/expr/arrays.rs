//! Lists of values in one column.

use super::node::{Node, PostgresOperator};
use super::{Column, ColumnOperators, Expr, IntoExpr};
use crate::value::{ArrayItem, ColumnValue};

/// A list of values, or one that can be NULL.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a list", label = "this is a question about lists")]
pub trait ArrayValue: ColumnValue {
    /// The list.
    type List: ColumnValue;
}

impl<T: ArrayItem> ArrayValue for Vec<T>
where
    Vec<T>: ColumnValue,
{
    type List = Vec<T>;
}

impl<T: ArrayItem> ArrayValue for Option<Vec<T>>
where
    Vec<T>: ColumnValue,
    Option<Vec<T>>: ColumnValue,
{
    type List = Vec<T>;
}

fn operator(left: Node, operator: PostgresOperator, right: Node) -> Expr<bool> {
    let [left, right] = [left, right].map(Box::new);
    Expr::new(Node::Postgres { left, operator, right })
}

impl<T: ArrayValue> Expr<T> {
    /// Whether every item of the other list is in it: `self @> other`. PostgreSQL only.
    pub fn array_contains(self, other: impl IntoExpr<T::List>) -> Expr<bool> {
        operator(self.node, PostgresOperator::ArrayContains, other.into_expr().node)
    }

    /// Whether an item of the other list is in it: `self && other`. PostgreSQL only.
    pub fn overlaps(self, other: impl IntoExpr<T::List>) -> Expr<bool> {
        operator(self.node, PostgresOperator::ArrayOverlaps, other.into_expr().node)
    }
}

impl<M, T: ArrayValue> Column<M, T> {
    /// Whether every item of the other list is in it: `self @> other`. PostgreSQL only.
    pub fn array_contains(self, other: impl IntoExpr<T::List>) -> Expr<bool> {
        self.expr().array_contains(other)
    }

    /// Whether an item of the other list is in it: `self && other`. PostgreSQL only.
    pub fn overlaps(self, other: impl IntoExpr<T::List>) -> Expr<bool> {
        self.expr().overlaps(other)
    }
}
