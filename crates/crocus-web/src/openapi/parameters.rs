//! The parameters of a resource's operations: what can stand in the URL and in the headers of a request.

use crocus_orm::table::{ColumnDef, ColumnType};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::AnyOfBuilder;
use utoipa::openapi::{Components, KnownFormat, ObjectBuilder, Ref, RefOr, Required, Schema, SchemaFormat, Type};

use super::schemas::{self, Way};
use crate::resource::{Definition, Operation};

/// What a filter is, said once in the description of the document's operations.
pub(super) const GRAMMAR: &str = "\
A parameter with a column's name is a filter, `OPERATOR.VALUE`: `eq`, `neq`, `gt`, `gte`, `lt`, `lte`, `isdistinct`, \
`in.(1,2)`, `is.null`, `is.not_null`; for texts `like`, `ilike` (with `*`), `match`, `imatch`; `not.` before any of them \
turns it round, and `eq(any).{1,2}` compares with several. Several filters must all be true; `or=(a.eq.1,b.eq.2)` and \
`and=(...)` combine them. `select` names the columns, and embeds relationships: `select=id,name,maker(name)`. The \
grammar is PostgREST's.";

/// The parameters of an operation.
pub(super) fn of(operation: Operation, definition: &Definition) -> Vec<RefOr<Parameter>> {
    use Operation::{Create, Delete, DeleteMany, Get, List, Replace, Update, UpdateMany};
    let mut all = Vec::new();
    if operation.is_of_one() {
        all.push(key(definition).into());
    }
    if matches!(operation, List | UpdateMany | DeleteMany) {
        all.extend(definition.columns().filter(|column| is_plain(column)).map(|column| filter(column).into()));
        all.extend([logical(definition, "and").into(), logical(definition, "or").into()]);
    }
    let columns = || definition.columns().map(|column| column.name);
    all.push(select(columns()).into());
    if operation == List {
        // A JSON document has no order.
        let ordered = definition.columns().filter(|column| column.ty != ColumnType::Json);
        all.push(order(ordered.map(|column| column.name)).into());
        all.extend(["Limit", "Offset", "Cursor", "Range"].map(shared));
    }
    if operation == Create {
        all.push(
            names("columns", "The columns that the rows have: what else they bring is passed over.", columns()).into(),
        );
        all.push(on_conflict(definition).into());
        all.push(shared("IdempotencyKey"));
    }
    all.push(shared("Prefer"));
    match operation {
        List | Get => all.push(shared("IfNoneMatch")),
        Replace | Update | Delete if definition.requires_match => all.push(shared("RequiredIfMatch")),
        Replace | Update | Delete => all.push(shared("IfMatch")),
        Create | UpdateMany | DeleteMany => {}
    }
    all
}

fn shared(name: &str) -> RefOr<Parameter> {
    RefOr::Ref(Ref::new(format!("#/components/parameters/{name}")))
}

fn parameter(name: &str, place: ParameterIn, description: &str, schema: impl Into<RefOr<Schema>>) -> Parameter {
    let required = if place == ParameterIn::Path { Required::True } else { Required::False };
    let parameter = ParameterBuilder::new().name(name).parameter_in(place).required(required);
    parameter.description(Some(description)).schema(Some(schema)).build()
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// The parameters that all resources have alike.
pub(super) fn add_shared(components: &mut Components) {
    let number = || {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(0))
            .maximum(isize::try_from(i64::MAX).ok())
    };
    // Entity tags of RFC 9110, section 8.8.3, those that are ASCII.
    let tags = || text().pattern(Some("^(\\*|\"[!#-~]*\"(, ?\"[!#-~]*\")*)$"));
    let header = |name: &str, description: &str, schema: ObjectBuilder| {
        parameter(name, ParameterIn::Header, description, schema)
    };
    let query =
        |name: &str, description: &str, schema: ObjectBuilder| parameter(name, ParameterIn::Query, description, schema);
    let tagged = |name: &str, description: &str| {
        let parameter = ParameterBuilder::from(header(name, description, tags()));
        parameter.example(Some("\"3-5f2a\"".into())).build()
    };
    let required = |mut parameter: Parameter| {
        parameter.required = Required::True;
        parameter
    };
    let if_match = || tagged("If-Match", "Only if the row is in one of these states: otherwise it is a 412.");
    let preferences = "How to answer (RFC 7240): `return=minimal|headers-only|representation`, \
        `count=exact|planned|estimated`, `resolution=merge-duplicates|ignore-duplicates`, `missing=default|null`, \
        `handling=strict|lenient`, `max-affected=N`, `tx=commit|rollback`. What is not known is passed over, unless \
        `handling=strict` is asked. With `handling=lenient` a list that is posted is written row by row.";
    // The usual ones by name, for whoever chooses from a list; any others beside them, or several.
    let usual = [
        "return=representation",
        "return=minimal",
        "return=headers-only",
        "count=exact",
        "resolution=merge-duplicates",
        "resolution=ignore-duplicates",
        "missing=default",
        "handling=strict",
        "handling=lenient",
    ];
    let preference = AnyOfBuilder::new().item(text().enum_values(Some(usual))).item(text());
    let all = [
        ("Limit", query("limit", "The most rows that are wanted. The resource may have a lower limit.", number())),
        ("Offset", query("offset", "How many rows are passed over.", number())),
        (
            "Cursor",
            query(
                "cursor",
                "Where the page begins: from the `Link` of the one before or after it. Empty, it is the first page.",
                text().pattern(Some("^((after|before)\\..+)?$")),
            ),
        ),
        (
            "Range",
            header(
                "Range",
                "Which rows, counted from 0: `0-9`, or `10-` for all from the eleventh. What is no range of rows is passed over.",
                text(),
            ),
        ),
        ("Prefer", parameter("Prefer", ParameterIn::Header, preferences, preference)),
        ("IfMatch", if_match()),
        ("RequiredIfMatch", required(if_match())),
        ("IfNoneMatch", tagged("If-None-Match", "The states that the client has: a 304 if it is one of them.")),
        (
            "IdempotencyKey",
            header(
                "Idempotency-Key",
                "Tells tries of one request from requests: with the same key, the write is done once.",
                text().pattern(Some("^([!#-~]{1,255}|\"[!#-~]{1,255}\")$")),
            ),
        ),
    ];
    for (name, parameter) in all {
        components.parameters.insert(name.to_owned(), parameter.into());
    }
}

/// The key of one row, as one segment of the path.
pub(super) fn key(definition: &Definition) -> Parameter {
    let columns: Vec<_> = definition.table.primary_key().collect();
    match columns[..] {
        [column] => {
            let description = format!("The row's `{}`.", column.name);
            parameter("id", ParameterIn::Path, &description, schemas::of_type(column.ty, false, Way::Out))
        }
        _ => {
            let names: Vec<_> = columns.iter().map(|column| format!("`{}`", column.name)).collect();
            let description = format!("The row's key: its {}, in this order, with commas between.", names.join(", "));
            let pattern = format!("^{}$", columns.iter().map(|it| in_list(it.ty)).collect::<Vec<_>>().join(","));
            parameter("id", ParameterIn::Path, &description, text().pattern(Some(pattern)))
        }
    }
}

/// Whether filters of the column can be described by one pattern.
fn is_plain(column: &ColumnDef) -> bool {
    !matches!(column.ty, ColumnType::Json | ColumnType::Array(_) | ColumnType::Binary)
}

fn filter(column: &ColumnDef) -> Parameter {
    let (value, item) = (value(column.ty), in_list(column.ty));
    let mut pattern = format!("(not\\.)?((eq|neq|gt|gte|lt|lte|isdistinct)\\.{value}|in\\.\\({item}(,{item})*\\)");
    if column.ty == ColumnType::Text {
        pattern.push_str("|(like|ilike)\\.[^\\u0000\\\\]*");
    }
    pattern.push_str("|is\\.(null|not_null))");
    let description = format!("Only rows whose `{}` is so: `eq.VALUE`, `is.null`, ...", column.name);
    parameter(column.name, ParameterIn::Query, &description, text().pattern(Some(format!("^{pattern}$"))))
}

/// What stands after an operator.
fn value(ty: ColumnType) -> String {
    match ty {
        ColumnType::Text => "[^\\u0000]*".to_owned(),
        ty => in_list(ty),
    }
}

/// A value that needs no quotes.
fn in_list(ty: ColumnType) -> String {
    match ty {
        ColumnType::SmallInteger => "(0|-?[1-9][0-9]{0,3})".to_owned(),
        ColumnType::Integer => "(0|-?[1-9][0-9]{0,8})".to_owned(),
        ColumnType::BigInteger => "(0|-?[1-9][0-9]{0,17})".to_owned(),
        ColumnType::Double | ColumnType::Decimal => "(0|-?[1-9][0-9]{0,8})(\\.[0-9]{1,9})?".to_owned(),
        ColumnType::Boolean => "(true|false)".to_owned(),
        ColumnType::Date => "[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])".to_owned(),
        ColumnType::Time => "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]".to_owned(),
        ColumnType::DateTime => format!("{}T{}", in_list(ColumnType::Date), in_list(ColumnType::Time)),
        ColumnType::Timestamp => format!("{}Z", in_list(ColumnType::DateTime)),
        ColumnType::Uuid => "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}".to_owned(),
        ColumnType::Enum(of) => format!("({})", of.values.iter().map(|it| escaped(it)).collect::<Vec<_>>().join("|")),
        _ => "[A-Za-z0-9]+".to_owned(),
    }
}

/// A text as a pattern that is true of it alone.
fn escaped(text: &str) -> String {
    let special = |letter: char| !letter.is_alphanumeric() && letter != '_' && letter != ' ';
    text.chars().flat_map(|letter| special(letter).then_some('\\').into_iter().chain([letter])).collect()
}

fn logical(definition: &Definition, name: &str) -> Parameter {
    let conditions: Vec<_> = definition
        .columns()
        .filter(|column| is_plain(column))
        .map(|column| {
            format!("{}\\.(not\\.)?((eq|neq|gt|lt)\\.{}|is\\.null)", escaped(column.name), in_list(column.ty))
        })
        .collect();
    let one = format!("({})", conditions.join("|"));
    let sentence = if name == "and" { "All of these are true" } else { "One of these is true" };
    let description = format!("{sentence}: `(COLUMN.OPERATOR.VALUE,...)`, also `not.and(...)` and `or(...)` inside.");
    parameter(name, ParameterIn::Query, &description, text().pattern(Some(format!("^\\({one}(,{one})*\\)$"))))
}

fn one_of<'a>(columns: impl Iterator<Item = &'a str>) -> String {
    format!("({})", columns.map(escaped).collect::<Vec<_>>().join("|"))
}

fn select<'a>(columns: impl Iterator<Item = &'a str>) -> Parameter {
    let one = one_of(columns);
    let description = "Which columns are answered, and which relationships with them: `id,name,maker(name)`.";
    parameter("select", ParameterIn::Query, description, text().pattern(Some(format!("^(\\*|{one}(,{one})*)?$"))))
}

fn order<'a>(columns: impl Iterator<Item = &'a str>) -> Parameter {
    let one = format!("{}(\\.(asc|desc))?(\\.(nullsfirst|nullslast))?", one_of(columns));
    let description = "The order of the rows: `price.desc.nullslast,name`.";
    parameter("order", ParameterIn::Query, description, text().pattern(Some(format!("^{one}(,{one})*$"))))
}

fn names<'a>(name: &str, description: &str, columns: impl Iterator<Item = &'a str>) -> Parameter {
    let one = one_of(columns);
    parameter(name, ParameterIn::Query, description, text().pattern(Some(format!("^{one}(,{one})*$"))))
}

/// The constraints by which a row is known to be there already.
fn on_conflict(definition: &Definition) -> Parameter {
    let table = definition.table;
    let key = table.primary_key().map(|column| column.name).collect::<Vec<_>>().join(",");
    let sets = table.uniques.iter().map(|unique| unique.columns.join(",")).chain([key]);
    let shown = sets.filter(|set| set.split(',').all(|name| definition.column(name).is_some()));
    let description =
        "With `Prefer: resolution=...`: the columns that tell which row is there already; otherwise the key.";
    parameter("on_conflict", ParameterIn::Query, description, text().enum_values(Some(shown.collect::<Vec<_>>())))
}
