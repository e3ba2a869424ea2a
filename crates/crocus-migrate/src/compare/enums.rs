//! New, dropped and changed enum types. On SQLite, too, where they are what columns say: so one migration does for both.

use super::renames::words;
use super::{Comparison, Ours};
use crate::operation::{Constraint, Operation};
use crate::schema::{Check, Column, Enum, Index, IndexKey, IndexPart, Schema, Table};

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

/// Takes away the checks and indexes that name a value which an enum type will know no more, where they change too.
pub(super) fn free_conditions(declared: &Schema, actual: &mut Schema, comparison: &mut Comparison) {
    let lost: Vec<(String, String)> = actual
        .enums
        .iter()
        .filter_map(|old| Some((old, declared.enumeration(&old.name)?)))
        .flat_map(|(old, new)| {
            let lost = old.values.iter().filter(|value| !new.values.contains(value));
            lost.map(|value| (old.name.clone(), literal(value))).collect::<Vec<_>>()
        })
        .collect();
    for (name, value) in lost {
        for table in actual.tables.iter_mut().filter(|table| table.has_enum(&name)) {
            let Some(declared) = declared.table(&table.name) else { continue };
            drop_conditions(declared, table, &value, comparison);
        }
    }
}

/// Drops the checks and indexes of a table that name a value and are not declared so.
pub(super) fn drop_conditions(declared: &Table, table: &mut Table, value: &str, comparison: &mut Comparison) {
    let names = |sql: &String| sql.contains(value);
    let goes = |check: &mut Check| names(&check.expression) && !declared.checks.contains(check);
    let checks: Vec<_> = table.checks.extract_if(.., goes).collect();
    comparison.operations.extend(checks.into_iter().map(|check| {
        let (name, was) = (check.name.clone(), Some(Constraint::Check(check)));
        Operation::DropConstraint { table: table.name.clone(), name, was }
    }));
    let of_part = |part: &IndexPart| matches!(&part.key, IndexKey::Expression(sql) if names(sql));
    let goes = |index: &mut Index| {
        let names = index.condition.as_ref().is_some_and(names) || index.parts.iter().any(of_part);
        names && declared.indexes.iter().any(|other| other.name == index.name && other != index)
    };
    let indexes: Vec<_> = table.indexes.extract_if(.., goes).collect();
    comparison.operations.extend(indexes.into_iter().map(|index| Operation::DropIndex {
        table: table.name.clone(),
        name: index.name.clone(),
        concurrently: false,
        was: Some(index),
    }));
}

/// Takes away the columns that are computed from one of an enum type that changes, with what is on them: PostgreSQL does
/// not make a type anew under a formula, neither there nor on the way back. They are computed again after it.
pub(super) fn free_formulas(models: &Schema, actual: &mut Schema, ours: &Ours, comparison: &mut Comparison) {
    let changes = |old: &Enum| models.enumeration(&old.name).is_some_and(|new| new != old);
    let changed: Vec<_> = actual.enums.iter().filter(|old| changes(old)).map(|old| old.name.clone()).collect();
    for table in &mut actual.tables {
        let model = models.table(&table.name);
        if model.is_none() && !ours.tables.contains(&table.name) {
            continue;
        }
        let is_of_one = |word: String| {
            let values = table.column(&word).and_then(|column| column.ty.as_enum());
            values.is_some_and(|values| changed.contains(&values.name))
        };
        let computed = |column: &&Column| column.generated.as_ref().is_some_and(|sql| words(sql).any(is_of_one));
        let names: Vec<_> = table.columns.iter().filter(computed).map(|column| column.name.clone()).collect();
        let is_kept = |name: &String| {
            let column = model.and_then(|model| model.column(name));
            column.is_some_and(|column| column.generated.is_none())
        };
        let (kept, gone): (Vec<_>, Vec<_>) = names.into_iter().partition(is_kept);
        drop_dependents(table, &gone, comparison);
        for column in table.columns.extract_if(.., |column| gone.contains(&column.name)) {
            let (table, name, was) = (table.name.clone(), column.name.clone(), Some(column));
            comparison.operations.push(Operation::DropColumn { table, name, was });
        }
        for column in table.columns.iter_mut().filter(|column| kept.contains(&column.name)) {
            let was = Some(column.clone());
            column.generated = None;
            let (table, column) = (table.name.clone(), column.clone());
            comparison.operations.push(Operation::AlterColumn { table, column, using: None, was });
        }
    }
}

/// Drops the constraints and indexes that refer to columns.
fn drop_dependents(table: &mut Table, columns: &[String], comparison: &mut Comparison) {
    let is_one = |names: &[String]| names.iter().any(|name| columns.contains(name));
    let reads_one = |sql: &String| words(sql).any(|word| columns.contains(&word));
    let of_part = |part: &IndexPart| matches!(&part.key, IndexKey::Expression(sql) if reads_one(sql));
    let on_one = |index: &mut Index| {
        is_one(&index.clone().columns())
            || is_one(&index.include)
            || index.parts.iter().any(of_part)
            || index.condition.as_ref().is_some_and(reads_one)
    };
    let keys = table.foreign_keys.extract_if(.., |key| is_one(&key.columns)).map(Constraint::ForeignKey);
    let checks = table.checks.extract_if(.., |check| reads_one(&check.expression)).map(Constraint::Check);
    let uniques = table.uniques.extract_if(.., |unique| is_one(&unique.columns)).map(Constraint::Unique);
    let constraints: Vec<_> = keys.chain(checks).chain(uniques).collect();
    comparison.operations.extend(constraints.into_iter().map(|was| {
        let name = match &was {
            Constraint::ForeignKey(key) => key.name.clone(),
            Constraint::Check(check) => check.name.clone(),
            Constraint::Unique(unique) => unique.name.clone(),
        };
        Operation::DropConstraint { table: table.name.clone(), name, was: Some(was) }
    }));
    for index in table.indexes.extract_if(.., on_one) {
        let (table, name, was) = (table.name.clone(), index.name.clone(), Some(index));
        comparison.operations.push(Operation::DropIndex { table, name, concurrently: false, was });
    }
}

pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
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
