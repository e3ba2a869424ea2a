//! Indexes: reading what `#[model(...)]` on the struct says of them.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use syn::LitStr;
use syn::ext::IdentExt;

use super::item::{Argument, Item, choose, name, split};
use crate::errors::Errors;
use crate::names;

/// `index(name, model desc, expr = "lower(model)", where = "doors > 2", unique)`, with `name = "..."` if the user chose
/// one.
pub(crate) struct Index {
    pub(crate) key: Ident,
    pub(crate) parts: Vec<Part>,
    pub(crate) unique: bool,
    /// The condition of the rows that are in it.
    pub(crate) condition: Option<String>,
    /// The access method, where it is not a B-tree; with the word that chose it, to point at.
    pub(crate) method: Option<(Ident, String)>,
    /// The fields that it stores beside its parts, with the word before them.
    pub(crate) include: Option<(Ident, Vec<Ident>)>,
    /// The word for it.
    pub(crate) nulls_not_distinct: Option<Ident>,
    pub(crate) name: Option<LitStr>,
}

/// What an index orders rows by.
pub(crate) struct Part {
    pub(crate) key: PartKey,
    /// The word for it.
    pub(crate) descending: Option<Ident>,
    /// A variant of `Nulls`, with the word that chose it.
    pub(crate) nulls: Option<(Ident, &'static str)>,
    pub(crate) collation: Option<LitStr>,
    pub(crate) operator_class: Option<LitStr>,
}

/// A field or an SQL expression.
pub(crate) enum PartKey {
    Field(Ident),
    Expression(String),
}

/// What follows a field or an expression: `desc`, or `collate("C")`.
type Word = (Ident, Option<Group>);

const EXAMPLE: &str = "`index(name, model desc)`";

/// The words that follow a field or an expression, alone and with a name.
const ALONE: [&str; 3] = ["desc", "nulls_first", "nulls_last"];
const NAMED: [&str; 2] = ["collate", "operator_class"];

/// The access methods of PostgreSQL's own that store no columns beside their parts.
const WITHOUT_INCLUDE: [&str; 3] = ["gin", "hash", "brin"];

impl Item {
    /// `index(name, model desc, expr = "lower(model)", where = "doors > 2", unique, name = "name")`
    pub(super) fn index(&self, errors: &mut Errors) -> Option<Index> {
        let Argument::List(list) = &self.argument else {
            errors.at(self, format!("on the struct, `index` lists fields: {EXAMPLE}"));
            return None;
        };
        let mut index = Index {
            key: self.key.clone(),
            parts: Vec::new(),
            unique: false,
            condition: None,
            method: None,
            include: None,
            nulls_not_distinct: None,
            name: None,
        };
        let mut understood = true;
        for part in split(list.stream(), errors) {
            understood &= index.read(part, errors).is_some();
        }
        if understood && index.parts.is_empty() {
            errors.at(self, format!("`index` lists no field: {EXAMPLE}"));
            return None;
        }
        index.contradictions(errors);
        Some(index)
    }
}

impl Index {
    /// Takes a part of the list; `None` when it is a mistake.
    fn read(&mut self, tokens: TokenStream, errors: &mut Errors) -> Option<()> {
        let (head, words) = words(tokens.clone());
        match (Item::read(head), words.is_empty()) {
            (Some(Item { key, argument: Argument::Value(value) }), true) if key == "name" => {
                choose(&mut self.name, &key, &value, errors);
            }
            (Some(Item { key, argument: Argument::Value(_) }), _) if key == "where" && self.condition.is_some() => {
                errors.at(key, "`where` is given twice: join the conditions with `AND`");
            }
            (Some(item @ Item { argument: Argument::Value(_), .. }), true) if item.key == "where" => {
                self.condition = Some(item.expression("doors > 2", errors)?.value());
            }
            (Some(Item { key, argument: Argument::Value(_) }), true) if key == "using" && self.method.is_some() => {
                errors.at(key, "`using` is given twice: keep one of them");
            }
            (Some(Item { key, argument: Argument::Value(value) }), true) if key == "using" => {
                let method = name(&value, "`using = \"gin\"`", names::fault, errors)?.value();
                // What PostgreSQL takes without a word, too.
                self.method = (method != "btree").then_some((key, method));
            }
            (Some(Item { key, argument: Argument::List(_) }), true) if key == "include" && self.include.is_some() => {
                errors.at(key, "`include` is given twice: list its fields in one");
            }
            (Some(item @ Item { argument: Argument::List(_), .. }), true) if item.key == "include" => {
                let fields = item.fields("`include` lists fields", "`include(name, model)`", errors)?;
                self.include = Some((item.key, fields));
            }
            (Some(item @ Item { argument: Argument::Value(_), .. }), _) if item.key == "expr" => {
                let expression = item.expression("lower(name)", errors)?.value();
                self.parts.push(Part::new(PartKey::Expression(expression), words, errors));
            }
            // A field of such a name is written `r#unique`.
            (Some(Item { key, argument: Argument::Nothing }), true) if key == "unique" => self.unique = true,
            (Some(Item { key, argument: Argument::Nothing }), true) if key == "nulls_not_distinct" => {
                self.nulls_not_distinct = Some(key);
            }
            (Some(Item { key: field, argument: Argument::Nothing }), _) => {
                let listed = |part: &Part| matches!(&part.key, PartKey::Field(other) if other.unraw() == field.unraw());
                if self.parts.iter().any(listed) {
                    errors.at(&field, format!("`{field}` is listed twice: list each field once"));
                } else {
                    self.parts.push(Part::new(PartKey::Field(field), words, errors));
                }
            }
            _ => {
                let text = format!(
                    "expected a field's name, with `desc` for the largest first, `nulls_first`, `nulls_last`, \
                     `collate(\"...\")` or `operator_class(\"...\")`; `expr = \"...\"`, `where = \"...\"`, `unique`, \
                     `nulls_not_distinct`, `using = \"...\"`, `include(...)`, or `name = \"name\"` for the index's: {EXAMPLE}"
                );
                errors.at(tokens, text);
                return None;
            }
        }
        Some(())
    }

    /// What PostgreSQL would refuse, or what would mean nothing.
    fn contradictions(&self, errors: &mut Errors) {
        if let Some(word) = self.nulls_not_distinct.as_ref().filter(|_| !self.unique) {
            errors.at(word, "only in a unique index are NULLs equal or not: write `unique` too");
        }
        if let Some((word, fields)) = &self.include {
            let is_part = |field: &&Ident| {
                let is_it = |part: &Part| matches!(&part.key, PartKey::Field(other) if other.unraw() == field.unraw());
                self.parts.iter().any(is_it)
            };
            if let Some(field) = fields.iter().find(is_part) {
                errors.at(field, format!("the index is over `{field}` already: leave it out of `include`"));
            }
            if let Some((_, method)) = self.method.as_ref().filter(|(_, it)| WITHOUT_INCLUDE.contains(&it.as_str())) {
                errors.at(word, format!("an index of the method `{method}` includes no columns: leave `include` out"));
            }
        }
        let Some((using, method)) = &self.method else { return };
        if self.unique {
            errors.at(using, format!("an index of the method `{method}` cannot be unique: leave `using` out"));
        }
        for part in &self.parts {
            for word in part.descending.iter().chain(part.nulls.iter().map(|(word, _)| word)) {
                errors.at(word, format!("an index of the method `{method}` has no order: leave `{word}` out"));
            }
        }
    }
}

impl Part {
    fn new(key: PartKey, words: Vec<Word>, errors: &mut Errors) -> Part {
        let mut part = Part { key, descending: None, nulls: None, collation: None, operator_class: None };
        for (word, list) in words {
            let text = word.to_string();
            let twice = match text.as_str() {
                "desc" => part.descending.is_some(),
                "collate" => part.collation.is_some(),
                "operator_class" => part.operator_class.is_some(),
                _ => part.nulls.is_some(),
            };
            if twice {
                let text = match &part.nulls {
                    Some((other, _)) if *other != word && list.is_none() && text != "desc" => {
                        format!("`{other}` and `{word}` contradict each other: keep one of them")
                    }
                    _ => format!("`{word}` is given twice: keep one of them"),
                };
                errors.at(word, text);
                continue;
            }
            let named = |example, errors: &mut Errors| name(&list.as_ref()?.stream(), example, names::fault, errors);
            match text.as_str() {
                "desc" => part.descending = Some(word),
                "nulls_first" => part.nulls = Some((word, "First")),
                "nulls_last" => part.nulls = Some((word, "Last")),
                "collate" => part.collation = named("`collate(\"C\")`", errors),
                _ => part.operator_class = named("`operator_class(\"text_pattern_ops\")`", errors),
            }
        }
        part
    }
}

/// The tokens before the words that follow a field or an expression, and these. A field may have such a name where it
/// stands first.
fn words(tokens: TokenStream) -> (TokenStream, Vec<Word>) {
    let mut tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut words = Vec::new();
    loop {
        let word = match tokens.as_slice() {
            [_, .., TokenTree::Ident(word)] if ALONE.iter().any(|known| word == known) => (word.clone(), None),
            [_, .., TokenTree::Ident(word), TokenTree::Group(list)] if NAMED.iter().any(|known| word == known) => {
                (word.clone(), Some(list.clone()))
            }
            _ => break,
        };
        tokens.truncate(tokens.len() - 1 - usize::from(word.1.is_some()));
        words.insert(0, word);
    }
    (tokens.into_iter().collect(), words)
}
