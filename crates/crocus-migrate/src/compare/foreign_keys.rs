//! New, dropped and changed foreign keys. A changed one is dropped and made again.

use super::primary_keys::Loose;
use super::{Comparison, Sides};
use crate::operation::{Constraint, Operation};

pub(super) fn drop(sides: &Sides<'_>, loose: &Loose, comparison: &mut Comparison) {
    let keys = sides.actual.foreign_keys.iter();
    for key in keys.filter(|it| !sides.declared.foreign_keys.contains(it) || loose.frees(&sides.model.name, it)) {
        comparison.operations.push(Operation::DropConstraint {
            table: sides.model.name.clone(),
            name: key.name.clone(),
            was: Some(Constraint::ForeignKey(key.clone())),
        });
    }
}

pub(super) fn create(sides: &Sides<'_>, loose: &Loose, comparison: &mut Comparison) {
    let keys = sides.model.foreign_keys.iter();
    for key in keys.filter(|it| !sides.actual.foreign_keys.contains(it) || loose.frees(&sides.model.name, it)) {
        let (table, foreign_key) = (sides.model.name.clone(), key.clone());
        comparison.operations.push(Operation::CreateForeignKey { table, foreign_key });
    }
}
