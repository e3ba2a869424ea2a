//! Reading the row with a key, which every program asks most. Its SQL is built once for each choice of columns, and with it
//! that for many keys.

use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use foldhash::HashMap;
use sea_query::ArrayType;

use super::node::SelectNode;
use crate::expr::node::{Binary, Node, Source};
use crate::statement::{Access, KeyRead, Statement};
use crate::table::{ColumnDef, ColumnType, TableDef};
use crate::value::{Value, is_null};
use crate::{Dialect, Result};

/// Choices of columns that are kept of a table. A program has a few; this only bounds one that makes new ones without end.
const CHOICES: usize = 64;

/// The SQL for the row with a key.
#[derive(Debug)]
pub(crate) struct Shape {
    columns: Vec<Node>,
    /// Whether it was asked for as a row, with all its columns.
    is_row: bool,
    one: Arc<str>,
    many: Option<Arc<KeyRead>>,
}

/// The shapes of each table, by the place of its description.
type Shapes = HashMap<(usize, Dialect), Vec<Arc<Shape>>>;

static SHAPES: LazyLock<RwLock<Shapes>> = LazyLock::new(RwLock::default);

/// The statement for a query that asks for columns of the row with a key, and for nothing else. None for any other.
pub(super) fn statement(node: &SelectNode, dialect: Dialect) -> Result<Option<Statement>> {
    let Some((_, key)) = key_of(node) else { return Ok(None) };
    Ok(shape_of(node, dialect)?.map(|shape| shape.statement(key.clone())))
}

/// The SQL for such a query, whatever its key.
pub(crate) fn shape_of(node: &SelectNode, dialect: Dialect) -> Result<Option<Arc<Shape>>> {
    let Some((column, _)) = key_of(node) else { return Ok(None) };
    let is_wanted = |shape: &Shape| shape.columns == node.columns;
    shape(node.root, dialect, is_wanted, || Shape::build(node, column, dialect)).map(Some)
}

/// The same for all columns of a row. None where the key has several columns, or is not to be shown.
pub(super) fn of_row(table: &'static TableDef, dialect: Dialect) -> Result<Option<Arc<Shape>>> {
    let mut columns = table.primary_key();
    let (Some(column), None) = (columns.next(), columns.next()) else { return Ok(None) };
    if column.sensitive {
        return Ok(None);
    }
    let build = || {
        let mut node = SelectNode::of(table);
        let key = Node::column(table.name, column.name);
        node.filter.push(key.binary(Binary::Eq, Node::Value(Value::Int(Some(0)))));
        Ok(Shape { is_row: true, ..Shape::build(&node, column, dialect)? })
    };
    shape(table, dialect, |shape| shape.is_row, build).map(Some)
}

fn shape(
    table: &'static TableDef,
    dialect: Dialect,
    is_wanted: impl Fn(&Shape) -> bool,
    build: impl FnOnce() -> Result<Shape>,
) -> Result<Arc<Shape>> {
    let table = (std::ptr::from_ref(table) as usize, dialect);
    let found = {
        let shapes = SHAPES.read().unwrap_or_else(PoisonError::into_inner);
        let of_table = shapes.get(&table).map(Vec::as_slice).unwrap_or_default();
        of_table.iter().find(|shape| is_wanted(shape)).cloned()
    };
    if let Some(shape) = found {
        return Ok(shape);
    }
    let shape = Arc::new(build()?);
    let mut shapes = SHAPES.write().unwrap_or_else(PoisonError::into_inner);
    let of_table = shapes.entry(table).or_default();
    if of_table.len() >= CHOICES {
        of_table.clear();
    }
    of_table.push(shape.clone());
    Ok(shape)
}

/// The key's column and its value, where the query is nothing but that. At most one row has it: an order and a limit say
/// nothing more.
fn key_of(node: &SelectNode) -> Option<(&'static ColumnDef, &Value)> {
    let Source::Table { table, alias: None } = &node.from else { return None };
    let [Node::Binary(left, Binary::Eq, right)] = &node.filter[..] else { return None };
    let (Node::Column { table: of, name }, Node::Value(key) | Node::Bound { value: key, .. }) = (&**left, &**right)
    else {
        return None;
    };
    let mut columns = table.primary_key();
    let (Some(column), None) = (columns.next(), columns.next()) else { return None };
    let is_only = *of == table.name
        && *name == column.name
        && !column.sensitive
        && !is_null(key)
        && node.joins.is_empty()
        && node.beside.is_empty()
        && !node.distinct
        && node.distinct_on.is_empty()
        && node.group_by.is_empty()
        && node.having.is_empty()
        && node.set.is_empty()
        && node.limit != Some(0)
        && node.offset.is_none()
        && node.lock.is_none()
        && node.refused.is_none()
        && node.columns.iter().all(|column| matches!(column, Node::Column { table: of, .. } if *of == table.name));
    is_only.then_some((column, key))
}

/// Whether conditions that must all be true are of one row: each column of the primary key is equal to a value.
pub(super) fn names_one(table: &TableDef, conditions: &[Node]) -> bool {
    fn equals(node: &Node, table: &TableDef, column: &str) -> bool {
        match node {
            Node::Binary(left, Binary::And, right) => equals(left, table, column) || equals(right, table, column),
            Node::Binary(left, Binary::Eq, right) => {
                let of_key =
                    matches!(&**left, Node::Column { table: of, name } if *of == table.name && *name == column);
                of_key && matches!(**right, Node::Value(_) | Node::Bound { .. })
            }
            _ => false,
        }
    }
    let mut key = table.primary_key().peekable();
    key.peek().is_some() && key.all(|column| conditions.iter().any(|node| equals(node, table, column.name)))
}

impl Shape {
    pub(crate) fn statement(&self, key: Value) -> Statement {
        Statement::by_key(self.one.clone(), key, self.many.clone())
    }

    fn build(node: &SelectNode, column: &ColumnDef, dialect: Dialect) -> Result<Shape> {
        let mut query = node.clone();
        query.order_by.clear();
        query.limit = None;
        let one = Statement::build(dialect, Access::Read, &query.build(dialect)?).sql;
        let many = match (dialect, array_of(column.ty)) {
            (Dialect::Postgres, Some(array)) => {
                let key = Node::column(node.root.name, column.name);
                let sql = format!("{}.{} = ANY($1)", dialect.quote(node.root.name), dialect.quote(column.name));
                let keys = Value::Array(array.clone(), Some(Box::default()));
                query.columns.push(key);
                query.filter = vec![Node::Raw { sql: sql.into(), values: vec![keys] }];
                let many = Statement::build(dialect, Access::Read, &query.build(dialect)?).sql;
                Some(Arc::new(KeyRead { many, array, key: node.columns.len() }))
            }
            _ => None,
        };
        Ok(Shape { columns: node.columns.clone(), is_row: false, one, many })
    }
}

/// The array of keys of a type whose values are equal exactly where they are the same. Texts, for one, can be equal by the
/// rules of a language.
fn array_of(ty: ColumnType) -> Option<ArrayType> {
    match ty {
        ColumnType::SmallInteger => Some(ArrayType::SmallInt),
        ColumnType::Integer => Some(ArrayType::Int),
        ColumnType::BigInteger => Some(ArrayType::BigInt),
        #[cfg(feature = "uuid")]
        ColumnType::Uuid => Some(ArrayType::Uuid),
        _ => None,
    }
}
