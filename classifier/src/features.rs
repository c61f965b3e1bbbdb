//! From a prompt to one row of numbers, the same row for training, judging and serving: nobody else can make a
//! [`FeatureRow`]. Everything is computed from the canonical form, so case, layout and courtesies do not show.

use crate::features::words::Words;

mod code;
mod formulas;
mod numbers;
mod shape;
mod stories;
mod words;

/// The version of the columns. It rises when a column changes its meaning, or when the canonical form changes that columns are made from;
/// artifacts of another version are refused.
pub const FEATURE_SCHEMA: u32 = 6;

/// Numbers that are made by hand, before those of the encoder.
pub const HAND_FEATURES: usize =
    shape::COUNT + numbers::COUNT + words::COUNT + code::COUNT + formulas::COUNT + stories::COUNT + RARITY;

/// How rare the word pieces are.
const RARITY: usize = 4;

/// One prompt in numbers: the hand-made ones, then the encoder's, then its shares of topics.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureRow {
    values: Vec<f32>,
    n_topics: usize,
}

impl FeatureRow {
    /// All numbers.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The numbers made by hand.
    pub fn hand(&self) -> &[f32] {
        &self.values[..HAND_FEATURES]
    }

    /// The numbers of the encoder.
    pub fn embedding(&self) -> &[f32] {
        &self.values[HAND_FEATURES..self.values.len() - self.n_topics]
    }

    /// All but the shares of topics.
    pub fn untold(&self) -> &[f32] {
        &self.values[..self.values.len() - self.n_topics]
    }

    /// The shares of topics; none where nobody told them.
    pub fn topics(&self) -> &[f32] {
        &self.values[self.values.len() - self.n_topics..]
    }

    /// The same row with these shares of topics in the place of its own. Training needs it: its prompts are told their topics
    /// by word pieces that never taught them.
    #[must_use]
    pub fn told(mut self, shares: &[f32]) -> Self {
        self.values.truncate(self.values.len() - self.n_topics);
        self.values.extend_from_slice(shares);
        self.n_topics = shares.len();
        self
    }
}

/// Makes rows. Keeps the automaton that finds words.
#[derive(Debug)]
pub(crate) struct Features {
    words: Words,
}

impl Features {
    /// The one feature function.
    pub(crate) fn new() -> Self {
        Self { words: Words::new() }
    }

    /// The row of a canonical text, its word pieces and its embedding, without topics.
    pub(crate) fn row(&self, text: &str, pieces: &[u32], embedding: &[f32]) -> FeatureRow {
        let mut values = Vec::with_capacity(HAND_FEATURES + embedding.len());
        let view = shape::View::of(text);
        shape::push(&view, &mut values);
        numbers::push(&view, &mut values);
        self.words.push(text, &mut values);
        code::push(&view, &mut values);
        formulas::push(&view, &mut values);
        stories::push(&view, &mut values);
        push_rarity(pieces, &mut values);
        debug_assert_eq!(values.len(), HAND_FEATURES, "every column is always there");
        debug_assert!(values.iter().all(|value| value.is_finite()), "every column is a number, whatever the text");
        values.extend_from_slice(embedding);
        FeatureRow { values, n_topics: 0 }
    }
}

/// The natural logarithm of one more: counts grow by factors, not by steps. In software, for equal bits on any machine.
fn log(count: f32) -> f32 {
    libm::logf(1.0 + count.max(0.0))
}

#[expect(clippy::cast_precision_loss, reason = "counts of a text that is cut to some thousands of bytes are exact")]
fn count(n: usize) -> f32 {
    n as f32
}

/// Vocabularies of word pieces are ordered by frequency, nearly: the rank of a piece says how rare it is.
fn push_rarity(pieces: &[u32], values: &mut Vec<f32>) {
    #[expect(clippy::cast_precision_loss, reason = "a rank in a vocabulary fits")]
    let mut ranks: Vec<f32> = pieces.iter().map(|piece| log(*piece as f32)).collect();
    ranks.sort_by(f32::total_cmp);
    let at = |share: f32| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
        let place = (share * count(ranks.len())) as usize;
        ranks.get(place.min(ranks.len().saturating_sub(1))).copied().unwrap_or(0.0)
    };
    let mean = ranks.iter().sum::<f32>() / count(ranks.len().max(1));
    values.extend([mean, at(0.5), at(0.75), at(0.9)]);
}

#[cfg(test)]
mod tests;
