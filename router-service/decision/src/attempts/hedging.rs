//! A second attempt beside a slow first one: it is one of those allowed, never the same place twice, and one end comes of it.

use proptest::prelude::*;

use super::{AttemptRule, Attempts, Cause, End, Failure, Fault, Gate, Hop, Next, Retry};
use crate::scenario::{id, tokens};
use crate::units::Moment;

const RULE: AttemptRule =
    AttemptRule { n_attempts_max: 3, total_ms: 10_000, first_byte_ms: 3_000, backoff_ms: 100, backoff_ms_max: 400 };
const ELSEWHERE: Failure = Failure { fault: Fault::Provider, retry: Retry::Elsewhere };

fn attempts(n_hops: usize) -> Attempts {
    let hop = |provider| Hop { model: id("m"), provider, context_window: tokens(100) };
    Attempts::new((0..n_hops).map(hop).collect(), RULE, Moment(0)).unwrap()
}

fn first(attempts: &mut Attempts) -> usize {
    match attempts.next(Moment(0), |_| Gate::Open) {
        Next::Try { hop, .. } => hop,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_second_is_the_next_that_may_be_called_and_there_is_no_third() {
    let mut attempts = attempts(4);
    assert_eq!(attempts.hedge(Moment(0), |_| Gate::Open), None, "nothing is under way to stand beside");
    assert_eq!(first(&mut attempts), 0);
    let shut = |hop: &Hop| if hop.provider == 1 { Gate::Shut } else { Gate::Open };
    assert_eq!(attempts.hedge(Moment(5), shut), Some(2));
    assert_eq!(attempts.hedge(Moment(6), |_| Gate::Open), None);
    assert_eq!(attempts.n_opened(), 2);
}

#[test]
fn whoever_speaks_first_is_sealed() {
    for winner in [0, 1] {
        let mut attempts = attempts(2);
        first(&mut attempts);
        attempts.hedge(Moment(0), |_| Gate::Open);
        attempts.relayed_by(winner);
        attempts.failed_at(1 - winner, ELSEWHERE, Moment(1), 0.0); // The loser's end says nothing any more.
        attempts.succeeded();
        assert_eq!(attempts.end(), Some(End::Succeeded { hop: winner }));
    }
}

#[test]
fn one_that_fails_leaves_the_other_at_it() {
    for loser in [0, 1] {
        let mut attempts = attempts(3);
        first(&mut attempts);
        attempts.hedge(Moment(0), |_| Gate::Open);
        attempts.failed_at(loser, ELSEWHERE, Moment(1), 0.0);
        assert!(matches!(attempts.next(Moment(1), |_| Gate::Open), Next::Wait { .. }), "the other is under way");
        attempts.failed(ELSEWHERE, Moment(2), 0.0);
        assert!(matches!(attempts.next(Moment(2), |_| Gate::Open), Next::Try { hop: 2, .. }));
    }
}

#[test]
fn what_is_the_caller_s_fault_ends_both() {
    let mut attempts = attempts(2);
    first(&mut attempts);
    attempts.hedge(Moment(0), |_| Gate::Open);
    attempts.failed_at(1, Failure { fault: Fault::Caller, retry: Retry::Elsewhere }, Moment(1), 0.0);
    assert_eq!(attempts.end(), Some(End::GaveUp(Cause::CallerAtFault)));
}

#[test]
fn the_last_attempt_has_nobody_beside_it() {
    let mut attempts = attempts(4);
    for _ in 0..2 {
        first(&mut attempts);
        attempts.failed(ELSEWHERE, Moment(0), 0.0);
    }
    first(&mut attempts);
    assert_eq!(attempts.hedge(Moment(0), |_| Gate::Open), None);
}

proptest! {
    /// Whatever happens in whatever order: no more attempts than allowed, at most two under way and never twice the same, nothing
    /// after a byte was relayed, and an end that stays.
    #[test]
    fn no_order_of_events_breaks_the_rules(events in prop::collection::vec((0_u8..7, 0_usize..5, any::<bool>()), 0..60), n_hops in 1_usize..6) {
        let mut attempts = attempts(n_hops);
        let (mut under_way, mut relayed, mut now): (Vec<usize>, bool, u64) = (Vec::new(), false, 0);
        for (event, place, open) in events {
            now += 50;
            let before = attempts.end();
            let gate = |_: &Hop| if open { Gate::Open } else { Gate::Shut };
            match event {
                0 | 1 => if let Next::Try { hop, .. } = attempts.next(Moment(now), gate) {
                    prop_assert!(under_way.is_empty() && !relayed);
                    under_way.push(hop);
                },
                2 => if let Some(hop) = attempts.hedge(Moment(now), gate) {
                    prop_assert!(under_way.len() == 1 && !under_way.contains(&hop) && !relayed);
                    under_way.push(hop);
                },
                3 | 4 => if let Some(hop) = under_way.get(place % 2).copied() {
                    attempts.failed_at(hop, ELSEWHERE, Moment(now), 0.5);
                    under_way.retain(|other| *other != hop);
                },
                5 => if let Some(hop) = under_way.get(place % 2).copied() {
                    attempts.relayed_by(hop);
                    under_way.retain(|other| *other == hop);
                    relayed |= attempts.end().is_none();
                },
                _ => attempts.failed_at(place, ELSEWHERE, Moment(now), 0.5),
            }
            if event == 6 {
                under_way.retain(|other| *other != place);
            }
            prop_assert!(attempts.n_opened() <= RULE.n_attempts_max);
            prop_assert!(before.is_none() || attempts.end() == before, "an end stays");
            if attempts.end().is_some() {
                under_way.clear();
            }
        }
    }
}
