//! Policies as text: there and back, every mistake with its line, and random text that must never do worse than complain.

use proptest::prelude::*;

use super::{
    Basis, Lean, MAX_FALLBACKS, MAX_POLICIES, MAX_POLICY_NAME_BYTES, Mode, Policies, Policy, PolicyError, PolicyName,
    Rules, WhenSpent,
};
use crate::catalog::Catalog;
use crate::explore::Exploration;
use crate::request::Limits;
use crate::scenario::{id, quality, usd};
use crate::session::SessionRule;
use crate::units::PicoUsd;

const FULL: &str = r#"
default = "balanced"

[policy.balanced]
mode = "tolerance"
quality_tolerance = 0.02
judge_by = "lower_bound"
lean = { towards = "large", shrinkage = 0.05 }
fallback = ["small", "large"]
allow = ["small", "large"]
deny = ["dubious"]
regions = ["eu"]
zero_data_retention = true
max_cost_usd = 0.05
explore = { rate = 0.01, max_cost_usd = 0.001 }
session = { cost_margin = 0.2, quality_margin = 0.05 }

[policy.good]
mode = "target"
quality_floor = 0.8

[policy.paid]
mode = "value"
usd_per_success = 0.05

[policy.thrifty]
mode = "budget"
usd_per_request = 0.001
when_spent = "refuse"

[policy.fixed]
mode = "pin"
model = "large"
"#;

#[test]
fn every_key_is_read() {
    let policies = Policies::from_toml(FULL).unwrap();
    let balanced = policies.default_policy().rules();
    assert_eq!(balanced.mode, Mode::Tolerance { quality_tolerance: quality(0.02) });
    assert_eq!(balanced.basis, Basis::LowerBound);
    assert_eq!(balanced.lean, Some(Lean { towards: id("large"), shrinkage: quality(0.05) }));
    assert_eq!(balanced.fallback, [id("small"), id("large")]);
    let limits = Limits {
        allow: Some([id("small"), id("large")].into()),
        deny: [id("dubious")].into(),
        regions: Some(["eu".to_owned()].into()),
        zero_data_retention: true,
        max_cost: Some(usd(0.05)),
    };
    assert_eq!(balanced.limits, limits);
    assert_eq!(balanced.exploration, Some(Exploration::new(0.01, Some(usd(0.001))).unwrap()));
    assert_eq!(balanced.session, SessionRule::new(0.2, quality(0.05)).unwrap());
    let mode = |name: &str| policies.get(name).unwrap().rules().mode.clone();
    assert_eq!(mode("good"), Mode::Target { quality_floor: quality(0.8) });
    assert_eq!(mode("paid"), Mode::Value { usd_per_success: usd(0.05) });
    assert_eq!(mode("thrifty"), Mode::Budget { usd_per_request: usd(0.001), when_spent: WhenSpent::Refuse });
    assert_eq!(mode("fixed"), Mode::Pin { model: id("large") });
    assert!(policies.get("absent").is_none());
}

#[test]
fn the_text_form_goes_there_and_back() {
    let policies = Policies::from_toml(FULL).unwrap();
    assert_eq!(Policies::from_toml(&policies.to_toml()).unwrap(), policies);
}

#[test]
fn a_version_follows_the_rules_and_not_the_name() {
    let version = |name: &str, tolerance: f64| {
        let rules = Rules::of(Mode::Tolerance { quality_tolerance: quality(tolerance) });
        Policy::new(PolicyName::new(name).unwrap(), rules).unwrap().version().to_owned()
    };
    assert_eq!(version("a", 0.02), version("b", 0.02));
    assert_ne!(version("a", 0.02), version("a", 0.020_000_001));
    // Pinned, because logs and replicas compare versions across releases.
    assert_eq!(version("a", 0.02), "1776574f87288c061758048602d72506");
}

#[test]
fn mistakes_are_named_with_line_and_key() {
    let policy = policy_text;
    let tolerance = |lines: &str| policy(&format!("mode = \"tolerance\"\nquality_tolerance = 0.02\n{lines}"));
    check("", "lacks the key `default`");
    check(
        &policy("mode = \"pin\"\nmodel = \"m\"\nexplore = { rate = 0.1 }"),
        "line 5, policy.p.explore: a pinned model is not judged, explored around or moved; remove the key",
    );
    check(
        &tolerance("allow = []"),
        "line 5, policy.p.allow: expected at least one name under `allow`, found an empty list, which excludes every model",
    );
    check(
        &tolerance("regions = []"),
        "line 5, policy.p.regions: expected at least one name under `regions`, found an empty list, which excludes every model",
    );
    check("default = \"p\"", "line 1, default: unknown policy `p`; there is none");
    check(
        &tolerance("fallbacks = []"),
        "line 5, policy.p: unknown key `fallbacks`; the nearest known one is `fallback`",
    );
    check(
        &tolerance("quality_floor = 0.8"),
        "line 5, policy.p.quality_floor: belongs to mode `target`; this policy's mode is `tolerance`",
    );
    check(&policy("mode = \"tolerance\""), "line 3, policy.p.mode: mode `tolerance` lacks the key `quality_tolerance`");
    check(
        &policy("mode = \"tolerence\""),
        "line 3, policy.p.mode: unknown value `tolerence`; the nearest known one is `tolerance`",
    );
    check(
        &policy("mode = \"target\"\nquality_floor = 1.7"),
        "line 4, policy.p.quality_floor: expected a quality between 0 and 1, found 1.7",
    );
    check(
        &policy("mode = \"target\"\nquality_floor = nan"),
        "line 4, policy.p.quality_floor: expected a quality between 0 and 1, found NaN",
    );
    check(
        &policy("mode = \"value\"\nusd_per_success = -1"),
        "line 4, policy.p.usd_per_success: expected an amount in USD between 0 and 2000, found -1",
    );
    check(
        &policy("mode = \"budget\"\nusd_per_request = 0"),
        "line 4, policy.p.usd_per_request: expected a budget above $0 a request",
    );
}

#[test]
fn mistakes_in_the_lists_and_tables_of_a_policy_are_named_too() {
    let tolerance = |lines: &str| policy_text(&format!("mode = \"tolerance\"\nquality_tolerance = 0.02\n{lines}"));
    check(
        &policy_text("mode = \"pin\"\nmodel = \"auto\""),
        "line 4, policy.p.model: `auto` is reserved: `auto` and `auto:POLICY` ask for routing and cannot name a model",
    );
    check(
        &policy_text("mode = \"pin\"\nmodel = \"m\"\njudge_by = \"lower_bound\""),
        "line 5, policy.p.judge_by: a pinned model is not judged, explored around or moved; remove the key",
    );
    check(
        &tolerance("fallback = [\"a\", \"b\", \"a\"]"),
        "line 5, policy.p.fallback: the fallback order runs in a loop: `a` stands at places 1 and 3",
    );
    check(&tolerance("allow = [\"a\"]\ndeny = [\"a\"]"), "line 6, policy.p.deny: `a` is both allowed and denied");
    check(
        &tolerance("explore = { rate = 0.9 }"),
        "line 5, policy.p.explore.rate: expected an exploration rate above 0 and at most 0.5, found 0.9",
    );
    check(
        &tolerance("session = { cost_margin = 2, quality_margin = 0 }"),
        "line 5, policy.p.session.cost_margin: expected a cost margin between 0 and 1, found 2",
    );
    check(
        &tolerance("session = { cost_margin = 0.1, quality_margin = 3 }"),
        "line 5, policy.p.session.quality_margin: expected a quality between 0 and 1, found 3",
    );
    check(
        "default = \"fst\"\n[policy.fast]\nmode = \"tolerance\"\nquality_tolerance = 0",
        "line 1, default: unknown policy `fst`; the nearest known one is `fast`",
    );
    check(
        "default = \"A\"\n[policy.A]\nmode = \"tolerance\"\nquality_tolerance = 0",
        "line 2, policy.A: expected a policy name of 1 to 64 letters a-z, digits, `-` or `_`, found \"A\"",
    );
}

#[test]
fn a_policy_that_names_an_unknown_model_is_refused() {
    let catalog = Catalog::from_toml(
        "[[model]]\nid = \"small\"\nregions = [\"eu\"]\ncontext_window = 1\nusd_per_1m = { prompt = 1, completion = 1 }",
    )
    .unwrap();
    let refused = |mode: Mode, change: fn(&mut Rules)| {
        let mut rules = Rules::of(mode);
        change(&mut rules);
        let policy = Policy::new(PolicyName::new("p").unwrap(), rules).unwrap();
        policy.check_against(&catalog).unwrap_err().to_string()
    };
    let tolerance = || Mode::Tolerance { quality_tolerance: quality(0.0) };
    let near = "which is not in the catalog; the nearest name there is `small`";
    assert_eq!(
        refused(tolerance(), |rules| rules.fallback = vec![id("smal")]),
        format!("policy `p` names the model `smal` under `fallback`, {near}")
    );
    assert_eq!(
        refused(tolerance(), |rules| rules.limits.allow = Some([id("smal")].into())),
        format!("policy `p` names the model `smal` under `allow`, {near}")
    );
    assert_eq!(
        refused(tolerance(), |rules| rules.limits.deny = [id("smal")].into()),
        format!("policy `p` names the model `smal` under `deny`, {near}")
    );
    assert_eq!(
        refused(Mode::Pin { model: id("large") }, |_| ()),
        "policy `p` names the model `large` under `model`, which is not in the catalog"
    );
    assert_eq!(
        refused(tolerance(), |rules| rules.limits.regions = Some(["euu".to_owned()].into())),
        "policy `p` names the region `euu`, in which the catalog serves no model; the nearest name there is `eu`"
    );
    let good = Policies::from_toml("default = \"p\"\n[policy.p]\nmode = \"pin\"\nmodel = \"small\"").unwrap();
    assert!(good.check_against(&catalog).is_ok());
}

#[test]
fn more_money_than_the_text_holds_exactly_is_refused() {
    let rules = Rules::of(Mode::Value { usd_per_success: PicoUsd(2_000_000_000_000_001) });
    let error = Policy::new(PolicyName::new("p").unwrap(), rules).unwrap_err();
    assert_eq!(error.to_string(), "expected at most 2000 USD under `usd_per_success`, found $2000.000000000001");
}

#[test]
fn names_lists_and_files_have_limits() {
    assert!(PolicyName::new(&"p".repeat(MAX_POLICY_NAME_BYTES)).is_ok());
    assert!(PolicyName::new(&"p".repeat(MAX_POLICY_NAME_BYTES + 1)).is_err());
    let with_fallbacks = |n: usize| {
        let fallback = (0..n).map(|index| id(&format!("m{index}"))).collect();
        let rules = Rules { fallback, ..Rules::of(Mode::Target { quality_floor: quality(0.5) }) };
        Policy::new(PolicyName::new("p").unwrap(), rules)
    };
    assert!(with_fallbacks(MAX_FALLBACKS).is_ok());
    assert_eq!(
        with_fallbacks(MAX_FALLBACKS + 1).unwrap_err(),
        PolicyError::TooManyFallbacks { found: MAX_FALLBACKS + 1 }
    );
    let named = |name: &str| {
        Policy::new(PolicyName::new(name).unwrap(), Rules::of(Mode::Target { quality_floor: quality(0.5) })).unwrap()
    };
    let default = || PolicyName::new("p0").unwrap();
    let many = |n: usize| Policies::new(default(), (0..n).map(|index| named(&format!("p{index}"))).collect());
    assert!(many(MAX_POLICIES).is_ok());
    assert_eq!(many(MAX_POLICIES + 1).unwrap_err(), PolicyError::TooManyPolicies { found: MAX_POLICIES + 1 });
    assert_eq!(many(0).unwrap_err(), PolicyError::NoPolicies);
    assert_eq!(
        Policies::new(default(), vec![named("p0"), named("p0")]).unwrap_err(),
        PolicyError::DuplicatePolicy { name: default() }
    );
    assert_eq!(
        Policies::new(default(), vec![named("p1")]).unwrap_err(),
        PolicyError::UnknownDefault { name: default() }
    );
}

fn any_rules() -> impl Strategy<Value = Rules> {
    let mode = prop_oneof![
        (0.0..=1.0f64).prop_map(|at| Mode::Tolerance { quality_tolerance: quality(at) }),
        (0.0..=1.0f64).prop_map(|at| Mode::Target { quality_floor: quality(at) }),
        (0u64..2_000_000_000_000_000).prop_map(|pico| Mode::Value { usd_per_success: PicoUsd(pico) }),
        (1u64..2_000_000_000_000_000, any::<bool>()).prop_map(|(pico, refuse)| Mode::Budget {
            usd_per_request: PicoUsd(pico),
            when_spent: if refuse { WhenSpent::Refuse } else { WhenSpent::Cheapest },
        }),
        Just(Mode::Pin { model: id("pinned \"one\"") }),
    ];
    let names = |least: usize| {
        prop::collection::btree_set("[a-z]{1,6}", least..4)
            .prop_map(|names| names.iter().map(|name| id(name)).collect::<Vec<_>>())
    };
    let limits = (
        prop::option::of(names(1)),
        prop::option::of(prop::collection::btree_set("[a-z]{2}", 1..3)),
        any::<bool>(),
        prop::option::of(0u64..1_000_000_000),
    );
    (
        mode,
        any::<bool>(),
        names(0),
        limits,
        prop::option::of((0.001..0.5f64, prop::option::of(0u64..1_000_000))),
        0.0..=1.0f64,
    )
        .prop_map(|(mode, low, fallback, (allow, regions, zero_data_retention, max_cost), exploration, margin)| {
            Rules {
                basis: if low && !matches!(mode, Mode::Pin { .. }) { Basis::LowerBound } else { Basis::Expected },
                lean: (low && !matches!(mode, Mode::Pin { .. }))
                    .then(|| Lean { towards: id("large"), shrinkage: quality(margin) }),
                fallback,
                limits: Limits {
                    allow: allow.map(|models| models.into_iter().collect()),
                    deny: [id("always denied")].into(),
                    regions,
                    zero_data_retention,
                    max_cost: max_cost.map(PicoUsd),
                },
                exploration: exploration
                    .filter(|_| !matches!(mode, Mode::Pin { .. }))
                    .map(|(rate, most)| Exploration::new(rate, most.map(PicoUsd)).unwrap()),
                session: if matches!(mode, Mode::Pin { .. }) {
                    SessionRule::default()
                } else {
                    SessionRule::new(margin, quality(margin)).unwrap()
                },
                mode,
            }
        })
}

proptest! {
    #[test]
    fn any_policy_survives_its_text(rules in any_rules()) {
        let policy = Policy::new(PolicyName::new("p").unwrap(), rules).unwrap();
        let policies = Policies::new(policy.name().clone(), vec![policy]).unwrap();
        prop_assert_eq!(Policies::from_toml(&policies.to_toml()).unwrap(), policies);
    }

    #[test]
    fn any_value_under_any_key_is_read_or_refused(
        mode in prop::sample::select(vec!["tolerance", "target", "value", "budget", "pin", "other"]),
        keys in prop::collection::vec(prop::sample::select(vec![
            "quality_tolerance", "quality_floor", "usd_per_success", "usd_per_request", "when_spent", "model", "judge_by", "fallback",
            "allow", "deny", "regions", "zero_data_retention", "max_cost_usd", "explore", "session", "other",
        ]), 0..5),
        values in prop::collection::vec(prop::sample::select(vec![
            "0", "-1", "0.5", "nan", "-inf", "1e999", "''", "'m'", "'lower_bound'", "[]", "['m', 'm']", "[[]]", "{}", "{ rate = 7 }",
            "{ cost_margin = nan, quality_margin = 0 }", "true", "1979-05-27", "99999999999999999999999",
        ]), 5),
    ) {
        let lines: String = keys.iter().zip(&values).map(|(key, value)| format!("{key} = {value}\n")).collect();
        let outcome = Policies::from_toml(&format!("default = 'p'\n[policy.p]\nmode = '{mode}'\n{lines}"));
        if let Err(error) = outcome {
            prop_assert!(error.line >= 1, "{error}");
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(default = 'p'\n)?(\\[policy\\.p\\]\n)?\\PC{0,100}") {
        drop(Policies::from_toml(&text));
    }
}

fn policy_text(lines: &str) -> String {
    format!("default = \"p\"\n[policy.p]\n{lines}")
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(Policies::from_toml(text).unwrap_err().to_string(), expected);
}
