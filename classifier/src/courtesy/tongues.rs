//! Courtesies in other languages at the ends of a question: greetings, thanks, pleas, how hard or urgent it is.

use self::lexicon::{HOW_ARE_YOU, STEMS, is_doubtful, known};
use super::spoken::speaks_of;
use super::words::{Word, words_of};
use super::{LINKS, announces, is_on};
use crate::canon::BLANKS;

mod lexicon;

/// Words of a courtesy, at most.
const MAX_WORDS: usize = 14;

/// Words that stay, at least, and Latin letters where the courtesy is in another script.
const MIN_KEPT: usize = 4;
const MIN_LATIN: usize = 12;

/// Words that every English text has, and how many of them an English question has at least.
const ENGLISH: [&str; 24] = [
    "the", "of", "is", "are", "what", "which", "how", "who", "and", "to", "each", "with", "if", "for", "that", "does",
    "from", "by", "find", "was", "when", "given", "has", "be",
];
const MIN_ENGLISH: usize = 2;

/// Letters of a sentence in another script, at most.
const MAX_LETTERS: usize = 40;

/// Courtesies that are taken away, at most.
const MAX_COURTESIES: usize = 4;

/// Where one of these is spoken of, words of other languages are what is asked about.
const SPOKEN: [&str; 26] = [
    " word",
    " mean",
    " say ",
    "translat",
    "traduc",
    "tradui",
    "traduz",
    "\u{fc}bersetz",
    "pronounc",
    " phrase",
    " spell",
    "language",
    " formal",
    "polite",
    "greeting",
    "syllable",
    "grammar",
    "english",
    "spanish",
    "french",
    "german",
    "italian",
    "cyrillic",
    " greet ",
    " repl",
    " tells ",
];

/// A text without the courtesies of other languages at its ends; whole where they may be what is asked about.
pub(super) fn without_tongues(text: &str) -> &str {
    let mut bare = text;
    for _ in 0..MAX_COURTESIES {
        let part = without_first(without_last(bare));
        // Asked last, as nearly every text has nothing to lose.
        if part.len() == bare.len() || speaks_of(text, &SPOKEN) {
            break;
        }
        bare = part;
    }
    bare
}

fn without_last(text: &str) -> &str {
    let last = text.rsplit(BLANKS).next().map(bare_of).unwrap_or_default();
    if is_strange(last) {
        return without_last_sentence(text);
    }
    if known(last).tongues == 0 {
        return text;
    }
    let words = words_of(text);
    let most = MAX_WORDS.min(words.len().saturating_sub(MIN_KEPT));
    let run = run_of(&mut words.iter().rev().take(most));
    let goes = |n: &usize| {
        let (rest, courtesy) = words.split_at(words.len() - n);
        let before = &rest[rest.len() - 1];
        let announced =
            announces(&text[..before.end]) || before.text.ends_with('=') || before.mentions() || before.labels();
        let apart = courtesy[0].begins || before.text.ends_with(['.', '!', '?', ',', ')']);
        // In the middle of a sentence one word could belong to it, and so could the only question.
        let asks = |words: &[Word<'_>]| words.iter().any(|word| word.text.contains('?'));
        let first = bare_of(courtesy[0].text);
        let greets = known(first).courtesies != 0;
        let inside = *n > 1 && !is_doubtful(first) && (!asks(courtesy) || asks(rest) || greets);
        !announced && (apart || inside) && is_courtesy(courtesy) && is_english(rest)
    };
    (1..=run).rev().find(goes).map_or(text, |n| &text[..words[words.len() - n - 1].end])
}

fn without_first(text: &str) -> &str {
    let first = text.split(BLANKS).next().map(bare_of).unwrap_or_default();
    if is_strange(first) {
        return without_first_sentence(text);
    }
    if known(first).tongues == 0 {
        return text;
    }
    let words = words_of(text);
    let run = run_of(&mut words.iter().take(MAX_WORDS));
    let goes = |n: &usize| {
        let (courtesy, rest) = words.split_at(*n);
        let (last, next) = (&courtesy[n - 1], &rest[0]);
        let apart = next.begins || last.text.ends_with(['.', '!', '?', ';']);
        // A word that begins an English question, too, ends no courtesy.
        let ends = *n > 1 && !is_doubtful(bare_of(last.text)) && !last.text.ends_with(':');
        let whole = *n == run && (ends || last.text.ends_with(','));
        (apart || whole) && !is_on(LINKS, next.text) && is_courtesy(courtesy) && is_english(rest)
    };
    let most = run.min(words.len().saturating_sub(MIN_KEPT));
    (1..=most).rev().find(goes).map_or(text, |n| &text[words[n].at..])
}

/// Whether somebody asks in English: within a language its courtesies may be what a text is about.
fn is_english(rest: &[Word<'_>]) -> bool {
    rest.iter().filter(|word| ENGLISH.contains(&word.core())).take(MIN_ENGLISH).count() == MIN_ENGLISH
}

/// How many of some words one language has in a row.
fn run_of<'w, 't: 'w>(words: &mut dyn Iterator<Item = &'w Word<'t>>) -> usize {
    let mut tongues = u16::MAX;
    let goes_on = |word: &&Word<'_>| {
        tongues &= known(bare_of(word.text)).tongues;
        tongues != 0 && !word.labels()
    };
    words.take_while(goes_on).count()
}

/// Whether one language has all of these words, and one of them says a courtesy in it.
fn is_courtesy(words: &[Word<'_>]) -> bool {
    let known = || words.iter().map(|word| known(bare_of(word.text)));
    let tongues = known().fold(u16::MAX, |tongues, known| tongues & known.tongues);
    known().any(|known| known.courtesies & tongues != 0)
}

/// Without a last sentence in another script that is a courtesy.
fn without_last_sentence(text: &str) -> &str {
    let strange = text.rsplit(BLANKS).take_while(|word| is_strange(word)).map(|word| word.len() + 1).sum::<usize>();
    let from = text.len().saturating_sub(strange.saturating_sub(1));
    let open = text[from..].trim_end_matches(is_end);
    let at = open.rfind(is_end).map_or(from, |at| from + at + open[at..].chars().next().map_or(0, char::len_utf8));
    let rest = text[..at].trim_end_matches(BLANKS);
    if is_foreign(&text[at..], rest) { rest } else { text }
}

/// Without a first sentence, or clause, in another script that is a courtesy.
fn without_first_sentence(text: &str) -> &str {
    let strange = text.split(BLANKS).take_while(|word| is_strange(word)).map(|word| word.len() + 1).sum::<usize>();
    let run = &text[..strange.min(text.len())];
    let behind = |ends: &dyn Fn(char) -> bool| {
        let sign = run.find(ends).and_then(|at| Some(at + run[at..].chars().next()?.len_utf8()));
        sign.filter(|end| is_foreign(&text[..*end], &text[*end..]))
    };
    let clause = |c: char| is_end(c) || matches!(c, ',' | '\u{ff0c}' | '\u{60c}');
    let whole = || Some(run.len()).filter(|end| is_foreign(&text[..*end], &text[*end..]));
    let end = behind(&is_end).or_else(|| behind(&clause)).or_else(whole);
    end.map_or(text, |end| text[end..].trim_start_matches(BLANKS))
}

fn is_end(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '\n' | '\u{3002}' | '\u{ff01}' | '\u{ff1f}' | '\u{61f}')
}

/// A word of letters of another script.
fn is_strange(word: &str) -> bool {
    let latin = |c: char| c.is_ascii_alphabetic() || matches!(c, '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}');
    let mut letters = word.chars().filter(|c| c.is_alphabetic());
    letters.next().is_some_and(|first| !latin(first)) && !letters.any(latin)
}

/// Whether a sentence is a short courtesy in another script than the rest, and no question but how somebody is.
fn is_foreign(part: &str, rest: &str) -> bool {
    let letters = part.chars().filter(|c| c.is_alphabetic()).take(MAX_LETTERS + 1).count();
    let latin = rest.chars().filter(char::is_ascii_alphabetic).take(MIN_LATIN).count() == MIN_LATIN;
    let has = |stems: &[&str]| stems.iter().any(|stem| part.contains(stem));
    let asks = part.trim_end_matches(BLANKS).ends_with(['?', '\u{ff1f}', '\u{61f}']);
    latin
        && letters <= MAX_LETTERS
        && (has(&HOW_ARE_YOU) || !asks && has(&STEMS))
        && !part.contains('=')
        && !announces(rest.trim_end())
}

/// A word without the signs around it.
fn bare_of(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

#[cfg(test)]
mod tests;
