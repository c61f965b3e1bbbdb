//! Failover as a story, one line a case: what was tried, how it failed, and how it ended.

use super::{
    AttemptRule, Attempts, Cause, End, Failure, Fault, Gate, Hop, MAX_ATTEMPTS, MAX_HOPS, Next, PlanError, Retry,
};
use crate::scenario::{id, tokens};
use crate::units::Moment;

const RULE: AttemptRule =
    AttemptRule { n_attempts_max: 4, total_ms: 10_000, first_byte_ms: 3_000, backoff_ms: 100, backoff_ms_max: 400 };

/// Two providers of a small model, then one of a large and one of a vast.
fn plan() -> Vec<Hop> {
    let hop = |model: &str, provider, window| Hop { model: id(model), provider, context_window: tokens(window) };
    vec![hop("small", 0, 100), hop("small", 1, 100), hop("large", 2, 100), hop("vast", 3, 900)]
}

const ELSEWHERE: Failure = Failure { fault: Fault::Provider, retry: Retry::Elsewhere };
const AGAIN: Failure = Failure { fault: Fault::Provider, retry: Retry::Here { after_ms: None } };

/// Lets each attempt fail as told, at once, waiting as long as asked; returns the hops tried with their times, and the end.
fn tell(plan: Vec<Hop>, failures: &[Failure], shut: &[usize]) -> (Vec<(usize, u64)>, Option<End>) {
    let mut attempts = Attempts::new(plan, RULE, Moment(0)).unwrap();
    let (mut now, mut tried, mut failures) = (Moment(0), Vec::new(), failures.iter());
    loop {
        let gate = |hop: &Hop| if shut.contains(&hop.provider) { Gate::Shut } else { Gate::Open };
        match attempts.next(now, gate) {
            Next::Try { hop, .. } => {
                tried.push((hop, now.0));
                match failures.next() {
                    Some(failure) => attempts.failed(*failure, now, 1.0),
                    None => attempts.succeeded(),
                }
            }
            Next::Wait { until } => now = until,
            Next::Ended(_) => return (tried, attempts.end()),
        }
    }
}

#[track_caller]
fn check(failures: &[Failure], shut: &[usize], tried: &[usize], end: End) {
    let (hops, ended) = tell(plan(), failures, shut);
    let hops: Vec<usize> = hops.into_iter().map(|(hop, _)| hop).collect();
    assert_eq!((hops.as_slice(), ended), (tried, Some(end)));
}

fn succeeded(hop: usize) -> End {
    End::Succeeded { hop }
}

#[test]
fn the_next_provider_of_the_model_comes_first_then_the_next_model() {
    check(&[], &[], &[0], succeeded(0));
    check(&[ELSEWHERE], &[], &[0, 1], succeeded(1));
    check(&[ELSEWHERE; 3], &[], &[0, 1, 2, 3], succeeded(3));
    check(&[ELSEWHERE; 4], &[], &[0, 1, 2, 3], End::GaveUp(Cause::NoAttemptLeft));
}

#[test]
fn a_shut_gate_costs_no_attempt() {
    check(&[ELSEWHERE], &[0, 1], &[2, 3], succeeded(3));
    check(&[], &[0, 1, 2, 3], &[], End::GaveUp(Cause::NoHopLeft));
    check(&[ELSEWHERE], &[1, 2, 3], &[0], End::GaveUp(Cause::NoHopLeft));
}

#[test]
fn a_fault_decides_what_is_left() {
    let failure = |fault| Failure { fault, retry: Retry::Elsewhere };
    check(&[failure(Fault::Caller)], &[], &[0], End::GaveUp(Cause::CallerAtFault));
    check(&[failure(Fault::Model)], &[], &[0, 2], succeeded(2));
    check(&[failure(Fault::Length)], &[], &[0, 3], succeeded(3));
    check(&[failure(Fault::Length); 2], &[], &[0, 3], End::GaveUp(Cause::NoHopLeft));
}

#[test]
fn what_may_have_been_done_is_not_done_twice() {
    check(&[Failure { fault: Fault::Provider, retry: Retry::Unsafe }], &[], &[0], End::GaveUp(Cause::RetryUnsafe));
}

#[test]
fn waiting_is_for_when_there_is_nowhere_else_to_go() {
    check(&[AGAIN], &[], &[0, 1], succeeded(1));
    let one = || vec![plan().remove(0)];
    let (tried, end) = tell(one(), &[AGAIN; 3], &[]);
    assert_eq!(tried, [(0, 0), (0, 100), (0, 300), (0, 700)], "each wait doubles, up to the longest");
    assert_eq!(end, Some(succeeded(0)));
    let after = |ms| Failure { fault: Fault::Provider, retry: Retry::Here { after_ms: Some(ms) } };
    assert_eq!(tell(one(), &[after(350)], &[]).0, [(0, 0), (0, 350)], "the provider's own wish counts");
    for longer in [401, 2_500, 10_000, u64::MAX] {
        let given_up = (vec![(0, 0)], Some(End::GaveUp(Cause::NoHopLeft)));
        assert_eq!(tell(one(), &[after(longer)], &[]), given_up, "not for longer than any wait may be");
    }
    assert_eq!(tell(plan(), &[after(2_500)], &[]).0, [(0, 0), (1, 0)], "there is another place to go");
    let two = || plan().drain(..2).collect();
    assert_eq!(tell(two(), &[after(900), after(50)], &[]).0, [(0, 0), (1, 0), (1, 50)], "whoever is ready first");
}

#[test]
fn nobody_is_waited_for_past_the_deadline() {
    let mut attempts = Attempts::new(vec![plan().remove(0)], RULE, Moment(0)).unwrap();
    attempts.next(Moment(9_700), |_| Gate::Open);
    attempts.failed(Failure { fault: Fault::Provider, retry: Retry::Here { after_ms: Some(300) } }, Moment(9_700), 1.0);
    assert_eq!(attempts.next(Moment(9_700), |_| Gate::Open), Next::Ended(End::GaveUp(Cause::NoHopLeft)));
}

#[test]
fn a_jittered_wait_is_between_half_and_whole() {
    let waits = |jitter| {
        let mut attempts = Attempts::new(vec![plan().remove(0)], RULE, Moment(0)).unwrap();
        attempts.next(Moment(0), |_| Gate::Open);
        attempts.failed(AGAIN, Moment(0), jitter);
        attempts.next(Moment(0), |_| Gate::Open)
    };
    assert_eq!(waits(0.0), Next::Wait { until: Moment(50) });
    assert_eq!(waits(1.0), Next::Wait { until: Moment(100) });
    assert_eq!(waits(f64::NAN), Next::Wait { until: Moment(100) });
    assert_eq!(waits(7.0), Next::Wait { until: Moment(100) });
}

#[test]
fn a_relayed_byte_seals_the_choice() {
    let mut attempts = Attempts::new(plan(), RULE, Moment(0)).unwrap();
    attempts.next(Moment(0), |_| Gate::Open);
    attempts.relayed();
    attempts.failed(ELSEWHERE, Moment(1), 1.0);
    assert_eq!(attempts.next(Moment(1), |_| Gate::Open), Next::Ended(End::GaveUp(Cause::BrokenAfterRelay)));
}

#[test]
fn the_deadline_ends_everything() {
    let mut attempts = Attempts::new(plan(), RULE, Moment(500)).unwrap();
    let next = attempts.next(Moment(9_000), |_| Gate::Open);
    let (first_byte_by, deadline) = (Moment(10_500), Moment(10_500));
    assert_eq!(next, Next::Try { hop: 0, first_byte_by, deadline }, "a late attempt has only what is left");
    assert_eq!(attempts.next(Moment(9_500), |_| Gate::Open), Next::Wait { until: first_byte_by });
    assert_eq!(attempts.next(deadline, |_| Gate::Open), Next::Ended(End::GaveUp(Cause::DeadlinePassed)));
    let mut idle = Attempts::new(plan(), RULE, Moment(0)).unwrap();
    assert_eq!(idle.next(Moment(10_000), |_| Gate::Open), Next::Ended(End::GaveUp(Cause::DeadlinePassed)));
}

#[test]
fn a_first_byte_is_waited_for_and_then_the_last() {
    let mut attempts = Attempts::new(plan(), RULE, Moment(0)).unwrap();
    attempts.next(Moment(0), |_| Gate::Open);
    assert_eq!(attempts.next(Moment(1), |_| Gate::Open), Next::Wait { until: Moment(3_000) });
    attempts.relayed();
    assert_eq!(attempts.next(Moment(2), |_| Gate::Open), Next::Wait { until: Moment(10_000) });
    assert_eq!(attempts.next(Moment(10_000), |_| Gate::Open), Next::Ended(End::GaveUp(Cause::BrokenAfterRelay)));
}

#[test]
fn there_is_one_end_and_nothing_after_it() {
    let mut attempts = Attempts::new(plan(), RULE, Moment(0)).unwrap();
    attempts.next(Moment(0), |_| Gate::Open);
    attempts.caller_gone();
    attempts.succeeded();
    attempts.failed(ELSEWHERE, Moment(1), 1.0);
    attempts.relayed();
    assert_eq!(attempts.end(), Some(End::GaveUp(Cause::CallerGone)));
    assert_eq!(attempts.next(Moment(1), |_| Gate::Open), Next::Ended(End::GaveUp(Cause::CallerGone)));
    assert_eq!(attempts.n_opened(), 1);
}

#[test]
fn plans_have_limits() {
    let rule = |n_attempts_max| AttemptRule { n_attempts_max, ..RULE };
    let refused = |plan: Vec<Hop>, rule| Attempts::new(plan, rule, Moment(0)).err();
    let many = |n| vec![plan().remove(0); n];
    assert_eq!(refused(Vec::new(), RULE), Some(PlanError::Empty));
    assert_eq!(refused(many(MAX_HOPS + 1), RULE), Some(PlanError::TooMany { found: MAX_HOPS + 1 }));
    assert_eq!(refused(many(MAX_HOPS), RULE), None);
    assert_eq!(refused(plan(), rule(0)), Some(PlanError::Attempts { found: 0 }));
    assert_eq!(refused(plan(), rule(MAX_ATTEMPTS + 1)), Some(PlanError::Attempts { found: MAX_ATTEMPTS + 1 }));
    assert_eq!(refused(plan(), rule(MAX_ATTEMPTS)), None);
    assert_eq!(refused(plan(), AttemptRule { total_ms: 0, ..RULE }), Some(PlanError::NoTime { key: "total_ms" }));
    assert_eq!(
        refused(plan(), AttemptRule { first_byte_ms: 0, ..RULE }),
        Some(PlanError::NoTime { key: "first_byte_ms" })
    );
}
