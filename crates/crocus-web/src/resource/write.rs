//! Writing a resource: each request is one transaction, with its hooks and what it answers; or one statement, where nothing
//! else belongs to it.

mod alone;
mod change;
mod create;
mod each;
mod nested;
mod outcome;
mod replace;

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::response::Response;
use crocus_orm::dynamic::{self, Input, Purpose, Rows, Source, TableRow};
use crocus_orm::{JsonObject, Transaction, Value};
use futures_util::FutureExt;

use self::change::{patched, plain};
pub(super) use self::create::create;
use self::outcome::Outcome;
pub(super) use self::replace::replace;
use super::ask::{Ask, Refused, refused};
use super::body::PatchBody;
use super::definition::Definition;
use super::etag::{Condition, condition};
use super::hooks::{Refused as HookRefused, Write};
use super::idempotency::Once;
use super::{Served, key, problems, read};
use crate::grammar::{Handling, Return};
use crate::payload::invalid;
use crate::{Problem, Result};

/// The columns that the request takes of a body, if it says so.
fn columns(definition: &Definition, ask: &Ask) -> Result<Option<Vec<String>>> {
    let Some(columns) = &ask.parameters().columns else { return Ok(None) };
    let unknown = columns.iter().find(|name| definition.column(name).is_none());
    match unknown {
        Some(name) => Err(problems::unknown_column("columns", definition, name)),
        None => Ok(Some(columns.clone())),
    }
}

/// `PATCH /cars/1`.
pub(super) async fn update(
    served: &Arc<Served>,
    ask: &Ask,
    key: Vec<Value>,
    patch: PatchBody,
) -> Result<Response, Refused> {
    let changed = async {
        let seen = seen(&served.definition, ask)?;
        let change = match plain(&served.definition, patch)? {
            Ok(input) => Change::Input(input),
            Err(patch) => Change::Patch(patch),
        };
        if let Change::Input(input) = &change
            && let Some(response) = alone::update(served, ask, &key, input, seen.as_ref()).await?
        {
            return Ok(response);
        }
        match begin(ask, &served.definition).await? {
            Begun::New(transaction) => update_one(served, ask, *transaction, &key, change, seen).boxed().await,
            Begun::Done(response) => Ok(response),
        }
    };
    changed.await.map_err(refused)
}

/// What is done to one row.
enum Change {
    Input(Input),
    Patch(PatchBody),
}

async fn update_one(
    served: &Served,
    ask: &Ask,
    transaction: Transaction,
    key: &[Value],
    change: Change,
    seen: Option<Condition>,
) -> Result<Response> {
    let definition = &*served.definition;
    let input = match change {
        Change::Input(input) => input,
        Change::Patch(patch) => patched(definition, ask, &transaction, key, patch).await?,
    };
    let input = before(definition, ask, Write::Update, vec![input]).await?.pop().unwrap_or_default();
    let written = if input.assignments.is_empty() && input.defaults.is_empty() {
        // Nothing is to be changed: the row is as it is, and its version too.
        let current = locked(definition, ask, &transaction, key).await?;
        check_seen(definition, seen.as_ref(), current.as_ref(), key)?;
        current.into_iter().collect()
    } else {
        let condition = own(definition, ask, key, seen.as_ref(), &transaction).await?;
        let update = dynamic::update(definition.table).set(input).filter(condition);
        let written = update.returning(&transaction).await.map_err(|error| of_rows(error, &[]))?;
        if written.is_empty() {
            let current = locked(definition, ask, &transaction, key).await?;
            check_seen(definition, seen.as_ref(), current.as_ref(), key)?;
            // It was there, and as it was seen, a moment ago.
            return Err(problems::changed());
        }
        check(definition, ask, &transaction, &written).await?;
        after(definition, ask, &transaction, Write::Update, &written, &[]).await?;
        written
    };
    let outcome = Outcome::of(served, ask, &transaction, &written, Return::Representation).await?;
    finish(ask, transaction, outcome.respond_one(ask, StatusCode::OK)).await
}

/// `DELETE /cars/1`.
pub(super) async fn delete(served: &Arc<Served>, ask: &Ask, key: Vec<Value>) -> Result<Response, Refused> {
    deleted(served, ask, &key).await.map_err(refused)
}

async fn deleted(served: &Served, ask: &Ask, key: &[Value]) -> Result<Response> {
    let definition = &*served.definition;
    let seen = seen(definition, ask)?;
    before(definition, ask, Write::Delete, vec![Input::default()]).await?;
    let transaction = match begin(ask, definition).await? {
        Begun::New(transaction) => *transaction,
        Begun::Done(response) => return Ok(response),
    };
    let current = locked(definition, ask, &transaction, key).await?;
    check_seen(definition, seen.as_ref(), current.as_ref(), key)?;
    let gone: Vec<TableRow> = current.into_iter().collect();
    let outcome = Outcome::of(served, ask, &transaction, &gone, Return::Minimal).await?;
    let delete = dynamic::delete(definition.table).filter(dynamic::key_equals(definition.table, key));
    delete.execute(&transaction).await.map_err(problems::of_deletion)?;
    after(definition, ask, &transaction, Write::Delete, &gone, &[]).await?;
    finish(ask, transaction, outcome.respond_one(ask, StatusCode::NO_CONTENT)).await
}

/// `PATCH /cars?doors=lt.3`: the rows that a filter finds.
pub(super) async fn update_many(served: &Arc<Served>, ask: &Ask, patch: JsonObject) -> Result<Response, Refused> {
    changed_many(served, ask, Some(patch)).await.map_err(refused)
}

/// `DELETE /cars?doors=lt.3`.
pub(super) async fn delete_many(served: &Arc<Served>, ask: &Ask) -> Result<Response, Refused> {
    changed_many(served, ask, None).await.map_err(refused)
}

async fn changed_many(served: &Served, ask: &Ask, patch: Option<JsonObject>) -> Result<Response> {
    let definition = &*served.definition;
    if ask.parameters().filters.is_empty() {
        let text = "this would change every row: say which rows are meant, as in `?id=eq.1`";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "no_filter").with_detail(text));
    }
    let plan = read::plan(served, ask)?;
    let page = ask.parameters().pages.get([].as_slice());
    let write = if patch.is_some() { Write::Update } else { Write::Delete };
    let input = match patch {
        Some(mut patch) => {
            if let Some(wanted) = columns(definition, ask)? {
                patch.retain(|name, _| wanted.contains(name));
            }
            let writable = |column: &crocus_orm::table::ColumnDef| definition.is_writable(column);
            definition.reader.object(patch, Purpose::Patch, &writable).map_err(invalid)?
        }
        None => Input::default(),
    };
    let input = before(definition, ask, write, vec![input]).await?.pop().unwrap_or_default();
    let is_empty = input.assignments.is_empty() && input.defaults.is_empty();

    let transaction = match begin(ask, definition).await? {
        Begun::New(transaction) => *transaction,
        Begun::Done(response) => return Ok(response),
    };
    // The rows are told first, and locked: what is answered is what is changed, also where only some of them are meant.
    let mut rows = Rows::new(Source::new(definition.table));
    rows.filter = plan.rows.filter.clone();
    rows.order = plan.rows.order.clone();
    (rows.limit, rows.offset) = page.map_or((None, None), |page| (page.limit, page.offset));
    // Rows are locked in one order, so that two requests do not wait for each other.
    let by_key = key::columns(definition);
    rows.order.extend(by_key.iter().map(|column| column.order(false, None)));
    let found = dynamic::table_rows(rows).for_update().all(&transaction).await.map_err(problems::of_reading)?;
    if ask.preferences.handling == Some(Handling::Strict)
        && let Some(most) = ask.preferences.max_affected
        && found.len() as u64 > most
    {
        let text = format!("{} rows are meant, and at most {most} may be changed", found.len());
        return Err(Problem::new(StatusCode::BAD_REQUEST, "too_many_affected").with_detail(text));
    }
    let keys = found.iter().map(TableRow::key).collect::<crocus_orm::Result<Vec<_>>>()?;
    let (written, outcome) = match write {
        Write::Update if is_empty => {
            let outcome = Outcome::of(served, ask, &transaction, &found, Return::Minimal).await?;
            (found, outcome)
        }
        Write::Update => {
            let mut written = Vec::with_capacity(keys.len());
            for keys in keys.chunks(KEYS) {
                let update = dynamic::update(definition.table).set(input.clone());
                let update = update.filter(dynamic::by_keys(definition.table, keys));
                written.extend(update.returning(&transaction).await.map_err(|error| of_rows(error, &[]))?);
            }
            let place: HashMap<_, _> =
                keys.iter().enumerate().map(|(place, key)| (format!("{key:?}"), place)).collect();
            let place = |row: &TableRow| row.key().ok().and_then(|key| place.get(&format!("{key:?}")).copied());
            // Updated rows come back in no order; those whose key was changed come last.
            written.sort_by_key(|row| place(row).unwrap_or(usize::MAX));
            check(definition, ask, &transaction, &written).await?;
            let outcome = Outcome::of(served, ask, &transaction, &written, Return::Minimal).await?;
            (written, outcome)
        }
        _ => {
            let outcome = Outcome::of(served, ask, &transaction, &found, Return::Minimal).await?;
            for keys in keys.chunks(KEYS) {
                let delete = dynamic::delete(definition.table).filter(dynamic::by_keys(definition.table, keys));
                delete.execute(&transaction).await.map_err(problems::of_deletion)?;
            }
            (found, outcome)
        }
    };
    after(definition, ask, &transaction, write, &written, &[]).await?;
    finish(ask, transaction, outcome.respond(ask, StatusCode::NO_CONTENT)).await
}

/// How many keys one statement names.
const KEYS: usize = 5_000;

/// The begin of a write.
enum Begun {
    New(Box<Transaction>),
    /// It was done before, and this was the answer.
    Done(Response),
}

/// A transaction on the resource's database.
async fn begin(ask: &Ask, definition: &Definition) -> Result<Begun> {
    let engine = ask.engine(definition)?;
    let Some(once) = &ask.once else { return Ok(Begun::New(Box::new(engine.begin().await?))) };
    Once::prepare(engine).await?;
    let transaction = engine.begin().await?;
    match once.look(&transaction).await {
        Ok(None) => Ok(Begun::New(Box::new(transaction))),
        // Here and not some time later: it holds the key.
        Ok(Some(response)) => transaction.rollback().await.map(|()| Begun::Done(response)).map_err(Problem::from),
        Err(problem) => {
            transaction.rollback().await?;
            Err(problem)
        }
    }
}

/// Commits, or takes everything back where the client only wants to know what would be.
async fn finish(ask: &Ask, transaction: Transaction, mut response: Response) -> Result<Response> {
    if ask.preferences.transaction == Some(crate::grammar::Transaction::Rollback) {
        transaction.rollback().await?;
        return Ok(response);
    }
    if let Some(once) = &ask.once {
        response = once.keep(&transaction, response).await?;
    }
    transaction.commit().await?;
    Ok(response)
}

/// What the program's hooks make of what is to be written.
async fn before(definition: &Definition, ask: &Ask, write: Write, rows: Vec<Input>) -> Result<Vec<Input>> {
    let Some(hooks) = &definition.hooks else { return Ok(rows) };
    let mut made = Vec::with_capacity(rows.len());
    for Input { assignments, defaults } in rows {
        let assignments = hooks.before(&ask.parts, write, assignments).await?;
        let is_set = |column: &usize| assignments.iter().any(|(given, _)| given == column);
        let defaults = defaults.into_iter().filter(|column| !is_set(column)).collect();
        made.push(Input { assignments, defaults });
    }
    Ok(made)
}

/// Refuses rows that a write has put out of what the request may see.
async fn check<'a>(
    definition: &Definition,
    ask: &Ask,
    transaction: &Transaction,
    written: impl IntoIterator<Item = &'a TableRow>,
) -> Result<()> {
    let Some(scope) = ask.scopes.get(&definition.path) else { return Ok(()) };
    let keys = written.into_iter().map(TableRow::key).collect::<crocus_orm::Result<Vec<_>>>()?;
    for keys in keys.chunks(KEYS) {
        let mut rows = Rows::new(Source::new(definition.table));
        rows.filter = vec![dynamic::by_keys(definition.table, keys), scope.clone()];
        if dynamic::select(rows).count(transaction).await? != keys.len() as u64 {
            let text = "a row would be outside of what this client may see";
            return Err(Problem::new(StatusCode::FORBIDDEN, "out_of_scope").with_detail(text));
        }
    }
    Ok(())
}

/// Tells the program's hooks what was written. The pointers say where in the body the rows are, if it has several.
async fn after<'a>(
    definition: &Definition,
    ask: &Ask,
    transaction: &Transaction,
    write: Write,
    written: impl IntoIterator<Item = &'a TableRow>,
    pointers: &[&str],
) -> Result<()> {
    let Some(hooks) = &definition.hooks else { return Ok(()) };
    hooks
        .after(&ask.parts, transaction, write, &written.into_iter().map(TableRow::row).collect::<Vec<_>>())
        .await
        .map_err(|refused| match refused {
            HookRefused::Problem(problem) => problem,
            HookRefused::Invalid(rows) => {
                let errors = rows.into_iter().flat_map(|(index, errors)| {
                    let prefix = pointers.get(index).copied().unwrap_or_default();
                    errors.into_iter().map(move |error| key::under(prefix, error))
                });
                invalid(errors.collect())
            }
        })
}

/// The state that the client has seen; a 428 where it has to say so and does not.
fn seen(definition: &Definition, ask: &Ask) -> Result<Option<Condition>> {
    let seen = condition(&ask.parts.headers, &header::IF_MATCH);
    if seen.is_none() && definition.requires_match {
        let text = "say which state of the row you have seen: send its `ETag` as `If-Match`";
        return Err(Problem::new(StatusCode::PRECONDITION_REQUIRED, "precondition_required").with_detail(text));
    }
    Ok(seen)
}

/// The row with a key, if the request may see it, locked until the transaction ends.
async fn locked(
    definition: &Definition,
    ask: &Ask,
    transaction: &Transaction,
    key: &[Value],
) -> Result<Option<TableRow>> {
    let mut rows = Rows::new(Source::new(definition.table));
    rows.filter.push(dynamic::key_equals(definition.table, key));
    rows.filter.extend(ask.scopes.get(&definition.path).cloned());
    Ok(dynamic::table_rows(rows).for_update().one_or_none(transaction).await?)
}

/// A 404 where there is no row, and a 412 where it is another than the client has seen.
fn check_seen(
    definition: &Definition,
    seen: Option<&Condition>,
    current: Option<&TableRow>,
    key: &[Value],
) -> Result<()> {
    match (seen, current) {
        (_, None) => Err(key::not_found(definition, key)),
        (Some(seen), Some(row)) if !seen.holds(&key::state_of(definition, row)?) => Err(problems::changed()),
        _ => Ok(()),
    }
}

/// The condition of an UPDATE of one row: its key, what the request may see, and the state that the client has seen.
async fn own(
    definition: &Definition,
    ask: &Ask,
    key: &[Value],
    seen: Option<&Condition>,
    transaction: &Transaction,
) -> Result<crocus_orm::Expr<bool>> {
    let mut condition = dynamic::key_equals(definition.table, key);
    if let Some(scope) = ask.scopes.get(&definition.path) {
        condition = condition & scope.clone();
    }
    let Some(seen) = seen else { return Ok(condition) };
    if let Some(versions) = key::versions(definition, seen) {
        return Ok(condition & versions);
    }
    // Without a version the row's content is its state: it is locked, so that it stays what it is.
    let current = locked(definition, ask, transaction, key).await?;
    check_seen(definition, Some(seen), current.as_ref(), key)?;
    Ok(condition)
}

/// What the database says to rows, which stand at these pointers of the body.
fn of_rows(error: crocus_orm::Error, pointers: &[&str]) -> Problem {
    let place = error.index().filter(|_| pointers.len() > 1).unwrap_or_default();
    let is_known = error.index().is_some() || pointers.len() < 2;
    let problem = Problem::from(error);
    if is_known { problem.under(pointers.get(place).copied().unwrap_or_default()) } else { problem.without_errors() }
}
