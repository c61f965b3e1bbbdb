//! Anthropic's Messages behind OpenAI's chat completions: a request there, an answer or a stream back. JSON in, JSON out, no IO.
//! What a newcomer would get wrong: what cannot be said there is an error that names the field, never quietly left out, unless it is
//! advice that any provider may ignore.

use serde_json::Value;

use crate::secret::Secret;
use crate::upstream::failure::{self, Meaning, Refused};

mod answer;
mod blocks;
mod chunks;
mod reply;
mod request;
mod thinking;
mod tools;
mod turns;

pub(crate) use chunks::{Chunks, MAX_BLOCKS, MAX_THINKING_BYTES};
pub(crate) use reply::reply;
pub(crate) use request::request;

/// The key of an assistant's message that holds its signed thinking, each block as it came and with the place where it stood.
pub(crate) const THINKING_KEY: &str = "thinking_blocks";

/// The key of an assistant's message that holds the text of its thinking, for people. It is not sent back.
pub(crate) const REASONING_KEY: &str = "reasoning_content";

/// A field of a request that has no counterpart, or none for what it holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: an Anthropic provider takes only {expected}")]
pub(crate) struct Unconvertible {
    /// The field, as a path: `messages[3].content[0].type`.
    pub(crate) field: String,
    /// What it may hold. What it does hold is not said: it may be part of a prompt.
    pub(crate) expected: String,
}

impl Unconvertible {
    fn new(field: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { field: field.into(), expected: expected.into() }
    }
}

/// Why an answer is none.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Garbled {
    /// Something that is not JSON.
    #[error("expected JSON, found something else")]
    NotJson,
    /// JSON of another shape.
    #[error("{field}: expected {expected}, found something else")]
    Shape {
        /// Where.
        field: &'static str,
        /// What belongs there.
        expected: &'static str,
    },
    /// An event where it cannot stand.
    #[error("expected {expected}, found `{found}`")]
    Order {
        /// What had to come.
        expected: &'static str,
        /// What came.
        found: &'static str,
    },
    /// More blocks than [`MAX_BLOCKS`].
    #[error("expected at most {MAX_BLOCKS} blocks, found more")]
    TooManyBlocks,
    /// More thinking than [`MAX_THINKING_BYTES`].
    #[error("expected at most {MAX_THINKING_BYTES} bytes of thinking, found more")]
    TooMuchThinking,
    /// The upstream gave up and said why.
    #[error("the upstream ended its answer with an error")]
    Refused(Refusal),
}

/// An error that the upstream sent where an answer was to come.
#[derive(Clone, PartialEq)]
pub(crate) struct Refusal(Value);

impl Refusal {
    /// What it means. Statuses come before an answer; here the type of the error speaks alone.
    pub(crate) fn meaning(&self, secrets: &[Secret]) -> Meaning {
        failure::of_anthropic(&Refused { status: 500, body: &self.0, retry_after_ms: None, secrets })
    }
}

impl std::fmt::Debug for Refusal {
    /// It may quote the prompt.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Refusal")
    }
}

/// What a response with another status than 200 means.
pub(crate) fn error_of(refused: &Refused<'_>) -> Meaning {
    failure::of_anthropic(refused)
}

#[cfg(test)]
mod tests;
