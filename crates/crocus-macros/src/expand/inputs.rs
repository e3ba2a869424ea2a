//! The inputs of a model: `NewCar`, which an insert or a PUT needs, and `CarPatch`, which a PATCH brings.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::spanned::Spanned;

use super::{docs, index, new_ident, of_type, patch_ident, quiet, shown};
use crate::model::{Field, Model, Source};

/// Whether `NewCar` holds an `Option` of the field: it has a default. Otherwise it holds the field as it is; when that
/// is an `Option`, a missing member of a JSON object means NULL.
fn is_defaulted(field: &Field) -> bool {
    matches!(field.source, Source::Default(_) | Source::Function(_))
}

/// `NewCar` and what it implements.
pub(super) fn new(model: &Model) -> TokenStream {
    let Model { ident, vis, krate, .. } = model;
    let name = new_ident(model);
    let quiet = quiet();
    let summary = format!("What an insert of a [`{ident}`] needs.");
    let present: Vec<_> = model.fields.iter().enumerate().filter(|(_, field)| !field.is_made()).collect();
    let fields = present.iter().map(|(_, field)| {
        let Field { ident, vis, .. } = field;
        let (docs, ty) = (docs(field), given(model, field));
        let left_out = match &field.source {
            Source::Default(sql) => format!("`None` leaves it to the column's default, `{sql}`."),
            Source::Function(function) => format!("`None` takes what `{}` gives.", shown(function)),
            _ => return quote!(#docs #vis #ident: #ty),
        };
        quote!(#docs #[doc = ""] #[doc = #left_out] #vis #ident: ::core::option::Option<#ty>)
    });
    let assignments = assignments(model, &present);
    let from_json = given_json(model, &present);
    let debug = debug(&name, &present);
    let objects = objects(model, &present);
    quote! {
        #[doc = #summary]
        #[derive(::core::clone::Clone, ::core::cmp::PartialEq)]
        #quiet
        #vis struct #name {
            #(#fields,)*
        }

        #debug

        #[automatically_derived]
        #quiet
        impl #krate::NewModel for #name {
            type Model = #ident;

            #objects

            fn into_assignments(
                self,
                keys: &dyn #krate::ObjectKeys,
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

/// `FromJson::from_json` of what an insert brings.
pub(super) fn given_json(model: &Model, present: &[(usize, &Field)]) -> TokenStream {
    let reads = present.iter().map(|(_, field)| {
        let name = &field.name;
        if field.embedded.is_some() {
            return quote!(fields.embedded(#name, ::core::option::Option::None));
        }
        let read = reading(model, field);
        match field.inner {
            _ if is_defaulted(field) => quote!(fields.optional(#name, #read)),
            None => quote!(fields.required(#name, #read)),
            Some(_) => {
                quote!(::core::option::Option::map(fields.optional(#name, #read), ::core::option::Option::flatten))
            }
        }
    });
    from_json(model, present, reads)
}

/// The type of a field of `NewCar`: that of the model's field, or a `Reference` where it is another row's key.
fn given(model: &Model, field: &Field) -> TokenStream {
    let krate = &model.krate;
    match (&field.refers_to, &field.inner) {
        (None, _) => field.ty.to_token_stream(),
        (Some(target), None) => quote!(#krate::Reference<#target>),
        (Some(target), Some(_)) => quote!(::core::option::Option<#krate::Reference<#target>>),
    }
}

/// How JSON becomes what `given` says: a key for a `Reference`.
fn reading(model: &Model, field: &Field) -> TokenStream {
    let krate = &model.krate;
    let read = of_type(krate, &field.ty, "from_json");
    let Some(target) = &field.refers_to else { return read };
    // At the type, so that the compiler points there when it is not that of the other's key.
    let key = Ident::new("key", field.ty.span());
    let reference = quote!(#krate::Reference::<#target>::Key);
    let reference = match field.inner {
        Some(_) => quote! {
            match #key {
                ::core::option::Option::Some(#key) => ::core::option::Option::Some(#reference(#key)),
                ::core::option::Option::None => ::core::option::Option::None,
            }
        },
        None => quote!(#reference(#key)),
    };
    quote! {
        |json| match #read(json) {
            ::core::result::Result::Ok(#key) => ::core::result::Result::Ok(#reference),
            ::core::result::Result::Err(rule) => ::core::result::Result::Err(rule),
        }
    }
}

/// `NewModel::objects`, where the model refers to others.
fn objects(model: &Model, present: &[(usize, &Field)]) -> TokenStream {
    let krate = &model.krate;
    let references: Vec<_> = present
        .iter()
        .filter(|(_, field)| field.refers_to.is_some())
        .map(|(position, field)| {
            let (ident, index) = (&field.ident, index(model, *position));
            let mut options = usize::from(field.inner.is_some());
            options += usize::from(is_defaulted(field));
            let mut object = quote!(objects.extend(reference.object(#index)););
            for _ in 0..options {
                object = quote!(if let ::core::option::Option::Some(reference) = reference { #object });
            }
            quote! {
                let reference = &self.#ident;
                #object
            }
        })
        .collect();
    if references.is_empty() {
        return TokenStream::new();
    }
    quote! {
        fn objects(&self) -> ::std::vec::Vec<#krate::ObjectReference> {
            let mut objects = ::std::vec::Vec::new();
            #(#references)*
            objects
        }
    }
}

/// The value of what `given` says, `held`, for a column.
fn value(model: &Model, index: &TokenStream, field: &Field, held: TokenStream) -> TokenStream {
    let into_value = of_type(&model.krate, &field.ty, "into_value");
    match (&field.refers_to, &field.inner) {
        (None, _) => quote!(#into_value(#held)),
        (Some(_), None) => quote!(#held.into_value(#index, keys)?),
        (Some(_), Some(_)) => quote! {
            match #held {
                ::core::option::Option::Some(reference) => reference.into_value(#index, keys)?,
                ::core::option::Option::None => #into_value(::core::option::Option::None),
            }
        },
    }
}

/// The body of `NewModel::into_assignments`.
fn assignments(model: &Model, present: &[(usize, &Field)]) -> TokenStream {
    let unused = if present.iter().any(|(_, field)| field.refers_to.is_some()) {
        TokenStream::new()
    } else {
        quote!(let _ = keys;)
    };
    let version = model.fields.iter().position(|field| matches!(field.source, Source::Version)).map(|position| {
        let first = of_type(&model.krate, &model.fields[position].ty, "into_value");
        let index = index(model, position);
        quote!((#index, #first(1)))
    });
    if !present.iter().any(|(_, field)| matches!(field.source, Source::Default(_)) || field.embedded.is_some()) {
        let assignments = present.iter().map(|(position, field)| {
            let (ident, index) = (&field.ident, index(model, *position));
            let held = match &field.source {
                Source::Function(function) => quote!(::core::option::Option::unwrap_or_else(self.#ident, #function)),
                _ => quote!(self.#ident),
            };
            let value = value(model, &index, field, held);
            quote!((#index, #value))
        });
        let assignments = assignments.chain(version);
        return quote! {
            #unused
            ::core::result::Result::Ok(::std::vec![#(#assignments,)*])
        };
    }
    let most = present.len() + usize::from(version.is_some());
    let pushes = present.iter().map(|(position, field)| {
        let (ident, index) = (&field.ident, index(model, *position));
        if field.embedded.is_some() {
            let (krate, ty) = (&model.krate, &field.ty);
            let values = quote!(<#ty as #krate::Embedded>::values(&self.#ident));
            return quote!(assignments.extend(::core::iter::Iterator::zip(#index.., #values)););
        }
        let push = |held| {
            let value = value(model, &index, field, held);
            quote!(assignments.push((#index, #value));)
        };
        match &field.source {
            Source::Default(_) => {
                let push = push(quote!(value));
                quote!(if let ::core::option::Option::Some(value) = self.#ident { #push })
            }
            Source::Function(function) => push(quote!(::core::option::Option::unwrap_or_else(self.#ident, #function))),
            _ => push(quote!(self.#ident)),
        }
    });
    let version = version.map(|version| quote!(assignments.push(#version);));
    quote! {
        #unused
        let mut assignments = ::std::vec::Vec::with_capacity(#most);
        #(#pushes)*
        #version
        ::core::result::Result::Ok(assignments)
    }
}

/// The body of `Model::assign_with`.
pub(super) fn assign(model: &Model) -> TokenStream {
    let present: Vec<_> = model.fields.iter().filter(|field| !field.is_made()).collect();
    if present.is_empty() {
        return quote!(let _ = (new, keys););
    }
    let unused = if present.iter().any(|field| field.refers_to.is_some()) { quote!() } else { quote!(let _ = keys;) };
    // Every reference is a key before any field changes.
    let keys = present.iter().enumerate().filter(|(_, field)| field.refers_to.is_some()).map(|(index, field)| {
        let Field { ident, inner, .. } = field;
        let local = format_ident!("key_{index}", span = field.ty.span());
        let mut key = quote!(reference.into_key(keys)?);
        let options = usize::from(inner.is_some()) + usize::from(is_defaulted(field));
        for _ in 0..options {
            key = quote! {
                match reference {
                    ::core::option::Option::Some(reference) => ::core::option::Option::Some(#key),
                    ::core::option::Option::None => ::core::option::Option::None,
                }
            };
        }
        quote! {
            let reference = new.#ident;
            let #local = #key;
        }
    });
    let changes = present.iter().enumerate().map(|(index, field)| {
        let ident = &field.ident;
        let local = format_ident!("key_{index}", span = field.ty.span());
        let given = if field.refers_to.is_some() { quote!(#local) } else { quote!(new.#ident) };
        if is_defaulted(field) {
            quote! {
                if let ::core::option::Option::Some(value) = #given {
                    self.#ident = value;
                }
            }
        } else {
            quote!(self.#ident = #given;)
        }
    });
    quote! {
        #unused
        #(#keys)*
        #(#changes)*
    }
}

/// `CarPatch` and what it implements.
pub(super) fn patch(model: &Model) -> TokenStream {
    let Model { ident, vis, krate, .. } = model;
    let name = patch_ident(model);
    let quiet = quiet();
    let summary = format!("What a patch of a [`{ident}`] brings.");
    let present: Vec<_> =
        model.fields.iter().enumerate().filter(|(_, field)| !field.primary_key && !field.is_made()).collect();
    let fields = present.iter().map(|(_, field)| {
        let Field { ident, vis, .. } = field;
        let (docs, ty) = (docs(field), patched(field));
        match field.embedded {
            None => quote!(#docs #vis #ident: #krate::Patch<#ty>),
            Some(_) => quote!(#docs #vis #ident: <#ty as #krate::Embedded>::Patch),
        }
    });
    let changes = present.iter().map(|(_, field)| {
        let ident = &field.ident;
        if field.embedded.is_some() {
            quote!(#krate::Embedded::apply(&mut model.#ident, self.#ident);)
        } else if field.inner.is_some() {
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
    let implementation = if model.embedded {
        quote! {
            #[automatically_derived]
            #quiet
            impl #name {
                fn apply(self, model: &mut #ident) {
                    #apply
                }
            }
        }
    } else {
        quote! {
            #[automatically_derived]
            #quiet
            impl #krate::PatchModel for #name {
                type Model = #ident;

                fn apply(self, model: &mut #ident) {
                    #apply
                }
            }
        }
    };
    let reads = present.iter().map(|(_, field)| {
        let (name, read) = (&field.name, of_type(krate, &field.ty, "from_json"));
        match field.inner {
            _ if field.embedded.is_some() => {
                quote!(fields.embedded(#name, ::core::option::Option::Some(::core::default::Default::default())))
            }
            Some(_) => quote!(fields.patch_nullable(#name, #read)),
            None => quote!(fields.patch(#name, #read)),
        }
    });
    let from_json = from_json(model, &present, reads);
    let debug = debug(&name, &present);
    quote! {
        #[doc = #summary]
        #[doc = ""]
        #[doc = "`Patch::Null` for a column that cannot be NULL leaves the field as it is."]
        #[derive(::core::clone::Clone, ::core::default::Default, ::core::cmp::PartialEq)]
        #quiet
        #vis struct #name {
            #(#fields,)*
        }

        #debug

        #implementation

        #[automatically_derived]
        #quiet
        impl #krate::FromJson for #name {
            #from_json
        }
    }
}

/// `Debug`, which keeps what is sensitive out of logs.
fn debug(name: &Ident, present: &[(usize, &Field)]) -> TokenStream {
    let text = name.to_string();
    let quiet = quiet();
    let fields = present.iter().map(|(_, Field { ident, name, sensitive, .. })| {
        if *sensitive {
            quote!(.field(#name, &::core::format_args!("[sensitive]")))
        } else {
            quote!(.field(#name, &self.#ident))
        }
    });
    quote! {
        #[automatically_derived]
        #quiet
        impl ::core::fmt::Debug for #name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_struct(#text)#(#fields)*.finish()
            }
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
