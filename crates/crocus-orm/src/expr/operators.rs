//! What can be asked of any column or expression: comparisons, NULL, text, order, conversions.

use super::node::{Binary, Case, Function, Node, Place, PostgresOperator};
use super::{Expr, IntoExpr, IntoOperand, Nulls, Order, TextValue, by_value};
use crate::query::Select;
use crate::value::ColumnValue;

/// A column or an expression, and what can be asked of it. The words are SQLAlchemy's.
///
/// Comparing with NULL is never true in SQL: ask with [`is_null`](ColumnOperators::is_null), or compare with
/// [`is_not_distinct_from`](ColumnOperators::is_not_distinct_from).
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

    /// Whether they differ, where NULL differs from every value and not from NULL: never NULL itself.
    fn is_distinct_from(self, other: impl IntoOperand<Option<Base<Self>>>) -> Expr<bool> {
        let (left, right) = (by_value::<Base<Self>>(self.expr().node), other.into_operand().node);
        Expr::new(left.binary(Binary::Distinct, right))
    }

    /// Whether they are the same, where NULL is the same as NULL.
    fn is_not_distinct_from(self, other: impl IntoOperand<Option<Base<Self>>>) -> Expr<bool> {
        !self.is_distinct_from(other)
    }

    /// `self BETWEEN low AND high`, both ends included
    fn between(self, low: impl IntoExpr<Base<Self>>, high: impl IntoExpr<Base<Self>>) -> Expr<bool> {
        let node = by_value::<Base<Self>>(self.expr().node);
        let [node, low, high] = [node, low.into_expr().node, high.into_expr().node].map(Box::new);
        Expr::new(Node::Between { node, low, high })
    }

    /// `self IN (values)`; never true for no values
    fn is_in<V: IntoExpr<Base<Self>>>(self, values: impl IntoIterator<Item = V>) -> Expr<bool> {
        let list = values.into_iter().map(|value| value.into_expr().node).collect();
        Expr::new(Node::In { node: Box::new(by_value::<Base<Self>>(self.expr().node)), list })
    }

    /// `self NOT IN (values)`; true for no values
    fn not_in<V: IntoExpr<Base<Self>>>(self, values: impl IntoIterator<Item = V>) -> Expr<bool> {
        !self.is_in(values)
    }

    /// Whether the query, of one column, gives it: `self IN (SELECT ...)`.
    fn in_query<T: ColumnValue<Base = Base<Self>>>(self, query: Select<T>) -> Expr<bool> {
        let row = vec![by_value::<Base<Self>>(self.expr().node)];
        Expr::new(Node::InQuery { row, query: Box::new(query.into_columns()) })
    }

    /// `self NOT IN (SELECT ...)`. Where the query gives a NULL it is never true: [`exists`](crate::exists) does not
    /// have that trap.
    fn not_in_query<T: ColumnValue<Base = Base<Self>>>(self, query: Select<T>) -> Expr<bool> {
        !self.in_query(query)
    }

    /// Whether it is an item of the list: `self = ANY(list)`. PostgreSQL only.
    fn any_of(self, list: impl IntoExpr<Vec<Base<Self>>>) -> Expr<bool> {
        let [left, right] = [self.expr().node, list.into_expr().node].map(Box::new);
        Expr::new(Node::Postgres { left, operator: PostgresOperator::AnyOf, right })
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
        Order { node: by_value::<Base<Self>>(self.expr().node), ty: Self::Type::TYPE, descending: false, nulls }
    }

    /// From the largest to the smallest. NULL is first.
    fn desc(self) -> Order {
        let nulls = Self::Type::NULLABLE.then_some(Nulls::First);
        Order { node: by_value::<Base<Self>>(self.expr().node), ty: Self::Type::TYPE, descending: true, nulls }
    }

    /// The first of them that is not NULL: `COALESCE(self, other)`.
    ///
    /// Where the other can be NULL too, say so with [`nullable`](ColumnOperators::nullable).
    fn coalesce(self, other: impl IntoExpr<Base<Self>>) -> Expr<Base<Self>> {
        let arguments = vec![self.expr().node, other.into_expr().node];
        Expr::new(Node::Function { function: Function::Coalesce, arguments })
    }

    /// NULL where they are equal: `NULLIF(self, other)`.
    fn nullif(self, other: impl IntoExpr<Base<Self>>) -> Expr<Option<Base<Self>>>
    where
        Option<Base<Self>>: ColumnValue,
    {
        let arguments = vec![by_value::<Base<Self>>(self.expr().node), other.into_expr().node];
        Expr::new(Node::Function { function: Function::NullIf, arguments })
    }

    /// It as a `T`: `CAST(self AS ...)`. A number with a fraction loses it.
    ///
    /// Text that is no number is an error on PostgreSQL, and 0 on SQLite.
    fn cast<T: ColumnValue>(self) -> Expr<T> {
        Expr::new(Node::Cast { node: Box::new(self.expr().node), from: Self::Type::TYPE, to: T::TYPE })
    }

    /// The same, known to be NULL sometimes: a column of a table that was joined with `left_join`.
    fn nullable(self) -> Expr<Option<Base<Self>>>
    where
        Option<Base<Self>>: ColumnValue,
    {
        Expr::new(self.expr().node)
    }

    /// `self LIKE pattern`, with `%` for any characters, `_` for one, and `\` before either to mean itself.
    /// PostgreSQL tells upper from lower case; SQLite does not for the letters of ASCII.
    fn like(self, pattern: impl IntoExpr<String>) -> Expr<bool>
    where
        Self::Type: TextValue,
    {
        like(self, pattern, Case::Sensitive)
    }

    /// `self NOT LIKE pattern`
    fn not_like(self, pattern: impl IntoExpr<String>) -> Expr<bool>
    where
        Self::Type: TextValue,
    {
        !self.like(pattern)
    }

    /// [`like`](ColumnOperators::like) that does not tell upper from lower case; on SQLite for the letters of ASCII.
    fn ilike(self, pattern: impl IntoExpr<String>) -> Expr<bool>
    where
        Self::Type: TextValue,
    {
        like(self, pattern, Case::Insensitive)
    }

    /// Whether the text starts with this one, which is no pattern. Case is told apart.
    fn starts_with(self, text: impl Into<String>) -> Expr<bool>
    where
        Self::Type: TextValue,
    {
        has_text(self, text, Place::Start)
    }

    /// Whether the text ends with this one, which is no pattern. Case is told apart.
    fn ends_with(self, text: impl Into<String>) -> Expr<bool>
    where
        Self::Type: TextValue,
    {
        has_text(self, text, Place::End)
    }

    /// Whether the text has this one in it, which is no pattern. Case is told apart.
    fn contains(self, text: impl Into<String>) -> Expr<bool>
    where
        Self::Type: TextValue,
    {
        has_text(self, text, Place::Anywhere)
    }

    /// Whether the text has the words asked for, written as for a search engine: `red -sedan "four doors"`. PostgreSQL
    /// only (`to_tsvector(self) @@ websearch_to_tsquery(words)`, in the database's own text search configuration).
    fn matches(self, words: impl IntoExpr<String>) -> Expr<bool>
    where
        Self::Type: TextValue,
    {
        let [left, right] = [self.expr().node, words.into_expr().node].map(Box::new);
        Expr::new(Node::Postgres { left, operator: PostgresOperator::Matches, right })
    }

    /// The text with another behind it.
    fn concat(self, other: impl IntoExpr<String>) -> Expr<Self::Type>
    where
        Self::Type: TextValue,
    {
        Expr::new(self.expr().node.binary(Binary::Concat, other.into_expr().node))
    }

    /// The text in lower case. On SQLite only the letters of ASCII change, on PostgreSQL those that its locale knows.
    fn lower(self) -> Expr<Self::Type>
    where
        Self::Type: TextValue,
    {
        call(Function::Lower, vec![self.expr().node])
    }

    /// The text in upper case. On SQLite only the letters of ASCII change, on PostgreSQL those that its locale knows.
    fn upper(self) -> Expr<Self::Type>
    where
        Self::Type: TextValue,
    {
        call(Function::Upper, vec![self.expr().node])
    }

    /// The number of characters.
    fn length(self) -> Expr<<Self::Type as TextValue>::Length>
    where
        Self::Type: TextValue,
    {
        Expr::new(Node::Function { function: Function::Length, arguments: vec![self.expr().node] })
    }

    /// The text without the spaces at its ends.
    fn trim(self) -> Expr<Self::Type>
    where
        Self::Type: TextValue,
    {
        call(Function::Trim, vec![self.expr().node])
    }

    /// So many characters of the text, from the one with the number `start` on; the first has the number 1.
    fn substr(self, start: u16, length: u16) -> Expr<Self::Type>
    where
        Self::Type: TextValue,
    {
        let [start, length] = [start.max(1), length].map(|number| Expr::bound(i32::from(number)).node);
        call(Function::Substring, vec![self.expr().node, start, length])
    }

    /// The text with each `from` in it replaced.
    fn replace(self, from: impl IntoExpr<String>, to: impl IntoExpr<String>) -> Expr<Self::Type>
    where
        Self::Type: TextValue,
    {
        call(Function::Replace, vec![self.expr().node, from.into_expr().node, to.into_expr().node])
    }
}

/// What an expression gives when it is not NULL.
pub type Base<E> = <<E as ColumnOperators>::Type as ColumnValue>::Base;

fn compare<E: ColumnOperators>(left: E, operator: Binary, right: impl IntoExpr<Base<E>>) -> Expr<bool> {
    Expr::new(by_value::<Base<E>>(left.expr().node).binary(operator, right.into_expr().node))
}

fn like<E: ColumnOperators>(text: E, pattern: impl IntoExpr<String>, case: Case) -> Expr<bool> {
    let [node, pattern] = [text.expr().node, pattern.into_expr().node].map(Box::new);
    Expr::new(Node::Like { node, pattern, case })
}

fn has_text<E: ColumnOperators>(node: E, text: impl Into<String>, place: Place) -> Expr<bool> {
    Expr::new(Node::HasText { node: Box::new(node.expr().node), text: text.into(), place })
}

fn call<T: ColumnValue>(function: Function, arguments: Vec<Node>) -> Expr<T> {
    Expr::new(Node::Function { function, arguments })
}
