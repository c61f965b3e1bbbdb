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
