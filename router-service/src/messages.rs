//! Conversations as OpenAI's clients write them, to the turns a classifier reads: the one conversion behind the HTTP doors and
//! the batch files. A complaint names the field (`messages[3].role`) and never quotes what somebody wrote.

use std::fmt;

mod parts;

use classifier::{Prompt, Role, Turn};
use decision::{Skill, Skills, Tokens, nearest};
pub(crate) use parts::IMAGE_TOKENS;
use parts::{Attached, Part};
use serde_json::{Map, Value};

/// Messages of one conversation of a file. A guess at ten times the longest agent run; it bounds the work of one line.
pub const MAX_MESSAGES: usize = 10_000;

/// Parts of one message, and its calls.
pub const MAX_PARTS: usize = 1_000;

/// Bytes of text in one conversation of a file: about a million tokens, the largest context window on offer.
pub const MAX_TEXT_BYTES: usize = 4 << 20;

/// What one conversation may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most {
    messages: usize,
    text_bytes: usize,
}

impl Most {
    /// Of a file, where nobody configures anything.
    const OF_A_FILE: Self = Self { messages: MAX_MESSAGES, text_bytes: MAX_TEXT_BYTES };

    /// Of a body that was read: it has a length, and its door holds the configured limits against what is in it.
    pub(crate) const OF_A_BODY: Self = Self { messages: usize::MAX, text_bytes: usize::MAX };
}

/// What is wrong with a field of a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: expected {expected}, found {found}")]
pub struct FieldError {
    /// The field, as a path: `messages[3].content[0].type`.
    pub field: String,
    /// What it may hold.
    pub expected: String,
    /// What it holds, described and not quoted: it may be part of a prompt.
    pub found: String,
}

impl FieldError {
    /// A complaint about a field.
    pub fn new(field: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { field: field.into(), expected: expected.into(), found: found.into() }
    }
}

/// One message, in the form that is forecast.
#[derive(Clone, PartialEq, Eq)]
struct Message {
    role: Role,
    text: String,
    images: u32,
    tool_calls: u32,
    /// What it takes to make something of it, beyond reading: to see, to hear, to read files.
    takes: Skills,
    /// What the attached things may be billed as.
    attached_tokens: u64,
}

impl Message {
    fn says_nothing(&self) -> bool {
        self.text.trim().is_empty() && self.takes == Skills::NONE
    }
}

/// A conversation that was read: at least one message, and something to answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Conversation {
    messages: Vec<Message>,
}

impl Conversation {
    /// A single user message. `field` is where it stood, for the complaint.
    pub fn from_text(field: &str, text: &str) -> Result<Self, FieldError> {
        if text.len() > MAX_TEXT_BYTES {
            let expected = format!("at most {MAX_TEXT_BYTES} bytes of text");
            return Err(FieldError::new(field, expected, format!("{} bytes", text.len())));
        }
        if text.trim().is_empty() {
            return Err(FieldError::new(field, "a prompt", "an empty text"));
        }
        let message = Message {
            role: Role::User,
            text: text.to_owned(),
            images: 0,
            tool_calls: 0,
            takes: Skills::NONE,
            attached_tokens: 0,
        };
        Ok(Self { messages: vec![message] })
    }

    /// The value of a field that holds messages as OpenAI's clients write them. `field` is its name, for the complaints.
    pub fn from_json(field: &str, value: &Value) -> Result<Self, FieldError> {
        Self::within(field, value, Most::OF_A_FILE)
    }

    /// The same of a conversation that may hold as much as this.
    pub(crate) fn within(field: &str, value: &Value, most: Most) -> Result<Self, FieldError> {
        let Value::Array(list) = value else {
            return Err(FieldError::new(field, "a list of messages", kind(value)));
        };
        if list.is_empty() || list.len() > most.messages {
            let expected = match most.messages {
                usize::MAX => "at least 1 message".to_owned(),
                messages => format!("1 to {messages} messages"),
            };
            return Err(FieldError::new(field, expected, list.len().to_string()));
        }
        let mut n_bytes = 0;
        let mut messages = Vec::with_capacity(list.len());
        for (index, value) in list.iter().enumerate() {
            let message = message(&format!("{field}[{index}]"), value)?;
            n_bytes += message.text.len();
            if n_bytes > most.text_bytes {
                let expected = format!("at most {} bytes of text in all", most.text_bytes);
                return Err(FieldError::new(field, expected, "more"));
            }
            messages.push(message);
        }
        if messages.iter().all(Message::says_nothing) {
            return Err(FieldError::new(
                field,
                "a message with some text, an image, a recording or a file",
                "only empty ones",
            ));
        }
        Ok(Self { messages })
    }

    /// What is forecast.
    pub fn prompt(&self) -> Prompt {
        let turns: Vec<Turn<'_>> = self
            .messages
            .iter()
            .map(|message| Turn {
                role: message.role,
                text: &message.text,
                images: message.images,
                tool_calls: message.tool_calls,
            })
            .collect();
        Prompt::from_turns(&turns)
    }

    /// What any model that goes on with it must be able to do: see the images in it, hear its recordings, read its files and its
    /// tool calls.
    pub fn skills(&self) -> Skills {
        let calls = self.messages.iter().any(|message| message.tool_calls > 0 || message.role == Role::Tool);
        let tools = calls.then_some(Skill::Tools);
        self.messages.iter().flat_map(|message| message.takes.iter()).chain(tools).collect()
    }

    /// What images, recordings and files may be billed as beside the text: a guess, so that caps and windows see them at all.
    pub fn attached_tokens(&self) -> Tokens {
        Tokens::held(self.messages.iter().map(|message| message.attached_tokens).fold(0, u64::saturating_add))
    }

    /// Bytes of text in all messages together.
    pub fn n_bytes(&self) -> usize {
        self.messages.iter().map(|message| message.text.len()).sum()
    }

    /// The texts of its messages.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.messages.iter().map(|message| message.text.as_str())
    }

    /// The text as an outcome log keeps it where the operator opted in: a single message as it is, more with their roles.
    pub fn text(&self) -> String {
        text_of(self.messages.iter().map(|message| (message.role, message.text.as_str())))
    }

    /// How many messages it has.
    pub fn n_messages(&self) -> usize {
        self.messages.len()
    }
}

/// Turns as one text: a single one as it is, more with their roles.
pub(crate) fn text_of<'a>(turns: impl ExactSizeIterator<Item = (Role, &'a str)>) -> String {
    let alone = turns.len() == 1;
    let turn = |(role, text): (Role, &str)| if alone { text.to_owned() } else { format!("{}: {text}", word(role)) };
    turns.map(turn).collect::<Vec<_>>().join("\n\n")
}

impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Conversation({} messages)", self.messages.len())
    }
}

fn message(field: &str, value: &Value) -> Result<Message, FieldError> {
    let Value::Object(keys) = value else {
        return Err(FieldError::new(field, "a message with `role` and `content`", kind(value)));
    };
    let role = role(&format!("{field}.role"), keys.get("role"))?;
    let tool_calls = tool_calls(field, keys)?;
    let at = format!("{field}.content");
    let (mut text, mut images, mut takes, mut attached_tokens) = (String::new(), 0, Skills::NONE, 0_u64);
    match keys.get("content") {
        Some(Value::String(content)) => content.clone_into(&mut text),
        Some(Value::Array(parts)) => {
            if parts.len() > MAX_PARTS {
                return Err(FieldError::new(at, format!("at most {MAX_PARTS} parts"), parts.len().to_string()));
            }
            let mut texts = Vec::new();
            for (index, part) in parts.iter().enumerate() {
                match parts::part(&format!("{at}[{index}]"), part)? {
                    Part::Text(text) => texts.push(text),
                    Part::Attached(Attached { skill, tokens }) => {
                        images += u32::from(skill == Skill::Vision);
                        takes = takes.with(skill);
                        attached_tokens = attached_tokens.saturating_add(tokens);
                    }
                }
            }
            text = texts.join("\n");
        }
        // An assistant that only calls tools says nothing, and neither does a tool without output.
        None | Some(Value::Null) if tool_calls > 0 || matches!(role, Role::Assistant | Role::Tool) => {}
        None => return Err(FieldError::new(at, "a text or a list of parts", "nothing")),
        Some(other) => return Err(FieldError::new(at, "a text or a list of parts", kind(other))),
    }
    Ok(Message { role, text, images, tool_calls, takes, attached_tokens })
}

fn word(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    }
}

const ROLES: [&str; 6] = ["system", "developer", "user", "assistant", "tool", "function"];

fn one_of(words: &[&str]) -> String {
    format!("one of {}", words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "))
}

fn role(field: &str, value: Option<&Value>) -> Result<Role, FieldError> {
    let expected = one_of(&ROLES);
    match value {
        None => Err(FieldError::new(field, expected, "nothing")),
        Some(Value::String(word)) => match word.as_str() {
            "system" | "developer" => Ok(Role::System),
            "user" => Ok(Role::User),
            "assistant" => Ok(Role::Assistant),
            "tool" | "function" => Ok(Role::Tool),
            other => Err(FieldError::new(field, expected, unknown_word(other, &ROLES))),
        },
        Some(other) => Err(FieldError::new(field, expected, kind(other))),
    }
}

/// Calls are counted, not read; `function_call` is how clients of 2023 wrote one.
fn tool_calls(field: &str, keys: &Map<String, Value>) -> Result<u32, FieldError> {
    let calls = match keys.get("tool_calls") {
        None | Some(Value::Null) => 0,
        Some(Value::Array(calls)) if calls.len() <= MAX_PARTS => u32::try_from(calls.len()).unwrap_or(u32::MAX),
        Some(Value::Array(calls)) => {
            let expected = format!("at most {MAX_PARTS} calls");
            return Err(FieldError::new(format!("{field}.tool_calls"), expected, calls.len().to_string()));
        }
        Some(other) => return Err(FieldError::new(format!("{field}.tool_calls"), "a list of calls", kind(other))),
    };
    let legacy = keys.get("function_call").is_some_and(Value::is_object);
    Ok(calls + u32::from(legacy))
}

/// What a JSON value is, without saying what is in it.
pub fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) if text.is_empty() => "an empty text".to_owned(),
        Value::String(text) => format!("a text of {} bytes", text.len()),
        Value::Array(list) => format!("a list of {}", list.len()),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// Words of other dialects, which people send by honest mistake. They are quoted; anything else may be a piece of a prompt that
/// stands in the wrong place, and is only measured.
const FOREIGN: [&str; 14] = [
    "ai",
    "audio",
    "bot",
    "human",
    "image",
    "input_file",
    "input_image",
    "input_text",
    "model",
    "output_text",
    "robot",
    "thinking",
    "tool_result",
    "tool_use",
];

fn unknown_word(word: &str, known: &[&str]) -> String {
    if FOREIGN.contains(&word) {
        return format!("`{word}`");
    }
    let near = nearest(word, known.iter().copied());
    let hint = near.map(|near| format!("; the nearest known one is `{near}`")).unwrap_or_default();
    format!("another text of {} bytes{hint}", word.len())
}

#[cfg(test)]
mod tests;
