//! The inputs of a model: `NewCar`, which an insert or a PUT needs, and `CarPatch`, which a PATCH brings.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};

use super::{docs, new_ident, of_type, patch_ident, quiet};
use crate::model::{Field, Model};

/// How `NewCar` holds a field.
enum Need<'a> {
    /// The database makes the value: the field is absent.
    Generated,
    /// The field as it is. When it is an `Option`, a missing member of a JSON object means NULL.
    Given,
    /// An `Option` of the field: the column has a default.
    Defaulted(&'a str),
}

fn need(field: &Field) -> Need<'_> {
    match &field.default {
        _ if field.identity => Need::Generated,
        Some(default) => Need::Defaulted(default),
        None => Need::Given,
    }
}

/// `NewCar` and what it implements.
pub(super) fn new(model: &Model) -> TokenStream {
    let Model { ident, vis, krate, .. } = model;
    let name = new_ident(model);
    let quiet = quiet();
    let summary = format!("What an insert of a [`{ident}`] needs.");
    let present: Vec<_> =
        model.fields.iter().enumerate().filter(|(_, field)| !matches!(need(field), Need::Generated)).collect();
    let fields = present.iter().map(|(_, field)| {
        let Field { ident, vis, ty, .. } = field;
        let docs = docs(field);
        match need(field) {
            Need::Defaulted(default) => {
                let left_out = format!("`None` leaves it to the column's default, `{default}`.");
                quote!(#docs #[doc = ""] #[doc = #left_out] #vis #ident: ::core::option::Option<#ty>)
            }
            _ => quote!(#docs #vis #ident: #ty),
        }
    });
    let assignments = assignments(model, &present);
    let reads = present.iter().map(|(_, field)| {
        let Field { name, ty, .. } = field;
        let read = of_type(krate, ty, "from_json");
        match need(field) {
            Need::Given if field.inner.is_none() => quote!(fields.required(#name, #read)),
            Need::Given => {
                quote!(::core::option::Option::map(fields.optional(#name, #read), ::core::option::Option::flatten))
            }
            _ => quote!(fields.optional(#name, #read)),
        }
    });
    let from_json = from_json(model, &present, reads);
    quote! {
        #[doc = #summary]
        #[derive(::core::clone::Clone, ::core::fmt::Debug, ::core::cmp::PartialEq)]
        #quiet
        #vis struct #name {
            #(#fields,)*
        }

        #[automatically_derived]
        #quiet
        impl #krate::NewModel for #name {
            type Model = #ident;

            fn into_assignments(
                self,
                _keys: &dyn #krate::ObjectKeys,
            ) -> #krate::Result<#krate::Assignments> {
                #assignments
            }
        }

        #[automatically_derived]
        #quiet
        impl #krate::FromJson for #name {
            #from_json
        }
    }
}

/// The body of `NewModel::into_assignments`.
fn assignments(model: &Model, present: &[(usize, &Field)]) -> TokenStream {
    let krate = &model.krate;
    if present.iter().all(|(_, field)| field.default.is_none()) {
        let assignments = present.iter().map(|(index, Field { ident, ty, .. })| {
            let into_value = of_type(krate, ty, "into_value");
            quote!((#index, #into_value(self.#ident)))
        });
        return quote!(::core::result::Result::Ok(::std::vec![#(#assignments,)*]));
    }
    let most = present.len();
    let pushes = present.iter().map(|(index, field)| {
        let ident = &field.ident;
        let into_value = of_type(krate, &field.ty, "into_value");
        let push = |value| quote!(assignments.push((#index, #into_value(#value))););
        match need(field) {
            Need::Defaulted(_) => {
                let push = push(quote!(value));
                quote!(if let ::core::option::Option::Some(value) = self.#ident { #push })
            }
            _ => push(quote!(self.#ident)),
        }
    });
    quote! {
        let mut assignments = ::std::vec::Vec::with_capacity(#most);
        #(#pushes)*
        ::core::result::Result::Ok(assignments)
    }
}

/// The body of `Model::assign`.
pub(super) fn assign(model: &Model) -> TokenStream {
    let statements = model.fields.iter().filter_map(|field| {
        let ident = &field.ident;
        match need(field) {
            Need::Generated => None,
            Need::Given => Some(quote!(self.#ident = new.#ident;)),
            Need::Defaulted(_) => Some(quote! {
                if let ::core::option::Option::Some(value) = new.#ident {
                    self.#ident = value;
                }
            }),
        }
    });
    let statements: Vec<_> = statements.collect();
    if statements.is_empty() { quote!(let _ = new;) } else { quote!(#(#statements)*) }
}

/// `CarPatch` and what it implements.
pub(super) fn patch(model: &Model) -> TokenStream {
    let Model { ident, vis, krate, .. } = model;
    let name = patch_ident(model);
    let quiet = quiet();
    let summary = format!("What a patch of a [`{ident}`] brings.");
    let present: Vec<_> = model.fields.iter().enumerate().filter(|(_, field)| !field.primary_key).collect();
    let fields = present.iter().map(|(_, field)| {
        let Field { ident, vis, .. } = field;
        let (docs, ty) = (docs(field), patched(field));
        quote!(#docs #vis #ident: #krate::Patch<#ty>)
    });
    let changes = present.iter().map(|(_, field)| {
        let ident = &field.ident;
        if field.inner.is_some() {
            quote! {
                match self.#ident {
                    #krate::Patch::Absent => {}
                    #krate::Patch::Null => model.#ident = ::core::option::Option::None,
                    #krate::Patch::Value(value) => model.#ident = ::core::option::Option::Some(value),
                }
            }
        } else {
            quote! {
                if let #krate::Patch::Value(value) = self.#ident {
                    model.#ident = value;
                }
            }
        }
    });
    let apply = if present.is_empty() { quote!(let _ = model;) } else { quote!(#(#changes)*) };
    let reads = present.iter().map(|(_, field)| {
        let (name, read) = (&field.name, of_type(krate, &field.ty, "from_json"));
        match field.inner {
            Some(_) => quote!(fields.patch_nullable(#name, #read)),
            None => quote!(fields.patch(#name, #read)),
        }
    });
    let from_json = from_json(model, &present, reads);
    quote! {
        #[doc = #summary]
        #[doc = ""]
        #[doc = "`Patch::Null` for a column that cannot be NULL leaves the field as it is."]
        #[derive(::core::clone::Clone, ::core::fmt::Debug, ::core::default::Default, ::core::cmp::PartialEq)]
        #quiet
        #vis struct #name {
            #(#fields,)*
        }

        #[automatically_derived]
        #quiet
        impl #krate::PatchModel for #name {
            type Model = #ident;

            fn apply(self, model: &mut #ident) {
                #apply
            }
        }

        #[automatically_derived]
        #quiet
        impl #krate::FromJson for #name {
            #from_json
        }
    }
}

/// `T` of `Patch<T>`: what the column holds when it is not NULL.
fn patched(field: &Field) -> &syn::Type {
    field.inner.as_ref().unwrap_or(&field.ty)
}

/// `FromJson::from_json`, with how each field is read from `fields`.
fn from_json(model: &Model, present: &[(usize, &Field)], reads: impl Iterator<Item = impl ToTokens>) -> TokenStream {
    let krate = &model.krate;
    let idents = present.iter().map(|(_, field)| &field.ident);
    let locals: Vec<_> = present.iter().map(|(index, _)| format_ident!("field_{index}")).collect();
    let body = if present.is_empty() {
        quote! {
            let _ = object;
            ::core::result::Result::Ok(Self {})
        }
    } else {
        // All members are read before any mistake is reported.
        quote! {
            let mut fields = #krate::Fields::new(object);
            #(let #locals = #reads;)*
            let (#(::core::option::Option::Some(#locals),)*) = (#(#locals,)*) else {
                return ::core::result::Result::Err(fields.into_errors());
            };
            ::core::result::Result::Ok(Self { #(#idents: #locals,)* })
        }
    };
    quote! {
        fn from_json(
            object: #krate::JsonObject,
        ) -> ::core::result::Result<Self, ::std::vec::Vec<#krate::FieldError>> {
            #body
        }
    }
}
