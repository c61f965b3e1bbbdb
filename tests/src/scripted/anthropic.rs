//! Answers in Anthropic's shape.

use serde_json::{Value, json};

use super::{Answer, Call, Told};

/// A whole answer.
pub(super) fn message(answer: &Answer, call: &Call) -> Value {
    let mut message = json!({
        "id": format!("msg_{}", call.ordinal), "type": "message", "role": "assistant", "model": call.body["model"],
        "content": blocks(answer), "stop_reason": stop_reason(answer), "stop_sequence": null,
    });
    if let Some(usage) = usage(answer) {
        message["usage"] = usage;
    }
    message
}

/// A streamed answer, event by event.
pub(super) fn events(answer: &Answer, call: &Call) -> Vec<Vec<u8>> {
    let mut begun = message(answer, call);
    (begun["content"], begun["stop_reason"]) = (json!([]), Value::Null);
    if begun["usage"]["output_tokens"].as_u64().is_some() {
        begun["usage"]["output_tokens"] = json!(1);
    }
    let mut events = vec![json!({ "type": "message_start", "message": begun }), json!({ "type": "ping" })];
    for (place, block) in blocks(answer).iter().enumerate() {
        stream_block(place, block, answer, &mut events);
    }
    let mut told =
        json!({ "type": "message_delta", "delta": { "stop_reason": stop_reason(answer), "stop_sequence": null } });
    if let Some(usage) = usage(answer) {
        told["usage"] = json!({ "output_tokens": usage["output_tokens"] });
    }
    events.extend([told, json!({ "type": "message_stop" })]);
    let line = |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default());
    events.iter().map(|event| line(event).into_bytes()).collect()
}

/// An error.
pub(super) fn error(kind: &str, message: &str) -> Value {
    json!({ "type": "error", "error": { "type": kind, "message": message }, "request_id": "req_1" })
}

fn stream_block(place: usize, block: &Value, answer: &Answer, events: &mut Vec<Value>) {
    let mut begun = block.clone();
    let delta = |kind: &str, key: &str, piece: &Value| json!({ "type": "content_block_delta", "index": place, "delta": { "type": kind, key: piece } });
    let deltas: Vec<Value> = match block["type"].as_str() {
        Some("text") => {
            begun["text"] = json!("");
            answer.pieces().map(|piece| delta("text_delta", "text", &piece.into())).collect()
        }
        Some("thinking") => {
            (begun["thinking"], begun["signature"]) = (json!(""), json!(""));
            vec![
                delta("thinking_delta", "thinking", &block["thinking"]),
                delta("signature_delta", "signature", &block["signature"]),
            ]
        }
        _ => {
            begun["input"] = json!({});
            let input = block["input"].to_string();
            let (head, tail) = input.split_at(1); // It is an object, so its first letter is a brace.
            vec![
                delta("input_json_delta", "partial_json", &head.into()),
                delta("input_json_delta", "partial_json", &tail.into()),
            ]
        }
    };
    events.push(json!({ "type": "content_block_start", "index": place, "content_block": begun }));
    events.extend(deltas);
    events.push(json!({ "type": "content_block_stop", "index": place }));
}

fn blocks(answer: &Answer) -> Vec<Value> {
    let thinking = answer.thinking.iter();
    let thinking =
        thinking.map(|(text, signature)| json!({ "type": "thinking", "thinking": text, "signature": signature }));
    let text = (!answer.text.is_empty()).then(|| json!({ "type": "text", "text": answer.text }));
    let calls = answer.calls.iter().map(|(id, name, arguments)| {
        let input: Value = serde_json::from_str(arguments).unwrap_or_else(|_| json!({}));
        json!({ "type": "tool_use", "id": id, "name": name, "input": input })
    });
    thinking.chain(text).chain(calls).collect()
}

fn stop_reason(answer: &Answer) -> &'static str {
    if answer.calls.is_empty() { "end_turn" } else { "tool_use" }
}

fn usage(answer: &Answer) -> Option<Value> {
    match &answer.told {
        Told::Counts { prompt, cached, cache_write, completion } => Some(json!({
            "input_tokens": prompt.saturating_sub(*cached).saturating_sub(*cache_write), "output_tokens": completion,
            "cache_read_input_tokens": cached, "cache_creation_input_tokens": cache_write,
        })),
        Told::Nothing => None,
        Told::Lie(lie) => Some(json!({ "input_tokens": lie, "output_tokens": lie })),
    }
}
