//! Why a model was chosen, as a value; its `Display` is the one sentence a person reads. Nothing here decides.

use std::fmt;

use crate::candidates::Exclusion;
use crate::evidence::Absent;
use crate::policy::{Basis, Mode, Policy};
use crate::rank::{Contender, Preference};
use crate::session::Lock;
use crate::units::{ModelId, PicoUsd, Quality};

/// Why the chosen model was chosen.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// `tolerance`: the cheapest of those near enough to the best.
    CheapestWithin {
        /// How many were near enough.
        n_within: usize,
        /// How near.
        quality_tolerance: Quality,
        /// What was judged by.
        basis: Basis,
    },
    /// `target`: the cheapest of those that reach the floor.
    CheapestAbove {
        /// How many reach it.
        n_above: usize,
        /// The floor.
        quality_floor: Quality,
        /// What was judged by.
        basis: Basis,
    },
    /// `target`: nobody reaches the floor, so the best serves.
    BestBelow {
        /// The best there is.
        quality: Quality,
        /// The floor.
        quality_floor: Quality,
        /// What was judged by.
        basis: Basis,
    },
    /// `value`: the most value.
    MostValue {
        /// The chosen model's quality.
        quality: Quality,
        /// Its cost.
        cost: PicoUsd,
        /// What a success is worth.
        usd_per_success: PicoUsd,
        /// What was judged by.
        basis: Basis,
    },
    /// `budget`: the most quality that the mean cost allows.
    WithinBudget {
        /// The chosen model's quality.
        quality: Quality,
        /// Its cost.
        cost: PicoUsd,
        /// The figure.
        usd_per_request: PicoUsd,
        /// What was judged by.
        basis: Basis,
    },
    /// `budget`: not even the cheapest fits what is left.
    BudgetSpent {
        /// The figure.
        usd_per_request: PicoUsd,
    },
    /// Asked for by name.
    Pinned {
        /// The model.
        model: ModelId,
    },
    /// Asked for by name, but excluded.
    PinnedFallback {
        /// Who serves instead.
        model: ModelId,
        /// Who was asked for.
        pinned: ModelId,
        /// Why it may not serve.
        exclusion: Exclusion,
    },
    /// No forecast: the first of the fallback order.
    Fallback {
        /// The model.
        model: ModelId,
        /// Why there is no forecast; none where the classifier answered but knows no eligible model.
        why: Option<Absent>,
    },
    /// No forecast and no eligible fallback: the cheapest.
    CheapestBlind {
        /// The model.
        model: ModelId,
        /// As above.
        why: Option<Absent>,
    },
    /// No forecast: the conversation stays where it is.
    StayedBlind {
        /// The model.
        model: ModelId,
        /// As above.
        why: Option<Absent>,
    },
    /// The conversation cannot move.
    Locked {
        /// The model.
        model: ModelId,
        /// Why not.
        lock: Lock,
    },
    /// The conversation could move, and it is not worth it.
    Stayed {
        /// The model.
        model: ModelId,
        /// Whom the policy would otherwise prefer.
        preferred: ModelId,
        /// What the switch would save on this request, net of the lost prompt cache, where cost alone decides.
        saving: Option<PicoUsd>,
    },
    /// A deliberate detour.
    Explored {
        /// The model.
        model: ModelId,
        /// Whom the policy would otherwise prefer.
        preferred: ModelId,
        /// The share of requests that are detours.
        rate: f64,
    },
}

impl Reason {
    pub(crate) fn preferred(
        policy: &Policy,
        preference: Preference,
        contenders: &[Contender<'_>],
        chosen: usize,
    ) -> Self {
        let basis = policy.rules().basis;
        let Contender { quality, cost, .. } = contenders[chosen];
        match (preference, &policy.rules().mode) {
            (Preference::CheapestWithin(quality_tolerance), _) => {
                let best = contenders.iter().map(|contender| contender.quality).max().unwrap_or(quality);
                let within = contenders.iter().filter(|contender| contender.shortfall(best) <= quality_tolerance);
                Self::CheapestWithin { n_within: within.count(), quality_tolerance, basis }
            }
            (Preference::CheapestAbove(quality_floor), _) if quality >= quality_floor => {
                let above = contenders.iter().filter(|contender| contender.quality >= quality_floor);
                Self::CheapestAbove { n_above: above.count(), quality_floor, basis }
            }
            (Preference::CheapestAbove(quality_floor), _) => Self::BestBelow { quality, quality_floor, basis },
            (Preference::Utility(_), Mode::Budget { usd_per_request, .. }) => {
                Self::WithinBudget { quality, cost, usd_per_request: *usd_per_request, basis }
            }
            (Preference::Utility(worth), _) => {
                let usd_per_success = PicoUsd::from_f64(worth).unwrap_or_default();
                Self::MostValue { quality, cost, usd_per_success, basis }
            }
        }
    }

    pub(crate) fn stayed(
        contenders: &[Contender<'_>],
        current: usize,
        preferred: usize,
        saving: Option<PicoUsd>,
    ) -> Self {
        let name = |index: usize| contenders[index].model.clone();
        Self::Stayed { model: name(current), preferred: name(preferred), saving }
    }

    pub(crate) fn explored(contenders: &[Contender<'_>], taken: usize, preferred: usize, rate: f64) -> Self {
        let name = |index: usize| contenders[index].model.clone();
        Self::Explored { model: name(taken), preferred: name(preferred), rate }
    }

    /// The word for it in metrics: few values, no names.
    pub fn word(&self) -> &'static str {
        match self {
            Self::CheapestWithin { .. } => "cheapest_within",
            Self::CheapestAbove { .. } => "cheapest_above",
            Self::BestBelow { .. } => "best_below",
            Self::MostValue { .. } => "most_value",
            Self::WithinBudget { .. } => "within_budget",
            Self::BudgetSpent { .. } => "budget_spent",
            Self::Pinned { .. } => "pinned",
            Self::PinnedFallback { .. } => "pinned_fallback",
            Self::Fallback { .. } => "fallback",
            Self::CheapestBlind { .. } => "cheapest_blind",
            Self::StayedBlind { .. } => "stayed_blind",
            Self::Locked { .. } => "locked",
            Self::Stayed { .. } => "stayed",
            Self::Explored { .. } => "explored",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CheapestWithin { n_within, quality_tolerance, basis } => {
                write!(
                    f,
                    "{} whose {} is within {} of the best",
                    cheapest_of(*n_within),
                    judged(*basis),
                    quality_tolerance.get()
                )
            }
            Self::CheapestAbove { n_above, quality_floor, basis } => {
                write!(f, "{} whose {} reaches {}", cheapest_of(*n_above), judged(*basis), quality_floor.get())
            }
            Self::BestBelow { quality, quality_floor, basis } => {
                write!(f, "best {}, {quality}; no model reaches {}", judged(*basis), quality_floor.get())
            }
            Self::MostValue { quality, cost, usd_per_success, basis } => {
                write!(f, "most value: {} {quality} at {usd_per_success} a success, less {cost}", judged(*basis))
            }
            Self::WithinBudget { quality, cost, usd_per_request, basis } => {
                write!(f, "best use of a mean of {usd_per_request} a request: {} {quality} for {cost}", judged(*basis))
            }
            Self::BudgetSpent { usd_per_request } => {
                write!(f, "cheapest eligible model; the budget of {usd_per_request} a request is spent")
            }
            Self::Pinned { model } => write!(f, "`{model}` was asked for by name"),
            Self::PinnedFallback { model, pinned, exclusion } => {
                write!(f, "`{model}` is the first eligible fallback; `{pinned}` was asked for by name and {exclusion}")
            }
            Self::Fallback { why, .. } => write!(f, "first eligible model of the fallback order; {}", silence(*why)),
            Self::CheapestBlind { why, .. } => {
                write!(f, "cheapest eligible model, for want of an eligible fallback; {}", silence(*why))
            }
            Self::StayedBlind { model, why: Some(absent) } => {
                write!(f, "the conversation stays on `{model}`; {absent}")
            }
            Self::StayedBlind { model, why: None } => {
                write!(f, "the conversation stays on `{model}`, which has no forecast to weigh a move by")
            }
            Self::Locked { model, lock } => write!(f, "the conversation must stay on `{model}`: {lock}"),
            Self::Stayed { model, preferred, saving: Some(saving) } if saving.0 > 0 => {
                write!(f, "the conversation stays on `{model}`: moving to `{preferred}` would save only {saving}")
            }
            Self::Stayed { model, preferred, .. } => {
                write!(f, "the conversation stays on `{model}`: moving to `{preferred}` would not pay for itself")
            }
            Self::Explored { preferred, rate, .. } => {
                let in_1000 = rate * 1000.0;
                write!(
                    f,
                    "a deliberate detour, as {in_1000:.0} in 1000 requests are; `{preferred}` would have been chosen"
                )
            }
        }
    }
}

fn cheapest_of(n: usize) -> String {
    if n == 1 { "the only model".to_owned() } else { format!("cheapest of {n} models") }
}

fn judged(basis: Basis) -> &'static str {
    match basis {
        Basis::Expected => "predicted quality",
        Basis::LowerBound => "lower bound of quality",
    }
}

fn silence(why: Option<Absent>) -> String {
    why.map_or_else(|| "no eligible model has a forecast".to_owned(), |absent| absent.to_string())
}
