//! Columns as fields.

use std::collections::BTreeSet;

use crocus_orm::ColumnType;

use super::{bare, names};
use crate::compare::renames::words;
use crate::schema::{Column, Enum, Table, Type};
use crate::types::Described;

/// The longest text with a limit that PostgreSQL has.
const LONGEST_TEXT: u32 = 10_485_760;

/// A column and its field.
pub(super) struct Field<'a> {
    pub(super) column: &'a Column,
    /// The field's name, with `r#` where it needs that.
    pub(super) name: String,
    /// Its type; `None` where the column has no field.
    pub(super) ty: Option<String>,
    /// What `#[model(...)]` says of the column alone.
    pub(super) said: Vec<String>,
    /// What it cannot say.
    pub(super) not_said: Option<String>,
}

impl Field<'_> {
    /// The name without `r#`.
    pub(super) fn bare_name(&self) -> &str {
        self.name.strip_prefix("r#").unwrap_or(&self.name)
    }

    /// The type of the values that are there, without the `Option`.
    pub(super) fn inner(&self) -> Option<&str> {
        let ty = self.ty.as_deref()?;
        Some(ty.strip_prefix("Option<").and_then(|ty| ty.strip_suffix('>')).unwrap_or(ty))
    }

    /// Whether the database would number it, where nothing else is said.
    pub(super) fn may_be_numbered(&self, table: &Table) -> bool {
        table.primary_key == [self.column.name.as_str()]
            && self.inner().is_some_and(|ty| matches!(ty, "i16" | "i32" | "i64"))
    }
}

/// The fields in the order of the columns, but those of the key in the order of the key: a model has no other.
pub(super) fn fields<'a>(table: &'a Table, enum_name: &impl Fn(&Enum) -> Option<String>) -> Vec<Field<'a>> {
    let mut key = table.primary_key.iter().filter_map(|name| table.column(name));
    let columns: Vec<&Column> = table
        .columns
        .iter()
        .map(|column| if table.primary_key.contains(&column.name) { key.next().unwrap_or(column) } else { column })
        .collect();
    let mut taken = BTreeSet::new();
    let mut field = |(column, name): (&&'a Column, String)| {
        let not_named = names::column_fault(&column.name).or_else(|| {
            (!taken.insert(column.name.to_lowercase())).then_some("a column before it differs only in case")
        });
        let mut field = Field { column, name, ty: None, said: Vec::new(), not_said: None };
        match not_named {
            Some(why) => field.not_said = Some(format!("the column {}: {why}", column.name)),
            None => field.say(table, held(&column.ty, enum_name)),
        }
        field
    };
    let names = names::fields(columns.iter().map(|column| column.name.as_str()));
    let mut fields: Vec<_> = columns.iter().zip(names).map(&mut field).collect();
    let unread: Vec<_> = fields
        .iter()
        .map(|field| field.column.generated.as_deref())
        .map(|sql| sql.is_some_and(|sql| reads_none(&fields, sql)))
        .collect();
    for (field, _) in fields.iter_mut().zip(unread).filter(|(_, is_unread)| *is_unread) {
        let why = format!("the column {} is computed from one that has no field", field.column.name);
        (field.ty, field.not_said) = (None, Some(why));
    }
    fields
}

/// Whether an expression reads a column that has no field.
pub(super) fn reads_none(fields: &[Field<'_>], sql: &str) -> bool {
    words(sql).any(|word| fields.iter().any(|field| field.ty.is_none() && field.column.name == word))
}

impl Field<'_> {
    fn say(&mut self, table: &Table, held: Option<Held>) {
        let column = self.column;
        let mut not_said = Vec::new();
        let is_key = table.primary_key.contains(&column.name);
        if is_key {
            self.said.push("primary_key".to_owned());
        }
        if self.bare_name() != column.name {
            self.said.push(format!("column = {:?}", column.name));
        }
        match held {
            None => not_said.push(format!("is of a type that no field has, {}", column.ty)),
            Some(held) => {
                self.said.extend(held.sql_type.map(|name| format!("type = {name:?}")));
                if !held.is_exact {
                    not_said.push(format!("is of the type {}, which is another than its field's", column.ty));
                }
                self.ty = Some(if column.nullable && !is_key { format!("Option<{}>", held.ty) } else { held.ty });
            }
        }
        if column.nullable && is_key {
            not_said.push("can be NULL, which no field of a key can".to_owned());
        }
        if column.identity && !self.may_be_numbered(table) {
            not_said.push("is numbered by the database".to_owned());
        }
        let is_text = Described::of(&column.ty).is_some_and(|described| described.base == ColumnType::Text);
        match &column.collation {
            Some(collation) if is_text => self.said.push(format!("collation = {collation:?}")),
            Some(collation) => not_said.push(format!("has the collation {collation}")),
            None => {}
        }
        if let Some(default) = &column.default {
            self.said.push(format!("default = {}", default_of(default)));
        }
        if let Some(generated) = &column.generated {
            self.said.push(format!("generated = {:?}", bare(generated)));
        }
        match &column.comment {
            Some(comment) if comment.trim().is_empty() => not_said.push("has a comment that is empty".to_owned()),
            Some(comment) => self.said.push(format!("comment = {comment:?}")),
            None => {}
        }
        if !not_said.is_empty() {
            self.not_said = Some(format!("the column {} {}", column.name, not_said.join(", and ")));
        }
    }
}

/// What a field has of a column's type.
struct Held {
    /// The field's type, which holds its values.
    ty: String,
    /// What `type = "..."` says.
    sql_type: Option<String>,
    /// Whether the two together say the column's type.
    is_exact: bool,
}

impl Held {
    fn exactly(ty: impl Into<String>) -> Held {
        Held { ty: ty.into(), sql_type: None, is_exact: true }
    }

    fn nearly(ty: impl Into<String>) -> Held {
        Held { is_exact: false, ..Held::exactly(ty) }
    }

    fn list(self) -> Option<Held> {
        let is_exact = self.is_exact && self.sql_type.is_none();
        // A list of lists is no type of a field.
        (!self.ty.starts_with("Vec<") || self.ty == "Vec<u8>").then(|| Held {
            ty: format!("Vec<{}>", self.ty),
            sql_type: None,
            is_exact,
        })
    }
}

/// What a field has of a column's type; `None` where no field holds its values.
fn held(ty: &Type, enum_name: &impl Fn(&Enum) -> Option<String>) -> Option<Held> {
    match ty {
        Type::Standard(ty) => rust_type(*ty).map(Held::exactly),
        Type::Enum(values) => enum_name(values).map(Held::exactly),
        Type::Array(of) => held(of, enum_name)?.list(),
        Type::Other(name) => match name.strip_suffix("[]") {
            Some(of) => held(&Type::Other(of.to_owned()), enum_name)?.list(),
            None if name == "json" => rust_type(ColumnType::Json).map(Held::nearly),
            None => {
                // The driver reads no number of 4 bytes into one of 8.
                let described = Described::named(name).filter(|described| !described.is_single)?;
                let sql_type = sql_type(name, &described);
                rust_type(described.base).map(|ty| Held {
                    sql_type: sql_type.clone(),
                    is_exact: sql_type.is_some(),
                    ..Held::exactly(ty)
                })
            }
        },
    }
}

fn rust_type(ty: ColumnType) -> Option<&'static str> {
    Some(match ty {
        ColumnType::SmallInteger => "i16",
        ColumnType::Integer => "i32",
        ColumnType::BigInteger => "i64",
        ColumnType::Double => "f64",
        ColumnType::Boolean => "bool",
        ColumnType::Text => "String",
        ColumnType::Binary => "Vec<u8>",
        ColumnType::Date => "Date",
        ColumnType::Time => "Time",
        ColumnType::DateTime => "DateTime",
        ColumnType::Timestamp => "Timestamp",
        ColumnType::Uuid => "Uuid",
        ColumnType::Decimal => "Decimal",
        ColumnType::Json => "serde_json::Value",
        _ => return None,
    })
}

/// What `type = "..."` says of a type that a database writes so; `None` where it cannot.
fn sql_type(name: &str, described: &Described) -> Option<String> {
    // SQLite's own, which are stored otherwise than what a model's type becomes there.
    let is_sqlites = !name.contains(char::is_lowercase);
    Some(match (described.base, described.limits.as_slice()) {
        (ColumnType::Text, []) if described.is_caseless && !is_sqlites => "citext".to_owned(),
        (ColumnType::Text, []) if !described.is_caseless && !described.is_padded => "varchar".to_owned(),
        (ColumnType::Text, [length @ 1..=LONGEST_TEXT]) if described.is_padded => format!("char({length})"),
        (ColumnType::Text, [length @ 1..=LONGEST_TEXT]) => format!("varchar({length})"),
        (ColumnType::Decimal, [digits @ 1..=1000, behind]) if behind <= digits && !is_sqlites => {
            format!("numeric({digits}, {behind})")
        }
        (ColumnType::DateTime, [digits @ 0..=6]) => format!("timestamp({digits})"),
        (ColumnType::Timestamp, [digits @ 0..=6]) => format!("timestamptz({digits})"),
        (ColumnType::Time, [digits @ 0..=6]) => format!("time({digits})"),
        _ => return None,
    })
}

/// A number or a truth as it is, another expression as text.
fn default_of(sql: &str) -> String {
    let digits = |text: &str| !text.is_empty() && text.len() < 18 && text.chars().all(|digit| digit.is_ascii_digit());
    let is_number = match sql.split_once('.') {
        None => digits(sql),
        Some((before, after)) => digits(before) && digits(after),
    };
    let is_plain = is_number || sql == "true" || sql == "false";
    if is_plain { sql.to_owned() } else { format!("{:?}", bare(sql)) }
}
