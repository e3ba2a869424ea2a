//! The bodies of writes: rows as JSON, as lines of JSON or as a table, and patches.

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use bytes::Bytes;
use crocus_orm::{FieldError, JsonObject};
use serde_json::Value as Json;

use super::ask::Ask;
use super::definition::Definition;
use crate::observe::Given;
use crate::payload::{body_of, invalid, invalid_json};
use crate::{Limits, Problem, Result};

/// The rows of a body.
#[derive(Debug)]
pub(super) struct Bodies {
    /// Whether they stand in a list, so that a mistake's pointer begins with the row's number.
    pub(super) many: bool,
    pub(super) rows: Vec<Brought>,
}

/// A row of a body.
#[derive(Debug)]
pub(super) enum Brought {
    Object(JsonObject),
    /// A line of a table: a text for each column, or none where it is empty.
    Texts(Vec<(String, Option<String>)>),
    /// JSON that is no object.
    Other,
}

/// What a PATCH of one row brings.
#[derive(Debug)]
pub(super) enum PatchBody {
    /// RFC 7396.
    Merge(JsonObject),
    /// RFC 6902.
    Operations(json_patch::Patch),
}

/// The media types of bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Media {
    Json,
    MergePatch,
    JsonPatch,
    Csv,
    Ndjson,
}

const ROWS: &str = "application/json, application/x-ndjson, text/csv";
const PATCHES: &str = "application/merge-patch+json, application/json, application/json-patch+json";

impl Media {
    fn of(headers: &HeaderMap) -> Option<Media> {
        let media_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        Some(match essence.as_str() {
            "application/merge-patch+json" => Media::MergePatch,
            "application/json-patch+json" => Media::JsonPatch,
            "text/csv" => Media::Csv,
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Media::Ndjson,
            "application/json" => Media::Json,
            other if other.starts_with("application/") && other.ends_with("+json") => Media::Json,
            _ => return None,
        })
    }
}

fn unsupported(parts: &Parts, name: header::HeaderName, known: &'static str) -> Problem {
    let given = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let given = given.map_or("a body without a `Content-Type`".to_owned(), |given| format!("`{given}`"));
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
        .with_detail(format!("{given} is not taken here; send {known}"))
        .with_header(name, HeaderValue::from_static(known))
}

const ACCEPT_POST: header::HeaderName = header::HeaderName::from_static("accept-post");
const ACCEPT_PATCH: header::HeaderName = header::HeaderName::from_static("accept-patch");

impl Bodies {
    pub(super) async fn read(ask: &Ask, body: Body, definition: &Definition) -> Result<Bodies> {
        let media = Media::of(&ask.parts.headers);
        let bodies = match media {
            Some(Media::Json) => Bodies::json(&bytes(ask, body).await?)?,
            Some(Media::Ndjson) => Bodies::lines(&bytes(ask, body).await?)?,
            Some(Media::Csv) => Bodies::table(&bytes(ask, body).await?)?,
            _ => return Err(unsupported(&ask.parts, ACCEPT_POST, ROWS)),
        };
        let (number, limit) = (bodies.rows.len(), definition.limits.items);
        if number > limit {
            let text = format!("the body brings {number} rows; at most {limit} are taken at once");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_many_rows").with_detail(text));
        }
        Ok(bodies)
    }

    fn json(body: &[u8]) -> Result<Bodies> {
        match serde_json::from_slice(body).map_err(|error| invalid_json(&error))? {
            Json::Object(object) => Ok(Bodies { many: false, rows: vec![Brought::Object(object)] }),
            Json::Array(items) => {
                let brought = |item| match item {
                    Json::Object(object) => Brought::Object(object),
                    _ => Brought::Other,
                };
                Ok(Bodies { many: true, rows: items.into_iter().map(brought).collect() })
            }
            _ => Err(invalid(vec![mistake(String::new(), "must be an object, or an array of objects")])),
        }
    }

    fn lines(body: &[u8]) -> Result<Bodies> {
        let mut rows = Vec::new();
        let lines = body.split(|byte| *byte == b'\n').enumerate();
        for (index, line) in lines.filter(|(_, line)| !line.trim_ascii().is_empty()) {
            match serde_json::from_slice(line) {
                Ok(Json::Object(object)) => rows.push(Brought::Object(object)),
                Ok(_) => return Err(not_json(format!("line {} is no object", index + 1))),
                Err(error) => return Err(not_json(format!("line {} is not valid JSON: {error}", index + 1))),
            }
        }
        Ok(Bodies { many: true, rows })
    }

    fn table(body: &[u8]) -> Result<Bodies> {
        let refused = |error: csv::Error| {
            let text = format!("the body is no table: {error}");
            Problem::new(StatusCode::BAD_REQUEST, "invalid_csv").with_detail(text)
        };
        let mut reader =
            csv::ReaderBuilder::new().from_reader(body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body));
        let names: Vec<String> = reader.headers().map_err(refused)?.iter().map(str::to_owned).collect();
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(refused)?;
            let cell = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
            rows.push(Brought::Texts(names.iter().cloned().zip(record.iter().map(cell)).collect()));
        }
        Ok(Bodies { many: true, rows })
    }
}

fn not_json(detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_json").with_detail(detail)
}

fn mistake(pointer: String, detail: &str) -> FieldError {
    FieldError { pointer, detail: detail.to_owned() }
}

/// The body of a PUT, or of a PATCH of several rows: one object.
pub(super) async fn one(ask: &Ask, body: Body) -> Result<JsonObject> {
    match Media::of(&ask.parts.headers) {
        Some(Media::Json | Media::MergePatch) => {}
        _ => return Err(unsupported(&ask.parts, header::ACCEPT, "application/json")),
    }
    object(&bytes(ask, body).await?)
}

/// The body of a PATCH of one row.
pub(super) async fn patch(ask: &Ask, body: Body) -> Result<PatchBody> {
    match Media::of(&ask.parts.headers) {
        Some(Media::Json | Media::MergePatch) => object(&bytes(ask, body).await?).map(PatchBody::Merge),
        Some(Media::JsonPatch) => {
            let patch = serde_json::from_slice(&bytes(ask, body).await?)
                .map_err(|error| not_json(format!("the body is no JSON patch (RFC 6902): {error}")))?;
            Ok(PatchBody::Operations(patch))
        }
        _ => Err(unsupported(&ask.parts, ACCEPT_PATCH, PATCHES)),
    }
}

fn object(body: &[u8]) -> Result<JsonObject> {
    match serde_json::from_slice(body).map_err(|error| invalid_json(&error))? {
        Json::Object(object) => Ok(object),
        _ => Err(invalid(vec![mistake(String::new(), "must be an object")])),
    }
}

/// The body of QUERY: what would stand behind the question mark.
pub(super) async fn query(parts: &Parts, body: Body, definition: &Definition) -> Result<String> {
    const FORM: &str = "application/x-www-form-urlencoded";
    let media_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(FORM) {
        return Err(unsupported(parts, header::HeaderName::from_static("accept-query"), FORM));
    }
    let body = body_of(&parts.headers, body, definition.limits.query).await?;
    String::from_utf8(body.to_vec()).map_err(|_| super::problems::invalid_query("the query is no text in UTF-8"))
}

/// All of a body.
pub(super) async fn bytes(ask: &Ask, body: Body) -> Result<Bytes> {
    let limit = ask.parts.extensions.get::<Given>().map_or_else(Limits::default, |given| given.limits).body;
    body_of(&ask.parts.headers, body, limit).await
}
