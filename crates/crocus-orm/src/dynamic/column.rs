//! Columns by their descriptions: their values, and what can be asked of them.

use crate::Result;
use crate::expr::node::{Binary, Case, JsonStep, Name, Node};
use crate::expr::{Expr, Nulls, Order};
use crate::json::Rule;
use crate::table::{self, ColumnDef, ColumnType, TableDef};
use crate::value::{Value, by_type};

/// A column of a table, or a value in its JSON document.
#[derive(Debug, Clone, PartialEq)]
pub struct DynamicColumn {
    pub(super) node: Node,
    pub(super) ty: ColumnType,
    pub(super) nullable: bool,
}

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

    /// The value of an element in its document, counted from 0.
    #[must_use]
    pub fn element(self, index: u32) -> DynamicColumn {
        self.step(JsonStep::Index(index))
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

    /// Decimals by their number, also where they are kept as text.
    pub(super) fn by_value(&self) -> Node {
        let node = self.node.clone();
        if self.ty == ColumnType::Decimal { Node::Number(Box::new(node)) } else { node }
    }

    fn bound(&self, value: Value) -> Node {
        Node::Bound { value, ty: self.ty }
    }
}
