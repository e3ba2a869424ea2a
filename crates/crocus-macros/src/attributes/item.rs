//! One item of `#[model(...)]` or `#[db_enum(...)]`: a key alone, with a value or with a list. What the keys mean is the
//! business of the files beside this one.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::{Attribute, LitStr, Meta, Path};

use super::Embedded;
use crate::errors::Errors;
use crate::names;
use crate::sql_type::SqlType;

/// One `key`, `key = value` or `key(list)`.
pub(super) struct Item {
    pub(super) key: Ident,
    pub(super) argument: Argument,
}

pub(super) enum Argument {
    Nothing,
    Value(TokenStream),
    List(Group),
}

impl Item {
    /// `primary_key`
    pub(super) fn flag(&self, errors: &mut Errors) -> Ident {
        match &self.argument {
            Argument::Nothing => {}
            Argument::Value(value) => errors.at(value, format!("`{}` takes no value: write it alone", self.key)),
            Argument::List(list) => errors.at(list, format!("`{}` takes no list: write it alone", self.key)),
        }
        self.key.clone()
    }

    /// `table = "cars"`
    pub(super) fn name(&self, fault: fn(&str) -> Option<String>, errors: &mut Errors) -> Option<LitStr> {
        let example = format!("`{} = \"name\"`", self.key);
        match &self.argument {
            Argument::Value(value) => name(value, &example, fault, errors),
            _ => {
                errors.at(self, format!("`{}` needs a name: {example}", self.key));
                None
            }
        }
    }

    /// `default_with = Uuid::now_v7`
    pub(super) fn function(&self, errors: &mut Errors) -> Option<Path> {
        let function = match &self.argument {
            Argument::Value(value) => Path::parse_mod_style.parse2(value.clone()).ok(),
            _ => None,
        };
        if function.is_none() {
            let text = format!("`{}` needs the path of a function that takes nothing: `{0} = Uuid::now_v7`", self.key);
            errors.at(self, text);
        }
        function
    }

    /// `generated = "price * 2"`
    pub(super) fn expression(&self, example: &str, errors: &mut Errors) -> Option<LitStr> {
        let example = format!("`{} = \"{example}\"`", self.key);
        let Argument::Value(value) = &self.argument else {
            errors.at(self, format!("`{}` needs an SQL expression: {example}", self.key));
            return None;
        };
        let expression = text(value, &example, errors)?;
        if expression.value().trim().is_empty() {
            errors.at(expression, format!("the expression is empty: write one, as in {example}"));
            return None;
        }
        Some(expression)
    }

    /// `type = "varchar(20)"`
    pub(super) fn sql_type(&self, errors: &mut Errors) -> Option<(LitStr, SqlType)> {
        let example = "`type = \"varchar(20)\"`";
        let Argument::Value(value) = &self.argument else {
            errors.at(self, format!("`type` needs a type of the database: {example}"));
            return None;
        };
        let written = text(value, example, errors)?;
        match SqlType::parse(&written.value()) {
            Ok(found) => Some((written, found)),
            Err(fault) => {
                errors.at(written, fault);
                None
            }
        }
    }

    /// `embedded` or `embedded(prefix = "billing_")`
    pub(super) fn embedded(&self, errors: &mut Errors) -> Option<Embedded> {
        let prefix = match &self.argument {
            Argument::Nothing => None,
            Argument::List(list) => match Item::read(list.stream()) {
                Some(Item { key, argument: Argument::Value(value) }) if key == "prefix" => {
                    Some(name(&value, "`prefix = \"billing_\"`", names::prefix_fault, errors)?)
                }
                _ => {
                    errors.at(list, "expected a prefix: `embedded(prefix = \"billing_\")`");
                    return None;
                }
            },
            Argument::Value(value) => {
                errors.at(value, "`embedded` takes no value: write it alone, or `embedded(prefix = \"billing_\")`");
                return None;
            }
        };
        Some(Embedded { prefix })
    }

    /// `crate = "crocus_orm"`
    pub(super) fn path(&self, errors: &mut Errors) -> Option<Path> {
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

    /// `key(row, letter)`
    pub(super) fn fields(&self, what: &str, example: &str, errors: &mut Errors) -> Option<Vec<Ident>> {
        let mut fields: Vec<Ident> = Vec::new();
        let Argument::List(list) = &self.argument else {
            errors.at(self, format!("{what}: {example}"));
            return None;
        };
        for part in split(list.stream(), errors) {
            match Item::read(part.clone()) {
                Some(Item { key: field, argument: Argument::Nothing }) => {
                    if fields.iter().any(|other| other.unraw() == field.unraw()) {
                        errors.at(&field, format!("`{field}` is listed twice: list each field once"));
                    } else {
                        fields.push(field);
                    }
                }
                _ => errors.at(part, format!("expected a field's name: {example}")),
            }
        }
        Some(fields)
    }

    /// Reads the item, if it has one of the three forms.
    pub(super) fn read(tokens: TokenStream) -> Option<Item> {
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

/// The items of all `#[model(...)]`, or of all attributes of another name. One that cannot be read does not hide the
/// others.
pub(super) fn items(of: &str, attributes: &[Attribute], errors: &mut Errors) -> Vec<Item> {
    let mut items = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(of)) {
        let Meta::List(list) = &attribute.meta else {
            let text = format!("write `#[{of}(...)]`, with what is to be said in the parentheses");
            errors.at(&attribute.meta, text);
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
pub(super) fn split(tokens: TokenStream, errors: &mut Errors) -> Vec<TokenStream> {
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
pub(super) fn text(value: &TokenStream, example: &str, errors: &mut Errors) -> Option<LitStr> {
    match (|input: syn::parse::ParseStream<'_>| input.parse::<LitStr>()).parse2(value.clone()) {
        Ok(text) => Some(text),
        Err(_) => {
            errors.at(value, format!("expected a string: {example}"));
            None
        }
    }
}

/// A string literal that can name something in a database.
pub(super) fn name(
    value: &TokenStream,
    example: &str,
    fault: fn(&str) -> Option<String>,
    errors: &mut Errors,
) -> Option<LitStr> {
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
pub(super) fn choose(chosen: &mut Option<LitStr>, word: &Ident, value: &TokenStream, errors: &mut Errors) {
    if chosen.is_some() {
        errors.at(word, "`name` is given twice: keep one of them");
    } else {
        *chosen = name(value, "`name = \"name\"`", names::fault, errors);
    }
}
