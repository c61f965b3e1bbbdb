//! Replies and chunks of any server that speaks nearly like OpenAI, and what is sent to one.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Garbled, Piece, Read, read, request};
use crate::chat::Chat;
use crate::config::Settings;

fn piece(value: &Value) -> Piece {
    match read(value.to_string().as_bytes()) {
        Ok(Read::Piece(piece)) => *piece,
        other => panic!("{other:?}"),
    }
}

fn delta(delta: &Value) -> Piece {
    piece(&json!({ "choices": [{ "index": 0, "delta": delta }] }))
}

#[test]
fn what_a_model_wrote_is_counted_wherever_it_stands() {
    for (said, n_tokens, speaks) in [
        (json!({ "role": "assistant", "content": "" }), 0, false),
        (json!({ "role": "assistant", "content": null }), 0, false),
        (json!({ "content": "zwölf" }), 2, true),
        (json!({ "reasoning_content": "hmm" }), 1, true),
        (json!({ "reasoning": "hmm", "content": "ok" }), 2, true),
        (json!({ "reasoning": "hmm", "reasoning_content": "hmm" }), 1, true),
        (json!({ "reasoning": "so", "reasoning_content": "hmm" }), 2, true),
        (json!({ "refusal": "no" }), 1, true),
        (json!({ "tool_calls": [{ "index": 0, "id": "1", "function": { "name": "f", "arguments": "{}" } }] }), 2, true),
        (json!({ "tool_calls": [{ "index": 0 }] }), 0, true),
        (json!({ "content": [{ "type": "text", "text": "part" }] }), 1, true),
    ] {
        let piece = delta(&said);
        assert_eq!((piece.n_tokens, piece.speaks), (n_tokens, speaks), "{said}");
    }
}

#[test]
fn what_comes_in_turns_is_told_apart() {
    let call = |index: u64, text: &str| json!({ "index": index, "function": { "arguments": text } });
    let mut heard: std::collections::BTreeMap<_, String> = std::collections::BTreeMap::new();
    for choices in [
        json!([{ "index": 0, "delta": { "content": "The ", "reasoning": "h" } }, { "index": 1, "delta": { "content": "No" } }]),
        json!([{ "index": 0, "delta": { "tool_calls": [call(0, "{\"a\""), call(1, "{")] } }]),
        json!([{ "index": 0, "delta": { "tool_calls": [call(1, "}")], "reasoning": "mm" } }]),
        json!([{ "index": 0, "delta": { "tool_calls": [call(0, ":1}")], "content": "left" } }]),
    ] {
        piece(&json!({ "choices": choices })).each_text(|voice, text| heard.entry(voice).or_default().push_str(text));
    }
    let heard: Vec<&str> = heard.values().map(String::as_str).collect();
    assert_eq!(heard, ["The left", "hmm", "{\"a\":1}", "{}", "No"]);
}

#[test]
fn ends_choices_and_tokens_are_seen() {
    let both = piece(&json!({ "choices": [
        { "index": 1, "delta": { "content": "b" }, "finish_reason": null },
        { "index": 0, "delta": { "content": "a" }, "finish_reason": "length" },
    ] }));
    assert_eq!((both.choices.as_slice(), both.finished.as_slice(), &*both.text), (&[1, 0][..], &[0][..], "a"));
    let last = piece(&json!({ "choices": [], "usage": { "prompt_tokens": 4, "completion_tokens": 2 } }));
    assert_eq!(last.usage.map(|usage| (usage.prompt, usage.completion)), Some((4, 2)));
    assert!(last.choices.is_empty() && !last.speaks);
    let whole = piece(&json!({ "choices": [{ "message": { "content": "yes" }, "finish_reason": "stop" }] }));
    assert_eq!((&*whole.text, whole.finished.as_slice()), ("yes", &[0][..]));
}

#[test]
fn what_is_no_answer_is_refused() {
    for text in
        ["", "5", "[]", "{", "{}", "null", r#"{"choices":5}"#, r#"{"choices":[5]}"#, r#"{"choices":[{"index":-1}]}"#]
    {
        assert!(matches!(read(text.as_bytes()), Err(Garbled(_))), "{text}");
    }
    let many = json!({ "choices": vec![json!({ "index": 0 }); super::MAX_CHOICES + 1] });
    assert!(matches!(read(many.to_string().as_bytes()), Err(Garbled(_))));
    assert!(matches!(read(br#"{"error":{"message":"x"},"choices":[]}"#), Ok(Read::Complaint(_))));
    assert!(matches!(read(br#"{"error":null,"choices":[]}"#), Ok(Read::Piece(_))));
}

#[test]
fn half_a_character_does_not_lose_the_answer() {
    let text = br#"{"id":"x","choices":[{"index":0,"delta":{"content":"so \ud83d"}}]}"#;
    let Ok(Read::Piece(piece)) = read(text) else { panic!("it is an answer") };
    assert_eq!(piece.text, "so \u{fffd}");
    assert!(piece.fields.to_json().contains(r"so \ufffd"), "callers could not read it either");
}

#[test]
fn only_the_model_is_exchanged_and_a_stream_asked_for_its_tokens() {
    let sent = |more: &str, stream_usage: bool| {
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"x"}}]{more}}}"#);
        let limits = Settings::built_in().limits;
        let (chat, _) = Chat::read(body.as_bytes(), &http::HeaderMap::new(), &limits).unwrap();
        request(&chat, "up", stream_usage).replace(r#"{"model":"up","messages":[{"role":"user","content":"x"}]"#, "")
    };
    assert_eq!(sent("", true), "}");
    assert_eq!(sent(r#","stream":true"#, true), r#","stream":true,"stream_options":{"include_usage":true}}"#);
    assert_eq!(sent(r#","stream":true"#, false), r#","stream":true}"#);
    let asked = r#","stream":true,"stream_options":{"include_usage":true,"x":1}"#;
    assert_eq!(sent(asked, true), format!("{asked}}}"));
    assert_eq!(sent(asked, false), r#","stream":true}"#, "its server refuses the field, whoever writes it");
    assert_eq!(sent(r#","stream_options":null"#, false), "}");
}

proptest! {
    #[test]
    fn any_bytes_are_a_piece_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
    }
}
