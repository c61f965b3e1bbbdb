//! The order of preference under each mode. The order is that of repeated choice: whoever stands at place k is whom the
//! policy would choose if the ones before were gone. A fallback is then never a surprise, and a failed hop needs no new rule.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::budget::BudgetState;
use crate::candidates::Candidate;
use crate::policy::{Basis, Mode, Rules};
use crate::units::{ModelId, PicoUsd, Quality};

/// An eligible candidate with a forecast, seen through a policy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contender<'a> {
    pub(crate) model: &'a ModelId,
    /// What the policy judges by.
    pub(crate) quality: Quality,
    pub(crate) cost: PicoUsd,
}

impl<'a> Contender<'a> {
    /// None where there is no forecast: a model nobody knows is not chosen on luck.
    pub(crate) fn of(candidate: &'a Candidate, rules: &Rules) -> Option<Self> {
        let expectation = candidate.expectation?;
        let quality = match rules.basis {
            Basis::Expected => expectation.quality,
            Basis::LowerBound => expectation.quality_low,
        };
        let quality = match &rules.lean {
            Some(lean) if lean.towards != candidate.model => quality.minus(lean.shrinkage),
            Some(_) | None => quality,
        };
        Some(Self { model: &candidate.model, quality, cost: candidate.cost })
    }

    /// Lower cost first, then higher quality: nobody wants less for the same money. Then the name.
    pub(crate) fn by_cost(&self, other: &Self) -> Ordering {
        self.price().cmp(&other.price())
    }

    /// What is compared where the lower cost goes first.
    fn price(&self) -> (PicoUsd, Reverse<Quality>, &'a ModelId) {
        (self.cost, Reverse(self.quality), self.model)
    }

    /// Higher quality first, then lower cost, then the name.
    pub(crate) fn by_quality(&self, other: &Self) -> Ordering {
        other.quality.cmp(&self.quality).then_with(|| self.by_cost(other))
    }

    /// What an answer of this quality is worth beyond its cost, in pico-dollars.
    pub(crate) fn utility(&self, pico_usd_per_success: f64) -> f64 {
        self.quality.get() * pico_usd_per_success - self.cost.as_f64()
    }

    /// Higher utility first, then lower cost, then the name.
    fn by_utility(&self, other: &Self, pico_usd_per_success: f64) -> Ordering {
        let (own, others) = (self.utility(pico_usd_per_success), other.utility(pico_usd_per_success));
        others.total_cmp(&own).then_with(|| self.by_cost(other))
    }

    /// By how much it falls short of a quality.
    pub(crate) fn shortfall(&self, of: Quality) -> Quality {
        of.minus(self.quality)
    }
}

/// The preference a mode amounts to for one request, with the numbers it took from the state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Preference {
    /// The cheapest within this much of the best.
    CheapestWithin(Quality),
    /// The cheapest at or above this, else the best.
    CheapestAbove(Quality),
    /// The largest utility at this worth of a success, in pico-dollars.
    Utility(f64),
}

impl Preference {
    /// None for a pin, which prefers nobody.
    pub(crate) fn of(mode: &Mode, budget: &BudgetState) -> Option<Self> {
        match mode {
            Mode::Tolerance { quality_tolerance } => Some(Self::CheapestWithin(*quality_tolerance)),
            Mode::Target { quality_floor } => Some(Self::CheapestAbove(*quality_floor)),
            Mode::Value { usd_per_success } => Some(Self::Utility(usd_per_success.as_f64())),
            Mode::Budget { usd_per_request, .. } => Some(Self::Utility(budget.usd_per_success(*usd_per_request))),
            Mode::Pin { .. } => None,
        }
    }

    /// All contenders in order of preference, as indices.
    pub(crate) fn order(self, contenders: &[Contender<'_>]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..contenders.len()).collect();
        let at = |index: &usize| contenders[*index];
        match self {
            Self::CheapestWithin(tolerance) => {
                order.sort_unstable_by(|a, b| at(a).by_quality(&at(b)));
                cheapest_within(tolerance, contenders, &order)
            }
            Self::CheapestAbove(floor) => {
                order.sort_unstable_by(|a, b| {
                    let (a, b) = (at(a), at(b));
                    match (a.quality >= floor, b.quality >= floor) {
                        (true, true) => a.by_cost(&b),
                        (true, false) => Ordering::Less,
                        (false, true) => Ordering::Greater,
                        (false, false) => a.by_quality(&b),
                    }
                });
                order
            }
            Self::Utility(worth) => {
                order.sort_unstable_by(|a, b| at(a).by_utility(&at(b), worth));
                order
            }
        }
    }
}

/// Takes the cheapest within the tolerance of the best that is left, again and again. When the best is taken the bar falls
/// to the next best, so each contender enters the heap once: n log n in all.
fn cheapest_within(tolerance: Quality, contenders: &[Contender<'_>], by_quality: &[usize]) -> Vec<usize> {
    let mut order = Vec::with_capacity(contenders.len());
    let mut taken = vec![false; contenders.len()];
    let mut within = BinaryHeap::with_capacity(contenders.len());
    let mut entering = by_quality.iter().copied().peekable();
    let mut left = by_quality.iter().copied().peekable();
    loop {
        while left.next_if(|index| taken[*index]).is_some() {}
        let Some(best) = left.peek() else { return order };
        let best = contenders[*best].quality;
        while let Some(index) = entering.next_if(|index| contenders[*index].shortfall(best) <= tolerance) {
            within.push(Reverse((contenders[index].price(), index)));
        }
        let Some(Reverse((_, cheapest))) = within.pop() else { return order };
        taken[cheapest] = true;
        order.push(cheapest);
    }
}

#[cfg(test)]
mod tests;
