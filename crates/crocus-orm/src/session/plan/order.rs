//! The order of changes that wait for each other, batch by batch, and the way out of a circle of them.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashSet};

use super::{Batch, Change, Class, Kind, Stored, Why};
use crate::session::slot::NULL;
use crate::{Error, ErrorKind, Result};

/// Changes on their way into an order.
pub(super) struct Order {
    changes: Vec<Change>,
    /// What each waits for that is not done yet.
    waits: Vec<Vec<(usize, Why)>>,
    /// Who waits for each.
    waiting: Vec<Vec<usize>>,
    done: Vec<bool>,
    /// Each class's changes that are not done, and those of them that wait for nothing. In the order of the kinds, then
    /// of the first change.
    classes: BTreeMap<ClassName, (usize, Vec<usize>)>,
    /// The name of each change's class.
    class_of: Vec<ClassName>,
    names: Classes,
}

/// What a class goes by: its kind, and the place of its first change.
pub(super) type ClassName = (Kind, usize);

/// The classes that there are.
#[derive(Default)]
pub(super) struct Classes {
    known: HashMap<Class, ClassName>,
    /// The one that was asked for last.
    last: Option<(Class, ClassName)>,
}

impl Classes {
    /// The name of a change's class; `node` is the change's place.
    pub(super) fn name(&mut self, change: &Change, node: usize) -> ClassName {
        if let Some((class, name)) = &self.last
            && change.is_of(class)
        {
            return *name;
        }
        // What was made last goes first where nothing else is known of the order.
        let place = if change.kind == Kind::Delete { usize::MAX - node } else { node };
        let class = change.class();
        let name = *self.known.entry(class.clone()).or_insert((change.kind, place));
        self.last = Some((class, name));
        name
    }
}

impl Order {
    pub(super) fn new(changes: Vec<Change>, waits: Vec<Vec<(usize, Why)>>) -> Order {
        let mut order = Order {
            changes: Vec::new(),
            waits: Vec::new(),
            waiting: Vec::new(),
            done: Vec::new(),
            classes: BTreeMap::new(),
            class_of: Vec::new(),
            names: Classes::default(),
        };
        order.waiting = vec![Vec::new(); changes.len()];
        for (change, waits) in changes.into_iter().zip(waits) {
            order.add(change, waits);
        }
        order
    }

    fn add(&mut self, change: Change, waits: Vec<(usize, Why)>) {
        let node = self.changes.len();
        let class = self.names.name(&change, node);
        let (left, ready) = self.classes.entry(class).or_default();
        *left += 1;
        if waits.is_empty() {
            ready.push(node);
        }
        if self.waiting.len() == node {
            self.waiting.push(Vec::new());
        }
        for (other, _) in &waits {
            self.waiting[*other].push(node);
        }
        self.changes.push(change);
        self.waits.push(waits);
        self.class_of.push(class);
        self.done.push(false);
    }

    pub(super) fn batches(mut self) -> Result<Vec<Batch>> {
        let mut batches = Vec::new();
        let mut left = self.changes.len();
        while left > 0 {
            let ready = || self.classes.iter().filter(|(_, (_, ready))| !ready.is_empty());
            // One of which nothing would be left comes first: the others may still grow.
            let whole = ready().find(|(_, (left, ready))| ready.len() == *left);
            let Some(class) = whole.or_else(|| ready().next()).map(|(class, _)| *class) else {
                left += self.break_circle()?;
                continue;
            };
            let (class_left, nodes) = self.classes.get_mut(&class).expect("it was found there");
            let mut nodes = std::mem::take(nodes);
            *class_left -= nodes.len();
            left -= nodes.len();
            nodes.sort_unstable();
            let first = &self.changes[nodes[0]];
            let (table, kind) = (first.table, first.kind);
            for node in &nodes {
                self.finish(*node);
            }
            let changes = nodes.into_iter().map(|node| self.changes[node].take()).collect();
            batches.push(Batch { table, kind, changes });
        }
        Ok(batches)
    }

    fn finish(&mut self, node: usize) {
        self.done[node] = true;
        for other in std::mem::take(&mut self.waiting[node]) {
            self.release(other, node);
        }
    }

    /// `node` does not wait for `other` any more.
    fn release(&mut self, node: usize, other: usize) {
        let waited = self.waits[node].len();
        self.waits[node].retain(|(waited_for, _)| *waited_for != other);
        if waited > 0 && self.waits[node].is_empty() && !self.done[node] {
            self.classes.get_mut(&self.class_of[node]).expect("every change has a class").1.push(node);
        }
    }

    /// Changes that wait for each other, each for the next, the last for the first.
    fn circle(&self) -> Vec<usize> {
        let start = self.done.iter().position(|done| !done).expect("something is left");
        let (mut path, mut seen) = (vec![start], HashSet::from_iter([start]));
        loop {
            let last = path[path.len() - 1];
            let next = self.waits[last].first().expect("nothing is ready").0;
            if !seen.insert(next) {
                let first = path.iter().position(|node| *node == next).expect("it was seen");
                return path.split_off(first);
            }
            path.push(next);
        }
    }

    /// Takes one wait out of a circle. Gives how many changes that adds.
    fn break_circle(&mut self) -> Result<usize> {
        let circle = self.circle();
        let pairs: Vec<_> = circle.iter().copied().zip(circle.iter().copied().cycle().skip(1)).collect();
        // A reference that can be NULL is NULL for a while.
        for &(node, other) in &pairs {
            let points = self.columns(node, other, |why| match why {
                Why::Points(columns) => Some(columns),
                _ => None,
            });
            if self.changes[node].kind == Kind::Insert && self.can_be_null(node, &points) {
                self.postpone(node, other, &points);
                return Ok(1);
            }
            let pointed = self.columns(node, other, |why| match why {
                Why::IsPointedTo(columns) => Some(columns),
                _ => None,
            });
            if self.can_be_null(other, &pointed) {
                self.step_aside(other, node, &pointed);
                return Ok(1);
            }
        }
        // Values handed round in a circle: the database says what it thinks of it.
        for &(node, other) in &pairs {
            if self.waits[node].iter().any(|(waited_for, why)| *waited_for == other && matches!(why, Why::Takes)) {
                self.release(node, other);
                return Ok(0);
            }
        }
        let mut nouns: Vec<_> = circle.iter().map(|node| self.changes[*node].table.noun()).collect();
        nouns.dedup();
        let text = format!("objects need each other to be written first: {}", nouns.join(", "));
        Err(Error::new(ErrorKind::InvalidQuery, text)
            .with_hint("one of the foreign keys must be able to be NULL, or flush in between"))
    }

    /// The columns for which `node` waits for `other`, as far as `of` knows them.
    fn columns<'a>(&'a self, node: usize, other: usize, of: impl Fn(&'a Why) -> Option<&'a Vec<usize>>) -> Vec<usize> {
        let waits = self.waits[node].iter().filter(|(waited_for, _)| *waited_for == other);
        waits.filter_map(|(_, why)| of(why)).flatten().copied().collect()
    }

    fn can_be_null(&self, node: usize, columns: &[usize]) -> bool {
        let table = self.changes[node].table;
        let nullable = |column: &usize| table.columns[*column].nullable && !table.columns[*column].primary_key;
        !columns.is_empty() && columns.iter().all(nullable)
    }

    /// Sets the columns with which `node` points to `other` to NULL, before either is written.
    fn step_aside(&mut self, node: usize, other: usize, columns: &[usize]) {
        let early = self.changes.len();
        let change = &self.changes[node];
        // The version is checked by the change itself.
        let update = Change {
            kind: Kind::Update,
            values: columns.iter().map(|column| (*column, NULL)).collect(),
            pointers: Vec::new(),
            stored: change.stored.clone().map(|stored| Box::new(Stored { version: None, ..*stored })),
            ..*change
        };
        self.add(update, Vec::new());
        self.release(other, node);
        self.wait(other, early);
        self.wait(node, early);
    }

    fn wait(&mut self, node: usize, other: usize) {
        if self.waits[node].is_empty() {
            let (_, ready) = self.classes.get_mut(&self.class_of[node]).expect("every change has a class");
            ready.retain(|ready| *ready != node);
        }
        self.waits[node].push((other, Why::Follows));
        self.waiting[other].push(node);
    }

    /// Inserts `node` with NULL in the columns, and updates them when `other` is there.
    fn postpone(&mut self, node: usize, other: usize, columns: &[usize]) {
        let change = &mut self.changes[node];
        let postponed = |column: &usize| columns.contains(column);
        let values: Vec<_> = change.values.iter().filter(|(column, _)| postponed(column)).cloned().collect();
        let pointers =
            change.pointers.iter().filter(|pointer| pointer.columns.iter().any(postponed)).cloned().collect();
        change.values.retain(|(column, _)| !postponed(column));
        change.pointers.retain(|pointer| !pointer.columns.iter().any(postponed));
        // The columns keep their places: it is the same class as without the circle.
        change.values.extend(columns.iter().map(|column| (*column, NULL)));
        change.values.sort_by_key(|(column, _)| *column);
        // It is a part of the insert, and no new version.
        let update = Change { kind: Kind::Update, values, pointers, stored: None, ..*change };
        let waits = vec![(node, Why::Follows), (other, Why::Follows)];
        let waits = if node == other { waits[..1].to_vec() } else { waits };
        self.add(update, waits);
        self.release(node, other);
    }
}
