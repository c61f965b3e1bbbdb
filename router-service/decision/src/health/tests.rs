//! The breaker as a story: what happens, second by second, and where it stands afterwards.

use proptest::prelude::*;

use super::{Breaker, BreakerRule, Health, Permit};
use crate::units::Moment;

const RULE: BreakerRule = BreakerRule {
    n_failures_in_a_row: 3,
    failure_share: 0.5,
    n_calls_for_share: 6.0,
    open_ms: 1_000,
    open_ms_max: 3_000,
    probe_ms: 5_000,
};

/// Each word is `MS:WHAT`, where `WHAT` is `ok`, `fail` or `gone` for the end of a call, `admit` or `deny` for what is said to a
/// new one. Calls end in the order in which they were admitted; one that ends unannounced was admitted at the very beginning.
/// `ok!`, `fail!` and `gone!` end the call admitted last.
#[track_caller]
fn check(story: &str, expected: Breaker) {
    let mut health = Health::new(RULE, Moment(0)).unwrap();
    let mut before: Vec<Permit> = (0..20).map(|_| health.admit(Moment(0)).unwrap()).collect();
    let mut admitted = Vec::new();
    for word in story.split_whitespace() {
        let (ms, what) = word.split_once(':').unwrap();
        let now = Moment(ms.parse().unwrap());
        let permit = if what.ends_with('!') { admitted.pop() } else { before.pop() };
        match (what.trim_end_matches('!'), permit) {
            ("ok", Some(permit)) => health.succeeded(permit, now, 100),
            ("fail", Some(permit)) => health.failed(permit, now),
            ("gone", Some(permit)) => health.abandoned(permit, now),
            ("admit", _) => admitted.push(health.admit(now).expect(word)),
            ("deny", _) => assert_eq!(health.admit(now), None, "{word}"),
            other => panic!("{other:?} is no part of a story"),
        }
    }
    assert_eq!(health.breaker(), expected);
}

fn open(until: u64) -> Breaker {
    Breaker::Open { until: Moment(until) }
}

#[test]
fn failures_in_a_row_open_the_breaker() {
    check("0:fail 1:fail", Breaker::Closed);
    check("0:fail 1:fail 2:fail", open(1002));
    check("0:fail 1:fail 1:ok 2:fail 3:fail", Breaker::Closed);
}

#[test]
fn a_share_of_failures_opens_it_too_however_they_are_spread() {
    check("0:fail 1:ok 2:fail 3:ok 4:fail 5:ok", Breaker::Closed);
    check("0:fail 1:ok 2:fail 3:ok 4:fail 5:ok 6:fail", open(1006));
    // The same failures over minutes are forgotten one by one.
    check("0:fail 30000:ok 60000:fail 90000:ok 120000:fail 150000:ok 180000:fail", Breaker::Closed);
}

#[test]
fn an_open_breaker_lets_nothing_through_and_then_one_probe() {
    check("0:fail 0:fail 0:fail 999:deny 1000:admit 1001:deny", Breaker::HalfOpen { probe_until: Moment(6000) });
}

#[test]
fn a_good_probe_closes_it_and_clears_the_record() {
    check("0:fail 0:fail 0:fail 1000:admit 1100:ok! 1101:admit 1102:admit", Breaker::Closed);
    check("0:fail 0:fail 0:fail 1000:admit 1100:ok! 1101:fail 1102:fail", Breaker::Closed);
}

#[test]
fn a_bad_probe_opens_it_for_twice_as_long_up_to_a_limit() {
    check("0:fail 0:fail 0:fail 1000:admit 1000:fail!", open(3000));
    check("0:fail 0:fail 0:fail 1000:admit 1000:fail! 3000:admit 3000:fail!", open(6000));
    check("0:fail 0:fail 0:fail 1000:admit 1000:fail! 3000:admit 3000:fail! 6000:admit 6000:fail!", open(9000));
}

#[test]
fn a_lost_probe_makes_room_for_the_next() {
    check("0:fail 0:fail 0:fail 1000:admit 5999:deny 6000:admit", Breaker::HalfOpen { probe_until: Moment(11_000) });
    check("0:fail 0:fail 0:fail 1000:admit 1500:gone! 1500:admit", Breaker::HalfOpen { probe_until: Moment(6500) });
    check("0:gone 1:fail", Breaker::Closed);
}

#[test]
fn a_straggler_from_before_does_not_speak_for_now() {
    check("0:fail 0:fail 0:fail 1:ok", open(1000));
    let probing = Breaker::HalfOpen { probe_until: Moment(6000) };
    check("0:fail 0:fail 0:fail 1000:admit 1001:ok", probing);
    check("0:fail 0:fail 0:fail 1000:admit 1001:fail", probing);
    check("0:fail 0:fail 0:fail 1000:admit 1001:gone 1001:deny", probing);
}

#[test]
fn a_probe_that_was_given_up_does_not_speak_for_the_next() {
    let mut health = Health::new(RULE, Moment(0)).unwrap();
    for _ in 0..3 {
        let permit = health.admit(Moment(0)).unwrap();
        health.failed(permit, Moment(0));
    }
    let first = health.admit(Moment(1000)).unwrap();
    let _second = health.admit(Moment(6000)).unwrap();
    health.succeeded(first, Moment(6001), 5001);
    assert_eq!(health.breaker(), Breaker::HalfOpen { probe_until: Moment(11_000) });
}

#[test]
fn a_rule_that_cannot_be_meant_is_refused() {
    let refused = |rule: BreakerRule| Health::new(rule, Moment(0)).unwrap_err().to_string();
    assert_eq!(
        refused(BreakerRule { failure_share: f64::NAN, ..RULE }),
        "failure_share: expected a share above 0 and at most 1, found NaN"
    );
    assert_eq!(
        refused(BreakerRule { n_failures_in_a_row: 0, ..RULE }),
        "n_failures_in_a_row: expected at least 1, found 0"
    );
    assert_eq!(
        refused(BreakerRule { n_calls_for_share: 0.0, ..RULE }),
        "n_calls_for_share: expected a number of at least 1, found 0"
    );
    assert_eq!(refused(BreakerRule { open_ms: 0, ..RULE }), "open_ms: expected at least 1, found 0");
    assert_eq!(refused(BreakerRule { open_ms_max: 1, ..RULE }), "open_ms_max: expected no less than open_ms, found 1");
    assert_eq!(refused(BreakerRule { probe_ms: 0, ..RULE }), "probe_ms: expected at least 1, found 0");
}

#[test]
fn the_default_rule_is_one() {
    assert!(Health::new(BreakerRule::default(), Moment(0)).is_ok());
}

#[test]
fn latency_rises_at_once_and_falls_slowly() {
    let mut health = Health::new(RULE, Moment(0)).unwrap();
    assert_eq!(health.latency_ms(), None);
    let mut call = |now: u64, latency_ms: u64| {
        let permit = health.admit(Moment(now)).unwrap();
        health.succeeded(permit, Moment(now), latency_ms);
        health.latency_ms().unwrap()
    };
    for now in 0..20 {
        call(now, 100);
    }
    assert!((call(20, 900) - 900.0).abs() < 1e-9);
    let after = call(21, 100);
    assert!(after > 800.0 && after < 900.0, "{after}");
}

proptest! {
    #[test]
    fn no_story_breaks_it(steps in prop::collection::vec((0u8..4, any::<u64>()), 0..200)) {
        let mut health = Health::new(BreakerRule::default(), Moment(7)).unwrap();
        let mut admitted = Vec::new();
        for (what, ms) in steps {
            let now = Moment(ms);
            match (what, admitted.pop()) {
                (0, Some(permit)) => health.succeeded(permit, now, ms),
                (1, Some(permit)) => health.failed(permit, now),
                (2, Some(permit)) => health.abandoned(permit, now),
                (_, _) => admitted.extend(health.admit(now)),
            }
            prop_assert!(health.n_calls.is_finite() && health.n_failed <= health.n_calls + 1e-9);
            prop_assert!(health.latency_ms.is_none_or(f64::is_finite));
        }
    }
}
