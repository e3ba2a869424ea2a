//! The expressions that PostgreSQL says in its own way.

use std::borrow::Cow;

use sea_query::{BinOper, ExprTrait, SimpleExpr};

use crate::Dialect;
use crate::dynamic::Search;
use crate::expr::node::{Arithmetic, Case, Function, JsonStep, Node, Part, PostgresOperator};
use crate::lower::{self, Template};
use crate::table::ColumnType;
use crate::value::Value;

/// `a IS DISTINCT FROM b` compares NULLs too ("Comparison Functions and Operators").
pub(crate) fn distinct(left: SimpleExpr, right: SimpleExpr) -> SimpleExpr {
    left.binary(BinOper::Custom("IS DISTINCT FROM"), right)
}

pub(crate) fn like(node: SimpleExpr, pattern: SimpleExpr, case: Case) -> SimpleExpr {
    let operator = match case {
        Case::Sensitive => " LIKE ",
        Case::Insensitive => " ILIKE ",
    };
    written(|sql| {
        sql.operand(node).text(operator).operand(pattern).text(" ESCAPE '\\'");
    })
}

/// `(a, b) IN ((1, 2), (3, 4))`: the values take the columns' types, as they would not in VALUES.
pub(crate) fn row_in(row: Vec<SimpleExpr>, list: &[Vec<Value>]) -> SimpleExpr {
    let rows = list.iter().map(|values| SimpleExpr::tuple(values.iter().map(|value| SimpleExpr::val(value.clone()))));
    SimpleExpr::tuple(row).is_in(rows)
}

pub(crate) fn arithmetic(left: SimpleExpr, operator: Arithmetic, right: SimpleExpr) -> SimpleExpr {
    left.binary(lower::arithmetic(operator), right)
}

pub(crate) fn negative(node: SimpleExpr) -> SimpleExpr {
    written(|sql| {
        sql.text("(- ").operand(node).text(")");
    })
}

pub(crate) fn call(function: Function, mut arguments: Vec<SimpleExpr>) -> SimpleExpr {
    match function {
        #[cfg(feature = "time")]
        Function::Now => SimpleExpr::cust("CURRENT_TIMESTAMP"),
        Function::Read(ty) => typed(arguments.remove(0), ty),
        // Only decimals can be rounded to digits ("Mathematical Functions and Operators").
        Function::Round(ColumnType::Double) => {
            arguments[0] = typed(arguments[0].clone(), ColumnType::Decimal);
            typed(lower::call(function, arguments), ColumnType::Double)
        }
        _ => lower::call(function, arguments),
    }
}

/// The fields of `EXTRACT`. An instant's are those of the session's time zone, so it becomes UTC's time first.
pub(crate) fn part(node: SimpleExpr, part: Part, of: ColumnType) -> SimpleExpr {
    let field = match part {
        Part::Year => "YEAR",
        Part::Month => "MONTH",
        Part::Day => "DAY",
        Part::Hour => "HOUR",
        Part::Minute => "MINUTE",
        Part::Second => "SECOND",
        Part::Weekday => "ISODOW",
        Part::DayOfYear => "DOY",
    };
    let utc = if of == ColumnType::Timestamp { " AT TIME ZONE 'UTC'" } else { "" };
    written(|sql| {
        sql.text("CAST(FLOOR(EXTRACT(").text(field).text(" FROM ").operand(node).text(utc).text(")) AS integer)");
    })
}

/// `jsonb_extract_path_text` gives NULL for JSON's `null`.
pub(crate) fn json(node: SimpleExpr, path: &[JsonStep], ty: ColumnType) -> SimpleExpr {
    let extract = |function: &str| {
        written(|sql| {
            sql.text(function).expr(node);
            for step in path {
                let step = match step {
                    JsonStep::Key(key) => key.clone(),
                    JsonStep::Index(index) => index.to_string(),
                };
                sql.text(", ").expr(typed(SimpleExpr::val(step), ColumnType::Text));
            }
            sql.text(")");
        })
    };
    match ty {
        ColumnType::Json => written(|sql| {
            sql.text("NULLIF(").expr(extract("jsonb_extract_path(")).text(", 'null')");
        }),
        ColumnType::Text => extract("jsonb_extract_path_text("),
        ty => typed(extract("jsonb_extract_path_text("), ty),
    }
}

pub(crate) fn operator(left: SimpleExpr, operator: PostgresOperator, right: SimpleExpr) -> SimpleExpr {
    match operator {
        PostgresOperator::JsonContains | PostgresOperator::ArrayContains => left.binary(BinOper::Custom("@>"), right),
        PostgresOperator::ArrayOverlaps => left.binary(BinOper::Custom("&&"), right),
        PostgresOperator::Regex => left.binary(BinOper::Custom("~"), right),
        PostgresOperator::RegexAnyCase => left.binary(BinOper::Custom("~*"), right),
        PostgresOperator::AnyOf => any_of(left, right),
        PostgresOperator::Matches => written(|sql| {
            sql.text("to_tsvector(").expr(left).text(") @@ websearch_to_tsquery(").expr(right).text(")");
        }),
    }
}

/// `a = ANY(array)`
pub(crate) fn any_of(node: SimpleExpr, array: SimpleExpr) -> SimpleExpr {
    written(|sql| {
        sql.operand(node).text(" = ANY(").expr(array).text(")");
    })
}

/// Values as one array, of which the text is the same for any number: where they are of one type that keys often have.
pub(crate) fn array(list: &[Node]) -> Option<Value> {
    let item = |node: &Node| match node {
        Node::Value(value @ (Value::SmallInt(_) | Value::Int(_) | Value::BigInt(_) | Value::String(_))) => {
            Some(value.clone())
        }
        #[cfg(feature = "uuid")]
        Node::Value(value @ Value::Uuid(_)) => Some(value.clone()),
        _ => None,
    };
    let items = list.iter().map(item).collect::<Option<Vec<_>>>()?;
    let ty = items.first()?.array_type();
    items.iter().all(|item| item.array_type() == ty).then(|| Value::Array(ty, Some(Box::new(items))))
}

/// `to_tsvector([language,] text) @@ to_tsquery([language,] text)`
pub(crate) fn search(node: SimpleExpr, search: Search, language: Option<&str>, text: &str) -> SimpleExpr {
    let text_of = |text: &str| typed(SimpleExpr::val(text), ColumnType::Text);
    let query = match search {
        Search::ToTsquery => " @@ to_tsquery(",
        Search::Plain => " @@ plainto_tsquery(",
        Search::Phrase => " @@ phraseto_tsquery(",
        Search::Web => " @@ websearch_to_tsquery(",
    };
    written(|sql| {
        let language = |sql: &mut Template| {
            if let Some(language) = language {
                // Without quotes `-` and numbers are no names ("Object Identifier Types").
                sql.text("CAST(QUOTE_IDENT(").expr(text_of(language)).text(") AS regconfig), ");
            }
        };
        sql.text("to_tsvector(");
        language(sql);
        sql.expr(node).text(")").text(query);
        language(sql);
        sql.expr(text_of(text)).text(")");
    })
}

/// A number loses its fraction, as on SQLite; a cast would round it.
pub(crate) fn cast(node: SimpleExpr, from: ColumnType, to: ColumnType) -> SimpleExpr {
    let fraction = matches!(from, ColumnType::Double | ColumnType::Decimal);
    let integer = matches!(to, ColumnType::SmallInteger | ColumnType::Integer | ColumnType::BigInteger);
    if from == ColumnType::Timestamp && to == ColumnType::Date {
        // The day in UTC, and not in the session's time zone.
        let utc = written(|sql| {
            sql.operand(node).text(" AT TIME ZONE 'UTC'");
        });
        typed(utc, to)
    } else if fraction && integer {
        typed(
            written(|sql| {
                sql.text("TRUNC(").expr(node).text(")");
            }),
            to,
        )
    } else {
        typed(node, to)
    }
}

/// `CAST(node AS type)`
pub(crate) fn typed(node: SimpleExpr, ty: ColumnType) -> SimpleExpr {
    written(|sql| {
        sql.text("CAST(").expr(node).text(" AS ").text(&type_name(ty)).text(")");
    })
}

fn type_name(ty: ColumnType) -> Cow<'static, str> {
    Cow::Borrowed(match ty {
        ColumnType::SmallInteger => "smallint",
        ColumnType::Integer => "integer",
        ColumnType::BigInteger => "bigint",
        ColumnType::Double => "double precision",
        ColumnType::Boolean => "boolean",
        ColumnType::Text => "text",
        ColumnType::Binary => "bytea",
        ColumnType::Date => "date",
        ColumnType::Time => "time",
        ColumnType::DateTime => "timestamp",
        ColumnType::Timestamp => "timestamptz",
        ColumnType::Uuid => "uuid",
        ColumnType::Decimal => "numeric",
        ColumnType::Json => "jsonb",
        ColumnType::Enum(def) => return Cow::Owned(Dialect::Postgres.quote(def.name)),
        ColumnType::Array(of) => return Cow::Owned(format!("{}[]", type_name(*of))),
    })
}

pub(super) fn written(write: impl FnOnce(&mut Template)) -> SimpleExpr {
    let mut sql = Template::new(Dialect::Postgres);
    write(&mut sql);
    sql.finish()
}

/// A placeholder with its type, where the server could not know it: in VALUES by themselves.
pub(crate) fn typed_placeholder(placeholder: &str, ty: ColumnType) -> String {
    format!("{placeholder}::{}", type_name(ty))
}

/// Rows as arrays, one for each of these columns of a table, bound as `$1`, `$2` and so on:
/// `UNNEST(COALESCE($1, ARRAY(SELECT id FROM cars WHERE FALSE)), ...)`. The text is the same for any number of rows.
///
/// The bound array is never NULL; what stands beside it tells the server its type, which is the column's own there: also
/// that of an enum or of a domain of which the model knows nothing.
pub(crate) fn unnest(table: &str, columns: impl Iterator<Item = String>) -> String {
    let array = |(index, column)| format!("COALESCE(${}, ARRAY(SELECT {column} FROM {table} WHERE FALSE))", index + 1);
    format!("UNNEST({})", columns.enumerate().map(array).collect::<Vec<_>>().join(", "))
}
