//! A policy that a request brings along is read as one of a file would be, and refused for the same.

use decision::{Policies, Policy};
use serde_json::{Value, json};

use crate::Rejection;
use crate::config::{Limits, Settings};
use crate::json::{RouteJson, read};
use crate::question::WantedPolicy;

fn wanted(policy: &Value, limits: &Limits) -> Result<WantedPolicy, Rejection> {
    let body = json!({ "prompt": "x", "policy": policy }).to_string();
    Ok(read::<RouteJson>(body.as_bytes())?.question(limits)?.policy)
}

fn brought(policy: &Value) -> Result<Policy, Rejection> {
    match wanted(policy, &Settings::built_in().limits)? {
        WantedPolicy::Own(own) => Ok(own.policy),
        other => panic!("{other:?}"),
    }
}

/// The same rules as a file holds them.
fn filed(policy: &Value) -> Result<Policy, decision::document::DocumentError> {
    let rules = toml::to_string(&json!({ "default": "p", "policy": { "p": policy } })).expect("it has a TOML form");
    Policies::from_toml(&rules).map(|policies| policies.default_policy().clone())
}

#[test]
fn rules_mean_what_they_mean_in_a_file() {
    for policy in [
        json!({ "mode": "tolerance", "quality_tolerance": 0.02 }),
        json!({ "mode": "tolerance", "quality_tolerance": 0, "judge_by": "lower_bound" }),
        json!({ "mode": "target", "quality_floor": 0.8, "judge_by": "expected", "deny": ["b", "a"] }),
        json!({ "mode": "value", "usd_per_success": 0.05, "zero_data_retention": true, "max_cost_usd": 0.001 }),
        json!({ "mode": "pin", "model": "m", "fallback": ["b", "a"], "regions": ["eu"], "allow": ["m", "b", "a"] }),
        json!({
            "mode": "target", "quality_floor": 1, "lean": { "towards": "m", "shrinkage": 0.05 },
            "explore": { "rate": 0.01, "max_cost_usd": 0.001 }, "session": { "cost_margin": 0.2, "quality_margin": 0.01 },
        }),
    ] {
        let (ours, theirs) = (brought(&policy).unwrap(), filed(&policy).unwrap());
        assert_eq!((ours.rules(), ours.version()), (theirs.rules(), theirs.version()), "{policy}");
        assert_eq!(ours.name().as_str(), "request");
    }
}

#[test]
fn what_a_file_refuses_a_request_is_refused_too() {
    let with = |key: &str, value: Value| {
        let mut policy = json!({ "mode": "target", "quality_floor": 0.5 });
        policy[key] = value;
        policy
    };
    let fallbacks: Vec<String> = (0..=decision::MAX_FALLBACKS).map(|place| format!("m{place}")).collect();
    for policy in [
        json!({ "mode": "target" }),
        json!({ "mode": "pin", "model": "m", "judge_by": "lower_bound" }),
        json!({ "mode": "pin", "model": "auto" }),
        json!({ "mode": "value", "usd_per_success": 2001 }),
        json!({ "mode": "value", "usd_per_success": -1 }),
        with("quality_floor", json!(1.5)),
        with("quality_tolerance", json!(0.5)),
        with("usd_per_request", json!(0.5)),
        with("when_spent", json!("refuse")),
        with("lean", json!({ "towards": "m", "shrinkage": 2 })),
        with("lean", json!({ "towards": "", "shrinkage": 0 })),
        with("explore", json!({ "rate": 0.6 })),
        with("explore", json!({ "rate": 0.1, "max_cost_usd": -1 })),
        with("session", json!({ "cost_margin": 2, "quality_margin": 0 })),
        with("session", json!({ "cost_margin": 0, "quality_margin": 2 })),
        with("max_cost_usd", json!(1e9)),
        with("allow", json!([])),
        with("regions", json!([])),
        with("fallback", json!(["a", "b", "a"])),
        with("fallback", json!(fallbacks)),
    ] {
        let (ours, theirs) = (brought(&policy).unwrap_err(), filed(&policy).unwrap_err());
        assert_eq!(ours.named_field(), theirs.key.replacen("policy.p", "policy", 1), "{ours} / {theirs}");
        assert_eq!(ours.to_string(), format!("{}: {}", ours.named_field(), theirs.complaint));
    }
    let both = with("deny", json!(["a"]));
    let both = json!({ "mode": "target", "quality_floor": 0.5, "allow": ["a"], "deny": both["deny"] });
    assert!(brought(&both).unwrap_err().to_string().contains("policy.deny: `a` is both allowed and denied"));
}

#[test]
fn what_only_a_request_can_get_wrong_is_named() {
    for (policy, expected) in [
        (json!({ "mode": "budget", "usd_per_request": 0.001 }), "policy.mode: a request's own policy keeps no budget"),
        (json!({ "mode": "targt" }), "policy.mode: unknown word `targt`; the nearest known one is `target`"),
        (
            json!({ "mode": "target", "quality_flor": 1 }),
            "policy.quality_flor: unknown key `quality_flor`; the nearest",
        ),
        (json!({ "mode": "target", "promise": {} }), "policy.promise: unknown key `promise`"),
        (
            json!({ "mode": "target", "quality_floor": "1" }),
            "policy.quality_floor: invalid type: string, expected a number",
        ),
        (json!({ "mode": "pin", "model": "m", "lean": {} }), "policy.lean: missing field `towards`"),
        (
            json!({ "mode": "pin", "model": "m", "session": { "cost_margi": 1 } }),
            "policy.session.cost_margi: unknown key `cost_margi`; the nearest known one is `cost_margin`",
        ),
        (json!({ "mode": "pin", "model": "m", "deny": ["a", "a"] }), "policy.deny[1]: `a` is listed twice"),
        (json!({ "mode": "pin", "model": "m", "fallback": [""] }), "policy.fallback[0]: expected"),
        (json!([]), "policy: invalid type: sequence, expected the name of a policy, or a policy as an object"),
        (json!({}), "policy: missing field `mode`"),
    ] {
        let refused = brought(&policy).expect_err(expected).to_string();
        assert!(refused.starts_with(expected), "expected {expected:?}, found {refused:?}");
    }
}

#[test]
fn its_lists_have_the_limits_of_any_list() {
    let limits = Limits { max_candidates: 2, ..Settings::built_in().limits };
    for key in ["allow", "deny", "regions"] {
        let policy = |n: usize| {
            let names: Vec<String> = (0..n).map(|place| format!("n{place}")).collect();
            json!({ "mode": "target", "quality_floor": 0.5, key: names })
        };
        wanted(&policy(2), &limits).unwrap();
        let refused = wanted(&policy(3), &limits).unwrap_err().to_string();
        assert_eq!(refused, format!("policy.{key}: expected at most 2 names (limits.max_candidates), found 3"));
    }
}

#[test]
fn a_name_or_nothing_is_read_as_before() {
    let limits = Settings::built_in().limits;
    assert_eq!(wanted(&Value::Null, &limits).unwrap(), WantedPolicy::Default);
    assert_eq!(wanted(&json!(""), &limits).unwrap(), WantedPolicy::Default);
    assert!(matches!(wanted(&json!("fast"), &limits).unwrap(), WantedPolicy::Named(name) if name.as_str() == "fast"));
}
