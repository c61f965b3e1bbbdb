//! Decisions one line a case: the situation, who is ranked how, and the sentence that explains it.

use expect_test::{Expect, expect};

use super::{Refusal, RefusalCause, decide};
use crate::budget::BudgetState;
use crate::candidates::Candidates;
use crate::evidence::Absent;
use crate::explore::Exploration;
use crate::policy::{Basis, Lean, Mode, Rules, WhenSpent};
use crate::request::RequestFacts;
use crate::scenario::{
    blind, budget, candidates, facts, id, pin, policy, quality, target, tokens, tolerance, usd, value,
};
use crate::session::{Lock, SessionFacts, SessionRule};
use crate::units::Draw;

#[track_caller]
fn check(mode: Mode, situation: &str, expected: &str) {
    check_all(Rules::of(mode), &facts(), &candidates(situation), expected);
}

#[track_caller]
fn check_all(rules: Rules, facts: &RequestFacts, candidates: &Candidates, expected: &str) {
    let outcome = match decide(&policy(rules), facts, candidates) {
        Ok(decision) => {
            let ranked: Vec<&str> = decision.ranked.iter().map(crate::units::ModelId::as_str).collect();
            format!("{}: {}", ranked.join(" > "), decision.reason)
        }
        Err(refusal) => format!("refused: {refusal}"),
    };
    assert_eq!(outcome, expected);
}

#[test]
fn tolerance_takes_the_cheapest_near_the_best() {
    let three = "large q=0.90 $9 | medium q=0.89 $5 | small q=0.80 $2";
    check(
        tolerance(0.02),
        three,
        "medium > large > small: cheapest of 2 models whose predicted quality is within 0.02 of the best",
    );
    check(
        tolerance(0.0),
        three,
        "large > medium > small: the only model whose predicted quality is within 0 of the best",
    );
    check(
        tolerance(0.1),
        three,
        "small > medium > large: cheapest of 3 models whose predicted quality is within 0.1 of the best",
    );
    check(
        tolerance(1.0),
        three,
        "small > medium > large: cheapest of 3 models whose predicted quality is within 1 of the best",
    );
}

#[test]
fn a_quality_tie_goes_to_the_cheaper_model_and_a_cost_tie_to_the_name() {
    check(
        tolerance(0.0),
        "small q=0.80 $2 | large q=0.80 $9",
        "small > large: cheapest of 2 models whose predicted quality is within 0 of the best",
    );
    check(
        tolerance(0.0),
        "b q=0.80 $2 | a q=0.80 $2",
        "a > b: cheapest of 2 models whose predicted quality is within 0 of the best",
    );
    check(target(0.9), "b q=0.80 $2 | a q=0.80 $2", "a > b: best predicted quality, 0.8000; no model reaches 0.9");
    check(
        value(1.0),
        "b q=0.80 $2 | a q=0.80 $2",
        "a > b: most value: predicted quality 0.8000 at $1 a success, less $2",
    );
}

#[test]
fn target_takes_the_cheapest_that_reaches_the_floor() {
    let three = "large q=0.90 $9 | medium q=0.85 $5 | small q=0.70 $2";
    check(target(0.8), three, "medium > large > small: cheapest of 2 models whose predicted quality reaches 0.8");
    check(target(0.9), three, "large > medium > small: the only model whose predicted quality reaches 0.9");
    check(target(0.0), three, "small > medium > large: cheapest of 3 models whose predicted quality reaches 0");
    check(target(0.95), three, "large > medium > small: best predicted quality, 0.9000; no model reaches 0.95");
}

#[test]
fn value_weighs_a_success_against_its_cost() {
    let two = "large q=0.90 $0.010 | small q=0.70 $0.001";
    check(value(0.01), two, "small > large: most value: predicted quality 0.7000 at $0.01 a success, less $0.001");
    check(value(1.0), two, "large > small: most value: predicted quality 0.9000 at $1 a success, less $0.01");
}

#[test]
fn a_budget_spends_where_it_buys_most_and_never_overdraws() {
    let two = "large q=0.90 $0.010 | small q=0.70 $0.001";
    check(
        budget(0.01),
        two,
        "large > small: best use of a mean of $0.01 a request: predicted quality 0.9000 for $0.01",
    );
    check(budget(0.005), two, "small: best use of a mean of $0.005 a request: predicted quality 0.7000 for $0.001");
    check(budget(0.0005), two, "small > large: cheapest eligible model; the budget of $0.0005 a request is spent");
    let hard = Mode::Budget { usd_per_request: usd(0.0005), when_spent: WhenSpent::Refuse };
    check(hard, two, "refused: no model may serve this request: 2 over_budget");
}

#[test]
fn a_spent_budget_is_served_by_the_cheapest_or_refused_and_recovers() {
    let two = "large q=0.90 $0.010 | small q=0.70 $0.001";
    let hard =
        |usd_per_request: f64| Mode::Budget { usd_per_request: usd(usd_per_request), when_spent: WhenSpent::Refuse };
    check(hard(0.005), two, "small: best use of a mean of $0.005 a request: predicted quality 0.7000 for $0.001");
    // A refused request costs nothing, so the second one has twice the figure.
    let refused = decide(&policy(Rules::of(hard(0.0005))), &facts(), &candidates(two)).unwrap_err();
    let later = RequestFacts { budget: refused.budget, ..facts() };
    check_all(
        Rules::of(hard(0.0005)),
        &later,
        &candidates(two),
        "small: best use of a mean of $0.0005 a request: predicted quality 0.7000 for $0.001",
    );
    // The fallback order does not outrank the bank, also when the classifier is silent.
    let rules = Rules { fallback: vec![id("large"), id("small")], ..Rules::of(budget(0.0005)) };
    let silent = blind("large $0.010 | small $0.001", Absent::Late);
    check_all(
        rules.clone(),
        &facts(),
        &silent,
        "small > large: cheapest eligible model; the budget of $0.0005 a request is spent",
    );
    let saved = RequestFacts { budget: Some(BudgetState { n_requests: 9, ..BudgetState::default() }), ..facts() };
    check_all(rules, &saved, &silent, "small: first eligible model of the fallback order; the classifier was late");
}

#[test]
fn a_conversation_stays_on_a_model_that_has_no_forecast_of_its_own() {
    let talking = RequestFacts { session: Some(session("new", None)), ..facts() };
    check_all(
        Rules::of(tolerance(0.0)),
        &talking,
        &candidates("a q=0.9 $1 | new $2"),
        "new > a: the conversation stays on `new`, which has no forecast to weigh a move by",
    );
}

#[test]
fn the_lower_bound_keeps_a_stranger_from_winning_on_luck() {
    let stranger = "known q=0.80 low=0.78 $2 | stranger q=0.85 low=0.40 $1";
    check(tolerance(0.0), stranger, "stranger > known: the only model whose predicted quality is within 0 of the best");
    let careful = Rules { basis: Basis::LowerBound, ..Rules::of(tolerance(0.0)) };
    check_all(
        careful,
        &facts(),
        &candidates(stranger),
        "known > stranger: the only model whose lower bound of quality is within 0 of the best",
    );
}

#[test]
fn excluded_models_and_models_without_forecast_are_not_ranked() {
    check(
        tolerance(1.0),
        "a q=0.9 $1 -unhealthy | b q=0.5 $2 | c $0",
        "b > c: the only model whose predicted quality is within 1 of the best",
    );
    check(tolerance(1.0), "a q=0.9 $1 -unhealthy", "refused: no model may serve this request: 1 unhealthy");
}

#[test]
fn a_pinned_model_is_asked_no_questions() {
    check(pin("b"), "a q=0.9 $1 | b q=0.1 $9", "b: `b` was asked for by name");
    check(
        pin("b"),
        "a q=0.9 $1 | b q=0.1 $9 -unhealthy",
        "refused: the model `b` was asked for by name and has only failing providers",
    );
    check(pin("z"), "a q=0.9 $1", "refused: the model `z` was asked for by name and is not among the allowed models");
    let rules = Rules { fallback: vec![id("b"), id("a")], ..Rules::of(pin("b")) };
    check_all(rules.clone(), &facts(), &candidates("a q=0.9 $1 | b q=0.1 $9"), "b > a: `b` was asked for by name");
    check_all(
        rules,
        &facts(),
        &candidates("a q=0.9 $1 | b q=0.1 $9 -unhealthy"),
        "a: `a` is the first eligible fallback; `b` was asked for by name and has only failing providers",
    );
}

#[test]
fn without_a_forecast_the_fallback_order_answers() {
    let three = blind("a $3 | b $2 | c $1", Absent::Late);
    let rules = |fallback: &[&str]| Rules {
        fallback: fallback.iter().map(|name| id(name)).collect(),
        ..Rules::of(tolerance(0.0))
    };
    check_all(
        rules(&["b", "a"]),
        &facts(),
        &three,
        "b > a > c: first eligible model of the fallback order; the classifier was late",
    );
    check_all(
        rules(&["z"]),
        &facts(),
        &three,
        "c > b > a: cheapest eligible model, for want of an eligible fallback; the classifier was late",
    );
    check_all(
        rules(&[]),
        &facts(),
        &blind("a $3", Absent::Overloaded),
        "a: cheapest eligible model, for want of an eligible fallback; the classifier is overloaded",
    );
    check_all(
        rules(&["a"]),
        &facts(),
        &blind("a $3 -unhealthy | b $9", Absent::Broken),
        "b: cheapest eligible model, for want of an eligible fallback; the classifier failed",
    );
    check_all(
        rules(&["b"]),
        &facts(),
        &candidates("a $3 | b $2"),
        "b > a: first eligible model of the fallback order; no eligible model has a forecast",
    );
    let talking = RequestFacts { session: Some(session("a", None)), ..facts() };
    check_all(
        rules(&["b"]),
        &talking,
        &blind("a $3 | b $2 | c $1", Absent::NotLoaded),
        "a > b > c: the conversation stays on `a`; no classifier is loaded",
    );
}

#[test]
fn a_conversation_moves_only_when_the_move_pays() {
    let talking = |model: &str| RequestFacts { session: Some(session(model, None)), ..facts() };
    let stay = Rules::of(tolerance(0.02));
    check_all(
        stay.clone(),
        &talking("b"),
        &candidates("a q=0.90 $0.95 | b q=0.90 $1.00"),
        "b > a: the conversation stays on `b`: moving to `a` would save only $0.05",
    );
    check_all(
        stay.clone(),
        &talking("b"),
        &candidates("a q=0.90 $0.85 | b q=0.90 $1.00"),
        "a > b: cheapest of 2 models whose predicted quality is within 0.02 of the best",
    );
    // Three hundredths short of the best is one more than the tolerance and within the margin; five is not.
    check_all(
        stay.clone(),
        &talking("b"),
        &candidates("a q=0.90 $3 | b q=0.87 $1"),
        "b > a: the conversation stays on `b`: moving to `a` would not pay for itself",
    );
    check_all(
        stay.clone(),
        &talking("b"),
        &candidates("a q=0.90 $3 | b q=0.85 $1"),
        "a > b: the only model whose predicted quality is within 0.02 of the best",
    );
    // The current model may not serve, or was not asked for: there is nothing to stay on.
    check_all(
        stay.clone(),
        &talking("b"),
        &candidates("a q=0.90 $3 | b q=0.90 $1 -unhealthy"),
        "a: the only model whose predicted quality is within 0.02 of the best",
    );
    check_all(
        stay,
        &talking("z"),
        &candidates("a q=0.90 $3"),
        "a: the only model whose predicted quality is within 0.02 of the best",
    );
    let worth = Rules { session: SessionRule::new(0.0, quality(0.0)).unwrap(), ..Rules::of(value(1.0)) };
    check_all(
        worth,
        &talking("b"),
        &candidates("a q=0.90 $0.1 | b q=0.89 $0.1"),
        "a > b: most value: predicted quality 0.9000 at $1 a success, less $0.1",
    );
    check_all(
        Rules::of(value(1.0)),
        &talking("b"),
        &candidates("a q=0.90 $0.1 | b q=0.89 $0.1"),
        "b > a: the conversation stays on `b`: moving to `a` would not pay for itself",
    );
    check_all(
        Rules::of(target(0.9)),
        &talking("b"),
        &candidates("a q=0.90 $1 | b q=0.89 $2"),
        "a > b: the only model whose predicted quality reaches 0.9",
    );
    check_all(
        Rules::of(target(0.9)),
        &talking("b"),
        &candidates("a q=0.90 $2 | b q=0.89 $2"),
        "b > a: the conversation stays on `b`: moving to `a` would not pay for itself",
    );
}

#[test]
fn a_lock_is_never_moved() {
    let locked = RequestFacts { session: Some(session("b", Some(Lock::ToolLoop))), ..facts() };
    check_all(
        Rules::of(tolerance(0.0)),
        &locked,
        &candidates("a q=0.99 $1 | b q=0.10 $9"),
        "b: the conversation must stay on `b`: a tool loop is open",
    );
    check_all(
        Rules::of(tolerance(0.0)),
        &locked,
        &candidates("a q=0.99 $1 | b q=0.10 $9 -unhealthy"),
        "refused: the conversation must stay on `b`, since a tool loop is open, and `b` has only failing providers",
    );
    check_all(Rules::of(pin("a")), &locked, &candidates("a q=0.99 $1 | b q=0.10 $9"), "a: `a` was asked for by name");
}

#[test]
fn a_detour_is_taken_when_the_draw_says_so() {
    let rules = Rules { exploration: Some(Exploration::new(0.1, None).unwrap()), ..Rules::of(tolerance(0.0)) };
    let drawn = |draw: f64| RequestFacts { draw: Draw::new(draw).unwrap(), ..facts() };
    let two = candidates("a q=0.9 $1 | b q=0.5 $1");
    check_all(
        rules.clone(),
        &drawn(0.06),
        &two,
        "b > a: a deliberate detour, as 100 in 1000 requests are; `a` would have been chosen",
    );
    check_all(
        rules.clone(),
        &drawn(0.04),
        &two,
        "a > b: the only model whose predicted quality is within 0 of the best",
    );
    check_all(
        rules.clone(),
        &drawn(0.5),
        &two,
        "a > b: the only model whose predicted quality is within 0 of the best",
    );
    let decision = decide(&policy(rules.clone()), &drawn(0.06), &two).unwrap();
    assert!((decision.propensity() - 0.05).abs() < 1e-12);
    // A conversation is never sent on a detour: it would pay for the lost cache.
    let talking = RequestFacts { session: Some(session("a", None)), ..drawn(0.06) };
    check_all(rules, &talking, &two, "a > b: the only model whose predicted quality is within 0 of the best");
}

#[test]
fn a_decision_says_what_would_have_flipped_it() {
    let three = "large q=0.90 $0.0090 | medium q=0.89 $0.0050 | small q=0.80 $0.0020";
    flipped(
        tolerance(0.02),
        three,
        &expect![[r#"
        `large` would win if `medium` cost more than $0.009, 1.80 times what it costs
        `small` would win with quality_tolerance at least 0.1
        `large` would win with quality_tolerance below 0.01"#]],
    );
    flipped(
        target(0.85),
        three,
        &expect![[r#"
        `large` would win if `medium` cost more than $0.009, 1.80 times what it costs
        `small` would win with quality_floor at most 0.8
        `large` would win with quality_floor above 0.89"#]],
    );
    flipped(
        value(0.1),
        three,
        &expect![[r#"
            `large` would win if `medium` cost more than $0.008, 1.60 times what it costs
            `small` would win with usd_per_success below 0.033333
            `large` would win with usd_per_success above 0.400000"#]],
    );
    flipped(pin("small"), three, &expect![""]);
    flipped(
        tolerance(0.0),
        "free q=0.9 $0 | dear q=0.9 $1",
        &expect!["`dear` would win if `free` cost more than $1; it is free"],
    );
}

#[test]
fn the_runner_up_and_the_policy_are_named() {
    let policy = policy(Rules::of(tolerance(0.02)));
    let decision = decide(&policy, &facts(), &candidates("a q=0.9 $9 | b q=0.9 $5")).unwrap();
    assert_eq!((decision.model().as_str(), decision.runner_up().map(crate::units::ModelId::as_str)), ("b", Some("a")));
    assert_eq!((decision.policy.as_str(), &*decision.policy_version), ("test", policy.version()));
}

#[test]
fn a_refusal_counts_its_reasons_by_kind() {
    let candidates = candidates("a q=0.9 $1 -unhealthy | b q=0.9 $1 -unhealthy");
    let refusal = decide(&policy(Rules::of(tolerance(0.0))), &facts(), &candidates).unwrap_err();
    let cause = RefusalCause::NobodyEligible { excluded: [("unhealthy", 2)].into() };
    assert_eq!(refusal, Refusal { cause, budget: None });
}

fn session(model: &str, lock: Option<Lock>) -> SessionFacts {
    SessionFacts { current: id(model), cached_prompt: tokens(0), lock }
}

#[track_caller]
fn flipped(mode: Mode, situation: &str, expected: &Expect) {
    let decision = decide(&policy(Rules::of(mode)), &facts(), &candidates(situation)).unwrap();
    let flips: Vec<String> = decision.flips.iter().map(ToString::to_string).collect();
    expected.assert_eq(&flips.join("\n"));
}

#[test]
fn a_lean_judges_every_other_model_lower_and_never_below_nothing() {
    let three = "ref q=0.80 $5 | cheap q=0.79 $1 | dear q=0.84 $9 | poor q=0.02 $0.1";
    let chosen = |shrinkage: f64, mode: Mode| {
        let lean = Some(Lean { towards: id("ref"), shrinkage: quality(shrinkage) });
        let rules = Rules { lean, ..Rules::of(mode) };
        decide(&policy(rules), &facts(), &candidates(three)).unwrap().model().to_string()
    };
    assert_eq!(chosen(0.0, tolerance(0.0)), "dear");
    assert_eq!(chosen(0.05, tolerance(0.0)), "ref");
    assert_eq!(chosen(0.05, tolerance(0.05)), "ref");
    assert_eq!(chosen(0.05, tolerance(0.06)), "cheap");
    assert_eq!(chosen(1.0, tolerance(0.5)), "ref");
    assert_eq!(chosen(0.05, target(0.78)), "ref");
    assert_eq!(chosen(0.01, target(0.78)), "cheap");
    // A forecast below the shrinkage counts as nothing, and nothing is within any tolerance above the reference's quality.
    assert_eq!(chosen(1.0, tolerance(0.8)), "poor");
}
