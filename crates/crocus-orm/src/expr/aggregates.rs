//! Functions of the values of many rows.

use std::marker::PhantomData;

use super::node::{self, AggregateNode, Node};
use super::windows::Window;
use super::{Column, ColumnOperators, Expr, IntoExpr, Number, Order, TextValue, by_value};
use crate::value::ColumnValue;

/// A function of the values of many rows: of a group's, of the whole result's, or of a window's.
///
/// It is an expression, and can be narrowed first: `Car::ID.count().filter_where(Car::DOORS.ge(4))`.
#[must_use = "an aggregate does nothing until it stands in a query"]
pub struct Aggregate<T> {
    node: AggregateNode,
    types: PhantomData<fn() -> T>,
}

/// A number, by the type of its sum.
pub trait Summed: Number {
    /// The type of the sum: `Option<i64>` for integers, and otherwise an `Option` of itself.
    type Sum: ColumnValue;
}

/// A number, by the type of its average.
pub trait Averaged: Number {
    /// The type of the average: `Option<f64>`, and `Option<Decimal>` for decimals.
    type Average: ColumnValue;
}

macro_rules! sums {
    ($($(#[$cfg:meta])? $type:ty => $sum:ty, $average:ty;)*) => {$(
        $(#[$cfg])?
        impl Summed for $type {
            type Sum = Option<$sum>;
        }

        $(#[$cfg])?
        impl Averaged for $type {
            type Average = Option<$average>;
        }
    )*};
}

sums! {
    i16 => i64, f64;
    i32 => i64, f64;
    i64 => i64, f64;
    f64 => f64, f64;
    #[cfg(feature = "decimal")] rust_decimal::Decimal => rust_decimal::Decimal, rust_decimal::Decimal;
    Option<i16> => i64, f64;
    Option<i32> => i64, f64;
    Option<i64> => i64, f64;
    Option<f64> => f64, f64;
    #[cfg(feature = "decimal")] Option<rust_decimal::Decimal> => rust_decimal::Decimal, rust_decimal::Decimal;
}

/// The number of rows: `COUNT(*)`.
pub fn count() -> Aggregate<i64> {
    Aggregate::new::<i64>(node::Aggregate::Count, None)
}

impl<T> Aggregate<T> {
    fn new<A: ColumnValue>(function: node::Aggregate, argument: Option<Node>) -> Aggregate<T> {
        let node =
            AggregateNode { function, argument, ty: A::TYPE, distinct: false, filter: None, order_by: Vec::new() };
        Aggregate { node, types: PhantomData }
    }

    /// Takes only the rows for which the condition is true.
    pub fn filter_where(mut self, condition: impl IntoExpr<bool>) -> Self {
        let condition = condition.into_expr().node;
        self.node.filter = Some(match self.node.filter.take() {
            Some(earlier) => earlier.and(condition),
            None => condition,
        });
        self
    }

    /// Takes the values in this order, for what depends on it: `string_agg`.
    pub fn order_by(mut self, order: Order) -> Self {
        self.node.order_by.push(order);
        self
    }

    /// Over a window of rows around each row, instead of one value for all.
    pub fn over(self, window: Window) -> Expr<T> {
        window.over(Node::Aggregate(Box::new(self.node)))
    }
}

impl<T: ColumnValue> ColumnOperators for Aggregate<T> {
    type Type = T;

    fn expr(self) -> Expr<T> {
        Expr::new(Node::Aggregate(Box::new(self.node)))
    }
}

impl<T: ColumnValue> IntoExpr<T::Base> for Aggregate<T> {
    fn into_expr(self) -> Expr<T::Base> {
        Expr::new(self.expr().node)
    }
}

impl<T> From<Aggregate<T>> for Expr<T> {
    fn from(aggregate: Aggregate<T>) -> Expr<T> {
        Expr::new(Node::Aggregate(Box::new(aggregate.node)))
    }
}

impl<T> Clone for Aggregate<T> {
    fn clone(&self) -> Self {
        Aggregate { node: self.node.clone(), types: PhantomData }
    }
}

impl<T> std::fmt::Debug for Aggregate<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Aggregate").field(&self.node).finish()
    }
}

/// The aggregates of columns and of expressions alike.
macro_rules! aggregates {
    ($type:ty, $($m:ident)?) => {
        impl<$($m,)? T: ColumnValue> $type {
            /// The number of rows in which it is not NULL.
            pub fn count(self) -> Aggregate<i64> {
                Aggregate::new::<T>(node::Aggregate::Count, Some(self.expr().node))
            }

            /// The number of different values that are not NULL.
            pub fn count_distinct(self) -> Aggregate<i64> {
                let mut count = Aggregate::new::<T>(node::Aggregate::Count, Some(by_value::<T::Base>(self.expr().node)));
                count.node.distinct = true;
                count
            }

            /// The smallest value that is not NULL; NULL where there is none.
            pub fn min(self) -> Aggregate<Option<T::Base>>
            where
                Option<T::Base>: ColumnValue,
            {
                Aggregate::new::<T>(node::Aggregate::Min, Some(by_value::<T::Base>(self.expr().node)))
            }

            /// The largest value that is not NULL; NULL where there is none.
            pub fn max(self) -> Aggregate<Option<T::Base>>
            where
                Option<T::Base>: ColumnValue,
            {
                Aggregate::new::<T>(node::Aggregate::Max, Some(by_value::<T::Base>(self.expr().node)))
            }

            /// The sum of the values that are not NULL; NULL where there is none. Decimals are summed exactly.
            pub fn sum(self) -> Aggregate<T::Sum>
            where
                T: Summed,
            {
                Aggregate::new::<T>(node::Aggregate::Sum, Some(self.expr().node))
            }

            /// The average of the values that are not NULL; NULL where there is none.
            pub fn avg(self) -> Aggregate<T::Average>
            where
                T: Averaged,
            {
                Aggregate::new::<T>(node::Aggregate::Average, Some(self.expr().node))
            }

            /// The texts that are not NULL, one after the other, with the separator between them; NULL where there is
            /// none. In which order, `.order_by(...)` says.
            pub fn string_agg(self, separator: impl Into<String>) -> Aggregate<Option<String>>
            where
                T: TextValue,
            {
                Aggregate::new::<T>(node::Aggregate::Join(separator.into()), Some(self.expr().node))
            }
        }
    };
}

aggregates!(Column<M, T>, M);
aggregates!(Expr<T>,);
