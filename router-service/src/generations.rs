//! A map with a bound: two generations, of which the older is forgotten whole when the younger is full. Whatever is asked for
//! moves to the younger one, so what is used stays; that is nearly a least-recently-used map at the price of two plain ones.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Parts that are locked apart from each other, so that threads seldom meet. A guess; nothing rests on it.
const N_PARTS: usize = 16;

/// A bounded map between threads.
#[derive(Debug)]
pub(crate) struct Generations<K, V> {
    parts: Vec<Mutex<Part<K, V>>>,
    hasher: RandomState,
}

#[derive(Debug)]
struct Part<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    most_young: usize,
}

impl<K: Eq + Hash, V: Clone> Generations<K, V> {
    /// A map that never holds more than `most` entries; none at all with 0.
    pub(crate) fn new(most: usize) -> Self {
        // A small map is one part, or its few entries would be spread over parts that hold none.
        let n_parts = if most < 8 * N_PARTS { 1 } else { N_PARTS };
        let part = || Part { young: HashMap::new(), old: HashMap::new(), most_young: most / n_parts / 2 };
        Self { parts: (0..n_parts).map(|_| Mutex::new(part())).collect(), hasher: RandomState::new() }
    }

    /// What was kept under this key.
    pub(crate) fn get(&self, key: &K) -> Option<V> {
        let mut part = self.part(key);
        if let Some(value) = part.young.get(key) {
            return Some(value.clone());
        }
        let (key, value) = part.old.remove_entry(key)?;
        part.keep(key, value.clone());
        Some(value)
    }

    /// Keeps a value; one that was there is replaced.
    pub(crate) fn insert(&self, key: K, value: V) {
        let mut part = self.part(&key);
        part.old.remove(&key);
        part.keep(key, value);
    }

    /// Changes a value in place; says whether it was there.
    pub(crate) fn change<T>(&self, key: &K, change: impl FnOnce(&mut V) -> T) -> Option<T> {
        let mut part = self.part(key);
        let part = &mut *part;
        part.young.get_mut(key).or_else(|| part.old.get_mut(key)).map(change)
    }

    /// Entries there are.
    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(|part| locked(part)).map(|part| part.young.len() + part.old.len()).sum()
    }

    fn part(&self, key: &K) -> MutexGuard<'_, Part<K, V>> {
        let hash = self.hasher.hash_one(key);
        let index = usize::try_from(hash >> 32).unwrap_or(0) % self.parts.len();
        locked(&self.parts[index])
    }
}

impl<K: Eq + Hash, V> Part<K, V> {
    fn keep(&mut self, key: K, value: V) {
        if self.most_young == 0 {
            return;
        }
        if self.young.len() >= self.most_young && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

/// A map is whole between two calls, whatever a thread that held it died of.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    //! The bound, and what survives it.

    use proptest::prelude::*;

    use super::Generations;

    proptest! {
        #[test]
        fn it_never_outgrows_its_bound(most in 0_usize..400, keys in prop::collection::vec(0_u32..2000, 0..3000)) {
            let map = Generations::new(most);
            for key in keys {
                map.insert(key, key);
                prop_assert!(map.len() <= most);
                prop_assert!(most < 2 || map.get(&key) == Some(key), "the newest is there");
            }
        }
    }

    #[test]
    fn what_is_asked_for_stays() {
        let map = Generations::new(100);
        map.insert(0, "kept");
        for key in 1..10_000 {
            map.insert(key, "passing");
            assert_eq!(map.get(&0), Some("kept"));
        }
        assert_eq!(map.get(&1), None);
    }

    #[test]
    fn a_value_is_changed_in_either_generation() {
        let map = Generations::new(4);
        for key in 0..3 {
            map.insert(key, 0);
        }
        for key in 1..3 {
            assert_eq!(map.change(&key, |value| *value += 1), Some(()));
            assert_eq!(map.get(&key), Some(1));
        }
        assert_eq!(map.change(&99, |value| *value += 1), None);
    }
}
