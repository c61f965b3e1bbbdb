//! The watch over a promise while it is kept: reported outcomes in, an alarm out. The test is sequential and may be looked at
//! after every outcome for ever: as long as the promise holds, the chance that it *ever* raises a false alarm is at most the
//! level it was made with. It sees only the model that served, so the reference's outcome is stood for by its forecast.

use std::fmt;

use crate::promise::{Loss, Promise, Terms};

/// The bets that are tried side by side, as shares of the largest that cannot ruin. A bet pays best when it is the drift over
/// the variance, so these cover drifts from one hundredth to one half.
const BETS: [f64; 5] = [0.05, 0.1, 0.2, 0.4, 0.8];

/// The chance that the watch ever cries without cause, over all its tests together.
pub const FALSE_ALARM: f64 = 0.01;

/// How far the mean forecast may be from what comes true before that counts as drift. A guess at what no calibrated
/// artifact exceeds on traffic like its own; a promise's own bias is taken off before.
pub const CALIBRATION_MARGIN: f64 = 0.05;

/// One outcome as it was reported.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Served {
    /// How good the answer was, from 0 to 1.
    pub quality: f64,
    /// What was forecast of the model that answered.
    pub forecast: f64,
    /// What was forecast of the reference: its model's forecast, or the best one.
    pub reference_forecast: f64,
}

/// What the watch has found. Once raised, an alarm stays until another promise is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// More quality is lost than was promised.
    Loss,
    /// Answers are worse than forecast.
    ForecastsTooHigh,
    /// Answers are better than forecast.
    ForecastsTooLow,
}

impl Alarm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Loss, Self::ForecastsTooHigh, Self::ForecastsTooLow];

    /// Its label on a metric.
    pub fn word(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::ForecastsTooHigh => "forecasts_too_high",
            Self::ForecastsTooLow => "forecasts_too_low",
        }
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loss => "more quality is lost than was promised",
            Self::ForecastsTooHigh => "answers are worse than forecast",
            Self::ForecastsTooLow => "answers are better than forecast",
        })
    }
}

/// The state of the watch: a value of a few numbers, whatever it has seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    loss_at_most: f64,
    /// What the reference's forecast counts for: its share under a relative promise, 1 otherwise.
    reference_weight: f64,
    reference_bias: f64,
    n_outcomes: u64,
    tests: [DriftTest; 3],
}

impl Watch {
    /// A watch over this promise.
    pub fn over(promise: &Promise) -> Self {
        let Terms { loss, loss_at_most, reference_bias, .. } = *promise.terms();
        // The share of prompts made worse is never below the mean loss, so a mean above the figure breaks that promise too.
        let (reference_weight, loss_at_most) = match loss {
            Loss::Difference | Loss::Worse => (1.0, loss_at_most),
            Loss::Relative => (1.0 - loss_at_most, 0.0),
        };
        let test = DriftTest::new(FALSE_ALARM / 3.0);
        Self { loss_at_most, reference_weight, reference_bias, n_outcomes: 0, tests: [test; 3] }
    }

    /// Takes an outcome in. Numbers outside 0 to 1 are held at the nearer end: a watch must not be silenced by one bad report.
    pub fn saw(&mut self, served: &Served) {
        let held = |number: f64| if number.is_nan() { 0.0 } else { number.clamp(0.0, 1.0) };
        let (quality, forecast) = (held(served.quality), held(served.forecast));
        let reference = (held(served.reference_forecast) - self.reference_bias).clamp(0.0, 1.0);
        self.n_outcomes = self.n_outcomes.saturating_add(1);
        let excess = [
            self.reference_weight * reference - quality - self.loss_at_most,
            forecast - quality - CALIBRATION_MARGIN,
            quality - forecast - CALIBRATION_MARGIN,
        ];
        for (test, excess) in self.tests.iter_mut().zip(excess) {
            test.saw(excess, self.n_outcomes);
        }
    }

    /// Outcomes seen.
    pub fn n_outcomes(&self) -> u64 {
        self.n_outcomes
    }

    /// Whether an alarm is raised.
    pub fn has_raised(&self, alarm: Alarm) -> bool {
        let [loss, too_high, too_low] = &self.tests;
        match alarm {
            Alarm::Loss => loss.raised,
            Alarm::ForecastsTooHigh => too_high.raised,
            Alarm::ForecastsTooLow => too_low.raised,
        }
    }

    /// The alarms that are raised.
    pub fn alarms(&self) -> impl Iterator<Item = Alarm> {
        Alarm::ALL.into_iter().filter(|alarm| self.has_raised(*alarm))
    }
}

/// A bet against "the mean excess is at most 0", begun anew before every outcome with a share of the capital: share `1/(t(t+1))`
/// before outcome `t`. All shares together are one, so the whole is a fair game that starts with a capital of 1, and by
/// Ville's inequality it ever reaches `1/level` with chance at most `level`. Beginning anew is what finds a change that
/// comes after long good times (Shiryaev 1963 with weights that sum to one; Shafer and others, Test martingales, 2011).
#[derive(Clone, Copy, Debug, PartialEq)]
struct DriftTest {
    level: f64,
    /// What the bets that have begun are worth, by the size of the bet.
    begun: [f64; BETS.len()],
    raised: bool,
}

/// Beyond this a capital is not counted: far above what any level asks for, far below what a float holds.
const MOST_CAPITAL: f64 = 1e100;

impl DriftTest {
    fn new(level: f64) -> Self {
        Self { level, begun: [0.0; BETS.len()], raised: false }
    }

    /// `excess` lies in [-2, 1]: no bet below 1 over 2 can ruin.
    fn saw(&mut self, excess: f64, at: u64) {
        #[expect(clippy::cast_precision_loss, reason = "beyond 2^53 outcomes the share is nothing anyway")]
        let at = at as f64;
        let (share, left) = (1.0 / (at * (at + 1.0)), 1.0 / (at + 1.0));
        let mut capital = 0.0;
        for (begun, bet) in self.begun.iter_mut().zip(BETS) {
            *begun = ((*begun + share) * (1.0 + bet / 2.0 * excess)).min(MOST_CAPITAL);
            capital += (*begun + left) / f64::from(u32::try_from(BETS.len()).unwrap_or(u32::MAX));
        }
        self.raised |= capital >= 1.0 / self.level;
    }
}

#[cfg(test)]
mod tests;
