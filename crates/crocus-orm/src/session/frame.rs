//! What a rollback needs: the objects as they were when the transaction or the savepoint started.

use std::collections::HashSet;

use foldhash::HashMap;

use super::Session;
use super::associations::Associations;
use super::slot::AnySlot;

/// The transaction, or a savepoint in it.
#[derive(Default)]
pub(super) struct Frame {
    /// The objects that were changed in it, as they were before; nothing for one that was not there.
    undo: HashMap<usize, Option<Box<dyn AnySlot>>>,
    /// What was known of relationships before it: nothing where no transaction has started.
    before: Option<(Associations, HashSet<(usize, &'static str)>)>,
    /// How many transactions were open before it; one a bind.
    pub(super) transactions: usize,
    /// The savepoints in those, by their numbers.
    pub(super) savepoints: Vec<u32>,
}

impl Session {
    /// Starts a frame: what happens from now on can be undone alone.
    pub(super) fn push_frame(&mut self, savepoints: Vec<u32>) {
        self.frames.push(Frame { transactions: self.transactions.len(), savepoints, ..Frame::default() });
        self.remember_relationships();
    }

    /// Keeps what is known of relationships, once for the frame.
    pub(super) fn remember_relationships(&mut self) {
        if self.frame().before.is_none() {
            let mut associations = self.associations.clone();
            associations.discard();
            let before = (associations, self.loaded.keys().copied().collect());
            self.frame().before = Some(before);
        }
    }

    fn frame(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("a session has a frame always")
    }

    /// The object is about to change with the database: a rollback makes it what it is now.
    pub(super) fn keep(&mut self, index: usize) {
        if !self.frame().undo.contains_key(&index) {
            let snapshot = self.slots[index].snapshot();
            self.frame().undo.insert(index, Some(snapshot));
        }
    }

    /// The same for an object that is new here: a rollback makes it what `before` is, or takes it away.
    pub(super) fn keep_as(&mut self, index: usize, before: Option<Box<dyn AnySlot>>) {
        self.frame().undo.insert(index, before);
    }

    /// So many objects that are new here are about to be kept.
    pub(super) fn expect_to_keep(&mut self, objects: usize) {
        self.frame().undo.reserve(objects);
    }

    /// No rollback touches the object.
    pub(super) fn forget(&mut self, index: usize) {
        for frame in &mut self.frames {
            frame.undo.remove(&index);
        }
    }

    /// Keeps what happened in the last frame, as a part of the one around it.
    pub(super) fn merge_frame(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        for (index, snapshot) in frame.undo {
            self.frame().undo.entry(index).or_insert(snapshot);
        }
        if self.frame().before.is_none() {
            self.frame().before = frame.before;
        }
    }

    /// Makes the objects what they were when the last frame started, and takes that frame away.
    pub(super) fn undo_frame(&mut self) {
        let Some(mut frame) = self.frames.pop() else { return };
        let undo = std::mem::take(&mut frame.undo);
        // All leave the identity map before any joins it: one object may have taken over another's key.
        for index in undo.keys() {
            self.slots[*index].leave(*index, &mut self.identities);
        }
        for slot in &mut self.slots {
            slot.discard();
        }
        let mut expired = Vec::new();
        for (index, snapshot) in undo {
            match snapshot {
                Some(snapshot) => self.slots[index] = snapshot,
                None => self.slots[index].remove(),
            }
            if self.slots[index].phase() == super::slot::Phase::Expired {
                expired.push(index);
            } else {
                self.slots[index].join(index, &mut self.identities);
            }
        }
        for index in expired {
            if !self.slots[index].join(index, &mut self.identities) {
                self.slots[index].remove();
            }
        }
        match frame.before {
            Some((associations, loaded)) => {
                self.associations = associations;
                self.loaded.retain(|key, _| loaded.contains(key));
            }
            None => self.associations.discard(),
        }
        if self.frames.is_empty() {
            self.frames.push(Frame::default());
        }
    }
}
