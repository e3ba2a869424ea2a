//! What a `derive(Model)` says of a table, checked as a whole. How it becomes code is the business of `expand`.

mod constraints;
mod field;
mod relations;

use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, LitStr, Path, Visibility};

use self::constraints::Constraints;
pub(crate) use self::constraints::{Condition, Index, Part, Unique};
pub(crate) use self::field::{Field, Source};
pub(crate) use self::relations::{ForeignKey, Relation, RelationKind};
use crate::attributes::{FieldAttributes, StructAttributes};
use crate::errors::Errors;
use crate::names;

/// A composite key is a tuple; crocus-orm implements its `Key` for tuples of up to this many.
const LONGEST_KEY: usize = 4;

/// What a field of an embedded struct can have.
const IN_EMBEDDED: [&str; 7] = ["column", "type", "collation", "sensitive", "comment", "renamed_from", "embedded"];

/// A model.
pub(crate) struct Model {
    pub(crate) ident: Ident,
    pub(crate) vis: Visibility,
    /// The path of crocus's orm module.
    pub(crate) krate: Path,
    pub(crate) table: String,
    pub(crate) schema: Option<String>,
    pub(crate) bind: Option<String>,
    pub(crate) comment: Option<String>,
    pub(crate) renamed_from: Option<String>,
    pub(crate) fields: Vec<Field>,
    pub(crate) uniques: Vec<Unique>,
    pub(crate) indexes: Vec<Index>,
    pub(crate) checks: Vec<Condition>,
    pub(crate) relations: Vec<Relation>,
    /// Whether it is no table but a group of columns.
    pub(crate) embedded: bool,
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
        if attributes.embedded {
            let of_fields = read.iter().flat_map(|field| &field.words);
            let of_columns = of_fields.filter(|word| !IN_EMBEDDED.iter().any(|allowed| *word == allowed));
            for word in attributes.of_a_table.iter().chain(of_columns) {
                let text = format!("an embedded struct is no table: `{word}` belongs to the models that embed it");
                errors.at(word, text);
            }
        } else if keys == 0 {
            errors.at(&input.ident, "a model needs a primary key: add #[model(primary_key)] to a field");
        }
        let mut constraints = Constraints::new(table_name(&attributes, &input.ident, &mut errors));
        let mut model_fields = Vec::new();
        for (field, attributes) in fields.iter().zip(&read) {
            let field = Field::read(field, attributes, keys == 1, &mut errors);
            field::check_key(&field, attributes, keys, &mut errors);
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
        field::check_together(&model_fields, &read, &mut errors);
        constraints.add_of_struct(&attributes, &model_fields, &mut errors);
        let text = |literal: &Option<LitStr>| literal.as_ref().map(LitStr::value);
        let [schema, bind, comment, renamed_from] =
            [&attributes.schema, &attributes.bind, &attributes.comment, &attributes.renamed_from].map(text);
        if renamed_from.as_ref() == Some(&constraints.table) {
            errors.at(&attributes.renamed_from, "this is the table's name now: write the one that it had before");
        }
        let embedded = attributes.embedded;
        let krate = attributes.krate.clone().unwrap_or_else(|| syn::parse_quote!(::crocus::orm));
        let (ident, vis) = (input.ident.clone(), input.vis.clone());
        let relations = relations::read((&ident, &vis), attributes, read, &model_fields, &mut constraints, &mut errors);
        for field in &mut model_fields {
            field.refers_to = field.refers_to.take().map(|path| relations::resolved(path, &ident));
        }

        let Constraints { table, uniques, indexes, checks, .. } = constraints;
        errors.finish(Model {
            ident,
            vis,
            krate,
            table,
            schema,
            bind,
            comment,
            renamed_from,
            fields: model_fields,
            uniques,
            indexes,
            checks,
            relations,
            embedded,
        })
    }

    /// The fields of the primary key, in order.
    pub(crate) fn key(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| field.primary_key)
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
