//! The description of the table: `Model::TABLE`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;

use super::{of_type, relations};
use crate::model::{Condition, Field, Index, Model, Part, Source, Unique};

/// The `TableDef`.
pub(super) fn table(model: &Model) -> TokenStream {
    let Model { krate, table, .. } = model;
    let name = model.ident.unraw().to_string();
    let columns = model.fields.iter().map(|field| {
        let Field { name, column, ty, primary_key, source, sensitive, .. } = field;
        let default = option(if let Source::Default(sql) = source { Some(sql) } else { None });
        let generated = option(if let Source::Generated(sql) = source { Some(sql) } else { None });
        let (identity, version) = (matches!(source, Source::Identity), matches!(source, Source::Version));
        let (comment, renamed_from) = (option(field.comment.as_ref()), option(field.renamed_from.as_ref()));
        let (ty, nullable) = (of_type(krate, ty, "TYPE"), of_type(krate, ty, "NULLABLE"));
        quote! {
            #krate::table::ColumnDef {
                name: #column,
                field: #name,
                ty: #ty,
                nullable: #nullable,
                primary_key: #primary_key,
                identity: #identity,
                default: #default,
                generated: #generated,
                version: #version,
                sensitive: #sensitive,
                comment: #comment,
                renamed_from: #renamed_from,
            }
        }
    });
    let uniques = model
        .uniques
        .iter()
        .map(|Unique { name, columns }| quote!(#krate::table::UniqueDef { name: #name, columns: &[#(#columns),*] }));
    let indexes = model.indexes.iter().map(|Index { name, parts, unique, condition }| {
        let parts = parts.iter().map(|Part { kind, text, descending }| {
            let kind = Ident::new(kind, Span::call_site());
            quote!(#krate::table::IndexPart { key: #krate::table::IndexKey::#kind(#text), descending: #descending })
        });
        let condition = option(condition.as_ref());
        quote! {
            #krate::table::IndexDef { name: #name, parts: &[#(#parts),*], unique: #unique, condition: #condition }
        }
    });
    let checks = model.checks.iter().map(|Condition { name, expression, column }| {
        let column = option(column.as_ref());
        quote!(#krate::table::CheckDef { name: #name, expression: #expression, column: #column })
    });
    let [schema, bind, comment, renamed_from] =
        [&model.schema, &model.bind, &model.comment, &model.renamed_from].map(|text| option(text.as_ref()));
    let foreign_keys = relations::foreign_keys(model);
    quote! {
        #krate::TableDef {
            name: #table,
            schema: #schema,
            bind: #bind,
            model: #name,
            comment: #comment,
            renamed_from: #renamed_from,
            columns: &[#(#columns,)*],
            uniques: &[#(#uniques,)*],
            indexes: &[#(#indexes,)*],
            checks: &[#(#checks,)*],
            foreign_keys: #foreign_keys,
        }
    }
}

fn option(text: Option<&String>) -> TokenStream {
    match text {
        Some(text) => quote!(::core::option::Option::Some(#text)),
        None => quote!(::core::option::Option::None),
    }
}
