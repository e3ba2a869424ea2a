//! Problems: every answer that is an error, as RFC 9457 has it.

pub mod reference;

use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use crocus_orm::{ErrorKind, FieldError};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};

/// The result of a handler.
pub type Result<T, E = Problem> = std::result::Result<T, E>;

/// An error answer: `application/problem+json` (RFC 9457) with a `code` that programs can tell apart, and for
/// payloads `errors`, each with the JSON pointer of a field and the rule that it breaks.
///
/// What a problem hides from the client, its cause, goes to the request's line in the log.
#[derive(Debug, Clone)]
pub struct Problem(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    status: StatusCode,
    code: &'static str,
    detail: Option<String>,
    hint: Option<String>,
    errors: Vec<FieldError>,
    /// Whether PostgREST's members are there too.
    of_resource: bool,
    /// PostgREST's `details`, where they are not the errors.
    details: Option<String>,
    members: Map<String, Value>,
    retry_after: bool,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<Cause>,
}

/// What the log is told and the client is not.
#[derive(Debug, Clone)]
pub(crate) struct Cause(pub(crate) Arc<str>);

/// What a client is told to wait before it tries again, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

impl Problem {
    /// A problem with a status, and a code in snake case.
    pub fn new(status: StatusCode, code: &'static str) -> Problem {
        Problem(Box::new(Inner {
            status,
            code,
            detail: None,
            hint: None,
            errors: Vec::new(),
            of_resource: false,
            details: None,
            members: Map::new(),
            retry_after: status == StatusCode::SERVICE_UNAVAILABLE,
            headers: Vec::new(),
            cause: None,
        }))
    }

    /// A 404.
    pub fn not_found(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not_found").with_detail(detail)
    }

    /// A 500. The client learns nothing but that; the cause is logged.
    pub fn internal(cause: impl Into<String>) -> Problem {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error")
            .with_detail("the server failed to answer; the request's id is in the header `x-request-id`")
            .with_cause(cause)
    }

    /// Says what happened this time, for a person.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Problem {
        self.0.detail = Some(detail.into());
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Problem {
        self.0.hint = Some(hint.into());
        self
    }

    /// With the members that PostgREST's clients show: `message`, `details`, `hint`, and `code`, which is there anyway.
    #[must_use]
    pub(crate) fn of_resource(mut self) -> Problem {
        self.0.of_resource = true;
        self
    }

    /// PostgREST's `details`, which its clients look for.
    #[must_use]
    pub(crate) fn with_details(mut self, details: impl Into<String>) -> Problem {
        self.0.details = Some(details.into());
        self
    }

    /// Says which fields break which rules.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Problem {
        self.0.errors = errors;
        self
    }

    /// Adds a member of its own.
    #[must_use]
    pub fn with_member(mut self, name: &str, value: impl Into<Value>) -> Problem {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Problem {
        self.0.headers.push((name, value));
        self
    }

    /// A 409: a row has these values in these columns already.
    pub(crate) fn unique_violation<'a>(columns: impl Iterator<Item = &'a str>) -> Problem {
        let error = |column| FieldError { pointer: format!("/{column}"), detail: "must be unique".to_owned() };
        Problem::new(StatusCode::CONFLICT, "unique_violation")
            .with_detail("a row with this value is there already")
            .with_errors(columns.map(error).collect())
    }

    /// As the problem of a row that stands at this pointer of the body; the row itself is named where no field is.
    #[must_use]
    pub(crate) fn under(mut self, pointer: &str) -> Problem {
        for error in &mut self.0.errors {
            error.pointer.insert_str(0, pointer);
        }
        if self.0.errors.is_empty() && !pointer.is_empty() && self.0.status.is_client_error() {
            let detail = self.0.detail.clone().unwrap_or_default();
            self.0.errors.push(FieldError { pointer: pointer.to_owned(), detail });
        }
        self
    }

    /// The body.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(&*self.0).unwrap_or_default()
    }

    /// Without the fields that break rules: where a body has many rows, the database does not say which one is meant.
    #[must_use]
    pub(crate) fn without_errors(mut self) -> Problem {
        self.0.errors.clear();
        self
    }

    /// Tells the log, and only the log, why.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<String>) -> Problem {
        self.0.cause = Some(Cause(cause.into().into()));
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The code.
    pub fn code(&self) -> &'static str {
        self.0.code
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = self.json();
        let Inner { status, retry_after, headers, cause, .. } = *self.0;
        let content_type = [(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))];
        let mut response = (status, content_type, body).into_response();
        if retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response.headers_mut().extend(headers);
        if let Some(cause) = cause {
            response.extensions_mut().insert(cause);
        }
        response
    }
}

/// The members in the order of RFC 9457's own examples.
impl Serialize for Inner {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("type", &reference::type_of(self.code))?;
        members.serialize_entry("title", self.status.canonical_reason().unwrap_or("Error"))?;
        members.serialize_entry("status", &self.status.as_u16())?;
        members.serialize_entry("code", self.code)?;
        if let Some(detail) = &self.detail {
            members.serialize_entry("detail", detail)?;
        }
        if self.of_resource {
            let title = self.status.canonical_reason().unwrap_or("Error");
            let rules: Vec<_> =
                self.errors.iter().map(|error| format!("{}: {}", error.pointer, error.detail)).collect();
            members.serialize_entry("message", self.detail.as_deref().unwrap_or(title))?;
            let rules = (!rules.is_empty()).then(|| rules.join("; "));
            members.serialize_entry("details", &self.details.as_ref().or(rules.as_ref()))?;
            members.serialize_entry("hint", &self.hint)?;
        } else if let Some(hint) = &self.hint {
            members.serialize_entry("hint", hint)?;
        }
        if !self.errors.is_empty() {
            let error = |error: &FieldError| json!({"pointer": error.pointer, "detail": error.detail});
            members.serialize_entry("errors", &self.errors.iter().map(error).collect::<Value>())?;
        }
        for (name, value) in &self.members {
            members.serialize_entry(name, value)?;
        }
        members.end()
    }
}

impl From<crocus_orm::Error> for Problem {
    fn from(error: crocus_orm::Error) -> Problem {
        use StatusCode as S;
        let text = error.to_string();
        let columns = || error.constraint().into_iter().flat_map(|constraint| &constraint.columns);
        let violated = |status, code, detail: &str, rule: String| {
            let errors = columns().map(|column| FieldError { pointer: format!("/{column}"), detail: rule.clone() });
            Problem::new(status, code).with_detail(detail).with_errors(errors.collect()).with_cause(text.clone())
        };
        match error.kind() {
            ErrorKind::NotFound => Problem::not_found(text),
            ErrorKind::UniqueViolation => Problem::unique_violation(columns().map(String::as_str)).with_cause(text),
            ErrorKind::ForeignKeyViolation => violated(
                S::CONFLICT,
                "foreign_key_violation",
                match columns().next() {
                    Some(_) => "a row that is referred to is not there",
                    None => "a row that is referred to is not there, or is still referred to",
                },
                "must refer to a row that exists".to_owned(),
            ),
            ErrorKind::NotNullViolation => violated(
                S::UNPROCESSABLE_ENTITY,
                "invalid_payload",
                "the payload does not fit the model",
                "is required".to_owned(),
            ),
            ErrorKind::CheckViolation => {
                let expression = error.constraint().and_then(|constraint| constraint.expression.as_deref());
                let rule =
                    expression.map_or("breaks a check".to_owned(), |expression| format!("must satisfy {expression}"));
                let problem = violated(
                    S::UNPROCESSABLE_ENTITY,
                    "invalid_payload",
                    "the payload does not fit the model",
                    rule.clone(),
                );
                if problem.0.errors.is_empty() {
                    problem.with_errors(vec![FieldError { pointer: String::new(), detail: rule }])
                } else {
                    problem
                }
            }
            ErrorKind::InvalidValue => Problem::new(S::UNPROCESSABLE_ENTITY, "invalid_value").with_detail(text),
            ErrorKind::StaleObject => Problem::new(S::CONFLICT, "stale_object")
                .with_detail("another request changed it since it was read; read it again, then change it")
                .with_cause(text),
            ErrorKind::Conflict => Problem::new(S::CONFLICT, "conflict")
                .with_detail("another request changed the same rows at the same time; try again")
                .with_cause(text),
            ErrorKind::OutcomeUnknown => Problem::new(S::SERVICE_UNAVAILABLE, "outcome_unknown")
                .with_detail("the database went away during the write: it may have been done, or not")
                .with_cause(text),
            ErrorKind::Cancelled => Problem::new(S::SERVICE_UNAVAILABLE, "statement_timeout")
                .with_detail("the database took too long, and was stopped: ask for less, or later")
                .with_cause(text),
            ErrorKind::Unavailable | ErrorKind::Authentication | ErrorKind::MissingDatabase => {
                Problem::new(S::SERVICE_UNAVAILABLE, "database_unavailable")
                    .with_detail("the database does not answer; nothing was changed")
                    .with_cause(text)
            }
            _ => Problem::internal(text),
        }
    }
}
