//! `Payload`: a JSON body checked against a model.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use crocus_orm::{FieldError, FromJson};
use http_body_util::{BodyExt, LengthLimitError};

use crate::compression::Undecodable;
use crate::observe::Given;
use crate::{Limits, Problem};

/// A JSON body as `NewCar` or `CarPatch`: `Payload(new): Payload<NewCar>`.
///
/// Any JSON media type is taken (`application/json` and `application/*+json`). Members that the model lacks are
/// ignored. What is wrong is answered with all mistakes at once: 415 for another media type, 413 for a body over the
/// limit, 400 for what is not JSON, 422 for JSON that does not fit the model.
#[derive(Debug, Clone, Copy)]
pub struct Payload<T>(pub T);

impl<T: FromJson, S: Send + Sync> FromRequest<S> for Payload<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let body = json_body(request).await?;
        let json = serde_json::from_slice(&body).map_err(|error| invalid_json(&error))?;
        let serde_json::Value::Object(object) = json else {
            let error = FieldError { pointer: String::new(), detail: "must be an object".to_owned() };
            return Err(invalid(vec![error]));
        };
        T::from_json(object).map(Payload).map_err(invalid)
    }
}

/// The body of a request that says it is JSON and keeps to the limit.
pub(crate) async fn json_body(request: Request) -> Result<Bytes, Problem> {
    if !is_json(request.headers()) {
        return Err(not_json());
    }
    let limit = request.extensions().get::<Given>().map_or_else(Limits::default, |given| given.limits).body;
    let length = content_length(request.headers());
    read(request.into_body(), length, limit).await
}

/// The body of a request with these headers, if it keeps to the limit.
pub(crate) async fn body_of(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Problem> {
    read(body, content_length(headers), limit).await
}

/// A 400 for a body that is no JSON.
pub(crate) fn invalid_json(error: &serde_json::Error) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_json").with_detail(format!("the body is not valid JSON: {error}"))
}

/// A 422 for JSON that is not what it should be.
pub(crate) fn invalid(errors: Vec<FieldError>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_payload")
        .with_detail("the payload does not fit the model")
        .with_errors(errors)
}

/// `application/json`, or `application/` with the structured suffix `+json` (RFC 6839).
fn is_json(headers: &HeaderMap) -> bool {
    let Some(media_type) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let Some(subtype) = essence.strip_prefix("application/") else {
        return false;
    };
    subtype == "json" || (subtype.len() > 5 && subtype.ends_with("+json"))
}

fn not_json() -> Problem {
    const TEXT: &str = "The request payload is not in JSON format";
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json").with_detail(TEXT).with_member("error", TEXT)
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The body, if it keeps to the limit.
async fn read(mut body: Body, length: Option<u64>, limit: usize) -> Result<Bytes, Problem> {
    // What is read and thrown away beyond the limit: a client that is still sending when the connection is closed
    // does not see the answer. A client that sends more than this does not deserve it.
    let drained = limit.saturating_mul(8);
    if length.is_some_and(|length| length > drained as u64) {
        return Err(too_large(limit));
    }
    let mut read = BytesMut::new();
    let mut size = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| unreadable(error, limit))?;
        let Ok(data) = frame.into_data() else { continue };
        size += data.len();
        if size > drained {
            break;
        }
        if size <= limit {
            read.extend_from_slice(&data);
        }
    }
    if size > limit { Err(too_large(limit)) } else { Ok(read.freeze()) }
}

fn too_large(limit: usize) -> Problem {
    let text = format!("the body is larger than the limit of {limit} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large").with_detail(text)
}

/// Why a body could not be read to its end.
pub(crate) fn unreadable(error: axum::Error, limit: usize) -> Problem {
    let error = error.into_inner();
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&*error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return too_large(limit);
        }
        if let Some(error) = error.downcast_ref::<Undecodable>() {
            return Problem::new(StatusCode::BAD_REQUEST, "invalid_content_coding").with_detail(error.to_string());
        }
        cause = error.source();
    }
    Problem::new(StatusCode::BAD_REQUEST, "incomplete_body").with_detail("the body could not be read to its end")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_media_types() {
        for (value, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/vnd.api+json", true),
            ("application/+json", false),
            ("application/jsonp", false),
            ("text/json", false),
            ("text/plain", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().unwrap())]);
            assert_eq!(is_json(&headers), expected, "{value}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
