//! Calls that are forwarded, end to end: a client of OpenAI's interface on one side, providers that follow a script on the other.

use std::net::SocketAddr;

use http::StatusCode;
use router_service::Settings;
use serde_json::{Value, json};

use super::{Reply, Running, settings};

mod accounts;
mod anthropic;
mod chaos;
mod complete;
mod failover;
mod hedging;
mod passing;
mod patience;
mod provider;
mod streams;
mod ways;

use provider::Provider;

/// Two models of the built-in catalog: the second is the dearer.
const CHEAP: &str = "gpt-4o-mini-2024-07-18";
const DEAR: &str = "gpt-4-0613";

/// Settings with these providers, each with the models it serves.
fn forwarding(providers: &[(&Provider, &[&str])]) -> Settings {
    forwarding_with(providers, "")
}

/// The same with more of the configuration.
fn forwarding_with(providers: &[(&Provider, &[&str])], more: &str) -> Settings {
    let mut text = String::from(more);
    for (place, (provider, models)) in providers.iter().enumerate() {
        text.push_str(&entry(place, provider.address, models));
    }
    configured(&text)
}

/// One provider at this address, which serves the dearer model, and more of the configuration.
fn forwarding_at(address: SocketAddr, more: &str) -> Settings {
    configured(&format!("{more}{}", entry(0, address, &[DEAR])))
}

fn entry(place: usize, address: SocketAddr, models: &[&str]) -> String {
    let mut text =
        format!("\n[[provider]]\nname = \"p{place}\"\nbase_url = \"http://{address}/v1\"\napi_key_env = \"KEY\"\n");
    for model in models {
        text.push_str(&format!("[[provider.model]]\nid = \"{model}\"\nupstream = \"up-{model}\"\n"));
    }
    text
}

/// Settings with what this text says of forwarding.
fn configured(text: &str) -> Settings {
    let environment = [("KEY".to_owned(), "canary-key-5b1e".to_owned())].into();
    let read = Settings::from_text(text, std::path::Path::new(""), &environment).expect("the configuration is good");
    Settings { forwarding: read.forwarding, ..settings() }
}

fn chat(model: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": "Which lever moves the points?" }] })
}

fn streamed(model: &str) -> Value {
    let mut chat = chat(model);
    chat["stream"] = json!(true);
    chat["stream_options"] = json!({ "include_usage": true });
    chat
}

async fn ask(running: &Running, body: &Value) -> Reply {
    running.post("/v1/chat/completions", body.to_string()).await
}

/// The events of a streamed answer, each as JSON but for the last word.
fn events(reply: &Reply) -> Vec<Value> {
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let text = reply.text();
    let events = text.split("\n\n").filter_map(|event| event.strip_prefix("data: "));
    events
        .map(
            |event| {
                if event == "[DONE]" { json!("[DONE]") } else { serde_json::from_str(event).expect("an event is JSON") }
            },
        )
        .collect()
}

fn text_of(events: &[Value]) -> String {
    events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect()
}
