//! The way back: from how wrong each answer was to what every number should change. By hand, step for step the forward pass in
//! reverse; a test compares it with differences.

use classifier::kernel::{GELU_SLOPE, add_scaled, dot, sigmoid};
use classifier::net::N_QUERIES;

use super::Course;
use super::batch::{Batch, Lesson};
use super::weights::{Layout, SLOPE_LIMIT, Weights, slope_of};
use crate::gemm::{Shape, multiply, multiply_transposed, transposed};

impl Lesson {
    /// The gradient of the batch's mean loss.
    #[inline(always)]
    pub(crate) fn backward(&self, layout: &Layout, weights: &Weights, batch: &Batch<'_>, course: &Course) -> Weights {
        let mut gradient = Weights::zero(layout);
        let out = self.answers_back(layout, weights, batch, course, &mut gradient);
        let datasets = self.datasets_back(layout, batch, course);
        let pooled = self.through_trunk(layout, weights, batch, (&out, &datasets), &mut gradient);
        if layout.width > 0 {
            let looked = self.through_pools(layout, weights, batch, pooled, &mut gradient);
            self.through_pieces(layout, weights, batch, &looked, &mut gradient);
        }
        gradient
    }

    /// What level and traits should change; abilities learn on the way.
    #[inline(always)]
    fn answers_back(
        &self,
        layout: &Layout,
        weights: &Weights,
        batch: &Batch<'_>,
        course: &Course,
        gradient: &mut Weights,
    ) -> Vec<f32> {
        let (n_out, n_traits) = (layout.n_out, layout.n_traits());
        let mut back = vec![0.0; batch.n() * n_out];
        for (prompt, pupil) in batch.pupils.iter().enumerate() {
            let out = &self.out[prompt * n_out..][..n_out];
            let back = &mut back[prompt * n_out..][..n_out];
            #[expect(clippy::cast_precision_loss, reason = "small counts")]
            let share = pupil.weight / (pupil.answers.len() * batch.n()) as f32;
            for (model, quality) in pupil.answers {
                let model = usize::from(*model);
                let wrong = share * (self.quality(layout, weights, prompt, model) - quality);
                let logarithm = weights.at(&layout.model_slope)[model];
                let slope = slope_of(logarithm);
                let abilities = &weights.at(&layout.abilities)[model * n_traits..][..n_traits];
                back[0] += wrong * slope;
                add_scaled(&mut back[1..], wrong, abilities);
                gradient.at_mut(&layout.model_bias)[model] += wrong;
                if logarithm.abs() < SLOPE_LIMIT {
                    gradient.at_mut(&layout.model_slope)[model] += wrong * slope * out[0];
                }
                let held = 2.0 * course.ability_penalty * share;
                let onto = &mut gradient.at_mut(&layout.abilities)[model * n_traits..][..n_traits];
                for ((onto, traits), abilities) in onto.iter_mut().zip(&out[1..]).zip(abilities) {
                    *onto += wrong * traits + held * abilities;
                }
            }
        }
        back
    }

    /// Through both layers; returns what the pooled numbers should change.
    #[inline(always)]
    fn through_trunk(
        &self,
        layout: &Layout,
        weights: &Weights,
        batch: &Batch<'_>,
        back: (&[f32], &[f32]),
        gradient: &mut Weights,
    ) -> Vec<f32> {
        let (out, datasets) = back;
        let (n, width) = (batch.n(), layout.trunk);
        learn_layer(gradient, (&layout.out, &layout.out_bias), &self.trunk, out, n);
        learn_layer(gradient, (&layout.aux, &layout.aux_bias), &self.trunk, datasets, n);
        let mut trunk = vec![0.0; n * width];
        back_through(&mut trunk, out, weights.at(&layout.out), n);
        back_through(&mut trunk, datasets, weights.at(&layout.aux), n);
        let (kept_first, kept_second) = batch.trunk_kept.split_at(n * width);
        let second = bent_back(&trunk, &self.second, kept_second);
        learn_layer(gradient, (&layout.second, &layout.second_bias), &self.bent, &second, n);
        back_through(&mut trunk, &second, weights.at(&layout.second), n);
        let first = bent_back(&trunk, &self.first, kept_first);
        learn_layer(gradient, (&layout.features_in, &layout.trunk_bias), &batch.features, &first, n);
        let mut pooled = vec![0.0; n * layout.pooled()];
        if layout.width > 0 {
            let shape = Shape { rows: layout.pooled(), inner: n, columns: width };
            multiply_transposed(gradient.at_mut(&layout.pooled_in), &self.pooled, &first, shape);
            back_through(&mut pooled, &first, weights.at(&layout.pooled_in), n);
        }
        pooled
    }

    /// How wrong the guessed data sets are.
    #[inline(always)]
    fn datasets_back(&self, layout: &Layout, batch: &Batch<'_>, course: &Course) -> Vec<f32> {
        let mut back = self.datasets.clone();
        for (row, pupil) in back.chunks_exact_mut(layout.n_datasets.max(1)).zip(&batch.pupils) {
            row[usize::from(pupil.dataset)] -= 1.0;
            #[expect(clippy::cast_precision_loss, reason = "small counts")]
            let share = course.aux * pupil.weight / batch.n() as f32;
            row.iter_mut().for_each(|value| *value *= share);
        }
        back
    }

    /// Through normalisation and poolings; returns what each piece's row should change.
    #[inline(always)]
    fn through_pools(
        &self,
        layout: &Layout,
        weights: &Weights,
        batch: &Batch<'_>,
        mut pooled: Vec<f32>,
        gradient: &mut Weights,
    ) -> Vec<f32> {
        let (width, n_pooled) = (layout.width, layout.pooled());
        self.through_norm(layout, weights, batch, &mut pooled, gradient);
        let mut looked = vec![0.0; self.looked.len()];
        for (at, span) in batch.spans().enumerate().filter(|(_, span)| !span.is_empty()) {
            let back = &pooled[at * n_pooled..][..n_pooled];
            let (attended, plain) = back.split_at(N_QUERIES * width);
            let rows = &self.looked[span.start * width..span.end * width];
            let onto = &mut looked[span.start * width..span.end * width];
            for (k, back) in attended.chunks_exact(width).enumerate() {
                let query = &weights.at(&layout.queries)[k * width..][..width];
                let share = |place: usize| self.shares[(span.start + place) * N_QUERIES + k];
                let pulls: Vec<f32> = rows.chunks_exact(width).map(|row| dot(row, back)).collect();
                let mean: f32 = pulls.iter().enumerate().map(|(place, pull)| share(place) * pull).sum();
                let learned = &mut gradient.at_mut(&layout.queries)[k * width..][..width];
                for (place, (row, onto)) in rows.chunks_exact(width).zip(onto.chunks_exact_mut(width)).enumerate() {
                    let score = share(place) * (pulls[place] - mean);
                    add_scaled(onto, share(place), back);
                    add_scaled(onto, score, query);
                    add_scaled(learned, score, row);
                }
            }
            let (mean, top) = plain.split_at(width);
            #[expect(clippy::cast_precision_loss, reason = "a few hundred pieces")]
            let share = 1.0 / span.len() as f32;
            onto.chunks_exact_mut(width).for_each(|onto| add_scaled(onto, share, mean));
            for (channel, (which, back)) in self.tops[at * width..][..width].iter().zip(top).enumerate() {
                onto[*which as usize * width + channel] += back;
            }
        }
        looked
    }

    #[inline(always)]
    fn through_norm(
        &self,
        layout: &Layout,
        weights: &Weights,
        batch: &Batch<'_>,
        pooled: &mut [f32],
        gradient: &mut Weights,
    ) {
        let n_pooled = layout.pooled();
        #[expect(clippy::cast_precision_loss, reason = "a few hundred numbers")]
        let n = n_pooled as f32;
        let rows = pooled.chunks_exact_mut(n_pooled).zip(self.normal.chunks_exact(n_pooled));
        for (at, ((back, normal), kept)) in rows.zip(batch.pooled_kept.chunks_exact(n_pooled)).enumerate() {
            for k in 0..n_pooled {
                back[k] *= kept[k];
                gradient.at_mut(&layout.norm_shift)[k] += back[k];
                gradient.at_mut(&layout.norm_scale)[k] += back[k] * normal[k];
                back[k] *= weights.at(&layout.norm_scale)[k];
            }
            let mean = back.iter().sum::<f32>() / n;
            let along = dot(back, normal) / n;
            for (back, normal) in back.iter_mut().zip(normal) {
                *back = self.inverses[at] * (*back - mean - normal * along);
            }
        }
    }

    /// Through mixing and neighbours into the table.
    #[inline(always)]
    fn through_pieces(
        &self,
        layout: &Layout,
        weights: &Weights,
        batch: &Batch<'_>,
        looked: &[f32],
        gradient: &mut Weights,
    ) {
        let (width, n_rows) = (layout.width, batch.pieces.len());
        let mixed: Vec<f32> =
            looked.iter().zip(&self.mixed).map(|(back, value)| if *value > 0.0 { *back } else { 0.0 }).collect();
        learn_layer(gradient, (&layout.mix, &layout.mix_bias), &self.seen, &mixed, n_rows);
        let mut seen = vec![0.0; n_rows * width];
        back_through(&mut seen, &mixed, weights.at(&layout.mix), n_rows);
        let neighbours = weights.at(&layout.neighbours);
        let row_of = |at: usize| &weights.table[batch.pieces[at] as usize * width..][..width];
        for span in batch.spans() {
            for at in span.clone() {
                let own = batch.pieces[at] as usize * width;
                add_scaled(&mut gradient.table[own..][..width], 1.0, &looked[at * width..][..width]);
                // The piece looked at the one before, itself and the one after.
                let sides = [
                    at.checked_sub(1).filter(|before| *before >= span.start),
                    Some(at),
                    Some(at + 1).filter(|after| *after < span.end),
                ];
                for (side, place) in sides.iter().enumerate().filter_map(|(side, place)| Some((side, (*place)?))) {
                    let learned = layout.neighbours.start + side * width;
                    let onto = batch.pieces[place] as usize * width;
                    for channel in 0..width {
                        let back = seen[at * width + channel];
                        gradient.dense[learned + channel] += back * row_of(place)[channel];
                        gradient.table[onto + channel] += back * neighbours[side * width + channel];
                    }
                }
            }
        }
    }
}

/// What the weights and the bias of a layer should change.
#[inline(always)]
fn learn_layer(
    gradient: &mut Weights,
    at: (&std::ops::Range<usize>, &std::ops::Range<usize>),
    input: &[f32],
    back: &[f32],
    n: usize,
) {
    if n == 0 {
        return; // A batch of prompts without a single word piece.
    }
    let (columns, rows) = (back.len() / n, input.len() / n);
    multiply_transposed(gradient.at_mut(at.0), input, back, Shape { rows, inner: n, columns });
    for row in back.chunks_exact(columns.max(1)) {
        add_scaled(gradient.at_mut(at.1), 1.0, row);
    }
}

/// `onto += back x weightsT`.
#[inline(always)]
fn back_through(onto: &mut [f32], back: &[f32], weights: &[f32], n: usize) {
    if n == 0 {
        return;
    }
    let (columns, inner) = (onto.len() / n, back.len() / n);
    multiply(onto, back, &transposed(weights, columns, inner), Shape { rows: n, inner, columns });
}

/// Through the bend and what chance took away.
#[inline(always)]
fn bent_back(back: &[f32], before: &[f32], kept: &[f32]) -> Vec<f32> {
    let slope = |x: f32| {
        let s = sigmoid(GELU_SLOPE * x);
        s + GELU_SLOPE * x * s * (1.0 - s)
    };
    back.iter().zip(before).zip(kept).map(|((back, before), kept)| back * kept * slope(*before)).collect()
}
