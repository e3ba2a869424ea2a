//! `POST` of a list with `Prefer: handling=lenient`: each row for itself, in one transaction. What can be written is, and
//! the answer says what became of each.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use crocus_orm::Transaction;
use crocus_orm::dynamic::{TableRow, Written};

use super::create::{Conflict, Item, answer};
use super::nested::{NewRow, NewRows};
use super::outcome::Outcome;
use super::{Begun, begin, finish};
use crate::grammar::Return;
use crate::payload::invalid;
use crate::resource::ask::Ask;
use crate::resource::{Served, key};
use crate::{Problem, Result};

/// What became of a row: it was written, or the one that is there was left, or it was refused.
type Became = Result<Option<Written>, Problem>;

/// Writes the rows that can be written. Where all can, the answer is that of a list which is written whole.
pub(super) async fn create(
    served: &Served,
    ask: &Ask,
    items: Vec<Item>,
    conflict: Option<Conflict>,
) -> Result<Response> {
    let mut transaction = match begin(ask, &served.definition).await? {
        Begun::New(transaction) => *transaction,
        Begun::Done(response) => return Ok(response),
    };
    let mut rows: Vec<Became> = Vec::with_capacity(items.len());
    for item in items {
        rows.push(match item {
            Ok(row) => one(served, ask, &mut transaction, row, conflict.as_ref()).await?,
            Err(errors) => Err(invalid(errors)),
        });
    }
    if rows.iter().all(Result::is_ok) {
        let written = rows.into_iter().filter_map(|row| row.ok().flatten()).collect();
        return answer(served, ask, transaction, written, conflict.is_some()).await;
    }
    multi_status(served, ask, transaction, rows).await
}

/// One row with its children, in a savepoint.
///
/// # Errors
/// What ends the whole request: a failure that is none of the row's.
async fn one(
    served: &Served,
    ask: &Ask,
    transaction: &mut Transaction,
    row: NewRow,
    conflict: Option<&Conflict>,
) -> Result<Became> {
    let savepoint = transaction.savepoint().await?;
    let rows = NewRows { definition: served.definition.clone(), rows: vec![row] };
    match rows.insert(ask, savepoint.transaction(), conflict).await {
        Ok(written) => {
            savepoint.release().await?;
            Ok(Ok(written.into_iter().next().flatten()))
        }
        Err(problem) if problem.status().is_server_error() || problem.code() == "conflict" => Err(problem),
        Err(problem) => {
            savepoint.rollback().await?;
            Ok(Err(problem))
        }
    }
}

/// A 207 (RFC 4918, 13): the status of each row, and where it is, or why it is not.
async fn multi_status(served: &Served, ask: &Ask, transaction: Transaction, rows: Vec<Became>) -> Result<Response> {
    let mut told = Vec::with_capacity(rows.len());
    let mut written: Vec<TableRow> = Vec::new();
    for row in rows {
        told.push(match row {
            Ok(Some(Written { row, is_new })) => {
                let location = key::location(&served.definition, &row.key()?);
                written.push(row);
                Told::Written { status: if is_new { StatusCode::CREATED } else { StatusCode::OK }, location }
            }
            Ok(None) => Told::Left,
            Err(problem) => Told::Refused(problem.of_resource()),
        });
    }
    let is_any = !written.is_empty();
    let outcome = Outcome::of(served, ask, &transaction, &written, Return::Minimal).await?;
    let mut rows = outcome.texts();
    let mut text = String::from("[");
    for (index, told) in told.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        let row = if let Told::Written { .. } = told { rows.next().flatten() } else { None };
        told.write(&mut text, index, row);
    }
    drop(rows);
    text.push(']');
    let content_type = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    let mut response = (StatusCode::MULTI_STATUS, content_type, text).into_response();
    outcome.add_headers(ask, &mut response);
    if is_any {
        finish(ask, transaction, response).await
    } else {
        // An answer is kept for the sake of what was written.
        transaction.rollback().await?;
        Ok(response)
    }
}

/// What is told of a row.
enum Told {
    Written {
        status: StatusCode,
        location: String,
    },
    /// One that agrees with it is there already.
    Left,
    Refused(Problem),
}

impl Told {
    fn write(&self, text: &mut String, index: usize, row: Option<&str>) {
        let status = match self {
            Told::Written { status, .. } => *status,
            Told::Left => StatusCode::OK,
            Told::Refused(problem) => problem.status(),
        };
        text.push_str(&format!("{{\"index\":{index},\"status\":{}", status.as_u16()));
        match self {
            Told::Written { location, .. } => {
                text.push_str(&format!(",\"location\":{}", serde_json::Value::from(location.as_str())));
            }
            Told::Left => {}
            Told::Refused(problem) => text.push_str(&format!(",\"problem\":{}", problem.json())),
        }
        if let Some(row) = row {
            text.push_str(&format!(",\"row\":{row}"));
        }
        text.push('}');
    }
}
