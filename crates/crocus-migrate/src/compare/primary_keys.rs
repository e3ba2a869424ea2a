//! Changed primary keys: dropped before the columns change, made again after. A foreign key refers to one that is there,
//! so those that lead to a key which goes for a while go with it.

use super::{Comparison, Sides, constraints};
use crate::operation::Operation;
use crate::schema::{Column, ForeignKey, Table, TableName, Type};
use crocus_orm::ColumnType;

pub(super) fn drop(sides: &Sides<'_>, comparison: &mut Comparison) {
    if goes(sides) && !sides.actual.primary_key.is_empty() {
        let (table, was) = (sides.model.name.clone(), Some(sides.actual.primary_key.clone()));
        comparison.operations.push(Operation::DropPrimaryKey { table, was });
    }
}

pub(super) fn create(sides: &Sides<'_>, comparison: &mut Comparison) {
    if goes(sides) && !sides.declared.primary_key.is_empty() {
        let (table, columns) = (sides.model.name.clone(), sides.declared.primary_key.clone());
        comparison.operations.push(Operation::CreatePrimaryKey { table, columns });
    }
}

/// Whether the key is another one, or loses a column that is made anew.
fn goes(sides: &Sides<'_>) -> bool {
    sides.declared.primary_key != sides.actual.primary_key || sides.goes_with(&sides.actual.primary_key)
}

/// What foreign keys cannot stay on while a comparison's operations run.
#[derive(Debug, Default)]
pub(super) struct Loose {
    /// Columns that are a primary key or unique, and are not so for a while.
    keys: Vec<(TableName, Vec<String>)>,
    /// Columns that are made anew, or get a type that cannot be compared with the one that they have.
    columns: Vec<(TableName, String)>,
}

impl Loose {
    pub(super) fn add(&mut self, sides: &Sides<'_>) {
        let table = &sides.model.name;
        let key = &sides.actual.primary_key;
        if goes(sides) {
            self.keys.push((table.clone(), sorted(key)));
        }
        let uniques = sides.actual.uniques.iter().filter(|unique| constraints::unique_goes(sides, unique));
        for unique in uniques.filter(|unique| goes(sides) || sorted(&unique.columns) != sorted(key)) {
            self.keys.push((table.clone(), sorted(&unique.columns)));
        }
        let retyped = sides.declared.columns.iter().filter(|declared| {
            sides.actual.column(&declared.name).is_some_and(|actual| !are_comparable(declared, actual))
        });
        let columns = retyped.map(|column| column.name.as_str()).chain(sides.made_anew.iter().copied());
        self.columns.extend(columns.map(|column| (table.clone(), column.to_owned())));
    }

    /// Whether a foreign key of a table goes for a while.
    pub(super) fn frees(&self, table: &TableName, key: &ForeignKey) -> bool {
        let is_loose = |table: &TableName, columns: &[String]| {
            columns.iter().any(|name| self.columns.iter().any(|(of, column)| of == table && column == name))
        };
        let target_columns = sorted(&key.target_columns);
        self.keys.iter().any(|(of, columns)| *of == key.target && *columns == target_columns)
            || is_loose(table, &key.columns)
            || is_loose(&key.target, &key.target_columns)
    }

    /// Whether a foreign key cannot lead yet to a table as it is.
    pub(super) fn delays(&self, table: &TableName, key: &ForeignKey, target: &Table) -> bool {
        let columns = sorted(&key.target_columns);
        let uniques = target.uniques.iter().map(|unique| sorted(&unique.columns));
        let indexes = target.indexes.iter().filter(|index| index.unique).map(|index| sorted(&index.clone().columns()));
        let mut keys = std::iter::once(sorted(&target.primary_key)).chain(uniques).chain(indexes);
        !keys.any(|key| key == columns) || self.frees(table, key)
    }
}

/// Whether PostgreSQL has an operator for a foreign key between a column as it is and as it will be.
fn are_comparable(declared: &Column, actual: &Column) -> bool {
    let family = |ty: &Type| match ty {
        Type::Standard(ColumnType::SmallInteger | ColumnType::Integer | ColumnType::BigInteger) => 1,
        Type::Standard(ColumnType::Text) => 2,
        Type::Other(name) if name.starts_with("character varying") => 2,
        _ => 0,
    };
    declared.ty == actual.ty || (family(&declared.ty) > 0 && family(&declared.ty) == family(&actual.ty))
}

fn sorted(columns: &[String]) -> Vec<String> {
    let mut columns = columns.to_vec();
    columns.sort_unstable();
    columns
}
