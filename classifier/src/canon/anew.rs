//! Where a writer begins anew in the middle of a line, as the capital letter of an ordinary word shows: "help me with this Which ...".

use std::collections::HashSet;
use std::sync::LazyLock;

/// Words that sentences begin with, and that have a capital letter nowhere else but in titles. No names, no letters and no elements:
/// "vitamin A", "He atoms".
const BEGINNINGS: &str = "\
what what's which how why who who's whose when where is are was were does do did can could would should shall has have had \
if in on for from with under after before during while although because since the an this that these those there each every \
all both some most many one two three four several another given let suppose assume consider imagine find write explain describe \
calculate compute determine evaluate solve simplify prove show list name give tell make create define identify discuss compare \
complete translate summarise summarize rewrite convert choose select sort rank estimate draw design implement according using \
to of by it it's its we we're they she my our your you you're please thanks thank sorry hope hoping looking just even also \
don't let's take remember note i'm i've i'll i'd";

static KNOWN: LazyLock<HashSet<&str, foldhash::fast::RandomState>> =
    LazyLock::new(|| BEGINNINGS.split_whitespace().collect());

/// Whether a sentence begins between these two parts of a text, of which the second has a capital letter first.
pub(super) fn begins_anew(before: &str, after: &str) -> bool {
    let end = after.find(char::is_whitespace).unwrap_or(after.len());
    let word = after[..end].trim_end_matches(',');
    let small = word.strip_prefix(char::is_uppercase).is_some_and(|rest| rest.bytes().all(is_small));
    // In a title the next word has a capital letter, too.
    small && KNOWN.contains(&*word.to_ascii_lowercase()) && begins_small(after[end..].trim_start()) && ends_open(before)
}

/// A small letter, or what stands among them in a word.
fn is_small(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte == b'\''
}

/// Something follows, and it is no name; the writer may speak of himself.
fn begins_small(text: &str) -> bool {
    let speaks = |text: &str| {
        text.strip_prefix('I').is_some_and(|rest| rest.starts_with(|c: char| c.is_whitespace() || c == '\''))
    };
    speaks(text) || text.starts_with(|c: char| !c.is_uppercase())
}

/// Nothing ends at the end of this text, and its last word is no name or a part of a title; a first word may be either.
fn ends_open(text: &str) -> bool {
    let text = text.trim();
    let word = text.rsplit(char::is_whitespace).next().unwrap_or_default();
    let mut letters = word.chars().skip_while(|c| !c.is_alphanumeric());
    let is_name = letters.next().is_some_and(char::is_uppercase) && letters.next().is_some_and(char::is_lowercase);
    text.ends_with(|c: char| c.is_alphanumeric() || c == ',') && (!is_name || word.len() == text.len())
}

#[cfg(test)]
mod tests {
    //! Sentences that begin with no sign before them, names and titles.

    use crate::canon::{ANEW, folded, without_case};

    fn marked(text: &str) -> String {
        folded(text).replace(ANEW, "|")
    }

    #[test]
    fn an_ordinary_word_with_a_capital_letter_begins_anew() {
        for (text, form) in [
            ("hello Which of these", "hello|which of these"),
            ("Urgent The police were", "urgent|the police were"),
            ("THIS IS HARD What is 2+2", "this is hard|what is 2+2"),
            ("thanks a lot, In the calendar", "thanks a lot,|in the calendar"),
            ("ok  When I\u{a0}was ten", "ok|when i was ten"),
            ("five\u{a0}years Which of these", "five years|which of these"),
            ("who wrote it Thanks, my friend", "who wrote it|thanks, my friend"),
            ("area of 3 Please I'm late", "area of 3|please i'm late"),
        ] {
            assert_eq!(marked(text), form);
            assert_eq!(without_case(&folded(text)), folded(&text.to_lowercase()), "nobody else sees it");
        }
    }

    #[test]
    fn any_characters_may_stand_around_it() {
        let parts = [
            "Which", "The", "the", "I", "Anna", "\u{a0}", "\u{3000}", "\u{85}", " ", "\t", "é", "É", "日", "🦀",
            "\u{301}", ",", "'", "-",
        ];
        let mut state = 7_usize;
        let mut some = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            parts[(state >> 33) % parts.len()]
        };
        for _ in 0..20_000 {
            let text: String = (0..8).map(|_| some()).collect();
            assert_eq!(without_case(&folded(&text)), folded(&text.to_lowercase()), "{text:?}");
        }
    }

    #[test]
    fn names_titles_and_what_a_sign_ends_do_not() {
        for text in [
            "who wrote The Name of the Rose",
            "What Is Love by Haddaway",
            "does vitamin A help",
            "the mass of He atoms",
            "Dr. The is short",
            "It ends. What is next?",
            "x = (The sum) of it",
            "say \"The end\" twice",
            "ask Anna Which one is hers",
            "find THE sum of it",
            "it ends with The",
            "which\nThe line",
            "",
        ] {
            assert!(!marked(text).contains('|'), "{}", marked(text));
        }
    }
}
