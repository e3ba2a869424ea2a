//! What can be asked of a column, and of which columns of which database.

use super::DynamicColumn;
use crate::Dialect;
use crate::expr::node::{Binary, Case, Node, PostgresOperator};
use crate::expr::{Expr, Nulls, Order};
use crate::table::{self, ColumnType};
use crate::value::Value;

/// How two values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `=`
    Eq,
    /// `<>`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `IS DISTINCT FROM`: as `<>`, but NULL differs from every value and not from NULL.
    Distinct,
}

/// What can be asked of columns, where their type and the database have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// [`compare`](DynamicColumn::compare) and [`is_in`](DynamicColumn::is_in): every type has it. SQLite compares
    /// documents and arrays by their text, in which the order of an object's members counts.
    Compare,
    /// [`order`](DynamicColumn::order), and which of two values is smaller.
    Order,
    /// [`like`](DynamicColumn::like) and [`ilike`](DynamicColumn::ilike).
    Like,
    /// [`matches`](DynamicColumn::matches).
    Matches,
    /// [`contains`](DynamicColumn::contains) and [`contained_in`](DynamicColumn::contained_in).
    Contains,
    /// [`overlaps`](DynamicColumn::overlaps).
    Overlaps,
    /// [`search`](DynamicColumn::search).
    Search,
    /// [`is_true`](DynamicColumn::is_true) and [`is_false`](DynamicColumn::is_false).
    Truth,
}

/// How a text says what is searched for ("Controlling Text Search").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Search {
    /// `to_tsquery`: words with `&`, `|`, `!` and `<->` between them.
    ToTsquery,
    /// `plainto_tsquery`: all the words.
    Plain,
    /// `phraseto_tsquery`: the words in this order.
    Phrase,
    /// `websearch_to_tsquery`: as for a search engine.
    Web,
}

impl DynamicColumn {
    /// Whether an operator can be asked of it there. One that cannot is an error of the query
    /// ([`ErrorKind::InvalidQuery`](crate::ErrorKind::InvalidQuery)) or of the database.
    pub fn supports(&self, operator: Operator, dialect: Dialect) -> bool {
        let here = dialect == Dialect::Postgres;
        match operator {
            Operator::Compare => true,
            Operator::Order => self.has_order(),
            Operator::Like => self.is_text(),
            Operator::Matches => here && self.is_text(),
            Operator::Contains => here && matches!(self.ty, ColumnType::Array(_) | ColumnType::Json),
            Operator::Overlaps => here && matches!(self.ty, ColumnType::Array(_)),
            Operator::Search => here && matches!(self.ty, ColumnType::Text | ColumnType::Json),
            Operator::Truth => self.ty == ColumnType::Boolean,
        }
    }

    /// Whether one of two values comes before the other, on every database alike: not so for documents and arrays.
    pub fn has_order(&self) -> bool {
        !matches!(self.ty, ColumnType::Array(_) | ColumnType::Json)
    }

    /// Whether it compares so with a value of its type.
    pub fn compare(&self, comparison: Comparison, value: Value) -> Expr<bool> {
        let operator = match comparison {
            Comparison::Eq => Binary::Eq,
            Comparison::Ne => Binary::Ne,
            Comparison::Lt => Binary::Lt,
            Comparison::Le => Binary::Le,
            Comparison::Gt => Binary::Gt,
            Comparison::Ge => Binary::Ge,
            Comparison::Distinct => Binary::Distinct,
        };
        Expr::new(self.by_value().binary(operator, self.bound(value)))
    }

    /// Whether it is one of these values of its type; never true of none.
    pub fn is_in(&self, values: Vec<Value>) -> Expr<bool> {
        let list = values.into_iter().map(|value| self.bound(value)).collect();
        Expr::new(Node::In { node: Box::new(self.by_value()), list })
    }

    /// Whether it is NULL.
    pub fn is_null(&self) -> Expr<bool> {
        Expr::new(Node::IsNull(Box::new(self.node.clone())))
    }

    /// Whether the text is like a pattern, with `%` for any characters, `_` for one, and `\` before either to mean
    /// itself. Upper and lower case as [`like`](crate::ColumnOperators::like) tells them.
    pub fn like(&self, pattern: String) -> Expr<bool> {
        self.is_like(pattern, Case::Sensitive)
    }

    /// The same, whatever the case.
    pub fn ilike(&self, pattern: String) -> Expr<bool> {
        self.is_like(pattern, Case::Insensitive)
    }

    fn is_like(&self, pattern: String, case: Case) -> Expr<bool> {
        let pattern = Node::Bound { value: Value::from(pattern), ty: ColumnType::Text };
        Expr::new(Node::Like { node: Box::new(self.node.clone()), pattern: Box::new(pattern), case })
    }

    /// Whether the text matches a POSIX regular expression. PostgreSQL only. One that cannot be read is an error when
    /// the query runs ([`ErrorKind::InvalidValue`](crate::ErrorKind::InvalidValue)).
    pub fn matches(&self, pattern: String) -> Expr<bool> {
        self.postgres(PostgresOperator::Regex, Node::Bound { value: pattern.into(), ty: ColumnType::Text })
    }

    /// The same, whatever the case.
    pub fn imatches(&self, pattern: String) -> Expr<bool> {
        self.postgres(PostgresOperator::RegexAnyCase, Node::Bound { value: pattern.into(), ty: ColumnType::Text })
    }

    /// Whether all of a value of its type is in it: of an array the items, of a document its parts. PostgreSQL only.
    pub fn contains(&self, value: Value) -> Expr<bool> {
        self.postgres(self.containment(), Node::Value(value))
    }

    /// Whether all of it is in a value of its type. PostgreSQL only.
    pub fn contained_in(&self, value: Value) -> Expr<bool> {
        let [left, right] = [Node::Value(value), self.node.clone()].map(Box::new);
        Expr::new(Node::Postgres { left, operator: self.containment(), right })
    }

    /// Whether an item of the array is one of another. PostgreSQL only.
    pub fn overlaps(&self, value: Value) -> Expr<bool> {
        self.postgres(PostgresOperator::ArrayOverlaps, Node::Value(value))
    }

    fn containment(&self) -> PostgresOperator {
        match self.ty {
            ColumnType::Json => PostgresOperator::JsonContains,
            _ => PostgresOperator::ArrayContains,
        }
    }

    fn postgres(&self, operator: PostgresOperator, right: Node) -> Expr<bool> {
        let [left, right] = [self.node.clone(), right].map(Box::new);
        Expr::new(Node::Postgres { left, operator, right })
    }

    /// Whether the words of a text, or of a document's texts, are what is searched for. The language is a text search
    /// configuration such as `english`, and otherwise the database's own. PostgreSQL only. A language that it lacks, and
    /// a text that `to_tsquery` cannot read, are errors when the query runs
    /// ([`ErrorKind::InvalidValue`](crate::ErrorKind::InvalidValue)).
    pub fn search(&self, search: Search, language: Option<String>, text: String) -> Expr<bool> {
        Expr::new(Node::Search { node: Box::new(self.node.clone()), search, language, text })
    }

    /// Whether it is true, and not NULL.
    pub fn is_true(&self) -> Expr<bool> {
        Expr::new(Node::Is { node: Box::new(self.node.clone()), truth: true })
    }

    /// Whether it is false, and not NULL.
    pub fn is_false(&self) -> Expr<bool> {
        Expr::new(Node::Is { node: Box::new(self.node.clone()), truth: false })
    }

    /// Rows by it, from the smallest to the largest or the other way round. NULL is the largest value where it is not
    /// said where it stands.
    pub fn order(&self, descending: bool, nulls: Option<table::Nulls>) -> Order {
        let largest = if descending { Nulls::First } else { Nulls::Last };
        let nulls = match nulls {
            Some(table::Nulls::First) => Some(Nulls::First),
            Some(table::Nulls::Last) => Some(Nulls::Last),
            None => self.nullable.then_some(largest),
        };
        Order { node: self.by_value(), ty: self.ty, descending, nulls }
    }

    fn bound(&self, value: Value) -> Node {
        Node::Bound { value, ty: self.ty }
    }
}
