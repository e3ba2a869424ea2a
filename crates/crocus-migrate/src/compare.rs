//! What must be done so that a database has what the models declare. Pure: schemas in, operations out.
//!
//! Both schemas are in the database's own normal form: `declared` was read back from a scratch database, so an
//! expression is compared with an expression that the same database wrote. What is created is taken from `models`, as
//! the user wrote it. One file for each kind of object.

mod columns;
mod constraints;
mod foreign_keys;
mod indexes;
mod tables;

use std::collections::BTreeSet;

use crate::operation::Operation;
use crate::schema::{Schema, Table};

/// The result of a comparison.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Comparison {
    /// What leads from the database to the models, in an order that works.
    pub operations: Vec<Operation>,
    /// Differences that no operation is generated for, each a line for a person.
    pub notes: Vec<String>,
}

/// What the migrations of this program have made, and have not dropped again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ours {
    /// The names of tables. No other one is dropped.
    pub tables: BTreeSet<String>,
    /// The names of indexes. No other one is dropped that is unique, partial, descending or over an expression.
    pub indexes: BTreeSet<String>,
}

/// One table, three times.
struct Sides<'a> {
    model: &'a Table,
    declared: &'a Table,
    actual: &'a Table,
}

/// Compares the models, as they are and as [`declared`](crate::declared) reads them back, with what the database has.
pub fn compare(models: &Schema, declared: &Schema, actual: &Schema, ours: &Ours) -> Comparison {
    let mut comparison = Comparison::default();
    let sides = || {
        models.tables.iter().filter_map(|model| {
            Some(Sides { model, declared: declared.table(&model.name)?, actual: actual.table(&model.name)? })
        })
    };
    // What refers to something goes before it changes, and comes back after: foreign keys refer to other tables,
    // constraints and indexes to columns.
    sides().for_each(|sides| foreign_keys::drop(&sides, &mut comparison));
    tables::create(models, actual, &mut comparison);
    for sides in sides() {
        constraints::drop(&sides, &mut comparison);
        indexes::drop(&sides, ours, &mut comparison);
        columns::compare(&sides, &mut comparison);
        constraints::create(&sides, &mut comparison);
        indexes::create(&sides, &mut comparison);
    }
    sides().for_each(|sides| foreign_keys::create(&sides, &mut comparison));
    tables::drop(models, actual, ours, &mut comparison);
    comparison
}
