//! Eligibility one line a case: a change to the request, the policy or the world, and who is excluded for what.

use std::collections::BTreeSet;

use super::{Candidate, Candidates, CandidatesError, MAX_CANDIDATES};
use crate::budget::BudgetState;
use crate::catalog::{ASSUMED_OUTPUT_TOKENS, Catalog, Skill, Skills};
use crate::evidence::{Absent, Evidence, Forecast, ModelForecast};
use crate::policy::{Mode, Policy, Rules, WhenSpent};
use crate::request::RequestFacts;
use crate::scenario::{budget, facts, id, pin, policy, quality, tokens, tolerance, usd};
use crate::session::SessionFacts;
use crate::units::{ModelId, PicoUsd};

/// `large` costs ten times `small`; `thinker` reasons in secret at a price of its own.
const CATALOG: &str = r#"
[[model]]
id = "small"
context_window = 1000
max_completion_tokens = 300
skills = ["tools"]
regions = ["eu"]
usd_per_1m = { prompt = 1, cached_prompt = 0.1, completion = 2 }

[[model]]
id = "large"
context_window = 100000
skills = ["tools", "vision", "json_schema"]
regions = ["us"]
zero_data_retention = true
usd_per_1m = { prompt = 10, completion = 20 }

[[model]]
id = "thinker"
context_window = 50000
usd_per_1m = { prompt = 1, cached_prompt = 0.5, completion = 2, reasoning = 4 }
"#;

/// A request of 100 tokens, forecast at 50 tokens of answer, 100 at the 90% quantile; the thinker thinks for 200 more.
struct Case {
    policy: Policy,
    facts: RequestFacts,
    evidence: Evidence,
    unhealthy: BTreeSet<ModelId>,
}

impl Case {
    fn join(&self) -> Candidates {
        self.join_with(CATALOG)
    }

    fn join_with(&self, catalog: &str) -> Candidates {
        let catalog = Catalog::from_toml(catalog).unwrap();
        Candidates::join(&catalog, &self.policy, &self.facts, &self.evidence, &self.unhealthy).unwrap()
    }
}

fn forecast(model: &str, reasoning: u64) -> ModelForecast {
    ModelForecast {
        model: id(model),
        quality: quality(0.8),
        quality_low: quality(0.7),
        completion: tokens(50),
        reasoning: tokens(reasoning),
        output_p90: tokens(100 + reasoning),
    }
}

fn plain() -> Case {
    let forecasts = vec![forecast("small", 0), forecast("large", 0), forecast("thinker", 200), forecast("retired", 0)];
    Case {
        policy: policy(Rules::of(tolerance(0.02))),
        facts: facts(),
        evidence: Evidence::Forecast(Forecast::new(forecasts).unwrap()),
        unhealthy: BTreeSet::new(),
    }
}

/// Who is excluded, as `model: word, detail`.
#[track_caller]
fn check(change: impl FnOnce(&mut Case), expected: &[&str]) {
    let mut case = plain();
    change(&mut case);
    let candidates = case.join();
    let excluded: Vec<String> = (candidates.all().iter())
        .filter_map(|candidate| Some((candidate, candidate.exclusion.as_ref()?)))
        .map(|(candidate, exclusion)| format!("{}: {}, {exclusion}", candidate.model, exclusion.word()))
        .collect();
    assert_eq!(excluded, expected);
}

fn change_rules(case: &mut Case, change: impl FnOnce(&mut Rules)) {
    let mut rules = case.policy.rules().clone();
    change(&mut rules);
    case.policy = policy(rules);
}

#[test]
fn a_plain_request_may_go_anywhere() {
    check(|_| (), &[]);
}

#[test]
fn wishes_exclude() {
    check(|case| case.facts.limits.deny = [id("small")].into(), &["small: denied, is denied"]);
    check(|case| change_rules(case, |rules| rules.limits.deny = [id("small")].into()), &["small: denied, is denied"]);
    let others = [
        "large: not_allowed, is not among the allowed models",
        "thinker: not_allowed, is not among the allowed models",
    ];
    check(|case| case.facts.limits.allow = Some([id("small")].into()), &others);
    check(|case| change_rules(case, |rules| rules.limits.allow = Some([id("small")].into())), &others);
    // Two lists together allow only what both allow.
    check(
        |case| {
            case.facts.limits.allow = Some([id("small"), id("large")].into());
            change_rules(case, |rules| rules.limits.allow = Some([id("small"), id("thinker")].into()));
        },
        &others,
    );
}

#[test]
fn a_request_may_name_its_candidates() {
    check(
        |case| case.facts.candidates = Some([id("small"), id("gpt-9")].into()),
        &["gpt-9: unknown, is not in the catalog"],
    );
    let mut case = plain();
    case.facts.candidates = Some([id("small")].into());
    assert_eq!(case.join().all().len(), 1, "who was not asked for is not considered");
    check(|case| case.policy = policy(Rules::of(pin("gpt-9"))), &["gpt-9: unknown, is not in the catalog"]);
}

#[test]
fn prompt_and_answer_must_fit() {
    check(|case| case.facts.prompt_tokens = tokens(900), &[]);
    check(
        |case| case.facts.prompt_tokens = tokens(901),
        &["small: context_window, needs 1001 tokens with room for its answer, has 1000"],
    );
    // The caller's own limit on the answer replaces the forecast, either way.
    check(
        |case| {
            case.facts.prompt_tokens = tokens(901);
            case.facts.max_completion = Some(tokens(99));
        },
        &[],
    );
    check(
        |case| case.facts.max_completion = Some(tokens(301)),
        &["small: completion_limit, needs 301 output tokens, writes at most 300"],
    );
    check(|case| case.facts.max_completion = Some(tokens(300)), &[]);
}

#[test]
fn who_is_cut_off_while_still_thinking_answers_nothing() {
    let expected = |most: Option<u32>, model: &str| {
        let mut case = plain();
        case.facts.max_completion = most.map(|most| tokens(most.into()));
        let found = case.join().get(&id(model)).unwrap().expectation.unwrap();
        (found.quality, found.quality_low)
    };
    let whole = (quality(0.8), quality(0.7));
    for most in [None, Some(201), Some(200)] {
        assert_eq!(expected(most, "thinker"), whole, "{most:?}");
    }
    assert_eq!(expected(Some(50), "thinker"), (quality(0.2), quality(0.175)));
    assert_eq!(expected(Some(1), "large"), whole, "who does not think answers briefly where that is asked for");
}

#[test]
fn needs_exclude() {
    let thinker = |skill: &str| format!("thinker: {skill}, lacks {skill}");
    check(|case| case.facts.needs = Skills::NONE.with(Skill::Tools), &[&thinker("tools")]);
    check(
        |case| case.facts.needs = Skills::NONE.with(Skill::Vision),
        &["small: vision, lacks vision", &thinker("vision")],
    );
    check(
        |case| case.facts.needs = Skills::NONE.with(Skill::JsonSchema),
        &["small: json_schema, lacks json_schema", &thinker("json_schema")],
    );
}

#[test]
fn places_and_promises_exclude() {
    let nowhere = |model: &str| format!("{model}: region, is not known to be served in a region asked for");
    check(|case| case.facts.limits.regions = Some(["eu".to_owned()].into()), &[&nowhere("large"), &nowhere("thinker")]);
    check(
        |case| change_rules(case, |rules| rules.limits.regions = Some(["eu".to_owned(), "us".to_owned()].into())),
        &[&nowhere("thinker")],
    );
    let keeps = |model: &str| format!("{model}: zero_data_retention, has a provider that keeps what it is sent");
    check(|case| case.facts.limits.zero_data_retention = true, &[&keeps("small"), &keeps("thinker")]);
    check(
        |case| change_rules(case, |rules| rules.limits.zero_data_retention = true),
        &[&keeps("small"), &keeps("thinker")],
    );
}

#[test]
fn a_cap_is_held_against_a_long_answer_and_the_lower_cap_counts() {
    // large: 100 * 10 + 100 * 20 = 3000 micro-dollars of a dollar's millionth, $0.003.
    check(|case| case.facts.limits.max_cost = Some(usd(0.003)), &[]);
    check(
        |case| case.facts.limits.max_cost = Some(usd(0.002_999_999_999)),
        &["large: price_cap, could cost $0.003, the cap is $0.002999999999"],
    );
    check(
        |case| {
            case.facts.limits.max_cost = Some(usd(1.0));
            change_rules(case, |rules| rules.limits.max_cost = Some(usd(0.002)));
        },
        &["large: price_cap, could cost $0.003, the cap is $0.002"],
    );
}

#[test]
fn health_excludes() {
    check(|case| case.unhealthy = [id("large")].into(), &["large: unhealthy, has only failing providers"]);
}

#[test]
fn what_is_left_excludes() {
    check(|case| case.facts.remaining = Some(usd(0.002)), &["large: over_budget, needs $0.003, $0.002 is left"]);
    check(|case| case.facts.remaining = Some(usd(0.003)), &[]);
    // A budget policy weighs the expected bill: large 100 * 10 + 50 * 20 = $0.002.
    check(|case| case.policy = policy(Rules::of(budget(0.001))), &["large: over_budget, needs $0.002, $0.001 is left"]);
    let saved = BudgetState { n_requests: 1, spent_pico_usd: 0, worth: None };
    check(
        |case| {
            case.policy = policy(Rules::of(budget(0.001)));
            case.facts.budget = Some(saved);
        },
        &[],
    );
    // Where nobody fits, the policy says whether the cheapest serves all the same.
    check(|case| case.policy = policy(Rules::of(budget(0.000_001))), &[]);
    check(
        |case| {
            let mode = Mode::Budget { usd_per_request: usd(0.000_001), when_spent: WhenSpent::Refuse };
            case.policy = policy(Rules::of(mode));
        },
        &[
            "large: over_budget, needs $0.002, $0.000001 is left",
            "small: over_budget, needs $0.0002, $0.000001 is left",
            "thinker: over_budget, needs $0.001, $0.000001 is left",
        ],
    );
}

#[test]
fn the_first_reason_is_the_one_reported() {
    check(
        |case| {
            case.facts.limits.deny = [id("small")].into();
            case.facts.prompt_tokens = tokens(10_000);
            case.unhealthy = [id("small")].into();
        },
        &["small: denied, is denied"],
    );
}

#[test]
fn a_bill_counts_every_kind_of_token() {
    let candidates = plain().join();
    let cost = |model: &str| candidates.get(&id(model)).unwrap().cost;
    let micro = |micro: u64| PicoUsd(micro * 1_000_000);
    assert_eq!(cost("small"), micro(100 + 50 * 2));
    assert_eq!(cost("thinker"), micro(100 + 50 * 2 + 200 * 4));
    assert_eq!(candidates.get(&id("thinker")).unwrap().cost_high, micro(100 + 50 * 2 + 200 * 4 + 50 * 4));
}

#[test]
fn only_the_current_model_has_the_conversation_in_its_cache() {
    let mut case = plain();
    case.facts.session = Some(SessionFacts { current: id("small"), cached_prompt: tokens(80), lock: None });
    let candidates = case.join();
    assert_eq!(candidates.get(&id("small")).unwrap().cost, PicoUsd(20 * 1_000_000 + 80 * 100_000 + 50 * 2_000_000));
    assert_eq!(candidates.get(&id("thinker")).unwrap().cost, plain().join().get(&id("thinker")).unwrap().cost);
}

#[test]
fn nobody_writes_more_than_the_caller_accepts() {
    let mut case = plain();
    case.facts.max_completion = Some(tokens(120));
    let thinker = case.join().get(&id("thinker")).unwrap().clone();
    // All 120 tokens go into thinking; the answer is cut off.
    assert_eq!(thinker.cost, PicoUsd((100 + 120 * 4) * 1_000_000));
    assert_eq!(thinker.cost_high, thinker.cost);
}

#[test]
fn no_model_is_taken_to_write_more_than_it_can() {
    let mut case = plain();
    let long = ModelForecast { completion: tokens(400), output_p90: tokens(2000), ..forecast("small", 0) };
    case.evidence = Evidence::Forecast(Forecast::new(vec![long]).unwrap());
    let small = case.join().get(&id("small")).unwrap().clone();
    assert_eq!(small.exclusion, None, "100 tokens of prompt and at most 300 of answer fit into 1000");
    assert_eq!(
        (small.cost, small.cost_high),
        (PicoUsd((100 + 300 * 2) * 1_000_000), PicoUsd((100 + 300 * 2) * 1_000_000))
    );
    case.evidence = Evidence::Absent(Absent::Late);
    assert_eq!(case.join().get(&id("small")).unwrap().cost, PicoUsd((100 + 300 * 2) * 1_000_000));
}

#[test]
fn a_bank_does_not_cut_off_a_conversation_that_cannot_move() {
    let locked = |case: &mut Case, when_spent: WhenSpent| {
        case.policy = policy(Rules::of(Mode::Budget { usd_per_request: usd(0.001), when_spent }));
        case.facts.session = Some(SessionFacts {
            current: id("large"),
            cached_prompt: tokens(0),
            lock: Some(crate::session::Lock::ToolLoop),
        });
    };
    check(|case| locked(case, WhenSpent::Cheapest), &[]);
    check(|case| locked(case, WhenSpent::Refuse), &["large: over_budget, needs $0.002, $0.001 is left"]);
}

#[test]
fn a_conversation_locked_to_a_model_that_is_gone_says_so() {
    let gone =
        SessionFacts { current: id("gone"), cached_prompt: tokens(0), lock: Some(crate::session::Lock::ToolLoop) };
    check(|case| case.facts.session = Some(gone), &["gone: unknown, is not in the catalog"]);
}

#[test]
fn a_model_without_forecast_is_considered_at_an_assumed_length() {
    let mut case = plain();
    case.evidence = Evidence::Absent(Absent::Late);
    let candidates = case.join();
    let thinker = candidates.get(&id("thinker")).unwrap();
    assert_eq!((thinker.expectation, candidates.absent()), (None, Some(Absent::Late)));
    assert_eq!(thinker.cost, PicoUsd((100 + u64::from(ASSUMED_OUTPUT_TOKENS) * 2) * 1_000_000));
    let stated = CATALOG.replace("context_window = 50000", "context_window = 50000\nmean_completion_tokens = 4000");
    let candidates = case.join_with(&stated);
    assert_eq!(candidates.get(&id("thinker")).unwrap().cost, PicoUsd((100 + 4_000 * 2) * 1_000_000));
}

#[test]
fn lists_made_by_hand_are_checked() {
    let candidate = |name: &str| Candidate {
        model: id(name),
        expectation: None,
        cost: PicoUsd::ZERO,
        cost_high: PicoUsd::ZERO,
        exclusion: None,
    };
    assert_eq!(Candidates::new(Vec::new(), None).unwrap_err(), CandidatesError::Empty);
    let twice = vec![candidate("b"), candidate("a"), candidate("b")];
    assert_eq!(Candidates::new(twice, None).unwrap_err(), CandidatesError::Duplicate { model: id("b") });
    let many = |n: usize| Candidates::new((0..n).map(|index| candidate(&format!("m{index}"))).collect(), None);
    assert!(many(MAX_CANDIDATES).is_ok());
    assert_eq!(many(MAX_CANDIDATES + 1).unwrap_err(), CandidatesError::TooMany { found: MAX_CANDIDATES + 1 });
    let mut case = plain();
    case.facts.candidates = Some(BTreeSet::new());
    let catalog = Catalog::from_toml(CATALOG).unwrap();
    let joined = Candidates::join(&catalog, &case.policy, &case.facts, &case.evidence, &case.unhealthy);
    assert_eq!(joined.unwrap_err(), CandidatesError::Empty);
}
