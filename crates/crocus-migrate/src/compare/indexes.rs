//! New, dropped and changed indexes. A changed one is dropped and made again.

use super::{Comparison, Ours, Sides};
use crate::operation::Operation;
use crate::schema::{Index, IndexKey, IndexPart, Table};

pub(super) fn drop(sides: &Sides<'_>, ours: &Ours, comparison: &mut Comparison) {
    let goes = |index: &&Index| {
        if sides.declared.indexes.contains(index) {
            return goes_with_a_column(sides, index);
        }
        !stays(sides.model, sides.declared, index, ours)
    };
    for index in sides.actual.indexes.iter().filter(|index| !index.valid) {
        comparison.notes.push(format!(
            "{}: the index {} is invalid, as a CREATE INDEX CONCURRENTLY that failed leaves it{}",
            sides.model.name,
            index.name,
            match (goes(&index), is_wanted(sides.declared, &index.name)) {
                (true, true) => "; it is made again",
                (true, false) => "",
                (false, _) => ", and no model declares it: drop it by hand",
            }
        ));
    }
    for index in sides.actual.indexes.iter().filter(goes) {
        comparison.operations.push(Operation::DropIndex {
            table: sides.model.name.clone(),
            name: index.name.clone(),
            concurrently: true,
            // One that is not complete is not what comes back.
            was: Some(Index { valid: true, ..index.clone() }),
        });
    }
}

/// Whether one that no model declares is left alone: somebody made it with a purpose (a condition, an order, an expression,
/// uniqueness), its name is not wanted, and its columns stay.
pub(super) fn stays(model: &Table, declared: &Table, index: &Index, ours: &Ours) -> bool {
    let is_there = |column: &String| model.column(column).is_some();
    !index.is_plain()
        && !ours.indexes.contains(&index.name)
        && !is_wanted(declared, &index.name)
        && index.clone().columns().iter().chain(&index.include).all(is_there)
}

fn is_wanted(declared: &Table, name: &str) -> bool {
    declared.indexes.iter().any(|index| index.name == name) || declared.uniques.iter().any(|unique| unique.name == name)
}

pub(super) fn create(sides: &Sides<'_>, comparison: &mut Comparison) {
    let table = &sides.model.name;
    for (model, declared) in sides.model.indexes.iter().filter_map(|index| {
        sides.declared.indexes.iter().find(|declared| declared.name == index.name).map(|declared| (index, declared))
    }) {
        if !sides.actual.indexes.contains(declared) || goes_with_a_column(sides, declared) {
            let (table, index) = (table.clone(), model.clone());
            comparison.operations.push(Operation::CreateIndex { table, index, concurrently: true });
        }
    }
}

fn goes_with_a_column(sides: &Sides<'_>, index: &Index) -> bool {
    let expression = |part: &IndexPart| match &part.key {
        IndexKey::Column(_) => false,
        IndexKey::Expression(sql) => sides.may_go_with(sql),
    };
    sides.goes_with(&index.clone().columns())
        || sides.goes_with(&index.include)
        || index.parts.iter().any(expression)
        || index.condition.as_ref().is_some_and(|sql| sides.may_go_with(sql))
}
