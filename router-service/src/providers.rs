//! How the providers of models are doing, by what callers report of their calls: one breaker a model. The rules are the
//! engine's; here are the clock and the list. A model nobody has reported a failure of is not in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use decision::{BreakerRule, Catalog, Health, ModelId, Moment};

use crate::question::CallEnd;

/// The breakers of models whose calls have failed: at most one for each model of the catalog, [`decision::MAX_MODELS`].
#[derive(Debug)]
pub(crate) struct Providers {
    began: Instant,
    breakers: Mutex<BTreeMap<ModelId, Health>>,
}

impl Providers {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), breakers: Mutex::default() }
    }

    /// A call ended. Models that have left the catalog make room.
    pub(crate) fn ended(&self, catalog: &Catalog, model: &ModelId, end: CallEnd, latency_ms: u64, now: Instant) {
        let now = self.moment(now);
        let mut breakers = self.breakers();
        if end == CallEnd::ProviderFailed && catalog.get(model).is_some() && !breakers.contains_key(model) {
            breakers.retain(|model, _| catalog.get(model).is_some());
            let health = Health::new(BreakerRule::default(), now).expect("the default rule is good");
            breakers.insert(model.clone(), health);
        }
        let Some(health) = breakers.get_mut(model) else { return };
        // What was under way when the breaker opened says nothing of now.
        let Some(permit) = health.admit(now) else { return };
        match end {
            CallEnd::Answered => health.succeeded(permit, now, latency_ms),
            CallEnd::ProviderFailed => health.failed(permit, now),
        }
    }

    /// The models that are not to be called now.
    pub(crate) fn unhealthy(&self, now: Instant) -> BTreeSet<ModelId> {
        let now = self.moment(now);
        let breakers = self.breakers();
        breakers.iter().filter(|(_, health)| !health.is_open_to_calls(now)).map(|(model, _)| model.clone()).collect()
    }

    fn moment(&self, now: Instant) -> Moment {
        let since = now.saturating_duration_since(self.began).as_millis();
        Moment(u64::try_from(since).unwrap_or(u64::MAX))
    }

    fn breakers(&self) -> MutexGuard<'_, BTreeMap<ModelId, Health>> {
        self.breakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    //! Failures in a row take a model out, time and an answer bring it back.

    use std::time::{Duration, Instant};

    use decision::{Catalog, ModelId};

    use super::Providers;
    use crate::question::CallEnd;

    fn catalog(n: usize) -> Catalog {
        let model = |index| {
            format!("[[model]]\nid = \"m{index}\"\ncontext_window = 9\nusd_per_1m = {{ prompt = 1, completion = 1 }}\n")
        };
        Catalog::from_toml(&(0..n).map(model).collect::<String>()).unwrap()
    }

    #[test]
    fn a_failing_model_is_left_out_and_comes_back() {
        let (providers, catalog, model) = (Providers::new(), catalog(1), ModelId::new("m0").unwrap());
        let begin = Instant::now();
        let after = |ms| begin + Duration::from_millis(ms);
        for turn in 0..5 {
            assert!(providers.unhealthy(after(turn)).is_empty());
            providers.ended(&catalog, &model, CallEnd::ProviderFailed, 0, after(turn));
        }
        assert!(providers.unhealthy(after(10)).contains(&model));
        providers.ended(&catalog, &model, CallEnd::Answered, 5, after(11));
        assert!(!providers.unhealthy(after(12)).is_empty(), "a straggler says nothing");
        assert!(providers.unhealthy(after(3_000)).is_empty(), "after a while it is tried again");
        providers.ended(&catalog, &model, CallEnd::Answered, 5, after(3_001));
        providers.ended(&catalog, &model, CallEnd::ProviderFailed, 5, after(3_002));
        assert!(providers.unhealthy(after(3_003)).is_empty(), "it is back, with a clean record");
    }

    #[test]
    fn only_models_of_the_catalog_have_a_breaker() {
        let (providers, catalog) = (Providers::new(), catalog(3));
        for index in 0..100 {
            let model = ModelId::new(&format!("m{index}")).unwrap();
            providers.ended(&catalog, &model, CallEnd::ProviderFailed, 0, Instant::now());
        }
        assert_eq!(providers.breakers().len(), 3);
    }
}
