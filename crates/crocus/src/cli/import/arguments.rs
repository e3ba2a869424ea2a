//! The words of the command `import`, and what they mean for a table.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use crocus_orm::dynamic::{OnConflict, is_unique};
use crocus_orm::{TableDef, nearest};

use super::rows::Form;
use super::source::Place;
use crate::error::{Error, Result};

/// Import rows of a file into a table
#[derive(Debug, Args)]
#[command(after_help = "\
The first line of CSV names columns, in any order. An empty field is NULL, and an empty text where its column cannot be
NULL; \"\" is an empty text. What is imported stays: after Ctrl-C, a crash or a lost connection the same command goes on
with the next row.

Examples:
  {program} import cars cars.csv
  {program} import cars cars.ndjson.gz --max-rejects 100
  {program} import cars cars.csv --upsert id
  {program} import cars - --format csv   of what is piped into it")]
pub(in crate::cli) struct Import {
    /// The table; with its bind before it, as in `audit.entries`, where several have one
    pub(super) table: String,

    /// The file: `.csv`, `.tsv`, `.ndjson` or `.jsonl`, also with `.gz`; `-` is standard input
    pub(super) file: PathBuf,

    /// The form of the rows, where the file's name does not tell
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// What stands between two fields of CSV: a character, or `tab`
    #[arg(long, value_name = "CHARACTER")]
    delimiter: Option<String>,

    /// The field without quotes that is NULL
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(super) null: String,

    /// Update rows that are there already: those that agree in these columns
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',', conflicts_with = "ignore")]
    upsert: Vec<String>,

    /// Leave rows that are there already as they are
    #[arg(long)]
    ignore: bool,

    /// How many rows may be rejected before the import stops [default: 0]
    #[arg(long, value_name = "NUMBER")]
    pub(super) max_rejects: Option<u64>,

    /// Where rejected rows go [default: `cars.rejects.csv` for `cars.csv`]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,

    /// The most rows of a transaction
    #[arg(long, value_name = "ROWS", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) batch: u32,

    /// Try everything in one transaction, and undo it: says what would be rejected
    #[arg(long)]
    pub(super) dry_run: bool,

    /// Begin with the first row, also where an import has come further
    #[arg(long)]
    pub(super) restart: bool,

    /// Say nothing but errors
    #[arg(short, long)]
    pub(super) quiet: bool,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Format {
    /// A line of fields for each row, after one with the columns' names
    Csv,
    /// A JSON object on each line
    Ndjson,
}

impl Import {
    /// How the rows are written: as it is said, or as the name tells.
    pub(super) fn form(&self, place: &Place) -> Result<Form> {
        let plain = place.plain();
        let extension =
            plain.as_ref().and_then(|path| path.extension()).map(|extension| extension.to_ascii_lowercase());
        let by_name = match extension.as_ref().and_then(|extension| extension.to_str()) {
            Some("csv") => Some((Format::Csv, b',')),
            Some("tsv") => Some((Format::Csv, b'\t')),
            Some("ndjson" | "jsonl") => Some((Format::Ndjson, b',')),
            _ => None,
        };
        let format = self.format.or(by_name.map(|(format, _)| format)).ok_or_else(|| {
            Error::new(format!("the form of the rows in {} is not known", place.shown()))
                .with_hint("say `--format csv` or `--format ndjson`")
        })?;
        let delimiter = match self.delimiter.as_deref() {
            None => by_name.map_or(b',', |(_, delimiter)| delimiter),
            Some("tab" | "\\t") => b'\t',
            Some(text) => match text.as_bytes() {
                [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => *byte,
                _ => {
                    let text = format!("`{text}` cannot stand between two fields");
                    return Err(Error::new(text).with_hint("take one ASCII character, or `tab`"));
                }
            },
        };
        Ok(match format {
            Format::Csv => Form::Csv { delimiter },
            Format::Ndjson => Form::Ndjson,
        })
    }

    /// What is done about rows that are there already, and the columns that tell.
    pub(super) fn conflict(&self, table: &'static TableDef) -> Result<Option<(Vec<usize>, OnConflict)>> {
        if self.ignore {
            return Ok(Some((Vec::new(), OnConflict::Nothing)));
        }
        if self.upsert.is_empty() {
            return Ok(None);
        }
        let known = || table.columns.iter().map(|column| column.name);
        let index = |name: &String| {
            known().position(|known| known == name).ok_or_else(|| {
                let error = Error::new(format!("`{name}` is no column of `{}`", table.name));
                match nearest(name, known()) {
                    Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                    None => error,
                }
            })
        };
        let columns = self.upsert.iter().map(index).collect::<Result<Vec<_>>>()?;
        let names: Vec<_> = columns.iter().map(|column| table.columns[*column].name).collect();
        if !is_unique(table, &names) {
            let key: Vec<_> = table.primary_key().map(|column| column.name).collect();
            let text = format!("rows of `{}` are not told apart by `{}`", table.name, names.join("`, `"));
            return Err(Error::new(text).with_hint(format!(
                "take the columns of the primary key (`--upsert {}`) or of a unique constraint",
                key.join(",")
            )));
        }
        Ok(Some((columns, OnConflict::Update)))
    }

    /// Where rejected rows go.
    pub(super) fn rejects_path(&self, place: &Place) -> PathBuf {
        if let Some(path) = &self.rejects {
            return path.clone();
        }
        match place.plain() {
            None => PathBuf::from("stdin.rejects"),
            Some(path) => {
                let extension = path.extension().map(|extension| extension.to_string_lossy().into_owned());
                path.with_extension(extension.map_or("rejects".to_owned(), |extension| format!("rejects.{extension}")))
            }
        }
    }
}
