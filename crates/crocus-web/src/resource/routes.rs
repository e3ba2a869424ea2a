//! The routes of resources: which method of which path is answered by what.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter};
use crocus_orm::{RelationKind, Value};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tower_service::Service;

use super::ask::{Ask, Refused, refused};
use super::body::{self, Bodies};
use super::definition::{Definition, Operation, Resources};
use super::{Served, key, read, sub, write};
use crate::Problem;
use crate::routing::Route;

/// RFC 10008.
const QUERY: &str = "QUERY";

/// What a request to a path of a resource is about.
enum Place {
    Collection,
    One,
    /// The rows that a relationship leads to from one row.
    Sub(sub::Sub),
}

/// Answers the requests to a path of a resource.
#[derive(Clone)]
struct Endpoint(Arc<At>);

/// A path of a resource.
struct At {
    served: Arc<Served>,
    place: Place,
    /// What it answers to.
    methods: Vec<Method>,
    /// The same as a header.
    allow: HeaderValue,
}

type Answer = Result<Response, Refused>;

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
                    paths.push((format!("{one}/{}", relation.name), Place::Sub(sub)));
                }
            }
            for (path, place) in paths {
                let served = match &place {
                    Place::Sub(sub) => Arc::new(Served::new(self, &sub.target)),
                    _ => served.clone(),
                };
                let answered = methods(&served.definition, &place);
                for (method, handler) in &answered {
                    routes.push(Route { method: method.clone(), path: path.clone(), handler });
                }
                let methods: Vec<_> = answered.into_iter().map(|(method, _)| method).collect();
                if !methods.is_empty() {
                    let allow = allow(&methods);
                    router = router.route(&path, At { served, place, methods, allow }.router());
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

fn query_method() -> Method {
    Method::from_bytes(QUERY.as_bytes()).unwrap_or(Method::GET)
}

/// The methods of a place, as `Allow` lists them.
fn allow(methods: &[Method]) -> HeaderValue {
    let mut words: Vec<&str> = methods.iter().map(Method::as_str).collect();
    if words.contains(&"GET") {
        words.push("HEAD");
    }
    HeaderValue::try_from(words.join(",")).unwrap_or(HeaderValue::from_static(""))
}

impl At {
    fn router(self) -> MethodRouter {
        let has_query = self.methods.iter().any(|method| method.as_str() == QUERY);
        let filters: Vec<_> =
            self.methods.iter().filter_map(|method| MethodFilter::try_from(method.clone()).ok()).collect();
        let endpoint = Endpoint(Arc::new(self));
        let router =
            filters.into_iter().fold(MethodRouter::new(), |router, filter| router.on_service(filter, endpoint.clone()));
        if has_query { router.fallback_service(endpoint) } else { router }
    }

    /// The answer to a method that the router does not know.
    async fn other(self: Arc<At>, request: Request) -> Answer {
        let allow = self.allow.clone();
        let mut response = match request.method() {
            method if method.as_str() == QUERY => self.queried(request).await.unwrap_or_else(|refused| *refused),
            &Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
            method => {
                let text = format!("{} does not answer to {method}", request.uri().path());
                let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
                problem.with_detail(text).of_resource().into_response()
            }
        };
        response.headers_mut().insert(header::ALLOW, allow);
        Ok(response)
    }

    /// The answer to QUERY: the list that the parameters in the body ask for.
    async fn queried(self: Arc<At>, request: Request) -> Answer {
        let (parts, body) = request.into_parts();
        let query = body::query(&parts, body, &self.served.definition).await.map_err(refused)?;
        let mut ask = Ask::read(&self.served, parts, Some(&query))?;
        self.listed(&mut ask).await
    }

    async fn listed(&self, ask: &mut Ask) -> Answer {
        ask.see().await?;
        let Place::Sub(sub) = &self.place else { return read::list(&self.served, ask, None).await };
        let key = sub_key(sub, ask)?;
        sub.check_parent(ask, &key).await?;
        read::list(&self.served, ask, Some(sub.condition(&key))).await
    }

    async fn got(&self, ask: &mut Ask) -> Answer {
        ask.see().await?;
        let key = self.key(ask)?;
        read::get(&self.served, ask, key).await
    }

    async fn created(&self, ask: &mut Ask, body: Body) -> Answer {
        let body = ask.see_write(body).await?;
        let given = match &self.place {
            Place::Sub(sub) => {
                let key = sub_key(sub, ask)?;
                sub.check_parent(ask, &key).await?;
                sub.given(&key)
            }
            Place::Collection | Place::One => Vec::new(),
        };
        let bodies = Bodies::read(ask, body, &self.served.definition).await.map_err(refused)?;
        write::create(&self.served, ask, bodies, given).await
    }

    async fn replaced(&self, ask: &mut Ask, body: Body) -> Answer {
        let body = ask.see_write(body).await?;
        let key = self.key(ask)?;
        let row = body::one(ask, body).await.map_err(refused)?;
        write::replace(&self.served, ask, key, row).await
    }

    async fn updated(&self, ask: &mut Ask, body: Body) -> Answer {
        let body = ask.see_write(body).await?;
        let key = self.key(ask)?;
        let patch = body::patch(ask, body).await.map_err(refused)?;
        write::update(&self.served, ask, key, patch).await
    }

    async fn deleted(&self, ask: &mut Ask, body: Body) -> Answer {
        drop(ask.see_write(body).await?);
        let key = self.key(ask)?;
        write::delete(&self.served, ask, key).await
    }

    async fn many_updated(&self, ask: &mut Ask, body: Body) -> Answer {
        let body = ask.see_write(body).await?;
        let patch = body::one(ask, body).await.map_err(refused)?;
        write::update_many(&self.served, ask, patch).await
    }

    async fn many_deleted(&self, ask: &mut Ask, body: Body) -> Answer {
        drop(ask.see_write(body).await?);
        write::delete_many(&self.served, ask).await
    }

    /// The key that the path names.
    fn key(&self, ask: &Ask) -> Result<Vec<Value>, Refused> {
        let definition = &self.served.definition;
        key::read(definition, segment(ask.parts.uri.path(), &definition.path)).map_err(refused)
    }
}

/// The key of the row that a sub-resource belongs to.
fn sub_key(sub: &sub::Sub, ask: &Ask) -> Result<Vec<Value>, Refused> {
    key::read(&sub.parent, segment(ask.parts.uri.path(), &sub.parent.path)).map_err(refused)
}

impl Service<Request> for Endpoint {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    /// Each method's future has a box of its own size. What the request asks is in it once: a function that is given it has a
    /// second place for it in its future.
    fn call(&mut self, request: Request) -> Self::Future {
        let at = self.0.clone();
        let known = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
        if !at.methods.contains(known) || known.as_str() == QUERY {
            return at.other(request).map(settle).boxed();
        }
        let (parts, body) = request.into_parts();
        let method = parts.method.clone();
        let mut ask = match Ask::read(&at.served, parts, None) {
            Ok(ask) => ask,
            Err(refused) => return ready(settle(Err(refused))).boxed(),
        };
        match (&at.place, method) {
            (Place::One, Method::PUT) => async move { settle(at.replaced(&mut ask, body).await) }.boxed(),
            (Place::One, Method::PATCH) => async move { settle(at.updated(&mut ask, body).await) }.boxed(),
            (Place::One, Method::DELETE) => async move { settle(at.deleted(&mut ask, body).await) }.boxed(),
            (Place::One, _) => async move { settle(at.got(&mut ask).await) }.boxed(),
            (_, Method::POST) => async move { settle(at.created(&mut ask, body).await) }.boxed(),
            (_, Method::PATCH) => async move { settle(at.many_updated(&mut ask, body).await) }.boxed(),
            (_, Method::DELETE) => async move { settle(at.many_deleted(&mut ask, body).await) }.boxed(),
            _ => async move { settle(at.listed(&mut ask).await) }.boxed(),
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it is what a service answers")]
fn settle(answer: Answer) -> Result<Response, Infallible> {
    Ok(answer.unwrap_or_else(|refused| *refused))
}

/// The segment behind a collection's path, as it stands in the URL.
fn segment<'a>(path: &'a str, collection: &str) -> &'a str {
    let is_slash = |byte: &u8| *byte == b'/';
    let before = collection.bytes().filter(is_slash).count();
    let mut slashes = path.bytes().enumerate().filter(|(_, byte)| is_slash(byte)).map(|(place, _)| place).skip(before);
    slashes.next().map_or("", |begin| &path[begin + 1..slashes.next().unwrap_or(path.len())])
}
