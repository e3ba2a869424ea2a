//! New and dropped tables.

use std::collections::BTreeSet;

use super::Comparison;
use crate::operation::Operation;
use crate::schema::Schema;

pub(super) fn create(models: &Schema, actual: &Schema, comparison: &mut Comparison) {
    for model in &models.tables {
        if actual.table(&model.name).is_none() {
            let mut table = model.clone();
            let indexes = std::mem::take(&mut table.indexes);
            comparison.operations.push(Operation::CreateTable(table));
            comparison
                .operations
                .extend(indexes.into_iter().map(|index| Operation::CreateIndex { table: model.name.clone(), index }));
        }
    }
}

/// A table that no model declares and no migration made is somebody else's.
pub(super) fn drop(models: &Schema, actual: &Schema, ours: &BTreeSet<String>, comparison: &mut Comparison) {
    for table in &actual.tables {
        if models.table(&table.name).is_none() && ours.contains(&table.name) {
            for index in &table.indexes {
                comparison.operations.push(Operation::DropIndex {
                    table: table.name.clone(),
                    name: index.name.clone(),
                    was: Some(index.clone()),
                });
            }
            let was = Some(crate::schema::Table { indexes: Vec::new(), ..table.clone() });
            comparison.operations.push(Operation::DropTable { name: table.name.clone(), was });
        }
    }
}
