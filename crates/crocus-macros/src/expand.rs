//! The code that `derive(Model)` writes: here the model's own, in `expand/inputs.rs` the structs `NewCar` and
//! `CarPatch`.
//!
//! The code names everything by its full path, so that nothing the user imports or defines can stand in the way.
//! Types keep the user's spans: the compiler reports a type that no column can hold where it is written.

mod inputs;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::model::{Columns, Condition, Field, Model};
use crate::types;

pub(crate) fn expand(model: &Model) -> TokenStream {
    let constants = constants(model);
    let implementation = implementation(model);
    let new = inputs::new(model);
    let patch = inputs::patch(model);
    let assertions = model.fields.iter().map(|field| assertions(model, field));
    quote! {
        #constants
        #implementation
        #new
        #patch
        #(#assertions)*
    }
}

/// `NewCar`
fn new_ident(model: &Model) -> Ident {
    format_ident!("New{}", model.ident.unraw(), span = model.ident.span())
}

/// `CarPatch`
fn patch_ident(model: &Model) -> Ident {
    format_ident!("{}Patch", model.ident.unraw(), span = model.ident.span())
}

/// The lints that the user's own code answers for, not what is made of it.
fn quiet() -> TokenStream {
    quote! {
        #[allow(
            dead_code,
            deprecated,
            non_snake_case,
            clippy::option_option,
            clippy::struct_excessive_bools,
            clippy::struct_field_names,
            reason = "made by derive(Model)"
        )]
    }
}

/// The user's doc comment of a field, or one that says what it is.
fn docs(field: &Field) -> TokenStream {
    let docs = &field.docs;
    if docs.is_empty() {
        let text = format!("The column `{}`.", field.column);
        quote!(#[doc = #text])
    } else {
        quote!(#(#docs)*)
    }
}

/// `Car::NAME` and the others.
fn constants(model: &Model) -> TokenStream {
    let Model { ident, krate, table, .. } = model;
    let quiet = quiet();
    let constants = model.fields.iter().map(|field| {
        let Field { constant, vis, ty, column, .. } = field;
        let docs = docs(field);
        quote! {
            #docs
            #vis const #constant: #krate::Column<#ident, #ty> = #krate::Column::new(#table, #column);
        }
    });
    quote! {
        #[automatically_derived]
        #quiet
        impl #ident {
            #(#constants)*
        }
    }
}

fn implementation(model: &Model) -> TokenStream {
    let Model { ident, krate, .. } = model;
    let (new, patch) = (new_ident(model), patch_ident(model));
    let quiet = quiet();
    let table = table(model);
    let assign = inputs::assign(model);
    let idents: Vec<_> = model.fields.iter().map(|field| &field.ident).collect();
    let indexes = 0..model.fields.len();
    let reads = model
        .fields
        .iter()
        .zip(indexes)
        .map(|(Field { ident, ty, .. }, index)| quote!(#ident: #krate::Row::get::<#ty>(row, #index)?));
    let key: Vec<_> = model.key().map(|field| &field.ident).collect();
    let types: Vec<_> = model.key().map(|field| &field.ty).collect();
    let (key_type, key) = match (&types[..], &key[..]) {
        ([ty], [key]) => (quote!(#ty), quote!(::core::clone::Clone::clone(&self.#key))),
        (types, key) => (quote!((#(#types,)*)), quote!((#(::core::clone::Clone::clone(&self.#key),)*))),
    };
    quote! {
        #[automatically_derived]
        #quiet
        impl #krate::Model for #ident {
            type Key = #key_type;
            type New = #new;
            type Patch = #patch;

            const TABLE: &'static #krate::TableDef = &#table;

            fn from_row(row: &#krate::Row) -> #krate::Result<Self> {
                ::core::result::Result::Ok(Self { #(#reads,)* })
            }

            fn values(&self) -> ::std::vec::Vec<#krate::Value> {
                ::std::vec![#(#krate::ColumnValue::into_value(::core::clone::Clone::clone(&self.#idents)),)*]
            }

            fn key(&self) -> Self::Key {
                #key
            }

            fn assign(&mut self, new: Self::New) {
                #assign
            }
        }
    }
}

/// The `TableDef`.
fn table(model: &Model) -> TokenStream {
    let Model { krate, table, .. } = model;
    let name = model.ident.unraw().to_string();
    let columns = model.fields.iter().map(|field| {
        let Field { name, column, ty, primary_key, identity, .. } = field;
        let default = option(field.default.as_deref());
        quote! {
            #krate::table::ColumnDef {
                name: #column,
                field: #name,
                ty: <#ty as #krate::ColumnValue>::TYPE,
                nullable: <#ty as #krate::ColumnValue>::NULLABLE,
                primary_key: #primary_key,
                identity: #identity,
                default: #default,
            }
        }
    });
    let uniques = model
        .uniques
        .iter()
        .map(|Columns { name, columns }| quote!(#krate::table::UniqueDef { name: #name, columns: &[#(#columns),*] }));
    let indexes = model
        .indexes
        .iter()
        .map(|Columns { name, columns }| quote!(#krate::table::IndexDef { name: #name, columns: &[#(#columns),*] }));
    let checks = model.checks.iter().map(|Condition { name, expression, column }| {
        let column = option(column.as_deref());
        quote!(#krate::table::CheckDef { name: #name, expression: #expression, column: #column })
    });
    quote! {
        #krate::TableDef {
            name: #table,
            model: #name,
            columns: &[#(#columns,)*],
            uniques: &[#(#uniques,)*],
            indexes: &[#(#indexes,)*],
            checks: &[#(#checks,)*],
        }
    }
}

fn option(text: Option<&str>) -> TokenStream {
    match text {
        Some(text) => quote!(::core::option::Option::Some(#text)),
        None => quote!(::core::option::Option::None),
    }
}

/// Refuses a type that hides an `Option` or a generated key behind another name: the structs made for inserts and
/// patches would not fit it.
fn assertions(model: &Model, field: &Field) -> TokenStream {
    let krate = &model.krate;
    let Field { ty, name, .. } = field;
    let mut assertions = TokenStream::new();
    if types::is_alias(ty) {
        let text = format!("the type of `{name}` is an `Option` under another name: write `Option<...>`");
        assertions.extend(quote_spanned! {ty.span()=>
            const _: () = ::core::assert!(!<#ty as #krate::ColumnValue>::NULLABLE, #text);
        });
        if field.may_be_identity {
            let text = format!(
                "the type of `{name}` is an integer under another name: write `i16`, `i32` or `i64`, or add \
                 `no_identity` if the database is not to number it"
            );
            assertions.extend(quote_spanned! {ty.span()=>
                const _: () = ::core::assert!(
                    !::core::matches!(
                        <#ty as #krate::ColumnValue>::TYPE,
                        #krate::ColumnType::SmallInteger | #krate::ColumnType::Integer | #krate::ColumnType::BigInteger
                    ),
                    #text
                );
            });
        }
    }
    assertions
}
