//! Only what has been proved comes into use.

use std::fs;
use std::path::PathBuf;

use super::{Snapshot, SnapshotError};
use crate::config::Sources;
use crate::scratch::Scratch;

const CATALOG: &str = "[[model]]\nid = \"m\"\ncontext_window = 1000\nusd_per_1m = { prompt = 1, completion = 1 }\n";

fn sources(catalog: Option<PathBuf>, policies: Option<PathBuf>, artifact: Option<PathBuf>) -> Sources {
    Sources { catalog, policies, artifact }
}

#[test]
fn what_is_built_in_works() {
    let snapshot = Snapshot::make(&Sources::default(), 16, 0).unwrap();
    assert_eq!(snapshot.policies.default_policy().name().as_str(), "balanced");
    assert!(snapshot.artifact.starts_with("sha256:"));
}

#[test]
fn what_cannot_work_says_where_and_why() {
    let scratch = Scratch::new("snapshot");
    let policy = |rules: &str| format!("default = \"p\"\n[policy.p]\n{rules}\n");
    let case = |catalog: &str, policies: &str, expected: &str| {
        let sources =
            sources(Some(scratch.write("catalog.toml", catalog)), Some(scratch.write("policies.toml", policies)), None);
        let error = Snapshot::make(&sources, 1, 0).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(expected), "expected {expected:?} in {error:?}");
    };
    let good = policy("mode = \"tolerance\"\nquality_tolerance = 0.1");
    case("", &good, "catalog.toml: expected at least one model");
    case(&format!("{CATALOG}colour = 1"), &good, "catalog.toml: line 5, model[0]: unknown key `colour`");
    case(&CATALOG[..40], &good, "catalog.toml: ");
    case(
        CATALOG,
        "defualt = \"p\"",
        "policies.toml: line 1: unknown key `defualt`; the nearest known one is `default`",
    );
    case(CATALOG, &policy("mode = \"pin\"\nmodel = \"n\""), "policies.toml: policy `p` names the model `n`");
    for name in ["request", "named"] {
        let taken = good.replace("\"p\"", &format!("{name:?}")).replace("policy.p", &format!("policy.{name}"));
        case(CATALOG, &taken, &format!("policies.toml: policy.{name}: expected another name"));
    }
    case(
        CATALOG,
        &policy("mode = \"tolerance\"\nquality_tolerance = 0.1\nzero_data_retention = true"),
        "the self-test: policy `p` refuses even a short question",
    );
}

#[test]
fn a_hard_budget_that_begins_with_nothing_is_no_mistake() {
    let scratch = Scratch::new("snapshot-budget");
    let rules =
        "default = \"p\"\n[policy.p]\nmode = \"budget\"\nusd_per_request = 0.0000001\nwhen_spent = \"refuse\"\n";
    let sources =
        sources(Some(scratch.write("catalog.toml", CATALOG)), Some(scratch.write("policies.toml", rules)), None);
    Snapshot::make(&sources, 1, 0).unwrap();
}

#[test]
fn an_artifact_that_is_none_is_named() {
    let scratch = Scratch::new("snapshot-artifact");
    let folder = scratch.0.join("artifact");
    fs::create_dir_all(&folder).unwrap();
    let error = Snapshot::make(&sources(None, None, Some(folder)), 1, 0).unwrap_err();
    assert!(matches!(error, SnapshotError::Artifact { .. }), "{error}");
}

#[test]
fn the_cache_takes_no_more_than_its_share() {
    let snapshot = Snapshot::make(&Sources::default(), 1, 0).unwrap();
    let evidence = std::sync::Arc::new(decision::Evidence::Absent(decision::Absent::Late));
    for number in 0..20_000_u64 {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.to_le_bytes());
        snapshot.forecasts.insert(key, std::sync::Arc::clone(&evidence));
    }
    let per_forecast = super::FORECAST_BYTES + super::MODEL_FORECAST_BYTES * snapshot.catalog.models().len();
    assert!(snapshot.forecasts.len() * per_forecast <= 1024 * 1024);
    assert!(snapshot.forecasts.len() > 10);
}
