//! What the engine must know of a request. Not the prompt: its text stays in the shell and the classifier, so that no
//! explanation, log or panic of the engine can ever quote it.

use std::collections::BTreeSet;

use crate::budget::BudgetState;
use crate::catalog::{Region, Skills};
use crate::session::SessionFacts;
use crate::units::{Draw, ModelId, PicoUsd, Tokens};

/// What may serve, by somebody's wish. A policy has limits, and a request may add its own: the narrower one holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// If given, only these models.
    pub allow: Option<BTreeSet<ModelId>>,
    /// Never these models.
    pub deny: BTreeSet<ModelId>,
    /// If given, only models served in one of these regions.
    pub regions: Option<BTreeSet<Region>>,
    /// Only models whose provider keeps nothing.
    pub zero_data_retention: bool,
    /// Only models whose call stays at or under this even if the answer is long (its 90% quantile).
    pub max_cost: Option<PicoUsd>,
}

impl Limits {
    /// What both allow.
    #[must_use]
    pub fn within(&self, outer: &Self) -> Self {
        Self {
            allow: shared(self.allow.as_ref(), outer.allow.as_ref()),
            deny: self.deny.union(&outer.deny).cloned().collect(),
            regions: shared(self.regions.as_ref(), outer.regions.as_ref()),
            zero_data_retention: self.zero_data_retention || outer.zero_data_retention,
            max_cost: self.max_cost.into_iter().chain(outer.max_cost).min(),
        }
    }
}

/// What stands in every list that there is; a list that is not there allows everything.
fn shared<T: Clone + Ord>(one: Option<&BTreeSet<T>>, other: Option<&BTreeSet<T>>) -> Option<BTreeSet<T>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.intersection(other).cloned().collect()),
        (one, other) => one.or(other).cloned(),
    }
}

/// One request, in numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestFacts {
    /// If given, the only models considered; names the catalog lacks are excluded as unknown.
    pub candidates: Option<BTreeSet<ModelId>>,
    /// Tokens of the prompt.
    pub prompt_tokens: Tokens,
    /// The most output tokens the caller accepts.
    pub max_completion: Option<Tokens>,
    /// What the request needs beyond text.
    pub needs: Skills,
    /// The caller's own limits.
    pub limits: Limits,
    /// What the tenant has left to spend, where somebody counts it.
    pub remaining: Option<PicoUsd>,
    /// The conversation this request goes on with.
    pub session: Option<SessionFacts>,
    /// The controller's state for a policy in `budget` mode. Without it the controller starts fresh.
    pub budget: Option<BudgetState>,
    /// The random number that exploration uses.
    pub draw: Draw,
}

impl RequestFacts {
    /// A plain request of this size, which anybody may serve.
    pub fn of_size(prompt_tokens: Tokens) -> Self {
        Self {
            candidates: None,
            prompt_tokens,
            max_completion: None,
            needs: Skills::NONE,
            limits: Limits::default(),
            remaining: None,
            session: None,
            budget: None,
            draw: Draw::NO_DETOUR,
        }
    }
}

#[cfg(test)]
mod tests {
    //! Of two limits the narrower one holds.

    use super::Limits;
    use crate::units::{ModelId, PicoUsd};

    #[test]
    fn what_both_allow_is_never_more_than_one_of_them_allows() {
        let models = |names: &[&str]| names.iter().map(|name| ModelId::new(name).unwrap()).collect();
        let regions = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        let one = Limits {
            allow: Some(models(&["a", "b"])),
            deny: models(&["x"]),
            regions: regions(&["eu", "us"]),
            zero_data_retention: true,
            max_cost: Some(PicoUsd(7)),
        };
        let other = Limits {
            allow: Some(models(&["b", "c"])),
            deny: models(&["y"]),
            regions: regions(&["us"]),
            zero_data_retention: false,
            max_cost: Some(PicoUsd(5)),
        };
        let both = Limits {
            allow: Some(models(&["b"])),
            deny: models(&["x", "y"]),
            regions: regions(&["us"]),
            zero_data_retention: true,
            max_cost: Some(PicoUsd(5)),
        };
        assert_eq!((one.within(&other), other.within(&one)), (both.clone(), both));
        for limits in [one, other] {
            assert_eq!(
                (limits.within(&Limits::default()), Limits::default().within(&limits)),
                (limits.clone(), limits)
            );
        }
    }
}
