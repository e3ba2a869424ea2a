//! What a change of type does to a column's values, where it matters which of them are lost ("Numeric Types", "Date/Time
//! Types"), and whether PostgreSQL writes every row anew ("ALTER TABLE", notes). How values are converted is in `types.rs`.

use crocus_orm::ColumnType;

use crate::schema::Type;
use crate::types::Described;

/// What a change of type does to values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing changes.
    Same,
    /// Every value has one of the new type.
    Widens,
    /// A value that does not fit stops it.
    Narrows,
    /// A value is rounded, or loses its time of day, silently.
    Loses,
    /// A value is read anew, which may fail, or depends on the session.
    Casts,
}

/// A change of type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Conversion {
    pub(crate) effect: Effect,
    /// Whether every row is written anew.
    pub(crate) rewrites: bool,
}

/// A type as far as conversions tell types apart.
#[derive(Debug, Clone, PartialEq)]
enum Kind {
    /// Of so many bytes.
    Integer(u32),
    Real,
    Double,
    /// Precision and scale.
    Numeric(Option<(u32, u32)>),
    /// The largest length.
    Text(Option<u32>),
    /// The length.
    Char(u32),
    Boolean,
    Date,
    /// Digits of the second.
    Time(u32),
    DateTime(u32),
    Timestamp(u32),
    Enum(String),
    Array(Box<Kind>),
    /// Another, by its name.
    Other(String),
}

pub(crate) fn conversion(from: &Type, to: &Type) -> Conversion {
    convert(&kind(from), &kind(to))
}

fn convert(from: &Kind, to: &Kind) -> Conversion {
    use Effect::{Casts, Loses, Narrows, Same, Widens};
    use Kind::{Array, Boolean, Char, Date, DateTime, Double, Enum, Integer, Numeric, Real, Text, Time, Timestamp};

    let or_narrows = |fits| if fits { Widens } else { Narrows };
    let or_loses = |fits| if fits { Widens } else { Loses };
    let in_place = |effect| Conversion { effect, rewrites: effect != Widens };
    let effect = match (from, to) {
        _ if from == to => return Conversion { effect: Same, rewrites: false },
        (Array(from), Array(to)) => return Conversion { rewrites: true, ..convert(from, to) },
        (Integer(from), Integer(to)) => or_narrows(from < to),
        (Integer(_), Numeric(None)) => Widens,
        (Integer(bytes), Numeric(Some((precision, scale)))) => {
            or_narrows(precision.saturating_sub(*scale) >= digits(*bytes))
        }
        (Integer(bytes), Double) => or_loses(*bytes < 8),
        (Integer(bytes), Real) => or_loses(*bytes < 4),
        (Real, Double) => Widens,
        (Numeric(_) | Double | Real, Integer(_) | Double | Real | Numeric(None)) => match (from, to) {
            (Numeric(Some(_)), Numeric(None)) => return in_place(Widens),
            _ => Loses,
        },
        (Double | Real | Numeric(None), Numeric(Some(_))) => Loses,
        (Numeric(Some((precision, scale))), Numeric(Some((new_precision, new_scale)))) => {
            let fits = new_precision.saturating_sub(*new_scale) >= precision.saturating_sub(*scale);
            match new_scale.cmp(scale) {
                std::cmp::Ordering::Less => Loses,
                std::cmp::Ordering::Equal if fits => return in_place(Widens),
                _ => or_narrows(fits),
            }
        }
        (Text(from), Text(to)) => return in_place(or_narrows(fits_into(*from, *to))),
        (Char(from), Text(to)) => or_narrows(fits_into(Some(*from), *to)),
        (Char(from), Char(to)) => or_narrows(from <= to),
        (Text(from), Char(to)) => or_narrows(fits_into(*from, Some(*to))),
        (Enum(_), Text(Some(_))) => Narrows,
        // Every type can be written.
        (_, Text(None)) => Widens,
        (Boolean, Integer(4)) => Widens,
        (Integer(4), Boolean) => Loses,
        (Date, DateTime(_) | Timestamp(_)) => Widens,
        (DateTime(_) | Timestamp(_), Date | Time(_)) => Loses,
        (Time(from), Time(to)) | (DateTime(from), DateTime(to)) | (Timestamp(from), Timestamp(to)) => {
            return in_place(or_loses(from <= to));
        }
        _ => Casts,
    };
    Conversion { effect, rewrites: true }
}

fn fits_into(from: Option<u32>, to: Option<u32>) -> bool {
    to.is_none_or(|to| from.is_some_and(|from| from <= to))
}

/// The most digits that an integer of so many bytes has.
fn digits(bytes: u32) -> u32 {
    match bytes {
        2 => 5,
        4 => 10,
        _ => 19,
    }
}

fn kind(ty: &Type) -> Kind {
    match (ty, Described::of(ty)) {
        (_, Some(described)) => described.into(),
        (Type::Enum(values), _) => Kind::Enum(values.name.clone()),
        (Type::Array(of), _) => Kind::Array(Box::new(kind(of))),
        (other, _) => Kind::Other(other.to_string().trim().to_lowercase()),
    }
}

impl From<Described> for Kind {
    fn from(Described { base, limits, is_padded, is_caseless, is_single }: Described) -> Kind {
        let first = limits.first().copied();
        match base {
            ColumnType::SmallInteger => Kind::Integer(2),
            ColumnType::Integer => Kind::Integer(4),
            ColumnType::BigInteger => Kind::Integer(8),
            ColumnType::Double if is_single => Kind::Real,
            ColumnType::Double => Kind::Double,
            ColumnType::Boolean => Kind::Boolean,
            ColumnType::Text if is_caseless => Kind::Other("citext".to_owned()),
            ColumnType::Text if is_padded => Kind::Char(first.unwrap_or(1)),
            ColumnType::Text => Kind::Text(first),
            ColumnType::Date => Kind::Date,
            ColumnType::Time => Kind::Time(first.unwrap_or(6)),
            ColumnType::DateTime => Kind::DateTime(first.unwrap_or(6)),
            ColumnType::Timestamp => Kind::Timestamp(first.unwrap_or(6)),
            ColumnType::Decimal => Kind::Numeric(first.zip(limits.get(1).copied())),
            other => Kind::Other(format!("{other:?}").to_lowercase()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(from: &str, to: &str) -> (Effect, bool) {
        let found = conversion(&Type::Other(from.to_owned()), &Type::Other(to.to_owned()));
        (found.effect, found.rewrites)
    }

    #[test]
    fn every_kind_of_change_is_told_apart() {
        use Effect::{Casts, Loses, Narrows, Same, Widens};
        for (from, to, effect, rewrites) in [
            ("varchar(20)", "character varying (20)", Same, false),
            ("INT", "integer", Same, false),
            ("integer", "bigint", Widens, true),
            ("bigint", "integer", Narrows, true),
            ("integer", "numeric", Widens, true),
            ("integer", "numeric(12, 2)", Widens, true),
            ("integer", "numeric(9,2)", Narrows, true),
            ("bigint", "double precision", Loses, true),
            ("integer", "double precision", Widens, true),
            ("double precision", "integer", Loses, true),
            ("numeric(10,2)", "numeric(12,2)", Widens, false),
            ("numeric(10,2)", "numeric", Widens, false),
            ("numeric(10,2)", "numeric(12,3)", Widens, true),
            ("numeric(10,2)", "numeric(10,3)", Narrows, true),
            ("numeric(10,2)", "numeric(12,1)", Loses, true),
            ("numeric", "numeric(10,2)", Loses, true),
            ("varchar(20)", "varchar(40)", Widens, false),
            ("varchar(20)", "text", Widens, false),
            ("text", "varchar(20)", Narrows, true),
            ("varchar(40)", "varchar(20)", Narrows, true),
            ("char(3)", "text", Widens, true),
            ("uuid", "text", Widens, true),
            ("text", "integer", Casts, true),
            ("text", "jsonb", Casts, true),
            ("date", "timestamp with time zone", Widens, true),
            ("timestamptz", "date", Loses, true),
            ("timestamp(3)", "timestamp", Widens, false),
            ("timestamp", "timestamp(3)", Loses, true),
            ("timestamp", "timestamptz", Casts, true),
            ("boolean", "integer", Widens, true),
            ("geometry", "geography", Casts, true),
        ] {
            assert_eq!(change(from, to), (effect, rewrites), "{from} to {to}");
        }
        let array = |ty| Type::Array(Box::new(Type::Standard(ty)));
        let found = conversion(&array(ColumnType::Integer), &array(ColumnType::BigInteger));
        assert_eq!(found, Conversion { effect: Widens, rewrites: true });
    }
}
