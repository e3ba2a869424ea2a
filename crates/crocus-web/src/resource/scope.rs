//! What a request can see of a resource: a condition, made of what the request brings.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use crocus_orm::Expr;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::Problem;

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
                let extracted = E::from_request_parts(parts, &()).await.map_err(answer)?;
                scope(extracted).map_err(answer)
            }
            .boxed()
        }))
    }

    /// The condition for a request.
    pub(super) async fn of(&self, parts: &mut Parts) -> Condition {
        (self.0)(parts).await
    }
}

/// What a refusal becomes: a problem has the members that PostgREST's clients show.
fn answer<R: IntoResponse + 'static>(refusal: R) -> Response {
    let mut refusal = Some(refusal);
    let problem = (&mut refusal as &mut dyn Any).downcast_mut::<Option<Problem>>().and_then(Option::take);
    match (problem, refusal) {
        (Some(problem), _) => problem.of_resource().into_response(),
        (None, Some(refusal)) => refusal.into_response(),
        (None, None) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scope")
    }
}
