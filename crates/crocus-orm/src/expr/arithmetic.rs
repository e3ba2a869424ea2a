//! Arithmetic: `+`, `-`, `*`, `/`, `%` between numbers of one type, and functions of numbers.

use std::ops::{Add, Div, Mul, Neg, Rem, Sub};

use super::node::{Arithmetic, Function, Node};
use super::{Aggregate, Column, ColumnOperators, Expr, IntoExpr};
use crate::value::ColumnValue;

/// A number, or a number that can be NULL: what can be calculated with.
///
/// Both databases divide integers without a fraction, towards zero. A division by zero is an error on PostgreSQL and
/// NULL on SQLite. A result that does not fit its type is an error on PostgreSQL; on SQLite it is one when it is read.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a number",
    label = "this is a question about numbers",
    note = "only i16, i32, i64, f64, Decimal and `Option`s of them are numbers"
)]
pub trait Number: ColumnValue {}

/// A number that can be rounded to some digits: `f64`, `Decimal` and `Option`s of them.
#[diagnostic::on_unimplemented(message = "`{Self}` has no digits after the point", label = "cannot be rounded")]
pub trait Rounded: Number {}

/// What can stand on the right of an operator whose left side gives `T`s: a number of the same type, or a column or an
/// expression of it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be calculated with a number of type `{T}`",
    label = "expected `{T}`, or a column or an expression of it",
    note = "`.cast::<{T}>()` makes one of a number of another type"
)]
pub trait Operand<T>: IntoExpr<T> {
    /// What an operator gives with an `L` on the left: NULL is possible where either side can be NULL.
    type With<L: ColumnValue>: ColumnValue;
}

macro_rules! numbers {
    ($($(#[$cfg:meta])? $type:ty),* $(,)?) => {$(
        $(#[$cfg])?
        impl Number for $type {}

        $(#[$cfg])?
        impl Number for Option<$type> {}

        $(#[$cfg])?
        impl Operand<$type> for $type {
            type With<L: ColumnValue> = L;
        }

        $(#[$cfg])?
        impl Operand<$type> for Expr<$type> {
            type With<L: ColumnValue> = L;
        }

        $(#[$cfg])?
        impl Operand<$type> for Expr<Option<$type>> {
            type With<L: ColumnValue> = Option<$type>;
        }

        $(#[$cfg])?
        impl Operand<$type> for Aggregate<$type> {
            type With<L: ColumnValue> = L;
        }

        $(#[$cfg])?
        impl Operand<$type> for Aggregate<Option<$type>> {
            type With<L: ColumnValue> = Option<$type>;
        }

        $(#[$cfg])?
        impl<M> Operand<$type> for Column<M, $type> {
            type With<L: ColumnValue> = L;
        }

        $(#[$cfg])?
        impl<M> Operand<$type> for Column<M, Option<$type>> {
            type With<L: ColumnValue> = Option<$type>;
        }
    )*};
}

numbers!(
    i16,
    i32,
    i64,
    f64,
    #[cfg(feature = "decimal")]
    rust_decimal::Decimal,
);

impl Rounded for f64 {}
impl Rounded for Option<f64> {}
#[cfg(feature = "decimal")]
impl Rounded for rust_decimal::Decimal {}
#[cfg(feature = "decimal")]
impl Rounded for Option<rust_decimal::Decimal> {}

fn calculate<L: ColumnOperators, R: Operand<super::Base<L>>>(
    left: L,
    operator: Arithmetic,
    right: R,
) -> Expr<R::With<L::Type>> {
    let [left, right] = [left.expr().node, right.into_expr().node].map(Box::new);
    Expr::new(Node::Arithmetic { left, operator, right, ty: L::Type::TYPE })
}

macro_rules! operators {
    ($($trait:ident $method:ident $operator:ident),*) => {$(
        impl<M, T: Number, R: Operand<T::Base>> $trait<R> for Column<M, T> {
            type Output = Expr<R::With<T>>;

            fn $method(self, other: R) -> Self::Output {
                calculate(self, Arithmetic::$operator, other)
            }
        }

        impl<T: Number, R: Operand<T::Base>> $trait<R> for Aggregate<T> {
            type Output = Expr<R::With<T>>;

            fn $method(self, other: R) -> Self::Output {
                calculate(self, Arithmetic::$operator, other)
            }
        }

        impl<T: Number, R: Operand<T::Base>> $trait<R> for Expr<T> {
            type Output = Expr<R::With<T>>;

            fn $method(self, other: R) -> Self::Output {
                calculate(self, Arithmetic::$operator, other)
            }
        }
    )*};
}

operators!(Add add Add, Sub sub Subtract, Mul mul Multiply, Div div Divide, Rem rem Remainder);

impl<M, T: Number> Neg for Column<M, T> {
    type Output = Expr<T>;

    fn neg(self) -> Expr<T> {
        -self.expr()
    }
}

impl<T: Number> Neg for Expr<T> {
    type Output = Expr<T>;

    fn neg(self) -> Expr<T> {
        Expr::new(Node::Negative { node: Box::new(self.node), ty: T::TYPE })
    }
}

impl<T: Number> Expr<T> {
    /// The number without its sign.
    pub fn abs(self) -> Expr<T> {
        Expr::new(Node::Function { function: Function::Absolute(T::TYPE), arguments: vec![self.node] })
    }

    /// The number with so many digits after the point; halves go away from zero.
    pub fn round(self, digits: u8) -> Expr<T>
    where
        T: Rounded,
    {
        let arguments = vec![self.node, Expr::bound(i32::from(digits)).node];
        Expr::new(Node::Function { function: Function::Round(T::TYPE), arguments })
    }
}

impl<M, T: Number> Column<M, T> {
    /// The number without its sign.
    pub fn abs(self) -> Expr<T> {
        self.expr().abs()
    }

    /// The number with so many digits after the point; halves go away from zero.
    pub fn round(self, digits: u8) -> Expr<T>
    where
        T: Rounded,
    {
        self.expr().round(digits)
    }
}
