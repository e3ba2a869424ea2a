//! New, dropped and altered columns.

use super::renames::words;
use super::{Comparison, Sides};
use crate::operation::Operation;
use crate::schema::Column;
use crate::types::Conversion;

/// A formula cannot be without the columns that it reads: those that are computed, or are so no more, go first, and those
/// that are come or change last.
pub(super) fn compare(sides: &Sides<'_>, comparison: &mut Comparison) {
    let gone = sides.actual.columns.iter().filter(|actual| sides.model.column(&actual.name).is_none());
    let (computed, plain): (Vec<_>, Vec<_>) = gone.partition(|column| column.generated.is_some());
    let dragged: Vec<_> = sides.actual.columns.iter().filter(|actual| is_dragged(sides, &actual.name)).collect();
    let (read, unread): (Vec<_>, Vec<_>) = plain.into_iter().partition(|column| {
        let mut changed = sides.made_anew.iter().filter_map(|name| sides.actual.column(name)?.generated.as_ref());
        changed.any(|formula| reads(formula, &column.name))
    });
    computed.into_iter().chain(dragged).chain(unread).for_each(|column| drop(sides, column, comparison));
    let is_computed = |(_, declared): &(&Column, &Column)| declared.generated.is_some();
    let (computed, plain): (Vec<_>, Vec<_>) =
        sides.model.columns.iter().zip(&sides.declared.columns).partition(is_computed);
    let was_computed = |(model, _): &(&Column, &Column)| {
        sides.actual.column(&model.name).is_some_and(|actual| actual.generated.is_some())
    };
    let (freed, plain): (Vec<_>, Vec<_>) = plain.into_iter().partition(was_computed);
    let ordered = freed.into_iter().chain(plain).chain(computed);
    ordered.for_each(|(model, declared)| add_or_alter(sides, model, declared, comparison));
    read.into_iter().for_each(|column| drop(sides, column, comparison));
}

fn drop(sides: &Sides<'_>, column: &Column, comparison: &mut Comparison) {
    let (table, name, was) = (sides.model.name.clone(), column.name.clone(), Some(column.clone()));
    comparison.operations.push(Operation::DropColumn { table, name, was });
}

fn add_or_alter(sides: &Sides<'_>, model: &Column, declared: &Column, comparison: &mut Comparison) {
    let table = &sides.model.name;
    let found = sides.actual.column(&model.name).filter(|actual| !is_dragged(sides, &actual.name));
    let Some(actual) = found else {
        comparison.operations.push(Operation::AddColumn { table: table.clone(), column: model.clone() });
        return;
    };
    if declared.ty != actual.ty && Conversion::between(&actual.ty, &model.ty) == Conversion::Unknown {
        comparison.notes.push(format!(
            "{table}.{}: nothing is known that makes a value of {} from one of {}; write the expression with `alter_column_using`",
            model.name, model.ty, actual.ty
        ));
    }
    if differs(declared, actual) {
        comparison.operations.push(Operation::AlterColumn {
            table: table.clone(),
            column: model.clone(),
            using: None,
            was: Some(was(model, declared, actual)),
        });
    }
}

/// Whether a column stays as it is, but is computed from one that gets another type or collation: PostgreSQL
/// refuses that under it.
fn is_dragged(sides: &Sides<'_>, name: &str) -> bool {
    let Some((declared, actual)) = sides.declared.column(name).zip(sides.actual.column(name)) else { return false };
    let Some(formula) = actual.generated.as_ref().filter(|_| !differs(declared, actual)) else { return false };
    let mut both = sides.declared.columns.iter().filter_map(|new| Some((new, sides.actual.column(&new.name)?)));
    both.any(|(new, old)| (&new.ty, &new.collation) != (&old.ty, &old.collation) && reads(formula, &new.name))
}

fn reads(formula: &str, name: &str) -> bool {
    words(formula).any(|word| word == name)
}

/// A column as it is. Where the type is as it is declared, it is said as the model says it: SQLite does not tell lists
/// from JSON.
fn was(model: &Column, declared: &Column, actual: &Column) -> Column {
    let ty = if declared.ty == actual.ty { &model.ty } else { &actual.ty };
    Column { ty: ty.clone(), ..actual.clone() }
}

/// Whether a column is not as it is declared.
fn differs(declared: &Column, actual: &Column) -> bool {
    let said = |column: &Column| Column { name: String::new(), renamed_from: None, ..column.clone() };
    said(declared) != said(actual)
}

/// The columns that are computed, before or after, and change, or whose columns do: PostgreSQL drops them and adds them
/// again, and with them goes whatever refers to them.
pub(super) fn made_anew<'a>(sides: &Sides<'a>) -> Vec<&'a str> {
    let changed = sides.declared.columns.iter().filter(|declared| {
        sides.actual.column(&declared.name).is_some_and(|actual| {
            (declared.generated.is_some() || actual.generated.is_some())
                && (differs(declared, actual) || is_dragged(sides, &actual.name))
        })
    });
    changed.map(|column| column.name.as_str()).collect()
}
