//! `openapi`: the OpenAPI document.

use clap::Args;

use super::{Context, print};
use crate::error::Result;

/// Print the OpenAPI document of the API, as `/openapi.json` serves it
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  {program} openapi > openapi.json")]
pub(super) struct OpenApi {}

pub(super) fn openapi(context: &Context, OpenApi {}: &OpenApi) -> Result<()> {
    let is_limited = context.config.service_options(context.name())?.rate_limit.is_some();
    let document = context.app.document(is_limited)?;
    print(&crocus_web::openapi::to_json(&document()))
}
