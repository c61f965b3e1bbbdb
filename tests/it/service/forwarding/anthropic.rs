//! The same call at a provider that speaks Anthropic's language: the caller does not notice.

use router_service::config::ProviderKind;
use serde_json::json;

use super::provider::{Provider, Turn, response};
use super::{DEAR, ask, chat, events, forwarding, streamed, text_of};
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
    let named = |event: &serde_json::Value| {
        format!("event: {}\ndata: {event}\n\n", event["type"].as_str().expect("an event has a type"))
    };
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
