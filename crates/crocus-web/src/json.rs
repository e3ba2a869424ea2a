//! `Json`: a value as JSON, in an answer and in a body that is no model's.

use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use crocus_orm::FieldError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

use crate::payload::{invalid, invalid_json, json_body};
use crate::{Problem, Result};

/// A value as JSON: what a handler answers, or a body for a struct of the program's own with serde's `Deserialize`.
///
/// As a body it is refused like a [`Payload`](crate::Payload): 415, 413, 400, or 422 with the pointer of the first
/// mistake. A `Payload` finds all mistakes, and is what `NewCar` and `CarPatch` are read with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let body = json_body(request).await?;
        let mut json = serde_json::Deserializer::from_slice(&body);
        let value = serde_path_to_error::deserialize(&mut json).map_err(|error| match error.inner().classify() {
            Category::Data => {
                let detail = rule(&error.inner().to_string());
                invalid(vec![FieldError { pointer: pointer(error.path()), detail }])
            }
            Category::Io | Category::Syntax | Category::Eof => invalid_json(error.inner()),
        })?;
        json.end().map_err(|error| invalid_json(&error))?;
        Ok(Json(value))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Serde's text without the place in the body: the pointer says it better.
fn rule(text: &str) -> String {
    text.rsplit_once(" at line ").map_or(text, |(rule, _)| rule).to_owned()
}

/// A JSON pointer (RFC 6901).
fn pointer(path: &Path) -> String {
    let segments = path.iter().filter_map(|segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    segments.map(|segment| format!("/{segment}")).collect()
}
