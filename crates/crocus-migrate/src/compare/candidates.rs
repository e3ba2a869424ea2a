//! What may have only another name: a person is asked, or says so. Nothing is renamed on a guess.

use std::fmt;

use crate::schema::{Enum, RenamedValue, Schema, Table, TableName};
use crate::types::TypeChange;
use crate::{Error, ErrorKind, Result};

/// That something which the database has is what the models call otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are named by what they are")]
pub enum Rename {
    /// A table. It stays in its schema.
    Table { name: TableName, new_name: TableName },
    /// A column of the table that the models call so.
    Column { table: TableName, name: String, new_name: String },
    /// A value of an enum type.
    EnumValue(RenamedValue),
}

/// `cars.name=cars.title`, as `db migrate --rename` reads it.
impl fmt::Display for Rename {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (old, new) = self.names();
        write!(f, "{old}={new}")
    }
}

impl Rename {
    /// The old and the new name, each with what it is in: `cars.name` and `cars.title`.
    pub fn names(&self) -> (String, String) {
        match self {
            Rename::Table { name, new_name } => (name.to_string(), new_name.to_string()),
            Rename::Column { table, name, new_name } => (format!("{table}.{name}"), format!("{table}.{new_name}")),
            Rename::EnumValue(RenamedValue { name, value, new_value }) => {
                (format!("{name}.{value}"), format!("{name}.{new_value}"))
            }
        }
    }

    /// What a person means by `cars.name=cars.title`, `cars=vehicles` or, of an enum type, `colour.red=colour.crimson`.
    ///
    /// # Errors
    /// When the database has no such thing, or the models have none: it names what there is.
    pub fn parse(text: &str, models: &Schema, actual: &Schema) -> Result<Rename> {
        let wrong = |what: String, hint: String| {
            Err(Error::new(ErrorKind::Rename, format!("`{text}` renames nothing: {what}")).with_hint(hint))
        };
        let Some((old, new)) = text.split_once('=') else {
            let hint = "write the old name, `=` and the new one: `cars.name=cars.title` for a column, `cars=vehicles` for a table";
            return wrong("it has no `=`".to_owned(), hint.to_owned());
        };
        if let Some(model) = models.tables.iter().find(|table| table.name.to_string() == new) {
            let gone: Vec<_> =
                actual.tables.iter().filter(|table| models.table(&table.name).is_none()).map(|it| &it.name).collect();
            return match gone.iter().find(|name| name.to_string() == old) {
                _ if actual.table(&model.name).is_some() => {
                    wrong(format!("the database has a table `{new}` already"), "leave it out".to_owned())
                }
                Some(name) if name.schema == model.name.schema => {
                    Ok(Rename::Table { name: (*name).clone(), new_name: model.name.clone() })
                }
                Some(_) => wrong("a table stays in its schema".to_owned(), "move it with SQL first".to_owned()),
                None => wrong(
                    format!("the database has no table `{old}` that no model has"),
                    listed("such tables are", gone.iter()),
                ),
            };
        }
        let parts = |text: &str| text.rsplit_once('.').map(|(of, name)| (of.to_owned(), name.to_owned()));
        let (Some((old_of, old_name)), Some((new_of, new_name))) = (parts(old), parts(new)) else {
            let new_tables = models.tables.iter().filter(|table| actual.table(&table.name).is_none());
            let hint = listed("the models' new tables are", new_tables.map(|table| &table.name));
            return wrong(format!("the models have no table `{new}`"), hint);
        };
        if let Some(values) = models.enums.iter().find(|values| values.name == new_of && old_of == new_of) {
            return value_of(values, actual, &old_name, &new_name).or_else(|(what, hint)| wrong(what, hint));
        }
        let Some(model) = models.tables.iter().find(|table| table.name.to_string() == new_of) else {
            let hint = listed("they have", models.tables.iter().map(|table| &table.name));
            return wrong(format!("the models have no table `{new_of}`"), hint);
        };
        let before = model.renamed_from.as_ref().map(|name| model.name.beside(name));
        let table = actual.table(&model.name).or_else(|| actual.table(before?));
        let Some(table) = table.filter(|table| table.name.to_string() == old_of || new_of == old_of) else {
            let what = format!("`{old_of}` is not what `{new_of}` is in the database");
            return wrong(what, "a column stays in its table: `cars.name=cars.title`".to_owned());
        };
        let dropped: Vec<_> = dropped(model, table).collect();
        let added: Vec<_> = added(model, table).collect();
        if !added.contains(&new_name.as_str()) {
            let hint = listed("its new columns are", added.iter());
            return wrong(format!("the model of `{new_of}` has no new column `{new_name}`"), hint);
        }
        if !dropped.contains(&old_name.as_str()) {
            let hint = listed("its columns that no model has are", dropped.iter());
            return wrong(format!("the table `{old_of}` has no column `{old_name}` that its model has not"), hint);
        }
        Ok(Rename::Column { table: model.name.clone(), name: old_name, new_name })
    }
}

fn value_of(values: &Enum, actual: &Schema, value: &str, new_value: &str) -> Result<Rename, (String, String)> {
    let name = &values.name;
    let Some(actual) = actual.enumeration(name) else {
        return Err((format!("the database has no enum type `{name}`"), "leave it out".to_owned()));
    };
    let (gone, new) = (missing(&actual.values, &values.values), missing(&values.values, &actual.values));
    if !gone.iter().any(|known| *known == value) {
        let hint = listed("such values are", gone.iter());
        return Err((format!("the database's `{name}` has no value `{value}` that the models have not"), hint));
    }
    if !new.iter().any(|known| *known == new_value) {
        let hint = listed("the new values are", new.iter());
        return Err((format!("the models' `{name}` has no new value `{new_value}`"), hint));
    }
    let (name, value, new_value) = (name.clone(), value.to_owned(), new_value.to_owned());
    Ok(Rename::EnumValue(RenamedValue { name, value, new_value }))
}

fn listed<T: fmt::Display>(what: &str, names: impl Iterator<Item = T>) -> String {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() { format!("{what}: none") } else { format!("{what}: {}", names.join(", ")) }
}

impl Schema {
    /// Takes over that something was called otherwise before.
    pub fn rename(&mut self, rename: &Rename) {
        match rename {
            Rename::Table { name, new_name } => {
                let table = self.tables.iter_mut().filter(|table| table.name == *new_name);
                table.for_each(|table| table.renamed_from = Some(name.name.clone()));
            }
            Rename::Column { table, name, new_name } => {
                let tables = self.tables.iter_mut().filter(|found| found.name == *table);
                let column = tables.flat_map(|table| &mut table.columns).filter(|column| column.name == *new_name);
                column.for_each(|column| column.renamed_from = Some(name.clone()));
            }
            Rename::EnumValue(renamed) => self.renamed_values.push(renamed.clone()),
        }
    }
}

/// What would be dropped and added, and may be one thing: a column with one of the same type in its table, a table with
/// one of the same columns, a value of an enum type with one at its place.
pub(super) fn find(
    models: &Schema,
    declared: &Schema,
    actual: &Schema,
    is_ours: impl Fn(&Table) -> bool,
) -> Vec<Rename> {
    let mut found = Vec::new();
    let new = models.tables.iter().filter(|model| actual.table(&model.name).is_none());
    for declared in new.filter_map(|model| declared.table(&model.name)) {
        let gone = actual.tables.iter().filter(|table| models.table(&table.name).is_none() && is_ours(table));
        let alike =
            gone.filter(|table| table.name.schema == declared.name.schema && columns(table) == columns(declared));
        found.extend(alike.map(|table| Rename::Table { name: table.name.clone(), new_name: declared.name.clone() }));
    }
    for model in &models.tables {
        let (Some(declared), Some(actual)) = (declared.table(&model.name), actual.table(&model.name)) else { continue };
        for new_name in added(model, actual) {
            let alike = dropped(model, actual).filter(|old| {
                declared.column(new_name).zip(actual.column(old)).is_some_and(|(new, old)| {
                    TypeChange::between(&old.ty, &new.ty).is_none()
                        && new.generated.is_some() == old.generated.is_some()
                })
            });
            found.extend(alike.map(|name| Rename::Column {
                table: model.name.clone(),
                name: name.to_owned(),
                new_name: new_name.to_owned(),
            }));
        }
    }
    for values in &models.enums {
        let Some(actual) = actual.enumeration(&values.name) else { continue };
        for (value, new_value) in actual.values.iter().zip(&values.values) {
            if !values.values.contains(value) && !actual.values.contains(new_value) {
                let (name, value, new_value) = (values.name.clone(), value.clone(), new_value.clone());
                found.push(Rename::EnumValue(RenamedValue { name, value, new_value }));
            }
        }
    }
    found
}

/// The columns of a table that its model has not.
fn dropped<'a>(model: &'a Table, actual: &'a Table) -> impl Iterator<Item = &'a str> {
    actual.columns.iter().map(|column| column.name.as_str()).filter(|name| model.column(name).is_none())
}

/// The columns of a model that its table has not.
fn added<'a>(model: &'a Table, actual: &'a Table) -> impl Iterator<Item = &'a str> {
    model.columns.iter().map(|column| column.name.as_str()).filter(|name| actual.column(name).is_none())
}

fn columns(table: &Table) -> Vec<(&str, String)> {
    let mut columns: Vec<_> = table.columns.iter().map(|it| (it.name.as_str(), it.ty.to_string())).collect();
    columns.sort_unstable();
    columns
}

fn missing<'a>(values: &'a [String], among: &[String]) -> Vec<&'a String> {
    values.iter().filter(|value| !among.contains(value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Column, Type};
    use crocus_orm::ColumnType;

    fn schema(tables: &[(&str, &[&str])]) -> Schema {
        let table = |(name, columns): &(&str, &[&str])| {
            let columns = columns.iter().map(|name| Column::new(*name, ColumnType::Text)).collect();
            Table { columns, ..Table::new(*name) }
        };
        Schema::new(tables.iter().map(table).collect())
    }

    fn colour(values: &[&str]) -> Column {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        Column::new("colour", Type::Enum(Enum { name: "colour".to_owned(), values }))
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_there_is() {
        let mut models = schema(&[("cars", &["title", "doors"]), ("vehicles", &["a"])]);
        let mut actual = schema(&[("cars", &["name", "doors"]), ("old", &["a"]), ("older", &["a"])]);
        for (schema, values) in [(&mut models, ["crimson", "green"]), (&mut actual, ["red", "green"])] {
            schema.tables[0].columns.push(colour(&values));
            *schema = Schema::new(std::mem::take(&mut schema.tables));
        }
        for good in ["cars.name=cars.title", "old=vehicles", "older=vehicles", "colour.red=colour.crimson"] {
            assert_eq!(
                Rename::parse(good, &models, &actual).map(|rename| rename.to_string()).ok().as_deref(),
                Some(good)
            );
        }
        for (text, what, hint) in [
            ("cars.name", "it has no `=`", "write the old name"),
            ("name=title", "the models have no table `title`", "the models' new tables are: `vehicles`"),
            ("new=vehicles", "the database has no table `new` that no model has", "such tables are: `old`, `older`"),
            ("old=cars", "the database has a table `cars` already", "leave it out"),
            ("cars.name=cars.tittle", "the model of `cars` has no new column `tittle`", "its new columns are: `title`"),
            (
                "cars.doors=cars.title",
                "the table `cars` has no column `doors` that its model has not",
                "its columns that no model has are: `name`",
            ),
            ("cars.name=car.title", "the models have no table `car`", "they have: `cars`, `vehicles`"),
            ("old.a=cars.title", "`old` is not what `cars` is in the database", "a column stays in its table"),
            (
                "colour.blue=colour.crimson",
                "the database's `colour` has no value `blue` that the models have not",
                "such values are: `red`",
            ),
            ("colour.red=colour.blue", "the models' `colour` has no new value `blue`", "the new values are: `crimson`"),
        ] {
            let error = Rename::parse(text, &models, &actual).expect_err(text);
            assert_eq!(error.to_string(), format!("`{text}` renames nothing: {what}"));
            assert!(error.hint().is_some_and(|found| found.starts_with(hint)), "{text}: {:?}", error.hint());
        }
    }
}
