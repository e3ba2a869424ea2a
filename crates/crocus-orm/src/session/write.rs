//! The statements of a flush: one for the rows of a batch, within the limits of the dialects.

use std::panic::Location;
use std::sync::Arc;

use foldhash::HashMap;
use sea_query::{ArrayType, Expr, ExprTrait, Query};

use super::plan::{Batch, Change, Kind, Subject};
use super::slot::AnySlot;
use crate::dialect::postgres;
use crate::expr::node::{Binary, Node};
use crate::lower::table_ref;
use crate::query::insert::first_version;
use crate::statement::{Access, Statement};
use crate::table::{ColumnType, TableDef};
use crate::value::Value;
use crate::{Dialect, Error, Result};

/// The name under which an update of many rows knows the new values.
const NEW: &str = "crocus_new";

/// Rows that are sent as arrays in one statement. The server works on one statement while the next is on its way.
const ARRAY_ROWS: usize = 2_000;

/// The keys of objects that the flush inserts and others need, by slot; none yet where the row is not there.
pub(super) struct Keys(HashMap<usize, Option<Vec<Value>>>);

impl Keys {
    /// Those that batches wait for.
    pub(super) fn needed(batches: &[Batch]) -> Keys {
        let needed = batches.iter().flat_map(|batch| &batch.changes).flat_map(|change| {
            let pointers = change.pointers.iter().map(|pointer| pointer.target);
            pointers.chain(change.follows())
        });
        Keys(needed.map(|slot| (slot, None)).collect())
    }

    /// The row of a change is there, with these values.
    pub(super) fn learn(&mut self, change: &Change, values: impl FnOnce() -> Vec<Value>) {
        if let Subject::Object(slot) = change.subject
            && let Some(known) = self.0.get_mut(&slot)
        {
            let values = values();
            *known = Some(change.table.key_indexes().map(|column| values[column].clone()).collect());
        }
    }

    fn of(&self, slot: usize) -> Option<&[Value]> {
        self.0.get(&slot)?.as_deref()
    }
}

/// A statement, and the rows that it writes. They have no pointers any more.
pub(super) struct Prepared {
    pub(super) table: &'static TableDef,
    pub(super) kind: Kind,
    pub(super) changes: Vec<Change>,
    /// What was made of the rows of an insert: they have handed it their values.
    inserted: Option<Inserted>,
}

/// The statement of an insert, and the columns that it writes.
struct Inserted {
    statement: Arc<Statement>,
    columns: Vec<usize>,
    /// Whether it has an array for each column, and not one row after the other.
    arrays: bool,
}

impl Inserted {
    /// What was sent for a column of a row.
    fn value(&self, row: usize, column: usize) -> Option<&Value> {
        let place = self.columns.iter().position(|other| *other == column)?;
        let values = &self.statement.values;
        if !self.arrays {
            return values.get(row * self.columns.len() + place);
        }
        match values.get(place)? {
            Value::Array(_, Some(items)) => items.get(row),
            _ => None,
        }
    }
}

impl Batch {
    /// Whether every key that it needs is there.
    pub(super) fn is_ready(&self, keys: &Keys) -> bool {
        self.changes.iter().all(|change| {
            let keyed = change.follows().is_none_or(|slot| keys.of(slot).is_some());
            keyed && change.pointers.iter().all(|pointer| keys.of(pointer.target).is_some())
        })
    }

    /// Whether it is one statement, which is done as a whole or not at all.
    pub(super) fn is_one_statement(&self, dialect: Dialect) -> bool {
        let Some(first) = self.changes.first() else { return false };
        // The version, which the flush adds.
        let most = most_rows(dialect, self.kind, first.table, first.values.len() + 1);
        self.changes.len() == 1 || (self.kind == Kind::Insert && !first.values.is_empty() && self.changes.len() <= most)
    }

    /// Its statements: one, or several where there are too many rows for one.
    pub(super) fn prepare(self, keys: &Keys, dialect: Dialect) -> Vec<Prepared> {
        let Batch { table, kind, mut changes } = self;
        changes.iter_mut().for_each(|change| change.resolve(keys));
        let Some(first) = changes.first() else { return Vec::new() };
        let values = first.values.len() + first.key().len() + usize::from(first.version().is_some());
        let most = most_rows(dialect, kind, table, values).max(1);
        // From the end, so that each row is moved once, and those of the first statement are not.
        let mut prepared = Vec::with_capacity(changes.len().div_ceil(most));
        while changes.len() > most {
            let changes = changes.split_off((changes.len() - 1) / most * most);
            prepared.push(Prepared { table, kind, changes, inserted: None });
        }
        prepared.push(Prepared { table, kind, changes, inserted: None });
        prepared.reverse();
        prepared
    }
}

/// How many rows with so many values each a statement can write, or should.
fn most_rows(dialect: Dialect, kind: Kind, table: &TableDef, values: usize) -> usize {
    match dialect {
        // Without columns there is no way to write several rows that both dialects have.
        _ if kind == Kind::Insert && values == 0 => 1,
        Dialect::Postgres if kind != Kind::Delete && has_arrays(table) => ARRAY_ROWS,
        // "Message Formats", Bind.
        Dialect::Postgres => 65_535 / values.max(1),
        // "Limits in SQLite", 9.
        Dialect::Sqlite => 32_766 / values.max(1),
    }
}

/// Whether rows of the table can be sent as arrays, one for each column: those of a column with arrays would become one.
fn has_arrays(table: &TableDef) -> bool {
    !table.columns.iter().any(|column| matches!(column.ty, ColumnType::Array(_)))
}

impl Change {
    /// Puts every value in its place.
    fn resolve(&mut self, keys: &Keys) {
        for pointer in std::mem::take(&mut self.pointers) {
            let key = keys.of(pointer.target).expect("the batch is ready");
            self.values.extend(pointer.columns.into_iter().zip(key.iter().cloned()));
        }
        if let Some(slot) = self.follows() {
            let key = keys.of(slot).expect("the batch is ready");
            let key = self.table.key_indexes().zip(key.iter().cloned()).collect();
            self.stored.get_or_insert_default().key = key;
        }
        if self.kind == Kind::Insert {
            let unset = |column: &usize| !self.values.iter().any(|(other, _)| other == column);
            let version = self.table.columns.iter().position(|column| column.version).filter(unset);
            self.values.extend(version.map(|column| (column, first_version(self.table.columns[column].ty))));
        }
        self.values.sort_by_key(|(column, _)| *column);
    }

    /// The object whose insert it follows, and whose new key finds the row.
    fn follows(&self) -> Option<usize> {
        match self.subject {
            Subject::Object(slot) if self.kind == Kind::Update && self.key().is_empty() => Some(slot),
            _ => None,
        }
    }

    /// What finds the row: the key, and the version where it is checked.
    fn conditions(&self) -> impl Iterator<Item = &(usize, Value)> {
        self.key().iter().chain(self.version())
    }

    /// The value of a column in the row that comes back.
    fn expected(&self, column: usize) -> Option<&Value> {
        let values = self.values.iter().chain(self.key());
        values.into_iter().find(|(other, _)| *other == column).map(|(_, value)| value)
    }
}

impl Prepared {
    fn is_association(&self) -> bool {
        matches!(self.changes[0].subject, Subject::Association(_))
    }

    pub(super) fn statement(&mut self, dialect: Dialect, at: &'static Location<'static>) -> Result<Arc<Statement>> {
        let is_one_row = self.changes.len() == 1;
        let columns: Vec<_> = self.changes[0].values.iter().map(|(column, _)| *column).collect();
        let arrays = dialect == Dialect::Postgres && !is_one_row && has_arrays(self.table);
        let statement = match self.kind {
            Kind::Insert if arrays => self.insert_arrays(&columns),
            Kind::Insert => self.insert(dialect, &columns),
            Kind::Update if is_one_row => self.update_one(dialect),
            Kind::Update => self.update_many(dialect, arrays),
            Kind::Delete => self.delete(dialect)?,
        };
        let statement = Arc::new(if is_one_row { statement.of_one_row() } else { statement }.at(at));
        if self.kind == Kind::Insert {
            self.inserted = Some(Inserted { statement: statement.clone(), columns, arrays });
        }
        Ok(statement)
    }

    fn insert(&mut self, dialect: Dialect, columns: &[usize]) -> Statement {
        let table = self.table;
        let mut query = Query::insert();
        query.into_table(table_ref(table, dialect));
        if columns.is_empty() {
            query.or_default_values();
        } else {
            query.columns(columns.iter().map(|column| table.columns[*column].name));
            for change in &mut self.changes {
                query.values_panic(change.values.drain(..).map(|(_, value)| Expr::val(value)));
            }
        }
        if !self.is_association() {
            query.returning(all_columns(table));
        }
        Statement::build(dialect, Access::Write, &query).writes(table, columns.to_vec(), self.changes.len())
    }

    /// `INSERT INTO cars (name, doors) SELECT * FROM UNNEST($1, $2) RETURNING ...`: the server reads arrays several times
    /// as fast as VALUES with a placeholder for each value.
    fn insert_arrays(&mut self, columns: &[usize]) -> Statement {
        let table = self.table;
        let name = qualified(table, Dialect::Postgres);
        let names = |columns: &mut dyn Iterator<Item = usize>| {
            columns.map(|column| Dialect::Postgres.quote(table.columns[column].name)).collect::<Vec<_>>()
        };
        let written = names(&mut columns.iter().copied());
        let returning = match self.is_association() {
            true => String::new(),
            false => format!(" RETURNING {}", names(&mut (0..table.columns.len())).join(", ")),
        };
        let arrays = postgres::expressions::unnest(&name, written.iter().cloned());
        let sql = format!("INSERT INTO {name} ({}) SELECT * FROM {arrays}{returning}", written.join(", "));
        let rows = self.changes.len();
        let mut values: Vec<_> = columns.iter().map(|_| Vec::with_capacity(rows)).collect();
        for change in &mut self.changes {
            for (array, (_, value)) in values.iter_mut().zip(change.values.drain(..)) {
                array.push(value);
            }
        }
        Statement::write(sql, arrays_of(values)).writes(table, columns.to_vec(), 1)
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
        if let Some((version, _)) = change.version() {
            let name = table.columns[*version].name;
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
    /// which both dialects call the columns of VALUES `column1`, `column2`, ...; those of arrays are called so.
    fn update_many(&self, dialect: Dialect, arrays: bool) -> Statement {
        let (table, first) = (self.table, &self.changes[0]);
        let name = |column: usize| dialect.quote(table.columns[column].name);
        let own = |column: usize| format!("{}.{}", dialect.quote(table.name), name(column));
        let columns: Vec<_> = first.values.iter().chain(first.conditions()).map(|(column, _)| *column).collect();
        let new = |index: usize| format!("{NEW}.column{}", index + 1);
        let written = first.values.len();
        let mut set: Vec<_> = (0..written).map(|at| format!("{} = {}", name(columns[at]), new(at))).collect();
        set.extend(first.version().iter().map(|(version, _)| format!("{} = {} + 1", name(*version), own(*version))));
        let found: Vec<_> = (written..columns.len()).map(|at| format!("{} = {}", own(columns[at]), new(at))).collect();
        let returning: Vec<_> = (0..table.columns.len()).map(own).collect();
        let target = qualified(table, dialect);
        let sql = |from: String| {
            let (set, found, returning) = (set.join(", "), found.join(" AND "), returning.join(", "));
            format!("UPDATE {target} SET {set} FROM {from} WHERE {found} RETURNING {returning}")
        };
        if arrays {
            let mut values: Vec<_> = columns.iter().map(|_| Vec::with_capacity(self.changes.len())).collect();
            for change in &self.changes {
                for (array, (_, value)) in values.iter_mut().zip(change.values.iter().chain(change.conditions())) {
                    array.push(value.clone());
                }
            }
            let names: Vec<_> = (1..=columns.len()).map(|column| format!("column{column}")).collect();
            let arrays = postgres::expressions::unnest(&target, columns.iter().map(|column| name(*column)));
            let from = format!("{arrays} AS {NEW} ({})", names.join(", "));
            return Statement::write(sql(from), arrays_of(values)).writes(table, columns, 1);
        }
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
        let from = format!("(VALUES {}) AS {NEW}", rows.join(", "));
        Statement::write(sql(from), values).writes(table, columns, self.changes.len())
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

    /// What was sent for a column of a row.
    pub(super) fn sent(&self, row: usize, column: usize) -> Option<&Value> {
        match &self.inserted {
            Some(inserted) => inserted.value(row, column),
            None => self.changes[row].expected(column),
        }
    }

    /// What was sent, where the rows have handed it their values: to be dropped.
    pub(super) fn take_sent(&mut self) -> Option<Arc<Statement>> {
        self.inserted.take().map(|inserted| inserted.statement)
    }

    /// The columns that an insert writes.
    pub(super) fn inserted_columns(&self) -> Option<&[usize]> {
        self.inserted.as_ref().map(|inserted| &inserted.columns[..])
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
}

/// The table's name, with its schema where the dialect has them.
fn qualified(table: &TableDef, dialect: Dialect) -> String {
    match (table.schema, dialect) {
        (Some(schema), Dialect::Postgres) => format!("{}.{}", dialect.quote(schema), dialect.quote(table.name)),
        _ => dialect.quote(table.name),
    }
}

fn arrays_of(columns: Vec<Vec<Value>>) -> Vec<Value> {
    let array = |items: Vec<Value>| {
        // It is bound by what the server says of its type, and shown by this; that of an enum would not show NULL.
        let ty = items.first().map(Value::array_type).filter(|ty| !matches!(ty, ArrayType::Enum(_)));
        let ty = ty.unwrap_or(ArrayType::String);
        Value::Array(ty, Some(Box::new(items)))
    };
    columns.into_iter().map(array).collect()
}

fn all_columns(table: &'static TableDef) -> sea_query::ReturningClause {
    Query::returning().columns(table.columns.iter().map(|column| column.name))
}
