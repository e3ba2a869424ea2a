//! The description of the table: `Model::TABLE`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;

use super::{of_type, relations};
use crate::model::{Condition, Field, Index, Model, Part, Source, Unique};
use crate::sql_type::SqlType;

/// The `TableDef`.
pub(super) fn table(model: &Model) -> TokenStream {
    let Model { krate, table, .. } = model;
    let name = model.ident.unraw().to_string();
    let columns = columns(model);
    let uniques = model.uniques.iter().map(|Unique { name, columns, deferrable, nulls_not_distinct }| {
        let deferrable = Ident::new(deferrable, Span::call_site());
        quote! {
            #krate::table::UniqueDef {
                name: #name,
                columns: &[#(#columns),*],
                deferrable: #krate::table::Deferrable::#deferrable,
                nulls_not_distinct: #nulls_not_distinct,
            }
        }
    });
    let indexes = model.indexes.iter().map(|index| {
        let Index { name, parts, unique, condition, method, include, nulls_not_distinct } = index;
        let parts = parts.iter().map(|part| index_part(krate, part));
        let [condition, method] = [condition, method].map(|text| option(text.as_ref()));
        quote! {
            #krate::table::IndexDef {
                name: #name,
                parts: &[#(#parts),*],
                unique: #unique,
                condition: #condition,
                method: #method,
                include: &[#(#include),*],
                nulls_not_distinct: #nulls_not_distinct,
            }
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
            columns: #columns,
            uniques: &[#(#uniques,)*],
            indexes: &[#(#indexes,)*],
            checks: &[#(#checks,)*],
            foreign_keys: #foreign_keys,
        }
    }
}

/// An `IndexPart`.
fn index_part(krate: &syn::Path, part: &Part) -> TokenStream {
    let Part { kind, text, descending, nulls, collation, operator_class } = part;
    let kind = Ident::new(kind, Span::call_site());
    let nulls = match nulls.map(|variant| Ident::new(variant, Span::call_site())) {
        Some(variant) => quote!(::core::option::Option::Some(#krate::table::Nulls::#variant)),
        None => quote!(::core::option::Option::None),
    };
    let [collation, operator_class] = [collation, operator_class].map(|text| option(text.as_ref()));
    quote! {
        #krate::table::IndexPart {
            key: #krate::table::IndexKey::#kind(#text),
            descending: #descending,
            nulls: #nulls,
            collation: #collation,
            operator_class: #operator_class,
        }
    }
}

fn option(text: Option<&String>) -> TokenStream {
    match text {
        Some(text) => quote!(::core::option::Option::Some(#text)),
        None => quote!(::core::option::Option::None),
    }
}

/// The columns, a `&'static [ColumnDef]`.
pub(super) fn columns(model: &Model) -> TokenStream {
    let krate = &model.krate;
    if model.fields.iter().all(|field| field.embedded.is_none()) {
        let columns = model.fields.iter().map(|field| column(krate, field));
        return quote!(&[#(#columns,)*]);
    }
    let of = quote!(#krate::embedded::columns);
    let slice = quote!(&'static [#krate::table::ColumnDef]);
    let parts = model.fields.iter().map(|field| {
        let Some(prefix) = &field.embedded else {
            let column = column(krate, field);
            return quote!(&[#column]);
        };
        let ty = &field.ty;
        let path = format!("{}.", field.name);
        // Each name is made at compile time and must live for ever, so it is a constant.
        quote! {{
            const COLUMNS: #slice = <#ty as #krate::Embedded>::COLUMNS;
            const NAMES: &[(#of::Joined, #of::Joined, #of::Joined); COLUMNS.len()] =
                &#of::joined(COLUMNS, #prefix, #path);
            const RENAMED: [#krate::table::ColumnDef; COLUMNS.len()] = #of::renamed(COLUMNS, NAMES);
            &RENAMED
        }}
    });
    quote! {{
        const PARTS: &[#slice] = &[#(#parts,)*];
        const ALL: [#krate::table::ColumnDef; #of::count(PARTS)] = #of::all(PARTS);
        &ALL
    }}
}

/// The database's own type, which must hold the values of the field's.
fn sql_type(krate: &syn::Path, field: &Field) -> TokenStream {
    let Some((written, SqlType { name, base })) = &field.sql_type else { return option(None) };
    let ty = of_type(krate, &field.ty, "TYPE");
    let base = Ident::new(base, Span::call_site());
    let text = format!("a column of the type `{name}` does not hold what the field `{}` does", field.name);
    let check = quote_spanned! {written.span()=>
        const _: () = assert!(#krate::ColumnType::is_like(#ty, #krate::ColumnType::#base), #text);
    };
    quote! {{
        #check
        ::core::option::Option::Some(#name)
    }}
}

/// The collation, which only texts have.
fn collation(krate: &syn::Path, field: &Field) -> TokenStream {
    let Some(collation) = &field.collation else { return option(None) };
    let (name, ty) = (collation.value(), of_type(krate, &field.ty, "TYPE"));
    let text = format!("only a text has a collation, and the field `{}` is none", field.name);
    let check = quote_spanned! {collation.span()=>
        const _: () = assert!(#krate::ColumnType::is_like(#ty, #krate::ColumnType::Text), #text);
    };
    quote! {{
        #check
        ::core::option::Option::Some(#name)
    }}
}

/// A `ColumnDef`.
fn column(krate: &syn::Path, field: &Field) -> TokenStream {
    let Field { name, column, ty, primary_key, source, sensitive, .. } = field;
    let sql_type = sql_type(krate, field);
    let collation = collation(krate, field);
    let default = option(if let Source::Default(sql) = source { Some(sql) } else { None });
    let generated = option(if let Source::Generated(sql) = source { Some(sql) } else { None });
    let (identity, version) = (matches!(source, Source::Identity), matches!(source, Source::Version));
    let (comment, renamed_from) = (option(field.comment.as_ref()), option(field.renamed_from.as_ref()));
    let default_with = match source {
        // At the function's place, so that the compiler points there when it gives another type.
        Source::Function(function) => {
            let into_value = of_type(krate, ty, "into_value");
            quote!(::core::option::Option::Some(#krate::table::MakeValue(|| #into_value(#function()))))
        }
        _ => option(None),
    };
    let from_json = quote!(#krate::table::ReadJson::of::<#ty>());
    let (ty, nullable) = (of_type(krate, ty, "TYPE"), of_type(krate, ty, "NULLABLE"));
    quote! {
        #krate::table::ColumnDef {
            name: #column,
            field: #name,
            ty: #ty,
            sql_type: #sql_type,
            collation: #collation,
            nullable: #nullable,
            primary_key: #primary_key,
            identity: #identity,
            default: #default,
            default_with: #default_with,
            generated: #generated,
            version: #version,
            sensitive: #sensitive,
            comment: #comment,
            renamed_from: #renamed_from,
            from_json: #from_json,
        }
    }
}
