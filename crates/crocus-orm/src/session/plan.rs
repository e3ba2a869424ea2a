//! The plan of a flush: which rows are written together, and in which order. It knows tables and values, and does no I/O.
//!
//! Each row that is written waits for the rows that must be written before it: a row that it points to is inserted
//! first, a row that it points away from is deleted after, and a value of a unique constraint is given up before
//! another row takes it. Rows of one table that have the same columns to write, and wait for nothing, make one batch.

mod order;

use std::any::TypeId;
use std::collections::BTreeMap;

use foldhash::{HashMap, HashMapExt, HashSet};

use self::order::{ClassName, Classes, Order};
use super::slot::text_of;
use crate::Result;
use crate::table::{ForeignKeyDef, IndexKey, TableDef};
use crate::value::Value;

/// What is to be done with one row.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) subject: Subject,
    /// The model; that of an association has none.
    pub(super) model: TypeId,
    pub(super) table: &'static TableDef,
    pub(super) kind: Kind,
    /// The columns that are written, in the table's order.
    pub(super) values: Vec<(usize, Value)>,
    /// The columns that take the key of an object.
    pub(super) pointers: Vec<Pointer>,
    /// The row in the database, where it is there; in a box, since most changes are inserts, which have none.
    pub(super) stored: Option<Box<Stored>>,
}

/// The row of a change, as it is in the database.
#[derive(Debug, Clone, Default)]
pub(super) struct Stored {
    /// What its columns hold.
    pub(super) row: Vec<(usize, Value)>,
    /// The columns that find it. Empty for one that the flush itself inserts: it is found by its new key.
    pub(super) key: Vec<(usize, Value)>,
    /// The version that it must have.
    pub(super) version: Option<(usize, Value)>,
    /// The rows, as far as they are known, that the database deletes with this one.
    pub(super) cascades: Vec<(&'static TableDef, Vec<Value>)>,
}

/// Whose row it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    /// The object in this slot.
    Object(usize),
    /// This row of an association.
    Association(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Insert,
    Update,
    Delete,
}

/// Columns that take the key of the object in the slot `target`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pointer {
    pub(super) columns: Vec<usize>,
    pub(super) target: usize,
}

/// Rows of one table that are written with one statement.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) table: &'static TableDef,
    pub(super) kind: Kind,
    pub(super) changes: Vec<Change>,
}

/// Why a row waits for another.
#[derive(Debug, Clone)]
enum Why {
    /// It points to the other, with these columns.
    Points(Vec<usize>),
    /// The other points to it with these columns, and is to point away or go before.
    IsPointedTo(Vec<usize>),
    /// It writes the same row again, or needs its key.
    Follows,
    /// It takes a value of a unique constraint that the other gives up.
    Takes,
}

/// Rows that may share a statement: what is done with which columns of which model, and whether a version is checked.
type Class = (Kind, TypeId, &'static str, Vec<usize>, bool);

/// A table, apart from all others: its bind, schema and name.
pub(super) type TableId = (Option<&'static str>, Option<&'static str>, &'static str);

/// Puts changes into batches. `key_of` gives the key of an object that is in the database.
///
/// # Errors
/// When rows wait for each other in a circle.
pub(super) fn plan(mut changes: Vec<Change>, key_of: impl Fn(usize) -> Result<Vec<Value>>) -> Result<Vec<Batch>> {
    resolve(&mut changes, key_of)?;
    changes.retain(|change| change.kind != Kind::Update || !change.values.is_empty() || !change.pointers.is_empty());
    let waits = waits(&changes);
    if waits.is_empty() {
        return Ok(by_class(changes));
    }
    Order::new(changes, waits).batches()
}

/// The batches of changes that do not wait for each other.
fn by_class(changes: Vec<Change>) -> Vec<Batch> {
    let mut classes = Classes::default();
    let names: Vec<ClassName> = changes.iter().enumerate().map(|(node, change)| classes.name(change, node)).collect();
    if let [change, ..] = &changes[..]
        && names.iter().all(|name| *name == names[0])
    {
        return vec![Batch { table: change.table, kind: change.kind, changes }];
    }
    let mut batches: BTreeMap<ClassName, Batch> = BTreeMap::new();
    for (name, change) in names.into_iter().zip(changes) {
        let (table, kind) = (change.table, change.kind);
        let batch = batches.entry(name).or_insert_with(|| Batch { table, kind, changes: Vec::new() });
        batch.changes.push(change);
    }
    batches.into_values().collect()
}

/// Puts in the keys that are known already: those of rows in the database, and those that programs make.
fn resolve(changes: &mut [Change], key_of: impl Fn(usize) -> Result<Vec<Value>>) -> Result<()> {
    if changes.iter().all(|change| change.pointers.is_empty()) {
        return Ok(());
    }
    let inserted: HashMap<Subject, usize> = changes
        .iter()
        .enumerate()
        .filter(|(_, change)| change.kind == Kind::Insert)
        .map(|(node, change)| (change.subject, node))
        .collect();
    let mut again = true;
    while std::mem::take(&mut again) {
        for node in 0..changes.len() {
            let pointers = std::mem::take(&mut changes[node].pointers);
            for pointer in pointers {
                let key = match inserted.get(&Subject::Object(pointer.target)) {
                    Some(target) => changes[*target].new_key(),
                    None => Some(key_of(pointer.target)?),
                };
                let change = &mut changes[node];
                match key {
                    None => change.pointers.push(pointer),
                    Some(key) => {
                        again = true;
                        for (column, value) in pointer.columns.into_iter().zip(key) {
                            let unchanged =
                                change.kind == Kind::Update && change.before(column).is_some_and(|was| *was == value);
                            if !unchanged {
                                change.values.push((column, value));
                            }
                        }
                        change.values.sort_by_key(|(column, _)| *column);
                    }
                }
            }
        }
    }
    Ok(())
}

impl Change {
    /// What a column holds after the change, as far as that is known.
    fn after(&self, column: usize) -> Option<&Value> {
        if self.pointers.iter().any(|pointer| pointer.columns.contains(&column)) {
            return None;
        }
        let written = self.values.iter().find(|(other, _)| *other == column).map(|(_, value)| value);
        written.or_else(|| self.before(column))
    }

    /// What a column holds before the change, where the row is in the database.
    pub(super) fn before(&self, column: usize) -> Option<&Value> {
        let row = &self.stored.as_ref()?.row;
        row.iter().find(|(other, _)| *other == column).map(|(_, value)| value)
    }

    /// The columns that find the row, where it is in the database.
    pub(super) fn key(&self) -> &[(usize, Value)] {
        self.stored.as_ref().map_or(&[], |stored| &stored.key)
    }

    /// The version that the row must have.
    pub(super) fn version(&self) -> Option<&(usize, Value)> {
        self.stored.as_ref()?.version.as_ref()
    }

    fn cascades(&self) -> &[(&'static TableDef, Vec<Value>)] {
        self.stored.as_ref().map_or(&[], |stored| &stored.cascades)
    }

    fn writes(&self, column: usize) -> bool {
        self.values.iter().any(|(other, _)| *other == column)
            || self.pointers.iter().any(|pointer| pointer.columns.contains(&column))
    }

    /// The primary key after the change, where it is known.
    pub(super) fn new_key(&self) -> Option<Vec<Value>> {
        self.table.key_indexes().map(|column| self.after(column).cloned()).collect()
    }

    /// Whether it changes any of the columns, or brings or takes away the whole row.
    fn touches(&self, columns: &[usize]) -> bool {
        self.kind != Kind::Update || columns.iter().any(|column| self.writes(*column))
    }

    /// What columns hold before or after the change, to be compared; nothing where one is NULL or not known.
    fn text<'a>(&'a self, columns: &[usize], value: impl Fn(&'a Change, usize) -> Option<&'a Value>) -> Option<String> {
        text_of(columns.iter().map(|column| value(self, *column)).collect::<Option<Vec<_>>>()?)
    }

    /// Takes out what it brings.
    fn take(&mut self) -> Change {
        Change {
            values: std::mem::take(&mut self.values),
            pointers: std::mem::take(&mut self.pointers),
            stored: self.stored.take(),
            ..*self
        }
    }

    fn class(&self) -> Class {
        let mut columns: Vec<_> = self.values.iter().map(|(column, _)| *column).collect();
        columns.extend(self.pointers.iter().flat_map(|pointer| &pointer.columns));
        columns.sort_unstable();
        (self.kind, self.model, self.table.name, columns, self.version().is_some())
    }

    /// Whether it is of the class, where that is soon told: its values have the order of the columns.
    fn is_of(&self, (kind, model, table, columns, version): &Class) -> bool {
        self.pointers.is_empty()
            && (self.kind, self.model, self.version().is_some()) == (*kind, *model, *version)
            && self.values.iter().map(|(column, _)| column).eq(columns)
            && self.table.name == *table
    }
}

pub(super) fn id_of(table: &TableDef) -> TableId {
    (table.bind, table.schema, table.name)
}

/// The indexes of columns by their names.
pub(super) fn indexes(table: &TableDef, names: &[&str]) -> Vec<usize> {
    let index = |name: &&str| table.columns.iter().position(|column| column.name == *name);
    names.iter().filter_map(index).collect()
}

/// The columns in which no two rows may agree.
fn uniques(table: &'static TableDef) -> Vec<Vec<usize>> {
    let mut uniques = vec![table.key_indexes().collect()];
    uniques.extend(table.uniques.iter().map(|unique| indexes(table, unique.columns)));
    uniques.extend(table.indexes.iter().filter(|index| index.unique).filter_map(|index| {
        let names = index.parts.iter().map(|part| match part.key {
            IndexKey::Column(name) => Some(name),
            IndexKey::Expression(_) => None,
        });
        Some(indexes(table, &names.collect::<Option<Vec<_>>>()?))
    }));
    uniques
}

/// A table, some of its columns' numbers, and what they hold.
type Place = (TableId, usize, String);

/// A table's unique constraints, the primary key first, and its foreign keys: by their columns.
type Keys = (Vec<Vec<usize>>, Vec<(Vec<usize>, &'static ForeignKeyDef)>);

/// For each change those that it waits for; nothing at all where none waits.
fn waits(changes: &[Change]) -> Vec<Vec<(usize, Why)>> {
    // By the place of the description, of which there may be copies: it is looked for more often than its name.
    let mut tables: HashMap<*const TableDef, Keys> = HashMap::new();
    let of_one_table = || changes.chunk_by(|one, other| std::ptr::eq(one.table, other.table));
    for change in of_one_table().map(|changes| &changes[0]) {
        tables.entry(std::ptr::from_ref(change.table)).or_insert_with(|| {
            let keys = change.table.foreign_keys.iter().map(|key| (indexes(change.table, key.columns), key));
            (uniques(change.table), keys.collect())
        });
    }
    let foreign_keys = tables.values().flat_map(|(_, foreign_keys)| foreign_keys);
    let pointed: HashSet<TableId> = foreign_keys.map(|(_, key)| id_of((key.target)())).collect();
    let has_pointers = changes.iter().any(|change| !change.pointers.is_empty());
    let (mut inserted, mut arriving, mut leaving) = (HashMap::new(), HashMap::new(), HashMap::<Place, usize>::new());
    let mut nodes = 0..changes.len();
    for changes in of_one_table() {
        let table = id_of(changes[0].table);
        let (uniques, _) = &tables[&std::ptr::from_ref(changes[0].table)];
        let is_pointed = pointed.contains(&table);
        for (change, node) in changes.iter().zip(&mut nodes) {
            if has_pointers && change.kind == Kind::Insert {
                inserted.insert(change.subject, node);
            }
            for (number, columns) in uniques.iter().enumerate() {
                // Only what is there is left, and only a key that is pointed to is waited for.
                if change.kind == Kind::Insert && (number > 0 || !is_pointed) {
                    break;
                }
                if !change.touches(columns) {
                    continue;
                }
                // The primary key is the first.
                if number == 0
                    && is_pointed
                    && change.kind != Kind::Delete
                    && let Some(text) = change.text(columns, Change::after)
                {
                    arriving.insert((table, text), node);
                }
                if let Some(text) = change.text(columns, Change::before) {
                    leaving.insert((table, number, text), node);
                }
            }
        }
    }
    for (node, change) in changes.iter().enumerate() {
        for (table, row) in change.cascades() {
            for (number, columns) in uniques(table).into_iter().enumerate() {
                if let Some(text) = text_of(columns.iter().map(|column| &row[*column])) {
                    leaving.entry((id_of(table), number, text)).or_insert(node);
                }
            }
        }
    }
    if inserted.is_empty() && arriving.is_empty() && leaving.is_empty() {
        return Vec::new();
    }
    let mut waits: Vec<Vec<(usize, Why)>> = vec![Vec::new(); changes.len()];
    for (node, change) in changes.iter().enumerate() {
        let (uniques, foreign_keys) = &tables[&std::ptr::from_ref(change.table)];
        for pointer in &change.pointers {
            if let Some(other) = inserted.get(&Subject::Object(pointer.target)) {
                waits[node].push((*other, Why::Points(pointer.columns.clone())));
            }
        }
        // Where no key arrives or leaves, none is waited for.
        let foreign_keys = if arriving.is_empty() && leaving.is_empty() { &[][..] } else { &foreign_keys[..] };
        for (columns, key) in foreign_keys {
            let target = id_of((key.target)());
            if change.kind != Kind::Delete
                && change.touches(columns)
                && let Some(text) = change.text(columns, Change::after)
            {
                if let Some(other) = arriving.get(&(target, text.clone())) {
                    if *other != node {
                        waits[node].push((*other, Why::Points(columns.clone())));
                    }
                } else if let Some(other) = leaving.get(&(target, 0, text)).filter(|other| **other != node) {
                    // It points to what is deleted: what the foreign key does with it is done to it too.
                    waits[*other].push((node, Why::IsPointedTo(columns.clone())));
                }
            }
            if let Some(text) = change.text(columns, Change::before)
                && let Some(other) = leaving.get(&(target, 0, text)).filter(|other| **other != node)
            {
                waits[*other].push((node, Why::IsPointedTo(columns.clone())));
            }
        }
        if change.kind == Kind::Delete || leaving.is_empty() {
            continue;
        }
        for (number, columns) in uniques.iter().enumerate().filter(|(_, columns)| change.touches(columns)) {
            if let Some(text) = change.text(columns, Change::after)
                && let Some(other) = leaving.get(&(id_of(change.table), number, text))
                && *other != node
            {
                waits[node].push((*other, Why::Takes));
            }
        }
    }
    waits
}
