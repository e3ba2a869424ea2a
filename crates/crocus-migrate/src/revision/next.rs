//! The next revision: where it comes into the history, and what may be said of it. Pure.

use std::collections::BTreeSet;

use crate::head::Head;
use crate::history::Applied;
use crate::revision::graph::{Graph, Places, RESERVED, and};
use crate::{Error, ErrorKind, Result};

/// What is asked of a new revision.
#[derive(Debug, Clone, Default)]
pub struct Placement<'a> {
    /// What it follows: `head` when there is none.
    pub head: Vec<&'a str>,
    /// Whether it may follow a revision that others follow already.
    pub splice: bool,
    /// The labels that it gives its branch.
    pub branch_labels: Vec<&'a str>,
    /// What it depends on: revisions of other branches, or their labels.
    pub depends_on: Vec<&'a str>,
    /// Its own name; one is made when there is none.
    pub rev_id: Option<&'a str>,
}

impl Graph {
    /// The head of the file of a new revision.
    ///
    /// # Errors
    /// When it would not fit: it follows what is no head and does not say that it may, its name or a label is taken, or it
    /// would be one more head that nothing tells from the others.
    pub fn next(&self, message: &str, placement: &Placement<'_>, applied: &Applied) -> Result<Head> {
        let words = if placement.head.is_empty() { &["head"][..] } else { &placement.head };
        if words == ["head"] {
            self.check_forks()?;
        }
        let mut follows = Places::new();
        for word in words {
            follows.extend(self.resolve_places(word, applied)?);
        }
        let heads = self.head_places();
        if let Some(inner) = follows.iter().find(|at| !heads.contains(at) && !placement.splice) {
            let text = format!("{} is no head: others follow it", self.described_at(*inner));
            return Err(revision_error(text).with_hint("`--splice` makes a new branch from it"));
        }
        if let Some((before, after)) = self.one_before_another(&follows) {
            let text = format!("{} comes after {} already", self.described_at(after), self.described_at(before));
            return Err(revision_error(text).with_hint("leave the earlier one out"));
        }
        self.check_names(placement)?;
        let is_new_head = follows.is_disjoint(&heads) && !heads.is_empty();
        if is_new_head && placement.branch_labels.is_empty() && !self.unlabelled_heads().is_empty() {
            let others: Vec<_> = self.unlabelled_heads().iter().map(|at| self.described_at(*at)).collect();
            let text =
                format!("the new migration would be a head beside {}, and nothing would tell them apart", and(&others));
            return Err(revision_error(text).with_hint("give its branch a label: `--branch-label NAME`"));
        }
        let depends_on = placement.depends_on.iter().map(|word| match self.labelled(word) {
            // A label stays one: its branch may be merged or renumbered.
            Some(_) => Ok((*word).to_owned()),
            None => Ok(self.resolve_one(word, applied)?.revision.to_owned()),
        });
        let depends_on = depends_on.collect::<Result<Vec<_>>>()?;
        let follows: Vec<_> = self.migrations(&follows).iter().map(|migration| migration.revision).collect();
        let mut head = Head::new(message, &follows);
        head.labels = placement.branch_labels.iter().map(|&label| label.to_owned()).collect();
        head.depends_on = depends_on;
        if let Some(revision) = placement.rev_id {
            revision.clone_into(&mut head.revision);
        }
        Ok(head)
    }

    /// Two of these of which one comes before the other.
    fn one_before_another(&self, places: &Places) -> Option<(usize, usize)> {
        places.iter().find_map(|after| {
            let before = self.with_ancestors(&Places::from([*after]));
            let before = places.iter().find(|other| *other != after && before.contains(other))?;
            Some((*before, *after))
        })
    }

    pub(crate) fn check_names(&self, placement: &Placement<'_>) -> Result<()> {
        let mut seen = BTreeSet::new();
        let labels = placement.branch_labels.iter().map(|label| ("label", *label));
        for (what, name) in labels.chain(placement.rev_id.map(|name| ("revision", name))) {
            let fault = if !Head::is_name(name) {
                "it is made of lower-case letters, digits and `_`"
            } else if RESERVED.contains(&name) {
                "the word names a place in the history"
            } else if self.position(name).is_some() || self.stands().contains_key(name) {
                "a revision has this name"
            } else if self.labelled(name).is_some() || !seen.insert(name) {
                "a branch has this label"
            } else {
                continue;
            };
            let text = format!("`{name}` cannot be the {what}: {fault}");
            return Err(revision_error(text).with_hint("choose another name"));
        }
        Ok(())
    }
}

fn revision_error(text: String) -> Error {
    Error::new(ErrorKind::Revision, text)
}
