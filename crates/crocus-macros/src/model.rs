//! What a `derive(Model)` says of a table, checked as a whole. How it becomes code is the business of `expand`.

mod constraints;
mod relations;

use proc_macro2::Ident;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Meta, Path, Type, Visibility};

use self::constraints::Constraints;
pub(crate) use self::constraints::{Columns, Condition};
pub(crate) use self::relations::{ForeignKey, Relation, RelationKind};
use crate::attributes::{FieldAttributes, StructAttributes};
use crate::errors::Errors;
use crate::{names, types};

/// A composite key is a tuple; crocus-orm implements its `Key` for tuples of up to this many.
const LONGEST_KEY: usize = 4;

/// A model.
pub(crate) struct Model {
    pub(crate) ident: Ident,
    pub(crate) vis: Visibility,
    /// The path of crocus's orm module.
    pub(crate) krate: Path,
    pub(crate) table: String,
    pub(crate) fields: Vec<Field>,
    pub(crate) uniques: Vec<Columns>,
    pub(crate) indexes: Vec<Columns>,
    pub(crate) checks: Vec<Condition>,
    pub(crate) relations: Vec<Relation>,
}

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
    pub(crate) column: String,
    /// The name of the associated constant for the column.
    pub(crate) constant: Ident,
    pub(crate) primary_key: bool,
    /// Whether the field would be an identity column if its type were an integer.
    pub(crate) may_be_identity: bool,
    pub(crate) identity: bool,
    /// The default as SQL.
    pub(crate) default: Option<String>,
    /// The model whose key it holds.
    pub(crate) refers_to: Option<Path>,
}

impl Model {
    /// Reads the struct, or finds everything that is wrong with it.
    pub(crate) fn read(input: &DeriveInput) -> syn::Result<Model> {
        let mut errors = Errors::default();
        let attributes = StructAttributes::read(&input.attrs, &mut errors);
        let generics = &input.generics;
        if !generics.params.is_empty() || generics.where_clause.is_some() {
            let text = "a model cannot be generic, since it describes one table: write the types out";
            if generics.params.is_empty() {
                errors.at(&generics.where_clause, text);
            } else {
                errors.at(&generics.params, text);
            }
        }
        let fields = match named_fields(input) {
            Ok(fields) => fields,
            Err(error) => return Err(errors.and(error)),
        };

        let read: Vec<_> = fields.iter().map(|field| FieldAttributes::read(&field.attrs, &mut errors)).collect();
        let keys = read.iter().filter(|attributes| attributes.primary_key.is_some()).count();
        if keys == 0 {
            errors.at(&input.ident, "a model needs a primary key: add #[model(primary_key)] to a field");
        }
        let mut constraints = Constraints::new(table_name(&attributes, &input.ident, &mut errors));
        let mut model_fields = Vec::new();
        for (field, attributes) in fields.iter().zip(&read) {
            let field = Field::read(field, attributes, keys == 1, &mut errors);
            check_key(&field, attributes, keys, &mut errors);
            constraints.add_of_field(&field.column, attributes, &mut errors);
            model_fields.push(field);
        }
        if let Some(fifth) = read.iter().filter_map(|attributes| attributes.primary_key.as_ref()).nth(LONGEST_KEY) {
            let text = format!(
                "a primary key has at most {LONGEST_KEY} columns: make a key of fewer, and list these fields in \
                 `unique(...)`"
            );
            errors.at(fifth, text);
        }
        clashes(&model_fields, &read, &mut errors);
        constraints.add_of_struct(&attributes, &model_fields, &mut errors);
        let krate = attributes.krate.clone().unwrap_or_else(|| syn::parse_quote!(::crocus::orm));
        let (ident, vis) = (input.ident.clone(), input.vis.clone());
        let relations = relations::read((&ident, &vis), attributes, read, &model_fields, &mut constraints, &mut errors);
        for field in &mut model_fields {
            field.refers_to = field.refers_to.take().map(|path| relations::resolved(path, &ident));
        }

        let Constraints { table, uniques, indexes, checks, .. } = constraints;
        errors.finish(Model { ident, vis, krate, table, fields: model_fields, uniques, indexes, checks, relations })
    }

    /// The fields of the primary key, in order.
    pub(crate) fn key(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| field.primary_key)
    }
}

impl Field {
    fn read(field: &syn::Field, attributes: &FieldAttributes, sole_key: bool, errors: &mut Errors) -> Field {
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
        let held = inner.as_ref().unwrap_or(&field.ty);
        if let Some(remedy) = types::remedy(held) {
            errors.at(held, format!("a column cannot hold this type: {remedy}"));
        }
        // A key that is another row's comes with that row.
        let numbered = attributes.no_identity.is_none() && attributes.belongs_to.is_none();
        let may_be_identity = attributes.primary_key.is_some() && sole_key && numbered;
        Field {
            constant: Ident::new(&names::screaming_case(&name), ident.span()),
            vis: field.vis.clone(),
            ty: field.ty.clone(),
            docs: field.attrs.iter().filter(|attribute| is_doc_comment(attribute)).cloned().collect(),
            primary_key: attributes.primary_key.is_some(),
            may_be_identity,
            identity: may_be_identity && types::is_integer(&field.ty),
            default: attributes.default.as_ref().map(|default| default.sql.clone()),
            refers_to: attributes.belongs_to.as_ref().map(|belongs_to| belongs_to.target.clone()),
            ident,
            name,
            inner,
            column,
        }
    }
}

fn named_fields(input: &DeriveInput) -> syn::Result<&syn::punctuated::Punctuated<syn::Field, syn::Token![,]>> {
    let wanted = "a model is a struct with named fields";
    match &input.data {
        Data::Struct(data) => match &data.fields {
            syn::Fields::Named(fields) if fields.named.is_empty() => {
                Err(syn::Error::new_spanned(&input.ident, "a model needs fields: each one stands for a column"))
            }
            syn::Fields::Named(fields) => Ok(&fields.named),
            fields @ syn::Fields::Unnamed(_) => Err(syn::Error::new(fields.span(), format!("{wanted}: name these"))),
            syn::Fields::Unit => Err(syn::Error::new_spanned(&input.ident, format!("{wanted}: this one has none"))),
        },
        Data::Enum(data) => Err(syn::Error::new(data.enum_token.span(), format!("{wanted}, not an enum"))),
        Data::Union(data) => Err(syn::Error::new(data.union_token.span(), format!("{wanted}, not a union"))),
    }
}

fn table_name(attributes: &StructAttributes, ident: &Ident, errors: &mut Errors) -> String {
    if let Some(table) = &attributes.table {
        return table.value();
    }
    let name = names::snake_case(&ident.unraw().to_string());
    if let Some(fault) = names::table_fault(&name) {
        errors.at(ident, format!("{fault}: name the table with #[model(table = \"...\")]"));
    }
    name
}

/// What a key may be, and what only a key may have.
fn check_key(field: &Field, attributes: &FieldAttributes, keys: usize, errors: &mut Errors) {
    let name = &field.name;
    if field.primary_key && field.inner.is_some() {
        errors.at(&field.ty, format!("a primary key is never NULL: the type of `{name}` cannot be an `Option`"));
    }
    if field.primary_key && types::is_float(&field.ty) {
        let text = "a floating-point number is no key, since equal numbers need not compare equal: use an integer or a \
                    decimal";
        errors.at(&field.ty, text);
    }
    if let (true, Some(default)) = (field.identity, &attributes.default) {
        let text = format!(
            "the database numbers `{name}` itself: remove the default, or turn the numbering off with \
             #[model(primary_key, no_identity)]"
        );
        errors.at(&default.key, text);
    }
    if let Some(no_identity) = &attributes.no_identity {
        let why = if !field.primary_key {
            "only a primary key is numbered by the database"
        } else if attributes.belongs_to.is_some() {
            "a key that is another row's is never numbered by the database"
        } else if keys > 1 {
            "a key of several columns is never numbered by the database"
        } else if !types::is_integer(&field.ty) {
            "only an integer key is numbered by the database"
        } else {
            return;
        };
        errors.at(no_identity, format!("{why}: remove `no_identity`"));
    }
}

/// Two fields cannot share a column or a constant.
fn clashes(fields: &[Field], attributes: &[FieldAttributes], errors: &mut Errors) {
    for (index, (field, attributes)) in fields.iter().zip(attributes).enumerate() {
        let at: &dyn ToTokens = attributes.column.as_ref().map_or(&field.ident, |column| column);
        let before = &fields[..index];
        if let Some(other) = before.iter().find(|other| other.column.eq_ignore_ascii_case(&field.column)) {
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
