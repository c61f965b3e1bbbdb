//! Whether a provider may be called: its limits, its rest, its breaker, and what its calls tell of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{MAX_REST, N_TIMES_FOR_P95, Provider};
use crate::config::Settings;

fn provider(more: &str) -> (Arc<Provider>, Instant) {
    let text = format!(
        "[[provider]]\nname = \"p\"\nbase_url = \"http://127.0.0.1:1\"\n{more}\n[[provider.model]]\nid = \"m\"\n"
    );
    let settings = Settings::from_text(&text, std::path::Path::new(""), &[].into()).unwrap();
    let now = Instant::now();
    (Arc::new(Provider::new(settings.forwarding.providers[0].clone(), now).unwrap()), now)
}

#[test]
fn no_more_calls_are_under_way_than_it_bears() {
    let (provider, now) = provider("n_concurrent_max = 2");
    let places = [provider.enter(now), provider.enter(now)];
    assert!(places.iter().all(Option::is_some) && provider.enter(now).is_none());
    drop(places);
    assert!(provider.enter(now).is_some(), "a place that is given up is free again");
}

#[test]
fn calls_are_spread_over_the_minute() {
    for (per_minute, most) in [(1_u32, 2_usize), (30, 31), (600, 610)] {
        let (provider, begin) = provider(&format!("requests_per_minute = {per_minute}"));
        let moments = (0..60_000).step_by(10).map(|ms| begin + Duration::from_millis(ms));
        let n = moments.filter(|now| provider.enter(*now).is_some()).count();
        assert!((usize::try_from(per_minute).unwrap()..=most).contains(&n), "{n} calls in a minute of {per_minute}");
    }
}

#[test]
fn whoever_asks_for_a_rest_gets_it_up_to_the_limit() {
    let (provider, now) = provider("");
    provider.enter(now).unwrap().rests(now, Duration::from_secs(86_400));
    assert_eq!(provider.rest(now), Some(MAX_REST));
    // A shorter rest does not end a longer one, and is none after its time.
    assert!(provider.enter(now + MAX_REST - Duration::from_millis(1)).is_none());
    assert!(provider.enter(now + MAX_REST).is_some() && provider.rest(now + MAX_REST).is_none());
    assert!(provider.is_well(now), "a rest is no illness");
}

#[test]
fn failures_open_its_breaker_and_one_probe_closes_it() {
    let (provider, now) = provider("");
    for _ in 0..5 {
        provider.enter(now).unwrap().failed(now);
    }
    assert!(!provider.is_well(now) && provider.enter(now).is_none());
    let later = now + Duration::from_secs(3);
    let probe = provider.enter(later).expect("it is tried again");
    assert!(provider.enter(later).is_none(), "by one call");
    drop(probe);
    let probe = provider.enter(later).expect("a probe that was given up says nothing");
    probe.answered(later, Some(Duration::from_millis(5)));
    assert!(provider.is_well(later) && provider.enter(later).is_some());
}

#[test]
fn the_slowest_in_twenty_is_known_after_twenty() {
    let (provider, now) = provider("");
    for ms in 1..=N_TIMES_FOR_P95 {
        assert_eq!(provider.first_token_p95_ms(), None);
        let took = Duration::from_millis(u64::try_from(ms).unwrap());
        provider.enter(now).unwrap().answered(now, Some(took));
    }
    assert_eq!(provider.first_token_p95_ms(), Some(20));
    for _ in 0..100 {
        provider.enter(now).unwrap().answered(now, Some(Duration::from_millis(7)));
        provider.enter(now).unwrap().answered(now, None);
    }
    assert_eq!(provider.first_token_p95_ms(), Some(7), "only the last times count, and only those of streams");
}
