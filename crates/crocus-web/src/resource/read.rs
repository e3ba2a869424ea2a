//! Reading a resource: lists and single rows.

use std::sync::Arc;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use crocus_orm::dynamic::{JsonPage, JsonRow};
use crocus_orm::{Executor, Expr, Isolation, Select, TransactionOptions, Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Served;
use super::ask::{Ask, Refused, range, refused};
use super::asked::Planned;
use super::etag::EntityTag;
use super::format::{Format, Kind};
use super::{key, parts, problems};
use crate::grammar::{Count, Preferences};
use crate::{Problem, Result};

/// What a query's value has unescaped in a link.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `GET /cars`: the rows that the parameters mean. `within` narrows them to those of a sub-resource.
pub(super) async fn list(served: &Served, ask: &Ask, within: Option<Expr<bool>>) -> Result<Response, Refused> {
    let definition = &served.definition;
    let window = Window::of(ask, definition.limits.rows).map_err(refused)?;
    let plan = plan(served, ask).map_err(refused)?;
    let select = match within {
        Some(within) => plan.list.clone().filter(within),
        None => plan.list.clone(),
    };
    let (total, page) = match ask.preferences.count {
        Some(Count::Exact | Count::Estimated) => {
            // The rows and their number are of one moment. The transaction has nothing to commit: it ends with this request.
            let snapshot = TransactionOptions::new().isolation(Isolation::RepeatableRead).read_only();
            let engine = ask.engine(definition).map_err(refused)?;
            let snapshot = engine.begin_with(snapshot).await.map_err(|error| refused(error.into()))?;
            window.counted(select, ask, plan.aggregated, &snapshot).await
        }
        Some(Count::Planned) | None => window.counted(select, ask, plan.aggregated, &ask.db).await,
    }
    .map_err(refused)?;
    respond(ask, &window, page, total, &plan.names).await.map_err(refused)
}

/// `GET /cars/1`: one row.
pub(super) async fn get(served: &Served, ask: &Ask, key: Vec<Value>) -> Result<Response, Refused> {
    let definition = &served.definition;
    let plan = plan(served, ask).map_err(refused)?;
    if plan.aggregated {
        return Err(refused(problems::invalid_query("one row has nothing to be counted or added up")));
    }
    let row = plan.one(definition).get(&ask.db, &key).await.map_err(|error| refused(problems::of_reading(error)))?;
    let Some((row, beside)) = row else {
        return Err(refused(key::not_found(definition, &key)));
    };
    Ok(answer_one(ask, StatusCode::OK, row, &key::state_of_text(definition, &beside), &plan.names))
}

/// The answer with one row, or a 304.
pub(super) fn answer_one(ask: &Ask, status: StatusCode, row: JsonRow, state: &str, names: &[String]) -> Response {
    let format = match ask.format {
        // One row is an object, unless the client wants a table or lines.
        Format { kind: Kind::Json, .. } => Format { kind: Kind::Object, ..ask.format },
        format => format,
    };
    let body = format.write_one(row, names);
    let tag = EntityTag::of_row(state, &body);
    let content_type = match ask.format {
        Format { kind: Kind::Json, stripped: false } => Format::JSON.content_type(),
        _ => format.content_type(),
    };
    finish(ask, status, tag, content_type, body)
}

/// The answer, or a 304 where the client has it.
fn finish(
    ask: &Ask,
    status: StatusCode,
    tag: EntityTag,
    content_type: &'static str,
    body: impl Into<Body>,
) -> Response {
    let vary = (header::VARY, HeaderValue::from_static("accept, prefer, range"));
    let is_read = [Method::GET, Method::HEAD].contains(&ask.parts.method);
    if is_read && tag.is_known(&ask.parts.headers) {
        return (StatusCode::NOT_MODIFIED, [tag.into_header(), vary]).into_response();
    }
    let content_type = (header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    (status, [tag.into_header(), vary, content_type], body.into()).into_response()
}

/// What the request asks for, planned.
pub(super) fn plan(served: &Served, ask: &Ask) -> Result<Arc<Planned>> {
    ask.asked.plan(served, &ask.scopes, ask.dialect(&served.definition)?)
}

/// Which of the rows.
struct Window {
    limit: u64,
    offset: u64,
    from: From,
}

/// Where a page begins.
enum From {
    /// With the offset, where the parameters or the header have one.
    Offset,
    /// With the first row.
    Start,
    After(String),
    Before(String),
}

impl Window {
    fn of(ask: &Ask, most: u64) -> Result<Window> {
        let page = ask.parameters().pages.get([].as_slice());
        let (mut limit, mut offset) = page.map_or((None, None), |page| (page.limit, page.offset));
        let range = if ask.parts.method == Method::GET { range(&ask.parts.headers)? } else { None };
        if let Some((first, rows)) = range {
            // Both count: the header's rows among the parameters'.
            offset = Some(offset.unwrap_or(0).saturating_add(first));
            limit = match (limit, rows) {
                (Some(limit), rows) => Some(limit.saturating_sub(first).min(rows.unwrap_or(u64::MAX))),
                (None, rows) => rows,
            };
        }
        let from = match (&ask.parameters().cursor, offset) {
            (Some(_), Some(_)) => {
                return Err(problems::wrong_cursor("it says where the page begins, and so does the offset"));
            }
            (Some(cursor), None) => match cursor.split_once('.') {
                Some(("after", cursor)) => From::After(cursor.to_owned()),
                Some(("before", cursor)) => From::Before(cursor.to_owned()),
                _ if cursor.is_empty() => From::Start,
                _ => return Err(problems::wrong_cursor("this is no cursor of this list; `Link` has them")),
            },
            (None, Some(_)) => From::Offset,
            (None, None) => From::Start,
        };
        Ok(Window { limit: limit.unwrap_or(most).min(most), offset: offset.unwrap_or(0), from })
    }

    /// The rows, and how many there are without limits, if the request wants to know.
    async fn counted(
        &self,
        select: Select<JsonRow>,
        ask: &Ask,
        aggregated: bool,
        db: &impl Executor,
    ) -> Result<(Option<u64>, JsonPage)> {
        let total = count(ask, select.clone(), db).await?;
        if let Some(total) = total
            && self.offset > total
        {
            return Err(beyond(self.offset, total));
        }
        Ok((total, self.read(select, ask, aggregated, db).await?))
    }

    async fn read(&self, select: Select<JsonRow>, ask: &Ask, aggregated: bool, db: &impl Executor) -> Result<JsonPage> {
        let single = aggregated || matches!(self.from, From::Offset);
        if single {
            if aggregated && ask.parameters().cursor.is_some() {
                return Err(problems::wrong_cursor("rows that are made of several have no cursors"));
            }
            let rows = select.limit(self.limit).offset(self.offset).list(db).await.map_err(problems::of_reading)?;
            return Ok(JsonPage { rows, next: None, prev: None });
        }
        let keyset = select.keyset(self.limit);
        let keyset = match &self.from {
            From::After(cursor) => keyset.after(cursor),
            From::Before(cursor) => keyset.before(cursor),
            From::Offset | From::Start => keyset,
        };
        keyset.list(db).await.map_err(problems::of_reading)
    }

    /// Whether the number of the first row is known.
    fn is_numbered(&self) -> bool {
        matches!(self.from, From::Offset | From::Start)
    }
}

/// How many rows there are without limits, if the request wants to know.
async fn count(ask: &Ask, select: Select<JsonRow>, db: &impl Executor) -> Result<Option<u64>> {
    Ok(match ask.preferences.count {
        None => None,
        Some(Count::Exact) => Some(select.count(db).await.map_err(problems::of_reading)?),
        Some(Count::Planned) => Some(select.estimate(db).await.map_err(problems::of_reading)?),
        Some(Count::Estimated) => {
            let estimate = select.clone().estimate(db).await.map_err(problems::of_reading)?;
            // As PostgREST does: exact where it is cheap.
            let most = 1_000;
            let counted = select.limit(most).count(db).await.map_err(problems::of_reading)?;
            Some(if counted < most { counted } else { estimate.max(counted) })
        }
    })
}

fn beyond(offset: u64, total: u64) -> Problem {
    let text = format!("the rows begin at {offset}, and there are {total}");
    let range = HeaderValue::try_from(format!("*/{total}")).unwrap_or(HeaderValue::from_static("*/*"));
    Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "range_not_satisfiable")
        .with_detail(text)
        .with_header(header::CONTENT_RANGE, range)
}

async fn respond(ask: &Ask, window: &Window, page: JsonPage, total: Option<u64>, names: &[String]) -> Result<Response> {
    if ask.format.kind == Kind::Object && page.rows.len() != 1 {
        return Err(problems::not_single(page.rows.len()));
    }
    let sent = page.rows.len() as u64;
    let is_part = window.is_numbered() && total.is_some_and(|total| sent < total);
    let status = if is_part { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let content_range = content_range(window, sent, total);
    let links = links(&ask.parts, &page);
    let body = ask.format.write_list(page.rows, names).await;
    let tag = EntityTag::of_list(&body, &content_range).await;
    let mut response = finish(ask, status, tag, ask.format.content_type(), parts::body(body));
    let headers = response.headers_mut();
    add(headers, header::CONTENT_RANGE, &content_range);
    headers.insert(RANGE_UNIT, HeaderValue::from_static("items"));
    if !links.is_empty() {
        add(headers, header::LINK, &links);
    }
    applied(
        headers,
        &Preferences { count: ask.preferences.count, handling: ask.preferences.handling, ..Default::default() },
    );
    Ok(response)
}

const RANGE_UNIT: HeaderName = HeaderName::from_static("range-unit");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// Says which preferences were followed.
pub(super) fn applied(headers: &mut HeaderMap, preferences: &Preferences) {
    let text = preferences.to_string();
    if !text.is_empty() {
        add(headers, PREFERENCE_APPLIED, &text);
    }
}

fn add(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(name, value);
    }
}

/// `0-24/573`, with `*` for what is not known.
fn content_range(window: &Window, sent: u64, total: Option<u64>) -> String {
    let total = total.map_or("*".to_owned(), |total| total.to_string());
    if sent == 0 || !window.is_numbered() {
        return format!("*/{total}");
    }
    format!("{}-{}/{total}", window.offset, window.offset + sent - 1)
}

/// Where the pages beside this one are (RFC 8288).
fn links(parts: &Parts, page: &JsonPage) -> String {
    let link = |cursor: &Option<String>, word: &str, relation: &str| {
        let cursor = cursor.as_ref()?;
        Some(format!("<{}>; rel=\"{relation}\"", with_cursor(&parts.uri, &format!("{word}.{cursor}"))))
    };
    // What QUERY asks stands in its body, and a link has none.
    if parts.method != Method::GET && parts.method != Method::HEAD {
        return String::new();
    }
    let links = [link(&page.next, "after", "next"), link(&page.prev, "before", "prev")];
    links.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The address with another cursor.
fn with_cursor(uri: &Uri, cursor: &str) -> String {
    let others = uri.query().unwrap_or_default().split('&');
    let others = others.filter(|pair| !pair.is_empty() && *pair != "cursor" && !pair.starts_with("cursor="));
    let cursor = format!("cursor={}", utf8_percent_encode(cursor, QUERY));
    let query: Vec<_> = others.chain([cursor.as_str()]).collect();
    format!("{}?{}", uri.path(), query.join("&"))
}
