//! From a reading to logits. Each view turns the prompt into a few traits, and each model has abilities in every view; what a
//! view expects of a model is a sum of products. The views are averaged as logits.

use crate::abilities::Link;
use crate::forest::Forest;
use crate::kernel::{dot, logit};
use crate::lens::Reading;
use crate::net::Net;
use crate::topics::Topics;

/// One way to look at a prompt.
#[derive(Clone, Debug, PartialEq)]
pub enum View {
    /// A net: bias, slope times level, abilities times traits make a logit.
    Net(Box<Net>),
    /// A forest: the same sum makes a probability.
    Forest(Forest),
    /// Topics of its own, told by features, too: the same sum of the prompt's shares of them makes a probability.
    Topics(Box<Topics>),
}

/// Sums that are probabilities are kept this far from 0 and 1: they can leave the interval.
const EDGE: f32 = 0.02;

impl View {
    /// The level and the traits of a prompt.
    pub fn traits(&self, reading: &Reading) -> Vec<f32> {
        match self {
            Self::Net(net) => net.traits(&reading.pieces, reading.row.values()),
            Self::Forest(forest) => forest.values(reading.row.values()),
            Self::Topics(topics) => topics.shares(&reading.pieces, reading.row.untold()),
        }
    }

    /// How many numbers [`View::traits`] gives.
    pub fn n_traits(&self) -> usize {
        match self {
            Self::Net(net) => net.n_out(),
            Self::Forest(forest) => forest.n_values,
            Self::Topics(topics) => topics.n_topics(),
        }
    }

    /// Whether the view fits feature rows of so many numbers, of which the last are shares of so many topics.
    pub(crate) fn check(&self, n_features: usize, n_topics: usize) -> Result<(), String> {
        match self {
            Self::Net(net) => net.check(n_features),
            Self::Forest(forest) => forest.check(n_features),
            Self::Topics(topics) => topics.check(n_features - n_topics),
        }
    }

    /// How sums of products become what this view observes.
    pub fn link(&self) -> Link {
        match self {
            Self::Net(_) => Link::Logit,
            Self::Forest(_) | Self::Topics(_) => Link::Identity,
        }
    }

    /// The sum of products itself.
    #[inline(always)]
    pub fn sum(traits: &[f32], abilities: &[f32]) -> f32 {
        abilities[0] + dot(&abilities[1..], traits)
    }

    /// What a model with these abilities (bias, slope, abilities) is expected to do.
    #[inline(always)]
    pub fn logit(&self, traits: &[f32], abilities: &[f32]) -> f32 {
        self.logit_of(Self::sum(traits, abilities))
    }

    /// The logit that a sum of products stands for.
    #[inline(always)]
    pub fn logit_of(&self, sum: f32) -> f32 {
        match self {
            Self::Net(_) => sum,
            Self::Forest(_) | Self::Topics(_) => logit(sum.clamp(EDGE, 1.0 - EDGE)),
        }
    }
}

#[cfg(test)]
mod tests {
    //! The view that asks topics of its own.

    use super::View;
    use crate::feature_layer::FeatureLayer;
    use crate::features::{Features, HAND_FEATURES};
    use crate::lens::Reading;
    use crate::matrix::Matrix;
    use crate::topics::Topics;

    /// Those of a row with two numbers of an encoder, of which the last speaks for the second topic.
    const N_FEATURES: usize = HAND_FEATURES + 2;

    fn view() -> View {
        let mut weights = vec![0.0; N_FEATURES * 2];
        weights[N_FEATURES * 2 - 2..].copy_from_slice(&[-3.0, 3.0]);
        let weights = Matrix::of(&weights, 2);
        View::Topics(Box::new(Topics {
            pieces: vec![3],
            rarities: vec![1.0],
            weights: Matrix::of(&[4.0, -4.0], 2),
            features: FeatureLayer::new(vec![0.0; N_FEATURES], vec![1.0; N_FEATURES], weights, vec![0.0; 2]),
        }))
    }

    #[test]
    fn the_view_of_topics_hears_pieces_and_features_and_not_what_the_row_was_told() {
        let view = view();
        let seen = |pieces: &[u32], last: f32, told: &[f32]| {
            let row = Features::new().row("", &[], &[0.0, last]).told(told);
            view.traits(&Reading { pieces: pieces.to_vec(), row })
        };
        assert!(seen(&[3], 0.0, &[])[0] > 0.99 && seen(&[], 1.0, &[])[1] > 0.99);
        assert_eq!(seen(&[], 1.0, &[0.9, 0.1, 0.0]), seen(&[], 1.0, &[]));
        assert_eq!(seen(&[], 0.0, &[0.9, 0.1, 0.0]), [0.5, 0.5]);
    }

    #[test]
    fn the_view_of_topics_fits_rows_of_its_features_beside_any_number_of_topics() {
        let view = view();
        assert_eq!((view.check(N_FEATURES + 7, 7), view.n_traits()), (Ok(()), 2));
        let error = view.check(N_FEATURES + 8, 7).unwrap_err();
        assert!(error.contains(&format!("instead of {}", N_FEATURES + 1)), "{error}");
    }
}
