//! Parts of dates and times. The numbers are the same on every dialect; those of an instant are UTC's.

#[cfg(feature = "time")]
use super::node::Function;
use super::node::{Node, Part};
use super::{Column, ColumnOperators, Expr};
use crate::value::ColumnValue;

/// A type with a calendar date in it: `Date`, `DateTime`, `Timestamp` and `Option`s of them.
#[diagnostic::on_unimplemented(message = "`{Self}` has no date", label = "this is a question about dates")]
pub trait HasDate: ColumnValue {
    /// The type of its parts: `i32`, or an `Option` of it.
    type Part: ColumnValue;
}

/// A type with a time of day in it: `Time`, `DateTime`, `Timestamp` and `Option`s of them.
#[diagnostic::on_unimplemented(message = "`{Self}` has no time of day", label = "this is a question about times")]
pub trait HasTime: ColumnValue {
    /// The type of its parts: `i32`, or an `Option` of it.
    type Part: ColumnValue;
}

#[cfg(feature = "time")]
macro_rules! parts_of {
    ($trait:ident: $($type:ty),*) => {$(
        impl $trait for $type {
            type Part = i32;
        }

        impl $trait for Option<$type> {
            type Part = Option<i32>;
        }
    )*};
}

#[cfg(feature = "time")]
parts_of!(HasDate: jiff::civil::Date, jiff::civil::DateTime, jiff::Timestamp);
#[cfg(feature = "time")]
parts_of!(HasTime: jiff::civil::Time, jiff::civil::DateTime, jiff::Timestamp);

/// The instant at which the transaction started on PostgreSQL, and at which the statement runs on SQLite.
#[cfg(feature = "time")]
pub fn now() -> Expr<jiff::Timestamp> {
    Expr::new(Node::Function { function: Function::Now, arguments: Vec::new() })
}

macro_rules! parts {
    ($trait:ident: $($(#[$doc:meta])* $method:ident $part:ident;)*) => {
        impl<T: $trait> Expr<T> {
            $(
                $(#[$doc])*
                pub fn $method(self) -> Expr<T::Part> {
                    Expr::new(Node::Part { node: Box::new(self.node), part: Part::$part, of: T::TYPE })
                }
            )*
        }

        impl<M, T: $trait> Column<M, T> {
            $(
                $(#[$doc])*
                pub fn $method(self) -> Expr<T::Part> {
                    self.expr().$method()
                }
            )*
        }
    };
}

parts! {
    HasDate:
    /// The year.
    year Year;
    /// The month, from 1 to 12.
    month Month;
    /// The day of the month, from 1 to 31.
    day Day;
    /// The day of the week, from 1 for Monday to 7 for Sunday, as ISO 8601 counts.
    weekday Weekday;
    /// The day of the year, from 1 to 366.
    day_of_year DayOfYear;
}

parts! {
    HasTime:
    /// The hour, from 0 to 23.
    hour Hour;
    /// The minute, from 0 to 59.
    minute Minute;
    /// The whole second, from 0 to 59.
    second Second;
}
