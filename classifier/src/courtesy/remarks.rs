//! Remarks: whole sentences at the end of a text that speak of the asking, or of how to answer, and greetings that came late.

use std::ops::Range;

use super::made::is_on;
use super::words::{GREETS, NODS, Word};

/// A remark has at most so many words.
const MAX_REMARK: usize = 20;

/// What a sentence begins with that states something of the asking. What somebody says of themselves may be what is asked about.
const STATING: &str = "even here's it it's no nobody only that that's the this";

/// In front of a question it has at least so many: fewer may be of a list or a dialogue.
const MIN_KNOWN: usize = 4;

/// Where an aside begins that ends here, of whole sentences; behind the last answer to choose from, of words that begin one.
pub(super) fn without_aside(words: &[Word<'_>], end: usize) -> usize {
    let from = end.saturating_sub(MAX_REMARK).max(1);
    let run =
        (from..end).rev().take_while(|place| !words[*place].labels() && may_be_aside(words, *place, from..end)).count();
    // The last answer to choose from seldom has a sign behind it.
    let answer = words[..end].iter().rev().find(|word| word.opens).is_some_and(Word::labels);
    let behind =
        |place: usize| answer && words[place].starts_aside() && !words[place - 1].is_courtesy() && place + 1 < end;
    // What an answer says is asked about, or a label that goes by itself.
    let begins = |place: &usize| {
        words[*place].text != "answer:" && !words[place - 1].labels() && (is_fresh(words, *place) || behind(*place))
    };
    (end - run..end).find(|place| begins(place) && is_aside(&words[*place..end])).unwrap_or(end)
}

/// Where the text goes on behind whole sentences at its beginning that are asides: no word of them could be of a question.
pub(super) fn after_asides(words: &[Word<'_>]) -> usize {
    let mut from = 0;
    while let Some(end) = sentence_end(words, from).filter(|end| is_known_aside(words, from..*end)) {
        from = end;
    }
    from
}

/// Where the sentence ends that begins here, with a sign that nothing is asked by.
fn sentence_end(words: &[Word<'_>], from: usize) -> Option<usize> {
    let most = words.len().min(from + MAX_REMARK);
    let last = (from..most).find(|place| words[*place].text.ends_with(['.', '!', '?', ':']))?;
    words[last].text.ends_with(['.', '!']).then_some(last + 1)
}

/// Whether a sentence states something of the asking. What tells to do something may be the task, however usual its words are.
fn is_known_aside(words: &[Word<'_>], range: Range<usize>) -> bool {
    let sentence = &words[range.clone()];
    let known = |place: usize| words[place].is_meta() && !words[place].is_sum() || is_ever(words, place);
    sentence.len() >= MIN_KNOWN && is_on(STATING, sentence[0].core()) && range.clone().all(known) && is_aside(sentence)
}

/// "The hardest ever asked"; not "thank you ever so much", which somebody may say in a question.
fn is_ever(words: &[Word<'_>], place: usize) -> bool {
    words[place].core() == "ever" && words.get(place + 1).is_none_or(|next| next.core() != "so")
}

/// Where a greeting begins that ends here, in the line of the last answer to choose from. Elsewhere it is told by its sound; so few words
/// there could belong to the answer.
pub(super) fn without_greeting(words: &[Word<'_>], end: usize) -> usize {
    let ends_with = |greeting: &str| {
        let n_words = greeting.split(' ').count();
        let place = end.checked_sub(n_words).filter(|place| *place > 0)?;
        let said = words[place..end].iter().map(|word| word.text.trim_end_matches(['.', '!', ',']));
        let before = &words[place - 1];
        let stays = before.labels() || before.mentions() || words[place..end].iter().any(|word| word.opens);
        (said.eq(greeting.split(' ')) && !stays).then_some(place)
    };
    let answer = words[..end].iter().rev().find(|word| word.opens).is_some_and(Word::labels);
    GREETS.iter().filter(|_| answer).find_map(|greeting| ends_with(greeting)).unwrap_or(end)
}

/// Whether a word may stand in an aside: a number only beside an offer.
fn may_be_aside(words: &[Word<'_>], place: usize, around: Range<usize>) -> bool {
    words[place].is_meta() || is_ever(words, place) || words[place].is_sum() && words[around].iter().any(Word::offers)
}

/// Whether no question ends within these words, and no answer to choose from begins there.
fn is_one(words: &[Word<'_>]) -> bool {
    words.split_last().is_some_and(|(_, before)| before.iter().all(|word| !word.text.ends_with('?')))
        && words.iter().all(|word| !word.labels())
}

/// Whether these words, each of which may stand in an aside, are one. A question is none, unless it asks for a nod or for what
/// somebody thinks.
fn is_aside(words: &[Word<'_>]) -> bool {
    if !is_one(words) || words.iter().filter(|word| word.is_sum()).count() > 1 {
        return false;
    }
    let asks = words.last().is_some_and(|word| word.text.ends_with('?'));
    let nod = words.len() == 1 && NODS.contains(&words[0].core());
    let personal = words.iter().any(|word| word.core() == "you" || word.core().starts_with("idea"));
    nod || (!asks || personal) && words.iter().any(Word::tells)
}

/// Whether a line begins here, or a sentence.
pub(super) fn is_fresh(words: &[Word<'_>], place: usize) -> bool {
    let before = &words[place - 1];
    words[place].begins || before.text.ends_with(['.', '!', '?', ')', ']']) && !before.labels()
}
