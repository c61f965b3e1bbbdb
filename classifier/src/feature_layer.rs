//! The first layer of a net, from the features to its trunk. Most features of a prompt are absent: words that do not occur, signs
//! that are not there. What their absence says is summed up once, and a prompt pays for what it has.

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

    /// Its weights, as they are stored.
    pub(crate) fn weights(&self) -> &Matrix {
        &self.weights
    }

    /// Its other tensors by name.
    pub(crate) fn tensors(&self) -> [(&'static str, &[f32]); 3] {
        [("centre", &self.centre), ("inverse_spread", &self.inverse_spread), ("trunk_bias", &self.bias)]
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
