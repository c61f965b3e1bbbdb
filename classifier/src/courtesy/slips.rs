//! Slips: what a form, a calendar, a mail program or an app says beside a question. Which of how many it is, what day it is, who wrote
//! to whom, on what device.

use self::counts::is_count;
use self::dates::{is_date, is_stamped};
use self::fields::is_field;
use self::lexicon::{BEGINS_DATE, COUNTED, Lists, lists_of};
use self::trails::{STEPS, is_trail};
use super::pointing::{begins_question, is_pointed_at, points, says_this};
use super::spoken::speaks_by_stem;
use super::words::{Word, words_of};
use super::{LINKS, again_and_again, announces, gives_text, is_on};
use crate::canon::BLANKS;

mod counts;
mod dates;
mod fields;
mod lexicon;
mod trails;

/// Slips that are taken away at either end, at most: a mail has half a dozen headers.
const MAX_SLIPS: usize = 8;

/// Words that stay, at least: beside fewer a slip may be what is asked about.
const MIN_KEPT: usize = 6;

/// Words of a slip, at most.
const MAX_SLIP: usize = 16;

/// Bytes at an end in which a slip is looked for.
const END: usize = 240;

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

/// How words are told to be a slip.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// By themselves.
    Plainly,
    /// They might be something else.
    Perhaps,
}

/// What one says, what ends it before a question, and where it is spoken of.
struct Slip {
    /// Whether these words say it, where they stand apart so.
    says: fn(&[Part<'_>], Apart) -> Option<Told>,
    /// Signs that end it.
    ends: &'static [char],
    /// Where one of these stands near an end of the rest, a slip may be what the question is about: beginnings of words, two in a row
    /// with a low line between them. First those for any slip, then for those that might be something else.
    spoken: [&'static str; 2],
    /// Whether a question may mean it that does not speak of it.
    is_meant: bool,
    /// Whether it ends by itself: nothing else has its shape, whatever comes behind it.
    is_closed: bool,
}

const SLIPS: [Slip; 5] = [
    Slip {
        says: is_count,
        ends: &['.', ':', ')', ']', '-', '|'],
        spoken: counts::SPOKEN,
        is_meant: false,
        is_closed: false,
    },
    Slip {
        says: is_stamped,
        ends: &dates::ENDS_OF_STAMPS,
        spoken: dates::SPOKEN_OF_STAMPS,
        is_meant: false,
        is_closed: true,
    },
    Slip { says: is_date, ends: &['.', ')', ']', '!'], spoken: dates::SPOKEN, is_meant: false, is_closed: false },
    Slip { says: is_field, ends: &[']', ':', '>'], spoken: fields::SPOKEN, is_meant: true, is_closed: false },
    Slip { says: is_trail, ends: &STEPS, spoken: trails::SPOKEN, is_meant: false, is_closed: false },
];

/// A word that could be of a slip.
struct Part<'t> {
    text: &'t str,
    /// Without the signs around it.
    bare: &'t str,
    /// The lists that it is on, or its letters before a digit.
    on: Lists,
    /// It is the first of its line.
    opens: bool,
}

impl<'t> Part<'t> {
    fn of(word: &Word<'t>) -> Self {
        let bare = unmarked(word.text);
        let on = lists_of(bare) | lists_of(named(bare).0) & COUNTED;
        Self { text: word.text, bare, on, opens: word.opens }
    }

    /// Whether it is on one of these lists.
    fn is(&self, lists: Lists) -> bool {
        self.on & lists != 0
    }

    /// Its letters before a digit, and what is behind them.
    fn named(&self) -> (&'t str, &'t str) {
        named(self.bare)
    }

    /// Whether a slip in the middle of a line may begin with it.
    fn may_begin(&self) -> bool {
        self.text.starts_with(['[', '(', '-', '*', '#']) || self.text.ends_with(':') || self.is(COUNTED | BEGINS_DATE)
    }
}

fn named(bare: &str) -> (&str, &str) {
    bare.split_at(bare.find(|c: char| c.is_ascii_digit()).unwrap_or(bare.len()))
}

/// A text without the slips at its ends; whole where they may be what is asked about.
pub(super) fn without_slips(text: &str) -> &str {
    again_and_again(text, MAX_SLIPS, |text| without_first(without_last(text)))
}

fn without_last(text: &str) -> &str {
    let from = text.ceil_char_boundary(text.len().saturating_sub(END));
    // No slip asks, and most texts end so.
    if text.ends_with('?') || !may_be_said(&text[from..]) {
        return text;
    }
    let words = words_of(&text[from..]);
    let most = MAX_SLIP.min(words.len().saturating_sub(MIN_KEPT));
    let parts: Vec<Part<'_>> = words[words.len() - most..].iter().map(Part::of).collect();
    let goes = |n: &usize| {
        let rest = &words[..words.len() - n];
        let (first, last) = (&words[rest.len()], &rest[rest.len() - 1]);
        let apart = if first.opens {
            Apart::Line
        } else if last.text.ends_with(['.', '!', '?']) {
            Apart::Sentence
        } else {
            Apart::Hardly
        };
        let parts = &parts[most - n..];
        let body = &text[..from + last.end];
        // The last of several answers to choose from has seldom a sign at its end.
        let line = || rest.iter().rev().find(|word| word.opens && word.at > 0);
        let chosen = || line().is_some_and(|word| word.labels() || word.text == "answer:");
        let pointed = |told: Told| says_this(body, rest) || told == Told::Perhaps && points(rest);
        (apart != Apart::Hardly || parts[0].may_begin() && chosen())
            && !last.labels()
            && said(parts, apart, body).is_some_and(|(_, told)| !pointed(told) || chosen() && !announces(body))
    };
    // Of a box behind its mark neither is left.
    let n = (1..=most).rev().find(goes).filter(|_| !gives_text(&words_of(text)));
    n.map_or(text, |n| &text[..from + words[words.len() - n - 1].end])
}

fn without_first(text: &str) -> &str {
    let head = &text[..text.floor_char_boundary(END)];
    let first = head.split(BLANKS).next().unwrap_or_default();
    let known = lists_of(unmarked(first)) | lists_of(named(unmarked(first)).0);
    // Most texts begin with a word that no slip begins with.
    let begins = known != 0 || !unmarked(first).starts_with(char::is_alphabetic) || first.starts_with('[');
    if !begins && !head.contains(STEPS) || !may_be_said(head) {
        return text;
    }
    let words = words_of(head);
    let most = MAX_SLIP.min(words.len().saturating_sub(MIN_KEPT));
    let parts: Vec<Part<'_>> = words[..most].iter().map(Part::of).collect();
    let goes = |n: &usize| {
        let (slip, rest) = words.split_at(*n);
        let (first, last) = (&rest[0], slip[n - 1].text);
        let asks = || begins_question(first.core()) && !is_on(ARTICLES, first.core()) && !last.ends_with([',', ';']);
        let ended = last.ends_with(|c: char| SLIPS.iter().any(|slip| slip.ends.contains(&c)));
        if !ended && !first.begins && !asks() {
            return false;
        }
        let apart = if first.opens { Apart::Line } else { Apart::Sentence };
        let Some((slip, told)) = said(&parts[..*n], apart, &text[first.at..]) else { return false };
        // A box may stand before anything.
        let ended = slip.is_closed || last.ends_with(slip.ends) && !last.starts_with(['[', ']']);
        let pointed = (told == Told::Perhaps || slip.is_meant) && is_pointed_at(rest);
        (ended || first.begins || asks())
            && !is_on(LINKS, first.text)
            && !pointed
            && (!slip.is_meant || asks_enough(rest))
    };
    // Of a version its number would be left.
    (1..=most).rev().find(goes).map_or(text, |n| &text[words[n].at..])
}

/// Whether enough is left of a text beside lines that name something and say it, as the headers of a mail do.
fn asks_enough(rest: &[Word<'_>]) -> bool {
    let lines = rest.chunk_by(|_, next| !next.opens).filter(|line| !line[0].text.ends_with(':'));
    lines.map(<[Word<'_>]>::len).sum::<usize>() >= MIN_KEPT
}

/// The slip that these words are beside this rest.
fn said(parts: &[Part<'_>], apart: Apart, rest: &str) -> Option<(&'static Slip, Told)> {
    if parts[1..].iter().any(|part| part.opens) {
        return None;
    }
    let (slip, told) = SLIPS.iter().find_map(|slip| Some((slip, (slip.says)(parts, apart)?)))?;
    let lists = if told == Told::Plainly { &slip.spoken[..1] } else { &slip.spoken };
    let stems: Vec<&str> = lists.iter().flat_map(|list| list.split_whitespace()).chain(counts::names(parts)).collect();
    // Of quoted lines the first alone would be no longer quoted.
    let marked = |line: &str| line.starts_with('>');
    let goes_on = parts[parts.len() - 1].text == ">" && rest.lines().any(marked);
    let quoted = goes_on || marked(rest) && !rest.lines().all(marked);
    (!speaks_by_stem(rest, &stems) && !quoted).then_some((slip, told))
}

/// A word without the signs around it.
fn unmarked(word: &str) -> &str {
    word.trim_matches(['(', ')', '[', ']', ':', '.', ',', '-', '\u{2013}', '\u{2014}', '*', '!', '#'])
}

/// Whether there could be a slip in this end of a text: nearly each has a digit, a colon, a bracket, a bar or a quotation mark.
fn may_be_said(end: &str) -> bool {
    end.bytes().any(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'[' | b'>' | b'|'))
        || end.contains("via ")
        || end.contains(STEPS)
}

#[cfg(test)]
mod tests;
