//! Names of indexes that go on one table and are wanted on another. They are names of the whole schema, so what has one
//! goes before anything is made.

use std::collections::BTreeSet;

use super::{Comparison, Ours, indexes, tables};
use crate::operation::{Constraint, Operation};
use crate::schema::{Index, Schema, Table, Unique};

/// Drops what has a name that another table's index or unique constraint is to have.
pub(super) fn free(models: &Schema, declared: &Schema, actual: &mut Schema, ours: &Ours, comparison: &mut Comparison) {
    let has =
        |table: &Table, name: &str| actual.table(&table.name).is_some_and(|table| names(table).any(|it| it == name));
    let wanted: BTreeSet<_> = models
        .tables
        .iter()
        .flat_map(|model| names(model).map(move |name| (model, name)))
        .filter(|(model, name)| !has(model, name))
        .map(|(model, name)| (model.name.schema.clone(), name.to_owned()))
        .collect();
    for table in &mut actual.tables {
        let sides = models.table(&table.name).zip(declared.table(&table.name));
        if sides.is_none() && !tables::is_gone(models, ours, table) {
            continue;
        }
        let goes = |name: &str| {
            wanted.contains(&(table.name.schema.clone(), name.to_owned()))
                && sides.is_none_or(|(model, _)| !names(model).any(|own| own == name))
        };
        let leaves = |index: &Index| {
            goes(&index.name) && sides.is_none_or(|(model, declared)| !indexes::stays(model, declared, index, ours))
        };
        let uniques: Vec<Unique> = table.uniques.extract_if(.., |unique| goes(&unique.name)).collect();
        let indexes: Vec<Index> = table.indexes.extract_if(.., |index| leaves(index)).collect();
        comparison.operations.extend(uniques.into_iter().map(|unique| Operation::DropConstraint {
            table: table.name.clone(),
            name: unique.name.clone(),
            was: Some(Constraint::Unique(unique)),
        }));
        comparison.operations.extend(indexes.into_iter().map(|index| Operation::DropIndex {
            table: table.name.clone(),
            name: index.name.clone(),
            // Nobody uses a table that goes.
            concurrently: sides.is_some(),
            was: Some(Index { valid: true, ..index }),
        }));
    }
}

/// The names that its indexes have, also those of unique constraints.
fn names(table: &Table) -> impl Iterator<Item = &str> {
    let uniques = table.uniques.iter().map(|unique| unique.name.as_str());
    uniques.chain(table.indexes.iter().map(|index| index.name.as_str()))
}
