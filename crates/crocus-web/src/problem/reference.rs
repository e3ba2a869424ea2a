//! The codes of problems: what each means, and what to do. The one list, of which the reference is made, as a page for
//! the program and as a chapter for the guide.

use axum::http::StatusCode;

/// A kind of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// The code, as the member `code` has it.
    pub code: &'static str,
    /// The status that it comes with.
    pub status: StatusCode,
    /// What happened.
    pub meaning: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

const fn code(status: StatusCode, code: &'static str, meaning: &'static str, remedy: &'static str) -> Code {
    Code { code, status, meaning, remedy }
}

/// All codes, by their status.
pub const CODES: &[Code] = &[
    code(
        StatusCode::BAD_REQUEST,
        "incomplete_body",
        "The connection ended before the body did.",
        "Send the request again.",
    ),
    code(
        StatusCode::BAD_REQUEST,
        "invalid_content_coding",
        "The body is not what its `Content-Encoding` says, or it is cut.",
        "Compress the whole body, or send it as it is and without the header.",
    ),
    code(
        StatusCode::BAD_REQUEST,
        "invalid_csv",
        "The body is no table: a line has another number of cells than the head, or is no text in UTF-8.",
        "Correct the line that `detail` names.",
    ),
    code(
        StatusCode::BAD_REQUEST,
        "invalid_entity_tag",
        "`If-Match` or `If-None-Match` is no list of entity tags.",
        "Send the `ETag` as it came, with its quotes, or `*`.",
    ),
    code(
        StatusCode::BAD_REQUEST,
        "invalid_idempotency_key",
        "The header `Idempotency-Key` is empty, too long, or there twice.",
        "Send one key, such as a UUID.",
    ),
    code(
        StatusCode::BAD_REQUEST,
        "invalid_json",
        "The body is not valid JSON.",
        "Correct it at the line and the column that `detail` names.",
    ),
    code(
        StatusCode::BAD_REQUEST,
        "invalid_query",
        "A parameter of the URL is unknown, missing or not of its type.",
        "Correct what `detail` names.",
    ),
    code(
        StatusCode::BAD_REQUEST,
        "no_filter",
        "A change of many rows does not say which ones are meant.",
        "Add a filter, such as `?id=eq.1`.",
    ),
    code(
        StatusCode::BAD_REQUEST,
        "too_many_affected",
        "More rows are meant than `max-affected` allows. None was changed.",
        "Narrow the filter, or raise `max-affected`.",
    ),
    code(
        StatusCode::BAD_REQUEST,
        "unknown_preference",
        "A preference is not known, and `handling=strict` asks for it to be.",
        "Correct what `detail` names, or leave out `handling=strict`.",
    ),
    code(
        StatusCode::FORBIDDEN,
        "out_of_scope",
        "A row would be outside of what the client may see. Nothing was written.",
        "Give the row values that the client may see.",
    ),
    code(
        StatusCode::NOT_FOUND,
        "not_found",
        "There is nothing at this path, or no such row that the request can see.",
        "Look at the path, and at the key in it.",
    ),
    code(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "The path does not answer to this method.",
        "Use one of those that the header `Allow` names.",
    ),
    code(
        StatusCode::NOT_ACCEPTABLE,
        "not_acceptable",
        "None of the media types in `Accept` can be sent.",
        "Accept one of those that `detail` names.",
    ),
    code(
        StatusCode::NOT_ACCEPTABLE,
        "not_single",
        "One row is asked for as an object, and there are several or none.",
        "Narrow the filter, or ask for `application/json`.",
    ),
    code(
        StatusCode::CONFLICT,
        "conflict",
        "Another request changed the same rows at the same time.",
        "Send the request again.",
    ),
    code(
        StatusCode::CONFLICT,
        "foreign_key_violation",
        "A row that is referred to is not there, or one that is to go is still referred to.",
        "Make the row that is referred to first; take away those that refer to it first.",
    ),
    code(
        StatusCode::CONFLICT,
        "idempotency_key_in_flight",
        "A request with this `Idempotency-Key` is being done.",
        "Ask again after a moment: the answer is kept.",
    ),
    code(
        StatusCode::CONFLICT,
        "patch_test_failed",
        "A `test` in a JSON patch does not hold. Nothing was changed.",
        "Read the row again, and make the patch anew.",
    ),
    code(
        StatusCode::CONFLICT,
        "stale_object",
        "The row was changed by another request since it was read.",
        "Read it again, make the change to what is there now, and send that.",
    ),
    code(
        StatusCode::CONFLICT,
        "unique_violation",
        "Another row has a value that must be unique.",
        "Choose another value for the columns that `errors` names, or change the row that is there.",
    ),
    code(
        StatusCode::PRECONDITION_FAILED,
        "precondition_failed",
        "The row is another than the one whose entity tag `If-Match` has. Nothing was changed.",
        "Read it again, make the change to what is there now, and send that with its `ETag`.",
    ),
    code(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        "The body is larger than the limit.",
        "Send it in parts. The operator sets the limit: `CROCUS_BODY_LIMIT`.",
    ),
    code(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_many_rows",
        "The body brings more rows than are taken at once.",
        "Send them in parts.",
    ),
    code(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "not_json",
        "The body's media type is not one of JSON.",
        "Say `Content-Type: application/json`.",
    ),
    code(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unknown_content_coding",
        "The body's `Content-Encoding` is not understood.",
        "Use one of those that the header `Accept-Encoding` of the answer names, or none.",
    ),
    code(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "The body's media type is not taken here.",
        "Send one of those that `detail` names.",
    ),
    code(
        StatusCode::RANGE_NOT_SATISFIABLE,
        "range_not_satisfiable",
        "The rows that are asked for begin behind the last one.",
        "Begin earlier: `Content-Range` says how many there are.",
    ),
    code(
        StatusCode::UNPROCESSABLE_ENTITY,
        "idempotency_key_reused",
        "The `Idempotency-Key` was another request's.",
        "Take a new key for each request, and the same one only to send a request again.",
    ),
    code(
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid_patch",
        "A JSON patch cannot be applied: a path in it leads nowhere.",
        "Correct the operation that `detail` names.",
    ),
    code(
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid_payload",
        "The body does not fit the model.",
        "Correct each field that `errors` names, by its JSON pointer.",
    ),
    code(
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid_value",
        "The database refuses a value: it is too large, or none of its type.",
        "Correct the value that `detail` tells of.",
    ),
    code(
        StatusCode::UNPROCESSABLE_ENTITY,
        "nested_upsert",
        "Rows that may be there already bring rows of relationships.",
        "Send the rows of relationships on their own.",
    ),
    code(
        StatusCode::PRECONDITION_REQUIRED,
        "precondition_required",
        "A change needs to say which state of the row the client has seen.",
        "Read the row, and send its `ETag` as `If-Match`.",
    ),
    code(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_requests",
        "The client has made as many requests as it may for now.",
        "Wait for the seconds that `Retry-After` says; the header `RateLimit` tells how many are left.",
    ),
    code(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal_error",
        "The server failed. It tells nobody why but its log.",
        "Tell the operator the request's id, from the header `x-request-id`.",
    ),
    code(
        StatusCode::SERVICE_UNAVAILABLE,
        "database_unavailable",
        "The database does not answer. Nothing was changed.",
        "Try again, after the seconds that `Retry-After` says.",
    ),
    code(
        StatusCode::SERVICE_UNAVAILABLE,
        "not_ready",
        "The program cannot do its work yet: its database has not the revision that it needs.",
        "Run the program's `db upgrade`.",
    ),
    code(
        StatusCode::SERVICE_UNAVAILABLE,
        "outcome_unknown",
        "The database went away during a write: it may have been done, or not.",
        "Read before writing again, or send the write with an `Idempotency-Key`.",
    ),
    code(
        StatusCode::SERVICE_UNAVAILABLE,
        "statement_timeout",
        "The database took longer than the limit for a statement, and stopped it. Nothing of that statement was done.",
        "Ask for less. The operator sets the limit: `CROCUS_STATEMENT_TIMEOUT`.",
    ),
    code(
        StatusCode::SERVICE_UNAVAILABLE,
        "timeout",
        "The request took longer than the limit. A write may have been done, or not.",
        "Ask for less. The operator sets the limit: `CROCUS_REQUEST_TIMEOUT`.",
    ),
];

/// The `type` of a problem: where the program itself explains the code. A program's own codes are explained nowhere.
pub(super) fn type_of(code: &str) -> String {
    let known = CODES.iter().any(|known| known.code == code);
    if known { format!("/docs/errors#{code}") } else { "about:blank".to_owned() }
}

const INTRODUCTION: &str = "Every answer that is an error is a problem (RFC 9457, `application/problem+json`). Its member \
                            `code` tells the kinds apart, and its `type` leads here.";

/// The reference as a chapter in Markdown.
pub fn markdown() -> String {
    let mut text = format!("# Errors\n\n{INTRODUCTION}\n");
    for Code { code, status, meaning, remedy } in CODES {
        text.push_str(&format!("\n## {code}\n\nStatus {status}. {meaning}\n\nWhat to do: {remedy}\n"));
    }
    text
}

/// The reference as a page.
pub(crate) fn html() -> String {
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Errors</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n</head>\n<body style=\"font-family:sans-serif;max-width:45em;margin:2em auto\">\n\
         <h1>Errors</h1>\n<p>{}</p>\n",
        in_html(INTRODUCTION)
    );
    for Code { code, status, meaning, remedy } in CODES {
        let (meaning, remedy) = (in_html(meaning), in_html(remedy));
        text.push_str(&format!(
            "<h2 id=\"{code}\">{code}</h2>\n<p>Status {status}. {meaning}</p>\n<p>What to do: {remedy}</p>\n"
        ));
    }
    text.push_str("</body>\n</html>\n");
    text
}

/// Text with code between backticks.
fn in_html(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let marked = text.split('`').enumerate();
    marked.map(|(at, part)| if at % 2 == 0 { part.to_owned() } else { format!("<code>{part}</code>") }).collect()
}
