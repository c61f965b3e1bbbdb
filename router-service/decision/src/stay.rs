//! Whether a conversation's current model is good enough to keep, given whom the policy would prefer.

use crate::flip::{Change, Flip};
use crate::rank::{Contender, Preference};
use crate::session::SessionRule;
use crate::units::PicoUsd;

/// Stay or switch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// The policy's choice stands: it is the current model, or the switch pays.
    AsPreferred {
        /// Where the current model is preferred: its cost above which it would be left.
        flip: Option<Flip>,
    },
    /// The current model, by index, stays.
    Stay {
        current: usize,
        /// What the switch would have saved on this request, net of the lost prompt cache; none where quality and cost are
        /// weighed together and the saving is not the point.
        saving: Option<PicoUsd>,
        /// The cost of the current model above which the switch would have paid.
        flip: Option<Flip>,
    },
}

/// Rules on a switch. `order` is the policy's order of preference; `current` is the conversation's model, if it may serve.
pub(crate) fn stay_or_switch(
    rule: SessionRule,
    preference: Preference,
    contenders: &[Contender<'_>],
    order: &[usize],
    current: Option<usize>,
) -> Verdict {
    let Some(index) = current else { return Verdict::AsPreferred { flip: None } };
    let bar = Bar { rule, preference, contenders, current: contenders[index] };
    if index == order[0] {
        return Verdict::AsPreferred { flip: bar.runner_up(order).and_then(|runner_up| bar.flip(&runner_up)) };
    }
    let preferred = contenders[order[0]];
    if !bar.good_enough() || bar.current.cost.as_f64() > bar.pays_above(&preferred) {
        return Verdict::AsPreferred { flip: None };
    }
    let saving = match preference {
        Preference::CheapestWithin(_) | Preference::CheapestAbove(_) => Some(bar.current.cost.minus(preferred.cost)),
        Preference::Utility(_) => None,
    };
    Verdict::Stay { current: index, saving, flip: bar.flip(&preferred) }
}

/// What the current model is held against.
struct Bar<'a> {
    rule: SessionRule,
    preference: Preference,
    contenders: &'a [Contender<'a>],
    current: Contender<'a>,
}

impl Bar<'_> {
    /// Whether the current model misses the policy's bar by no more than the margin.
    fn good_enough(&self) -> bool {
        let best = self.contenders.iter().map(|contender| contender.quality).max().unwrap_or(self.current.quality);
        let slack = self.rule.quality_margin();
        match self.preference {
            Preference::CheapestWithin(tolerance) => self.current.shortfall(best) <= tolerance.plus(slack),
            Preference::CheapestAbove(floor) => self.current.shortfall(floor.min(best)) <= slack,
            Preference::Utility(_) => true,
        }
    }

    /// The cost of the current model above which moving to another pays, in pico-dollars.
    fn pays_above(&self, other: &Contender<'_>) -> f64 {
        let gain = match self.preference {
            Preference::CheapestWithin(_) | Preference::CheapestAbove(_) => 0.0,
            Preference::Utility(worth) => {
                (other.quality.get() - self.current.quality.get() - self.rule.quality_margin().get()) * worth
            }
        };
        (other.cost.as_f64() - gain) / (1.0 - self.rule.cost_margin())
    }

    /// Who would be preferred to the current model if that became dearer, where it is the preferred one.
    fn runner_up(&self, order: &[usize]) -> Option<Contender<'_>> {
        let in_running: Box<dyn Fn(&Contender<'_>) -> bool> = match self.preference {
            Preference::CheapestWithin(tolerance) => {
                let best = self.contenders.iter().map(|contender| contender.quality).max()?;
                Box::new(move |other| other.shortfall(best) <= tolerance)
            }
            Preference::CheapestAbove(floor) if self.current.quality >= floor => {
                Box::new(move |other| other.quality >= floor)
            }
            Preference::CheapestAbove(_) => Box::new(|other| other.quality == self.current.quality),
            Preference::Utility(_) => return order.get(1).map(|runner_up| self.contenders[*runner_up]),
        };
        let others = self.contenders.iter().filter(|other| other.model != self.current.model && in_running(other));
        others.min_by(|a, b| a.by_cost(b)).copied()
    }

    /// The current model's cost above which the other would take over.
    fn flip(&self, other: &Contender<'_>) -> Option<Flip> {
        let cost = PicoUsd::from_f64(self.pays_above(other))?;
        let change = Change::CostAbove { model: self.current.model.clone(), cost, now: self.current.cost };
        Some(Flip { change, wins: other.model.clone() })
    }
}
