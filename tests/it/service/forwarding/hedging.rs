//! A second provider beside a slow first one: whoever speaks first is heard, the other is hung up on and billed.

use serde_json::json;

use super::provider::{Provider, Turn, error, stream};
use super::{DEAR, ask, events, forwarding_with, streamed, text_of};
use crate::service::{Running, until};

#[tokio::test]
async fn a_provider_that_is_silent_is_overtaken_and_hung_up_on() {
    let mut silent = Provider::start(vec![Turn::SaysAndStalls(Vec::new())]).await;
    let good = Provider::start(vec![stream(&["The ", "left."], None)]).await;
    let rule = "[forwarding]\nhedge_share = 1.0\nhedge_after_ms = 20\n";
    let running = Running::start(forwarding_with(&[(&silent, &[DEAR]), (&good, &[DEAR])], rule)).await;
    let mut n = 0;
    while silent.calls().is_empty() {
        let answer = ask(&running, &streamed(DEAR)).await;
        assert_eq!(text_of(&events(&answer)), "The left.");
        assert_eq!(answer.headers["x-pointsman-provider"], "p1");
        n += 1;
    }
    silent.hung_up(1).await;
    assert_eq!(running.counted("pointsman_hedges_total", &["won"]), 1);
    assert_eq!(running.counted("pointsman_upstream_attempts_total", &["p0", "cancelled"]), 1);
    assert_eq!(running.counted("pointsman_forwarded_calls_total", &["answered"]), n, "still one outcome a call");
    let lost = running.metric("pointsman_forwarded_cost_usd_total", &[DEAR, "cancelled"]);
    assert!(lost[0].parse::<f64>().unwrap() > 0.0, "what was asked twice may be billed twice: {lost:?}");
    running.ended().await;
}

#[tokio::test]
async fn the_cap_holds_for_both_that_are_asked() {
    let silent = Provider::start(vec![Turn::SaysAndStalls(Vec::new())]).await;
    let rule = "[forwarding]\nhedge_share = 1.0\nhedge_after_ms = 20\nfirst_token_ms = 300\nn_attempts_max = 2\n";
    let running = Running::start(forwarding_with(&[(&silent, &[DEAR]), (&silent, &[DEAR])], rule)).await;
    let mut body = streamed(DEAR);
    body["max_completion_tokens"] = json!(10);
    // A long answer costs about $0.0009; what the first call may cost is as good as gone while it is under way.
    for (cap, n_calls) in [(0.0015, 1), (0.0025, 2)] {
        let before = silent.calls().len();
        body["pointsman"] = json!({ "limits": { "max_cost_usd": cap } });
        ask(&running, &body).await;
        // The first is over before a second is tried in its place, and then what it may have cost is spent.
        assert_eq!(running.counted("pointsman_hedges_total", &["failed"]), n_calls - 1, "{cap}");
        assert!(silent.calls().len() > before);
    }
    running.ended().await;
}

#[tokio::test]
async fn no_more_are_asked_twice_than_the_share_allows() {
    let silent = Provider::start(vec![Turn::SaysAndStalls(Vec::new())]).await;
    let other = Provider::start(vec![error("500 Internal Server Error", "x", "x", "")]).await;
    let rule = "[forwarding]\nhedge_share = 0.01\nhedge_after_ms = 1\nfirst_token_ms = 100\nn_attempts_max = 1\n";
    let running = Running::start(forwarding_with(&[(&silent, &[DEAR]), (&other, &[DEAR])], rule)).await;
    while silent.calls().is_empty() {
        ask(&running, &streamed(DEAR)).await;
    }
    until(async || running.counted("pointsman_hedges_total", &["over_budget"]) >= 1).await;
    assert_eq!(running.counted("pointsman_hedges_total", &["won"]), 0);
    running.ended().await;
}
