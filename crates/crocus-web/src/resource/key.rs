//! The key of a row in a path, and the state that its entity tag tells.

use axum::http::StatusCode;
use crocus_orm::dynamic::{self, DynamicColumn, Source, TableRow};
use crocus_orm::table::ColumnDef;
use crocus_orm::{Expr, FieldError, Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value as Json;

use super::definition::Definition;
use super::etag::{Condition, digest};
use crate::Problem;

/// What a path's segment has unescaped. A comma stands between the values of a key of several columns.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// Reads the key in a path's segment, as it stands in the URL: one value for each column of the primary key, with
/// commas between.
///
/// # Errors
/// A 404: no row has a key that is none.
pub(super) fn read(definition: &Definition, segment: &str) -> Result<Vec<Value>, Problem> {
    let table = definition.table;
    let none = |why: String| Problem::not_found(format!("no {} is there: {why}", table.noun()));
    let (columns, texts) = (table.primary_key().count(), segment.split(',').count());
    if texts != columns {
        return Err(none(format!("its key has {columns} values, and `{segment}` has {texts}")));
    }
    let source = Source::new(table);
    let values = table.primary_key().zip(segment.split(',')).map(|(column, text)| {
        let text =
            percent_decode_str(text).decode_utf8().map_err(|_| none("its key is no text in UTF-8".to_owned()))?;
        source.column(column).parse(&text).map_err(|rule| none(format!("`{}` {rule}", column.name)))
    });
    values.collect()
}

/// A key as a path's segment.
pub(super) fn segment(definition: &Definition, key: &[Value]) -> String {
    let texts = definition
        .table
        .primary_key()
        .zip(key)
        .map(|(_, value)| utf8_percent_encode(&text(value), SEGMENT).to_string());
    texts.collect::<Vec<_>>().join(",")
}

/// Where a row is.
pub(super) fn location(definition: &Definition, key: &[Value]) -> String {
    format!("{}/{}", definition.path, segment(definition, key))
}

/// A 404 that names the key.
pub(super) fn not_found(definition: &Definition, key: &[Value]) -> Problem {
    let table = definition.table;
    let parts: Vec<_> =
        table.primary_key().zip(key).map(|(column, value)| format!("{} {}", column.name, text(value))).collect();
    Problem::new(StatusCode::NOT_FOUND, "not_found").with_detail(format!(
        "no {} with {}",
        table.noun(),
        parts.join(", ")
    ))
}

/// A value as a URL and a text have it.
fn text(value: &Value) -> String {
    match dynamic::json(value) {
        Ok(Json::String(text)) => text,
        Ok(json) => json.to_string(),
        Err(_) => String::new(),
    }
}

/// The columns of the primary key.
pub(super) fn columns(definition: &Definition) -> Vec<DynamicColumn> {
    let source = Source::new(definition.table);
    definition.table.primary_key().map(|column| source.column(column)).collect()
}

/// The columns that a row's state is told by: its version, or all where it has none.
pub(super) fn state_columns(definition: &Definition) -> Vec<DynamicColumn> {
    let source = Source::new(definition.table);
    match version(definition) {
        Some(version) => vec![source.column(version)],
        None => definition.table.columns.iter().map(|column| source.column(column)).collect(),
    }
}

/// The state of a row, by the values of these columns.
pub(super) fn state(definition: &Definition, values: &[Json]) -> String {
    state_of_text(definition, Json::from(values).to_string().as_bytes())
}

/// The state of a row, by the values of these columns as the text of a JSON array.
pub(super) fn state_of_text(definition: &Definition, values: &[u8]) -> String {
    match version(definition) {
        Some(_) => String::from_utf8_lossy(values).trim_matches(['[', ']']).to_owned(),
        None => digest(values),
    }
}

/// The state of a row that was written or locked.
pub(super) fn state_of(definition: &Definition, row: &TableRow) -> Result<String, Problem> {
    let columns = definition.table.columns.iter().enumerate();
    let told = columns.filter(|(_, column)| version(definition).is_none_or(|version| version.name == column.name));
    Ok(state_of_text(definition, &row.json_values(told.map(|(index, _)| index))?))
}

/// Whether a row has one of the versions that a client has seen; `None` where the table has no versions.
pub(super) fn versions(definition: &Definition, seen: &Condition) -> Option<Expr<bool>> {
    let column = Source::new(definition.table).column(version(definition)?);
    Some(match seen {
        Condition::Any => !column.is_null(),
        // What is no version is none that a row has.
        seen => column.is_in(seen.states().into_iter().filter_map(|state| column.parse(state).ok()).collect()),
    })
}

fn version(definition: &Definition) -> Option<&'static ColumnDef> {
    definition.table.columns.iter().find(|column| column.version)
}

/// A mistake of a body, under the pointer of what it is in.
pub(super) fn under(prefix: &str, error: FieldError) -> FieldError {
    FieldError { pointer: format!("{prefix}{}", error.pointer), ..error }
}
