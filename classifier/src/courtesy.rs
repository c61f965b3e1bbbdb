//! Courtesies and remarks around a question: greetings, thanks, signatures, how hard or urgent it is, and what somebody
//! would like to tell the router. They stand at the two ends of a text and are no part of what is asked.

use self::marks::without_marks;
use self::remarks::{after_aside, after_remark, without_aside, without_remark, without_talk};
use self::words::{OPENERS, SIGN_OFF_ADORNMENTS, SIGN_OFFS, Word, is_emoticon, words_of};

mod marks;
mod remarks;
pub(crate) mod words;

/// Lines under a line of dashes are a signature up to so many words.
const MAX_SIGNATURE_WORDS: usize = 12;

/// Times that a text is looked at again after something went: whoever writes more has them seen.
const MAX_ROUNDS: usize = 8;

/// Words that stay, at least: of "what is a router" not "what".
const MIN_KEPT: usize = 3;

/// Words of a label before a question, at most.
const MAX_LABEL: usize = 4;

/// Words behind the label of an answer, at most.
const MAX_LABEL_TAIL: usize = 6;

/// Words of a name under a letter, at most.
const MAX_NAME_WORDS: usize = 4;

/// Words at an end that are looked at: no courtesy is longer.
const MAX_RUN: usize = 40;

/// The text without the courtesies at its ends; whole if nothing else would be left. Expects lower case.
pub(crate) fn stripped(text: &str) -> &str {
    let mut text = text;
    // Thanks may stand behind a tag, and a face behind thanks.
    for _ in 0..MAX_ROUNDS {
        let bare = without_marks(without_words(without_ornaments(text)));
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
    let mut end = words.len();
    // Thanks may stand before a name, and a remark before thanks.
    loop {
        let before = end;
        end = without_label(&words, end);
        end = without_dashes(&words, end);
        end = without_signature(&words, end);
        end = without_aside(&words, end);
        end = without_run(&words, end);
        end = without_remark(&words, end);
        end = without_talk(&words, end);
        if end == before {
            break;
        }
    }
    let mut start = 0;
    loop {
        let before = start;
        start += after_aside(&words[start..end]);
        start += after_run(&words[start..end]);
        start += after_remark(&words[start..end]);
        if start == before {
            break;
        }
    }
    if end.saturating_sub(start) < MIN_KEPT.min(words.len()) {
        return text;
    }
    let from = if start == 0 { 0 } else { words[start].at };
    let to = if end == words.len() { text.len() } else { words[end - 1].end };
    &text[from..to]
}

/// Without the little pictures and faces at its ends, and with one sign where several cry out at the end; with none where it stands
/// apart. A text of nothing else stays.
fn without_ornaments(text: &str) -> &str {
    // Here pictures are what is asked about.
    if ["emoji", "symbol", "icon", "smiley"].iter().any(|word| text.contains(word)) {
        return text;
    }
    let is_blank = |c: char| c == ' ' || c == '\n';
    let is_trailing = |word: &str| is_emoticon(word) || word.chars().all(|c| matches!(c, '.' | '~' | '\u{2026}'));
    let mut bare = text.trim_matches(|c: char| is_picture(c) || is_blank(c));
    while let Some(at) = bare.rfind(is_blank).filter(|at| is_trailing(&bare[at + 1..])) {
        bare = bare[..at].trim_end_matches(|c: char| is_picture(c) || is_blank(c));
    }
    let quiet = bare.trim_end_matches(['!', '?']);
    let first = bare[quiet.len()..].chars().next().map_or(0, char::len_utf8);
    match quiet.trim_end_matches(is_blank) {
        "" => text,
        // Behind a number it is a factorial.
        sum if sum.ends_with(|c: char| c.is_ascii_digit() || c == ')') && !bare.ends_with('?') => bare,
        apart if apart.len() < quiet.len() => apart,
        _ => &bare[..quiet.len() + first],
    }
}

/// Emoji, their modifiers and what joins them.
fn is_picture(c: char) -> bool {
    matches!(c, '\u{1f000}'..='\u{1faff}' | '\u{2600}'..='\u{2653}' | '\u{2660}'..='\u{27bf}' | '\u{2b50}'..='\u{2b55}' | '\u{fe0e}' | '\u{fe0f}' | '\u{200d}' | '\u{20e3}')
}

/// A sign-off and at most a few words after it.
fn without_signature(words: &[Word<'_>], end: usize) -> usize {
    let from = end.saturating_sub(MAX_NAME_WORDS + 1);
    for place in (from.max(1)..end).rev() {
        let word = &words[place];
        let before = &words[place - 1];
        let fresh = word.opens || before.ends_sentence() || SIGN_OFF_ADORNMENTS.contains(&before.core());
        // Of several dashes each is a point of a list.
        let point = word.text == "-" && words[..place].iter().any(|word| word.opens && word.text == "-");
        // Without a comma or a line break after it, "best" is an ordinary word.
        let closes =
            place + 1 == end || word.text.ends_with(',') || words[place + 1].opens || word.text.starts_with('-');
        let is_sign_off = SIGN_OFFS.contains(&word.text) || SIGN_OFFS.contains(&word.core());
        if is_sign_off && fresh && closes && !point && (word.opens || word.text.ends_with(',')) {
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
    label.filter(|place| words[*place].text == "answer:" && *place > 0 && says_nothing(place)).unwrap_or(end)
}

/// A line of two dashes, and at most some words under it.
fn without_dashes(words: &[Word<'_>], end: usize) -> usize {
    let from = end.saturating_sub(MAX_SIGNATURE_WORDS + 1).max(1);
    let alone = |place: usize| words[..end].get(place + 1).is_none_or(|next| next.opens);
    let dashes = |place: &usize| words[*place].opens && words[*place].text == "--" && alone(*place);
    (from..end).rev().find(dashes).unwrap_or(end)
}

/// Where the trailing run of courtesies begins, if it has a strong word.
fn without_run(words: &[Word<'_>], end: usize) -> usize {
    let run = words[..end].iter().rev().take(MAX_RUN).take_while(|word| word.is_courtesy() && !word.labels()).count();
    // The run may have eaten the end of the question: give back what stands before the last end of a sentence within it.
    let begin = end - run;
    let first_strong = (begin..end).find(|place| words[*place].is_strong());
    let Some(first_strong) = first_strong else { return end };
    let boundary = (begin..=first_strong)
        .rev()
        .find(|place| *place > 0 && (words[*place].opens || words[*place - 1].ends_sentence()));
    let begin = boundary.unwrap_or(if run == MAX_RUN { end } else { begin });
    // What a colon announces is what is asked about, and what a label stands before is an answer.
    let kept = begin > 0 && (words[begin - 1].text.ends_with(':') || words[begin - 1].labels());
    if kept { end } else { begin }
}

/// Where the question begins after a leading run of courtesies with a strong word.
fn after_run(words: &[Word<'_>]) -> usize {
    let run = words.iter().take(MAX_RUN).take_while(|word| word.is_courtesy()).count();
    // "quick question:" opens a question without a strong word.
    let label = (0..run.min(MAX_LABEL)).find(|place| words[*place].text.ends_with(':')).map_or(0, |place| place + 1);
    let last_strong = (0..run).rev().find(|place| words[*place].is_strong());
    let Some(last_strong) = last_strong else { return label };
    // Up to the end of the sentence, or of the line, that the last strong word stands in.
    let closes = |place: &usize| words[*place].ends_sentence() || words.get(place + 1).is_none_or(|next| next.opens);
    let boundary = (last_strong..run).rev().find(closes);
    // "please find x" has no boundary, and "best picture of 1990" is a question: only words that open nothing else go alone.
    let openers = words[..run].iter().take_while(|word| OPENERS.contains(&word.core())).count();
    boundary.map_or(openers.max(label), |place| place + 1)
}

#[cfg(test)]
mod tests;
