//! Links: how to get from an answer to what can be done with its row. A client, or a test that walks through the
//! operations, needs no more than the document.

use utoipa::openapi::link::LinkBuilder;
use utoipa::openapi::{OpenApi, PathItem, RefOr};

use crate::resource::{Definition, Operation, Resources};

/// An operation that a link leads to.
struct Target {
    id: String,
    /// Whether it changes the row, so that it can be held to the state that the client has seen.
    changes: bool,
}

/// Adds the links of all resources, between operations that are described already.
pub(super) fn add(document: &mut OpenApi, resources: &Resources) {
    for definition in resources.iter() {
        let targets = targets(document, definition);
        let key = created_key(definition);
        let (one, collection) = (format!("{}/{{id}}", definition.path), definition.path.clone());
        if definition.allows(Operation::Get)
            && let Some(answer) = document.paths.paths.get_mut(&one).and_then(|item| answer(item, "get", "200"))
        {
            for Target { id, changes } in &targets {
                let link = LinkBuilder::new().operation_id(id).parameter("id", "$request.path.id");
                let link = if *changes { link.parameter("If-Match", "$response.header.ETag") } else { link };
                answer.links.insert(id.clone(), link.build().into());
            }
        }
        let Some(key) = key.filter(|_| definition.allows(Operation::Create)) else { continue };
        for path in created_at(&collection, definition, resources) {
            let Some(answer) = document.paths.paths.get_mut(&path).and_then(|item| answer(item, "post", "201")) else {
                continue;
            };
            for Target { id, .. } in &targets {
                let link = LinkBuilder::new().operation_id(id).parameter("id", key.clone());
                answer.links.insert(id.clone(), link.build().into());
            }
        }
    }
}

/// What can be done with a row, and with the rows that belong to it.
fn targets(document: &OpenApi, definition: &Definition) -> Vec<Target> {
    let one = format!("{}/{{id}}", definition.path);
    let below = definition.relations.iter().map(|relation| format!("{one}/{}", relation.name));
    let mut targets = Vec::new();
    for path in std::iter::once(one.clone()).chain(below) {
        let Some(item) = document.paths.paths.get(&path) else { continue };
        for (method, operation) in super::operations_of(item) {
            let changes = path == one && method != "GET";
            targets.extend(operation.operation_id.clone().map(|id| Target { id, changes }));
        }
    }
    targets
}

/// The paths at which rows of a resource are made: its own, and those of the rows that they belong to.
fn created_at(collection: &str, definition: &Definition, resources: &Resources) -> Vec<String> {
    let of_others = resources.iter().flat_map(|other| {
        let to_here = other.relations.iter().filter(|relation| (relation.target)() == definition.table);
        to_here.map(|relation| format!("{}/{{id}}/{}", other.path, relation.name))
    });
    std::iter::once(collection.to_owned()).chain(of_others).collect()
}

/// Where the key of a new row stands in the answer, where it is answered.
fn created_key(definition: &Definition) -> Option<String> {
    let names: Vec<_> = definition.table.primary_key().map(|column| column.name).collect();
    if names.iter().any(|name| definition.column(name).is_none()) {
        return None;
    }
    match &names[..] {
        [name] => Some(format!("$response.body#/0/{name}")),
        names => Some(names.iter().map(|name| format!("{{$response.body#/0/{name}}}")).collect::<Vec<_>>().join(",")),
    }
}

fn answer<'a>(item: &'a mut PathItem, method: &str, status: &str) -> Option<&'a mut utoipa::openapi::Response> {
    let operation = if method == "get" { item.get.as_mut() } else { item.post.as_mut() };
    match operation?.responses.responses.get_mut(status)? {
        RefOr::T(answer) => Some(answer),
        RefOr::Ref(_) => None,
    }
}
