//! Revisions: a program's migrations and their order.
//!
//! Assumption: the history is one line from base to head. Two revisions that follow one are an error that names both.

use crate::compare::Ours;
use crate::head::BASE;
use crate::operation::Operation;
use crate::operations::Operations;
use crate::{Error, ErrorKind, Result};

/// A migration that is compiled into the program; made by `crocus::migrations!`.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Its revision.
    pub revision: &'static str,
    /// The revision that it follows; `None` for the first.
    pub down_revision: Option<&'static str>,
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
}

/// A place in the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Before the first revision.
    Base,
    /// At the revision with this position in [`Migrations::ordered`].
    At(usize),
}

impl Target {
    /// How many revisions are applied there.
    pub fn applied(self) -> usize {
        match self {
            Target::Base => 0,
            Target::At(position) => position + 1,
        }
    }
}

impl Migrations {
    /// Migrations from a folder of the program's source.
    pub fn new(folder: &'static str, list: Vec<Migration>) -> Migrations {
        Migrations { folder, list }
    }

    /// The folder that the files are in, where the program was compiled.
    pub fn folder(&self) -> &'static str {
        self.folder
    }

    /// Every migration, in the order of the files.
    pub fn list(&self) -> &[Migration] {
        &self.list
    }

    /// The migrations from the first to the head.
    ///
    /// # Errors
    /// When they are not one line: a revision follows one that is missing, or two follow the same.
    pub fn ordered(&self) -> Result<Vec<&Migration>> {
        let mut ordered: Vec<&Migration> = Vec::with_capacity(self.list.len());
        loop {
            let last = ordered.last().map(|migration| migration.revision);
            let mut next = self.list.iter().filter(|migration| migration.down_revision == last);
            match (next.next(), next.next()) {
                (Some(migration), None) if ordered.len() < self.list.len() => ordered.push(migration),
                (Some(one), Some(other)) => {
                    let text = format!(
                        "two migrations follow {}: {} ({}) and {} ({})",
                        last.unwrap_or(BASE),
                        one.revision,
                        one.message,
                        other.revision,
                        other.message
                    );
                    let hint = format!(
                        "let one follow the other: in `{}`, write `follows {}` in the third line, then build again",
                        other.file, one.revision
                    );
                    return Err(Error::new(ErrorKind::History, text).with_hint(hint));
                }
                _ => break,
            }
        }
        match self.list.iter().find(|migration| !ordered.iter().any(|found| found.revision == migration.revision)) {
            None => Ok(ordered),
            Some(lost) => {
                let parent = lost.down_revision.unwrap_or(BASE);
                let text = format!("the migration `{}` follows {parent}, which does not lead to the base", lost.file);
                let hint = "is a file missing from the migrations folder?";
                Err(Error::new(ErrorKind::History, text).with_hint(hint))
            }
        }
    }

    /// The place that a word names: `head`, `base`, a revision or its unique beginning, `+N` or `-N` from `current`.
    ///
    /// # Errors
    /// When there is no such place, or several revisions begin so.
    pub fn resolve(&self, word: &str, current: usize) -> Result<Target> {
        let ordered = self.ordered()?;
        let place = |applied: usize| applied.checked_sub(1).map_or(Target::Base, Target::At);
        match word {
            "base" => return Ok(Target::Base),
            "head" | "heads" => return Ok(place(ordered.len())),
            "current" => return Ok(place(current)),
            _ => {}
        }
        if let Some(steps) = word.strip_prefix(['+', '-']).and_then(|steps| steps.parse::<usize>().ok()) {
            let applied = if word.starts_with('+') { current.checked_add(steps) } else { current.checked_sub(steps) };
            return match applied.filter(|applied| *applied <= ordered.len()) {
                Some(applied) => Ok(place(applied)),
                None => {
                    let text = format!("there is no revision at {word} from the current one");
                    let hint = format!("{} of {} revisions are applied; see `db history`", current, ordered.len());
                    Err(Error::new(ErrorKind::Revision, text).with_hint(hint))
                }
            };
        }
        let begins = |migration: &&Migration| !word.is_empty() && migration.revision.starts_with(word);
        let fitting: Vec<_> = ordered.iter().copied().filter(begins).collect();
        let position = |revision| ordered.iter().position(|migration| migration.revision == revision);
        match (position(word), fitting.as_slice()) {
            (Some(at), _) => Ok(Target::At(at)),
            (None, []) => {
                let text = format!("no revision is or begins with `{word}`");
                Err(Error::new(ErrorKind::Revision, text).with_hint("`db history` lists them"))
            }
            (None, [one]) => Ok(position(one.revision).map_or(Target::Base, Target::At)),
            (None, several) => {
                let names: Vec<_> = several.iter().map(|migration| migration.revision).collect();
                let text = format!("several revisions begin with `{word}`: {}", names.join(", "));
                Err(Error::new(ErrorKind::Revision, text).with_hint("write more of the one that is meant"))
            }
        }
    }

    /// What the first `applied` revisions have made and not dropped again.
    ///
    /// # Errors
    /// When the migrations are not one line.
    pub fn made(&self, applied: usize) -> Result<Ours> {
        let mut ours = Ours::default();
        for migration in self.ordered()?.into_iter().take(applied) {
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
    /// The operations of one direction.
    pub(crate) fn operations(&self, direction: fn(&mut Operations)) -> Result<Vec<Operation>> {
        let mut operations = Operations::default();
        direction(&mut operations);
        match operations.irreversible {
            None => Ok(operations.list),
            Some(why) => {
                let text = format!("the revision {} ({}) cannot be undone: {why}", self.revision, self.message);
                let hint = format!("write its `downgrade` in `{}`", self.file);
                Err(Error::new(ErrorKind::Irreversible, text).with_hint(hint))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn migration(revision: &'static str, down_revision: Option<&'static str>) -> Migration {
        Migration {
            revision,
            down_revision,
            message: "m",
            created: "",
            file: "f.rs",
            upgrade: |_| (),
            downgrade: |_| (),
        }
    }

    #[test]
    fn places_are_found_by_every_name() {
        let migrations = Migrations::new(
            "",
            vec![migration("abd", Some("abc")), migration("abc", None), migration("fff", Some("abd"))],
        );
        let order: Vec<_> = migrations.ordered().unwrap().iter().map(|migration| migration.revision).collect();
        assert_eq!(order, ["abc", "abd", "fff"]);
        for (word, place) in [
            ("base", Target::Base),
            ("head", Target::At(2)),
            ("abc", Target::At(0)),
            ("f", Target::At(2)),
            ("+1", Target::At(1)),
            ("-1", Target::Base),
            ("current", Target::At(0)),
        ] {
            assert_eq!(migrations.resolve(word, 1).unwrap(), place, "{word}");
        }
        for (word, text) in [
            ("ab", "several revisions begin with `ab`: abc, abd"),
            ("x", "no revision is or begins with `x`"),
            ("", "no revision is or begins with ``"),
            ("-2", "there is no revision at -2 from the current one"),
            ("+3", "there is no revision at +3 from the current one"),
        ] {
            assert_eq!(migrations.resolve(word, 1).unwrap_err().to_string(), text);
        }
    }

    #[test]
    fn a_history_that_is_not_a_line_is_refused() {
        let error = |list: Vec<Migration>| Migrations::new("", list).ordered().unwrap_err().to_string();
        assert_eq!(
            error(vec![migration("a", None), migration("b", Some("a")), migration("c", Some("a"))]),
            "two migrations follow a: b (m) and c (m)"
        );
        assert_eq!(
            error(vec![migration("a", None), migration("c", Some("b"))]),
            "the migration `f.rs` follows b, which does not lead to the base"
        );
        assert_eq!(
            error(vec![migration("a", Some("b")), migration("b", Some("a"))]),
            "the migration `f.rs` follows b, which does not lead to the base"
        );
        assert!(Migrations::new("", Vec::new()).ordered().unwrap().is_empty());
    }
}
