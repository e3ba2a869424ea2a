//! `Idempotency-Key`: a write that a client sends again, since it did not get the answer, is done once
//! (draft-ietf-httpapi-idempotency-key-header).
//!
//! The answer is kept in the same transaction as the write, for a day. An answer that is an error is not kept: nothing
//! was written, and the request can be done when it comes again.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use crocus_orm::idempotency::{self, Known};
use crocus_orm::{Engine, Transaction};
use http_body_util::BodyExt;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::etag::digest;
use super::plan::Scopes;
use crate::{Problem, Result};

pub(super) const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The longest key, in bytes.
const LONGEST: usize = 255;

/// The keys of requests that this program is doing.
static IN_FLIGHT: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

/// A request that is to be done once.
#[derive(Debug)]
pub(super) struct Once {
    key: String,
    /// What tells it from another with the same key.
    request: String,
}

impl Once {
    /// The request's key, if it has one. The body is part of what the request is, and so is what it may see.
    ///
    /// # Errors
    /// A 400 for a header that is no key; a 409 where this program is doing a request with the key.
    pub(super) fn of(parts: &Parts, scopes: &Scopes, body: &Bytes) -> Result<Option<Once>> {
        let Some(key) = key(&parts.headers)? else { return Ok(None) };
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        part(parts.method.as_str().as_bytes());
        part(parts.uri.to_string().as_bytes());
        for name in ["content-type", "prefer", "accept", "if-match", "authorization"] {
            let values: Vec<&[u8]> = parts.headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
            part(&values.join(&b','));
        }
        part(body);
        let request = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        if !IN_FLIGHT.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone()) {
            return Err(in_flight());
        }
        Ok(Some(Once { key, request }.within(scopes)))
    }

    /// The same request, of somebody who may see this: the answer is for nobody else.
    pub(super) fn within(mut self, scopes: &Scopes) -> Once {
        let mut scopes: Vec<_> = scopes.iter().map(|(path, scope)| format!("{path} {scope:?}")).collect();
        scopes.sort();
        self.request = digest(format!("{}\n{}", self.request, scopes.join("\n")).as_bytes());
        self
    }

    /// Makes the table for keys in a database, once.
    pub(super) async fn prepare(engine: &Engine) -> Result<()> {
        static PREPARED: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
        let url = engine.url().to_string();
        if !PREPARED.lock().unwrap_or_else(PoisonError::into_inner).contains(&url) {
            idempotency::prepare(engine).await?;
            PREPARED.lock().unwrap_or_else(PoisonError::into_inner).insert(url);
        }
        Ok(())
    }

    /// The answer that was given before, if there was one.
    ///
    /// # Errors
    /// A 409 where another program is doing it; a 422 where the key was another request's.
    pub(super) async fn look(&self, transaction: &Transaction) -> Result<Option<Response>> {
        match idempotency::look(transaction, &self.key).await? {
            Known::New => Ok(None),
            Known::InFlight => Err(in_flight()),
            Known::Done { request, .. } if request != self.request => {
                let text = "the key was another request's: each request needs a key of its own";
                Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused").with_detail(text))
            }
            Known::Done { answer, .. } => read(&answer).map(Some),
        }
    }

    /// Keeps an answer, and gives it back.
    pub(super) async fn keep(&self, transaction: &Transaction, response: Response) -> Result<Response> {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| Problem::internal(error.to_string()))?.to_bytes();
        let headers: Vec<_> =
            parts.headers.iter().filter_map(|(name, value)| Some([name.as_str(), value.to_str().ok()?])).collect();
        let text = String::from_utf8_lossy(&body);
        let answer = json!({"status": parts.status.as_u16(), "headers": headers, "body": text});
        idempotency::keep(transaction, &self.key, &self.request, &answer.to_string()).await?;
        Ok(Response::from_parts(parts, Body::from(body)))
    }
}

impl Drop for Once {
    fn drop(&mut self) {
        IN_FLIGHT.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

fn in_flight() -> Problem {
    let text = "a request with this key is being done; ask again when it is";
    Problem::new(StatusCode::CONFLICT, "idempotency_key_in_flight").with_detail(text)
}

/// The key: a string of RFC 9651, or the text itself.
fn key(headers: &HeaderMap) -> Result<Option<String>> {
    let mut values = headers.get_all(KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    if text.is_empty() || text.len() > LONGEST || !is_plain || values.next().is_some() {
        let text = format!("`Idempotency-Key` must be one text of 1 to {LONGEST} visible characters");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_idempotency_key").with_detail(text));
    }
    Ok(Some(text.to_owned()))
}

/// The answer as it was kept.
fn read(answer: &str) -> Result<Response> {
    let kept: Json = serde_json::from_str(answer).map_err(|error| Problem::internal(error.to_string()))?;
    let status = kept["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    let status = status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::OK);
    let mut response = (status, kept["body"].as_str().unwrap_or_default().to_owned()).into_response();
    let headers = response.headers_mut();
    headers.clear();
    for pair in kept["headers"].as_array().into_iter().flatten() {
        let (Some(name), Some(value)) = (pair[0].as_str(), pair[1].as_str()) else { continue };
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}
