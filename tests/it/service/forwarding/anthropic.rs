//! The same call at a provider that speaks Anthropic's language: the caller does not notice.

use http::StatusCode;
use router_service::config::ProviderKind;
use serde_json::{Value, json};

use super::provider::{Provider, Turn, error, reply, response};
use super::{CHEAP, DEAR, ask, chat, events, forwarding, forwarding_with, streamed, text_of};
use crate::service::Running;

fn stream() -> Turn {
    let usage = json!({ "input_tokens": 9, "output_tokens": 1 });
    let message = json!({ "id": "msg_1", "type": "message", "role": "assistant", "model": "their-name", "content": [],
                          "stop_reason": null, "stop_sequence": null, "usage": usage });
    let all = [
        json!({ "type": "message_start", "message": message }),
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": "The left." } }),
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn", "stop_sequence": null },
                "usage": { "output_tokens": 3 } }),
        json!({ "type": "message_stop" }),
    ];
    let named =
        |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().expect("an event has a type"));
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    Turn::Says(format!("{head}{}", all.iter().map(named).collect::<String>()).into_bytes())
}

#[tokio::test]
async fn an_anthropic_provider_answers_in_openai_s_shape() {
    let whole = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "their-name",
        "content": [{ "type": "text", "text": "The left." }], "stop_reason": "end_turn", "stop_sequence": null,
        "usage": { "input_tokens": 9, "output_tokens": 3 },
    });
    let whole = Turn::Says(response("200 OK", "application/json", "", &whole.to_string()));
    let provider = Provider::start(vec![whole, stream()]).await;
    let mut settings = forwarding(&[(&provider, &[DEAR])]);
    settings.forwarding.providers[0].kind = ProviderKind::Anthropic;
    let running = Running::start(settings).await;

    let answer = ask(&running, &chat(DEAR)).await;
    let body = answer.json();
    assert_eq!(body["choices"][0]["message"]["content"], "The left.", "{body}");
    assert_eq!((&body["model"], &body["choices"][0]["finish_reason"]), (&json!(DEAR), &json!("stop")));
    // 9 tokens at $30 and 3 at $60 a million.
    assert_eq!(answer.headers["x-pointsman-cost-usd"], "0.00045");

    let all = events(&ask(&running, &streamed(DEAR)).await);
    assert_eq!((text_of(&all).as_str(), all.last()), ("The left.", Some(&json!("[DONE]"))));
    let told = &all[all.len() - 2];
    assert_eq!(
        (&told["usage"]["prompt_tokens"], &told["usage"]["completion_tokens"]),
        (&json!(9), &json!(3)),
        "{told}"
    );
    assert_eq!(told["pointsman"]["usage"], "reported");

    let call = &provider.calls()[0];
    assert!(call.head.starts_with("POST /v1/messages HTTP/1.1\r\n"), "{}", call.head);
    assert!(call.head.contains("x-api-key: canary-key-5b1e\r\n") && call.head.contains("anthropic-version: "));
    assert_eq!(call.json()["model"], format!("up-{DEAR}"));
    running.ended().await;
}

#[tokio::test]
async fn who_cannot_be_told_of_a_call_costs_no_attempt_and_nothing_of_its_minute() {
    let deaf = Provider::start(vec![stream()]).await;
    let able = Provider::start(vec![reply("The left.", &Value::Null)]).await;
    let [deaf_one, able_one] = [(&deaf, &[CHEAP][..]), (&able, &[DEAR][..])];
    let mut settings = forwarding(&[deaf_one, deaf_one, deaf_one, deaf_one, able_one]);
    for provider in &mut settings.forwarding.providers[..4] {
        provider.kind = ProviderKind::Anthropic;
        provider.requests_per_minute = Some(1);
    }
    let running = Running::start(settings).await;
    for _ in 0..3 {
        let mut body = chat(CHEAP);
        body["n"] = json!(2);
        body["pointsman"] = json!({ "fallbacks": [DEAR] });
        let answer = ask(&running, &body).await;
        assert_eq!((answer.status, &answer.json()["model"]), (StatusCode::OK, &json!(DEAR)), "{}", answer.text());
        body["pointsman"] = json!({});
        let refused = ask(&running, &body).await;
        let told = &refused.json()["error"];
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{told}");
        assert_eq!((&told["code"], &told["param"]), (&json!("upstream_refused"), &json!("n")), "{told}");
    }
    assert_eq!(running.counted("pointsman_upstream_attempts_total", &[]), 3, "only those that were made");
    let sayable = streamed(CHEAP);
    for _ in 0..4 {
        assert_eq!(ask(&running, &sayable).await.status, StatusCode::OK, "each has the one call of its minute left");
    }
    assert_eq!(ask(&running, &sayable).await.status, StatusCode::TOO_MANY_REQUESTS);
    running.ended().await;
}

#[tokio::test]
async fn a_provider_that_could_not_be_told_of_a_call_is_not_why_nobody_answered() {
    let deaf = Provider::start(vec![stream()]).await;
    let oops = Provider::start(vec![error("500 Internal Server Error", "oops", "sorry", "")]).await;
    let rule = "[forwarding]\nn_attempts_max = 1\n";
    let mut settings = forwarding_with(&[(&deaf, &[DEAR]), (&oops, &[DEAR])], rule);
    settings.forwarding.providers[0].kind = ProviderKind::Anthropic;
    let running = Running::start(settings).await;
    let mut body = chat(DEAR);
    body["n"] = json!(2);
    for turn in 0..6 {
        let answer = ask(&running, &body).await;
        let (status, code) = match turn {
            0..5 => (StatusCode::BAD_GATEWAY, "upstream_failed"),
            _ => (StatusCode::SERVICE_UNAVAILABLE, "upstream_away"),
        };
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (status, &json!(code)), "{turn}");
    }
    running.ended().await;
}

#[tokio::test]
async fn a_call_that_was_never_made_tells_nothing_of_its_provider() {
    let oops = Provider::start(vec![error("500 Internal Server Error", "api_error", "sorry", "")]).await;
    let mut settings = forwarding_with(&[(&oops, &[DEAR])], "[forwarding]\nn_attempts_max = 1\n");
    settings.forwarding.providers[0].kind = ProviderKind::Anthropic;
    let running = Running::start(settings).await;
    let mut unsayable = chat(DEAR);
    unsayable["frequency_penalty"] = json!(1);
    for turn in 0..6 {
        assert_eq!(ask(&running, &unsayable).await.status, StatusCode::BAD_REQUEST, "{turn}");
        let answer = ask(&running, &chat(DEAR)).await;
        // Five failures in a row open the breaker, whatever could not be said between them.
        let expected = if turn < 5 { StatusCode::BAD_GATEWAY } else { StatusCode::SERVICE_UNAVAILABLE };
        assert_eq!(answer.status, expected, "{turn}: {}", answer.text());
    }
    running.ended().await;
}
