//! The description of the table: `Model::TABLE`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;

use super::{of_type, relations};
use crate::model::{Columns, Condition, Field, Model};

/// The `TableDef`.
pub(super) fn table(model: &Model) -> TokenStream {
    let Model { krate, table, .. } = model;
    let name = model.ident.unraw().to_string();
    let columns = model.fields.iter().map(|field| {
        let Field { name, column, ty, primary_key, identity, .. } = field;
        let default = option(field.default.as_deref());
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
                generated: ::core::option::Option::None,
                version: false,
                sensitive: false,
                comment: ::core::option::Option::None,
                renamed_from: ::core::option::Option::None,
            }
        }
    });
    let uniques = model
        .uniques
        .iter()
        .map(|Columns { name, columns }| quote!(#krate::table::UniqueDef { name: #name, columns: &[#(#columns),*] }));
    let indexes = model.indexes.iter().map(|Columns { name, columns }| {
        let parts = columns.iter().map(|column| {
            quote!(#krate::table::IndexPart { key: #krate::table::IndexKey::Column(#column), descending: false })
        });
        quote! {
            #krate::table::IndexDef {
                name: #name,
                parts: &[#(#parts),*],
                unique: false,
                condition: ::core::option::Option::None,
            }
        }
    });
    let checks = model.checks.iter().map(|Condition { name, expression, column }| {
        let column = option(column.as_deref());
        quote!(#krate::table::CheckDef { name: #name, expression: #expression, column: #column })
    });
    let foreign_keys = relations::foreign_keys(model);
    quote! {
        #krate::TableDef {
            name: #table,
            schema: ::core::option::Option::None,
            bind: ::core::option::Option::None,
            model: #name,
            comment: ::core::option::Option::None,
            renamed_from: ::core::option::Option::None,
            columns: &[#(#columns,)*],
            uniques: &[#(#uniques,)*],
            indexes: &[#(#indexes,)*],
            checks: &[#(#checks,)*],
            foreign_keys: #foreign_keys,
        }
    }
}

fn option(text: Option<&str>) -> TokenStream {
    match text {
        Some(text) => quote!(::core::option::Option::Some(#text)),
        None => quote!(::core::option::Option::None),
    }
}
