//! What a query reads, as a tree, before a dialect is known. Writing it as SQL is left to `lower`.

use std::collections::HashSet;

use crate::expr::Order;
use crate::expr::node::{Name, Node, SetOperator, Source};
use crate::table::TableDef;

/// What a query reads.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SelectNode {
    /// The table that errors speak of.
    pub(crate) root: &'static TableDef,
    pub(crate) distinct: bool,
    pub(crate) distinct_on: Vec<Node>,
    pub(crate) columns: Vec<Node>,
    pub(crate) from: Source,
    pub(crate) joins: Vec<Join>,
    /// The tables of the queries that load relationships beside its rows.
    pub(crate) beside: Vec<&'static TableDef>,
    /// All must be true.
    pub(crate) filter: Vec<Node>,
    pub(crate) group_by: Vec<Node>,
    /// All must be true.
    pub(crate) having: Vec<Node>,
    /// Queries whose rows are united with its own, or taken from them.
    pub(crate) set: Vec<(SetOperator, SelectNode)>,
    pub(crate) order_by: Vec<Order>,
    pub(crate) limit: Option<u64>,
    pub(crate) offset: Option<u64>,
    /// Whether its rows are locked.
    pub(crate) lock: Option<LockWait>,
    /// Why it cannot be run.
    pub(crate) refused: Option<&'static str>,
}

/// A joined table or query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Join {
    pub(crate) kind: JoinKind,
    pub(crate) source: Source,
    pub(crate) on: Node,
    /// Whether it only brings what is loaded beside each row, and leaves out or repeats none.
    pub(crate) eager: bool,
}

/// The kinds of join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JoinKind {
    Inner,
    Left,
}

/// What is done about a row that another transaction has locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockWait {
    Wait,
    SkipLocked,
    NoWait,
}

impl SelectNode {
    /// All columns of a table.
    pub(crate) fn of(table: &'static TableDef) -> SelectNode {
        let mut node = SelectNode::from(table, Source::Table { table, alias: None });
        node.add_columns(table, &Name::Borrowed(table.name));
        node
    }

    /// No column of a source.
    pub(crate) fn from(root: &'static TableDef, from: Source) -> SelectNode {
        SelectNode {
            root,
            distinct: false,
            distinct_on: Vec::new(),
            columns: Vec::new(),
            from,
            joins: Vec::new(),
            beside: Vec::new(),
            filter: Vec::new(),
            group_by: Vec::new(),
            having: Vec::new(),
            set: Vec::new(),
            order_by: Vec::new(),
            limit: None,
            offset: None,
            lock: None,
            refused: None,
        }
    }

    /// Adds all columns of a table under the name that it has in the query. Gives the index of the first.
    pub(crate) fn add_columns(&mut self, table: &'static TableDef, name: &Name) -> usize {
        let start = self.columns.len();
        self.columns.extend(table.columns.iter().map(|column| Node::column(name.clone(), column.name)));
        start
    }

    /// A name that no table of the query has yet: `maker_1`.
    pub(crate) fn fresh_alias(&self, name: &str) -> Name {
        // PostgreSQL cuts names at 63 bytes ("Identifiers and Key Words"), and what is left must still differ.
        let short: String = name.chars().take(12).collect();
        Name::Owned(format!("{short}_{}", self.joins.len() + 1))
    }

    /// Calls `visit` with the table and name of each column that the query takes from a query around it.
    pub(crate) fn outer_tables<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a str)) {
        let mut own = |table: &'a str, column: &'a str| {
            let known = |source: &Source| source.name() == table;
            if !known(&self.from) && !self.joins.iter().any(|join| known(&join.source)) {
                visit(table, column);
            }
        };
        self.nodes(&mut |node| node.tables(&mut own));
        for source in self.sources() {
            if let Source::Query { query, .. } = source {
                query.outer_tables(visit);
            }
        }
        self.set.iter().for_each(|(_, part)| part.outer_tables(visit));
    }

    /// Calls `visit` with each expression of its own.
    pub(crate) fn nodes<'a>(&'a self, visit: &mut dyn FnMut(&'a Node)) {
        self.columns.iter().for_each(&mut *visit);
        self.distinct_on.iter().for_each(&mut *visit);
        self.joins.iter().for_each(|join| visit(&join.on));
        self.filter.iter().for_each(&mut *visit);
        self.group_by.iter().for_each(&mut *visit);
        self.having.iter().for_each(&mut *visit);
        self.order_by.iter().for_each(|order| visit(&order.node));
    }

    /// Calls `visit` with every table that it reads, also in subqueries and beside its rows.
    pub(crate) fn reads(&self, visit: &mut dyn FnMut(&'static TableDef)) {
        self.beside.iter().for_each(|table| visit(table));
        for source in self.sources() {
            match source {
                Source::Table { table, .. } => visit(table),
                Source::Query { query, .. } => query.reads(visit),
                Source::Cte { cte, .. } => {
                    cte.query.reads(visit);
                    cte.recursive.iter().for_each(|(_, step)| step.reads(visit));
                }
                Source::Itself { .. } => {}
            }
        }
        self.nodes(&mut |node| node.queries(&mut |query| query.reads(visit)));
        self.set.iter().for_each(|(_, part)| part.reads(visit));
    }

    /// Whether a value in it may stand beside a sensitive column: then none of its values is shown, since it is not known
    /// in which place of the statement each stands.
    pub(crate) fn has_secret(&self) -> bool {
        let mut found = false;
        self.nodes(&mut |node| {
            // A column that is only read has no value beside it.
            if !matches!(node, Node::Column { .. }) {
                node.tables(&mut |table, column| {
                    found |= self.sources().any(|source| source.name() == table && source.has_secret(column));
                });
            }
            node.queries(&mut |query| found |= query.has_secret());
        });
        let inside = |source: &Source| match source {
            Source::Query { query, .. } => query.has_secret(),
            Source::Cte { cte, .. } => {
                cte.query.has_secret() || cte.recursive.as_ref().is_some_and(|(_, step)| step.has_secret())
            }
            _ => false,
        };
        found || self.sources().any(inside) || self.set.iter().any(|(_, part)| part.has_secret())
    }

    /// What it reads from: the first source, then the joined ones.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &Source> {
        std::iter::once(&self.from).chain(self.joins.iter().map(|join| &join.source))
    }

    /// The names of its columns for a query around it: their own where they are columns and no other has it, and
    /// otherwise `c` with their number.
    pub(crate) fn labels(&self) -> Vec<Name> {
        let mut taken = HashSet::new();
        let mut labels = Vec::with_capacity(self.columns.len());
        for (index, column) in self.columns.iter().enumerate() {
            let own = match column {
                Node::Column { name, .. } if taken.insert(name.clone()) => Some(name.clone()),
                _ => None,
            };
            let label = own.unwrap_or_else(|| {
                let mut label = Name::Owned(format!("c{}", index + 1));
                while !taken.insert(label.clone()) {
                    label.to_mut().push('_');
                }
                label
            });
            labels.push(label);
        }
        labels
    }

    /// The query as what another reads from, under the root's name: what was said of its columns can be said of the
    /// other's.
    pub(crate) fn wrapped(self) -> SelectNode {
        let alias = Name::Borrowed(self.root.name);
        let columns = self.labels().into_iter().map(|label| Node::column(alias.clone(), label)).collect();
        let (root, refused) = (self.root, self.refused);
        let from = Source::Query { query: Box::new(self), alias };
        SelectNode { columns, refused, ..SelectNode::from(root, from) }
    }

    /// The query as a part of a union: SQLite allows no order and no bounds there.
    pub(crate) fn into_part(self) -> SelectNode {
        if self.order_by.is_empty() && self.limit.is_none() && self.offset.is_none() && self.set.is_empty() {
            self
        } else {
            self.wrapped()
        }
    }

    /// Whether each row is one of the root's, unchanged.
    pub(crate) fn is_plain(&self) -> bool {
        self.is_whole() && self.limit.is_none() && self.offset.is_none()
    }

    /// The same, whatever its bounds.
    pub(crate) fn is_whole(&self) -> bool {
        !self.distinct
            && self.distinct_on.is_empty()
            && self.group_by.is_empty()
            && self.having.is_empty()
            && self.set.is_empty()
            && !self.columns.iter().any(Node::has_aggregate)
    }

    /// The number of its rows.
    pub(crate) fn counted(mut self) -> SelectNode {
        // The first of equal rows depends on the order, their number does not; but bounds need no order either.
        self.order_by.clear();
        self.lock = None;
        if self.is_plain() {
            self.joins.retain(|join| !join.eager);
            self.columns = vec![Node::count_rows()];
            return self;
        }
        let mut node = self.wrapped();
        node.columns = vec![Node::count_rows()];
        node
    }
}
