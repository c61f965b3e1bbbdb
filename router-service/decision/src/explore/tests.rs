//! A propensity is a promise about draws, so it is checked against all of them, on a fine grid.

use proptest::prelude::*;

use super::{Exploration, MAX_EXPLORATION};
use crate::units::{Draw, PicoUsd};

const GRID: u32 = 2000;

#[test]
fn a_rate_must_be_a_rare_one() {
    for bad in [0.0, -0.1, MAX_EXPLORATION + 1e-9, f64::NAN] {
        assert!(Exploration::new(bad, None).is_err(), "{bad}");
    }
    assert_eq!(
        Exploration::new(0.9, None).unwrap_err().to_string(),
        "expected an exploration rate above 0 and at most 0.5, found 0.9"
    );
}

#[test]
fn models_dearer_than_a_detour_may_be_are_left_alone() {
    let exploration = Exploration::new(0.2, Some(PicoUsd(10))).unwrap();
    let detour = exploration.detour(&[PicoUsd(50), PicoUsd(10), PicoUsd(11)], 0, Draw::new(0.1).unwrap());
    assert_eq!(detour.taken, 1);
    assert_eq!(detour.propensities, [0.8, 0.2, 0.0]);
    let nobody = exploration.detour(&[PicoUsd(50)], 0, Draw::new(0.1).unwrap());
    assert_eq!((nobody.taken, nobody.propensities), (0, vec![1.0]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_propensity_is_the_share_of_draws_that_choose_the_model(
        costs in prop::collection::vec(0u64..20, 1..6), own in 0usize..6, rate in 0.01..=0.5f64, most in prop::option::of(0u64..20),
    ) {
        let costs: Vec<PicoUsd> = costs.into_iter().map(PicoUsd).collect();
        let own = own % costs.len();
        let exploration = Exploration::new(rate, most.map(PicoUsd)).unwrap();
        let mut taken = vec![0u32; costs.len()];
        let mut promised = Vec::new();
        for step in 0..GRID {
            let draw = Draw::new((f64::from(step) + 0.5) / f64::from(GRID)).unwrap();
            let detour = exploration.detour(&costs, own, draw);
            taken[detour.taken] += 1;
            promised = detour.propensities;
        }
        prop_assert!((promised.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for (taken, promised) in taken.iter().zip(&promised) {
            // A grid cuts each slice's two ends by at most one step.
            prop_assert!((f64::from(*taken) / f64::from(GRID) - promised).abs() <= 2.0 / f64::from(GRID));
        }
    }
}
