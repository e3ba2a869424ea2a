//! `export`: rows of a table as a file. One query reads them, so that they are one snapshot, and they are written as they
//! arrive.

mod target;

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use clap::Args;
use crocus_orm::dynamic::{self, DynamicColumn, Member};
use crocus_orm::table::{ColumnDef, ColumnType};
use crocus_orm::{Engine, TableDef, nearest};
use crocus_web::grammar::Parameters;
use futures_util::{Stream, StreamExt};
use serde_json::Value as Json;

use self::target::Target;
use super::import::Format;
use super::progress::{Progress, rate};
use super::tables::rows as counted;
use super::{Context, print};
use crate::error::{Error, Result};

/// Export rows of a table
#[derive(Debug, Args)]
#[command(after_help = "\
A file is there when it is whole: until then it is called `cars.csv.partial`. In CSV an empty field is NULL, and \"\" an
empty text. `import` takes what is exported.

Examples:
  {program} export cars > cars.csv
  {program} export cars --output cars.ndjson.gz
  {program} export cars --where doors=gte.4 --where 'name=like.Model*' --select name,doors --order doors.desc,name")]
pub(super) struct Export {
    /// The table; with its bind before it, as in `audit.entries`, where several have one
    table: String,

    /// The form of the rows [default: as the file's name tells, or `csv`]
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// Only rows of which this is true, as resources write it: `doors=gte.4`, `or=(doors.eq.2,name.is.null)`; can be given
    /// several times
    #[arg(long = "where", value_name = "CONDITION")]
    conditions: Vec<String>,

    /// The columns, in this order [default: all, but those that are sensitive]
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',')]
    select: Vec<String>,

    /// The order, as resources write it: `doors.desc,name` [default: none]
    #[arg(long, value_name = "ORDER")]
    order: Option<String>,

    /// The most rows
    #[arg(long, value_name = "NUMBER")]
    limit: Option<u64>,

    /// The file; what is there is replaced by the whole at once. With `.gz` it is compressed [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Export sensitive columns too
    #[arg(long)]
    sensitive: bool,

    /// Say nothing but errors
    #[arg(short, long)]
    quiet: bool,
}

/// How many bytes are written at once.
const CHUNK: usize = 64 * 1024;

/// The rows as they are written, without the end of the line.
type Lines = Pin<Box<dyn Stream<Item = crocus_orm::Result<Vec<u8>>> + Send>>;

pub(super) async fn export(mut context: Context, arguments: &Export) -> Result<()> {
    let table = context.table(&arguments.table)?;
    let (columns, left_out) = arguments.columns(table)?;
    let parameters = arguments.parameters()?;
    let format = arguments.format();
    context.config.lift_statement_timeout();
    let (engine, _) = context.engine(table.bind).await?;
    let rows = crocus_web::resource::rows_of(table, &parameters, engine.dialect()).map_err(|mistakes| {
        let mistakes: Vec<_> = mistakes.into_iter().map(|mistake| mistake.detail).collect();
        Error::new(mistakes.join("; ")).with_hint("conditions and orders are those of resources: `doors=gte.4`")
    })?;

    let mut progress = Progress::new(arguments.quiet || Target::shows_rows(arguments.output.as_deref()), None);
    if !left_out.is_empty() && !arguments.quiet {
        let names: Vec<_> = left_out.iter().map(|column| format!("`{}`", column.name)).collect();
        let is = if names.len() == 1 { "is" } else { "are" };
        let names = names.join(", ");
        progress.note(&format!("note: {names} {is} sensitive, and left out; `--sensitive` exports everything\n"));
    }
    let of_database = |error: crocus_orm::Error| Error::of_database(&error, context.name());
    let mut lines = lines(&engine, rows, format, &columns).await.map_err(of_database)?;
    let mut target = Target::open(arguments.output.as_deref())?;
    let mut buffer = Vec::with_capacity(2 * CHUNK);
    if format == Format::Csv {
        let names = columns.iter().map(|column| Json::from(column.name));
        csv_line(&mut buffer, names.map(|name| (name, ColumnType::Text)));
        buffer.push(b'\n');
    }
    let mut number = 0;
    while let Some(line) = lines.next().await {
        buffer.extend_from_slice(&line.map_err(of_database)?);
        buffer.push(b'\n');
        number += 1;
        if buffer.len() >= CHUNK {
            if !target.write(&buffer)? {
                // Nobody reads on: what was wanted is there.
                return Ok(());
            }
            buffer.clear();
            progress.at(number, 0);
        }
    }
    if !target.write(&buffer)? {
        return Ok(());
    }
    target.finish()?;
    let elapsed = progress.finish();
    match &arguments.output {
        Some(path) if !arguments.quiet => print(&format!(
            "{} of `{}` exported to `{}` in {:.1} s ({} a second)\n",
            counted(number),
            table.name,
            path.display(),
            elapsed.as_secs_f64(),
            rate(number, elapsed)
        )),
        _ => Ok(()),
    }
}

/// The rows of a query as they arrive, each as a line.
async fn lines(
    engine: &Engine,
    mut rows: dynamic::Rows,
    format: Format,
    columns: &[&'static ColumnDef],
) -> crocus_orm::Result<Lines> {
    let source = rows.source.clone();
    let column = |column: &&'static ColumnDef| source.column(column);
    if format == Format::Ndjson {
        let member = |def: &&'static ColumnDef| (def.name.to_owned(), Member::Value(column(def)));
        rows.members = columns.iter().map(member).collect();
        let rows = dynamic::select(rows).stream(engine).await?;
        return Ok(rows.map(|row| row.map(|row| row.0)).boxed());
    }
    rows.members.clear();
    // A document as the database writes it: one that is JSON's null is not NULL.
    let written = |def: &&'static ColumnDef| match def.ty {
        ColumnType::Json => column(def).cast(ColumnType::Text),
        _ => column(def),
    };
    let values: Vec<DynamicColumn> = columns.iter().map(written).collect();
    let types: Arc<[ColumnType]> = values.iter().map(DynamicColumn::ty).collect();
    let rows = dynamic::select_beside(rows, values).stream(engine).await?;
    let line = move |(_, values): (_, Vec<Json>)| {
        let mut line = Vec::with_capacity(16 * values.len());
        csv_line(&mut line, values.into_iter().zip(types.iter().copied()));
        line
    };
    Ok(rows.map(move |row| row.map(&line)).boxed())
}

/// Values as fields of CSV (RFC 4180): a text without JSON's quotes, NULL as nothing, and an empty text as `""`.
fn csv_line(line: &mut Vec<u8>, values: impl Iterator<Item = (Json, ColumnType)>) {
    for (index, (value, ty)) in values.enumerate() {
        if index > 0 {
            line.push(b',');
        }
        let text = match value {
            Json::Null => continue,
            Json::String(text) if !matches!(ty, ColumnType::Array(_)) => text,
            value => value.to_string(),
        };
        if text.is_empty() || text.contains([',', '"', '\n', '\r']) {
            line.push(b'"');
            line.extend_from_slice(text.replace('"', "\"\"").as_bytes());
            line.push(b'"');
        } else {
            line.extend_from_slice(text.as_bytes());
        }
    }
}

impl Export {
    fn format(&self) -> Format {
        let plain = self.output.as_ref().map(|path| match path.extension() {
            Some(extension) if extension.eq_ignore_ascii_case("gz") => path.with_extension(""),
            _ => path.clone(),
        });
        let extension = plain.as_ref().and_then(|path| path.extension()).and_then(|extension| extension.to_str());
        self.format.unwrap_or(match extension {
            Some("ndjson" | "jsonl") => Format::Ndjson,
            _ => Format::Csv,
        })
    }

    /// The columns, and those that are left out since they are sensitive.
    fn columns(&self, table: &'static TableDef) -> Result<(Vec<&'static ColumnDef>, Vec<&'static ColumnDef>)> {
        if self.select.is_empty() {
            return Ok(table.columns.iter().partition(|column| self.sensitive || !column.sensitive));
        }
        let mut columns: Vec<&'static ColumnDef> = Vec::new();
        for name in &self.select {
            let Some(column) = table.column(name) else {
                let error = Error::new(format!("`{name}` is no column of `{}`", table.name));
                return Err(match nearest(name, table.columns.iter().map(|column| column.name)) {
                    Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                    None => error,
                });
            };
            if column.sensitive && !self.sensitive {
                return Err(Error::new(format!("`{name}` is sensitive")).with_hint("`--sensitive` exports it too"));
            }
            if columns.iter().any(|other| other.name == column.name) {
                return Err(Error::new(format!("`{name}` is selected twice")));
            }
            columns.push(column);
        }
        Ok((columns, Vec::new()))
    }

    fn parameters(&self) -> Result<Parameters> {
        let mut pairs = Vec::new();
        for condition in &self.conditions {
            let Some((name, value)) = condition.split_once('=') else {
                let text = format!("`{condition}` is no condition");
                return Err(Error::new(text).with_hint("write a column and what is asked of it: `doors=gte.4`"));
            };
            pairs.push((name, value.to_owned()));
        }
        let conditions = pairs.len();
        pairs.extend(self.order.clone().map(|order| ("order", order)));
        pairs.extend(self.limit.map(|limit| ("limit", limit.to_string())));
        let parameters = Parameters::parse(pairs).map_err(|mistakes| {
            let mistakes: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
            Error::new(mistakes.join("; "))
        })?;
        if parameters.filters.len() != conditions {
            return Err(Error::new("`--where` takes conditions, and nothing else that a resource can be asked")
                .with_hint("there are `--select`, `--order` and `--limit`"));
        }
        Ok(parameters)
    }
}
