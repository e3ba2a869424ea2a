//! Window functions: of the rows around each row.

use std::marker::PhantomData;

use super::node::{FrameBound, FrameUnit, Function, Node, WindowNode};
use super::{Column, ColumnOperators, Expr, Order};
use crate::query::Selected;
use crate::value::ColumnValue;

/// The rows that a window function looks at: made by [`window`].
#[derive(Debug, Clone)]
#[must_use = "a window does nothing until it is given to `.over(...)`"]
pub struct Window {
    node: WindowNode,
}

/// A function that needs a window: `row_number().over(window().order_by(Car::NAME.asc()))`.
#[derive(Debug, Clone)]
#[must_use = "a window function has no meaning before `.over(...)`"]
pub struct WindowFunction<T> {
    node: Node,
    types: PhantomData<fn() -> T>,
}

/// All rows of the result, until it is narrowed.
///
/// # Example
/// ```
/// # use crocus_macros::Model;
/// use crocus_orm::{ColumnOperators, Model, row_number, window};
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
/// let place = row_number().over(window().partition_by(Car::DOORS).order_by(Car::NAME.asc()));
/// let cars = Car::select().columns((Car::NAME, place));
/// # let _ = cars;
/// ```
pub fn window() -> Window {
    Window { node: WindowNode::default() }
}

impl Window {
    /// Only the rows that agree with each row in this expression, or in all of a tuple of them.
    pub fn partition_by(mut self, columns: impl Selected) -> Window {
        self.node.partition_by.extend(columns.keys().0);
        self
    }

    /// Orders the rows. With it, and without a frame, an aggregate is of the rows up to each row and its equals.
    pub fn order_by(mut self, order: Order) -> Window {
        self.node.order_by.push(order);
        self
    }

    /// Only the rows from the one bound to the other, counted in rows.
    pub fn rows(mut self, start: FrameBound, end: FrameBound) -> Window {
        self.node.frame = Some((FrameUnit::Rows, start, end));
        self
    }

    /// Only the rows from the one bound to the other, where rows that are equal in the order go together. Bounds that
    /// count (`Preceding`, `Following`) count by the value that the window is ordered by.
    pub fn range(mut self, start: FrameBound, end: FrameBound) -> Window {
        self.node.frame = Some((FrameUnit::Range, start, end));
        self
    }

    pub(super) fn over<T>(self, function: Node) -> Expr<T> {
        Expr::new(Node::Over { function: Box::new(function), window: Box::new(self.node) })
    }
}

impl<T> WindowFunction<T> {
    fn new(function: Function, arguments: Vec<Node>) -> WindowFunction<T> {
        WindowFunction { node: Node::Function { function, arguments }, types: PhantomData }
    }

    /// The window whose rows it looks at.
    pub fn over(self, window: Window) -> Expr<T> {
        window.over(self.node)
    }
}

/// The number of the row in its window, from 1.
pub fn row_number() -> WindowFunction<i64> {
    WindowFunction::new(Function::RowNumber, Vec::new())
}

/// The number of the row in its window, where equal rows have the same and the next number is left out.
pub fn rank() -> WindowFunction<i64> {
    WindowFunction::new(Function::Rank, Vec::new())
}

/// The number of the row in its window, where equal rows have the same and no number is left out.
pub fn dense_rank() -> WindowFunction<i64> {
    WindowFunction::new(Function::DenseRank, Vec::new())
}

/// The window functions of columns and of expressions alike.
macro_rules! window_functions {
    ($type:ty, $($m:ident)?) => {
        impl<$($m,)? T: ColumnValue> $type
        where
            Option<T::Base>: ColumnValue,
        {
            /// The value so many rows before, in the window's order; NULL where there is no such row.
            pub fn lag(self, rows: u16) -> WindowFunction<Option<T::Base>> {
                let rows = Expr::bound(i32::from(rows)).node;
                WindowFunction::new(Function::Lag, vec![self.expr().node, rows])
            }

            /// The value so many rows after, in the window's order; NULL where there is no such row.
            pub fn lead(self, rows: u16) -> WindowFunction<Option<T::Base>> {
                let rows = Expr::bound(i32::from(rows)).node;
                WindowFunction::new(Function::Lead, vec![self.expr().node, rows])
            }

            /// The value of the window's first row; NULL where the frame is empty.
            pub fn first_value(self) -> WindowFunction<Option<T::Base>> {
                WindowFunction::new(Function::FirstValue, vec![self.expr().node])
            }

            /// The value of the window's last row: that of the frame, which ends at the row itself where the window is
            /// ordered and has no other frame.
            pub fn last_value(self) -> WindowFunction<Option<T::Base>> {
                WindowFunction::new(Function::LastValue, vec![self.expr().node])
            }
        }
    };
}

window_functions!(Column<M, T>, M);
window_functions!(Expr<T>,);
