//! Expressions as a tree, before a dialect is known. Writing them as SQL is left to `lower`.

use std::borrow::Cow;

use crate::query::select::SelectNode;
use crate::table::{ColumnType, TableDef};
use crate::value::Value;

/// A table's name or alias, or a column's name.
pub(crate) type Name = Cow<'static, str>;

/// An SQL expression.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    /// A column of a table that the query reads, under the table's name or its alias there.
    Column {
        table: Name,
        name: Name,
    },
    /// A bound value.
    Value(Value),
    /// SQL text that is the same on every dialect and mentions no column.
    Constant(&'static str),
    Not(Box<Node>),
    IsNull(Box<Node>),
    Binary(Box<Node>, Binary, Box<Node>),
    Between {
        node: Box<Node>,
        low: Box<Node>,
        high: Box<Node>,
    },
    In {
        node: Box<Node>,
        list: Vec<Node>,
    },
    /// Rows of several columns among rows of values.
    RowIn {
        row: Vec<Node>,
        list: Vec<Vec<Value>>,
    },
    InQuery {
        node: Box<Node>,
        query: Box<SelectNode>,
    },
    Exists(Box<SelectNode>),
    /// The only value of a query.
    Scalar(Box<SelectNode>),
    Like {
        node: Box<Node>,
        pattern: Box<Node>,
        case: Case,
    },
    Function {
        function: Function,
        arguments: Vec<Node>,
    },
    Aggregate {
        function: Aggregate,
        argument: Option<Box<Node>>,
        distinct: bool,
    },
    When {
        branches: Vec<(Node, Node)>,
        otherwise: Option<Box<Node>>,
    },
    Cast {
        node: Box<Node>,
        ty: ColumnType,
    },
}

/// Whether pattern matching tells upper from lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Sensitive,
    Insensitive,
}

/// Operators between two expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    And,
    Or,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    /// As `<>`, but NULL differs from every value and not from NULL.
    Distinct,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    /// Text after text.
    Concat,
}

/// Functions of one row's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Coalesce,
    Lower,
    Upper,
    Length,
}

/// Functions of the values of many rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aggregate {
    Count,
    Sum,
    Average,
    Min,
    Max,
}

/// What stands after FROM or JOIN.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Table { table: &'static TableDef, alias: Option<Name> },
    Query { query: Box<SelectNode>, alias: Name },
}

impl Source {
    /// The name under which its columns are known.
    pub(crate) fn name(&self) -> &str {
        match self {
            Source::Table { alias: Some(alias), .. } | Source::Query { alias, .. } => alias,
            Source::Table { table, alias: None } => table.name,
        }
    }
}

impl Node {
    pub(crate) fn column(table: impl Into<Name>, name: impl Into<Name>) -> Node {
        Node::Column { table: table.into(), name: name.into() }
    }

    pub(crate) fn binary(self, operator: Binary, other: Node) -> Node {
        Node::Binary(Box::new(self), operator, Box::new(other))
    }

    pub(crate) fn and(self, other: Node) -> Node {
        self.binary(Binary::And, other)
    }

    /// Calls `visit` with the table of each column that is not one of a subquery's own.
    pub(crate) fn tables<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a str)) {
        match self {
            Node::Column { table, name } => visit(table, name),
            Node::Value(_) | Node::Constant(_) => {}
            Node::Not(node) | Node::IsNull(node) | Node::Cast { node, .. } => node.tables(visit),
            Node::Binary(left, _, right) => {
                left.tables(visit);
                right.tables(visit);
            }
            Node::Between { node, low, high } => [node, low, high].into_iter().for_each(|node| node.tables(visit)),
            Node::In { node, list } => {
                node.tables(visit);
                list.iter().for_each(|node| node.tables(visit));
            }
            Node::RowIn { row, .. } => row.iter().for_each(|node| node.tables(visit)),
            Node::InQuery { node, query } => {
                node.tables(visit);
                query.outer_tables(visit);
            }
            Node::Exists(query) | Node::Scalar(query) => query.outer_tables(visit),
            Node::Like { node, pattern, .. } => {
                node.tables(visit);
                pattern.tables(visit);
            }
            Node::Function { arguments, .. } => arguments.iter().for_each(|node| node.tables(visit)),
            Node::Aggregate { argument, .. } => argument.iter().for_each(|node| node.tables(visit)),
            Node::When { branches, otherwise } => {
                for (condition, then) in branches {
                    condition.tables(visit);
                    then.tables(visit);
                }
                otherwise.iter().for_each(|node| node.tables(visit));
            }
        }
    }

    /// Calls `visit` with each query inside the expression.
    pub(crate) fn queries<'a>(&'a self, visit: &mut dyn FnMut(&'a SelectNode)) {
        match self {
            Node::Column { .. } | Node::Value(_) | Node::Constant(_) => {}
            Node::Not(node) | Node::IsNull(node) | Node::Cast { node, .. } => node.queries(visit),
            Node::Binary(left, _, right) => [left, right].into_iter().for_each(|node| node.queries(visit)),
            Node::Between { node, low, high } => [node, low, high].into_iter().for_each(|node| node.queries(visit)),
            Node::In { node, list } => {
                node.queries(visit);
                list.iter().for_each(|node| node.queries(visit));
            }
            Node::RowIn { row, .. } => row.iter().for_each(|node| node.queries(visit)),
            Node::InQuery { node, query } => {
                node.queries(visit);
                visit(query);
            }
            Node::Exists(query) | Node::Scalar(query) => visit(query),
            Node::Like { node, pattern, .. } => [node, pattern].into_iter().for_each(|node| node.queries(visit)),
            Node::Function { arguments, .. } => arguments.iter().for_each(|node| node.queries(visit)),
            Node::Aggregate { argument, .. } => argument.iter().for_each(|node| node.queries(visit)),
            Node::When { branches, otherwise } => {
                for (condition, then) in branches {
                    condition.queries(visit);
                    then.queries(visit);
                }
                otherwise.iter().for_each(|node| node.queries(visit));
            }
        }
    }
}
