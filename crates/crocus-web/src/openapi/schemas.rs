//! Schemas of tables: the rows that are answered, what a new row brings, and what a change brings.

use crocus_orm::table::{Bound, ColumnDef, ColumnType, Literal, Rules, TableDef, rules};
use utoipa::Number;
use utoipa::openapi::schema::{AdditionalProperties, AnyOfBuilder, OneOfBuilder, SchemaType};
use utoipa::openapi::{ArrayBuilder, KnownFormat, Object, ObjectBuilder, Ref, RefOr, Schema, SchemaFormat, Type};

use super::examples;
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
    for column in &writable {
        let schema = with_rules(definition.table, column, definition.rules(column), Way::In, false);
        new = new.property(column.name, schema.clone());
        if is_required(column) {
            new = new.required(column.name);
        }
        patch = patch.property(column.name, schema);
    }
    let row = row.examples([examples::of_columns(definition.table, definition.columns())]);
    let new = new.examples([examples::new_row(definition)]);
    let changed = writable.iter().copied().filter(|column| !column.primary_key);
    let patch = patch.examples([examples::of_columns(definition.table, changed.take(1))]);
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
    with_rules(table, column, &rules(table, column), way, read_only)
}

fn with_rules(table: &TableDef, column: &ColumnDef, rules: &Rules, way: Way, read_only: bool) -> RefOr<Schema> {
    let described = column.comment.map(str::to_owned).or_else(|| refers_to(table, column));
    match of_type(column.ty, column.nullable, way) {
        RefOr::T(Schema::Object(mut object)) => {
            keep_to(&mut object, rules, column, way);
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

/// Adds the limits of the column's type and of its checks.
fn keep_to(object: &mut Object, rules: &Rules, column: &ColumnDef, way: Way) {
    let number = |bound: Bound| match bound.number.to_json() {
        json if json.is_i64() => Number::Int(json.as_i64().and_then(|it| isize::try_from(it).ok()).unwrap_or_default()),
        json => Number::Float(json.as_f64().unwrap_or_default()),
    };
    let ends = |exclusive: bool| {
        let end = |bound: Option<Bound>| bound.filter(|bound| bound.exclusive == exclusive).map(number);
        (end(rules.min), end(rules.max))
    };
    let is_decimal = column.ty == ColumnType::Decimal;
    // As an answer, a decimal is a text, which has no range.
    if !is_decimal || way == Way::In {
        let ((least, most), (above, below)) = (ends(false), ends(true));
        // One bound takes the place of the type's.
        if least.is_some() || above.is_some() {
            (object.minimum, object.exclusive_minimum) = (least, above);
        }
        if most.is_some() || below.is_some() {
            (object.maximum, object.exclusive_maximum) = (most, below);
        }
    }
    if is_decimal {
        object.pattern = Some(decimal(rules));
    }
    let length = |limit: Option<u32>| limit.and_then(|limit| usize::try_from(limit).ok());
    (object.min_length, object.max_length) = (length(rules.min_length), length(rules.max_length));
    if let (Some(values), false) = (&rules.one_of, is_decimal) {
        let values = values.iter().map(|value| match value {
            Literal::Number(number) => number.to_json(),
            Literal::Text(text) => text.as_str().into(),
        });
        object.enum_values = Some(values.chain(column.nullable.then_some(serde_json::Value::Null)).collect());
    }
}

/// A decimal as a text: it has up to 29 digits, of which up to 28 stand after the point.
fn decimal(rules: &Rules) -> String {
    let is_positive = rules.min.is_some_and(|min| min.number.to_json().as_f64().is_some_and(|number| number >= 0.0));
    let is_not_zero = is_positive && rules.min.is_some_and(|min| min.exclusive);
    let sign = if is_positive { "" } else { "-?" };
    let not_zero = if is_not_zero { "(?=.*[1-9])" } else { "" };
    let fraction = match rules.scale {
        Some(0) => String::new(),
        scale => format!("(\\.[0-9]{{1,{}}})?", scale.unwrap_or(28)),
    };
    format!("^{not_zero}{sign}[0-9]{{1,29}}{fraction}$")
}

/// What a column of a foreign key holds.
fn refers_to(table: &TableDef, column: &ColumnDef) -> Option<String> {
    let key = table.foreign_keys.iter().find(|key| key.columns == [column.name])?;
    let target = (key.target)();
    target.primary_key().next().map(|key| format!("`{}` of a row of `{}`.", key.name, target.name))
}

/// A default that is a plain value, as JSON. What the database computes is none.
pub(super) fn literal(sql: &str, ty: ColumnType) -> Option<serde_json::Value> {
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
        // A number is taken too; a text keeps every digit.
        ColumnType::Decimal if way == Way::In => {
            let null = nullable.then_some(Type::Null);
            let kinds = [Type::String, Type::Number].into_iter().chain(null).collect();
            // A decimal's digits are an integer of 96 bits.
            let most = 2_f64.powi(96);
            let either = ObjectBuilder::new().schema_type(SchemaType::Array(kinds)).format(named("decimal"));
            let either =
                either.exclusive_minimum(Some(Number::Float(-most))).exclusive_maximum(Some(Number::Float(most)));
            either.pattern(Some(decimal(&Rules::default()))).into()
        }
        ColumnType::Decimal => text().format(named("decimal")).pattern(Some(decimal(&Rules::default()))).into(),
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
    let pointer = |meaning: &str| text().pattern(Some("^(/([^~]|~[01])*)*$")).description(Some(meaning));
    let step = |names: &[&str]| {
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .property("op", text().enum_values(Some(names.to_vec())))
            .property("path", pointer("The JSON pointer of what it is about (RFC 6901)."))
            .required("op")
            .required("path")
    };
    let value = ObjectBuilder::new().schema_type(SchemaType::AnyValue);
    let steps = OneOfBuilder::new()
        .item(step(&["add", "replace", "test"]).property("value", value).required("value"))
        .item(step(&["move", "copy"]).property("from", pointer("Where the value comes from.")).required("from"))
        .item(step(&["remove"]));
    ArrayBuilder::new()
        .items(steps)
        .description(Some("Steps that change a document, one after the other (RFC 6902)."))
        .into()
}
