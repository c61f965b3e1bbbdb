//! The breaker as a story: what happens, second by second, and where it stands afterwards.

use proptest::prelude::*;

use super::{Breaker, BreakerRule, Health};
use crate::units::Moment;

const RULE: BreakerRule = BreakerRule {
    n_failures_in_a_row: 3,
    failure_share: 0.5,
    n_calls_for_share: 6.0,
    open_ms: 1_000,
    open_ms_max: 3_000,
    probe_ms: 5_000,
};

/// Each word is `MS:WHAT`, where `WHAT` is `ok`, `fail`, `gone`, `admit` or `deny`; the last two assert what `admit` says.
#[track_caller]
fn check(story: &str, expected: Breaker) {
    let mut health = Health::new(RULE, Moment(0));
    for word in story.split_whitespace() {
        let (ms, what) = word.split_once(':').unwrap();
        let now = Moment(ms.parse().unwrap());
        match what {
            "ok" => health.succeeded(now, 100),
            "fail" => health.failed(now),
            "gone" => health.abandoned(now),
            "admit" => assert!(health.admit(now), "{word}"),
            "deny" => assert!(!health.admit(now), "{word}"),
            other => panic!("`{other}` is no part of a story"),
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
    check("0:fail 0:fail 0:fail 1000:admit 1100:ok 1101:admit 1102:admit", Breaker::Closed);
    check("0:fail 0:fail 0:fail 1000:admit 1100:ok 1101:fail 1102:fail", Breaker::Closed);
}

#[test]
fn a_bad_probe_opens_it_for_twice_as_long_up_to_a_limit() {
    check("0:fail 0:fail 0:fail 1000:admit 1000:fail", open(3000));
    check("0:fail 0:fail 0:fail 1000:admit 1000:fail 3000:admit 3000:fail", open(6000));
    check("0:fail 0:fail 0:fail 1000:admit 1000:fail 3000:admit 3000:fail 6000:admit 6000:fail", open(9000));
}

#[test]
fn a_lost_probe_makes_room_for_the_next() {
    check("0:fail 0:fail 0:fail 1000:admit 5999:deny 6000:admit", Breaker::HalfOpen { probe_until: Moment(11_000) });
    check("0:fail 0:fail 0:fail 1000:admit 1500:gone 1500:admit", Breaker::HalfOpen { probe_until: Moment(6500) });
    check("0:gone 1:fail", Breaker::Closed);
}

#[test]
fn a_straggler_does_not_close_an_open_breaker() {
    check("0:fail 0:fail 0:fail 1:ok", open(1000));
}

#[test]
fn latency_rises_at_once_and_falls_slowly() {
    let mut health = Health::new(RULE, Moment(0));
    assert_eq!(health.latency_ms(), None);
    for ms in 0..20 {
        health.succeeded(Moment(ms), 100);
    }
    health.succeeded(Moment(20), 900);
    assert_eq!(health.latency_ms(), Some(900.0));
    health.succeeded(Moment(21), 100);
    let after = health.latency_ms().unwrap();
    assert!(after > 800.0 && after < 900.0, "{after}");
}

proptest! {
    #[test]
    fn no_story_breaks_it(steps in prop::collection::vec((0u8..4, any::<u64>()), 0..200)) {
        let mut health = Health::new(BreakerRule::default(), Moment(7));
        for (what, ms) in steps {
            match what {
                0 => health.succeeded(Moment(ms), ms),
                1 => health.failed(Moment(ms)),
                2 => health.abandoned(Moment(ms)),
                _ => drop(health.admit(Moment(ms))),
            }
            prop_assert!(health.n_calls.is_finite() && health.n_failed <= health.n_calls + 1e-9);
            prop_assert!(health.latency_ms.is_none_or(f64::is_finite));
        }
    }
}
