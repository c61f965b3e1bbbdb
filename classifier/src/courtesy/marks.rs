//! Marks around a question that are no part of it: tags, fences and rules at its ends, notes in brackets on how to route or answer it.

use super::words::{is_told, is_tongue};
use crate::canon::BLANKS;

/// Marks that are taken away, at most.
const MAX_MARKS: usize = 8;

/// Bytes of a tag or a note, at most.
const MAX_NOTE: usize = 120;

/// Bytes of what two tags enclose before a question, at most.
const MAX_ENCLOSED: usize = 240;

/// Of the words of a note, one in so many may be of any kind. A guess.
const WORDS_FOR_A_STRANGER: usize = 3;

/// What notes to a router are about.
const KEYS: [&str; 25] = [
    "hint",
    "model",
    "tier",
    "route",
    "router",
    "routing",
    "complexity",
    "difficulty",
    "priority",
    "policy",
    "budget",
    "level",
    "confidence",
    "effort",
    "system",
    "question",
    "prompt",
    "query",
    "request",
    "task",
    "user",
    "urgent",
    "hard",
    "easy",
    "message",
];

/// What tags around a question, or to a router, are called. Others may be of a document that is asked about.
const TAGS: [&str; 9] = ["system", "router", "routing", "route", "tier", "priority", "policy", "question", "prompt"];

/// Notes with one of these may hold any number.
const GRADED: [&str; 9] =
    ["route", "router", "routing", "tier", "policy", "complexity", "difficulty", "priority", "budget"];

/// Letters that must be left.
const MIN_LEFT: usize = 12;

/// A text without the marks at its ends; whole if nothing else would be left.
pub(super) fn without_marks(text: &str) -> &str {
    let says_something = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).take(MIN_LEFT).count() == MIN_LEFT;
    let mut bare = text;
    for _ in 0..MAX_MARKS {
        let Some(part) =
            [without_last_mark(bare), without_first_mark(bare)].into_iter().find(|part| part.len() < bare.len())
        else {
            break;
        };
        if !says_something(part) {
            break;
        }
        bare = part;
    }
    bare
}

fn without_last_mark(text: &str) -> &str {
    let line = text.rfind('\n').map_or(0, |at| at + 1);
    // Several in a row are a drawing.
    let drawn = text[..line].trim_end().ends_with(['*', '-', '_', '=', '#', '~', '>']);
    if line > 0 && (is_rule(&text[line..]) && !drawn || is_comment(&text[line..])) {
        return text[..line].trim_end();
    }
    if let Some(before) = text.strip_suffix("```\n```") {
        return before.trim_end();
    }
    let begins = |close: char, open: char| text.ends_with(close).then(|| opening(text, open, close)).flatten();
    let note = [('>', '<'), (']', '['), ('}', '{')].into_iter().find_map(|(close, open)| begins(close, open));
    let announced = |at: usize| text[..at].trim_end().ends_with(':');
    if let Some(at) = note.filter(|at| stands_apart(text, *at) && !announced(*at) && is_note(&text[*at..])) {
        return text[..at].trim_end();
    }
    text
}

fn without_first_mark(text: &str) -> &str {
    let line = text.find('\n').unwrap_or(text.len());
    // Two lines of dashes enclose settings of a document.
    let front_matter = text.starts_with("---") && text[line..].contains("\n---");
    if line < text.len() && (is_rule(&text[..line]) && !front_matter || is_heading(&text[..line])) {
        return text[line..].trim_start();
    }
    let grades = text[..line]
        .split(|c: char| !c.is_alphanumeric())
        .find(|word| !word.is_empty())
        .is_some_and(|word| GRADED.contains(&word));
    if line < text.len() && grades && is_comment(&text[..line]) {
        return text[line..].trim_start();
    }
    let first = text.split(BLANKS).next().unwrap_or_default();
    if is_setting(first) {
        return text[first.len()..].trim_start();
    }
    let ends = |open: char, close: char| text.starts_with(open).then(|| closing(text, open, close)).flatten();
    let note = [('<', '>'), ('[', ']'), ('{', '}')].into_iter().find_map(|(open, close)| ends(open, close));
    if let Some(end) = note.map(|at| at + 1).filter(|end| is_note(&text[..*end])) {
        return enclosed(text, end).unwrap_or(&text[end..]).trim_start();
    }
    text
}

/// Where what the first sign opens is closed, whatever is opened and closed in between.
fn closing(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0_usize;
    let mut signs = text.char_indices().take(MAX_NOTE).filter(|(_, c)| *c == open || *c == close);
    let closes = |(_, c): &(usize, char)| {
        depth = if *c == open { depth + 1 } else { depth.saturating_sub(1) };
        depth == 0
    };
    signs.find(closes).map(|(at, _)| at)
}

/// Where what the last sign closes was opened.
fn opening(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0_usize;
    let mut signs = text.char_indices().rev().take(MAX_NOTE).filter(|(_, c)| *c == open || *c == close);
    let opens = |(_, c): &(usize, char)| {
        depth = if *c == close { depth + 1 } else { depth.saturating_sub(1) };
        depth == 0
    };
    signs.find(opens).map(|(at, _)| at)
}

/// A word such as `@@tier=max@@`, between signs and about what notes to a router are about.
fn is_setting(word: &str) -> bool {
    let inside = word.trim_matches(|c: char| !c.is_alphanumeric());
    let name = inside.split_once('=').map(|(name, _)| name);
    word.len() <= MAX_NOTE
        && word.starts_with(['@', '%', '#', '~', '!'])
        && name.is_some_and(|name| KEYS.contains(&name))
}

/// What follows a tag, what it encloses, and the tag that closes it, if that soon comes.
fn enclosed(text: &str, end: usize) -> Option<&str> {
    let name =
        text[1..end - 1].split_whitespace().next().filter(|name| text.starts_with('<') && TAGS.contains(name))?;
    let closing = format!("</{name}>");
    let at = text[end..].find(&closing).filter(|at| *at <= MAX_ENCLOSED)?;
    Some(&text[end + at + closing.len()..])
}

/// A line that only draws: a rule, the sign of a heading. One of low lines is a blank to fill in.
fn is_rule(line: &str) -> bool {
    let mut signs = line.chars();
    let first = signs.next();
    first.is_some_and(|first| "*-=#~>".contains(first) && signs.all(|sign| sign == first))
}

/// A heading that only says that here comes a question.
fn is_heading(line: &str) -> bool {
    let bare = line.trim_matches(['#', '*', '_', ':', ' ']);
    // Between two rules.
    matches!(line, "begin" | "start")
        || line.starts_with(['#', '*']) && bare.split([' ', ':']).all(|word| word.is_empty() || is_tongue(word))
}

/// A comment, as in code, on how to route or answer.
fn is_comment(line: &str) -> bool {
    ["//", "--", "#", "%", "/*"].iter().any(|mark| line.starts_with(mark)) && line.len() <= MAX_NOTE && tells(line)
}

/// Whether a note speaks of how to route or answer, and of little else.
fn tells(note: &str) -> bool {
    let words = || {
        note.split(|c: char| !c.is_alphanumeric() && !matches!(c, '-' | '\''))
            .filter(|word| word.contains(char::is_alphanumeric))
    };
    // A number, or a yes, is a grade where the note speaks of routing, and may be anything elsewhere.
    let grades = words().any(|word| GRADED.contains(&word));
    let grade = |word: &str| grades && (matches!(word, "true" | "false") || word.chars().all(|c| c.is_ascii_digit()));
    let strange = |word: &&str| !is_tongue(word) && !grade(word);
    let strangers = words().filter(strange).count();
    words().any(is_told) && strangers * WORDS_FOR_A_STRANGER <= words().count()
}

/// Text in brackets that speaks first of what notes to a router are about, and of little else: a tag, a list of settings.
fn is_note(note: &str) -> bool {
    let inside = &note[1..note.len() - 1];
    let first = inside.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty());
    let comment = note.starts_with("<!--");
    let named = |keys: &[&str]| first.is_some_and(|word| keys.contains(&word));
    let is_known = match note.starts_with('<') && !comment {
        true => named(&TAGS),
        false => (comment || named(&KEYS)) && tells(inside),
    };
    note.len() <= MAX_NOTE && !inside.contains('\n') && is_known
}

/// Whether something begins here: nothing but a blank or the end of a sentence stands before it.
fn stands_apart(text: &str, at: usize) -> bool {
    text[..at].ends_with(BLANKS) || text[..at].ends_with(['.', '?', '!', ')', '>', ']', '}'])
}
