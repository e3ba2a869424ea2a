//! Conversions of a column's values as SQLite's SQL, and which values a column cannot have: SQLite itself stores
//! anything anywhere.

use crocus_orm::ColumnType;

use crate::schema::Type;
use crate::types::{Conversion, Described};

/// The SQL expression of a column's new values; `None` where they are stored as they are, converted by the column's
/// affinity ("Datatypes", 3).
///
/// `column` is quoted.
pub(crate) fn expression(column: &str, old: &Type, new: &Type) -> Option<String> {
    // A list is JSON already.
    let is_list = matches!((old, new), (Type::Standard(ColumnType::Json), Type::Array(_)));
    Some(match Conversion::between(old, new) {
        _ if is_list => return None,
        Conversion::Assignment | Conversion::Cast | Conversion::ByText | Conversion::Number | Conversion::Unknown => {
            return None;
        }
        Conversion::Truth => format!("{column} <> 0"),
        Conversion::TruthText => format!("CASE {column} WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE {column} END"),
        // PostgreSQL's words.
        Conversion::TextTruth => format!(
            "CASE WHEN lower(trim({column})) IN ('true', 't', 'yes', 'y', 'on', '1') THEN 1 \
             WHEN lower(trim({column})) IN ('false', 'f', 'no', 'n', 'off', '0') THEN 0 ELSE {column} END"
        ),
        Conversion::Encode => format!("CAST({column} AS BLOB)"),
        Conversion::Decode => format!("CAST({column} AS TEXT)"),
        Conversion::Utc if *new == Type::Standard(ColumnType::Timestamp) => format!("{column} || 'Z'"),
        Conversion::Utc => format!("rtrim({column}, 'Z')"),
        Conversion::Midnight => format!("{column} || ' 00:00:00.000000'"),
        Conversion::UtcMidnight => format!("{column} || ' 00:00:00.000000Z'"),
        Conversion::Day | Conversion::UtcDay => format!("substr({column}, 1, 10)"),
        Conversion::Clock | Conversion::UtcClock => format!("rtrim(substr({column}, 12), 'Z')"),
        Conversion::UtcText => return None,
        Conversion::List => format!("CASE WHEN {column} IS NOT NULL THEN json_array({column}) END"),
        Conversion::TruthJson => format!("CASE {column} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"),
        Conversion::Json => format!("CASE WHEN {column} IS NOT NULL THEN json_quote({column}) END"),
        Conversion::FromJson => format!("{column} ->> '$'"),
    })
}

/// The SQL condition of values that a column of a type cannot have; `None` where nothing is known of them.
///
/// `column` is quoted.
pub(crate) fn misfits(column: &str, ty: &Type) -> Option<String> {
    let between =
        |least: i64, most: i64| format!("(typeof({column}) <> 'integer' OR {column} NOT BETWEEN {least} AND {most})");
    if let Type::Array(_) = ty {
        return Some(format!("NOT json_valid({column})"));
    }
    let described = Described::of(ty)?;
    Some(match described.base {
        ColumnType::SmallInteger => between(i16::MIN.into(), i16::MAX.into()),
        ColumnType::Integer => between(i32::MIN.into(), i32::MAX.into()),
        ColumnType::BigInteger => format!("typeof({column}) <> 'integer'"),
        ColumnType::Double => format!("typeof({column}) NOT IN ('real', 'integer')"),
        ColumnType::Boolean => format!("{column} NOT IN (0, 1)"),
        ColumnType::Text => match described.limits.first() {
            Some(most) => format!("(typeof({column}) <> 'text' OR length({column}) > {most})"),
            None => format!("typeof({column}) <> 'text'"),
        },
        ColumnType::Binary => format!("typeof({column}) <> 'blob'"),
        ColumnType::Json => format!("NOT json_valid({column})"),
        ColumnType::Date | ColumnType::DateTime | ColumnType::Timestamp => {
            format!("(typeof({column}) <> 'text' OR datetime({column}) IS NULL)")
        }
        ColumnType::Time => format!("(typeof({column}) <> 'text' OR time({column}) IS NULL)"),
        ColumnType::Decimal => {
            let (digits, behind) = (described.limits.first()?, described.limits.get(1)?);
            format!("abs(CAST({column} AS REAL)) >= 1e{}", digits.saturating_sub(*behind))
        }
        _ => return None,
    })
}
