//! What an input brings to the columns of a table, read by the table's description.

use crate::model::Assignments;

/// What an input brings to a row: values of columns, and columns that take their defaults.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Input {
    /// Columns, by their indexes in the table, and their values.
    pub assignments: Assignments,
    /// Columns that take their defaults, or NULL where they have none; those that have a value do not.
    pub defaults: Vec<usize>,
}

impl Input {
    /// The columns that it names, in the table's order.
    pub(super) fn columns(&self) -> Vec<usize> {
        let values = self.assignments.iter().map(|(column, _)| *column);
        let mut columns: Vec<_> = values.chain(self.defaults.iter().copied()).collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }
}

impl From<Assignments> for Input {
    fn from(assignments: Assignments) -> Input {
        Input { assignments, defaults: Vec::new() }
    }
}
