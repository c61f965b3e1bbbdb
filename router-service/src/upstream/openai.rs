//! OpenAI's chat completions as a provider speaks them: our request out, its reply or chunks in. Both directions keep every field
//! they do not need byte for byte; only the model's name is exchanged, so that callers read the one they know.

use classifier::{Voice, billed_tokens};
use serde::Deserialize;
use serde_json::{Value, json};

use super::halves;
use super::usage::Usage;
use crate::chat::Chat;
use crate::fields::Fields;

/// The path of the call below the base address.
pub(crate) const PATH: &str = "/chat/completions";

/// What ends a stream.
pub(crate) const DONE: &str = "[DONE]";

/// Choices of one chunk that are looked at.
const MAX_CHOICES: usize = 1024;

/// The body of the call.
pub(crate) fn request(chat: &Chat, upstream_model: &str, stream_usage: bool) -> String {
    let mut fields = chat.fields.clone();
    fields.set("model", &upstream_model);
    if !stream_usage {
        // Its server refuses the field. A caller that asks for usage is told it all the same, as it is counted here.
        fields.remove("stream_options");
    } else if chat.stream && !chat.include_usage {
        // Without it nobody would know what the stream costs. The chunk that comes of it is kept from the caller.
        let mut options: serde_json::Map<String, Value> = fields.get("stream_options").unwrap_or_default();
        options.insert("include_usage".to_owned(), json!(true));
        fields.set("stream_options", &options);
    }
    fields.to_json()
}

/// What is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Garbled(pub(crate) &'static str);

/// A piece of an answer in OpenAI's shape, and what is known of it.
#[derive(Debug)]
pub(crate) struct Piece {
    /// The piece.
    pub(crate) fields: Fields,
    /// Tokens that the model wrote in it, whatever they are, as counted here: a piece ends where a token ends.
    pub(crate) n_tokens: u64,
    /// Whether it holds something of the answer, and not only its frame.
    pub(crate) speaks: bool,
    /// The choices that end with it.
    pub(crate) finished: Vec<u64>,
    /// The choices that are in it.
    pub(crate) choices: Vec<u64>,
    /// What it says of tokens.
    pub(crate) usage: Option<Usage>,
    /// The text of its first choice, for callers that want nothing else.
    pub(crate) text: String,
}

impl Piece {
    /// Everything in it that a model wrote, by choice and by where it stands there.
    pub(crate) fn each_text(&self, mut with: impl FnMut(Voice, &str)) {
        for choice in self.fields.get::<Vec<Choice>>("choices").into_iter().flatten() {
            if let Some(said) = choice.said() {
                said.each_text(&mut |place, text| with((choice.index, place), text));
            }
        }
    }
}

/// What may come in place of a piece.
#[derive(Debug)]
pub(crate) enum Read {
    /// A piece.
    Piece(Box<Piece>),
    /// The provider's complaint, where the answer should be.
    Complaint(Value),
}

#[derive(Deserialize)]
struct Seen {
    choices: Option<Vec<Choice>>,
    usage: Option<Value>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u64,
    delta: Option<Said>,
    message: Option<Said>,
    finish_reason: Option<String>,
}

impl Choice {
    fn said(&self) -> Option<&Said> {
        self.delta.as_ref().or(self.message.as_ref())
    }
}

#[derive(Default, Deserialize)]
struct Said {
    content: Option<Value>,
    refusal: Option<String>,
    reasoning: Option<Value>,
    reasoning_content: Option<Value>,
    tool_calls: Option<Vec<Value>>,
    function_call: Option<Value>,
    audio: Option<Value>,
}

/// Reads a reply or a chunk.
pub(crate) fn read(text: &[u8]) -> Result<Read, Garbled> {
    read_whole(text).or_else(|garbled| read_whole(&halves::mended(text).ok_or(garbled)?))
}

fn read_whole(text: &[u8]) -> Result<Read, Garbled> {
    let fields = Fields::parse(text).map_err(|_| Garbled("expected a JSON object"))?;
    let seen: Seen = serde_json::from_slice(text).map_err(|_| Garbled("expected a completion in OpenAI's shape"))?;
    if let Some(error) = seen.error.filter(|error| !error.is_null()) {
        return Ok(Read::Complaint(error));
    }
    let choices = seen.choices.ok_or(Garbled("expected `choices`, found none"))?;
    if choices.len() > MAX_CHOICES {
        return Err(Garbled("expected fewer choices"));
    }
    let weighed: Vec<(u64, bool)> =
        choices.iter().map(|choice| choice.said().map_or((0, false), Said::weighed)).collect();
    let finished: Vec<u64> =
        choices.iter().filter(|choice| choice.finish_reason.is_some()).map(|choice| choice.index).collect();
    let first = choices.iter().find(|choice| choice.index == 0).and_then(Choice::said);
    Ok(Read::Piece(Box::new(Piece {
        n_tokens: weighed.iter().map(|(n_tokens, _)| n_tokens).sum(),
        speaks: !finished.is_empty() || weighed.iter().any(|(_, speaks)| *speaks),
        choices: choices.iter().map(|choice| choice.index).collect(),
        text: first.and_then(|said| said.content.as_ref()?.as_str()).unwrap_or_default().to_owned(),
        usage: seen.usage.as_ref().and_then(Usage::of_openai),
        finished,
        fields,
    })))
}

impl Said {
    /// The tokens in it, and whether there is anything at all: a tool call may begin with no more than its name.
    fn weighed(&self) -> (u64, bool) {
        let mut n_tokens = 0;
        self.each_text(&mut |_, text| n_tokens += billed_tokens(text));
        (n_tokens, n_tokens > 0 || self.tool_calls.as_ref().is_some_and(|calls| !calls.is_empty()))
    }

    /// The texts, each with its place: what comes piece by piece is put together by it.
    fn each_text(&self, with: &mut impl FnMut(usize, &str)) {
        // Some tell the same reasoning under both names.
        let reasoning = self.reasoning.as_ref().filter(|reasoning| self.reasoning_content.as_ref() != Some(reasoning));
        let values = [
            self.content.as_ref(),
            reasoning,
            self.reasoning_content.as_ref(),
            self.function_call.as_ref(),
            self.audio.as_ref(),
        ];
        for (place, value) in values.iter().enumerate() {
            value.iter().for_each(|value| each_text(value, &mut |text| with(place, text)));
        }
        self.refusal.iter().for_each(|text| with(values.len(), text));
        for (order, call) in self.tool_calls.iter().flatten().enumerate() {
            let told = call.get("index").and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok());
            let place = values.len().saturating_add(1).saturating_add(told.unwrap_or(order));
            each_text(call, &mut |text| with(place, text));
        }
    }
}

/// All texts of a value that a model wrote.
pub(crate) fn each_text(value: &Value, with: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => with(text),
        Value::Array(list) => list.iter().for_each(|value| each_text(value, with)),
        Value::Object(keys) => ["text", "content", "arguments", "name", "function", "transcript"]
            .iter()
            .filter_map(|key| keys.get(*key))
            .for_each(|value| each_text(value, with)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests;
