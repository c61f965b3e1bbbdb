//! Messages as clients write them, good and bad.

use classifier::{Prompt, Role, Turn};
use decision::{Skill, Skills};
use serde_json::{Value, json};

use super::{Conversation, MAX_MESSAGES, MAX_PARTS, MAX_TEXT_BYTES};

#[test]
fn every_part_of_a_conversation_reaches_the_prompt() {
    let messages = json!([
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "name": "a", "content": [
            {"type": "text", "text": "What is this,"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}},
            {"type": "text", "text": "and this?"},
            {"type": "image_url", "image_url": "https://example.com/a.png"},
        ]},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "1"}, {"id": "2"}]},
        {"role": "tool", "tool_call_id": "1", "content": "a lever"},
        {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "content": "a lamp"},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
    ]);
    let turn = |role, text, images, tool_calls| Turn { role, text, images, tool_calls };
    let expected = Prompt::from_turns(&[
        turn(Role::System, "Be brief.", 0, 0),
        turn(Role::User, "What is this,\nand this?", 2, 0),
        turn(Role::Assistant, "", 0, 2),
        turn(Role::Tool, "a lever", 0, 0),
        turn(Role::Assistant, "", 0, 1),
        turn(Role::Tool, "a lamp", 0, 0),
        turn(Role::Assistant, "No.", 0, 0),
    ]);
    let conversation = Conversation::from_json("messages", &messages).unwrap();
    assert_eq!(conversation.prompt(), expected);
    assert_eq!(conversation.n_messages(), 7);
    assert!(conversation.text().starts_with("system: Be brief.\n\nuser: What is this,\nand this?\n\nassistant: "));
}

#[test]
fn a_text_is_a_conversation_of_one_message() {
    let text = Conversation::from_text("prompt", "Which lever?").unwrap();
    let list = Conversation::from_json("messages", &json!([{"role": "user", "content": "Which lever?"}])).unwrap();
    assert_eq!(text, list);
    assert_eq!(text.prompt(), Prompt::from_text("Which lever?"));
    assert_eq!(text.text(), "Which lever?");
}

#[test]
fn what_is_in_a_conversation_must_be_understood_by_whoever_goes_on_with_it() {
    let skills = |messages: Value| Conversation::from_json("messages", &messages).unwrap().skills();
    let user = json!({"role": "user", "content": "Hello"});
    assert_eq!(skills(json!([user])), Skills::NONE);
    let image = json!({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]});
    assert_eq!(skills(json!([image])), Skills::NONE.with(Skill::Vision));
    let audio =
        json!({"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}}]});
    assert_eq!(skills(json!([audio])), Skills::NONE.with(Skill::Audio));
    let file =
        json!({"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "file", "file": {"file_id": "x"}}]});
    assert_eq!(skills(json!([file, image])), Skills::NONE.with(Skill::Documents).with(Skill::Vision));
    let call = json!({"role": "assistant", "tool_calls": [{}]});
    assert_eq!(skills(json!([user, call])), Skills::NONE.with(Skill::Tools));
    let result = json!({"role": "tool", "content": "4"});
    assert_eq!(skills(json!([image, result])), Skills::NONE.with(Skill::Tools).with(Skill::Vision));
}

fn complains(messages: &Value, complaint: &str) {
    let error = Conversation::from_json("messages", messages).unwrap_err();
    assert_eq!(error.to_string(), complaint);
}

#[test]
fn what_is_attached_weighs_something() {
    let tokens = |part: Value| {
        let messages = json!([{"role": "user", "content": [{"type": "text", "text": "x"}, part]}]);
        Conversation::from_json("messages", &messages).unwrap().attached_tokens().get()
    };
    let (short, long) = ("QUJD", "QUJD".repeat(100_000));
    assert_eq!(tokens(json!({"type": "text", "text": "y"})), 0);
    assert_eq!(tokens(json!({"type": "image_url", "image_url": "https://example.com/a.png"})), 1_000);
    assert_eq!(tokens(json!({"type": "input_audio", "input_audio": {"data": short, "format": "wav"}})), 1);
    assert_eq!(tokens(json!({"type": "input_audio", "input_audio": {"data": long, "format": "wav"}})), 300);
    assert_eq!(tokens(json!({"type": "file", "file": {"file_data": long}})), 15_000);
    assert_eq!(tokens(json!({"type": "file", "file": {"file_id": "f"}})), 10_000);
}

#[test]
fn a_complaint_names_the_part() {
    let user = |content: Value| json!([{"role": "user", "content": content}]);
    for (messages, complaint) in [
        (
            user(json!([{"text": "x"}])),
            "messages[0].content[0].type: expected one of `text`, `image_url`, `input_audio`, `file`, `refusal`, found nothing",
        ),
        (
            user(json!([{"type": "text", "text": "x"}, {"type": "input_image"}])),
            "messages[0].content[1].type: expected one of `text`, `image_url`, `input_audio`, `file`, `refusal`, found `input_image`",
        ),
        (
            user(json!([{"type": "input_audio"}])),
            "messages[0].content[0].input_audio: expected an object with `data`, found nothing",
        ),
        (
            user(json!([{"type": "file", "file": {"filename": "x"}}])),
            "messages[0].content[0].file: expected an object with `file_data` or `file_id`, found one without",
        ),
        (
            user(json!([{"type": "file", "file": "x"}])),
            "messages[0].content[0].file: expected an object with `file_data` or `file_id`, found a text of 1 bytes",
        ),
        (user(json!([{"type": "text"}])), "messages[0].content[0].text: expected a text, found nothing"),
        (
            user(json!([{"type": "text", "text": 3}])),
            "messages[0].content[0].text: expected a text, found the number 3",
        ),
        (
            user(json!([{"type": "image_url"}])),
            "messages[0].content[0].image_url: expected an address or an object with `url`, found nothing",
        ),
        (
            user(json!([{"type": "image_url", "image_url": {}}])),
            "messages[0].content[0].image_url.url: expected an address, found none",
        ),
    ] {
        complains(&messages, complaint);
    }
}

#[test]
fn a_complaint_names_the_field() {
    let user = |content: Value| json!([{"role": "user", "content": content}]);
    let good = json!({"role": "user", "content": "Hello"});
    for (messages, complaint) in [
        (json!("Hello"), "messages: expected a list of messages, found a text of 5 bytes"),
        (json!([]), "messages: expected 1 to 10000 messages, found 0"),
        (json!([good, 7]), "messages[1]: expected a message with `role` and `content`, found the number 7"),
        (
            json!([{"content": "x"}]),
            "messages[0].role: expected one of `system`, `developer`, `user`, `assistant`, `tool`, `function`, found nothing",
        ),
        (
            json!([good, good, good, {"role": "robot", "content": "x"}]),
            "messages[3].role: expected one of `system`, `developer`, `user`, `assistant`, `tool`, `function`, found `robot`",
        ),
        (
            json!([{"role": 1}]),
            "messages[0].role: expected one of `system`, `developer`, `user`, `assistant`, `tool`, `function`, found the number 1",
        ),
        (json!([{"role": "user"}]), "messages[0].content: expected a text or a list of parts, found nothing"),
        (user(json!({"text": "x"})), "messages[0].content: expected a text or a list of parts, found an object"),
        (user(json!(null)), "messages[0].content: expected a text or a list of parts, found null"),
        (user(json!(["x"])), "messages[0].content[0]: expected a part with a `type`, found a text of 1 bytes"),
        (
            json!([{"role": "assistant", "tool_calls": "f"}]),
            "messages[0].tool_calls: expected a list of calls, found a text of 1 bytes",
        ),
        (
            user(json!("  \n")),
            "messages: expected a message with some text, an image, a recording or a file, found only empty ones",
        ),
        (
            user(json!([])),
            "messages: expected a message with some text, an image, a recording or a file, found only empty ones",
        ),
    ] {
        complains(&messages, complaint);
    }
    let error = Conversation::from_text("prompt", "").unwrap_err();
    assert_eq!(error.to_string(), "prompt: expected a prompt, found an empty text");
}

#[test]
fn limits_hold() {
    let message = json!({"role": "user", "content": "x"});
    let messages = |n: usize| Value::Array(vec![message.clone(); n]);
    assert!(Conversation::from_json("m", &messages(MAX_MESSAGES)).is_ok());
    check(&messages(MAX_MESSAGES + 1), "m: expected 1 to 10000 messages, found 10001");
    let parts = |n: usize| json!([{"role": "user", "content": vec![json!({"type": "text", "text": "x"}); n]}]);
    assert!(Conversation::from_json("m", &parts(MAX_PARTS)).is_ok());
    check(&parts(MAX_PARTS + 1), "m[0].content: expected at most 1000 parts, found 1001");
    let calls = json!([{"role": "assistant", "tool_calls": vec![json!({}); MAX_PARTS + 1]}]);
    check(&calls, "m[0].tool_calls: expected at most 1000 calls, found 1001");
    let half = "x".repeat(MAX_TEXT_BYTES / 2);
    let halves = |n: usize| Value::Array(vec![json!({"role": "user", "content": half}); n]);
    assert!(Conversation::from_json("m", &halves(2)).is_ok());
    check(&halves(3), "m: expected at most 4194304 bytes of text in all, found more");
    let long = "x".repeat(MAX_TEXT_BYTES + 1);
    let error = Conversation::from_text("prompt", &long).unwrap_err();
    assert_eq!(error.to_string(), "prompt: expected at most 4194304 bytes of text, found 4194305 bytes");
}

#[test]
fn neither_complaint_nor_debug_quotes_what_somebody_wrote() {
    let canary = "canary in the coal mine";
    let conversation = Conversation::from_text("prompt", canary).unwrap();
    assert!(!format!("{conversation:?}").contains("canary"));
    for messages in [
        json!(canary),
        json!([{"role": canary}]),
        json!([{"role": "user", "content": [{"type": canary}]}]),
        json!([{"role": "user", "content": [{"type": "text", "text": {"a": canary}}]}]),
        json!([{"role": "user", "content": {"a": canary}}]),
    ] {
        let error = Conversation::from_json("messages", &messages).unwrap_err();
        assert!(!error.to_string().contains("canary"), "{error}");
    }
    for word in ["canary", "usr-canary"] {
        let error = Conversation::from_json("messages", &json!([{"role": word, "content": "x"}])).unwrap_err();
        assert!(!error.to_string().contains("canary"), "{error}");
    }
    let error = Conversation::from_json("messages", &json!([{"role": "usre", "content": "x"}])).unwrap_err();
    assert!(error.to_string().ends_with("found another text of 4 bytes; the nearest known one is `user`"), "{error}");
}

#[track_caller]
fn check(messages: &Value, complaint: &str) {
    let error = Conversation::from_json("m", messages).unwrap_err();
    assert_eq!(error.to_string(), complaint);
}
