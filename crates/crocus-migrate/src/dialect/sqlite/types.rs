//! Types in SQLite's words. Their affinity keeps what is stored ("Datatypes", 3.1): the suffix `_TEXT` keeps the digits
//! of decimals and JSON as they are.

use crocus_orm::ColumnType;

use crate::schema::Type;
use crate::types::{Described, split};

static TYPES: [(ColumnType, &str); 14] = [
    (ColumnType::SmallInteger, "SMALLINT"),
    (ColumnType::Integer, "INTEGER"),
    (ColumnType::BigInteger, "BIGINT"),
    (ColumnType::Double, "DOUBLE"),
    (ColumnType::Boolean, "BOOLEAN"),
    (ColumnType::Text, "TEXT"),
    (ColumnType::Binary, "BLOB"),
    (ColumnType::Date, "DATE"),
    (ColumnType::Time, "TIME"),
    (ColumnType::DateTime, "DATETIME"),
    (ColumnType::Timestamp, "TIMESTAMP"),
    (ColumnType::Uuid, "UUID_TEXT"),
    (ColumnType::Decimal, "DECIMAL_TEXT"),
    (ColumnType::Json, "JSON_TEXT"),
];

/// Other words of one affinity, with which programs store the same.
const SYNONYMS: [(&str, &str); 12] = [
    ("INT", "INTEGER"),
    ("INT4", "INTEGER"),
    ("MEDIUMINT", "INTEGER"),
    ("INT2", "SMALLINT"),
    ("INT8", "BIGINT"),
    ("BIG INT", "BIGINT"),
    ("REAL", "DOUBLE"),
    ("FLOAT", "DOUBLE"),
    ("DOUBLE PRECISION", "DOUBLE"),
    ("BOOL", "BOOLEAN"),
    ("CHARACTER VARYING", "VARCHAR"),
    ("CHARACTER", "CHAR"),
];

/// The one type that counts up.
pub(crate) const IDENTITY: &str = "INTEGER";

/// The type of an enum's columns, which have a check beside it.
pub(crate) const ENUM: &str = "ENUM_TEXT";

pub(crate) fn type_name(ty: &Type) -> String {
    match ty {
        Type::Standard(ty) => standard(*ty).to_owned(),
        Type::Enum(_) => ENUM.to_owned(),
        Type::Array(_) => standard(ColumnType::Json).to_owned(),
        // In capitals it is SQLite's own.
        Type::Other(name) if !name.contains(char::is_lowercase) => name.clone(),
        // Without a limit too: it is read back as it was declared.
        Type::Other(name) if is_varying(name) => "VARCHAR".to_owned(),
        Type::Other(name) => Described::named(name).map_or_else(|| name.clone(), |described| written(&described)),
    }
}

/// The type that is declared so, in whatever letters and spaces.
pub(crate) fn type_from(name: &str) -> Type {
    let Some((words, limits)) = split(name) else { return Type::Other(name.to_owned()) };
    let words = words.to_uppercase();
    let word = SYNONYMS.iter().find(|(word, _)| *word == words).map_or(words.as_str(), |(_, word)| word);
    let standard = TYPES.iter().find(|(_, standard)| *standard == word).map(|(ty, _)| *ty);
    match standard {
        Some(ty) if limits.is_empty() => return Type::Standard(ty),
        // What `written` makes of a type of the models.
        Some(ColumnType::Decimal) => return Type::Other(with_limits("numeric", &limits)),
        _ => {}
    }
    Type::Other(with_limits(word, &limits))
}

fn is_varying(name: &str) -> bool {
    let words = split(name).filter(|(_, limits)| limits.is_empty());
    words.is_some_and(|(words, _)| matches!(words.as_str(), "varchar" | "character varying"))
}

/// A type of the models that has limits, so that its values are stored as those of the type without.
fn written(described: &Described) -> String {
    let word = match described.base {
        ColumnType::Text if described.is_padded && !described.limits.is_empty() => "CHAR",
        ColumnType::Text if !described.limits.is_empty() => "VARCHAR",
        base => standard(base),
    };
    with_limits(word, &described.limits)
}

/// The collation that every column of a type has.
pub(crate) fn collation(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::Enum(_) | Type::Array(_) => None,
        // The engine's: the order of the numbers, not of their digits.
        ty if cfg!(feature = "decimal") && type_name(ty).starts_with(standard(ColumnType::Decimal)) => Some("decimal"),
        ty => Described::of(ty).filter(|described| described.is_caseless).map(|_| "NOCASE"),
    }
}

fn with_limits(word: &str, limits: &[u32]) -> String {
    if limits.is_empty() {
        return word.to_owned();
    }
    let limits: Vec<_> = limits.iter().map(u32::to_string).collect();
    format!("{word}({})", limits.join(", "))
}

fn standard(ty: ColumnType) -> &'static str {
    TYPES.iter().find(|(known, _)| *known == ty).map(|(_, name)| *name).expect("every standard type has a name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_types_are_read_in_any_letters_and_spaces() {
        for (name, ty) in [
            ("integer", Type::Standard(ColumnType::Integer)),
            ("Int", Type::Standard(ColumnType::Integer)),
            ("double  precision", Type::Standard(ColumnType::Double)),
            ("datetime", Type::Standard(ColumnType::DateTime)),
            ("Decimal_Text", Type::Standard(ColumnType::Decimal)),
            ("decimal_text(10,2)", Type::Other("numeric(10, 2)".to_owned())),
            ("character varying ( 20 )", Type::Other("VARCHAR(20)".to_owned())),
            ("varchar(20)", Type::Other("VARCHAR(20)".to_owned())),
            ("numeric(10,2)", Type::Other("NUMERIC(10, 2)".to_owned())),
            ("odd (x)", Type::Other("odd (x)".to_owned())),
        ] {
            assert_eq!(type_from(name), ty, "{name}");
        }
    }

    #[test]
    fn types_with_limits_are_stored_as_those_without() {
        for (name, declared) in [
            ("varchar(20)", "VARCHAR(20)"),
            ("character(3)", "CHAR(3)"),
            ("numeric(10,2)", "DECIMAL_TEXT(10, 2)"),
            ("timestamptz(3)", "TIMESTAMP(3)"),
            ("timestamp(3)", "DATETIME(3)"),
            ("int8", "BIGINT"),
            ("citext", "TEXT"),
            ("varchar", "VARCHAR"),
            ("inet", "inet"),
            ("NUMERIC(10, 2)", "NUMERIC(10, 2)"),
        ] {
            assert_eq!(type_name(&Type::Other(name.to_owned())), declared);
        }
    }
}
