//! The history as a graph: which revision follows which, checked once. Pure.
//!
//! Assumption: a program has hundreds of revisions, not millions. Sets of them are sets of positions in one order in which
//! each stands after those that it follows and depends on, so going through a set is going through the history.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::head::BASE;
use crate::revision::Migration;
use crate::revision::replaced::{Split, Stand, check, hidden};
use crate::{Error, ErrorKind, Result};

/// Words that name a place, and so no revision and no label.
pub(crate) const RESERVED: [&str; 4] = ["base", "head", "heads", "current"];

/// Positions in [`Graph::ordered`].
pub(crate) type Places = BTreeSet<usize>;

/// The revisions of a program, and how they follow each other.
#[derive(Debug, Clone)]
pub struct Graph {
    ordered: Vec<Migration>,
    positions: HashMap<&'static str, usize>,
    /// What each follows, and what it depends on besides.
    parents: Vec<Places>,
    dependencies: Vec<Places>,
    /// What follows each, and what depends on it besides.
    children: Vec<Places>,
    dependents: Vec<Places>,
    /// The revisions that bear a label.
    labels: BTreeMap<&'static str, usize>,
    /// What stands for a revision that is not among these.
    stands: BTreeMap<&'static str, Stand>,
}

impl Graph {
    /// Checks the revisions against each other, and orders them.
    ///
    /// # Errors
    /// When a revision or a label is there twice, a revision follows or depends on one that is missing, or on itself.
    pub(crate) fn new(all: &[Migration], split: &Split) -> Result<Graph> {
        positions(all)?;
        check(all)?;
        let hidden = hidden(all, split);
        let list: Vec<_> = all.iter().filter(|it| !hidden.contains_key(it.revision)).copied().collect();
        let list = list.as_slice();
        let positions = positions(list)?;
        let stand = |name: &str| hidden.get(name).and_then(|(by, is_end)| Some((*positions.get(by)?, *is_end)));
        let labels = labels(list, &positions)?;
        let mut before = Vec::with_capacity(list.len());
        for migration in list {
            let parents = migration.down_revisions.iter().map(|revision| {
                match (positions.get(revision).copied(), stand(revision)) {
                    (Some(at), _) | (None, Some((at, true))) => Ok(at),
                    (None, Some((at, false))) => Err(inside(migration, revision, &list[at])),
                    (None, None) => Err(missing(all, migration, "follows", revision)),
                }
            });
            let dependencies = migration.depends_on.iter().map(|name| {
                let found = positions.get(name).or_else(|| labels.get(name)).copied();
                let found = found.or_else(|| stand(name).map(|(at, _)| at));
                found.ok_or_else(|| missing(all, migration, "depends on", name))
            });
            before.push((parents.collect::<Result<Places>>()?, dependencies.collect::<Result<Places>>()?));
        }
        let order = order(list, &before)?;
        let mut place = vec![0; list.len()];
        for (to, from) in order.iter().enumerate() {
            place[*from] = to;
        }
        let stands = hidden.keys().filter_map(|name| {
            let (at, is_end) = stand(name)?;
            Some((*name, Stand { at: place[at], is_end }))
        });
        let stands = stands.collect();
        let moved = |places: &Places| places.iter().map(|from| place[*from]).collect::<Places>();
        let mut graph = Graph {
            ordered: order.iter().map(|from| list[*from]).collect(),
            positions: positions.into_iter().map(|(revision, from)| (revision, place[from])).collect(),
            parents: order.iter().map(|from| moved(&before[*from].0)).collect(),
            dependencies: order.iter().map(|from| moved(&before[*from].1)).collect(),
            children: vec![Places::new(); list.len()],
            dependents: vec![Places::new(); list.len()],
            labels: labels.into_iter().map(|(label, from)| (label, place[from])).collect(),
            stands,
        };
        for at in 0..graph.ordered.len() {
            for parent in graph.parents[at].clone() {
                graph.children[parent].insert(at);
            }
            for dependency in graph.dependencies[at].clone() {
                graph.dependents[dependency].insert(at);
            }
        }
        Ok(graph)
    }

    /// Every revision, each after those that it follows and depends on; else in the order in which they were made.
    pub fn ordered(&self) -> &[Migration] {
        &self.ordered
    }

    /// The revision with exactly this name.
    pub fn get(&self, revision: &str) -> Option<&Migration> {
        self.position(revision).map(|at| &self.ordered[at])
    }

    /// The revisions that none follows.
    pub fn heads(&self) -> Vec<&Migration> {
        self.migrations(&self.head_places())
    }

    /// The revisions that follow none.
    pub fn bases(&self) -> Vec<&Migration> {
        self.migrations(&self.base_places())
    }

    /// The revisions that several follow, each with those.
    pub fn branch_points(&self) -> Vec<(&Migration, Vec<&Migration>)> {
        let branching = (0..self.ordered.len()).filter(|at| self.children[*at].len() > 1);
        branching.map(|at| (&self.ordered[at], self.migrations(&self.children[at]))).collect()
    }

    /// The labels of the branches that a revision is on: a label is for the revision that bears it, those after it, and
    /// those before it as far as the branch goes.
    pub fn labels_of(&self, revision: &str) -> Vec<&'static str> {
        let Some(at) = self.position(revision) else { return Vec::new() };
        self.labels.iter().filter(|(_, bearer)| self.branch(**bearer).contains(&at)).map(|(label, _)| *label).collect()
    }

    /// Heads that nobody meant to be several: two or more that have no label of their own. Mostly two people's migrations
    /// that follow the same one.
    pub fn forked(&self) -> Vec<&Migration> {
        let unlabelled = self.unlabelled_heads();
        if unlabelled.len() > 1 { self.migrations(&unlabelled) } else { Vec::new() }
    }

    /// The heads that have no label of their own.
    pub(crate) fn unlabelled_heads(&self) -> Places {
        let heads = self.head_places();
        let labels: Vec<_> = heads.iter().map(|at| self.labels_of(self.ordered[*at].revision)).collect();
        let own = |index: usize| {
            let others = |label| labels.iter().enumerate().any(|(other, of)| other != index && of.contains(label));
            labels[index].iter().any(|label| !others(label))
        };
        heads.iter().enumerate().filter(|(index, _)| !own(*index)).map(|(_, at)| *at).collect()
    }

    /// Fails where heads are several that nobody meant so.
    ///
    /// # Errors
    /// When there are [`forked`](Graph::forked) heads: it names them, their files and what to do.
    pub fn check_forks(&self) -> Result<()> {
        let forked = self.forked();
        if forked.is_empty() {
            return Ok(());
        }
        let parents: BTreeSet<_> = forked.iter().map(|head| self.follows(head)).collect();
        let same = match (parents.len(), parents.first()) {
            (1, Some(parent)) => format!("{} migrations follow {parent}", number(forked.len())),
            _ => format!("the migrations have {} heads", number(forked.len())),
        };
        let names: Vec<_> =
            forked.iter().map(|head| format!("{} ({}, `{}`)", head.revision, head.title(), head.file)).collect();
        let last = forked.last().map_or("", |head| head.file);
        let text = format!("{same}: {}", and(&names));
        let hint = format!(
            "`db merge -m \"merge\"` writes a migration that follows {}; or let one follow the other: change `follows` in \
             the third line of `{last}`",
            if forked.len() == 2 { "both" } else { "all of them" }
        );
        Err(Error::new(ErrorKind::History, text).with_hint(hint))
    }

    pub(crate) fn position(&self, revision: &str) -> Option<usize> {
        self.positions.get(revision).copied()
    }

    /// What this revision follows. Where a squashed one stands for what its file names, it is that one.
    pub fn followed(&self, migration: &Migration) -> Vec<&'static str> {
        let here = |revision: &&'static str| match self.stands.get(revision) {
            Some(stand) => self.ordered[stand.at].revision,
            None => *revision,
        };
        migration.down_revisions.iter().map(here).collect()
    }

    /// The same, for a person: `<base>`, `3f9a1c27b6d0`, `3f9a1c27b6d0 and 91d0e4aa02c7`.
    pub fn follows(&self, migration: &Migration) -> String {
        let followed = self.followed(migration);
        if followed.is_empty() { BASE.to_owned() } else { followed.join(" and ") }
    }

    /// What stands for revisions that are not here, by their names.
    pub(crate) fn stands(&self) -> &BTreeMap<&'static str, Stand> {
        &self.stands
    }

    pub(crate) fn labelled(&self, label: &str) -> Option<usize> {
        self.labels.get(label).copied()
    }

    pub(crate) fn label_names(&self) -> Vec<String> {
        self.labels.keys().map(|label| (*label).to_owned()).collect()
    }

    pub(crate) fn migrations(&self, places: &Places) -> Vec<&Migration> {
        places.iter().map(|at| &self.ordered[*at]).collect()
    }

    pub(crate) fn parents(&self, at: usize) -> &Places {
        &self.parents[at]
    }

    pub(crate) fn children(&self, at: usize) -> &Places {
        &self.children[at]
    }

    pub(crate) fn all(&self) -> Places {
        (0..self.ordered.len()).collect()
    }

    pub(crate) fn head_places(&self) -> Places {
        (0..self.ordered.len()).filter(|at| self.children[*at].is_empty()).collect()
    }

    pub(crate) fn base_places(&self) -> Places {
        (0..self.ordered.len()).filter(|at| self.parents[*at].is_empty()).collect()
    }

    /// The last ones of a set: what none of the set follows.
    pub(crate) fn heads_of(&self, places: &Places) -> Places {
        places.iter().copied().filter(|at| self.children[*at].is_disjoint(places)).collect()
    }

    /// The last ones of a set that can be undone: what none of the set follows or depends on.
    pub(crate) fn ends_of(&self, places: &Places) -> Places {
        let ends = self.heads_of(places);
        ends.into_iter().filter(|at| self.dependents[*at].is_disjoint(places)).collect()
    }

    /// What must be there before this revision: what it follows, and depends on.
    pub(crate) fn before(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        self.parents[at].iter().chain(&self.dependencies[at]).copied()
    }

    /// These revisions, and all that they follow and depend on.
    pub(crate) fn with_ancestors(&self, of: &Places) -> Places {
        self.reach(of, |at, next| next.extend(self.before(at)))
    }

    /// These revisions, and all that follow and depend on them.
    pub(crate) fn with_descendants(&self, of: &Places) -> Places {
        self.reach(of, |at, next| {
            next.extend(&self.children[at]);
            next.extend(&self.dependents[at]);
        })
    }

    /// What this revision comes from and leads to, without dependencies.
    pub(crate) fn lineage(&self, of: usize) -> Places {
        let of = Places::from([of]);
        let mut lineage = self.reach(&of, |at, next| next.extend(&self.parents[at]));
        lineage.extend(self.reach(&of, |at, next| next.extend(&self.children[at])));
        lineage
    }

    /// What leads to this revision and comes from it as one branch: back to where it leaves another.
    fn branch(&self, bearer: usize) -> Places {
        let mut branch = self.reach(&Places::from([bearer]), |at, next| next.extend(&self.children[at]));
        let mut at = bearer;
        while let (1, Some(parent)) = (self.parents[at].len(), self.parents[at].first().copied()) {
            if self.children[parent].len() > 1 {
                break;
            }
            branch.insert(parent);
            at = parent;
        }
        branch
    }

    fn reach(&self, from: &Places, step: impl Fn(usize, &mut Vec<usize>)) -> Places {
        let mut reached = Places::new();
        let mut next: Vec<_> = from.iter().copied().collect();
        while let Some(at) = next.pop() {
            if reached.insert(at) {
                step(at, &mut next);
            }
        }
        reached
    }
}

fn positions(list: &[Migration]) -> Result<HashMap<&'static str, usize>> {
    let mut positions = HashMap::new();
    for (at, migration) in list.iter().enumerate() {
        if let Some(other) = positions.insert(migration.revision, at) {
            let text =
                format!("`{}` and `{}` are both revision {}", list[other].file, migration.file, migration.revision);
            let hint = "give one of them a revision of its own, in its head and in the heads of those that follow it";
            return Err(Error::new(ErrorKind::History, text).with_hint(hint));
        }
        if RESERVED.contains(&migration.revision) {
            let text =
                format!("`{}` is revision `{}`, which is a word for a place", migration.file, migration.revision);
            return Err(Error::new(ErrorKind::History, text).with_hint("give it another revision in its third line"));
        }
    }
    Ok(positions)
}

fn labels(list: &[Migration], positions: &HashMap<&'static str, usize>) -> Result<BTreeMap<&'static str, usize>> {
    let mut labels = BTreeMap::new();
    for (at, migration) in list.iter().enumerate() {
        for label in migration.labels {
            let taken = match labels.insert(*label, at) {
                Some(other) => Some(format!("`{}` and `{}` both have it", list[other].file, migration.file)),
                None if positions.contains_key(label) => Some(format!("`{}` is a revision", label)),
                None if RESERVED.contains(label) => Some(format!("`{label}` is a word for a place")),
                None => None,
            };
            if let Some(taken) = taken {
                let text = format!("the label `{label}` of `{}` is taken: {taken}", migration.file);
                return Err(Error::new(ErrorKind::History, text).with_hint("change the label in its third line"));
            }
        }
    }
    Ok(labels)
}

/// Nothing can come between revisions that are one.
fn inside(migration: &Migration, revision: &str, squashed: &Migration) -> Error {
    let text = format!(
        "the migration `{}` follows {revision}, which is in the middle of what `{}` replaces",
        migration.file, squashed.file
    );
    let hint = format!("let it follow {}: change its third line", squashed.revision);
    Error::new(ErrorKind::History, text).with_hint(hint)
}

fn missing(list: &[Migration], migration: &Migration, verb: &str, name: &str) -> Error {
    let text = format!("the migration `{}` {verb} {name}, which is missing", migration.file);
    let near = list.iter().find(|other| other.revision.starts_with(name) || name.starts_with(other.revision));
    let hint = match near {
        Some(other) => format!("did you mean {}? write it in the third line of `{}`", other.revision, migration.file),
        None => format!(
            "put the file of {name} back into the migrations folder; or, if it is gone for good, name the revision before it \
             in the third line of `{}`",
            migration.file
        ),
    };
    Error::new(ErrorKind::History, text).with_hint(hint)
}

/// Each after those before it; of several that could come next, the one that was made first.
fn order(list: &[Migration], before: &[(Places, Places)]) -> Result<Vec<usize>> {
    let mut waiting: Vec<Places> =
        before.iter().map(|(parents, dependencies)| parents.union(dependencies).copied().collect()).collect();
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); list.len()];
    for (at, before) in waiting.iter().enumerate() {
        before.iter().for_each(|before| after[*before].push(at));
    }
    let key = |at: usize| (list[at].created, list[at].revision, at);
    let mut ready: BTreeSet<_> = (0..list.len()).filter(|at| waiting[*at].is_empty()).map(key).collect();
    let mut order = Vec::with_capacity(list.len());
    while let Some((_, _, at)) = ready.pop_first() {
        order.push(at);
        for next in &after[at] {
            waiting[*next].remove(&at);
            if waiting[*next].is_empty() {
                ready.insert(key(*next));
            }
        }
    }
    // Each that is left waits for another that is left: going back from any of them comes round.
    let Some(mut at) = (0..list.len()).find(|at| !waiting[*at].is_empty()) else { return Ok(order) };
    let mut path = Vec::new();
    while !path.contains(&at) {
        path.push(at);
        at = waiting[at].first().copied().unwrap_or(at);
    }
    let circle = path.iter().skip_while(|step| **step != at);
    let names: Vec<_> = circle.map(|at| format!("{} (`{}`)", list[*at].revision, list[*at].file)).collect();
    let text = match names.as_slice() {
        [one] => format!("the migration {one} follows itself"),
        several => format!("the migrations follow each other in a circle: {}", several.join(", which follows ")),
    };
    Err(Error::new(ErrorKind::History, text)
        .with_hint("correct `follows` or `depends on` in the third line of one of them"))
}

/// `a`, `a and b`, `a, b and c`
pub(crate) fn and(names: &[String]) -> String {
    match names {
        [] => BASE.to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn number(number: usize) -> String {
    if number == 2 { "two".to_owned() } else { number.to_string() }
}
