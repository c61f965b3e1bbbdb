//! The decision. Start reading the project here: everything else feeds `decide` or acts on what it returns.
//! It looks at nothing but its arguments, so the same arguments give the same decision, bit for bit, today and in a replay.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::budget::BudgetState;
use crate::candidates::{Candidate, Candidates, Exclusion};
use crate::explain::Reason;
use crate::flip::{Flip, flips};
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
    /// What would have changed the choice. Empty where nothing was weighed: a pin, a lock, a fallback, a detour.
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

/// Why nobody may serve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
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
    let eligible: Vec<&Candidate> = candidates.eligible().collect();
    let choice = Choice { policy, facts, candidates, eligible: &eligible };
    if let Mode::Pin { model } = &policy.rules().mode {
        return choice.pinned(model);
    }
    if let Some(SessionFacts { current, lock: Some(lock), .. }) = &facts.session {
        return choice.locked(current, *lock);
    }
    if eligible.is_empty() {
        return Err(choice.nobody());
    }
    let mode = &policy.rules().mode;
    let basis = policy.rules().basis;
    let contenders = eligible.iter().filter_map(|candidate| Contender::of(candidate, basis)).collect();
    let contenders = affordable(mode, facts, contenders)?;
    match Preference::of(mode, &facts.budget.unwrap_or_default(), &contenders) {
        Some(preference) if !contenders.is_empty() => Ok(choice.preferred(preference, &contenders)),
        Some(_) | None => Ok(choice.without_forecast()),
    }
}

/// Those a `budget` policy's bank can pay; all where it can pay nobody and the cheapest is to serve. `Candidates::join` has
/// already excluded the others with a reason; this holds however the candidates were made.
fn affordable<'a>(
    mode: &Mode,
    facts: &RequestFacts,
    mut contenders: Vec<Contender<'a>>,
) -> Result<Vec<Contender<'a>>, Refusal> {
    let Mode::Budget { usd_per_request, when_spent } = mode else { return Ok(contenders) };
    let left = facts.budget.unwrap_or_default().allowance(*usd_per_request);
    let n_over = contenders.iter().filter(|contender| contender.cost > left).count();
    if n_over < contenders.len() {
        contenders.retain(|contender| contender.cost <= left);
    } else if n_over > 0 && *when_spent == WhenSpent::Refuse {
        return Err(Refusal::NobodyEligible { excluded: BTreeMap::from([("over_budget", n_over)]) });
    }
    Ok(contenders)
}

/// The arguments of `decide`, and the ways a choice can come about.
struct Choice<'a> {
    policy: &'a Policy,
    facts: &'a RequestFacts,
    candidates: &'a Candidates,
    eligible: &'a [&'a Candidate],
}

impl Choice<'_> {
    /// An explicit name always wins, over the session too. Whoever asks for a model by name gets it or hears why not.
    fn pinned(&self, model: &ModelId) -> Result<Decision, Refusal> {
        let fallbacks = self.fallback_order().filter(|fallback| *fallback != model).cloned();
        match self.exclusion(model) {
            None => {
                let ranked = std::iter::once(model.clone()).chain(fallbacks).collect();
                Ok(self.certain(ranked, Reason::Pinned { model: model.clone() }))
            }
            Some(exclusion) => {
                let ranked: Vec<ModelId> = fallbacks.collect();
                let pinned = model.clone();
                match ranked.first().cloned() {
                    Some(model) => Ok(self.certain(ranked, Reason::PinnedFallback { model, pinned, exclusion })),
                    None => Err(Refusal::PinExcluded { model: pinned, exclusion }),
                }
            }
        }
    }

    fn locked(&self, current: &ModelId, lock: Lock) -> Result<Decision, Refusal> {
        match self.exclusion(current) {
            // Nobody else can go on with this conversation, so there are no fallbacks.
            None => Ok(self.certain(vec![current.clone()], Reason::Locked { model: current.clone(), lock })),
            Some(exclusion) => Err(Refusal::Locked { model: current.clone(), lock, exclusion }),
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
        Refusal::NobodyEligible { excluded }
    }

    /// The usual case: forecasts are there, and the policy prefers.
    fn preferred(&self, preference: Preference, contenders: &[Contender<'_>]) -> Decision {
        let mut order = preference.order(contenders);
        let mut reason = Reason::preferred(self.policy, preference, contenders, order[0]);
        let mut flips = flips(preference, contenders, order[0]);
        let mut propensities = vec![(contenders[order[0]].model.clone(), 1.0)];
        if let Some(session) = &self.facts.session {
            let current = contenders.iter().position(|contender| *contender.model == session.current);
            let verdict = stay_or_switch(self.policy.rules().session, preference, contenders, &order, current);
            if let Verdict::Stay { current, saving, flip } = verdict {
                reason = Reason::stayed(contenders, current, order[0], saving);
                flips = flip.into_iter().collect();
                move_to_front(&mut order, current);
                propensities = vec![(contenders[current].model.clone(), 1.0)];
            }
        } else if let Some(exploration) = &self.policy.rules().exploration {
            let costs: Vec<PicoUsd> = contenders.iter().map(|contender| contender.cost).collect();
            let detour = exploration.detour(&costs, order[0], self.facts.draw);
            if detour.taken != order[0] {
                reason = Reason::explored(contenders, detour.taken, order[0], exploration.rate());
                flips = Vec::new();
                move_to_front(&mut order, detour.taken);
            }
            propensities = (contenders.iter().zip(detour.propensities))
                .filter(|(_, propensity)| *propensity > 0.0)
                .map(|(contender, propensity)| (contender.model.clone(), propensity))
                .collect();
        }
        let ranked: Vec<ModelId> = order.iter().map(|index| contenders[*index].model.clone()).collect();
        Decision { flips, propensities, ..self.certain(ranked, reason) }
    }

    /// No forecast to choose by: a conversation stays where its cache is warm, else the policy's fallback order answers,
    /// and where that is empty the cheapest does. Whoever is left follows by cost.
    fn without_forecast(&self) -> Decision {
        let why = self.candidates.absent();
        let current = self.facts.session.as_ref().map(|session| &session.current);
        let stays = current.filter(|current| self.exclusion(current).is_none());
        let mut by_cost = self.eligible.to_vec();
        by_cost.sort_by(|a, b| a.cost.cmp(&b.cost).then_with(|| a.model.cmp(&b.model)));
        let mut ranked: Vec<ModelId> = Vec::with_capacity(by_cost.len());
        for model in stays.into_iter().chain(self.fallback_order()) {
            if !ranked.contains(model) {
                ranked.push(model.clone());
            }
        }
        let preferred: BTreeSet<ModelId> = ranked.iter().cloned().collect();
        let rest = by_cost.iter().map(|candidate| &candidate.model).filter(|model| !preferred.contains(*model));
        ranked.extend(rest.cloned());
        let model = ranked[0].clone();
        let reason = match (stays, self.fallback_order().next()) {
            (Some(_), _) => Reason::StayedBlind { model, why },
            (None, Some(_)) => Reason::Fallback { model, why },
            (None, None) => Reason::CheapestBlind { model, why },
        };
        self.certain(ranked, reason)
    }

    /// The policy's fallback order, as far as it may serve.
    fn fallback_order(&self) -> impl Iterator<Item = &ModelId> {
        self.policy.rules().fallback.iter().filter(|model| self.exclusion(model).is_none())
    }

    /// A decision that no draw had a part in.
    fn certain(&self, ranked: Vec<ModelId>, reason: Reason) -> Decision {
        let cost = self.candidates.get(&ranked[0]).map_or(PicoUsd::ZERO, |candidate| candidate.cost);
        let budget = match self.policy.rules().mode {
            Mode::Budget { usd_per_request, .. } => {
                Some(self.facts.budget.unwrap_or_default().after(usd_per_request, cost))
            }
            Mode::Tolerance { .. } | Mode::Target { .. } | Mode::Value { .. } | Mode::Pin { .. } => None,
        };
        Decision {
            propensities: vec![(ranked[0].clone(), 1.0)],
            ranked,
            reason,
            flips: Vec::new(),
            budget,
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
