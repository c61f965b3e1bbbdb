//! The list is whole, the text is what Prometheus reads, and no stranger makes a series.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use decision::{Catalog, Evidence, Forecast, ModelForecast, ModelId, Policies, Quality, RequestFacts, Tokens, decide};

use super::Metrics;
use super::list::{Facts, Kind, MAX_SERIES, METRICS, Metric, table};
use super::words::{MAX_MODEL_LABELS, Words};
use crate::default_policy::default_policies;

#[test]
fn every_metric_stands_in_the_list_once_and_under_its_own_number() {
    for (place, facts) in METRICS.iter().enumerate() {
        assert_eq!(facts.metric as usize, place, "{} stands in another's place", facts.name);
        assert_eq!(METRICS.iter().filter(|other| other.name == facts.name).count(), 1, "{}", facts.name);
        let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        assert!(facts.name.bytes().all(lower), "{}", facts.name);
        let total = facts.name.ends_with("_total");
        assert_eq!(total, facts.kind == Kind::Counter, "{}: a counter and nothing else ends in _total", facts.name);
        assert!(facts.help.ends_with('.') && facts.help.len() > 10, "{}: {:?}", facts.name, facts.help);
        if let Kind::Histogram(bounds) = facts.kind {
            assert!(bounds.windows(2).all(|pair| pair[0] < pair[1]), "{}: bounds out of order", facts.name);
        }
    }
}

#[test]
fn the_document_holds_the_list() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
    let document = fs::read_to_string(&path).unwrap();
    let table = table();
    assert!(document.contains(&table), "docs/metrics.md: expected this table:\n{table}");
    assert_eq!(document.matches("\n| `").count(), METRICS.len(), "docs/metrics.md lists something that is no metric");
    for (name, limit) in [("MAX_MODEL_LABELS", MAX_MODEL_LABELS), ("MAX_SERIES", MAX_SERIES)] {
        assert!(document.contains(&format!("`{name}` = {limit}")), "docs/metrics.md: expected `{name}` = {limit}");
    }
}

#[test]
fn the_words_of_the_engine_are_in_their_sets() {
    let metrics = bound();
    let catalog = catalog(&["a", "b"]);
    let policies = default_policies(&classifier::built_in_catalog());
    let policy = policies.default_policy();
    let facts = RequestFacts::of_size(Tokens::new(100).unwrap());
    for evidence in [evidence(&[("a", 0.9), ("b", 0.8)]), Evidence::Absent(decision::Absent::Late)] {
        let candidates = decision::Candidates::join(&catalog, policy, &facts, &evidence, &Default::default()).unwrap();
        metrics.decided(&decide(policy, &facts, &candidates).unwrap(), &candidates);
        metrics.evidence(&evidence, &metrics.forecast_series(&catalog));
    }
    let mut facts = facts;
    facts.limits.deny = catalog.models().iter().map(|model| model.id.clone()).collect();
    let evidence = evidence(&[]);
    let candidates = decision::Candidates::join(&catalog, policy, &facts, &evidence, &Default::default()).unwrap();
    metrics.refused(&decide(policy, &facts, &candidates).unwrap_err(), "balanced", &candidates);
    let text = metrics.text(Instant::now());
    assert!(!text.contains("=\"other\""), "{text}");
    for line in [
        "pointsman_decisions_total{gen_ai_request_model=\"a\",policy=\"balanced\"} 2",
        "pointsman_decision_reasons_total{policy=\"balanced\",reason=\"cheapest_within\"} 1",
        "pointsman_decision_reasons_total{policy=\"balanced\",reason=\"cheapest_blind\"} 1",
        "pointsman_evidence_absent_total{reason=\"late\"} 1",
        "pointsman_evidence_absent_total{reason=\"broken\"} 0",
        "pointsman_refusals_total{policy=\"balanced\",reason=\"nobody_eligible\"} 1",
        "pointsman_exclusions_total{reason=\"denied\"} 2",
        "pointsman_forecast_quality_bucket{gen_ai_request_model=\"a\",le=\"0.8\"} 0",
        "pointsman_forecast_quality_bucket{gen_ai_request_model=\"a\",le=\"0.9\"} 1",
        "pointsman_forecast_quality_sum{gen_ai_request_model=\"b\"} 0.8",
        "pointsman_forecast_quality_count{gen_ai_request_model=\"b\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "expected {line} in {text}");
    }
}

#[test]
fn no_word_of_the_engine_is_missing_from_its_set() {
    let metrics = Metrics::default();
    let words = |source: &str| -> Vec<String> {
        let body = source.split("pub fn word(&self) -> &'static str").nth(1).unwrap();
        let arms = body.split("\n    }\n").next().unwrap().lines().filter_map(|line| line.split("=> \"").nth(1));
        arms.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
    };
    let reasons = words(include_str!("../../decision/src/explain.rs"));
    let mut exclusions = words(include_str!("../../decision/src/candidates.rs"));
    exclusions.extend(decision::Skill::ALL.map(|skill| skill.word().to_owned()));
    assert!(reasons.len() >= 14 && exclusions.len() >= 13, "{reasons:?} {exclusions:?}");
    for reason in &reasons {
        metrics.count(Metric::DecisionReasons, &["any", reason]);
    }
    for exclusion in &exclusions {
        metrics.count(Metric::Exclusions, &[exclusion]);
    }
    assert_eq!(metrics.total(Metric::DecisionReasons, &["any", "other"]), 0, "{reasons:?}");
    assert_eq!(metrics.total(Metric::Exclusions, &["other"]), 0, "{exclusions:?}");
}

#[test]
fn a_stranger_counts_as_other() {
    let metrics = bound();
    metrics.count(Metric::Decisions, &["evil\"} 1\n", "no-such-policy"]);
    metrics.count(Metric::Requests, &["pigeon", "steal", "418"]);
    metrics.judged("unheard-of", Quality::ONE, Quality::ZERO);
    let text = metrics.text(Instant::now());
    assert!(!text.contains("evil") && !text.contains("no-such") && !text.contains("pigeon"), "{text}");
    assert_eq!(metrics.total(Metric::Decisions, &["other", "other"]), 1);
    assert_eq!(metrics.total(Metric::Requests, &["other", "other", "other"]), 1);
}

#[test]
fn models_beyond_the_limit_count_as_other() {
    let metrics = Metrics::default();
    let names: Vec<String> = (0..MAX_MODEL_LABELS + 7).map(|n| format!("m{n:04}")).collect();
    let catalog = catalog(&names.iter().map(String::as_str).collect::<Vec<_>>());
    metrics.snapshot_swapped(&catalog, &default_policies(&classifier::built_in_catalog()), Instant::now());
    for name in &names {
        metrics.count(Metric::Decisions, &[name, "balanced"]);
    }
    assert_eq!(metrics.total(Metric::Decisions, &["other", "balanced"]), 7);
    assert_eq!(metrics.total(Metric::Decisions, &["m0000", "balanced"]), 1);
}

#[test]
fn a_metric_never_has_more_series_than_its_limit() {
    let metrics = Metrics::default();
    let names: Vec<String> = (0..MAX_MODEL_LABELS).map(|n| format!("m{n:04}")).collect();
    let catalog = catalog(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let n_policies = MAX_SERIES / MAX_MODEL_LABELS + 1;
    let policies: Vec<String> = (0..n_policies).map(|n| format!("p{n}")).collect();
    metrics.snapshot_swapped(&catalog, &policies_named(&policies), Instant::now());
    for (model, policy) in names.iter().flat_map(|model| policies.iter().map(move |policy| (model, policy))) {
        metrics.count(Metric::Decisions, &[model, policy]);
    }
    let text = metrics.text(Instant::now());
    let n_series = text.lines().filter(|line| line.starts_with("pointsman_decisions_total{")).count();
    assert_eq!(n_series, MAX_SERIES + 1, "the limit, and one for all the rest");
    let rest = u64::try_from(MAX_MODEL_LABELS).unwrap();
    assert_eq!(metrics.total(Metric::Decisions, &["other", "other"]), rest, "nothing is lost");
}

#[test]
fn names_are_escaped() {
    let metrics = Metrics::default();
    metrics.snapshot_swapped(
        &catalog(&["a\"b\\c"]),
        &default_policies(&classifier::built_in_catalog()),
        Instant::now(),
    );
    metrics.count(Metric::OutcomesJudged, &["a\"b\\c"]);
    let text = metrics.text(Instant::now());
    assert!(text.contains(r#"{gen_ai_response_model="a\"b\\c"} 1"#), "{text}");
}

#[test]
fn drift_is_what_was_reported_less_what_was_forecast() {
    let metrics = bound();
    let quality = |value| Quality::new(value).unwrap();
    metrics.judged("a", quality(0.9), quality(1.0));
    metrics.judged("a", quality(0.9), quality(0.0));
    let text = metrics.text(Instant::now());
    for line in [
        "pointsman_outcomes_judged_total{gen_ai_response_model=\"a\"} 2",
        "pointsman_judged_forecast_quality_total{gen_ai_response_model=\"a\"} 1.8",
        "pointsman_judged_quality_total{gen_ai_response_model=\"a\"} 1",
        "pointsman_judged_squared_error_total{gen_ai_response_model=\"a\"} 0.82",
        "pointsman_calibration_drift{gen_ai_response_model=\"a\"} -0.4",
    ] {
        assert!(text.lines().any(|found| found == line), "expected {line} in {text}");
    }
}

#[test]
fn a_snapshot_grows_old_until_the_next() {
    let metrics = Metrics::default();
    assert!(!metrics.text(Instant::now()).contains("snapshot_age"));
    let start = Instant::now();
    let swap = |at| metrics.snapshot_swapped(&catalog(&["a"]), &default_policies(&classifier::built_in_catalog()), at);
    swap(start);
    let age = |at| {
        let text = metrics.text(at);
        let line = text.lines().find(|line| line.starts_with("pointsman_snapshot_age_seconds ")).unwrap();
        line.split_whitespace().last().unwrap().to_owned()
    };
    assert_eq!(age(start + Duration::from_secs(90)), "90");
    swap(start + Duration::from_secs(60));
    assert_eq!(age(start + Duration::from_secs(90)), "30");
}

#[test]
fn durations_fall_below_their_bound() {
    let metrics = Metrics::default();
    for micros in [9, 10, 11, 2_000_000] {
        metrics.took(Metric::DecisionSeconds, &["decide"], Duration::from_micros(micros));
    }
    let text = metrics.text(Instant::now());
    for line in [
        "pointsman_decision_duration_seconds_bucket{stage=\"decide\",le=\"0.00001\"} 2",
        "pointsman_decision_duration_seconds_bucket{stage=\"decide\",le=\"0.000025\"} 3",
        "pointsman_decision_duration_seconds_bucket{stage=\"decide\",le=\"1\"} 3",
        "pointsman_decision_duration_seconds_bucket{stage=\"decide\",le=\"+Inf\"} 4",
        "pointsman_decision_duration_seconds_sum{stage=\"decide\"} 2.00003",
        "pointsman_decision_duration_seconds_count{stage=\"decide\"} 4",
    ] {
        assert!(text.lines().any(|found| found == line), "expected {line} in {text}");
    }
}

#[test]
fn a_request_is_counted_out_however_it_ends() {
    let metrics = Metrics::default();
    let first = metrics.in_flight("grpc");
    let second = metrics.in_flight("grpc");
    assert_eq!(metrics.total(Metric::InFlight, &["grpc"]), 2);
    drop(first);
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _second = second;
        std::panic::resume_unwind(Box::new(()));
    }));
    assert_eq!(metrics.total(Metric::InFlight, &["grpc"]), 0);
}

#[test]
fn no_count_is_lost_between_threads() {
    let metrics = Arc::new(bound());
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let metrics = Arc::clone(&metrics);
            std::thread::spawn(move || {
                for _ in 0..2_000 {
                    metrics.count(Metric::Decisions, &["a", "balanced"]);
                    metrics.took(Metric::DecisionSeconds, &["decide"], Duration::from_micros(20));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(metrics.total(Metric::Decisions, &["a", "balanced"]), 8_000);
    assert_eq!(metrics.total(Metric::DecisionSeconds, &["decide"]), 8_000);
}

#[test]
fn the_text_has_the_shape_that_prometheus_reads() {
    let metrics = bound();
    metrics.count(Metric::Requests, &["grpc", "route", "ok"]);
    metrics.judged("a", Quality::ONE, Quality::ONE);
    let text = metrics.text(Instant::now());
    let mut current = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            current = rest.split_whitespace().next();
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap();
            assert!(name.starts_with(current.unwrap()), "{line} stands below {current:?}");
            let value = line.rsplit(' ').next().unwrap();
            assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{line}");
        }
    }
    assert!(text.ends_with('\n'));
    for facts in METRICS.iter().filter(|facts| facts.labels.is_empty() && !matches!(facts.metric, Metric::SnapshotAge))
    {
        assert!(text.contains(facts.name), "{} begins at 0", facts.name);
    }
    let fixed = |facts: &&Facts| facts.labels.iter().all(|label| matches!(label.words, Words::Fixed(_)));
    assert!(METRICS.iter().filter(fixed).count() > 10);
}

fn bound() -> Metrics {
    let metrics = Metrics::default();
    metrics.snapshot_swapped(&catalog(&["a", "b"]), &default_policies(&classifier::built_in_catalog()), Instant::now());
    metrics
}

fn catalog(names: &[&str]) -> Catalog {
    let model = |name: &&str| {
        format!("[[model]]\nid = {name:?}\ncontext_window = 8192\nusd_per_1m = {{ prompt = 1, completion = 2 }}\n")
    };
    Catalog::from_toml(&names.iter().map(model).collect::<String>()).unwrap()
}

fn policies_named(names: &[String]) -> Policies {
    let policy = |name: &String| format!("[policy.{name}]\nmode = \"tolerance\"\nquality_tolerance = 0.02\n");
    let text = names.iter().map(policy).collect::<String>();
    Policies::from_toml(&format!("default = \"p0\"\n{text}")).unwrap()
}

fn evidence(forecasts: &[(&str, f64)]) -> Evidence {
    let tokens = |count| Tokens::new(count).unwrap();
    let forecast = |(model, quality): &(&str, f64)| ModelForecast {
        model: ModelId::new(model).unwrap(),
        quality: Quality::new(*quality).unwrap(),
        quality_low: Quality::ZERO,
        completion: tokens(100),
        reasoning: tokens(0),
        output_p90: tokens(200),
    };
    Evidence::Forecast(Forecast::new(forecasts.iter().map(forecast).collect()).unwrap())
}
