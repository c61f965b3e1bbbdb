//! The heap behind `tolerance` against the plainest way to say the same: choose, strike out, choose again.

use proptest::prelude::*;

use super::{Contender, Preference};
use crate::candidates::{Candidate, Candidates};
use crate::flip::flips;
use crate::policy::{Mode, Rules};
use crate::scenario::any_list;
use crate::units::{ModelId, PicoUsd, Quality};

fn plain() -> Rules {
    Rules::of(Mode::Tolerance { quality_tolerance: Quality::ZERO })
}

fn struck_out_one_by_one(tolerance: Quality, contenders: &[Contender<'_>]) -> Vec<usize> {
    let mut left: Vec<usize> = (0..contenders.len()).collect();
    let mut order = Vec::new();
    while let Some(best) = left.iter().map(|index| contenders[*index].quality).max() {
        let within = left.iter().copied().filter(|index| contenders[*index].shortfall(best) <= tolerance);
        let next = within.min_by(|a, b| contenders[*a].by_cost(&contenders[*b])).unwrap();
        left.retain(|index| *index != next);
        order.push(next);
    }
    order
}

#[test]
fn for_the_same_money_the_better_one_goes_first_and_of_equals_the_first_by_name() {
    let names = ["ant", "bee", "cat", "dog"].map(|name| ModelId::new(name).unwrap());
    // The dog is the cheapest, and too weak.
    let contenders: Vec<Contender<'_>> = (names.iter().zip([(0.90, 2), (0.91, 2), (0.91, 2), (0.2, 1)]))
        .map(|(model, (quality, cost))| Contender {
            model,
            quality: Quality::new(quality).unwrap(),
            cost: PicoUsd(cost),
        })
        .collect();
    let half = Quality::new(0.5).unwrap();
    for preference in [Preference::CheapestWithin(half), Preference::CheapestAbove(half)] {
        assert_eq!(preference.order(&contenders), [1, 2, 0, 3], "{preference:?}");
    }
    assert_eq!(Preference::Utility(0.0).order(&contenders), [3, 1, 2, 0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_heap_agrees_with_striking_out(list in any_list(), tolerance in 0u32..=20) {
        let candidates = Candidates::new(list, None).unwrap();
        let contenders: Vec<Contender<'_>> =
            candidates.all().iter().filter_map(|candidate| Contender::of(candidate, &plain())).collect();
        let tolerance = Quality::new(f64::from(tolerance) / 20.0).unwrap();
        let order = Preference::CheapestWithin(tolerance).order(&contenders);
        prop_assert_eq!(order, struck_out_one_by_one(tolerance, &contenders));
    }

    #[test]
    fn neither_ranking_nor_flips_ask_in_which_order_the_contenders_came(
        (list, shuffled) in any_list().prop_flat_map(|list| (Just(list.clone()), Just(list).prop_shuffle())),
        preference in prop_oneof![
            (0u32..=20).prop_map(|step| Preference::CheapestWithin(Quality::new(f64::from(step) / 20.0).unwrap())),
            (0u32..=20).prop_map(|step| Preference::CheapestAbove(Quality::new(f64::from(step) / 20.0).unwrap())),
            (0u32..200).prop_map(|step| Preference::Utility(f64::from(step) * 1e6)),
        ],
    ) {
        let told = |list: &[Candidate]| {
            let contenders: Vec<Contender<'_>> =
                list.iter().filter_map(|candidate| Contender::of(candidate, &plain())).collect();
            let order = preference.order(&contenders);
            let flips = order.first().map(|chosen| flips(preference, &contenders, *chosen));
            let names: Vec<ModelId> = order.iter().map(|index| contenders[*index].model.clone()).collect();
            (names, flips)
        };
        prop_assert_eq!(told(&list), told(&shuffled));
    }
}
