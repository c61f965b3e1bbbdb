//! A provider that fails in any way is not the caller's trouble as long as somebody else can answer; and what is the caller's own
//! trouble is told at once.

use http::StatusCode;
use router_service::config::ProviderKind;
use serde_json::{Value, json};
use tests::scripted::{self, Scripted};

use super::provider::{Provider, Turn, chunk, error, events, reply, response, stream};
use super::{CHEAP, DEAR, ask, chat, forwarding, forwarding_at, forwarding_with, streamed, text_of};
use crate::service::Running;

fn says(status: &str, kind: &str, body: &str) -> Turn {
    Turn::Says(response(status, kind, "", body))
}

/// Asks until the failing provider has had a call; whichever comes first is drawn.
async fn hands_over(what: &str, fails: Turn, answers: Turn, body: &Value) {
    let (failing, answering) = (Provider::start(vec![fails]).await, Provider::start(vec![answers]).await);
    let settings = forwarding_with(
        &[(&failing, &[DEAR]), (&answering, &[DEAR])],
        "[forwarding]\nfirst_token_ms = 200\nreply_ms = 200\n",
    );
    let running = Running::start(settings).await;
    for turn in 0..64 {
        let answer = ask(&running, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{what}: {}", answer.text());
        assert_eq!(answer.headers["x-pointsman-provider"], "p1", "{what}");
        if body["stream"] == true {
            assert_eq!(text_of(&super::events(&answer)), "The left.", "{what}");
        }
        if !failing.calls().is_empty() {
            break;
        }
        assert!(turn < 63, "{what}: the failing provider was never asked");
    }
    running.ended().await;
}

#[tokio::test]
async fn whatever_a_provider_does_instead_of_answering_the_next_one_answers() {
    let whole = || reply("The left.", &json!({ "prompt_tokens": 9, "completion_tokens": 3 }));
    for (what, fails) in [
        ("an error of its own", error("500 Internal Server Error", "oops", "sorry", "")),
        ("an overload", error("503 Service Unavailable", "overloaded", "sorry", "")),
        ("a limit", error("429 Too Many Requests", "rate_limit_exceeded", "slow down", "retry-after: 60\r\n")),
        ("a key it does not know", error("401 Unauthorized", "invalid_api_key", "who?", "")),
        ("a reset", Turn::Resets),
        ("silence", Turn::SaysAndStalls(Vec::new())),
        ("half a head", Turn::Says(b"HTTP/1.1 200 OK\r\ncontent-ty".to_vec())),
        ("garbage", says("200 OK", "application/json", "\u{7f}garbage")),
        ("truncated JSON", says("200 OK", "application/json", "{\"choices\": [")),
        ("a page", says("200 OK", "text/html", "<html>hello</html>")),
        ("an answer without answers", says("200 OK", "application/json", "{\"choices\": []}")),
        ("an error in a good reply", says("200 OK", "application/json", "{\"error\": {\"message\": \"x\"}}")),
        ("less than it announced", Turn::Says(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{}".to_vec())),
    ] {
        hands_over(what, fails, whole(), &chat(DEAR)).await;
    }
}

#[tokio::test]
async fn a_stream_that_fails_before_its_first_word_is_taken_over() {
    let role = || chunk(&json!({ "role": "assistant", "content": "" }), &Value::Null);
    for (what, fails) in [
        ("a reply that is no stream", reply("x", &Value::Null)),
        ("an end before the beginning", Turn::Says(events(&[]))),
        ("a frame and no word", Turn::Says(events(&[role()]))),
        ("silence after the frame", Turn::SaysAndStalls(events(&[role()]))),
        ("the last word first", Turn::Says(events(&["[DONE]".to_owned()]))),
        ("an error as the first event", Turn::Says(events(&["{\"error\": {\"message\": \"x\"}}".to_owned()]))),
        ("garbage", Turn::Says(events(&["{garbage".to_owned()]))),
        ("what is no UTF-8", Turn::Says([events(&[]), b"data: \xff\xfe\n\n".to_vec()].concat())),
    ] {
        hands_over(what, fails, stream(&["The ", "left."], None), &streamed(DEAR)).await;
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_request_is_told_at_once_and_without_secrets() {
    let message = "bad `messages`; your key canary-key-5b1e is fine";
    let refusing = Provider::start(vec![error("400 Bad Request", "invalid_request_error", message, "")]).await;
    let running = Running::start(forwarding(&[(&refusing, &[CHEAP, DEAR])])).await;
    let answer = ask(&running, &chat("auto")).await;
    let told = &answer.json()["error"];
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!((&told["type"], &told["code"]), (&json!("invalid_request_error"), &json!("upstream_refused")));
    assert_eq!(told["param"], "messages");
    assert!(
        told["message"].as_str().unwrap().contains("bad `messages`") && !answer.text().contains("canary"),
        "{told}"
    );
    assert_eq!(refusing.calls().len(), 1, "it would fail everywhere");
    // OpenAI's clients show this id with an error.
    assert_eq!(answer.headers["x-request-id"], answer.headers["x-pointsman-decision"]);
    running.ended().await;
}

#[tokio::test]
async fn a_key_that_a_provider_echoes_is_shown_to_nobody() {
    for (status, kind) in [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (404, "not_found_error"),
        (422, "unprocessable"),
        (429, "rate_limit_error"),
        (500, "api_error"),
    ] {
        let message = "Incorrect key provided: {key}. Said `{key}`, Bearer {key}, key={key}".to_owned();
        let refusal = scripted::Refusal { message, ..scripted::Refusal::new(status, kind) };
        let provider = Scripted::always(scripted::Turn::Refuse(refusal)).await.unwrap();
        for kind in ["openai", "anthropic"] {
            let mut settings = forwarding_at(provider.address(), "[forwarding]\nn_attempts_max = 1\n");
            settings.forwarding.providers[0].kind =
                if kind == "openai" { ProviderKind::Openai } else { ProviderKind::Anthropic };
            let running = Running::start(settings).await;
            for body in [chat(DEAR), streamed(DEAR)] {
                let answer = ask(&running, &body).await;
                assert!(!answer.status.is_success(), "{kind} {status}");
                let shown = format!("{:?} {} {}", answer.headers, answer.text(), running.pipeline.metrics_text());
                assert!(!shown.contains("canary"), "{kind} {status}: {}", answer.text());
            }
            running.ended().await;
        }
    }
}

#[tokio::test]
async fn a_prompt_too_long_for_one_model_goes_to_one_with_more_room() {
    let full = error("400 Bad Request", "context_length_exceeded", "maximum context length is 8192", "");
    let (short, long) = (Provider::start(vec![full]).await, Provider::start(vec![reply("Yes.", &Value::Null)]).await);
    let running = Running::start(forwarding(&[(&short, &[DEAR]), (&long, &[CHEAP])])).await;
    let mut body = chat(DEAR);
    body["pointsman"] = json!({ "fallbacks": [CHEAP] });
    let answer = ask(&running, &body).await;
    assert_eq!((answer.status, answer.headers["x-pointsman-model"].to_str().unwrap()), (StatusCode::OK, CHEAP));
    let alone = ask(&running, &chat(DEAR)).await;
    assert_eq!(alone.status, StatusCode::BAD_REQUEST);
    assert_eq!(alone.json()["error"]["code"], "context_length_exceeded");
    assert_eq!(long.calls().len(), 1, "a model by name has no fallbacks unless they are asked for");
    running.ended().await;
}

#[tokio::test]
async fn the_ranking_is_gone_down_when_all_providers_of_a_model_fail() {
    let oops = || error("500 Internal Server Error", "oops", "sorry", "");
    let (one, two) = (Provider::start(vec![oops()]).await, Provider::start(vec![oops()]).await);
    let other = Provider::start(vec![reply("Yes.", &Value::Null)]).await;
    let running = Running::start(forwarding(&[(&one, &[CHEAP]), (&two, &[CHEAP]), (&other, &[DEAR])])).await;
    let answer = ask(&running, &chat("auto")).await;
    assert_eq!(answer.headers["x-pointsman-model"], DEAR, "{}", answer.text());
    let calls = one.calls().len() + two.calls().len();
    assert!(calls == 2 || calls == 0, "both providers of the cheap model, or it was ranked behind");
    running.ended().await;
}

#[tokio::test]
async fn no_more_is_tried_than_is_allowed() {
    let oops = Provider::start(vec![error("500 Internal Server Error", "oops", "sorry", "")]).await;
    let rule = "[forwarding]\nn_attempts_max = 2\nbackoff_ms = 1\n";
    let running = Running::start(forwarding_with(&[(&oops, &[DEAR])], rule)).await;
    let answer = ask(&running, &chat(DEAR)).await;
    assert_eq!((answer.status, oops.calls().len()), (StatusCode::BAD_GATEWAY, 2));
    assert_eq!(answer.json()["error"]["code"], "upstream_failed");
    assert!(answer.text().contains("2 attempts failed"), "{}", answer.text());
    running.ended().await;
}

#[tokio::test]
async fn a_limit_everywhere_is_told_with_the_time_to_come_again() {
    let busy = error("429 Too Many Requests", "rate_limit_exceeded", "slow down", "retry-after: 700\r\n");
    let busy = Provider::start(vec![busy]).await;
    let running = Running::start(forwarding(&[(&busy, &[DEAR])])).await;
    for _ in 0..2 {
        let answer = ask(&running, &chat(DEAR)).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]["code"]),
            (StatusCode::TOO_MANY_REQUESTS, &json!("upstream_busy"))
        );
        let retry_after: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((290..=300).contains(&retry_after), "a rest has its limit: {retry_after}");
    }
    assert_eq!(busy.calls().len(), 1, "whoever asked for a rest is left alone");
    running.ended().await;
}

#[tokio::test]
async fn only_a_limit_is_a_rest_for_everybody() {
    for (status, code, answer) in [
        ("400 Bad Request", "invalid_request_error", StatusCode::BAD_REQUEST),
        ("500 Internal Server Error", "oops", StatusCode::BAD_GATEWAY),
    ] {
        let failing = error(status, code, "sorry", "retry-after: 60\r\n");
        let provider = Provider::start(vec![failing]).await;
        let rule = "[forwarding]\nn_attempts_max = 1\n";
        let running = Running::start(forwarding_with(&[(&provider, &[DEAR])], rule)).await;
        for turn in 0..6 {
            let answered = ask(&running, &chat(DEAR)).await;
            let is_shut = turn == 5 && answer == StatusCode::BAD_GATEWAY;
            let expected = if is_shut { StatusCode::SERVICE_UNAVAILABLE } else { answer };
            assert_eq!(answered.status, expected, "{turn}: {}", answered.text());
        }
        running.ended().await;
    }
}

#[tokio::test]
async fn nobody_is_held_for_as_long_as_a_provider_wants_to_be_left_alone() {
    let busy = error("429 Too Many Requests", "rate_limit_exceeded", "slow down", "retry-after: 2\r\n");
    let busy = Provider::start(vec![busy]).await;
    let rule = "[forwarding]\nbackoff_ms = 100\nbackoff_ms_max = 1000\n";
    let running = Running::start(forwarding_with(&[(&busy, &[DEAR])], rule)).await;
    let answer = ask(&running, &chat(DEAR)).await;
    assert_eq!(
        (answer.status, &answer.json()["error"]["code"], answer.headers["retry-after"].to_str().unwrap()),
        (StatusCode::TOO_MANY_REQUESTS, &json!("upstream_busy"), "2")
    );
    assert_eq!(busy.calls().len(), 1);
    running.ended().await;
}

#[tokio::test]
async fn a_provider_that_keeps_failing_is_left_alone() {
    for status in ["500 Internal Server Error", "502 Bad Gateway", "503 Service Unavailable"] {
        let oops = Provider::start(vec![error(status, "oops", "sorry", "")]).await;
        let rule = "[forwarding]\nn_attempts_max = 1\n";
        let running = Running::start(forwarding_with(&[(&oops, &[DEAR])], rule)).await;
        for turn in 0..8 {
            let answer = ask(&running, &chat(DEAR)).await;
            // Five failures in a row open the breaker.
            let expected = if turn < 5 { StatusCode::BAD_GATEWAY } else { StatusCode::SERVICE_UNAVAILABLE };
            assert_eq!(answer.status, expected, "{status}, {turn}: {}", answer.text());
        }
        assert_eq!(oops.calls().len(), 5, "{status}");
        running.ended().await;
    }
}

#[tokio::test]
async fn who_asks_for_less_than_any_provider_charges_is_told_the_figures_and_not_to_come_again() {
    let provider = Provider::start(vec![reply("Left.", &Value::Null)]).await;
    let mut settings = forwarding(&[(&provider, &[DEAR]), (&provider, &[DEAR])]);
    for (provider, usd) in settings.forwarding.providers.iter_mut().zip([9_000.0, 6_000.0]) {
        let price = decision::Price::from_usd_per_1m(usd).unwrap();
        let prices = decision::Prices { prompt: price, cached_prompt: price, completion: price, reasoning: price };
        provider.models[0].prices = Some(prices);
    }
    let running = Running::start(settings).await;
    let mut body = chat(DEAR);
    body["max_completion_tokens"] = json!(10);
    // Within the prices of the catalog, and beyond those of both providers.
    body["pointsman"] = json!({ "limits": { "max_cost_usd": 0.01 } });
    let answer = ask(&running, &body).await;
    let told = &answer.json()["error"];
    assert_eq!((answer.status, &told["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("refused")), "{told}");
    assert_eq!(told["param"], "pointsman.limits.max_cost_usd", "{told}");
    let message = told["message"].as_str().unwrap();
    // 6 tokens of the question and 10 of an answer, at the cheaper one's $6,000 a million.
    assert!(message.contains("at least $0.096,") && message.contains("a cap of $0.01"), "{message}");
    assert!(!answer.headers.contains_key("retry-after") && provider.calls().is_empty());
    assert_eq!(running.counted("pointsman_forwarded_calls_total", &[DEAR, "refused"]), 1);
    running.ended().await;
}

#[tokio::test]
async fn a_cap_on_the_bill_is_asked_anew_at_every_hop() {
    let lost = Provider::start(vec![Turn::Resets]).await;
    let running = Running::start(forwarding(&[(&lost, &[DEAR]), (&lost, &[DEAR])])).await;
    // Enough for one long answer of the dear model and not for two: what the lost call may have cost is gone.
    let mut body = chat(DEAR);
    body["max_completion_tokens"] = json!(10);
    body["pointsman"] = json!({ "limits": { "max_cost_usd": 0.0009 } });
    let answer = ask(&running, &body).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{}", answer.text());
    assert_eq!(lost.calls().len(), 1);
    running.ended().await;
}
