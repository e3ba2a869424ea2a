//! What a resource answers when something is wrong.

use axum::http::StatusCode;
use crocus_orm::{Error, ErrorKind};
use serde_json::{Value, json};

use super::definition::Definition;
use crate::Problem;
use crate::grammar::{Mistake, Unknown, nearest};

/// A 400 about the query.
pub(super) fn invalid_query(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_query").with_detail(detail)
}

/// A 400 about parameters, with all mistakes.
pub(super) fn mistakes(mistakes: Vec<Mistake>) -> Problem {
    let shown: Vec<_> = mistakes.iter().map(said).collect();
    let errors: Value =
        mistakes.iter().map(|mistake| json!({"parameter": mistake.parameter, "detail": mistake.detail})).collect();
    invalid_query(shown.join("; ")).with_member("errors", errors)
}

/// A 400 about where a page is to begin.
pub(super) fn wrong_cursor(detail: &str) -> Problem {
    mistakes(vec![Mistake { parameter: "cursor".to_owned(), detail: detail.to_owned() }])
}

fn said(mistake: &Mistake) -> String {
    if mistake.parameter.is_empty() { mistake.detail.clone() } else { mistake.to_string() }
}

/// A 400 about preferences that are not understood and must be.
pub(super) fn unknown_preferences(unknown: &[Unknown]) -> Problem {
    let said = unknown.iter().map(|Unknown { preference, suggestion }| match suggestion {
        Some(suggestion) => format!("the preference `{preference}` is not known; did you mean `{suggestion}`?"),
        None => format!("the preference `{preference}` is not known"),
    });
    let detail = said.collect::<Vec<_>>().join("; ");
    Problem::new(StatusCode::BAD_REQUEST, "unknown_preference").with_detail(detail)
}

/// A 406: the client asks for one row, and there are several or none.
pub(super) fn not_single(rows: usize) -> Problem {
    let text = if rows == 0 {
        "there is no row, and one is asked for"
    } else {
        "there are several rows, and one is asked for"
    };
    Problem::new(StatusCode::NOT_ACCEPTABLE, "not_single")
        .with_detail(text)
        .with_details(format!("The result contains {rows} rows"))
}

/// What the database says to a deletion.
pub(super) fn of_deletion(error: Error) -> Problem {
    let is_referred_to = error.kind() == ErrorKind::ForeignKeyViolation;
    let problem = Problem::from(error);
    if !is_referred_to {
        return problem;
    }
    problem.without_errors().with_detail("other rows still refer to it, and nothing is deleted")
}

/// A 412: the row is another than the client has seen.
pub(super) fn changed() -> Problem {
    Problem::new(StatusCode::PRECONDITION_FAILED, "precondition_failed")
        .with_detail("the row was changed since it was read, and nothing is written; read it again, then change it")
}

/// A 412: the client wants to make a row, or to change it from another state, and it is there.
pub(super) fn there() -> Problem {
    Problem::new(StatusCode::PRECONDITION_FAILED, "precondition_failed")
        .with_detail("the row is there, in a state that `If-None-Match` excludes, and nothing is written")
}

/// A 422: it is not known whether the children of a row that is there already are new.
pub(super) fn with_children() -> Problem {
    let text = "rows that may be there already cannot bring the rows of relationships: send these on their own";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "nested_upsert").with_detail(text)
}

/// A 409 for a row that cannot be merged since the one that is there is none that the client can see: in the words of an
/// insert that finds it, which tell nothing more of it.
pub(super) fn taken(definition: &Definition, columns: &[usize]) -> Problem {
    Problem::unique_violation(columns.iter().map(|column| definition.table.columns[*column].name))
}

/// A 400 about a parameter that lists columns.
pub(super) fn unknown_column(parameter: &str, definition: &Definition, name: &str) -> Problem {
    let table = definition.table.name;
    let near = nearest(name, definition.columns().map(|column| column.name));
    let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    let detail = format!("`{name}` is no column of `{table}`{near}");
    mistakes(vec![Mistake { parameter: parameter.to_owned(), detail }])
}

/// What is said to a query that reads: a value that the database cannot take is the client's mistake, and so is what
/// it does not have.
pub(super) fn of_reading(error: Error) -> Problem {
    match error.kind() {
        ErrorKind::InvalidValue | ErrorKind::InvalidQuery => invalid_query(error.to_string()),
        _ => error.into(),
    }
}
