//! The expressions that SQLite says in its own way.

use super::by_type;
use sea_query::{BinOper, ExprTrait, SimpleExpr};

use crate::Dialect;
use crate::expr::node::{Arithmetic, Case, Function, JsonStep, Part, Place};
use crate::lower::{self, Template};
use crate::table::ColumnType;
use crate::value::Value;

/// `a IS NOT b` compares NULLs too ("SQL Language Expressions", 9).
pub(crate) fn distinct(left: SimpleExpr, right: SimpleExpr) -> SimpleExpr {
    left.is_not(right)
}

/// LIKE does not tell the letters of ASCII apart by case, and has no escape character by itself ("The LIKE, GLOB,
/// REGEXP, MATCH, and extract operators").
pub(crate) fn like(node: SimpleExpr, pattern: SimpleExpr, _case: Case) -> SimpleExpr {
    node.binary(BinOper::Like, pattern.binary(BinOper::Escape, SimpleExpr::Constant('\\'.into())))
}

/// Text in text with case told apart, as LIKE does not.
pub(crate) fn has_text(node: SimpleExpr, text: &str, place: Place) -> SimpleExpr {
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let text = SimpleExpr::val(text);
    written(|sql| {
        match place {
            Place::Start => sql.text("SUBSTR(").expr(node).text(", 1, ").expr(length.into()).text(") = ").expr(text),
            // Also of the empty text, whose last characters are all of it ("substr").
            Place::End => sql
                .text("SUBSTR(")
                .expr(node.clone())
                .text(", MAX(LENGTH(")
                .expr(node)
                .text(") - ")
                .expr((length - 1).into())
                .text(", 1)) = ")
                .expr(text),
            Place::Anywhere => sql.text("INSTR(").expr(node).text(", ").expr(text).text(") > 0"),
        };
    })
}

/// `(a, b) IN (VALUES (1, 2), (3, 4))`: a list of rows is no list of values here ("Row Values", 2.2).
pub(crate) fn row_in(row: Vec<SimpleExpr>, list: &[Vec<Value>]) -> SimpleExpr {
    let rows: Vec<_> = list.iter().map(|values| format!("({})", vec!["?"; values.len()].join(", "))).collect();
    let sql = format!("? IN (VALUES {})", rows.join(", "));
    let values = list.iter().flatten().map(|value| SimpleExpr::val(value.clone()));
    SimpleExpr::cust_with_exprs(sql, std::iter::once(SimpleExpr::tuple(row)).chain(values))
}

/// A decimal, which is kept as text, by its number.
pub(crate) fn number(node: SimpleExpr) -> SimpleExpr {
    written(|sql| {
        sql.operand(node).text(" COLLATE decimal");
    })
}

/// Decimals are calculated with exactly, by functions of ours (`decimals.rs`).
pub(crate) fn arithmetic(left: SimpleExpr, operator: Arithmetic, right: SimpleExpr, ty: ColumnType) -> SimpleExpr {
    if ty != ColumnType::Decimal {
        return left.binary(lower::arithmetic(operator), right);
    }
    let function = match operator {
        Arithmetic::Add => "decimal_add(",
        Arithmetic::Subtract => "decimal_sub(",
        Arithmetic::Multiply => "decimal_mul(",
        Arithmetic::Divide => "decimal_div(",
        Arithmetic::Remainder => "decimal_rem(",
    };
    written(|sql| {
        sql.text(function).expr(left).text(", ").expr(right).text(")");
    })
}

pub(crate) fn negative(node: SimpleExpr, ty: ColumnType) -> SimpleExpr {
    let start = if ty == ColumnType::Decimal { "decimal_sub('0', " } else { "(- " };
    written(|sql| {
        sql.text(start).operand(node).text(")");
    })
}

pub(crate) fn call(function: Function, mut arguments: Vec<SimpleExpr>) -> SimpleExpr {
    let name = match function {
        Function::Read(ty) => return by_type::read(arguments.remove(0), ty),
        // To the millisecond, in the form of all instants.
        #[cfg(feature = "time")]
        Function::Now => return SimpleExpr::cust("STRFTIME('%Y-%m-%d %H:%M:%f000Z', 'now')"),
        Function::Absolute(ColumnType::Decimal) => "decimal_abs",
        Function::Round(ColumnType::Decimal) => "decimal_round",
        _ => return lower::call(function, arguments),
    };
    sea_query::Func::cust(name).args(arguments).into()
}

/// Dates and times are text of a fixed width: their parts are where they are. `STRFTIME` would round to milliseconds.
pub(crate) fn part(node: SimpleExpr, part: Part, of: ColumnType) -> SimpleExpr {
    // `2026-11-23 04:05:06.000000Z`, and a time by itself without the date.
    let time = if of == ColumnType::Time { 1 } else { 12 };
    let (start, length) = match part {
        Part::Year => (1, 4),
        Part::Month => (6, 2),
        Part::Day => (9, 2),
        Part::Hour => (time, 2),
        Part::Minute => (time + 3, 2),
        Part::Second => (time + 6, 2),
        Part::Weekday => return day(node, "%u"),
        Part::DayOfYear => return day(node, "%j"),
    };
    written(|sql| {
        sql.text("CAST(SUBSTR(").expr(node).text(&format!(", {start}, {length}) AS INTEGER)"));
    })
}

/// A number of the day, which only `STRFTIME` knows.
fn day(node: SimpleExpr, format: &str) -> SimpleExpr {
    written(|sql| {
        sql.text("CAST(STRFTIME('").text(format).text("', SUBSTR(").expr(node).text(", 1, 10)) AS INTEGER)");
    })
}

/// `json_extract` gives SQL's own values, NULL for JSON's `null`, and 1 and 0 for `true` and `false` ("JSON Functions
/// And Operators", 4.7).
pub(crate) fn json(node: SimpleExpr, path: &[JsonStep], ty: ColumnType) -> SimpleExpr {
    let mut place = "$".to_owned();
    for step in path {
        match step {
            // In quotes, and with JSON's own escapes.
            JsonStep::Key(key) => place.push_str(&format!(".{}", serde_json::Value::from(key.as_str()))),
            JsonStep::Index(index) if *index < 0 => place.push_str(&format!("[#{index}]")),
            JsonStep::Index(index) => place.push_str(&format!("[{index}]")),
        }
    }
    let place = || SimpleExpr::val(place.clone());
    match ty {
        ColumnType::Boolean | ColumnType::SmallInteger | ColumnType::Integer | ColumnType::BigInteger => {
            written(|sql| {
                sql.text("JSON_EXTRACT(").expr(node).text(", ").expr(place()).text(")");
            })
        }
        ColumnType::Double => written(|sql| {
            sql.text("CAST(JSON_EXTRACT(").expr(node).text(", ").expr(place()).text(") AS REAL)");
        }),
        ColumnType::Json => written(|sql| {
            sql.text("NULLIF(").operand(node).text(" -> ").expr(place()).text(", 'null')");
        }),
        _ => written(|sql| {
            sql.text("CASE JSON_TYPE(").expr(node.clone()).text(", ").expr(place()).text(") ");
            sql.text("WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE CAST(JSON_EXTRACT(");
            sql.expr(node).text(", ").expr(place()).text(") AS TEXT) END");
        }),
    }
}

pub(crate) fn cast(node: SimpleExpr, from: ColumnType, to: ColumnType) -> SimpleExpr {
    let name = match (from, to) {
        // The words of PostgreSQL.
        (ColumnType::Boolean, ColumnType::Text) => {
            return written(|sql| {
                sql.text("CASE ").expr(node).text(" WHEN 1 THEN 'true' WHEN 0 THEN 'false' END");
            });
        }
        // The date that an instant or a time of a day starts with.
        (ColumnType::DateTime | ColumnType::Timestamp, ColumnType::Date) => {
            return written(|sql| {
                sql.text("SUBSTR(").expr(node).text(", 1, 10)");
            });
        }
        (_, ColumnType::SmallInteger | ColumnType::Integer | ColumnType::BigInteger | ColumnType::Boolean) => "INTEGER",
        (_, ColumnType::Double) => "REAL",
        (_, ColumnType::Binary) => "BLOB",
        _ => "TEXT",
    };
    written(|sql| {
        sql.text("CAST(").expr(node).text(" AS ").text(name).text(")");
    })
}

fn written(write: impl FnOnce(&mut Template)) -> SimpleExpr {
    let mut sql = Template::new(Dialect::Sqlite);
    write(&mut sql);
    sql.finish()
}
