//! `Query`: the parameters after the question mark.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::{Problem, Result};

/// The parameters after the question mark, as a struct with serde's `Deserialize`: `Query(wanted): Query<Wanted>` for
/// `/cars?state=for_sale&page=2`. A field that may be missing is an `Option`. Parameters that do not fit are a 400 that
/// names the first one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(parameters)) => Ok(Query(parameters)),
            Err(rejection) => {
                let text = rejection.body_text();
                let rule = text.split_once(": ").map_or(text.as_str(), |(_, rule)| rule);
                Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_query").with_detail(rule))
            }
        }
    }
}
