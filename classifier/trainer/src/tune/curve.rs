//! What could be had for other promises, so that a person can choose one. A promise that is chosen by looking at such a curve
//! was chosen on the rows, and that has a price: the curve gives the saving with and without it.

use serde::Serialize;

use super::walk::Walk;

/// The losses of the curve.
pub const CURVE: [f64; 10] = [0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2];

/// What a promise would save.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Offer {
    /// The most that may be lost.
    pub loss_at_most: f64,
    /// The saving for somebody who had decided on this figure before; none where nothing can be promised.
    pub saving: Option<f64>,
    /// The saving for somebody who decides on it by looking at this curve.
    pub saving_if_chosen_here: Option<f64>,
}

/// The whole curve.
pub(super) fn offers(walk: &Walk<'_>) -> Vec<Offer> {
    let level = 1.0 - walk.ask.confidence;
    let chosen_from = evals::grid::number(CURVE.len());
    let saving =
        |loss_at_most, level| walk.at(loss_at_most, level).map(|found| found.saving).filter(|saving| *saving > 0.0);
    let offer = |loss_at_most| Offer {
        loss_at_most,
        saving: saving(loss_at_most, level),
        saving_if_chosen_here: saving(loss_at_most, level / chosen_from),
    };
    CURVE.into_iter().map(offer).collect()
}
