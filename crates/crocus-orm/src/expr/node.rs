//! Expressions as a tree, before a dialect is known. Writing them as SQL is left to `lower`.

use std::borrow::Cow;
use std::sync::Arc;

use super::Order;
use crate::dynamic::Search;
use crate::query::node::SelectNode;
use crate::table::{ColumnType, TableDef};
use crate::value::Value;

/// A table's name or alias, or a column's name.
pub(crate) type Name = Cow<'static, str>;

/// An SQL expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    /// A column of a table that the query reads, under the table's name or its alias there.
    Column {
        table: Name,
        name: Name,
    },
    /// A bound value whose type the database knows from where it stands.
    Value(Value),
    /// A bound value of a known type.
    Bound {
        value: Value,
        ty: ColumnType,
    },
    /// SQL text that is the same on every dialect and mentions no column.
    Constant(&'static str),
    /// SQL text with `$1`, `$2`, ... for the values.
    Raw {
        sql: Name,
        values: Vec<Value>,
    },
    Not(Box<Node>),
    Negative {
        node: Box<Node>,
        ty: ColumnType,
    },
    IsNull(Box<Node>),
    /// A decimal where its number counts and not its digits: in a comparison or an order.
    Number(Box<Node>),
    Binary(Box<Node>, Binary, Box<Node>),
    Arithmetic {
        left: Box<Node>,
        operator: Arithmetic,
        right: Box<Node>,
        ty: ColumnType,
    },
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
    /// An expression, or a row of several, among the rows of a query.
    InQuery {
        row: Vec<Node>,
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
    /// Text that has other text at a place of it, case told apart.
    HasText {
        node: Box<Node>,
        text: String,
        place: Place,
    },
    Function {
        function: Function,
        arguments: Vec<Node>,
    },
    /// A part of a date or a time.
    Part {
        node: Box<Node>,
        part: Part,
        of: ColumnType,
    },
    /// A value inside a JSON value: text, or the type `ty`.
    Json {
        node: Box<Node>,
        path: Vec<JsonStep>,
        ty: ColumnType,
    },
    /// An operator that only PostgreSQL has.
    Postgres {
        left: Box<Node>,
        operator: PostgresOperator,
        right: Box<Node>,
    },
    /// Whether the words of a text or a JSON value are what is searched for. PostgreSQL only.
    Search {
        node: Box<Node>,
        search: Search,
        language: Option<String>,
        text: String,
    },
    /// Whether it is true, or false, and not NULL.
    Is {
        node: Box<Node>,
        truth: bool,
    },
    Aggregate(Box<AggregateNode>),
    Over {
        function: Box<Node>,
        window: Box<WindowNode>,
    },
    When {
        branches: Vec<(Node, Node)>,
        otherwise: Option<Box<Node>>,
    },
    Cast {
        node: Box<Node>,
        from: ColumnType,
        to: ColumnType,
    },
    /// A value of a type as JSON text, or one that is JSON text already; `null` for NULL.
    JsonValue {
        node: Box<Node>,
        ty: Option<ColumnType>,
    },
    /// JSON text of an object of members that are JSON text.
    JsonObject(Vec<(String, Node)>),
    /// JSON text of the array of many rows' items, which are JSON text.
    JsonArray {
        item: Box<Node>,
        order_by: Vec<Order>,
    },
}

/// Whether pattern matching tells upper from lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Sensitive,
    Insensitive,
}

/// Where text is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Start,
    End,
    Anywhere,
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
    /// Text after text.
    Concat,
}

/// Operators between two numbers of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// Operators that only PostgreSQL has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PostgresOperator {
    JsonContains,
    ArrayContains,
    ArrayOverlaps,
    /// The left value is one of the array on the right.
    AnyOf,
    /// The left text has the words of the right one, which is written as for a search engine.
    Matches,
    /// The left text matches the regular expression on the right.
    Regex,
    RegexAnyCase,
}

impl PostgresOperator {
    /// Its name in an error.
    pub(crate) fn name(self) -> &'static str {
        match self {
            PostgresOperator::JsonContains => "operator for JSON inside JSON (`json_contains`)",
            PostgresOperator::ArrayContains => "operator for arrays in arrays (`array_contains`)",
            PostgresOperator::ArrayOverlaps => "operator for arrays that overlap (`overlaps`)",
            PostgresOperator::AnyOf => "operator for a value in an array (`any_of`)",
            PostgresOperator::Matches => "full-text search (`matches`)",
            PostgresOperator::Regex | PostgresOperator::RegexAnyCase => "regular expressions",
        }
    }
}

/// Functions of one row's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Coalesce,
    NullIf,
    Lower,
    Upper,
    Length,
    Trim,
    Substring,
    Replace,
    /// The absolute value of a number of this type.
    Absolute(ColumnType),
    /// A number of this type with so many digits after the point.
    Round(ColumnType),
    /// The value of this type that a text or a number is; an error where it is none.
    Read(ColumnType),
    #[cfg(feature = "time")]
    Now,
    RowNumber,
    Rank,
    DenseRank,
    Lag,
    Lead,
    FirstValue,
    LastValue,
}

/// Parts of dates and times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Weekday,
    DayOfYear,
}

/// One step into a JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum JsonStep {
    Key(String),
    /// Counted from the end where it is negative.
    Index(i64),
}

/// A function of the values of many rows, with what it takes of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AggregateNode {
    pub(crate) function: Aggregate,
    pub(crate) argument: Option<Node>,
    /// The type of the argument.
    pub(crate) ty: ColumnType,
    pub(crate) distinct: bool,
    /// Only the rows for which it is true.
    pub(crate) filter: Option<Node>,
    /// The order in which the values are taken.
    pub(crate) order_by: Vec<Order>,
}

impl AggregateNode {
    /// Whether it is the number of all rows.
    pub(crate) fn is_plain_count(&self) -> bool {
        let AggregateNode { function, argument, ty: _, distinct, filter, order_by } = self;
        *function == Aggregate::Count && argument.is_none() && !distinct && filter.is_none() && order_by.is_empty()
    }
}

/// Functions of the values of many rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Aggregate {
    Count,
    Sum,
    Average,
    Min,
    Max,
    /// Text after text, with this between them.
    Join(String),
}

/// The rows that a window function looks at.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct WindowNode {
    pub(crate) partition_by: Vec<Node>,
    pub(crate) order_by: Vec<Order>,
    pub(crate) frame: Option<(FrameUnit, FrameBound, FrameBound)>,
}

/// What a frame counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FrameUnit {
    Rows,
    Range,
}

/// An end of a window's frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameBound {
    /// From the partition's first row on.
    UnboundedPreceding,
    /// So many rows before the current one.
    Preceding(u32),
    /// The current row.
    CurrentRow,
    /// So many rows after the current one.
    Following(u32),
    /// To the partition's last row.
    UnboundedFollowing,
}

/// What stands after FROM or JOIN.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    Table {
        table: &'static TableDef,
        alias: Option<Name>,
    },
    Query {
        query: Box<SelectNode>,
        alias: Name,
    },
    /// A common table expression, under its own name or an alias.
    Cte {
        cte: Arc<Cte>,
        alias: Option<Name>,
    },
    /// A recursive common table expression inside its own definition.
    Itself {
        name: Name,
    },
}

/// A query with a name, which the query that reads it brings along (WITH).
#[derive(Debug, PartialEq)]
pub(crate) struct Cte {
    pub(crate) name: Name,
    pub(crate) query: SelectNode,
    /// What is read again and again until it brings no more rows.
    pub(crate) recursive: Option<(SetOperator, SelectNode)>,
}

/// Operators between two queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SetOperator {
    Union,
    UnionAll,
    Intersect,
    Except,
}

impl Source {
    /// Whether it is a table whose column of this name is sensitive.
    pub(crate) fn has_secret(&self, column: &str) -> bool {
        match self {
            Source::Table { table, .. } => table.column(column).is_some_and(|column| column.sensitive),
            _ => false,
        }
    }

    /// The name under which its columns are known.
    pub(crate) fn name(&self) -> &str {
        match self {
            Source::Table { alias: Some(alias), .. }
            | Source::Query { alias, .. }
            | Source::Cte { alias: Some(alias), .. }
            | Source::Itself { name: alias } => alias,
            Source::Table { table, alias: None } => table.name,
            Source::Cte { cte, alias: None } => &cte.name,
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

    /// The expression itself, where it is a decimal whose number counts.
    pub(crate) fn value(&self) -> &Node {
        match self {
            Node::Number(node) => node.value(),
            node => node,
        }
    }

    /// The number of all rows.
    pub(crate) fn count_rows() -> Node {
        Node::Aggregate(Box::new(AggregateNode {
            function: Aggregate::Count,
            argument: None,
            ty: ColumnType::BigInteger,
            distinct: false,
            filter: None,
            order_by: Vec::new(),
        }))
    }

    /// Calls `visit` with the table and name of each column that is not one of a subquery's own.
    pub(crate) fn tables<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a str)) {
        self.parts(&mut |part| match part {
            NodePart::Column(table, name) => visit(table, name),
            NodePart::Node(node) => node.tables(visit),
            NodePart::Query(query) => query.outer_tables(visit),
        });
    }

    /// Calls `visit` with each query inside the expression.
    pub(crate) fn queries<'a>(&'a self, visit: &mut dyn FnMut(&'a SelectNode)) {
        self.parts(&mut |part| match part {
            NodePart::Column(..) => {}
            NodePart::Node(node) => node.queries(visit),
            NodePart::Query(query) => visit(query),
        });
    }

    /// Whether it has a function of many rows, outside of subqueries.
    pub(crate) fn has_aggregate(&self) -> bool {
        let mut found = matches!(self, Node::Aggregate(_) | Node::JsonArray { .. });
        self.parts(&mut |part| {
            if let NodePart::Node(node) = part {
                found |= node.has_aggregate();
            }
        });
        found && !matches!(self, Node::Over { .. })
    }

    fn parts<'a>(&'a self, visit: &mut dyn FnMut(NodePart<'a>)) {
        let mut node = |node: &'a Node| visit(NodePart::Node(node));
        match self {
            Node::Column { table, name } => visit(NodePart::Column(table, name)),
            Node::Value(_) | Node::Bound { .. } | Node::Constant(_) | Node::Raw { .. } => {}
            Node::Not(inner)
            | Node::Negative { node: inner, .. }
            | Node::IsNull(inner)
            | Node::Number(inner)
            | Node::HasText { node: inner, .. }
            | Node::Part { node: inner, .. }
            | Node::Json { node: inner, .. }
            | Node::JsonValue { node: inner, .. }
            | Node::Search { node: inner, .. }
            | Node::Is { node: inner, .. }
            | Node::Cast { node: inner, .. } => node(inner),
            Node::Binary(left, _, right)
            | Node::Arithmetic { left, right, .. }
            | Node::Postgres { left, right, .. }
            | Node::Like { node: left, pattern: right, .. } => [left, right].into_iter().for_each(|inner| node(inner)),
            Node::Between { node: inner, low, high } => [inner, low, high].into_iter().for_each(|inner| node(inner)),
            Node::In { node: inner, list } => {
                node(inner);
                list.iter().for_each(node);
            }
            Node::RowIn { row, .. } => row.iter().for_each(node),
            Node::InQuery { row, query } => {
                row.iter().for_each(node);
                visit(NodePart::Query(query));
            }
            Node::Exists(query) | Node::Scalar(query) => visit(NodePart::Query(query)),
            Node::Function { arguments, .. } => arguments.iter().for_each(node),
            Node::JsonObject(members) => members.iter().for_each(|(_, member)| node(member)),
            Node::JsonArray { item, order_by } => {
                node(item);
                order_by.iter().for_each(|order| node(&order.node));
            }
            Node::Aggregate(aggregate) => {
                aggregate.argument.iter().for_each(&mut node);
                aggregate.filter.iter().for_each(&mut node);
                aggregate.order_by.iter().for_each(|order| node(&order.node));
            }
            Node::Over { function, window } => {
                node(function);
                window.partition_by.iter().for_each(&mut node);
                window.order_by.iter().for_each(|order| node(&order.node));
            }
            Node::When { branches, otherwise } => {
                for (condition, then) in branches {
                    node(condition);
                    node(then);
                }
                otherwise.iter().for_each(|inner| node(inner));
            }
        }
    }
}

/// Expressions that are being collected.
#[doc(hidden)]
#[derive(Debug, Clone, Default)]
pub struct Nodes(pub(crate) Vec<Node>);

/// What an expression is made of.
enum NodePart<'a> {
    Column(&'a str, &'a str),
    Node(&'a Node),
    Query(&'a SelectNode),
}
