//! Some prompts at once, forward through the net. What the way back needs is kept.

use classifier::kernel::{add_scaled, dot, gelu, sigmoid, softmax};
use classifier::net::{N_QUERIES, beside, normalise};

use super::weights::{Layout, Weights, slope_of};
use super::{Course, Pupil};
use crate::dice::Dice;
use crate::gemm::{Shape, multiply};

/// Prompts side by side, with what chance takes away from each.
pub(crate) struct Batch<'a> {
    pub(crate) pupils: Vec<&'a Pupil<'a>>,
    /// Word pieces of all prompts.
    pub(crate) pieces: Vec<u32>,
    /// Where each prompt's pieces end.
    pub(crate) ends: Vec<usize>,
    /// Standardised features, some of them taken away.
    pub(crate) features: Vec<f32>,
    /// Factors on the pooled numbers and on both layers of the trunk.
    pub(crate) pooled_kept: Vec<f32>,
    pub(crate) trunk_kept: Vec<f32>,
}

impl<'a> Batch<'a> {
    pub(crate) fn assemble(layout: &Layout, pupils: &[&'a Pupil<'a>], course: &Course, dice: &mut Dice) -> Self {
        let (mut pieces, mut ends, mut features) = (Vec::new(), Vec::new(), Vec::new());
        for pupil in pupils {
            if layout.width > 0 {
                pieces.extend(pupil.pieces.iter().filter(|_| dice.unit() >= course.piece_dropout));
            }
            ends.push(pieces.len());
            let kept = 1.0 / (1.0 - course.feature_dropout);
            features.extend(
                pupil
                    .features
                    .iter()
                    .map(|value| if dice.unit() < course.feature_dropout { 0.0 } else { value * kept }),
            );
        }
        let mut kept = |n: usize| -> Vec<f32> {
            let factor = 1.0 / (1.0 - course.dropout);
            (0..n).map(|_| if dice.unit() < course.dropout { 0.0 } else { factor }).collect()
        };
        let pooled_kept = kept(pupils.len() * layout.pooled());
        let trunk_kept = kept(2 * pupils.len() * layout.trunk);
        Self { pupils: pupils.to_vec(), pieces, ends, features, pooled_kept, trunk_kept }
    }

    pub(crate) fn n(&self) -> usize {
        self.pupils.len()
    }

    /// The pieces of each prompt, as a range of rows.
    pub(crate) fn spans(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        self.ends.iter().enumerate().map(|(at, end)| at.checked_sub(1).map_or(0, |before| self.ends[before])..*end)
    }
}

/// What a forward pass leaves behind.
pub(crate) struct Lesson {
    /// Rows of the pieces, what their neighbours say, that after mixing, and the sum.
    pub(crate) seen: Vec<f32>,
    pub(crate) mixed: Vec<f32>,
    pub(crate) looked: Vec<f32>,
    /// Shares of each pooling on each piece: a row of [`N_QUERIES`] a piece.
    pub(crate) shares: Vec<f32>,
    /// Which piece had the maximum, channel by channel.
    pub(crate) tops: Vec<u32>,
    /// Normalised before scale and shift, and one over the deviation of each.
    pub(crate) normal: Vec<f32>,
    pub(crate) inverses: Vec<f32>,
    /// After scale, shift and dropout.
    pub(crate) pooled: Vec<f32>,
    /// The trunk before and after its first bend, before its second, and at its end.
    pub(crate) first: Vec<f32>,
    pub(crate) bent: Vec<f32>,
    pub(crate) second: Vec<f32>,
    pub(crate) trunk: Vec<f32>,
    /// Level and traits.
    pub(crate) out: Vec<f32>,
    /// Probabilities of the data sets.
    pub(crate) datasets: Vec<f32>,
}

impl Lesson {
    #[inline(always)]
    pub(crate) fn forward(layout: &Layout, weights: &Weights, batch: &Batch<'_>) -> Self {
        let mut lesson = Self::read(layout, weights, batch);
        lesson.think(layout, weights, batch);
        lesson
    }

    /// From pieces to pooled numbers.
    #[inline(always)]
    fn read(layout: &Layout, weights: &Weights, batch: &Batch<'_>) -> Self {
        let (width, n) = (layout.width, batch.n());
        let mut looked = Vec::with_capacity(batch.pieces.len() * width);
        for piece in &batch.pieces {
            looked.extend_from_slice(&weights.table[*piece as usize * width..][..width]);
        }
        let mut seen = Vec::with_capacity(looked.len());
        for span in batch.spans().filter(|_| width > 0) {
            seen.extend(beside(&looked[span.start * width..span.end * width], width, weights.at(&layout.neighbours)));
        }
        let mut mixed = repeated(weights.at(&layout.mix_bias), batch.pieces.len());
        let shape = Shape { rows: batch.pieces.len(), inner: width, columns: width };
        multiply(&mut mixed, &seen, weights.at(&layout.mix), shape);
        for (value, more) in looked.iter_mut().zip(&mixed) {
            *value += more.max(0.0);
        }
        let mut lesson = Self {
            seen,
            mixed,
            looked,
            shares: vec![0.0; batch.pieces.len() * N_QUERIES],
            tops: vec![0; n * width],
            normal: Vec::new(),
            inverses: Vec::new(),
            pooled: vec![0.0; n * layout.pooled()],
            first: Vec::new(),
            bent: Vec::new(),
            second: Vec::new(),
            trunk: Vec::new(),
            out: Vec::new(),
            datasets: Vec::new(),
        };
        if width > 0 {
            lesson.pool(layout, weights, batch);
        }
        lesson
    }

    #[inline(always)]
    fn pool(&mut self, layout: &Layout, weights: &Weights, batch: &Batch<'_>) {
        let (width, n_pooled) = (layout.width, layout.pooled());
        let queries = weights.at(&layout.queries);
        let mut shares = Vec::new();
        for (at, span) in batch.spans().enumerate().filter(|(_, span)| !span.is_empty()) {
            let rows = &self.looked[span.start * width..span.end * width];
            let pooled = &mut self.pooled[at * n_pooled..][..n_pooled];
            let (attended, plain) = pooled.split_at_mut(N_QUERIES * width);
            for (k, query) in queries.chunks_exact(width).enumerate() {
                shares.clear();
                shares.extend(rows.chunks_exact(width).map(|row| dot(row, query)));
                softmax(&mut shares);
                for (place, (row, share)) in rows.chunks_exact(width).zip(&shares).enumerate() {
                    add_scaled(&mut attended[k * width..][..width], *share, row);
                    self.shares[(span.start + place) * N_QUERIES + k] = *share;
                }
            }
            let (mean, top) = plain.split_at_mut(width);
            #[expect(clippy::cast_precision_loss, reason = "a few hundred pieces")]
            let share = 1.0 / span.len() as f32;
            top.copy_from_slice(&rows[..width]);
            let tops = &mut self.tops[at * width..][..width];
            for (place, row) in rows.chunks_exact(width).enumerate() {
                add_scaled(mean, share, row);
                for ((top, which), value) in top.iter_mut().zip(tops.iter_mut()).zip(row) {
                    if *value > *top {
                        *top = *value;
                        *which = u32::try_from(place).unwrap_or(0);
                    }
                }
            }
        }
        let ones = vec![1.0; n_pooled];
        let zeros = vec![0.0; n_pooled];
        self.normal = self.pooled.clone();
        self.inverses = self.normal.chunks_exact_mut(n_pooled).map(|row| normalise(row, &ones, &zeros)).collect();
        let (scale, shift) = (weights.at(&layout.norm_scale), weights.at(&layout.norm_shift));
        let rows = self.pooled.chunks_exact_mut(n_pooled).zip(self.normal.chunks_exact(n_pooled));
        for ((pooled, normal), kept) in rows.zip(batch.pooled_kept.chunks_exact(n_pooled)) {
            for k in 0..n_pooled {
                pooled[k] = (normal[k] * scale[k] + shift[k]) * kept[k];
            }
        }
    }

    /// From pooled numbers and features to level, traits and data sets.
    #[inline(always)]
    fn think(&mut self, layout: &Layout, weights: &Weights, batch: &Batch<'_>) {
        let (n, trunk) = (batch.n(), layout.trunk);
        let into = |inner: usize, columns: usize| Shape { rows: n, inner, columns };
        self.first = repeated(weights.at(&layout.trunk_bias), n);
        multiply(&mut self.first, &self.pooled, weights.at(&layout.pooled_in), into(layout.pooled(), trunk));
        multiply(&mut self.first, &batch.features, weights.at(&layout.features_in), into(layout.n_features, trunk));
        let (kept_first, kept_second) = batch.trunk_kept.split_at(n * trunk);
        self.bent = self.first.iter().zip(kept_first).map(|(value, kept)| gelu(*value) * kept).collect();
        self.second = repeated(weights.at(&layout.second_bias), n);
        multiply(&mut self.second, &self.bent, weights.at(&layout.second), into(trunk, trunk));
        let more = self.second.iter().zip(kept_second).map(|(value, kept)| gelu(*value) * kept);
        self.trunk = self.bent.iter().zip(more).map(|(value, more)| value + more).collect();
        self.out = repeated(weights.at(&layout.out_bias), n);
        multiply(&mut self.out, &self.trunk, weights.at(&layout.out), into(trunk, layout.n_out));
        self.datasets = repeated(weights.at(&layout.aux_bias), n);
        multiply(&mut self.datasets, &self.trunk, weights.at(&layout.aux), into(trunk, layout.n_datasets));
        self.datasets.chunks_exact_mut(layout.n_datasets.max(1)).for_each(softmax);
    }

    /// The probability that a model succeeds on a prompt of the batch.
    #[inline(always)]
    pub(crate) fn quality(&self, layout: &Layout, weights: &Weights, prompt: usize, model: usize) -> f32 {
        let out = &self.out[prompt * layout.n_out..][..layout.n_out];
        let abilities = &weights.at(&layout.abilities)[model * layout.n_traits()..][..layout.n_traits()];
        let slope = slope_of(weights.at(&layout.model_slope)[model]);
        sigmoid(weights.at(&layout.model_bias)[model] + slope * out[0] + dot(&out[1..], abilities))
    }
}

/// A row, over and over.
fn repeated(row: &[f32], n: usize) -> Vec<f32> {
    let mut rows = Vec::with_capacity(row.len() * n);
    (0..n).for_each(|_| rows.extend_from_slice(row));
    rows
}
