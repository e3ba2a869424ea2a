//! New, dropped and altered columns.

use super::{Comparison, Sides};
use crate::operation::Operation;
use crate::schema::{Column, Table};
use crate::types::Conversion;

pub(super) fn compare(sides: &Sides<'_>, comparison: &mut Comparison) {
    let table = &sides.model.name;
    for actual in &sides.actual.columns {
        if sides.model.column(&actual.name).is_none() {
            comparison.operations.push(Operation::DropColumn {
                table: table.clone(),
                name: actual.name.clone(),
                was: Some(actual.clone()),
            });
        }
    }
    for (model, declared) in sides.model.columns.iter().zip(&sides.declared.columns) {
        let Some(actual) = sides.actual.column(&model.name) else {
            comparison.operations.push(Operation::AddColumn { table: table.clone(), column: model.clone() });
            continue;
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

/// The columns that are computed, before or after, and change: PostgreSQL drops them and adds them again, and with them
/// goes whatever refers to them.
pub(super) fn made_anew<'a>(declared: &'a Table, actual: &Table) -> Vec<&'a str> {
    let changed = declared.columns.iter().filter(|declared| {
        actual.column(&declared.name).is_some_and(|actual| {
            (declared.generated.is_some() || actual.generated.is_some()) && differs(declared, actual)
        })
    });
    changed.map(|column| column.name.as_str()).collect()
}
