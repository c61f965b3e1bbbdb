//! Joins catalog, request and evidence: every model that was considered, what it would cost, and, where it may not serve,
//! why. Eligibility comes before preference and is never traded away, so nothing in here compares two models.

use std::collections::BTreeSet;
use std::fmt;

use crate::catalog::{Catalog, Model, Skill, Usage};
use crate::evidence::{Absent, Evidence, ModelForecast};
use crate::policy::{Mode, Policy, WhenSpent};
use crate::request::{Limits, RequestFacts};
use crate::session::SessionFacts;
use crate::units::{ModelId, PicoUsd, Quality, Tokens};

/// Models one decision may consider.
pub const MAX_CANDIDATES: usize = crate::catalog::MAX_MODELS;

/// Why a model may not serve this request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exclusion {
    /// The catalog has no such model.
    Unknown,
    /// The policy or the caller denies it.
    Denied,
    /// The policy or the caller allows only others.
    NotAllowed,
    /// Prompt and answer do not fit.
    ContextWindow {
        /// Tokens of prompt and answer.
        needs: Tokens,
        /// Tokens the model holds.
        has: Tokens,
    },
    /// The caller wants room for a longer answer than the model can write.
    CompletionLimit {
        /// Output tokens asked for.
        needs: Tokens,
        /// Output tokens the model writes at most.
        has: Tokens,
    },
    /// It lacks a skill the request needs.
    Skill(Skill),
    /// It is not known to be served where the request must stay.
    Region,
    /// Its provider keeps what it is sent.
    ZeroDataRetention,
    /// A long answer could cost more than the cap.
    PriceCap {
        /// What it could cost.
        could_cost: PicoUsd,
        /// The cap.
        cap: PicoUsd,
    },
    /// All its providers are failing.
    Unhealthy,
    /// It needs more than is left.
    OverBudget {
        /// What it needs: of a tenant's rest enough for a long answer, of a policy's bank the expected cost.
        needs: PicoUsd,
        /// What is left.
        left: PicoUsd,
    },
}

impl Exclusion {
    /// The word for it on the wire and in metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Denied => "denied",
            Self::NotAllowed => "not_allowed",
            Self::ContextWindow { .. } => "context_window",
            Self::CompletionLimit { .. } => "completion_limit",
            Self::Skill(skill) => skill.word(),
            Self::Region => "region",
            Self::ZeroDataRetention => "zero_data_retention",
            Self::PriceCap { .. } => "price_cap",
            Self::Unhealthy => "unhealthy",
            Self::OverBudget { .. } => "over_budget",
        }
    }
}

impl fmt::Display for Exclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => write!(f, "is not in the catalog"),
            Self::Denied => write!(f, "is denied"),
            Self::NotAllowed => write!(f, "is not among the allowed models"),
            Self::ContextWindow { needs, has } => write!(f, "needs {needs} tokens with room for its answer, has {has}"),
            Self::CompletionLimit { needs, has } => write!(f, "needs {needs} output tokens, writes at most {has}"),
            Self::Skill(skill) => write!(f, "lacks {skill}"),
            Self::Region => write!(f, "is not known to be served in a region asked for"),
            Self::ZeroDataRetention => write!(f, "has a provider that keeps what it is sent"),
            Self::PriceCap { could_cost, cap } => write!(f, "could cost {could_cost:#}, the cap is {cap:#}"),
            Self::Unhealthy => write!(f, "has only failing providers"),
            Self::OverBudget { needs, left } => write!(f, "needs {needs:#}, {left:#} is left"),
        }
    }
}

/// How good the answer is expected to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The calibrated probability of success.
    pub quality: Quality,
    /// Its lower confidence bound.
    pub quality_low: Quality,
}

/// A model that was considered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The model.
    pub model: ModelId,
    /// What is expected of it, where there is a forecast.
    pub expectation: Option<Expectation>,
    /// Its expected bill for this request.
    pub cost: PicoUsd,
    /// Its bill if the answer is long: at the 90% quantile of its output.
    pub cost_high: PicoUsd,
    /// Why it may not serve, where it may not.
    pub exclusion: Option<Exclusion>,
}

/// Why a list of candidates cannot be decided on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CandidatesError {
    /// Nobody to choose from.
    #[error("expected at least one candidate, found none")]
    Empty,
    /// More than [`MAX_CANDIDATES`].
    #[error("expected at most {MAX_CANDIDATES} candidates, found {found}")]
    TooMany {
        /// How many.
        found: usize,
    },
    /// One model twice.
    #[error("candidate `{model}` is listed twice")]
    Duplicate {
        /// The model.
        model: ModelId,
    },
}

/// The models that were considered, ordered by name, each once, at least one; and why there is no forecast, if there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidates {
    list: Vec<Candidate>,
    absent: Option<Absent>,
}

impl Candidates {
    /// Checks and orders candidates that were put together by hand.
    pub fn new(mut list: Vec<Candidate>, absent: Option<Absent>) -> Result<Self, CandidatesError> {
        if list.is_empty() {
            return Err(CandidatesError::Empty);
        }
        if list.len() > MAX_CANDIDATES {
            return Err(CandidatesError::TooMany { found: list.len() });
        }
        list.sort_by(|a, b| a.model.cmp(&b.model));
        if let Some(pair) = list.windows(2).find(|pair| pair[0].model == pair[1].model) {
            return Err(CandidatesError::Duplicate { model: pair[0].model.clone() });
        }
        Ok(Self { list, absent })
    }

    /// Considers every model the request may mean.
    pub fn join(
        catalog: &Catalog,
        policy: &Policy,
        facts: &RequestFacts,
        evidence: &Evidence,
        unhealthy: &BTreeSet<ModelId>,
    ) -> Result<Self, CandidatesError> {
        let (forecasts, absent) = match evidence {
            Evidence::Forecast(forecast) => (forecast.models(), None),
            Evidence::Absent(absent) => ([].as_slice(), Some(*absent)),
        };
        let mut forecasts = forecasts.iter().peekable();
        let n_asked = facts.candidates.as_ref().map_or(usize::MAX, BTreeSet::len);
        let mut list = Vec::with_capacity(catalog.models().len().min(n_asked));
        for model in catalog.models() {
            while forecasts.next_if(|forecast| forecast.model < model.id).is_some() {}
            let forecast = forecasts.next_if(|forecast| forecast.model == model.id);
            if facts.candidates.as_ref().is_none_or(|asked| asked.contains(&model.id)) {
                let judge = Eligibility { model, facts, policy, unhealthy };
                list.push(judge.candidate(forecast));
            }
        }
        let pinned = match &policy.rules().mode {
            Mode::Pin { model } => Some(model),
            Mode::Tolerance { .. } | Mode::Target { .. } | Mode::Value { .. } | Mode::Budget { .. } => None,
        };
        let locked = facts.session.as_ref().filter(|session| session.lock.is_some()).map(|session| &session.current);
        let asked = facts.candidates.iter().flatten().chain(pinned).chain(locked);
        let strangers: BTreeSet<&ModelId> = asked.filter(|model| catalog.get(model).is_none()).collect();
        list.extend(strangers.into_iter().map(unknown));
        keep_budget(policy, facts, &mut list);
        Self::new(list, absent)
    }

    /// All of them, in order of their names.
    pub fn all(&self) -> &[Candidate] {
        &self.list
    }

    /// Those that may serve.
    pub fn eligible(&self) -> impl Iterator<Item = &Candidate> {
        self.list.iter().filter(|candidate| candidate.exclusion.is_none())
    }

    /// The candidate of this name.
    pub fn get(&self, model: &ModelId) -> Option<&Candidate> {
        self.list.binary_search_by(|candidate| candidate.model.cmp(model)).ok().map(|index| &self.list[index])
    }

    /// Why there is no forecast, if there is none.
    pub fn absent(&self) -> Option<Absent> {
        self.absent
    }
}

fn unknown(model: &ModelId) -> Candidate {
    let (cost, cost_high, exclusion) = (PicoUsd::ZERO, PicoUsd::ZERO, Some(Exclusion::Unknown));
    Candidate { model: model.clone(), expectation: None, cost, cost_high, exclusion }
}

/// Excludes what the bank of a `budget` policy cannot pay. Where that would leave nobody, the policy says what happens; if
/// the cheapest is to serve, all stay in and `decide` ranks them by cost.
fn keep_budget(policy: &Policy, facts: &RequestFacts, list: &mut [Candidate]) {
    let Mode::Budget { usd_per_request, when_spent } = policy.rules().mode else { return };
    let left = facts.budget.unwrap_or_default().allowance(usd_per_request);
    let anybody_fits = list.iter().any(|candidate| candidate.exclusion.is_none() && candidate.cost <= left);
    if !anybody_fits && when_spent == WhenSpent::Cheapest {
        return;
    }
    // A conversation that cannot move is not cut off by a policy that would rather overspend than refuse.
    let spared = match (&facts.session, when_spent) {
        (Some(SessionFacts { current, lock: Some(_), .. }), WhenSpent::Cheapest) => Some(current),
        (Some(_), WhenSpent::Cheapest | WhenSpent::Refuse) | (None, _) => None,
    };
    let over = |candidate: &&mut Candidate| {
        candidate.exclusion.is_none() && candidate.cost > left && Some(&candidate.model) != spared
    };
    for candidate in list.iter_mut().filter(over) {
        candidate.exclusion = Some(Exclusion::OverBudget { needs: candidate.cost, left });
    }
}

/// One model before one request.
struct Eligibility<'a> {
    model: &'a Model,
    facts: &'a RequestFacts,
    policy: &'a Policy,
    unhealthy: &'a BTreeSet<ModelId>,
}

impl Eligibility<'_> {
    fn candidate(&self, forecast: Option<&ModelForecast>) -> Candidate {
        let (completion, reasoning, output_high) = self.output(forecast);
        let usage =
            Usage { prompt: self.facts.prompt_tokens, cached_prompt: self.cached_prompt(), completion, reasoning };
        let cost = self.model.prices.bill(&usage);
        let excess = output_high.minus(completion.plus(reasoning));
        let cost_high = cost.plus(self.model.prices.dearest_output().of(excess));
        Candidate {
            model: self.model.id.clone(),
            expectation: forecast.map(|forecast| self.expectation(forecast)),
            cost,
            cost_high,
            exclusion: self.exclusion(output_high, cost_high),
        }
    }

    /// What is expected of its answer. A limit on output counts reasoning too, and who is cut off while still thinking answers nothing:
    /// it succeeds as much more seldom as the limit is below what it is expected to think.
    fn expectation(&self, forecast: &ModelForecast) -> Expectation {
        let share = match self.facts.max_completion {
            Some(most) if most < forecast.reasoning => f64::from(most.get()) / f64::from(forecast.reasoning.get()),
            Some(_) | None => 1.0,
        };
        let heard = |quality: Quality| Quality::new(quality.get() * share).unwrap_or(quality);
        Expectation { quality: heard(forecast.quality), quality_low: heard(forecast.quality_low) }
    }

    /// Expected completion and reasoning, and the output that is seldom exceeded. No model writes more than the caller accepts
    /// or than it can.
    fn output(&self, forecast: Option<&ModelForecast>) -> (Tokens, Tokens, Tokens) {
        let most = self.facts.max_completion.into_iter().chain(self.model.max_completion).min();
        let cut = |tokens: Tokens| most.map_or(tokens, |most| tokens.min(most));
        match forecast {
            Some(forecast) => {
                // A limit on output counts reasoning too, and what is thought is written first.
                let reasoning = cut(forecast.reasoning);
                let completion = cut(forecast.reasoning.plus(forecast.completion)).minus(reasoning);
                (completion, reasoning, cut(forecast.output_p90))
            }
            None => {
                let assumed = self.model.assumed_output();
                (cut(assumed), Tokens::ZERO, cut(assumed))
            }
        }
    }

    fn cached_prompt(&self) -> Tokens {
        match &self.facts.session {
            Some(session) if session.current == self.model.id => session.cached_prompt,
            Some(_) | None => Tokens::ZERO,
        }
    }

    fn exclusion(&self, output_high: Tokens, cost_high: PicoUsd) -> Option<Exclusion> {
        let limits = [&self.policy.rules().limits, &self.facts.limits];
        let id = &self.model.id;
        if limits.iter().any(|limits| limits.deny.contains(id)) {
            return Some(Exclusion::Denied);
        }
        if limits.iter().any(|limits| limits.allow.as_ref().is_some_and(|allow| !allow.contains(id))) {
            return Some(Exclusion::NotAllowed);
        }
        // A provider reserves room for the answer the caller asked for, and turns the call away when it does not fit.
        let needs = self.facts.prompt_tokens.plus(self.facts.max_completion.unwrap_or(output_high));
        if needs > self.model.context_window {
            return Some(Exclusion::ContextWindow { needs, has: self.model.context_window });
        }
        if let (Some(needs), Some(has)) = (self.facts.max_completion, self.model.max_completion)
            && needs > has
        {
            return Some(Exclusion::CompletionLimit { needs, has });
        }
        if let Some(skill) = self.facts.needs.first_missing_in(self.model.skills) {
            return Some(Exclusion::Skill(skill));
        }
        if limits.iter().any(|limits| !self.served_within(limits)) {
            return Some(Exclusion::Region);
        }
        if limits.iter().any(|limits| limits.zero_data_retention) && !self.model.zero_data_retention {
            return Some(Exclusion::ZeroDataRetention);
        }
        if let Some(cap) = limits.iter().filter_map(|limits| limits.max_cost).min().filter(|cap| cost_high > *cap) {
            return Some(Exclusion::PriceCap { could_cost: cost_high, cap });
        }
        if self.unhealthy.contains(id) {
            return Some(Exclusion::Unhealthy);
        }
        let left = self.facts.remaining.filter(|left| cost_high > *left)?;
        Some(Exclusion::OverBudget { needs: cost_high, left })
    }

    fn served_within(&self, limits: &Limits) -> bool {
        limits.regions.as_ref().is_none_or(|regions| self.model.regions.iter().any(|region| regions.contains(region)))
    }
}

#[cfg(test)]
mod tests;
