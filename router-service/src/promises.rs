//! The promises of the policies in use: each is watched while outcomes are reported, is void beside an artifact or a catalog it
//! was not made with, and gives way to its reference after an alarm if the operator said so.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use decision::{
    Alarm, Candidates, Decision, ModelId, Policy, PolicyError, Promise, Quality, Reason, Reference, Served, Watch,
};
use serde_json::{Value, json};

use crate::metrics::Metrics;
use crate::metrics::list::Metric;
use crate::snapshot::Snapshot;

/// The promises of one snapshot's policies: at most one each, [`decision::MAX_POLICIES`].
#[derive(Debug, Default)]
pub(crate) struct Promises {
    kept: RwLock<BTreeMap<String, Arc<Kept>>>,
}

/// One promise and how it fares.
#[derive(Debug)]
struct Kept {
    promise: Promise,
    /// The version of the rules it was made for.
    rules: String,
    /// Why it does not hold, where it does not.
    void: Option<String>,
    /// Who serves after a loss, if the operator said so.
    instead: Option<Policy>,
    watch: Mutex<Watch>,
}

impl Kept {
    fn of(policy: &Policy, promise: &Promise, snapshot: &Snapshot) -> Result<Self, PolicyError> {
        let void = promise.void(&snapshot.artifact, &snapshot.catalog.version());
        Ok(Self {
            promise: promise.clone(),
            rules: policy.version().to_owned(),
            void: void.map(|void| void.to_string()),
            instead: promise.instead_of(policy)?,
            watch: Mutex::new(Watch::over(promise)),
        })
    }

    /// Whether what was seen of the one counts for the other.
    fn is(&self, other: &Self) -> bool {
        self.promise == other.promise && self.rules == other.rules && self.void == other.void
    }

    fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Promises {
    /// Takes over the promises of a snapshot that goes into use. One that stays the same keeps what was seen of it.
    pub(crate) fn adopt(&self, snapshot: &Snapshot, metrics: &Metrics) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::take(&mut *kept);
        for policy in snapshot.policies.iter() {
            let Some(promise) = policy.promise() else { continue };
            let name = policy.name().to_string();
            match Kept::of(policy, promise, snapshot) {
                Ok(new) => {
                    let new = before.get(&name).filter(|old| old.is(&new)).map_or_else(|| Arc::new(new), Arc::clone);
                    show(&name, &new, metrics);
                    kept.insert(name, new);
                }
                // Rules that were tuned are rules that can be pinned; should they not be, the policy serves as it is.
                Err(error) => tracing::error!(policy = name, %error, "this promise cannot be watched"),
            }
        }
        for gone in before.keys().filter(|name| !kept.contains_key(*name)) {
            metrics.set(Metric::PromiseVoid, &[gone], 0);
            Alarm::ALL.iter().for_each(|alarm| metrics.set(Metric::PromiseAlarms, &[gone, alarm.word()], 0));
        }
    }

    /// Says in the log which promises are void.
    pub(crate) fn tell_void(&self) {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        for (policy, void) in kept.iter().filter_map(|(name, kept)| Some((name, kept.void.as_ref()?))) {
            tracing::warn!(policy, "{void}");
        }
    }

    /// The policy that serves in place of this one: its reference, after a loss.
    pub(crate) fn instead_of(&self, policy: &Policy) -> Option<Policy> {
        policy.promise()?;
        let kept = self.of(policy.name().as_str(), policy.version())?;
        kept.instead.clone().filter(|_| kept.watch().has_raised(Alarm::Loss))
    }

    /// What was forecast of the reference, where the promise speaks of this decision: it holds, something was weighed and no
    /// detour made, and the reference could have served.
    pub(crate) fn reference(&self, policy: &Policy, decision: &Decision, candidates: &Candidates) -> Option<Quality> {
        policy.promise()?;
        let kept = self.of(policy.name().as_str(), policy.version()).filter(|kept| kept.void.is_none())?;
        let weighed = match &decision.reason {
            Reason::CheapestWithin { .. }
            | Reason::CheapestAbove { .. }
            | Reason::BestBelow { .. }
            | Reason::MostValue { .. }
            | Reason::WithinBudget { .. }
            | Reason::BudgetSpent { .. } => true,
            Reason::Pinned { .. }
            | Reason::PinnedFallback { .. }
            | Reason::Fallback { .. }
            | Reason::CheapestBlind { .. }
            | Reason::StayedBlind { .. }
            | Reason::Locked { .. }
            | Reason::Stayed { .. }
            | Reason::Explored { .. } => false,
        };
        let forecasts =
            || candidates.eligible().filter_map(|candidate| Some((&candidate.model, candidate.expectation?)));
        let of = |model: &ModelId| forecasts().find(|(known, _)| *known == model).map(|(_, expected)| expected.quality);
        match &kept.promise.terms().reference {
            _ if !weighed => None,
            Reference::BestSingle(model) | Reference::Model(model) => of(model),
            Reference::BestForecast => forecasts().map(|(_, expected)| expected.quality).max(),
        }
    }

    /// An outcome under a promise.
    pub(crate) fn saw(&self, policy: &str, rules: &str, served: &Served, metrics: &Metrics) {
        let Some(kept) = self.of(policy, rules).filter(|kept| kept.void.is_none()) else { return };
        let raised: Vec<Alarm> = {
            let mut watch = kept.watch();
            let before: Vec<Alarm> = watch.alarms().collect();
            watch.saw(served);
            watch.alarms().filter(|alarm| !before.contains(alarm)).collect()
        };
        metrics.count(Metric::PromiseOutcomes, &[policy]);
        for alarm in raised {
            let instead =
                if alarm == Alarm::Loss && kept.instead.is_some() { "; the reference serves now" } else { "" };
            tracing::error!(policy, alarm = alarm.word(), "{alarm}{instead}");
            show(policy, &kept, metrics);
        }
    }

    /// How each promise fares, for `/readyz`.
    pub(crate) fn standing(&self) -> Value {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let each = kept.iter().map(|(policy, kept)| {
            let watch = kept.watch();
            json!({
                "policy": policy,
                "promise": kept.promise.to_string(),
                "void": kept.void,
                "outcomes": watch.n_outcomes(),
                "alarms": watch.alarms().map(Alarm::word).collect::<Vec<_>>(),
                "reference_serves": kept.instead.is_some() && watch.has_raised(Alarm::Loss),
            })
        });
        each.collect()
    }

    fn of(&self, policy: &str, rules: &str) -> Option<Arc<Kept>> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.get(policy).filter(|kept| kept.rules == rules).cloned()
    }
}

fn show(policy: &str, kept: &Kept, metrics: &Metrics) {
    metrics.set(Metric::PromiseVoid, &[policy], i64::from(kept.void.is_some()));
    let watch = kept.watch();
    for alarm in Alarm::ALL {
        metrics.set(Metric::PromiseAlarms, &[policy, alarm.word()], i64::from(watch.has_raised(alarm)));
    }
}

#[cfg(test)]
mod tests;
