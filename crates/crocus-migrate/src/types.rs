//! How one type becomes another: what a database's own type is made of, what a change does to values, and how they
//! are converted. `casts.rs` of each dialect writes a conversion in SQL.

mod effect;

use std::fmt;

use crocus_orm::ColumnType;

use crate::operations::function_name;
use crate::schema::Type;

pub(crate) use effect::{Effect, rewrites};

/// What a change of type does to values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeChange {
    /// Every value stays as it is.
    Widens,
    /// The values that fit stay as they are.
    Narrows,
    /// Values become others.
    Casts,
}

impl TypeChange {
    /// From one type to another; `None` where they are the same.
    pub fn between(old: &Type, new: &Type) -> Option<TypeChange> {
        if old == new {
            return None;
        }
        let (old, new) = match (old, new) {
            (Type::Array(old), Type::Array(new)) => return TypeChange::between(old, new),
            (Type::Enum(old), Type::Enum(new)) if old.values.iter().all(|value| new.values.contains(value)) => {
                return Some(TypeChange::Widens);
            }
            (Type::Enum(old), Type::Enum(new)) if new.values.iter().all(|value| old.values.contains(value)) => {
                return Some(TypeChange::Narrows);
            }
            (Type::Enum(_), new) if Described::of(new).is_some_and(|new| new == ColumnType::Text.into()) => {
                return Some(TypeChange::Widens);
            }
            (old, Type::Enum(_)) if Described::of(old).is_some_and(|old| old.base == ColumnType::Text) => {
                return Some(TypeChange::Narrows);
            }
            (old, new) => (Described::of(old), Described::of(new)),
        };
        let (Some(old), Some(new)) = (old, new) else { return Some(TypeChange::Casts) };
        match (old.holds(&new), new.holds(&old)) {
            // Other words for the same.
            (true, true) => None,
            (false, true) => Some(TypeChange::Widens),
            // Others are rounded or cut.
            (true, false) if old.stops_at(&new) => Some(TypeChange::Narrows),
            (true, false) | (false, false) => Some(TypeChange::Casts),
        }
    }
}

impl fmt::Display for TypeChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TypeChange::Widens => "widens",
            TypeChange::Narrows => "narrows: values that do not fit stop it",
            TypeChange::Casts => "casts",
        })
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Standard(ty) => f.write_str(function_name(*ty)),
            Type::Enum(values) => write!(f, "enum {}", values.name),
            Type::Array(of) => write!(f, "array of {of}"),
            Type::Other(name) => f.write_str(name),
        }
    }
}

/// How values of one type become those of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conversion {
    /// They are what they were, or the database does it when it stores them.
    Assignment,
    /// By the database's cast.
    Cast,
    /// From one enum to another, or a list of them: by the text of the value.
    ByText,
    /// A number is true where it is not 0.
    Truth,
    /// `true` is 1.
    Number,
    /// `true` is the text `true`.
    TruthText,
    /// The text `true` is true.
    TextTruth,
    /// The bytes of a text, in UTF-8.
    Encode,
    /// The text of bytes, in UTF-8.
    Decode,
    /// An instant is a date and a time of day in UTC, and the other way round.
    Utc,
    /// The beginning of a day.
    Midnight,
    /// The beginning of a day in UTC.
    UtcMidnight,
    /// The date of a date and time.
    Day,
    /// The date of an instant, in UTC.
    UtcDay,
    /// The time of day of a date and time.
    Clock,
    /// The time of day of an instant, in UTC.
    UtcClock,
    /// An instant as text, in UTC.
    UtcText,
    /// A list of the one value.
    List,
    /// A JSON value of a truth value.
    TruthJson,
    /// A JSON value of another.
    Json,
    /// What a JSON value holds.
    FromJson,
    /// Nothing that could be known: a person has to write it.
    Unknown,
}

impl Conversion {
    pub(crate) fn between(old: &Type, new: &Type) -> Conversion {
        match (old, new) {
            _ if old == new => Conversion::Assignment,
            (Type::Array(old), Type::Array(new)) => match Conversion::between(old, new) {
                Conversion::Assignment | Conversion::Cast => Conversion::Cast,
                Conversion::ByText => Conversion::ByText,
                _ => Conversion::Unknown,
            },
            (old, Type::Array(of)) if Conversion::between(old, of) == Conversion::Assignment => Conversion::List,
            (Type::Array(_), Type::Standard(ColumnType::Json)) => Conversion::Json,
            (Type::Array(_), _) | (_, Type::Array(_)) => Conversion::Unknown,
            (Type::Enum(_), Type::Enum(_)) => Conversion::ByText,
            (Type::Enum(_), new) => match Described::of(new) {
                Some(new) if new.base == ColumnType::Text => Conversion::Assignment,
                Some(_) => Conversion::Unknown,
                None => Conversion::Cast,
            },
            (old, Type::Enum(_)) => match Described::of(old) {
                Some(old) if old.base != ColumnType::Text => Conversion::Unknown,
                _ => Conversion::Cast,
            },
            (old, new) => match (Described::of(old), Described::of(new)) {
                (Some(old), Some(new)) => Conversion::of(old.base, new.base),
                _ => Conversion::Cast,
            },
        }
    }

    fn of(old: ColumnType, new: ColumnType) -> Conversion {
        use ColumnType::{
            BigInteger, Binary, Boolean, Date, DateTime, Decimal, Double, Integer, Json, SmallInteger, Text, Time,
            Timestamp,
        };

        let is_number = |ty| matches!(ty, SmallInteger | Integer | BigInteger | Double | Decimal);
        match (old, new) {
            (old, new) if old == new || (is_number(old) && is_number(new)) => Conversion::Assignment,
            (old, Boolean) if is_number(old) => Conversion::Truth,
            (Boolean, new) if is_number(new) => Conversion::Number,
            (Boolean, Text) => Conversion::TruthText,
            (Text, Boolean) => Conversion::TextTruth,
            (Binary, Text) => Conversion::Decode,
            (Text, Binary) => Conversion::Encode,
            (Timestamp, Text) => Conversion::UtcText,
            (_, Text) => Conversion::Assignment,
            (Text, _) => Conversion::Cast,
            (DateTime, Timestamp) | (Timestamp, DateTime) => Conversion::Utc,
            (Date, DateTime) => Conversion::Midnight,
            (Date, Timestamp) => Conversion::UtcMidnight,
            (DateTime, Date) => Conversion::Day,
            (Timestamp, Date) => Conversion::UtcDay,
            (DateTime, Time) => Conversion::Clock,
            (Timestamp, Time) => Conversion::UtcClock,
            (Boolean, Json) => Conversion::TruthJson,
            (Binary, Json) => Conversion::Unknown,
            (_, Json) => Conversion::Json,
            (Json, new) if is_number(new) || new == Boolean => Conversion::FromJson,
            _ => Conversion::Unknown,
        }
    }
}

/// A type that is a standard one with limits, in whichever words a database writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Described {
    /// The standard type that has the same values, and more.
    pub(crate) base: ColumnType,
    /// What is in parentheses: a length; digits and those behind the point; digits of a second.
    pub(crate) limits: Vec<u32>,
    /// Whether shorter texts are filled with spaces.
    pub(crate) is_padded: bool,
    /// Whether upper and lower case are the same.
    pub(crate) is_caseless: bool,
    /// Whether a number has 4 bytes where the standard type has 8.
    pub(crate) is_single: bool,
}

impl From<ColumnType> for Described {
    fn from(base: ColumnType) -> Described {
        Described { base, limits: Vec::new(), is_padded: false, is_caseless: false, is_single: false }
    }
}

/// The words for types, in lower case without limits. Each means the type beside it.
const WORDS: [(&str, ColumnType); 41] = [
    ("smallint", ColumnType::SmallInteger),
    ("int2", ColumnType::SmallInteger),
    ("integer", ColumnType::Integer),
    ("int", ColumnType::Integer),
    ("int4", ColumnType::Integer),
    ("mediumint", ColumnType::Integer),
    ("bigint", ColumnType::BigInteger),
    ("int8", ColumnType::BigInteger),
    ("double precision", ColumnType::Double),
    ("double", ColumnType::Double),
    ("float8", ColumnType::Double),
    ("float", ColumnType::Double),
    ("real", ColumnType::Double),
    ("float4", ColumnType::Double),
    ("boolean", ColumnType::Boolean),
    ("bool", ColumnType::Boolean),
    ("text", ColumnType::Text),
    ("character varying", ColumnType::Text),
    ("varchar", ColumnType::Text),
    ("character", ColumnType::Text),
    ("char", ColumnType::Text),
    ("bpchar", ColumnType::Text),
    ("citext", ColumnType::Text),
    ("bytea", ColumnType::Binary),
    ("blob", ColumnType::Binary),
    ("date", ColumnType::Date),
    ("time", ColumnType::Time),
    ("time without time zone", ColumnType::Time),
    ("timestamp without time zone", ColumnType::DateTime),
    ("datetime", ColumnType::DateTime),
    ("timestamp with time zone", ColumnType::Timestamp),
    ("timestamptz", ColumnType::Timestamp),
    ("timestamp", ColumnType::DateTime),
    ("uuid", ColumnType::Uuid),
    ("uuid_text", ColumnType::Uuid),
    ("numeric", ColumnType::Decimal),
    ("decimal", ColumnType::Decimal),
    ("dec", ColumnType::Decimal),
    ("decimal_text", ColumnType::Decimal),
    ("jsonb", ColumnType::Json),
    ("json_text", ColumnType::Json),
];

impl Described {
    pub(crate) fn of(ty: &Type) -> Option<Described> {
        match ty {
            Type::Standard(ty) => Some((*ty).into()),
            Type::Other(name) => Described::named(name),
            Type::Enum(_) | Type::Array(_) => None,
        }
    }

    /// The type that a database's words mean.
    pub(crate) fn named(name: &str) -> Option<Described> {
        let (word, limits) = split(name)?;
        let (_, base) = WORDS.iter().find(|(known, _)| *known == word)?;
        // SQLite's own type, in capitals, holds instants.
        let is_instant = word == "timestamp" && !name.contains(char::is_lowercase);
        let base = if is_instant { &ColumnType::Timestamp } else { base };
        let is_padded = matches!(word.as_str(), "character" | "char" | "bpchar");
        let mut found = Described {
            limits,
            is_padded,
            is_caseless: word == "citext",
            is_single: matches!(word.as_str(), "real" | "float4"),
            ..(*base).into()
        };
        match (found.base, found.limits.as_slice()) {
            (ColumnType::Text, []) if is_padded && word != "bpchar" => found.limits = vec![1],
            (ColumnType::Decimal, [_]) => found.limits.push(0),
            (ColumnType::Double, [digits]) => {
                found.is_single = *digits <= 24;
                found.limits.clear();
            }
            _ => {}
        }
        Some(found)
    }

    /// Whether a value that a narrower type does not hold is refused.
    fn stops_at(&self, narrower: &Described) -> bool {
        let is_integer = |ty| matches!(ty, ColumnType::SmallInteger | ColumnType::Integer | ColumnType::BigInteger);
        match (self.base, narrower.base) {
            (ColumnType::Text, ColumnType::Text) => true,
            (ColumnType::Decimal, ColumnType::Decimal) => match (self.limits.get(1), narrower.limits.get(1)) {
                (Some(behind), Some(narrower)) => narrower >= behind,
                _ => false,
            },
            (old, new) => is_integer(old) && is_integer(new),
        }
    }

    /// Whether every value of the other type is one of this.
    fn holds(&self, other: &Described) -> bool {
        use ColumnType::{BigInteger, Date, DateTime, Decimal, Double, Integer, SmallInteger, Text, Timestamp};

        let digits = |ty: ColumnType| match ty {
            SmallInteger => Some(5),
            Integer => Some(10),
            BigInteger => Some(19),
            _ => None,
        };
        match (self.base, other.base) {
            (Text, Text) => {
                let fits = match (self.limits.first(), other.limits.first()) {
                    (None, _) => true,
                    (Some(_), None) => false,
                    (Some(most), Some(length)) => length <= most,
                };
                fits && self.is_caseless == other.is_caseless
                    && (!self.is_padded || (other.is_padded && self.limits == other.limits))
            }
            (Decimal, Decimal) => match (self.limits.as_slice(), other.limits.as_slice()) {
                ([], _) => true,
                ([digits, behind], [other_digits, other_behind]) => {
                    behind >= other_behind
                        && digits.saturating_sub(*behind) >= other_digits.saturating_sub(*other_behind)
                }
                _ => false,
            },
            (Decimal, other) if digits(other).is_some() => match self.limits.as_slice() {
                [most, behind] => digits(other).is_some_and(|digits| most.saturating_sub(*behind) >= digits),
                _ => true,
            },
            (BigInteger, BigInteger | Integer | SmallInteger)
            | (Integer, Integer | SmallInteger)
            | (SmallInteger, SmallInteger) => true,
            (Double, Double) => !self.is_single || other.is_single,
            (Double, SmallInteger) => true,
            (Double, Integer) => !self.is_single,
            (DateTime | Timestamp, Date) => true,
            (one, other_base) if one == other_base => match (self.limits.first(), other.limits.first()) {
                (None, _) => true,
                (Some(most), digits) => digits.copied().unwrap_or(6) <= *most,
            },
            _ => false,
        }
    }
}

/// Words and limits: `Numeric ( 10, 2 )`, `timestamp(3) with time zone`.
pub(crate) fn split(name: &str) -> Option<(String, Vec<u32>)> {
    let (before, limits, after) = match name.split_once('(') {
        None => (name, "", ""),
        Some((before, rest)) => {
            let (limits, after) = rest.split_once(')')?;
            (before, limits, after)
        }
    };
    let words: Vec<_> = before.split_whitespace().chain(after.split_whitespace()).map(str::to_lowercase).collect();
    let numbers: Option<Vec<u32>> =
        limits.split(',').map(str::trim).filter(|limit| !limit.is_empty()).map(|limit| limit.parse().ok()).collect();
    Some((words.join(" "), numbers?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(old: &str, new: &str) -> Option<TypeChange> {
        let ty = |name: &str| Type::Other(name.to_owned());
        TypeChange::between(&ty(old), &ty(new))
    }

    #[test]
    fn words_for_the_same_are_the_same() {
        for (one, other) in [
            ("varchar(20)", "CHARACTER  VARYING ( 20 )"),
            ("int4", "integer"),
            ("timestamptz", "timestamp with time zone"),
            ("timestamptz(3)", "timestamp(3) with time zone"),
            ("decimal(10,2)", "numeric(10, 2)"),
            ("numeric(10)", "numeric(10,0)"),
            ("char", "character(1)"),
            ("float(53)", "double precision"),
            ("float(1)", "real"),
            ("bool", "BOOLEAN"),
        ] {
            assert_eq!(change(one, other), None, "{one} and {other}");
        }
    }

    #[test]
    fn widening_and_narrowing_are_told_apart() {
        for (narrow, wide) in [
            ("smallint", "integer"),
            ("integer", "bigint"),
            ("varchar(20)", "varchar(21)"),
            ("varchar(20)", "text"),
            ("char(3)", "varchar(3)"),
            ("numeric(10,2)", "numeric(12,2)"),
        ] {
            assert_eq!(change(narrow, wide), Some(TypeChange::Widens), "{narrow} to {wide}");
            assert_eq!(change(wide, narrow), Some(TypeChange::Narrows), "{wide} to {narrow}");
        }
        // Going back, nothing is refused: digits are lost.
        for (narrow, wide) in [
            ("bigint", "numeric"),
            ("bigint", "numeric(19)"),
            ("integer", "double precision"),
            ("smallint", "real"),
            ("real", "double precision"),
            ("numeric(10,2)", "numeric(12,4)"),
            ("numeric(10,2)", "numeric"),
            ("timestamp(3) with time zone", "timestamptz"),
            ("date", "timestamp without time zone"),
        ] {
            assert_eq!(change(narrow, wide), Some(TypeChange::Widens), "{narrow} to {wide}");
            assert_eq!(change(wide, narrow), Some(TypeChange::Casts), "{wide} to {narrow}");
        }
    }

    #[test]
    fn what_does_neither_is_a_cast() {
        for (one, other) in [
            ("text", "integer"),
            ("bigint", "double precision"),
            ("numeric(10,2)", "numeric(10,4)"),
            ("numeric(10,2)", "integer"),
            ("text", "citext"),
            ("char(3)", "char(4)"),
            ("timestamp without time zone", "timestamptz"),
            ("inet", "text"),
        ] {
            assert_eq!(change(one, other), Some(TypeChange::Casts), "{one} to {other}");
            assert_eq!(change(other, one), Some(TypeChange::Casts), "{other} to {one}");
        }
    }
}
