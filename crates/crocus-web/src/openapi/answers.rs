//! Which statuses an operation answers with, in one table, and what stands in each answer.

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{
    ArrayBuilder, Components, ContentBuilder, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Schema, Type,
};

use crate::resource::{Definition, Operation};

/// The media type of problems.
pub(super) const PROBLEM_TYPE: &str = "application/problem+json";

/// When an operation gives an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    Always,
    /// Where the resource has a scope, which can refuse a request.
    Scoped,
    /// Where clients choose the keys.
    TakesKeys,
    /// Where the resource asks for `If-Match`.
    MatchRequired,
}

/// What stands in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    Nothing,
    /// A list of rows.
    Rows,
    /// One row.
    Row,
    /// What became of each row of a list.
    Each,
    /// A problem that several operations have alike: the name of the answer.
    Problem(&'static str),
}

/// The answers that every operation can give.
pub(super) const EVERYWHERE: [(u16, &str); 2] = [(500, "InternalError"), (503, "Unavailable")];

use Body::{Each, Nothing, Problem, Row, Rows};
use Operation::{Create, Delete, DeleteMany, Get, List, Replace, Update, UpdateMany};
use When::{Always, MatchRequired, Scoped, TakesKeys};

const ONE: &[Operation] = &[Get, Replace, Update, Delete];
const ALL: &[Operation] = Operation::ALL;
const WITH_BODY: &[Operation] = &[Create, Replace, Update, UpdateMany];
const CHANGES_ONE: &[Operation] = &[Replace, Update, Delete];
const WRITES: &[Operation] = &[Create, Replace, Update, Delete, UpdateMany, DeleteMany];

/// Every answer of every operation of a resource; those of [`EVERYWHERE`] come to them.
const TABLE: &[(u16, &[Operation], When, Body, &str)] = &[
    (200, &[List], Always, Rows, "The rows."),
    (206, &[List], Always, Rows, "Some of the rows: the request asked for a range, or for their number."),
    (200, &[Get], Always, Row, "The row."),
    (201, &[Create], Always, Rows, "The rows are there. Nothing stands here with `Prefer: return=minimal`."),
    (
        200,
        &[Create],
        Always,
        Rows,
        "With `Prefer: resolution=...`: the rows were there, and were changed or left as they were.",
    ),
    (
        207,
        &[Create],
        Always,
        Each,
        "With `Prefer: handling=lenient`: not all rows of the list could be written. What became of each is told.",
    ),
    (200, &[Replace, Update], Always, Row, "The row as it is now."),
    (200, &[Delete], Always, Row, "The row as it was, with `Prefer: return=representation`."),
    (200, &[UpdateMany, DeleteMany], Always, Rows, "The rows, with `Prefer: return=representation`."),
    (201, &[Replace], TakesKeys, Row, "There was no row with this key: now there is."),
    (204, &[Replace, Update, Delete, UpdateMany, DeleteMany], Always, Nothing, "It is done."),
    (304, &[List, Get], Always, Nothing, "Nothing changed since the state that `If-None-Match` names."),
    (400, ALL, Always, Problem("BadRequest"), ""),
    (401, ALL, Scoped, Problem("Unauthorized"), ""),
    (403, ALL, Scoped, Problem("Forbidden"), ""),
    (404, ONE, Always, Problem("NotFound"), ""),
    (406, ALL, Always, Problem("NotAcceptable"), ""),
    (409, WRITES, Always, Problem("Conflict"), ""),
    (412, CHANGES_ONE, Always, Problem("PreconditionFailed"), ""),
    (413, WITH_BODY, Always, Problem("TooLarge"), ""),
    (415, WITH_BODY, Always, Problem("UnsupportedMediaType"), ""),
    (416, &[List], Always, Problem("RangeNotSatisfiable"), ""),
    (422, WRITES, Always, Problem("Unprocessable"), ""),
    (428, CHANGES_ONE, MatchRequired, Problem("PreconditionRequired"), ""),
];

/// The problems that operations share: name, and meaning.
const PROBLEMS: &[(&str, &str)] = &[
    ("BadRequest", "The URL, a header or the body is not understood: the problem names what, and where."),
    ("Unauthorized", "The request does not say who asks."),
    ("Forbidden", "Who asks may not do this."),
    ("NotFound", "There is no such row, or it is none that the request can see."),
    ("NotAcceptable", "None of the media types that `Accept` takes is one of this path's."),
    ("Conflict", "Other rows are in the way: a value that must be unique, or a row that is referred to."),
    (
        "PreconditionFailed",
        "The row is not in the state that `If-Match` names, or in one that `If-None-Match` excludes.",
    ),
    ("TooLarge", "The body is larger than the limit."),
    ("UnsupportedMediaType", "The body's media type is none that is taken."),
    ("RangeNotSatisfiable", "The range begins behind the last row."),
    ("Unprocessable", "The body breaks the rules of the model: `errors` names each, with a JSON pointer."),
    ("PreconditionRequired", "A change needs `If-Match`, with the entity tag of the row as it was read."),
    ("TooManyRequests", "The client has made as many requests as it may for now: `Retry-After` says how long to wait."),
    ("InternalError", "The server failed. The log knows why, under the id in `x-request-id`."),
    ("Unavailable", "The database does not answer, or the time is over. `Retry-After` says when to try again."),
];

/// What the answers of an operation are.
pub(super) fn of(operation: Operation, definition: &Definition) -> impl Iterator<Item = (u16, Body, &'static str)> {
    let holds = |when: When| match when {
        Always => true,
        Scoped => definition.scope.is_some(),
        TakesKeys => definition.takes_keys(),
        MatchRequired => definition.requires_match,
    };
    let of_table =
        TABLE.iter().filter(move |(_, operations, when, ..)| operations.contains(&operation) && holds(*when));
    let of_table = of_table.map(|(status, _, _, body, text)| (*status, *body, *text));
    of_table.chain(EVERYWHERE.map(|(status, name)| (status, Problem(name), "")))
}

/// An answer that several operations share.
pub(super) fn shared(name: &str) -> RefOr<Response> {
    RefOr::Ref(Ref::new(format!("#/components/responses/{name}")))
}

/// The schema of problems.
pub(super) fn problem_ref() -> Ref {
    Ref::from_schema_name("Problem")
}

/// Every answer carries the request's id.
pub(super) fn add_request_id(answer: &mut Response) {
    answer.headers.entry("x-request-id".to_owned()).or_insert_with(|| header_ref("RequestId"));
}

/// A header that several answers share.
pub(super) fn header_ref(name: &str) -> RefOr<utoipa::openapi::Header> {
    RefOr::Ref(Ref::new(format!("#/components/headers/{name}")))
}

/// The components behind the shared answers.
pub(super) fn add_shared(components: &mut Components) {
    for (name, meaning) in PROBLEMS {
        let content = ContentBuilder::new().schema(Some(problem_ref())).build();
        let mut answer = ResponseBuilder::new().description(*meaning).content(PROBLEM_TYPE, content).build();
        add_request_id(&mut answer);
        if ["Unavailable", "TooManyRequests"].contains(name) {
            answer.headers.insert("Retry-After".to_owned(), header_ref("RetryAfter"));
        }
        components.responses.insert((*name).to_owned(), answer.into());
    }
    components.schemas.insert("Problem".to_owned(), problem().into());
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let seconds = || whole_number().minimum(Some(0)).maximum(Some(i32::MAX as isize));
    let headers = [
        (
            "RequestId",
            text().max_length(Some(128)),
            "The request's id: the client's own, or a new one. The log has it too.",
        ),
        ("RetryAfter", seconds(), "How many seconds to wait before another try."),
        (
            "Location",
            text().format(Some(utoipa::openapi::SchemaFormat::Custom("uri-reference".to_owned()))),
            "Where the row is.",
        ),
        ("ETag", text(), "The state of what is answered, for `If-None-Match` and `If-Match`."),
        (
            "ContentRange",
            text(),
            "Which rows these are, of how many: `0-19/57`, or `0-19/*` where they were not counted.",
        ),
        ("Link", text(), "Where the pages before and after are: `<...>; rel=\"next\"`."),
        ("PreferenceApplied", text(), "Which of the request's preferences were followed."),
    ];
    for (name, schema, meaning) in headers {
        let header = HeaderBuilder::new().schema(Some(schema)).description(Some(meaning)).build();
        components.headers.insert(name.to_owned(), header.into());
    }
}

/// What becomes of a row of a list, where each is written for itself.
pub(super) fn each(row: RefOr<Schema>) -> utoipa::openapi::Object {
    let index = whole_number().minimum(Some(0)).maximum(Some(i32::MAX as isize));
    let status = whole_number().minimum(Some(200)).maximum(Some(499));
    let location = utoipa::openapi::SchemaFormat::Custom("uri-reference".to_owned());
    let location = ObjectBuilder::new().schema_type(Type::String).format(Some(location));
    ObjectBuilder::new()
        .property("index", index.description(Some("Which row of the list, counted from 0.")))
        .property("status", status.description(Some("The status that the row would have alone.")))
        .property("location", location.description(Some("Where the row is.")))
        .property("problem", problem_ref())
        .property("row", row)
        .required("index")
        .required("status")
        .build()
}

fn whole_number() -> ObjectBuilder {
    let format = utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::Int32);
    ObjectBuilder::new().schema_type(Type::Integer).format(Some(format))
}

/// RFC 9457, with the members of `Problem` and of PostgREST.
fn problem() -> utoipa::openapi::Object {
    let text = |meaning: &str| ObjectBuilder::new().schema_type(Type::String).description(Some(meaning));
    let maybe = |meaning: &str| text(meaning).schema_type(SchemaType::Array(vec![Type::String, Type::Null]));
    let error = ObjectBuilder::new()
        .property("pointer", text("The JSON pointer of the field (RFC 6901); empty for the body itself."))
        .property("detail", text("The rule that it breaks."))
        .property("parameter", text("The parameter of the URL that is wrong, in place of a field."))
        .required("detail");
    let reference = utoipa::openapi::SchemaFormat::Custom("uri-reference".to_owned());
    ObjectBuilder::new()
        .description(Some("What went wrong (RFC 9457)."))
        .property("type", text("Where the kind of problem is explained.").format(Some(reference)))
        .property("title", text("The status in words."))
        .property("status", whole_number().minimum(Some(400)).maximum(Some(599)).description(Some("The status.")))
        .property("code", text("The kind of problem, for programs."))
        .property("detail", text("What happened this time, for a person."))
        .property("errors", ArrayBuilder::new().items(error).description(Some("Which fields break which rules.")))
        .property("message", text("The same as `detail`, for clients of PostgREST."))
        .property("details", maybe("More about it, for clients of PostgREST."))
        .property("hint", maybe("What to do about it."))
        .required("type")
        .required("title")
        .required("status")
        .required("code")
        .build()
}
