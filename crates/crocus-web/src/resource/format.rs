//! The forms that rows are sent in, and which of them a client wants.

use std::borrow::Cow;

use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use crocus_orm::dynamic::{JsonList, JsonRow};
use serde_json::value::RawValue;
use tokio::task::yield_now;

use crate::Problem;

/// A form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) kind: Kind,
    /// Whether members that are NULL are left out.
    pub(super) stripped: bool,
}

/// The media types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An array of objects.
    Json,
    /// One object; anything but one row is refused.
    Object,
    /// A table with a head.
    Csv,
    /// An object a line.
    Ndjson,
}

/// The media types that are known, the one that is meant by `*/*` first.
const KNOWN: [(&str, Kind); 6] = [
    ("application/json", Kind::Json),
    ("application/vnd.pgrst.array+json", Kind::Json),
    ("application/vnd.pgrst.object+json", Kind::Object),
    ("text/csv", Kind::Csv),
    ("application/x-ndjson", Kind::Ndjson),
    ("application/ndjson", Kind::Ndjson),
];

impl Format {
    /// JSON, as it is without a header.
    pub(super) const JSON: Format = Format { kind: Kind::Json, stripped: false };

    /// The form that the client likes best (RFC 9110, 12.5.1).
    ///
    /// # Errors
    /// A 406 where it takes none of ours.
    pub(super) fn negotiate(headers: &HeaderMap) -> Result<Format, Problem> {
        let mut all = headers.get_all(header::ACCEPT).iter();
        match (all.next(), all.next()) {
            (None, _) => return Ok(Format::JSON),
            (Some(one), None) if one == "*/*" || one == "application/json" => return Ok(Format::JSON),
            _ => {}
        }
        let accepted: Vec<_> = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
        let ranges: Vec<_> = accepted.iter().flat_map(|value| value.split(',')).filter_map(Accepted::read).collect();
        if ranges.is_empty() {
            return Ok(Format::JSON);
        }
        // Where two are liked alike, the one that stands first.
        let mut best: Option<(f32, Format)> = None;
        for range in ranges.iter().filter(|range| range.quality > 0.0) {
            let wanted = KNOWN.iter().find(|(name, _)| range.takes(name) && !is_refused(&ranges, name));
            if let Some((_, kind)) = wanted
                && best.is_none_or(|(quality, _)| range.quality > quality)
            {
                best = Some((range.quality, Format { kind: *kind, stripped: range.stripped }));
            }
        }
        best.map(|(_, format)| format).ok_or_else(|| {
            let known: Vec<_> = KNOWN[..5].iter().map(|(name, _)| *name).collect();
            let text = format!("none of `{}` can be sent; there is {}", accepted.join(", "), known.join(", "));
            Problem::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable").with_detail(text)
        })
    }

    /// The value of `Content-Type`.
    pub(super) fn content_type(self) -> &'static str {
        match (self.kind, self.stripped) {
            (Kind::Json, false) => "application/json",
            (Kind::Json, true) => "application/vnd.pgrst.array+json;nulls=stripped",
            (Kind::Object, false) => "application/vnd.pgrst.object+json",
            (Kind::Object, true) => "application/vnd.pgrst.object+json;nulls=stripped",
            (Kind::Csv, _) => "text/csv; charset=utf-8",
            (Kind::Ndjson, _) => "application/x-ndjson",
        }
    }

    /// One row in this form.
    pub(super) fn write_one(self, row: JsonRow, names: &[String]) -> Vec<u8> {
        match self {
            Format { kind: Kind::Object, stripped: false } => row.0,
            _ => self.write(&[row], names),
        }
    }

    /// Rows in this form. `names` are the members of each, for the head of a table.
    pub(super) fn write(self, rows: &[JsonRow], names: &[String]) -> Vec<u8> {
        let mut text = Vec::with_capacity(rows.iter().map(|row| row.0.len() + 1).sum::<usize>() + 2);
        self.begin(names, &mut text);
        for (index, row) in rows.iter().enumerate() {
            self.add(&row.0, index == 0, &mut text);
        }
        self.end(rows.is_empty(), &mut text);
        text
    }

    /// A list in this form, in parts. After each the thread does something else first.
    pub(super) async fn write_list(self, list: JsonList, names: &[String]) -> Vec<Bytes> {
        if self == Format::JSON {
            return list.array();
        }
        let (mut parts, mut text) = (Vec::new(), Vec::new());
        self.begin(names, &mut text);
        let mut is_first = true;
        for rows in list.rows() {
            for row in rows {
                self.add(row, is_first, &mut text);
                is_first = false;
            }
            parts.push(std::mem::take(&mut text).into());
            yield_now().await;
        }
        self.end(is_first, &mut text);
        parts.push(text.into());
        parts
    }

    /// What stands before the rows.
    fn begin(self, names: &[String], text: &mut Vec<u8>) {
        match self.kind {
            Kind::Json => text.push(b'['),
            Kind::Csv => line(text, names.iter().map(String::as_str)),
            Kind::Object | Kind::Ndjson => {}
        }
    }

    fn add(self, row: &[u8], is_first: bool, text: &mut Vec<u8>) {
        let row = if self.stripped { Cow::Owned(strip(row)) } else { Cow::Borrowed(row) };
        match self.kind {
            Kind::Object => text.extend_from_slice(&row),
            Kind::Json => {
                text.extend((!is_first).then_some(b','));
                text.extend_from_slice(&row);
            }
            Kind::Ndjson => {
                text.extend_from_slice(&row);
                text.push(b'\n');
            }
            Kind::Csv => {
                let cells: Vec<_> = members(&row).into_iter().map(|(_, value)| cell(value)).collect();
                line(text, cells.iter().map(String::as_str));
            }
        }
    }

    /// What stands behind the rows, or in place of any.
    fn end(self, is_empty: bool, text: &mut Vec<u8>) {
        match self.kind {
            Kind::Json => text.push(b']'),
            Kind::Object if is_empty => text.extend_from_slice(b"null"),
            _ => {}
        }
    }
}

/// A media range, and how much it is liked.
struct Accepted {
    name: String,
    quality: f32,
    stripped: bool,
}

impl Accepted {
    fn read(text: &str) -> Option<Accepted> {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().filter(|name| !name.is_empty())?.to_ascii_lowercase();
        let (mut quality, mut stripped) = (1.0, false);
        for parameter in parts {
            match parameter.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
                Some(("q" | "Q", value)) => quality = value.parse().unwrap_or(0.0),
                Some(("nulls", "stripped")) => stripped = true,
                _ => {}
            }
        }
        Some(Accepted { name, quality, stripped })
    }

    fn takes(&self, media_type: &str) -> bool {
        let of_type = |range: &str| media_type.split('/').next() == range.split('/').next();
        self.name == media_type || self.name == "*/*" || self.name.ends_with("/*") && of_type(&self.name)
    }
}

/// Whether a media type is refused by name.
fn is_refused(ranges: &[Accepted], media_type: &str) -> bool {
    ranges.iter().any(|range| range.name == media_type && range.quality == 0.0)
}

/// The members of a row, in order.
fn members(row: &[u8]) -> Vec<(String, &RawValue)> {
    let read: Result<Members<'_>, _> = serde_json::from_slice(row);
    read.map(|members| members.0).unwrap_or_default()
}

struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

fn strip(row: &[u8]) -> Vec<u8> {
    let mut text = b"{".to_vec();
    for (name, value) in members(row).into_iter().filter(|(_, value)| value.get() != "null") {
        if text.len() > 1 {
            text.push(b',');
        }
        text.extend_from_slice(serde_json::Value::from(name).to_string().as_bytes());
        text.push(b':');
        text.extend_from_slice(value.get().as_bytes());
    }
    text.push(b'}');
    text
}

/// A value as a cell: a text without its quotes, NULL as nothing, anything else as JSON.
fn cell(value: &RawValue) -> String {
    match value.get() {
        "null" => String::new(),
        // An empty text is not NULL, which is nothing.
        "\"\"" => "\"\"".to_owned(),
        text if text.starts_with('"') => quoted(&serde_json::from_str::<String>(text).unwrap_or_default()),
        text => quoted(text),
    }
}

/// RFC 4180, 2.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

fn line<'a>(text: &mut Vec<u8>, cells: impl Iterator<Item = &'a str>) {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            text.push(b',');
        }
        text.extend_from_slice(cell.as_bytes());
    }
    text.push(b'\n');
}
