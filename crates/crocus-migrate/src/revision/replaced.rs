//! Revisions that stand for others: what a squashed one replaces, and whether a database goes by the one or by the others.
//! Pure.
//!
//! A database that has none of the replaced revisions, or all of them, sees the squashed one alone. One that has some of
//! them sees the others, until it has all. So there is a graph for each set of squashed revisions that a database is in the
//! middle of; mostly there is one.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use crate::history::Record;
use crate::revision::graph::{Graph, and};
use crate::revision::{Migration, Migrations};
use crate::{Error, ErrorKind, Result};

/// The squashed revisions that a database is in the middle of.
pub(crate) type Split = BTreeSet<&'static str>;

/// What stands for a revision that is not in a graph.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stand {
    /// Its place.
    pub(crate) at: usize,
    /// Whether it leads to where the revision leads; otherwise it goes further.
    pub(crate) is_end: bool,
}

/// The graphs of a program's migrations, each made when it is first asked for: it may tell of a mistake.
#[derive(Debug, Clone, Default)]
pub(crate) struct Graphs {
    first: OnceLock<Box<Link>>,
}

#[derive(Debug, Clone)]
struct Link {
    split: Split,
    graph: Graph,
    next: Graphs,
}

impl Graphs {
    pub(crate) fn get(&self, list: &[Migration], split: &Split) -> Result<&Graph> {
        let mut graphs = self;
        loop {
            let link = match graphs.first.get() {
                Some(link) => link,
                None => {
                    let graph = Graph::new(list, split)?;
                    graphs.first.get_or_init(|| Box::new(Link { split: split.clone(), graph, next: Graphs::default() }))
                }
            };
            if link.split == *split {
                return Ok(&link.graph);
            }
            graphs = &link.next;
        }
    }
}

impl Migrations {
    /// The squashed revisions that a database with these rows is in the middle of.
    ///
    /// # Errors
    /// When the files of the others are gone: there is no way on.
    pub(crate) fn split(&self, records: &[Record]) -> Result<Split> {
        let mut split = Split::new();
        for squashed in self.list.iter().filter(|migration| !migration.replaces.is_empty()) {
            if has(records, squashed.revision) {
                continue;
            }
            let (there, lacking): (Vec<_>, Vec<_>) =
                squashed.replaces.iter().copied().partition(|revision| has(records, revision));
            if there.is_empty() || is_covered(squashed, records) {
                continue;
            }
            let is_gone = |name: &&&str| !self.list.iter().any(|migration| migration.revision == **name);
            let gone: Vec<_> =
                squashed.replaces.iter().filter(|name| is_gone(name)).map(|&name| name.to_owned()).collect();
            if !gone.is_empty() {
                return Err(stuck(squashed, &there, &lacking, &gone));
            }
            split.insert(squashed.revision);
        }
        Ok(split)
    }

    /// The squashed revisions that a database has, since it has all that they replace, and that are not recorded.
    pub(crate) fn covered(&self, records: &[Record]) -> Vec<&Migration> {
        let is_new = |migration: &&Migration| !has(records, migration.revision) && is_covered(migration, records);
        self.list.iter().filter(is_new).collect()
    }
}

/// The records of a database where a squashed revision stands for those that it replaces.
pub(crate) fn taken_together(graph: &Graph, records: Vec<Record>) -> Vec<Record> {
    let mut together: Vec<Record> = Vec::with_capacity(records.len());
    let squashed = graph.ordered().iter().filter(|migration| is_covered(migration, &records));
    for migration in squashed.filter(|migration| !has(&records, migration.revision)) {
        let replaced = records.iter().filter(|record| migration.replaces.contains(&record.revision.as_str()));
        together.extend(replaced.max_by_key(|record| &record.applied_at).map(|last| Record {
            revision: migration.revision.to_owned(),
            message: migration.message.to_owned(),
            duration_ms: None,
            checksum: None,
            ..last.clone()
        }));
    }
    together.extend(records.into_iter().filter(|record| !graph.stands().contains_key(record.revision.as_str())));
    together
}

fn has(records: &[Record], revision: &str) -> bool {
    records.iter().any(|record| record.revision == revision)
}

/// Whether all that it replaces is applied, and nothing of it half-way.
fn is_covered(squashed: &Migration, records: &[Record]) -> bool {
    let is_done = |revision: &&str| records.iter().any(|it| it.revision == **revision && it.progress.is_none());
    !squashed.replaces.is_empty() && squashed.replaces.iter().all(is_done)
}

/// The revisions that are not in a graph, each with what stands for it, and whether that ends where it ends.
pub(crate) fn hidden(list: &[Migration], split: &Split) -> BTreeMap<&'static str, (&'static str, bool)> {
    let mut hidden = BTreeMap::new();
    for squashed in list.iter().filter(|migration| !migration.replaces.is_empty()) {
        let Some(last) = squashed.replaces.last().copied() else { continue };
        if split.contains(squashed.revision) {
            hidden.insert(squashed.revision, (last, true));
            continue;
        }
        for revision in squashed.replaces {
            hidden.insert(revision, (squashed.revision, *revision == last));
        }
    }
    hidden
}

/// Checks what squashed revisions replace: each revision once, and a line of the history where the files are there.
pub(crate) fn check(list: &[Migration]) -> Result<()> {
    let mut by: BTreeMap<&str, &Migration> = BTreeMap::new();
    for squashed in list {
        for (at, revision) in squashed.replaces.iter().enumerate() {
            let fault = |what: &str, hint: &str| {
                let text = format!("the migration `{}` replaces {revision}, {what}", squashed.file);
                Err(Error::new(ErrorKind::History, text).with_hint(hint))
            };
            if let Some(other) = by.insert(revision, squashed) {
                return fault(&format!("and so does `{}`", other.file), "delete one of the two files");
            }
            let Some(replaced) = list.iter().find(|migration| migration.revision == *revision) else { continue };
            if !replaced.replaces.is_empty() {
                return fault("which replaces others itself", "delete one of the two files");
            }
            let before = at.checked_sub(1).and_then(|before| squashed.replaces.get(before)).map(std::slice::from_ref);
            if replaced.down_revisions != before.unwrap_or(squashed.down_revisions) {
                let wanted = before.unwrap_or(squashed.down_revisions).iter().map(|&name| name.to_owned());
                let what = format!("which does not follow {}", and(&wanted.collect::<Vec<_>>()));
                return fault(&what, "put its line `Replaces:` back as `db squash` wrote it");
            }
        }
    }
    Ok(())
}

fn stuck(squashed: &Migration, there: &[&str], lacking: &[&str], gone: &[String]) -> Error {
    let names = |names: &[&str]| and(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
    let text = format!(
        "the database has {} of what {} ({}) replaces, but not {}",
        names(there),
        squashed.revision,
        squashed.title(),
        names(lacking)
    );
    let hint = format!(
        "put {} of {} back into the migrations folder and build the program again: `db upgrade` then goes on, and after it \
         {} may be deleted",
        if gone.len() == 1 { "the file" } else { "the files" },
        and(gone),
        if gone.len() == 1 { "it" } else { "they" }
    );
    Error::new(ErrorKind::History, text).with_hint(hint)
}
