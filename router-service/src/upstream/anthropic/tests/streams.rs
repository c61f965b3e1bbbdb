//! Events of a message, and the chunks that they become.

use serde_json::{Value, json};

use crate::upstream::anthropic::{Chunks, Garbled, MAX_BLOCKS, MAX_THINKING_BYTES};
use crate::upstream::failure::Kind;
use crate::upstream::sse::Event;

fn event(event: &Value) -> Event {
    Event { name: event["type"].as_str().map(str::to_owned), text: event.to_string() }
}

fn chunks() -> Chunks {
    Chunks::new("chatcmpl-1", "small", 5, false)
}

/// What comes of all events; the first error ends it.
fn pushed(chunks: &mut Chunks, events: &[Value]) -> Result<Vec<Value>, Garbled> {
    let mut all = Vec::new();
    for value in events {
        all.extend(chunks.push(&event(value))?);
    }
    Ok(all)
}

fn start() -> Value {
    json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "content": [],
        "model": "claude-x", "stop_reason": null, "usage": {"input_tokens": 7, "output_tokens": 1, "cache_read_input_tokens": 2}}})
}

fn open(index: u64, block: &Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn delta(index: u64, kind: &str, key: &str, piece: &str) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": {"type": kind, key: piece}})
}

fn close(index: u64) -> Value {
    json!({"type": "content_block_stop", "index": index})
}

fn told(stop_reason: &str) -> Value {
    json!({"type": "message_delta", "delta": {"stop_reason": stop_reason, "stop_sequence": null}, "usage": {"output_tokens": 30}})
}

fn stop() -> Value {
    json!({"type": "message_stop"})
}

fn text_block() -> Value {
    json!({"type": "text", "text": ""})
}

fn call_block(name: &str, input: &Value) -> Value {
    json!({"type": "tool_use", "id": "toolu_1", "name": name, "input": input})
}

/// The deltas of a whole message between its role and its end, and why it ended.
#[track_caller]
fn check(blocks: &[Value], stop_reason: &str, expected: &Value, finish: &str) {
    let events = [&[start()], blocks, &[told(stop_reason), stop()]].concat();
    let mut chunks = chunks();
    let made = pushed(&mut chunks, &events).unwrap();
    assert!(chunks.is_complete());
    let role = json!({"role": "assistant", "content": "", "refusal": null});
    assert_eq!(made[0]["choices"][0]["delta"], role);
    let (last, between) = made[1..].split_last().unwrap();
    let deltas: Vec<Value> = between.iter().map(|chunk| chunk["choices"][0]["delta"].clone()).collect();
    assert_eq!(&json!(deltas), expected);
    assert_eq!(last["choices"][0], json!({"index": 0, "delta": {}, "logprobs": null, "finish_reason": finish}));
    assert!(made.iter().rev().skip(1).all(|chunk| chunk["choices"][0]["finish_reason"].is_null()));
}

#[test]
fn a_text_becomes_chunks() {
    let events = [
        json!({"type": "ping"}),
        start(),
        open(0, &text_block()),
        json!({"type": "ping"}),
        delta(0, "text_delta", "text", "Left"),
        delta(0, "text_delta", "text", ""),
        delta(0, "text_delta", "text", "."),
        close(0),
        told("end_turn"),
        stop(),
    ];
    let made = pushed(&mut chunks(), &events).unwrap();
    let chunk = |delta: Value, finish: Value| {
        json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 5, "model": "small",
            "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]})
    };
    let expected = [
        chunk(json!({"role": "assistant", "content": "", "refusal": null}), json!(null)),
        chunk(json!({"content": "Left"}), json!(null)),
        chunk(json!({"content": "."}), json!(null)),
        chunk(json!({}), json!("stop")),
    ];
    assert_eq!(made, expected);
}

#[test]
fn usage_comes_last_where_it_was_asked_for() {
    let mut asked = Chunks::new("id", "m", 5, true);
    let made = pushed(&mut asked, &[start(), told("end_turn"), stop()]).unwrap();
    assert!(made[0].as_object().unwrap().contains_key("usage") && made[0]["usage"].is_null());
    let last = made.last().unwrap();
    assert_eq!(last["choices"], json!([]));
    let usage = json!({"prompt_tokens": 9, "completion_tokens": 30, "total_tokens": 39,
        "prompt_tokens_details": {"cached_tokens": 2}, "completion_tokens_details": {"reasoning_tokens": 0}});
    assert_eq!(last["usage"], usage);
    let silent = pushed(&mut chunks(), &[start(), told("end_turn"), stop()]).unwrap();
    assert!(silent.iter().all(|chunk| chunk.get("usage").is_none()));
}

#[test]
fn counts_that_are_not_the_last_are_doubted() {
    let mut chunks = chunks();
    assert_eq!(chunks.usage(), None);
    pushed(&mut chunks, &[start()]).unwrap();
    let usage = chunks.usage().unwrap();
    assert_eq!((usage.prompt, usage.cached_prompt, usage.completion, usage.doubtful), (9, 2, 1, true));
    pushed(&mut chunks, &[told("end_turn")]).unwrap();
    let usage = chunks.usage().unwrap();
    assert_eq!((usage.prompt, usage.completion, usage.doubtful), (9, 30, false));
    // Counts only grow; one that is none is doubted.
    let smaller = json!({"type": "message_delta", "delta": {}, "usage": {"output_tokens": 4, "input_tokens": 0}});
    pushed(&mut chunks, &[smaller]).unwrap();
    assert_eq!(chunks.usage().map(|usage| (usage.prompt, usage.completion, usage.doubtful)), Some((9, 30, false)));
    let absurd = json!({"type": "message_delta", "delta": {}, "usage": {"output_tokens": -4}});
    pushed(&mut chunks, &[absurd]).unwrap();
    assert!(chunks.usage().unwrap().doubtful);
}

#[test]
fn calls_come_in_pieces() {
    let call = |index: u64, function: Value| json!({"tool_calls": [{"index": index, "function": function}]});
    let begun = |index: u64, name: &str| json!({"tool_calls": [{"index": index, "id": "toolu_1", "type": "function", "function": {"name": name, "arguments": ""}}]});
    check(
        &[
            open(0, &text_block()),
            delta(0, "text_delta", "text", "I add."),
            close(0),
            open(1, &call_block("add", &json!({}))),
            delta(1, "input_json_delta", "partial_json", ""),
            delta(1, "input_json_delta", "partial_json", "{\"a\""),
            delta(1, "input_json_delta", "partial_json", ": 1}"),
            close(1),
            open(2, &call_block("now", &json!({}))),
            close(2),
            open(3, &call_block("whole", &json!({"b": 2}))),
            close(3),
        ],
        "tool_use",
        &json!([
            {"content": "I add."},
            begun(0, "add"),
            call(0, json!({"arguments": "{\"a\""})),
            call(0, json!({"arguments": ": 1}"})),
            begun(1, "now"),
            call(1, json!({"arguments": "{}"})),
            begun(2, "whole"),
            call(2, json!({"arguments": "{\"b\":2}"})),
        ]),
        "tool_calls",
    );
}

#[test]
fn the_answering_call_is_the_answer() {
    let answer = call_block("answer_in_json", &json!({}));
    let pieces = [
        open(0, &answer),
        delta(0, "input_json_delta", "partial_json", "{\"a\""),
        delta(0, "input_json_delta", "partial_json", ": 1}"),
        close(0),
        open(1, &answer),
        delta(1, "input_json_delta", "partial_json", "{}"),
        close(1),
        open(2, &text_block()),
        delta(2, "text_delta", "text", "There."),
        close(2),
    ];
    check(&pieces, "tool_use", &json!([{"content": "{\"a\""}, {"content": ": 1}"}]), "stop");
    check(&[open(0, &answer), close(0)], "tool_use", &json!([{"content": "{}"}]), "stop");
}

#[test]
fn thinking_is_shown_as_it_comes_and_kept_when_it_is_signed() {
    check(
        &[
            open(0, &json!({"type": "thinking", "thinking": "", "signature": ""})),
            delta(0, "thinking_delta", "thinking", "Left"),
            delta(0, "thinking_delta", "thinking", " or right?\n"),
            delta(0, "signature_delta", "signature", "c2ln"),
            delta(0, "signature_delta", "signature", "\u{e9}=="),
            close(0),
            open(1, &json!({"type": "redacted_thinking", "data": "ZGF0YQ=="})),
            close(1),
            open(2, &text_block()),
            delta(2, "text_delta", "text", "Left."),
            close(2),
        ],
        "end_turn",
        &json!([
            {"reasoning_content": "Left"},
            {"reasoning_content": " or right?\n"},
            {"thinking_blocks": [{"index": 0, "type": "thinking", "thinking": "Left or right?\n", "signature": "c2ln\u{e9}=="}]},
            {"thinking_blocks": [{"index": 1, "type": "redacted_thinking", "data": "ZGF0YQ=="}]},
            {"content": "Left."},
        ]),
        "stop",
    );
}

#[test]
fn unknown_kinds_of_events_blocks_and_deltas_are_passed_over() {
    check(
        &[
            json!({"type": "brand_new"}),
            open(0, &json!({"type": "hologram"})),
            delta(0, "text_delta", "text", "x"),
            delta(0, "hologram_delta", "x", "x"),
            close(0),
            open(1, &text_block()),
            delta(1, "citations_delta", "citation", "x"),
            delta(1, "text_delta", "text", "Hi."),
            close(1),
            close(7),
        ],
        "max_tokens",
        &json!([{"content": "Hi."}]),
        "length",
    );
}

#[test]
fn blocks_that_nobody_closed_are_closed_by_the_end() {
    check(
        &[open(0, &call_block("now", &json!({})))],
        "tool_use",
        &json!([
            {"tool_calls": [{"index": 0, "id": "toolu_1", "type": "function", "function": {"name": "now", "arguments": ""}}]},
            {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]},
        ]),
        "tool_calls",
    );
}

#[test]
fn a_stream_without_its_end_never_looks_whole() {
    let mut chunks = chunks();
    let made = pushed(&mut chunks, &[start(), open(0, &text_block()), close(0), told("end_turn")]).unwrap();
    assert!(!chunks.is_complete());
    assert!(made.iter().all(|chunk| chunk["choices"][0]["finish_reason"].is_null()));
}

#[test]
fn events_have_an_order_and_a_shape() {
    let order = |expected: &'static str, found: &'static str| Garbled::Order { expected, found };
    let shape = |field: &'static str, expected: &'static str| Garbled::Shape { field, expected };
    for (events, expected) in [
        (vec![stop()], order("message_start", "another event")),
        (vec![start(), start()], order("one message", "message_start")),
        (vec![start(), stop()], order("a reason for the end", "message_stop")),
        (vec![start(), told("end_turn"), stop(), stop()], order("the end", "another event")),
        (
            vec![start(), open(0, &text_block()), open(0, &text_block())],
            order("the end of a block", "content_block_start"),
        ),
        (
            vec![start(), delta(0, "text_delta", "text", "x")],
            order("a piece of an open block of its kind", "content_block_delta"),
        ),
        (
            vec![start(), open(0, &text_block()), delta(0, "signature_delta", "signature", "x")],
            order("a piece of an open block of its kind", "content_block_delta"),
        ),
        (
            vec![start(), open(0, &text_block()), delta(0, "input_json_delta", "partial_json", "x")],
            order("a piece of an open block of its kind", "content_block_delta"),
        ),
        (vec![json!({"x": 1})], shape("type", "a text")),
        (vec![json!([])], shape("type", "a text")),
        (vec![start(), json!({"type": "content_block_start", "content_block": {}})], shape("index", "a whole number")),
        (vec![start(), json!({"type": "content_block_start", "index": 0})], shape("content_block", "an object")),
        (vec![start(), open(0, &json!({}))], shape("content_block.type", "a text")),
        (vec![start(), open(0, &json!({"type": "tool_use", "id": "1"}))], shape("content_block.name", "a text")),
        (vec![start(), open(0, &json!({"type": "tool_use", "name": "f"}))], shape("content_block.id", "a text")),
        (vec![start(), json!({"type": "content_block_delta", "index": 0})], shape("delta", "an object")),
        (
            vec![start(), open(0, &text_block()), delta(0, "text_delta", "txt", "x")],
            shape("delta", "a text under the key of its type"),
        ),
    ] {
        assert_eq!(pushed(&mut chunks(), &events).unwrap_err(), expected, "{events:?}");
    }
    let not_json = Event { name: None, text: "{\"type\": ".to_owned() };
    assert_eq!(chunks().push(&not_json).unwrap_err(), Garbled::NotJson);
}

#[test]
fn an_error_in_the_stream_keeps_its_meaning() {
    for (kind, meant) in
        [("overloaded_error", Kind::Overloaded), ("api_error", Kind::Broken), ("rate_limit_error", Kind::RateLimited)]
    {
        let error = json!({"type": "error", "error": {"type": kind, "message": "canary"}});
        let garbled = pushed(&mut chunks(), &[start(), error]).unwrap_err();
        assert!(!format!("{garbled:?} {garbled}").contains("canary"));
        let Garbled::Refused(refusal) = garbled else { panic!("it is an error of the upstream's: {garbled}") };
        assert_eq!(refusal.meaning(&[]).kind, meant);
    }
}

#[test]
fn blocks_and_thinking_have_a_limit() {
    let many = |n: usize| {
        let mut chunks = chunks();
        pushed(&mut chunks, &[start()]).unwrap();
        (0..n as u64).try_for_each(|place| pushed(&mut chunks, &[open(place, &text_block()), close(place)]).map(drop))
    };
    assert_eq!(many(MAX_BLOCKS), Ok(()));
    assert_eq!(many(MAX_BLOCKS + 1), Err(Garbled::TooManyBlocks));
    let thinking = |n_beyond: usize| {
        let mut chunks = chunks();
        let block = json!({"type": "thinking", "thinking": "", "signature": ""});
        pushed(&mut chunks, &[start(), open(0, &block)]).unwrap();
        let half = "x".repeat(MAX_THINKING_BYTES / 2);
        let events = [
            delta(0, "thinking_delta", "thinking", &half),
            delta(0, "signature_delta", "signature", &half["thinking".len()..]), // The block's type weighs, too.
            delta(0, "thinking_delta", "thinking", &"x".repeat(n_beyond)),
        ];
        pushed(&mut chunks, &events).map(drop)
    };
    assert_eq!(thinking(0), Ok(()));
    assert_eq!(thinking(1), Err(Garbled::TooMuchThinking));
}
