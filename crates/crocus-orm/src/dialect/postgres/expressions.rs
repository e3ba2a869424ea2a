//! The expressions that PostgreSQL says in its own way.

use sea_query::extension::postgres::PgBinOper;
use sea_query::{BinOper, ExprTrait, SimpleExpr};

use crate::Dialect;
use crate::expr::node::Case;
use crate::table::ColumnType;
use crate::value::Value;

/// `a IS DISTINCT FROM b` compares NULLs too ("Comparison Functions and Operators").
pub(crate) fn distinct(left: SimpleExpr, right: SimpleExpr) -> SimpleExpr {
    left.binary(BinOper::Custom("IS DISTINCT FROM"), right)
}

pub(crate) fn like(node: SimpleExpr, pattern: SimpleExpr, case: Case) -> SimpleExpr {
    let operator = match case {
        Case::Sensitive => BinOper::Like,
        Case::Insensitive => PgBinOper::ILike.into(),
    };
    node.binary(operator, pattern.binary(BinOper::Escape, SimpleExpr::Constant('\\'.into())))
}

/// `(a, b) IN ((1, 2), (3, 4))`: the values take the columns' types, as they would not in VALUES.
pub(crate) fn row_in(row: Vec<SimpleExpr>, list: &[Vec<Value>]) -> SimpleExpr {
    let rows = list.iter().map(|values| SimpleExpr::tuple(values.iter().map(|value| SimpleExpr::val(value.clone()))));
    SimpleExpr::tuple(row).is_in(rows)
}

pub(crate) fn cast(node: SimpleExpr, ty: ColumnType) -> SimpleExpr {
    let name = match ty {
        ColumnType::SmallInteger => "smallint",
        ColumnType::Integer => "integer",
        ColumnType::BigInteger => "bigint",
        ColumnType::Double => "double precision",
        ColumnType::Boolean => "boolean",
        ColumnType::Binary => "bytea",
        ColumnType::Date => "date",
        ColumnType::Time => "time",
        ColumnType::DateTime => "timestamp",
        ColumnType::Timestamp => "timestamptz",
        ColumnType::Uuid => "uuid",
        ColumnType::Decimal => "numeric",
        ColumnType::Json => "jsonb",
        _ => "text",
    };
    node.cast_as(name)
}

/// A placeholder with its type, where the server could not know it: in VALUES by themselves.
pub(crate) fn typed(placeholder: &str, ty: ColumnType) -> String {
    format!("{placeholder}::{}", type_name(ty))
}

fn type_name(ty: ColumnType) -> String {
    match ty {
        ColumnType::SmallInteger => "smallint".to_owned(),
        ColumnType::Integer => "integer".to_owned(),
        ColumnType::BigInteger => "bigint".to_owned(),
        ColumnType::Double => "double precision".to_owned(),
        ColumnType::Boolean => "boolean".to_owned(),
        ColumnType::Text => "text".to_owned(),
        ColumnType::Binary => "bytea".to_owned(),
        ColumnType::Date => "date".to_owned(),
        ColumnType::Time => "time".to_owned(),
        ColumnType::DateTime => "timestamp".to_owned(),
        ColumnType::Timestamp => "timestamptz".to_owned(),
        ColumnType::Uuid => "uuid".to_owned(),
        ColumnType::Decimal => "numeric".to_owned(),
        ColumnType::Json => "jsonb".to_owned(),
        ColumnType::Enum(definition) => Dialect::Postgres.quote(definition.name),
        ColumnType::Array(element) => format!("{}[]", type_name(*element)),
    }
}
