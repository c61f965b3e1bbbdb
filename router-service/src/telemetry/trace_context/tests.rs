//! The standard, line by line.

use super::{MAX_TRACESTATE_BYTES, MAX_TRACESTATE_MEMBERS, TraceContext, TraceError};

const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn parse(parent: &str, states: &[&str]) -> Result<TraceContext, TraceError> {
    TraceContext::from_headers([parent.as_bytes()], states.iter().map(|state| state.as_bytes()))
}

#[test]
fn a_good_parent_is_taken_over_and_rendered_alike() {
    let context = parse(GOOD, &[]).unwrap();
    assert_eq!((context.traceparent().as_str(), context.sampled(), context.tracestate()), (GOOD, true, None));
    assert!(parse(&format!(" {GOOD}\t"), &[]).is_ok());
    assert!(!parse(&GOOD.replace("-01", "-00"), &[]).unwrap().sampled());
    // Flags nobody has defined are not passed on.
    assert!(parse(&GOOD.replace("-01", "-ff"), &[]).unwrap().traceparent().ends_with("-03"));
    assert!(parse(&GOOD.replace("-01", "-fe"), &[]).unwrap().traceparent().ends_with("-02"));
}

#[test]
fn a_later_version_is_read_as_far_as_it_is_known() {
    for later in [GOOD.replacen("00", "01", 1), format!("cc{}-what-else", &GOOD[2..])] {
        assert_eq!(parse(&later, &[]).unwrap().traceparent(), GOOD);
    }
    assert_eq!(parse(&format!("cc{}.what", &GOOD[2..]), &[]), Err(TraceError::Form));
}

#[test]
fn what_is_not_to_the_letter_is_refused() {
    for (parent, error) in [
        (String::new(), TraceError::Form),
        (GOOD.to_uppercase(), TraceError::Form),
        (GOOD[..54].to_owned(), TraceError::Form),
        (format!("{GOOD}-00"), TraceError::Form),
        (format!("{GOOD}0"), TraceError::Form),
        (GOOD.replace('-', "_"), TraceError::Form),
        (GOOD.replacen("4b", "4g", 1), TraceError::Form),
        (GOOD.replacen("00", "ff", 1), TraceError::Version),
        (GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)), TraceError::Zeros),
        (GOOD.replace("00f067aa0ba902b7", &"0".repeat(16)), TraceError::Zeros),
        ("00-é".repeat(20), TraceError::Form),
    ] {
        assert_eq!(parse(&parent, &[]), Err(error), "{parent}");
    }
    let none: [&[u8]; 0] = [];
    assert_eq!(TraceContext::from_headers(none, none), Err(TraceError::HowMany { found: 0 }));
    let two = [GOOD.as_bytes(), GOOD.as_bytes()];
    assert_eq!(TraceContext::from_headers(two, none), Err(TraceError::HowMany { found: 2 }));
}

#[test]
fn a_good_state_is_passed_on() {
    for (states, expected) in [
        (vec!["congo=t61rcWkgMzE"], Some("congo=t61rcWkgMzE")),
        (vec!["a=1,\tb=2 , c=3 4"], Some("a=1,b=2,c=3 4")),
        (vec!["a=1", "", "b=2"], Some("a=1,b=2")),
        (vec!["a=1,,b=2,"], Some("a=1,b=2")),
        (vec!["fw529a3039@dt=FfAAAAKkH0nEAAAAAAAAAAAAAAA"], Some("fw529a3039@dt=FfAAAAKkH0nEAAAAAAAAAAAAAAA")),
        (vec!["0tenant@s=1"], Some("0tenant@s=1")),
        (vec![], None),
        (vec![" , "], None),
    ] {
        assert_eq!(parse(GOOD, &states).unwrap().tracestate(), expected, "{states:?}");
    }
}

#[test]
fn a_broken_state_is_dropped_whole_and_alone() {
    let long_key = format!("{}=1", "k".repeat(257));
    let long_value = format!("a={}", "v".repeat(257));
    let many: String = (0..=MAX_TRACESTATE_MEMBERS).map(|n| format!("k{n}=1,")).collect();
    let heavy: String = (0..20).map(|n| format!("k{n}={},", "v".repeat(250))).collect();
    assert!(heavy.len() > MAX_TRACESTATE_BYTES);
    for state in [
        "a",
        "=1",
        "A=1",
        "0=1",
        "a=",
        "a=b=c",
        "a=1,a=2",
        "a=\u{7f}",
        "a=é",
        "a@=1",
        "@a=1",
        "a@0=1",
        "a@b@c=1",
        "a@fifteenletters1=1",
        "a b=1",
        &long_key,
        &long_value,
        &many,
        &heavy,
    ] {
        let context = parse(GOOD, &[state]).unwrap();
        assert_eq!((context.tracestate(), context.traceparent().as_str()), (None, GOOD), "{state}");
    }
    let exactly: String = (0..MAX_TRACESTATE_MEMBERS).map(|n| format!("k{n}=1,")).collect();
    assert!(parse(GOOD, &[&exactly]).unwrap().tracestate().is_some());
    let invalid: [&[u8]; 1] = [b"a=\xff"];
    assert_eq!(TraceContext::from_headers([GOOD.as_bytes()], invalid).unwrap().tracestate(), None);
}

#[test]
fn a_child_stays_in_the_trace_and_is_another_span() {
    let parent = parse(GOOD, &["a=1"]).unwrap();
    let child = parent.child();
    assert_eq!((child.trace_id(), child.sampled(), child.tracestate()), (parent.trace_id(), true, Some("a=1")));
    assert_ne!(child.span_id(), parent.span_id());
    assert_eq!(parse(&child.traceparent(), &["a=1"]).unwrap(), child);
}

#[test]
fn new_traces_are_good_and_sampled_as_often_as_asked() {
    fastrand::seed(7);
    let sampled = |ratio| (0..10_000).filter(|_| TraceContext::begin(ratio).sampled()).count();
    assert_eq!((sampled(0.0), sampled(1.0)), (0, 10_000));
    let tenth = sampled(0.1);
    assert!((800..1200).contains(&tenth), "{tenth} of 10000 under seed 7");
    for _ in 0..1000 {
        let context = TraceContext::begin(0.5);
        assert_eq!(parse(&context.traceparent(), &[]).unwrap(), context);
    }
}

#[test]
fn random_bytes_are_never_a_panic() {
    fastrand::seed(11);
    for _ in 0..20_000 {
        let mut header = GOOD.as_bytes().to_vec();
        for _ in 0..fastrand::usize(1..4) {
            let at = fastrand::usize(..header.len());
            header[at] = fastrand::u8(..);
        }
        header.truncate(fastrand::usize(..=header.len()));
        let _ = TraceContext::from_headers([header.as_slice()], [header.as_slice()]);
    }
}
