//! Types in PostgreSQL's words: those of `format_type`, so that what is read back is the same.

use crocus_orm::ColumnType;

use super::ddl::quote;
use crate::schema::Type;
use crate::types::split;

static TYPES: [(ColumnType, &str); 14] = [
    (ColumnType::SmallInteger, "smallint"),
    (ColumnType::Integer, "integer"),
    (ColumnType::BigInteger, "bigint"),
    (ColumnType::Double, "double precision"),
    (ColumnType::Boolean, "boolean"),
    (ColumnType::Text, "text"),
    (ColumnType::Binary, "bytea"),
    (ColumnType::Date, "date"),
    (ColumnType::Time, "time without time zone"),
    (ColumnType::DateTime, "timestamp without time zone"),
    (ColumnType::Timestamp, "timestamp with time zone"),
    (ColumnType::Uuid, "uuid"),
    (ColumnType::Decimal, "numeric"),
    (ColumnType::Json, "jsonb"),
];

/// Other words for the same ("Data Types"): the limits come after the first word.
const SYNONYMS: [(&str, &str); 20] = [
    ("int2", "smallint"),
    ("int", "integer"),
    ("int4", "integer"),
    ("int8", "bigint"),
    ("float4", "real"),
    ("float8", "double precision"),
    ("float", "double precision"),
    ("bool", "boolean"),
    ("varchar", "character varying"),
    ("char varying", "character varying"),
    ("char", "character"),
    ("decimal", "numeric"),
    ("dec", "numeric"),
    ("timestamp", "timestamp without time zone"),
    ("timestamptz", "timestamp with time zone"),
    ("time", "time without time zone"),
    ("timetz", "time with time zone"),
    ("varbit", "bit varying"),
    ("smallserial", "smallint"),
    ("serial", "integer"),
];

pub(crate) fn type_name(ty: &Type) -> String {
    match ty {
        Type::Standard(ty) => {
            let found = TYPES.iter().find(|(standard, _)| standard == ty);
            found.map(|(_, name)| (*name).to_owned()).expect("every standard type has a name")
        }
        Type::Enum(values) => quote(&values.name),
        Type::Array(of) => format!("{}[]", type_name(of)),
        Type::Other(name) => in_its_words(name),
    }
}

/// The type that `format_type` writes so.
pub(crate) fn type_from(name: String) -> Type {
    if let Some(of) = name.strip_suffix("[]") {
        return match type_from(of.to_owned()) {
            Type::Other(_) => Type::Other(name),
            of => Type::Array(Box::new(of)),
        };
    }
    match TYPES.iter().find(|(_, standard)| *standard == name) {
        Some((ty, _)) => Type::Standard(*ty),
        None => Type::Other(name),
    }
}

/// A type that a person has named, as `format_type` would write it; as it is, where it is none that PostgreSQL calls by
/// several names.
fn in_its_words(name: &str) -> String {
    if let Some(of) = name.strip_suffix("[]") {
        return format!("{}[]", in_its_words(of.trim_end()));
    }
    // A name in quotes is nobody's synonym.
    let Some((words, mut limits)) = split(name).filter(|_| !name.contains('"')) else { return name.to_owned() };
    let mut words = SYNONYMS.iter().find(|(word, _)| *word == words).map_or(words.as_str(), |(_, word)| word);
    match (words, limits.as_slice()) {
        ("character", []) => limits.push(1),
        ("numeric", [_]) => limits.push(0),
        ("double precision", [digits]) => {
            words = if *digits <= 24 { "real" } else { words };
            limits.clear();
        }
        _ => {}
    }
    if limits.is_empty() {
        return words.to_owned();
    }
    let limits: Vec<_> = limits.iter().map(u32::to_string).collect();
    let limits = limits.join(",");
    match words.split_once(' ').filter(|(first, _)| matches!(*first, "timestamp" | "time")) {
        Some((first, rest)) => format!("{first}({limits}) {rest}"),
        None => format!("{words}({limits})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synonyms_are_the_words_of_format_type() {
        for (name, words) in [
            ("VARCHAR(20)", "character varying(20)"),
            ("varchar", "character varying"),
            ("char", "character(1)"),
            ("int4", "integer"),
            ("decimal(10, 2)", "numeric(10,2)"),
            ("numeric(10)", "numeric(10,0)"),
            ("timestamptz(3)", "timestamp(3) with time zone"),
            ("timestamp", "timestamp without time zone"),
            ("time(0)", "time(0) without time zone"),
            ("float(10)", "real"),
            ("float", "double precision"),
            ("varchar(3)[]", "character varying(3)[]"),
            ("citext", "citext"),
            ("geometry(Point,4326)", "geometry(Point,4326)"),
            ("\"Int\"", "\"Int\""),
        ] {
            assert_eq!(type_name(&Type::Other(name.to_owned())), words);
        }
    }
}
