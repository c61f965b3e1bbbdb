//! The canonical view of what a caller sent: which turns are read, in which order, and how long input is cut.
//! Its `Debug` hides the text: a prompt must not reach a log by accident.

use std::fmt;

use decision::Tokens;
use sha2::{Digest, Sha256};

use crate::canon::canonical;

/// Who speaks a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Instructions by whoever built the application.
    System,
    /// The person or program that asks.
    User,
    /// An earlier answer of a model.
    Assistant,
    /// What a tool returned.
    Tool,
}

/// One turn of a conversation.
#[derive(Clone, Copy)]
pub struct Turn<'a> {
    /// Who speaks.
    pub role: Role,
    /// What they say: the text parts, joined by line breaks.
    pub text: &'a str,
    /// Images in this turn.
    pub images: u32,
    /// Tool calls in this turn.
    pub tool_calls: u32,
}

/// What is forecast: a conversation in canonical form.
#[derive(Clone, PartialEq, Eq)]
pub struct Prompt {
    text: String,
    characters: u64,
    images: u32,
    tool_calls: u32,
}

impl Prompt {
    /// A single question.
    pub fn from_text(text: &str) -> Self {
        Self::from_turns(&[Turn { role: Role::User, text, images: 0, tool_calls: 0 }])
    }

    /// A conversation, oldest turn first.
    pub fn from_turns(turns: &[Turn<'_>]) -> Self {
        let text = canonical(question(turns));
        let characters = turns.iter().map(|turn| turn.text.chars().count() as u64).sum();
        let images = turns.iter().fold(0_u32, |sum, turn| sum.saturating_add(turn.images));
        let tool_calls = turns.iter().fold(0_u32, |sum, turn| sum.saturating_add(turn.tool_calls));
        Self { text, characters, images, tool_calls }
    }

    /// The size of the whole conversation in tokens, estimated as a quarter of its characters.
    pub fn tokens(&self) -> Tokens {
        Tokens::new(self.characters.div_ceil(4)).unwrap_or(Tokens::ZERO)
    }

    /// A digest of everything a forecast depends on: equal digests, equal forecasts.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.characters.to_le_bytes());
        hash.update(self.images.to_le_bytes());
        hash.update(self.tool_calls.to_le_bytes());
        hash.update(self.text.as_bytes());
        hash.finalize().into()
    }

    /// The canonical text that is forecast.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Images in the conversation.
    pub fn images(&self) -> u32 {
        self.images
    }

    /// Tool calls in the conversation.
    pub fn tool_calls(&self) -> u32 {
        self.tool_calls
    }
}

impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prompt({} characters)", self.characters)
    }
}

/// The turn that is embedded.
fn question<'a>(turns: &[Turn<'a>]) -> &'a str {
    turns.iter().rev().find(|turn| turn.role == Role::User).or(turns.last()).map_or("", |turn| turn.text)
}
