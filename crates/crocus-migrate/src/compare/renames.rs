//! Tables and columns whose models say what they were called before. Once that is done, the word has no effect.

use super::Comparison;
use super::enums::{self, literal};
use crate::operation::Operation;
use crate::schema::{Column, Enum, Index, IndexKey, RenamedValue, Schema, Table, TableName, Type};

/// What the database has when everything has its new name.
pub(super) fn follow(models: &Schema, declared: &Schema, mut actual: Schema, comparison: &mut Comparison) -> Schema {
    for model in &models.tables {
        if let Some(old) = model.renamed_from.as_ref().map(|name| model.name.beside(name))
            && models.table(&old).is_none()
            && actual.table(&model.name).is_none()
            && actual.table(&old).is_some()
        {
            rename_table(&mut actual, &old, &model.name);
            let (name, new_name) = (old, model.name.name.clone());
            comparison.operations.push(Operation::RenameTable { name, new_name });
        }
        for column in &model.columns {
            if let Some(old) = &column.renamed_from
                && model.column(old).is_none()
                && let Some(table) = actual.table(&model.name)
                && table.column(&column.name).is_none()
                && table.column(old).is_some()
            {
                // A name that SQL cannot say otherwise is in quotes everywhere; none of the model's expressions has it
                // without. What only the database has is safe in them.
                let said = |sql: &&mut String| tokens(sql).any(|token| token == column.name);
                let in_quotes = !expressions(&mut model.clone()).iter().any(said);
                rename_column(&mut actual, &model.name, old, &column.name, in_quotes);
                let (table, name, new_name) = (model.name.clone(), old.clone(), column.name.clone());
                comparison.operations.push(Operation::RenameColumn { table, name, new_name });
            }
        }
    }
    for renamed in &models.renamed_values {
        rename_value((models, declared), &mut actual, renamed, comparison);
    }
    actual
}

/// A value's name is in types and defaults, where it changes by itself, and as a text in the conditions of SQLite: those go
/// before.
fn rename_value(
    (models, declared): (&Schema, &Schema),
    actual: &mut Schema,
    renamed: &RenamedValue,
    comparison: &mut Comparison,
) {
    let RenamedValue { name, value, new_value } = renamed.clone();
    let is_there = |schema: &Schema, value| schema.enumeration(&name).is_some_and(|found| found.values.contains(value));
    if !is_there(actual, &value) || is_there(actual, &new_value) {
        return;
    }
    rename_enum_value(actual, &name, &value, &new_value);
    for table in actual.tables.iter_mut().filter(|table| table.has_enum(&name)) {
        let Some(declared) = declared.table(&table.name) else { continue };
        enums::drop_conditions(declared, table, &literal(&value), comparison);
    }
    let is_list =
        |column: &&Column| matches!(&column.ty, Type::Array(of) if matches!(&**of, Type::Enum(of) if of.name == name));
    let mut lists = Vec::new();
    for model in &models.tables {
        let Some(found) = actual.table(&model.name) else { continue };
        let columns = model.columns.iter().filter(is_list).filter(|column| found.column(&column.name).is_some());
        lists.extend(columns.map(|column| (model.name.clone(), column.name.clone())));
    }
    comparison.operations.push(Operation::RenameEnumValue { name, value, new_value, lists });
}

/// Gives a value another name in the type, in its columns and in their defaults.
pub(crate) fn rename_enum_value(schema: &mut Schema, name: &str, value: &str, new_value: &str) {
    let rename = |found: &mut Enum| {
        if found.name == name {
            found.values.iter_mut().filter(|known| *known == value).for_each(|known| *known = new_value.to_owned());
        }
    };
    schema.enums.iter_mut().for_each(rename);
    for table in schema.tables.iter_mut().filter(|table| table.has_enum(name)) {
        expressions(table).into_iter().for_each(|sql| *sql = with_value(sql, name, value, new_value));
    }
    for column in schema.tables.iter_mut().flat_map(|table| &mut table.columns) {
        if let Some(found) = column.ty.as_enum_mut().filter(|found| found.name == name) {
            rename(found);
            if let Some(default) = &mut column.default {
                *default = with_value(default, name, value, new_value);
                if *default == literal(value) {
                    *default = literal(new_value);
                }
            }
        }
    }
}

/// An expression in which PostgreSQL knows a value as one of the type: `'red'::colour`.
fn with_value(sql: &str, name: &str, value: &str, new_value: &str) -> String {
    let cast = |value: &str, name: &str| format!("{}::{name}", literal(value));
    let plain = sql.replace(&cast(value, name), &cast(new_value, name));
    plain.replace(&cast(value, &quoted(name)), &cast(new_value, &quoted(name)))
}

pub(crate) fn rename_table(schema: &mut Schema, old: &TableName, new: &TableName) {
    for table in &mut schema.tables {
        let targets = table.foreign_keys.iter_mut().map(|key| &mut key.target);
        targets.chain([&mut table.name]).filter(|name| *name == old).for_each(|name| name.clone_from(new));
    }
}

pub(crate) fn rename_column(schema: &mut Schema, table: &TableName, old: &str, new: &str, in_quotes: bool) {
    let rename = |names: &mut Vec<String>| {
        names.iter_mut().filter(|name| **name == old).for_each(|name| *name = new.to_owned());
    };
    for other in &mut schema.tables {
        let keys = other.foreign_keys.iter_mut().filter(|key| key.target == *table);
        keys.for_each(|key| rename(&mut key.target_columns));
        if other.name == *table {
            rename(&mut other.primary_key);
            other.uniques.iter_mut().for_each(|unique| rename(&mut unique.columns));
            other.foreign_keys.iter_mut().for_each(|key| {
                rename(&mut key.columns);
                rename(&mut key.on_delete_columns);
            });
            other.indexes.iter_mut().for_each(|index| rename(&mut index.include));
            let column = other.columns.iter_mut().filter(|column| column.name == old);
            column.for_each(|column| column.name = new.to_owned());
            expressions(other).into_iter().for_each(|sql| *sql = renamed(sql, old, new, in_quotes));
            let parts = other.indexes.iter_mut().flat_map(|index| &mut index.parts);
            for part in parts {
                if part.key == IndexKey::Column(old.to_owned()) {
                    part.key = IndexKey::Column(new.to_owned());
                }
            }
        }
    }
}

/// Everything of a table that may mention its columns.
fn expressions(table: &mut Table) -> Vec<&mut String> {
    let generated = table.columns.iter_mut().filter_map(|column| column.generated.as_mut());
    let checks = table.checks.iter_mut().map(|check| &mut check.expression);
    generated.chain(checks).chain(table.indexes.iter_mut().flat_map(of_index)).collect()
}

fn of_index(index: &mut Index) -> impl Iterator<Item = &mut String> {
    let parts = index.parts.iter_mut().filter_map(|part| match &mut part.key {
        IndexKey::Expression(sql) => Some(sql),
        IndexKey::Column(_) => None,
    });
    parts.chain(&mut index.condition)
}

/// An expression with another name for a column, as the databases write it. Where one of them does otherwise, what has
/// the expression is only made again.
fn renamed(sql: &str, old: &str, new: &str, in_quotes: bool) -> String {
    let rename = |token: &str| {
        if token == old && !in_quotes {
            new.to_owned()
        } else if token == old || token == quoted(old) {
            quoted(new)
        } else {
            token.to_owned()
        }
    };
    tokens(sql).map(rename).collect()
}

/// The names that an expression mentions, among its other words.
pub(crate) fn words(sql: &str) -> impl Iterator<Item = String> {
    let word = |token: &str| match token.strip_prefix('"') {
        Some(name) => name.strip_suffix('"').unwrap_or(name).replace("\"\"", "\""),
        None => token.to_owned(),
    };
    tokens(sql).map(word)
}

/// An expression's words, what is in quotes, and every other character.
pub(crate) fn tokens(sql: &str) -> impl Iterator<Item = &str> {
    let is_word = |character: char| character.is_alphanumeric() || character == '_' || character == '$';
    let mut rest = sql;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = match first {
            '\'' | '"' => quoted_end(rest, first),
            _ if is_word(first) => rest.find(|character| !is_word(character)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at(end);
        rest = after;
        Some(token)
    })
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Where what is in quotes ends; a doubled quote is a part of it.
fn quoted_end(text: &str, quote: char) -> usize {
    let mut end = 1;
    while let Some(at) = text[end..].find(quote) {
        end += at + 1;
        if !text[end..].starts_with(quote) {
            return end;
        }
        end += 1;
    }
    text.len()
}
