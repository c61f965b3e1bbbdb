//! A model's own vocabulary, for counts of what its provider does not tell: exact as far as a count may cost. Beyond that a text
//! is taken to go on as it began, by the rule that needs no vocabulary.

use std::collections::BTreeMap;
use std::fmt;

use crate::billed::billed_tokens;
use crate::tokens::{Tokenizer, TokensError};

/// Bytes that one count cuts by the vocabulary: a few thousandths of a second of work.
const MAX_EXACT_BYTES: usize = 8 * 1024;

/// A model's own vocabulary.
#[derive(Debug)]
pub struct Vocabulary(Tokenizer);

impl Vocabulary {
    /// Reads a `tokenizer.json`, as models are published with.
    ///
    /// # Errors
    /// It is not one, or one that cannot tokenise.
    pub fn from_json(bytes: &[u8]) -> Result<Self, TokensError> {
        Tokenizer::from_json(bytes).map(Self)
    }

    fn count(&self, text: &str) -> u64 {
        self.0.ids(text, usize::MAX, 0).len() as u64
    }
}

/// Who says a text, and in which of its parts: texts of one voice are one text.
pub type Voice = (u64, usize);

/// Bytes beyond the limit that are put together before they are counted.
const MAX_TAIL_BYTES: usize = 1024;

/// How far a vocabulary may be from the rule. Where it is further, the beginning is blank, or a table, and the rest need not be.
const MAX_RATIO: u64 = 2;

/// Texts that are billed together, kept until it is known whether they must be counted. A text may come in parts that end within
/// a word: it is put together again before it is cut.
#[derive(Clone, Default)]
pub struct Tally {
    voices: BTreeMap<Voice, String>,
    n_kept: usize,
    /// What is beyond the limit, by the rule, and the end of it that was not counted yet.
    beyond: u64,
    tail: (Voice, String),
}

impl fmt::Debug for Tally {
    /// Sizes alone: a text may be a prompt.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tally").field("n_kept", &self.n_kept).field("beyond", &self.beyond).finish_non_exhaustive()
    }
}

impl Tally {
    /// The next part of what one voice says. Of all voices together 8 KiB are kept.
    pub fn add(&mut self, voice: Voice, part: &str) {
        let (kept, beyond) = part.split_at(part.floor_char_boundary(MAX_EXACT_BYTES - self.n_kept));
        if !kept.is_empty() {
            self.n_kept += kept.len();
            self.voices.entry(voice).or_default().push_str(kept);
        }
        if !beyond.is_empty() {
            // From here on nothing is kept: what follows a gap is no part of the text before it.
            self.n_kept = MAX_EXACT_BYTES;
            self.add_beyond(voice, beyond);
        }
    }

    fn add_beyond(&mut self, voice: Voice, part: &str) {
        if self.tail.0 != voice || self.tail.1.len() + part.len() > MAX_TAIL_BYTES {
            self.beyond = self.beyond.saturating_add(billed_tokens(&self.tail.1));
            self.tail = (voice, String::new());
        }
        match part.len() > MAX_TAIL_BYTES {
            true => self.beyond = self.beyond.saturating_add(billed_tokens(part)),
            false => self.tail.1.push_str(part),
        }
    }

    /// The tokens of it all.
    pub fn tokens(&self, vocabulary: &Vocabulary) -> u64 {
        let exact: u64 = self.voices.values().map(|text| vocabulary.count(text)).sum();
        let by_rule: u64 = self.voices.values().map(|text| billed_tokens(text)).sum();
        let beyond = self.beyond.saturating_add(billed_tokens(&self.tail.1));
        if exact == 0 {
            // A vocabulary that finds nothing to bill in a text is none of the model that read or wrote it.
            return by_rule.saturating_add(beyond);
        }
        let alike = exact <= by_rule.saturating_mul(MAX_RATIO) && by_rule <= exact.saturating_mul(MAX_RATIO);
        let (more, less) = if alike { (exact, by_rule) } else { (1, 1) };
        let beyond = u128::from(beyond) * u128::from(more) / u128::from(less);
        exact.saturating_add(u64::try_from(beyond).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MAX_EXACT_BYTES, MAX_TAIL_BYTES, Tally, Vocabulary};
    use crate::billed::billed_tokens;

    /// Words of letters, cut into pieces of two; a mark for the space before a word, as the vocabularies of open models have it.
    fn pairs() -> Vocabulary {
        let letters: Vec<String> = ('a'..='z').map(String::from).collect();
        let pairs: Vec<(String, String)> =
            letters.iter().flat_map(|a| letters.iter().map(|b| (a.clone(), b.clone()))).collect();
        let pieces = ["<unk>".to_owned(), "\u{2581}".to_owned()].into_iter().chain(letters.iter().cloned());
        let pieces = pieces.chain(pairs.iter().map(|(a, b)| format!("{a}{b}")));
        let vocab: serde_json::Map<String, serde_json::Value> =
            pieces.enumerate().map(|(id, piece)| (piece, id.into())).collect();
        let json = serde_json::json!({
            "version": "1.0", "added_tokens": [], "normalizer": null, "post_processor": null, "decoder": null,
            "pre_tokenizer": { "type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "always", "split": true },
            "model": { "type": "BPE", "unk_token": "<unk>", "fuse_unk": false, "vocab": vocab,
                       "merges": pairs.iter().map(|(a, b)| format!("{a} {b}")).collect::<Vec<_>>() },
        });
        Vocabulary::from_json(json.to_string().as_bytes()).unwrap()
    }

    fn counted(vocabulary: &Vocabulary, parts: &[&str]) -> u64 {
        let mut tally = Tally::default();
        parts.iter().for_each(|part| tally.add((0, 0), part));
        tally.tokens(vocabulary)
    }

    #[test]
    fn a_vocabulary_counts_its_own_pieces() {
        let pairs = pairs();
        assert_eq!(counted(&pairs, &["abcd"]), 3, "the mark, ab, cd");
        assert_eq!(counted(&pairs, &["abcd efg"]), 6);
        assert_eq!(counted(&pairs, &[]), 0);
        assert_eq!(counted(&pairs, &[""]), 0);
    }

    #[test]
    fn no_text_shows_when_a_tally_is_printed() {
        let mut tally = Tally::default();
        tally.add((0, 0), &"canary ".repeat(MAX_EXACT_BYTES / 7 + 9));
        assert!(!tally.tail.1.is_empty());
        assert!(!format!("{tally:?}").contains("canary"));
    }

    #[test]
    fn voices_are_counted_apart() {
        let pairs = pairs();
        let mut tally = Tally::default();
        for (voice, part) in [((0, 0), "abc"), ((1, 0), "ab"), ((0, 1), "x"), ((0, 0), "d ef"), ((1, 0), "cd")] {
            tally.add(voice, part);
        }
        let apart = ["abcd ef", "abcd", "x"].map(|text| counted(&pairs, &[text]));
        assert_eq!(tally.tokens(&pairs), apart.iter().sum::<u64>());
    }

    #[test]
    fn what_is_beyond_the_limit_goes_on_as_it_began() {
        let pairs = pairs();
        // Five pieces each time by the vocabulary, three by the rule.
        let page = "ab cd. ".repeat(MAX_EXACT_BYTES / 7);
        let once = counted(&pairs, &[&page]) as f64;
        let long = page.repeat(8);
        let letters: Vec<String> = long.chars().map(String::from).collect();
        let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
        let late: Vec<&str> = [&page[..]].into_iter().chain(letters[page.len()..].iter().copied()).collect();
        for parts in [vec![&*long], vec![&*page; 8], long.split_inclusive(' ').collect(), letters.clone(), late] {
            let ratio = counted(&pairs, &parts) as f64 / once;
            assert!((7.8..=8.2).contains(&ratio), "{} parts: {ratio}", parts.len());
        }
        let mut tally = Tally::default();
        (0..1_000).for_each(|voice| tally.add((voice, 0), &page));
        let kept: usize = tally.voices.values().map(String::len).sum();
        assert!(kept <= MAX_EXACT_BYTES && tally.voices.len() <= 2, "{kept} bytes of {} voices", tally.voices.len());
        assert!(tally.tail.1.len() <= MAX_TAIL_BYTES);
    }

    #[test]
    fn an_odd_beginning_says_nothing_of_the_rest() {
        let pairs = pairs();
        let rest = "some words of a page ".repeat(500);
        let usual = counted(&pairs, &[&rest]);
        // The vocabulary has a mark for each of the spaces; the rule takes a run of them for one token.
        for odd in [" ".repeat(MAX_EXACT_BYTES), "\n ".repeat(MAX_EXACT_BYTES / 2)] {
            let alone = counted(&pairs, &[&odd]);
            let together = counted(&pairs, &[&odd, &rest]) - alone;
            assert!(together <= usual * 2 && together * 3 >= usual, "{together} for {usual} beside {alone}");
        }
    }

    #[test]
    fn a_vocabulary_that_finds_nothing_does_not_make_a_text_free() {
        let none = r#"{"version":"1.0","added_tokens":[],"normalizer":null,"pre_tokenizer":null,"post_processor":null,
            "decoder":null,"model":{"type":"BPE","vocab":{"a":0},"merges":[]}}"#;
        let none = Vocabulary::from_json(none.as_bytes()).unwrap();
        assert_eq!(counted(&none, &["aa"]), 2);
        let text = "Which lever moves the points? ".replace('a', "");
        assert_eq!(counted(&none, &[&text]), billed_tokens(&text));
        let long = text.repeat(1_000);
        assert!(counted(&none, &[&long]) >= billed_tokens(&long) * 9 / 10);
    }

    #[test]
    fn nothing_is_lost_and_nothing_kept_behind_a_limit_within_a_character() {
        for lead in 1..4 {
            let mut tally = Tally::default();
            let first = "a".repeat(MAX_EXACT_BYTES - lead);
            tally.add((0, 0), &format!("{first}\u{1f600}b"));
            tally.add((0, 0), "more");
            assert_eq!(tally.voices[&(0, 0)], first);
            assert_eq!((tally.n_kept, &*tally.tail.1), (MAX_EXACT_BYTES, "\u{1f600}bmore"));
        }
    }

    proptest! {
        #[test]
        fn however_a_text_comes_its_count_is_the_same(text in "[a-z ]{0,60}", cuts in prop::collection::vec(0_usize..60, 0..6)) {
            let pairs = pairs();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let parts: Vec<&str> = cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]).collect();
            prop_assert_eq!(counted(&pairs, &parts), counted(&pairs, &[&text]));
        }
    }
}
