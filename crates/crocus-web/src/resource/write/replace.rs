//! `PUT`: a row gets other values, or is made where the client chooses the keys.

use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::response::Response;
use crocus_orm::dynamic::{Input, Purpose, TableRow};
use crocus_orm::table::ColumnDef;
use crocus_orm::{FieldError, JsonObject, Transaction, Value};

use super::nested::{NewRow, NewRows};
use super::outcome::Outcome;
use super::{Begun, Change, alone, begin, finish, locked, seen, update_one};
use crate::Result;
use crate::grammar::Return;
use crate::payload::invalid;
use crate::resource::ask::{Ask, Refused, refused};
use crate::resource::definition::Definition;
use crate::resource::etag::condition;
use crate::resource::{Served, key, problems};

/// `PUT /cars/1`: the row gets the values of the body, and defaults where the body has none.
pub(in crate::resource) async fn replace(
    served: &Arc<Served>,
    ask: &Ask,
    key: Vec<Value>,
    row: JsonObject,
) -> Result<Response, Refused> {
    replaced(served, ask, &key, row).await.map_err(refused)
}

async fn replaced(served: &Served, ask: &Ask, key: &[Value], row: JsonObject) -> Result<Response> {
    let definition = &*served.definition;
    let writable = |column: &ColumnDef| definition.is_writable(column);
    let input = definition.reader.object(row, Purpose::Replace, &writable).map_err(invalid)?;
    let input = same_key(definition, input, key)?;
    let headers = &ask.parts.headers;
    let unseen = condition(headers, &header::IF_NONE_MATCH);
    // Who says what must not be there need not say what must.
    let seen = if unseen.is_some() { condition(headers, &header::IF_MATCH) } else { seen(definition, ask)? };
    let may_be_new = definition.takes_keys() && seen.is_none();
    let must_look = may_be_new || unseen.is_some();
    if !must_look && let Some(response) = alone::update(served, ask, key, &input, seen.as_ref()).await? {
        return Ok(response);
    }
    let transaction = match begin(ask, definition).await? {
        Begun::New(transaction) => *transaction,
        Begun::Done(response) => return Ok(response),
    };
    if must_look {
        match (locked(definition, ask, &transaction, key).await?, &unseen) {
            (Some(row), Some(unseen)) if unseen.holds(&key::state_of(definition, &row)?) => {
                return Err(problems::there());
            }
            (None, _) if may_be_new => return made(served, ask, transaction, key, input).await,
            _ => {}
        }
    }
    update_one(served, ask, transaction, key, Change::Input(input), seen).await
}

/// A row that was not there.
async fn made(
    served: &Served,
    ask: &Ask,
    transaction: Transaction,
    key: &[Value],
    mut input: Input,
) -> Result<Response> {
    let columns = served.definition.table.columns.iter().enumerate().filter(|(_, column)| column.primary_key);
    input.assignments.extend(columns.map(|(index, _)| index).zip(key.iter().cloned()));
    input.assignments.sort_by_key(|(column, _)| *column);
    let rows = NewRows { definition: served.definition.clone(), rows: vec![NewRow::new(input, String::new())] };
    let written = rows.insert(ask, &transaction, None).await?;
    let written: Vec<TableRow> = written.into_iter().flatten().map(|written| written.row).collect();
    let outcome = Outcome::of(served, ask, &transaction, &written, Return::Representation).await?;
    let mut response = outcome.respond_one(ask, StatusCode::CREATED);
    if let Ok(location) = key::location(&served.definition, key).try_into() {
        response.headers_mut().insert(header::LOCATION, location);
    }
    finish(ask, transaction, response).await
}

/// A replacement that names the row's key must name the row's own.
fn same_key(definition: &Definition, mut input: Input, key: &[Value]) -> Result<Input> {
    let table = definition.table;
    let mut errors = Vec::new();
    for (column, value) in table.primary_key().zip(key) {
        let Some(index) = table.columns.iter().position(|other| other.name == column.name) else { continue };
        if input.assignments.iter().any(|(given, other)| *given == index && other != value) {
            let detail = "must be the key that the path has".to_owned();
            errors.push(FieldError { pointer: format!("/{}", column.name), detail });
        }
        input.assignments.retain(|(given, _)| *given != index);
        input.defaults.retain(|given| *given != index);
    }
    if errors.is_empty() { Ok(input) } else { Err(invalid(errors)) }
}
