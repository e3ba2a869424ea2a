//! `db diagram`: the tables as a picture.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use crocus_migrate::diagram::{mermaid, svg};
use crocus_migrate::schema::Schema;

use crate::cli::{Context, print};
use crate::error::{Error, Result};

/// Draw the tables of the models, or of the database
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  {program} db diagram\n  {program} db diagram --format svg -o schema.svg\n  \
                        {program} db diagram --database --format svg > schema.svg")]
pub(super) struct Diagram {
    /// How: the text of a Mermaid diagram, or an SVG that needs nothing else
    #[arg(long, value_enum, default_value = "mermaid")]
    format: Format,

    /// Draw what the database has, and not what the models declare
    #[arg(long)]
    database: bool,

    /// Where to write it to [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Mermaid,
    Svg,
}

/// What the program keeps for itself.
const OWN: &str = "crocus_migrations";

pub(super) async fn diagram(context: &Context, bind: Option<&'static str>, arguments: &Diagram) -> Result<()> {
    let models = Schema::from_models(&context.models(bind));
    let schema = if arguments.database {
        let (engine, _) = context.engine(bind).await?;
        let known: BTreeSet<_> = models.tables.iter().map(|table| table.name.clone()).collect();
        let mut found = crocus_migrate::inspect_with(&engine, &known).await.map_err(context.of_migration())?;
        found.tables.retain(|table| table.name.name != OWN);
        found
    } else if models.tables.is_empty() {
        return Err(Error::new("the program knows no models").with_hint(
            "register them with `.model::<T>()` on its `App`, or draw the database's tables with `--database`",
        ));
    } else {
        models
    };
    let picture = match arguments.format {
        Format::Mermaid => mermaid(&schema),
        Format::Svg => svg(&schema),
    };
    match &arguments.output {
        None => print(&picture),
        Some(path) => std::fs::write(path, picture)
            .map_err(|error| Error::new(format!("failed to write `{}`: {error}", path.display()))),
    }
}
