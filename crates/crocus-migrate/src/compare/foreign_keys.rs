//! New, dropped and changed foreign keys. A changed one is dropped and made again.

use super::constraints::not_validated;
use super::primary_keys::Loose;
use super::{Comparison, Sides};
use crate::operation::{Constraint, Operation};
use crate::schema::ForeignKey;

pub(super) fn drop(sides: &Sides<'_>, loose: &Loose, comparison: &mut Comparison) {
    for actual in &sides.actual.foreign_keys {
        let stays = sides.declared.foreign_keys.iter().any(|declared| says_the_same(declared, actual));
        if !stays || loose.frees(&sides.model.name, actual) {
            comparison.operations.push(Operation::DropConstraint {
                table: sides.model.name.clone(),
                name: actual.name.clone(),
                was: Some(Constraint::ForeignKey(actual.clone())),
            });
        }
    }
}

pub(super) fn create(sides: &Sides<'_>, loose: &Loose, comparison: &mut Comparison) {
    for (model, declared) in sides.model.foreign_keys.iter().filter_map(|key| {
        sides.declared.foreign_keys.iter().find(|declared| declared.name == key.name).map(|declared| (key, declared))
    }) {
        match sides.actual.foreign_keys.iter().find(|actual| says_the_same(declared, actual)) {
            Some(actual) if !loose.frees(&sides.model.name, declared) => {
                comparison.notes.extend((!actual.validated).then(|| not_validated(sides, &actual.name)));
            }
            _ => {
                let (table, foreign_key) = (sides.model.name.clone(), model.clone());
                comparison.operations.push(Operation::CreateForeignKey { table, foreign_key });
            }
        }
    }
}

/// Whether they differ in nothing but what the rows of before fulfil.
fn says_the_same(one: &ForeignKey, other: &ForeignKey) -> bool {
    *one == ForeignKey { validated: one.validated, ..other.clone() }
}
