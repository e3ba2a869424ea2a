//! The routes of resources: which method of which path is answered by what.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use crocus_orm::RelationKind;

use super::ask::{Ask, Refused, refused};
use super::body::{self, Bodies};
use super::definition::{Definition, Operation, Resources};
use super::{Served, key, read, sub, write};
use crate::Problem;
use crate::routing::Route;

/// What a request to a path of a resource is about.
#[derive(Clone)]
enum Place {
    Collection,
    One,
    /// The rows that a relationship leads to from one row.
    Sub(Arc<sub::Sub>),
}

impl Resources {
    /// The routes of all resources, and a list of them.
    pub fn routes(&self) -> (Router, Vec<Route>) {
        let (mut router, mut routes) = (Router::new(), Vec::new());
        for definition in self.iter() {
            let served = Arc::new(Served::new(self, definition));
            let one = format!("{}/{{id}}", definition.path);
            let mut paths = vec![(definition.path.clone(), Place::Collection), (one.clone(), Place::One)];
            for relation in definition.relations {
                let many = matches!(relation.kind, RelationKind::HasMany { .. } | RelationKind::ManyToMany { .. });
                if let Some(target) = self.of((relation.target)()).filter(|_| many) {
                    let sub = sub::Sub { parent: definition.clone(), relation: *relation, target: target.clone() };
                    paths.push((format!("{one}/{}", relation.name), Place::Sub(Arc::new(sub))));
                }
            }
            for (path, place) in paths {
                let served = match &place {
                    Place::Sub(sub) => Arc::new(Served::new(self, &sub.target)),
                    _ => served.clone(),
                };
                let answered: Vec<_> = methods(&served.definition, &place);
                for (method, handler) in &answered {
                    routes.push(Route { method: method.clone(), path: path.clone(), handler });
                }
                if let Some(methods) = answered_by(&served, &place, &answered) {
                    router = router.route(&path, methods);
                }
            }
        }
        (router, routes)
    }
}

/// The methods that a place has, and the names of what answers them.
fn methods(definition: &Definition, place: &Place) -> Vec<(Method, &'static str)> {
    let all: &[(Operation, Method, &'static str)] = match place {
        Place::Collection => &[
            (Operation::List, Method::GET, "list"),
            (Operation::Create, Method::POST, "create"),
            (Operation::UpdateMany, Method::PATCH, "update_many"),
            (Operation::DeleteMany, Method::DELETE, "delete_many"),
        ],
        Place::One => &[
            (Operation::Get, Method::GET, "get"),
            (Operation::Replace, Method::PUT, "replace"),
            (Operation::Update, Method::PATCH, "update"),
            (Operation::Delete, Method::DELETE, "delete"),
        ],
        Place::Sub(sub) if sub.can_create() => {
            &[(Operation::List, Method::GET, "list"), (Operation::Create, Method::POST, "create")]
        }
        Place::Sub(_) => &[(Operation::List, Method::GET, "list")],
    };
    let allowed = all.iter().filter(|(operation, ..)| definition.allows(*operation));
    let mut methods: Vec<_> = allowed.map(|(_, method, handler)| (method.clone(), *handler)).collect();
    if !matches!(place, Place::One) && definition.allows(Operation::List) {
        methods.push((query_method(), "query"));
    }
    methods
}

/// RFC 10008.
fn query_method() -> Method {
    Method::from_bytes(b"QUERY").unwrap_or(Method::GET)
}

fn answered_by(served: &Arc<Served>, place: &Place, methods: &[(Method, &'static str)]) -> Option<MethodRouter> {
    let mut router: Option<MethodRouter> = None;
    let handler = {
        let (served, place) = (served.clone(), place.clone());
        move |request: Request| {
            let (served, place) = (served.clone(), place.clone());
            async move { answer(served, place, request).await }
        }
    };
    for (method, _) in methods {
        let Ok(filter) = MethodFilter::try_from(method.clone()) else { continue };
        router = Some(match router {
            None => on(filter, handler.clone()),
            Some(router) => router.on(filter, handler.clone()),
        });
    }
    if methods.iter().any(|(method, _)| *method == query_method()) {
        let allow = allow(methods);
        let unknown = move |request: Request| {
            let (handler, allow) = (handler.clone(), allow.clone());
            async move {
                let path = request.uri().path().to_owned();
                let mut response = match request.method() {
                    method if *method == query_method() => handler(request).await,
                    &Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
                    method => {
                        let text = format!("{path} does not answer to {method}");
                        let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
                        problem.with_detail(text).of_resource().into_response()
                    }
                };
                response.headers_mut().insert(header::ALLOW, allow);
                response
            }
        };
        router = Some(router.unwrap_or_default().fallback(unknown));
    }
    router
}

/// The methods of a place, as `Allow` lists them.
fn allow(methods: &[(Method, &'static str)]) -> HeaderValue {
    let mut words: Vec<&str> = methods.iter().map(|(method, _)| method.as_str()).collect();
    if words.contains(&"GET") {
        words.push("HEAD");
    }
    HeaderValue::try_from(words.join(",")).unwrap_or(HeaderValue::from_static(""))
}

async fn answer(served: Arc<Served>, place: Place, request: Request) -> Response {
    answered(served, place, request).await.unwrap_or_else(|refused| *refused)
}

/// The answer to QUERY: the list that the parameters in the body ask for.
async fn queried(served: Arc<Served>, place: Place, parts: Parts, body: Body) -> Result<Response, Refused> {
    let query = body::query(&parts, body, &served.definition).await.map_err(refused)?;
    let path = parts.uri.path().to_owned();
    let mut ask = Ask::read(&served, parts, Some(&query)).await?;
    let Place::Sub(sub) = place else { return read::list(served, ask, None).await };
    let key = key::read(&sub.parent, segment(&path, &sub.parent.path)).map_err(refused)?;
    sub.check_parent(&mut ask, &key).await?;
    read::list(served, ask, Some(sub.condition(&key))).await
}

async fn answered(served: Arc<Served>, place: Place, request: Request) -> Result<Response, Refused> {
    let (parts, body) = request.into_parts();
    let definition = served.definition.clone();
    let method = parts.method.clone();
    if method == query_method() {
        return Box::pin(queried(served, place, parts, body)).await;
    }
    let path = parts.uri.path().to_owned();
    let mut ask = Ask::read(&served, parts, None).await?;
    let body = if method.is_safe() { body } else { ask.note_key(body).await.map_err(refused)? };
    // Boxed, each by itself: together they would take much of a thread's stack.
    match place {
        Place::Collection => match method {
            Method::POST => {
                let bodies = Bodies::read(&ask, body, &definition).await.map_err(refused)?;
                // What is done for rows within rows takes much of the stack: it has a place of its own.
                Box::pin(write::create(&served, ask, bodies, Vec::new())).await
            }
            Method::PATCH => {
                let patch = body::one(&ask, body).await.map_err(refused)?;
                Box::pin(write::update_many(&served, ask, patch)).await
            }
            Method::DELETE => Box::pin(write::delete_many(&served, ask)).await,
            _ => Box::pin(read::list(served, ask, None)).await,
        },
        Place::One => {
            let key = key::read(&definition, segment(&path, &definition.path)).map_err(refused)?;
            match method {
                Method::PUT => {
                    let row = body::one(&ask, body).await.map_err(refused)?;
                    Box::pin(write::replace(&served, ask, key, row)).await
                }
                Method::PATCH => {
                    let patch = body::patch(&ask, body).await.map_err(refused)?;
                    Box::pin(write::update(&served, ask, key, patch)).await
                }
                Method::DELETE => Box::pin(write::delete(&served, ask, key)).await,
                _ => Box::pin(read::get(served, ask, key)).await,
            }
        }
        Place::Sub(sub) => {
            let key = key::read(&sub.parent, segment(&path, &sub.parent.path)).map_err(refused)?;
            sub.check_parent(&mut ask, &key).await?;
            match method {
                Method::POST => {
                    let bodies = Bodies::read(&ask, body, &definition).await.map_err(refused)?;
                    Box::pin(write::create(&served, ask, bodies, sub.given(&key))).await
                }
                _ => Box::pin(read::list(served, ask, Some(sub.condition(&key)))).await,
            }
        }
    }
}

/// The segment behind a collection's path, as it stands in the URL.
fn segment<'a>(path: &'a str, collection: &str) -> &'a str {
    let count = collection.matches('/').count();
    path.split('/').nth(count + 1).unwrap_or_default()
}
