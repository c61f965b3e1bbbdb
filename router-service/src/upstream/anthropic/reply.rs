//! A message of Anthropic's as a chat completion. What a newcomer would get wrong: kinds of blocks that nobody here knows are passed
//! over, as its maker asks of clients, but a message without a reason for its end is no answer.

use serde_json::{Map, Value, json};

use super::answer::ANSWER_TOOL;
use super::blocks::is_thinking;
use super::{Garbled, MAX_BLOCKS, REASONING_KEY, Refusal, THINKING_KEY};
use crate::upstream::usage::Usage;

/// Converts a whole message. `id`, `model` and `created` are the completion's.
pub(crate) fn reply(body: &Value, id: &str, model: &str, created: u64) -> Result<(Value, Option<Usage>), Garbled> {
    match body.get("type").and_then(Value::as_str) {
        Some("message") => {}
        Some("error") => return Err(Garbled::Refused(Refusal(body.clone()))),
        _ => return Err(Garbled::Shape { field: "type", expected: "`message`" }),
    }
    let blocks = body.get("content").and_then(Value::as_array);
    let blocks = blocks.ok_or(Garbled::Shape { field: "content", expected: "a list of blocks" })?;
    if blocks.len() > MAX_BLOCKS {
        return Err(Garbled::TooManyBlocks);
    }
    let mut said = Said::default();
    for (place, block) in blocks.iter().enumerate() {
        said.add(place, block)?;
    }
    let stop_reason = body.get("stop_reason").and_then(Value::as_str);
    let stop_reason = stop_reason.ok_or(Garbled::Shape { field: "stop_reason", expected: "a text" })?;
    let finish_reason = finish_reason(stop_reason, !said.calls.is_empty());
    let usage = body.get("usage").and_then(Usage::of_anthropic);
    let mut completion = json!({
        "id": id,
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [{
            "index": 0, "message": said.into_message(), "logprobs": null, "finish_reason": finish_reason,
        }],
    });
    if let Some(usage) = usage {
        completion["usage"] = usage.to_openai();
    }
    Ok((completion, usage))
}

/// Why an answer ended, in OpenAI's words. Only what ended by itself is a `stop`.
pub(super) fn finish_reason(stop_reason: &str, has_calls: bool) -> &'static str {
    match stop_reason {
        "max_tokens" | "model_context_window_exceeded" | "pause_turn" => "length",
        "refusal" => "content_filter",
        "tool_use" if has_calls => "tool_calls",
        // `end_turn`, `stop_sequence`, an answer by way of the answer's tool, and reasons that are yet to be invented.
        _ => "stop",
    }
}

/// A thinking block as the caller keeps it: as it came, with the place where it stood.
pub(super) fn kept_thinking(place: usize, block: &Map<String, Value>) -> Value {
    let mut block = block.clone();
    block.insert("index".to_owned(), place.into());
    Value::Object(block)
}

/// What the blocks of a message say, by where a completion has a place for it.
#[derive(Default)]
struct Said {
    text: Option<String>,
    calls: Vec<Value>,
    reasoning: String,
    thinking: Vec<Value>,
    has_answered: bool,
}

impl Said {
    fn add(&mut self, place: usize, block: &Value) -> Result<(), Garbled> {
        let word = |key: &str| block.get(key).and_then(Value::as_str);
        match (word("type"), block.as_object()) {
            // Words around an answer in JSON would make it unreadable.
            (Some("text"), _) if self.has_answered => {}
            (Some("text"), _) => {
                let text = word("text").ok_or(Garbled::Shape { field: "content[].text", expected: "a text" })?;
                self.text.get_or_insert_default().push_str(text);
            }
            (Some("tool_use"), Some(_)) => {
                let name = word("name").ok_or(Garbled::Shape { field: "content[].name", expected: "a text" })?;
                let input = block.get("input").filter(|input| input.is_object());
                let input = input.ok_or(Garbled::Shape { field: "content[].input", expected: "an object" })?;
                let id = word("id").ok_or(Garbled::Shape { field: "content[].id", expected: "a text" })?;
                if name == ANSWER_TOOL {
                    // One answer is wanted; a second would make both unreadable.
                    if !std::mem::replace(&mut self.has_answered, true) {
                        self.text = Some(input.to_string());
                    }
                } else {
                    let function = json!({ "name": name, "arguments": input.to_string() });
                    self.calls.push(json!({ "id": id, "type": "function", "function": function }));
                }
            }
            (Some(_), Some(keys)) if is_thinking(block) => {
                self.reasoning.push_str(word("thinking").unwrap_or_default());
                self.thinking.push(kept_thinking(place, keys));
            }
            (Some(_), _) => {}
            (None, _) => return Err(Garbled::Shape { field: "content[].type", expected: "a text" }),
        }
        Ok(())
    }

    fn into_message(self) -> Value {
        // A message that only calls has no content; any other has one, if an empty one.
        let content = if self.calls.is_empty() { Some(self.text.unwrap_or_default()) } else { self.text };
        let mut message = json!({ "role": "assistant", "content": content, "refusal": null });
        if !self.calls.is_empty() {
            message["tool_calls"] = Value::Array(self.calls);
        }
        if !self.reasoning.is_empty() {
            message[REASONING_KEY] = self.reasoning.into();
        }
        if !self.thinking.is_empty() {
            message[THINKING_KEY] = Value::Array(self.thinking);
        }
        message
    }
}
