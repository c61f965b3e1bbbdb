//! Promises as text, as checks, and as what they come to when something else is in use.

use proptest::prelude::*;

use super::{Loss, OnAlarm, Promise, Reference, Slices, Span, Terms, Weighed};
use crate::policy::{Mode, Policies, Policy, Rules};
use crate::scenario::{id, policy, quality};

const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn tuned() -> Policy {
    policy(Rules::of(Mode::Tolerance { quality_tolerance: quality(0.03) }))
}

fn terms() -> Terms {
    Terms {
        loss: Loss::Difference,
        loss_at_most: 0.02,
        confidence: 0.95,
        reference: Reference::BestSingle(id("large")),
        slices: None,
        weighed: None,
        policy: tuned().version().to_owned(),
        artifact: Some(format!("sha256:{HEX}")),
        catalog: Some(HEX[..32].to_owned()),
        outcomes: format!("sha256:{HEX}"),
        tuned: "2026-11-21".to_owned(),
        n_prompts: 1200,
        n_groups: 1100,
        saving: Span { value: 0.58, low: 0.52, high: 0.63 },
        reference_bias: 0.01,
        on_alarm: OnAlarm::Warn,
    }
}

fn text() -> String {
    let policy = tuned().promised(Promise::new(terms()).unwrap()).unwrap();
    Policies::new(policy.name().clone(), vec![policy]).unwrap().to_toml()
}

#[test]
fn a_promise_is_written_and_read_back() {
    let read = Policies::from_toml(&text()).unwrap();
    assert_eq!(read.default_policy().promise().unwrap().terms(), &terms());
    assert_eq!(read.to_toml(), text());
}

#[test]
fn a_promise_is_no_part_of_the_version_of_its_rules() {
    assert_eq!(Policies::from_toml(&text()).unwrap().default_policy().version(), tuned().version());
}

#[test]
fn rules_that_were_changed_by_hand_have_no_promise() {
    let changed = text().replace("quality_tolerance = 0.03", "quality_tolerance = 0.04");
    let error = Policies::from_toml(&changed).unwrap_err();
    assert!(error.key.ends_with("promise.policy"), "{error}");
    assert!(error.complaint.contains("tune again, or remove the promise"), "{error}");
}

#[test]
fn every_wrong_field_is_named() {
    for (from, to, key) in [
        ("loss_at_most = 0.02", "loss_at_most = 0.0", "promise.loss_at_most"),
        ("loss_at_most = 0.02", "loss_at_most = nan", "promise.loss_at_most"),
        ("confidence = 0.95", "confidence = 1.0", "promise.confidence"),
        ("loss = \"difference\"", "loss = \"all\"", "promise.loss"),
        ("against = \"best_single\"", "against = \"best_forecast\"", "promise.reference"),
        ("reference = \"large\"\n", "", "promise"),
        ("saving_low = 0.52", "saving_low = 0.6", "promise.saving"),
        ("n_groups = 1100", "n_groups = 1300", "promise.n_groups"),
        ("n_groups = 1100", "n_groups = 0", "promise.n_groups"),
        ("outcomes = \"sha256:", "outcomes = \"md5:", "promise.outcomes"),
        ("artifact = \"sha256:0", "artifact = \"sha256:g", "promise.artifact"),
        ("tuned = \"2026-11-21\"", "tuned = \"yesterday\"", "promise.tuned"),
        ("reference_bias = 0.01", "reference_bias = 1.5", "promise.reference_bias"),
        ("n_prompts = 1200", "n_prompts = 1200\nsavings = 1.0", "promise"),
        ("n_prompts = 1200", "n_prompts = 1200\nslices = [\"a\"]", "promise.slices"),
        ("n_prompts = 1200", "n_prompts = 1200\nproportions = [\"a=1\"]", "promise.proportions"),
        ("n_prompts = 1200", "n_prompts = 1200\nslices_by = \"d\"\nproportions = [\"a\"]", "promise.proportions"),
        ("n_prompts = 1200", "n_prompts = 1200\nslices_by = \"d\"\nproportions = [\"a=0.4\"]", "promise.proportions"),
        (
            "n_prompts = 1200",
            "n_prompts = 1200\nslices_by = \"d\"\nslices = [\"a\"]\nproportions = [\"a=1\"]",
            "promise.proportions",
        ),
    ] {
        let wrong = text().replace(from, to);
        assert_ne!(wrong, text(), "{from} is in the text");
        let error = Policies::from_toml(&wrong).unwrap_err();
        assert!(error.key.ends_with(key), "{from} -> {to}: {error}");
        assert!(error.line > 0, "{error}");
    }
}

#[test]
fn another_artifact_or_catalog_makes_it_void_and_says_so() {
    let promise = Promise::new(terms()).unwrap();
    let (artifact, catalog) = (format!("sha256:{HEX}"), &HEX[..32]);
    assert_eq!(promise.void(&artifact, catalog), None);
    let other = promise.void("sha256:77", catalog).unwrap();
    assert_eq!(
        other.to_string(),
        format!("the promise is void: it was made with artifact {artifact}, and this is artifact sha256:77")
    );
    assert_eq!(promise.void(&artifact, "other").unwrap().what, "catalog");
    let loose = Promise::new(Terms { artifact: None, ..terms() }).unwrap();
    let void = loose.void(&artifact, catalog).unwrap().to_string();
    assert!(void.contains("made with no artifact"), "{void}");
}

#[test]
fn after_an_alarm_the_reference_serves_only_if_the_operator_said_so() {
    let of = |on_alarm, reference| {
        let promise = Promise::new(Terms { on_alarm, reference, ..terms() }).unwrap();
        promise.instead_of(&tuned()).unwrap().map(|policy| policy.rules().mode.clone())
    };
    assert_eq!(of(OnAlarm::Warn, Reference::Model(id("large"))), None);
    assert_eq!(of(OnAlarm::Reference, Reference::BestSingle(id("large"))), Some(Mode::Pin { model: id("large") }));
    let cautious = Mode::Tolerance { quality_tolerance: quality(0.0) };
    assert_eq!(of(OnAlarm::Reference, Reference::BestForecast), Some(cautious));
}

#[test]
fn a_promise_says_itself_in_a_sentence() {
    let of = |loss| Promise::new(Terms { loss, ..terms() }).unwrap().to_string();
    assert_eq!(
        of(Loss::Difference),
        "with 95% confidence at most 0.02 of quality is lost against the best single model (it seems to be large), and \
         58.0% of its cost is saved"
    );
    assert!(of(Loss::Worse).contains("at most 2% of prompts are answered worse than by"));
    assert!(of(Loss::Relative).contains("at most 2% of the quality of"));
    let shares = vec![("easy".to_owned(), 0.99), ("hard".to_owned(), 0.01)];
    let weighed = Some(Weighed { by: "dataset".to_owned(), shares });
    let said = Promise::new(Terms { weighed, ..terms() }).unwrap().to_string();
    assert!(said.contains(" in a mean of 99% easy, 1% hard by dataset, and"), "{said}");
}

proptest! {
    #[test]
    fn any_promise_survives_its_text(
        loss in prop::sample::select(Loss::ALL.to_vec()),
        (loss_at_most, confidence) in (1e-6..0.999f64, 1e-6..0.999f64),
        saving in (-3.0..0.3f64, 0.0..0.3f64, 0.0..0.3f64),
        bias in -1.0..1.0f64,
        (n_groups, more) in (1u64..1_000_000, 0u64..1000),
        weighed in prop::option::of(0.0..1.0f64),
        slices in prop::option::of((prop::collection::vec("[a-z =\"]{1,9}", 1..5), prop::collection::vec("[a-z]{1,9}", 0..3))),
    ) {
        let terms = Terms {
            loss,
            loss_at_most,
            confidence,
            saving: Span { low: saving.0, value: saving.0 + saving.1, high: saving.0 + saving.1 + saving.2 },
            reference_bias: bias,
            n_groups,
            n_prompts: n_groups + more,
            slices: slices
                .filter(|_| weighed.is_none())
                .map(|(held, too_small)| Slices { by: "dataset".to_owned(), held, too_small }),
            weighed: weighed.map(|share| Weighed {
                by: "dataset".to_owned(),
                shares: vec![("a=b".to_owned(), share), ("c".to_owned(), 1.0 - share)],
            }),
            ..terms()
        };
        let policy = tuned().promised(Promise::new(terms.clone()).unwrap()).unwrap();
        let text = Policies::new(policy.name().clone(), vec![policy]).unwrap().to_toml();
        let read = Policies::from_toml(&text).unwrap();
        prop_assert_eq!(read.default_policy().promise().unwrap().terms(), &terms);
    }
}
