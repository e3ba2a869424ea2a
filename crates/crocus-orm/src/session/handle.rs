//! Handles: the names of a session's objects.

use std::marker::PhantomData;

use crate::relation::ObjectReference;

/// Names an object of a [`Session`](crate::Session). It is small, can be copied, and borrows nothing.
pub struct Handle<M> {
    pub(super) session: u64,
    pub(super) index: usize,
    model: PhantomData<fn() -> M>,
}

impl<M> Handle<M> {
    pub(super) fn new(session: u64, index: usize) -> Handle<M> {
        Handle { session, index, model: PhantomData }
    }

    /// As a reference from the column with this index in its table.
    pub(crate) fn referred(self, column: usize) -> ObjectReference {
        ObjectReference { session: self.session, index: self.index, column }
    }
}

impl<M> Clone for Handle<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Handle<M> {}

impl<M> PartialEq for Handle<M> {
    fn eq(&self, other: &Self) -> bool {
        (self.session, self.index) == (other.session, other.index)
    }
}

impl<M> Eq for Handle<M> {}

impl<M> std::hash::Hash for Handle<M> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.session, self.index).hash(state);
    }
}

impl<M> std::fmt::Debug for Handle<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Handle").field(&self.index).finish()
    }
}
