//! The constraints and indexes of a table, and the names that they get.

use std::collections::HashMap;

use proc_macro2::Ident;
use quote::ToTokens;
use syn::ext::IdentExt;

use super::Field;
use crate::attributes::constraints::{Check, Composite, Single};
use crate::attributes::{FieldAttributes, StructAttributes};
use crate::errors::Errors;
use crate::names;

/// A unique constraint or an index.
pub(crate) struct Columns {
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
}

/// A check constraint.
pub(crate) struct Condition {
    pub(crate) name: String,
    pub(crate) expression: String,
    pub(crate) column: Option<String>,
}

/// The constraints so far, and the names that they took.
pub(super) struct Constraints {
    pub(super) table: String,
    /// Names in lower case, since SQLite does not tell the case of letters apart, with what has them.
    taken: HashMap<String, String>,
    pub(super) uniques: Vec<Columns>,
    pub(super) indexes: Vec<Columns>,
    pub(super) checks: Vec<Condition>,
}

impl Constraints {
    pub(super) fn new(table: String) -> Constraints {
        // In PostgreSQL a table and the indexes that carry its constraints share one space of names.
        let taken = [
            (table.to_lowercase(), "the table itself".to_owned()),
            (format!("{table}_pkey").to_lowercase(), "the primary key".to_owned()),
        ];
        Constraints { table, taken: taken.into(), uniques: Vec::new(), indexes: Vec::new(), checks: Vec::new() }
    }

    pub(super) fn add_of_field(&mut self, column: &str, attributes: &FieldAttributes, errors: &mut Errors) {
        let FieldAttributes { unique, index, checks, .. } = attributes;
        if let Some(Single { key, name }) = unique {
            let name = self.name(key, name, &[column, "key"], "unique = \"...\"", errors);
            self.uniques.push(Columns { name, columns: vec![column.to_owned()] });
        }
        if let Some(Single { key, name }) = index {
            let name = self.name(key, name, &[column, "idx"], "index = \"...\"", errors);
            self.indexes.push(Columns { name, columns: vec![column.to_owned()] });
        }
        self.add_checks(checks, Some(column), errors);
    }

    pub(super) fn add_of_struct(&mut self, attributes: &StructAttributes, fields: &[Field], errors: &mut Errors) {
        for unique in &attributes.uniques {
            let columns = self.columns(unique, "key", fields, errors);
            self.uniques.extend(columns);
        }
        for index in &attributes.indexes {
            let columns = self.columns(index, "idx", fields, errors);
            self.indexes.extend(columns);
        }
        self.add_checks(&attributes.checks, None, errors);
    }

    fn add_checks(&mut self, checks: &[Check], column: Option<&str>, errors: &mut Errors) {
        let mut unnamed = 0;
        for Check { key, expression, name } in checks {
            // PostgreSQL numbers its own names in this way: check, check1, check2.
            let suffix = if unnamed == 0 { "check".to_owned() } else { format!("check{unnamed}") };
            unnamed += usize::from(name.is_none());
            let parts: Vec<&str> = column.into_iter().chain([suffix.as_str()]).collect();
            let name = self.name(key, name, &parts, "check(name = \"...\", \"...\")", errors);
            self.checks.push(Condition { name, expression: expression.clone(), column: column.map(str::to_owned) });
        }
    }

    fn columns(&mut self, wanted: &Composite, suffix: &str, fields: &[Field], errors: &mut Errors) -> Option<Columns> {
        let Composite { key, fields: listed, name } = wanted;
        let found = listed.iter().filter_map(|word| field(word, fields, errors));
        let columns: Vec<_> = found.map(|index| fields[index].column.clone()).collect();
        if columns.len() < listed.len() {
            return None;
        }
        let parts: Vec<&str> = columns.iter().map(String::as_str).chain([suffix]).collect();
        let name = self.name(key, name, &parts, &format!("{key}(..., name = \"...\")"), errors);
        Some(Columns { name, columns })
    }

    /// The chosen name, or the one that PostgreSQL would make of the table and the parts.
    pub(super) fn name(
        &mut self,
        key: &Ident,
        chosen: &Option<syn::LitStr>,
        parts: &[&str],
        way_out: &str,
        errors: &mut Errors,
    ) -> String {
        let name = match chosen {
            Some(chosen) => chosen.value(),
            None => format!("{}_{}", self.table, parts.join("_")),
        };
        let at: &dyn ToTokens = chosen.as_ref().map_or(key, |chosen| chosen);
        if let Some(fault) = chosen.is_none().then(|| names::fault(&name)).flatten() {
            errors.at(at, format!("{fault}: give a name with #[model({way_out})]"));
        } else if let Some(owner) = self.taken.insert(name.to_lowercase(), "another constraint or index".to_owned()) {
            errors.at(at, format!("{owner} is named `{name}` already: choose another name with #[model({way_out})]"));
        }
        name
    }
}

/// The index of the field that a list names.
pub(super) fn field(word: &Ident, fields: &[Field], errors: &mut Errors) -> Option<usize> {
    let name = word.unraw().to_string();
    let found = fields.iter().position(|field| field.name == name);
    if found.is_none() {
        let known: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        let text = if let Some(field) = fields.iter().find(|field| field.column == name) {
            format!("`{name}` is a column: list its field, `{}`", field.name)
        } else if let Some(meant) = names::nearest(&name, &known) {
            format!("there is no field `{name}`: did you mean `{meant}`?")
        } else {
            format!("there is no field `{name}`: list fields of the struct")
        };
        errors.at(word, text);
    }
    found
}
