//! Expressions that start from nothing: values, NULL, SQL text, and CASE.

use std::marker::PhantomData;

use super::node::Node;
use super::{Expr, IntoExpr};
use crate::value::{ColumnValue, Value};

/// A value as an expression: `literal(1)`, as a column of a query or the left side of an operator.
pub fn literal<T: ColumnValue>(value: T) -> Expr<T> {
    Expr::bound(value)
}

/// NULL, as a `T` that is not there.
pub fn null<T: ColumnValue>() -> Expr<Option<T>>
where
    Option<T>: ColumnValue,
{
    Expr::new(Node::Bound { value: T::null(), ty: T::TYPE })
}

/// SQL text that gives a `T`, for what has no function here. `$1`, `$2`, ... stand for the values on both dialects.
///
/// The text is written into the statement as it is: it must not come from a user, and it names tables and columns as
/// the database does. Only the values are safe.
///
/// # Example
/// ```
/// use crocus_orm::{ColumnOperators, raw};
///
/// let condition = raw::<i32>("length(name) % $1", [3.into()]).eq(0);
/// # let _ = condition;
/// ```
pub fn raw<T: ColumnValue>(sql: impl Into<String>, values: impl Into<Vec<Value>>) -> Expr<T> {
    Expr::new(Node::Raw { sql: sql.into().into(), values: values.into() })
}

/// Starts a choice between values: `CASE WHEN ... THEN ... ELSE ... END`.
///
/// # Example
/// ```
/// # use crocus_macros::Model;
/// use crocus_orm::{ColumnOperators, Expr, Model, case};
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
/// let size: Expr<String> = case().when(Car::DOORS.ge(4), "family").when(Car::DOORS.eq(0), "?").otherwise("sport");
/// # let _ = size;
/// ```
pub fn case() -> CaseStart {
    CaseStart(())
}

/// A choice without a branch yet; made by [`case`].
#[derive(Debug)]
#[must_use = "a choice has no meaning before it has a branch"]
pub struct CaseStart(());

/// A choice between `T`s; made by [`case`].
#[derive(Debug, Clone)]
#[must_use = "a choice is finished with `.otherwise(...)` or `.end()`"]
pub struct CaseWhen<T> {
    branches: Vec<(Node, Node)>,
    types: PhantomData<fn() -> T>,
}

impl CaseStart {
    /// The value where the condition is true.
    pub fn when<T: ColumnValue>(self, condition: impl IntoExpr<bool>, then: impl IntoExpr<T>) -> CaseWhen<T> {
        CaseWhen { branches: Vec::new(), types: PhantomData }.when(condition, then)
    }
}

impl<T: ColumnValue> CaseWhen<T> {
    /// The value where this condition is true, and none before it was.
    pub fn when(mut self, condition: impl IntoExpr<bool>, then: impl IntoExpr<T>) -> Self {
        self.branches.push((condition.into_expr().node, then.into_expr().node));
        self
    }

    /// The value where no condition was true.
    pub fn otherwise(self, value: impl IntoExpr<T>) -> Expr<T> {
        let otherwise = Some(Box::new(value.into_expr().node));
        Expr::new(Node::When { branches: self.branches, otherwise })
    }

    /// NULL where no condition was true.
    pub fn end(self) -> Expr<Option<T>>
    where
        Option<T>: ColumnValue,
    {
        Expr::new(Node::When { branches: self.branches, otherwise: None })
    }
}

/// Text, or text that can be NULL.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not text",
    label = "this is a question about text",
    note = "only columns and expressions of String and Option<String> are text; `.cast::<String>()` makes text of others"
)]
pub trait TextValue: ColumnValue<Base = String> {
    /// The type of its length.
    type Length: ColumnValue;
}

impl TextValue for String {
    type Length = i32;
}

impl TextValue for Option<String> {
    type Length = Option<i32>;
}
