//! The events of a message as chunks of a chat completion. What a newcomer would get wrong: the reason for the end comes before the
//! end; it is held back until the end is there, so that a stream that breaks in between never looks whole.

use std::collections::BTreeMap;
use std::mem;

use serde_json::{Map, Value, json};

use super::answer::ANSWER_TOOL;
use super::reply::{finish_reason, kept_thinking};
use super::{Garbled, REASONING_KEY, Refusal, THINKING_KEY};
use crate::upstream::halves;
use crate::upstream::sse::Event;
use crate::upstream::usage::Usage;

/// Blocks one message may have. A guess at ten times the longest run of calls; it bounds what is kept of a stream.
pub(crate) const MAX_BLOCKS: usize = 1_000;

/// Bytes of thinking, signatures included, that are kept until their block is whole: several times the largest budget.
pub(crate) const MAX_THINKING_BYTES: usize = 4 << 20;

/// Makes the chunks of one completion.
pub(crate) struct Chunks {
    /// What every chunk begins with: id, kind, creation and model.
    frame: Map<String, Value>,
    include_usage: bool,
    state: State,
    open: BTreeMap<u64, Block>,
    n_blocks: usize,
    n_calls: usize,
    n_thinking_bytes: usize,
    has_answered: bool,
    stop_reason: Option<String>,
    /// The counts told so far, the largest of each: they only grow.
    counts: Map<String, Value>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing but pings so far.
    Fresh,
    /// The message has begun.
    Begun,
    /// Its last counts are there.
    Told,
    /// It is whole.
    Complete,
}

/// A block under way.
enum Block {
    Text,
    /// The keys it began with, and what came to them.
    Thinking {
        keys: Map<String, Value>,
    },
    /// A call, by its place among the calls; whether anything of its input has come.
    Call {
        index: usize,
        input: Value,
        has_come: bool,
    },
    /// The call that is the answer, likewise.
    Answer {
        input: Value,
        has_come: bool,
    },
    /// Nothing of it is for the caller.
    Silent,
}

impl Chunks {
    /// For a completion with this id, model and time of creation; `include_usage` as the caller asked for it.
    pub(crate) fn new(id: &str, model: &str, created: u64, include_usage: bool) -> Self {
        let frame: [(&str, Value); 4] = [
            ("id", id.into()),
            ("object", "chat.completion.chunk".into()),
            ("created", created.into()),
            ("model", model.into()),
        ];
        let frame = frame.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        Self {
            frame,
            include_usage,
            state: State::Fresh,
            open: BTreeMap::new(),
            n_blocks: 0,
            n_calls: 0,
            n_thinking_bytes: 0,
            has_answered: false,
            stop_reason: None,
            counts: Map::new(),
        }
    }

    /// Takes the next event and gives the chunks that come of it. After an error nothing more is to be pushed.
    pub(crate) fn push(&mut self, event: &Event) -> Result<Vec<Value>, Garbled> {
        let event: Value = halves::read(event.text.as_bytes()).map_err(|_| Garbled::NotJson)?;
        let kind = event.get("type").and_then(Value::as_str);
        let kind = kind.ok_or(Garbled::Shape { field: "type", expected: "a text" })?;
        match (self.state, kind) {
            (_, "ping") => Ok(Vec::new()),
            (_, "error") => Err(Garbled::Refused(Refusal(event))),
            (State::Fresh, "message_start") => Ok(self.begin(&event)),
            (State::Fresh, _) => Err(Garbled::Order { expected: "message_start", found: "another event" }),
            (State::Begun | State::Told, "message_start") => {
                Err(Garbled::Order { expected: "one message", found: "message_start" })
            }
            (State::Complete, _) => Err(Garbled::Order { expected: "the end", found: "another event" }),
            (State::Begun | State::Told, "content_block_start") => self.open_block(&event),
            (State::Begun | State::Told, "content_block_delta") => self.lengthen(&event),
            (State::Begun | State::Told, "content_block_stop") => {
                let place = place(&event)?;
                // An end without a beginning is of a block that nobody here knows.
                self.open.remove(&place).map_or_else(|| Ok(Vec::new()), |block| self.close(place, block))
            }
            (State::Begun | State::Told, "message_delta") => {
                self.tell(&event);
                Ok(Vec::new())
            }
            (State::Begun | State::Told, "message_stop") => self.finish(),
            // More kinds of event are announced for the future.
            (State::Begun | State::Told, _) => Ok(Vec::new()),
        }
    }

    /// Whether the message came to its end.
    pub(crate) fn is_complete(&self) -> bool {
        self.state == State::Complete
    }

    /// The tokens that were told; doubted while the last counts are missing, since those before them leave out most of the answer.
    pub(crate) fn usage(&self) -> Option<Usage> {
        let usage = Usage::of_anthropic(&Value::Object(self.counts.clone()))?;
        let is_final = matches!(self.state, State::Told | State::Complete);
        Some(Usage { doubtful: usage.doubtful || !is_final, ..usage })
    }

    fn begin(&mut self, event: &Value) -> Vec<Value> {
        self.state = State::Begun;
        self.count(event.get("message").and_then(|message| message.get("usage")));
        vec![self.delta(&json!({ "role": "assistant", "content": "", "refusal": null }))]
    }

    fn open_block(&mut self, event: &Value) -> Result<Vec<Value>, Garbled> {
        let place = place(event)?;
        let block = event.get("content_block").and_then(Value::as_object);
        let keys = block.ok_or(Garbled::Shape { field: "content_block", expected: "an object" })?;
        let word = |key: &str| keys.get(key).and_then(Value::as_str);
        self.n_blocks += 1;
        if self.n_blocks > MAX_BLOCKS {
            return Err(Garbled::TooManyBlocks);
        }
        let (block, chunks) = match word("type") {
            Some("text") => (Block::Text, self.said(word("text").unwrap_or_default())),
            Some("thinking" | "redacted_thinking") => {
                let begun = word("thinking").unwrap_or_default();
                self.weigh(keys.values().filter_map(Value::as_str).map(str::len).sum())?;
                (Block::Thinking { keys: keys.clone() }, self.thought(begun))
            }
            Some("tool_use") => self.open_call(keys)?,
            Some(_) => (Block::Silent, Vec::new()),
            None => return Err(Garbled::Shape { field: "content_block.type", expected: "a text" }),
        };
        if self.open.insert(place, block).is_some() {
            return Err(Garbled::Order { expected: "the end of a block", found: "content_block_start" });
        }
        Ok(chunks)
    }

    fn open_call(&mut self, keys: &Map<String, Value>) -> Result<(Block, Vec<Value>), Garbled> {
        let word = |key: &str| keys.get(key).and_then(Value::as_str);
        let name = word("name").ok_or(Garbled::Shape { field: "content_block.name", expected: "a text" })?;
        let id = word("id").ok_or(Garbled::Shape { field: "content_block.id", expected: "a text" })?;
        let input = keys.get("input").filter(|input| input.is_object()).cloned().unwrap_or_else(|| json!({}));
        if name == ANSWER_TOOL {
            // One answer is wanted; a second would make both unreadable.
            let again = mem::replace(&mut self.has_answered, true);
            let block = if again { Block::Silent } else { Block::Answer { input, has_come: false } };
            return Ok((block, Vec::new()));
        }
        let index = self.n_calls;
        self.n_calls += 1;
        let function = json!({ "name": name, "arguments": "" });
        let call = json!({ "index": index, "id": id, "type": "function", "function": function });
        Ok((Block::Call { index, input, has_come: false }, vec![self.delta(&json!({ "tool_calls": [call] }))]))
    }

    fn lengthen(&mut self, event: &Value) -> Result<Vec<Value>, Garbled> {
        let place = place(event)?;
        let delta = event.get("delta").ok_or(Garbled::Shape { field: "delta", expected: "an object" })?;
        let kind = delta.get("type").and_then(Value::as_str).unwrap_or_default();
        let piece = |key: &'static str| {
            let piece = delta.get(key).and_then(Value::as_str);
            piece.ok_or(Garbled::Shape { field: "delta", expected: "a text under the key of its type" })
        };
        if let "thinking_delta" | "signature_delta" = kind {
            let key = if kind == "thinking_delta" { "thinking" } else { "signature" };
            let piece = piece(key)?;
            self.weigh(piece.len())?;
            let Some(Block::Thinking { keys }) = self.open.get_mut(&place) else { return Err(misplaced()) };
            match keys.entry(key).or_insert_with(|| "".into()) {
                Value::String(text) => text.push_str(piece),
                other => *other = piece.into(),
            }
            return Ok(if key == "thinking" { self.thought(piece) } else { Vec::new() });
        }
        match (kind, self.open.get_mut(&place)) {
            ("text_delta", Some(Block::Text)) => Ok(self.said(piece("text")?)),
            ("input_json_delta", Some(Block::Call { index, has_come, .. })) => {
                let (piece, index) = (piece("partial_json")?, *index);
                *has_come |= !piece.is_empty();
                Ok(if piece.is_empty() { Vec::new() } else { vec![self.arguments(index, piece)] })
            }
            ("input_json_delta", Some(Block::Answer { has_come, .. })) => {
                let piece = piece("partial_json")?;
                *has_come |= !piece.is_empty();
                Ok(self.answered(piece))
            }
            ("text_delta" | "input_json_delta", Some(Block::Silent)) => Ok(Vec::new()),
            ("text_delta" | "input_json_delta", _) => Err(misplaced()),
            // More kinds of delta are announced for the future; citations are one that has come.
            _ => Ok(Vec::new()),
        }
    }

    /// A block is whole. A call whose input never came in pieces has it from the beginning.
    fn close(&mut self, place: u64, block: Block) -> Result<Vec<Value>, Garbled> {
        Ok(match block {
            Block::Call { index, input, has_come: false } => vec![self.arguments(index, &input.to_string())],
            Block::Answer { input, has_come: false } => self.answered(&input.to_string()),
            Block::Thinking { keys } => {
                let place = usize::try_from(place).map_err(|_| Garbled::TooManyBlocks)?;
                vec![self.delta(&json!({ THINKING_KEY: [kept_thinking(place, &keys)] }))]
            }
            Block::Text | Block::Silent | Block::Call { .. } | Block::Answer { .. } => Vec::new(),
        })
    }

    fn tell(&mut self, event: &Value) {
        self.state = State::Told;
        self.count(event.get("usage"));
        let reason = event.get("delta").and_then(|delta| delta.get("stop_reason")).and_then(Value::as_str);
        self.stop_reason = reason.map(str::to_owned).or_else(|| self.stop_reason.take());
    }

    fn finish(&mut self) -> Result<Vec<Value>, Garbled> {
        let Some(stop_reason) = self.stop_reason.take() else {
            return Err(Garbled::Order { expected: "a reason for the end", found: "message_stop" });
        };
        let mut chunks = Vec::new();
        for (place, block) in mem::take(&mut self.open) {
            chunks.extend(self.close(place, block)?);
        }
        self.state = State::Complete;
        chunks.push(self.chunk(&json!({}), Some(finish_reason(&stop_reason, self.n_calls > 0))));
        if self.include_usage
            && let Some(usage) = self.usage()
        {
            let mut chunk = self.frame.clone();
            chunk.insert("choices".to_owned(), json!([]));
            chunk.insert("usage".to_owned(), usage.to_openai());
            chunks.push(Value::Object(chunk));
        }
        Ok(chunks)
    }

    /// What is not a number is kept, to be doubted.
    fn count(&mut self, usage: Option<&Value>) {
        const COUNTS: [&str; 4] =
            ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"];
        for key in COUNTS {
            let Some(new) = usage.and_then(|usage| usage.get(key)).filter(|new| !new.is_null()) else { continue };
            let old = self.counts.get(key).and_then(Value::as_u64);
            if new.as_u64().is_none_or(|new| old.is_none_or(|old| old < new)) {
                self.counts.insert(key.to_owned(), new.clone());
            }
        }
    }

    fn weigh(&mut self, n_bytes: usize) -> Result<(), Garbled> {
        self.n_thinking_bytes = self.n_thinking_bytes.saturating_add(n_bytes);
        if self.n_thinking_bytes > MAX_THINKING_BYTES { Err(Garbled::TooMuchThinking) } else { Ok(()) }
    }

    /// Words around an answer in JSON would make it unreadable.
    fn said(&self, text: &str) -> Vec<Value> {
        if self.has_answered { Vec::new() } else { self.answered(text) }
    }

    fn answered(&self, text: &str) -> Vec<Value> {
        if text.is_empty() { Vec::new() } else { vec![self.delta(&json!({ "content": text }))] }
    }

    fn thought(&self, text: &str) -> Vec<Value> {
        if text.is_empty() { Vec::new() } else { vec![self.delta(&json!({ REASONING_KEY: text }))] }
    }

    fn arguments(&self, index: usize, piece: &str) -> Value {
        self.delta(&json!({ "tool_calls": [{ "index": index, "function": { "arguments": piece } }] }))
    }

    fn delta(&self, delta: &Value) -> Value {
        self.chunk(delta, None)
    }

    fn chunk(&self, delta: &Value, finish_reason: Option<&str>) -> Value {
        let mut chunk = self.frame.clone();
        let choice = json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason });
        chunk.insert("choices".to_owned(), json!([choice]));
        if self.include_usage {
            chunk.insert("usage".to_owned(), Value::Null);
        }
        Value::Object(chunk)
    }
}

fn place(event: &Value) -> Result<u64, Garbled> {
    event.get("index").and_then(Value::as_u64).ok_or(Garbled::Shape { field: "index", expected: "a whole number" })
}

fn misplaced() -> Garbled {
    Garbled::Order { expected: "a piece of an open block of its kind", found: "content_block_delta" }
}
