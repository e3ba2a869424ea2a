//! A schema as a picture: the text of a Mermaid diagram, or an SVG that needs nothing else. Pure, and the same every time.

mod layout;
mod svg;

use std::fmt::Write;

pub use svg::svg;

use crate::schema::{ForeignKey, Schema, Table};

/// The tables and their foreign keys as Mermaid's `erDiagram`.
///
/// Mermaid's names have letters, digits and `_`: other characters of columns and types become `_`.
pub fn mermaid(schema: &Schema) -> String {
    let mut text = String::from("erDiagram\n");
    for table in &schema.tables {
        let _ = writeln!(text, "    {} {{", entity(table));
        for column in &table.columns {
            let keys = keys(table, &column.name).join(", ");
            let keys = if keys.is_empty() { keys } else { format!(" {keys}") };
            let null = if column.nullable { " \"NULL\"" } else { "" };
            let _ = writeln!(text, "        {} {}{keys}{null}", word(&column.ty.to_string()), word(&column.name));
        }
        text.push_str("    }\n");
    }
    for (table, key) in foreign_keys(schema) {
        let Some(target) = schema.table(&key.target) else { continue };
        let one = if is_optional(table, key) { "|o" } else { "||" };
        let many = if is_unique(table, &key.columns) { "o|" } else { "o{" };
        let columns = quoted(&key.columns.join(", "));
        let _ = writeln!(text, "    {} {one}--{many} {} : {columns}", entity(target), entity(table));
    }
    text
}

fn entity(table: &Table) -> String {
    quoted(&table.name.to_string())
}

/// Mermaid knows no way to write a quote in quotes.
fn quoted(text: &str) -> String {
    let text: String = text.chars().filter(|letter| !letter.is_control()).collect();
    format!("\"{}\"", text.replace('"', "'").replace('%', "_").replace('\\', "/"))
}

fn word(text: &str) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || "_()".contains(letter) { letter } else { '_' };
    let word: String = text.chars().map(plain).collect();
    if word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') { word } else { format!("_{word}") }
}

/// `PK`, `FK`, `UK`
fn keys(table: &Table, column: &str) -> Vec<&'static str> {
    let has = |columns: &[String]| columns.iter().any(|name| name == column);
    let mut keys = Vec::new();
    if has(&table.primary_key) {
        keys.push("PK");
    }
    if table.foreign_keys.iter().any(|key| has(&key.columns)) {
        keys.push("FK");
    }
    if table.uniques.iter().any(|unique| unique.columns == [column]) {
        keys.push("UK");
    }
    keys
}

/// Every foreign key with its table.
fn foreign_keys(schema: &Schema) -> impl Iterator<Item = (&Table, &ForeignKey)> {
    schema.tables.iter().flat_map(|table| table.foreign_keys.iter().map(move |key| (table, key)))
}

/// Whether a row can refer to nothing.
fn is_optional(table: &Table, key: &ForeignKey) -> bool {
    key.columns.iter().any(|name| table.column(name).is_some_and(|column| column.nullable))
}

/// Whether no two rows refer to the same.
fn is_unique(table: &Table, columns: &[String]) -> bool {
    let same = |other: &[String]| other.len() == columns.len() && other.iter().all(|name| columns.contains(name));
    same(&table.primary_key) || table.uniques.iter().any(|unique| same(&unique.columns))
}
