//! A conversation of OpenAI's shape as system text and turns. What a newcomer would get wrong: there the results of tools are said
//! by the user, before anything else of that turn, and two turns of one side in a row are one.

use serde_json::{Map, Value, json};

use super::blocks::{call_id, is_thinking, parts, text_blocks};
use super::{THINKING_KEY, Unconvertible};

/// A conversation: what the system says, and turns that alternate.
pub(super) struct Turns {
    system: Vec<Value>,
    turns: Vec<Turn>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    User,
    Assistant,
}

struct Turn {
    side: Side,
    blocks: Vec<Value>,
}

impl Turns {
    /// Reads `messages`.
    pub(super) fn of(messages: Option<&Value>) -> Result<Self, Unconvertible> {
        let messages = messages.and_then(Value::as_array);
        let messages = messages.ok_or_else(|| Unconvertible::new("messages", "a list of messages"))?;
        let mut conversation = Self { system: Vec::new(), turns: Vec::new() };
        for (index, message) in messages.iter().enumerate() {
            let field = format!("messages[{index}]");
            let message = message.as_object().ok_or_else(|| Unconvertible::new(&field, "an object"))?;
            conversation.add(&field, message)?;
        }
        // Only instructions: they are what is to be answered.
        if conversation.turns.is_empty() {
            let blocks = std::mem::take(&mut conversation.system);
            conversation.say(Side::User, blocks);
        }
        if conversation.turns.is_empty() {
            return Err(Unconvertible::new("messages", "conversations with something to answer"));
        }
        conversation.turns.iter_mut().for_each(Turn::results_first);
        conversation.trim_what_was_begun();
        Ok(conversation)
    }

    /// Puts them into the request.
    pub(super) fn add_to(self, body: &mut Map<String, Value>) {
        if !self.system.is_empty() {
            body.insert("system".to_owned(), Value::Array(self.system));
        }
        let role = |side| match side {
            Side::User => "user",
            Side::Assistant => "assistant",
        };
        let turns = self.turns.into_iter().map(|turn| json!({ "role": role(turn.side), "content": turn.blocks }));
        body.insert("messages".to_owned(), turns.collect());
    }

    /// Whether thinking may be asked for: not for an answer that the caller has begun, and in a loop of tools only where the turn
    /// that called them was thought about, too.
    pub(super) fn may_be_thought_about(&self) -> bool {
        let mut back = self.turns.iter().rev();
        let Some(last) = back.next().filter(|turn| turn.side == Side::User) else { return false };
        let in_loop = last.blocks.iter().any(is_result);
        let thought = back.next().and_then(|turn| turn.blocks.first()).is_some_and(is_thinking);
        !in_loop || thought
    }

    fn add(&mut self, field: &str, message: &Map<String, Value>) -> Result<(), Unconvertible> {
        let at = format!("{field}.content");
        let content = message.get("content").filter(|content| !content.is_null());
        match message.get("role").and_then(Value::as_str) {
            // Instructions from the middle of a conversation go to its head, too: there is no other place for them.
            Some("system" | "developer") => self.system.extend(text_blocks(&at, content)?),
            Some("user") => self.say(Side::User, parts(&at, content)?),
            Some("assistant") => self.say(Side::Assistant, assistant(field, message)?),
            Some("tool") => self.say(Side::User, vec![result(field, message)?]),
            _ => {
                let expected = "one of `system`, `developer`, `user`, `assistant`, `tool`";
                return Err(Unconvertible::new(format!("{field}.role"), expected));
            }
        }
        Ok(())
    }

    fn say(&mut self, side: Side, blocks: Vec<Value>) {
        match self.turns.last_mut() {
            _ if blocks.is_empty() => {}
            Some(turn) if turn.side == side => turn.blocks.extend(blocks),
            Some(_) | None => self.turns.push(Turn { side, blocks }),
        }
    }

    /// An answer that the caller has begun may not end in white space there.
    fn trim_what_was_begun(&mut self) {
        let Some(last) = self.turns.last_mut().filter(|turn| turn.side == Side::Assistant) else { return };
        let Some(block) = last.blocks.last_mut() else { return };
        if let Some(Value::String(text)) = block.get_mut("text") {
            text.truncate(text.trim_end().len());
        }
    }
}

impl Turn {
    /// Keeps the order within the results and within the rest.
    fn results_first(&mut self) {
        if self.side == Side::User {
            self.blocks.sort_by_key(|block| !is_result(block));
        }
    }
}

fn is_result(block: &Value) -> bool {
    block["type"] == "tool_result"
}

/// What an assistant said and called, with its thinking where that stood.
fn assistant(field: &str, message: &Map<String, Value>) -> Result<Vec<Value>, Unconvertible> {
    for key in ["function_call", "audio"] {
        if message.get(key).is_some_and(|value| !value.is_null()) {
            return Err(Unconvertible::new(format!("{field}.{key}"), "nothing"));
        }
    }
    let content = message.get("content").filter(|content| !content.is_null());
    let mut blocks = text_blocks(&format!("{field}.content"), content)?;
    blocks.extend(text_blocks(&format!("{field}.refusal"), message.get("refusal").filter(|said| !said.is_null()))?);
    match message.get("tool_calls") {
        None | Some(Value::Null) => {}
        Some(Value::Array(calls)) => {
            for (index, value) in calls.iter().enumerate() {
                blocks.push(call(&format!("{field}.tool_calls[{index}]"), value)?);
            }
        }
        Some(_) => return Err(Unconvertible::new(format!("{field}.tool_calls"), "a list of calls")),
    }
    let thinking = match message.get(THINKING_KEY) {
        None | Some(Value::Null) => return Ok(blocks),
        Some(Value::Array(thinking)) => thinking,
        Some(_) => return Err(Unconvertible::new(format!("{field}.{THINKING_KEY}"), "a list of blocks")),
    };
    // In the order in which they came, so that each finds the blocks before it in their places.
    for (index, block) in thinking.iter().enumerate() {
        let (place, block) = thought(&format!("{field}.{THINKING_KEY}[{index}]"), block)?;
        let place = place.unwrap_or(index).min(blocks.len());
        blocks.insert(place, block);
    }
    Ok(blocks)
}

/// A block of thinking as it came, and where it stood. Only that number is ours; everything else is signed, and stays.
fn thought(field: &str, block: &Value) -> Result<(Option<usize>, Value), Unconvertible> {
    if !is_thinking(block) {
        return Err(Unconvertible::new(field, "blocks of the type `thinking` or `redacted_thinking`"));
    }
    let mut block = block.clone();
    let place = block.as_object_mut().and_then(|keys| keys.shift_remove("index"));
    Ok((place.and_then(|place| usize::try_from(place.as_u64()?).ok()), block))
}

fn call(field: &str, value: &Value) -> Result<Value, Unconvertible> {
    let at = |key: &str| format!("{field}.{key}");
    if value.get("type").is_some_and(|kind| kind != "function") {
        return Err(Unconvertible::new(at("type"), "`function`"));
    }
    let id = value.get("id").and_then(Value::as_str).ok_or_else(|| Unconvertible::new(at("id"), "a text"))?;
    let function = value.get("function");
    let name = function.and_then(|function| function.get("name")).and_then(Value::as_str);
    let name = name.ok_or_else(|| Unconvertible::new(at("function.name"), "a text"))?;
    let arguments = function.and_then(|function| function.get("arguments")).and_then(Value::as_str).unwrap_or_default();
    // Calls without arguments come with an empty text from some models.
    let input = if arguments.trim().is_empty() { Some(json!({})) } else { serde_json::from_str(arguments).ok() };
    let input = input.filter(Value::is_object);
    let input = input.ok_or_else(|| Unconvertible::new(at("function.arguments"), "the text of a JSON object"))?;
    Ok(json!({ "type": "tool_use", "id": call_id(id), "name": name, "input": input }))
}

fn result(field: &str, message: &Map<String, Value>) -> Result<Value, Unconvertible> {
    let id = message.get("tool_call_id").and_then(Value::as_str);
    let id = id.ok_or_else(|| Unconvertible::new(format!("{field}.tool_call_id"), "a text"))?;
    let mut block = json!({ "type": "tool_result", "tool_use_id": call_id(id) });
    let content = message.get("content").filter(|content| !content.is_null());
    let content = parts(&format!("{field}.content"), content)?;
    if !content.is_empty() {
        block["content"] = Value::Array(content);
    }
    Ok(block)
}
