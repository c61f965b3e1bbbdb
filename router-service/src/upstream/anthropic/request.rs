//! A chat request of OpenAI's shape as a request for a message. Every field that OpenAI documents is either converted, or advice
//! that may be dropped, or refused by name unless it holds what happens anyway. Fields nobody knows go through untouched.

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::turns::Turns;
use super::{Unconvertible, thinking, tools};

/// Advice: no answer is wrong without it. `seed` is kept by nobody for certain; the others say how a call is stored, queued, sped
/// up or phrased. `stream_options` is for whoever makes the chunks, `pointsman` for the router.
pub(super) const ADVICE: [&str; 11] = [
    "metadata",
    "pointsman",
    "prediction",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "seed",
    "service_tier",
    "store",
    "stream_options",
    "verbosity",
];

/// Fields that this conversion reads.
pub(super) const CONVERTED: [&str; 15] = [
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "model",
    "output_config",
    "parallel_tool_calls",
    "reasoning_effort",
    "response_format",
    "stop",
    "stream",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
    "user",
];

/// A field that there are no words for, what it may hold in words, and whether a value is that.
type Usual = (&'static str, &'static str, fn(&Value) -> bool);

/// Fields of OpenAI's without counterpart: they may hold what happens anyway. Anthropic's own words for what OpenAI has words for,
/// too, are among them: two that disagree would leave one unheard.
pub(super) const WITHOUT_COUNTERPART: [Usual; 13] = [
    ("n", "1", |value| value.as_u64() == Some(1)),
    ("logprobs", "false", |value| value.as_bool() == Some(false)),
    ("top_logprobs", "0", |value| value.as_u64() == Some(0)),
    ("logit_bias", "an empty object", |value| value.as_object().is_some_and(Map::is_empty)),
    ("frequency_penalty", "0", is_zero),
    ("presence_penalty", "0", is_zero),
    ("modalities", "[\"text\"]", |value| value == &json!(["text"])),
    ("audio", "nothing", never),
    ("web_search_options", "nothing", never),
    ("functions", "nothing here; `tools` says the same", never),
    ("function_call", "nothing here; `tool_choice` says the same", never),
    ("system", "nothing here; a message with the role `system` says the same", never),
    ("stop_sequences", "nothing here; `stop` says the same", never),
];

/// Makes the request. `default_max_tokens` is for callers who name no limit, since Anthropic wants one.
pub(crate) fn request(
    chat: &Map<String, Value>,
    upstream_model: &str,
    default_max_tokens: u64,
) -> Result<Value, Unconvertible> {
    // A null says no more than a field left out.
    let chat: Map<String, Value> =
        chat.iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.clone(), value.clone())).collect();
    refuse_what_cannot_be_said(&chat)?;
    let unsaid = |key: &str| WITHOUT_COUNTERPART.iter().any(|(name, _, _)| *name == key);
    let known = |key: &str| ADVICE.contains(&key) || CONVERTED.contains(&key) || unsaid(key);
    let mut body: Map<String, Value> =
        chat.iter().filter(|(key, _)| !known(key)).map(|(key, value)| (key.clone(), value.clone())).collect();
    body.insert("model".to_owned(), upstream_model.into());
    let max_tokens = max_tokens(&chat, default_max_tokens)?;
    body.insert("max_tokens".to_owned(), max_tokens.into());
    sampling(&chat, &mut body)?;
    if let Some(user) = chat.get("user").or_else(|| chat.get("safety_identifier")) {
        body.insert("metadata".to_owned(), json!({ "user_id": text("user", user)? }));
    }
    if let Some(stream) = chat.get("stream") {
        let stream = stream.as_bool().ok_or_else(|| Unconvertible::new("stream", "true or false"))?;
        body.insert("stream".to_owned(), stream.into());
    }
    let answer = Answer::of(chat.get("response_format"))?;
    tools::add(&chat, &answer, &mut body)?;
    let turns = Turns::of(chat.get("messages"))?;
    let output_config = thinking::add(&chat, &turns, max_tokens, &mut body)?;
    if let Some(output_config) = answer.with_format(output_config) {
        body.insert("output_config".to_owned(), output_config);
    }
    turns.add_to(&mut body);
    Ok(Value::Object(body))
}

fn is_zero(value: &Value) -> bool {
    value.as_f64().is_some_and(|number| number.abs() < f64::EPSILON)
}

fn never(_: &Value) -> bool {
    false
}

fn refuse_what_cannot_be_said(chat: &Map<String, Value>) -> Result<(), Unconvertible> {
    for (key, expected, holds) in WITHOUT_COUNTERPART {
        if chat.get(key).is_some_and(|value| !holds(value)) {
            return Err(Unconvertible::new(key, expected));
        }
    }
    Ok(())
}

/// The newer of the two words counts, as it does at OpenAI.
fn max_tokens(chat: &Map<String, Value>, default: u64) -> Result<u64, Unconvertible> {
    let key = if chat.contains_key("max_completion_tokens") { "max_completion_tokens" } else { "max_tokens" };
    let Some(value) = chat.get(key) else { return Ok(default) };
    value.as_u64().filter(|count| *count > 0).ok_or_else(|| Unconvertible::new(key, "a whole number from 1 on"))
}

fn sampling(chat: &Map<String, Value>, body: &mut Map<String, Value>) -> Result<(), Unconvertible> {
    for (key, most) in [("temperature", 2.0), ("top_p", 1.0)] {
        let Some(value) = chat.get(key) else { continue };
        let number = value.as_f64().filter(|number| (0.0..=most).contains(number));
        let number = number.ok_or_else(|| Unconvertible::new(key, format!("a number between 0 and {most}")))?;
        // 1 is what happens anyway, and some models refuse both fields together whatever they hold. OpenAI's temperatures go on
        // to 2, Anthropic's end at 1: beyond it there is only its end.
        if number < 1.0 {
            body.insert(key.to_owned(), value.clone());
        }
    }
    let stops = match chat.get("stop") {
        None => return Ok(()),
        Some(Value::Array(stops)) => stops.clone(),
        Some(stop) => vec![stop.clone()],
    };
    for stop in &stops {
        if text("stop", stop)?.trim().is_empty() {
            return Err(Unconvertible::new("stop", "texts that are not only white space"));
        }
    }
    if !stops.is_empty() {
        body.insert("stop_sequences".to_owned(), Value::Array(stops));
    }
    Ok(())
}

fn text<'a>(field: &str, value: &'a Value) -> Result<&'a str, Unconvertible> {
    value.as_str().ok_or_else(|| Unconvertible::new(field, "a text"))
}
