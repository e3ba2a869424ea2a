//! The statements of a flush: one for the rows of a batch, within the limits of the dialects, and finding each row that
//! comes back.

use std::collections::{HashMap, VecDeque};

use sea_query::{Expr, ExprTrait, Query};

use super::plan::{Batch, Change, Kind, Subject};
use super::slot::{AnySlot, Fresh};
use crate::dialect::postgres;
use crate::expr::node::{Binary, Node};
use crate::lower::table_ref;
use crate::query::insert::first_version;
use crate::query::matching::{Told, matched};
use crate::row::Row;
use crate::statement::{Access, Statement};
use crate::table::TableDef;
use crate::value::Value;
use crate::{Dialect, Error, ErrorKind, Result};

/// The name under which an update of many rows knows the new values.
const NEW: &str = "crocus_new";

/// The keys of objects that the flush has inserted, by slot.
pub(super) type Keys = HashMap<usize, Vec<Value>>;

/// A statement, and the rows that it writes. They have no pointers any more.
pub(super) struct Prepared {
    pub(super) table: &'static TableDef,
    pub(super) kind: Kind,
    pub(super) changes: Vec<Change>,
}

impl Batch {
    /// Whether every key that it needs is there.
    pub(super) fn is_ready(&self, keys: &Keys) -> bool {
        self.changes.iter().all(|change| {
            let keyed = match change.subject {
                Subject::Object(slot) if change.kind == Kind::Update && change.key.is_empty() => {
                    keys.contains_key(&slot)
                }
                _ => true,
            };
            keyed && change.pointers.iter().all(|pointer| keys.contains_key(&pointer.target))
        })
    }

    /// Whether it is one statement, which is done as a whole or not at all.
    pub(super) fn is_one_statement(&self, dialect: Dialect) -> bool {
        let values: usize = self.changes.iter().map(|change| change.values.len() + 1).sum();
        self.changes.len() == 1
            || (self.kind == Kind::Insert && !self.changes[0].values.is_empty() && values <= most_values(dialect))
    }

    /// Its statements: one, or several where the rows have too many values for one.
    pub(super) fn prepare(self, keys: &Keys, dialect: Dialect) -> Vec<Prepared> {
        let Batch { table, kind, changes } = self;
        let mut changes: VecDeque<_> = changes.into_iter().map(|change| change.resolved(keys)).collect();
        let mut prepared = Vec::new();
        while let Some(first) = changes.front() {
            let values = first.values.len() + first.key.len() + usize::from(first.version.is_some());
            // Without columns there is no way to write several rows that both dialects have.
            let most = if first.kind == Kind::Insert && values == 0 { 1 } else { most_values(dialect) / values.max(1) };
            let changes = changes.drain(..most.clamp(1, changes.len())).collect();
            prepared.push(Prepared { table, kind, changes });
        }
        prepared
    }
}

/// How many values a statement can have: "Message Formats", Bind; "Limits in SQLite", 9.
fn most_values(dialect: Dialect) -> usize {
    match dialect {
        Dialect::Sqlite => 32_766,
        Dialect::Postgres => 65_535,
    }
}

impl Change {
    /// With every value in its place.
    fn resolved(mut self, keys: &Keys) -> Change {
        for pointer in std::mem::take(&mut self.pointers) {
            self.values.extend(pointer.columns.into_iter().zip(keys[&pointer.target].iter().cloned()));
        }
        if let (Subject::Object(slot), Kind::Update, true) = (self.subject, self.kind, self.key.is_empty()) {
            self.key = self.table.key_indexes().zip(keys[&slot].iter().cloned()).collect();
        }
        if self.kind == Kind::Insert {
            let unset = |column: &usize| !self.values.iter().any(|(other, _)| other == column);
            let version = self.table.columns.iter().position(|column| column.version).filter(unset);
            self.values.extend(version.map(|column| (column, first_version(self.table.columns[column].ty))));
        }
        self.values.sort_by_key(|(column, _)| *column);
        self
    }

    /// What finds the row: the key, and the version where it is checked.
    fn conditions(&self) -> impl Iterator<Item = &(usize, Value)> {
        self.key.iter().chain(&self.version)
    }

    /// The value of a column in the row that comes back.
    fn expected(&self, column: usize) -> Option<&Value> {
        let values = self.values.iter().chain(&self.key);
        values.into_iter().find(|(other, _)| *other == column).map(|(_, value)| value)
    }
}

impl Prepared {
    fn is_association(&self) -> bool {
        matches!(self.changes[0].subject, Subject::Association(_))
    }

    pub(super) fn statement(&self, dialect: Dialect) -> Result<Statement> {
        match self.kind {
            Kind::Insert => Ok(self.insert(dialect)),
            Kind::Update if self.changes.len() == 1 => Ok(self.update_one(dialect)),
            Kind::Update => Ok(self.update_many(dialect)),
            Kind::Delete => self.delete(dialect),
        }
        .map(|statement| if self.changes.len() == 1 { statement.of_one_row() } else { statement })
    }

    fn insert(&self, dialect: Dialect) -> Statement {
        let table = self.table;
        let columns: Vec<_> = self.changes[0].values.iter().map(|(column, _)| *column).collect();
        let mut query = Query::insert();
        query.into_table(table_ref(table, dialect));
        if columns.is_empty() {
            query.or_default_values();
        } else {
            query.columns(columns.iter().map(|column| table.columns[*column].name));
            for change in &self.changes {
                query.values_panic(change.values.iter().map(|(_, value)| Expr::val(value.clone())));
            }
        }
        if !self.is_association() {
            query.returning(all_columns(table));
        }
        Statement::build(dialect, Access::Write, &query).writes(table, columns, self.changes.len())
    }

    /// `UPDATE cars SET doors = $1 WHERE id = $2`
    fn update_one(&self, dialect: Dialect) -> Statement {
        let (table, change) = (self.table, &self.changes[0]);
        let mut query = Query::update();
        query.table(table_ref(table, dialect));
        let mut columns = Vec::new();
        for (column, value) in &change.values {
            query.value(table.columns[*column].name, value.clone());
            columns.push(*column);
        }
        if let Some((version, _)) = change.version {
            let name = table.columns[version].name;
            query.value(name, Expr::col((table.name, name)).add(Expr::cust("1")));
        }
        for (column, value) in change.conditions() {
            query.and_where(Expr::col((table.name, table.columns[*column].name)).eq(Expr::val(value.clone())));
            columns.push(*column);
        }
        query.returning(all_columns(table));
        Statement::build(dialect, Access::Write, &query).writes(table, columns, 1)
    }

    /// `UPDATE cars SET doors = crocus_new.column1 FROM (VALUES ($1, $2), ...) AS crocus_new WHERE cars.id = ...`, in
    /// which both dialects call the columns of VALUES `column1`, `column2`, ...
    fn update_many(&self, dialect: Dialect) -> Statement {
        let (table, first) = (self.table, &self.changes[0]);
        let name = |column: usize| dialect.quote(table.columns[column].name);
        let own = |column: usize| format!("{}.{}", dialect.quote(table.name), name(column));
        let columns: Vec<_> = first.values.iter().chain(first.conditions()).map(|(column, _)| *column).collect();
        let new = |index: usize| format!("{NEW}.column{}", index + 1);
        let written = first.values.len();
        let mut set: Vec<_> = (0..written).map(|at| format!("{} = {}", name(columns[at]), new(at))).collect();
        set.extend(first.version.iter().map(|(version, _)| format!("{} = {} + 1", name(*version), own(*version))));
        let found: Vec<_> = (written..columns.len()).map(|at| format!("{} = {}", own(columns[at]), new(at))).collect();
        let mut values = Vec::with_capacity(columns.len() * self.changes.len());
        let mut rows = Vec::with_capacity(self.changes.len());
        for (row, change) in self.changes.iter().enumerate() {
            let mut placeholders = Vec::with_capacity(columns.len());
            for (column, value) in change.values.iter().chain(change.conditions()) {
                values.push(value.clone());
                let placeholder = format!("${}", values.len());
                // The first row gives the types of the columns.
                placeholders.push(match dialect {
                    Dialect::Postgres if row == 0 => {
                        postgres::expressions::typed_placeholder(&placeholder, table.columns[*column].ty)
                    }
                    _ => placeholder,
                });
            }
            rows.push(format!("({})", placeholders.join(", ")));
        }
        let schema = match (table.schema, dialect) {
            (Some(schema), Dialect::Postgres) => format!("{}.", dialect.quote(schema)),
            _ => String::new(),
        };
        let returning: Vec<_> = (0..table.columns.len()).map(own).collect();
        let sql = format!(
            "UPDATE {schema}{} SET {} FROM (VALUES {}) AS {NEW} WHERE {} RETURNING {}",
            dialect.quote(table.name),
            set.join(", "),
            rows.join(", "),
            found.join(" AND "),
            returning.join(", ")
        );
        Statement::write(sql, values).writes(table, columns, self.changes.len())
    }

    fn delete(&self, dialect: Dialect) -> Result<Statement> {
        let (table, first) = (self.table, &self.changes[0]);
        let columns: Vec<_> = first.conditions().map(|(column, _)| *column).collect();
        let nodes: Vec<_> =
            columns.iter().map(|column| Node::column(table.name, table.columns[*column].name)).collect();
        let values = |change: &Change| change.conditions().map(|(_, value)| value.clone()).collect::<Vec<_>>();
        let mut query = Query::delete();
        query.from_table(table_ref(table, dialect));
        if let [_] = &self.changes[..] {
            for (node, value) in nodes.into_iter().zip(values(first)) {
                query.and_where(node.binary(Binary::Eq, Node::Value(value)).lower(dialect)?);
            }
        } else if let [node] = &nodes[..] {
            let list = self.changes.iter().flat_map(values).map(Node::Value).collect();
            query.and_where(Node::In { node: Box::new(node.clone()), list }.lower(dialect)?);
        } else {
            let list = self.changes.iter().map(values).collect();
            query.and_where(Node::RowIn { row: nodes, list }.lower(dialect)?);
        }
        if !self.is_association() {
            query.returning(all_columns(table));
        }
        Ok(Statement::build(dialect, Access::Write, &query).writes(table, columns, self.changes.len()))
    }

    /// The row of each change, in their order.
    ///
    /// # Errors
    /// When a row was not there or not as it was read, or cannot be told from others.
    pub(super) fn rows(&self, rows: &[Row], slots: &[Box<dyn AnySlot>]) -> Result<Vec<Fresh>> {
        let Some(Subject::Object(any)) = self.changes.first().map(|change| change.subject) else {
            return Ok(Vec::new());
        };
        let rows = rows.iter().map(|row| slots[any].read(row, 0)).collect::<Result<Vec<_>>>()?;
        let matched = self.matched(rows);
        let mut found = Vec::with_capacity(self.changes.len());
        for (change, fresh) in self.changes.iter().zip(matched) {
            let Subject::Object(slot) = change.subject else { continue };
            found.push(fresh.ok_or_else(|| self.lost(change, &*slots[slot]))?);
        }
        Ok(found)
    }

    fn matched(&self, rows: Vec<Fresh>) -> Vec<Option<Fresh>> {
        let written = self.changes[0].values.iter().map(|(column, _)| *column).collect();
        let told = Told { key: self.table.key_indexes().collect(), written };
        matched(told, &self.changes, |change, column| change.expected(column), rows, |row| &row.values)
    }

    /// The database's error with what the models know: the constraint, and the object where it can be told.
    pub(super) fn explain(&self, error: Error, slots: &[Box<dyn AnySlot>]) -> Error {
        let error = error.for_table(self.table);
        match &self.changes[..] {
            [Change { subject: Subject::Object(slot), .. }] if error.constraint().is_some() => {
                error.with_subject(&slots[*slot].described())
            }
            _ => error,
        }
    }

    /// The error for a change whose row did not come back.
    fn lost(&self, change: &Change, slot: &dyn AnySlot) -> Error {
        if self.kind == Kind::Insert {
            let text = format!(
                "the insert into `{}` did not give every row back; does a trigger or a rule swallow it?",
                self.table.name
            );
            return Error::new(ErrorKind::Database, text);
        }
        if change.version.is_none() {
            return slot.missing();
        }
        slot.stale()
    }
}

fn all_columns(table: &'static TableDef) -> sea_query::ReturningClause {
    Query::returning().columns(table.columns.iter().map(|column| column.name))
}
