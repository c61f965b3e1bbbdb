//! What would have changed the choice: the price or the policy parameter at which another model wins, and which one.
//! A flip is a promise that can be checked: make the change and the named model wins, stop short of it and it does not.

use std::cmp::Ordering;
use std::fmt;

use crate::rank::{Contender, Preference};
use crate::units::{ModelId, PicoUsd, Quality};

/// A change, and who would win after it.
#[derive(Clone, Debug, PartialEq)]
pub struct Flip {
    /// What would have to change.
    pub change: Change,
    /// Who would be chosen then.
    pub wins: ModelId,
}

/// A change of one number.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The chosen model's cost for this request, above what it is: as if all its prices rose by one factor.
    CostAbove {
        /// The model.
        model: ModelId,
        /// Above this cost the other wins.
        cost: PicoUsd,
        /// What it costs now.
        now: PicoUsd,
    },
    /// A parameter of the policy.
    Parameter {
        /// Which one.
        parameter: Parameter,
        /// On which side of the number the other wins.
        side: Side,
        /// The number, in the unit of the key.
        at: f64,
    },
}

/// A number of a policy that decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// `quality_tolerance`.
    QualityTolerance,
    /// `quality_floor`.
    QualityFloor,
    /// `usd_per_success`.
    UsdPerSuccess,
}

impl Parameter {
    /// Its key in the text form.
    pub fn key(self) -> &'static str {
        match self {
            Self::QualityTolerance => "quality_tolerance",
            Self::QualityFloor => "quality_floor",
            Self::UsdPerSuccess => "usd_per_success",
        }
    }
}

/// On which side of a number a flip lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Above it; at the number itself the choice stands.
    Above,
    /// At the number or above.
    AtLeast,
    /// Below it; at the number itself the choice stands.
    Below,
    /// At the number or below.
    AtMost,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Above => "above",
            Self::AtLeast => "at least",
            Self::Below => "below",
            Self::AtMost => "at most",
        })
    }
}

impl fmt::Display for Flip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wins = &self.wins;
        match &self.change {
            Change::CostAbove { model, cost, now } if now.0 > 0 => {
                let times = cost.as_f64() / now.as_f64();
                write!(f, "`{wins}` would win if `{model}` cost more than {cost}, {times:.2} times what it costs")
            }
            Change::CostAbove { model, cost, .. } => {
                write!(f, "`{wins}` would win if `{model}` cost more than {cost}; it is free")
            }
            Change::Parameter { parameter: Parameter::UsdPerSuccess, side, at } => {
                write!(f, "`{wins}` would win with usd_per_success {side} {at:.6}")
            }
            Change::Parameter { parameter, side, at } => {
                write!(f, "`{wins}` would win with {} {side} {at}", parameter.key())
            }
        }
    }
}

/// The flips under a budget: only the price. What another figure would change depends on the requests in between, and a model
/// that costs more than is left is out of the running whatever it is worth.
pub(crate) fn flips_within(
    left: PicoUsd,
    preference: Preference,
    contenders: &[Contender<'_>],
    chosen: usize,
) -> Vec<Flip> {
    let price = |flip: Flip| match flip.change {
        Change::CostAbove { model, cost, now } => {
            Some(Flip { change: Change::CostAbove { model, cost: cost.min(left), now }, wins: flip.wins })
        }
        Change::Parameter { .. } => None,
    };
    flips(preference, contenders, chosen).into_iter().filter_map(price).collect()
}

/// The flips around a choice, at most one for the price and one for each way the parameter can go.
pub(crate) fn flips(preference: Preference, contenders: &[Contender<'_>], chosen: usize) -> Vec<Flip> {
    let around = Around { contenders, chosen: contenders[chosen] };
    match preference {
        Preference::CheapestWithin(tolerance) => around.tolerance(tolerance),
        Preference::CheapestAbove(floor) => around.floor(floor),
        Preference::Utility(worth) => around.utility(worth),
    }
}

struct Around<'a> {
    contenders: &'a [Contender<'a>],
    chosen: Contender<'a>,
}

impl<'a> Around<'a> {
    fn others(&self) -> impl Iterator<Item = Contender<'a>> {
        self.contenders.iter().copied().filter(|contender| contender.model != self.chosen.model)
    }

    /// The cheapest other one that passes.
    fn cheapest(&self, passes: impl Fn(&Contender<'_>) -> bool) -> Option<Contender<'a>> {
        self.others().filter(|contender| passes(contender)).min_by(Contender::by_cost)
    }

    /// Where the chosen one won by cost: the cost above which the next one would.
    fn dearer(&self, passes: impl Fn(&Contender<'_>) -> bool) -> Option<Flip> {
        let next = self.cheapest(passes)?;
        Some(self.cost_above(next.cost, &next))
    }

    fn cost_above(&self, cost: PicoUsd, wins: &Contender<'_>) -> Flip {
        let change = Change::CostAbove { model: self.chosen.model.clone(), cost, now: self.chosen.cost };
        Flip { change, wins: wins.model.clone() }
    }

    fn tolerance(&self, tolerance: Quality) -> Vec<Flip> {
        let best = self.others().map(|other| other.quality).fold(self.chosen.quality, Quality::max);
        let own = self.chosen.shortfall(best);
        let flip =
            |side, at: Quality, wins: Contender<'_>| parameter(Parameter::QualityTolerance, side, at.get(), &wins);
        // A wider tolerance lets in a cheaper one; the first to come in is the nearest. Being cheaper than the chosen it
        // must have been too weak so far.
        let wider = self.others().filter(|other| other.by_cost(&self.chosen).is_lt()).min_by(Contender::by_quality);
        // A narrower one drops the chosen, and the cheapest of the stronger ones wins.
        let narrower = self.cheapest(|other| other.shortfall(best) < own);
        let price = self.dearer(|other| other.shortfall(best) <= tolerance);
        (price.into_iter())
            .chain(wider.map(|wins| flip(Side::AtLeast, wins.shortfall(best), wins)))
            .chain(narrower.map(|wins| flip(Side::Below, own, wins)))
            .collect()
    }

    fn floor(&self, floor: Quality) -> Vec<Flip> {
        let flip = |side, at: Quality, wins: Contender<'_>| parameter(Parameter::QualityFloor, side, at.get(), &wins);
        let reached = self.chosen.quality >= floor;
        let price = if reached { self.dearer(|other| other.quality >= floor) } else { None };
        let lower = self.others().filter(|other| other.by_cost(&self.chosen).is_lt()).min_by(Contender::by_quality);
        let higher = self.cheapest(|other| other.quality > self.chosen.quality);
        (price.into_iter())
            .chain(lower.map(|wins| flip(Side::AtMost, wins.quality, wins)))
            .chain(higher.map(|wins| flip(Side::Above, self.chosen.quality, wins)))
            .collect()
    }

    /// The worth of a success at which one of another quality is even with the chosen, in pico-dollars.
    fn even(&self, other: &Contender<'_>) -> f64 {
        (other.cost.as_f64() - self.chosen.cost.as_f64()) / (other.quality.get() - self.chosen.quality.get())
    }

    /// Which of two is even with the chosen at the lower worth. The fractions are compared as such: two of them are even
    /// or they are not, whatever a division rounds to. Both are stronger than the chosen, or both are weaker.
    fn by_even(&self, a: &Contender<'_>, b: &Contender<'_>) -> Ordering {
        let cost = |other: &Contender<'_>| i128::from(other.cost.0) - i128::from(self.chosen.cost.0);
        let gain = |other: &Contender<'_>| {
            i128::from(other.quality.billionths()) - i128::from(self.chosen.quality.billionths())
        };
        (cost(a) * gain(b)).cmp(&(cost(b) * gain(a)))
    }

    fn utility(&self, worth: f64) -> Vec<Flip> {
        let next =
            self.others().max_by(|a, b| a.utility(worth).total_cmp(&b.utility(worth)).then_with(|| b.by_cost(a)));
        let price = next.and_then(|next| {
            let gap = self.chosen.utility(worth) - next.utility(worth);
            PicoUsd::from_f64(self.chosen.cost.as_f64() + gap).map(|cost| self.cost_above(cost, &next))
        });
        let flip = |side, wins: Contender<'_>| {
            parameter(Parameter::UsdPerSuccess, side, self.even(&wins) / PicoUsd::PER_USD, &wins)
        };
        // Where several are even with the chosen at one worth, past it the strongest of them wins, and short of it the
        // cheapest.
        let nearest_above = (self.others())
            .filter(|other| other.quality > self.chosen.quality)
            .min_by(|a, b| self.by_even(a, b).then_with(|| a.by_quality(b)));
        let nearest_below = (self.others())
            .filter(|other| other.quality < self.chosen.quality && other.cost < self.chosen.cost)
            .max_by(|a, b| self.by_even(a, b).then_with(|| b.by_cost(a)));
        (price.into_iter())
            .chain(nearest_below.map(|wins| flip(Side::Below, wins)))
            .chain(nearest_above.map(|wins| flip(Side::Above, wins)))
            .collect()
    }
}

fn parameter(parameter: Parameter, side: Side, at: f64, wins: &Contender<'_>) -> Flip {
    Flip { change: Change::Parameter { parameter, side, at }, wins: wins.model.clone() }
}

#[cfg(test)]
mod tests;
