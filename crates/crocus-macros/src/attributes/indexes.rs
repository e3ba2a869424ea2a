//! Indexes: reading what `#[model(...)]` on the struct says of them.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::LitStr;
use syn::ext::IdentExt;

use super::item::{Argument, Item, choose, split};
use crate::errors::Errors;

/// `index(name, model desc, expr = "lower(model)", where = "doors > 2", unique)`, with `name = "..."` if the user chose
/// one.
pub(crate) struct Index {
    pub(crate) key: Ident,
    pub(crate) parts: Vec<Part>,
    pub(crate) unique: bool,
    /// The condition of the rows that are in it.
    pub(crate) condition: Option<String>,
    pub(crate) name: Option<LitStr>,
}

/// What an index orders rows by.
pub(crate) struct Part {
    pub(crate) key: PartKey,
    pub(crate) descending: bool,
}

/// A field or an SQL expression.
pub(crate) enum PartKey {
    Field(Ident),
    Expression(String),
}

const EXAMPLE: &str = "`index(name, model desc)`";

impl Item {
    /// `index(name, model desc, expr = "lower(model)", where = "doors > 2", unique, name = "name")`
    pub(super) fn index(&self, errors: &mut Errors) -> Option<Index> {
        let Argument::List(list) = &self.argument else {
            errors.at(self, format!("on the struct, `index` lists fields: {EXAMPLE}"));
            return None;
        };
        let mut index = Index { key: self.key.clone(), parts: Vec::new(), unique: false, condition: None, name: None };
        let mut understood = true;
        for part in split(list.stream(), errors) {
            understood &= index.read(part, errors).is_some();
        }
        if understood && index.parts.is_empty() {
            errors.at(self, format!("`index` lists no field: {EXAMPLE}"));
            return None;
        }
        Some(index)
    }
}

impl Index {
    /// Takes a part of the list; `None` when it is a mistake.
    fn read(&mut self, tokens: TokenStream, errors: &mut Errors) -> Option<()> {
        let (tokens, descending) = without_desc(tokens);
        match Item::read(tokens.clone()) {
            Some(Item { key, argument: Argument::Value(value) }) if key == "name" && !descending => {
                choose(&mut self.name, &key, &value, errors);
            }
            Some(Item { key, argument: Argument::Value(_) }) if key == "where" && self.condition.is_some() => {
                errors.at(key, "`where` is given twice: join the conditions with `AND`");
            }
            Some(item @ Item { argument: Argument::Value(_), .. }) if item.key == "where" && !descending => {
                self.condition = Some(item.expression("doors > 2", errors)?.value());
            }
            Some(item @ Item { argument: Argument::Value(_), .. }) if item.key == "expr" => {
                let expression = item.expression("lower(name)", errors)?.value();
                self.parts.push(Part { key: PartKey::Expression(expression), descending });
            }
            // A field of this name is written `r#unique`.
            Some(Item { key, argument: Argument::Nothing }) if key == "unique" && !descending => self.unique = true,
            Some(Item { key: field, argument: Argument::Nothing }) => {
                let listed = |part: &Part| matches!(&part.key, PartKey::Field(other) if other.unraw() == field.unraw());
                if self.parts.iter().any(listed) {
                    errors.at(&field, format!("`{field}` is listed twice: list each field once"));
                } else {
                    self.parts.push(Part { key: PartKey::Field(field), descending });
                }
            }
            _ => {
                let text = format!(
                    "expected a field's name, with `desc` for the largest first; `expr = \"...\"`, `where = \"...\"`, \
                     `unique`, or `name = \"name\"` for the index's: {EXAMPLE}"
                );
                errors.at(tokens, text);
                return None;
            }
        }
        Some(())
    }
}

/// The tokens before a last `desc`, and whether there is one. A field may have this name where it stands alone.
fn without_desc(tokens: TokenStream) -> (TokenStream, bool) {
    let mut tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let descending = tokens.len() > 1 && matches!(tokens.last(), Some(TokenTree::Ident(last)) if last == "desc");
    if descending {
        tokens.pop();
    }
    (tokens.into_iter().collect(), descending)
}
