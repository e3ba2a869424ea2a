//! New, dropped and changed foreign keys. A changed one is dropped and made again.

use super::{Comparison, Sides};
use crate::operation::{Constraint, Operation};

pub(super) fn drop(sides: &Sides<'_>, comparison: &mut Comparison) {
    for key in sides.actual.foreign_keys.iter().filter(|key| !sides.declared.foreign_keys.contains(key)) {
        comparison.operations.push(Operation::DropConstraint {
            table: sides.model.name.clone(),
            name: key.name.clone(),
            was: Some(Constraint::ForeignKey(key.clone())),
        });
    }
}

pub(super) fn create(sides: &Sides<'_>, comparison: &mut Comparison) {
    for key in sides.model.foreign_keys.iter().filter(|key| !sides.actual.foreign_keys.contains(key)) {
        let (table, foreign_key) = (sides.model.name.clone(), key.clone());
        comparison.operations.push(Operation::CreateForeignKey { table, foreign_key });
    }
}
