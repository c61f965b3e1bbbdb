//! The controller behind the `budget` mode. Two things keep the mean cost at its figure: a bank that no choice may overdraw,
//! and a *worth of a success* that rises while money is left over and falls while it runs out. The bank alone would keep the
//! figure and waste it on whoever comes first. The state is a value: the shell passes it in and stores what comes back.

use crate::units::PicoUsd;

/// How fast the worth of a success follows spending: after twenty requests at twice the figure it has fallen to a third.
/// Simulated over the streams of this file's tests (2026-11-21), 0.02 to 0.1 reach within 0.01 of the quality that hindsight
/// would have bought, and 0.05 is least sensitive to the first worth.
const GAIN: f64 = 0.05;

/// The bank the controller aims at, in figures: enough to pay for the odd call at thirty times the figure.
const RESERVE: f64 = 30.0;

/// How hard an empty or a full bank pulls on the worth, beside spending itself. Without it an empty bank would hold spending
/// at the figure by force, the worth would never fall, and the budget would go to whoever comes first: 0.03 less quality in
/// the same simulation. Anything from 0.5 to 1 serves.
const PULL: f64 = 0.5;

/// A success is first taken to be worth this many requests' budget. A guess that the controller corrects; the test shows
/// that a hundred times more or less ends in the same place.
const FIRST_WORTH: f64 = 20.0;

/// The worth stays within this factor of the figure, upwards and downwards, so that a long calm cannot wind it up for good.
const MOST_WORTH: f64 = 1e6;

/// One request's spending counts for at most this many figures in the worth; the bank still counts all of it.
const MOST_SURPRISE: f64 = 20.0;

/// What a budget has seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BudgetState {
    /// Requests decided.
    pub n_requests: u64,
    /// What they cost together, in pico-dollars.
    pub spent_pico_usd: u128,
    /// What a success is worth, in figures; none before the first request.
    pub worth: Option<f64>,
}

impl BudgetState {
    /// What the next request may cost without lifting the running mean above the figure.
    pub fn allowance(&self, usd_per_request: PicoUsd) -> PicoUsd {
        let earned = u128::from(usd_per_request.0).saturating_mul(u128::from(self.n_requests) + 1);
        PicoUsd(u64::try_from(earned.saturating_sub(self.spent_pico_usd)).unwrap_or(u64::MAX))
    }

    /// What a success is worth at present, in pico-dollars.
    pub fn usd_per_success(&self, usd_per_request: PicoUsd) -> f64 {
        self.worth() * usd_per_request.as_f64()
    }

    /// The state after a request that is expected to cost this much.
    #[must_use]
    pub fn after(&self, usd_per_request: PicoUsd, cost: PicoUsd) -> Self {
        let n_requests = self.n_requests.saturating_add(1);
        let spent_pico_usd = self.spent_pico_usd.saturating_add(u128::from(cost.0));
        let bank = Self { n_requests, spent_pico_usd, worth: None }.allowance(usd_per_request);
        let short = 1.0 - bank.as_f64() / usd_per_request.as_f64() / RESERVE;
        let surprise = (cost.as_f64() / usd_per_request.as_f64() - 1.0).min(MOST_SURPRISE);
        let push = surprise + PULL * short.clamp(-1.0, 1.0);
        let worth = (self.worth() * (-GAIN * push).exp()).clamp(1.0 / MOST_WORTH, MOST_WORTH);
        Self { n_requests, spent_pico_usd, worth: Some(worth) }
    }

    /// The state once the bill for an earlier request is known.
    #[must_use]
    pub fn settled(&self, expected: PicoUsd, billed: PicoUsd) -> Self {
        let spent_pico_usd =
            self.spent_pico_usd.saturating_sub(u128::from(expected.0)).saturating_add(u128::from(billed.0));
        Self { spent_pico_usd, ..*self }
    }

    /// A state from elsewhere may hold anything; what is no worth counts as none.
    fn worth(&self) -> f64 {
        self.worth.filter(|worth| (1.0 / MOST_WORTH..=MOST_WORTH).contains(worth)).unwrap_or(FIRST_WORTH)
    }
}

#[cfg(test)]
mod tests;
