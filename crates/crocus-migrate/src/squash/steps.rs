//! What steps come to: fewer that lead to the same schema, with the same rows in the tables that stay.
//!
//! A table that is made between two steps of SQL is empty until the second one, so only what it is in the end counts; one
//! that is dropped is not read. What is done to any other table stays, in its order. Tables that go go first and new ones
//! come last: then nothing that is kept finds another schema of its own tables than it did.

use std::collections::BTreeMap;

use crate::compare::{Ours, compare};
use crate::lint::Allowance;
use crate::operation::{Constraint, Operation};
use crate::schema::{Schema, TableName};

/// An operation, and what its file acknowledges of it.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) operation: Operation,
    pub(super) allowed: Vec<Allowance>,
}

/// What steps come to, from a schema on; that is then the one that they lead to.
pub(super) fn shorten(schema: &mut Schema, steps: impl Iterator<Item = Step>) -> Vec<Step> {
    let mut done = Vec::new();
    let mut waiting = Vec::new();
    for step in steps {
        if matches!(step.operation, Operation::Execute { .. }) {
            done.extend(between(schema, std::mem::take(&mut waiting)));
            done.push(step);
        } else {
            waiting.push(step);
        }
    }
    done.extend(between(schema, waiting));
    done
}

/// What steps come to that have no SQL among them. Where that cannot be known for certain they stay as they are.
fn between(schema: &mut Schema, steps: Vec<Step>) -> Vec<Step> {
    let start = schema.clone();
    steps.iter().for_each(|step| drop(schema.apply(&step.operation)));
    let Some(short) = short(&start, schema, &steps).filter(|short| short.len() <= steps.len()) else { return steps };
    let mut reached = start;
    short.iter().for_each(|step| drop(reached.apply(&step.operation)));
    if sorted(reached) == sorted(schema.clone()) { short } else { steps }
}

fn short(start: &Schema, end: &Schema, steps: &[Step]) -> Option<Vec<Step>> {
    let lives = Lives::of(start, steps)?;
    // What a value is renamed in may be in a table that is gone by then, or comes later.
    let has_lists =
        |step: &Step| matches!(&step.operation, Operation::RenameEnumValue { lists, .. } if !lists.is_empty());
    if steps.iter().any(has_lists) && lives.all.iter().any(|life| life.fate() != Fate::Stays) {
        return None;
    }
    let (mut kept, mut left_out): (Vec<&Step>, Vec<&Step>) = (Vec::new(), Vec::new());
    for (step, about) in steps.iter().zip(&lives.about) {
        let stays = about.iter().all(|life| lives.all[*life].fate() == Fate::Stays);
        if stays { kept.push(step) } else { left_out.push(step) }
    }
    let enums: Vec<&str> = steps.iter().filter_map(|step| enum_of(&step.operation)).collect();
    let enums: Vec<_> = enums.into_iter().filter(|name| is_free(name, start, end, steps, &kept, &lives)).collect();
    let (free, kept): (Vec<_>, Vec<_>) =
        kept.into_iter().partition(|step| enum_of(&step.operation).is_some_and(|name| enums.contains(&name)));
    left_out.extend(free);

    let gone: Vec<_> =
        lives.all.iter().filter(|life| life.fate() == Fate::Gone).filter_map(|life| life.was.clone()).collect();
    let mut rest = start.clone();
    rest.tables.retain(|table| !gone.contains(&table.name));
    rest.tables.iter_mut().for_each(|table| table.foreign_keys.retain(|key| !gone.contains(&key.target)));
    rest.enums.retain(|known| !enums.contains(&known.name.as_str()));
    let ours = Ours {
        tables: gone.into_iter().collect(),
        enums: enums.iter().map(|&name| name.to_owned()).collect(),
        ..Ours::default()
    };
    // Indexes go with their tables.
    let drops = compare(&rest, &rest, start, &ours)
        .operations
        .into_iter()
        .filter(|operation| !matches!(operation, Operation::DropIndex { table, .. } if ours.tables.contains(table)));
    let drops: Vec<_> = drops.collect();
    kept.iter().for_each(|step| drop(rest.apply(&step.operation)));
    let creates = compare(end, end, &rest, &Ours::default()).operations;

    let as_before = |operation: Operation| {
        let said = operation.to_string();
        let same = left_out.iter().filter(|step| step.operation.to_string() == said);
        Step { allowed: same.flat_map(|step| step.allowed.clone()).collect(), operation }
    };
    let kept = kept.into_iter().cloned();
    Some(drops.into_iter().map(as_before).chain(kept).chain(creates.into_iter().map(as_before)).collect())
}

/// What becomes of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stays,
    /// It is made.
    New,
    /// It is dropped.
    Gone,
    /// It is made and dropped.
    Passing,
}

/// A table from the first step to the last, whatever it is called.
#[derive(Debug, Default)]
struct Life {
    /// Its name at the start; none where it is made.
    was: Option<TableName>,
    is_dropped: bool,
}

impl Life {
    fn fate(&self) -> Fate {
        match (&self.was, self.is_dropped) {
            (Some(_), false) => Fate::Stays,
            (None, false) => Fate::New,
            (Some(_), true) => Fate::Gone,
            (None, true) => Fate::Passing,
        }
    }
}

/// The tables that steps are about.
#[derive(Debug, Default)]
struct Lives {
    all: Vec<Life>,
    /// For each step the table that it changes, and the one that a foreign key of it refers to.
    about: Vec<Vec<usize>>,
}

impl Lives {
    /// `None` where a step changes what is not known of a table that is made or dropped.
    fn of(start: &Schema, steps: &[Step]) -> Option<Lives> {
        let mut lives = Lives::default();
        let mut names: BTreeMap<TableName, usize> = BTreeMap::new();
        let mut schema = start.clone();
        let mut unknown = Vec::new();
        for Step { operation, .. } in steps {
            if let Operation::CreateTable(table) = operation {
                let is_there = names.contains_key(&table.name) || schema.table(&table.name).is_some();
                if is_there {
                    return None;
                }
                names.insert(table.name.clone(), lives.begin(None));
            }
            let referred = referred(&schema, operation);
            let about: Vec<_> = operation.table().into_iter().chain(&referred).cloned().collect();
            let about = about.into_iter().map(|name| match names.get(&name) {
                Some(life) => *life,
                None => {
                    let life = lives.begin(Some(name.clone()));
                    names.insert(name, life);
                    life
                }
            });
            let about: Vec<_> = about.collect();
            let differs = is_seen_otherwise(&schema, operation);
            if schema.apply(operation).is_err() || differs {
                unknown.extend(about.first().copied());
            }
            match operation {
                Operation::DropTable { name, .. } => {
                    if let Some(life) = names.remove(name) {
                        lives.all[life].is_dropped = true;
                    }
                }
                Operation::RenameTable { name, new_name } => {
                    if let Some(life) = names.remove(name) {
                        names.insert(name.beside(new_name), life);
                    }
                }
                _ => {}
            }
            lives.about.push(about);
        }
        unknown.iter().all(|life| lives.all[*life].fate() == Fate::Stays).then_some(lives)
    }

    fn begin(&mut self, was: Option<TableName>) -> usize {
        self.all.push(Life { was, is_dropped: false });
        self.all.len() - 1
    }
}

/// Whether the databases have another schema after it: an index goes with a column that it includes on PostgreSQL, and
/// stays on SQLite, whose indexes include none.
fn is_seen_otherwise(schema: &Schema, operation: &Operation) -> bool {
    let Operation::DropColumn { table, name, .. } = operation else { return false };
    schema.table(table).is_some_and(|table| table.indexes.iter().any(|index| index.include.contains(name)))
}

/// The table that a foreign key refers to that a step makes, drops or renames.
fn referred(schema: &Schema, operation: &Operation) -> Option<TableName> {
    match operation {
        Operation::CreateForeignKey { foreign_key, .. } => Some(foreign_key.target.clone()),
        Operation::DropConstraint { table, name, .. } | Operation::RenameConstraint { table, name, .. } => {
            match schema.table(table)?.constraint(name)? {
                Constraint::ForeignKey(key) => Some(key.target),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The enum type that a step is about.
fn enum_of(operation: &Operation) -> Option<&str> {
    match operation {
        Operation::CreateEnum(values) | Operation::AlterEnum { values, .. } => Some(&values.name),
        Operation::RenameEnumValue { name, .. } | Operation::DropEnum { name, .. } => Some(name),
        _ => None,
    }
}

/// Whether an enum type is made or dropped, and no table that stays has to do with it meanwhile.
fn is_free(name: &str, start: &Schema, end: &Schema, steps: &[Step], kept: &[&Step], lives: &Lives) -> bool {
    let first = steps.iter().find(|step| enum_of(&step.operation) == Some(name));
    let is_made = first.is_some_and(|step| matches!(step.operation, Operation::CreateEnum(_)));
    let is_there = start.enumeration(name).is_some();
    if is_made == is_there || (is_there && end.enumeration(name).is_some()) {
        return false;
    }
    let uses = |step: &&Step| match &step.operation {
        Operation::AddColumn { column, .. } | Operation::AlterColumn { column, .. } => {
            column.ty.as_enum().is_some_and(|found| found.name == name)
        }
        _ => false,
    };
    let goes = |table: &TableName| lives.all.iter().any(|life| life.was.as_ref() == Some(table) && life.is_dropped);
    !kept.iter().any(uses) && !start.tables.iter().any(|table| !goes(&table.name) && table.has_enum(name))
}

/// Without what has no meaning: the order of all but the columns.
fn sorted(mut schema: Schema) -> Schema {
    schema.tables.sort_by(|one, other| one.name.cmp(&other.name));
    schema.enums.sort_by(|one, other| one.name.cmp(&other.name));
    for table in &mut schema.tables {
        table.uniques.sort_by(|one, other| one.name.cmp(&other.name));
        table.checks.sort_by(|one, other| one.name.cmp(&other.name));
        table.foreign_keys.sort_by(|one, other| one.name.cmp(&other.name));
        table.indexes.sort_by(|one, other| one.name.cmp(&other.name));
    }
    schema
}
