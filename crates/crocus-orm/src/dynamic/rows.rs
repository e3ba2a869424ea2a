//! Queries whose rows are JSON text, with the rows of relationships inside them: one statement each.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value as Json;

use super::column::is_time;
use super::{DynamicColumn, Related, Source};
use crate::Result;
use crate::engine::Target;
use crate::expr::node::{self, Node};
use crate::expr::{Expr, Order};
use crate::query::Select;
use crate::query::node::SelectNode;
use crate::query::shape::{RowsRead, Shape};
use crate::row::Row;
use crate::table::ColumnType;
use crate::value::by_type;

/// What rows a query has, and what of each.
#[derive(Debug, Clone)]
pub struct Rows {
    /// The table.
    pub source: Source,
    /// What each row has, under its name. Where one is an aggregate, the rows are grouped by the others.
    pub members: Vec<(String, Member)>,
    /// What must be true of each row.
    pub filter: Vec<Expr<bool>>,
    /// In which order they come.
    pub order: Vec<Order>,
    /// The most rows.
    pub limit: Option<u64>,
    /// How many rows are left out at the start.
    pub offset: Option<u64>,
}

/// What a row has under a name.
#[derive(Debug, Clone)]
pub enum Member {
    /// A value.
    Value(DynamicColumn),
    /// The rows that a relationship leads to, whose source is the relationship's `to`. To one row: an object or null,
    /// whatever the order and the bounds. To many: an array.
    Related(Related, Rows),
    /// The rows that a relationship to many leads to as an array for each of their members, in the same order. They
    /// stand in the row itself, each under its own name. Only values and relationships can be spread so.
    Spread(Related, Rows),
}

/// A row as a JSON object, in UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JsonRow(pub Vec<u8>);

/// The rows as a query. The rows of relationships are part of its one statement, and of its one snapshot.
///
/// Pages by cursor and what else asks for the rows of a table are refused where the rows are grouped.
pub fn select(rows: Rows) -> Select<JsonRow> {
    let (mut node, members) = rows.lower(None);
    if node.columns.is_empty() {
        // SQLite has no query without a column.
        node.columns.push(Node::Constant("NULL"));
    }
    let written = |(name, form)| (format!("{}:", Json::String(name)).into_bytes(), form);
    let shape = Members(members.into_iter().map(written).collect());
    Select { node, shape: Arc::new(shape), mapped: false }
}

/// How a column of a query stands in JSON.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    Value(ColumnType),
    /// It is JSON text already.
    Written,
}

/// The name under which a query around reads the rows.
const INSIDE: &str = "rows";

impl Member {
    fn value(&self) -> Option<&DynamicColumn> {
        match self {
            Member::Value(column) => Some(column),
            Member::Related(..) | Member::Spread(..) => None,
        }
    }
}

impl Rows {
    /// All the rows of a source, with nothing of them.
    pub fn new(source: Source) -> Rows {
        Rows { source, members: Vec::new(), filter: Vec::new(), order: Vec::new(), limit: None, offset: None }
    }

    /// Whether a member is an aggregate, so that the rows are those of groups.
    pub fn is_grouped(&self) -> bool {
        self.members.iter().filter_map(|(_, member)| member.value()).any(|column| column.node.has_aggregate())
    }

    /// The first order that the rows cannot have since they are grouped: it is neither by a member nor by an aggregate.
    /// The query would be refused by PostgreSQL, and its order would mean nothing on SQLite.
    pub fn meaningless_order(&self) -> Option<usize> {
        let grouped: Vec<Node> = match self.is_grouped() {
            true => self.members.iter().filter_map(|(_, member)| member.value().map(DynamicColumn::by_value)).collect(),
            false => return None,
        };
        self.order.iter().position(|order| !order.node.has_aggregate() && !grouped.contains(&order.node))
    }

    /// The query with a column for each member, and how each stands in JSON; where a relationship leads to them, of the
    /// rows that it leads to from a row of the query around.
    fn lower(self, related: Option<&Related>) -> (SelectNode, Vec<(String, Form)>) {
        let grouped = self.is_grouped();
        let mut query = related.map_or_else(|| self.source.rows(), Related::rows);
        let mut members = Vec::with_capacity(self.members.len());
        for (name, member) in self.members {
            match member {
                Member::Value(column) => {
                    let is_key = grouped && !column.node.has_aggregate();
                    if is_key {
                        query.group_by.push(column.by_value());
                    }
                    let DynamicColumn { node, ty, .. } = column;
                    let is_made = !is_key && !matches!(node, Node::Column { .. });
                    let (node, form) = if is_made && (ty == ColumnType::Decimal || is_time(ty)) {
                        // PostgreSQL makes numbers with more digits, and times further away, than can be read.
                        (Node::JsonValue { node: Box::new(node), ty: Some(ty) }, Form::Written)
                    } else {
                        (node, Form::Value(ty))
                    };
                    query.columns.push(node);
                    members.push((name, form));
                }
                Member::Related(related, rows) => {
                    if grouped {
                        query.group_by.extend(related.keys());
                    }
                    query.columns.push(if related.is_one() { rows.one(&related) } else { rows.many(&related) });
                    members.push((name, Form::Written));
                }
                Member::Spread(related, rows) => {
                    if grouped {
                        query.group_by.extend(related.keys());
                    }
                    for (name, array) in rows.spread(&related) {
                        query.columns.push(array);
                        members.push((name, Form::Written));
                    }
                }
            }
        }
        query.filter.extend(self.filter.into_iter().map(|condition| condition.node));
        query.order_by = self.order;
        (query.limit, query.offset) = (self.limit, self.offset);
        (query, members)
    }

    /// The object of the row that a relationship to one leads to.
    fn one(mut self, related: &Related) -> Node {
        (self.order, self.limit, self.offset) = (Vec::new(), Some(1), None);
        let (query, members) = self.lower(Some(related));
        let object = object(&query, members);
        Node::Scalar(Box::new(around(query, object)))
    }

    /// The array of the rows that a relationship to many leads to.
    fn many(self, related: &Related) -> Node {
        let (mut query, members) = self.lower(Some(related));
        let item = object(&query, members);
        let order_by = ordered(&mut query);
        Node::Scalar(Box::new(around(query, Node::JsonArray { item: Box::new(item), order_by })))
    }

    /// An array for each member of the rows that a relationship to many leads to.
    fn spread(mut self, related: &Related) -> Vec<(String, Node)> {
        if !self.is_grouped() {
            // Rows that are equal in the order would stand in another order in each array.
            self.order.extend(self.source.table().primary_key().map(|key| self.source.column(key).order(false, None)));
        }
        let (mut query, members) = self.lower(Some(related));
        let members: Vec<_> = values(&query, members).collect();
        let order_by = ordered(&mut query);
        let array = |(name, item)| {
            let array = Node::JsonArray { item: Box::new(item), order_by: order_by.clone() };
            (name, Node::Scalar(Box::new(around(query.clone(), array))))
        };
        members.into_iter().map(array).collect()
    }
}

/// The members of a query's rows, as JSON text for a query around it.
fn values(query: &SelectNode, members: Vec<(String, Form)>) -> impl Iterator<Item = (String, Node)> {
    members.into_iter().zip(query.labels()).map(|((name, form), label)| {
        let node = Box::new(Node::column(INSIDE, label));
        let ty = match form {
            Form::Value(ty) => Some(ty),
            Form::Written => None,
        };
        (name, Node::JsonValue { node, ty })
    })
}

fn object(query: &SelectNode, members: Vec<(String, Form)>) -> Node {
    Node::JsonObject(values(query, members).collect())
}

/// The order of a query's rows for a query around it, which reads each key as a column: one that is there, since two
/// expressions with bound values are never the same to PostgreSQL, or one more.
fn ordered(query: &mut SelectNode) -> Vec<Order> {
    let orders = query.order_by.clone();
    let mut places = Vec::with_capacity(orders.len());
    for order in &orders {
        let value = order.node.value();
        let place = query.columns.iter().position(|column| column.value() == value);
        places.push(place.unwrap_or(query.columns.len()));
        if place.is_none() {
            query.columns.push(value.clone());
        }
    }
    if query.limit.is_none() && query.offset.is_none() {
        query.order_by.clear();
    }
    let labels = query.labels();
    let outer = |(order, place): (Order, usize)| {
        let node = Node::column(INSIDE, labels[place].clone());
        let node = if order.ty == ColumnType::Decimal { Node::Number(Box::new(node)) } else { node };
        Order { node, ..order }
    };
    orders.into_iter().zip(places).map(outer).collect()
}

/// What a query around another makes of its rows.
fn around(mut query: SelectNode, column: Node) -> SelectNode {
    if query.columns.is_empty() {
        query.columns.push(Node::Constant("NULL"));
    }
    let root = query.root;
    let mut node = SelectNode::from(root, node::Source::Query { query: Box::new(query), alias: INSIDE.into() });
    node.columns = vec![column];
    node
}

/// The members of an object: their names as they are written, with the colon, and their forms.
#[derive(PartialEq)]
pub(crate) struct Members(Vec<(Vec<u8>, Form)>);

impl Members {
    /// Writes a row.
    pub(super) fn write(&self, row: &Row, text: &mut Vec<u8>) -> Result<()> {
        text.push(b'{');
        for (index, (name, form)) in self.0.iter().enumerate() {
            if index > 0 {
                text.push(b',');
            }
            text.extend_from_slice(name);
            match form {
                Form::Value(ty) => by_type::write(row, index, *ty, text)?,
                Form::Written => text.extend_from_slice(row.text(index)?.as_deref().unwrap_or("null").as_bytes()),
            }
        }
        text.push(b'}');
        Ok(())
    }
}

impl Shape<JsonRow> for Members {
    fn read<'a>(&'a self, rows: RowsRead<'a>, _: Target<'a>) -> BoxFuture<'a, Result<Vec<JsonRow>>> {
        std::future::ready(rows.iter().map(|row| self.read_one(row)).collect()).boxed()
    }

    fn read_one(&self, row: &Row) -> Result<JsonRow> {
        let mut text = Vec::with_capacity(32 * self.0.len());
        self.write(row, &mut text)?;
        Ok(JsonRow(text))
    }

    fn needs_query(&self) -> Option<&'static str> {
        None
    }
    fn members(&self) -> Option<&Members> {
        Some(self)
    }
}
