//! The paths of a resource, with the operations that it allows, and the words for them.

use std::collections::BTreeSet;

use crocus_orm::{RelationDef, RelationKind};
use utoipa::openapi::path::{HttpMethod, Operation as Described, OperationBuilder, ParameterIn, PathItem};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::OneOfBuilder;
use utoipa::openapi::{
    ArrayBuilder, Content, ContentBuilder, ObjectBuilder, Ref, RefOr, Required, Response, ResponseBuilder, Schema, Tag,
    Type,
};

use super::answers::{self, Body, header_ref};
use super::{examples, parameters, schemas};
use crate::resource::{Definition, Operation, Resources};

/// What the things of a resource are called: `Car`, `list_cars`.
#[derive(Debug)]
pub(super) struct Names {
    /// The model's name.
    model: &'static str,
    /// Its last path segment as a word: `cars`.
    plural: String,
    /// What stands before the nouns where another has the plain ones: `api_`.
    prefix: String,
}

impl Names {
    /// Names that no operation has yet.
    pub(super) fn new(definition: &Definition, taken: &mut BTreeSet<String>) -> Names {
        let words = words_of(&definition.path);
        let plural = words.last().cloned().unwrap_or_default();
        let mut names = Names { model: definition.table.model, plural, prefix: String::new() };
        let mut before = &words[..words.len().saturating_sub(1)];
        while names.ids(definition).any(|id| taken.contains(&id)) && !before.is_empty() {
            let [rest @ .., last] = before else { break };
            names.prefix = format!("{last}_{}", names.prefix);
            before = rest;
        }
        taken.extend(names.ids(definition).collect::<Vec<_>>());
        names
    }

    fn ids<'a>(&'a self, definition: &'a Definition) -> impl Iterator<Item = String> + 'a {
        definition.operations.iter().map(|operation| self.id(*operation))
    }

    fn id(&self, operation: Operation) -> String {
        let (one, many) = (self.noun().replace(' ', "_"), &self.plural);
        let (verb, noun) = match operation {
            Operation::List => ("list", many),
            Operation::Get => ("get", &one),
            Operation::Create => ("create", &one),
            Operation::Replace => ("replace", &one),
            Operation::Update => ("update", &one),
            Operation::Delete => ("delete", &one),
            Operation::UpdateMany => ("update", many),
            Operation::DeleteMany => ("delete", many),
        };
        // A word that is its own plural.
        let many = if operation.is_of_one() || matches!(operation, Operation::List | Operation::Create) || one != *many
        {
            ""
        } else {
            "many_"
        };
        format!("{verb}_{}{many}{noun}", self.prefix)
    }

    /// The model as a word in a sentence: `car part`.
    pub(super) fn noun(&self) -> String {
        let mut noun = String::new();
        for letter in self.model.chars() {
            if letter.is_uppercase() && !noun.is_empty() {
                noun.push(' ');
            }
            noun.extend(letter.to_lowercase());
        }
        noun
    }

    pub(super) fn title(&self) -> String {
        super::handmade::words(&self.noun())
    }

    pub(super) fn row(&self) -> String {
        self.model.to_owned()
    }

    pub(super) fn new_row(&self) -> String {
        format!("New{}", self.model)
    }

    pub(super) fn patch(&self) -> String {
        format!("{}Patch", self.model)
    }
}

fn words_of(path: &str) -> Vec<String> {
    let plain = |word: &str| word.replace(|letter: char| !letter.is_alphanumeric(), "_");
    path.split('/').filter(|word| !word.is_empty()).map(plain).collect()
}

/// The tag of a resource's operations.
pub(super) fn tag(definition: &Definition, names: &Names) -> Tag {
    let comment = definition.table.comment.map_or(String::new(), |comment| format!("{comment}\n\n"));
    super::tag(&definition.path, format!("{comment}The resource of `{}` rows.\n\n{}", names.model, parameters::GRAMMAR))
}

/// The paths of a resource, and those of the rows that belong to one of its rows.
pub(super) fn of_resource(
    definition: &Definition,
    resources: &Resources,
    names: &Names,
    taken: &mut BTreeSet<String>,
) -> Vec<(String, PathItem)> {
    let (mut collection, mut one) = (PathItem::default(), PathItem::default());
    for operation in &definition.operations {
        let item = if operation.is_of_one() { &mut one } else { &mut collection };
        let described = operation_of(*operation, definition, names);
        *place(item, *operation) = Some(described);
    }
    let path = &definition.path;
    let mut all = vec![(path.clone(), collection), (format!("{path}/{{id}}"), one)];
    for relation in definition.relations {
        let to_many = matches!(relation.kind, RelationKind::HasMany { .. } | RelationKind::ManyToMany { .. });
        if let Some(target) = resources.of((relation.target)()).filter(|_| to_many && definition.allows(Operation::Get))
        {
            all.push((format!("{path}/{{id}}/{}", relation.name), related(definition, relation, target, names, taken)));
        }
    }
    all.retain(|(_, item)| !super::operations_of(item).is_empty());
    all
}

fn place(item: &mut PathItem, operation: Operation) -> &mut Option<Described> {
    match method(operation) {
        HttpMethod::Get => &mut item.get,
        HttpMethod::Post => &mut item.post,
        HttpMethod::Put => &mut item.put,
        HttpMethod::Patch => &mut item.patch,
        _ => &mut item.delete,
    }
}

fn method(operation: Operation) -> HttpMethod {
    match operation {
        Operation::List | Operation::Get => HttpMethod::Get,
        Operation::Create => HttpMethod::Post,
        Operation::Replace => HttpMethod::Put,
        Operation::Update | Operation::UpdateMany => HttpMethod::Patch,
        Operation::Delete | Operation::DeleteMany => HttpMethod::Delete,
    }
}

/// The rows along a relationship: their resource's list, and a new one that belongs to the row.
fn related(
    definition: &Definition,
    relation: &RelationDef,
    target: &Definition,
    names: &Names,
    taken: &mut BTreeSet<String>,
) -> PathItem {
    let of_target = Names {
        model: target.table.model,
        plural: relation.name.to_owned(),
        prefix: format!("{}{}_", names.prefix, names.noun().replace(' ', "_")),
    };
    let mut item = PathItem::default();
    for operation in [Operation::List, Operation::Create] {
        // A new row gets the key from the path; of many with many there is no column to hold it.
        let possible = operation == Operation::List || matches!(relation.kind, RelationKind::HasMany { .. });
        if !target.allows(operation) || !possible {
            continue;
        }
        let mut described = operation_of(operation, target, &of_target);
        let mut id = described.operation_id.take().unwrap_or_default();
        while !taken.insert(id.clone()) {
            id.push_str("_along");
        }
        described.operation_id = Some(id);
        described.tags = Some(vec![definition.path.clone()]);
        let key = parameters::key(definition);
        debug_assert_eq!(key.parameter_in, ParameterIn::Path);
        described.parameters.get_or_insert_default().insert(0, key.into());
        described.responses.responses.entry("404".to_owned()).or_insert_with(|| answers::shared("NotFound"));
        let noun = names.noun();
        described.summary = Some(match operation {
            Operation::List => format!("List the {} of a {noun}", relation.name),
            _ => format!("Create {} of a {noun}", relation.name),
        });
        *place(&mut item, operation) = Some(described);
    }
    item
}

fn operation_of(operation: Operation, definition: &Definition, names: &Names) -> Described {
    let (one, many) = (names.noun(), names.plural.replace('_', " "));
    let (summary, description) = match operation {
        Operation::List => (
            format!("List {many}"),
            "The rows that the filters find, in pages. `HEAD` answers without them, and `QUERY` takes the parameters in its body (as `application/x-www-form-urlencoded`).",
        ),
        Operation::Get => (format!("Get a {one}"), "One row, by its key. `HEAD` answers without it."),
        Operation::Create => {
            (format!("Create {many}"), "One row, or several in an array: all of them are written, or none.")
        }
        Operation::Replace => (format!("Replace a {one}"), "The whole row: what is absent gets its default."),
        Operation::Update => (format!("Update a {one}"), "Some columns of a row."),
        Operation::Delete => (format!("Delete a {one}"), "One row, by its key."),
        Operation::UpdateMany => (
            format!("Update {many}"),
            "Some columns of all rows that the filters find. Without a filter it is refused.",
        ),
        Operation::DeleteMany => {
            (format!("Delete {many}"), "All rows that the filters find. Without a filter it is refused.")
        }
    };
    let mut built = OperationBuilder::new()
        .operation_id(Some(names.id(operation)))
        .tag(definition.path.clone())
        .summary(Some(summary))
        .description(Some(description));
    built = built.request_body(body(operation, definition, names).map(|body| body.build()));
    let mut described = built.build();
    described.parameters = Some(parameters::of(operation, definition));
    for (status, body, text) in answers::of(operation, definition) {
        described
            .responses
            .responses
            .insert(status.to_string(), answer(status, body, text, operation, definition, names));
    }
    described
}

/// What a request brings.
fn body(operation: Operation, definition: &Definition, names: &Names) -> Option<RequestBodyBuilder> {
    let reference = |name: String| RefOr::<Schema>::Ref(Ref::from_schema_name(name));
    let content = |schema: RefOr<Schema>| ContentBuilder::new().schema(Some(schema)).build();
    let text = |meaning: &str, example: String| {
        let schema = ObjectBuilder::new().schema_type(Type::String).description(Some(meaning));
        ContentBuilder::new().schema(Some(schema)).example(Some(example.into())).build()
    };
    let body = RequestBodyBuilder::new().required(Some(Required::True));
    Some(match operation {
        Operation::Create => {
            let items = Some(definition.limits.items);
            let many = ArrayBuilder::new().items(reference(names.new_row())).max_items(items);
            let either = OneOfBuilder::new().item(reference(names.new_row())).item(many);
            body.content("application/json", content(either.into()))
                .content(
                    "text/csv",
                    text("A line with the columns' names, and a line for each row, if there are any; an empty cell is NULL.", examples::table(definition)),
                )
                .content(
                    "application/x-ndjson",
                    text("A row as a JSON object on each line.", format!("{}\n", examples::new_row(definition))),
                )
        }
        Operation::Replace => body.content("application/json", content(reference(names.new_row()))),
        Operation::Update => body
            .content("application/json", content(reference(names.patch())))
            .content("application/merge-patch+json", content(reference(names.patch())))
            .content("application/json-patch+json", content(reference("JsonPatch".to_owned()))),
        Operation::UpdateMany => body
            .content("application/json", content(reference(names.patch())))
            .content("application/merge-patch+json", content(reference(names.patch()))),
        _ => return None,
    })
}

fn answer(
    status: u16,
    body: Body,
    text: &str,
    operation: Operation,
    definition: &Definition,
    names: &Names,
) -> RefOr<Response> {
    if let Body::Problem(name) = body {
        return answers::shared(name);
    }
    let mut answer = ResponseBuilder::new().description(text);
    let row = || -> RefOr<Schema> { schemas::answered(names).into() };
    let most = match operation {
        Operation::List => usize::try_from(definition.limits.rows).ok(),
        Operation::Create => Some(definition.limits.items),
        _ => None,
    };
    let rows = || -> RefOr<Schema> { ArrayBuilder::new().items(row()).max_items(most).into() };
    let json = match body {
        // A list also where one row was made, as with PostgREST; its clients ask for one with the media type below.
        Body::Rows => Some(rows()),
        Body::Row => Some(row()),
        Body::Each => Some(ArrayBuilder::new().items(answers::each(row())).max_items(most).into()),
        Body::Nothing | Body::Problem(_) => None,
    };
    if let (Body::Each, Some(json)) = (body, &json) {
        answer = answer.content("application/json", ContentBuilder::new().schema(Some(json.clone())).build());
    } else if let Some(json) = json {
        let content = |schema: RefOr<Schema>| -> Content { ContentBuilder::new().schema(Some(schema)).build() };
        let text = || -> RefOr<Schema> { ObjectBuilder::new().schema_type(Type::String).into() };
        answer = answer
            .content("application/json", content(json))
            .content("application/vnd.pgrst.object+json", content(row()))
            .content("text/csv", content(text()));
        if body == Body::Rows {
            answer = answer.content("application/x-ndjson", content(text()));
        }
    }
    let mut answer = answer.build();
    answers::add_request_id(&mut answer);
    let mut headers = vec![];
    if !operation.is_safe() {
        headers.push(("Preference-Applied", "PreferenceApplied"));
    }
    match (status, operation) {
        (201, Operation::Replace) => headers.extend([("Location", "Location"), ("ETag", "ETag")]),
        (201, _) => headers.push(("Location", "Location")),
        (_, Operation::List) => headers.extend([
            ("ETag", "ETag"),
            ("Content-Range", "ContentRange"),
            ("Link", "Link"),
            ("Preference-Applied", "PreferenceApplied"),
        ]),
        (_, Operation::Get | Operation::Replace | Operation::Update) => headers.push(("ETag", "ETag")),
        _ => {}
    }
    answer.headers.extend(headers.into_iter().map(|(name, header)| (name.to_owned(), header_ref(header))));
    answer.into()
}
