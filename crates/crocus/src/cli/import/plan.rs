//! What a row of a file is for a table: which field is which column's, what is NULL, what is wrong.

use std::collections::HashMap;

use crocus_orm::dynamic::Reader;
use crocus_orm::table::{ColumnDef, ColumnType};
use crocus_orm::{Assignments, FieldError, TableDef, nearest};
use serde_json::Value as Json;

use super::rows::{Field, Form, Row};
use crate::error::{Error, Result};

/// The line that a rejected row was on. Passed over in a file: rejected rows can be imported when they are repaired.
pub(super) const LINE: &str = "crocus_line";

/// Why a row was rejected. Passed over too.
pub(super) const REASON: &str = "crocus_reason";

/// How rows of a file become rows of a table.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) form: Form,
    table: &'static TableDef,
    reader: Reader,
    /// For each field of a row of CSV the index of its column; none for what is passed over.
    fields: Vec<Option<usize>>,
    /// The columns by name; none for what is passed over.
    names: HashMap<&'static str, Option<usize>>,
    /// The text without quotes that is NULL.
    null: String,
}

impl Plan {
    /// `head` are the names in the first row of CSV.
    ///
    /// # Errors
    /// Every mistake in the head: names that are no columns, columns that are missing.
    pub(super) fn new(form: Form, table: &'static TableDef, head: Option<&[String]>, null: String) -> Result<Plan> {
        let columns = table.columns.iter().enumerate();
        let of_column =
            |(index, column): (usize, &'static ColumnDef)| (column.name, column.generated.is_none().then_some(index));
        let mut names: HashMap<_, _> = columns.map(of_column).collect();
        for own in [LINE, REASON] {
            names.entry(own).or_insert(None);
        }
        let mut plan = Plan { form, table, reader: Reader::new(table), fields: Vec::new(), names, null };
        if let Some(head) = head {
            plan.read_head(head)?;
        }
        Ok(plan)
    }

    fn read_head(&mut self, head: &[String]) -> Result<()> {
        let mut mistakes = Vec::new();
        for (place, name) in head.iter().enumerate() {
            match self.names.get(name.as_str()) {
                Some(_) if head[..place].contains(name) => mistakes.push(format!("`{name}` is there twice")),
                Some(column) => self.fields.push(*column),
                None => mistakes.push(self.unknown(name)),
            }
        }
        let missing = (0..self.table.columns.len())
            .filter(|column| self.reader.is_required(*column) && self.names[self.table.columns[*column].name].is_some())
            .filter(|column| !self.table.columns[*column].version)
            .map(|column| self.table.columns[column].name)
            .filter(|name| !head.iter().any(|given| given == name));
        mistakes.extend(missing.map(|name| format!("`{name}` is missing, and has no default")));
        if mistakes.is_empty() {
            return Ok(());
        }
        let text = format!("the head of the file does not fit `{}`: {}", self.table.name, mistakes.join("; "));
        Err(Error::new(text).with_hint(format!("the first line names columns, such as `{}`", self.example())))
    }

    /// A head that would do.
    fn example(&self) -> String {
        let written = |column: &&ColumnDef| column.generated.is_none() && !column.version && !column.identity;
        self.table.columns.iter().filter(written).map(|column| column.name).collect::<Vec<_>>().join(",")
    }

    fn unknown(&self, name: &str) -> String {
        let known = self.table.columns.iter().map(|column| column.name);
        match nearest(name, known) {
            Some(near) => format!("`{name}` is no column of `{}`; did you mean `{near}`?", self.table.name),
            None => format!("`{name}` is no column of `{}`", self.table.name),
        }
    }

    /// Whether rows bring values of a column, as far as is known before they are read.
    pub(super) fn may_bring(&self, column: usize) -> bool {
        self.form == Form::Ndjson || self.fields.contains(&Some(column))
    }

    /// Whether a row is nothing but an empty line, which is a row only where there is one column.
    pub(super) fn is_blank(&self, bytes: &[u8]) -> bool {
        bytes.trim_ascii().is_empty() && self.fields.len() != 1
    }

    /// What a row brings.
    ///
    /// # Errors
    /// Why it can be no row of the table.
    pub(super) fn row(&self, bytes: &[u8], row: Row, fields: &[Field]) -> Result<Assignments, String> {
        let text = str::from_utf8(&bytes[..row.content]).map_err(|error| wrong_encoding(bytes, error))?;
        if let Some(mistake) = row.mistake {
            return Err(format!("the row {mistake}"));
        }
        let (assignments, mistakes) = match self.form {
            Form::Csv { .. } => self.texts(text, fields)?,
            Form::Ndjson => self.object(text)?,
        };
        if mistakes.is_empty() { Ok(assignments) } else { Err(mistakes.join("; ")) }
    }

    /// The same of bytes that are a row and nothing else.
    pub(super) fn whole_row(&self, bytes: &[u8]) -> Result<Assignments, String> {
        let mut fields = Vec::new();
        let row = self.form.row(bytes, true, &mut fields).ok_or("the row has no end")?;
        self.row(bytes, row, &fields)
    }

    fn texts(&self, row: &str, fields: &[Field]) -> Result<(Assignments, Vec<String>), String> {
        if fields.len() != self.fields.len() {
            let (given, wanted) = (fields.len(), self.fields.len());
            return Err(format!(
                "the row has {given} field{}, and the head {wanted}",
                if given == 1 { "" } else { "s" }
            ));
        }
        let (mut assignments, mut mistakes) = (Vec::with_capacity(fields.len()), Vec::new());
        for (field, index) in fields.iter().zip(&self.fields) {
            let Some(index) = *index else { continue };
            let text = field.text(row);
            let column = &self.table.columns[index];
            let value = if field.quoted || *text != *self.null {
                self.reader.text(index, &text)
            } else if column.nullable {
                self.reader.json(index, Json::Null)
            } else if column.ty == ColumnType::Text && text.is_empty() {
                self.reader.text(index, "")
            } else if self.has_default(index) {
                continue;
            } else {
                Err(vec![FieldError { pointer: format!("/{}", column.name), detail: "must not be NULL".to_owned() }])
            };
            match value {
                Ok(value) => assignments.push((index, value)),
                Err(errors) => mistakes.extend(errors.into_iter().map(said)),
            }
        }
        Ok((assignments, mistakes))
    }

    fn object(&self, text: &str) -> Result<(Assignments, Vec<String>), String> {
        let json: Json = serde_json::from_str(text).map_err(|error| format!("the line is not valid JSON: {error}"))?;
        let Json::Object(mut object) = json else { return Err("the line is no JSON object".to_owned()) };
        let (mut assignments, mut mistakes) = (Vec::with_capacity(object.len()), Vec::new());
        for (index, column) in self.table.columns.iter().enumerate() {
            match object.remove(column.name) {
                _ if column.generated.is_some() => {}
                Some(json) => match self.reader.json(index, json) {
                    Ok(value) => assignments.push((index, value)),
                    Err(errors) => mistakes.extend(errors.into_iter().map(said)),
                },
                None if !self.has_default(index) => {
                    mistakes.push(format!("`{}` is missing, and has no default", column.name));
                }
                None => {}
            }
        }
        mistakes.extend(
            object.keys().filter(|name| !self.names.contains_key(name.as_str())).map(|name| self.unknown(name)),
        );
        Ok((assignments, mistakes))
    }

    /// Whether a row can do without the column's value.
    fn has_default(&self, column: usize) -> bool {
        !self.reader.is_required(column) || self.table.columns[column].version
    }
}

/// ``the column `doors` must be an integer``
fn said(error: FieldError) -> String {
    format!("`{}` {}", error.pointer.trim_start_matches('/'), error.detail)
}

/// Names the line, counted from the row's first, and the byte.
fn wrong_encoding(bytes: &[u8], error: std::str::Utf8Error) -> String {
    let at = error.valid_up_to();
    let before = &bytes[..at];
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let byte = bytes.get(at).copied().unwrap_or_default();
    let line = match before.iter().filter(|byte| **byte == b'\n').count() {
        0 => "the line".to_owned(),
        lines => format!("the row's line {}", lines + 1),
    };
    format!(
        "byte {} of {line} is 0x{byte:02X}, which is no UTF-8; if the file is in ISO 8859-1, \
         `iconv -f ISO-8859-1 -t UTF-8` converts it",
        at - line_start + 1
    )
}
