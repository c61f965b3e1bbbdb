//! A rare deliberate detour, so that a log can say what the road not taken would have been worth. The draw comes in with
//! the request and the propensity goes out with the decision: without both, a log cannot be judged off-policy.

use crate::units::{Draw, PicoUsd};

/// The largest share of requests that may be detours: beyond it the router is mostly guessing.
pub const MAX_EXPLORATION: f64 = 0.5;

/// How often to make a detour, and how dear it may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exploration {
    rate: f64,
    max_cost: Option<PicoUsd>,
}

/// Why a rate is none.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("expected an exploration rate above 0 and at most {MAX_EXPLORATION}, found {found}")]
pub struct RateError {
    /// What was found.
    pub found: f64,
}

impl Exploration {
    /// Checks a rate. `max_cost` keeps detours away from models whose call is expected to cost more.
    pub fn new(rate: f64, max_cost: Option<PicoUsd>) -> Result<Self, RateError> {
        if rate > 0.0 && rate <= MAX_EXPLORATION { Ok(Self { rate, max_cost }) } else { Err(RateError { found: rate }) }
    }

    /// The share of requests that are detours.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// The most a detour may be expected to cost.
    pub fn max_cost(&self) -> Option<PicoUsd> {
        self.max_cost
    }

    /// Which of the models to take, given the policy's own choice, with the propensity of each.
    /// `costs` must come in an order that does not depend on the caller, or a draw could not be replayed.
    pub(crate) fn detour(&self, costs: &[PicoUsd], own_choice: usize, draw: Draw) -> Detour {
        let pool: Vec<usize> =
            (0..costs.len()).filter(|index| self.max_cost.is_none_or(|most| costs[*index] <= most)).collect();
        let mut propensities = vec![0.0; costs.len()];
        if pool.is_empty() {
            propensities[own_choice] = 1.0;
            return Detour { taken: own_choice, propensities };
        }
        let share = self.rate / count(pool.len());
        for index in &pool {
            propensities[*index] = share;
        }
        propensities[own_choice] += 1.0 - self.rate;
        // The low end of the range is cut into one slice of equal length for each model of the pool.
        let slice = pool.iter().enumerate().find(|(place, _)| draw.get() < share * count(place + 1));
        let taken = slice.map_or(own_choice, |(_, index)| *index);
        Detour { taken, propensities }
    }
}

/// A choice with the propensities of all.
#[derive(Debug, PartialEq)]
pub(crate) struct Detour {
    pub(crate) taken: usize,
    /// In the order of the costs given.
    pub(crate) propensities: Vec<f64>,
}

#[expect(clippy::cast_precision_loss, reason = "there are at most a few thousand models")]
fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests;
