//! Revisions: a program's migrations, and what they are in the history.

mod checksum;
mod graph;
mod next;
mod replaced;
mod resolve;
#[cfg(test)]
pub(crate) mod tests;

use crate::compare::Ours;
use crate::history::Applied;
use crate::operation::Operation;
use crate::operations::Operations;
use crate::{Error, ErrorKind, Result};

pub use checksum::Changed;
pub(crate) use checksum::digits_of;
pub use graph::Graph;
pub(crate) use graph::{Places, and};
pub use next::Placement;
use replaced::Graphs;
pub(crate) use replaced::{Split, taken_together};

/// A migration that is compiled into the program; made by `crocus::migrations!`.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Its revision.
    pub revision: &'static str,
    /// The revisions that it follows: none for a first one, several for one that merges branches.
    pub down_revisions: &'static [&'static str],
    /// The labels that it gives its branch.
    pub labels: &'static [&'static str],
    /// Revisions of other branches, or their labels, that must be there before it.
    pub depends_on: &'static [&'static str],
    /// The revisions that it stands for, in their order: those of a range that was squashed.
    pub replaces: &'static [&'static str],
    /// What it does, in a few words.
    pub message: &'static str,
    /// When it was made.
    pub created: &'static str,
    /// The name of its file.
    pub file: &'static str,
    /// Writes the operations that lead to it.
    pub upgrade: fn(&mut Operations),
    /// Writes the operations that lead back.
    pub downgrade: fn(&mut Operations),
}

/// The migrations that are compiled into a program.
#[derive(Debug, Clone)]
pub struct Migrations {
    /// The folder in the program's source; it need not exist where the program runs.
    folder: &'static str,
    list: Vec<Migration>,
    graphs: Graphs,
}

impl Migrations {
    /// Migrations from a folder of the program's source.
    pub fn new(folder: &'static str, list: Vec<Migration>) -> Migrations {
        Migrations { folder, list, graphs: Graphs::default() }
    }

    /// The folder that the files are in, where the program was compiled.
    pub fn folder(&self) -> &'static str {
        self.folder
    }

    /// Every migration, in the order of the files.
    pub fn list(&self) -> &[Migration] {
        &self.list
    }

    /// How the migrations follow each other. One that was squashed stands in the place of those that it replaces.
    ///
    /// # Errors
    /// When they do not fit together: one follows a revision that is missing, or itself; a revision or a label is there
    /// twice. Several heads are no error here: see [`Graph::check_forks`].
    pub fn graph(&self) -> Result<&Graph> {
        self.graphs.get(&self.list, &Split::new())
    }

    /// How they follow each other for a database. One that has a part of what was squashed goes the old way to its end.
    /// Whatever is asked of a graph about what is applied has to be asked of this one.
    ///
    /// # Errors
    /// As [`graph`](Migrations::graph).
    pub fn graph_of(&self, applied: &Applied) -> Result<&Graph> {
        self.graph_split(&applied.split)
    }

    pub(crate) fn graph_split(&self, split: &Split) -> Result<&Graph> {
        self.graphs.get(&self.list, split)
    }

    /// What the revisions that are applied have made and not dropped again.
    ///
    /// # Errors
    /// When the migrations do not fit together.
    pub fn made(&self, applied: &Applied) -> Result<Ours> {
        let mut ours = Ours::default();
        for migration in self.graph_of(applied)?.applied(applied) {
            for operation in migration.operations(migration.upgrade)? {
                match operation {
                    Operation::CreateTable(table) => drop(ours.tables.insert(table.name)),
                    Operation::DropTable { name, .. } => drop(ours.tables.remove(&name)),
                    Operation::RenameTable { name, new_name } if ours.tables.remove(&name) => {
                        ours.tables.insert(name.beside(&new_name));
                    }
                    Operation::CreateIndex { index, .. } => drop(ours.indexes.insert(index.name)),
                    Operation::DropIndex { name, .. } => drop(ours.indexes.remove(&name)),
                    Operation::CreateEnum(values) => drop(ours.enums.insert(values.name)),
                    Operation::DropEnum { name, .. } => drop(ours.enums.remove(&name)),
                    _ => {}
                }
            }
        }
        Ok(ours)
    }
}

impl Migration {
    /// The first line of its message.
    pub fn title(&self) -> &'static str {
        self.message.lines().next().unwrap_or_default()
    }

    /// The operations of one direction.
    pub(crate) fn operations(&self, direction: fn(&mut Operations)) -> Result<Vec<Operation>> {
        let mut operations = Operations::default();
        direction(&mut operations);
        match operations.irreversible {
            None => Ok(operations.list),
            Some(why) => {
                let text = format!("the revision {} ({}) cannot be undone: {why}", self.revision, self.title());
                let hint = format!("write its `downgrade` in `{}`", self.file);
                Err(Error::new(ErrorKind::Irreversible, text).with_hint(hint))
            }
        }
    }
}
