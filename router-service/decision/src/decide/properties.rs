//! What must hold of every decision, over random candidates on coarse grids, where ties are the rule. The situations include
//! pins, locks, fallback orders, detours, spent budgets and a silent classifier.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Decision, Refusal, decide};
use crate::budget::BudgetState;
use crate::candidates::{Candidate, Candidates};
use crate::evidence::Absent;
use crate::explore::Exploration;
use crate::policy::{Basis, Mode, Policy, Rules, WhenSpent};
use crate::request::RequestFacts;
use crate::scenario::{any_basis, any_list, any_mode, facts, policy, target, tolerance};
use crate::session::{Lock, SessionFacts};
use crate::units::{Draw, ModelId, PicoUsd, Quality, Tokens};

/// A random situation; `candidates` in the order in which somebody might have listed them.
#[derive(Clone, Debug)]
struct Situation {
    rules: Rules,
    facts: RequestFacts,
    list: Vec<Candidate>,
    absent: Option<Absent>,
}

impl Situation {
    fn policy(&self) -> Policy {
        policy(self.rules.clone())
    }

    fn candidates(&self) -> Candidates {
        Candidates::new(self.list.clone(), self.absent).unwrap()
    }

    fn decide(&self) -> Result<Decision, Refusal> {
        decide(&self.policy(), &self.facts, &self.candidates())
    }

    fn eligible(&self) -> impl Iterator<Item = &Candidate> {
        self.list.iter().filter(|candidate| candidate.exclusion.is_none())
    }

    /// Those that may serve and that a budget can pay.
    fn payable(&self) -> Vec<&Candidate> {
        let Mode::Budget { usd_per_request, .. } = self.rules.mode else { return self.eligible().collect() };
        let left = self.facts.budget.unwrap_or_default().allowance(usd_per_request);
        self.eligible().filter(|candidate| candidate.cost <= left).collect()
    }

    fn quality_of(&self, model: &ModelId) -> Option<Quality> {
        judged(self.list.iter().find(|candidate| candidate.model == *model)?, self.rules.basis)
    }
}

fn judged(candidate: &Candidate, basis: Basis) -> Option<Quality> {
    candidate.expectation.map(|expectation| match basis {
        Basis::Expected => expectation.quality,
        Basis::LowerBound => expectation.quality_low,
    })
}

fn any_model() -> impl Strategy<Value = ModelId> {
    (0usize..9).prop_map(|index| ModelId::new(&format!("m{index}")).unwrap())
}

fn any_rules() -> impl Strategy<Value = Rules> {
    let exploration = prop::option::of((0.01..0.5, prop::option::of(0u64..40)));
    let fallback = prop::collection::btree_set(any_model(), 0..4).prop_map(|models| models.into_iter().rev().collect());
    let mode = prop_oneof![6 => any_mode(), 1 => any_model().prop_map(|model| Mode::Pin { model })];
    (mode, any_basis(), exploration, fallback).prop_map(|(mode, basis, exploration, fallback)| match mode {
        Mode::Pin { .. } => Rules { fallback, ..Rules::of(mode) },
        Mode::Tolerance { .. } | Mode::Target { .. } | Mode::Value { .. } | Mode::Budget { .. } => Rules {
            basis,
            fallback,
            exploration: exploration
                .map(|(rate, most)| Exploration::new(rate, most.map(|most| PicoUsd(most * 1_000_000))).unwrap()),
            ..Rules::of(mode)
        },
    })
}

fn any_facts() -> impl Strategy<Value = RequestFacts> {
    let budget = prop::option::of((0u64..50, 0u64..2000).prop_map(|(n_requests, spent)| BudgetState {
        n_requests,
        spent_pico_usd: u128::from(spent) * 1_000_000,
        worth: None,
    }));
    let lock = prop::option::weighted(0.3, prop_oneof![Just(Lock::ToolLoop), Just(Lock::SignedReasoning)]);
    let session =
        (any_model(), lock).prop_map(|(current, lock)| SessionFacts { current, cached_prompt: Tokens::ZERO, lock });
    (budget, prop::option::weighted(0.3, session), 0.0..0.999).prop_map(|(budget, session, draw)| RequestFacts {
        budget,
        session,
        draw: Draw::new(draw).unwrap(),
        ..facts()
    })
}

fn any_situation() -> impl Strategy<Value = Situation> {
    (any_rules(), any_facts(), any_list(), prop::bool::weighted(0.15)).prop_map(|(rules, facts, mut list, silent)| {
        if silent {
            list.iter_mut().for_each(|candidate| candidate.expectation = None);
        }
        Situation { rules, facts, list, absent: silent.then_some(Absent::Late) }
    })
}

/// Without conversations, detours and pins: the policy alone speaks.
fn any_plain_situation() -> impl Strategy<Value = Situation> {
    any_situation()
        .prop_filter("a policy that weighs", |situation| !matches!(situation.rules.mode, Mode::Pin { .. }))
        .prop_map(|mut situation| {
            situation.facts.session = None;
            situation.rules.exploration = None;
            situation
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, max_global_rejects: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_candidates_does_not_matter(
        (situation, shuffled) in any_situation().prop_flat_map(|situation| {
            let list = Just(situation.list.clone()).prop_shuffle();
            (Just(situation), list)
        }),
    ) {
        prop_assert_eq!(situation.decide(), Situation { list: shuffled, ..situation }.decide());
    }

    #[test]
    fn an_excluded_model_is_never_ranked_and_no_model_twice(situation in any_situation()) {
        let Ok(decision) = situation.decide() else { return Ok(()) };
        prop_assert!(decision.ranked.iter().all(|model| situation.eligible().any(|candidate| candidate.model == *model)));
        let distinct: BTreeSet<&ModelId> = decision.ranked.iter().collect();
        prop_assert_eq!(distinct.len(), decision.ranked.len());
    }

    #[test]
    fn whoever_may_serve_and_can_be_paid_is_ranked(situation in any_plain_situation()) {
        let payable = situation.payable();
        let refuses = matches!(situation.rules.mode, Mode::Budget { when_spent: WhenSpent::Refuse, .. });
        let expected: Vec<&Candidate> =
            if payable.is_empty() && !refuses { situation.eligible().collect() } else { payable };
        match situation.decide() {
            Ok(decision) => {
                let ranked: BTreeSet<&ModelId> = decision.ranked.iter().collect();
                prop_assert_eq!(ranked, expected.iter().map(|candidate| &candidate.model).collect::<BTreeSet<_>>());
            }
            Err(_) => prop_assert!(expected.is_empty()),
        }
    }

    #[test]
    fn nobody_is_refused_while_somebody_can_serve(situation in any_situation()) {
        let free = situation.facts.session.as_ref().is_none_or(|session| session.lock.is_none());
        let pinned = matches!(situation.rules.mode, Mode::Pin { .. });
        if free && !pinned && !situation.payable().is_empty() {
            prop_assert!(situation.decide().is_ok());
        }
    }

    #[test]
    fn a_bank_is_never_overdrawn_while_somebody_can_be_paid(situation in any_plain_situation()) {
        let payable = situation.payable();
        if let (Mode::Budget { .. }, Ok(decision), false) = (&situation.rules.mode, situation.decide(), payable.is_empty()) {
            prop_assert!(payable.iter().any(|candidate| candidate.model == *decision.model()));
        }
    }

    #[test]
    fn a_refusal_under_a_budget_leaves_more_for_the_next(situation in any_plain_situation()) {
        if let (Mode::Budget { usd_per_request, .. }, Err(refusal)) = (&situation.rules.mode, situation.decide()) {
            let before = situation.facts.budget.unwrap_or_default();
            let after = refusal.budget.expect("a budget policy always has a next state");
            prop_assert_eq!(after.n_requests, before.n_requests + 1);
            prop_assert!(after.allowance(*usd_per_request) >= before.allowance(*usd_per_request));
        }
    }

    #[test]
    fn a_price_cut_never_makes_a_model_lose(situation in any_situation(), cut in 0.0..1.0f64) {
        let Ok(before) = situation.decide() else { return Ok(()) };
        let mut cheaper = situation;
        for candidate in cheaper.list.iter_mut().filter(|candidate| candidate.model == *before.model()) {
            candidate.cost = PicoUsd::from_f64(candidate.cost.as_f64() * cut).unwrap();
        }
        // A spent bank serves by cost alone; a cut that lets it pay again puts quality back into the choice.
        let paid = |situation: &Situation| !situation.payable().is_empty();
        if paid(&cheaper) == !matches!(before.reason, crate::explain::Reason::BudgetSpent { .. }) {
            let after = cheaper.decide().unwrap();
            prop_assert_eq!(after.model(), before.model());
        }
    }

    #[test]
    fn a_higher_floor_never_lowers_the_chosen_quality(situation in any_plain_situation(), low in 0u32..=20, high in 0u32..=20) {
        let chosen = |floor: u32| {
            let mut situation = situation.clone();
            situation.rules.mode = target(f64::from(floor) / 20.0);
            situation.quality_of(situation.decide().ok()?.model())
        };
        prop_assert!(chosen(low.max(high)) >= chosen(low.min(high)));
    }

    #[test]
    fn the_floor_is_kept_whenever_it_can_be(mut situation in any_plain_situation(), floor in 0u32..=20) {
        situation.rules.mode = target(f64::from(floor) / 20.0);
        let floor = Some(Quality::new(f64::from(floor) / 20.0).unwrap());
        if situation.eligible().any(|candidate| judged(candidate, situation.rules.basis) >= floor) {
            prop_assert!(situation.quality_of(situation.decide().unwrap().model()) >= floor);
        }
    }

    #[test]
    fn nobody_as_good_as_the_tolerance_asks_is_cheaper(mut situation in any_plain_situation(), allowed in 0u32..=20) {
        let allowed = Quality::new(f64::from(allowed) / 20.0).unwrap();
        situation.rules.mode = tolerance(allowed.get());
        let basis = situation.rules.basis;
        let Some(best) = situation.eligible().filter_map(|candidate| judged(candidate, basis)).max() else { return Ok(()) };
        let within = |candidate: &&Candidate| judged(candidate, basis).is_some_and(|quality| best.minus(quality) <= allowed);
        let decision = situation.decide().unwrap();
        let chosen = situation.eligible().find(|candidate| candidate.model == *decision.model()).unwrap();
        prop_assert!(within(&chosen));
        prop_assert!(situation.eligible().filter(within).all(|candidate| candidate.cost >= chosen.cost));
    }

    #[test]
    fn the_ranking_is_that_of_repeated_choice(situation in any_plain_situation()) {
        let Ok(whole) = situation.decide() else { return Ok(()) };
        if whole.ranked.len() > 1 {
            let mut without = situation;
            without.list.retain(|candidate| candidate.model != *whole.model());
            let rest = without.decide().unwrap();
            prop_assert_eq!(rest.ranked.as_slice(), &whole.ranked[1..]);
        }
    }

    #[test]
    fn propensities_sum_to_one_and_the_chosen_has_one(situation in any_situation()) {
        let Ok(decision) = situation.decide() else { return Ok(()) };
        let sum: f64 = decision.propensities.iter().map(|(_, propensity)| propensity).sum();
        prop_assert!((sum - 1.0).abs() < 1e-12, "{sum}");
        prop_assert!(decision.propensity() > 0.0);
        prop_assert!(decision.propensities.iter().all(|(model, propensity)| *propensity > 0.0 && decision.ranked.contains(model)));
    }

    #[test]
    fn a_pin_and_a_lock_are_kept_or_refused_by_name(situation in any_situation()) {
        let lock = situation.facts.session.as_ref().filter(|session| session.lock.is_some());
        let bound = match (&situation.rules.mode, lock) {
            (Mode::Pin { model }, _) if situation.rules.fallback.is_empty() => model,
            (Mode::Pin { .. }, _) | (_, None) => return Ok(()),
            (_, Some(session)) => &session.current,
        };
        match situation.decide() {
            Ok(decision) => prop_assert_eq!(decision.model(), bound),
            Err(refusal) => prop_assert!(refusal.to_string().contains(bound.as_str())),
        }
    }
}
