//! `/healthz` and `/readyz`: whether the process is alive, and whether it can do its work.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::{Router, routing};

use crate::{Json, Result};

/// Asks whether the program can do its work. An error says why not.
pub type Readiness = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<()>> + Send>> + Send + Sync>;

pub(crate) const ALIVE: &str = "/healthz";

pub(crate) const READY: &str = "/readyz";

/// The two routes. `/healthz` asks nothing of the database: a restart would not bring it back.
pub fn health(readiness: Readiness) -> Router {
    let ok = || Json(serde_json::json!({"status": "ok"}));
    Router::new().route(ALIVE, routing::get(async move || ok())).route(
        READY,
        routing::get(async move || {
            let checked = readiness().await;
            checked.map(|()| ok())
        }),
    )
}
