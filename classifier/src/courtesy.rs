//! Courtesies and remarks around a question: greetings, thanks, signatures, how hard or urgent it is, and what somebody
//! would like to tell the router. They stand at the two ends of a text and are no part of what is asked.

use self::filler::without_filler;
use self::frames::without_frames;
use self::imprints::without_imprints;
pub(crate) use self::made::is_on;
use self::marks::without_marks;
pub(crate) use self::ornaments::is_picture;
use self::ornaments::without_ornaments;
use self::pages::without_page;
use self::remarks::{after_asides, is_fresh, without_aside, without_greeting};
use self::slips::without_slips;
use self::tongues::without_tongues;
use self::words::{SIGN_OFF_ADORNMENTS, SIGN_OFFS, Word, words_of};

mod faces;
mod filler;
mod frames;
mod imprints;
mod made;
mod marks;
mod ornaments;
mod pages;
mod pointing;
mod remarks;
mod slips;
mod spoken;
mod tongues;
pub(crate) mod words;

/// Lines under a line of dashes are a signature up to so many words.
const MAX_SIGNATURE_WORDS: usize = 12;

/// Times that a text is looked at again after something went: whoever writes more has them seen.
const MAX_ROUNDS: usize = 8;

/// In front of one of these something is spoken of: "hola is Spanish", "1) or 1.".
const LINKS: &str = "is are was were or and vs versus means meant has does can becomes stands";

/// Words that stay, at least: of "what is a router" not "what".
const MIN_KEPT: usize = 3;

/// Words of a label before a question, at most.
const MAX_LABEL: usize = 4;

/// Words behind the label of an answer, at most.
const MAX_LABEL_TAIL: usize = 6;

/// Words of a name under a letter, at most.
const MAX_NAME_WORDS: usize = 6;

/// Words at an end that are looked at: no courtesy is longer.
const MAX_RUN: usize = 40;

/// The text without the courtesies at its ends; whole if nothing else would be left. Expects lower case.
pub(crate) fn stripped(text: &str) -> &str {
    // Thanks may stand behind a tag, and a face behind thanks.
    again_and_again(text, MAX_ROUNDS, |text| {
        let bare = without_words(without_tongues(without_ornaments(text)));
        without_filler(without_imprints(without_frames(without_slips(without_marks(without_page(bare))))))
    })
}

/// What is left of a text when something has been taken from it until nothing more goes, or so many times.
fn again_and_again<'t>(text: &'t str, most: usize, without: impl Fn(&'t str) -> &'t str) -> &'t str {
    let mut text = text;
    for _ in 0..most {
        let bare = without(text);
        if bare.len() == text.len() {
            break;
        }
        text = bare;
    }
    text
}

/// Without the sentences, lines and runs of words at its ends that say a courtesy.
fn without_words(text: &str) -> &str {
    let words = words_of(text);
    let (mut start, mut end) = (0, words.len());
    let asks = |words: &[Word<'_>]| words.iter().any(|word| word.text.contains('?'));
    loop {
        let left = start + after_run(&words[start..]).max(after_asides(&words[start..]));
        // The only question stays, however polite.
        if left == start || asks(&words[start..left]) && !asks(&words[left..]) {
            break;
        }
        start = left;
    }
    // Thanks may stand before a name, and an aside before thanks. What a colon announces is what is asked about.
    let mut before = if gives_text(&words[start..]) { end } else { usize::MAX };
    while before != end {
        before = end;
        for without in [without_label, without_dashes, without_signature, without_aside, without_greeting, without_run]
        {
            let left = without(&words, end);
            let announced = left > start && announces(&text[..words[left - 1].end]);
            let only_question =
                left > start && asks(&words[left..end]) && !asks(&words[start..left]) && !is_nod(&words[left..end]);
            if !announced && !only_question {
                end = left;
            }
        }
    }
    if end.saturating_sub(start) < MIN_KEPT.min(words.len()) {
        return text;
    }
    let from = if start == 0 { 0 } else { words[start].at };
    let to = if end == words.len() { text.len() } else { words[end - 1].end };
    &text[from..to]
}

/// Whether a last question asks for help, for what somebody thinks, or for a nod.
fn is_nod(words: &[Word<'_>]) -> bool {
    words.len() == 1 || words.iter().any(|word| matches!(word.core(), "think" | "help"))
}

/// Whether a text to work on follows: its words may sound like anything, thanks or small talk, and all are needed.
pub(crate) fn gives_text(words: &[Word<'_>]) -> bool {
    let begins = words.first().is_some_and(Word::works_on_text);
    (begins || words.iter().take(MAX_LABEL).any(Word::translates))
        && words.iter().skip(1).any(|word| word.opens || word.text.ends_with(':'))
}

/// Whether a text announces what follows it. The colon behind the head of a function announces code, and that behind a question without a
/// label of its own an answer, and neither a courtesy.
fn announces(text: &str) -> bool {
    let line = text.rsplit('\n').next().unwrap_or_default();
    let waits = || line == "answer:" && line.len() < text.len() && !text.contains("question:") && !text.contains("q:");
    text.ends_with(':') && !line.starts_with("def ") && !waits()
}

/// A sign-off and at most a few words after it.
fn without_signature(words: &[Word<'_>], end: usize) -> usize {
    let from = end.saturating_sub(MAX_NAME_WORDS + 1);
    for place in (from.max(1)..end).rev() {
        let word = &words[place];
        let before = &words[place - 1];
        let fresh = word.opens
            || before.text.ends_with(['.', '!', '?', ')', ']'])
            || SIGN_OFF_ADORNMENTS.contains(&before.core());
        // Of several dashes each is a point of a list.
        let point = word.text == "-" && words.iter().filter(|word| word.opens && word.text == "-").count() > 1;
        // Without a comma or a line break after it, "best" is an ordinary word.
        let closes =
            place + 1 == end || word.text.ends_with(',') || words[place + 1].opens || word.text.starts_with('-');
        // A dash before a number is a sign, and a last word alone may be the last of a list.
        let digits = words[place + 1..end].iter().any(|word| word.text.contains(|c: char| c.is_ascii_digit()));
        let named = !digits || !word.text.starts_with('-');
        let alone = place + 1 == end && !word.text.ends_with(',') && !word.is_strong();
        let is_sign_off = SIGN_OFFS.contains(&word.text) || SIGN_OFFS.contains(&word.core());
        if is_sign_off && named && !alone && fresh && closes && !point && (word.opens || word.text.ends_with(',')) {
            let adorned = SIGN_OFF_ADORNMENTS.contains(&words[place - 1].core());
            return if adorned { place - 1 } else { place };
        }
    }
    end
}

/// Without a last line that says that the answer comes here, and at most a few words of how.
fn without_label(words: &[Word<'_>], end: usize) -> usize {
    let from = end.saturating_sub(MAX_LABEL_TAIL + 1);
    let label = (from..end).rev().find(|place| words[*place].opens);
    let says_nothing = |place: &usize| words[*place + 1..end].iter().all(Word::is_meta);
    // Where a question bears a label, too, its answer is given.
    let given = |place: usize| words[..place].iter().any(|word| word.opens && word.text == "question:");
    let says_nothing = |place: &usize| (*place + 1 == end || !given(*place)) && says_nothing(place);
    label.filter(|place| words[*place].text == "answer:" && *place > 0 && says_nothing(place)).unwrap_or(end)
}

/// A line of two dashes, and at most some words under it.
fn without_dashes(words: &[Word<'_>], end: usize) -> usize {
    let from = end.saturating_sub(MAX_SIGNATURE_WORDS + 1).max(1);
    let alone = |place: usize| words[..end].get(place + 1).is_none_or(|next| next.opens);
    let apart = |place: usize| words[place].opens || words[place - 1].text.ends_with(['.', '!', '?']);
    let dashes = |place: &usize| words[*place].text == "--" && apart(*place) && alone(*place);
    (from..end).rev().find(dashes).unwrap_or(end)
}

/// Where the trailing run of courtesies begins, if it has a strong word.
fn without_run(words: &[Word<'_>], end: usize) -> usize {
    let run = words[..end].iter().rev().take(MAX_RUN).take_while(|word| word.is_courtesy() && !word.labels()).count();
    let begin = end - run;
    let Some(first_strong) = (begin..end).find(|place| words[*place].is_strong()) else { return end };
    // The run may have eaten the end of the question: give back what stands before the last end of a sentence within it.
    let whole = (begin..=first_strong).rev().find(|place| *place > 0 && is_fresh(words, *place));
    if let Some(begin) = whole {
        return begin;
    }
    // In the middle of a sentence only a plea or thanks goes, or the clause that it stands in: "old habits die hard".
    let Some(plea) = (begin..end).find(|place| words[*place].pleads()) else { return end };
    let clause = (begin..=plea).rev().find(|place| *place > 0 && words[*place - 1].text.ends_with([',', ';', '-']));
    let begin = clause.unwrap_or(plea);
    // What a label stands before is an answer, and "the french word for thanks" is asked about.
    let spared = begin == 0 || words[begin - 1].labels() || words[begin - 1].mentions();
    if spared { end } else { begin }
}

/// Where the question begins after a leading run of courtesies with a strong word, or after a label.
fn after_run(words: &[Word<'_>]) -> usize {
    let run = words.iter().take(MAX_RUN).take_while(|word| word.is_courtesy()).count();
    let ends = |place: usize, signs: &[char]| {
        words[place].text.ends_with(signs) || words.get(place + 1).is_none_or(|next| next.begins)
    };
    // "quick question:" opens a question without a strong word.
    let named = words.iter().take(MAX_LABEL).take_while(|word| word.is_courtesy() || word.is_numbered()).count();
    let label = (0..named).find(|place| words[*place].text.ends_with(':')).map_or(0, |place| place + 1);
    let label = if words[..label].iter().any(Word::is_numbered) { label } else { 0 };
    // "please find x" has no sign behind it, and "hello world in c" is a question.
    let openers = words[..run].iter().take_while(|word| word.opens_alone()).count();
    let strong = (0..run).rev().find(|place| words[*place].is_strong());
    let sentence = strong.and_then(|strong| (strong..run).rev().find(|place| ends(*place, &['.', '!', '?', ':'])));
    let greeting = (0..run).rev().find(|place| words[*place].greets());
    let clause = greeting.and_then(|greeting| (greeting..run).find(|place| ends(*place, &[',', ';', ')', ']'])));
    let begin = sentence.or(clause).map_or(0, |place| place + 1);
    begin.max(openers).max(label)
}

#[cfg(test)]
mod tests;
