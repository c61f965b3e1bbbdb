//! Remarks: whole sentences at the ends of a text that speak of who asks, of the asking, or of how to answer.

use std::ops::Range;

use super::words::{NODS, PERSONS, Word, is_meaningful_sign};

/// Of the words of a remark, one in so many may be of any kind.
const WORDS_FOR_A_STRANGER: usize = 4;

/// A remark has at most so many words.
const MAX_REMARK: usize = 16;

/// Words of a sentence about who asks, or about the asking: at most, at least, and what must stand before it.
const MAX_TALK: usize = 12;
const MIN_TALK: usize = 3;
const MIN_BEFORE_TALK: usize = 5;

/// Where the last sentence begins, if it is a remark.
pub(super) fn without_remark(words: &[Word<'_>], end: usize) -> usize {
    let from = end.saturating_sub(MAX_REMARK).max(1);
    let opens = |place: &usize| {
        words[*place].opens || words[*place - 1].text.ends_with(['.', '!', '?']) && !words[*place - 1].labels()
    };
    match (from..end).rev().find(opens) {
        Some(begin) if is_remark(&words[begin..end]) => begin,
        _ => end,
    }
}

/// Where the second sentence begins, if the first is a remark.
pub(super) fn after_remark(words: &[Word<'_>]) -> usize {
    let closes = |place: &usize| {
        words[*place].text.ends_with(['.', '!', ':']) || words.get(place + 1).is_none_or(|next| next.opens)
    };
    match (0..words.len().min(MAX_REMARK)).find(closes) {
        Some(last) if last + 1 < words.len() && is_remark(&words[..=last]) => last + 1,
        _ => 0,
    }
}

/// Whether a sentence speaks of who asks or answers, and of nothing else.
fn is_remark(words: &[Word<'_>]) -> bool {
    let strangers = words.iter().filter(|word| !word.is_courtesy() && !PERSONS.contains(&word.core())).count();
    let asks = words.iter().any(|word| word.text.contains(|c: char| c.is_ascii_digit() || is_meaningful_sign(c)));
    let persons = words.iter().any(|word| PERSONS.contains(&word.core()));
    let labelled = words.first().is_some_and(Word::labels);
    persons
        && !asks
        && !labelled
        && is_one(words)
        && words.len() >= 3
        && strangers * WORDS_FOR_A_STRANGER <= words.len()
}

/// Where an aside begins that ends here: a whole sentence, or from a word that begins one. "Show your work" is none of the last
/// answer to choose from, though it stands in its line.
pub(super) fn without_aside(words: &[Word<'_>], end: usize) -> usize {
    let from = end.saturating_sub(MAX_REMARK).max(1);
    let run =
        (from..end).rev().take_while(|place| !words[*place].labels() && may_be_aside(words, *place, from..end)).count();
    // What follows the label of an answer is that answer.
    let begins = |place: &usize| {
        !words[place - 1].labels()
            && (is_fresh(words, *place) || words[*place].starts_aside() && (place + 1 < end || words[*place].is_flag()))
    };
    (end - run..end)
        .find(|place| begins(place) && is_aside(&words[*place..end], is_fresh(words, *place)))
        .unwrap_or(end)
}

/// Where the question begins after sentences, lines or labels that are asides. In the first sentence a word in three may be of any
/// kind.
pub(super) fn after_aside(words: &[Word<'_>]) -> usize {
    let ends = |place: usize, signs: &[char]| {
        words[place].text.ends_with(signs) || words.get(place + 1).is_none_or(|next| next.opens)
    };
    let closes = |place: usize| ends(place, &['.', '!', ':', ',', ']', ')']);
    let most = words.len().saturating_sub(1).min(MAX_REMARK);
    let first = (0..most).find(|place| ends(*place, &['.', '!', ':']));
    let is_said = |last: &usize| {
        let said = &words[..=*last];
        let strangers = (0..=*last).filter(|place| !may_be_aside(words, *place, 0..most)).count();
        let begun = first == Some(*last) && (said[0].starts_aside() || said[0].is_strong());
        let allowed = if begun { said.len() / 3 } else { 0 };
        closes(*last) && strangers <= allowed && is_aside(said, true)
    };
    if words.first().is_none_or(Word::labels) {
        0
    } else if most > 1 && words[0].is_numbered() && words[1].is_sum() && closes(1) {
        2
    } else {
        (0..most).rev().find(is_said).map_or(0, |last| last + 1)
    }
}

/// Whether a word may stand in an aside: a number only beside an offer.
fn may_be_aside(words: &[Word<'_>], place: usize, around: Range<usize>) -> bool {
    words[place].is_meta() || words[place].is_sum() && words[around].iter().any(Word::offers)
}

/// Whether no question ends within these words, and no answer to choose from begins there.
fn is_one(words: &[Word<'_>]) -> bool {
    words.split_last().is_some_and(|(_, before)| before.iter().all(|word| !word.text.ends_with('?')))
        && words.iter().all(|word| !word.labels())
}

/// Whether these words, each of which may stand in an aside, are one. A question is none, unless it asks for a nod or for what
/// somebody thinks.
fn is_aside(words: &[Word<'_>], whole: bool) -> bool {
    if !is_one(words) || words.iter().filter(|word| word.is_sum()).count() > 1 {
        return false;
    }
    let asks = words.last().is_some_and(|word| word.text.ends_with('?'));
    let nod = words.len() == 1 && NODS.contains(&words[0].core());
    let personal = words.iter().any(|word| PERSONS.contains(&word.core()) || word.core().starts_with("idea"));
    whole && nod || (!asks || whole && personal) && words.iter().any(Word::tells)
}

/// Where a last sentence begins in which somebody speaks of himself or of the asking, and which says little else: of its words at
/// most half, or a quarter where nothing ends before it. What is asked stands before it, and is longer; what is given with it has
/// more than one number.
pub(super) fn without_talk(words: &[Word<'_>], end: usize) -> usize {
    let from = end.saturating_sub(MAX_TALK).max(MIN_BEFORE_TALK);
    let is_talk = |place: &usize| {
        let said = &words[*place..end];
        let strangers = (*place..end).filter(|at| !may_be_aside(words, *at, *place..end)).count();
        let formula = said.iter().any(|word| word.text.contains(|c: char| is_meaningful_sign(c) && c != '$'));
        let words_for_a_stranger = if is_fresh(words, *place) { 2 } else { 4 };
        !words[*place - 1].labels()
            && words[*place].starts_loosely()
            && said.iter().any(Word::speaks)
            && said[1..].iter().all(|word| !word.opens)
            && said.len() >= MIN_TALK
            && !formula
            && said.iter().filter(|word| word.is_sum()).count() <= 1
            && words_for_a_stranger * strangers <= said.len()
    };
    (from..end).find(is_talk).unwrap_or(end)
}

/// Whether a line begins here, or a sentence ends before it.
fn is_fresh(words: &[Word<'_>], place: usize) -> bool {
    words[place].opens || words[place - 1].text.ends_with(['.', '!', '?', ')', ']'])
}
