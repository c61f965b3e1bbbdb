//! A small net: word pieces through a trained table, a look at neighbours and several attention poolings, beside the feature
//! row; out come a level and traits. Plain loops, no library: a hundred tokens are a few hundred thousand multiplications.

use crate::feature_layer::FeatureLayer;
use crate::kernel::{add_product, add_scaled, dot, gelu, softmax, widely};
use crate::matrix::Matrix;

/// Attention poolings beside the mean and the maximum.
pub const N_QUERIES: usize = 4;

/// The poolings together.
pub const N_POOLINGS: usize = N_QUERIES + 2;

/// The part that reads word pieces.
#[derive(Clone, Debug, PartialEq)]
pub struct Reader {
    /// Width of a word piece.
    pub width: usize,
    /// One row a word piece.
    pub table: Matrix,
    /// Weights of the piece before, itself and the piece after, channel by channel.
    pub neighbours: Vec<f32>,
    /// Mixes the channels: `width x width`.
    pub mix: Vec<f32>,
    /// Added after mixing.
    pub mix_bias: Vec<f32>,
    /// One row a pooling: what it looks for.
    pub queries: Vec<f32>,
    /// Scale of each pooled number after normalisation.
    pub norm_scale: Vec<f32>,
    /// Shift of each pooled number after normalisation.
    pub norm_shift: Vec<f32>,
    /// From the pooled numbers to the trunk.
    pub into_trunk: Matrix,
}

/// A whole net.
#[derive(Clone, Debug, PartialEq)]
pub struct Net {
    /// The part that reads word pieces, where the net has one.
    pub reader: Option<Reader>,
    /// From the features to the trunk.
    pub features: FeatureLayer,
    /// The second layer of the trunk.
    pub second: Matrix,
    /// Added in the second layer.
    pub second_bias: Vec<f32>,
    /// From the trunk to the level and the traits, the level first.
    pub out: Vec<f32>,
    /// Added to them.
    pub out_bias: Vec<f32>,
}

impl Net {
    /// Numbers that come out: the level and the traits.
    pub fn n_out(&self) -> usize {
        self.out_bias.len()
    }

    /// The level and the traits of a prompt.
    pub fn traits(&self, pieces: &[u32], features: &[f32]) -> Vec<f32> {
        widely(
            #[inline(always)]
            || self.traits_inlined(pieces, features),
        )
    }

    #[inline(always)]
    fn traits_inlined(&self, pieces: &[u32], features: &[f32]) -> Vec<f32> {
        let mut trunk = self.features.sums(features);
        if let Some(reader) = &self.reader {
            reader.into_trunk.add_product(&mut trunk, &reader.pooled(pieces));
        }
        trunk.iter_mut().for_each(|value| *value = gelu(*value));
        let mut second = self.second_bias.clone();
        self.second.add_product(&mut second, &trunk);
        for (value, more) in trunk.iter_mut().zip(&second) {
            *value += gelu(*more);
        }
        let mut out = self.out_bias.clone();
        add_product(&mut out, &trunk, &self.out);
        out
    }
}

impl Net {
    /// Its matrices by name, those of the reader apart.
    pub(crate) fn matrices(&self) -> [(&'static str, &Matrix); 2] {
        [("into_trunk", self.features.weights()), ("second", &self.second)]
    }

    /// Its other tensors by name.
    pub(crate) fn tensors(&self) -> [(&'static str, &[f32]); 6] {
        let [centre, inverse_spread, trunk_bias] = self.features.tensors();
        [
            ("centre", centre),
            ("inverse_spread", inverse_spread),
            ("trunk_bias", trunk_bias),
            ("second_bias", &self.second_bias),
            ("out", &self.out),
            ("out_bias", &self.out_bias),
        ]
    }

    /// Whether the parts fit each other and the feature row.
    pub(crate) fn check(&self, n_features: usize) -> Result<(), String> {
        self.features.check(n_features)?;
        let (trunk, n_out) = (self.features.width(), self.out_bias.len());
        let mut sizes = vec![("second_bias", self.second_bias.len(), trunk), ("out", self.out.len(), trunk * n_out)];
        let mut matrices = vec![("second", &self.second, trunk, trunk)];
        if let Some(reader) = &self.reader {
            let (width, pooled) = (reader.width, N_POOLINGS * reader.width);
            sizes.extend([
                ("reader.queries", reader.queries.len(), N_QUERIES * width.max(1)),
                ("reader.neighbours", reader.neighbours.len(), 3 * width),
                ("reader.mix", reader.mix.len(), width * width),
                ("reader.mix_bias", reader.mix_bias.len(), width),
                ("reader.norm_scale", reader.norm_scale.len(), pooled),
                ("reader.norm_shift", reader.norm_shift.len(), pooled),
            ]);
            matrices.extend([
                ("reader.table", &reader.table, reader.table.n_rows(), width),
                ("reader.into_trunk", &reader.into_trunk, pooled, trunk),
            ]);
        }
        if let Some((part, matrix, n_rows, width)) =
            matrices.into_iter().find(|(_, matrix, n_rows, width)| !matrix.measures(*n_rows, *width))
        {
            let found = (matrix.steps.len(), matrix.n_rows());
            return Err(format!("{} numbers in {} rows in `{part}` instead of {n_rows} x {width}", found.0, found.1));
        }
        match sizes.into_iter().find(|(_, found, expected)| found != expected || *found == 0) {
            None => Ok(()),
            Some((part, found, expected)) => Err(format!("{found} numbers in `{part}` instead of {expected}")),
        }
    }
}

impl Reader {
    /// Its matrices by name.
    pub(crate) fn matrices(&self) -> [(&'static str, &Matrix); 2] {
        [("reader.table", &self.table), ("reader.into_trunk", &self.into_trunk)]
    }

    /// Its other tensors by name.
    pub(crate) fn tensors(&self) -> [(&'static str, &[f32]); 6] {
        [
            ("reader.neighbours", &self.neighbours),
            ("reader.mix", &self.mix),
            ("reader.mix_bias", &self.mix_bias),
            ("reader.queries", &self.queries),
            ("reader.norm_scale", &self.norm_scale),
            ("reader.norm_shift", &self.norm_shift),
        ]
    }

    /// The normalised poolings of these word pieces.
    #[inline(always)]
    pub fn pooled(&self, pieces: &[u32]) -> Vec<f32> {
        let mut looked = self.rows(pieces);
        self.look(&mut looked);
        let mut pooled = pool(&looked, self.width, &self.queries);
        normalise(&mut pooled, &self.norm_scale, &self.norm_shift);
        pooled
    }

    /// The rows of the table. A piece the table lacks is passed over.
    #[inline(always)]
    fn rows(&self, pieces: &[u32]) -> Vec<f32> {
        let mut rows = Vec::with_capacity(pieces.len() * self.width);
        for piece in pieces {
            if let Some((steps, scale)) = self.table.row(*piece as usize, self.width) {
                rows.extend(steps.iter().map(|step| f32::from(*step) * scale));
            }
        }
        rows
    }

    /// Adds to each piece what it means beside its neighbours.
    #[inline(always)]
    fn look(&self, rows: &mut [f32]) {
        let width = self.width;
        let seen = beside(rows, width, &self.neighbours);
        let mut mixed = vec![0.0; width];
        for (row, seen) in rows.chunks_exact_mut(width).zip(seen.chunks_exact(width)) {
            mixed.copy_from_slice(&self.mix_bias);
            add_product(&mut mixed, seen, &self.mix);
            for (value, more) in row.iter_mut().zip(&mixed) {
                *value += more.max(0.0);
            }
        }
    }
}

/// Each row weighted together with the one before and the one after, channel by channel.
#[inline(always)]
pub fn beside(rows: &[f32], width: usize, neighbours: &[f32]) -> Vec<f32> {
    let (before, rest) = neighbours.split_at(width);
    let (own, after) = rest.split_at(width);
    let n = rows.len() / width;
    let mut seen = vec![0.0; rows.len()];
    for at in 0..n {
        let here = &mut seen[at * width..][..width];
        let mut add = |row: &[f32], weights: &[f32]| {
            for ((here, value), weight) in here.iter_mut().zip(row).zip(weights) {
                *here += value * weight;
            }
        };
        if at > 0 {
            add(&rows[(at - 1) * width..][..width], before);
        }
        add(&rows[at * width..][..width], own);
        if at + 1 < n {
            add(&rows[(at + 1) * width..][..width], after);
        }
    }
    seen
}

/// The attention poolings, the mean and the maximum of the rows; zeros where there is no row.
#[inline(always)]
pub fn pool(rows: &[f32], width: usize, queries: &[f32]) -> Vec<f32> {
    let mut pooled = vec![0.0; N_POOLINGS * width];
    let n = rows.len() / width;
    if n == 0 {
        return pooled;
    }
    let (attended, plain) = pooled.split_at_mut(N_QUERIES * width);
    for (onto, query) in attended.chunks_exact_mut(width).zip(queries.chunks_exact(width)) {
        let mut shares: Vec<f32> = rows.chunks_exact(width).map(|row| dot(row, query)).collect();
        softmax(&mut shares);
        for (row, share) in rows.chunks_exact(width).zip(&shares) {
            add_scaled(onto, *share, row);
        }
    }
    let (mean, top) = plain.split_at_mut(width);
    #[expect(clippy::cast_precision_loss, reason = "a few hundred pieces")]
    let share = 1.0 / n as f32;
    top.copy_from_slice(&rows[..width]);
    for row in rows.chunks_exact(width) {
        add_scaled(mean, share, row);
        for (top, value) in top.iter_mut().zip(row) {
            *top = top.max(*value);
        }
    }
    pooled
}

/// What [`normalise`] divides by is never below this.
pub const NORM_FLOOR: f32 = 1e-5;

/// Mean 0 and variance 1, then the trained scale and shift. Returns one over the deviation.
#[inline(always)]
pub fn normalise(values: &mut [f32], scale: &[f32], shift: &[f32]) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "a few hundred numbers")]
    let n = values.len() as f32;
    let mean = values.iter().sum::<f32>() / n;
    let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f32>() / n;
    let inverse = 1.0 / libm::sqrtf(variance + NORM_FLOOR);
    for ((value, scale), shift) in values.iter_mut().zip(scale).zip(shift) {
        *value = (*value - mean) * inverse * scale + shift;
    }
    inverse
}
