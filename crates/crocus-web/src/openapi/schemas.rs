//! Schemas of tables: the rows that are answered, what a new row brings, and what a change brings.

use crocus_orm::table::{ColumnDef, ColumnType, TableDef};
use utoipa::openapi::schema::{AdditionalProperties, AnyOfBuilder, SchemaType};
use utoipa::openapi::{ArrayBuilder, KnownFormat, ObjectBuilder, Ref, RefOr, Schema, SchemaFormat, Type};

use super::paths::Names;
use crate::resource::Definition;

/// Which way a value goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// To the client.
    Out,
    /// From the client.
    In,
}

/// The schemas of a resource, with their names.
pub(super) fn of_resource(definition: &Definition, names: &Names) -> Vec<(String, RefOr<Schema>)> {
    let writable: Vec<_> = definition.columns().filter(|column| definition.is_writable(column)).collect();
    let mut row = object(&format!("{}: a row of the table `{}`.", names.title(), definition.table.name));
    for column in definition.columns() {
        let schema = of_column(definition.table, column, Way::Out, !definition.is_writable(column));
        row = row.property(column.name, schema).required(column.name);
    }
    let mut new = object(&format!("What a new {} brings.", names.noun()));
    let mut patch = object(&format!("What changes in a {} (RFC 7396): what is absent stays as it is.", names.noun()));
    for column in writable {
        new = new.property(column.name, of_column(definition.table, column, Way::In, false));
        if is_required(column) {
            new = new.required(column.name);
        }
        patch = patch.property(column.name, of_column(definition.table, column, Way::In, false));
    }
    let closed = |object: ObjectBuilder| object.additional_properties(Some(AdditionalProperties::FreeForm(false)));
    let selected =
        object("The members that `select` names: columns, perhaps renamed or cast, and embedded relationships.")
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(true)));
    vec![
        (names.row(), closed(row).into()),
        (names.new_row(), closed(new).into()),
        (names.patch(), closed(patch).into()),
        ("SelectedRow".to_owned(), selected.into()),
        ("JsonPatch".to_owned(), json_patch()),
    ]
}

/// A row as it is answered: whole, or what the request selects.
pub(super) fn answered(names: &Names) -> AnyOfBuilder {
    AnyOfBuilder::new().item(Ref::from_schema_name(names.row())).item(Ref::from_schema_name("SelectedRow"))
}

/// Whether an insert has to bring the column's value: nothing else would give it one.
pub(super) fn is_required(column: &ColumnDef) -> bool {
    let made = column.identity || column.version || column.generated.is_some();
    !column.nullable && !made && column.default.is_none() && column.default_with.is_none()
}

/// The schema of a column's values.
pub(super) fn of_column(table: &TableDef, column: &ColumnDef, way: Way, read_only: bool) -> RefOr<Schema> {
    let described = column.comment.map(str::to_owned).or_else(|| refers_to(table, column));
    match of_type(column.ty, column.nullable, way) {
        RefOr::T(Schema::Object(mut object)) => {
            object.description = described;
            object.read_only = read_only.then_some(true);
            if way == Way::In {
                object.default = column.default.and_then(|sql| literal(sql, column.ty));
            }
            object.into()
        }
        RefOr::T(Schema::Array(mut array)) => {
            array.description = described;
            array.into()
        }
        other => other,
    }
}

/// What a column of a foreign key holds.
fn refers_to(table: &TableDef, column: &ColumnDef) -> Option<String> {
    let key = table.foreign_keys.iter().find(|key| key.columns == [column.name])?;
    let target = (key.target)();
    target.primary_key().next().map(|key| format!("`{}` of a row of `{}`.", key.name, target.name))
}

/// A default that is a plain value, as JSON. What the database computes is none.
fn literal(sql: &str, ty: ColumnType) -> Option<serde_json::Value> {
    let text = sql.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).map(|text| text.replace("''", "'"));
    match (ty, text) {
        (ColumnType::Json, Some(text)) => serde_json::from_str(&text).ok(),
        (ColumnType::Text | ColumnType::Enum(_), Some(text)) => Some(text.into()),
        (ColumnType::SmallInteger | ColumnType::Integer | ColumnType::BigInteger, None) => {
            sql.parse::<i64>().ok().map(Into::into)
        }
        (ColumnType::Boolean, None) => sql.parse::<bool>().ok().map(Into::into),
        _ => None,
    }
}

/// The schema of a type's values, as JSON.
pub(super) fn of_type(ty: ColumnType, nullable: bool, way: Way) -> RefOr<Schema> {
    let of = |kind: Type| {
        let kinds = if nullable { SchemaType::Array(vec![kind, Type::Null]) } else { SchemaType::Type(kind) };
        ObjectBuilder::new().schema_type(kinds)
    };
    let format = |known: KnownFormat| Some(SchemaFormat::KnownFormat(known));
    let named = |name: &str| Some(SchemaFormat::Custom(name.to_owned()));
    let integer = |known: Option<SchemaFormat>, least: i64, most: i64| {
        let bound = |number: i64| isize::try_from(number).ok();
        of(Type::Integer).format(known).minimum(bound(least)).maximum(bound(most))
    };
    let text = || of(Type::String);
    match ty {
        ColumnType::SmallInteger => integer(named("int16"), i16::MIN.into(), i16::MAX.into()).into(),
        ColumnType::Integer => integer(format(KnownFormat::Int32), i32::MIN.into(), i32::MAX.into()).into(),
        ColumnType::BigInteger => integer(format(KnownFormat::Int64), i64::MIN, i64::MAX).into(),
        ColumnType::Double => of(Type::Number).format(format(KnownFormat::Double)).into(),
        ColumnType::Boolean => of(Type::Boolean).into(),
        // PostgreSQL's text cannot hold U+0000.
        ColumnType::Text if way == Way::In => text().pattern(Some("^[^\\u0000]*$")).into(),
        ColumnType::Text => text().into(),
        ColumnType::Binary => text()
            .pattern(Some(if way == Way::In { "^([0-9a-fA-F]{2})*$" } else { "^([0-9a-f]{2})*$" }))
            .content_encoding("base16")
            .into(),
        ColumnType::Date => text().format(format(KnownFormat::Date)).into(),
        // `time` and `date-time` are those of RFC 3339, with a zone.
        ColumnType::Time => text().format(named("time-local")).into(),
        ColumnType::DateTime => text().format(named("date-time-local")).into(),
        ColumnType::Timestamp => text().format(format(KnownFormat::DateTime)).into(),
        ColumnType::Uuid => text().format(named("uuid")).into(),
        ColumnType::Decimal => text().format(named("decimal")).pattern(Some("^-?[0-9]+(\\.[0-9]+)?$")).into(),
        ColumnType::Enum(of) => {
            let values = of.values.iter().map(|value| serde_json::Value::from(*value));
            let null = nullable.then_some(serde_json::Value::Null);
            text().enum_values(Some(values.chain(null))).into()
        }
        ColumnType::Array(item) => {
            let kinds =
                if nullable { SchemaType::Array(vec![Type::Array, Type::Null]) } else { SchemaType::Type(Type::Array) };
            ArrayBuilder::new().schema_type(kinds).items(of_type(*item, false, way)).into()
        }
        // Any value at all.
        _ => ObjectBuilder::new().schema_type(SchemaType::AnyValue).into(),
    }
}

pub(super) fn object(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Object).description(Some(description))
}

/// RFC 6902.
fn json_patch() -> RefOr<Schema> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let step = ObjectBuilder::new()
        .property("op", text().enum_values(Some(["add", "remove", "replace", "move", "copy", "test"])))
        .property("path", text().description(Some("The JSON pointer of what it is about (RFC 6901).")))
        .property("from", text().description(Some("For `move` and `copy`: where the value comes from.")))
        .property("value", ObjectBuilder::new().schema_type(SchemaType::AnyValue))
        .required("op")
        .required("path");
    ArrayBuilder::new()
        .items(step)
        .description(Some("Steps that change a document, one after the other (RFC 6902)."))
        .into()
}
