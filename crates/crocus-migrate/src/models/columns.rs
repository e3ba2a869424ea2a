//! Columns as fields.

use crocus_orm::ColumnType;

use super::{bare, names};
use crate::schema::{Column, Table, Type};
use crate::types::Described;

/// A column and its field.
pub(super) struct Field<'a> {
    pub(super) column: &'a Column,
    /// The field's name, with `r#` where it needs that.
    pub(super) name: String,
    /// Its type; `None` where no field has it.
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
}

pub(super) fn fields<'a>(table: &'a Table, enum_name: &impl Fn(&str) -> String) -> Vec<Field<'a>> {
    let names = names::fields(table.columns.iter().map(|column| column.name.as_str()));
    let field = |(column, name): (&'a Column, String)| {
        let ty = rust_type(&column.ty, enum_name);
        let ty = ty.map(|ty| if column.nullable { format!("Option<{ty}>") } else { ty });
        let mut field = Field { column, name, ty, said: Vec::new(), not_said: None };
        field.say(table);
        field
    };
    table.columns.iter().zip(names).map(field).collect()
}

impl Field<'_> {
    fn say(&mut self, table: &Table) {
        let column = self.column;
        let is_key = table.primary_key.contains(&column.name);
        let is_sole_integer = is_key && table.primary_key.len() == 1 && is_integer(&column.ty);
        let mut not_said = Vec::new();
        if is_key {
            self.said.push("primary_key".to_owned());
        }
        // A key that is another row's is not numbered.
        let refers = table.foreign_keys.iter().any(|key| key.columns == [column.name.as_str()]);
        if is_sole_integer && !column.identity && !refers {
            self.said.push("no_identity".to_owned());
        } else if column.identity && !is_sole_integer {
            not_said.push("is numbered by the database");
        }
        if self.bare_name() != column.name {
            self.said.push(format!("column = {:?}", column.name));
        }
        if let Some(default) = &column.default {
            self.said.push(format!("default = {}", default_of(default)));
        }
        if let Some(generated) = &column.generated {
            self.said.push(format!("generated = {:?}", bare(generated)));
        }
        if let Some(comment) = column.comment.as_ref().filter(|comment| !comment.trim().is_empty()) {
            self.said.push(format!("comment = {comment:?}"));
        }
        let of_a_type = match (&self.ty, &column.ty) {
            (None, ty) => Some(format!("is of a type that no field has, {ty}")),
            (Some(_), Type::Other(name)) => Some(format!("is of the type {name}, which is another than its field's")),
            (Some(_), _) => None,
        };
        not_said.extend(of_a_type.as_deref());
        if column.collation.is_some() {
            not_said.push("has a collation");
        }
        if !not_said.is_empty() {
            self.not_said = Some(format!("the column {} {}", column.name, not_said.join(", and ")));
        }
    }
}

/// The type of a field that holds values of a column's type; `None` where there is none.
pub(super) fn rust_type(ty: &Type, enum_name: &impl Fn(&str) -> String) -> Option<String> {
    let name = match ty {
        // Other words for a type that every database has.
        Type::Other(_) => match Described::of(ty) {
            Some(described) if described == described.base.into() => {
                return rust_type(&Type::Standard(described.base), enum_name);
            }
            _ => return None,
        },
        Type::Standard(ty) => match ty {
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
        }
        .to_owned(),
        Type::Enum(values) => enum_name(&values.name),
        Type::Array(of) if matches!(**of, Type::Array(_)) => return None,
        Type::Array(of) => format!("Vec<{}>", rust_type(of, enum_name)?),
    };
    Some(name)
}

fn is_integer(ty: &Type) -> bool {
    matches!(ty, Type::Standard(ColumnType::SmallInteger | ColumnType::Integer | ColumnType::BigInteger))
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
