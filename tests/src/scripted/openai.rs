//! Answers in OpenAI's shape.

use serde_json::{Value, json};

use super::{Answer, Call, Told};

/// A whole answer.
pub(super) fn completion(answer: &Answer, call: &Call) -> Value {
    let mut message = json!({ "role": "assistant", "content": answer.text, "refusal": null });
    if !answer.calls.is_empty() {
        let calls = answer.calls.iter().map(|(id, name, arguments)| {
            json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } })
        });
        message["tool_calls"] = calls.collect();
    }
    let choice = json!({ "index": 0, "message": message, "logprobs": null, "finish_reason": finish_reason(answer) });
    let mut completion = json!({
        "id": format!("chatcmpl-{}", call.ordinal), "object": "chat.completion", "created": 1_700_000_000, "model": call.body["model"],
        "choices": [choice],
    });
    if let Some(usage) = usage(answer) {
        completion["usage"] = usage;
    }
    completion
}

/// A streamed answer, event by event.
pub(super) fn events(answer: &Answer, call: &Call) -> Vec<Vec<u8>> {
    let chunk = |choices: Value, usage: Value| {
        let chunk = json!({
            "id": format!("chatcmpl-{}", call.ordinal), "object": "chat.completion.chunk", "created": 1_700_000_000,
            "model": call.body["model"], "choices": choices, "usage": usage,
        });
        format!("data: {chunk}\n\n").into_bytes()
    };
    let delta = |delta: Value, finish: Value| {
        chunk(json!([{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish }]), Value::Null)
    };
    let mut events = vec![delta(json!({ "role": "assistant", "content": "", "refusal": null }), Value::Null)];
    events.extend(answer.pieces().map(|piece| delta(json!({ "content": piece }), Value::Null)));
    for (index, (id, name, arguments)) in answer.calls.iter().enumerate() {
        let begun =
            json!({ "index": index, "id": id, "type": "function", "function": { "name": name, "arguments": "" } });
        events.push(delta(json!({ "tool_calls": [begun] }), Value::Null));
        let piece = json!({ "index": index, "function": { "arguments": arguments } });
        events.push(delta(json!({ "tool_calls": [piece] }), Value::Null));
    }
    events.push(delta(json!({}), finish_reason(answer).into()));
    if call.body["stream_options"]["include_usage"] == true {
        events.extend(usage(answer).map(|usage| chunk(json!([]), usage)));
    }
    events.push(b"data: [DONE]\n\n".to_vec());
    events
}

/// An error.
pub(super) fn error(kind: &str, message: &str) -> Value {
    json!({ "error": { "message": message, "type": kind, "param": null, "code": kind } })
}

fn finish_reason(answer: &Answer) -> &'static str {
    if answer.calls.is_empty() { "stop" } else { "tool_calls" }
}

fn usage(answer: &Answer) -> Option<Value> {
    match &answer.told {
        Told::Counts { prompt, cached, cache_write: _, completion } => Some(json!({
            "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
            "prompt_tokens_details": { "cached_tokens": cached },
        })),
        Told::Nothing => None,
        Told::Lie(lie) => Some(json!({ "prompt_tokens": lie, "completion_tokens": lie, "total_tokens": lie })),
    }
}
