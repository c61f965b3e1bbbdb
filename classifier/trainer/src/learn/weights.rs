//! The numbers of a net in training: all dense ones in one row, so that one loop updates them, and the table of word pieces.

use std::ops::Range;

use classifier::feature_layer::FeatureLayer;
use classifier::matrix::Matrix;
use classifier::net::{N_POOLINGS, N_QUERIES, Net, Reader};

use super::{Abilities, Classroom, Course, Learned};
use crate::dice::Dice;

/// Where each part lies in the row of dense numbers.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) width: usize,
    pub(crate) n_pieces: usize,
    pub(crate) n_features: usize,
    pub(crate) trunk: usize,
    pub(crate) n_out: usize,
    pub(crate) n_datasets: usize,
    pub(crate) n_models: usize,
    pub(crate) neighbours: Range<usize>,
    pub(crate) mix: Range<usize>,
    pub(crate) mix_bias: Range<usize>,
    pub(crate) queries: Range<usize>,
    pub(crate) norm_scale: Range<usize>,
    pub(crate) norm_shift: Range<usize>,
    pub(crate) pooled_in: Range<usize>,
    pub(crate) features_in: Range<usize>,
    pub(crate) trunk_bias: Range<usize>,
    pub(crate) second: Range<usize>,
    pub(crate) second_bias: Range<usize>,
    pub(crate) out: Range<usize>,
    pub(crate) out_bias: Range<usize>,
    pub(crate) aux: Range<usize>,
    pub(crate) aux_bias: Range<usize>,
    /// From here on nothing decays: biases, slopes and abilities of the models.
    pub(crate) model_bias: Range<usize>,
    pub(crate) model_slope: Range<usize>,
    pub(crate) abilities: Range<usize>,
    pub(crate) n_dense: usize,
}

impl Layout {
    pub(crate) fn new(room: &Classroom<'_>, course: &Course) -> Self {
        let (width, n_pieces) =
            room.start.as_ref().map_or((0, 0), |start| (start.width, start.table.len() / start.width));
        let (trunk, n_out) = (course.trunk, 1 + course.n_traits);
        let (n_features, n_models, n_datasets) = (room.centre.len(), room.biases.len(), room.n_datasets);
        let pooled = N_POOLINGS * width;
        let mut at = 0;
        let mut next = |n: usize| {
            at += n;
            at - n..at
        };
        Self {
            width,
            n_pieces,
            n_features,
            trunk,
            n_out,
            n_datasets,
            n_models,
            neighbours: next(3 * width),
            mix: next(width * width),
            mix_bias: next(width),
            queries: next(N_QUERIES * width),
            norm_scale: next(pooled),
            norm_shift: next(pooled),
            pooled_in: next(pooled * trunk),
            features_in: next(n_features * trunk),
            trunk_bias: next(trunk),
            second: next(trunk * trunk),
            second_bias: next(trunk),
            out: next(trunk * n_out),
            out_bias: next(n_out),
            aux: next(trunk * n_datasets),
            aux_bias: next(n_datasets),
            model_bias: next(n_models),
            model_slope: next(n_models),
            abilities: next(n_models * course.n_traits),
            n_dense: at,
        }
    }

    pub(crate) fn pooled(&self) -> usize {
        N_POOLINGS * self.width
    }

    pub(crate) fn n_traits(&self) -> usize {
        self.n_out - 1
    }
}

/// The numbers, or their gradient.
#[derive(Clone, Debug)]
pub(crate) struct Weights {
    pub(crate) dense: Vec<f32>,
    pub(crate) table: Vec<f32>,
}

impl Weights {
    /// Where training begins.
    pub(crate) fn start(layout: &Layout, room: &Classroom<'_>, dice: &mut Dice) -> Self {
        let mut dense = vec![0.0; layout.n_dense];
        let mut fill = |range: &Range<usize>, spread: f32| {
            dense[range.clone()].fill_with(|| spread * dice.normal());
        };
        #[expect(clippy::cast_precision_loss, reason = "hundreds")]
        let fan = |n: usize| 1.0 / (n.max(1) as f32).sqrt();
        fill(&layout.mix, fan(layout.width));
        fill(&layout.queries, 0.3 * fan(layout.width));
        fill(&layout.pooled_in, 0.6 * fan(layout.pooled()));
        fill(&layout.features_in, 0.6 * fan(layout.n_features));
        fill(&layout.second, 0.6 * fan(layout.trunk));
        fill(&layout.out, 0.6 * fan(layout.trunk));
        fill(&layout.aux, 0.6 * fan(layout.trunk));
        fill(&layout.abilities, 0.1);
        dense[layout.norm_scale.clone()].fill(1.0);
        let (own, width) = (layout.neighbours.start + layout.width, layout.width);
        dense[layout.neighbours.clone()].fill(0.2);
        dense[own..own + width].fill(0.6);
        dense[layout.model_bias.clone()].copy_from_slice(room.biases);
        let table = room.start.as_ref().map_or_else(Vec::new, |start| start.table.to_vec());
        Self { dense, table }
    }

    pub(crate) fn zero(layout: &Layout) -> Self {
        Self { dense: vec![0.0; layout.n_dense], table: vec![0.0; layout.n_pieces * layout.width] }
    }

    pub(crate) fn at(&self, range: &Range<usize>) -> &[f32] {
        &self.dense[range.clone()]
    }

    pub(crate) fn at_mut(&mut self, range: &Range<usize>) -> &mut [f32] {
        &mut self.dense[range.clone()]
    }

    /// The net as it serves, its matrices in single bytes.
    pub(crate) fn finished(&self, layout: &Layout, room: &Classroom<'_>) -> Learned {
        let part = |range: &Range<usize>| self.at(range).to_vec();
        let matrix = |range: &Range<usize>| Matrix::of(self.at(range), layout.trunk);
        let reader = (layout.width > 0).then(|| Reader {
            width: layout.width,
            table: Matrix::of(&self.table, layout.width),
            neighbours: part(&layout.neighbours),
            mix: part(&layout.mix),
            mix_bias: part(&layout.mix_bias),
            queries: part(&layout.queries),
            norm_scale: part(&layout.norm_scale),
            norm_shift: part(&layout.norm_shift),
            into_trunk: matrix(&layout.pooled_in),
        });
        let net = Net {
            reader,
            features: FeatureLayer::new(
                room.centre.to_vec(),
                room.inverse_spread.to_vec(),
                matrix(&layout.features_in),
                part(&layout.trunk_bias),
            ),
            second: matrix(&layout.second),
            second_bias: part(&layout.second_bias),
            out: part(&layout.out),
            out_bias: part(&layout.out_bias),
        };
        let n_traits = layout.n_traits();
        let rows = (0..layout.n_models)
            .flat_map(|model| {
                let slope = slope_of(self.at(&layout.model_slope)[model]);
                let abilities = &self.at(&layout.abilities)[model * n_traits..][..n_traits];
                [self.at(&layout.model_bias)[model], slope].into_iter().chain(abilities.iter().copied())
            })
            .collect();
        Learned { net, abilities: Abilities { rows, n: layout.n_out + 1 } }
    }
}

/// Slopes are positive: they are kept as logarithms, between these ends.
pub(crate) const SLOPE_LIMIT: f32 = 2.0;

pub(crate) fn slope_of(logarithm: f32) -> f32 {
    classifier::kernel::exp(logarithm.clamp(-SLOPE_LIMIT, SLOPE_LIMIT))
}
