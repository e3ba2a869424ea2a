//! New, dropped and changed indexes. A changed one is dropped and made again.

use super::{Comparison, Sides};
use crate::operation::Operation;

pub(super) fn drop(sides: &Sides<'_>, comparison: &mut Comparison) {
    for index in sides.actual.indexes.iter().filter(|index| !sides.declared.indexes.contains(index)) {
        comparison.operations.push(Operation::DropIndex {
            table: sides.model.name.clone(),
            name: index.name.clone(),
            was: Some(index.clone()),
        });
    }
}

pub(super) fn create(sides: &Sides<'_>, comparison: &mut Comparison) {
    for index in sides.model.indexes.iter().filter(|index| !sides.actual.indexes.contains(index)) {
        comparison.operations.push(Operation::CreateIndex { table: sides.model.name.clone(), index: index.clone() });
    }
}
