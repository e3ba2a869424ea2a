//! Routes written by hand: what their author says of them is checked against the routes that are there, and what is not
//! said is made of what is known.

use std::collections::BTreeSet;
use std::fmt;

use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::{ContentBuilder, Object, OpenApi, RefOr, Required, Response, ResponseBuilder, Tag, Type};

use super::answers::{self, PROBLEM_TYPE};
use super::{merge_path, operations, operations_mut, operations_of, tag};
use crate::resource::Resources;
use crate::routing::Route;

/// Why what a program says of its routes does not fit them.
#[derive(Debug)]
pub struct Mismatch {
    text: String,
    hint: String,
}

impl Mismatch {
    pub(super) fn schema(name: &str) -> Mismatch {
        Mismatch {
            text: format!("the OpenAPI schema `{name}` is described twice, and not alike: by hand, and by a resource"),
            hint: format!("give the one by hand another name: `#[schema(as = Own{name})]`"),
        }
    }

    /// What to do.
    pub fn hint(&self) -> &str {
        &self.hint
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Mismatch {}

/// Refuses descriptions of routes that are not there.
pub(super) fn check(document: &OpenApi, routes: &[Route], resources: &Resources) -> Result<(), Mismatch> {
    for (path, item) in &document.paths.paths {
        // A method of a resource that is switched off, and replaced by hand, is a route as well.
        let is_resource = resources.iter().any(|it| it.path == *path);
        for (method, _) in operations_of(item) {
            if routes.iter().any(|route| route.path == *path && route.method.as_str() == method) || is_resource {
                continue;
            }
            let known: Vec<_> =
                routes.iter().filter(|route| route.path == *path).map(|it| it.method.as_str()).collect();
            let nearest = crate::grammar::nearest(path, routes.iter().map(|route| route.path.as_str()));
            let hint = match (known.is_empty(), nearest) {
                (false, _) => format!("{path} answers to {}", known.join(", ")),
                (true, Some(nearest)) => format!("there is a route at {nearest}"),
                (true, None) => format!("add `.route(\"{path}\", ...)` to the `App`, or take the annotation away"),
            };
            return Err(Mismatch {
                text: format!("an annotation describes {method} {path}, and no route is there"),
                hint,
            });
        }
    }
    Ok(())
}

/// Adds the routes that nobody described, and to all what every route has.
pub(super) fn complete(document: &mut OpenApi, routes: &[Route]) {
    let mut taken: BTreeSet<String> = operations(document).filter_map(|it| it.operation_id.clone()).collect();
    for route in routes {
        let described = document.paths.paths.get(&route.path);
        if described.is_some_and(|item| operations_of(item).iter().any(|(method, _)| *method == route.method.as_str()))
        {
            continue;
        }
        let Some(method) = method_of(route) else { continue };
        let id = if route.handler.starts_with('{') || taken.contains(route.handler) {
            let words: Vec<_> =
                route.path.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
            format!("{}_{}", route.method.as_str().to_lowercase(), words.join("_"))
        } else {
            route.handler.to_owned()
        };
        taken.insert(id.clone());
        merge_path(document, route.path.clone(), PathItem::new(method, undescribed(route, id)));
    }
    for item in document.paths.paths.values_mut() {
        for operation in operations_mut(item) {
            for (status, answer) in answers::EVERYWHERE {
                operation.responses.responses.entry(status.to_string()).or_insert_with(|| answers::shared(answer));
            }
            for answer in operation.responses.responses.values_mut() {
                if let RefOr::T(answer) = answer {
                    answers::add_request_id(answer);
                }
            }
        }
    }
}

fn method_of(route: &Route) -> Option<HttpMethod> {
    Some(match route.method.as_str() {
        "GET" => HttpMethod::Get,
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => return None,
    })
}

/// What is known of a route without a word from its author.
fn undescribed(route: &Route, id: String) -> Operation {
    let names = route.path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let mut operation = OperationBuilder::new()
        .summary(Some(words(&id)))
        .description(Some(format!("`{} {}`: nothing more is said of it.", route.method, route.path)))
        .operation_id(Some(id))
        .tag(route.path.split('/').find(|word| !word.is_empty()).unwrap_or("root"));
    for name in names {
        let parameter = ParameterBuilder::new()
            .name(name.trim_start_matches('*'))
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(Object::with_type(Type::String)));
        operation = operation.parameter(parameter);
    }
    let problem = ContentBuilder::new().schema(Some(answers::problem_ref())).build();
    operation
        .response("2XX", Response::new("It is done."))
        .response("default", ResponseBuilder::new().description("It is not.").content(PROBLEM_TYPE, problem))
        .build()
}

/// `list_cars` as `List cars`.
pub(super) fn words(id: &str) -> String {
    let plain = id.replace('_', " ");
    let mut letters = plain.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// The routes that every program has, and the tags that nobody described.
pub(super) fn add_own(document: &mut OpenApi, tags: &mut Vec<Tag>) {
    let status = utoipa::openapi::ObjectBuilder::new()
        .property("status", utoipa::openapi::ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["ok"])))
        .required("status");
    let ok = ResponseBuilder::new()
        .description("Yes.")
        .content("application/json", ContentBuilder::new().schema(Some(status)).build());
    let mut ok = ok.build();
    answers::add_request_id(&mut ok);
    let operation = |id: &str, summary: &str, description: &str| {
        OperationBuilder::new()
            .operation_id(Some(id))
            .tag("health")
            .summary(Some(summary))
            .description(Some(description))
            .security(utoipa::openapi::security::SecurityRequirement::default())
            .response("200", ok.clone())
            .response("500", answers::shared("InternalError"))
    };
    let alive = operation("get_health", "Is the process alive?", "Asks nothing of the database.")
        .response("503", answers::shared("Unavailable"));
    let ready = operation(
        "get_readiness",
        "Can the program do its work?",
        "It can when each database answers and has this program's last revision.",
    )
    .response("503", answers::shared("Unavailable"));
    for (path, operation) in [("/healthz", alive), ("/readyz", ready)] {
        if !document.paths.paths.contains_key(path) {
            merge_path(document, path.to_owned(), PathItem::new(HttpMethod::Get, operation));
        }
    }
    let used: BTreeSet<_> = operations(document).flat_map(|it| it.tags.iter().flatten().cloned()).collect();
    for name in used {
        if !tags.iter().any(|tag| tag.name == name) {
            let text =
                if name == "health" { "Whether the program works.".to_owned() } else { format!("{}.", words(&name)) };
            tags.push(tag(&name, text));
        }
    }
    tags.sort_by(|one, other| one.name.cmp(&other.name));
}
