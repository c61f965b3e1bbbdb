//! The canonical view of what a caller sent: which turns are read, in which order, and how long input is cut.
//! Its `Debug` hides the text: a prompt must not reach a log by accident.

use std::borrow::Cow;
use std::fmt;

use decision::Tokens;
use sha2::{Digest, Sha256};

use self::leaning::leans;
use self::size::asked_size;
use crate::billed::forecast_unit;
use crate::canon::canonical;

mod leaning;
mod size;

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
    tokens: Tokens,
    asked_size: Option<Tokens>,
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
        let asked_size = last_question(turns).and_then(asked_size);
        let text = canonical(&question(turns));
        let characters = turns.iter().map(|turn| turn.text.chars().count() as u64).sum();
        let tokens = Tokens::held(turns.iter().map(|turn| forecast_unit(turn.text)).sum());
        let images = turns.iter().fold(0_u32, |sum, turn| sum.saturating_add(turn.images));
        let tool_calls = turns.iter().fold(0_u32, |sum, turn| sum.saturating_add(turn.tool_calls));
        Self { text, characters, tokens, asked_size, images, tool_calls }
    }

    /// The size of the whole conversation in tokens, in the unit in which answers are forecast.
    pub fn tokens(&self) -> Tokens {
        self.tokens
    }

    /// A digest of everything a forecast depends on: equal digests, equal forecasts.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.characters.to_le_bytes());
        hash.update(self.asked_size.map_or(0, Tokens::get).to_le_bytes());
        hash.update(self.images.to_le_bytes());
        hash.update(self.tool_calls.to_le_bytes());
        hash.update(self.text.as_bytes());
        hash.finalize().into()
    }

    /// The canonical text that is forecast.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// How long an answer is asked for, where the last question says so.
    pub(crate) fn asked_size(&self) -> Option<Tokens> {
        self.asked_size
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

/// A last question of more characters than this leans on nothing that was said before.
const SHORT_QUESTION: usize = 160;

/// Characters of earlier questions that such a question is read with, newest first.
const EARLIER_CHARS: usize = 600;

/// What is read of a conversation: the last user turn; where that is short and leans on them, earlier user turns before it, as much as fits. System
/// prompts, answers and tool results are counted but not read: they would drown the question, and they are the same for many.
fn question(turns: &[Turn<'_>]) -> String {
    let Some(last) = last_question(turns) else { return String::new() };
    let asked = questions(turns).skip(1);
    if last.chars().nth(SHORT_QUESTION).is_some() || !leans(last) {
        return last.to_owned();
    }
    let mut parts = vec![Cow::Borrowed(last)];
    let mut left = EARLIER_CHARS;
    for earlier in asked {
        let n = earlier.chars().count();
        if n > left {
            // What it follows up on is read in any case, as long texts are: by its head and its tail.
            if parts.len() == 1 {
                parts.push(Cow::Owned(head_and_tail(earlier, n)));
            }
            break;
        }
        left -= n;
        parts.push(Cow::Borrowed(earlier));
    }
    parts.reverse();
    parts.join("\n")
}

/// What users said, newest first.
fn questions<'t>(turns: &[Turn<'t>]) -> impl Iterator<Item = &'t str> {
    turns.iter().rev().filter(|turn| turn.role == Role::User).map(|turn| turn.text)
}

/// What was said last by a user; where none said anything, by anybody.
fn last_question<'t>(turns: &[Turn<'t>]) -> Option<&'t str> {
    questions(turns).next().or(turns.last().map(|turn| turn.text))
}

/// Two thirds of what may be read of earlier questions from the head of a text of `n` characters, one third from its tail.
fn head_and_tail(text: &str, n: usize) -> String {
    let tail = EARLIER_CHARS / 3;
    let head: String = text.chars().take(EARLIER_CHARS - tail).collect();
    head + "\n" + &text.chars().skip(n - tail).collect::<String>()
}

#[cfg(test)]
mod tests {
    //! What of a conversation is read.

    use super::{Prompt, Role, Turn};

    fn turn(role: Role, text: &str) -> Turn<'_> {
        Turn { role, text, images: 0, tool_calls: 0 }
    }

    #[test]
    fn a_system_prompt_does_not_drown_the_question() {
        let system = "You are a careful assistant. ".repeat(500);
        let alone = Prompt::from_text("What is the capital of Peru, and since when has it been?");
        let talk = Prompt::from_turns(&[
            turn(Role::System, &system),
            turn(Role::User, "What is the capital of Peru, and since when has it been?"),
        ]);
        assert_eq!(talk.text(), alone.text());
        assert!(talk.tokens() > alone.tokens(), "it is billed all the same");
    }

    #[test]
    fn a_short_question_is_read_with_those_before_it() {
        let talk = Prompt::from_turns(&[
            turn(Role::User, "How do I sort a list in Python?"),
            turn(Role::Assistant, "With sorted()."),
            turn(Role::User, "And backwards?"),
        ]);
        assert_eq!(talk.text(), "how do i sort a list in python?\nand backwards?");
    }

    #[test]
    fn a_short_question_after_a_long_one_is_read_with_its_head_and_its_tail() {
        let long =
            format!("Count the paths of the grid. {}How many are there?", "It has rows and columns. ".repeat(40));
        let talk = Prompt::from_turns(&[
            turn(Role::User, "Hello there"),
            turn(Role::User, &long),
            turn(Role::User, "And in O(n)?"),
        ]);
        let read = talk.text();
        assert!(
            read.starts_with("count the paths of the grid.") && read.ends_with("how many are there?\nand in o(n)?"),
            "{read}"
        );
        assert!(read.len() < long.len() && !read.contains("hello"), "{read}");
    }

    #[test]
    fn a_long_question_stands_alone() {
        let long = "Explain the proof of the theorem step by step. ".repeat(5);
        let talk = Prompt::from_turns(&[turn(Role::User, "Hello there"), turn(Role::User, &long)]);
        assert_eq!(talk.text(), Prompt::from_text(&long).text());
    }

    #[test]
    fn a_short_question_that_says_all_stands_alone() {
        let hard = "Find all triples of positive integers whose sum of reciprocals is an integer, and prove that there are no others.";
        let (easy, pointing) = ("What is the capital of Peru?", "And for four of them?");
        let after = |last| {
            Prompt::from_turns(&[turn(Role::User, hard), turn(Role::Assistant, "(2, 3, 6)."), turn(Role::User, last)])
        };
        assert_eq!(after(easy).text(), Prompt::from_text(easy).text());
        assert!(after(pointing).text().starts_with("find all triples"));
    }

    #[test]
    fn an_empty_conversation_is_an_empty_prompt() {
        assert_eq!(Prompt::from_turns(&[]), Prompt::from_turns(&[]));
        assert_eq!(Prompt::from_turns(&[]).text(), "");
        assert_eq!(Prompt::from_turns(&[]).tokens().get(), 0);
    }

    #[test]
    fn equal_digests_need_equal_texts_sizes_and_facts() {
        let digest = |text: &str| Prompt::from_text(text).digest();
        assert_eq!(digest("What is 2 + 2?"), digest("What is 2 + 2?"));
        assert_ne!(digest("What is 2 + 2?"), digest("What is 2 + 3?"));
        let seen = Turn { role: Role::User, text: "What is 2 + 2?", images: 1, tool_calls: 0 };
        assert_ne!(Prompt::from_turns(&[seen]).digest(), digest("What is 2 + 2?"));
    }

    #[test]
    fn a_prompt_does_not_show_its_text() {
        let shown = format!("{:?}", Prompt::from_text("my secret"));
        assert!(!shown.contains("secret"), "{shown}");
    }
}
