//! Properties: whole and streamed answers say the same, what was answered goes back as it came, and nothing makes anything panic.

use proptest::prelude::{Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use serde_json::{Map, Value, json};

use crate::upstream::anthropic::{Chunks, reply, request};
use crate::upstream::sse::{Event, Events};

/// Any JSON, with the words of both interfaces among its texts and keys.
fn any_json() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "type",
        "text",
        "content",
        "message",
        "messages",
        "role",
        "user",
        "assistant",
        "tool",
        "system",
        "tool_use",
        "input",
        "id",
        "name",
        "index",
        "delta",
        "thinking",
        "signature",
        "usage",
        "stop_reason",
        "end_turn",
        "error",
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block",
        "text_delta",
        "input_json_delta",
        "message_delta",
        "tools",
        "tool_calls",
        "function",
        "arguments",
        "{}",
        "stop",
        "n",
        "image_url",
        "url",
        "data:image/png;base64,AA==",
        "thinking_blocks",
        "response_format",
        "json_object",
        "reasoning_effort",
        "high",
        "tool_choice",
        "required",
        "max_tokens",
        "code",
    ]);
    let word = words.prop_map(str::to_owned);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
        ".{0,5}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((word.clone(), inner), 0..8)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// A block as a model may write it.
fn block() -> impl Strategy<Value = Value> {
    let input = prop::collection::vec(("[a-c]", any::<i32>().prop_map(Value::from)), 0..3);
    let input = input.prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>()));
    prop_oneof![
        "\\PC{1,12}"
            .prop_filter("white space alone is left out", |text| !text.trim().is_empty())
            .prop_map(|text| json!({"type": "text", "text": text})),
        ("[A-Za-z0-9_-]{1,8}", input)
            .prop_map(|(id, input)| json!({"type": "tool_use", "id": id, "name": "f", "input": input})),
        ("\\PC{0,12}", "\\PC{1,12}").prop_map(
            |(thinking, signature)| json!({"type": "thinking", "thinking": thinking, "signature": signature})
        ),
        "[A-Za-z0-9]{1,8}".prop_map(|opaque| json!({"type": "redacted_thinking", "data": opaque})),
    ]
}

fn message(blocks: &[Value], stop_reason: &str) -> Value {
    json!({"type": "message", "role": "assistant", "content": blocks, "stop_reason": stop_reason,
        "usage": {"input_tokens": 9, "output_tokens": 8, "cache_read_input_tokens": 7}})
}

/// The bytes of the stream that says the same, each text cut in two at this letter.
fn streamed(blocks: &[Value], stop_reason: &str, cut: usize) -> String {
    let mut events = vec![
        json!({"type": "message_start", "message": {"usage": {"input_tokens": 9, "output_tokens": 1, "cache_read_input_tokens": 7}}}),
    ];
    for (place, block) in blocks.iter().enumerate() {
        let mut begun = block.clone();
        let mut pieces = Vec::new();
        let mut takes = |key: &str, kind: &str, said: String| {
            let at = said.char_indices().nth(cut).map_or(said.len(), |(at, _)| at);
            for piece in [&said[..at], &said[at..]] {
                pieces
                    .push(json!({"type": "content_block_delta", "index": place, "delta": {"type": kind, key: piece}}));
            }
        };
        let word = |key: &str| block[key].as_str().unwrap_or_default().to_owned();
        match block["type"].as_str().unwrap() {
            "text" => {
                begun["text"] = json!("");
                takes("text", "text_delta", word("text"));
            }
            "thinking" => {
                (begun["thinking"], begun["signature"]) = (json!(""), json!(""));
                takes("thinking", "thinking_delta", word("thinking"));
                takes("signature", "signature_delta", word("signature"));
            }
            "tool_use" => {
                begun["input"] = json!({});
                takes("partial_json", "input_json_delta", block["input"].to_string());
            }
            _ => {}
        }
        events.push(json!({"type": "content_block_start", "index": place, "content_block": begun}));
        events.extend(pieces);
        events.push(json!({"type": "content_block_stop", "index": place}));
    }
    events.push(json!({"type": "message_delta", "delta": {"stop_reason": stop_reason}, "usage": {"output_tokens": 8}}));
    events.push(json!({"type": "message_stop"}));
    let line = |event: &Value| format!("event: {}\r\ndata: {event}\r\n\r\n", event["type"].as_str().unwrap());
    events.iter().map(line).collect()
}

/// What a client of OpenAI's puts together from chunks: texts and lists grow, pieces of calls find their call by index.
fn assembled(chunks: &[Value]) -> (Value, Value) {
    let mut message = json!({"role": "assistant", "content": null, "refusal": null});
    let mut finish_reason = Value::Null;
    for choice in chunks.iter().filter_map(|chunk| chunk["choices"].get(0)) {
        for (key, piece) in choice["delta"].as_object().unwrap() {
            match (key.as_str(), piece) {
                ("tool_calls", Value::Array(pieces)) => pieces.iter().for_each(|piece| add_call(&mut message, piece)),
                (_, Value::Array(more)) => match &mut message[key] {
                    Value::Array(list) => list.extend(more.iter().cloned()),
                    other => *other = piece.clone(),
                },
                ("role" | "refusal", _) => {}
                (_, Value::String(more)) => match &mut message[key] {
                    Value::String(text) => text.push_str(more),
                    other => *other = piece.clone(),
                },
                other => panic!("no delta holds {other:?}"),
            }
        }
        if !choice["finish_reason"].is_null() {
            finish_reason = choice["finish_reason"].clone();
        }
    }
    (message, finish_reason)
}

fn add_call(message: &mut Value, piece: &Value) {
    let index = usize::try_from(piece["index"].as_u64().unwrap()).unwrap();
    if message["tool_calls"].is_null() {
        message["tool_calls"] = json!([]);
    }
    let calls = message["tool_calls"].as_array_mut().unwrap();
    if index == calls.len() {
        let mut call = piece.clone();
        call.as_object_mut().unwrap().remove("index");
        calls.push(call);
        return;
    }
    let Value::String(arguments) = &mut calls[index]["function"]["arguments"] else {
        panic!("a call begins with its arguments")
    };
    arguments.push_str(piece["function"]["arguments"].as_str().unwrap());
}

#[test]
fn keys_keep_the_order_in_which_they_were_written() {
    let arguments = r#"{"why":"so","answer":4}"#;
    let messages: Value = serde_json::from_str(&format!(
        r#"[{{"role":"user","content":"x"}},{{"role":"assistant","tool_calls":[{{"id":"a","type":"function","function":{{"name":"f","arguments":{}}}}}]}},
        {{"role":"tool","tool_call_id":"a","content":"y"}}]"#,
        json!(arguments)
    ))
    .unwrap();
    let parameters: Value =
        serde_json::from_str(r#"{"type":"object","properties":{"why":{"type":"string"},"answer":{"type":"number"}}}"#)
            .unwrap();
    let tools = json!([{"type": "function", "function": {"name": "f", "parameters": parameters}}]);
    let chat = json!({ "messages": messages, "tools": tools });
    let sent = request(chat.as_object().unwrap(), "claude", 100).unwrap().to_string();
    assert!(sent.contains(arguments), "{sent}");
    assert!(sent.contains(&parameters.to_string()), "{sent}");
}

proptest! {
    #[test]
    fn a_streamed_answer_says_what_the_whole_one_says(blocks in prop::collection::vec(block(), 0..5), cut in 0_usize..9, size in 1_usize..50) {
        let has_calls = blocks.iter().any(|block| block["type"] == "tool_use");
        let stop_reason = if has_calls { "tool_use" } else { "end_turn" };
        let (whole, usage) = reply(&message(&blocks, stop_reason), "id", "m", 5).unwrap();
        let (mut stream, mut events) = (Events::default(), Vec::new());
        for piece in streamed(&blocks, stop_reason, cut).as_bytes().chunks(size) {
            stream.push(piece, &mut events).unwrap();
        }
        prop_assert!(stream.end().is_ok());
        let mut chunks = Chunks::new("id", "m", 5, true);
        let made: Vec<Value> = events.iter().flat_map(|event| chunks.push(event).unwrap()).collect();
        prop_assert!(chunks.is_complete());
        prop_assert_eq!(chunks.usage(), usage);
        prop_assert_eq!(&made.last().unwrap()["usage"], &whole["usage"]);
        let (mut message, finish_reason) = assembled(&made);
        let mut expected = whole["choices"][0]["message"].clone();
        // A stream begins with an empty content whatever comes; a whole message without text and with calls has none.
        for message in [&mut message, &mut expected] {
            if message["content"] == "" {
                message["content"] = Value::Null;
            }
        }
        prop_assert_eq!(message, expected);
        prop_assert_eq!(&finish_reason, &whole["choices"][0]["finish_reason"]);
    }

    #[test]
    fn what_was_answered_goes_back_as_it_came(thinking in prop::collection::vec(block().prop_filter("thinking", |block| block.get("signature").is_some() || block.get("data").is_some()), 0..3), text in "[a-z]{1,9}", n_calls in 0_usize..3) {
        // The usual order: thinking, one text, calls.
        let call = |n: usize| json!({"type": "tool_use", "id": format!("toolu_{n}"), "name": "f", "input": {"n": n}});
        let blocks: Vec<Value> = thinking.iter().cloned().chain([json!({"type": "text", "text": text})]).chain((0..n_calls).map(call)).collect();
        let (completion, _) = reply(&message(&blocks, "end_turn"), "id", "m", 5).unwrap();
        let chat = json!({"messages": [{"role": "user", "content": "x"}, completion["choices"][0]["message"], {"role": "user", "content": "y"}]});
        let body = request(chat.as_object().unwrap(), "m", 10).unwrap();
        prop_assert_eq!(&body["messages"][1]["content"], &json!(blocks));
    }

    #[test]
    fn any_json_is_an_answer_or_an_error(value in any_json(), fields in any_json()) {
        crate::fuzz::answer(value.to_string().as_bytes());
        let message = json!({"type": "message", "content": value, "stop_reason": "end_turn", "usage": fields});
        crate::fuzz::answer(message.to_string().as_bytes());
        let mut chat = json!({"messages": value, "tools": fields, "tool_choice": fields, "response_format": fields});
        crate::fuzz::answer(chat.to_string().as_bytes());
        chat["messages"] = json!([{"role": "user", "content": value}, {"role": "assistant", "tool_calls": value, "content": fields, "thinking_blocks": fields}]);
        crate::fuzz::answer(chat.to_string().as_bytes());
    }

    #[test]
    fn any_events_are_chunks_or_an_error(values in prop::collection::vec(any_json(), 0..6)) {
        let mut chunks = Chunks::new("id", "m", 5, true);
        let start = json!({"type": "message_start", "message": values.first()});
        for value in std::iter::once(&start).chain(&values) {
            for kind in ["content_block_start", "content_block_delta", "content_block_stop", "message_delta"] {
                let event = json!({"type": kind, "index": 0, "content_block": value, "delta": value, "usage": value});
                for value in [value, &event] {
                    let _ = chunks.push(&Event { name: None, text: value.to_string() });
                    let _ = chunks.usage();
                }
            }
        }
    }

    #[test]
    fn any_bytes_of_a_stream_or_an_answer_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        crate::fuzz::stream(&bytes);
        crate::fuzz::answer(&bytes);
    }
}
