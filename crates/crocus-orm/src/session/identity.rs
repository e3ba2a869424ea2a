//! The identity map: one row, one object.

use std::any::{Any, TypeId};
use std::collections::hash_map::Entry;

use foldhash::{HashMap, HashMapExt};

use crate::model::Model;

/// Each model's `HashMap<M::Key, usize>`: which slot has the row.
#[derive(Default)]
pub(super) struct Identities(HashMap<TypeId, Box<dyn Any + Send + Sync>>);

impl Identities {
    fn of<M: Model>(&mut self) -> &mut HashMap<M::Key, usize> {
        self.0
            .entry(TypeId::of::<M>())
            .or_insert_with(|| Box::new(HashMap::<M::Key, usize>::new()))
            .downcast_mut()
            .expect("each model's map has the model's key")
    }

    pub(super) fn get<M: Model>(&self, key: &M::Key) -> Option<usize> {
        let keys = self.0.get(&TypeId::of::<M>())?;
        keys.downcast_ref::<HashMap<M::Key, usize>>().expect("each model's map has the model's key").get(key).copied()
    }

    /// The object with the key; where there is none, `index` joins under it.
    pub(super) fn find_or_join<M: Model>(&mut self, key: M::Key, index: usize) -> Option<usize> {
        match self.of::<M>().entry(key) {
            Entry::Occupied(found) => Some(*found.get()),
            Entry::Vacant(place) => {
                place.insert(index);
                None
            }
        }
    }

    /// `false`: another object has the key.
    pub(super) fn join<M: Model>(&mut self, key: M::Key, index: usize) -> bool {
        *self.of::<M>().entry(key).or_insert(index) == index
    }

    /// So many more are about to join.
    pub(super) fn reserve<M: Model>(&mut self, keys: usize) {
        self.of::<M>().reserve(keys);
    }

    pub(super) fn leave<M: Model>(&mut self, key: &M::Key, index: usize) {
        let keys = self.of::<M>();
        if keys.get(key) == Some(&index) {
            keys.remove(key);
        }
    }
}
