//! Slips: what a form, a calendar, a mail program or an app says beside a question. Which of how many it is, what day it is, who wrote
//! to whom, on what device.

use self::counts::is_count;
use self::dates::is_date;
use self::fields::is_field;
use super::imprints::{begins_question, is_pointed_at, points};
use super::words::{Word, words_of};
use super::{LINKS, WINDOW, gives_text, is_on};
use crate::canon::BLANKS;

mod counts;
mod dates;
mod fields;

/// Slips that are taken away at either end, at most: a mail has half a dozen headers.
const MAX_SLIPS: usize = 8;

/// Words that stay, at least: beside fewer a slip may be what is asked about.
const MIN_KEPT: usize = 6;

/// Words of a slip, at most.
const MAX_SLIP: usize = 16;

/// Behind one of these anything may come.
const ARTICLES: &str = "a an the";

/// How words stand apart from the rest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Apart {
    /// In a line of their own.
    Line,
    /// As a sentence.
    Sentence,
    /// Not at all: the last of several answers to choose from has seldom a sign at its end.
    Hardly,
}

/// What a slip says, what ends it before a question, and where it is spoken of.
struct Kind {
    /// Whether these words say it, where they stand apart so.
    says: fn(&[Word<'_>], Apart) -> bool,
    /// Signs that end it.
    ends: &'static [char],
    /// Where a word that begins so stands near an end of the rest, it may be what the question is about.
    spoken: &'static str,
}

const KINDS: [Kind; 3] = [
    Kind { says: is_count, ends: &['.', ':', ')', ']', '-', '|'], spoken: counts::SPOKEN },
    Kind { says: is_date, ends: &['.', ')', ']', '!'], spoken: dates::SPOKEN },
    Kind { says: is_field, ends: &[']'], spoken: fields::SPOKEN },
];

/// A text without the slips at its ends; whole where they may be what is asked about.
pub(super) fn without_slips(text: &str) -> &str {
    let mut bare = text;
    for _ in 0..MAX_SLIPS {
        let part = without_first(without_last(bare));
        if part.len() == bare.len() {
            break;
        }
        bare = part;
    }
    bare
}

fn without_last(text: &str) -> &str {
    let from = text.ceil_char_boundary(text.len().saturating_sub(WINDOW));
    if !may_be_said(&text[from..]) {
        return text;
    }
    let words = words_of(text);
    if gives_text(&words) {
        return text;
    }
    let goes = |n: &usize| {
        let (rest, slip) = words.split_at(words.len() - n);
        let last = &rest[rest.len() - 1];
        let line = rest.iter().rev().find(|word| word.opens);
        let chosen = line.is_some_and(|word| word.labels() || word.text == "answer:");
        let apart = if slip[0].opens {
            Apart::Line
        } else if last.text.ends_with(['.', '!', '?']) {
            Apart::Sentence
        } else {
            Apart::Hardly
        };
        let told = (apart != Apart::Hardly || chosen) && !last.labels() && (chosen || !points(rest));
        told && said(slip, apart, &text[..last.end]).is_some()
    };
    let most = MAX_SLIP.min(words.len().saturating_sub(MIN_KEPT));
    // Of a box behind its mark neither is left.
    (1..=most).rev().find(goes).map_or(text, |n| &text[..words[words.len() - n - 1].end])
}

fn without_first(text: &str) -> &str {
    if !may_be_said(&text[..text.floor_char_boundary(WINDOW)]) {
        return text;
    }
    let words = words_of(text);
    let goes = |n: &usize| {
        let (slip, rest) = words.split_at(*n);
        let (first, last) = (&rest[0], slip[n - 1].text);
        let apart = if first.opens { Apart::Line } else { Apart::Sentence };
        let asks = begins_question(first.core()) && !is_on(ARTICLES, first.core()) && !last.ends_with([',', ';']);
        let spoken = is_on(LINKS, first.text) || is_pointed_at(rest);
        let kind = said(slip, apart, &text[first.at..]).filter(|_| !spoken);
        kind.is_some_and(|kind| first.begins || asks || last.ends_with(kind.ends) && !last.starts_with(['[', ']']))
    };
    let most = MAX_SLIP.min(words.len().saturating_sub(MIN_KEPT));
    // Of a version its number would be left.
    (1..=most).rev().find(goes).map_or(text, |n| &text[words[n].at..])
}

/// What kind of slip these words are beside this rest.
fn said(slip: &[Word<'_>], apart: Apart, rest: &str) -> Option<&'static Kind> {
    let whole = !slip[1..].iter().any(|word| word.opens);
    let kind = KINDS.iter().find(|kind| (kind.says)(slip, apart)).filter(|_| whole)?;
    let stems: Vec<&str> = kind.spoken.split(' ').chain(counts::names(slip)).collect();
    // Of quoted lines the first alone would be no longer quoted.
    let quoted = rest.starts_with('>') && rest.lines().any(|line| !line.starts_with('>'));
    (!speaks_of(rest, &stems) && !quoted).then_some(kind)
}

/// A word without the signs around it.
fn bare(word: &str) -> &str {
    word.trim_matches(['(', ')', '[', ']', ':', '.', ',', '-', '\u{2013}', '\u{2014}', '*', '!', '#'])
}

/// Whether a word near an end of this text begins with one of these.
fn speaks_of(text: &str, stems: &[&str]) -> bool {
    let head = &text[..text.floor_char_boundary(WINDOW)];
    let tail = &text[text.ceil_char_boundary(text.len().saturating_sub(WINDOW))..];
    let words = head.split(BLANKS).chain(tail.split(BLANKS)).map(|word| word.trim_start_matches(['"', '(', '\'', '[']));
    // A label speaks of what is behind it.
    let mut spoken = words.filter(|word| !word.ends_with(':'));
    spoken.any(|word| stems.iter().any(|stem| word.starts_with(*stem)))
}

/// Whether there could be a slip in this end of a text: nearly each has a digit, a colon, a bracket or a quotation mark.
fn may_be_said(end: &str) -> bool {
    end.bytes().any(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'[' | b'>')) || end.contains("via ")
}

#[cfg(test)]
mod tests;
