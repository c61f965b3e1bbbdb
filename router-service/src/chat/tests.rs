//! What a call is read as, what it is refused for, and that nothing of it is repeated back.

use decision::{ModelId, PicoUsd, Skill};
use http::HeaderMap;
use proptest::prelude::*;
use proto::v1;
use serde_json::{Value, json};

use super::{Chat, MAX_CHOICES, MAX_NAMED_FALLBACKS};
use crate::Rejection;
use crate::config::Settings;
use crate::question::{Question, WantedPolicy};

fn call(fields: &Value) -> Value {
    let mut call = json!({ "model": "auto", "messages": [{ "role": "user", "content": "Which lever?" }] });
    let (Value::Object(call_keys), Value::Object(more)) = (&mut call, fields.clone()) else { panic!("{fields}") };
    call_keys.extend(more);
    call
}

fn read(body: &Value) -> Result<(Chat, Question), Rejection> {
    Chat::read(body.to_string().as_bytes(), &HeaderMap::new(), &Settings::built_in().limits)
}

fn good(fields: &Value) -> (Chat, Question) {
    read(&call(fields)).unwrap()
}

#[track_caller]
fn complains(fields: &Value, field: &str, complaint: &str) {
    let rejection = read(&call(fields)).map(|_| ()).expect_err("it is wrong");
    assert_eq!(rejection.named_field(), field, "{rejection}");
    assert!(rejection.to_string().contains(complaint), "{rejection}");
}

#[test]
fn a_model_is_a_policy_or_a_name() {
    let policy = |model: &str| good(&json!({ "model": model })).1.policy;
    let fast = WantedPolicy::Named(decision::PolicyName::new("fast").unwrap());
    assert_eq!((policy("auto"), policy("auto:fast")), (WantedPolicy::Default, fast));
    let (_, named) = good(&json!({ "model": "gpt-4-0613", "pointsman": { "fallbacks": ["b", "a"] } }));
    let call = named.call.unwrap();
    assert_eq!(call.named, Some(ModelId::new("gpt-4-0613").unwrap()));
    assert_eq!(call.fallbacks, [ModelId::new("b").unwrap(), ModelId::new("a").unwrap()]);
    // A name that only begins like the word for any is a name.
    assert!(good(&json!({ "model": "automatic" })).1.call.unwrap().named.is_some());
    complains(&json!({ "model": null }), "model", "found nothing");
    complains(
        &json!({ "model": "auto:" , "pointsman": { "policy": "Not This" } }),
        "pointsman.policy",
        "expected a policy name",
    );
    complains(&json!({ "model": "auto:a", "pointsman": { "policy": "b" } }), "model", "expected one policy");
    complains(&json!({ "pointsman": { "fallbacks": ["a"] } }), "pointsman.fallbacks", "expected a model by name");
    let twice = json!({ "model": "m", "pointsman": { "fallbacks": ["a", "a"] } });
    complains(&twice, "pointsman.fallbacks[1]", "listed twice");
    let many: Vec<String> = (0..=MAX_NAMED_FALLBACKS).map(|place| format!("m{place}")).collect();
    complains(&json!({ "model": "m", "pointsman": { "fallbacks": many } }), "pointsman.fallbacks", "at most 64");
}

#[test]
fn what_a_call_needs_is_seen_in_it() {
    let needs = |fields: &Value| good(fields).1.facts.needs.iter().collect::<Vec<_>>();
    assert_eq!(needs(&json!({})), []);
    assert_eq!(needs(&json!({ "tools": [{ "type": "function" }] })), [Skill::Tools]);
    assert_eq!(needs(&json!({ "tools": [] })), []);
    assert_eq!(needs(&json!({ "response_format": { "type": "json_schema" } })), [Skill::JsonSchema]);
    assert_eq!(needs(&json!({ "response_format": { "type": "json_object" } })), []);
    let image = json!([{ "role": "user", "content": [{ "type": "image_url", "image_url": { "url": "x" } }] }]);
    assert_eq!(needs(&json!({ "messages": image })), [Skill::Vision]);
    assert_eq!(needs(&json!({ "pointsman": { "needs": ["vision"] } })), [Skill::Vision]);
}

#[test]
fn sizes_and_caps_are_those_of_the_call() {
    let (chat, question) =
        good(&json!({ "max_tokens": 7, "n": 4, "pointsman": { "limits": { "max_cost_usd": 1.0 } } }));
    assert_eq!((question.facts.max_completion.map(decision::Tokens::get), chat.n_choices), (Some(7), 4));
    assert_eq!(question.facts.limits.max_cost, Some(PicoUsd(250_000_000_000)), "a share for each answer");
    assert_eq!(chat.max_cost, Some(PicoUsd(1_000_000_000_000)));
    let (chat, _) = good(&json!({ "max_tokens": 7, "max_completion_tokens": 5, "stream": true }));
    assert_eq!(
        (chat.max_completion.map(decision::Tokens::get), chat.stream, chat.include_usage),
        (Some(5), true, false)
    );
    assert!(good(&json!({ "stream": null, "n": null, "max_tokens": null, "stream_options": null })).0.n_choices == 1);
    complains(&json!({ "n": 0 }), "n", "expected 1 to 128");
    complains(&json!({ "n": MAX_CHOICES + 1 }), "n", "found 129");
    complains(&json!({ "n": "two" }), "n", "invalid type");
    complains(&json!({ "stream": "yes" }), "stream", "invalid type");
    complains(&json!({ "max_tokens": -1 }), "max_tokens", "invalid value");
    complains(&json!({ "stream_options": { "include_usage": 1 } }), "stream_options.include_usage", "the number 1");
}

#[test]
fn all_that_is_billed_as_prompt_is_counted_unless_it_is_told() {
    let billed = |fields: &Value| {
        let (chat, question) = good(fields);
        (chat.prompt_tokens.get(), question.facts.prompt_tokens.get())
    };
    // `Which`, ` lever`, `?` for the bill; a quarter of twelve characters in the unit of forecasts.
    assert_eq!(billed(&json!({})), (3, 3));
    let offered = json!({ "tools": [{ "type": "function", "function": { "name": "pull", "parameters": {} } }] });
    let (with_tools, forecast) = billed(&offered);
    assert!((15..=30).contains(&with_tools), "{with_tools}");
    assert_eq!(forecast, with_tools);
    let called = json!({ "messages": [
        { "role": "user", "content": "Which lever?" },
        { "role": "assistant", "tool_calls": [{ "id": "1", "function": { "name": "pull", "arguments": "{}" } }] },
        { "role": "tool", "tool_call_id": "1", "content": "done" },
    ] });
    assert_eq!(billed(&called).0, 6, "three, `pull`, `{{}}` and `done`");
    assert_eq!(billed(&json!({ "tools": offered["tools"], "pointsman": { "prompt_tokens": 7 } })), (7, 7));
}

#[test]
fn the_messages_are_checked_as_everywhere() {
    complains(&json!({ "messages": null }), "messages", "expected a list of messages");
    complains(&json!({ "messages": [] }), "messages", "at least one message");
    complains(&json!({ "messages": [{ "role": "robot", "content": "x" }] }), "messages[0].role", "expected one of");
}

#[test]
fn ours_is_checked_and_never_sent() {
    let (chat, question) =
        good(&json!({ "pointsman": { "tenant": "town", "explain": true, "session": { "id": "a" } } }));
    assert!(chat.fields.raw("pointsman").is_none() && chat.explain);
    assert_eq!((question.tenant.as_str(), question.session.unwrap().lock), ("town", None));
    complains(&json!({ "pointsman": { "tennant": "a" } }), "pointsman.tennant", "the nearest known one is `tenant`");
    complains(&json!({ "pointsman": 5 }), "pointsman", "expected an object");
    complains(&json!({ "max_tokens": "x" }), "max_tokens", "expected a whole number");
}

#[test]
fn results_of_tools_hold_a_conversation_on_its_model() {
    let messages = json!([
        { "role": "user", "content": "x" },
        { "role": "assistant", "tool_calls": [{ "id": "1" }] },
        { "role": "tool", "content": "y", "tool_call_id": "1" },
    ]);
    let (_, question) = good(&json!({ "messages": messages, "pointsman": { "session": { "id": "a" } } }));
    assert_eq!(question.session.unwrap().lock, Some(decision::Lock::ToolLoop));
}

#[test]
fn a_policy_of_its_own_stands_where_a_name_would() {
    let own = |fields: &Value| json!({ "pointsman": { "policy": fields } });
    let target = json!({ "mode": "target", "quality_floor": 0.8 });
    let WantedPolicy::Own(read) = good(&own(&target)).1.policy else { panic!("it brings one along") };
    assert_eq!((read.policy.name().as_str(), read.field), ("request", "pointsman.policy"));
    let (_, named) = good(&json!({ "model": "m", "pointsman": { "policy": target } }));
    assert!(matches!(named.policy, WantedPolicy::Own(_)) && named.call.unwrap().named.is_some(), "its limits hold");
    let floor = |floor: Value| own(&json!({ "mode": "target", "quality_floor": floor }));
    complains(&floor(json!(2)), "pointsman.policy.quality_floor", "expected a quality between 0 and 1, found 2");
    complains(&floor(json!("x")), "pointsman.policy.quality_floor", "expected a number");
    complains(&own(&json!({ "mode": "budget" })), "pointsman.policy.mode", "keeps no budget");
    complains(&own(&json!(5)), "pointsman.policy", "expected the name of a policy, or a policy as an object");
    complains(&own(&json!({ "mod": "pin" })), "pointsman.policy.mod", "the nearest known one is `mode`");
    complains(&json!({ "model": "auto:a", "pointsman": { "policy": target } }), "model", "expected one policy");
}

#[test]
fn over_grpc_it_brings_its_policy_in_the_question() {
    let limits = Settings::built_in().limits;
    let asked = |own: v1::Policy, policy: &str| {
        let question =
            Some(v1::RouteRequest { policy: policy.to_owned(), own_policy: Some(own), ..v1::RouteRequest::default() });
        let chat = call(&json!({})).to_string().into_bytes();
        Chat::of_wire(v1::CompleteRequest { question, chat, ..v1::CompleteRequest::default() }, &limits)
            .map(|(_, question)| question.policy)
    };
    let pin = v1::Policy { mode: Some(v1::policy::Mode::Model("m".to_owned())), ..v1::Policy::default() };
    assert!(matches!(asked(pin.clone(), "").unwrap(), WantedPolicy::Own(_)));
    let both = asked(pin, "fast").unwrap_err();
    assert_eq!((both.named_field(), both.to_string().contains("found both")), ("question.own_policy", true), "{both}");
    assert_eq!(asked(v1::Policy::default(), "").unwrap_err().named_field(), "question.own_policy.mode");
}

#[test]
fn headers_say_the_same_as_the_body_and_never_both() {
    let headers = |pairs: &[(&'static str, &str)]| -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    };
    let limits = Settings::built_in().limits;
    let read = |body: &Value, pairs: &[(&'static str, &str)]| {
        Chat::read(body.to_string().as_bytes(), &headers(pairs), &limits).map(|(_, question)| question)
    };
    let by_header = read(
        &call(&json!({})),
        &[
            ("x-pointsman-policy", "fast"),
            ("x-pointsman-candidates", "a, b"),
            ("x-pointsman-max-cost-usd", "0.5"),
            ("x-pointsman-regions", "eu"),
            ("x-pointsman-zero-data-retention", "true"),
            ("x-pointsman-tenant", "town"),
            ("x-pointsman-session", "talk"),
        ],
    );
    let by_body = good(&json!({ "pointsman": {
        "policy": "fast", "candidates": ["a", "b"], "tenant": "town", "session": { "id": "talk" },
        "limits": { "max_cost_usd": 0.5, "regions": ["eu"], "zero_data_retention": true },
    } }));
    assert_eq!(by_header.unwrap(), by_body.1);
    for (name, value, complaint) in [
        ("x-pointsman-policy", "b", "found both"),
        ("x-pointsman-explain", "perhaps", "expected true or false"),
        ("x-pointsman-max-cost-usd", "NaN", "expected an amount"),
        ("x-pointsman-tenant", " ", "expected printable ASCII"),
        ("x-pointsman-regions", ",", "expected names parted by commas"),
        ("x-pointsman-region", "eu", "no such header; the nearest known one is `x-pointsman-regions`"),
        ("x-pointsman-no-retention-at-all", "true", "no such header; known: x-pointsman-policy, x-pointsman-session, "),
    ] {
        let error = read(&call(&json!({ "pointsman": { "policy": "a" } })), &[(name, value)]).unwrap_err();
        assert_eq!(error.named_field(), name);
        assert!(error.to_string().contains(complaint), "{error}");
    }
}

#[test]
fn over_grpc_it_is_plain_text_or_a_chat() {
    let limits = Settings::built_in().limits;
    let read = |request: v1::CompleteRequest| Chat::of_wire(request, &limits);
    let prompt = |text: &str| v1::RouteRequest {
        input: Some(v1::route_request::Input::Prompt(text.into())),
        ..v1::RouteRequest::default()
    };
    let (chat, _) =
        read(v1::CompleteRequest { question: Some(prompt("x")), ..v1::CompleteRequest::default() }).unwrap();
    assert_eq!(chat.fields.to_json(), r#"{"model":"auto","messages":[{"role":"user","content":"x"}],"stream":true}"#);
    let body = call(&json!({ "stream": false, "stream_options": {} })).to_string().into_bytes();
    let (chat, _) = read(v1::CompleteRequest { chat: body.clone(), ..v1::CompleteRequest::default() }).unwrap();
    assert!(chat.stream && chat.fields.raw("stream_options").is_none());
    let question = Some(v1::RouteRequest { max_completion_tokens: Some(9), ..v1::RouteRequest::default() });
    let (chat, _) =
        read(v1::CompleteRequest { question, chat: body.clone(), ..v1::CompleteRequest::default() }).unwrap();
    assert_eq!(chat.fields.get::<u32>("max_completion_tokens"), Some(9), "what is decided for is what is sent");
    let narrowed = |in_chat: u32, in_question: u32| {
        let question =
            Some(v1::RouteRequest { max_completion_tokens: Some(in_question), ..v1::RouteRequest::default() });
        let chat = call(&json!({ "max_tokens": in_chat })).to_string().into_bytes();
        let (chat, asked) = read(v1::CompleteRequest { question, chat, ..v1::CompleteRequest::default() }).unwrap();
        (chat.fields.get::<u32>("max_tokens"), asked.facts.max_completion.map(decision::Tokens::get))
    };
    assert_eq!((narrowed(50, 7), narrowed(7, 50)), ((Some(7), Some(7)), (Some(7), Some(7))), "the narrower counts");
    let refused = |request, field: &str| {
        let error = read(request).map(|_| ()).unwrap_err();
        assert_eq!(error.named_field(), field, "{error}");
    };
    refused(v1::CompleteRequest::default(), "chat");
    let both =
        v1::CompleteRequest { question: Some(prompt("x")), chat: body.clone(), ..v1::CompleteRequest::default() };
    refused(both, "chat");
    refused(v1::CompleteRequest { chat: body, model: "m".into(), ..v1::CompleteRequest::default() }, "model");
    let pictured = v1::Message { role: v1::Role::User.into(), text: "x".into(), n_images: 1, n_tool_calls: 0 };
    let input = v1::route_request::Input::Conversation(v1::Conversation { messages: vec![pictured] });
    let question = Some(v1::RouteRequest { input: Some(input), ..v1::RouteRequest::default() });
    let counted = v1::CompleteRequest { question, ..v1::CompleteRequest::default() };
    refused(counted, "question.conversation.messages[0].n_images");
}

#[test]
fn a_complaint_names_the_field_that_was_written() {
    complains(&json!({ "max_tokens": 0 }), "max_tokens", "expected at least 1");
    complains(&json!({ "max_completion_tokens": 0, "max_tokens": 5 }), "max_completion_tokens", "expected at least 1");
    complains(&json!({ "model": "auto:a b" }), "model", "");
    let ours = |wishes: Value| json!({ "pointsman": wishes });
    complains(&ours(json!({ "limits": { "max_cost_usd": -1.0 } })), "pointsman.limits.max_cost_usd", "");
    complains(&ours(json!({ "policy": "a b" })), "pointsman.policy", "");
    complains(&ours(json!({ "fallbacks": ["m"] })), "pointsman.fallbacks", "`auto` ranks by itself");
    complains(&ours(json!({ "session": {} })), "pointsman.session.id", "expected an id");
    let by_header = |name: &'static str, value: &str, expected: &str| {
        let headers = HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]);
        let limits = Settings::built_in().limits;
        let error = Chat::read(call(&json!({})).to_string().as_bytes(), &headers, &limits).map(|_| ()).unwrap_err();
        assert_eq!(error.named_field(), expected, "{error}");
    };
    by_header("x-pointsman-max-cost-usd", "-1", "x-pointsman-max-cost-usd");
    by_header("x-pointsman-candidates", "a,a", "x-pointsman-candidates[1]");
    by_header("x-pointsman-candidates", " , ", "x-pointsman-candidates");
    by_header("x-pointsman-policy", "a b", "x-pointsman-policy");
    by_header("x-pointsman-fallbacks", "a", "x-pointsman-fallbacks");
}

#[test]
fn over_grpc_a_complaint_tells_the_chat_from_the_question() {
    let limits = Settings::built_in().limits;
    let complains = |question: v1::RouteRequest, chat: &[u8], expected: &str| {
        let request =
            v1::CompleteRequest { question: Some(question), chat: chat.to_vec(), ..v1::CompleteRequest::default() };
        let error = Chat::of_wire(request, &limits).map(|_| ()).unwrap_err();
        assert_eq!(error.named_field(), expected, "{error}");
    };
    let chat = |fields: &Value| call(fields).to_string().into_bytes();
    let wishes = || v1::RouteRequest { candidates: vec!["a".into(), "a".into()], ..v1::RouteRequest::default() };
    complains(wishes(), &chat(&json!({})), "question.candidates[1]");
    complains(v1::RouteRequest::default(), &chat(&json!({ "messages": [] })), "chat.messages");
    complains(v1::RouteRequest::default(), &chat(&json!({ "max_tokens": 0 })), "chat.max_tokens");
    complains(v1::RouteRequest::default(), &chat(&json!({ "n": 0 })), "chat.n");
    let empty =
        v1::RouteRequest { input: Some(v1::route_request::Input::Prompt(" ".into())), ..v1::RouteRequest::default() };
    complains(empty, &[], "question.prompt");
    complains(v1::RouteRequest::default(), &chat(&json!({ "model": "auto:a b" })), "chat.model");
}

proptest! {
    #[test]
    fn any_bytes_are_a_call_or_a_complaint(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Chat::read(&body, &HeaderMap::new(), &Settings::built_in().limits);
    }

    #[test]
    fn no_complaint_repeats_what_was_said(key in "[a-z]{1,8}", place in 0_usize..6) {
        let canary = "canary-7f3a";
        let value = [json!(canary), json!([canary]), json!({ canary: canary }), json!([{ "role": canary }]),
                     json!([{ "role": "user", "content": { "x": canary } }]), json!([[canary]])][place].clone();
        for key in [key.as_str(), "model", "messages", "stream", "n", "tools", "response_format", "max_tokens"] {
            if let Err(rejection) = read(&call(&json!({ key: value }))) {
                prop_assert!(!rejection.to_string().contains(canary) || key == "model", "{key}: {rejection}");
            }
        }
    }
}

#[test]
fn a_conversation_is_as_long_as_the_configuration_lets_it_be() {
    use crate::json::{RouteJson, read};
    use crate::messages::{MAX_MESSAGES, MAX_TEXT_BYTES};
    let usual = Settings::built_in().limits;
    let long = json!([{ "role": "user", "content": "Which lever? ".repeat(MAX_TEXT_BYTES / 13 + 1) }]);
    let many = json!(vec![json!({ "role": "user", "content": "So?" }); MAX_MESSAGES + 1]);
    for (messages, key) in [(long, "limits.max_prompt_bytes"), (many, "limits.max_messages")] {
        let call = call(&json!({ "messages": messages })).to_string();
        let route = json!({ "messages": messages }).to_string();
        let wide = crate::config::Limits {
            max_prompt_bytes: 2 * MAX_TEXT_BYTES,
            max_messages: 2 * MAX_MESSAGES,
            ..usual.clone()
        };
        for (limits, is_read) in [(&wide, true), (&usual, false)] {
            let called = Chat::read(call.as_bytes(), &HeaderMap::new(), limits).map(|_| ());
            let routed = read::<RouteJson>(route.as_bytes()).and_then(|route| route.question(limits)).map(|_| ());
            for read in [called, routed] {
                match read {
                    Ok(()) => assert!(is_read, "{key}"),
                    Err(refused) => assert!(!is_read && refused.to_string().contains(key), "{refused}"),
                }
            }
        }
    }
}
