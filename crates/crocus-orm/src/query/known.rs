//! The SQL of statements like those that were sent before. The text of a statement follows from its shape: all of it but
//! the bound values. So it is built once for each shape, and later statements of that shape bring their values only.

use std::cell::RefCell;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use foldhash::HashMap;

use super::by_key;
use super::node::{Join, SelectNode};
use crate::expr::Order;
use crate::expr::node::{Node, Source};
use crate::lower::MOST;
use crate::statement::{Access, Statement};
use crate::table::TableDef;
use crate::value::Value;
use crate::{Dialect, Result};

/// Shapes that are remembered. A program asks a few fixed ones; this only bounds what clients can make of a grammar.
const SHAPES: usize = 1_024;

/// Items of a list in a shape: each number of items is a shape of its own.
const ITEMS: usize = 32;

static KNOWN: LazyLock<RwLock<HashMap<Box<[u8]>, Known>>> = LazyLock::new(RwLock::default);

/// What follows from a shape.
struct Known {
    sql: Arc<str>,
    has_secret: bool,
}

/// A statement's shape as bytes, and its values in the order of the text.
pub(super) struct Shape<'a> {
    key: &'a mut Vec<u8>,
    values: Vec<Value>,
}

/// `None` where the text does not follow from the shape, or where telling the shape is as much as building the text.
pub(super) type Told = Option<()>;

/// What kind of statement a shape is of.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Query,
    Update,
    /// An insert of one row.
    Insert,
    /// The same, of a model.
    Row,
}

/// The statement of a query.
///
/// # Errors
/// When it uses a column of a table that it does not read, or the dialect lacks something.
pub(crate) fn statement(node: &SelectNode, dialect: Dialect) -> Result<Statement> {
    if let Some(statement) = by_key::statement(node, dialect)? {
        return Ok(statement);
    }
    // A lock is no matter of a copy that only reads, nor of a transaction that does.
    let access = if node.lock.is_some() { Access::Write } else { Access::Read };
    let build = || Ok((Statement::build(dialect, access, &node.build(dialect)?), node.has_secret()));
    known(dialect, access, |shape| shape.query(node), build)
}

/// The statement of a write, by what is told of its shape or else as it is built.
pub(super) fn write(
    dialect: Dialect,
    tell: impl FnOnce(&mut Shape<'_>) -> Told,
    build: impl FnOnce() -> Result<Statement>,
) -> Result<Statement> {
    known(dialect, Access::Write, tell, || Ok((build()?, false)))
}

fn known(
    dialect: Dialect,
    access: Access,
    tell: impl FnOnce(&mut Shape<'_>) -> Told,
    build: impl FnOnce() -> Result<(Statement, bool)>,
) -> Result<Statement> {
    thread_local!(static KEY: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
    KEY.with_borrow_mut(|key| {
        key.clear();
        key.push(dialect as u8);
        let mut shape = Shape { key, values: Vec::with_capacity(4) };
        let told = tell(&mut shape);
        let Shape { key, values } = shape;
        if told.is_some()
            && let Some(known) = KNOWN.read().unwrap_or_else(PoisonError::into_inner).get(&**key)
        {
            return Ok(known.statement(access, values));
        }
        let (built, has_secret) = build()?;
        let known = Known { sql: built.sql.clone(), has_secret };
        let statement = if has_secret { built.all_sensitive() } else { built };
        // That the values are those of the text, in its order, is seen here and not only believed.
        if told.is_some() && values.iter().eq(statement.values.iter()) {
            let mut all = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
            if all.len() >= SHAPES {
                all.clear();
            }
            all.insert(key.as_slice().into(), known);
        }
        Ok(statement)
    })
}

impl Known {
    fn statement(&self, access: Access, values: Vec<Value>) -> Statement {
        let statement = Statement::of(access, self.sql.clone(), values);
        // Nothing in a shape that can be told gives another answer the second time.
        let statement = if access == Access::Read { statement.of_same_rows() } else { statement };
        if self.has_secret { statement.all_sensitive() } else { statement }
    }
}

impl Shape<'_> {
    /// An update of the rows for which all conditions are true.
    pub(super) fn update(
        &mut self,
        table: &'static TableDef,
        set: &[(&'static str, Node)],
        filter: &[Node],
        returning: &[Node],
    ) -> Told {
        self.key.push(Kind::Update as u8);
        std::ptr::hash(table, self);
        self.key.push(number(set.len())?);
        for (column, node) in set {
            column.hash(self);
            self.node(node)?;
        }
        self.nodes(filter)?;
        self.nodes(returning)
    }

    /// An insert of one row, which gives these back.
    pub(super) fn insert(&mut self, table: &'static TableDef, row: &[(usize, Value)], returning: &[Node]) -> Told {
        self.key.push(Kind::Insert as u8);
        self.brought(table, row)?;
        self.nodes(returning)
    }

    /// An insert of one row, which gives back all of it.
    pub(super) fn row(&mut self, table: &'static TableDef, row: &[(usize, Value)]) -> Told {
        self.key.push(Kind::Row as u8);
        self.brought(table, row)
    }

    fn brought(&mut self, table: &'static TableDef, row: &[(usize, Value)]) -> Told {
        std::ptr::hash(table, self);
        self.key.push(number(row.len())?);
        row.iter().try_for_each(|(column, value)| {
            column.hash(self);
            self.value(value)
        })
    }

    fn query(&mut self, node: &SelectNode) -> Told {
        let SelectNode { root, distinct, distinct_on, columns, from, joins, beside: _, filter, .. } = node;
        let SelectNode { group_by, having, set, order_by, limit, offset, lock, refused, .. } = node;
        // What rows are grouped by is a column's number where it is the same as that column, values and all.
        let orders = order_by.iter().map(|order| &order.node).filter(|_| !group_by.is_empty());
        let is_by_value = group_by.iter().chain(orders).any(|node| !matches!(node, Node::Column { .. }));
        if *distinct || is_by_value || !distinct_on.is_empty() || !set.is_empty() || refused.is_some() {
            return None;
        }
        self.key.push(Kind::Query as u8);
        std::ptr::hash(*root, self);
        self.nodes(columns)?;
        self.source(from)?;
        self.key.push(number(joins.len())?);
        for Join { kind, source, on, eager: _ } in joins {
            self.key.push(*kind as u8);
            self.source(source)?;
            self.node(on)?;
        }
        self.nodes(filter)?;
        self.nodes(group_by)?;
        self.nodes(having)?;
        self.orders(order_by)?;
        self.key.extend([limit.is_some().into(), offset.is_some().into(), lock.map_or(u8::MAX, |lock| lock as u8)]);
        for bound in [limit, offset].into_iter().flatten() {
            self.values.push(Ord::min(*bound, MOST).into());
        }
        Some(())
    }

    fn source(&mut self, source: &Source) -> Told {
        let alias = match source {
            Source::Table { table, alias } => {
                self.key.push(0);
                std::ptr::hash(*table, self);
                alias.as_ref()
            }
            Source::Query { query, alias } => {
                self.key.push(1);
                self.query(query)?;
                Some(alias)
            }
            Source::Cte { .. } | Source::Itself { .. } => return None,
        };
        alias.hash(self);
        Some(())
    }

    fn nodes(&mut self, nodes: &[Node]) -> Told {
        self.key.push(number(nodes.len())?);
        nodes.iter().try_for_each(|node| self.node(node))
    }

    fn orders(&mut self, orders: &[Order]) -> Told {
        self.key.push(number(orders.len())?);
        orders.iter().try_for_each(|Order { node, ty: _, descending, nulls }| {
            self.key.extend([u8::from(*descending), nulls.map_or(u8::MAX, |nulls| nulls as u8)]);
            self.node(node)
        })
    }

    fn value(&mut self, value: &Value) -> Told {
        // The text has the type of these.
        if matches!(value, Value::Enum(_) | Value::Array(..)) {
            return None;
        }
        self.values.push(value.clone());
        Some(())
    }

    fn node(&mut self, node: &Node) -> Told {
        match node {
            Node::Column { table, name } => {
                self.key.push(0);
                table.hash(self);
                name.hash(self);
            }
            Node::Value(value) => {
                self.key.push(1);
                self.value(value)?;
            }
            Node::Bound { value, ty } => {
                self.key.push(2);
                ty.hash(self);
                self.value(value)?;
            }
            Node::Constant(text) => {
                self.key.push(3);
                text.hash(self);
            }
            Node::Not(inner) => {
                self.key.push(4);
                self.node(inner)?;
            }
            Node::IsNull(inner) => {
                self.key.push(5);
                self.node(inner)?;
            }
            Node::Number(inner) => {
                self.key.push(6);
                self.node(inner)?;
            }
            Node::Is { node, truth } => {
                self.key.extend([7, u8::from(*truth)]);
                self.node(node)?;
            }
            Node::Binary(left, operator, right) => {
                self.key.extend([8, *operator as u8]);
                self.node(left)?;
                self.node(right)?;
            }
            Node::Between { node, low, high } => {
                self.key.push(9);
                [node, low, high].into_iter().try_for_each(|node| self.node(node))?;
            }
            Node::In { node, list } if list.len() <= ITEMS => {
                self.key.push(10);
                self.node(node)?;
                self.nodes(list)?;
            }
            Node::Like { node, pattern, case } => {
                self.key.extend([11, *case as u8]);
                self.node(node)?;
                self.node(pattern)?;
            }
            Node::Exists(query) => {
                self.key.push(12);
                self.query(query)?;
            }
            Node::Scalar(query) => {
                self.key.push(13);
                self.query(query)?;
            }
            Node::Aggregate(aggregate) if aggregate.is_plain_count() => self.key.push(14),
            Node::JsonValue { node, ty } => {
                self.key.push(15);
                ty.hash(self);
                self.node(node)?;
            }
            Node::Arithmetic { left, operator, right, ty } => {
                self.key.extend([16, *operator as u8]);
                ty.hash(self);
                self.node(left)?;
                self.node(right)?;
            }
            _ => return None,
        }
        Some(())
    }
}

/// How many, where it is few.
fn number(of: usize) -> Option<u8> {
    u8::try_from(of).ok()
}

/// What types tell of themselves when they are hashed is what the shape is told by: each ends where the next begins.
impl Hasher for Shape<'_> {
    fn write(&mut self, bytes: &[u8]) {
        self.key.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        // Nobody asks: the map hashes the key.
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::node::{Binary, Case};
    use crate::table::{ColumnDef, ColumnType, ReadJson};

    const fn described(name: &'static str, ty: ColumnType, from_json: ReadJson) -> ColumnDef {
        ColumnDef {
            name,
            field: name,
            ty,
            sql_type: None,
            collation: None,
            nullable: false,
            primary_key: false,
            identity: false,
            default: None,
            default_with: None,
            generated: None,
            version: false,
            sensitive: false,
            comment: None,
            renamed_from: None,
            from_json,
        }
    }

    static CARS: TableDef = TableDef {
        name: "cars",
        schema: None,
        bind: None,
        model: "Car",
        comment: None,
        renamed_from: None,
        columns: &[
            ColumnDef { primary_key: true, ..described("id", ColumnType::Integer, ReadJson::of::<i32>()) },
            described("name", ColumnType::Text, ReadJson::of::<String>()),
            ColumnDef { sensitive: true, ..described("price", ColumnType::Integer, ReadJson::of::<i32>()) },
        ],
        uniques: &[],
        indexes: &[],
        checks: &[],
        foreign_keys: &[],
    };

    fn column(name: &'static str) -> Node {
        Node::column("cars", name)
    }

    fn value(value: impl Into<Value>, ty: ColumnType) -> Node {
        Node::Bound { value: value.into(), ty }
    }

    /// Queries of one shape each, with other values for each number.
    fn queries(number: i32) -> Vec<SelectNode> {
        let all = || SelectNode::of(&CARS);
        let filtered = |filter: Vec<Node>| SelectNode { filter, ..all() };
        let order = |name, descending| Order { node: column(name), ty: ColumnType::Text, descending, nulls: None };
        let integer = |at: i32| value(number + at, ColumnType::Integer);
        let text = || value(format!("car {number}"), ColumnType::Text);
        let like = Node::Like { node: column("name").into(), pattern: text().into(), case: Case::Insensitive };
        let list = vec![integer(1), integer(2), integer(3)];
        vec![
            all(),
            SelectNode { limit: Some(number.unsigned_abs().into()), offset: Some(7), ..all() },
            SelectNode { order_by: vec![order("name", true), order("id", false)], limit: Some(2), ..all() },
            filtered(vec![column("id").binary(Binary::Gt, integer(0)), like]),
            filtered(vec![column("id").binary(Binary::Ge, integer(0)).and(column("name").binary(Binary::Ne, text()))]),
            filtered(vec![column("price").binary(Binary::Eq, integer(0))]),
            filtered(vec![Node::In { node: column("id").into(), list: list[..2].to_vec() }]),
            filtered(vec![Node::In { node: column("id").into(), list }]),
            filtered(vec![Node::Between {
                node: column("id").into(),
                low: integer(0).into(),
                high: integer(9).into(),
            }]),
            filtered(vec![Node::Not(Node::IsNull(column("name").into()).into())]),
            filtered(vec![Node::Exists(filtered(vec![column("id").binary(Binary::Lt, integer(5))]).into())]),
            all().counted(),
        ]
    }

    #[test]
    fn a_known_query_is_what_would_be_built() {
        for dialect in Dialect::ALL {
            let shown = |statement: Statement| (statement.sql().to_owned(), format!("{:?}", statement.values));
            for number in [1, 20, 300] {
                for node in queries(number) {
                    let built = Statement::build(dialect, Access::Read, &node.build(dialect).unwrap());
                    let built = if node.has_secret() { built.all_sensitive() } else { built };
                    assert_eq!(shown(statement(&node, dialect).unwrap()), shown(built));
                }
            }
            let known = |node: &SelectNode| {
                let mut key = vec![dialect as u8];
                Shape { key: &mut key, values: Vec::new() }.query(node)?;
                KNOWN.read().unwrap().get(&*key).map(|known| known.sql.clone())
            };
            let mut texts: Vec<_> = queries(4000).iter().map(|node| known(node).expect("it came before")).collect();
            texts.sort();
            texts.dedup();
            assert_eq!(texts.len(), queries(1).len(), "{texts:?}");
        }
    }
}
