//! A promise that is kept stays quiet, one that is broken is told of once and gives way, one made elsewhere is void.

use std::collections::BTreeSet;

use decision::{
    Alarm, Candidates, Evidence, Loss, Mode, ModelId, OnAlarm, Policies, Policy, PolicyName, Promise, Quality,
    Reference, RequestFacts, Rules, Served, Span, Terms, Tokens, decide,
};

use super::Promises;
use crate::config::Sources;
use crate::metrics::Metrics;
use crate::metrics::list::Metric;
use crate::snapshot::Snapshot;

const LARGE: &str = "gpt-4o-2024-05-13";

fn snapshot(change: impl Fn(&mut Terms)) -> Snapshot {
    let mut snapshot = Snapshot::make(&Sources::default(), 1, 0).unwrap();
    let rules = Rules::of(Mode::Tolerance { quality_tolerance: Quality::new(0.05).unwrap() });
    let policy = Policy::new(PolicyName::new("tuned").unwrap(), rules).unwrap();
    let mut terms = Terms {
        loss: Loss::Difference,
        loss_at_most: 0.02,
        confidence: 0.95,
        reference: Reference::Model(ModelId::new(LARGE).unwrap()),
        slices: None,
        weighed: None,
        policy: policy.version().to_owned(),
        artifact: Some(snapshot.artifact.to_string()),
        catalog: Some(snapshot.catalog.version()),
        outcomes: format!("sha256:{}", "0".repeat(64)),
        tuned: "2026-11-21".to_owned(),
        n_prompts: 1000,
        n_groups: 1000,
        saving: Span { value: 0.5, low: 0.4, high: 0.6 },
        reference_bias: 0.0,
        on_alarm: OnAlarm::Reference,
    };
    change(&mut terms);
    let policy = policy.promised(Promise::new(terms).unwrap()).unwrap();
    snapshot.policies = Policies::new(policy.name().clone(), vec![policy]).unwrap();
    snapshot
}

/// Promises in use, with what they are counted in.
struct InUse {
    snapshot: Snapshot,
    promises: Promises,
    metrics: Metrics,
}

impl InUse {
    fn new(change: impl Fn(&mut Terms)) -> Self {
        let in_use = Self { snapshot: snapshot(change), promises: Promises::default(), metrics: Metrics::default() };
        in_use.adopt(&in_use.snapshot);
        in_use
    }

    fn adopt(&self, snapshot: &Snapshot) {
        self.metrics.snapshot_swapped(&snapshot.catalog, &snapshot.policies, snapshot.made_at);
        self.promises.adopt(snapshot, &self.metrics);
    }

    fn policy(&self) -> &Policy {
        self.snapshot.policies.default_policy()
    }

    /// An answer this good, where both the model that served and the reference were forecast 0.8.
    fn saw(&self, quality: f64) {
        let served = Served { quality, forecast: 0.8, reference_forecast: 0.8 };
        self.promises.saw("tuned", self.policy().version(), &served, &self.metrics);
    }

    fn gauge(&self, metric: Metric, words: &[&str]) -> u64 {
        self.metrics.total(metric, words)
    }
}

#[test]
fn a_kept_promise_is_quiet_for_a_hundred_thousand_outcomes() {
    let in_use = InUse::new(|_| ());
    for outcome in 0..100_000_u32 {
        // Four of five succeed, which is what was forecast.
        in_use.saw(if outcome % 5 == 0 { 0.0 } else { 1.0 });
    }
    assert_eq!(in_use.metrics.total(Metric::PromiseOutcomes, &["tuned"]), 100_000);
    assert!(Alarm::ALL.iter().all(|alarm| in_use.gauge(Metric::PromiseAlarms, &["tuned", alarm.word()]) == 0));
    assert_eq!(in_use.promises.instead_of(in_use.policy()), None);
}

#[test]
fn a_sudden_drop_raises_the_alarm_and_the_reference_serves() {
    let in_use = InUse::new(|_| ());
    for outcome in 0..1000_u32 {
        in_use.saw(if outcome % 5 == 0 { 0.0 } else { 1.0 });
    }
    let until_alarm = (0..1000_u32).take_while(|outcome| {
        in_use.saw(if outcome % 5 < 3 { 0.0 } else { 1.0 });
        in_use.promises.instead_of(in_use.policy()).is_none()
    });
    assert!(until_alarm.count() < 500, "half of the quality is gone");
    assert_eq!(in_use.gauge(Metric::PromiseAlarms, &["tuned", "loss"]), 1);
    let instead = in_use.promises.instead_of(in_use.policy()).unwrap();
    assert_eq!(instead.rules().mode, Mode::Pin { model: ModelId::new(LARGE).unwrap() });
    let standing = in_use.promises.standing();
    assert_eq!((&standing[0]["policy"], &standing[0]["reference_serves"]), (&"tuned".into(), &true.into()));
    assert!(standing[0]["alarms"].as_array().unwrap().contains(&"loss".into()), "{standing}");

    // A snapshot with the same promise does not make it whole; one with another begins anew.
    in_use.adopt(&snapshot(|_| ()));
    assert!(in_use.promises.instead_of(in_use.policy()).is_some());
    in_use.adopt(&snapshot(|terms| terms.loss_at_most = 0.03));
    assert!(in_use.promises.instead_of(in_use.policy()).is_none());
    assert_eq!(in_use.gauge(Metric::PromiseAlarms, &["tuned", "loss"]), 0);
}

#[test]
fn an_operator_who_only_wants_to_be_warned_keeps_the_policy() {
    let in_use = InUse::new(|terms| terms.on_alarm = OnAlarm::Warn);
    (0..1000).for_each(|_| in_use.saw(0.0));
    assert_eq!(in_use.gauge(Metric::PromiseAlarms, &["tuned", "loss"]), 1);
    assert_eq!(in_use.promises.instead_of(in_use.policy()), None);
}

#[test]
fn a_promise_made_elsewhere_is_void_and_not_watched() {
    let in_use = InUse::new(|terms| terms.artifact = Some(format!("sha256:{}", "7".repeat(64))));
    (0..1000).for_each(|_| in_use.saw(0.0));
    assert_eq!(in_use.gauge(Metric::PromiseVoid, &["tuned"]), 1);
    assert_eq!(in_use.metrics.total(Metric::PromiseOutcomes, &["tuned"]), 0);
    let standing = in_use.promises.standing();
    assert!(standing[0]["void"].as_str().unwrap().contains("made with artifact sha256:777"), "{standing}");
    in_use.adopt(&Snapshot::make(&Sources::default(), 1, 1).unwrap());
    assert_eq!(in_use.promises.standing(), serde_json::json!([]));
    assert_eq!(in_use.gauge(Metric::PromiseVoid, &["tuned"]), 0);
}

#[test]
fn only_what_was_weighed_against_the_reference_counts() {
    let in_use = InUse::new(|_| ());
    let policy = in_use.policy();
    let prompt = classifier::Prompt::from_text("Which of two trains arrives first?");
    let forecast = in_use.snapshot.classifier.forecast(std::slice::from_ref(&prompt)).pop().unwrap();
    let reference = |change: &dyn Fn(&mut RequestFacts), evidence: &Evidence| {
        let mut facts = RequestFacts::of_size(Tokens::new(100).unwrap());
        change(&mut facts);
        let joined = Candidates::join(&in_use.snapshot.catalog, policy, &facts, evidence, &BTreeSet::new()).unwrap();
        in_use.promises.reference(policy, &decide(policy, &facts, &joined).unwrap(), &joined)
    };
    let large = ModelId::new(LARGE).unwrap();
    let of_large = forecast.models().iter().find(|forecast| forecast.model == large).unwrap().quality;
    let evidence = Evidence::Forecast(forecast);
    assert_eq!(reference(&|_| (), &evidence), Some(of_large));
    assert_eq!(reference(&|_| (), &Evidence::Absent(decision::Absent::Late)), None);
    let others =
        |facts: &mut RequestFacts| facts.candidates = Some([ModelId::new("gpt-4o-mini-2024-07-18").unwrap()].into());
    assert_eq!(reference(&others, &evidence), None, "the reference could not have served");
}
