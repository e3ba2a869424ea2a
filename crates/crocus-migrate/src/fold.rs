//! What a schema is after operations, without a database: an operation applied to what is known. Also what an operation
//! drops or replaces, where the state tells it.
//!
//! Assumption: a state is known from operations alone. What SQL has changed in between is not seen, so an operation may
//! name something that is not known; it then changes nothing, and says so.

use std::fmt;

use crate::compare::renames::{rename_column, rename_enum_value, rename_table, words};
use crate::operation::{Constraint, Operation};
use crate::schema::{Column, Enum, IndexKey, Schema, Table, TableName};

/// What an operation names and no operation before it made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown(String);

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} is not known", self.0)
    }
}

impl std::error::Error for Unknown {}

type Result<T, E = Unknown> = std::result::Result<T, E>;

impl Schema {
    /// What the schema is after an operation. SQL is taken to change nothing.
    ///
    /// # Errors
    /// When the operation changes something that is not known, such as a table that SQL has made: the schema is then as
    /// it was.
    ///
    /// # Example
    /// ```
    /// use crocus_migrate::Operations;
    /// use crocus_migrate::prelude::*;
    /// use crocus_migrate::schema::Schema;
    ///
    /// let mut op = Operations::default();
    /// op.create_table("cars", |t| t.column("name", text().not_null()));
    /// op.rename_column("cars", "name", "title");
    /// let mut schema = Schema::default();
    /// for operation in op.list() {
    ///     schema.apply(operation)?;
    /// }
    /// assert!(schema.table("cars").unwrap().column("title").is_some());
    /// # Ok::<(), crocus_migrate::fold::Unknown>(())
    /// ```
    pub fn apply(&mut self, operation: &Operation) -> Result<()> {
        match operation {
            Operation::CreateTable(table) => {
                self.tables.retain(|known| known.name != table.name);
                self.add_enums(&table.columns);
                let mut table = Table { renamed_from: None, ..table.clone() };
                table.columns.iter_mut().for_each(|column| column.renamed_from = None);
                self.tables.push(table);
            }
            Operation::DropTable { name, .. } => {
                self.known(name)?;
                self.tables.retain(|table| table.name != *name);
            }
            Operation::RenameTable { name, new_name } => {
                self.known(name)?;
                rename_table(self, name, &name.beside(new_name));
            }
            Operation::AddColumn { table, column } => {
                let known = self.table_mut(table)?;
                known.columns.retain(|other| other.name != column.name);
                known.columns.push(Column { renamed_from: None, ..column.clone() });
                self.add_enums(std::slice::from_ref(column));
            }
            Operation::DropColumn { table, name, .. } => drop_column(self.table_mut(table)?, name)?,
            Operation::AlterColumn { table, column, .. } => {
                let known = self.table_mut(table)?;
                let place = known.columns.iter_mut().find(|other| other.name == column.name);
                let place = place.ok_or_else(|| no_column(table, &column.name))?;
                *place = Column { renamed_from: None, ..column.clone() };
                self.add_enums(std::slice::from_ref(column));
            }
            Operation::RenameColumn { table, name, new_name } => {
                if self.known(table)?.column(name).is_none() {
                    return Err(no_column(table, name));
                }
                // In quotes every name is itself, also one that is a word of SQL.
                rename_column(self, table, name, new_name, true);
            }
            Operation::CreatePrimaryKey { table, columns } => {
                let table = self.table_mut(table)?;
                table.primary_key.clone_from(columns);
                let key = table.columns.iter_mut().filter(|column| columns.contains(&column.name));
                key.for_each(|column| column.nullable = false);
            }
            Operation::DropPrimaryKey { table, .. } => self.table_mut(table)?.primary_key.clear(),
            Operation::CreateIndex { table, index, .. } => {
                let indexes = &mut self.table_mut(table)?.indexes;
                indexes.retain(|other| other.name != index.name);
                indexes.push(index.clone());
            }
            Operation::DropIndex { table, name, .. } => {
                let indexes = &mut self.table_mut(table)?.indexes;
                let place = indexes.iter().position(|index| index.name == *name);
                indexes.remove(place.ok_or_else(|| unknown("index", name, table))?);
            }
            Operation::RenameIndex { table, name, new_name } => {
                let found = self.table_mut(table)?.indexes.iter_mut().find(|index| index.name == *name);
                found.ok_or_else(|| unknown("index", name, table))?.name.clone_from(new_name);
            }
            Operation::CreateUnique { table, unique } => {
                let uniques = &mut self.table_mut(table)?.uniques;
                uniques.retain(|other| other.name != unique.name);
                uniques.push(unique.clone());
            }
            Operation::CreateCheck { table, check } => {
                let checks = &mut self.table_mut(table)?.checks;
                checks.retain(|other| other.name != check.name);
                checks.push(check.clone());
            }
            Operation::CreateForeignKey { table, foreign_key } => {
                let keys = &mut self.table_mut(table)?.foreign_keys;
                keys.retain(|other| other.name != foreign_key.name);
                keys.push(foreign_key.clone());
            }
            Operation::DropConstraint { table, name, .. } => {
                let known = self.table_mut(table)?;
                known.constraint(name).ok_or_else(|| unknown("constraint", name, table))?;
                known.uniques.retain(|unique| unique.name != *name);
                known.checks.retain(|check| check.name != *name);
                known.foreign_keys.retain(|key| key.name != *name);
            }
            Operation::RenameConstraint { table, name, new_name } => {
                let known = self.table_mut(table)?;
                known.constraint(name).ok_or_else(|| unknown("constraint", name, table))?;
                let uniques = known.uniques.iter_mut().map(|unique| &mut unique.name);
                let checks = known.checks.iter_mut().map(|check| &mut check.name);
                let keys = known.foreign_keys.iter_mut().map(|key| &mut key.name);
                let names = uniques.chain(checks).chain(keys);
                names.filter(|found| *found == name).for_each(|found| found.clone_from(new_name));
            }
            Operation::CreateTableComment { table, comment, .. } => {
                self.table_mut(table)?.comment = Some(comment.clone());
            }
            Operation::DropTableComment { table, .. } => self.table_mut(table)?.comment = None,
            Operation::CreateSchema { name } => drop(self.schemas.insert(name.clone())),
            Operation::DropSchema { name } => drop(self.schemas.remove(name)),
            Operation::CreateEnum(values) => {
                self.enums.retain(|other| other.name != values.name);
                self.enums.push(values.clone());
            }
            // Columns have their values until they are altered: on SQLite nothing else changes them.
            Operation::AlterEnum { values, .. } => self.enum_mut(&values.name)?.clone_from(values),
            Operation::RenameEnumValue { name, value, new_value, .. } => {
                if !self.enum_mut(name)?.values.contains(value) {
                    return Err(Unknown(format!("value {value} of enum {name}")));
                }
                rename_enum_value(self, name, value, new_value);
            }
            Operation::DropEnum { name, .. } => {
                self.enum_mut(name)?;
                self.enums.retain(|known| known.name != *name);
            }
            Operation::Execute { .. } | Operation::Run(_) => {}
        }
        Ok(())
    }

    /// What the schema is after operations, as far as they change what is known.
    pub fn apply_known(&mut self, operations: &[Operation]) {
        for operation in operations {
            drop(self.apply(operation));
        }
    }

    /// The operation with what it drops or replaces, where it does not say so itself and it is known.
    pub fn complete(&self, operation: &Operation) -> Operation {
        let mut operation = operation.clone();
        match &mut operation {
            Operation::DropTable { name, was: was @ None } => *was = self.table(&*name).cloned(),
            Operation::DropColumn { table, name, was: was @ None } => {
                *was = self.table(&*table).and_then(|table| table.column(name)).cloned();
            }
            Operation::AlterColumn { table, column, was: was @ None, .. } => {
                *was = self.table(&*table).and_then(|table| table.column(&column.name)).cloned();
            }
            Operation::DropPrimaryKey { table, was: was @ None } => {
                *was = self.table(&*table).map(|table| table.primary_key.clone()).filter(|key| !key.is_empty());
            }
            Operation::DropIndex { table, name, was: was @ None, .. } => {
                let mut indexes = self.table(&*table).into_iter().flat_map(|table| &table.indexes);
                *was = indexes.find(|index| index.name == *name).cloned();
            }
            Operation::DropConstraint { table, name, was: was @ None } => {
                *was = self.table(&*table).and_then(|table| table.constraint(name));
            }
            Operation::CreateTableComment { table, was: was @ None, .. }
            | Operation::DropTableComment { table, was: was @ None } => {
                *was = self.table(&*table).and_then(|table| table.comment.clone());
            }
            Operation::AlterEnum { values, was: was @ None } => *was = self.enumeration(&values.name).cloned(),
            Operation::DropEnum { name, was: was @ None } => *was = self.enumeration(name).cloned(),
            _ => {}
        }
        operation
    }

    fn known(&self, name: &TableName) -> Result<&Table> {
        self.table(name).ok_or_else(|| Unknown(format!("table {name}")))
    }

    fn table_mut(&mut self, name: &TableName) -> Result<&mut Table> {
        let found = self.tables.iter_mut().find(|table| table.name == *name);
        found.ok_or_else(|| Unknown(format!("table {name}")))
    }

    fn enum_mut(&mut self, name: &str) -> Result<&mut Enum> {
        self.enums.iter_mut().find(|known| known.name == name).ok_or_else(|| Unknown(format!("enum {name}")))
    }

    /// On SQLite nothing makes an enum type but the columns that have it.
    fn add_enums(&mut self, columns: &[Column]) {
        for found in columns.iter().filter_map(|column| column.ty.as_enum()) {
            if self.enumeration(&found.name).is_none() {
                self.enums.push(found.clone());
            }
        }
    }
}

impl Table {
    /// The unique or check constraint or foreign key with this name.
    pub(crate) fn constraint(&self, name: &str) -> Option<Constraint> {
        let unique = self.uniques.iter().find(|unique| unique.name == name).cloned().map(Constraint::Unique);
        let check = || self.checks.iter().find(|check| check.name == name).cloned().map(Constraint::Check);
        let key = || self.foreign_keys.iter().find(|key| key.name == name).cloned().map(Constraint::ForeignKey);
        unique.or_else(check).or_else(key)
    }
}

/// What is over a column goes with it.
fn drop_column(table: &mut Table, name: &str) -> Result<()> {
    let is_it = |other: &String| other == name;
    let place = table.columns.iter().position(|column| column.name == name);
    table.columns.remove(place.ok_or_else(|| no_column(&table.name, name))?);
    if table.primary_key.iter().any(is_it) {
        table.primary_key.clear();
    }
    let mentions = |sql: &str| words(sql).any(|word| word == name);
    table.uniques.retain(|unique| !unique.columns.iter().any(is_it));
    table.foreign_keys.retain(|key| !key.columns.iter().any(is_it));
    table.checks.retain(|check| !mentions(&check.expression));
    table.indexes.retain(|index| {
        let over = index.parts.iter().any(|part| match &part.key {
            IndexKey::Column(column) => column == name,
            IndexKey::Expression(sql) => mentions(sql),
        });
        !over && !index.include.iter().any(is_it) && !index.condition.as_deref().is_some_and(mentions)
    });
    Ok(())
}

fn unknown(kind: &str, name: &str, table: &TableName) -> Unknown {
    Unknown(format!("{kind} {name} on {table}"))
}

fn no_column(table: &TableName, name: &str) -> Unknown {
    Unknown(format!("column {table}.{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;

    fn folded(describe: impl FnOnce(&mut Operations)) -> (Schema, Vec<String>) {
        let (mut op, mut schema) = (Operations::default(), Schema::default());
        describe(&mut op);
        let unknown = op.list().iter().filter_map(|operation| schema.apply(operation).err());
        let unknown = unknown.map(|unknown| unknown.to_string()).collect();
        (schema, unknown)
    }

    #[test]
    fn what_is_over_a_column_goes_with_it() {
        let (schema, unknown) = folded(|op| {
            op.create_table("cars", |t| {
                t.column("id", integer().identity().primary_key());
                t.column("name", text());
                t.column("doors", integer());
                t.unique("cars_name_key", ["name", "doors"]);
                t.check("cars_name_check", "length(\"name\") > 0");
                t.check("cars_doors_check", "doors > 0 OR 'name' = ''");
            });
            op.create_index("cars_name_idx", "cars", [expression("lower(name)")]);
            op.create_index("cars_doors_idx", "cars", ["doors"]).condition("name IS NULL");
            op.create_index("cars_all_idx", "cars", ["doors"]);
            op.drop_column("cars", "name");
        });
        let cars = schema.table("cars").unwrap();
        let checks: Vec<_> = cars.checks.iter().map(|check| check.name.as_str()).collect();
        let indexes: Vec<_> = cars.indexes.iter().map(|index| index.name.as_str()).collect();
        assert_eq!((checks, indexes), (vec!["cars_doors_check"], vec!["cars_all_idx"]));
        assert_eq!((cars.uniques.len(), cars.primary_key.len(), unknown.len()), (0, 1, 0));
    }

    #[test]
    fn what_sql_has_made_is_not_known_and_changes_nothing() {
        let (schema, unknown) = folded(|op| {
            op.execute("CREATE TABLE cars (id integer)");
            op.add_column("cars", "name", text());
            op.drop_table(("shop", "cars"));
            op.create_table("makers", |t| t.column("name", text()));
            op.drop_column("makers", "title");
            op.alter_column("makers", "title", text());
            op.rename_column("makers", "title", "name");
            op.drop_index("makers_name_idx", "makers");
            op.rename_index("makers", "makers_name_idx", "i");
            op.drop_constraint("makers_pkey", "makers");
            op.rename_constraint("makers", "makers_pkey", "p");
            op.alter_enum("colour", ["red"]);
            op.create_enum("size", ["small"]);
            op.rename_enum_value("size", "big", "large");
        });
        let whats = [
            "table cars",
            "table shop.cars",
            "column makers.title",
            "column makers.title",
            "column makers.title",
            "index makers_name_idx on makers",
            "index makers_name_idx on makers",
            "constraint makers_pkey on makers",
            "constraint makers_pkey on makers",
            "enum colour",
            "value big of enum size",
        ];
        assert_eq!(unknown, whats.map(|what| format!("the {what} is not known")));
        let makers = Table { columns: vec![Column::new("name", crocus_orm::ColumnType::Text)], ..Table::new("makers") };
        assert_eq!((schema.tables, schema.enums[0].values.len()), (vec![makers], 1));
    }
}
