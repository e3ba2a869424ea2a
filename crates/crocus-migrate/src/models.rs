//! A schema as the Rust models that declare it: for a database that was there before the program. What no model can say
//! is said in comments.
//!
//! Assumption: the grammar is that of `derive(Model)`. A test compiles what is written here and compares it with the
//! database that it was written from.

mod columns;
mod constraints;
mod names;

use std::fmt::Write;

use crate::schema::{Enum, Schema, Table, Unmanaged};
use columns::Field;
use names::Names;

/// rustfmt's `max_width`, and the width from which it breaks an attribute: `attr_fn_like_width`.
const WIDTH: usize = 100;
const ATTRIBUTE_WIDTH: usize = 70;

/// A key has no more columns.
const KEY_COLUMNS: usize = 4;

/// A table that becomes a model.
struct Model<'a> {
    table: &'a Table,
    /// The struct's name.
    name: String,
    fields: Vec<Field<'a>>,
}

/// The text of a file with a model for each table and an enum for each type, formatted as rustfmt does by default.
///
/// `bind` is the database that they are on, where it is not the program's default one. Models are for the tables that
/// have a primary key; comments say which others there are, and what a model leaves out.
pub fn models(schema: &Schema, bind: Option<&str>) -> String {
    let mut names = Names::new();
    let of_columns = |values: &&Enum| schema.tables.iter().any(|table| table.has_enum(&values.name));
    let (enums, not_said): (Vec<_>, Vec<_>) =
        schema.enums.iter().filter(of_columns).partition(|values| enum_fault(values).is_none());
    let enum_names: Vec<_> = enums.iter().map(|values| names.of_type(&values.name)).collect();
    // On SQLite enums of one name can have other values in each table.
    let enum_name = |wanted: &Enum| enums.iter().position(|values| *values == wanted).map(|at| enum_names[at].clone());
    let why = |values: &&Enum| enum_fault(values).map(|why| format!("enum type {}: {why}", values.name));
    let mut left_out: Vec<_> = not_said.iter().filter_map(why).collect();
    let mut models = Vec::new();
    for table in &schema.tables {
        let fields = columns::fields(table, &enum_name);
        match why_not(table, &fields) {
            Some(why) => left_out.push(format!("table {}: {why}", table.name)),
            None => models.push(Model { table, name: names.of_table(&table.name.name), fields }),
        }
    }
    left_out.extend(schema.unmanaged.iter().filter(|found| found.table.is_none()).map(said));

    let mut body = String::new();
    for (values, name) in enums.iter().zip(&enum_names) {
        write_enum(&mut body, values, name);
    }
    for model in &models {
        let beside: Vec<_> =
            schema.unmanaged.iter().filter(|found| found.table.as_ref() == Some(&model.table.name)).map(said).collect();
        write_model(&mut body, model, &models, beside, bind);
    }
    let mut text = String::from("//! Models of a database, as `db inspect` has written them.\n");
    if !left_out.is_empty() {
        text.push('\n');
    }
    for line in &left_out {
        let _ = writeln!(text, "// No model: {}", one_line(line));
    }
    let _ = write!(text, "\n{}{body}", uses(&body));
    text
}

fn said(unmanaged: &Unmanaged) -> String {
    format!("{} {}", unmanaged.kind, unmanaged.name)
}

/// Why an enum type cannot become an enum.
fn enum_fault(values: &Enum) -> Option<&'static str> {
    if values.values.is_empty() {
        return Some("it has no values");
    }
    let of_values = values.values.iter().find_map(|value| names::fault(value));
    names::fault(&values.name).or_else(|| of_values.map(|_| "a value is empty, or has more than 63 bytes"))
}

/// Why a table cannot become a model.
fn why_not(table: &Table, fields: &[Field<'_>]) -> Option<&'static str> {
    let key = || fields.iter().filter(|field| table.primary_key.contains(&field.column.name));
    // Equal values of these need not compare equal.
    let is_no_key = |field: &Field<'_>| {
        field.inner().is_none_or(|ty| ty.contains("f64") || ty.contains("serde_json"))
            || field.column.generated.is_some()
    };
    if table.primary_key.is_empty() {
        Some("it has no primary key")
    } else if table.primary_key.len() > KEY_COLUMNS {
        Some("its primary key has more than four columns")
    } else if key().any(is_no_key) {
        Some("its primary key has a column that no model's key has")
    } else {
        names::fault(&table.name.name)
    }
}

/// What is imported, as far as it is used.
fn uses(body: &str) -> String {
    const USES: [(&str, &str); 3] =
        [("Timestamp", "use jiff::Timestamp;"), ("Decimal", "use rust_decimal::Decimal;"), ("Uuid", "use uuid::Uuid;")];
    let is_used = |name: &str| {
        body.lines().any(|line| {
            let ty = line.trim().strip_prefix("pub ").and_then(|line| line.split_once(": "));
            let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_';
            ty.is_some_and(|(_, ty)| ty.split(|letter| !is_letter(letter)).any(|word| word == name))
        })
    };
    let mut lines = vec!["use crocus::prelude::*;".to_owned()];
    lines.extend(USES[..1].iter().filter(|(name, _)| is_used(name)).map(|(_, line)| (*line).to_owned()));
    let civil: Vec<_> = ["Date", "DateTime", "Time"].into_iter().filter(|name| is_used(name)).collect();
    match civil.as_slice() {
        [] => {}
        [one] => lines.push(format!("use jiff::civil::{one};")),
        several => lines.push(format!("use jiff::civil::{{{}}};", several.join(", "))),
    }
    lines.extend(USES[1..].iter().filter(|(name, _)| is_used(name)).map(|(_, line)| (*line).to_owned()));
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

fn write_enum(text: &mut String, values: &Enum, name: &str) {
    text.push_str("\n#[derive(Debug, Clone, Copy, PartialEq, Eq, DbEnum)]\n");
    if names::snake_case(name) != values.name {
        attribute(text, 0, "db_enum", &[format!("name = {:?}", values.name)]);
    }
    let _ = writeln!(text, "pub enum {name} {{");
    for (variant, value) in names::variants(&values.values).iter().zip(&values.values) {
        if names::snake_case(variant) != *value {
            attribute(text, 1, "db_enum", &[format!("rename = {value:?}")]);
        }
        let _ = writeln!(text, "    {variant},");
    }
    text.push_str("}\n");
}

fn write_model(text: &mut String, model: &Model<'_>, models: &[Model<'_>], beside: Vec<String>, bind: Option<&str>) {
    let table = model.table;
    let mut said = vec![format!("table = {:?}", table.name.name)];
    said.extend(table.name.schema.as_ref().map(|schema| format!("schema = {schema:?}")));
    said.extend(bind.map(|bind| format!("bind = {bind:?}")));
    let comment = table.comment.as_ref().filter(|comment| !comment.trim().is_empty());
    said.extend(comment.map(|comment| format!("comment = {comment:?}")));
    let blank = (table.comment.is_some() && comment.is_none()).then(|| "its comment, which is empty".to_owned());
    let mut constraints = constraints::of(model, models);
    said.append(&mut constraints.of_struct);

    text.push('\n');
    doc(text, 0, table.comment.as_deref());
    let not_said: Vec<_> = model.fields.iter().filter_map(|field| field.not_said.clone()).collect();
    let not_said: Vec<_> =
        not_said.into_iter().chain(blank).chain(constraints.not_said.drain(..)).chain(beside).collect();
    if !not_said.is_empty() {
        text.push_str("// Not said by this model:\n");
        for what in &not_said {
            let _ = writeln!(text, "// - {}", one_line(what));
        }
    }
    text.push_str("#[derive(Debug, Clone, Model)]\n");
    attribute(text, 0, "model", &said);
    let _ = writeln!(text, "pub struct {} {{", model.name);
    for (at, field) in model.fields.iter().enumerate() {
        let Some(ty) = &field.ty else { continue };
        doc(text, 1, field.column.comment.as_deref());
        let mut said = field.said.clone();
        // A key that is another row's is not numbered.
        if field.may_be_numbered(table) && !field.column.identity && !constraints.has(at, "belongs_to") {
            said.insert(1, "no_identity".to_owned());
        }
        said.extend(constraints.of_fields.iter().filter(|(of, _)| *of == at).map(|(_, said)| said.clone()));
        if !said.is_empty() {
            attribute(text, 1, "model", &said);
        }
        let _ = writeln!(text, "    pub {}: {ty},", field.name);
    }
    text.push_str("}\n");
}

/// A comment of the database as documentation.
fn doc(text: &mut String, depth: usize, comment: Option<&str>) {
    for line in comment.iter().flat_map(|comment| comment.trim().lines()) {
        let line: String = line.chars().filter(|character| !character.is_control()).collect();
        let _ = writeln!(
            text,
            "{:width$}///{}{}",
            "",
            if line.is_empty() { "" } else { " " },
            line.trim(),
            width = depth * 4
        );
    }
}

/// `#[model(...)]`, on one line or each item on its own.
fn attribute(text: &mut String, depth: usize, name: &str, items: &[String]) {
    let (indent, flat) = (depth * 4, items.join(", "));
    let width = |text: &str| text.chars().count();
    if width(&flat) <= ATTRIBUTE_WIDTH && indent + width(&flat) + width(name) + 5 <= WIDTH {
        let _ = writeln!(text, "{:indent$}#[{name}({flat})]", "");
        return;
    }
    let _ = writeln!(text, "{:indent$}#[{name}(", "");
    let items: Vec<_> = items.iter().map(|item| format!("{:inner$}{item}", "", inner = indent + 4)).collect();
    let _ = writeln!(text, "{}\n{:indent$})]", items.join(",\n"), "");
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An expression without the parentheses around the whole of it, which PostgreSQL writes.
fn bare(sql: &str) -> &str {
    let Some(inner) = sql.strip_prefix('(').and_then(|sql| sql.strip_suffix(')')) else { return sql };
    let mut depth = 0;
    for token in crate::compare::renames::tokens(inner) {
        depth += i32::from(token == "(") - i32::from(token == ")");
        if depth < 0 {
            return sql;
        }
    }
    inner
}
