//! Constraints, indexes and defaults: reading what `#[model(...)]` says of them.

use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::{Lit, LitStr};

use super::item::{Argument, Item, choose, name, split, text};
use crate::errors::Errors;
use crate::names;

/// `unique(name, model)`, with `name = "..."` if the user chose one.
pub(crate) struct Composite {
    pub(crate) key: Ident,
    pub(crate) fields: Vec<Ident>,
    /// A variant of `Deferrable`.
    pub(crate) deferrable: &'static str,
    pub(crate) nulls_not_distinct: bool,
    pub(crate) name: Option<LitStr>,
}

/// `unique` or `index` on a field, with `= "name"` if the user chose one.
pub(crate) struct Single {
    pub(crate) key: Ident,
    pub(crate) name: Option<LitStr>,
}

/// `check = "expression"` or `check(name = "name", "expression")`.
pub(crate) struct Check {
    pub(crate) key: Ident,
    pub(crate) expression: String,
    pub(crate) name: Option<LitStr>,
}

/// `default = ...`, as SQL.
pub(crate) struct DefaultValue {
    pub(crate) key: Ident,
    pub(crate) sql: String,
}

impl Item {
    /// `unique` or `unique = "name"`
    pub(super) fn single(&self, errors: &mut Errors) -> Option<Single> {
        let key = self.key.clone();
        match &self.argument {
            Argument::Nothing => Some(Single { key, name: None }),
            Argument::Value(value) => {
                let name = name(value, &format!("`{key} = \"name\"`"), names::fault, errors)?;
                Some(Single { key, name: Some(name) })
            }
            Argument::List(list) => {
                let text = format!(
                    "on a field, write `{key}` or `{key} = \"name\"`; several fields and options are listed on the struct"
                );
                errors.at(list, text);
                None
            }
        }
    }

    /// `unique(name, model, nulls_not_distinct, initially_deferred, name = "name")`
    pub(super) fn composite(&self, errors: &mut Errors) -> Option<Composite> {
        let key = self.key.clone();
        let example = format!("`{key}(first, second)`");
        let Argument::List(list) = &self.argument else {
            errors.at(self, format!("on the struct, `{key}` lists fields: {example}"));
            return None;
        };
        let mut fields: Vec<Ident> = Vec::new();
        let (mut chosen, mut deferrable, mut nulls_not_distinct) = (None, "No", false);
        for part in split(list.stream(), errors) {
            match Item::read(part.clone()) {
                Some(Item { key: word, argument: Argument::Value(value) }) if word == "name" => {
                    choose(&mut chosen, &word, &value, errors);
                }
                // A field of such a name is written `r#deferrable`.
                Some(Item { key, argument: Argument::Nothing }) if key == "nulls_not_distinct" => {
                    nulls_not_distinct = true;
                }
                Some(Item { key, argument: Argument::Nothing }) if key == "initially_deferred" => {
                    deferrable = "Deferred";
                }
                Some(Item { key, argument: Argument::Nothing }) if key == "deferrable" => {
                    // Either order of the two words means the same.
                    if deferrable == "No" {
                        deferrable = "Immediate";
                    }
                }
                Some(Item { key: field, argument: Argument::Nothing }) => {
                    if fields.iter().any(|other| other.unraw() == field.unraw()) {
                        errors.at(&field, format!("`{field}` is listed twice: list each field once"));
                    } else {
                        fields.push(field);
                    }
                }
                _ => {
                    let text = format!(
                        "expected a field's name, `deferrable`, `initially_deferred`, `nulls_not_distinct`, or \
                         `name = \"name\"` for the constraint's: {example}"
                    );
                    errors.at(part, text);
                }
            }
        }
        if fields.is_empty() {
            errors.at(self, format!("`{key}` lists no field: {example}"));
            return None;
        }
        Some(Composite { key, fields, deferrable, nulls_not_distinct, name: chosen })
    }

    /// `check = "expression"` or `check(name = "name", "expression")`
    pub(super) fn check(&self, errors: &mut Errors) -> Option<Check> {
        let key = self.key.clone();
        let example = "`check = \"doors >= 0\"` or `check(name = \"enough_doors\", \"doors >= 0\")`";
        let mut chosen = None;
        let mut expression = None;
        match &self.argument {
            Argument::Nothing => {}
            Argument::Value(value) => expression = Some(text(value, "`check = \"doors >= 0\"`", errors)?),
            Argument::List(list) => {
                for part in split(list.stream(), errors) {
                    match Item::read(part.clone()) {
                        Some(Item { key: word, argument: Argument::Value(value) }) if word == "name" => {
                            choose(&mut chosen, &word, &value, errors);
                        }
                        _ if expression.is_some() => errors.at(part, format!("a check has one expression: {example}")),
                        _ => expression = Some(text(&part, example, errors)?),
                    }
                }
            }
        }
        match expression {
            None => errors.at(self, format!("`check` needs an SQL expression: {example}")),
            Some(text) if text.value().trim().is_empty() => {
                errors.at(text, format!("the expression is empty: write what must hold, as in {example}"));
            }
            Some(text) => return Some(Check { key, expression: text.value(), name: chosen }),
        }
        None
    }

    /// `default = 4`, `default = 0.5`, `default = true` or `default = "now()"`
    pub(super) fn default(&self, errors: &mut Errors) -> Option<DefaultValue> {
        let wanted =
            "a number, `true`, `false`, or a string that holds an SQL expression such as \"now()\" or \"'blue'\"";
        let Argument::Value(value) = &self.argument else {
            errors.at(self, format!("`default` needs a value: {wanted}"));
            return None;
        };
        let sql = match syn::parse2(value.clone()) {
            Ok(Lit::Int(number)) => number.base10_digits().to_owned(),
            Ok(Lit::Float(number)) => number.base10_digits().to_owned(),
            Ok(Lit::Bool(truth)) => truth.value.to_string(),
            Ok(Lit::Str(text)) => text.value(),
            _ => {
                errors.at(value, format!("expected {wanted}"));
                return None;
            }
        };
        if sql.trim().is_empty() {
            errors.at(value, "the SQL expression is empty: write \"''\" for an empty text");
            return None;
        }
        Some(DefaultValue { key: self.key.clone(), sql })
    }
}
