//! `routes`: the list of routes.

use clap::Args;

use super::{Context, print};
use crate::error::Result;

/// List the routes
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  {program} routes\n  {program} routes --json")]
pub(super) struct Routes {
    /// Print JSON, for machines
    #[arg(long)]
    json: bool,
}

/// The routes that every program has, beside its own.
const OWN: [(&str, &str, &str); 4] = [
    ("GET", "/docs", "docs"),
    ("GET", "/healthz", "health"),
    ("GET", "/openapi.json", "docs"),
    ("GET", "/readyz", "health"),
];

pub(super) fn routes(context: &Context, arguments: &Routes) -> Result<()> {
    let (_, of_resources) = context.app.resources.routes();
    let mut rows: Vec<_> = context
        .app
        .routes
        .iter()
        .chain(&of_resources)
        .map(|route| (route.method.as_str(), route.path.as_str(), route.handler))
        .chain(OWN)
        .filter(|(_, path, _)| *path != "/docs" || cfg!(feature = "docs"))
        .collect();
    rows.sort_by_key(|(method, path, _)| (*path, *method));
    if arguments.json {
        let rows: Vec<_> = rows
            .iter()
            .map(|(method, path, handler)| serde_json::json!({"method": method, "path": path, "handler": handler}))
            .collect();
        return print(&format!("{}\n", serde_json::Value::from(rows)));
    }
    let width = rows.iter().map(|(_, path, _)| path.chars().count()).max().unwrap_or(0).max("Path".len());
    let mut text = format!("{:7} {:width$} Handler\n", "Method", "Path");
    for (method, path, handler) in rows {
        text.push_str(&format!("{method:7} {path:width$} {handler}\n"));
    }
    print(&text)
}
