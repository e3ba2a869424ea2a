//! Writes of one row that are one statement: nothing else belongs to them, so that they need no transaction of their own.
//! Those that arrive together can share a commit.

use axum::http::StatusCode;
use axum::response::Response;
use crocus_orm::Value;
use crocus_orm::dynamic::{self, Input, TableRow};

use super::nested::NewRow;
use super::outcome::Outcome;
use super::{create, of_rows};
use crate::Result;
use crate::grammar::{Return, Transaction};
use crate::resource::ask::Ask;
use crate::resource::definition::Definition;
use crate::resource::etag::Condition;
use crate::resource::{Served, key};

/// Whether nothing is to be done before or after the statement in its transaction. Of what a query asks some is found
/// wrong only after the write.
fn is_alone(definition: &Definition, ask: &Ask) -> bool {
    definition.hooks.is_none()
        && ask.once.is_none()
        && ask.preferences.transaction != Some(Transaction::Rollback)
        && !ask.scopes.contains_key(&definition.path)
        && ask.parts.uri.query().is_none()
}

/// Inserts a row. Gives it back where that takes more than a statement.
pub(super) async fn insert(served: &Served, ask: &Ask, row: NewRow) -> Result<std::result::Result<Response, NewRow>> {
    let definition = &*served.definition;
    if !is_alone(definition, ask) {
        return Ok(Err(row));
    }
    let (input, pointer) = match row.alone() {
        Ok(alone) => alone,
        Err(row) => return Ok(Err(row)),
    };
    let insert = dynamic::insert(definition.table, [input]).returning(ask.engine(definition)?);
    let rows = insert.await.map_err(|error| of_rows(error, &[&pointer]))?;
    let rows: Vec<TableRow> = rows.into_iter().flatten().collect();
    let outcome = Outcome::of_written(served, ask, &rows, Return::Minimal)?;
    create::created(served, ask, outcome, &rows, StatusCode::CREATED).map(Ok)
}

/// Updates a row. None where that takes more than a statement, or no row was found.
pub(super) async fn update(
    served: &Served,
    ask: &Ask,
    key: &[Value],
    input: &Input,
    seen: Option<&Condition>,
) -> Result<Option<Response>> {
    let definition = &*served.definition;
    if !is_alone(definition, ask) || (input.assignments.is_empty() && input.defaults.is_empty()) {
        return Ok(None);
    }
    let mut condition = dynamic::key_equals(definition.table, key);
    if let Some(seen) = seen {
        // Without a version the row's content is its state, which has to be read.
        let Some(versions) = key::versions(definition, seen) else { return Ok(None) };
        condition = condition & versions;
    }
    let update = dynamic::update(definition.table).set(input.clone()).filter(condition);
    let rows = update.returning(ask.engine(definition)?).await.map_err(|error| of_rows(error, &[]))?;
    if rows.is_empty() {
        return Ok(None);
    }
    let outcome = Outcome::of_written(served, ask, &rows, Return::Representation)?;
    Ok(Some(outcome.respond_one(ask, StatusCode::OK)))
}
