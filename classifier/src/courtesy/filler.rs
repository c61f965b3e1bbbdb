//! The printers' filler text at the ends of a question: it is put where nobody has anything to say.

use super::gives_text;
use super::made::is_on;
use super::pointing::{is_pointed_at, points};
use super::words::{Word, words_of};
use crate::canon::BLANKS;

/// Its words, as it usually goes.
const WORDS: &str = "\
ad adipiscing aliqua aliquip amet anim aute cillum commodo consectetur consequat culpa cupidatat deserunt do dolor dolore duis ea eiusmod \
elit enim esse est et eu ex excepteur exercitation fugiat id in incididunt ipsum irure labore laboris laborum lorem magna minim mollit \
nisi non nostrud nulla occaecat officia pariatur proident qui quis reprehenderit sed sint sit sunt tempor ullamco ut velit veniam \
voluptate";

/// Those of them that are words of other languages, too: none begins it within a sentence, and none ends it.
const OF_OTHERS: &str = "ad do ea et eu ex id in non sit ut";

/// One of these is in every piece of it.
const SIGNS: [&str; 3] = ["ipsum", "dolor", "veniam"];

/// Words of a piece, at least.
const MIN_WORDS: usize = 5;

/// Words that stay, at least: beside fewer it may be what is asked about.
const MIN_KEPT: usize = 4;

/// A text without filler at its ends; whole where it may be what is asked about.
pub(super) fn without_filler(text: &str) -> &str {
    // Most texts.
    if !SIGNS.iter().any(|sign| text.contains(sign)) {
        return text;
    }
    without_first(without_last(text))
}

fn without_last(text: &str) -> &str {
    let words = words_of(text);
    let n = words.iter().rev().take_while(|word| is_filler(word)).count();
    let first =
        words.len() - n + words[words.len() - n..].iter().take_while(|word| is_of_others(word) && !word.begins).count();
    let (rest, filler) = words.split_at(first);
    if rest.len() < MIN_KEPT || !is_piece(filler) || points(rest) || gives_text(&words) {
        return text;
    }
    text[..rest[rest.len() - 1].end].trim_end_matches(BLANKS)
}

fn without_first(text: &str) -> &str {
    let words = words_of(text);
    let n = words.iter().take_while(|word| is_filler(word)).count();
    let n = n - words[..n].iter().rev().take_while(|word| is_of_others(word)).count();
    let (filler, rest) = words.split_at(n);
    if rest.len() < MIN_KEPT || !is_piece(filler) || is_pointed_at(rest) {
        return text;
    }
    &text[rest[0].at..]
}

fn is_piece(words: &[Word<'_>]) -> bool {
    words.len() >= MIN_WORDS && words.iter().any(|word| SIGNS.contains(&word.core()))
}

fn is_filler(word: &Word<'_>) -> bool {
    is_on(WORDS, word.core())
}

fn is_of_others(word: &Word<'_>) -> bool {
    is_on(OF_OTHERS, word.core())
}

#[cfg(test)]
mod tests {
    //! Filler goes where it stands beside a question, and stays where it is what is asked about.

    use crate::canon::canonical;

    const FILLER: &str = "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt.";
    const QUESTION: &str = "A train leaves at nine and is an hour late. When does it arrive?";

    #[test]
    fn beside_a_question_it_goes() {
        let short = "Ut enim ad minim veniam, quis nostrud exercitation";
        for text in [
            format!("{QUESTION} {FILLER}"),
            format!("{FILLER} {QUESTION}"),
            format!("{FILLER}\n\n{QUESTION}\n\n{FILLER} {FILLER}"),
            format!("{QUESTION}\n{short}"),
            format!("{FILLER} {short}. {QUESTION}"),
        ] {
            assert_eq!(canonical(&text), canonical(QUESTION), "{text}");
        }
    }

    #[test]
    fn what_is_asked_about_stays() {
        for text in [
            format!("Translate into English as well as you can:\n{FILLER}"),
            format!("Translate the text into English, please\n\n{FILLER}"),
            format!("How many letters does this line have?\n{FILLER}"),
            format!("{FILLER} How many words are in this sentence?"),
            format!("Who wrote it? {FILLER}"),
            "What does lorem ipsum dolor sit amet mean in plain English".to_owned(),
        ] {
            assert!(canonical(&text).contains("ipsum"), "{text}");
        }
    }
}
