//! What is remembered between requests, all of it bounded: which model a conversation is on, what a budget has spent, and the
//! decisions that wait for a verdict. One process remembers for itself; nothing here is written to a disk.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use decision::{BudgetState, Decision, ModelId, PicoUsd, Policy, Quality, Served, SessionFacts, Tokens};
use sha2::{Digest, Sha256};

use crate::config::MemoryRule;
use crate::generations::Generations;
use crate::question::{SessionWish, Verdict};
use crate::status::Rejection;

/// Models of a ranking that a verdict can be held against: whoever fails over further than this is past forecasting.
pub(crate) const MAX_REMEMBERED_RANKS: usize = 8;

/// Names a decision: the millisecond it was made in, then chance, as a UUID of version 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DecisionId(u128);

impl DecisionId {
    /// A new one. Chance comes from a generator that is quick and not secret: an id is a name, not a key.
    pub fn new(now: SystemTime) -> Self {
        let ms = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let chance = fastrand::u128(..) & 0x0fff_3fff_ffff_ffff_ffff;
        Self((ms & 0xffff_ffff_ffff) << 80 | 0x7000_8000_0000_0000_0000 | chance)
    }

    /// Reads one as it was written.
    pub fn parse(text: &str) -> Option<Self> {
        let dashes = text.bytes().enumerate().all(|(at, byte)| (byte == b'-') == [8, 13, 18, 23].contains(&at));
        if text.len() != 36 || !dashes {
            return None;
        }
        let digits: String = text.chars().filter(|letter| *letter != '-').collect();
        if digits.bytes().any(|byte| !byte.is_ascii_hexdigit()) {
            return None;
        }
        u128::from_str_radix(&digits, 16).ok().map(Self)
    }
}

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:032x}", self.0);
        write!(f, "{}-{}-{}-{}-{}", &digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..])
    }
}

/// The conversations under way, by a digest of tenant and id.
#[derive(Debug)]
pub(crate) struct Sessions {
    kept: Generations<[u8; 32], Kept>,
    idle: Duration,
    prompt_cache: Duration,
}

#[derive(Clone, Debug)]
struct Kept {
    model: ModelId,
    prompt_tokens: Tokens,
    at: Instant,
}

impl Sessions {
    pub(crate) fn new(rule: &MemoryRule) -> Self {
        let kept = Generations::new(rule.sessions);
        Self { kept, idle: rule.session_idle, prompt_cache: rule.prompt_cache }
    }

    /// What is known of a conversation: by the caller's word first, by memory where it says nothing.
    pub(crate) fn facts(&self, tenant: &str, wish: &SessionWish, now: Instant) -> Option<SessionFacts> {
        let kept = wish.id.as_ref().and_then(|id| self.kept.get(&key(tenant, id)));
        let kept = kept.filter(|kept| now.saturating_duration_since(kept.at) < self.idle);
        let current = wish.current.clone().or_else(|| kept.as_ref().map(|kept| kept.model.clone()))?;
        // What was sent to this model a moment ago is believed to be in its provider's cache.
        let remembered =
            kept.filter(|kept| kept.model == current && now.saturating_duration_since(kept.at) < self.prompt_cache);
        let cached_prompt = wish.cached_prompt.or(remembered.map(|kept| kept.prompt_tokens)).unwrap_or(Tokens::ZERO);
        Some(SessionFacts { current, cached_prompt, lock: wish.lock })
    }

    pub(crate) fn remember(&self, tenant: &str, wish: &SessionWish, model: &ModelId, prompt: Tokens, now: Instant) {
        if let Some(id) = &wish.id {
            self.kept.insert(key(tenant, id), Kept { model: model.clone(), prompt_tokens: prompt, at: now });
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }
}

/// Ids are the callers' own and may say who somebody is, so only digests are kept.
fn key(tenant: &str, id: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(tenant.len().to_le_bytes());
    hash.update(tenant.as_bytes());
    hash.update(id.as_bytes());
    hash.finalize().into()
}

/// The state of every `budget` policy, by its name and the digest of its rules: a policy that is edited starts anew.
#[derive(Debug, Default)]
pub(crate) struct Budgets {
    states: Mutex<BTreeMap<(String, String), BudgetState>>,
}

impl Budgets {
    /// Decides under the policy's state and keeps the next one. Held while it is decided: two requests never spend one rest.
    pub(crate) fn decide<T>(&self, policy: &Policy, decide: impl FnOnce(BudgetState) -> (T, Option<BudgetState>)) -> T {
        let mut states = self.states();
        let key = (policy.name().to_string(), policy.version().to_owned());
        let (decided, next) = decide(states.get(&key).copied().unwrap_or_default());
        if let Some(next) = next {
            // Rules of yesterday: as many as one set of policies may hold are kept, so that an edit can be taken back.
            if states.len() >= 2 * decision::MAX_POLICIES && !states.contains_key(&key) {
                states.pop_first();
            }
            states.insert(key, next);
        }
        decided
    }

    /// Enters the bill of a call that was forwarded here, in place of what its decision was expected to cost.
    pub(crate) fn account(&self, decision: &Decision, expected: PicoUsd, billed: PicoUsd) {
        if decision.budget.is_some() {
            self.settle(decision.policy.as_str(), &decision.policy_version, expected, billed);
        }
    }

    fn settle(&self, name: &str, version: &str, expected: PicoUsd, billed: PicoUsd) {
        if let Some(state) = self.states().get_mut(&(name.to_owned(), version.to_owned())) {
            *state = state.settled(expected, billed);
        }
    }

    fn states(&self) -> MutexGuard<'_, BTreeMap<(String, String), BudgetState>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A decision that waits for its verdict.
#[derive(Clone, Debug)]
pub(crate) struct Awaiting {
    pub(crate) policy: Arc<str>,
    pub(crate) policy_version: Arc<str>,
    /// The first of the ranking with what was expected of them.
    pub(crate) ranked: Box<[Expected]>,
    /// What the budget has been charged so far, where one was.
    charged: Option<PicoUsd>,
    /// What was forecast of the reference of the policy's promise, where that speaks of this decision.
    reference: Option<Quality>,
    judged: bool,
    reported: bool,
    /// Whether its call is forwarded here. Its bill is then entered by whoever ends the call, who holds what was charged: a call
    /// may end long after its decision is forgotten here.
    accounted: bool,
}

/// What was expected of one model.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) model: ModelId,
    pub(crate) quality: Option<Quality>,
    pub(crate) cost: PicoUsd,
}

/// What a verdict told.
#[derive(Clone, Debug)]
pub(crate) struct Joined {
    /// Who answered.
    pub(crate) model: ModelId,
    /// Forecast and outcome, where both are known and this is the first verdict on the quality.
    pub(crate) drift: Option<(Quality, Quality)>,
    /// What the watch over a promise should see.
    pub(crate) promised: Option<Promised>,
    /// Whether something was reported of this decision before.
    pub(crate) repeated: bool,
    /// Whether its call is forwarded here, and so its bill is entered without this verdict.
    pub(crate) accounted: bool,
}

/// An outcome under a promise.
#[derive(Clone, Debug)]
pub(crate) struct Promised {
    pub(crate) policy: Arc<str>,
    pub(crate) rules: Arc<str>,
    pub(crate) served: Served,
}

/// The decisions that wait for a verdict.
#[derive(Debug)]
pub(crate) struct Decisions {
    awaiting: Generations<DecisionId, Awaiting>,
}

impl Decisions {
    pub(crate) fn new(rule: &MemoryRule) -> Self {
        Self { awaiting: Generations::new(rule.decisions) }
    }

    pub(crate) fn remember(
        &self,
        id: DecisionId,
        decision: &Decision,
        ranked: Box<[Expected]>,
        reference: Option<Quality>,
        accounted: bool,
    ) {
        let charged = decision.budget.and(ranked.first().map(|first| first.cost));
        let (policy, policy_version) = (Arc::from(decision.policy.as_str()), Arc::clone(&decision.policy_version));
        let (judged, reported) = (false, false);
        let awaiting = Awaiting { policy, policy_version, ranked, charged, reference, judged, reported, accounted };
        self.awaiting.insert(id, awaiting);
    }

    /// Joins a verdict with its decision. The same verdict told twice counts once.
    pub(crate) fn join(&self, verdict: &Verdict, budgets: &Budgets) -> Result<Joined, Rejection> {
        let joined = self.awaiting.change(&verdict.decision, |awaiting| {
            let model = verdict.model.clone().unwrap_or_else(|| awaiting.ranked[0].model.clone());
            let expected = awaiting.ranked.iter().find(|expected| expected.model == model);
            let forecast = expected.and_then(|expected| expected.quality);
            let drift = forecast.zip(verdict.quality).filter(|_| !awaiting.judged);
            // A promise speaks of whom the policy chose, not of who stood in when that one failed.
            let promised = drift.zip(awaiting.reference).filter(|_| model == awaiting.ranked[0].model);
            let promised = promised.map(|((forecast, quality), reference)| Promised {
                policy: Arc::clone(&awaiting.policy),
                rules: Arc::clone(&awaiting.policy_version),
                served: Served {
                    quality: quality.get(),
                    forecast: forecast.get(),
                    reference_forecast: reference.get(),
                },
            });
            awaiting.judged |= verdict.quality.is_some();
            // What was billed here is known better than what a caller reckons.
            let billed = verdict.cost.filter(|_| !awaiting.accounted);
            if let (Some(charged), Some(billed)) = (awaiting.charged, billed) {
                budgets.settle(&awaiting.policy, &awaiting.policy_version, charged, billed);
                awaiting.charged = Some(billed);
            }
            let repeated = std::mem::replace(&mut awaiting.reported, true);
            Joined { model, drift, promised, repeated, accounted: awaiting.accounted }
        });
        joined.ok_or_else(|| Rejection::NotFound {
            field: "decision_id".into(),
            complaint: format!("no decision `{}` waits for a verdict here any more", verdict.decision),
        })
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.awaiting.len()
    }
}

#[cfg(test)]
mod tests;
