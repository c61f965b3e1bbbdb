//! What was dropped and why: counted by reason, with the first few places of each, so that a report of a million bad
//! rows is still a page.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::row::fault::Place;

/// Places that are kept of each reason.
pub const SHOWN_PLACES: usize = 3;

/// Reasons that are told apart. Behind it, everything counts as one: a file of garbage must not fill memory.
pub const MAX_REASONS: usize = 100;

/// Dropped rows, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Drops {
    by_reason: BTreeMap<String, Dropped>,
}

/// The rows that were dropped for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Dropped {
    /// How many.
    pub n_rows: u64,
    /// The first few of them.
    pub places: Vec<String>,
}

impl Drops {
    /// Counts one.
    pub fn add(&mut self, reason: String, place: &Place) {
        let known = self.by_reason.len() < MAX_REASONS || self.by_reason.contains_key(&reason);
        let drop = self.by_reason.entry(if known { reason } else { "other reasons".to_owned() }).or_default();
        drop.n_rows += 1;
        if drop.places.len() < SHOWN_PLACES {
            drop.places.push(place.to_string());
        }
    }

    /// How many in all.
    #[must_use]
    pub fn n_rows(&self) -> u64 {
        self.by_reason.values().map(|drop| drop.n_rows).sum()
    }

    /// The reasons in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Dropped)> {
        self.by_reason.iter().map(|(reason, drop)| (reason.as_str(), drop))
    }
}

#[cfg(test)]
mod tests {
    //! Garbage fills a page, not the memory.

    use std::path::Path;

    use super::{Drops, MAX_REASONS, SHOWN_PLACES};
    use crate::row::fault::Place;

    #[test]
    fn reasons_and_places_have_limits() {
        let place = |number| Place { file: Path::new("f.jsonl").into(), unit: "line", number };
        let mut drops = Drops::default();
        for number in 0..1000 {
            drops.add(format!("reason {number}"), &place(number));
            drops.add("reason 1".to_owned(), &place(number));
        }
        assert_eq!((drops.n_rows(), drops.iter().count()), (2000, MAX_REASONS + 1));
        let (_, often) = drops.iter().find(|(reason, _)| *reason == "reason 1").unwrap();
        assert_eq!((often.n_rows, often.places.len()), (1001, SHOWN_PLACES));
        assert_eq!(often.places[0], "f.jsonl, line 0");
    }
}
