//! Whether a question points at what stands beside it, and where it begins when no sign says so.

use super::words::Word;
use super::{announces, is_on};

/// With one of these in the sentence before it, something is pointed at; with one of the first three in the sentence behind it, too.
const POINTERS: [&str; 5] = ["this", "these", "here", "following", "below"];
const POINTERS_BACK: usize = 3;

/// In front of one of these "this" stands alone.
const BEHIND_THIS: &str = "a an and as at by for from if in is on or the to under was when with";

/// Behind something without a sign at its end one of these begins the question; others could speak of what stands there.
const BEGINNINGS: &str = "\
a an calculate compute consider determine explain find given how if let suppose the what when where which who whose why write";

/// Whether questions begin with this word.
pub(super) fn begins_question(word: &str) -> bool {
    is_on(BEGINNINGS, word)
}

/// Whether these words announce what stands behind them, or point at it.
pub(super) fn points(rest: &[Word<'_>]) -> bool {
    let Some((last, before)) = rest.split_last() else { return false };
    let sentence = before.iter().rev().take_while(|word| !word.text.ends_with(['.', '!', '?']));
    last.text.ends_with([':', ',', '=']) || sentence.chain([last]).any(|word| POINTERS.contains(&word.core()))
}

/// Whether this text, of which these are the last words, announces what follows it, or says "this" and means it: "this passage" is of
/// the question.
pub(super) fn says_this(text: &str, rest: &[Word<'_>]) -> bool {
    let Some(last) = rest.last() else { return false };
    if last.text.ends_with(':') {
        return announces(text);
    }
    let before = rest[..rest.len() - 1].iter().rev().take_while(|word| !word.text.ends_with(['.', '!', '?'])).count();
    let sentence = &rest[rest.len() - 1 - before..];
    let alone = |at: usize, word: &Word<'_>| {
        let next = sentence.get(at + 1).is_none_or(|next| is_on(BEHIND_THIS, next.text));
        POINTERS.contains(&word.core()) && (next || word.text.ends_with(|c: char| c.is_ascii_punctuation()))
    };
    last.text.ends_with([',', '=']) || sentence.iter().enumerate().any(|(at, word)| alone(at, word))
}

/// Whether the first sentence of these words points at what stands before it.
pub(super) fn is_pointed_at(rest: &[Word<'_>]) -> bool {
    let end = rest.iter().position(|word| word.text.ends_with(['.', '!', '?'])).map_or(rest.len(), |at| at + 1);
    rest[..end].iter().any(|word| POINTERS[..POINTERS_BACK].contains(&word.core()))
}
