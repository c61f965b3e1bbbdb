//! The decision. Start reading the project here: everything else feeds `decide` or acts on what it returns.
//! It looks at nothing but its arguments, so the same arguments give the same decision, bit for bit, today and in a replay.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::budget::BudgetState;
use crate::candidates::{Candidate, Candidates, Exclusion};
use crate::explain::Reason;
use crate::flip::{Flip, flips, flips_within};
use crate::policy::{Mode, Policy, PolicyName, WhenSpent};
use crate::rank::{Contender, Preference};
use crate::request::RequestFacts;
use crate::session::{Lock, SessionFacts};
use crate::stay::{Verdict, stay_or_switch};
use crate::units::{ModelId, PicoUsd};

/// The ranked choice with its reasons.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The chosen model, then whom to try if it fails, in order. Never empty, each model once, all of them eligible.
    pub ranked: Vec<ModelId>,
    /// Why the first was chosen; its `Display` is one sentence.
    pub reason: Reason,
    /// What would have changed the choice. Empty where nothing was weighed: a pin, a lock, a fallback, a detour; in a
    /// conversation it names only the price at which the model would have been left.
    pub flips: Vec<Flip>,
    /// How likely each model was to be chosen, given that some choices are detours. Sums to 1; models at 0 are left out.
    pub propensities: Vec<(ModelId, f64)>,
    /// The controller's next state under a `budget` policy.
    pub budget: Option<BudgetState>,
    /// The policy's name.
    pub policy: PolicyName,
    /// The policy's version.
    pub policy_version: Arc<str>,
}

impl Decision {
    /// The chosen model.
    pub fn model(&self) -> &ModelId {
        &self.ranked[0]
    }

    /// Whom the policy would have chosen if the chosen model were gone.
    pub fn runner_up(&self) -> Option<&ModelId> {
        self.ranked.get(1)
    }

    /// How likely the chosen model was to be chosen.
    pub fn propensity(&self) -> f64 {
        self.propensities.iter().find(|(model, _)| model == self.model()).map_or(0.0, |(_, propensity)| *propensity)
    }
}

/// Nobody may serve, and why.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{cause}")]
pub struct Refusal {
    /// Why.
    pub cause: RefusalCause,
    /// The controller's next state under a `budget` policy: a refused request costs nothing, so the next one has more.
    pub budget: Option<BudgetState>,
}

/// Why nobody may serve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusalCause {
    /// Every candidate is excluded.
    #[error("no model may serve this request: {}", counted(.excluded))]
    NobodyEligible {
        /// How many candidates each kind of exclusion hit, by its word.
        excluded: BTreeMap<&'static str, usize>,
    },
    /// The pinned model is excluded and the policy names no eligible fallback.
    #[error("the model `{model}` was asked for by name and {exclusion}")]
    PinExcluded {
        /// The model.
        model: ModelId,
        /// Why it may not serve.
        exclusion: Exclusion,
    },
    /// The conversation may not move and its model may not serve.
    #[error("the conversation must stay on `{model}`, since {lock}, and `{model}` {exclusion}")]
    Locked {
        /// The model.
        model: ModelId,
        /// Why it must stay.
        lock: Lock,
        /// Why the model may not serve.
        exclusion: Exclusion,
    },
}

fn counted(excluded: &BTreeMap<&'static str, usize>) -> impl fmt::Display {
    excluded.iter().map(|(word, n)| format!("{n} {word}")).collect::<Vec<_>>().join(", ")
}

/// Chooses.
pub fn decide(policy: &Policy, facts: &RequestFacts, candidates: &Candidates) -> Result<Decision, Refusal> {
    let rules = policy.rules();
    let mut choice = Choice { policy, facts, candidates, eligible: candidates.eligible().collect() };
    if let Mode::Pin { model } = &rules.mode {
        return choice.pinned(model);
    }
    if let Some(SessionFacts { current, lock: Some(lock), .. }) = &facts.session {
        return choice.locked(current, *lock);
    }
    if choice.eligible.is_empty() {
        return Err(choice.nobody());
    }
    let budget = facts.budget.unwrap_or_default();
    if let Mode::Budget { usd_per_request, when_spent } = rules.mode {
        // `Candidates::join` has already excluded what cannot be paid, with a reason; this holds however they were made.
        let left = budget.allowance(usd_per_request);
        let n_over = choice.eligible.iter().filter(|candidate| candidate.cost > left).count();
        match when_spent {
            _ if n_over < choice.eligible.len() => choice.eligible.retain(|candidate| candidate.cost <= left),
            WhenSpent::Cheapest => return Ok(choice.spent(usd_per_request)),
            WhenSpent::Refuse => return Err(choice.refused([("over_budget", n_over)].into())),
        }
    }
    let contenders: Vec<Contender<'_>> =
        choice.eligible.iter().filter_map(|candidate| Contender::of(candidate, rules)).collect();
    match Preference::of(&rules.mode, &budget) {
        Some(preference) if !contenders.is_empty() => Ok(choice.preferred(preference, &contenders)),
        Some(_) | None => Ok(choice.without_forecast()),
    }
}

/// The arguments of `decide`, and the ways a choice can come about.
struct Choice<'a> {
    policy: &'a Policy,
    facts: &'a RequestFacts,
    candidates: &'a Candidates,
    /// Who may serve, by name.
    eligible: Vec<&'a Candidate>,
}

impl<'a> Choice<'a> {
    /// An explicit name always wins, over the session too. Whoever asks for a model by name gets it or hears why not.
    fn pinned(&self, model: &ModelId) -> Result<Decision, Refusal> {
        let fallbacks = self.fallback_order().filter(|fallback| *fallback != model).cloned();
        let Some(exclusion) = self.exclusion(model) else {
            let ranked = std::iter::once(model.clone()).chain(fallbacks).collect();
            return Ok(self.certain(ranked, Reason::Pinned { model: model.clone() }));
        };
        let ranked: Vec<ModelId> = fallbacks.collect();
        let pinned = model.clone();
        match ranked.first().cloned() {
            Some(model) => Ok(self.certain(ranked, Reason::PinnedFallback { model, pinned, exclusion })),
            None => Err(Refusal { cause: RefusalCause::PinExcluded { model: pinned, exclusion }, budget: None }),
        }
    }

    fn locked(&self, current: &ModelId, lock: Lock) -> Result<Decision, Refusal> {
        let model = current.clone();
        match self.exclusion(current) {
            // Nobody else can go on with this conversation, so there are no fallbacks.
            None => Ok(self.certain(vec![model.clone()], Reason::Locked { model, lock })),
            Some(exclusion) => {
                let budget = self.budget_after(PicoUsd::ZERO);
                Err(Refusal { cause: RefusalCause::Locked { model, lock, exclusion }, budget })
            }
        }
    }

    /// Why a model may not serve. One that was not even considered is not among the allowed.
    fn exclusion(&self, model: &ModelId) -> Option<Exclusion> {
        self.candidates.get(model).map_or(Some(Exclusion::NotAllowed), |candidate| candidate.exclusion.clone())
    }

    fn nobody(&self) -> Refusal {
        let mut excluded = BTreeMap::new();
        for exclusion in self.candidates.all().iter().filter_map(|candidate| candidate.exclusion.as_ref()) {
            *excluded.entry(exclusion.word()).or_insert(0) += 1;
        }
        self.refused(excluded)
    }

    fn refused(&self, excluded: BTreeMap<&'static str, usize>) -> Refusal {
        Refusal { cause: RefusalCause::NobodyEligible { excluded }, budget: self.budget_after(PicoUsd::ZERO) }
    }

    /// The bank can pay nobody, and somebody is to serve all the same.
    fn spent(&self, usd_per_request: PicoUsd) -> Decision {
        let ranked = self.by_cost().map(|candidate| candidate.model.clone()).collect();
        self.certain(ranked, Reason::BudgetSpent { usd_per_request })
    }

    /// The usual case: forecasts are there, and the policy prefers.
    fn preferred(&self, preference: Preference, contenders: &[Contender<'_>]) -> Decision {
        let mut order = preference.order(contenders);
        let chosen = order[0];
        let mut reason = Reason::preferred(self.policy, preference, contenders, chosen);
        let mut flips = self.flips(preference, contenders, chosen);
        let mut propensities = vec![(contenders[chosen].model.clone(), 1.0)];
        if let Some(session) = &self.facts.session {
            let current = contenders.iter().position(|contender| *contender.model == session.current);
            if current.is_none() && self.may_serve(&session.current) {
                let model = session.current.clone();
                let ranked = self.ranked(Some(&model), contenders, &order);
                return self.certain(ranked, Reason::StayedBlind { model, why: None });
            }
            let rule = self.policy.rules().session;
            match stay_or_switch(rule, preference, contenders, &order, current) {
                Verdict::Stay { current, saving, flip } => {
                    reason = Reason::stayed(contenders, current, chosen, saving);
                    flips = flip.into_iter().collect();
                    move_to_front(&mut order, current);
                    propensities = vec![(contenders[current].model.clone(), 1.0)];
                }
                Verdict::AsPreferred { flip } => flips = flip.into_iter().collect(),
            }
        } else if let Some(exploration) = &self.policy.rules().exploration {
            let costs: Vec<PicoUsd> = contenders.iter().map(|contender| contender.cost).collect();
            let detour = exploration.detour(&costs, chosen, self.facts.draw);
            if detour.taken != chosen {
                reason = Reason::explored(contenders, detour.taken, chosen, exploration.rate());
                flips = Vec::new();
                move_to_front(&mut order, detour.taken);
            }
            propensities = (contenders.iter().zip(detour.propensities))
                .filter(|(_, propensity)| *propensity > 0.0)
                .map(|(contender, propensity)| (contender.model.clone(), propensity))
                .collect();
        }
        Decision { flips, propensities, ..self.certain(self.ranked(None, contenders, &order), reason) }
    }

    fn flips(&self, preference: Preference, contenders: &[Contender<'_>], chosen: usize) -> Vec<Flip> {
        match self.policy.rules().mode {
            Mode::Budget { usd_per_request, .. } => {
                let left = self.facts.budget.unwrap_or_default().allowance(usd_per_request);
                flips_within(left, preference, contenders, chosen)
            }
            Mode::Tolerance { .. } | Mode::Target { .. } | Mode::Value { .. } | Mode::Pin { .. } => {
                flips(preference, contenders, chosen)
            }
        }
    }

    /// No forecast to choose by: a conversation stays where its cache is warm, else the policy's fallback order answers,
    /// and where that is empty the cheapest does.
    fn without_forecast(&self) -> Decision {
        let why = self.candidates.absent();
        let current = self.facts.session.as_ref().map(|session| &session.current);
        let stays = current.filter(|current| self.may_serve(current));
        let ranked = self.ranked(stays, &[], &[]);
        let model = ranked[0].clone();
        let reason = match (stays, self.fallback_order().next()) {
            (Some(_), _) => Reason::StayedBlind { model, why },
            (None, Some(_)) => Reason::Fallback { model, why },
            (None, None) => Reason::CheapestBlind { model, why },
        };
        self.certain(ranked, reason)
    }

    /// Everybody who may serve: who was put first, then the contenders in their order, then those nobody has a forecast for,
    /// by the policy's fallback order and after it by cost.
    fn ranked(&self, first: Option<&ModelId>, contenders: &[Contender<'_>], order: &[usize]) -> Vec<ModelId> {
        let mut ranked: Vec<ModelId> = Vec::with_capacity(self.eligible.len());
        ranked.extend(first.cloned());
        ranked.extend(order.iter().map(|index| contenders[*index].model.clone()));
        if ranked.len() == self.eligible.len() {
            return ranked;
        }
        let mut seen: BTreeSet<ModelId> = ranked.iter().cloned().collect();
        let by_cost = self.by_cost();
        for model in self.fallback_order().chain(by_cost.map(|candidate| &candidate.model)) {
            if seen.insert(model.clone()) {
                ranked.push(model.clone());
            }
        }
        ranked
    }

    fn by_cost(&self) -> impl Iterator<Item = &'a Candidate> + use<'a> {
        let mut by_cost = self.eligible.clone();
        by_cost.sort_by(|a, b| a.cost.cmp(&b.cost).then_with(|| a.model.cmp(&b.model)));
        by_cost.into_iter()
    }

    /// The policy's fallback order, as far as it may serve.
    fn fallback_order(&self) -> impl Iterator<Item = &ModelId> {
        self.policy.rules().fallback.iter().filter(|model| self.may_serve(model))
    }

    fn may_serve(&self, model: &ModelId) -> bool {
        self.eligible.binary_search_by(|candidate| candidate.model.cmp(model)).is_ok()
    }

    fn budget_after(&self, cost: PicoUsd) -> Option<BudgetState> {
        match self.policy.rules().mode {
            Mode::Budget { usd_per_request, .. } => {
                Some(self.facts.budget.unwrap_or_default().after(usd_per_request, cost))
            }
            Mode::Tolerance { .. } | Mode::Target { .. } | Mode::Value { .. } | Mode::Pin { .. } => None,
        }
    }

    /// A decision that no draw had a part in.
    fn certain(&self, ranked: Vec<ModelId>, reason: Reason) -> Decision {
        let cost = self.candidates.get(&ranked[0]).map_or(PicoUsd::ZERO, |candidate| candidate.cost);
        Decision {
            propensities: vec![(ranked[0].clone(), 1.0)],
            ranked,
            reason,
            flips: Vec::new(),
            budget: self.budget_after(cost),
            policy: self.policy.name().clone(),
            policy_version: self.policy.version_shared(),
        }
    }
}

fn move_to_front(order: &mut [usize], index: usize) {
    if let Some(place) = order.iter().position(|other| *other == index) {
        order[..=place].rotate_right(1);
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
