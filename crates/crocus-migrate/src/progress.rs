//! How far a revision is that takes several transactions: what the version table's `progress` says.

use std::fmt;

use crate::operation::Operation;
use crate::revision::digits_of;
use crate::runner::Direction;
use crate::schema::TableName;

/// A place between two transactions: how many operations are done, and how many parts of the next one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) operation: usize,
    pub(crate) part: usize,
}

/// A place on one of the two ways: `up:2.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) direction: Direction,
    pub(crate) at: Position,
}

impl Position {
    /// The place after the part here, of so many parts of its operation.
    pub(crate) fn next(self, parts: usize) -> Position {
        if self.part + 1 < parts {
            Position { part: self.part + 1, ..self }
        } else {
            Position { operation: self.operation + 1, part: 0 }
        }
    }

    /// `steps 1 to 3 are done and kept`; `None` where nothing is.
    pub(crate) fn kept(self) -> Option<String> {
        let done = match self.operation {
            0 => None,
            1 => Some("step 1 is done and kept".to_owned()),
            number => Some(format!("steps 1 to {number} are done and kept")),
        };
        let half = (self.part > 0).then(|| format!("step {} is half done", self.operation + 1));
        match (done, half) {
            (Some(done), Some(half)) => Some(format!("{done}, {half}")),
            (done, half) => done.or(half),
        }
    }
}

impl Progress {
    pub(crate) fn parse(text: &str) -> Option<Progress> {
        let (direction, at) = text.split_once(':')?;
        let at = at.split_once(':').map_or(at, |(at, _)| at);
        let (operation, part) = at.split_once('.')?;
        let direction = match direction {
            "up" => Direction::Upgrade,
            "down" => Direction::Downgrade,
            _ => return None,
        };
        Some(Progress { direction, at: Position { operation: operation.parse().ok()?, part: part.parse().ok()? } })
    }
}

impl Progress {
    /// What is recorded: the place, and what the operations are that have begun, `up:2.1:5f3a0c1e`.
    pub(crate) fn with_operations(self, operations: &[Operation]) -> String {
        format!("{self}:{}", digits_of(self.begun(operations)))
    }

    /// Whether the operations that have begun are those of a record.
    pub(crate) fn is_of(self, record: &str, operations: &[Operation]) -> bool {
        match record.rsplit_once(':') {
            Some((place, digits)) if place.contains(':') => {
                self.at.operation <= operations.len() && digits == digits_of(self.begun(operations))
            }
            _ => true,
        }
    }

    fn begun(self, operations: &[Operation]) -> &[Operation] {
        let number = self.at.operation + usize::from(self.at.part > 0);
        operations.get(..number).unwrap_or(operations)
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = match self.direction {
            Direction::Upgrade => "up",
            Direction::Downgrade => "down",
        };
        write!(f, "{direction}:{}.{}", self.at.operation, self.at.part)
    }
}

/// Whether the table of the operation at a place was made by an operation before it.
pub(crate) fn is_new(operations: &[Operation], at: usize) -> bool {
    let mut made: Vec<TableName> = Vec::new();
    for operation in &operations[..at] {
        match operation {
            Operation::CreateTable(table) => made.push(table.name.clone()),
            Operation::RenameTable { name, new_name } => {
                let renamed = made.iter_mut().filter(|made| *made == name);
                renamed.for_each(|made| *made = name.beside(new_name));
            }
            Operation::DropTable { name, .. } => made.retain(|made| made != name),
            _ => {}
        }
    }
    operations[at].table().is_some_and(|table| made.contains(table))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;

    #[test]
    fn what_is_written_is_read() {
        for text in ["up:0.0", "up:2.1", "down:17.0"] {
            assert_eq!(Progress::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "up", "up:1", "sideways:1.1", "up:1.x", "up:-1.0"] {
            assert_eq!(Progress::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_table_is_new_from_its_making_to_its_end() {
        let mut op = Operations::default();
        op.create_index("i", "cars", ["id"]);
        op.create_table("cars", |t| t.column("id", integer()));
        op.create_index("i", "cars", ["id"]);
        op.rename_table("cars", "vehicles");
        op.create_index("i", "vehicles", ["id"]);
        op.create_index("i", "cars", ["id"]);
        op.drop_table("vehicles");
        op.create_index("i", "vehicles", ["id"]);
        let new: Vec<_> = (0..op.list().len()).map(|at| is_new(op.list(), at)).collect();
        assert_eq!(new, [false, false, true, true, true, false, true, false]);
    }
}
