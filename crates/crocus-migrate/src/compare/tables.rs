//! New and dropped tables, in an order that their foreign keys allow.

use super::{Comparison, Ours};
use crate::operation::{Constraint, Operation};
use crate::schema::{ForeignKey, Schema, Table, TableName};

pub(super) fn create(models: &Schema, actual: &Schema, comparison: &mut Comparison) {
    let new = models.tables.iter().filter(|model| actual.table(&model.name).is_none()).collect();
    let (tables, cyclic) = ordered(new);
    for mut table in tables {
        let indexes = std::mem::take(&mut table.indexes);
        let name = table.name.clone();
        comparison.operations.push(Operation::CreateTable(table));
        let create = |index| Operation::CreateIndex { table: name.clone(), index, concurrently: false };
        let indexes = indexes.into_iter().map(create);
        comparison.operations.extend(indexes);
    }
    let keys = cyclic.into_iter().map(|(table, foreign_key)| Operation::CreateForeignKey { table, foreign_key });
    comparison.operations.extend(keys);
}

/// A table that no model declares and no migration made is somebody else's.
pub(super) fn drop(models: &Schema, actual: &Schema, ours: &Ours, comparison: &mut Comparison) {
    let gone = |table: &&Table| models.table(&table.name).is_none() && ours.tables.contains(&table.name);
    let (tables, cyclic) = ordered(actual.tables.iter().rev().filter(gone).collect());
    comparison.operations.extend(cyclic.into_iter().map(|(table, key)| Operation::DropConstraint {
        table,
        name: key.name.clone(),
        was: Some(Constraint::ForeignKey(key)),
    }));
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
