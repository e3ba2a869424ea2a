"""What an OpenAPI document cannot say, told to schemathesis: the method QUERY, and each failure that is none, with the reason."""

import copy
import json
import re

import jsonschema_rs
import schemathesis

# Media types whose schema is any text, though not any text is a table, or has an object on each line.
TEXTS = ("text/csv", "application/x-ndjson")


@schemathesis.serializer(*TEXTS)
def as_text(context, value):
    """As it is, where it is a text: also as a table that is none."""
    return (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", errors="surrogatepass")


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """OpenAPI 3.1 has no place for QUERY (RFC 10008), which collections answer to as to GET, with the parameters as a form."""
    shared = raw_schema["components"].get("parameters", {})
    for item in raw_schema["paths"].values():
        follow_location(item.get("post", {}))
        keep_to_example(item.get("post", {}).get("requestBody", {}).get("content", {}))
        listed = item.get("get", {})
        if "`QUERY`" in listed.get("description", ""):
            item["query"] = query_of(listed, shared)


def follow_location(created):
    """The key of a new row is in `Location` also where the row is not answered; OpenAPI has no words for a part of a header."""
    for link in created.get("responses", {}).get("201", {}).get("links", {}).values():
        link["parameters"]["id"] = "$response.header.Location#regex:/([^/]+)$"


def keep_to_example(bodies):
    """Of a text only its example is known to be one that is taken; what is no table is sent as one all the same, as a mistake."""
    for media_type in TEXTS:
        if media_type in bodies:
            bodies[media_type]["schema"] = {"type": "string", "enum": [bodies[media_type]["example"]]}


def query_of(listed, shared):
    query = copy.deepcopy(listed)
    query["operationId"] = "query_" + listed["operationId"]
    parameters = [(it, shared.get(it.get("$ref", "").rsplit("/", 1)[-1], it)) for it in query.pop("parameters")]
    in_url = [it for _, it in parameters if it["in"] == "query"]
    query["parameters"] = [reference for reference, it in parameters if it["in"] != "query"]
    schema = {"type": "object", "properties": {it["name"]: it["schema"] for it in in_url}, "additionalProperties": False}
    query["requestBody"] = {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": schema}}}
    for status in ("413", "415"):
        query["responses"][status] = {"$ref": "#/components/responses/BadRequest"}
    return query


@schemathesis.check
def rows_are_whole(ctx, response, case):
    """The document says of rows that they are those of their table or what `select` makes of them: without it they are the former."""
    asked = {**(case.query or {}), **(case.body if case.method == "QUERY" and isinstance(case.body, dict) else {})}
    is_json = response.headers.get("content-type", [""])[0] in ("application/json", "application/vnd.pgrst.object+json")
    if not case.path.startswith("/api/") or response.status_code not in (200, 201, 206) or "select" in asked or not is_json:
        return
    document = case.operation.schema.raw_schema
    answer = document["paths"][case.path][case.method.lower()]["responses"][str(response.status_code)]
    schema = answer["content"]["application/json"]["schema"]
    name = schema.get("items", schema)["anyOf"][0]["$ref"]
    body = response.json()
    for row in body if isinstance(body, list) else [body]:
        wrong = [error.message for error in validator(document, name).iter_errors(row)]
        assert not wrong, f"a row is not what {name} says: {wrong}"


def validator(document, name):
    key = (id(document), name)
    if key not in VALIDATORS:
        VALIDATORS[key] = jsonschema_rs.Draft202012Validator({"$ref": name, "components": document["components"]})
    return VALIDATORS[key]


VALIDATORS = {}


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Whether a failure is one."""
    kind = type(failure).__name__
    if kind == "RejectedPositiveData":
        return keeps_to_document(case) and not is_refused_with_reason(case, response)
    if kind == "AcceptedNegativeData":
        return not is_right_all_the_same(case)
    if kind in ("MissingContentType", "MalformedJson"):
        # A POST or PUT whose client prefers nothing is answered with 201 and no body, as PostgREST has it. A document cannot say of one
        # status that its body may be missing.
        return not (case.method in ("POST", "PUT") and response.status_code in (200, 201) and not response.content)
    return True


def keeps_to_document(case):
    """Whether the parameters are what the document says: a link that schemathesis makes up gives filters the values of columns,
    and of the shortest entity tag that it finds, `"0"`, it takes the quotes off. It counts both as right."""
    sent = [(case.operation.query, case.query), (case.operation.headers, case.headers)]
    pairs = [(known, values or {}) for known, values in sent]
    return all(fits(it.definition, values[it.name]) for known, values in pairs for it in known if it.name in values)


def fits(parameter, value):
    pattern = parameter.get("schema", {}).get("pattern")
    return pattern is None or (isinstance(value, str) and re.search(pattern, value) is not None)


def number_of(value):
    return value if isinstance(value, float) else -1


def is_right_all_the_same(case):
    """Whether the mistakes of a request are none when it arrives."""
    places = case.meta.components.items() if case.meta else []
    wrong = {place.name for place, component in places if component.mode.is_negative}
    # Whatever is sent as a text is a text.
    if case.media_type in TEXTS:
        wrong.discard("BODY")
    # A number that is nearer to 0 than decimals can tell is 0.
    if isinstance(case.body, dict) and -1e-28 < number_of(case.body.get("percent")) < 0:
        wrong.discard("BODY")
    # HTTP takes the spaces off the ends of a header.
    sent = {it.name: case.headers[it.name] for it in case.operation.headers if it.name in (case.headers or {})}
    known = {it.name: it.definition for it in case.operation.headers}
    is_trimmed = any(isinstance(value, str) and value != value.strip() for value in sent.values())
    if is_trimmed and all(isinstance(value, str) and fits(known[name], value.strip()) for name, value in sent.items()):
        wrong.discard("HEADER")
    return bool(places) and not wrong


DIGITS = ("digits", "must be more than 0", "price > 0")

# Codes that speak of more than the request itself, or of several of its parts together.
REASONS = {
    # The state of the row is none of those that `If-Match` names, as 404 and 409 speak of what is there.
    "precondition_failed",
    # A key tells tries of one request from requests: this one was another's.
    "idempotency_key_reused",
    # The rows that a range begins with are not there.
    "range_not_satisfiable",
    # A change of many rows needs a filter: any of several parameters.
    "no_filter",
    # A JSON patch is held to what the row holds.
    "invalid_patch",
}


def is_refused_with_reason(case, response):
    """Whether a request that keeps to its schema is refused for what no schema can say."""
    try:
        problem = response.json()
    except ValueError:
        return False
    code, errors = problem.get("code"), problem.get("errors") or []
    if code in REASONS:
        return True
    if code in ("invalid_csv", "invalid_json", "invalid_payload") and case.media_type in TEXTS:
        return True
    if code == "invalid_query":
        # A cursor is a text that this program made, and stands beside no offset: no pattern tells it from others.
        return "cursor" in problem["detail"] and all(error.get("parameter") == "cursor" for error in errors)
    if code == "invalid_value" and case.path == "/search":
        return "cursor" in problem["detail"]
    return code == "invalid_payload" and all(is_known(error, case) for error in errors)


def is_known(error, case):
    """Whether a mistake of a body is one that its schema cannot describe."""
    detail = error["detail"]
    if detail == "is required":
        # The body is held to the columns that `columns` names.
        return "columns" in (case.query or {})
    # A row in a path of its own has the key of that path, and one of another row has that row's.
    if detail == "must be the key that the path has" or detail.endswith(", as the path says"):
        return True
    # The equipment is a list of texts inside a column of JSON, of which the table's description knows only that it is JSON.
    if error["pointer"].endswith("/equipment"):
        return True
    # Numbers of JSON have as many digits as they like, and decimals up to 29: no schema counts digits.
    if error["pointer"].endswith("/price"):
        return any(marks in detail for marks in DIGITS)
    # To JSON Schema 4.0 is an integer, and to serde a fraction.
    if re.match("invalid type: floating point `[0-9]+.0`", detail):
        return True
    # A JSON patch can make anything of a row, which is then held to the rules.
    return case.media_type == "application/json-patch+json"
