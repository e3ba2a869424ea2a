//! What a request can see of a resource: a condition, made of what the request brings.

use std::fmt;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use crocus_orm::Expr;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

type Condition = std::result::Result<Expr<bool>, Response>;
type Conditions = dyn for<'a> Fn(&'a mut Parts) -> BoxFuture<'a, Condition> + Send + Sync;

/// Makes a request's condition, or the answer to a request that may see nothing at all.
#[derive(Clone)]
pub(crate) struct Scope(Arc<Conditions>);

impl Scope {
    pub(super) fn new<E, F>(scope: F) -> Scope
    where
        E: FromRequestParts<()> + Send + 'static,
        E::Rejection: IntoResponse,
        F: Fn(E) -> crate::Result<Expr<bool>> + Send + Sync + 'static,
    {
        let scope = Arc::new(scope);
        Scope(Arc::new(move |parts| {
            let scope = scope.clone();
            async move {
                let extracted = E::from_request_parts(parts, &()).await.map_err(IntoResponse::into_response)?;
                scope(extracted).map_err(IntoResponse::into_response)
            }
            .boxed()
        }))
    }

    /// The condition for a request.
    pub(super) async fn of(&self, parts: &mut Parts) -> Condition {
        (self.0)(parts).await
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scope")
    }
}
