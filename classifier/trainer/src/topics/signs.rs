//! The signs that topics are told by.

use std::collections::BTreeMap;

use classifier::feature_layer::{FeatureLayer, standardised};
use classifier::lens::Reading;
use classifier::matrix::Matrix;
use classifier::topics::{Topics, bag};

use crate::dataset::Dataset;
use crate::fit::spread;

/// A word piece that fewer prompts hold says nothing: it would only remember them.
pub(super) const MIN_PIECE_PROMPTS: usize = 3;

/// How loud the features of a usual prompt are beside the bag of its word pieces, whose parts' squares sum to 1. On folds of the
/// shared outcomes (2026-11-29) features at 0.7 and at 2 told nearly as many topics as each other, and far more than none.
const FEATURES_PART: f32 = 1.0;

/// By what topics are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToldBy {
    /// Word pieces alone: so every view hears them, and nets and trees ask the features by themselves.
    Pieces,
    /// Features, too: so the view of topics hears them, which knows nothing else.
    All,
}

/// What tells topics apart: word pieces, then features.
pub(super) struct Signs {
    pieces: Vec<u32>,
    rarities: Vec<f32>,
    /// The mean of each feature, and one over its deviation.
    centre: Vec<f32>,
    inverse_spread: Vec<f32>,
    /// How loud a feature is.
    part: f32,
}

impl Signs {
    /// Those of these prompts, features among them or not.
    pub(super) fn known(dataset: &Dataset, rows: &[u32], told_by: ToldBy) -> Self {
        let (pieces, rarities) = telling(dataset, rows);
        let (centre, inverse_spread) = match told_by {
            ToldBy::Pieces => (Vec::new(), Vec::new()),
            ToldBy::All => spread(rows.iter().map(|row| dataset.prompts[*row as usize].reading.row.untold())),
        };
        let part = FEATURES_PART / (centre.len().max(1) as f32).sqrt();
        Self { pieces, rarities, centre, inverse_spread, part }
    }

    pub(super) fn n(&self) -> usize {
        self.pieces.len() + self.centre.len()
    }

    /// Which of them a prompt shows, and how much of each.
    pub(super) fn of(&self, reading: &Reading) -> Vec<(usize, f32)> {
        let mut signs = bag(&reading.pieces, &self.pieces, &self.rarities);
        let features = reading.row.untold().iter().zip(self.centre.iter().zip(&self.inverse_spread));
        let seen = features.map(|(value, (centre, scale))| self.part * standardised(*value, *centre, *scale));
        signs.extend((self.pieces.len()..).zip(seen));
        signs
    }

    /// The topics, from a row of weights for each sign.
    pub(super) fn topics(self, weights: &[f32], biases: Vec<f32>, n_topics: usize) -> Topics {
        let Self { pieces, rarities, centre, inverse_spread, part } = self;
        let (of_pieces, of_features) = weights.split_at(pieces.len() * n_topics);
        let of_features: Vec<f32> = of_features.iter().map(|weight| part * weight).collect();
        let features = FeatureLayer::new(centre, inverse_spread, Matrix::of(&of_features, n_topics), biases);
        Topics { pieces, rarities, weights: Matrix::of(of_pieces, n_topics), features }
    }
}

/// The word pieces that enough of the prompts hold, in order, and how rare each is.
fn telling(dataset: &Dataset, rows: &[u32]) -> (Vec<u32>, Vec<f32>) {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for row in rows {
        let mut held = dataset.prompts[*row as usize].reading.pieces.clone();
        held.sort_unstable();
        held.dedup();
        held.into_iter().for_each(|piece| *counts.entry(piece).or_default() += 1);
    }
    let n = rows.len() as f32;
    let enough = counts.into_iter().filter(|(_, count)| *count >= MIN_PIECE_PROMPTS);
    enough.map(|(piece, count)| (piece, 1.0 + libm::logf((1.0 + n) / (1.0 + count as f32)))).unzip()
}
