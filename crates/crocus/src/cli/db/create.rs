//! `db create` and `db drop`: the database itself.

use std::io::{BufRead, IsTerminal, Write};

use clap::Args;
use crocus_orm::DatabaseUrl;

use crate::cli::{Context, print};
use crate::error::{Error, Result};

/// Create the database
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  {program} db create\n  {program} db create --bind archive")]
pub(super) struct Create {}

/// Drop the database with everything in it
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  {program} db drop\n  {program} db drop --yes")]
pub(super) struct Drop {
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub(super) async fn create(context: &Context, bind: Option<&'static str>) -> Result<()> {
    let (url, _) = context.database_url(bind)?;
    let made = url.create_database().await.map_err(|error| Error::of_database(&error, context.name()))?;
    let name = url.database();
    print(&if made {
        format!("Created the database `{name}`.\n")
    } else {
        format!("The database `{name}` exists already.\n")
    })
}

pub(super) async fn drop(context: &Context, bind: Option<&'static str>, arguments: &Drop) -> Result<()> {
    let (url, _) = context.database_url(bind)?;
    let of_database = |error: crocus_orm::Error| Error::of_database(&error, context.name());
    if url.database_exists().await.map_err(of_database)? && !arguments.yes && !agreed(&url, context.name())? {
        return print("Nothing was dropped.\n");
    }
    let dropped = url.drop_database().await.map_err(of_database)?;
    let name = url.database();
    print(&if dropped {
        format!("Dropped the database `{name}`.\n")
    } else {
        format!("There is no database `{name}`.\n")
    })
}

fn agreed(url: &DatabaseUrl, program: &str) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(Error::new(format!("dropping the database `{}` must be confirmed", url.database()))
            .with_hint(format!("`{program} db drop --yes` drops it without asking")));
    }
    let question = format!("Drop the database {url} with everything in it? [y/N] ");
    let _ = std::io::stderr().write_all(question.as_bytes());
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| Error::new(format!("failed to read the answer: {error}")))?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
