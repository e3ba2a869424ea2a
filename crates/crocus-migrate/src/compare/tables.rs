//! New and dropped tables, in an order that their foreign keys allow.

use super::primary_keys::Loose;
use super::{Comparison, Ours};
use crate::operation::{Constraint, Operation};
use crate::schema::{ForeignKey, Schema, Table, TableName};

/// Makes what is new, and gives what has to wait until the other tables are as they will be: foreign keys to them.
pub(super) fn create(models: &Schema, actual: &Schema, loose: &Loose, comparison: &mut Comparison) -> Vec<Operation> {
    let mut new: Vec<_> = models.tables.iter().filter(|model| actual.table(&model.name).is_none()).cloned().collect();
    let mut late = Vec::new();
    for table in &mut new {
        let waits =
            |key: &ForeignKey| actual.table(&key.target).is_some_and(|target| loose.delays(&table.name, key, target));
        let (waiting, others) = std::mem::take(&mut table.foreign_keys).into_iter().partition(waits);
        table.foreign_keys = others;
        let waiting: Vec<ForeignKey> = waiting;
        late.extend(waiting.into_iter().map(|key| (table.name.clone(), key)));
    }
    let (tables, cyclic) = ordered(new.iter().collect());
    for mut table in tables {
        let indexes = std::mem::take(&mut table.indexes);
        let name = table.name.clone();
        comparison.operations.push(Operation::CreateTable(table));
        let create = |index| Operation::CreateIndex { table: name.clone(), index, concurrently: false };
        let indexes = indexes.into_iter().map(create);
        comparison.operations.extend(indexes);
    }
    let create = |(table, foreign_key)| Operation::CreateForeignKey { table, foreign_key };
    comparison.operations.extend(cyclic.into_iter().map(create));
    late.into_iter().map(create).collect()
}

/// Drops the foreign keys of tables that will be dropped, where what they refer to changes before that.
pub(super) fn detach(models: &Schema, actual: &mut Schema, ours: &Ours, loose: &Loose, comparison: &mut Comparison) {
    for table in actual.tables.iter_mut().filter(|table| is_gone(models, ours, table)) {
        let name = &table.name;
        let freed = table.foreign_keys.extract_if(.., |key| loose.frees(name, key));
        comparison.operations.extend(freed.map(|key| drop_key(name.clone(), key)));
    }
}

pub(super) fn drop(models: &Schema, actual: &Schema, ours: &Ours, comparison: &mut Comparison) {
    let gone = actual.tables.iter().rev().filter(|table| is_gone(models, ours, table));
    let (tables, cyclic) = ordered(gone.collect());
    comparison.operations.extend(cyclic.into_iter().map(|(table, key)| drop_key(table, key)));
    for mut table in tables.into_iter().rev() {
        for index in std::mem::take(&mut table.indexes) {
            comparison.operations.push(Operation::DropIndex {
                table: table.name.clone(),
                name: index.name.clone(),
                concurrently: false,
                was: Some(index),
            });
        }
        comparison.operations.push(Operation::DropTable { name: table.name.clone(), was: Some(table) });
    }
}

/// A table that no model declares and no migration made is somebody else's.
pub(super) fn is_gone(models: &Schema, ours: &Ours, table: &Table) -> bool {
    models.table(&table.name).is_none() && ours.tables.contains(&table.name)
}

fn drop_key(table: TableName, key: ForeignKey) -> Operation {
    Operation::DropConstraint { table, name: key.name.clone(), was: Some(Constraint::ForeignKey(key)) }
}

/// The tables in an order in which each comes after those that it refers to, and the foreign keys of cycles, which
/// were taken out of them.
fn ordered(mut waiting: Vec<&Table>) -> (Vec<Table>, Vec<(TableName, ForeignKey)>) {
    let (mut tables, mut cyclic) = (Vec::new(), Vec::new());
    while !waiting.is_empty() {
        let mut table = waiting.remove(next(&waiting)).clone();
        let waits = |key: &ForeignKey| waiting.iter().any(|other| other.name == key.target);
        let (late, early) = std::mem::take(&mut table.foreign_keys).into_iter().partition(waits);
        table.foreign_keys = early;
        let late: Vec<ForeignKey> = late;
        cyclic.extend(late.into_iter().map(|key| (table.name.clone(), key)));
        tables.push(table);
    }
    (tables, cyclic)
}

/// The first of the tables that refers to no other one of them, or a table of a cycle.
fn next(waiting: &[&Table]) -> usize {
    let refers_to = |at: usize| {
        let others = waiting[at].foreign_keys.iter().filter(|key| key.target != waiting[at].name);
        others.filter_map(|key| waiting.iter().position(|other| other.name == key.target)).next()
    };
    let mut seen = Vec::new();
    let mut at = (0..waiting.len()).find(|at| refers_to(*at).is_none()).unwrap_or(0);
    while let Some(other) = refers_to(at).filter(|_| !seen.contains(&at)) {
        seen.push(at);
        at = other;
    }
    at
}
