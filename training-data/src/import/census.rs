//! What an import is told to count: models, prompts, duplicates, groups. Distinct things are counted by their hashes up
//! to a limit, behind which the counts are lower bounds and say so.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::fingerprint;
use crate::row::{OutcomeRow, Text};

/// Distinct things that are counted exactly, of each kind; 2 million cost about 40 MiB.
pub const MAX_COUNTED: usize = 2 << 20;

/// Models behind which a column was surely mistaken for the model. The largest public source has about 7,000.
pub const MAX_MODELS: usize = 20_000;

/// Counts of rows.
#[derive(Debug, Default)]
pub struct Census {
    /// Rows by model.
    pub models: BTreeMap<Text, u64>,
    /// Models by source.
    pub sources: BTreeMap<Text, BTreeSet<Text>>,
    prompts: Counted,
    pairs: Counted,
    groups: Counted,
    n_rows: u64,
    /// The text of each prompt, and the prompts that came with another one, too.
    texts: HashMap<u64, u64>,
    of_two_texts: HashSet<u64>,
    /// Rows for judging only.
    pub n_judging_only: u64,
    /// Rows that carry the text of their prompt.
    pub n_with_text: u64,
    /// Rows that carry a cost.
    pub n_with_cost: u64,
    /// Rows that carry completion tokens.
    pub n_with_tokens: u64,
}

/// Distinct hashes, up to a limit. Only its length is ever used, so the order of the set does not matter.
#[derive(Debug, Default)]
struct Counted {
    seen: HashSet<u64>,
    n_repeats: u64,
    full: bool,
}

impl Counted {
    fn add(&mut self, hash: u64, limit: usize) {
        if self.seen.len() < limit {
            self.n_repeats += u64::from(!self.seen.insert(hash));
        } else if self.seen.contains(&hash) {
            self.n_repeats += 1;
        } else {
            self.full = true;
        }
    }
}

impl Census {
    /// Counts a row.
    pub fn add(&mut self, row: &OutcomeRow) {
        self.n_rows += 1;
        // Looked up before it is inserted: a clone for every row would be a lot of counting for nothing.
        match self.models.get_mut(&*row.model) {
            Some(n_rows) => *n_rows += 1,
            None => {
                self.models.insert(row.model.clone(), 1);
            }
        }
        let known = self.sources.get(&*row.source).is_some_and(|models| models.contains(&*row.model));
        if !known {
            self.sources.entry(row.source.clone()).or_default().insert(row.model.clone());
        }
        let prompt = fingerprint::of_texts(0, &[&row.source, &row.dataset, &row.prompt_id]);
        self.prompts.add(prompt, MAX_COUNTED);
        self.pairs.add(fingerprint::of_texts(prompt, &[&row.model]), MAX_COUNTED);
        if let Some(group) = &row.group {
            self.groups.add(fingerprint::of_texts(0, &[group]), MAX_COUNTED);
        }
        if let Some(text) = &row.prompt {
            self.compare(prompt, fingerprint::of_texts(0, &[text]));
        }
        self.n_judging_only += u64::from(row.judging_only);
        self.n_with_text += u64::from(row.prompt.is_some());
        self.n_with_cost += u64::from(row.cost_usd.is_some());
        self.n_with_tokens += u64::from(row.completion_tokens.is_some());
    }

    fn compare(&mut self, prompt: u64, text: u64) {
        let full = self.texts.len() >= MAX_COUNTED;
        match self.texts.entry(prompt) {
            Entry::Occupied(known) if *known.get() != text => {
                self.of_two_texts.insert(prompt);
            }
            Entry::Vacant(unknown) if !full => {
                unknown.insert(text);
            }
            _ => {}
        }
    }

    /// Prompts of more than one text, among those that are counted exactly.
    #[must_use]
    pub fn n_of_two_texts(&self) -> u64 {
        self.of_two_texts.len() as u64
    }

    /// Rows.
    #[must_use]
    pub fn n_rows(&self) -> u64 {
        self.n_rows
    }

    /// Distinct prompts.
    #[must_use]
    pub fn n_prompts(&self) -> u64 {
        self.prompts.seen.len() as u64
    }

    /// Rows whose prompt and model a row before had.
    #[must_use]
    pub fn n_duplicates(&self) -> u64 {
        self.pairs.n_repeats
    }

    /// Distinct groups.
    #[must_use]
    pub fn n_groups(&self) -> u64 {
        self.groups.seen.len() as u64
    }

    /// The share of all pairs of a prompt and a model that have an outcome.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share for people to read")]
    pub fn density(&self) -> f64 {
        let n_cells = self.n_prompts() * self.models.len() as u64;
        if n_cells == 0 { 0.0 } else { self.n_rows.saturating_sub(self.n_duplicates()) as f64 / n_cells as f64 }
    }

    /// Whether the counts of distinct things are exact.
    #[must_use]
    pub fn exact(&self) -> bool {
        ![&self.prompts, &self.pairs, &self.groups].iter().any(|counted| counted.full)
    }
}

#[cfg(test)]
mod tests {
    //! Behind the limit, counts are lower bounds and say so.

    use super::Counted;

    #[test]
    fn counts_are_exact_up_to_the_limit() {
        let mut counted = Counted::default();
        for hash in [1, 2, 2, 3, 1] {
            counted.add(hash, 3);
        }
        assert_eq!((counted.seen.len(), counted.n_repeats, counted.full), (3, 2, false));
        counted.add(4, 3);
        assert_eq!((counted.seen.len(), counted.n_repeats, counted.full), (3, 2, true));
    }
}
