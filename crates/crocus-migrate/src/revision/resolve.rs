//! The places in the history that a word names, as in Alembic: `head`, `heads`, `base`, `current`, a revision or its
//! unique beginning, a label, `+N` and `-N` from one of them or from where the database is, and `branch@place`. Pure.

use crate::history::Applied;
use crate::revision::Migration;
use crate::revision::graph::{Graph, Places, and};
use crate::{Error, ErrorKind, Result};

/// `branch@place+2`, taken apart.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Word<'a> {
    whole: &'a str,
    branch: Option<&'a str>,
    /// Empty where only steps are named: they are from where the database is.
    place: &'a str,
    steps: Option<isize>,
}

impl<'a> Word<'a> {
    fn parse(whole: &'a str) -> Word<'a> {
        let (branch, rest) = match whole.split_once('@') {
            Some((branch, rest)) => (Some(branch), rest),
            None => (None, whole),
        };
        let relative = rest.rfind(['+', '-']).and_then(|at| Some((&rest[..at], rest[at..].parse::<isize>().ok()?)));
        match relative {
            Some((place, steps)) => Word { whole, branch, place, steps: Some(steps) },
            None => Word { whole, branch, place: rest, steps: None },
        }
    }
}

impl Graph {
    /// The revisions that are applied, in the order of the history.
    pub fn applied(&self, applied: &Applied) -> Vec<&Migration> {
        self.migrations(&applied.places)
    }

    /// The revisions that are not applied, in the order of the history.
    pub fn pending(&self, applied: &Applied) -> Vec<&Migration> {
        self.migrations(&self.all().difference(&applied.places).copied().collect())
    }

    /// Where a database is: the revisions applied that none applied follows.
    pub fn current(&self, applied: &Applied) -> Vec<&Migration> {
        self.migrations(&self.heads_of(&applied.places))
    }

    /// The revisions that a word names; none is the base.
    ///
    /// # Errors
    /// When there is no such place, or the word fits several.
    pub fn resolve(&self, word: &str, applied: &Applied) -> Result<Vec<&Migration>> {
        Ok(self.migrations(&self.resolve_places(word, applied)?))
    }

    pub(crate) fn resolve_places(&self, word: &str, applied: &Applied) -> Result<Places> {
        self.places(Word::parse(word), &applied.places)
    }

    /// The one revision that a word names.
    ///
    /// # Errors
    /// When there is no such revision, the word fits several, or it names the base.
    pub fn resolve_one(&self, word: &str, applied: &Applied) -> Result<&Migration> {
        let places = self.places(Word::parse(word), &applied.places)?;
        match (places.first(), places.len()) {
            (Some(at), 1) => Ok(&self.ordered()[*at]),
            (None, _) => Err(revision_error(format!("`{word}` is no revision, but what comes before the first one"))
                .with_hint("`db history` lists them")),
            _ => Err(self.several(word, &places)),
        }
    }

    /// The revisions between two places of `a:b`, both included; `a:` is up to the heads, `:b` from the base.
    ///
    /// # Errors
    /// When a place is not there, or ambiguous, or `b` does not come after `a`.
    pub fn history(&self, range: &str, applied: &Applied) -> Result<Vec<&Migration>> {
        let (from, to) = self.range(range, applied)?;
        let mut between = self.between(range, &from, &to)?;
        between.extend(&from);
        Ok(self.migrations(&between))
    }

    /// The revisions that lead from `a` to `b` of `a:b`, `a` not included, in the order of an upgrade. A word without a
    /// colon is from the base.
    ///
    /// # Errors
    /// When a place is not there, or ambiguous, or `b` does not come after `a`.
    pub fn upgrade_range(&self, range: &str, applied: &Applied) -> Result<Vec<&Migration>> {
        let colon = if range.contains(':') { range.to_owned() } else { format!(":{range}") };
        let (from, to) = self.range(&colon, applied)?;
        Ok(self.migrations(&self.between(range, &from, &to)?))
    }

    /// The revisions to undo on the way from `a` back to `b` of `a:b`, `b` not included, in the order of a downgrade.
    ///
    /// # Errors
    /// When a place is not there, or ambiguous, or `a` does not come after `b`.
    pub fn downgrade_range(&self, range: &str, applied: &Applied) -> Result<Vec<&Migration>> {
        let Some((from, to)) = range.split_once(':') else {
            return Err(revision_error(format!("`{range}` does not say where from")).with_hint(format!(
                "write it as `FROM:TO`, such as `head:{range}`: without a database the place to start from is not known"
            )));
        };
        let from = self.places(Word::parse(if from.is_empty() { "heads" } else { from }), &applied.places)?;
        // Steps back that have no place of their own are from where the range begins.
        let at = self.with_ancestors(&from);
        let undone = self.beyond(if to.is_empty() { "base" } else { to }, &at)?;
        Ok(undone.iter().rev().map(|at| &self.ordered()[*at]).collect())
    }

    pub(crate) fn range(&self, range: &str, applied: &Applied) -> Result<(Places, Places)> {
        let Some((from, to)) = range.split_once(':') else {
            return Err(
                revision_error(format!("`{range}` is no range")).with_hint("write it as `FROM:TO`, `FROM:` or `:TO`")
            );
        };
        let place = |word: &str, instead: &str| {
            self.places(Word::parse(if word.is_empty() { instead } else { word }), &applied.places)
        };
        // A step from the other end of the range: `-3:head`, `3f9a:+2`.
        match (Word::parse(from), Word::parse(to)) {
            (Word { place: "", branch: None, steps: Some(steps), .. }, to_word) if !to.is_empty() && steps < 0 => {
                let end = self.places(to_word, &applied.places)?;
                let mut start = end.clone();
                for _ in 0..steps.unsigned_abs() {
                    start = start.iter().flat_map(|at| self.parents(*at)).copied().collect();
                }
                Ok((start, end))
            }
            (_, Word { place: "", branch: None, steps: Some(steps), .. }) if !from.is_empty() && steps > 0 => {
                let start = place(from, "base")?;
                let end = self.walk(Word::parse(to), start.clone(), steps, None)?;
                Ok((start, end))
            }
            _ => Ok((place(from, "base")?, place(to, "heads")?)),
        }
    }

    fn between(&self, range: &str, from: &Places, to: &Places) -> Result<Places> {
        let reached = self.with_ancestors(to);
        if !from.is_subset(&reached) {
            let names: Vec<_> = self.migrations(from).iter().map(|from| from.revision.to_owned()).collect();
            let text =
                format!("the range `{range}` does not lead anywhere: its end does not come after {}", and(&names));
            return Err(revision_error(text).with_hint("`db history` shows what follows what"));
        }
        Ok(reached.difference(&self.with_ancestors(from)).copied().collect())
    }

    /// What is applied once an upgrade to a word is done, besides what is applied now.
    pub(crate) fn goal(&self, text: &str, applied: &Places) -> Result<Places> {
        let word = Word::parse(text);
        if let Word { place: "", steps: Some(steps @ 1..), .. } = word {
            return self.forward(word, applied, steps);
        }
        if matches!(word, Word { place: "head", branch: None, steps: None, .. }) {
            // What to do about two people's migrations is more to the point than which other words there are.
            self.check_forks()?;
        }
        let tips = self.places(word, applied)?;
        if tips.is_subset(applied) && tips.is_disjoint(&self.heads_of(applied)) && !applied.is_empty() {
            let text = format!("`{text}` is behind the database's revision {}", self.names(&self.heads_of(applied)));
            return Err(revision_error(text).with_hint("`db downgrade` goes back"));
        }
        Ok(self.with_ancestors(&tips))
    }

    /// What of the applied revisions a downgrade to a word undoes.
    pub(crate) fn beyond(&self, text: &str, applied: &Places) -> Result<Places> {
        let word = Word::parse(text);
        if let Word { place: "", steps: Some(steps), .. } = word
            && steps < 0
        {
            return self.back(word, applied, steps.unsigned_abs());
        }
        let tips = self.places(word, applied)?;
        let lineage = word.branch.map(|branch| self.branch_named(branch)).transpose()?;
        let first: Places = if tips.is_empty() {
            self.base_places()
        } else if tips.is_subset(applied) {
            tips.iter().flat_map(|at| self.children(*at)).copied().collect()
        } else {
            return Err(
                revision_error(format!("`{text}` is ahead of the database")).with_hint("`db upgrade` goes forward")
            );
        };
        let on_branch = |at: &usize| lineage.as_ref().is_none_or(|lineage| lineage.contains(at));
        let first = first.into_iter().filter(on_branch).collect();
        let kept = self.with_ancestors(&tips);
        Ok(self.with_descendants(&first).intersection(applied).filter(|at| !kept.contains(at)).copied().collect())
    }

    /// What is applied after a stamp with these words, in place of what is applied now. On the branches that they are on,
    /// they are the last ones.
    pub(crate) fn stamped(&self, words: &[&str], applied: &Places) -> Result<Places> {
        let mut named = Vec::new();
        for word in words {
            named.push((self.places(Word::parse(word), applied)?, Word::parse(word).branch));
        }
        let mut stamped = applied.clone();
        for (tips, branch) in &named {
            let mut beyond: Places = if tips.is_empty() { self.base_places() } else { Places::new() };
            if let Some(branch) = branch {
                let lineage = self.branch_named(branch)?;
                beyond.retain(|at| lineage.contains(at));
            }
            beyond.extend(tips.iter().flat_map(|at| self.children(*at)));
            let gone = self.with_descendants(&beyond);
            stamped.retain(|at| !gone.contains(at));
        }
        for (tips, _) in &named {
            stamped.extend(self.with_ancestors(tips));
        }
        Ok(stamped)
    }

    fn places(&self, word: Word<'_>, applied: &Places) -> Result<Places> {
        let lineage = word.branch.map(|branch| self.branch_named(branch)).transpose()?;
        let within = |places: Places| match &lineage {
            Some(lineage) => places.intersection(lineage).copied().collect(),
            None => places,
        };
        let start = match word.place {
            "base" => Places::new(),
            "heads" => within(self.head_places()),
            "current" => self.heads_of(&within(applied.clone())),
            "head" => {
                let heads = within(self.head_places());
                if heads.len() > 1 {
                    return Err(self.several_heads(word, &heads));
                }
                heads
            }
            "" if word.steps.is_some() => {
                let current = self.heads_of(&within(applied.clone()));
                if current.len() > 1 {
                    return Err(self.ambiguous(word, "the database is at", &current));
                }
                current
            }
            name => Places::from([self.named(word, name, lineage.as_ref())?]),
        };
        match word.steps {
            None | Some(0) => Ok(start),
            Some(steps) => self.walk(word, start, steps, lineage.as_ref()),
        }
    }

    /// Goes from one place to the next, so many times.
    fn walk(&self, word: Word<'_>, start: Places, steps: isize, lineage: Option<&Places>) -> Result<Places> {
        let mut at = start;
        for _ in 0..steps.unsigned_abs() {
            let before_all = at.is_empty();
            let mut next: Places = match (steps > 0, before_all) {
                (true, true) => self.base_places(),
                (true, false) => at.iter().flat_map(|at| self.children(*at)).copied().collect(),
                (false, true) => return Err(self.no_such(word)),
                (false, false) => at.iter().flat_map(|at| self.parents(*at)).copied().collect(),
            };
            if let Some(lineage) = lineage {
                next.retain(|at| lineage.contains(at));
            }
            if next.len() > 1 {
                return Err(self.ambiguous(word, "the steps lead to", &next));
            }
            if next.is_empty() && steps > 0 {
                return Err(self.no_such(word));
            }
            at = next;
        }
        Ok(at)
    }

    /// What is applied when so many more revisions are.
    fn forward(&self, word: Word<'_>, applied: &Places, steps: isize) -> Result<Places> {
        let lineage = word.branch.map(|branch| self.branch_named(branch)).transpose()?;
        let mut reached = applied.clone();
        for _ in 0..steps {
            let next: Places = match &lineage {
                None => {
                    let ready = |at: &usize| !reached.contains(at) && self.before(*at).all(|at| reached.contains(&at));
                    self.all().into_iter().filter(ready).collect()
                }
                Some(lineage) => {
                    let parents = |at: usize| self.parents(at).iter().filter(|at| lineage.contains(at));
                    let ready = |at: &&usize| !reached.contains(at) && parents(**at).all(|at| reached.contains(at));
                    lineage.iter().filter(ready).copied().collect()
                }
            };
            match next.len() {
                0 => return Err(self.no_such_from(word, applied)),
                1 => reached.extend(self.with_ancestors(&next)),
                _ => return Err(self.ambiguous(word, "the next one could be", &next)),
            }
        }
        Ok(reached)
    }

    /// What is undone when so many revisions are.
    fn back(&self, word: Word<'_>, applied: &Places, steps: usize) -> Result<Places> {
        let lineage = word.branch.map(|branch| self.branch_named(branch)).transpose()?;
        let mut left = applied.clone();
        for _ in 0..steps {
            let ends = match &lineage {
                None => self.ends_of(&left),
                Some(lineage) => self.heads_of(&left.intersection(lineage).copied().collect()),
            };
            match ends.len() {
                0 => return Err(self.no_such_from(word, applied)),
                1 => {
                    let gone = self.with_descendants(&ends);
                    left.retain(|at| !gone.contains(at));
                }
                _ if left == *applied => return Err(self.ambiguous(word, "the database is at", &ends)),
                _ => return Err(self.ambiguous(word, "on the way it would be at", &ends)),
            }
        }
        Ok(applied.difference(&left).copied().collect())
    }

    /// The position of a revision that is named by itself, its beginning or a label.
    fn named(&self, word: Word<'_>, name: &str, lineage: Option<&Places>) -> Result<usize> {
        let whole = word.whole;
        let exact = self.position(name).or_else(|| self.labelled(name));
        let found: Places = match exact {
            Some(at) => Places::from([at]),
            None if name.is_empty() => Places::new(),
            None => {
                let begins = |at: &usize| self.ordered()[*at].revision.starts_with(name);
                let found: Places = self.all().into_iter().filter(begins).collect();
                if found.is_empty() { self.replaced(name)? } else { found }
            }
        };
        let on_branch: Places = match lineage {
            Some(lineage) => found.intersection(lineage).copied().collect(),
            None => found.clone(),
        };
        match (on_branch.first(), on_branch.len(), found.is_empty()) {
            (Some(at), 1, _) => Ok(*at),
            (Some(_), ..) => Err(self.several(name, &on_branch)),
            (None, _, false) => {
                let branch = word.branch.unwrap_or_default();
                Err(revision_error(format!("the revision {} is not on the branch `{branch}`", self.names(&found)))
                    .with_hint("`db branches` and `db history` show what is where"))
            }
            (None, _, true) => Err(revision_error(format!("no revision is or begins with `{name}`")).with_hint(
                match word.whole == name {
                    true => "`db history` lists them".to_owned(),
                    false => format!("it is part of `{whole}`; `db history` lists them"),
                },
            )),
        }
    }

    /// What stands for a revision that is not here, and that is named by itself or its beginning. Where the squashed ones
    /// end the one that stands for them ends, too.
    fn replaced(&self, name: &str) -> Result<Places> {
        let exact = self.stands().get_key_value(name);
        let mut begins = self.stands().iter().filter(|(revision, _)| exact.is_none() && revision.starts_with(name));
        match (exact.or_else(|| begins.next()), begins.next()) {
            (None, _) => Ok(Places::new()),
            (Some((_, stand)), None) if stand.is_end => Ok(Places::from([stand.at])),
            (Some((revision, stand)), None) => {
                let by = self.described_at(stand.at);
                Err(revision_error(format!(
                    "the revision {revision} is one of those that {by} replaces: they are one step"
                ))
                .with_hint(format!("name {}, or what it follows", self.ordered()[stand.at].revision)))
            }
            (Some((one, _)), Some((other, _))) => {
                Err(revision_error(format!("several revisions begin with `{name}`: {one}, {other}"))
                    .with_hint("write more of the one that is meant"))
            }
        }
    }

    /// What is on a branch: named by a label, or by a revision on it.
    fn branch_named(&self, branch: &str) -> Result<Places> {
        let word = Word { whole: branch, branch: None, place: branch, steps: None };
        let at = self.named(word, branch, None).map_err(|error| {
            if self.all().iter().any(|at| self.ordered()[*at].revision.starts_with(branch)) && !branch.is_empty() {
                return error;
            }
            let labels: Vec<_> = self.label_names();
            let hint = match labels.as_slice() {
                [] => "no revision has a label: name a revision of the branch instead".to_owned(),
                known => format!("the labels are {}; a revision of the branch does as well", and(known)),
            };
            revision_error(format!("no branch is labelled `{branch}`")).with_hint(hint)
        })?;
        Ok(self.lineage(at))
    }

    fn several(&self, word: &str, places: &Places) -> Error {
        let names: Vec<_> = self.migrations(places).iter().map(|migration| migration.revision).collect();
        if word == "heads" || word == "current" {
            return revision_error(format!("`{word}` is several revisions: {}", names.join(", ")))
                .with_hint("name one of them");
        }
        revision_error(format!("several revisions begin with `{word}`: {}", names.join(", ")))
            .with_hint("write more of the one that is meant")
    }

    fn several_heads(&self, word: Word<'_>, heads: &Places) -> Error {
        let names: Vec<_> = self.migrations(heads).iter().map(|head| self.described(head)).collect();
        let text = format!("`{}` is ambiguous: there are several heads, {}", word.whole, and(&names));
        let example = self.example(heads, "head");
        revision_error(text)
            .with_hint(format!("`heads` is all of them, {example} one; `db merge -m \"merge\"` joins them"))
    }

    fn ambiguous(&self, word: Word<'_>, what: &str, places: &Places) -> Error {
        let names: Vec<_> = self.migrations(places).iter().map(|migration| self.described(migration)).collect();
        let steps = word.steps.map(|steps| format!("{steps:+}")).unwrap_or_default();
        revision_error(format!("`{}` is ambiguous: {what} {}", word.whole, and(&names)))
            .with_hint(format!("say which branch, as in {}, or name a revision", self.example(places, &steps)))
    }

    /// `` `payments@head` ``, for the branch of one of these.
    fn example(&self, places: &Places, place: &str) -> String {
        let migrations = self.migrations(places);
        // Not a label that all of them share.
        let labels: Vec<_> = migrations.iter().map(|migration| self.labels_of(migration.revision)).collect();
        let own = labels.iter().enumerate().find_map(|(index, of)| {
            let shared = |label: &str| labels.iter().enumerate().any(|(at, of)| at != index && of.contains(&label));
            of.iter().find(|label| !shared(label)).copied()
        });
        let branch = own.or_else(|| migrations.first().map(|first| first.revision)).unwrap_or_default();
        format!("`{branch}@{place}`")
    }

    pub(crate) fn described_at(&self, at: usize) -> String {
        self.described(&self.ordered()[at])
    }

    /// `3f9a1c27b6d0 (create cars)`, with the labels of its branch.
    fn described(&self, migration: &Migration) -> String {
        match self.labels_of(migration.revision).as_slice() {
            [] => format!("{} ({})", migration.revision, migration.title()),
            labels => format!("{} ({}, on {})", migration.revision, migration.title(), labels.join(" and ")),
        }
    }

    fn names(&self, places: &Places) -> String {
        and(&self.migrations(places).iter().map(|migration| migration.revision.to_owned()).collect::<Vec<_>>())
    }

    fn no_such(&self, word: Word<'_>) -> Error {
        revision_error(format!("there is no revision at {}", word.whole)).with_hint("`db history` lists them")
    }

    fn no_such_from(&self, word: Word<'_>, applied: &Places) -> Error {
        revision_error(format!("there is no revision at {} from the current one", word.whole)).with_hint(format!(
            "{} of {} revisions are applied; see `db history`",
            applied.len(),
            self.ordered().len()
        ))
    }
}

fn revision_error(text: String) -> Error {
    Error::new(ErrorKind::Revision, text)
}
