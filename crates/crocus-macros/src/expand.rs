//! The code that `derive(Model)` writes: here the model's own, in `expand/table.rs` the table's description, in
//! `expand/relations.rs` the relationships, in `expand/inputs.rs` the structs `NewCar` and `CarPatch`.
//!
//! The code names everything by its full path, so that nothing the user imports or defines can stand in the way.
//! Types keep the user's spans: the compiler reports a type that no column can hold where it is written.

mod embedded;
mod inputs;
mod relations;
mod table;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Path, Type};

use crate::model::{Field, Model, Source};
use crate::types;

pub(crate) fn expand(model: &Model) -> TokenStream {
    if model.embedded {
        return embedded::expand(model);
    }
    let constants = constants(model);
    let relations = relations::constants(model);
    let implementation = implementation(model);
    let new = inputs::new(model);
    let patch = inputs::patch(model);
    let assertions = model.fields.iter().map(|field| assertions(model, field));
    quote! {
        #constants
        #relations
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

/// The index of the first column of the field at `position` among the model's.
fn index(model: &Model, position: usize) -> TokenStream {
    let krate = &model.krate;
    let before = &model.fields[..position];
    let plain = before.iter().filter(|field| field.embedded.is_none()).count();
    let embedded = before.iter().filter(|field| field.embedded.is_some()).map(|field| &field.ty);
    let sum = quote!(#plain #(+ <#embedded as #krate::Embedded>::COLUMNS.len())*);
    if plain == position { sum } else { quote!((#sum)) }
}

/// The expressions that read the fields from `row`, from the column `start` on.
fn reads(model: &Model) -> impl Iterator<Item = TokenStream> {
    let krate = &model.krate;
    model.fields.iter().enumerate().map(move |(position, field)| {
        let Field { ident, ty, embedded, .. } = field;
        let index = index(model, position);
        match embedded {
            None => {
                let from_row = of_type(krate, ty, "from_row");
                quote!(#ident: #from_row(row, start + #index)?)
            }
            Some(_) => quote!(#ident: <#ty as #krate::Embedded>::from_row(row, start + #index)?),
        }
    })
}

/// The expression of all values.
fn values(model: &Model) -> TokenStream {
    let krate = &model.krate;
    let value = |field: &Field| {
        let (ident, into_value) = (&field.ident, of_type(krate, &field.ty, "into_value"));
        quote!(#into_value(::core::clone::Clone::clone(&self.#ident)))
    };
    if model.fields.iter().all(|field| field.embedded.is_none()) {
        let values = model.fields.iter().map(value);
        return quote!(::std::vec![#(#values,)*]);
    }
    let pushes = model.fields.iter().map(|field| match field.embedded {
        None => {
            let value = value(field);
            quote!(values.push(#value);)
        }
        Some(_) => {
            let Field { ident, ty, .. } = field;
            quote!(values.extend(<#ty as #krate::Embedded>::values(&self.#ident));)
        }
    });
    quote! {
        let mut values = ::std::vec::Vec::new();
        #(#pushes)*
        values
    }
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
            unused_qualifications,
            clippy::option_option,
            clippy::struct_excessive_bools,
            clippy::struct_field_names,
            reason = "made by derive(Model)"
        )]
    }
}

/// `<T as ColumnValue>::member`, all of it at the user's type. Where the compiler has the same to say of several uses,
/// it says it once.
fn of_type(krate: &Path, ty: &Type, member: &str) -> TokenStream {
    let tokens: Vec<_> = ty.to_token_stream().into_iter().collect();
    let first = tokens.first().map_or_else(Span::call_site, TokenTree::span);
    let last = tokens.last().map_or_else(Span::call_site, TokenTree::span);
    let member = Ident::new(member, last);
    let start = quote_spanned!(first=> <#ty as #krate::ColumnValue>);
    quote_spanned!(last=> #start::#member)
}

/// A path as a person writes it.
fn shown(path: &Path) -> String {
    path.to_token_stream().to_string().replace(' ', "")
}

/// The user's doc comment of a field, or one that says what it is.
fn docs(field: &Field) -> TokenStream {
    let docs = &field.docs;
    if docs.is_empty() {
        let text = match &field.embedded {
            None => format!("The column `{}`.", field.column),
            Some(prefix) => format!("The columns `{prefix}...`."),
        };
        quote!(#[doc = #text])
    } else {
        quote!(#(#docs)*)
    }
}

/// `Car::NAME` and the others.
fn constants(model: &Model) -> TokenStream {
    let Model { ident, krate, table, .. } = model;
    let quiet = quiet();
    let constants = model.fields.iter().enumerate().map(|(position, field)| {
        let Field { constant, vis, ty, column, .. } = field;
        let docs = docs(field);
        if field.embedded.is_some() {
            let index = index(model, position);
            let columns = quote!(<#ident as #krate::Model>::TABLE.columns);
            return quote! {
                #docs
                #vis const #constant: <#ty as #krate::Embedded>::Columns<#ident> =
                    <#ty>::columns_of::<#ident>(#table, #columns, #index);
            };
        }
        // At the type, so that the compiler points there when it is none of a column's.
        let new = quote_spanned!(ty.span()=> #krate::Column::<#ident, #ty>::new);
        quote! {
            #docs
            #vis const #constant: #krate::Column<#ident, #ty> = #new(#table, #column);
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
    let table = table::table(model);
    let relations = relations::definitions(model);
    let assign = inputs::assign(model);
    let (reads, values) = (reads(model), values(model));
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

            const RELATIONS: &'static [#krate::RelationDef] = #relations;

            fn from_row(row: &#krate::Row, start: usize) -> #krate::Result<Self> {
                ::core::result::Result::Ok(Self { #(#reads,)* })
            }

            fn values(&self) -> ::std::vec::Vec<#krate::Value> {
                #values
            }

            fn key(&self) -> Self::Key {
                #key
            }

            fn assign_with(&mut self, new: Self::New, keys: &dyn #krate::ObjectKeys) -> #krate::Result<()> {
                #assign
                ::core::result::Result::Ok(())
            }
        }
    }
}

/// Refuses a type that hides an `Option` or a generated key behind another name: the structs made for inserts and
/// patches would not fit it.
fn assertions(model: &Model, field: &Field) -> TokenStream {
    let Field { ty, name, .. } = field;
    if !types::is_alias(ty) || field.embedded.is_some() {
        return TokenStream::new();
    }
    let krate = &model.krate;
    let quiet = quiet();
    let (actual, nullable) = (of_type(krate, ty, "TYPE"), of_type(krate, ty, "NULLABLE"));
    let text = format!("the type of `{name}` is an `Option` under another name: write `Option<...>`");
    let mut assertions = quote_spanned!(ty.span()=> #quiet const _: () = ::core::assert!(!#nullable, #text););
    let integers = quote! {
        #krate::ColumnType::SmallInteger | #krate::ColumnType::Integer | #krate::ColumnType::BigInteger
    };
    if matches!(field.source, Source::Identity) {
        let text = format!("the database numbers integers only: remove `identity` from `{name}`");
        assertions.extend(quote_spanned! {ty.span()=>
            #quiet const _: () = ::core::assert!(::core::matches!(#actual, #integers), #text);
        });
    } else if field.may_be_identity {
        let text = format!(
            "the type of `{name}` is an integer under another name: add `identity` if the database is to number it, and \
             `no_identity` if not"
        );
        assertions.extend(quote_spanned! {ty.span()=>
            #quiet const _: () = ::core::assert!(!::core::matches!(#actual, #integers), #text);
        });
    }
    assertions
}
