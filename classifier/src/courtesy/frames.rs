//! Frames: what a template leaves around a question. A label, the mark of a list that has no other, a quotation mark or a fence that
//! nothing closes, a token of a chat.

use super::spoken::speaks_of;
use super::words::{Word, words_of};
use super::{LINKS, again_and_again, announces, is_on};
use crate::canon::BLANKS;

/// Frames that are taken away, at most.
const MAX_FRAMES: usize = 8;

/// Words that stay, at least: beside fewer a frame may be what is asked about.
const MIN_KEPT: usize = 6;

/// Words of a label, at most.
const MAX_FRAME: usize = 3;

/// Letters of the name of a language behind a fence, at most.
const MAX_TONGUE: usize = 12;

/// Words behind a label in which nothing else is labelled.
const LABEL_WINDOW: usize = 12;

/// What a template calls a question, who asks it, and what comes behind. Each stands before a colon, an equals sign or a dash.
const NAMES: &str = "question q query input prompt request task instruction instructions message user human answer a output \
response assistant ai bot tl;dr";

/// Those of them that stand in pairs, of which the last may be open.
const PAIRS: &str = "input output task instruction instructions";

/// What may stand before these: "final answer:", "user query:".
const ADJECTIVES: &str = "final user my your correct the next new current";

/// Who speaks in a transcript has a number: "speaker 1:".
const SPEAKER: &str = "speaker";

/// Tokens of chats that are not written `<|..|>`.
const TOKENS: &str = "[inst] [/inst] <s> </s> <<sys>> <</sys>> <bos> <eos> <start_of_turn> <end_of_turn> \
<start_of_turn>user <start_of_turn>model <s>[inst] [/inst]</s>";

/// Who speaks behind a token.
const ROLES: &str = "user assistant system model human";

/// Where one of these is spoken of, marks and tokens are what is asked about; and a label may ask for what is printed.
const SPOKEN: [&str; 15] = [
    "token",
    "markdown",
    "template",
    "symbol",
    "quotation",
    "bullet",
    "fence",
    "transcript",
    "delimiter",
    "docstring",
    "print(",
    "numbered",
    "tags",
    " tag ",
    " the word",
];

/// Marks of lists, quotation marks and fences.
const BULLETS: [&str; 3] = ["-", "*", "\u{2022}"];
const QUOTES: [(&str, &str); 10] = [
    ("\"", "\""),
    ("'", "'"),
    ("\u{201c}", "\u{201d}"),
    ("\u{2018}", "\u{2019}"),
    ("\u{ab}", "\u{bb}"),
    ("\u{201e}", "\u{201c}"),
    ("\"\"\"", "\"\"\""),
    ("'''", "'''"),
    ("**", "**"),
    ("__", "__"),
];
const FENCE: &str = "```";
const CLOSERS: [&str; 4] = ["\"}", "\"}]", "'}", "\"]"];

/// A text without the frames at its ends; whole where they may be what is asked about.
pub(super) fn without_frames(text: &str) -> &str {
    again_and_again(text, MAX_FRAMES, |text| without_first(without_last(text)))
}

fn without_last(text: &str) -> &str {
    if !text.rsplit(BLANKS).next().is_some_and(may_end) {
        return text;
    }
    let words = words_of(text);
    let goes = |n: &usize| {
        let (rest, frame) = words.split_at(words.len() - n);
        let (before, last) = (&rest[rest.len() - 1], frame[n - 1].text);
        let body = &text[..before.end];
        let ended = frame[0].opens || before.text.ends_with(['.', '!', '?']) && !before.labels();
        // The last of several answers to choose from, and the line that asks for one, have seldom a sign at their end.
        let line = || rest.iter().rev().find(|word| word.opens);
        let answer = || line().is_some_and(|word| word.labels() || word.text == "answer:") || last.starts_with("<|");
        let announced = announces(body) || before.text.ends_with([',', '=']);
        let one = || {
            is_mark(last) && !opens_bracket(body) && !has_marks(rest, last) && (ended || ends_as_no_other(rest, last))
                || is_open_quote(last, body)
                || closes_nothing(last, body)
                || is_token(last)
        };
        let labels = is_label(frame) && !has_labels(&rest[1..rest.len() - 1], frame);
        (labels && frame[0].opens || !announced && (ended || answer()) && (labels || *n == 1 && one()))
            && !speaks_of(body, &SPOKEN)
    };
    let most = MAX_FRAME.min(words.len().saturating_sub(MIN_KEPT));
    (1..=most).find(goes).map_or(text, |n| &text[..words[words.len() - n - 1].end])
}

fn without_first(text: &str) -> &str {
    if !text.split(BLANKS).next().is_some_and(may_begin) {
        return text;
    }
    let words = words_of(text);
    let goes = |n: &usize| {
        let (frame, rest) = words.split_at(*n);
        let (first, body) = (frame[0].text, &text[rest[0].at..]);
        let one = || {
            is_mark(first) && body.starts_with(char::is_alphabetic) && !has_marks(rest, first) && !counts_on(rest)
                || is_open_quote(first, body)
                || is_token(first)
        };
        let labels = || is_label(frame) && !has_labels(rest, frame) && !labels_soon(rest) && !is_pointed_at(rest);
        let goes_on = is_on(LINKS, rest[0].text) || BULLETS.contains(&first) && rest[0].text == "in";
        (*n == 1 && one() && !goes_on || labels()) && !speaks_of(body, &SPOKEN)
    };
    let most = MAX_FRAME.min(words.len().saturating_sub(MIN_KEPT));
    (1..=most).find(goes).map_or(text, |n| &text[words[n].at..])
}

/// Whether there could be a frame behind: most texts end with a word.
fn may_end(word: &str) -> bool {
    word.starts_with('<')
        || word.starts_with(FENCE)
        || !word.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '?' | '!'))
}

/// Whether there could be one in front: most texts begin with a word.
fn may_begin(word: &str) -> bool {
    !word.starts_with(char::is_alphabetic)
        || word.ends_with([':', '.'])
        || is_on(ADJECTIVES, word)
        || word == SPEAKER
        || is_on(NAMES, word)
}

/// Whether these words are a label: a name, perhaps with an adjective, and a sign.
fn is_label(frame: &[Word<'_>]) -> bool {
    let named = |word: &str| word.strip_suffix(':').is_some_and(|name| is_on(NAMES, name));
    match frame {
        [word] => named(word.text) || matches!(word.text, "q." | "input>>>"),
        [word, sign] if matches!(sign.text, "=" | "-" | ":") => word.text.len() > 1 && is_on(NAMES, word.text),
        [who, number] if who.text == SPEAKER => matches!(number.text.as_bytes(), [b'0'..=b'9', b':']),
        [adjective, word] => is_on(ADJECTIVES, adjective.text) && named(word.text),
        [first, from, who] => first.text == "message" && from.text == "from" && named(who.text),
        _ => false,
    }
}

/// Whether lines of the rest have such labels, too: a dialogue, or pairs of which the last is open.
fn has_labels(rest: &[Word<'_>], frame: &[Word<'_>]) -> bool {
    let is_pair = |word: &Word<'_>| is_on(PAIRS, word.core());
    let pairs = frame.iter().any(is_pair);
    rest.iter().any(|word| word.opens && is_label(std::slice::from_ref(word)) && is_pair(word) == pairs)
}

/// Whether something else is labelled soon behind a label.
fn labels_soon(rest: &[Word<'_>]) -> bool {
    rest.iter().take(LABEL_WINDOW).any(|word| word.text.ends_with(':'))
}

/// Whether the question may mean its own label: "user: is this a noun?".
fn is_pointed_at(rest: &[Word<'_>]) -> bool {
    rest.iter().take(LABEL_WINDOW).any(|word| matches!(word.core(), "this" | "these" | "label" | "word"))
}

/// The mark of a point of a list.
fn is_mark(word: &str) -> bool {
    let number = word.strip_suffix(['.', ')']).map(|number| number.trim_start_matches('('));
    BULLETS.contains(&word) || number.is_some_and(|number| matches!(number.as_bytes(), [b'0'..=b'9']))
}

/// Whether the rest is a list with such marks, or a part of one.
fn has_marks(rest: &[Word<'_>], mark: &str) -> bool {
    let counts = |mark: &str| !BULLETS.contains(&mark);
    rest.iter().any(|word| word.opens && is_mark(word.text) && counts(word.text) == counts(mark))
}

/// Whether a bracket is open at the end.
fn opens_bracket(rest: &str) -> bool {
    rest.matches('(').count() > rest.matches(')').count()
}

/// Whether none of several answers to choose from ends with the sign of this mark, which stands behind the last of them.
fn ends_as_no_other(rest: &[Word<'_>], mark: &str) -> bool {
    let sign = |word: &Word<'_>| word.text.chars().next_back();
    let mut lines = rest.chunk_by(|_, next| !next.opens).filter(|line| line[0].labels());
    lines.all(|line| line.last().and_then(sign) != mark.chars().next_back())
}

/// Whether the rest goes on counting within a line.
fn counts_on(rest: &[Word<'_>]) -> bool {
    rest.iter().any(|word| matches!(word.text, "2." | "2)" | "(2)"))
}

/// A quotation mark or a fence by itself, without which the rest has as many that open as that close.
fn is_open_quote(word: &str, rest: &str) -> bool {
    if let Some(tongue) = word.strip_prefix(FENCE) {
        let plain = tongue.len() < MAX_TONGUE && tongue.bytes().all(|byte| byte.is_ascii_lowercase());
        return plain && rest.matches(FENCE).count().is_multiple_of(2);
    }
    let even = |sign: &str| rest.matches(sign).count().is_multiple_of(2);
    let balanced = |(open, close): &(&str, &str)| {
        if open == close { even(open) } else { rest.matches(open).count() == rest.matches(close).count() }
    };
    // An apostrophe is no quotation mark.
    let is_sign = |(open, close): &&(&str, &str)| word == *open || word == *close;
    QUOTES.iter().find(is_sign).is_some_and(|pair| matches!(word, "'" | "\u{2019}") || balanced(pair))
}

/// What closes text in a programming language, where nothing was opened.
fn closes_nothing(word: &str, rest: &str) -> bool {
    let even = |open: char, close: char| rest.matches(open).count() == rest.matches(close).count();
    CLOSERS.contains(&word) && even('{', '}') && even('[', ']')
}

/// Tokens of a chat, and perhaps whose turn they begin.
fn is_token(word: &str) -> bool {
    let ends = |last: &str| last.is_empty() || is_on(ROLES, last);
    let goes_on = |tokens: &str| tokens.split("|>").skip(1).all(|turn| turn.contains("<|"));
    let inside = word.strip_prefix("<|").and_then(|inside| inside.rsplit_once("|>"));
    is_on(TOKENS, word) || inside.is_some_and(|(tokens, last)| ends(last) && goes_on(tokens))
}

#[cfg(test)]
mod tests;
