//! Relationships: reading what `#[model(...)]` says of them. Whether the names and fields exist is the business of
//! `model::relations`.

use proc_macro2::{Ident, TokenStream};
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::{LitStr, Path};

use super::item::{Argument, Item, split};
use crate::errors::Errors;
use crate::names;

/// `belongs_to = Maker` or `belongs_to(Maker, name = maker, on_delete = cascade)` on a field;
/// `belongs_to(seat = Seat, key(row, letter))` on the struct.
pub(crate) struct BelongsTo {
    pub(crate) key: Ident,
    pub(crate) target: Path,
    /// The relationship's name, always there on the struct.
    pub(crate) name: Option<Ident>,
    /// The fields of `key(...)`; none on a field.
    pub(crate) fields: Vec<Ident>,
    pub(crate) on_delete: Action,
    pub(crate) on_update: Action,
    /// The fields of `on_delete_columns(...)`, with the word before them; none on a field.
    pub(crate) on_delete_columns: Option<(Ident, Vec<Ident>)>,
    pub(crate) match_full: bool,
    /// A variant of `Deferrable`.
    pub(crate) deferrable: &'static str,
    /// The name of the foreign key, if the user chose one.
    pub(crate) foreign_key: Option<LitStr>,
}

/// A referential action, as a variant of `ReferentialAction`; with the word that chose it, to point at.
pub(crate) struct Action {
    pub(crate) variant: &'static str,
    pub(crate) word: Option<Ident>,
}

/// `has_one(plate = Plate::CAR)` or `has_many(parts = Part::CAR, delete_orphan)`.
pub(crate) struct Has {
    pub(crate) name: Ident,
    /// Whether there may be several.
    pub(crate) many: bool,
    /// The model, and its relationship to this one.
    pub(crate) target: Path,
    pub(crate) inverse: Path,
    pub(crate) delete_orphan: bool,
}

/// `many_to_many(tags = Tag, through(CarTag::CAR, CarTag::TAG))`.
pub(crate) struct ManyToMany {
    pub(crate) name: Ident,
    pub(crate) target: Path,
    pub(crate) association: Path,
    /// The association's relationship to this model.
    pub(crate) to_source: Path,
    /// Its relationship to the other.
    pub(crate) to_target: Path,
}

/// What the actions are called.
const ACTIONS: [(&str, &str); 5] = [
    ("cascade", "Cascade"),
    ("set_null", "SetNull"),
    ("set_default", "SetDefault"),
    ("restrict", "Restrict"),
    ("no_action", "NoAction"),
];

impl Default for Action {
    fn default() -> Action {
        Action { variant: "NoAction", word: None }
    }
}

impl Item {
    /// `belongs_to = Maker` or `belongs_to(Maker, ...)`
    pub(super) fn belongs_to_of_field(&self, errors: &mut Errors) -> Option<BelongsTo> {
        let example = "`belongs_to = Maker` or `belongs_to(Maker, on_delete = cascade)`";
        match &self.argument {
            Argument::Nothing => {
                errors.at(self, format!("`belongs_to` needs the other model: {example}"));
                None
            }
            Argument::Value(value) => {
                let target = model(value, example, errors)?;
                self.belongs_to(target, None, &[], false, errors)
            }
            Argument::List(list) => {
                let parts = split(list.stream(), errors);
                let Some((first, options)) = parts.split_first() else {
                    errors.at(self, format!("`belongs_to` needs the other model: {example}"));
                    return None;
                };
                let target = model(first, example, errors)?;
                self.belongs_to(target, None, options, false, errors)
            }
        }
    }

    /// `belongs_to(seat = Seat, key(row, letter), ...)`
    pub(super) fn belongs_to_of_struct(&self, errors: &mut Errors) -> Option<BelongsTo> {
        let example = "`belongs_to(seat = Seat, key(row, letter))`";
        let (name, target, options) = self.named(example, errors)?;
        let target = model(&target, example, errors)?;
        let read = self.belongs_to(target, Some(name), &options, true, errors)?;
        if read.fields.is_empty() {
            let text = format!("`belongs_to` on the struct lists the fields that hold the other's key: {example}");
            errors.at(&self.key, text);
            return None;
        }
        Some(read)
    }

    fn belongs_to(
        &self,
        target: Path,
        name: Option<Ident>,
        options: &[TokenStream],
        on_struct: bool,
        errors: &mut Errors,
    ) -> Option<BelongsTo> {
        let (on_delete, on_update) = (Action::default(), Action::default());
        let mut read = BelongsTo {
            key: self.key.clone(),
            target,
            name,
            fields: Vec::new(),
            on_delete,
            on_update,
            on_delete_columns: None,
            match_full: false,
            deferrable: "No",
            foreign_key: None,
        };
        let mut known = vec!["on_delete", "on_update", "foreign_key", "deferrable", "initially_deferred"];
        // What says something of several columns only is said on the struct only.
        known.extend(if on_struct { ["key", "on_delete_columns", "match_full"].as_slice() } else { &["name"] });
        for (key, option) in options_of(options, &known, errors) {
            match key.as_str() {
                "on_delete" => read.on_delete = option.action(errors)?,
                "on_update" => read.on_update = option.action(errors)?,
                "foreign_key" => read.foreign_key = Some(option.name(names::fault, errors)?),
                "key" => {
                    let text = "`key` lists the fields that hold the other's key";
                    read.fields = option.fields(text, "`key(row, letter)`", errors)?;
                }
                "on_delete_columns" => {
                    let text = "`on_delete_columns` lists the fields that a deletion of the other sets";
                    let fields = option.fields(text, "`on_delete_columns(letter)`", errors)?;
                    read.on_delete_columns = Some((option.key.clone(), fields));
                }
                "match_full" => {
                    option.flag(errors);
                    read.match_full = true;
                }
                "deferrable" => {
                    option.flag(errors);
                    // Either order of the two words means the same.
                    if read.deferrable == "No" {
                        read.deferrable = "Immediate";
                    }
                }
                "initially_deferred" => {
                    option.flag(errors);
                    read.deferrable = "Deferred";
                }
                _ => read.name = Some(option.word("`name = maker`", errors)?),
            }
        }
        Some(read)
    }

    /// `has_one(plate = Plate::CAR)` or `has_many(parts = Part::CAR, delete_orphan)`
    pub(super) fn has(&self, many: bool, errors: &mut Errors) -> Option<Has> {
        let example = if many { "`has_many(parts = Part::CAR)`" } else { "`has_one(plate = Plate::CAR)`" };
        let (name, inverse, options) = self.named(example, errors)?;
        let (target, inverse) = relation(&inverse, example, errors)?;
        let mut delete_orphan = false;
        for (_, option) in options_of(&options, &["delete_orphan"], errors) {
            option.flag(errors);
            delete_orphan = true;
        }
        Some(Has { name, many, target, inverse, delete_orphan })
    }

    /// `many_to_many(tags = Tag, through(CarTag::CAR, CarTag::TAG))`
    pub(super) fn many_to_many(&self, errors: &mut Errors) -> Option<ManyToMany> {
        let example = "`many_to_many(tags = Tag, through(CarTag::CAR, CarTag::TAG))`";
        let (name, target, options) = self.named(example, errors)?;
        let target = model(&target, example, errors)?;
        let mut through = None;
        for (_, option) in options_of(&options, &["through"], errors) {
            let parts = match &option.argument {
                Argument::List(list) => split(list.stream(), errors),
                _ => Vec::new(),
            };
            let [source, target] = &parts[..] else {
                let text = "`through` lists the association's two relationships: first the one to this model, then the \
                            one to the other";
                errors.at(&option, format!("{text}: {example}"));
                return None;
            };
            let source = relation(source, example, errors);
            through = source.zip(relation(target, example, errors));
            through.as_ref()?;
        }
        let Some(((association, to_source), (_, to_target))) = through else {
            errors.at(self, format!("`many_to_many` goes through an association: {example}"));
            return None;
        };
        Some(ManyToMany { name, target, association, to_source, to_target })
    }

    /// The list's first part, `name = value`, and the others.
    fn named(&self, example: &str, errors: &mut Errors) -> Option<(Ident, TokenStream, Vec<TokenStream>)> {
        if let Argument::List(list) = &self.argument {
            let mut parts = split(list.stream(), errors);
            if !parts.is_empty()
                && let Some(Item { key, argument: Argument::Value(value) }) = Item::read(parts.remove(0))
            {
                return Some((key, value, parts));
            }
        }
        errors.at(self, format!("on the struct, `{}` begins with a name and what it stands for: {example}", self.key));
        None
    }

    /// `on_delete = cascade`
    fn action(&self, errors: &mut Errors) -> Option<Action> {
        let words = ACTIONS.map(|(word, _)| word);
        let word = self.word(&format!("`{} = cascade`", self.key), errors)?;
        let written = word.to_string();
        if let Some((_, variant)) = ACTIONS.iter().find(|(known, _)| *known == written) {
            return Some(Action { variant, word: Some(word) });
        }
        let text = match names::nearest(&written, &words) {
            Some(meant) => format!("unknown action `{written}`: did you mean `{meant}`?"),
            None => format!("unknown action `{written}`: it is one of `{}`", words.join("`, `")),
        };
        errors.at(&word, text);
        None
    }

    /// `name = maker`
    fn word(&self, example: &str, errors: &mut Errors) -> Option<Ident> {
        let word = match &self.argument {
            Argument::Value(value) => syn::parse2::<Ident>(value.clone()).ok(),
            _ => None,
        };
        if word.is_none() {
            errors.at(self, format!("`{}` is one word, without quotes: {example}", self.key));
        }
        word
    }
}

/// The options after the first part of a list: each known, and given once.
fn options_of(parts: &[TokenStream], known: &[&str], errors: &mut Errors) -> Vec<(String, Item)> {
    let mut options: Vec<(String, Item)> = Vec::new();
    for part in parts {
        let Some(option) = Item::read(part.clone()) else {
            errors.at(part, format!("expected an option: `{}`", known.join("`, `")));
            continue;
        };
        let key = option.key.unraw().to_string();
        if options.iter().any(|(other, _)| *other == key) {
            errors.at(&option.key, format!("`{key}` is given twice: keep one of them"));
        } else if known.contains(&key.as_str()) {
            options.push((key, option));
        } else {
            let text = match names::nearest(&key, known) {
                Some(meant) => format!("unknown option `{key}`: did you mean `{meant}`?"),
                None => format!("unknown option `{key}`: it can be `{}`", known.join("`, `")),
            };
            errors.at(&option.key, text);
        }
    }
    options
}

/// The path of a model.
fn model(tokens: &TokenStream, example: &str, errors: &mut Errors) -> Option<Path> {
    let path = Path::parse_mod_style.parse2(tokens.clone());
    if path.is_err() {
        errors.at(tokens, format!("expected the other model: {example}"));
    }
    path.ok()
}

/// `Part::CAR`: the model, and the whole path of its relationship.
fn relation(tokens: &TokenStream, example: &str, errors: &mut Errors) -> Option<(Path, Path)> {
    let Some(relation) = Path::parse_mod_style.parse2(tokens.clone()).ok().filter(|path| path.segments.len() > 1)
    else {
        let text = format!("expected a relationship of the other model, such as `Part::CAR`: {example}");
        errors.at(tokens, text);
        return None;
    };
    let mut model = relation.clone();
    model.segments.pop();
    // What is left ends with `::`.
    model.segments.pop_punct();
    Some((model, relation))
}
