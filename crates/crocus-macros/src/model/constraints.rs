//! The constraints and indexes of a table, and the names that they get.

use std::collections::HashMap;

use proc_macro2::Ident;
use quote::ToTokens;
use syn::ext::IdentExt;

use super::Field;
use crate::attributes::constraints::{Check, Composite, Single};
use crate::attributes::indexes::{self, PartKey};
use crate::attributes::{FieldAttributes, StructAttributes};
use crate::errors::Errors;
use crate::names;

/// A unique constraint.
pub(crate) struct Unique {
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
    /// A variant of `Deferrable`.
    pub(crate) deferrable: &'static str,
    pub(crate) nulls_not_distinct: bool,
}

/// An index.
pub(crate) struct Index {
    pub(crate) name: String,
    pub(crate) parts: Vec<Part>,
    pub(crate) unique: bool,
    pub(crate) condition: Option<String>,
    pub(crate) method: Option<String>,
    pub(crate) include: Vec<String>,
    pub(crate) nulls_not_distinct: bool,
}

/// What an index orders rows by.
pub(crate) struct Part {
    /// A variant of `IndexKey`.
    pub(crate) kind: &'static str,
    /// The column's name, or the expression.
    pub(crate) text: String,
    pub(crate) descending: bool,
    /// A variant of `Nulls`.
    pub(crate) nulls: Option<&'static str>,
    pub(crate) collation: Option<String>,
    pub(crate) operator_class: Option<String>,
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
    pub(super) uniques: Vec<Unique>,
    pub(super) indexes: Vec<Index>,
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
            let columns = vec![column.to_owned()];
            self.uniques.push(Unique { name, columns, deferrable: "No", nulls_not_distinct: false });
        }
        if let Some(Single { key, name }) = index {
            let name = self.name(key, name, &[column, "idx"], "index = \"...\"", errors);
            self.indexes.push(Index::over(name, column));
        }
        self.add_checks(checks, Some(column), errors);
    }

    pub(super) fn add_of_struct(&mut self, attributes: &StructAttributes, fields: &[Field], errors: &mut Errors) {
        for unique in &attributes.uniques {
            let unique = self.unique(unique, fields, errors);
            self.uniques.extend(unique);
        }
        for index in &attributes.indexes {
            let index = self.index(index, fields, errors);
            self.indexes.extend(index);
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

    fn unique(&mut self, wanted: &Composite, fields: &[Field], errors: &mut Errors) -> Option<Unique> {
        let Composite { key, fields: listed, name, deferrable, nulls_not_distinct } = wanted;
        let columns = columns(listed, fields, errors)?;
        let parts: Vec<&str> = columns.iter().map(String::as_str).chain(["key"]).collect();
        let name = self.name(key, name, &parts, "unique(..., name = \"...\")", errors);
        Some(Unique { name, columns, deferrable, nulls_not_distinct: *nulls_not_distinct })
    }

    fn index(&mut self, wanted: &indexes::Index, fields: &[Field], errors: &mut Errors) -> Option<Index> {
        let mut parts = Vec::new();
        let mut words = Vec::new();
        for part in &wanted.parts {
            let (kind, text) = match &part.key {
                PartKey::Expression(expression) => {
                    words.push(word_of(expression));
                    ("Expression", expression.clone())
                }
                PartKey::Field(word) => {
                    let Some(found) = field(word, fields, errors) else { continue };
                    words.push(&fields[found].column);
                    ("Column", fields[found].column.clone())
                }
            };
            parts.push(Part {
                kind,
                text,
                descending: part.descending.is_some(),
                nulls: part.nulls.as_ref().map(|(_, variant)| *variant),
                collation: part.collation.as_ref().map(syn::LitStr::value),
                operator_class: part.operator_class.as_ref().map(syn::LitStr::value),
            });
        }
        let include = wanted.include.as_ref().map_or(&[][..], |(_, listed)| listed);
        let include = columns(include, fields, errors)?;
        if parts.len() < wanted.parts.len() {
            return None;
        }
        // PostgreSQL names an index after the columns that it includes, too.
        words.extend(include.iter().map(String::as_str));
        words.push("idx");
        let name = self.name(&wanted.key, &wanted.name, &words, "index(..., name = \"...\")", errors);
        Some(Index {
            name,
            parts,
            unique: wanted.unique,
            condition: wanted.condition.clone(),
            method: wanted.method.as_ref().map(|(_, method)| method.clone()),
            include,
            nulls_not_distinct: wanted.nulls_not_distinct.is_some(),
        })
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

impl Index {
    /// One over a column as it is.
    fn over(name: String, column: &str) -> Index {
        let part = Part {
            kind: "Column",
            text: column.to_owned(),
            descending: false,
            nulls: None,
            collation: None,
            operator_class: None,
        };
        Index {
            name,
            parts: vec![part],
            unique: false,
            condition: None,
            method: None,
            include: Vec::new(),
            nulls_not_distinct: false,
        }
    }
}

/// The columns of the fields that a list names; `None` where one is a mistake.
fn columns(listed: &[Ident], fields: &[Field], errors: &mut Errors) -> Option<Vec<String>> {
    let found = listed.iter().filter_map(|word| field(word, fields, errors));
    let columns: Vec<_> = found.map(|index| fields[index].column.clone()).collect();
    (columns.len() == listed.len()).then_some(columns)
}

/// What stands for an expression in the name of its index: the function that it calls, as in PostgreSQL
/// (`FigureIndexColname`), or `expr`.
fn word_of(expression: &str) -> &str {
    let expression = expression.trim();
    match expression.split_once('(') {
        Some((function, arguments))
            if arguments.find(')') == Some(arguments.len().saturating_sub(1))
                && function.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                && function.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') =>
        {
            function
        }
        _ => "expr",
    }
}

/// The index of the field that a list names.
pub(super) fn field(word: &Ident, fields: &[Field], errors: &mut Errors) -> Option<usize> {
    let name = word.unraw().to_string();
    let found = fields.iter().position(|field| field.name == name);
    if found.is_some_and(|index| fields[index].embedded.is_some()) {
        errors.at(word, format!("`{name}` is an embedded struct: list fields that are columns"));
        return None;
    }
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
