//! Tables as a query reads them, and what a relationship leads to from there.

use super::{Comparison, DynamicColumn};
use crate::expr::Expr;
use crate::expr::node::{self, Binary, Name, Node};
use crate::query::node::{Join, JoinKind, SelectNode};
use crate::relation::{RelationDef, RelationKind};
use crate::table::{ColumnDef, TableDef};
use crate::value::Value;

/// A table as a query reads it: the table, and its name there.
#[derive(Debug, Clone)]
pub struct Source {
    table: &'static TableDef,
    name: Name,
}

/// The rows `to` at the other end of a relationship of the rows `from`.
#[derive(Debug, Clone)]
pub struct Related {
    /// The rows that have the relationship.
    pub from: Source,
    /// The relationship: one of the model of `from`.
    pub relation: RelationDef,
    /// The rows that it leads to. No other source of the query has its name.
    pub to: Source,
}

impl Source {
    /// A table under its own name: what the query is about. Conditions of typed columns (`Car::DOORS.ge(4)`) are about
    /// this one.
    pub fn new(table: &'static TableDef) -> Source {
        Source { table, name: Name::Borrowed(table.name) }
    }

    /// A table under a name with a number, for what is read beside. A query has each number once.
    pub fn numbered(table: &'static TableDef, number: usize) -> Source {
        // PostgreSQL cuts names at 63 bytes ("Identifiers and Key Words"). `#` keeps it from being a table's own name.
        let short: String = table.name.chars().take(12).collect();
        Source { table, name: Name::Owned(format!("{short}#{number}")) }
    }

    /// The table.
    pub fn table(&self) -> &'static TableDef {
        self.table
    }

    /// A column of the table.
    pub fn column(&self, column: &'static ColumnDef) -> DynamicColumn {
        DynamicColumn { node: self.node(column.name), ty: column.ty, nullable: column.nullable }
    }

    /// Whether a condition is true of a row here that speaks of the table under its own name, as those of typed columns
    /// do.
    pub fn is(&self, condition: Expr<bool>) -> Expr<bool> {
        if self.name == self.table.name {
            return condition;
        }
        let own = Source::new(self.table);
        let mut query = own.rows();
        query.columns = vec![Node::Constant("1")];
        query.filter = self.table.primary_key().map(|key| equal(&own, key.name, self, key.name)).collect();
        query.filter.push(condition.node);
        Expr::new(Node::Exists(Box::new(query)))
    }

    /// No column of all its rows.
    pub(super) fn rows(&self) -> SelectNode {
        SelectNode::from(self.table, self.clone().into_node())
    }

    fn into_node(self) -> node::Source {
        let alias = (self.name != self.table.name).then_some(self.name);
        node::Source::Table { table: self.table, alias }
    }

    fn node(&self, column: &'static str) -> Node {
        Node::column(self.name.clone(), column)
    }
}

impl Related {
    /// Whether it leads to one row at most.
    pub fn is_one(&self) -> bool {
        matches!(self.relation.kind, RelationKind::BelongsTo { .. } | RelationKind::HasOne { .. })
    }

    /// Whether it leads to a row for which all the conditions are true.
    pub fn exists(&self, filter: Vec<Expr<bool>>) -> Expr<bool> {
        let mut query = self.rows();
        query.columns = vec![Node::Constant("1")];
        query.filter.extend(filter.into_iter().map(|condition| condition.node));
        Expr::new(Node::Exists(Box::new(query)))
    }

    /// The value that a column of `to` has in the row that it leads to; NULL where there is no row. For a relationship
    /// to one row.
    pub fn value(&self, column: DynamicColumn) -> DynamicColumn {
        let mut query = self.rows();
        query.columns = vec![column.node];
        query.limit = Some(1);
        DynamicColumn { node: Node::Scalar(Box::new(query)), ty: column.ty, nullable: true }
    }

    /// Whether a row of `to` is among those that it leads to from the row with this primary key.
    pub fn leads_from(&self, key: &[Value]) -> Expr<bool> {
        let holds = |holding: &Source, columns: &'static [&'static str]| {
            let equal = columns.iter().zip(key).map(|(column, value)| {
                let column = holding.table.column(column).map(|column| holding.column(column));
                column.map(|column| column.compare(Comparison::Eq, value.clone()).node)
            });
            let equal: Option<Vec<Node>> = equal.collect();
            equal.and_then(|equal| equal.into_iter().reduce(Node::and)).unwrap_or(Node::Constant("FALSE"))
        };
        match self.relation.kind {
            RelationKind::BelongsTo { columns } => {
                let mut query = self.from.rows();
                query.columns = vec![Node::Constant("1")];
                tie(&mut query.filter, &self.to, &self.from, columns);
                let keys = self.from.table.primary_key().zip(key);
                query.filter.extend(
                    keys.map(|(column, value)| self.from.column(column).compare(Comparison::Eq, value.clone()).node),
                );
                Expr::new(Node::Exists(Box::new(query)))
            }
            RelationKind::HasOne { columns } | RelationKind::HasMany { columns } => Expr::new(holds(&self.to, columns)),
            RelationKind::ManyToMany { association, source, target } => {
                let table = association();
                let between = Source { table, name: Name::Owned(format!("{}+", self.to.name)) };
                let mut query = between.rows();
                query.columns = vec![Node::Constant("1")];
                tie(&mut query.filter, &self.to, &between, target);
                query.filter.push(holds(&between, source));
                Expr::new(Node::Exists(Box::new(query)))
            }
        }
    }

    /// The columns of `from` that tie the rows together.
    pub(super) fn keys(&self) -> Vec<Node> {
        match self.relation.kind {
            RelationKind::BelongsTo { columns } => columns.iter().map(|column| self.from.node(column)).collect(),
            _ => self.from.table.primary_key().map(|key| self.from.node(key.name)).collect(),
        }
    }

    /// No column of the rows that it leads to from a row of the query around.
    pub(super) fn rows(&self) -> SelectNode {
        let mut query = self.to.rows();
        let (from, to) = (&self.from, &self.to);
        match self.relation.kind {
            RelationKind::BelongsTo { columns } => tie(&mut query.filter, to, from, columns),
            RelationKind::HasOne { columns } | RelationKind::HasMany { columns } => {
                tie(&mut query.filter, from, to, columns);
            }
            RelationKind::ManyToMany { association, source, target } => {
                let table = association();
                let between = Source { table, name: Name::Owned(format!("{}+", to.name)) };
                let mut on = Vec::new();
                tie(&mut on, to, &between, target);
                let on = on.into_iter().reduce(Node::and).unwrap_or(Node::Constant("TRUE"));
                let joined = Join { kind: JoinKind::Inner, source: between.clone().into_node(), on, eager: false };
                query.joins.push(joined);
                tie(&mut query.filter, from, &between, source);
            }
        }
        query
    }
}

/// The conditions that columns of a row hold the primary key of another.
fn tie(conditions: &mut Vec<Node>, keyed: &Source, holding: &Source, columns: &'static [&'static str]) {
    let keys = keyed.table.primary_key();
    conditions.extend(keys.zip(columns).map(|(key, column)| equal(holding, column, keyed, key.name)));
}

fn equal(one: &Source, column: &'static str, other: &Source, of: &'static str) -> Node {
    one.node(column).binary(Binary::Eq, other.node(of))
}
