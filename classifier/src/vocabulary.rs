//! A model's own vocabulary, for counts of what its provider does not tell: exact as far as a count may cost. Beyond that a text
//! is taken to go on as it began, by the rule that needs no vocabulary.

use std::collections::BTreeMap;

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

/// Texts that are billed together, kept until it is known whether they must be counted. A text may come in parts that end within
/// a word: it is put together again before it is cut.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    voices: BTreeMap<u64, String>,
    n_kept: usize,
    /// By the rule, part by part: what was kept, and what was not.
    kept: u64,
    beyond: u64,
}

impl Tally {
    /// The next part of what one voice says. Of all voices together 8 KiB are kept.
    pub fn add(&mut self, voice: u64, part: &str) {
        let (kept, beyond) = part.split_at(part.floor_char_boundary(MAX_EXACT_BYTES - self.n_kept));
        if !beyond.is_empty() {
            // From here on nothing is kept: what follows a gap is no part of the text before it.
            self.n_kept = MAX_EXACT_BYTES;
            self.beyond = self.beyond.saturating_add(billed_tokens(beyond));
        }
        if !kept.is_empty() {
            self.kept = self.kept.saturating_add(billed_tokens(kept));
            self.n_kept = MAX_EXACT_BYTES.min(self.n_kept + kept.len());
            self.voices.entry(voice).or_default().push_str(kept);
        }
    }

    /// The tokens of it all.
    pub fn tokens(&self, vocabulary: &Vocabulary) -> u64 {
        let exact: u64 = self.voices.values().map(|text| vocabulary.count(text)).sum();
        let beyond = u128::from(self.beyond) * u128::from(exact) / u128::from(self.kept.max(1));
        exact.saturating_add(u64::try_from(beyond).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MAX_EXACT_BYTES, Tally, Vocabulary};

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
        parts.iter().for_each(|part| tally.add(0, part));
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
    fn voices_are_counted_apart() {
        let pairs = pairs();
        let mut tally = Tally::default();
        for (voice, part) in [(0, "abc"), (1, "ab"), (0, "d ef"), (1, "cd")] {
            tally.add(voice, part);
        }
        assert_eq!(tally.tokens(&pairs), counted(&pairs, &["abcd ef"]) + counted(&pairs, &["abcd"]));
    }

    #[test]
    fn what_is_beyond_the_limit_goes_on_as_it_began() {
        let pairs = pairs();
        let page = "some words of a page ".repeat(MAX_EXACT_BYTES / 21);
        let once = counted(&pairs, &[&page]) as f64;
        let long = page.repeat(8);
        for parts in [vec![&*long], vec![&*page; 8], long.split_inclusive(' ').collect()] {
            let ratio = counted(&pairs, &parts) as f64 / once;
            assert!((7.9..=8.1).contains(&ratio), "{} parts: {ratio}", parts.len());
        }
        let mut tally = Tally::default();
        (0..1_000).for_each(|voice| tally.add(voice, &page));
        let kept: usize = tally.voices.values().map(String::len).sum();
        assert!(kept <= MAX_EXACT_BYTES && tally.voices.len() <= 2, "{kept} bytes of {} voices", tally.voices.len());
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

        #[test]
        fn no_text_is_lost_at_a_limit_within_a_character(lead in 0_usize..4) {
            let text = format!("{}{}", "a".repeat(MAX_EXACT_BYTES - lead), "é世😀".repeat(5));
            let mut tally = Tally::default();
            tally.add(0, &text);
            tally.add(0, "more");
            prop_assert!(tally.beyond > 0 && tally.voices[&0].len() <= MAX_EXACT_BYTES);
        }
    }
}
