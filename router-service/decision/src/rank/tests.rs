//! The heap behind `tolerance` against the plainest way to say the same: choose, strike out, choose again.

use proptest::prelude::*;

use super::{Contender, Preference};
use crate::candidates::Candidates;
use crate::policy::Basis;
use crate::scenario::any_list;

fn struck_out_one_by_one(tolerance: f64, contenders: &[Contender<'_>]) -> Vec<usize> {
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_heap_agrees_with_striking_out(list in any_list(), tolerance in 0u32..=20) {
        let candidates = Candidates::new(list, None).unwrap();
        let contenders: Vec<Contender<'_>> =
            candidates.all().iter().filter_map(|candidate| Contender::of(candidate, Basis::Expected)).collect();
        let tolerance = f64::from(tolerance) / 20.0;
        let order = Preference::CheapestWithin(tolerance).order(&contenders);
        prop_assert_eq!(order, struck_out_one_by_one(tolerance, &contenders));
    }
}
