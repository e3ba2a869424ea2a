//! New, dropped and changed enum types. On SQLite, too, where they are what columns say: so one migration does for both.

use super::{Comparison, Ours};
use crate::operation::Operation;
use crate::schema::{Column, Schema};

pub(super) fn create(models: &Schema, declared: &Schema, actual: &Schema, comparison: &mut Comparison) {
    for model in &models.enums {
        match actual.enumeration(&model.name) {
            // SQLite does not say what an array is of: there the type is made together with the first column of it.
            None if declared.enumeration(&model.name).is_none() && !has_new_column(models, actual, &model.name) => {}
            None => comparison.operations.push(Operation::CreateEnum(model.clone())),
            Some(actual) if actual != model => {
                let (values, was) = (model.clone(), Some(actual.clone()));
                comparison.operations.push(Operation::AlterEnum { values, was });
            }
            Some(_) => {}
        }
    }
}

/// Takes away the defaults that an enum type will know no more: it could not be altered under them.
pub(super) fn free_defaults(models: &Schema, actual: &mut Schema, ours: &Ours, comparison: &mut Comparison) {
    let lost = |column: &Column| {
        let old = column.ty.as_enum()?;
        let new = models.enumeration(&old.name)?;
        let default = column.default.as_ref()?;
        let is_it = |value: &&String| default.contains(&format!("'{}'", value.replace('\'', "''")));
        Some(old.values.iter().filter(|value| !new.values.contains(value)).any(|value| is_it(&value)))
    };
    for table in &mut actual.tables {
        if models.table(&table.name).is_none() && !ours.tables.contains(&table.name) {
            continue;
        }
        for column in table.columns.iter_mut().filter(|column| lost(column) == Some(true)) {
            let was = Some(column.clone());
            column.default = None;
            let (table, column) = (table.name.clone(), column.clone());
            comparison.operations.push(Operation::AlterColumn { table, column, using: None, was });
        }
    }
}

fn has_new_column(models: &Schema, actual: &Schema, name: &str) -> bool {
    models.tables.iter().any(|model| {
        let of_enum = |column: &&Column| column.ty.as_enum().is_some_and(|found| found.name == name);
        let is_there = |column: &Column| actual.table(&model.name).is_some_and(|it| it.column(&column.name).is_some());
        model.columns.iter().filter(of_enum).any(|column| !is_there(column))
    })
}

/// A type that no migration made is somebody else's.
pub(super) fn drop(models: &Schema, actual: &Schema, ours: &Ours, comparison: &mut Comparison) {
    for actual in &actual.enums {
        if models.enumeration(&actual.name).is_none() && ours.enums.contains(&actual.name) {
            let (name, was) = (actual.name.clone(), Some(actual.clone()));
            comparison.operations.push(Operation::DropEnum { name, was });
        }
    }
}
