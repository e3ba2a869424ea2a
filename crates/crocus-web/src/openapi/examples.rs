//! Values that a column takes, for the examples of schemas.

use crocus_orm::table::{ColumnDef, ColumnType, Literal, Rules, TableDef, rules};
use serde_json::{Map, Value, json};

use crate::resource::Definition;

/// An object with a value for each column.
pub(super) fn of_columns<'a>(table: &TableDef, columns: impl Iterator<Item = &'a ColumnDef>) -> Value {
    columns.map(|column| (column.name.to_owned(), of_column(table, column))).collect::<Map<_, _>>().into()
}

/// What a new row has to bring.
pub(super) fn new_row(definition: &Definition) -> Value {
    let given = definition.columns().filter(|column| definition.is_writable(column));
    of_columns(definition.table, given.filter(|column| super::schemas::is_required(column)))
}

/// The same as a table with one row.
pub(super) fn table(definition: &Definition) -> String {
    let row = new_row(definition);
    let cells = row.as_object().into_iter().flatten();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (names, values): (Vec<_>, Vec<_>) = cells.map(|(name, value)| (name.clone(), text(value))).unzip();
    let line = |cells: Vec<String>| {
        let quoted = |cell: String| {
            if cell.contains(['"', ',', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
        };
        cells.into_iter().map(quoted).collect::<Vec<_>>().join(",")
    };
    format!("{}\n{}\n", line(names), line(values))
}

/// A value that keeps the column's rules.
pub(super) fn of_column(table: &TableDef, column: &ColumnDef) -> Value {
    let default = column.default.and_then(|sql| super::schemas::literal(sql, column.ty));
    let rules = rules(table, column);
    if let Some(value) = default.or_else(|| rules.one_of.as_deref().and_then(<[Literal]>::first).map(literal)) {
        return value;
    }
    let refers = table.foreign_keys.iter().any(|key| key.columns.contains(&column.name));
    let small = if column.primary_key || column.version || refers { 1 } else { 4 };
    of_type(column.ty, &rules, small, column.name)
}

fn literal(literal: &Literal) -> Value {
    match literal {
        Literal::Number(number) => number.to_json(),
        Literal::Text(text) => text.as_str().into(),
    }
}

fn of_type(ty: ColumnType, rules: &Rules, small: i64, name: &str) -> Value {
    match ty {
        ColumnType::SmallInteger | ColumnType::Integer | ColumnType::BigInteger => within(rules, small).into(),
        ColumnType::Double => json!(within(rules, small) as f64),
        // Always with the digits after the point that the column keeps, if not more than two.
        ColumnType::Decimal => {
            let digits = usize::try_from(rules.scale.unwrap_or(2).min(2)).unwrap_or_default();
            let whole = within(rules, 12);
            if digits == 0 { json!(whole.to_string()) } else { json!(format!("{whole}.{}", "0".repeat(digits))) }
        }
        ColumnType::Boolean => true.into(),
        ColumnType::Text => text(rules, name).into(),
        ColumnType::Binary => "c0ffee".into(),
        ColumnType::Date => "2026-11-22".into(),
        ColumnType::Time => "14:03:00".into(),
        ColumnType::DateTime => "2026-11-22T14:03:00".into(),
        ColumnType::Timestamp => "2026-11-22T14:03:00Z".into(),
        ColumnType::Uuid => "019aa0c4-5f6e-7d3a-9b1c-2e4f60718293".into(),
        ColumnType::Enum(of) => of.values.first().map_or(Value::Null, |value| (*value).into()),
        ColumnType::Array(item) => Value::Array(vec![of_type(*item, &Rules::default(), small, name)]),
        _ => json!({}),
    }
}

/// The whole number nearest to the wished one that the rules take.
fn within(rules: &Rules, wished: i64) -> i64 {
    let end = |bound: Option<crocus_orm::table::Bound>, inwards: i64| {
        let bound = bound?;
        let number = bound.number.to_json();
        let number = number.as_i64().or_else(|| number.as_f64().map(|number| number as i64))?;
        // What is outside itself, or was cut, has the next one inside.
        Some(if bound.exclusive || bound.number.to_json().is_f64() { number.saturating_add(inwards) } else { number })
    };
    let at_least = end(rules.min, 1).map_or(wished, |min| wished.max(min));
    end(rules.max, -1).map_or(at_least, |max| at_least.min(max))
}

fn text(rules: &Rules, name: &str) -> String {
    let length = |limit: Option<u32>| limit.and_then(|limit| usize::try_from(limit).ok());
    let mut text = super::handmade::words(name);
    while text.len() < length(rules.min_length).unwrap_or_default() {
        text.push('x');
    }
    text.chars().take(length(rules.max_length).unwrap_or(usize::MAX)).collect()
}
