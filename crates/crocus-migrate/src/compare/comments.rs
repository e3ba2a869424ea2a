//! Comments of tables. Those of columns are compared with their columns.

use super::{Comparison, Sides};
use crate::operation::Operation;

pub(super) fn compare(sides: &Sides<'_>, comparison: &mut Comparison) {
    let (table, was) = (sides.model.name.clone(), sides.actual.comment.clone());
    match &sides.declared.comment {
        declared if *declared == was => {}
        Some(comment) => {
            let comment = comment.clone();
            comparison.operations.push(Operation::CreateTableComment { table, comment, was });
        }
        None => comparison.operations.push(Operation::DropTableComment { table, was }),
    }
}
