//! What must be done so that a database has what the models declare. Pure: schemas in, operations out.
//!
//! Both schemas are in the database's own normal form: `declared` was read back from a scratch database, so an
//! expression is compared with an expression that the same database wrote. What is created is taken from `models`, as
//! the user wrote it. One file for each kind of object.

mod candidates;
mod columns;
mod comments;
mod constraints;
mod enums;
mod foreign_keys;
mod ignored;
mod indexes;
mod names;
mod primary_keys;
pub(crate) mod renames;
mod tables;
mod taken;

use std::collections::BTreeSet;

pub use candidates::Rename;

use crate::operation::Operation;
use crate::schema::{Schema, Table, TableName, Unmanaged};

/// The result of a comparison.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Comparison {
    /// What leads from the database to the models, in an order that works.
    pub operations: Vec<Operation>,
    /// Differences that no operation is generated for, each a line for a person.
    pub notes: Vec<String>,
    /// What no model declares and no migration of this program has made, in order: it is left alone.
    pub ignored: Vec<Unmanaged>,
    /// What is dropped and added, and may be one thing under another name.
    pub candidates: Vec<Rename>,
}

/// What the migrations of this program have made, and have not dropped again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ours {
    /// The names of tables. No other one is dropped.
    pub tables: BTreeSet<TableName>,
    /// The names of indexes. No other one is dropped that is unique, partial, descending or over an expression.
    pub indexes: BTreeSet<String>,
    /// The names of enum types. No other one is dropped.
    pub enums: BTreeSet<String>,
}

/// One table, three times.
struct Sides<'a> {
    model: &'a Table,
    declared: &'a Table,
    actual: &'a Table,
    /// The columns that PostgreSQL drops and adds again.
    made_anew: Vec<&'a str>,
}

impl Sides<'_> {
    /// Whether what refers to these columns has to go while they are made anew.
    fn goes_with(&self, columns: &[String]) -> bool {
        columns.iter().any(|column| self.made_anew.contains(&column.as_str()))
    }

    /// Whether an expression may refer to a column that is made anew.
    fn may_go_with(&self, expression: &str) -> bool {
        renames::words(expression).any(|word| self.made_anew.contains(&word.as_str()))
    }
}

/// The tables that are on both sides.
fn sides<'a>(models: &'a Schema, declared: &'a Schema, actual: &'a Schema) -> impl Iterator<Item = Sides<'a>> {
    models.tables.iter().filter_map(|model| {
        let (declared, actual) = (declared.table(&model.name)?, actual.table(&model.name)?);
        let sides = Sides { model, declared, actual, made_anew: Vec::new() };
        Some(Sides { made_anew: columns::made_anew(&sides), ..sides })
    })
}

/// Compares the models, as they are and as [`declared`](crate::declared) reads them back, with what the database has.
pub fn compare(models: &Schema, declared: &Schema, actual: &Schema, ours: &Ours) -> Comparison {
    let mut comparison = Comparison::default();
    // What has only another name is the same from here on.
    let actual = renames::follow(models, declared, actual.clone(), &mut comparison);
    let mut actual = names::follow(models, declared, actual, ours, &mut comparison);
    comparison.candidates = candidates::find(models, declared, &actual, |table| ours.tables.contains(&table.name));
    taken::free(models, declared, &mut actual, ours, &mut comparison);
    let mut loose = primary_keys::Loose::default();
    sides(models, declared, &actual).for_each(|sides| loose.add(&sides));
    // What refers to something goes before it changes, and comes back after: foreign keys refer to other tables,
    // constraints and indexes to columns.
    tables::detach(models, &mut actual, ours, &loose, &mut comparison);
    enums::free_defaults(models, &mut actual, ours, &mut comparison);
    enums::free_conditions(declared, &mut actual, &mut comparison);
    enums::free_formulas(models, &mut actual, ours, &mut comparison);
    let actual = &actual;
    let sides = || sides(models, declared, actual);
    sides().for_each(|sides| foreign_keys::drop(&sides, &loose, &mut comparison));
    for name in models.schemas.difference(&actual.schemas) {
        comparison.operations.push(Operation::CreateSchema { name: name.clone() });
    }
    enums::create(models, declared, actual, &mut comparison);
    let late = tables::create(models, actual, &loose, &mut comparison);
    for sides in sides() {
        comments::compare(&sides, &mut comparison);
        constraints::drop(&sides, &mut comparison);
        indexes::drop(&sides, ours, &mut comparison);
        primary_keys::drop(&sides, &mut comparison);
        columns::compare(&sides, &mut comparison);
        primary_keys::create(&sides, &mut comparison);
        constraints::create(&sides, &mut comparison);
        indexes::create(&sides, &mut comparison);
    }
    sides().for_each(|sides| foreign_keys::create(&sides, &loose, &mut comparison));
    comparison.operations.extend(late);
    tables::drop(models, actual, ours, &mut comparison);
    enums::drop(models, actual, ours, &mut comparison);
    comparison.ignored = ignored::find(models, declared, actual, ours);
    comparison
}
