//! New, dropped and altered columns.

use super::{Comparison, Sides};
use crate::operation::Operation;
use crate::schema::{Column, Table};

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
        if differs(declared, actual) {
            comparison.operations.push(Operation::AlterColumn {
                table: table.clone(),
                column: model.clone(),
                using: None,
                was: Some(actual.clone()),
            });
        }
    }
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
