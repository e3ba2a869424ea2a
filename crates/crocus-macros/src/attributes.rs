//! What stands in `#[model(...)]`: reading it, and saying what is wrong with it. Whether the parts fit together is
//! the business of `model`.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::{Attribute, Lit, LitStr, Meta, Path};

use crate::errors::Errors;
use crate::names;

const ON_STRUCT: [&str; 5] = ["table", "unique", "index", "check", "crate"];
const ON_FIELD: [&str; 7] = ["primary_key", "no_identity", "column", "unique", "index", "check", "default"];

/// The attributes of the struct.
#[derive(Default)]
pub(crate) struct StructAttributes {
    pub(crate) table: Option<LitStr>,
    pub(crate) uniques: Vec<Composite>,
    pub(crate) indexes: Vec<Composite>,
    pub(crate) checks: Vec<Check>,
    pub(crate) krate: Option<Path>,
}

/// The attributes of a field. A flag holds the word that set it, to point at.
#[derive(Default)]
pub(crate) struct FieldAttributes {
    pub(crate) primary_key: Option<Ident>,
    pub(crate) no_identity: Option<Ident>,
    pub(crate) column: Option<LitStr>,
    pub(crate) unique: Option<Single>,
    pub(crate) index: Option<Single>,
    pub(crate) checks: Vec<Check>,
    pub(crate) default: Option<DefaultValue>,
}

/// `unique(name, model)` or `index(name, model)`, with `name = "..."` if the user chose one.
pub(crate) struct Composite {
    pub(crate) key: Ident,
    pub(crate) fields: Vec<Ident>,
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

/// One `key`, `key = value` or `key(list)`.
struct Item {
    key: Ident,
    argument: Argument,
}

enum Argument {
    Nothing,
    Value(TokenStream),
    List(Group),
}

impl StructAttributes {
    pub(crate) fn read(attributes: &[Attribute], errors: &mut Errors) -> StructAttributes {
        let mut read = StructAttributes::default();
        let mut seen = Vec::new();
        for item in items(attributes, errors) {
            let key = item.key.unraw().to_string();
            match key.as_str() {
                "table" => read.table = item.name(names::table_fault, errors),
                "unique" => read.uniques.extend(item.composite(errors)),
                "index" => read.indexes.extend(item.composite(errors)),
                "check" => read.checks.extend(item.check(errors)),
                "crate" => read.krate = item.path(errors),
                _ => unknown(&item.key, &ON_STRUCT, ("the struct", "a field"), &ON_FIELD, errors),
            }
            if matches!(key.as_str(), "table" | "crate") {
                once(&mut seen, key, &item.key, errors);
            }
        }
        read
    }
}

impl FieldAttributes {
    pub(crate) fn read(attributes: &[Attribute], errors: &mut Errors) -> FieldAttributes {
        let mut read = FieldAttributes::default();
        let mut seen = Vec::new();
        for item in items(attributes, errors) {
            let key = item.key.unraw().to_string();
            match key.as_str() {
                "primary_key" => read.primary_key = Some(item.flag(errors)),
                "no_identity" => read.no_identity = Some(item.flag(errors)),
                "column" => read.column = item.name(names::column_fault, errors),
                "unique" => read.unique = item.single(errors),
                "index" => read.index = item.single(errors),
                "check" => read.checks.extend(item.check(errors)),
                "default" => read.default = item.default(errors),
                _ => {
                    unknown(&item.key, &ON_FIELD, ("a field", "the struct"), &ON_STRUCT, errors);
                    // Otherwise the model would also be said to lack the key that was only misspelt.
                    if names::nearest(&key, &ON_FIELD) == Some("primary_key") {
                        read.primary_key = Some(item.key.clone());
                    }
                }
            }
            if key != "check" && ON_FIELD.contains(&key.as_str()) {
                once(&mut seen, key, &item.key, errors);
            }
        }
        read
    }
}

impl Item {
    /// `primary_key`
    fn flag(&self, errors: &mut Errors) -> Ident {
        match &self.argument {
            Argument::Nothing => {}
            Argument::Value(value) => errors.at(value, format!("`{}` takes no value: write it alone", self.key)),
            Argument::List(list) => errors.at(list, format!("`{}` takes no list: write it alone", self.key)),
        }
        self.key.clone()
    }

    /// `table = "cars"`
    fn name(&self, fault: fn(&str) -> Option<String>, errors: &mut Errors) -> Option<LitStr> {
        let example = format!("`{} = \"name\"`", self.key);
        match &self.argument {
            Argument::Value(value) => name(value, &example, fault, errors),
            _ => {
                errors.at(self, format!("`{}` needs a name: {example}", self.key));
                None
            }
        }
    }

    /// `crate = "crocus_orm"`
    fn path(&self, errors: &mut Errors) -> Option<Path> {
        let example = "`crate = \"crocus_orm\"`";
        let Argument::Value(value) = &self.argument else {
            errors.at(self, format!("`crate` needs the path of crocus's orm module: {example}"));
            return None;
        };
        let path = text(value, example, errors)?;
        match path.parse_with(Path::parse_mod_style) {
            Ok(path) => Some(path),
            Err(_) => {
                errors.at(path, format!("this is not the path of a crate or module: write one like {example}"));
                None
            }
        }
    }

    /// `unique` or `unique = "name"`
    fn single(&self, errors: &mut Errors) -> Option<Single> {
        let key = self.key.clone();
        match &self.argument {
            Argument::Nothing => Some(Single { key, name: None }),
            Argument::Value(value) => {
                let name = name(value, &format!("`{key} = \"name\"`"), names::fault, errors)?;
                Some(Single { key, name: Some(name) })
            }
            Argument::List(list) => {
                let text =
                    format!("on a field, write `{key}` or `{key} = \"name\"`; several fields are listed on the struct");
                errors.at(list, text);
                None
            }
        }
    }

    /// `unique(name, model)` or `unique(name, model, name = "name")`
    fn composite(&self, errors: &mut Errors) -> Option<Composite> {
        let key = self.key.clone();
        let example = format!("`{key}(first, second)`");
        let Argument::List(list) = &self.argument else {
            errors.at(self, format!("on the struct, `{key}` lists fields: {example}"));
            return None;
        };
        let mut fields: Vec<Ident> = Vec::new();
        let mut chosen = None;
        for part in split(list.stream(), errors) {
            match Item::read(part.clone()) {
                Some(Item { key: word, argument: Argument::Value(value) }) if word == "name" => {
                    choose(&mut chosen, &word, &value, errors);
                }
                Some(Item { key: field, argument: Argument::Nothing }) => {
                    if fields.iter().any(|other| other.unraw() == field.unraw()) {
                        errors.at(&field, format!("`{field}` is listed twice: list each field once"));
                    } else {
                        fields.push(field);
                    }
                }
                _ => {
                    let text = format!("expected a field's name, or `name = \"name\"` for the constraint's: {example}");
                    errors.at(part, text);
                }
            }
        }
        if fields.is_empty() {
            errors.at(self, format!("`{key}` lists no field: {example}"));
            return None;
        }
        Some(Composite { key, fields, name: chosen })
    }

    /// `check = "expression"` or `check(name = "name", "expression")`
    fn check(&self, errors: &mut Errors) -> Option<Check> {
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
    fn default(&self, errors: &mut Errors) -> Option<DefaultValue> {
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

    fn read(tokens: TokenStream) -> Option<Item> {
        let mut tokens = tokens.into_iter();
        let Some(TokenTree::Ident(key)) = tokens.next() else {
            return None;
        };
        let argument = match tokens.next() {
            None => Argument::Nothing,
            Some(TokenTree::Punct(punct)) if punct.as_char() == '=' => {
                let value: TokenStream = tokens.by_ref().collect();
                if value.is_empty() {
                    return None;
                }
                Argument::Value(value)
            }
            Some(TokenTree::Group(list)) if list.delimiter() == Delimiter::Parenthesis => Argument::List(list),
            Some(_) => return None,
        };
        tokens.next().is_none().then_some(Item { key, argument })
    }
}

impl ToTokens for Item {
    /// The tokens to point at when the item as a whole is wrong.
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.key.to_tokens(tokens);
        match &self.argument {
            Argument::Nothing => {}
            Argument::Value(value) => value.to_tokens(tokens),
            Argument::List(list) => list.to_tokens(tokens),
        }
    }
}

/// The items of all `#[model(...)]`. One that cannot be read does not hide the others.
fn items(attributes: &[Attribute], errors: &mut Errors) -> Vec<Item> {
    let mut items = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("model")) {
        let Meta::List(list) = &attribute.meta else {
            errors.at(&attribute.meta, "write `#[model(...)]`, with what is to be said in the parentheses");
            continue;
        };
        for part in split(list.tokens.clone(), errors) {
            match Item::read(part.clone()) {
                Some(item) => items.push(item),
                None => errors.at(part, "expected `key`, `key = value` or `key(...)`"),
            }
        }
    }
    items
}

/// The parts between commas. A comma may follow the last.
fn split(tokens: TokenStream, errors: &mut Errors) -> Vec<TokenStream> {
    let mut parts = Vec::new();
    let mut part = TokenStream::new();
    for token in tokens {
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == ',' => {
                if part.is_empty() {
                    errors.at(&token, "nothing stands before this comma: remove it");
                } else {
                    parts.push(std::mem::take(&mut part));
                }
            }
            _ => part.extend([token]),
        }
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

/// A string literal.
fn text(value: &TokenStream, example: &str, errors: &mut Errors) -> Option<LitStr> {
    match (|input: syn::parse::ParseStream<'_>| input.parse::<LitStr>()).parse2(value.clone()) {
        Ok(text) => Some(text),
        Err(_) => {
            errors.at(value, format!("expected a string: {example}"));
            None
        }
    }
}

/// A string literal that can name something in a database.
fn name(value: &TokenStream, example: &str, fault: fn(&str) -> Option<String>, errors: &mut Errors) -> Option<LitStr> {
    let name = text(value, example, errors)?;
    match fault(&name.value()) {
        None => Some(name),
        Some(fault) => {
            errors.at(name, format!("{fault}: give another one"));
            None
        }
    }
}

/// Takes the `name = "name"` of a list.
fn choose(chosen: &mut Option<LitStr>, word: &Ident, value: &TokenStream, errors: &mut Errors) {
    if chosen.is_some() {
        errors.at(word, "`name` is given twice: keep one of them");
    } else {
        *chosen = name(value, "`name = \"name\"`", names::fault, errors);
    }
}

fn unknown(key: &Ident, known: &[&str], (here, there): (&str, &str), elsewhere: &[&str], errors: &mut Errors) {
    let word = key.unraw().to_string();
    let text = if elsewhere.contains(&word.as_str()) {
        format!("`{key}` belongs on {there}, not on {here}")
    } else if let Some(meant) = names::nearest(&word, known) {
        format!("unknown attribute `{key}`: did you mean `{meant}`?")
    } else {
        format!("unknown attribute `{key}`: {here} can have `{}`", known.join("`, `"))
    };
    errors.at(key, text);
}

fn once(seen: &mut Vec<String>, key: String, at: &Ident, errors: &mut Errors) {
    if seen.contains(&key) {
        errors.at(at, format!("`{key}` is given twice: keep one of them"));
    } else {
        seen.push(key);
    }
}
