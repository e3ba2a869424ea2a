//! The OpenAPI document of a program: made when it is asked for, from its tables, its resources and what its author says of
//! the routes written by hand. Serving it, and the page that shows it, are left to `docs`.

mod annotations;
mod answers;
mod examples;
mod handmade;
mod links;
mod parameters;
mod paths;
mod schemas;

use std::collections::BTreeSet;

use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::{Info, OpenApi, OpenApiVersion, Tag};

pub use annotations::{
    ConflictProblem, NewRow, NotFoundProblem, PayloadProblems, QueryProblems, Row, RowPatch, column, given, value,
};
pub use handmade::Mismatch;

use self::paths::Names;
use crate::resource::Resources;
use crate::routing::Route;

/// The document of a program.
///
/// `own` is what its author says: the routes written by hand, security schemes, servers, and the title. What it does not
/// say of a route is what is known: its method, its path and its handler. Where the number of requests is limited, each
/// operation can answer that there were too many. What [`check`] refuses is left as the first says it.
pub fn document(
    name: &str,
    version: &str,
    routes: &[Route],
    resources: &Resources,
    own: Option<OpenApi>,
    is_limited: bool,
) -> OpenApi {
    let mut document = own.unwrap_or_else(|| OpenApi::new(Info::new(name, version), utoipa::openapi::Paths::new()));
    document.openapi = OpenApiVersion::Version31;
    handmade::complete(&mut document, routes);
    if document.servers.is_none() {
        document.servers = Some(vec![utoipa::openapi::Server::new("/")]);
    }
    let mut taken: BTreeSet<String> = operations(&document).filter_map(|it| it.operation_id.clone()).collect();
    let mut components = document.components.take().unwrap_or_default();
    let mut tags = document.tags.take().unwrap_or_default();
    // The resources' own operations are named before those along relationships, which give way.
    let named: Vec<_> = resources.iter().map(|definition| (definition, Names::new(definition, &mut taken))).collect();
    for (definition, names) in named {
        let schemas = schemas::of_resource(definition, &names);
        for (name, schema) in schemas {
            components.schemas.entry(name).or_insert(schema);
        }
        tags.push(paths::tag(definition, &names));
        for (path, item) in paths::of_resource(definition, resources, &names, &mut taken) {
            merge_path(&mut document, path, item);
        }
    }
    links::add(&mut document, resources);
    if is_limited {
        let all = document.paths.paths.values_mut().flat_map(operations_mut);
        all.for_each(|it| drop(it.responses.responses.insert("429".to_owned(), answers::shared("TooManyRequests"))));
    }
    answers::add_shared(&mut components);
    parameters::add_shared(&mut components);
    handmade::add_own(&mut document, &mut tags);
    // What several resources share is said once, and only where it is used.
    tags.dedup_by(|one, other| one.name == other.name);
    document.tags = Some(tags);
    document.components = Some(components);
    forget_unused(&mut document);
    document
}

/// Whether what is said of a program fits together. It is much less work than to make its document, so that a start need not
/// wait for that.
///
/// # Errors
/// When `own` speaks of a route that the program does not have, or describes what a resource describes, or when two
/// resources describe a schema in two ways.
pub fn check(routes: &[Route], resources: &Resources, own: Option<&OpenApi>) -> Result<(), Mismatch> {
    let mut known = own.and_then(|own| own.components.as_ref()).map(|own| own.schemas.clone()).unwrap_or_default();
    if let Some(own) = own {
        handmade::check(own, routes, resources)?;
    }
    for definition in resources.iter() {
        // The names of operations are not those of schemas.
        let names = Names::new(definition, &mut BTreeSet::new());
        for (name, schema) in schemas::of_resource(definition, &names) {
            if *known.entry(name.clone()).or_insert_with(|| schema.clone()) != schema {
                return Err(Mismatch::schema(&name));
            }
        }
    }
    Ok(())
}

/// The document as it is served and printed: the same bytes for the same program.
pub fn to_json(document: &OpenApi) -> String {
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}

/// Adds operations to a path, which may have some by hand: these stay.
fn merge_path(document: &mut OpenApi, path: String, item: PathItem) {
    match document.paths.paths.get_mut(&path) {
        Some(known) => known.merge_operations(item),
        None => drop(document.paths.paths.insert(path, item)),
    }
}

fn operations(document: &OpenApi) -> impl Iterator<Item = &Operation> {
    document.paths.paths.values().flat_map(|item| operations_of(item).into_iter().map(|(_, operation)| operation))
}

fn operations_of(item: &PathItem) -> Vec<(&'static str, &Operation)> {
    let all = [
        ("GET", &item.get),
        ("PUT", &item.put),
        ("POST", &item.post),
        ("DELETE", &item.delete),
        ("OPTIONS", &item.options),
        ("HEAD", &item.head),
        ("PATCH", &item.patch),
        ("TRACE", &item.trace),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?))).collect()
}

fn operations_mut(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}

/// Leaves out the components that nothing refers to: a document says nothing that is of no use.
fn forget_unused(document: &mut OpenApi) {
    loop {
        let text = serde_json::to_string(document).unwrap_or_default();
        let references = text.split("\"#/components/").skip(1);
        let used: BTreeSet<&str> = references.filter_map(|rest| rest.split('"').next()).collect();
        let Some(components) = &mut document.components else { return };
        let before = components.schemas.len() + components.responses.len();
        let used = |kind: &str, name: &str| used.contains(&*format!("{kind}/{name}"));
        components.schemas.retain(|name, _| used("schemas", name));
        components.responses.retain(|name, _| used("responses", name));
        components.parameters.retain(|name, _| used("parameters", name));
        components.headers.retain(|name, _| used("headers", name));
        if before == components.schemas.len() + components.responses.len() {
            return;
        }
    }
}

/// A tag with a sentence about it.
fn tag(name: &str, description: impl Into<String>) -> Tag {
    let mut tag = Tag::new(name);
    tag.description = Some(description.into());
    tag
}
