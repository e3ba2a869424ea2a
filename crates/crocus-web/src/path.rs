//! `Path`: parameters of the route, where one that cannot be read names nothing.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::Problem;

/// The parameters of the route: `Path(id): Path<i32>` for `/cars/{id}`. A path whose parameter is not a number, or out
/// of the type's range, names nothing: 404.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(parameters)) => Ok(Path(parameters)),
            Err(rejection) if rejection.status().is_client_error() => {
                Err(Problem::not_found(format!("there is nothing at {}", parts.uri.path())))
            }
            Err(rejection) => Err(Problem::internal(rejection.body_text())),
        }
    }
}
