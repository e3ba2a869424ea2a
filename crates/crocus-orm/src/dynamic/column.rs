//! Columns by their descriptions: their values, and what can be asked of them.

use crate::Result;
use crate::expr::node::{self, AggregateNode, Function, JsonStep, Name, Node};
use crate::json::Rule;
use crate::table::{ColumnDef, ColumnType, TableDef};
use crate::value::{Value, by_type};

/// A column of a table, or a value in its JSON document.
#[derive(Debug, Clone, PartialEq)]
pub struct DynamicColumn {
    pub(super) node: Node,
    pub(super) ty: ColumnType,
    pub(super) nullable: bool,
}

/// The functions of many rows that a query in a URL has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Aggregate {
    /// The average of numbers: with a fraction also where they are integers.
    Avg,
    /// The number of values that are not NULL.
    Count,
    /// The largest value.
    Max,
    /// The smallest value.
    Min,
    /// The sum of numbers: a `BigInteger` where they are integers.
    Sum,
}

impl DynamicColumn {
    /// A column of a table, which a query reads under its own name.
    pub fn new(table: &'static TableDef, column: &'static ColumnDef) -> DynamicColumn {
        let node = Node::column(Name::Borrowed(table.name), column.name);
        DynamicColumn { node, ty: column.ty, nullable: column.nullable }
    }

    /// The value of a member in its document.
    #[must_use]
    pub fn member(self, name: impl Into<String>) -> DynamicColumn {
        self.step(JsonStep::Key(name.into()))
    }

    /// The value of an element in its document: counted from 0, and from the last, which is -1, where it is negative.
    #[must_use]
    pub fn element(self, index: i32) -> DynamicColumn {
        self.step(JsonStep::Index(index.into()))
    }

    /// The value in its document as text: a string without its quotes, and any other value as JSON writes it.
    #[must_use]
    pub fn text(self) -> DynamicColumn {
        match self.node {
            Node::Json { node, path, .. } => {
                let ty = ColumnType::Text;
                DynamicColumn { node: Node::Json { node, path, ty }, ty, nullable: true }
            }
            node => DynamicColumn { node, ..self },
        }
    }

    fn step(self, step: JsonStep) -> DynamicColumn {
        let (node, mut path) = match self.node {
            Node::Json { node, path, .. } => (node, path),
            node => (Box::new(node), Vec::new()),
        };
        path.push(step);
        let ty = ColumnType::Json;
        DynamicColumn { node: Node::Json { node, path, ty }, ty, nullable: true }
    }

    /// The value as another type, as SQL's CAST makes it: a number loses its fraction where the type has none, and a
    /// date or a time is in the text that JSON has for it. A text that is no value of the type is an error when the
    /// query runs ([`ErrorKind::InvalidValue`](crate::ErrorKind::InvalidValue)). [`casts_to`](Self::casts_to) is to be
    /// asked first.
    #[must_use]
    pub fn cast(self, to: ColumnType) -> DynamicColumn {
        let DynamicColumn { node, ty: from, nullable } = self;
        let node = match (from, to) {
            _ if from == to => node,
            (ColumnType::Double, ColumnType::Text) => written(node, from),
            (from, ColumnType::Text) if is_time(from) => written(node, from),
            (ColumnType::Text, to) | (ColumnType::Double, to @ ColumnType::Decimal) => {
                Node::Function { function: Function::Read(to), arguments: vec![node] }
            }
            (from, to) if is_number(from) && is_number(to) => {
                let node = Node::Cast { node: Box::new(node), from, to };
                Node::Function { function: Function::Read(to), arguments: vec![node] }
            }
            _ => Node::Cast { node: Box::new(node), from, to },
        };
        DynamicColumn { node, ty: to, nullable }
    }

    /// Whether its values can be made values of another type.
    pub fn casts_to(&self, to: ColumnType) -> bool {
        let from = self.ty;
        from == to
            || match to {
                ColumnType::Text => !matches!(from, ColumnType::Array(_) | ColumnType::Binary),
                ColumnType::Integer if from == ColumnType::Boolean => true,
                ColumnType::Date if matches!(from, ColumnType::DateTime | ColumnType::Timestamp) => true,
                ColumnType::Array(_) | ColumnType::Binary | ColumnType::Enum(_) => false,
                to => from == ColumnType::Text || (is_number(from) && is_number(to)),
            }
    }

    /// A function of its values in many rows; none where its type has no such function on every database.
    pub fn aggregate(self, function: Aggregate) -> Option<DynamicColumn> {
        let from = self.ty;
        let (function, ty) = match function {
            Aggregate::Count => (node::Aggregate::Count, ColumnType::BigInteger),
            Aggregate::Sum if is_integer(from) => (node::Aggregate::Sum, ColumnType::BigInteger),
            Aggregate::Sum if is_number(from) => (node::Aggregate::Sum, from),
            Aggregate::Avg if is_integer(from) => (node::Aggregate::Average, ColumnType::Double),
            Aggregate::Avg if is_number(from) => (node::Aggregate::Average, from),
            Aggregate::Max if has_extremes(from) => (node::Aggregate::Max, from),
            Aggregate::Min if has_extremes(from) => (node::Aggregate::Min, from),
            _ => return None,
        };
        let nullable = function != node::Aggregate::Count;
        let is_extreme = matches!(function, node::Aggregate::Max | node::Aggregate::Min);
        let argument = Some(if is_extreme { self.by_value() } else { self.node });
        let node = AggregateNode { function, argument, ty: from, distinct: false, filter: None, order_by: Vec::new() };
        Some(DynamicColumn { node: Node::Aggregate(Box::new(node)), ty, nullable })
    }

    /// The number of rows.
    pub fn count_rows() -> DynamicColumn {
        DynamicColumn { node: Node::count_rows(), ty: ColumnType::BigInteger, nullable: false }
    }

    /// Its type.
    pub fn ty(&self) -> ColumnType {
        self.ty
    }

    /// Whether patterns can be asked of it.
    pub fn is_text(&self) -> bool {
        self.ty == ColumnType::Text
    }

    /// A value of its type, as a URL has it: numbers and truth values as JSON writes them, everything else as the text
    /// in JSON's string.
    ///
    /// # Errors
    /// The rule that it breaks, such as `must be an integer`.
    pub fn parse(&self, text: &str) -> Result<Value, Rule> {
        by_type::from_text(text, self.ty)
    }

    /// Decimals by their number, also where they are kept as text.
    pub(super) fn by_value(&self) -> Node {
        let node = self.node.clone();
        if self.ty == ColumnType::Decimal { Node::Number(Box::new(node)) } else { node }
    }
}

fn is_integer(ty: ColumnType) -> bool {
    matches!(ty, ColumnType::SmallInteger | ColumnType::Integer | ColumnType::BigInteger)
}

fn is_number(ty: ColumnType) -> bool {
    is_integer(ty) || matches!(ty, ColumnType::Double | ColumnType::Decimal)
}

pub(super) fn is_time(ty: ColumnType) -> bool {
    matches!(ty, ColumnType::Date | ColumnType::Time | ColumnType::DateTime | ColumnType::Timestamp)
}

/// PostgreSQL has `max` and `min` of these, and of no truth values, UUIDs, bytes or documents ("Aggregate Functions").
fn has_extremes(ty: ColumnType) -> bool {
    is_number(ty) || is_time(ty) || matches!(ty, ColumnType::Text | ColumnType::Enum(_))
}

/// A value in the text that JSON has for it.
fn written(node: Node, ty: ColumnType) -> Node {
    let constant = |sql| Node::Constant(sql);
    let json = Node::JsonValue { node: Box::new(node), ty: Some(ty) };
    let text = Node::Function { function: Function::Trim, arguments: vec![json, constant("'\"'")] };
    Node::Function { function: Function::NullIf, arguments: vec![text, constant("'null'")] }
}
