//! May it ship? One line a case.

use super::{Bout, Gate};
use crate::curve::Interval;

#[track_caller]
fn check(bouts: &[(f64, f64, f64)], ship: bool, expected: &str) {
    let bout = |(value, low, ece): &(f64, f64, f64)| Bout {
        pool: "p".to_owned(),
        covered: 1.0,
        aiq: Interval { value: *value, low: *low, high: 2.0 * value - low },
        ece: *ece,
    };
    let gate = Gate::of(bouts.iter().map(bout).collect(), &[]);
    assert_eq!((gate.ship, gate.reason.as_str()), (ship, expected));
}

#[test]
fn a_challenger_ships_unless_it_may_be_worse_or_lies_more() {
    check(&[(0.02, 0.01, 0.0)], true, "its AIQ is better by +0.0200, at least +0.0100, and its calibration holds");
    check(
        &[(0.0, -0.004, 0.0)],
        true,
        "its AIQ differs by +0.0000, at worst -0.0040, within the 0.005 that is allowed",
    );
    check(
        &[(0.0, -0.006, 0.0)],
        false,
        "its AIQ may be worse by 0.0060 (mean +0.0000), more than the 0.005 that is allowed",
    );
    check(&[(0.02, 0.01, 0.02)], false, "its calibration error is worse by 0.0200, more than the 0.01 that is allowed");
    check(&[], false, "no pool was judged, so nothing is known of the challenger");
}

#[test]
fn more_pools_say_it_more_surely() {
    // Each pool alone may be worse by 0.008; four together are surer by half.
    check(
        &[(0.0, -0.008, 0.0)],
        false,
        "its AIQ may be worse by 0.0080 (mean +0.0000), more than the 0.005 that is allowed",
    );
    check(
        &[(0.0, -0.008, 0.0); 4],
        true,
        "its AIQ differs by +0.0000, at worst -0.0040, within the 0.005 that is allowed",
    );
}

#[test]
fn a_challenger_must_answer_what_the_champion_answers() {
    let better = Interval { value: 0.02, low: 0.01, high: 0.03 };
    let bout = |covered| Bout { pool: "p".to_owned(), covered, aiq: better, ece: 0.0 };
    let gate = Gate::of(vec![bout(1.0), bout(0.15)], &[]);
    assert_eq!(
        (gate.ship, gate.reason.as_str()),
        (false, "of `p` it forecasts 15% of the champion's prompts, 95% are asked for")
    );
    let gate = Gate::of(vec![bout(1.0)], &["q".to_owned()]);
    assert_eq!((gate.ship, gate.reason.as_str()), (false, "it does not forecast q, which the champion does"));
    assert!(Gate::of(vec![bout(0.96)], &[]).ship);
}
