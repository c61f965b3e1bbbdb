//! What goes through: every field of a request and of its answer, but for the model's name.

use http::{Method, StatusCode};
use serde_json::json;

use super::provider::{Provider, reply, stream};
use super::{CHEAP, DEAR, ask, chat, events, forwarding, streamed, text_of};
use crate::service::{Running, settings};

#[tokio::test]
async fn without_a_provider_the_echo_answers_and_says_so() {
    let running = Running::start(settings()).await;
    let answer = ask(&running, &chat("auto")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let text = answer.json()["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    let model = answer.headers["x-pointsman-model"].to_str().unwrap().to_owned();
    assert!(text.contains("not a model") && text.contains(&format!("`{model}`")), "{text}");
    assert_eq!(answer.headers["x-pointsman-cost-usd"], "0");
    assert_eq!(answer.json()["model"], model);
    let streamed = ask(&running, &streamed("auto")).await;
    let events = events(&streamed);
    assert_eq!(text_of(&events), text);
    assert_eq!(events.last().unwrap(), "[DONE]");
    running.ended().await;
}

#[tokio::test]
async fn every_field_goes_upstream_as_it_came() {
    let usage = json!({ "prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12 });
    let provider = Provider::start(vec![reply("The left one.", &usage)]).await;
    let running = Running::start(forwarding(&[(&provider, &[DEAR])])).await;
    let fields = r#""temperature":0.70,"seed":12345678901234567890,"x_unknown":{"z":1,"a":[1.50]},"logprobs":true,"user":"u","stop":["\u0041"],"n":1,"tools":[{"type":"function","function":{"name":"f","parameters":{"zebra":1,"ant":2}}}]"#;
    let messages = r#""messages":[{"role":"user","content":[{"type":"text","text":"Which?"}]}]"#;
    let body = format!(r#"{{"model":"{DEAR}",{messages},"pointsman":{{"tenant":"town"}},{fields}}}"#);
    let answer = running.post("/v1/chat/completions", body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let call = &provider.calls()[0];
    assert_eq!(call.body, format!(r#"{{"model":"up-{DEAR}",{messages},{fields}}}"#));
    assert!(call.head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{}", call.head);
    assert!(call.head.contains("authorization: Bearer canary-key-5b1e\r\n"), "{}", call.head);
    assert_eq!(
        (answer.json()["model"].as_str(), answer.json()["system_fingerprint"].as_str()),
        (Some(DEAR), Some("fp_1"))
    );
    assert_eq!(answer.json()["usage"], usage);
    assert!(answer.json().get("pointsman").is_none(), "nobody asked for it");
    assert_eq!(answer.headers["x-pointsman-policy"], "named");
    assert_eq!(answer.headers["x-pointsman-provider"], "p0");
    // 9 tokens at $30 and 3 at $60 a million.
    assert_eq!(answer.headers["x-pointsman-cost-usd"], "0.00045");
    running.ended().await;
}

#[tokio::test]
async fn a_stream_goes_through_and_ends_with_its_usage_and_cost() {
    let usage = json!({ "prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12 });
    let provider = Provider::start(vec![stream(&["The ", "left."], Some(&usage))]).await;
    let running = Running::start(forwarding(&[(&provider, &[DEAR])])).await;
    let answer = ask(&running, &streamed(DEAR)).await;
    let all = events(&answer);
    assert_eq!(text_of(&all), "The left.");
    let [.., last, done] = &all[..] else { panic!("{all:?}") };
    assert_eq!((done, &last["choices"]), (&json!("[DONE]"), &json!([])));
    assert_eq!(last["usage"]["completion_tokens"], 3);
    assert_eq!((&last["pointsman"]["cost_usd"], &last["pointsman"]["usage"]), (&json!(0.00045), &json!("reported")));
    assert!(all[..all.len() - 1].iter().all(|event| event["model"] == DEAR && event["id"] == "chatcmpl-2"), "{all:?}");

    // Who does not ask for the usage does not get it, though the provider is asked.
    let mut quiet = streamed(DEAR);
    quiet.as_object_mut().unwrap().remove("stream_options");
    let all = events(&ask(&running, &quiet).await);
    assert!(all.iter().all(|event| event.get("usage").is_none()), "{all:?}");
    assert_eq!(provider.calls()[1].json()["stream_options"], json!({ "include_usage": true }));
    running.ended().await;
}

#[tokio::test]
async fn only_models_that_somebody_serves_are_candidates() {
    let provider = Provider::start(vec![reply("Yes.", &json!(null))]).await;
    let running = Running::start(forwarding(&[(&provider, &[CHEAP, DEAR])])).await;
    let mut body = chat("auto");
    body["pointsman"] = json!({ "explain": true });
    let answer = ask(&running, &body).await.json();
    let decision = &answer["pointsman"]["decision"];
    assert!([CHEAP, DEAR].contains(&decision["model"].as_str().unwrap()), "{decision}");
    assert_eq!(decision["ranked"].as_array().unwrap().len(), 2);
    for (model, complaint) in [("gpt-4o-2024-05-13", "no provider serves"), ("gpt-4-0631", "the nearest name there is")]
    {
        let answer = ask(&running, &chat(model)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert_eq!(answer.json()["error"]["param"], "model");
        assert!(answer.text().contains(complaint), "{}", answer.text());
    }
    running.ended().await;
}

#[tokio::test]
async fn a_refusal_names_first_whom_the_rarest_reason_keeps_out() {
    let provider = Provider::start(vec![reply("Yes.", &json!(null))]).await;
    let running = Running::start(forwarding(&[(&provider, &[CHEAP, DEAR])])).await;
    let mut body = chat("auto");
    body["pointsman"] = json!({ "limits": { "max_cost_usd": 1e-9 } });
    let answer = ask(&running, &body).await;
    let complaint = answer.json()["error"]["message"].as_str().unwrap_or_default().to_owned();
    let named = complaint.split_once('(').map(|(_, named)| named).unwrap_or_default();
    assert!(named.starts_with(&format!("`{DEAR}` ")) && named.contains(&format!("; `{CHEAP}` ")), "{complaint}");
    let answer = ask(&running, &chat("gpt-4o-mini")).await;
    let complaint = answer.json()["error"]["message"].as_str().unwrap_or_default().to_owned();
    assert!(
        complaint.ends_with(&format!("no model `gpt-4o-mini`; the nearest name there is `{CHEAP}`")),
        "{complaint}"
    );
    running.ended().await;
}

#[tokio::test]
async fn wishes_stand_in_a_header_or_in_the_body() {
    let provider = Provider::start(vec![reply("Yes.", &json!(null))]).await;
    let running = Running::start(forwarding(&[(&provider, &[CHEAP, DEAR])])).await;
    let body = chat("auto").to_string();
    let path = "/v1/chat/completions";
    let by_header =
        [("x-pointsman-candidates", DEAR), ("x-pointsman-session", "talk"), ("x-pointsman-policy", "balanced")];
    let answer = running.call_with(Method::POST, path, body.clone(), &by_header).await;
    assert_eq!(answer.headers["x-pointsman-model"], DEAR, "{}", answer.text());
    assert_eq!(provider.calls()[0].json(), {
        let mut sent = chat("auto");
        sent["model"] = json!(format!("up-{DEAR}"));
        sent
    });
    let answer = running.call_with(Method::POST, path, body, &[("x-pointsman-policy", "none")]).await;
    assert_eq!(
        (answer.status, answer.json()["error"]["param"].clone()),
        (StatusCode::BAD_REQUEST, json!("x-pointsman-policy"))
    );
    let mut body = chat("auto");
    body["pointsman"] = json!({ "policy": "balanced" });
    let answer = running.call_with(Method::POST, path, body.to_string(), &[("x-pointsman-policy", "balanced")]).await;
    assert_eq!(answer.json()["error"]["param"], "x-pointsman-policy");
    body["pointsman"] = json!({ "polcy": "balanced" });
    let answer = ask(&running, &body).await;
    assert_eq!(answer.json()["error"]["param"], "pointsman.polcy", "{}", answer.text());
    running.ended().await;
}
