//! New, dropped and changed unique and check constraints. A changed one is dropped and made again.

use super::{Comparison, Sides};
use crate::operation::{Constraint, Operation};
use crate::schema::{Check, Unique};

pub(super) fn drop(sides: &Sides<'_>, comparison: &mut Comparison) {
    let uniques = sides.actual.uniques.iter().filter(|unique| unique_goes(sides, unique));
    let checks = sides.actual.checks.iter();
    let checks = checks.filter(|actual| {
        !sides.declared.checks.iter().any(|it| says_the_same(it, actual)) || sides.may_go_with(&actual.expression)
    });
    let constraints = uniques
        .map(|unique| (&unique.name, Constraint::Unique(unique.clone())))
        .chain(checks.map(|check| (&check.name, Constraint::Check(check.clone()))));
    comparison.operations.extend(constraints.map(|(name, was)| Operation::DropConstraint {
        table: sides.model.name.clone(),
        name: name.clone(),
        was: Some(was),
    }));
}

/// Whether a unique constraint is dropped, for good or for a while.
pub(super) fn unique_goes(sides: &Sides<'_>, unique: &Unique) -> bool {
    !sides.declared.uniques.contains(unique) || sides.goes_with(&unique.columns)
}

pub(super) fn create(sides: &Sides<'_>, comparison: &mut Comparison) {
    let table = &sides.model.name;
    for (model, declared) in sides.model.uniques.iter().filter_map(|unique| {
        sides.declared.uniques.iter().find(|declared| declared.name == unique.name).map(|declared| (unique, declared))
    }) {
        if !sides.actual.uniques.contains(declared) || sides.goes_with(&declared.columns) {
            comparison.operations.push(Operation::CreateUnique { table: table.clone(), unique: model.clone() });
        }
    }
    for (model, declared) in sides.model.checks.iter().filter_map(|check| {
        sides.declared.checks.iter().find(|declared| declared.name == check.name).map(|declared| (check, declared))
    }) {
        match sides.actual.checks.iter().find(|actual| says_the_same(declared, actual)) {
            Some(actual) if !sides.may_go_with(&declared.expression) => {
                comparison.notes.extend((!actual.validated).then(|| not_validated(sides, &actual.name)));
            }
            _ => comparison.operations.push(Operation::CreateCheck { table: table.clone(), check: model.clone() }),
        }
    }
}

/// Whether they differ in nothing but what the rows of before fulfil.
fn says_the_same(one: &Check, other: &Check) -> bool {
    (&one.name, &one.expression) == (&other.name, &other.expression)
}

/// What is to be done with a constraint that new rows fulfil, and old ones perhaps not.
pub(super) fn not_validated(sides: &Sides<'_>, name: &str) -> String {
    format!(
        "{}: the constraint {name} is not validated: rows from before it may break it; mend them, then run VALIDATE CONSTRAINT",
        sides.model.name
    )
}
