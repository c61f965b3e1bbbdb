//! An upstream's words without secrets: its message as a caller may read it. What a newcomer would get wrong: upstreams echo keys
//! in part and masked, so hiding the one key that was sent is not enough; whatever looks like a key goes.

use std::fmt;

use crate::secret::{HIDDEN, Secret};

/// Letters of a message that are shown. A guess: the longest message of any provider that says something has about 400.
pub(crate) const MAX_MESSAGE_CHARS: usize = 500;

/// Letters of a message that are looked at.
const MAX_READ_CHARS: usize = 4 * MAX_MESSAGE_CHARS;

/// A word of this length that mixes letters and digits is taken for a key. Ids of requests have it too, and are hidden for it.
const KEY_CHARS: usize = 20;

/// What keys begin with.
const KEY_BEGINNINGS: [&str; 12] =
    ["sk-", "sk_", "pk-", "rk-", "gsk_", "hf_", "xai-", "AIza", "pplx-", "nvapi-", "eyJ", "ya29."];

/// Words after which a key stands.
const BEFORE_KEYS: [&str; 4] = ["bearer", "basic", "x-api-key", "api-key"];

/// A message without secrets and of bounded length.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Redacted(String);

impl Redacted {
    /// Hides what was sent as a secret and whatever looks like one.
    pub(crate) fn new(message: &str, secrets: &[Secret]) -> Self {
        let mut text: String = message.chars().take(MAX_READ_CHARS).collect();
        for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
            text = text.replace(secret.expose(), HIDDEN);
            // A secret that the cut went through is there by its beginning.
            text = without_begun(&text, secret.expose());
        }
        let shown = without_keys(&text);
        let mut text: String = shown.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        if let Some((at, _)) = text.char_indices().nth(MAX_MESSAGE_CHARS) {
            text.truncate(at);
            text.push_str("...");
        }
        Self(text)
    }

    /// The message.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Redacted {
    /// It may quote the prompt, so that a log gets only its length.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redacted({} bytes)", self.0.len())
    }
}

/// Takes away the longest beginning of the secret that the text ends with, from four letters on.
fn without_begun(text: &str, secret: &str) -> String {
    let ends = secret.char_indices().map(|(at, _)| at).filter(|at| *at >= 4).rev();
    for end in ends {
        if let Some(rest) = text.strip_suffix(&secret[..end]) {
            return format!("{rest}{HIDDEN}");
        }
    }
    text.to_owned()
}

/// Walks the text word by word, a word being what could stand in a key.
fn without_keys(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    let mut after = false;
    while !rest.is_empty() {
        let word_end = rest.find(|letter| !of_a_key(letter)).unwrap_or(rest.len());
        let (word, from_gap) = rest.split_at(word_end);
        let gap_end = from_gap.find(of_a_key).unwrap_or(from_gap.len());
        let (gap, from_word) = from_gap.split_at(gap_end);
        let bare = word.trim_end_matches(['.', ':', '=']);
        let hidden_before = bare == HIDDEN.trim_matches(['[', ']']);
        let hidden = !hidden_before && !bare.is_empty() && (after || looks_like_a_key(bare));
        if hidden {
            shown.push_str(HIDDEN);
            shown.push_str(&word[bare.len()..]);
        } else {
            shown.push_str(word);
        }
        shown.push_str(gap);
        after =
            if word.is_empty() { after } else { BEFORE_KEYS.iter().any(|before| bare.eq_ignore_ascii_case(before)) };
        rest = from_word;
    }
    shown
}

/// Letters of base64, of tokens and of the stars that mask them.
fn of_a_key(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '+' | '/' | '=' | '*' | ':' | '~')
}

fn looks_like_a_key(word: &str) -> bool {
    // `key=sk-...` and `https://user:sk-...` are words, too.
    let parts = word.split(['=', ':', '/']);
    let begins = |part: &str| {
        KEY_BEGINNINGS.iter().any(|beginning| part.starts_with(beginning) && part.len() > beginning.len() + 3)
    };
    let mixed = |part: &str| {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        let letters = part.bytes().filter(u8::is_ascii_alphabetic).count();
        part.len() >= KEY_CHARS && digits >= 4 && letters >= 4 && !is_a_name(part)
    };
    let masked = word.contains("***");
    parts.clone().any(begins) || parts.clone().any(mixed) || masked
}

/// Names of models are long and have digits, `claude-3-5-sonnet-20241022`, and so have paths of fields,
/// `messages.0.content.1.source.base64`. Each of their parts is a word or a number.
fn is_a_name(part: &str) -> bool {
    let plain = |piece: &str| {
        let digits = piece.bytes().filter(u8::is_ascii_digit).count();
        piece.len() <= 16 && (digits == 0 || digits == piece.len() || piece.len() <= 5 || piece == "base64")
    };
    part.split(['-', '.', '_']).all(plain)
}
