//! What a write is answered with: nothing, where the rows are, or the rows as they are now.

use std::collections::HashMap;

use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use crocus_orm::Transaction;
use crocus_orm::dynamic::{self, JsonRow, TableRow};
use serde_json::Value as Json;

use super::KEYS;
use crate::Result;
use crate::grammar::{Preferences, Return};
use crate::resource::ask::Ask;
use crate::resource::format::Kind;
use crate::resource::{Served, key, problems, read};

/// The rows of an answer.
pub(super) struct Outcome {
    returning: Return,
    /// Each with its state, in the order in which they were written; none for one that is not there any more, or that
    /// the selection leaves out.
    rows: Vec<Option<(JsonRow, String)>>,
    names: Vec<String>,
    number: usize,
}

impl Outcome {
    /// Reads what the client wants to see of rows that are written, or about to be deleted.
    pub(super) async fn of(
        served: &Served,
        ask: &Ask,
        transaction: &Transaction,
        written: &[TableRow],
        otherwise: Return,
    ) -> Result<Outcome> {
        let definition = &served.definition;
        let returning = ask.preferences.returning.unwrap_or(otherwise);
        let mut outcome = Outcome { returning, rows: Vec::new(), names: Vec::new(), number: written.len() };
        if returning != Return::Representation {
            // A selection with mistakes is refused, also where nothing of it is shown.
            ask.parameters().select.as_ref().map_or(Ok(()), |_| read::plan(served, ask).map(drop))?;
            return Ok(outcome);
        }
        let plan = read::plan(served, ask)?;
        if plan.aggregated {
            return Err(problems::invalid_query("`select`: what was written is not counted or added up"));
        }
        outcome.names = plan.names.clone();
        let keys = written.iter().map(TableRow::key).collect::<crocus_orm::Result<Vec<_>>>()?;
        let mut found = HashMap::new();
        for keys in keys.chunks(KEYS) {
            let mut rows = plan.rows.clone();
            // The filters said which rows to change: they need not hold of what became of them.
            rows.filter = vec![dynamic::by_keys(definition.table, keys)];
            (rows.order, rows.limit, rows.offset) = (Vec::new(), None, None);
            let columns = key::columns(definition).into_iter().chain(key::state_columns(definition)).collect();
            let select = dynamic::select_beside(rows, columns);
            for (row, beside) in select.all(transaction).await.map_err(problems::of_reading)? {
                let (key, state) = beside.split_at(key::columns(definition).len());
                found.insert(Json::from(key).to_string(), (row, key::state(definition, state)));
            }
        }
        for row in written {
            outcome.rows.push(found.remove(&Json::from(row.json_key()?).to_string()));
        }
        let shown = outcome.rows.iter().flatten().count();
        if ask.format.kind == Kind::Object && shown != 1 {
            return Err(problems::not_single(shown));
        }
        Ok(outcome)
    }

    /// The same of rows that are known already, for a request that selects nothing.
    pub(super) fn of_written(served: &Served, ask: &Ask, written: &[TableRow], otherwise: Return) -> Result<Outcome> {
        let definition = &served.definition;
        let returning = ask.preferences.returning.unwrap_or(otherwise);
        let mut outcome = Outcome { returning, rows: Vec::new(), names: Vec::new(), number: written.len() };
        if returning == Return::Representation {
            let seen = |name: &str| definition.column(name).is_some();
            let columns = definition.table.columns.iter().enumerate().filter(|(_, column)| seen(column.name));
            let (columns, names): (Vec<_>, Vec<_>) =
                columns.map(|(index, column)| (index, column.name.to_owned())).unzip();
            outcome.names = names;
            for row in written {
                outcome.rows.push(Some((JsonRow(row.json(&columns)?), key::state_of(definition, row)?)));
            }
        }
        Ok(outcome)
    }

    /// The answer to a write of several rows.
    pub(super) fn respond(self, ask: &Ask, empty: StatusCode) -> Response {
        let is_created = empty == StatusCode::CREATED;
        let mut response = if self.returning == Return::Representation {
            let rows: Vec<_> = self.rows.iter().flatten().map(|(row, _)| row.clone()).collect();
            let body = ask.format.write(&rows, &self.names);
            let content_type = HeaderValue::from_static(ask.format.content_type());
            let status = if is_created { StatusCode::CREATED } else { StatusCode::OK };
            (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
        } else {
            empty.into_response()
        };
        self.add_headers(ask, &mut response);
        response
    }

    /// How many rows there are, and which preferences were followed.
    pub(super) fn add_headers(&self, ask: &Ask, response: &mut Response) {
        let total = ask.preferences.count.map_or("*".to_owned(), |_| self.number.to_string());
        let range = match self.number {
            number if number > 0 && ask.parts.method != Method::POST => format!("0-{}/{total}", number - 1),
            _ => format!("*/{total}"),
        };
        if let Ok(range) = HeaderValue::try_from(range) {
            response.headers_mut().insert(header::CONTENT_RANGE, range);
        }
        applied(ask, self.returning, response);
    }

    /// The rows as JSON texts.
    pub(super) fn texts(&self) -> impl Iterator<Item = Option<&str>> {
        self.rows.iter().map(|row| row.as_ref().and_then(|(row, _)| std::str::from_utf8(&row.0).ok()))
    }

    /// The answer to a write of one row.
    pub(super) fn respond_one(self, ask: &Ask, status: StatusCode) -> Response {
        let returning = self.returning;
        let mut response = match self.rows.into_iter().flatten().next() {
            Some((row, state)) => {
                let status = if status == StatusCode::NO_CONTENT { StatusCode::OK } else { status };
                read::answer_one(ask, status, row, &state, &self.names)
            }
            None if status == StatusCode::CREATED => status.into_response(),
            None => StatusCode::NO_CONTENT.into_response(),
        };
        applied(ask, returning, &mut response);
        response
    }
}

fn applied(ask: &Ask, returning: Return, response: &mut Response) {
    let asked = &ask.preferences;
    let followed = Preferences { returning: asked.returning.map(|_| returning), unknown: Vec::new(), ..asked.clone() };
    read::applied(response.headers_mut(), &followed);
}
