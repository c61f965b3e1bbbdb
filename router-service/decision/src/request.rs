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
