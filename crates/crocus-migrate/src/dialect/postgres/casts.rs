//! Conversions of a column's values as PostgreSQL's SQL.

use super::types::type_name;
use crate::schema::Type;
use crate::types::Conversion;

/// The SQL expression of a column's new values; `None` where PostgreSQL stores the old ones as they are, or refuses those
/// that do not fit. An explicit cast would cut a text to its new length without a word.
///
/// `column` is quoted.
pub(crate) fn expression(column: &str, old: &Type, new: &Type) -> Option<String> {
    let ty = type_name(new);
    let utc = format!("{column} AT TIME ZONE 'UTC'");
    Some(match Conversion::between(old, new) {
        Conversion::Assignment | Conversion::TruthText | Conversion::Midnight | Conversion::Day | Conversion::Clock => {
            return None;
        }
        Conversion::Cast | Conversion::TextTruth | Conversion::FromJson => format!("{column}::{ty}"),
        Conversion::ByText => {
            let array = if matches!(new, Type::Array(_)) { "[]" } else { "" };
            format!("{column}::text{array}::{ty}")
        }
        Conversion::Truth => format!("{column} <> 0"),
        Conversion::Number => format!("{column}::integer"),
        Conversion::Encode => format!("convert_to({column}, 'UTF8')"),
        Conversion::Decode => format!("convert_from({column}, 'UTF8')"),
        Conversion::Utc => utc,
        Conversion::UtcMidnight => format!("{column}::timestamp AT TIME ZONE 'UTC'"),
        Conversion::UtcDay => format!("({utc})::date"),
        Conversion::UtcClock => format!("({utc})::time"),
        Conversion::UtcText => format!("to_char({utc}, 'YYYY-MM-DD HH24:MI:SS.US\"Z\"')"),
        Conversion::List => format!("CASE WHEN {column} IS NOT NULL THEN ARRAY[{column}]::{ty} END"),
        Conversion::TruthJson | Conversion::Json => format!("to_jsonb({column})"),
        // What is refused then says so.
        Conversion::Unknown => format!("{column}::{ty}"),
    })
}
