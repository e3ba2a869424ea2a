//! Constraints and indexes that are what a model declares, under another name: they are renamed and not made again. So
//! those that have PostgreSQL's names follow their table and its columns.

use super::{Comparison, Ours, indexes};
use crate::operation::Operation;
use crate::schema::{Check, ForeignKey, Index, Schema, Table, TableName, Unique};

/// What has a name of its own in a table.
trait Named: Clone + PartialEq {
    const IS_INDEX: bool = false;
    fn name(&mut self) -> &mut String;
    fn list(table: &mut Table) -> &mut Vec<Self>;

    /// Whether it is the other one, but for its name.
    fn is_like(&self, other: &Self) -> bool {
        let mut other = other.clone();
        other.name().clone_from(self.clone().name());
        *self == other
    }
}

impl Named for Unique {
    fn name(&mut self) -> &mut String {
        &mut self.name
    }

    fn list(table: &mut Table) -> &mut Vec<Unique> {
        &mut table.uniques
    }
}

impl Named for Check {
    fn name(&mut self) -> &mut String {
        &mut self.name
    }

    fn list(table: &mut Table) -> &mut Vec<Check> {
        &mut table.checks
    }
}

impl Named for ForeignKey {
    fn name(&mut self) -> &mut String {
        &mut self.name
    }

    fn list(table: &mut Table) -> &mut Vec<ForeignKey> {
        &mut table.foreign_keys
    }
}

impl Named for Index {
    const IS_INDEX: bool = true;

    fn name(&mut self) -> &mut String {
        &mut self.name
    }

    fn list(table: &mut Table) -> &mut Vec<Index> {
        &mut table.indexes
    }
}

/// What the database has when everything has the name that the models give it.
pub(super) fn follow(
    models: &Schema,
    declared: &Schema,
    mut actual: Schema,
    ours: &Ours,
    comparison: &mut Comparison,
) -> Schema {
    for declared in models.tables.iter().filter_map(|model| declared.table(&model.name)) {
        rename::<Unique>(declared, &mut actual, comparison, |_, _| true);
        rename::<Check>(declared, &mut actual, comparison, |_, _| true);
        rename::<ForeignKey>(declared, &mut actual, comparison, |_, _| true);
        // What somebody made with a purpose is left alone.
        let goes = |_: &Table, index: &Index| !indexes::stays(declared, declared, index, ours);
        rename::<Index>(declared, &mut actual, comparison, goes);
    }
    actual
}

fn rename<T: Named>(
    declared: &Table,
    actual: &mut Schema,
    comparison: &mut Comparison,
    goes: impl Fn(&Table, &T) -> bool,
) {
    // A name that another one gives up is free for the next.
    while let Some((at, new_name)) = next(declared, actual, &goes) {
        let Some(table) = table_mut(actual, &declared.name) else { return };
        let name = std::mem::replace(T::list(table)[at].name(), new_name.clone());
        let table = declared.name.clone();
        comparison.operations.push(if T::IS_INDEX {
            Operation::RenameIndex { table, name, new_name }
        } else {
            Operation::RenameConstraint { table, name, new_name }
        });
    }
}

/// The place of the first one that has another name, and its new one.
fn next<T: Named>(declared: &Table, actual: &Schema, goes: &impl Fn(&Table, &T) -> bool) -> Option<(usize, String)> {
    let table = actual.table(&declared.name)?;
    let (mut wanted, mut there) = (declared.clone(), table.clone());
    let (wanted, there) = (T::list(&mut wanted), T::list(&mut there));
    let has = |list: &[T], name: &str| list.iter().any(|other| other.clone().name() == name);
    for declared in wanted.iter() {
        let name = declared.clone().name().clone();
        if has(there, &name) || is_taken(actual, table, &name) {
            continue;
        }
        let is_wanted = |other: &T| wanted.contains(other);
        let is_it = |other: &T| declared.is_like(other) && !is_wanted(other) && goes(table, other);
        if let Some(at) = there.iter().position(is_it) {
            return Some((at, name));
        }
    }
    None
}

/// Whether something has the name: a constraint of the table, or an index of any table of the schema.
fn is_taken(schema: &Schema, table: &Table, name: &str) -> bool {
    let beside = schema.tables.iter().filter(|other| other.name.schema == table.name.schema);
    let index = |other: &Table| {
        other.name.name == name
            || other.indexes.iter().any(|index| index.name == name)
            || other.uniques.iter().any(|unique| unique.name == name)
    };
    table.constraint(name).is_some() || beside.into_iter().any(index)
}

fn table_mut<'a>(schema: &'a mut Schema, name: &TableName) -> Option<&'a mut Table> {
    schema.tables.iter_mut().find(|table| table.name == *name)
}
