//! `db inspect`: a database's tables as Rust models, or as JSON.

mod json;

use std::collections::BTreeSet;

use clap::Args;
use crocus_migrate::models::models;
use crocus_migrate::schema::{Schema, TableName};
use crocus_orm::Dialect;

use crate::cli::{Context, print};
use crate::error::{Error, Result};

/// Write the Rust models of the tables that the database has
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  {program} db inspect > models.rs\n  {program} db inspect --tables cars,makers\n  \
                        {program} db inspect --schema shop\n  {program} db inspect --json"
)]
pub(super) struct Inspect {
    /// Which tables [default: all]
    #[arg(long, value_name = "TABLES", value_delimiter = ',')]
    tables: Vec<String>,

    /// Which schema of PostgreSQL [default: the current one]
    #[arg(long, value_name = "SCHEMA")]
    schema: Option<String>,

    /// Print the schema as JSON, for machines
    #[arg(long)]
    json: bool,
}

/// Tables that tools keep for themselves.
const OF_TOOLS: [&str; 2] = ["crocus_migrations", "alembic_version"];

pub(super) async fn inspect(context: &Context, bind: Option<&'static str>, arguments: &Inspect) -> Result<()> {
    let (engine, _) = context.engine(bind).await?;
    if arguments.schema.is_some() && engine.dialect() != Dialect::Postgres {
        return Err(Error::new("SQLite has no schemas").with_hint("leave `--schema` out"));
    }
    // A schema is read where one of its tables is known.
    let known = arguments.schema.iter().map(|schema| TableName::from((schema.as_str(), "")));
    let found = crocus_migrate::inspect_with(&engine, &known.collect()).await.map_err(context.of_migration())?;
    let schema = chosen(found, arguments)?;
    if arguments.json {
        return print(&format!("{}\n", json::of(&schema, engine.dialect())));
    }
    print(&models(&schema, bind))
}

/// What was asked for.
fn chosen(mut schema: Schema, arguments: &Inspect) -> Result<Schema> {
    let is_in = |name: &TableName| name.schema == arguments.schema && !OF_TOOLS.contains(&name.name.as_str());
    schema.tables.retain(|table| is_in(&table.name));
    schema.unmanaged.retain(|found| is_in(&found.name));
    if schema.tables.is_empty() && arguments.schema.is_some() {
        let text = format!("the schema `{}` has no tables", arguments.schema.as_deref().unwrap_or_default());
        return Err(Error::new(text).with_hint("is it called so, and may this user use it?"));
    }
    if arguments.tables.is_empty() {
        return Ok(schema);
    }
    let names: BTreeSet<_> = schema.tables.iter().map(|table| table.name.name.clone()).collect();
    if let Some(missing) = arguments.tables.iter().find(|name| !names.contains(*name)) {
        let known: Vec<_> = names.into_iter().collect();
        let hint = if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) };
        return Err(Error::new(format!("the database has no table `{missing}`")).with_hint(hint));
    }
    schema.tables.retain(|table| arguments.tables.contains(&table.name.name));
    let is_chosen = |name: &TableName| schema.tables.iter().any(|table| table.name == *name);
    schema.unmanaged.retain(|found| found.table.as_ref().is_some_and(is_chosen));
    Ok(schema)
}
