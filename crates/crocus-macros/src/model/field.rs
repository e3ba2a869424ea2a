//! The fields of a model, and what can be said of one.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Attribute, LitStr, Meta, Path, Type, Visibility};

use crate::attributes::FieldAttributes;
use crate::errors::Errors;
use crate::sql_type::SqlType;
use crate::{names, types};

/// A field and its column.
pub(crate) struct Field {
    pub(crate) ident: Ident,
    /// The name without `r#`.
    pub(crate) name: String,
    pub(crate) vis: Visibility,
    pub(crate) ty: Type,
    /// `T` when the type is written `Option<T>`.
    pub(crate) inner: Option<Type>,
    /// The user's doc comment.
    pub(crate) docs: Vec<Attribute>,
    /// The first paragraph of it.
    pub(crate) comment: Option<String>,
    pub(crate) column: String,
    /// The name of the associated constant for the column.
    pub(crate) constant: Ident,
    pub(crate) primary_key: bool,
    /// Whether the field would be an identity column if its type were an integer.
    pub(crate) may_be_identity: bool,
    pub(crate) source: Source,
    pub(crate) sensitive: bool,
    /// The database's own type, as it is written and as it is meant.
    pub(crate) sql_type: Option<(LitStr, SqlType)>,
    pub(crate) collation: Option<LitStr>,
    pub(crate) renamed_from: Option<String>,
    /// The model whose key it holds.
    pub(crate) refers_to: Option<Path>,
    /// The prefix of the columns' names, where the field is an embedded struct.
    pub(crate) embedded: Option<String>,
}

/// Who says what the column of a new row holds.
pub(crate) enum Source {
    /// The insert.
    Given,
    /// The database, counting up.
    Identity,
    /// The insert, or this SQL expression.
    Default(String),
    /// The insert, or this function.
    Function(Path),
    /// This SQL expression, always.
    Generated(String),
    /// It is the optimistic lock.
    Version,
}

impl Field {
    pub(super) fn read(field: &syn::Field, attributes: &FieldAttributes, sole_key: bool, errors: &mut Errors) -> Field {
        let Some(ident) = field.ident.clone() else {
            unreachable!("only structs with named fields come here");
        };
        let name = ident.unraw().to_string();
        let column = match &attributes.column {
            Some(column) => column.value(),
            None => {
                if let Some(fault) = names::column_fault(&name) {
                    errors.at(&ident, format!("{fault}: name the column with #[model(column = \"...\")]"));
                }
                name.clone()
            }
        };
        let inner = types::option(&field.ty).cloned();
        if inner.as_ref().is_some_and(|inner| types::option(inner).is_some()) {
            errors.at(&field.ty, "a column has only one NULL: write `Option<T>` instead of `Option<Option<T>>`");
        }
        let embedded = attributes.embedded.as_ref().map(|embedded| match &embedded.prefix {
            Some(prefix) => prefix.value(),
            None => format!("{name}_"),
        });
        if embedded.is_some() {
            for word in attributes.words.iter().filter(|word| *word != "embedded") {
                errors
                    .at(word, format!("an embedded struct is several columns: `{word}` cannot be said of all of them"));
            }
            if inner.is_some() {
                errors.at(&field.ty, "an embedded struct is always there: make the types of its fields `Option`s");
            }
        }
        let held = inner.as_ref().unwrap_or(&field.ty);
        if let Some((part, remedy)) = types::remedy(held) {
            errors.at(part, format!("a column cannot hold this type: {remedy}"));
        }
        // The database numbers a sole key, unless it is another row's or made by the program.
        let numbered =
            attributes.no_identity.is_none() && attributes.belongs_to.is_none() && attributes.default_with.is_none();
        let may_be_identity = attributes.primary_key.is_some() && sole_key && numbered;
        let identity = may_be_identity && (attributes.identity.is_some() || types::is_integer(&field.ty));
        let renamed_from = attributes.renamed_from.as_ref().map(LitStr::value);
        if renamed_from.as_ref() == Some(&column) {
            errors.at(&attributes.renamed_from, "this is the column's name now: write the one that it had before");
        }
        Field {
            constant: Ident::new(&names::screaming_case(&name), ident.span()),
            vis: field.vis.clone(),
            ty: field.ty.clone(),
            docs: field.attrs.iter().filter(|attribute| is_doc_comment(attribute)).cloned().collect(),
            comment: attributes.comment.as_ref().map(LitStr::value),
            primary_key: attributes.primary_key.is_some(),
            may_be_identity,
            source: source(attributes, identity, errors),
            sensitive: attributes.sensitive,
            sql_type: attributes.sql_type.clone(),
            collation: attributes.collation.clone(),
            renamed_from,
            refers_to: attributes.belongs_to.as_ref().map(|belongs_to| belongs_to.target.clone()),
            embedded,
            ident,
            name,
            inner,
            column,
        }
    }

    /// Whether the column's value never comes from the program.
    pub(crate) fn is_made(&self) -> bool {
        matches!(self.source, Source::Identity | Source::Generated(_) | Source::Version)
    }
}

/// Who says what the column of a new row holds. Two that do are a mistake.
fn source(attributes: &FieldAttributes, identity: bool, errors: &mut Errors) -> Source {
    let FieldAttributes { default, default_with, generated, version, .. } = attributes;
    let mut sources = Vec::new();
    if let Some(default) = default {
        sources.push((&default.key, Source::Default(default.sql.clone())));
    }
    if let Some((key, function)) = default_with {
        sources.push((key, Source::Function(function.clone())));
    }
    if let Some((key, expression)) = generated {
        sources.push((key, Source::Generated(expression.value())));
    }
    if let Some(key) = version {
        sources.push((key, Source::Version));
    }
    for (key, _) in sources.iter().skip(1) {
        let text = format!("`{}` says already what the column holds: keep one of them", sources[0].0);
        errors.at(key, text);
    }
    match sources.into_iter().next() {
        Some((_, source)) => source,
        None if identity => Source::Identity,
        None => Source::Given,
    }
}

/// What a key may be, and what only a key may have.
pub(super) fn check_key(field: &Field, attributes: &FieldAttributes, keys: usize, errors: &mut Errors) {
    let name = &field.name;
    if field.primary_key && field.inner.is_some() {
        errors.at(&field.ty, format!("a primary key is never NULL: the type of `{name}` cannot be an `Option`"));
    }
    if field.primary_key && types::is_float(&field.ty) {
        let text = "a floating-point number is no key, since equal numbers need not compare equal: use an integer or a \
                    decimal";
        errors.at(&field.ty, text);
    }
    if let (true, Some(default)) = (field.may_be_identity && is_numbered(field, attributes), &attributes.default) {
        let text = format!(
            "the database numbers `{name}` itself: remove the default, or turn the numbering off with \
             #[model(primary_key, no_identity)]"
        );
        errors.at(&default.key, text);
    }
    if let Some((word, what)) = made_word(attributes) {
        if field.primary_key {
            errors.at(word, format!("a key is written with its row: {what} cannot be one"));
        } else if field.refers_to.is_some() {
            errors.at(word, format!("`belongs_to` says already what `{name}` holds: keep one of them"));
        }
    }
    if let (Some((word, _)), Some(_)) = (&attributes.default_with, &field.refers_to) {
        errors.at(word, format!("`belongs_to` says already what `{name}` holds: keep one of them"));
    }
    if attributes.version.is_some() && !types::is_integer(&field.ty) {
        errors.at(&field.ty, format!("a version is counted: the type of `{name}` must be `i16`, `i32` or `i64`"));
    }
    if let Some(identity) = &attributes.identity {
        let why = if attributes.no_identity.is_some() {
            "`no_identity` says the opposite"
        } else if !field.primary_key {
            "only a primary key is numbered by the database"
        } else if keys > 1 {
            "a key of several columns is never numbered by the database"
        } else if attributes.belongs_to.is_some() {
            "a key that is another row's is never numbered by the database"
        } else if attributes.default_with.is_some() {
            "a key that the program makes is never numbered by the database"
        } else {
            return;
        };
        errors.at(identity, format!("{why}: remove `identity`"));
        return;
    }
    if let Some(no_identity) = &attributes.no_identity {
        let why = if !field.primary_key {
            "only a primary key is numbered by the database"
        } else if attributes.belongs_to.is_some() {
            "a key that is another row's is never numbered by the database"
        } else if attributes.default_with.is_some() {
            "a key that the program makes is never numbered by the database"
        } else if keys > 1 {
            "a key of several columns is never numbered by the database"
        } else if !types::is_integer(&field.ty) && !types::is_alias(&field.ty) {
            "only an integer key is numbered by the database"
        } else {
            return;
        };
        errors.at(no_identity, format!("{why}: remove `no_identity`"));
    }
}

/// Whether the database would number a key of this field's type.
fn is_numbered(field: &Field, attributes: &FieldAttributes) -> bool {
    attributes.identity.is_some() || types::is_integer(&field.ty)
}

/// The word that keeps the program from writing the column, and what it makes of it.
fn made_word(attributes: &FieldAttributes) -> Option<(&Ident, &'static str)> {
    let generated = attributes.generated.as_ref().map(|(word, _)| (word, "a generated column"));
    generated.or_else(|| attributes.version.as_ref().map(|word| (word, "a version")))
}

/// Two fields cannot share a column or a constant, nor both be the version.
pub(super) fn check_together(fields: &[Field], attributes: &[FieldAttributes], errors: &mut Errors) {
    if let Some(second) = attributes.iter().filter_map(|attributes| attributes.version.as_ref()).nth(1) {
        errors.at(second, "a model has one version: remove the others");
    }
    for (index, (field, attributes)) in fields.iter().zip(attributes).enumerate() {
        let at: &dyn ToTokens = attributes.column.as_ref().map_or(&field.ident, |column| column);
        let before = &fields[..index];
        let is_column = |other: &&Field| other.embedded.is_none() && field.embedded.is_none();
        let is_same = |other: &&Field| is_column(other) && other.column.eq_ignore_ascii_case(&field.column);
        if let Some(other) = before.iter().find(is_same) {
            let apart =
                if other.column == field.column { "" } else { " (SQLite does not tell the case of letters apart)" };
            let text = format!(
                "the field `{}` has the column `{}` already{apart}: choose another with #[model(column = \"...\")]",
                other.name, other.column
            );
            errors.at(at, text);
        }
        if let Some(other) = before.iter().find(|other| other.constant == field.constant) {
            let text = format!("the field `{}` has the constant `{}` already: rename one", other.name, other.constant);
            errors.at(&field.ident, text);
        }
    }
}

fn is_doc_comment(attribute: &Attribute) -> bool {
    matches!(&attribute.meta, Meta::NameValue(pair) if pair.path.is_ident("doc"))
}
