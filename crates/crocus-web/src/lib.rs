//! The HTTP side: extractors and answers for handlers, problems for everything that goes wrong, and the server.
//! It knows models and engines, and nothing of migrations or of the command line.

mod compression;
mod cors;
mod db;
mod docs;
mod find;
pub mod grammar;
mod health;
mod json;
mod list;
mod metrics;
mod observe;
pub mod openapi;
mod path;
mod payload;
mod problem;
mod query;
mod rate_limit;
pub mod resource;
pub mod routing;
mod serve;
mod service;
mod timing;
mod traces;

pub use cors::Cors;
pub use db::Db;
pub use docs::docs;
pub use find::{ModelExt, SelectExt, SessionExt};
pub use health::{Readiness, health};
pub use json::Json;
pub use list::List;
pub use metrics::METRICS;
pub use observe::RequestId;
pub use path::Path;
pub use payload::Payload;
pub use problem::{Problem, Result, reference};
pub use query::Query;
pub use rate_limit::RateLimit;
pub use serve::serve;
pub use service::{Limits, ServiceOptions, service};
pub use traces::Collector;

pub use axum::extract::FromRequestParts;
pub use axum::http;
pub use axum::response::{IntoResponse, Response};
