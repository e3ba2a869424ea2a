//! A model's own rules, as `garde` has them: `#[garde(length(min = 2))]` on its fields.

use axum::http::request::Parts;
use crocus_orm::{FieldError, Model, TableDef, Transaction};
use garde::{Report, Validate};

use super::hooks::{Change, Hooks, Write};
use crate::Result;

/// Hooks for a model that derives `garde::Validate`: a row that breaks its rules is refused, before the hooks inside
/// are told of it. `()` are none.
///
/// The rules are asked of the row as it would be, like [`Hooks::validate`], and not of what a client brings.
///
/// # Example
/// ```ignore
/// #[derive(Debug, Clone, Model, garde::Validate)]
/// #[model(table = "owners")]
/// #[garde(allow_unvalidated)]
/// struct Owner {
///     #[model(primary_key)]
///     id: i32,
///     #[garde(length(min = 2))]
///     name: String,
/// }
///
/// Resource::<Owner>::new().hooks(Garde(()))
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Garde<H>(pub H);

impl<M: Model + Validate<Context: Default>, H: Hooks<M>> Hooks<M> for Garde<H> {
    fn validate(&self, row: &M) -> Result<(), Vec<FieldError>> {
        let mut errors = row.validate().map_or_else(|report| errors(M::TABLE, &report), |()| Vec::new());
        errors.extend(self.0.validate(row).err().into_iter().flatten());
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    async fn before(&self, request: &Parts, change: &mut Change<M>) -> Result<()> {
        self.0.before(request, change).await
    }

    async fn after(&self, request: &Parts, transaction: &Transaction, write: Write, rows: Vec<M>) -> Result<()> {
        self.0.after(request, transaction, write, rows).await
    }
}

/// The mistakes, in the order of the table's columns.
fn errors(table: &TableDef, report: &Report) -> Vec<FieldError> {
    let error = |(path, error): &(garde::Path, garde::Error)| {
        let (place, pointer) = pointer(table, &path.to_string());
        (place, FieldError { pointer, detail: error.message().to_owned() })
    };
    let mut errors: Vec<_> = report.iter().map(error).collect();
    errors.sort_by_key(|(place, _)| *place);
    errors.into_iter().map(|(_, error)| error).collect()
}

/// The JSON pointer of a path such as `address.city` or `tags[0].name`, and which column it is in: rows have columns, and
/// an embedded struct's are the row's own.
fn pointer(table: &TableDef, path: &str) -> (usize, String) {
    let inside = |field: &str| path.strip_prefix(field).filter(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
    let mut columns = table.columns.iter().enumerate();
    let column = columns.find_map(|(place, column)| Some((place, column.name, inside(column.field)?)));
    let (place, name, rest) = column.unwrap_or((table.columns.len(), "", path));
    let parts = std::iter::once(name).chain(rest.split(['.', '[', ']'])).filter(|part| !part.is_empty());
    (place, parts.map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1"))).collect())
}
