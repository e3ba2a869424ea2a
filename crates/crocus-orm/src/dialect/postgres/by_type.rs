//! Values as JSON text inside of a query, in the form that they have outside of one. No setting of the session changes
//! it: neither `TimeZone` nor `DateStyle` nor `bytea_output`.

use sea_query::SimpleExpr;

use super::expressions::{typed, written};
use crate::table::ColumnType;

/// A value of a type as JSON text; NULL for NULL.
pub(crate) fn json(node: &SimpleExpr, ty: ColumnType) -> SimpleExpr {
    match ty {
        ColumnType::SmallInteger
        | ColumnType::Integer
        | ColumnType::BigInteger
        | ColumnType::Boolean
        | ColumnType::Json => typed(node.clone(), ColumnType::Text),
        ColumnType::Double => double(node),
        // Also the spaces that fill `char(n)` go with the cast ("Character Types").
        ColumnType::Text | ColumnType::Enum(_) => around("CAST(TO_JSON(CAST(", node, " AS text)) AS text)"),
        ColumnType::Binary => around("('\"' || ENCODE(", node, ", 'hex') || '\"')"),
        ColumnType::Time | ColumnType::Uuid | ColumnType::Decimal => {
            around("('\"' || CAST(", node, " AS text) || '\"')")
        }
        ColumnType::Date | ColumnType::DateTime => around("('\"' || ", &moment(node), " || '\"')"),
        ColumnType::Timestamp => written(|sql| {
            let utc = around("(", node, " AT TIME ZONE 'UTC')");
            sql.text("('\"' || ").expr(moment(&utc)).text(" || CASE WHEN ISFINITE(").expr(node.clone());
            sql.text(") THEN 'Z\"' ELSE '\"' END)");
        }),
        ColumnType::Array(of) => {
            let item = json(&SimpleExpr::cust("item"), *of);
            written(|sql| {
                sql.text("CASE WHEN ").expr(node.clone()).text(" IS NOT NULL THEN COALESCE((SELECT '[' || ");
                sql.text("STRING_AGG(COALESCE(").expr(item).text(", 'null'), ',' ORDER BY place) || ']' FROM UNNEST(");
                sql.expr(node.clone()).text(") WITH ORDINALITY AS items (item, place)), '[]') END");
            })
        }
    }
}

/// A number with a fraction as JSON has it. The numbers that JSON lacks are text.
fn double(node: &SimpleExpr) -> SimpleExpr {
    let text = typed(node.clone(), ColumnType::Text);
    written(|sql| {
        sql.text("CASE ").expr(node.clone()).text(" WHEN 'NaN' THEN '\"NaN\"' WHEN 'Infinity' THEN '\"inf\"'");
        sql.text(" WHEN '-Infinity' THEN '\"-inf\"' ELSE ").expr(text.clone()).text(" || CASE WHEN ");
        sql.expr(text).text(" ~ '[.e]' THEN '' ELSE '.0' END END");
    })
}

/// A date, with its time where it has one, as ISO 8601 has it. There the year before 1 is 0, and not 1 BC.
fn moment(node: &SimpleExpr) -> SimpleExpr {
    let text = around("TRIM('\"' FROM CAST(TO_JSON(", node, ") AS text))");
    let year = around("SUBSTR(", &text, ", 1, 4)");
    written(|sql| {
        sql.text("CASE WHEN ").expr(node.clone()).text(" >= '0001-01-01' OR NOT ISFINITE(").expr(node.clone());
        sql.text(") THEN ").expr(text.clone());
        sql.text(" ELSE CASE ").expr(year.clone()).text(" WHEN '0001' THEN '0000' ELSE '-' || LPAD(CAST(CAST(");
        sql.expr(year).text(" AS integer) - 1 AS text), 6, '0') END || REPLACE(SUBSTR(").expr(text);
        sql.text(", 5), ' BC', '') END");
    })
}

fn around(before: &str, node: &SimpleExpr, after: &str) -> SimpleExpr {
    written(|sql| {
        sql.text(before).expr(node.clone()).text(after);
    })
}
