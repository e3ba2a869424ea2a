//! The expressions that SQLite says in its own way.

use sea_query::{BinOper, ExprTrait, SimpleExpr};

use crate::expr::node::Case;
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

/// `(a, b) IN (VALUES (1, 2), (3, 4))`: a list of rows is no list of values here ("Row Values", 2.2).
pub(crate) fn row_in(row: Vec<SimpleExpr>, list: &[Vec<Value>]) -> SimpleExpr {
    let rows: Vec<_> = list.iter().map(|values| format!("({})", vec!["?"; values.len()].join(", "))).collect();
    let sql = format!("? IN (VALUES {})", rows.join(", "));
    let values = list.iter().flatten().map(|value| SimpleExpr::val(value.clone()));
    SimpleExpr::cust_with_exprs(sql, std::iter::once(SimpleExpr::tuple(row)).chain(values))
}

pub(crate) fn cast(node: SimpleExpr, ty: ColumnType) -> SimpleExpr {
    let name = match ty {
        ColumnType::SmallInteger | ColumnType::Integer | ColumnType::BigInteger | ColumnType::Boolean => "INTEGER",
        ColumnType::Double => "REAL",
        ColumnType::Binary => "BLOB",
        _ => "TEXT",
    };
    node.cast_as(name)
}
