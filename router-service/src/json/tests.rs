//! What the JSON door refuses, and that it never repeats a prompt back.

use proptest::prelude::*;
use proto::v1;
use serde_json::json;

use super::{OutcomeJson, RouteJson, read};
use crate::config::Settings;
use crate::convert;

fn refused(body: &str) -> crate::Rejection {
    let limits = Settings::built_in().limits;
    read::<RouteJson>(body.as_bytes()).and_then(|request| request.question(&limits)).map(|_| ()).expect_err(body)
}

#[test]
fn a_mistake_is_placed_by_field_or_by_position() {
    for (body, field, complaint) in [
        ("", "", "expected JSON in UTF-8: EOF while parsing a value at line 1 column 0"),
        ("{\"prompt\": \"x\"", "", "expected JSON in UTF-8: EOF while parsing an object at line 1 column 14"),
        ("{\"prompt\": \"x\"} x", "", "trailing characters at line 1 column 17"),
        ("{\"prompt\":\n \"x\",}", "", "expected JSON in UTF-8: trailing comma at line 2 column 6"),
        ("[]", "", "expected an object, found a list"),
        ("{}", "prompt", "expected a prompt or messages, found neither"),
        ("{\"prompt\": \"x\", \"messages\": []}", "messages", "expected a prompt or messages, found both"),
        ("{\"promt\": \"x\"}", "promt", "unknown key `promt`; the nearest known one is `prompt`"),
        ("{\"prompt\": 5}", "prompt", "invalid type: integer `5`, expected a string"),
        (
            "{\"prompt\": \"x\", \"candidates\": [\"a\", 5]}",
            "candidates[1]",
            "invalid type: integer `5`, expected a string",
        ),
        ("{\"prompt\": \"x\", \"candidates\": \"a\"}", "candidates", "invalid type: string, expected a list"),
        (
            "{\"prompt\": \"x\", \"needs\": [\"tool\"]}",
            "needs[0]",
            "unknown word `tool`; the nearest known one is `tools`",
        ),
        (
            "{\"prompt\": \"x\", \"limits\": {\"max_cost_usd\": \"1\"}}",
            "limits.max_cost_usd",
            "invalid type: string, expected a number",
        ),
        (
            "{\"prompt\": \"x\", \"limits\": {\"max_cost\": 1}}",
            "limits.max_cost",
            "unknown key `max_cost`; the nearest known one is `max_cost_usd`",
        ),
        (
            "{\"prompt\": \"x\", \"session\": {\"id\": \"a\", \"lock\": \"no\"}}",
            "session.lock",
            "unknown word `no`; known: `tool_loop`, `signed_reasoning`",
        ),
        (
            "{\"prompt\": \"x\", \"max_completion_tokens\": -1}",
            "max_completion_tokens",
            "invalid value: integer `-1`, expected a whole number",
        ),
        (
            "{\"prompt\": \"x\", \"prompt_tokens\": 1.5}",
            "prompt_tokens",
            "invalid type: floating point `1.5`, expected a whole number",
        ),
        ("{\"prompt\": \"x\", \"prompt\": \"y\"}", "", "duplicate field `prompt`"),
        ("{\"messages\": {}}", "messages", "expected a list of messages, found an object"),
        ("{\"messages\": [{\"role\": \"robot\", \"content\": \"x\"}]}", "messages[0].role", "expected one of"),
        ("{\"messages\": []}", "messages", "expected at least one message, found none"),
    ] {
        let rejection = refused(body);
        assert_eq!(rejection.named_field(), field, "{body}: {rejection}");
        assert!(rejection.to_string().contains(complaint), "{body}: expected {complaint:?} in {rejection}");
    }
}

#[test]
fn text_that_is_no_utf_8_is_placed() {
    let error = read::<RouteJson>(b"{\"prompt\": \"\xff\xfe\"}").map(|_| ()).unwrap_err().to_string();
    assert_eq!(error, "expected JSON in UTF-8: invalid unicode code point at line 1 column 13");
    let error = read::<RouteJson>(b"{\"prompt\": \"\\ud800\"}").map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("line 1 column"), "{error}");
}

#[test]
fn no_complaint_repeats_what_was_written() {
    let canary = "the canary sings";
    for body in [
        json!({ "prompt": "x", "prompt_tokens": canary }),
        json!({ "prompt": { "text": canary } }),
        json!({ "messages": canary }),
        json!({ "messages": [{ "role": "user", "content": 5, "text": canary }] }),
        json!({ "messages": [{ "role": canary, "content": "x" }] }),
        json!({ "prompt": "x", "limits": canary }),
        json!({ "prompt": "x", "session": [canary] }),
        json!({ "prompt": canary, "messages": [] }),
    ] {
        let rejection = refused(&body.to_string());
        assert!(!rejection.to_string().contains("canary"), "{rejection}");
    }
}

#[test]
fn both_doors_understand_the_same_request() {
    let body = json!({
        "prompt": "Which lever?", "policy": "fast", "candidates": ["a", "b"], "needs": ["tools", "json_schema"],
        "limits": { "allow": ["a"], "deny": ["c"], "regions": ["eu"], "zero_data_retention": true, "max_cost_usd": 0.5 },
        "max_completion_tokens": 100, "prompt_tokens": 7, "tenant": "acme",
        "session": { "id": "s", "current_model": "a", "cached_prompt_tokens": 3, "lock": "tool_loop" },
    });
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let wire = v1::RouteRequest {
        input: Some(v1::route_request::Input::Prompt("Which lever?".to_owned())),
        policy: "fast".to_owned(),
        candidates: names(&["a", "b"]),
        needs: vec![v1::Skill::Tools.into(), v1::Skill::JsonSchema.into()],
        limits: Some(v1::Limits {
            allow: names(&["a"]),
            deny: names(&["c"]),
            regions: names(&["eu"]),
            zero_data_retention: true,
            max_cost_usd: Some(0.5),
        }),
        max_completion_tokens: Some(100),
        prompt_tokens: Some(7),
        tenant: "acme".to_owned(),
        session: Some(v1::Session {
            id: "s".to_owned(),
            current_model: "a".to_owned(),
            cached_prompt_tokens: 3,
            lock: v1::Lock::ToolLoop.into(),
        }),
        own_policy: None,
    };
    let limits = Settings::built_in().limits;
    let ours = read::<RouteJson>(body.to_string().as_bytes()).unwrap().question(&limits).unwrap();
    assert_eq!(ours, convert::question(&wire, &limits).unwrap());
}

#[test]
fn a_verdict_is_read() {
    let outcome: OutcomeJson = read(br#"{"decision_id": "x", "quality": 0.5, "judge": "unit tests"}"#).unwrap();
    let wire = outcome.into_wire();
    assert_eq!((wire.decision_id.as_str(), wire.quality, wire.judge.as_str()), ("x", Some(0.5), "unit tests"));
    let unnamed = read::<OutcomeJson>(br#"{"quality": 1}"#).unwrap().into_wire();
    assert_eq!(convert::verdict(&unnamed).unwrap_err().named_field(), "decision_id");
}

proptest! {
    #[test]
    fn any_bytes_are_a_question_or_a_complaint(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        crate::fuzz::json(&bytes);
    }

    #[test]
    fn a_good_body_with_a_bitten_byte_is_too(at in 0_usize..400, bite in any::<u8>()) {
        let mut bytes = br#"{"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}], "needs": ["tools"],
            "session": {"id": "s", "lock": "tool_loop"}, "limits": {"max_cost_usd": 1e-3}, "candidates": ["m", "n"]}"#.to_vec();
        let at = at % bytes.len();
        bytes[at] = bite;
        crate::fuzz::json(&bytes);
    }
}
