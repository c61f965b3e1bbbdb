//! The first layer of a net, from the features to its trunk, or of topics, from the features to what each topic has. Most features
//! of a prompt are absent: words that do not occur, signs that are not there. What their absence says is summed up once, and a
//! prompt pays for what it has.

use crate::kernel::add_rows;
use crate::matrix::Matrix;

/// Standardised features are kept within this many standard deviations: a text unlike any other must not dominate.
pub const FEATURE_LIMIT: f32 = 4.0;

/// Features in, the sums of the trunk out.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureLayer {
    centre: Vec<f32>,
    inverse_spread: Vec<f32>,
    weights: Matrix,
    bias: Vec<f32>,
    /// The sums where every feature is absent.
    at_rest: Vec<f32>,
}

impl FeatureLayer {
    /// A layer from the mean of each feature in training, one over its standard deviation, a row of weights for each feature and
    /// what is added to the sums.
    pub fn new(centre: Vec<f32>, inverse_spread: Vec<f32>, weights: Matrix, bias: Vec<f32>) -> Self {
        let absent: Vec<f32> =
            centre.iter().zip(&inverse_spread).map(|(centre, scale)| standardised(0.0, *centre, *scale)).collect();
        let mut at_rest = bias.clone();
        weights.add_product(&mut at_rest, &absent);
        Self { centre, inverse_spread, weights, bias, at_rest }
    }

    /// A layer that asks no feature: its sums are always these.
    pub fn without_features(bias: Vec<f32>) -> Self {
        Self::new(Vec::new(), Vec::new(), Matrix::default(), bias)
    }

    /// How many sums come out.
    pub(crate) fn width(&self) -> usize {
        self.bias.len()
    }

    /// The sums of these features.
    #[inline(always)]
    pub(crate) fn sums(&self, features: &[f32]) -> Vec<f32> {
        let scales = self.centre.iter().zip(&self.inverse_spread);
        let present: Vec<(f32, &[i8])> = features
            .iter()
            .zip(scales)
            .enumerate()
            .filter(|(_, (value, _))| **value != 0.0)
            .filter_map(|(at, (value, (centre, scale)))| {
                let (steps, step) = self.weights.row(at, self.bias.len())?;
                let beyond_absence = standardised(*value, *centre, *scale) - standardised(0.0, *centre, *scale);
                Some((beyond_absence * step, steps))
            })
            .collect();
        let mut sums = self.at_rest.clone();
        add_rows(&mut sums, present.iter().copied());
        sums
    }

    /// Checks that it takes so many features in, and that it has weights for each.
    pub(crate) fn check(&self, n_features: usize) -> Result<(), String> {
        let parts = [("centre", self.centre.len()), ("inverse_spread", self.inverse_spread.len())];
        if let Some((part, found)) = parts.into_iter().find(|(_, found)| *found != n_features) {
            return Err(format!("{found} numbers in `{part}` instead of {n_features}"));
        }
        let width = self.width();
        let unasked = n_features == 0 && self.weights == Matrix::default();
        if !unasked && !self.weights.measures(n_features, width) {
            let (steps, n_rows) = (self.weights.steps.len(), self.weights.n_rows());
            return Err(format!("{steps} numbers in {n_rows} rows of `weights` instead of {n_features} x {width}"));
        }
        Ok(())
    }

    /// Its weights, as they are stored.
    pub(crate) fn weights(&self) -> &Matrix {
        &self.weights
    }

    /// Its other tensors: the mean of each feature, one over its deviation, and what is added to the sums.
    pub(crate) fn tensors(&self) -> [&[f32]; 3] {
        [&self.centre, &self.inverse_spread, &self.bias]
    }
}

/// A feature as the trunk sees it.
#[inline(always)]
pub fn standardised(value: f32, centre: f32, inverse_spread: f32) -> f32 {
    ((value - centre) * inverse_spread).clamp(-FEATURE_LIMIT, FEATURE_LIMIT)
}

#[cfg(test)]
mod tests {
    //! The short way beside the long one.

    use super::{FeatureLayer, standardised};
    use crate::matrix::Matrix;

    #[test]
    fn the_sums_are_those_of_all_features_though_absent_ones_are_passed_over() {
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let number = |at: usize| ((at * 7919 % 1013) as f32 - 500.0) / 137.0;
        let (n, width) = (40, 24);
        let (centre, spread): (Vec<f32>, Vec<f32>) = ((0..n).map(number).collect(), vec![0.7; n]);
        let weights = Matrix::of(&(0..n * width).map(|at| number(at + 3)).collect::<Vec<_>>(), width);
        let bias: Vec<f32> = (0..width).map(|at| number(at + 11)).collect();
        let layer = FeatureLayer::new(centre.clone(), spread.clone(), weights.clone(), bias.clone());
        for present in [0, 1, 7, n] {
            let features: Vec<f32> = (0..n)
                .map(
                    |at| if at % n.div_ceil(present.max(1)) < usize::from(present > 0) { number(at + 90) } else { 0.0 },
                )
                .collect();
            let mut long_way = bias.clone();
            let seen: Vec<f32> = (0..n).map(|at| standardised(features[at], centre[at], spread[at])).collect();
            weights.add_product(&mut long_way, &seen);
            for (short, long) in layer.sums(&features).iter().zip(&long_way) {
                assert!((short - long).abs() < 1e-3, "{present} present: {short} against {long}");
            }
        }
    }
}
