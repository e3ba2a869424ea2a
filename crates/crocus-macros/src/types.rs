//! The little that must be known of a field's type from how it is written.
//!
//! Assumption: `Option` and the integers are written by their own names. The code that `expand` makes refuses to
//! compile when a type turns out to be one of them under another name.

use syn::{GenericArgument, PathArguments, PathSegment, Type};

/// `T` of `Option<T>`.
pub(crate) fn option(ty: &Type) -> Option<&Type> {
    let segment = last_segment(ty).filter(|segment| segment.ident == "Option")?;
    argument(segment)
}

/// Whether the type is an integer that a column can hold.
pub(crate) fn is_integer(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|segment| ["i16", "i32", "i64"].iter().any(|integer| segment.ident == integer))
}

/// Whether the type is a floating-point number that a column can hold.
pub(crate) fn is_float(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == "f64")
}

/// The part of a type that no column can hold, and what to use instead, as far as its name tells. The compiler knows the
/// rest, but says so in many words.
pub(crate) fn remedy(ty: &Type) -> Option<(&Type, &'static str)> {
    let segment = match ty {
        Type::Group(group) => return remedy(&group.elem),
        Type::Paren(paren) => return remedy(&paren.elem),
        Type::Path(path) => path.path.segments.last()?,
        Type::Reference(_) => return Some((ty, "use a type that owns its value, such as `String`")),
        Type::Array(_) | Type::Slice(_) | Type::Tuple(_) => return Some((ty, SEVERAL_VALUES)),
        _ => return None,
    };
    let text = match segment.ident.to_string().as_str() {
        "i8" | "u8" => "use `i16`",
        "u16" => "use `i32`",
        "u32" => "use `i64`",
        "u64" | "u128" | "i128" | "usize" | "isize" => "use `i64`",
        "f32" => "use `f64`",
        "char" | "str" => "use `String`",
        "Vec" => return item_remedy(argument(segment)?),
        "HashMap" | "BTreeMap" | "HashSet" | "BTreeSet" | "VecDeque" => SEVERAL_VALUES,
        _ => return None,
    };
    Some((ty, text))
}

/// The same for an item of a list.
fn item_remedy(item: &Type) -> Option<(&Type, &'static str)> {
    match last_segment(item) {
        // A list of these is bytes.
        Some(segment) if segment.ident == "u8" => None,
        Some(segment) if segment.ident == "Option" => {
            Some((item, "no item of a list is NULL: use the type in the `Option`, or `Json<T>` for the list"))
        }
        Some(segment) if segment.ident == "Vec" && !is_bytes(segment) => {
            Some((item, "a list holds no lists: use `Json<T>`, which holds what serde can write"))
        }
        _ => remedy(item),
    }
}

fn is_bytes(segment: &PathSegment) -> bool {
    argument(segment).and_then(last_segment).is_some_and(|item| item.ident == "u8")
}

const SEVERAL_VALUES: &str =
    "use `Vec<T>` for a list, `Vec<u8>` for bytes, and `Json<T>` for anything that serde can write";

/// Whether the name of the type leaves open that it is one of those.
pub(crate) fn is_alias(ty: &Type) -> bool {
    const KNOWN: [&str; 8] = ["i16", "i32", "i64", "f64", "bool", "String", "Vec", "Option"];
    last_segment(ty).is_none_or(|segment| !KNOWN.iter().any(|known| segment.ident == known))
}

/// `T` of `Segment<T>`.
fn argument(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return None;
    };
    match arguments.args.first() {
        Some(GenericArgument::Type(inner)) if arguments.args.len() == 1 => Some(inner),
        _ => None,
    }
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
    fn lists_are_known_by_their_items() {
        let remedied = |ty: Type| remedy(&ty).map(|(part, _)| part.to_token_stream().to_string());
        for good in [parse_quote!(Vec<u8>), parse_quote!(std::vec::Vec<u8>), parse_quote!(Vec<Vec<u8>>)] {
            assert_eq!(remedied(good), None);
        }
        assert_eq!(remedied(parse_quote!(Vec<Color>)), None);
        assert_eq!(remedied(parse_quote!(Vec<u16>)).as_deref(), Some("u16"));
        assert_eq!(remedied(parse_quote!(Vec<Vec<i32>>)).as_deref(), Some("Vec < i32 >"));
        assert_eq!(remedied(parse_quote!(Vec<Option<i32>>)).as_deref(), Some("Option < i32 >"));
    }

    #[test]
    fn integers_are_known_by_name() {
        assert!(is_integer(&parse_quote!(i64)));
        assert!(is_integer(&parse_quote!(std::primitive::i16)));
        assert!(!is_integer(&parse_quote!(u8)));
        assert!(!is_integer(&parse_quote!(CarId)));
    }
}
