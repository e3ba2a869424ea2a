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

/// One table, three times.
struct Sides<'a> {
    model: &'a Table,
    declared: &'a Table,
    actual: &'a Table,
}

/// Compares. `ours` are the names of tables that migrations of this program have made: only they can be dropped.
pub fn compare(models: &Schema, declared: &Schema, actual: &Schema, ours: &BTreeSet<String>) -> Comparison {
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
        indexes::drop(&sides, &mut comparison);
        columns::compare(&sides, &mut comparison);
        constraints::create(&sides, &mut comparison);
        indexes::create(&sides, &mut comparison);
    }
    sides().for_each(|sides| foreign_keys::create(&sides, &mut comparison));
    tables::drop(models, actual, ours, &mut comparison);
    comparison
}
