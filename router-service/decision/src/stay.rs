//! Whether a conversation's current model is good enough to keep, given whom the policy would prefer.

use crate::flip::{Change, Flip};
use crate::rank::{Contender, Preference};
use crate::session::SessionRule;
use crate::units::PicoUsd;

/// Stay or switch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// The policy's choice stands: it is the current model, or the switch pays.
    AsPreferred,
    /// The current model, by index, stays.
    Stay {
        current: usize,
        /// What the switch would have saved on this request, net of the lost prompt cache.
        saving: PicoUsd,
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
    let Some(index) = current.filter(|current| *current != order[0]) else { return Verdict::AsPreferred };
    let (current, preferred) = (contenders[index], contenders[order[0]]);
    let best = contenders.iter().map(|contender| contender.quality).max().unwrap_or(current.quality);
    let slack = rule.quality_margin().get();
    let (cost, preferred_cost) = (current.cost.as_f64(), preferred.cost.as_f64());
    let margin = rule.cost_margin();
    // Everything is compared as the current model's cost against the cost at which the switch would just pay.
    let (good_enough, pays_above) = match preference {
        Preference::CheapestWithin(tolerance) => {
            (current.shortfall(best) <= tolerance + slack, preferred_cost / (1.0 - margin))
        }
        Preference::CheapestAbove(floor) => {
            let reachable = floor.min(best);
            (current.shortfall(reachable) <= slack, preferred_cost / (1.0 - margin))
        }
        Preference::Utility(worth) => {
            let gain = (preferred.quality.get() - current.quality.get() - slack) * worth;
            (true, (preferred_cost - gain) / (1.0 - margin))
        }
        Preference::Cheapest => (true, preferred_cost / (1.0 - margin)),
    };
    if !good_enough || cost > pays_above {
        return Verdict::AsPreferred;
    }
    let flip = PicoUsd::from_f64(pays_above).map(|cost| Flip {
        change: Change::CostAbove { model: current.model.clone(), cost, now: current.cost },
        wins: preferred.model.clone(),
    });
    Verdict::Stay { current: index, saving: current.cost.minus(preferred.cost), flip }
}
