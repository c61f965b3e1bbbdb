//! The names that a label may bear: those of catalogs and policies that were in use. What a caller writes is never among them
//! by itself, or a stranger could fill the memory with series.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

/// A set of names that only grows, up to its limit: a counter of a model must not vanish with the catalog that named it.
#[derive(Debug)]
pub(super) struct Names {
    limit: usize,
    known: RwLock<BTreeSet<Arc<str>>>,
}

impl Names {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, known: RwLock::default() }
    }

    /// Takes names in, in their order, as long as there is room.
    pub(super) fn bind<'a>(&self, names: impl Iterator<Item = &'a str>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for name in names {
            if known.len() < self.limit {
                known.insert(Arc::from(name));
            }
        }
    }

    /// The name, if it is known.
    pub(super) fn find(&self, name: &str) -> Option<Arc<str>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

/// All names that labels may bear.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) models: Names,
    pub(super) policies: Names,
    pub(super) providers: Names,
}
