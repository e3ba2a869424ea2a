//! The little that must be known of a field's type from how it is written.
//!
//! Assumption: `Option` and the integers are written by their own names. The code that `expand` makes refuses to
//! compile when a type turns out to be one of them under another name.

use syn::{GenericArgument, PathArguments, PathSegment, Type};

/// `T` of `Option<T>`.
pub(crate) fn option(ty: &Type) -> Option<&Type> {
    let segment = last_segment(ty).filter(|segment| segment.ident == "Option")?;
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return None;
    };
    match arguments.args.first() {
        Some(GenericArgument::Type(inner)) if arguments.args.len() == 1 => Some(inner),
        _ => None,
    }
}

/// Whether the type is an integer that a column can hold.
pub(crate) fn is_integer(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|segment| ["i16", "i32", "i64"].iter().any(|integer| segment.ident == integer))
}

/// Whether the name of the type leaves open that it is one of those.
pub(crate) fn is_alias(ty: &Type) -> bool {
    const KNOWN: [&str; 8] = ["i16", "i32", "i64", "f64", "bool", "String", "Vec", "Option"];
    last_segment(ty).is_none_or(|segment| !KNOWN.iter().any(|known| segment.ident == known))
}

fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) if path.qself.is_none() => path.path.segments.last(),
        // A type that came through `macro_rules!` is wrapped in an invisible group.
        Type::Group(group) => last_segment(&group.elem),
        Type::Paren(paren) => last_segment(&paren.elem),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;
    use syn::parse_quote;

    use super::*;

    #[test]
    fn options_are_known_by_name() {
        let inner = |ty: Type| option(&ty).map(|inner| inner.to_token_stream().to_string());
        assert_eq!(inner(parse_quote!(Option<i32>)).as_deref(), Some("i32"));
        assert_eq!(inner(parse_quote!(::std::option::Option<String>)).as_deref(), Some("String"));
        assert_eq!(inner(parse_quote!((Option<i32>))).as_deref(), Some("i32"));
        assert_eq!(inner(parse_quote!(Vec<u8>)), None);
        assert_eq!(inner(parse_quote!(MaybeText)), None);
    }

    #[test]
    fn integers_are_known_by_name() {
        assert!(is_integer(&parse_quote!(i64)));
        assert!(is_integer(&parse_quote!(std::primitive::i16)));
        assert!(!is_integer(&parse_quote!(u8)));
        assert!(!is_integer(&parse_quote!(CarId)));
    }
}
