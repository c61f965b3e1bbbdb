//! Marks around a question that are no part of it: tags, fences and rules at its ends, notes in brackets on how to route or answer it,
//! and a courtesy in another script.

use super::words::{is_told, is_tongue};

/// Marks that are taken away, at most.
const MAX_MARKS: usize = 8;

/// Bytes of a tag or a note, at most.
const MAX_NOTE: usize = 120;

/// Bytes of what two tags enclose before a question, at most.
const MAX_ENCLOSED: usize = 240;

/// Of the words of a note, one in so many may be of any kind; of one between round brackets, which questions have, too.
const WORDS_FOR_A_STRANGER: usize = 3;
const WORDS_FOR_A_STRANGER_IN_ROUND: usize = 6;

/// Letters of a courtesy in another script, at most, and letters that must be left.
const MAX_FOREIGN: usize = 40;
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
    if line > 0 && (is_rule(&text[line..]) || is_comment(&text[line..])) {
        return text[..line].trim_end();
    }
    let begins = |close: char, open: char| text.ends_with(close).then(|| text.rfind(open)).flatten();
    let note =
        [('>', '<'), (']', '['), ('}', '{'), (')', '(')].into_iter().find_map(|(close, open)| begins(close, open));
    if let Some(at) = note.filter(|at| stands_apart(text, *at) && is_note(&text[*at..])) {
        return text[..at].trim_end();
    }
    let open = text.trim_end_matches(['.', '?', '!', '\u{3002}', '\u{ff01}', '\u{ff1f}']);
    let foreign =
        open.rfind(['\n', '.', '?', '!']).map(|at| at + 1).filter(|at| is_foreign(&text[*at..], &text[..*at]));
    foreign.map_or(text, |at| text[..at].trim_end())
}

fn without_first_mark(text: &str) -> &str {
    let line = text.find('\n').unwrap_or(text.len());
    if line < text.len() && (is_rule(&text[..line]) || is_heading(&text[..line])) {
        return text[line..].trim_start();
    }
    let ends = |open: char, close: char| text.starts_with(open).then(|| text.find(close)).flatten();
    let note = [('<', '>'), ('[', ']'), ('{', '}'), ('(', ')')].into_iter().find_map(|(open, close)| ends(open, close));
    if let Some(end) = note.map(|at| at + 1).filter(|end| is_note(&text[..*end])) {
        return enclosed(text, end).unwrap_or(&text[end..]).trim_start();
    }
    let end = text.find(['\n', '。', '！', '？', '.', '!', '?', ':', '，', ',']);
    let end = end.map(|at| at + text[at..].chars().next().map_or(0, char::len_utf8));
    match end.filter(|end| is_foreign(&text[..*end], &text[*end..])) {
        Some(end) => text[end..].trim_start(),
        None => text,
    }
}

/// What follows a tag, what it encloses, and the tag that closes it, if that soon comes.
fn enclosed(text: &str, end: usize) -> Option<&str> {
    let name = text[1..end - 1].split_whitespace().next().filter(|name| text.starts_with('<') && !name.is_empty())?;
    let closing = format!("</{name}>");
    let at = text[end..].find(&closing).filter(|at| *at <= MAX_ENCLOSED)?;
    Some(&text[end + at + closing.len()..])
}

/// A line that only draws: a rule, a fence, the sign of a heading.
fn is_rule(line: &str) -> bool {
    let mut signs = line.chars();
    let first = signs.next();
    first.is_some_and(|first| "*-_=#~`>".contains(first) && signs.all(|sign| sign == first))
}

/// A heading that only says that here comes a question.
fn is_heading(line: &str) -> bool {
    let bare = line.trim_matches(['#', '*', '_', ':', ' ']);
    line.starts_with(['#', '*']) && bare.split([' ', ':']).all(|word| word.is_empty() || is_tongue(word))
}

/// A comment, as in code, on how to route or answer.
fn is_comment(line: &str) -> bool {
    ["//", "--", "#", "%"].iter().any(|mark| line.starts_with(mark))
        && line.len() <= MAX_NOTE
        && tells(line, WORDS_FOR_A_STRANGER)
}

/// Whether a note speaks of how to route or answer, and of little else.
fn tells(note: &str, words_for_a_stranger: usize) -> bool {
    let words =
        || note.split(|c: char| !c.is_alphanumeric() && !matches!(c, '-' | '\'')).filter(|word| !word.is_empty());
    let strangers = words().filter(|word| !is_tongue(word)).count();
    words().any(is_told) && strangers * words_for_a_stranger <= words().count()
}

/// Text in brackets that is a tag, or that speaks of how to route or answer and of nothing else.
fn is_note(note: &str) -> bool {
    let inside = &note[1..note.len() - 1];
    let tag =
        note.starts_with('<') && inside.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '|'));
    let words_for_a_stranger = if note.starts_with('(') { WORDS_FOR_A_STRANGER_IN_ROUND } else { WORDS_FOR_A_STRANGER };
    note.len() <= MAX_NOTE && !inside.contains('\n') && (tag || tells(inside, words_for_a_stranger))
}

/// Whether something begins here: nothing but a blank or the end of a sentence stands before it.
fn stands_apart(text: &str, at: usize) -> bool {
    text[..at].ends_with([' ', '\n', '.', '?', '!', ')', '>', ']', '}'])
}

/// Whether a part is a short one in another script than the rest.
fn is_foreign(part: &str, rest: &str) -> bool {
    let letters = |text: &str| {
        text.chars().filter(|c| c.is_alphabetic()).take(400).fold((0, 0), |(latin, other), c| {
            // Letters of formulas are Greek.
            let is_latin = c <= '\u{24f}' || ('\u{370}'..='\u{3ff}').contains(&c);
            if is_latin { (latin + 1, other) } else { (latin, other + 1) }
        })
    };
    let (latin, other) = letters(part);
    let (latin_left, other_left) = letters(rest);
    other > 1 && latin == 0 && other <= MAX_FOREIGN && latin_left > 3 * other_left && !rest.trim_end().ends_with(':')
}
