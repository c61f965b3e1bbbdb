//! Refusals as servers word them, and what may be shown of them.

use decision::{Fault, Retry};
use proptest::prelude::{any, prop_assert, proptest};
use serde_json::{Value, json};

use super::redacted::MAX_MESSAGE_CHARS;
use super::retry_after::MAX_RETRY_AFTER_MS;
use super::{Kind, Redacted, Refused, in_stream, of_anthropic, of_openai, retry_after_ms};
use crate::secret::Secret;

fn refused(status: u16, body: &Value) -> Refused<'_> {
    Refused { status, body, retry_after_ms: Some(7), secrets: &[] }
}

#[track_caller]
fn openai(status: u16, body: &Value, expected: Kind) {
    assert_eq!(of_openai(&refused(status, body)).kind, expected, "{status} {body}");
}

#[track_caller]
fn anthropic(status: u16, kind: &str, message: &str, expected: Kind) {
    let body = json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"});
    assert_eq!(of_anthropic(&refused(status, &body)).kind, expected, "{status} {body}");
}

fn error(code: &str, message: &str) -> Value {
    json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": code}})
}

#[test]
fn openai_says_it_by_status_code_and_phrase() {
    let null = Value::Null;
    openai(400, &error("context_length_exceeded", "Too many."), Kind::TooLong);
    let vllm = json!({"object": "error", "message": "This model's maximum context length is 4096 tokens, you asked for 9000.", "code": 400});
    openai(400, &vllm, Kind::TooLong);
    openai(400, &json!({"error": "the request exceeds the available context size"}), Kind::TooLong);
    openai(413, &error("", "prompt is too long"), Kind::TooLong);
    openai(413, &null, Kind::Broken);
    openai(400, &error("", "Wrong."), Kind::Invalid);
    openai(422, &json!({"detail": "Wrong."}), Kind::Invalid);
    openai(
        400,
        &error("", "This model supports at most 10 completion tokens, whereas you provided 20."),
        Kind::TooMuchOutput,
    );
    openai(404, &error("model_not_found", "No."), Kind::NoSuchModel);
    openai(404, &json!({"error": {"message": "model \"x\" not found, try pulling it first"}}), Kind::NoSuchModel);
    openai(404, &json!("<html>not found</html>"), Kind::Broken);
    openai(400, &error("", "The tool call `x` does not exist"), Kind::Invalid);
    openai(429, &error("rate_limit_exceeded", "Slow down."), Kind::RateLimited);
    openai(429, &error("insufficient_quota", "Pay."), Kind::OutOfCredit);
    openai(402, &null, Kind::OutOfCredit);
    openai(401, &error("invalid_api_key", "Who?"), Kind::Unauthorized);
    openai(403, &null, Kind::Unauthorized);
    openai(503, &null, Kind::Overloaded);
    for status in [301, 405, 408, 409, 418, 500, 502, 504, 599] {
        openai(status, &null, Kind::Broken);
    }
}

#[test]
fn a_503_is_a_limit_only_where_it_says_so() {
    let kind = |body: &Value, retry_after_ms| {
        of_openai(&Refused { status: 503, body, retry_after_ms, secrets: &[] }).kind //
    };
    for (code, message) in [("", ""), ("", "no healthy upstream"), ("service_unavailable", "try again later")] {
        assert_eq!(kind(&error(code, message), None), Kind::Broken, "{code} {message}");
        assert_eq!(kind(&error(code, message), Some(0)), Kind::Broken, "at once is no time to come again");
        assert_eq!(kind(&error(code, message), Some(1)), Kind::Overloaded, "{code} {message}");
    }
    for (code, message) in [
        ("overloaded", ""),
        ("rate_limit_exceeded", ""),
        ("", "That model is currently overloaded with other requests."),
        ("", "Rate limit reached"),
        ("", "Slow down"),
        ("", "The server is busy"),
    ] {
        assert_eq!(kind(&error(code, message), None), Kind::Overloaded, "{code} {message}");
    }
}

#[test]
fn anthropic_says_it_by_type() {
    anthropic(400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", Kind::TooLong);
    anthropic(
        400,
        "invalid_request_error",
        "input length and `max_tokens` exceed context limit: 1 + 2 > 2",
        Kind::TooLong,
    );
    let output = "max_tokens: 9 > 8, which is the maximum allowed number of output tokens for x";
    anthropic(400, "invalid_request_error", output, Kind::TooMuchOutput);
    anthropic(400, "invalid_request_error", "messages: wrong", Kind::Invalid);
    anthropic(400, "invalid_request_error", "Your credit balance is too low", Kind::OutOfCredit);
    anthropic(401, "authentication_error", "invalid x-api-key", Kind::Unauthorized);
    anthropic(403, "permission_error", "", Kind::Unauthorized);
    anthropic(402, "billing_error", "", Kind::OutOfCredit);
    anthropic(404, "not_found_error", "model: claude-x", Kind::NoSuchModel);
    anthropic(404, "not_found_error", "Not Found", Kind::Broken);
    anthropic(413, "request_too_large", "", Kind::Broken);
    anthropic(429, "rate_limit_error", "", Kind::RateLimited);
    anthropic(500, "api_error", "", Kind::Broken);
    anthropic(529, "overloaded_error", "", Kind::Overloaded);
    // Inside a stream the status is still 200, and the type alone speaks.
    anthropic(200, "overloaded_error", "", Kind::Overloaded);
    anthropic(429, "brand_new_error", "", Kind::RateLimited);
}

#[test]
fn each_meaning_sends_the_call_where_it_may_go() {
    let facts = |status: u16, body: &Value| {
        let failure = of_openai(&refused(status, body)).failure;
        (failure.fault, failure.retry)
    };
    let here = Retry::Here { after_ms: Some(7) };
    let null = Value::Null;
    assert_eq!(facts(400, &error("context_length_exceeded", "")), (Fault::Length, Retry::Elsewhere));
    assert_eq!(facts(400, &null), (Fault::Caller, Retry::Elsewhere));
    assert_eq!(facts(404, &error("model_not_found", "")), (Fault::Model, Retry::Elsewhere));
    assert_eq!(facts(429, &null), (Fault::Provider, here));
    assert_eq!(facts(429, &error("insufficient_quota", "")), (Fault::Provider, Retry::Elsewhere));
    assert_eq!(facts(401, &null), (Fault::Provider, Retry::Elsewhere));
    for (status, retry) in
        [(408, here), (500, here), (502, here), (503, here), (504, Retry::Elsewhere), (301, Retry::Elsewhere)]
    {
        assert_eq!(facts(status, &null), (Fault::Provider, retry), "{status}");
    }
}

#[test]
fn an_error_inside_a_stream_is_one() {
    assert_eq!(in_stream(&json!({"id": "x", "choices": []}), &[]), None);
    assert_eq!(in_stream(&json!({"error": null}), &[]), None);
    let kind = |event: Value| in_stream(&event, &[]).unwrap().kind;
    assert_eq!(kind(json!({"error": {"message": "x", "code": 429}})), Kind::RateLimited);
    assert_eq!(kind(json!({"error": {"message": "x", "code": 17}})), Kind::Broken);
    assert_eq!(kind(json!({"error": "gone"})), Kind::Broken);
    assert_eq!(kind(json!({"error": {"code": "context_length_exceeded"}})), Kind::TooLong);
}

#[test]
fn a_wait_is_read_in_either_unit_and_as_a_date() {
    let now = 1_700_000_000; // Tue, 14 Nov 2023 22:13:20 GMT
    for (in_ms, retry_after, expected) in [
        (None, Some("3"), Some(3_000)),
        (None, Some(" 0 "), Some(0)),
        (None, Some("0.25"), Some(250)),
        (Some("120"), Some("3"), Some(120)),
        (Some("1.5"), None, Some(2)),
        (Some("soon"), Some("3"), Some(3_000)),
        (None, Some("Tue, 14 Nov 2023 22:13:30 GMT"), Some(10_000)),
        (None, Some("Thu, 29 Feb 2024 00:00:00 GMT"), Some(MAX_RETRY_AFTER_MS)),
        (None, Some("Sun, 06 Nov 1994 08:49:37 GMT"), Some(0)),
        (None, Some("99999999999999999999"), Some(MAX_RETRY_AFTER_MS)),
        (None, None, None),
        (None, Some(""), None),
        (None, Some("-1"), None),
        (None, Some("NaN"), None),
        (None, Some("inf"), None),
        (None, Some("soon"), None),
        (None, Some("Tue, 14 Nov 2023 22:13:30"), None),
        (None, Some("Tue, 14 Nov 2023 25:13:30 GMT"), None),
        (None, Some("Tue, 14 Foo 2023 22:13:30 GMT"), None),
        (None, Some("Tue, 14 Nov 2023 +2:13:30 GMT"), None),
        (None, Some("Tue, 14 Nov 2023 22:13:30 GMT +1"), None),
    ] {
        assert_eq!(retry_after_ms(in_ms, retry_after, now), expected, "{in_ms:?} {retry_after:?}");
    }
    for (date, unix_s) in [
        ("Thu, 01 Jan 1970 00:00:10 GMT", 10),
        ("Wed, 01 Mar 2000 00:00:00 GMT", 951_868_800),
        ("Tue, 29 Feb 2000 00:00:00 GMT", 951_782_400),
        ("Fri, 31 Dec 2100 00:00:00 GMT", 4_133_894_400_u64),
    ] {
        assert_eq!(retry_after_ms(None, Some(date), unix_s - 5), Some(5_000), "{date}");
    }
}

#[test]
fn keys_do_not_show_whole_in_part_or_masked() {
    let known = [Secret::new("own-secret"), Secret::new("")];
    for (message, shown) in [
        ("Incorrect API key provided: sk-proj-abcd1234.", "Incorrect API key provided: [hidden]."),
        (
            "bad key sk-ab***********yz, see https://example.com/account/keys",
            "bad key [hidden], see https://example.com/account/keys",
        ),
        ("Authorization: Bearer abc was refused", "Authorization: Bearer [hidden] was refused"),
        ("Bearer own-secret", "Bearer [hidden]"),
        ("x-api-key: abc", "x-api-key: [hidden]"),
        ("no own-secret here", "no [hidden] here"),
        ("cut at own-sec", "cut at [hidden]"),
        ("token A1b2C3d4E5f6A7b8C9d0 is unknown", "token [hidden] is unknown"),
        ("?key=AIzaSyExample", "?[hidden]"),
        ("the model `claude-3-5-sonnet-20241022` is not there", "the model `claude-3-5-sonnet-20241022` is not there"),
        ("8192 tokens > 4096 maximum", "8192 tokens > 4096 maximum"),
        ("line\nline\u{7}", "line line "),
        ("", ""),
    ] {
        assert_eq!(Redacted::new(message, &known).as_str(), shown);
    }
    let body = json!({"error": {"message": "Incorrect API key provided: own-secret"}});
    let meaning = of_openai(&Refused { status: 401, body: &body, retry_after_ms: None, secrets: &known });
    assert_eq!(meaning.message.to_string(), "Incorrect API key provided: [hidden]");
    // What an upstream says may quote the prompt: a log that prints the meaning does not.
    assert!(!format!("{meaning:?}").contains("Incorrect"), "{meaning:?}");
}

#[test]
fn a_message_has_a_length() {
    let full = "a ".repeat(MAX_MESSAGE_CHARS / 2);
    assert_eq!(Redacted::new(&full, &[]).as_str(), full);
    let long = Redacted::new(&"\u{1f682} ".repeat(100_000), &[]);
    assert_eq!(long.as_str().chars().count(), MAX_MESSAGE_CHARS + "...".len());
}

proptest! {
    #[test]
    fn no_secret_ever_shows(before in ".{0,40}", key in "[A-Za-z0-9_-]{8,40}", after in ".{0,40}") {
        let shown = Redacted::new(&format!("{before}{key}{after}"), &[Secret::new(&key)]);
        prop_assert!(!shown.as_str().contains(&key));
    }

    #[test]
    fn any_text_and_status_mean_something(status in any::<u16>(), message in ".{0,200}", kind in "[a-z_]{0,20}") {
        let body = json!({"error": {"message": message, "type": kind, "code": kind}});
        let refused = refused(status, &body);
        for meaning in [of_openai(&refused), of_anthropic(&refused)] {
            prop_assert!(meaning.message.as_str().chars().count() <= MAX_MESSAGE_CHARS + 3 && !meaning.kind.word().is_empty());
        }
    }

    #[test]
    fn any_header_is_a_wait_or_none(text in ".{0,40}", date in "[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{1,5} [0-9:]{1,9} GMT") {
        for header in [text, date] {
            prop_assert!(retry_after_ms(None, Some(&header), 0).is_none_or(|wait| wait <= MAX_RETRY_AFTER_MS));
        }
    }
}
