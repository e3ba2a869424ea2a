//! `POST`: new rows, all of them or none, or with `handling=lenient` those that can be written.

use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::response::Response;
use crocus_orm::dynamic::{self, OnConflict, Purpose, TableRow, Written};
use crocus_orm::table::ColumnDef;
use crocus_orm::{FieldError, Transaction};
use futures_util::FutureExt;
use serde_json::Value as Json;

use super::nested::{NewRow, NewRows, ask_scopes};
use super::outcome::Outcome;
use super::{Begun, alone, begin, columns, each, finish};
use crate::Result;
use crate::grammar::{Handling, Missing, Resolution, Return};
use crate::payload::invalid;
use crate::resource::ask::{Ask, Refused, refused};
use crate::resource::body::{Bodies, Brought};
use crate::resource::definition::Definition;
use crate::resource::sub::Given;
use crate::resource::{Served, key, problems};

/// What is done about rows that are there already: by which columns they are told, and what.
pub(super) type Conflict = (Vec<usize>, OnConflict);

/// What a row of a body says, or what is wrong with it.
pub(super) type Item = Result<NewRow, Vec<FieldError>>;

/// `POST /cars`: new rows. `given` are values that every row gets, as in a sub-resource.
pub(in crate::resource) async fn create(
    served: &Arc<Served>,
    ask: &mut Ask,
    bodies: Bodies,
    given: Given,
) -> Result<Response, Refused> {
    let definition = &*served.definition;
    let is_each = bodies.many && ask.preferences.handling == Some(Handling::Lenient);
    let conflict = on_conflict(definition, ask).map_err(refused)?;
    let items = items(served, ask, bodies, &given).map_err(refused)?;
    let rows = || items.iter().filter_map(|item| item.as_ref().ok());
    if conflict.is_some() && rows().any(NewRow::has_children) {
        return Err(refused(problems::with_children()));
    }
    ask_scopes(&served.definition, rows(), ask).await?;
    ask.once = ask.once.take().map(|once| once.within(&ask.scopes));
    let created = async {
        if is_each {
            each::create(served, ask, items, conflict).boxed().await
        } else {
            all(served, ask, items, conflict).await
        }
    };
    created.await.map_err(refused)
}

/// All rows, or none.
async fn all(served: &Served, ask: &Ask, items: Vec<Item>, conflict: Option<Conflict>) -> Result<Response> {
    let (mut rows, mut errors) = (Vec::with_capacity(items.len()), Vec::new());
    for item in items {
        match item {
            Ok(row) => rows.push(row),
            Err(wrong) => errors.extend(wrong),
        }
    }
    if !errors.is_empty() {
        return Err(invalid(errors));
    }
    if rows.len() == 1 && conflict.is_none() {
        for row in std::mem::take(&mut rows) {
            match alone::insert(served, ask, row).await? {
                Ok(response) => return Ok(response),
                Err(row) => rows.push(row),
            }
        }
    }
    let in_transaction = async {
        let transaction = match begin(ask, &served.definition).await? {
            Begun::New(transaction) => *transaction,
            Begun::Done(response) => return Ok(response),
        };
        let rows = NewRows { definition: served.definition.clone(), rows };
        let written = rows.insert(ask, &transaction, conflict.as_ref()).await?;
        answer(served, ask, transaction, written.into_iter().flatten().collect(), conflict.is_some()).await
    };
    in_transaction.boxed().await
}

/// The answer where all was written. As PostgREST has it, it is a 200 where rows may be there already and all of them were.
pub(super) async fn answer(
    served: &Served,
    ask: &Ask,
    transaction: Transaction,
    written: Vec<Written>,
    may_be_there: bool,
) -> Result<Response> {
    let is_created = !may_be_there || written.iter().any(|written| written.is_new);
    let rows: Vec<TableRow> = written.into_iter().map(|written| written.row).collect();
    let outcome = Outcome::of(served, ask, &transaction, &rows, Return::Minimal).await?;
    let status = if is_created { StatusCode::CREATED } else { StatusCode::OK };
    let response = created(served, ask, outcome, &rows, status)?;
    finish(ask, transaction, response).await
}

/// The answer, with the place of the row where it is one.
pub(super) fn created(
    served: &Served,
    ask: &Ask,
    outcome: Outcome,
    rows: &[TableRow],
    status: StatusCode,
) -> Result<Response> {
    let mut response = outcome.respond(ask, status);
    if let [row] = rows
        && let Ok(location) = key::location(&served.definition, &row.key()?).try_into()
    {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// What a body brings to each row.
fn items(served: &Served, ask: &Ask, mut bodies: Bodies, given: &Given) -> Result<Vec<Item>> {
    let wanted = columns(&served.definition, ask)?;
    if ask.preferences.missing == Some(Missing::Null) {
        complete(&mut bodies);
    }
    let many = bodies.many;
    let rows = bodies.rows.into_iter().enumerate();
    let rows = rows.map(|(index, row)| {
        let pointer = if many { format!("/{index}") } else { String::new() };
        item(served, row, wanted.as_deref(), given, pointer)
    });
    Ok(rows.collect())
}

fn item(served: &Served, row: Brought, wanted: Option<&[String]>, given: &Given, pointer: String) -> Item {
    let definition = &served.definition;
    let is_wanted = |name: &String| wanted.is_none_or(|wanted| wanted.contains(name));
    let is_given = |name: &str| given.iter().any(|(column, _)| *column == name);
    match row {
        Brought::Other => Err(vec![FieldError { pointer, detail: "must be an object".to_owned() }]),
        Brought::Object(mut object) => {
            object.retain(|name, _| is_wanted(name));
            let other = given.iter().find(|(column, value)| object.get(*column).is_some_and(|own| own != value));
            if let Some((column, value)) = other {
                let detail = format!("must be {value}, as the path says");
                return Err(vec![FieldError { pointer: format!("{pointer}/{column}"), detail }]);
            }
            object.extend(given.iter().map(|(column, value)| ((*column).to_owned(), value.clone())));
            let named: Vec<_> = given.iter().map(|(column, _)| *column).collect();
            NewRow::read(&served.resources, definition, object, &named, pointer)
        }
        Brought::Texts(mut texts) => {
            texts.retain(|(name, _)| is_wanted(name) && !is_given(name));
            let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            texts.extend(given.iter().map(|(column, value)| ((*column).to_owned(), Some(text(value)))));
            let cells: Vec<_> = texts.iter().map(|(name, text)| cell(definition, name, text.as_deref())).collect();
            let writable = |column: &ColumnDef| definition.is_writable(column) || is_given(column.name);
            let read = definition.reader.texts(&cells, Purpose::Insert, &writable);
            let under = |error| key::under(&pointer, error);
            match read {
                Ok(input) => Ok(NewRow::new(input, pointer)),
                Err(errors) => Err(errors.into_iter().map(under).collect()),
            }
        }
    }
}

/// A cell of a table: an empty one is NULL, or an empty text in a column that cannot be NULL.
fn cell<'a>(definition: &Definition, name: &'a str, text: Option<&'a str>) -> (&'a str, Option<&'a str>) {
    let is_text = |column: &&ColumnDef| column.ty == crocus_orm::ColumnType::Text && !column.nullable;
    let empty = definition.column(name).filter(is_text).map(|_| "");
    (name, text.or(empty))
}

/// Every row gets every column that any row has: as NULL where it lacks it.
fn complete(bodies: &mut Bodies) {
    let mut names: Vec<String> = Vec::new();
    for row in &bodies.rows {
        if let Brought::Object(object) = row {
            names.extend(object.keys().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
        }
    }
    for row in &mut bodies.rows {
        if let Brought::Object(object) = row {
            for name in &names {
                object.entry(name.clone()).or_insert(Json::Null);
            }
        }
    }
}

/// What is done about rows that are there already, if the request says so: by the columns of a unique constraint, or by
/// the primary key.
fn on_conflict(definition: &Definition, ask: &Ask) -> Result<Option<Conflict>> {
    let action = match ask.preferences.resolution {
        // Columns that are named are looked at also where nothing depends on them.
        None if ask.parameters().on_conflict.is_none() => return Ok(None),
        None => None,
        Some(Resolution::MergeDuplicates) => Some(OnConflict::Update),
        Some(Resolution::IgnoreDuplicates) => Some(OnConflict::Nothing),
    };
    let table = definition.table;
    let names: Vec<&str> = match &ask.parameters().on_conflict {
        Some(names) => names.iter().map(String::as_str).collect(),
        None => table.primary_key().map(|column| column.name).collect(),
    };
    let mut indexes = Vec::new();
    for name in &names {
        match table.columns.iter().position(|column| column.name == *name) {
            Some(index) if definition.column(name).is_some() => indexes.push(index),
            _ => return Err(problems::unknown_column("on_conflict", definition, name)),
        }
    }
    if !dynamic::is_unique(table, &names) {
        let text = format!("`on_conflict`: no unique constraint of `{}` is on {}", table.name, names.join(", "));
        return Err(problems::invalid_query(text));
    }
    Ok(action.map(|action| (indexes, action)))
}
