//! Messages, and the completions that they become.

use serde_json::{Value, json};

use crate::upstream::anthropic::{Garbled, MAX_BLOCKS, reply};
use crate::upstream::failure::Kind;

fn message(content: &Value, stop_reason: &str) -> Value {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": content,
        "stop_reason": stop_reason, "stop_sequence": null, "usage": {"input_tokens": 7, "output_tokens": 3}})
}

/// The message of the only choice, and why it ended.
fn choice(content: &Value, stop_reason: &str) -> (Value, String) {
    let (completion, _) = reply(&message(content, stop_reason), "id", "model", 5).unwrap();
    let choice = &completion["choices"][0];
    (choice["message"].clone(), choice["finish_reason"].as_str().unwrap().to_owned())
}

#[test]
fn a_text_becomes_a_completion() {
    let body = message(&json!([{"type": "text", "text": "The left "}, {"type": "text", "text": "one."}]), "end_turn");
    let (completion, usage) = reply(&body, "chatcmpl-1", "small", 1_700_000_000).unwrap();
    let expected = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000, "model": "small",
        "choices": [{"index": 0, "logprobs": null, "finish_reason": "stop",
            "message": {"role": "assistant", "content": "The left one.", "refusal": null}}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10,
            "prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0}},
    });
    assert_eq!(completion, expected);
    assert_eq!(usage.map(|usage| (usage.prompt, usage.completion, usage.doubtful)), Some((7, 3, false)));
}

#[test]
fn reads_and_writes_of_the_cache_are_prompt_tokens() {
    let mut body = message(&json!([]), "end_turn");
    body["usage"] = json!({"input_tokens": 7, "output_tokens": 3, "cache_read_input_tokens": 50, "cache_creation_input_tokens": 20});
    let (completion, _) = reply(&body, "id", "model", 5).unwrap();
    assert_eq!(completion["usage"]["prompt_tokens"], 77);
    assert_eq!(completion["usage"]["prompt_tokens_details"], json!({"cached_tokens": 50, "cache_write_tokens": 20}));
    // Where nothing is told, nothing is made up.
    body["usage"] = Value::Null;
    let (completion, usage) = reply(&body, "id", "model", 5).unwrap();
    assert_eq!((completion.get("usage"), usage), (None, None));
}

#[test]
fn calls_become_calls() {
    let content = json!([
        {"type": "text", "text": "I add."},
        {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1, "b": [true, null]}},
        {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}},
    ]);
    let (message, finish) = choice(&content, "tool_use");
    assert_eq!(finish, "tool_calls");
    assert_eq!(message["content"], "I add.");
    let call = |id: &str, name: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
    assert_eq!(
        message["tool_calls"],
        json!([call("toolu_1", "add", "{\"a\":1,\"b\":[true,null]}"), call("toolu_2", "now", "{}")])
    );
    let (message, _) = choice(&json!([{"type": "tool_use", "id": "1", "name": "f", "input": {}}]), "tool_use");
    assert_eq!(message["content"], Value::Null);
}

#[test]
fn the_answering_call_is_the_answer() {
    let answer = |input: Value| json!({"type": "tool_use", "id": "1", "name": "answer_in_json", "input": input});
    let text = |text: &str| json!({"type": "text", "text": text});
    let (message, finish) =
        choice(&json!([text("Here:"), answer(json!({"a": 1})), text("There."), answer(json!({"a": 2}))]), "tool_use");
    assert_eq!((&message["content"], message.get("tool_calls"), finish.as_str()), (&json!("{\"a\":1}"), None, "stop"));
    let call = json!({"type": "tool_use", "id": "2", "name": "f", "input": {}});
    let (message, finish) = choice(&json!([call]), "tool_use");
    assert_eq!((message["tool_calls"].as_array().map(Vec::len), finish.as_str()), (Some(1), "tool_calls"));
    let (_, finish) = choice(&json!([answer(json!({}))]), "max_tokens");
    assert_eq!(finish, "length");
}

#[test]
fn only_what_ended_by_itself_is_a_stop() {
    for (stop_reason, finish) in [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("pause_turn", "length"),
        ("refusal", "content_filter"),
        ("brand_new", "stop"),
    ] {
        let (message, found) = choice(&json!([]), stop_reason);
        assert_eq!((found.as_str(), &message["content"]), (finish, &json!("")), "{stop_reason}");
    }
}

#[test]
fn thinking_is_kept_as_it_came_with_its_place() {
    let thinking =
        json!({"type": "thinking", "thinking": "Left\nor right?", "signature": "c2ln\u{e9}==", "new_key": [1]});
    let content =
        json!([thinking, {"type": "text", "text": "Left."}, {"type": "redacted_thinking", "data": "ZGF0YQ=="}]);
    let (message, _) = choice(&content, "end_turn");
    assert_eq!(message["reasoning_content"], "Left\nor right?");
    let mut first = thinking;
    first["index"] = json!(0);
    assert_eq!(
        message["thinking_blocks"],
        json!([first, {"type": "redacted_thinking", "data": "ZGF0YQ==", "index": 2}])
    );
    assert_eq!(message["content"], "Left.");
}

#[test]
fn blocks_of_unknown_kinds_are_passed_over() {
    let (message, _) = choice(&json!([{"type": "hologram", "x": 1}, {"type": "text", "text": "Hi."}]), "end_turn");
    assert_eq!(message["content"], "Hi.");
}

#[test]
fn what_is_no_message_is_garbled() {
    let shape = |field: &'static str, expected: &'static str| Garbled::Shape { field, expected };
    let mut no_reason = message(&json!([]), "");
    no_reason["stop_reason"] = Value::Null;
    for (body, expected) in [
        (json!("<html>"), shape("type", "`message`")),
        (json!({"choices": []}), shape("type", "`message`")),
        (message(&json!("text"), "end_turn"), shape("content", "a list of blocks")),
        (message(&json!([{"text": "x"}]), "end_turn"), shape("content[].type", "a text")),
        (message(&json!(["x"]), "end_turn"), shape("content[].type", "a text")),
        (message(&json!([{"type": "text", "text": 5}]), "end_turn"), shape("content[].text", "a text")),
        (
            message(&json!([{"type": "tool_use", "id": "1", "name": "f"}]), "tool_use"),
            shape("content[].input", "an object"),
        ),
        (
            message(&json!([{"type": "tool_use", "id": "1", "input": {}}]), "tool_use"),
            shape("content[].name", "a text"),
        ),
        (
            message(&json!([{"type": "tool_use", "name": "f", "input": {}}]), "tool_use"),
            shape("content[].id", "a text"),
        ),
        (no_reason, shape("stop_reason", "a text")),
    ] {
        assert_eq!(reply(&body, "id", "model", 5).unwrap_err(), expected, "{body}");
    }
    let blocks = |n: usize| message(&vec![json!({"type": "text", "text": ""}); n].into(), "end_turn");
    assert!(reply(&blocks(MAX_BLOCKS), "id", "model", 5).is_ok());
    assert_eq!(reply(&blocks(MAX_BLOCKS + 1), "id", "model", 5).unwrap_err(), Garbled::TooManyBlocks);
}

#[test]
fn an_error_in_place_of_a_message_keeps_its_meaning() {
    let body = json!({"type": "error", "error": {"type": "overloaded_error", "message": "canary"}});
    let garbled = reply(&body, "id", "model", 5).unwrap_err();
    assert!(!format!("{garbled:?} {garbled}").contains("canary"));
    let Garbled::Refused(refusal) = garbled else { panic!("it is an error of the upstream's: {garbled}") };
    let meaning = refusal.meaning(&[]);
    assert_eq!((meaning.kind, meaning.message.as_str()), (Kind::Overloaded, "canary"));
}
