//! How much a word piece counts in a text: little if it is in every prompt, nearly 1 if it is rare ("smooth inverse
//! frequency", Arora, Liang and Ma, 2017). Only how often pieces occur is learned from prompts, never how models did.

use std::collections::HashSet;

use classifier::tokens::Tokenizer;
use training_data::OutcomeRow;
use training_data::fingerprint::fingerprint;
use training_data::row::{RowError, Text};
use training_data::split::{Split, SplitError};

use super::{DistillError, Stage};

/// A piece with this frequency counts half. From the paper, where anything from 1e-4 to 1e-2 does nearly as well.
pub(super) const HALF_WEIGHT: f64 = 1e-3;

/// The ids of a prompt that are counted, from either end: a book among the prompts must not drown the others.
const IDS_AT_EITHER_END: usize = 1024;

/// Prompts between two reports of progress.
const PROMPTS_AT_ONCE: usize = 256;

/// How often pieces occur.
pub(super) struct Frequencies {
    frequencies: Vec<f64>,
    pub(super) census: Option<Census>,
}

/// What was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Census {
    /// Different prompts.
    pub n_prompts: usize,
    /// Word pieces in them.
    pub n_ids: u64,
    /// A fingerprint of the prompts in their order.
    pub fingerprint: u64,
}

impl Frequencies {
    /// As counted in prompts, each of them once.
    pub(super) fn of_prompts(
        tokenizer: &Tokenizer,
        prompts: &mut dyn Iterator<Item = Result<Text, SplitError>>,
        progress: &mut dyn FnMut(Stage),
    ) -> Result<Self, DistillError> {
        let mut counts = vec![0_u64; tokenizer.n_pieces()];
        let mut seen = HashSet::new();
        let mut census = Census { n_prompts: 0, n_ids: 0, fingerprint: 0 };
        for prompt in prompts {
            let prompt = prompt?;
            if !seen.insert(fingerprint(0, prompt.as_bytes())) {
                continue;
            }
            for id in tokenizer.ids(&prompt, IDS_AT_EITHER_END, IDS_AT_EITHER_END) {
                counts[id as usize] += 1;
                census.n_ids += 1;
            }
            census.n_prompts += 1;
            census.fingerprint = fingerprint(census.fingerprint, prompt.as_bytes());
            if census.n_prompts.is_multiple_of(PROMPTS_AT_ONCE) {
                progress(Stage::Prompts { n_done: census.n_prompts });
            }
        }
        if census.n_ids == 0 {
            return Err(DistillError::NoPrompts);
        }
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
        let frequencies = counts.iter().map(|count| *count as f64 / census.n_ids as f64).collect();
        Ok(Self { frequencies, census: Some(census) })
    }

    /// As Zipf's law says of words ordered by frequency: the n-th is the n-th part as frequent as the first. What has no
    /// rank does not occur.
    pub(super) fn of_ranks(ranks: &[Option<u32>]) -> Self {
        let share = |rank: &Option<u32>| rank.map_or(0.0, |rank| 1.0 / (f64::from(rank) + 1.0));
        let total: f64 = ranks.iter().map(share).sum();
        Self { frequencies: ranks.iter().map(|rank| share(rank) / total).collect(), census: None }
    }

    /// The weight of each piece.
    pub(super) fn weights(&self) -> Vec<f32> {
        #[expect(clippy::cast_possible_truncation, reason = "weights are rounded to single precision")]
        let weight = |frequency: &f64| (HALF_WEIGHT / (HALF_WEIGHT + frequency)) as f32;
        self.frequencies.iter().map(weight).collect()
    }
}

/// The prompts of outcome rows that may be learned from. Held-out rows are passed over; rows for judging only are an
/// error, as everywhere in training.
pub fn prompts(
    split: &Split,
    rows: impl Iterator<Item = Result<OutcomeRow, RowError>>,
) -> impl Iterator<Item = Result<Text, SplitError>> {
    split.learning_rows(rows).filter_map(|row| row.map(|(_, row)| row.prompt).transpose())
}

#[cfg(test)]
mod tests;
