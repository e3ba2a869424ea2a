//! What a request asks: its parameters, its headers, and what it may see.

use std::sync::Arc;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use crocus_orm::{Dialect, Engine};

use super::asked::Asked;
use super::definition::Definition;
use super::format::Format;
use super::idempotency::{KEY, Once};
use super::plan::Scopes;
use super::{Served, body, etag, problems};
use crate::grammar::{Handling, Parameters, Preferences};
use crate::{Db, Problem};

/// Why there is no answer but this one.
pub(super) type Refused = Box<Response>;

/// What a request asks.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) parts: Parts,
    pub(super) db: Db,
    pub(super) asked: Arc<Asked>,
    pub(super) preferences: Preferences,
    pub(super) format: Format,
    pub(super) scopes: Scopes,
    /// Where it is to be done once.
    pub(super) once: Option<Once>,
}

const PREFER: HeaderName = HeaderName::from_static("prefer");

impl Ask {
    /// Reads the request's head; `query` stands in place of the URL's where the body has it. What it may see is to be
    /// asked then.
    pub(super) fn read(served: &Served, mut parts: Parts, query: Option<&str>) -> Result<Ask, Refused> {
        let db = Db::of(&mut parts).map_err(refused)?;
        let query = query.or(parts.uri.query()).unwrap_or_default();
        let asked = Asked::of(served, query).map_err(refused)?;
        let preferences = preferences(&parts.headers).map_err(refused)?;
        etag::check(&parts.headers).map_err(refused)?;
        let format = Format::negotiate(&parts.headers).map_err(refused)?;
        Ok(Ask { parts, db, asked, preferences, format, scopes: Scopes::new(), once: None })
    }

    /// Asks what it may see of the resources whose rows it reads.
    pub(super) async fn see(&mut self) -> Result<(), Refused> {
        if self.asked.is_scoped {
            let asked = self.asked.clone();
            self.add_scopes(&asked.reached).await?;
        }
        Ok(())
    }

    /// What its query asks.
    pub(super) fn parameters(&self) -> &Parameters {
        &self.asked.parameters
    }

    /// The same for a write, which may be one that is to be done once. Gives the body back.
    pub(super) async fn see_write(&mut self, body: Body) -> Result<Body, Refused> {
        self.see().await?;
        self.note_key(body).await.map_err(refused)
    }

    /// Notes whether the request is to be done once. Gives the body back.
    async fn note_key(&mut self, body: Body) -> Result<Body, Problem> {
        if !self.parts.headers.contains_key(KEY) {
            return Ok(body);
        }
        let bytes = body::bytes(self, body).await?;
        self.once = Once::of(&self.parts, &self.scopes, &bytes)?;
        Ok(Body::from(bytes))
    }

    /// Adds the conditions of more resources.
    pub(super) async fn add_scopes(&mut self, definitions: &[Arc<Definition>]) -> Result<(), Refused> {
        for definition in definitions {
            if let Some(scope) = &definition.scope
                && !self.scopes.contains_key(&definition.path)
            {
                self.scopes.insert(definition.path.clone(), scope.of(&mut self.parts).await.map_err(Box::new)?);
            }
        }
        Ok(())
    }

    /// The resource's database.
    pub(super) fn engine(&self, definition: &Definition) -> Result<&Engine, Problem> {
        match definition.table.bind {
            Some(bind) => Ok(self.db.bind(bind)?),
            None => Ok(&self.db),
        }
    }

    /// The dialect of the resource's database.
    pub(super) fn dialect(&self, definition: &Definition) -> Result<Dialect, Problem> {
        use crocus_orm::Executor;
        Ok(self.db.target(definition.table.bind)?.dialect())
    }
}

/// A problem as PostgREST's clients understand it too.
pub(super) fn refused(problem: Problem) -> Refused {
    Box::new(problem.of_resource().into_response())
}

fn preferences(headers: &HeaderMap) -> Result<Preferences, Problem> {
    let values = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    let preferences = Preferences::parse(values);
    if preferences.handling == Some(Handling::Strict) && !preferences.unknown.is_empty() {
        return Err(problems::unknown_preferences(&preferences.unknown));
    }
    Ok(preferences)
}

/// Which rows the header `Range` asks for: `0-24`, or `25-` for all from there on. A header in other units, or that
/// cannot be read, is none (RFC 9110, 14.2).
///
/// # Errors
/// When it ends before it begins.
pub(super) fn range(headers: &HeaderMap) -> Result<Option<(u64, Option<u64>)>, Problem> {
    let Some(range) = headers.get(header::RANGE).and_then(|range| range.to_str().ok()) else { return Ok(None) };
    let range = range.trim();
    let Some((first, last)) = range.strip_prefix("items=").unwrap_or(range).split_once('-') else { return Ok(None) };
    let (Ok(first), last) = (first.parse::<u64>(), last.trim()) else { return Ok(None) };
    if last.is_empty() {
        return Ok(Some((first, None)));
    }
    let Ok(last) = last.parse::<u64>() else { return Ok(None) };
    let Some(rows) = last.checked_sub(first) else {
        let text = format!("the range {first}-{last} ends before it begins");
        return Err(Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "range_not_satisfiable").with_detail(text));
    };
    Ok(Some((first, Some(rows.saturating_add(1)))))
}
