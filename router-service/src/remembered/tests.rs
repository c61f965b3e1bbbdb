//! What is remembered is bounded, expires, and counts once.

use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime};

use decision::{
    Candidates, Catalog, Decision, Evidence, ModelId, PicoUsd, Policies, Policy, Quality, RequestFacts, Tokens, decide,
};
use proptest::prelude::*;

use super::{Budgets, DecisionId, Decisions, Expected, Sessions};
use crate::config::{MemoryRule, Settings};
use crate::question::{SessionWish, Verdict};

fn rule() -> MemoryRule {
    Settings::built_in().memory
}

fn id(name: &str) -> ModelId {
    ModelId::new(name).unwrap()
}

fn tokens(count: u64) -> Tokens {
    Tokens::new(count).unwrap()
}

fn wish(session: &str) -> SessionWish {
    SessionWish { id: Some(session.to_owned()), current: None, cached_prompt: None, lock: None }
}

#[test]
fn an_id_is_read_as_it_was_written_and_says_when() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(0x0197_a3c2_5b1e);
    let ids: BTreeSet<DecisionId> = (0..1000).map(|_| DecisionId::new(now)).collect();
    assert_eq!(ids.len(), 1000);
    for id in ids {
        let text = id.to_string();
        assert_eq!(DecisionId::parse(&text), Some(id));
        assert!(text.starts_with("0197a3c2-5b1e-7"), "{text}");
        assert!(['8', '9', 'a', 'b'].contains(&text.chars().nth(19).unwrap()), "{text}");
    }
}

proptest! {
    #[test]
    fn what_is_no_id_is_none(text in "\\PC{0,40}") {
        if let Some(id) = DecisionId::parse(&text) {
            prop_assert_eq!(id.to_string(), text.to_lowercase());
        }
    }
}

#[test]
fn a_conversation_stays_until_it_is_idle_and_its_cache_cools_first() {
    let rule = MemoryRule { session_idle: Duration::from_secs(100), prompt_cache: Duration::from_secs(10), ..rule() };
    let (sessions, begin) = (Sessions::new(&rule), Instant::now());
    let after = |s| begin + Duration::from_secs(s);
    let (conversation, tenant) = (wish("c"), "t");
    assert_eq!(sessions.facts(tenant, &conversation, begin), None, "nobody knows it yet");
    sessions.remember(tenant, &conversation, &id("m"), tokens(70), begin);
    let seen = |s| sessions.facts(tenant, &conversation, after(s)).map(|facts| facts.cached_prompt.get());
    assert_eq!((seen(9), seen(11), seen(99), seen(101)), (Some(70), Some(0), Some(0), None));
    assert_eq!(sessions.facts("other", &conversation, begin), None, "another tenant's conversation is another one");
    let told = SessionWish { current: Some(id("n")), cached_prompt: Some(tokens(5)), ..conversation.clone() };
    let facts = sessions.facts(tenant, &told, begin).unwrap();
    assert_eq!((facts.current, facts.cached_prompt), (id("n"), tokens(5)), "the caller knows better");
    let moved = SessionWish { current: Some(id("n")), ..conversation.clone() };
    assert_eq!(
        sessions.facts(tenant, &moved, begin).unwrap().cached_prompt,
        Tokens::ZERO,
        "the cache is another model's"
    );
}

#[test]
fn conversations_and_decisions_are_bounded() {
    let rule = MemoryRule { sessions: 300, decisions: 300, ..rule() };
    let (sessions, decisions) = (Sessions::new(&rule), Decisions::new(&rule));
    let (decision, expected) = decided(&Budgets::default(), &policy("mode = \"tolerance\"\nquality_tolerance = 0"));
    for number in 0..2_000 {
        sessions.remember("", &wish(&number.to_string()), &id("m"), tokens(1), Instant::now());
        decisions.remember(DecisionId::new(SystemTime::now()), &decision, expected.clone(), None, false);
        assert!(sessions.len() <= 300 && decisions.len() <= 300);
    }
    assert!(sessions.len() > 100 && decisions.len() > 100);
}

fn policy(rules: &str) -> Policy {
    let policies = Policies::from_toml(&format!("default = \"p\"\n[policy.p]\n{rules}\n")).unwrap();
    policies.default_policy().clone()
}

/// A decision for `m` at $0.01 with a forecast of 0.9.
fn decided(budgets: &Budgets, policy: &Policy) -> (Decision, Box<[Expected]>) {
    let catalog = Catalog::from_toml(
        "[[model]]\nid = \"m\"\ncontext_window = 100000\nusd_per_1m = { prompt = 100, completion = 0 }\n",
    )
    .unwrap();
    let decision = budgets.decide(policy, |state| {
        let facts = RequestFacts { budget: Some(state), ..RequestFacts::of_size(tokens(100)) };
        let evidence = Evidence::Absent(decision::Absent::Late);
        let candidates = Candidates::join(&catalog, policy, &facts, &evidence, &BTreeSet::new()).unwrap();
        let decision = decide(policy, &facts, &candidates).unwrap();
        let next = decision.budget;
        (decision, next)
    });
    let quality = Some(Quality::new(0.9).unwrap());
    (decision, Box::new([Expected { model: id("m"), quality, cost: PicoUsd::from_usd(0.01).unwrap() }]))
}

fn verdict(decision: DecisionId) -> Verdict {
    Verdict {
        decision,
        model: None,
        quality: None,
        judge: String::new(),
        prompt: None,
        cached_prompt: None,
        completion: None,
        reasoning: None,
        cost: None,
        latency_ms: None,
        end: None,
    }
}

#[test]
fn a_verdict_is_joined_and_counts_once() {
    let (budgets, decisions) = (Budgets::default(), Decisions::new(&rule()));
    let policy = policy("mode = \"budget\"\nusd_per_request = 0.05");
    let (decision, expected) = decided(&budgets, &policy);
    let id = DecisionId::new(SystemTime::now());
    decisions.remember(id, &decision, expected, None, false);
    let spent = || budgets.decide(&policy, |state| (state.spent_pico_usd, Some(state)));
    let usd = |usd: f64| u128::from(PicoUsd::from_usd(usd).unwrap().0);
    assert_eq!(spent(), usd(0.01));

    let judged = Verdict { quality: Some(Quality::ONE), ..verdict(id) };
    let joined = decisions.join(&judged, &budgets).unwrap();
    assert_eq!((joined.model, joined.repeated), (self::id("m"), false));
    assert_eq!(joined.drift, Some((Quality::new(0.9).unwrap(), Quality::ONE)));
    let again = decisions.join(&judged, &budgets).unwrap();
    assert_eq!((again.drift, again.repeated), (None, true));

    let billed = Verdict { cost: Some(PicoUsd::from_usd(0.04).unwrap()), ..verdict(id) };
    for _ in 0..3 {
        decisions.join(&billed, &budgets).unwrap();
        assert_eq!(spent(), usd(0.04), "a bill told twice is paid once");
    }
    let stranger = Verdict { model: Some(self::id("n")), quality: Some(Quality::ONE), ..verdict(id) };
    assert_eq!(decisions.join(&stranger, &budgets).unwrap().drift, None);
    let error = decisions.join(&verdict(DecisionId::new(SystemTime::now())), &budgets).unwrap_err();
    assert!(error.to_string().contains("waits for a verdict"), "{error}");
}

#[test]
fn a_bill_that_is_entered_here_is_not_entered_by_a_caller_s_word() {
    let (budgets, decisions) = (Budgets::default(), Decisions::new(&rule()));
    let policy = policy("mode = \"budget\"\nusd_per_request = 0.05");
    let (decision, expected) = decided(&budgets, &policy);
    let id = DecisionId::new(SystemTime::now());
    let charged = expected[0].cost;
    decisions.remember(id, &decision, expected, None, true);
    let spent = || budgets.decide(&policy, |state| (state.spent_pico_usd, Some(state)));
    let usd = |usd: f64| PicoUsd::from_usd(usd).unwrap();
    let told = Verdict { cost: Some(usd(0.0)), ..verdict(id) };
    assert!(decisions.join(&told, &budgets).unwrap().accounted);
    assert_eq!(spent(), u128::from(charged.0), "the call has not ended");
    budgets.account(&decision, charged, usd(0.04));
    assert!(decisions.join(&told, &budgets).unwrap().accounted);
    assert_eq!(spent(), u128::from(usd(0.04).0));
}

#[test]
fn budgets_of_rules_long_gone_are_forgotten() {
    let budgets = Budgets::default();
    for step in 1..=3 * decision::MAX_POLICIES {
        decided(&budgets, &policy(&format!("mode = \"budget\"\nusd_per_request = {}", 0.01 + 0.0001 * step as f64)));
        assert!(budgets.states().len() <= 2 * decision::MAX_POLICIES);
    }
}
