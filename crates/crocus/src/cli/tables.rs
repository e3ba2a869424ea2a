//! The tables that a command names.

use crocus_orm::{TableDef, nearest};

use super::{Context, DEFAULT};
use crate::error::{Error, Result};

impl Context {
    /// The table of a model with this name: `cars`, or `audit.cars` where several databases have one, or `default.cars`.
    pub(super) fn table(&self, name: &str) -> Result<&'static TableDef> {
        let tables: Vec<_> = self.app.models.iter().map(|model| model.table).collect();
        let found: Vec<_> = tables.iter().filter(|table| table.name == name || full_name(table) == name).collect();
        match found[..] {
            [table] => Ok(table),
            [] => {
                let error = Error::new(format!("no model of this program has a table `{name}`"));
                let names: Vec<_> = tables.iter().map(|table| table.name).collect();
                Err(match nearest(name, names.iter().copied()) {
                    Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                    None if names.is_empty() => error,
                    None => error.with_hint(format!("there are {}", names.join(", "))),
                })
            }
            _ => {
                let names: Vec<_> = found.iter().map(|table| format!("`{}`", full_name(table))).collect();
                let text = format!("there are several tables `{name}`");
                Err(Error::new(text).with_hint(format!("say which: {}", names.join(" or "))))
            }
        }
    }
}

/// The name with its bind, and its schema where it has one.
pub(super) fn full_name(table: &TableDef) -> String {
    let place = table.schema.map_or(table.name.to_owned(), |schema| format!("{schema}.{}", table.name));
    format!("{}.{place}", table.bind.unwrap_or(DEFAULT))
}

/// `1 row`, `2 rows`
pub(super) fn rows(number: u64) -> String {
    format!("{number} row{}", if number == 1 { "" } else { "s" })
}

/// `1 row is`, `2 rows are`
pub(super) fn rows_are(number: u64) -> String {
    format!("{} {}", rows(number), if number == 1 { "is" } else { "are" })
}
