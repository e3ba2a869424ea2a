//! What a change of type does beside what [`TypeChange`] says of it: which values are lost without a word ("Numeric
//! Types", "Date/Time Types"), and whether PostgreSQL writes every row anew ("ALTER TABLE", notes).

use crocus_orm::ColumnType;

use super::{Described, TypeChange};
use crate::schema::Type;

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

impl Effect {
    /// From one type to another.
    pub(crate) fn between(from: &Type, to: &Type) -> Effect {
        match TypeChange::between(from, to) {
            None => Effect::Same,
            Some(TypeChange::Widens) => Effect::Widens,
            Some(TypeChange::Narrows) => Effect::Narrows,
            Some(TypeChange::Casts) => Effect::of_cast(from, to),
        }
    }

    /// Of a change that makes other values of those that there are.
    fn of_cast(from: &Type, to: &Type) -> Effect {
        use ColumnType::{
            BigInteger, Boolean, Date, DateTime, Decimal, Double, Integer, SmallInteger, Text, Time, Timestamp,
        };

        if let (Type::Array(from), Type::Array(to)) = (from, to) {
            return Effect::between(from, to);
        }
        let or_narrows = |fits| if fits { Effect::Widens } else { Effect::Narrows };
        let (old, new) = match (Described::of(from), Described::of(to)) {
            // Every type can be written.
            (_, Some(new)) if new == Text.into() => return Effect::Widens,
            (Some(old), Some(new)) => (old, new),
            (None, Some(new)) if matches!(from, Type::Enum(_)) && new.base == Text => return Effect::Narrows,
            _ => return Effect::Casts,
        };
        match (old.base, new.base) {
            (Text, Text) if old.is_caseless || new.is_caseless => Effect::Casts,
            (Text, Text) => or_narrows(match (old.limits.first(), new.limits.first()) {
                (_, None) => true,
                (length, Some(most)) => length.is_some_and(|length| length <= most),
            }),
            (Boolean, Integer) => Effect::Widens,
            (Integer, Boolean) => Effect::Loses,
            (SmallInteger | Integer | BigInteger, Decimal) => Effect::Narrows,
            (SmallInteger | Integer | BigInteger, Double) => Effect::Loses,
            (Decimal, Decimal) => match (old.limits.get(1), new.limits.get(1)) {
                (Some(behind), Some(new)) if new > behind => Effect::Narrows,
                _ => Effect::Loses,
            },
            (Decimal | Double, SmallInteger | Integer | BigInteger | Double | Decimal) => Effect::Loses,
            (DateTime | Timestamp, Date | Time) => Effect::Loses,
            (Time, Time) | (DateTime, DateTime) | (Timestamp, Timestamp) => Effect::Loses,
            _ => Effect::Casts,
        }
    }
}

/// Whether PostgreSQL writes every row anew for a change of type.
pub(crate) fn rewrites(from: &Type, to: &Type) -> bool {
    // Altering the enum's type is a step of its own.
    if from.as_enum().zip(to.as_enum()).is_some_and(|(old, new)| old.name == new.name) {
        return false;
    }
    match (TypeChange::between(from, to), Described::of(from), Described::of(to)) {
        (None, ..) => false,
        (Some(TypeChange::Widens), Some(old), Some(new)) if old.base == new.base => match old.base {
            ColumnType::Text => old.is_padded || new.is_padded,
            // With other digits behind the point a number is stored otherwise.
            ColumnType::Decimal => new.limits.get(1).is_some_and(|behind| old.limits.get(1) != Some(behind)),
            ColumnType::Time | ColumnType::DateTime | ColumnType::Timestamp => false,
            _ => true,
        },
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(from: &str, to: &str) -> (Effect, bool) {
        let (from, to) = (Type::Other(from.to_owned()), Type::Other(to.to_owned()));
        (Effect::between(&from, &to), rewrites(&from, &to))
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
        let (from, to) = (array(ColumnType::Integer), array(ColumnType::BigInteger));
        assert_eq!((Effect::between(&from, &to), rewrites(&from, &to)), (Widens, true));
    }
}
