//! The relationships of a model: the constants such as `Car::MAKER`, `Model::RELATIONS` and the foreign keys.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::{quiet, shown};
use crate::model::{Field, ForeignKey, Model, Relation, RelationKind};

/// `Car::MAKER` and the others.
pub(super) fn constants(model: &Model) -> TokenStream {
    if model.relations.is_empty() {
        return TokenStream::new();
    }
    let ident = &model.ident;
    let quiet = quiet();
    let constants = model.relations.iter().map(|relation| {
        let Relation { name, constant, vis, target, kind } = relation;
        let krate = &model.krate;
        let target_name = shown(target);
        let (docs, ty, arguments) = match kind {
            RelationKind::BelongsTo { fields, .. } => {
                let docs = format!("The `{target_name}` that it belongs to.");
                let optional = Relation::is_optional(fields, &model.fields);
                let pointed = if optional { quote!(::core::option::Option<#target>) } else { quote!(#target) };
                (docs, quote!(BelongsTo::<#ident, #pointed>), belongs_to(model, fields, optional))
            }
            RelationKind::Has { many, inverse, delete_orphan } => {
                let (docs, word) = if *many {
                    (format!("The rows of `{target_name}` that belong to it."), quote!(HasMany))
                } else {
                    (format!("The `{target_name}` that belongs to it, if there is one."), quote!(HasOne))
                };
                (docs, quote!(#word::<#ident, #target>), quote!(#inverse, #delete_orphan))
            }
            RelationKind::ManyToMany { association, to_source, to_target } => {
                let docs = format!("The rows of `{target_name}` that `{}` ties to it.", shown(association));
                (docs, quote!(ManyToMany::<#ident, #target>), quote!(#to_source, #to_target))
            }
        };
        quote!(#[doc = #docs] #vis const #constant: #krate::#ty = #krate::#ty::new(#name, #arguments);)
    });
    quote! {
        #[automatically_derived]
        #quiet
        impl #ident {
            #(#constants)*
        }
    }
}

/// The columns, and how the key is read from the model's fields, set and cleared.
fn belongs_to(model: &Model, indexes: &[usize], optional: bool) -> TokenStream {
    let fields: Vec<&Field> = indexes.iter().map(|index| &model.fields[*index]).collect();
    let columns = fields.iter().map(|field| &field.column);
    let some = quote!(::core::option::Option::Some);
    let none = quote!(::core::option::Option::None);
    // At the types, so that the compiler points there when they are not those of the other's key.
    let first = fields.first().map_or_else(Span::call_site, |field| field.ty.span());
    let locals: Vec<_> = (0..fields.len()).map(|part| Ident::new(&format!("part_{part}"), first)).collect();
    let key = match &locals[..] {
        [local] => quote!(#local),
        locals => quote_spanned!(first=> (#(#locals),*)),
    };
    let binds = fields.iter().zip(&locals).map(|(Field { ident, inner, .. }, local)| {
        let value = quote!(::core::clone::Clone::clone(&model.#ident));
        if inner.is_some() { quote!(let #local = #value?;) } else { quote!(let #local = #value;) }
    });
    let sets = fields.iter().zip(&locals).map(|(Field { ident, inner, .. }, local)| match inner {
        Some(_) => quote!(model.#ident = #some(#local);),
        None => quote!(model.#ident = #local;),
    });
    let clear = if optional {
        let clears = fields.iter().filter(|field| field.inner.is_some()).map(|field| &field.ident);
        quote!(#some(|model| { #(model.#clears = #none;)* }))
    } else {
        none.clone()
    };
    quote! {
        &[#(#columns),*],
        |model| {
            #(#binds)*
            #some(#key)
        },
        |model, #key| {
            #(#sets)*
        },
        #clear,
    }
}

/// `Model::RELATIONS`
pub(super) fn definitions(model: &Model) -> TokenStream {
    let Model { krate, .. } = model;
    let definitions = model.relations.iter().map(|Relation { name, constant, target, kind, .. }| {
        let kind = match kind {
            RelationKind::BelongsTo { .. } => quote!(BelongsTo { columns: Self::#constant.columns() }),
            RelationKind::Has { many: true, .. } => quote!(HasMany { columns: Self::#constant.columns() }),
            RelationKind::Has { many: false, .. } => quote!(HasOne { columns: Self::#constant.columns() }),
            RelationKind::ManyToMany { association, to_source, to_target } => {
                let association = table_of(model, association);
                quote! {
                    ManyToMany {
                        association: #association,
                        source: #to_source.columns(),
                        target: #to_target.columns(),
                    }
                }
            }
        };
        let target = table_of(model, target);
        quote!(#krate::RelationDef { name: #name, kind: #krate::RelationKind::#kind, target: #target })
    });
    quote!(&[#(#definitions,)*])
}

/// `TableDef::foreign_keys`
pub(super) fn foreign_keys(model: &Model) -> TokenStream {
    let krate = &model.krate;
    let foreign_keys = model.relations.iter().filter_map(|relation| {
        let RelationKind::BelongsTo { fields, foreign_key } = &relation.kind else { return None };
        let ForeignKey { name, on_delete, on_update, on_delete_columns, match_full, deferrable } = foreign_key;
        let on_delete_columns = on_delete_columns.iter().map(|index| &model.fields[*index].column);
        let columns = fields.iter().map(|index| &model.fields[*index].column);
        let target = table_of(model, &relation.target);
        let [on_delete, on_update, deferrable] =
            [on_delete, on_update, deferrable].map(|variant| Ident::new(variant, Span::call_site()));
        Some(quote! {
            #krate::table::ForeignKeyDef {
                name: #name,
                columns: &[#(#columns),*],
                target: #target,
                on_delete: #krate::table::ReferentialAction::#on_delete,
                on_update: #krate::table::ReferentialAction::#on_update,
                on_delete_columns: &[#(#on_delete_columns),*],
                match_full: #match_full,
                deferrable: #krate::table::Deferrable::#deferrable,
            }
        })
    });
    quote!(&[#(#foreign_keys,)*])
}

/// A function, since tables may refer to each other.
fn table_of(model: &Model, of: &syn::Path) -> TokenStream {
    let krate = &model.krate;
    quote!(|| <#of as #krate::Model>::TABLE)
}
