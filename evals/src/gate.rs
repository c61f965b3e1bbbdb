//! Champion against challenger: whether a new router may ship, with the reason in one sentence. It may if it is shown not to
//! be worse by more than a margin, on the same prompts, and does not lie more.

use serde::Serialize;

use crate::curve::Interval;
use crate::grid::{mean, number};

/// How much AIQ a challenger may lose, at the lower end of the interval: an old and an equally good new one differ by chance.
pub const MARGIN_AIQ: f64 = 0.005;

/// How much a challenger's calibration may be worse, beyond what chance makes of perfect calibration.
pub const MARGIN_ECE: f64 = 0.01;

/// The share of the champion's prompts that a challenger must forecast: it could leave out what it is worse at.
pub const LEAST_COVERED: f64 = 0.95;

/// A challenger beside the champion on one pool.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bout {
    /// The pool.
    pub pool: String,
    /// The share of the champion's prompts that the challenger forecasts, too.
    pub covered: f64,
    /// AIQ of the challenger less the champion's, on the same resamples.
    pub aiq: Interval,
    /// Calibration error beyond perfection: the challenger's less the champion's.
    pub ece: f64,
}

/// Whether a challenger may ship.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gate {
    /// Whether it may.
    pub ship: bool,
    /// Why, in one sentence.
    pub reason: String,
    /// Pool by pool.
    pub bouts: Vec<Bout>,
}

impl Gate {
    /// Weighs the bouts; of some pools the champion has forecasts and the challenger has not.
    pub fn of(bouts: Vec<Bout>, missed: &[String]) -> Self {
        let n = number(bouts.len());
        let value = mean(bouts.iter().map(|bout| bout.aiq.value));
        // Pools are independent of one another, so the half-widths of a mean of intervals add up as squares.
        let half: f64 = bouts.iter().map(|bout| (bout.aiq.value - bout.aiq.low).powi(2)).sum::<f64>().sqrt() / n;
        let ece = mean(bouts.iter().map(|bout| bout.ece));
        let low = value - half;
        let (ship, reason) = if bouts.is_empty() {
            (false, "no pool was judged, so nothing is known of the challenger".to_owned())
        } else if !missed.is_empty() {
            (false, format!("it does not forecast {}, which the champion does", missed.join(", ")))
        } else if let Some(bout) = bouts.iter().find(|bout| bout.covered < LEAST_COVERED) {
            let (pool, covered) = (&bout.pool, bout.covered * 100.0);
            (
                false,
                format!(
                    "of `{pool}` it forecasts {covered:.0}% of the champion's prompts, {:.0}% are asked for",
                    LEAST_COVERED * 100.0
                ),
            )
        } else if low < -MARGIN_AIQ {
            (
                false,
                format!(
                    "its AIQ may be worse by {:.4} (mean {value:+.4}), more than the {MARGIN_AIQ} that is allowed",
                    -low
                ),
            )
        } else if ece > MARGIN_ECE {
            (false, format!("its calibration error is worse by {ece:.4}, more than the {MARGIN_ECE} that is allowed"))
        } else if low > 0.0 {
            (true, format!("its AIQ is better by {value:+.4}, at least {low:+.4}, and its calibration holds"))
        } else {
            (
                true,
                format!("its AIQ differs by {value:+.4}, at worst {low:+.4}, within the {MARGIN_AIQ} that is allowed"),
            )
        };
        Self { ship, reason, bouts }
    }
}

#[cfg(test)]
mod tests;
