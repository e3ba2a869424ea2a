//! The code that `derive(Model)` writes for an embedded struct: `Address`, its columns and `AddressPatch`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt;

use super::{assertions, docs, index, inputs, patch_ident, quiet, reads, table, values};
use crate::model::{Field, Model};

pub(super) fn expand(model: &Model) -> TokenStream {
    let Model { ident, vis, krate, .. } = model;
    let patch_name = patch_ident(model);
    let columns_name = format_ident!("{}Columns", ident.unraw(), span = ident.span());
    let text = columns_name.to_string();
    let quiet = quiet();
    let summary = format!("The columns of a [`{ident}`] in the model `M`.");
    let columns = table::columns(model);
    let (reads, values) = (reads(model), values(model));
    let all: Vec<_> = model.fields.iter().enumerate().collect();
    let from_json = inputs::given_json(model, &all);
    let patch = inputs::patch(model);
    let assertions = model.fields.iter().map(|field| assertions(model, field));
    let idents: Vec<_> = model.fields.iter().map(|field| &field.ident).collect();
    let names = model.fields.iter().map(|field| &field.name);
    let fields = model.fields.iter().map(|field| {
        let Field { ident, vis, ty, embedded, .. } = field;
        let docs = docs(field);
        match embedded {
            None => quote!(#docs #vis #ident: #krate::Column<M, #ty>),
            Some(_) => quote!(#docs #vis #ident: <#ty as #krate::Embedded>::Columns<M>),
        }
    });
    let made = model.fields.iter().enumerate().map(|(position, Field { ident, ty, embedded, .. })| {
        let index = index(model, position);
        match embedded {
            None => quote!(#ident: #krate::Column::new(table, columns[start + #index].name)),
            Some(_) => quote!(#ident: <#ty>::columns_of::<M>(table, columns, start + #index)),
        }
    });
    quote! {
        #[doc = #summary]
        #quiet
        #vis struct #columns_name<M> {
            #(#fields,)*
        }

        #[automatically_derived]
        impl<M> ::core::clone::Clone for #columns_name<M> {
            fn clone(&self) -> Self {
                *self
            }
        }

        #[automatically_derived]
        impl<M> ::core::marker::Copy for #columns_name<M> {}

        #[automatically_derived]
        #quiet
        impl<M> ::core::fmt::Debug for #columns_name<M> {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_struct(#text)#(.field(#names, &self.#idents))*.finish()
            }
        }

        #[automatically_derived]
        #quiet
        impl #ident {
            #[doc(hidden)]
            #vis const fn columns_of<M>(
                table: &'static str,
                columns: &'static [#krate::table::ColumnDef],
                start: usize,
            ) -> #columns_name<M> {
                #columns_name { #(#made,)* }
            }
        }

        #[automatically_derived]
        #quiet
        impl #krate::Embedded for #ident {
            type Patch = #patch_name;
            type Columns<M> = #columns_name<M>;

            const COLUMNS: &'static [#krate::table::ColumnDef] = #columns;

            fn from_row(row: &#krate::Row, start: usize) -> #krate::Result<Self> {
                ::core::result::Result::Ok(Self { #(#reads,)* })
            }

            fn values(&self) -> ::std::vec::Vec<#krate::Value> {
                #values
            }

            fn apply(&mut self, patch: Self::Patch) {
                patch.apply(self);
            }
        }

        #[automatically_derived]
        #quiet
        impl #krate::FromJson for #ident {
            #from_json
        }

        #patch
        #(#assertions)*
    }
}
