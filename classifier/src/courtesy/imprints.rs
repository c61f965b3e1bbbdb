//! Imprints around a question: what a program writes there for other programs. They are told by the words in them that only machines write,
//! and go where they stand apart from the rest and nothing points at them.

use self::run::{Run, makes_of};
use super::made::{Make, is_on, make_of};
use super::pointing::{is_pointed_at, points};
use super::words::{Word, words_of};
use crate::canon::BLANKS;

mod run;

/// Words of an imprint, at most.
const MAX_WORDS: usize = 14;

/// Words that stay, at least: beside fewer an imprint may be what is asked about.
const MIN_KEPT: usize = 4;

/// Bytes at an end that are looked at.
const WINDOW: usize = 400;

/// Words of code alone.
const CODE: &str = "async const def fn func int struct var void";

/// A text without the imprints at its ends; whole where they may be what is asked about.
pub(super) fn without_imprints(text: &str) -> &str {
    without_first(without_last(text))
}

fn without_last(text: &str) -> &str {
    let from = text.ceil_char_boundary(text.len().saturating_sub(WINDOW));
    let words = words_of(&text[from..]);
    let most = MAX_WORDS.min(words.len().saturating_sub(MIN_KEPT));
    let makes = makes_of(&words[words.len() - most..]);
    let last = Run::of(&words[words.len() - most..], &makes);
    if !last.may_have_imprints() {
        return text;
    }
    let goes = |n: &usize, answers: bool| {
        let rest = &words[..words.len() - n];
        let (before, run) = (&rest[rest.len() - 1], last.last(*n));
        let apart = run.opens() || ends_sentence(before) || run.is_closed_comment();
        let inline = answers && !before.labels() && !run.comments_again(rest) && run.begins();
        let pointed = !answers && !run.is_ruler() && points(rest) || run.draws_on(before);
        let goes_on = !answers && run.opens() && line_of(rest).is_some_and(|first| first.text.ends_with(':'));
        (apart || inline) && !pointed && !goes_on && run.is_imprint() && !is_technical(rest, run)
    };
    // The last of several answers to choose from, and the line that asks for one, seldom have a sign at their end. So as much goes as can.
    let answers =
        |n: &usize| line_of(&words[..words.len() - n]).is_some_and(|word| word.labels() || word.text == "answer:");
    let n = (1..=most).rev().find(|n| answers(n) && goes(n, true)).or_else(|| (1..=most).find(|n| goes(n, false)));
    let Some(n) = n else { return text };
    text[..from + words[words.len() - n - 1].end].trim_end_matches(BLANKS)
}

fn without_first(text: &str) -> &str {
    let words = words_of(&text[..text.floor_char_boundary(WINDOW)]);
    let most = MAX_WORDS.min(words.len().saturating_sub(MIN_KEPT));
    let makes = makes_of(&words[..most]);
    let first = Run::of(&words[..most], &makes);
    if !first.may_have_imprints() {
        return text;
    }
    let goes = |n: &usize| {
        let (run, rest) = (first.first(*n), &words[*n..]);
        let pointed = !run.is_ruler() && is_pointed_at(rest) || run.encloses(&text[rest[0].at..]);
        let goes_on = rest[0].opens && make_of(rest[0].text) != Make::Plain && !run.is_ruler();
        !pointed && !goes_on && run.is_imprint() && !is_technical(rest, run)
    };
    let ended = |n: &usize| words[*n].begins || ends_sentence(&words[n - 1]);
    // Where no sign ends it, as much goes as can: half an imprint would be left.
    let alone = |n: &usize| first.first(*n).ends_by_itself(&words[*n]);
    let n = (1..=most).find(|n| ended(n) && goes(n)).or_else(|| (1..=most).rev().find(|n| alone(n) && goes(n)));
    n.map_or(text, |n| &text[words[n].at..])
}

/// The first word of the last line.
fn line_of<'w, 't>(words: &'w [Word<'t>]) -> Option<&'w Word<'t>> {
    words.iter().rev().find(|word| word.opens)
}

fn ends_sentence(word: &Word<'_>) -> bool {
    word.text.ends_with(['.', '!', '?']) && !word.core().is_empty() && !word.labels()
}

/// Whether the rest has words of machines, too, or code: beside code a comment says what to do.
fn is_technical(rest: &[Word<'_>], run: Run<'_, '_>) -> bool {
    let is_code = |text: &str| {
        text.ends_with('{') || text == "}" || ["();", "==", "->", "+++"].iter().any(|sign| text.contains(sign))
    };
    let is_code = |text: &str| is_code(text) || run.is_comment() && (is_on(CODE, text) || text.ends_with(';'));
    rest.iter().any(|word| is_code(word.text) || make_of(word.text) == Make::Made)
}

#[cfg(test)]
mod tests;
