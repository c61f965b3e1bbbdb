//! Whose time it was that passed: a provider that is silent for longer than it may be is not well, one whose caller could not wait is.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::provider::{Provider, Turn, chunk, events, reply, stream};
use super::{DEAR, ask, chat, forwarding, forwarding_with, streamed};
use crate::service::{Reply, Running};

/// One more than open a breaker.
const N_IMPATIENT: usize = 6;

async fn ask_within(running: &Running, body: &Value, ms: &str) -> Reply {
    let headers = [("x-request-timeout-ms", ms)];
    running.call_with(Method::POST, "/v1/chat/completions", body.to_string(), &headers).await
}

#[tokio::test]
async fn a_caller_that_cannot_wait_takes_a_provider_away_from_nobody() {
    let whole = reply("The left.", &Value::Null);
    let begun = events(&[chunk(&json!({ "content": "The " }), &Value::Null)]);
    for (silent, answer, body) in [
        (Turn::SaysAndStalls(Vec::new()), whole, chat(DEAR)),
        (Turn::SaysAndStalls(Vec::new()), stream(&["The ", "left."], None), streamed(DEAR)),
        (Turn::SaysAndStalls(begun), stream(&["The ", "left."], None), streamed(DEAR)),
    ] {
        let mut turns = vec![silent; N_IMPATIENT];
        turns.push(answer);
        let provider = Provider::start(turns).await;
        let running = Running::start(forwarding(&[(&provider, &[DEAR])])).await;
        for _ in 0..N_IMPATIENT {
            let late = ask_within(&running, &body, "200").await;
            let told = late.text();
            assert!(told.contains("the time for the whole call") || told.contains("upstream_late"), "{told}");
        }
        let answer = ask(&running, &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert_eq!(provider.calls().len(), N_IMPATIENT + 1);
        running.ended().await;
    }
}

#[tokio::test]
async fn a_provider_that_is_silent_for_longer_than_it_may_be_is_left_alone() {
    let begun = events(&[chunk(&json!({ "content": "The " }), &Value::Null)]);
    for (silent, body) in [
        (Turn::SaysAndStalls(Vec::new()), chat(DEAR)),
        (Turn::SaysAndStalls(Vec::new()), streamed(DEAR)),
        (Turn::SaysAndStalls(begun), streamed(DEAR)),
    ] {
        let provider = Provider::start(vec![silent]).await;
        let rule = "[forwarding]\nn_attempts_max = 1\nfirst_token_ms = 50\nbetween_tokens_ms = 50\nreply_ms = 50\n";
        let running = Running::start(forwarding_with(&[(&provider, &[DEAR])], rule)).await;
        for _ in 0..5 {
            let late = ask_within(&running, &body, "60000").await;
            assert_ne!(late.status, StatusCode::SERVICE_UNAVAILABLE, "{}", late.text());
        }
        assert_eq!(ask(&running, &body).await.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(provider.calls().len(), 5);
        running.ended().await;
    }
}
