//! `derive(DbEnum)`: reading the enum, and the code that makes it a column type.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Fields, LitStr, Path, Variant};

use crate::attributes::{self, VariantAttributes};
use crate::errors::Errors;
use crate::names;

/// An enum and its values.
struct DbEnum {
    ident: Ident,
    /// The path of crocus's orm module.
    krate: Path,
    name: String,
    /// The variants, with the values as the database has them.
    values: Vec<(Ident, String)>,
    /// The old and the new name of values that had another one.
    renamed: Vec<(String, String)>,
}

pub(crate) fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    DbEnum::read(input).map(|read| read.expand())
}

impl DbEnum {
    /// Reads the enum, or finds everything that is wrong with it.
    fn read(input: &DeriveInput) -> syn::Result<DbEnum> {
        let mut errors = Errors::default();
        let attributes = attributes::EnumAttributes::read(&input.attrs, &mut errors);
        if !input.generics.params.is_empty() {
            errors.at(&input.generics.params, "a database's enum cannot be generic: write the types out");
        }
        let variants = match &input.data {
            Data::Enum(data) => &data.variants,
            Data::Struct(data) => return Err(errors.and(no_enum(&data.struct_token, "a struct"))),
            Data::Union(data) => return Err(errors.and(no_enum(&data.union_token, "a union"))),
        };
        if variants.is_empty() {
            errors.at(&input.ident, "a database's enum needs values: add variants");
        }
        let mut values: Vec<(Ident, String)> = Vec::new();
        let mut renamed = Vec::new();
        for variant in variants {
            let attributes = VariantAttributes::read(&variant.attrs, &mut errors);
            let (at, value) = value(variant, attributes.rename, &mut errors);
            if let Some(old) = attributes.renamed_from {
                if old.value() == value {
                    errors.at(&old, "this is the value's name now: write the one that it had before");
                }
                renamed.push((old.value(), value.clone()));
            }
            if let Some((other, _)) = values.iter().find(|(_, other)| *other == value) {
                let text = format!(
                    "the variant `{other}` has the value `{value}` already: choose another with #[db_enum(rename = \
                     \"...\")]"
                );
                errors.add(syn::Error::new(at, text));
            }
            values.push((variant.ident.clone(), value));
        }
        let name = attributes.name.as_ref().map(LitStr::value).unwrap_or_else(|| {
            let name = names::snake_case(&input.ident.unraw().to_string());
            if let Some(fault) = names::fault(&name) {
                errors.at(&input.ident, format!("{fault}: name the type with #[db_enum(name = \"...\")]"));
            }
            name
        });
        let krate = attributes.krate.unwrap_or_else(|| syn::parse_quote!(::crocus::orm));
        errors.finish(DbEnum { ident: input.ident.clone(), krate, name, values, renamed })
    }

    fn expand(&self) -> TokenStream {
        let DbEnum { ident, krate, name, values, renamed } = self;
        let model = ident.unraw().to_string();
        let variants: Vec<_> = values.iter().map(|(variant, _)| variant).collect();
        let values: Vec<_> = values.iter().map(|(_, value)| value).collect();
        let renamed = renamed.iter().map(|(old, new)| quote!((#old, #new)));
        let quiet = quote!(#[allow(deprecated, unused_qualifications, reason = "made by derive(DbEnum)")]);
        let definition = quote! {
            &#krate::table::EnumDef { name: #name, model: #model, values: &[#(#values),*], renamed: &[#(#renamed),*] }
        };
        let (lifetime, result) = (quote!('de), quote!(::core::result::Result));
        let serde = quote!(#krate::serde);
        let text = format_ident!("text");
        quote! {
            #[automatically_derived]
            #quiet
            impl #krate::NewType for #ident {
                type Inner = ::std::string::String;

                const TYPE: #krate::ColumnType = #krate::ColumnType::Enum(#definition);

                fn into_inner(self) -> ::std::string::String {
                    ::core::convert::From::from(match self {
                        #(#ident::#variants => #values,)*
                    })
                }

                fn from_inner(#text: ::std::string::String) -> #result<Self, ::std::string::String> {
                    match ::std::string::String::as_str(&#text) {
                        #(#values => #result::Ok(#ident::#variants),)*
                        other => #result::Err(#krate::table::EnumDef::unknown(#definition, other)),
                    }
                }
            }

            #[automatically_derived]
            #quiet
            impl #serde::Serialize for #ident {
                fn serialize<S: #serde::Serializer>(&self, serializer: S) -> #result<S::Ok, S::Error> {
                    serializer.serialize_str(match self {
                        #(#ident::#variants => #values,)*
                    })
                }
            }

            #[automatically_derived]
            #quiet
            impl<#lifetime> #serde::Deserialize<#lifetime> for #ident {
                fn deserialize<D: #serde::Deserializer<#lifetime>>(deserializer: D) -> #result<Self, D::Error> {
                    let #text = <::std::string::String as #serde::Deserialize>::deserialize(deserializer)?;
                    #result::map_err(<Self as #krate::NewType>::from_inner(#text), #serde::de::Error::custom)
                }
            }
        }
    }
}

/// The variant's value, and where to point at when it is wrong.
fn value(variant: &Variant, rename: Option<LitStr>, errors: &mut Errors) -> (proc_macro2::Span, String) {
    match &variant.fields {
        Fields::Unit => {}
        fields => errors.at(fields, "a value of a database's enum holds nothing more: write the variant alone"),
    }
    if let Some(rename) = rename {
        return (rename.span(), rename.value());
    }
    let value = names::snake_case(&variant.ident.unraw().to_string());
    if let Some(fault) = names::fault(&value) {
        errors.at(&variant.ident, format!("{fault}: write the value with #[db_enum(rename = \"...\")]"));
    }
    (variant.ident.span(), value)
}

fn no_enum(token: &impl Spanned, found: &str) -> syn::Error {
    syn::Error::new(token.span(), format!("`DbEnum` is for an enum, not {found}; for one value see `NewType`"))
}
