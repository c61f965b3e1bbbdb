//! Chat requests, and the requests for a message that they become.

use serde_json::{Map, Value, json};

use crate::upstream::anthropic::request;

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("an object was to be written, found {other}"),
    }
}

/// A request with a question, and these fields beside it.
fn asked(fields: Value) -> Value {
    let mut chat = object(json!({ "model": "auto", "messages": [{ "role": "user", "content": "Which lever?" }] }));
    chat.extend(object(fields));
    request(&chat, "claude-sonnet-4-5", 1_000).unwrap()
}

fn complaint(fields: Value) -> String {
    let mut chat = object(json!({ "model": "auto", "messages": [{ "role": "user", "content": "Which lever?" }] }));
    chat.extend(object(fields));
    request(&chat, "claude-sonnet-4-5", 1_000).unwrap_err().to_string()
}

/// These fields become those, beside model, messages and limit; a null here says that a key is not there.
#[track_caller]
fn check(fields: Value, expected: Value) {
    let shown = fields.to_string();
    let body = asked(fields);
    for (key, value) in object(expected) {
        assert_eq!(body[&key], value, "{key} of {shown}");
    }
}

/// These messages become that system text and those turns.
#[track_caller]
fn conversation(messages: &Value, system: &Value, turns: &Value) {
    let body = asked(json!({ "messages": messages }));
    assert_eq!(&body["system"], system);
    assert_eq!(&body["messages"], turns);
}

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

#[test]
fn a_question_becomes_a_request_with_a_limit() {
    let expected = json!({
        "model": "claude-sonnet-4-5", "max_tokens": 1000,
        "messages": [{ "role": "user", "content": [text("Which lever?")] }],
    });
    assert_eq!(asked(json!({})), expected);
    let everything_usual = json!({
        "n": 1, "logprobs": false, "top_logprobs": 0, "logit_bias": {}, "frequency_penalty": 0, "presence_penalty": 0.0,
        "modalities": ["text"], "audio": null, "functions": null, "seed": 7, "store": true, "metadata": {"a": "b"},
        "service_tier": "auto", "prompt_cache_key": "k", "prediction": {"type": "content", "content": "x"}, "verbosity": "low",
        "stream_options": {"include_usage": true}, "temperature": 1, "top_p": 1, "stop": null, "tools": null,
        "response_format": {"type": "text"}, "reasoning_effort": null, "pointsman": {"policy": "x"},
    });
    assert_eq!(asked(everything_usual), expected);
}

#[test]
fn plain_fields_travel() {
    check(json!({"max_tokens": 5}), json!({"max_tokens": 5}));
    check(json!({"max_tokens": 5, "max_completion_tokens": 6}), json!({"max_tokens": 6}));
    check(json!({"max_tokens": 5, "max_completion_tokens": null}), json!({"max_tokens": 5}));
    check(json!({"temperature": 0.2, "top_p": 0.5}), json!({"temperature": 0.2, "top_p": 0.5}));
    check(json!({"temperature": 1.7}), json!({"temperature": null}));
    check(json!({"stop": "END"}), json!({"stop_sequences": ["END"]}));
    check(json!({"stop": ["a", "b"]}), json!({"stop_sequences": ["a", "b"]}));
    check(json!({"stop": []}), json!({"stop_sequences": null}));
    check(json!({"stream": true}), json!({"stream": true}));
    check(json!({"user": "u-1"}), json!({"metadata": {"user_id": "u-1"}}));
    check(json!({"safety_identifier": "s-1"}), json!({"metadata": {"user_id": "s-1"}}));
    // Nobody here knows these; the upstream may.
    check(json!({"top_k": 5, "brand_new": {"x": [1]}}), json!({"top_k": 5, "brand_new": {"x": [1]}}));
}

#[test]
fn what_cannot_be_said_is_named() {
    for (fields, expected) in [
        (json!({"n": 2}), "n: an Anthropic provider takes only 1"),
        (json!({"logprobs": true}), "logprobs: an Anthropic provider takes only false"),
        (json!({"top_logprobs": 3}), "top_logprobs: an Anthropic provider takes only 0"),
        (json!({"logit_bias": {"5": 1}}), "logit_bias: an Anthropic provider takes only an empty object"),
        (json!({"frequency_penalty": 0.1}), "frequency_penalty: an Anthropic provider takes only 0"),
        (json!({"modalities": ["text", "audio"]}), "modalities: an Anthropic provider takes only [\"text\"]"),
        (json!({"audio": {}}), "audio: an Anthropic provider takes only nothing"),
        (json!({"functions": []}), "functions: an Anthropic provider takes only nothing here; `tools` says the same"),
        (
            json!({"system": "x"}),
            "system: an Anthropic provider takes only nothing here; a message with the role `system` says the same",
        ),
        (json!({"max_tokens": 0}), "max_tokens: an Anthropic provider takes only a whole number from 1 on"),
        (
            json!({"max_completion_tokens": -1}),
            "max_completion_tokens: an Anthropic provider takes only a whole number from 1 on",
        ),
        (json!({"temperature": 2.5}), "temperature: an Anthropic provider takes only a number between 0 and 2"),
        (json!({"top_p": "x"}), "top_p: an Anthropic provider takes only a number between 0 and 1"),
        (json!({"stop": "\n"}), "stop: an Anthropic provider takes only texts that are not only white space"),
        (json!({"stop": 5}), "stop: an Anthropic provider takes only a text"),
        (json!({"stream": "yes"}), "stream: an Anthropic provider takes only true or false"),
        (json!({"user": 5}), "user: an Anthropic provider takes only a text"),
        (
            json!({"response_format": {"type": "grammar"}}),
            "response_format.type: an Anthropic provider takes only one of `text`, `json_object`, `json_schema`",
        ),
        (
            json!({"response_format": {"type": "json_schema"}}),
            "response_format.json_schema: an Anthropic provider takes only an object",
        ),
        (
            json!({"reasoning_effort": "enormous"}),
            "reasoning_effort: an Anthropic provider takes only one of `none`, `minimal`, `low`, `medium`, `high`, `xhigh`",
        ),
        (json!({"output_config": 1}), "output_config: an Anthropic provider takes only an object"),
        (json!({"tools": {}}), "tools: an Anthropic provider takes only a list of tools"),
        (json!({"tools": [{"type": "custom"}]}), "tools[0].type: an Anthropic provider takes only `function`"),
        (json!({"tools": [{"type": "function"}]}), "tools[0].function: an Anthropic provider takes only an object"),
        (
            json!({"tools": [{"type": "function", "function": {"name": "answer_in_json"}}]}),
            "tools[0].function.name: an Anthropic provider takes only another name than `answer_in_json`",
        ),
        (
            json!({"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "maybe"}),
            "tool_choice: an Anthropic provider takes only `none`, `auto`, `required` or the name of a function",
        ),
        (json!({"parallel_tool_calls": 1}), "parallel_tool_calls: an Anthropic provider takes only true or false"),
        (json!({"messages": "x"}), "messages: an Anthropic provider takes only a list of messages"),
        (json!({"messages": []}), "messages: an Anthropic provider takes only conversations with something to answer"),
        (json!({"messages": [5]}), "messages[0]: an Anthropic provider takes only an object"),
    ] {
        assert_eq!(complaint(fields), expected);
    }
}

#[test]
fn a_message_that_cannot_be_said_is_named_and_not_quoted() {
    for (message, expected) in [
        (
            json!({"role": "canary"}),
            "role: an Anthropic provider takes only one of `system`, `developer`, `user`, `assistant`, `tool`",
        ),
        (json!({"role": "user", "content": 5}), "content: an Anthropic provider takes only a text or a list of parts"),
        (
            json!({"role": "user", "content": [{"type": "input_audio", "canary": 1}]}),
            "content[0].type: an Anthropic provider takes only one of `text`, `image_url`, `file`",
        ),
        (
            json!({"role": "user", "content": [{"type": "file", "file": {"file_id": "canary"}}]}),
            "content[0].file.file_data: an Anthropic provider takes only `data:application/pdf;base64,` and a file",
        ),
        (
            json!({"role": "user", "content": [{"type": "file", "file": {"file_data": "data:text/plain;base64,canary"}}]}),
            "content[0].file.file_data: an Anthropic provider takes only `data:application/pdf;base64,` and a file",
        ),
        (
            json!({"role": "user", "content": [{"type": "text"}]}),
            "content[0].text: an Anthropic provider takes only a text",
        ),
        (
            json!({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "canary://x"}}]}),
            "content[0].image_url.url: an Anthropic provider takes only addresses with `https:`, `http:` or `data:`",
        ),
        (
            json!({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/tiff;base64,canary"}}]}),
            "content[0].image_url.url: an Anthropic provider takes only base64 of image/jpeg, image/png, image/gif, image/webp",
        ),
        (
            json!({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png,canary"}}]}),
            "content[0].image_url.url: an Anthropic provider takes only base64 of image/jpeg, image/png, image/gif, image/webp",
        ),
        (
            json!({"role": "system", "content": [{"type": "image_url", "image_url": "https://canary"}]}),
            "content[0].type: an Anthropic provider takes only one of `text`, `refusal`",
        ),
        (json!({"role": "tool", "content": "canary"}), "tool_call_id: an Anthropic provider takes only a text"),
        (
            json!({"role": "assistant", "function_call": {"name": "canary"}}),
            "function_call: an Anthropic provider takes only nothing",
        ),
        (
            json!({"role": "assistant", "tool_calls": "canary"}),
            "tool_calls: an Anthropic provider takes only a list of calls",
        ),
        (
            json!({"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "[\"canary\"]"}}]}),
            "tool_calls[0].function.arguments: an Anthropic provider takes only the text of a JSON object",
        ),
        (
            json!({"role": "assistant", "tool_calls": [{"id": "1", "function": {"arguments": "{}"}}]}),
            "tool_calls[0].function.name: an Anthropic provider takes only a text",
        ),
        (json!({"role": "assistant", "tool_calls": [{}]}), "tool_calls[0].id: an Anthropic provider takes only a text"),
        (
            json!({"role": "assistant", "thinking_blocks": [{"type": "text", "text": "canary"}]}),
            "thinking_blocks[0]: an Anthropic provider takes only blocks of the type `thinking` or `redacted_thinking`",
        ),
    ] {
        let found = complaint(json!({ "messages": [message] }));
        assert_eq!(found, format!("messages[0].{expected}"));
        assert!(!found.contains("canary"), "{found}");
    }
}

#[test]
fn instructions_go_to_the_head() {
    conversation(
        &json!([
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
            {"role": "developer", "content": [{"type": "text", "text": "In French.", "cache_control": {"type": "ephemeral"}}]},
        ]),
        &json!([text("Be brief."), {"type": "text", "text": "In French.", "cache_control": {"type": "ephemeral"}}]),
        &json!([{"role": "user", "content": [text("Hello")]}]),
    );
    // Alone they are what is to be answered.
    conversation(
        &json!([{"role": "system", "content": "Say hello."}]),
        &json!(null),
        &json!([{"role": "user", "content": [text("Say hello.")]}]),
    );
}

#[test]
fn images_and_files_travel_with_their_texts() {
    conversation(
        &json!([{"role": "user", "content": [
            {"type": "text", "text": "Compare:"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
            {"type": "image_url", "image_url": {"url": "DATA:image/JPG;charset=x;base64,BBBB"}},
            {"type": "image_url", "image_url": "https://example.com/a.webp"},
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,CCCC", "filename": "a.pdf"}},
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,DDDD"}},
        ]}]),
        &json!(null),
        &json!([{"role": "user", "content": [
            text("Compare:"),
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "BBBB"}},
            {"type": "image", "source": {"type": "url", "url": "https://example.com/a.webp"}},
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "CCCC"}, "title": "a.pdf"},
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "DDDD"}},
        ]}]),
    );
}

#[test]
fn calls_and_their_results_find_each_other() {
    let call = |id: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": arguments}});
    let used = |id: &str, input: Value| json!({"type": "tool_use", "id": id, "name": "f", "input": input});
    conversation(
        &json!([
            {"role": "user", "content": "Add."},
            {"role": "assistant", "content": "So be it.", "tool_calls": [call("call_1", "{\"a\": [1, {\"b\": null}]}"), call("f.x:0", "")]},
            {"role": "tool", "tool_call_id": "call_1", "content": "3"},
            {"role": "tool", "tool_call_id": "f.x:0", "content": null},
            {"role": "user", "content": "And now?"},
        ]),
        &json!(null),
        &json!([
            {"role": "user", "content": [text("Add.")]},
            {"role": "assistant", "content": [
                text("So be it."), used("call_1", json!({"a": [1, {"b": null}]})), used("id_f-2ex-3a0", json!({})),
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "call_1", "content": [text("3")]},
                {"type": "tool_result", "tool_use_id": "id_f-2ex-3a0"},
                text("And now?"),
            ]},
        ]),
    );
}

#[test]
fn one_side_twice_is_one_turn_with_results_first_and_nothing_empty() {
    conversation(
        &json!([
            {"role": "user", "content": "One."},
            {"role": "user", "content": ""},
            {"role": "user", "content": [{"type": "text", "text": "Two."}, {"type": "text", "text": " \n"}]},
            {"role": "assistant", "content": "A."},
            {"role": "assistant", "content": null, "refusal": "No."},
            {"role": "assistant", "content": ""},
            {"role": "user", "content": "Wait."},
            {"role": "tool", "tool_call_id": "1", "content": "late"},
        ]),
        &json!(null),
        &json!([
            {"role": "user", "content": [text("One."), text("Two.")]},
            {"role": "assistant", "content": [text("A."), text("No.")]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": [text("late")]}, text("Wait.")]},
        ]),
    );
}

#[test]
fn an_answer_that_was_begun_does_not_end_in_white_space() {
    conversation(
        &json!([{"role": "user", "content": "Count."}, {"role": "assistant", "content": "One, \n"}]),
        &json!(null),
        &json!([{"role": "user", "content": [text("Count.")]}, {"role": "assistant", "content": [text("One,")]}]),
    );
}

#[test]
fn signed_thinking_goes_back_as_it_came_to_where_it_stood() {
    let signed = |thinking: &str| json!({"type": "thinking", "thinking": thinking, "signature": "c2ln\u{e9}==", "new_key": {"x": 1}});
    let kept = |thinking: &str, place: u64| {
        let mut block = signed(thinking);
        block["index"] = place.into();
        block
    };
    conversation(
        &json!([
            {"role": "user", "content": "Hm?"},
            {"role": "assistant", "content": "Well.", "reasoning_content": "for people", "thinking_blocks": [
                kept("first\n", 0), {"type": "redacted_thinking", "data": "ZGF0YQ==", "index": 2}, kept("last", 9),
            ], "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "1", "content": "x"},
        ]),
        &json!(null),
        &json!([
            {"role": "user", "content": [text("Hm?")]},
            {"role": "assistant", "content": [
                signed("first\n"), text("Well."), {"type": "redacted_thinking", "data": "ZGF0YQ=="},
                {"type": "tool_use", "id": "1", "name": "f", "input": {}}, signed("last"),
            ]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": [text("x")]}]},
        ]),
    );
}

#[test]
fn tools_and_the_choice_among_them_travel() {
    let tool = json!({"type": "function", "function": {"name": "f", "description": "Adds.", "strict": true,
        "parameters": {"type": "object", "properties": {"a": {"type": "number"}}, "additionalProperties": false}}});
    let expected = json!({"name": "f", "description": "Adds.", "strict": true,
        "input_schema": {"type": "object", "properties": {"a": {"type": "number"}}, "additionalProperties": false}});
    let tools = json!([tool]);
    check(json!({"tools": tools}), json!({"tools": [expected], "tool_choice": null}));
    for (choice, parallel, travelled) in [
        (json!("auto"), json!(null), json!({"type": "auto"})),
        (json!("none"), json!(false), json!({"type": "none"})),
        (json!("required"), json!(true), json!({"type": "any"})),
        (json!(null), json!(false), json!({"type": "auto", "disable_parallel_tool_use": true})),
        (json!({"type": "function", "function": {"name": "f"}}), json!(null), json!({"type": "tool", "name": "f"})),
        (json!("required"), json!(false), json!({"type": "any", "disable_parallel_tool_use": true})),
    ] {
        check(
            json!({"tools": tools, "tool_choice": choice, "parallel_tool_calls": parallel}),
            json!({"tool_choice": travelled}),
        );
    }
    check(
        json!({"tools": [], "tool_choice": "none", "parallel_tool_calls": false}),
        json!({"tools": null, "tool_choice": null}),
    );
    check(
        json!({"tools": [{"type": "function", "cache_control": {"type": "ephemeral"}, "function": {"name": "g", "parameters": {}}}]}),
        json!({"tools": [{"name": "g", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}}]}),
    );
    check(
        json!({"tools": [{"type": "function", "function": {"name": "g"}}]}),
        json!({"tools": [{"name": "g", "input_schema": {"type": "object", "properties": {}}}]}),
    );
}

#[test]
fn a_strict_schema_is_held_by_the_upstream() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false});
    let format = json!({"type": "json_schema", "json_schema": {"name": "n", "strict": true, "schema": schema}});
    check(
        json!({"response_format": format, "output_config": {"effort": "low"}}),
        json!({"tools": null, "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": schema}}}),
    );
    // A tool is called with an object, so a list must be held by the upstream, too.
    let list = json!({"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "array"}}});
    check(
        json!({"response_format": list}),
        json!({"output_config": {"format": {"type": "json_schema", "schema": {"type": "array"}}}}),
    );
}

#[test]
fn other_json_is_what_a_tool_must_be_called_with() {
    let forced = json!({"type": "tool", "name": "answer_in_json", "disable_parallel_tool_use": true});
    check(json!({"response_format": {"type": "json_object"}}), json!({"tool_choice": forced, "output_config": null}));
    let schema = json!({"type": "object", "properties": {"a": {}}});
    let format = json!({"type": "json_schema", "json_schema": {"name": "n", "description": "It.", "schema": schema}});
    check(
        json!({"response_format": format}),
        json!({"tools": [{"name": "answer_in_json", "description": "It.", "input_schema": schema}], "tool_choice": forced}),
    );
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    for (choice, travelled) in [
        (json!("auto"), json!({"type": "any"})),
        (json!("required"), json!({"type": "any"})),
        (json!("none"), forced.clone()),
        (json!({"type": "function", "function": {"name": "f"}}), json!({"type": "tool", "name": "f"})),
    ] {
        let body = asked(json!({"response_format": format, "tools": tools, "tool_choice": choice}));
        assert_eq!((body["tools"].as_array().unwrap().len(), &body["tool_choice"]), (2, &travelled));
    }
}

#[test]
fn effort_becomes_a_budget_within_the_limit() {
    let budget = |tokens: u64| json!({"thinking": {"type": "enabled", "budget_tokens": tokens}});
    check(json!({"reasoning_effort": "low", "max_tokens": 10_000}), budget(2_000));
    check(json!({"reasoning_effort": "medium", "max_tokens": 10_000}), budget(5_000));
    check(json!({"reasoning_effort": "high", "max_tokens": 10_000}), budget(8_000));
    check(json!({"reasoning_effort": "high", "max_tokens": 1_000_000}), budget(32_000));
    check(json!({"reasoning_effort": "low", "max_tokens": 1_025}), budget(1_024));
    check(json!({"reasoning_effort": "high", "max_tokens": u64::MAX}), budget(32_000));
    for no_room_or_wish in [
        json!({"reasoning_effort": "low", "max_tokens": 1_024}),
        json!({"reasoning_effort": "none", "max_tokens": 10_000}),
        json!({"reasoning_effort": "minimal", "max_tokens": 10_000}),
    ] {
        check(no_room_or_wish, json!({"thinking": null}));
    }
}

#[test]
fn models_that_judge_by_themselves_are_told_the_effort() {
    let body = |model: &str| {
        let chat =
            json!({"messages": [{"role": "user", "content": "x"}], "reasoning_effort": "xhigh", "max_tokens": 9_000});
        request(&object(chat), model, 1).unwrap()
    };
    for model in [
        "claude-opus-4-6",
        "claude-opus-4-7-20260401",
        "us.anthropic.claude-sonnet-4.6-v1:0",
        "claude-opus-5",
        "claude-10-1-x",
    ] {
        let body = body(model);
        assert_eq!(
            (&body["thinking"], &body["output_config"]),
            (&json!({"type": "adaptive"}), &json!({"effort": "high"})),
            "{model}"
        );
    }
    for model in
        ["claude-3-7-sonnet-20250219", "claude-sonnet-4-20250514", "claude-opus-4-5", "claude-opus-latest", "other-9"]
    {
        let body = body(model);
        assert_eq!(
            (&body["thinking"]["budget_tokens"], &body["output_config"]),
            (&json!(7_200), &Value::Null),
            "{model}"
        );
    }
}

#[test]
fn effort_gives_way_and_an_order_does_not() {
    let effort = |fields: Value| {
        let mut all = object(json!({"reasoning_effort": "high", "max_tokens": 10_000}));
        all.extend(object(fields));
        asked(Value::Object(all))["thinking"].clone()
    };
    let thinks = json!({"type": "enabled", "budget_tokens": 8_000});
    let user = json!({"role": "user", "content": "x"});
    let called = |thinking: Value| {
        let calls = json!([{"id": "1", "function": {"name": "f", "arguments": "{}"}}]);
        let assistant = json!({"role": "assistant", "tool_calls": calls, "thinking_blocks": thinking});
        json!([user, assistant, {"role": "tool", "tool_call_id": "1", "content": "y"}])
    };
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    for gives_way in [
        json!({"temperature": 0.5}),
        json!({"top_p": 0.9}),
        json!({"top_k": 5}),
        json!({"tools": tools, "tool_choice": "required"}),
        json!({"response_format": {"type": "json_object"}}),
        json!({"messages": [user, {"role": "assistant", "content": "Well,"}]}),
        json!({"messages": called(json!(null))}),
    ] {
        assert_eq!(effort(gives_way.clone()), Value::Null, "{gives_way}");
    }
    for stays in [
        json!({"temperature": 1, "top_p": 0.95, "tools": tools, "tool_choice": "auto"}),
        json!({"response_format": {"type": "json_schema", "json_schema": {"strict": true, "schema": {}}}}),
        json!({"messages": called(json!([{"type": "thinking", "thinking": "t", "signature": "s"}]))}),
    ] {
        assert_eq!(effort(stays.clone()), thinks, "{stays}");
    }
    let order = json!({"type": "enabled", "budget_tokens": 1});
    assert_eq!(effort(json!({"thinking": order, "temperature": 0.5})), order);
}
