//! What must hold of every decision, over random candidates on coarse grids, where ties are the rule.

use proptest::prelude::*;

use super::decide;
use crate::budget::BudgetState;
use crate::candidates::{Candidate, Candidates};
use crate::explore::Exploration;
use crate::policy::{Basis, Mode, Rules};
use crate::request::RequestFacts;
use crate::scenario::{any_basis, any_list, any_mode, any_policy, facts, policy, target};
use crate::session::SessionFacts;
use crate::units::{Draw, ModelId, PicoUsd, Quality, Tokens};

fn given(list: &[Candidate]) -> Candidates {
    Candidates::new(list.to_vec(), None).unwrap()
}

fn any_budget() -> impl Strategy<Value = Option<BudgetState>> {
    prop::option::of((0u64..50, 0u64..2000).prop_map(|(n_requests, spent)| BudgetState {
        n_requests,
        spent_pico_usd: u128::from(spent) * 1_000_000,
        worth: None,
    }))
}

/// Facts with everything that may sway a choice.
fn any_facts() -> impl Strategy<Value = RequestFacts> {
    let session = prop::option::weighted(
        0.3,
        (0usize..9).prop_map(|index| SessionFacts {
            current: ModelId::new(&format!("m{index}")).unwrap(),
            cached_prompt: Tokens::ZERO,
            lock: None,
        }),
    );
    (any_budget(), session, 0.0..0.999).prop_map(|(budget, session, draw)| RequestFacts {
        budget,
        session,
        draw: Draw::new(draw).unwrap(),
        ..facts()
    })
}

fn any_rules() -> impl Strategy<Value = Rules> {
    let exploration = prop::option::of((0.01..0.5, prop::option::of(0u64..40)));
    (any_mode(), any_basis(), exploration).prop_map(|(mode, basis, exploration)| Rules {
        basis,
        exploration: exploration
            .map(|(rate, most)| Exploration::new(rate, most.map(|most| PicoUsd(most * 1_000_000))).unwrap()),
        ..Rules::of(mode)
    })
}

fn judged(candidate: &Candidate, basis: Basis) -> Option<Quality> {
    candidate.expectation.map(|expectation| match basis {
        Basis::Expected => expectation.quality,
        Basis::LowerBound => expectation.quality_low,
    })
}

/// Those the policy can weigh: eligible, forecast, and within the bank of a budget.
fn weighable<'a>(rules: &Rules, facts: &RequestFacts, list: &'a [Candidate]) -> Vec<&'a Candidate> {
    let known = |candidate: &&Candidate| candidate.exclusion.is_none() && candidate.expectation.is_some();
    let known: Vec<&Candidate> = list.iter().filter(known).collect();
    let Mode::Budget { usd_per_request, .. } = rules.mode else { return known };
    let left = facts.budget.unwrap_or_default().allowance(usd_per_request);
    let paid: Vec<&Candidate> = known.iter().copied().filter(|candidate| candidate.cost <= left).collect();
    if paid.is_empty() { known } else { paid }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_order_of_candidates_does_not_matter(
        rules in any_rules(), facts in any_facts(), (list, shuffled) in any_list().prop_flat_map(|list| (Just(list.clone()), Just(list).prop_shuffle())),
    ) {
        let policy = policy(rules);
        prop_assert_eq!(decide(&policy, &facts, &given(&list)), decide(&policy, &facts, &given(&shuffled)));
    }

    #[test]
    fn an_excluded_model_is_never_ranked_and_no_model_twice(rules in any_rules(), facts in any_facts(), list in any_list()) {
        let Ok(decision) = decide(&policy(rules), &facts, &given(&list)) else { return Ok(()) };
        for (place, model) in decision.ranked.iter().enumerate() {
            let candidate = list.iter().find(|candidate| candidate.model == *model).unwrap();
            prop_assert!(candidate.exclusion.is_none());
            prop_assert!(!decision.ranked[..place].contains(model));
        }
    }

    #[test]
    fn whoever_may_serve_and_is_known_is_ranked(rules in any_rules(), facts in any_facts(), list in any_list()) {
        let weighable = weighable(&rules, &facts, &list);
        let refuses = matches!(rules.mode, Mode::Budget { when_spent: crate::policy::WhenSpent::Refuse, .. });
        match decide(&policy(rules), &facts, &given(&list)) {
            Ok(decision) if !weighable.is_empty() => {
                let mut ranked = decision.ranked.clone();
                ranked.sort();
                let mut expected: Vec<ModelId> = weighable.iter().map(|candidate| candidate.model.clone()).collect();
                expected.sort();
                prop_assert_eq!(ranked, expected);
            }
            Ok(decision) => prop_assert_eq!(
                decision.ranked.len(),
                list.iter().filter(|candidate| candidate.exclusion.is_none()).count()
            ),
            Err(_) => prop_assert!(refuses || list.iter().all(|candidate| candidate.exclusion.is_some())),
        }
    }

    #[test]
    fn a_price_cut_never_makes_a_model_lose(rules in any_rules(), facts in any_facts(), list in any_list(), cut in 0.0..1.0f64) {
        let policy = policy(rules);
        let Ok(before) = decide(&policy, &facts, &given(&list)) else { return Ok(()) };
        let mut cheaper = list;
        for candidate in cheaper.iter_mut().filter(|candidate| candidate.model == *before.model()) {
            candidate.cost = PicoUsd::from_f64(candidate.cost.as_f64() * cut).unwrap();
        }
        let after = decide(&policy, &facts, &given(&cheaper)).unwrap();
        prop_assert_eq!(after.model(), before.model());
    }

    #[test]
    fn a_higher_floor_never_lowers_the_chosen_quality(basis in any_basis(), list in any_list(), low in 0u32..=20, high in 0u32..=20) {
        let chosen = |floor: u32| {
            let policy = policy(Rules { basis, ..Rules::of(target(f64::from(floor) / 20.0)) });
            let decision = decide(&policy, &facts(), &given(&list)).ok()?;
            judged(list.iter().find(|candidate| candidate.model == *decision.model())?, basis)
        };
        prop_assert!(chosen(low.max(high)) >= chosen(low.min(high)));
    }

    #[test]
    fn the_floor_is_kept_whenever_it_can_be(basis in any_basis(), list in any_list(), floor in 0u32..=20) {
        let floor = Quality::new(f64::from(floor) / 20.0).unwrap();
        let rules = Rules { basis, ..Rules::of(Mode::Target { quality_floor: floor }) };
        let reached = weighable(&rules, &facts(), &list).iter().any(|candidate| judged(candidate, basis) >= Some(floor));
        if reached {
            let decision = decide(&policy(rules), &facts(), &given(&list)).unwrap();
            let chosen = list.iter().find(|candidate| candidate.model == *decision.model()).unwrap();
            prop_assert!(judged(chosen, basis) >= Some(floor));
        }
    }

    #[test]
    fn nobody_as_good_as_the_tolerance_asks_is_cheaper(basis in any_basis(), list in any_list(), tolerance in 0u32..=20) {
        let tolerance = f64::from(tolerance) / 20.0;
        let rules = Rules { basis, ..Rules::of(crate::scenario::tolerance(tolerance)) };
        let field = weighable(&rules, &facts(), &list);
        let Some(best) = field.iter().filter_map(|candidate| judged(candidate, basis)).max() else { return Ok(()) };
        let decision = decide(&policy(rules), &facts(), &given(&list)).unwrap();
        let within = |candidate: &Candidate| judged(candidate, basis).is_some_and(|quality| best.get() - quality.get() <= tolerance);
        let chosen = list.iter().find(|candidate| candidate.model == *decision.model()).unwrap();
        prop_assert!(within(chosen));
        prop_assert!(field.iter().filter(|candidate| within(candidate)).all(|candidate| candidate.cost >= chosen.cost));
    }

    #[test]
    fn the_ranking_is_that_of_repeated_choice(policy in any_policy(), budget in any_budget(), list in any_list()) {
        let facts = RequestFacts { budget, ..facts() };
        let Ok(whole) = decide(&policy, &facts, &given(&list)) else { return Ok(()) };
        let rest: Vec<Candidate> = list.iter().filter(|candidate| candidate.model != *whole.model()).cloned().collect();
        if whole.ranked.len() > 1 {
            let without = decide(&policy, &facts, &given(&rest)).unwrap();
            prop_assert_eq!(without.ranked.as_slice(), &whole.ranked[1..]);
        }
    }

    #[test]
    fn propensities_sum_to_one_and_the_chosen_has_one(rules in any_rules(), facts in any_facts(), list in any_list()) {
        let Ok(decision) = decide(&policy(rules), &facts, &given(&list)) else { return Ok(()) };
        let sum: f64 = decision.propensities.iter().map(|(_, propensity)| propensity).sum();
        prop_assert!((sum - 1.0).abs() < 1e-12, "{sum}");
        prop_assert!(decision.propensity() > 0.0);
        prop_assert!(decision.propensities.iter().all(|(model, propensity)| *propensity > 0.0 && decision.ranked.contains(model)));
    }
}
