//! BERT's tokenizer on a quick path: normalise, split into words, take the longest known pieces. It does what the crate
//! `tokenizers` does, id for id, without keeping for every character where it came from, which is what takes that crate
//! its time. ASCII goes by a table; the rest by the tables that `tokenizers` itself uses.

use std::collections::HashMap;

use serde::Deserialize;
use unicode_categories::UnicodeCategories;
use unicode_normalization_alignments::UnicodeNormalization;

use super::{TokensError, format};

/// Pieces by their bytes. The vocabulary is fixed, so nobody can fill it with names that collide.
type Pieces = HashMap<Box<[u8]>, u32, foldhash::fast::FixedState>;

/// The vocabulary and the rules of normalising.
#[derive(Debug)]
pub(super) struct WordPiece {
    /// Pieces that begin a word.
    first: Pieces,
    /// Pieces that continue one, without their mark.
    further: Pieces,
    unknown: u32,
    n_pieces: usize,
    max_word_chars: usize,
    max_piece_bytes: usize,
    rules: Rules,
    ascii: [Class; 128],
}

#[derive(Clone, Copy, Debug)]
struct Rules {
    clean: bool,
    chinese: bool,
    strip_accents: bool,
    lowercase: bool,
}

/// What becomes of a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// It goes away, and what stood around it stands together.
    Gone,
    /// It ends a word.
    Space,
    /// It is a word by itself.
    Mark,
    /// It is part of a word.
    Letter,
}

impl WordPiece {
    /// Reads a `tokenizer.json` that is known to be BERT's.
    pub(super) fn from_json(bytes: &[u8]) -> Result<Self, TokensError> {
        let Twin { normalizer, model } = serde_json::from_slice(bytes).map_err(format)?;
        let highest = model.vocab.values().max().ok_or(TokensError::Empty)?;
        let n_pieces = *highest as usize + 1;
        let unknown = *model
            .vocab
            .get(&model.unk_token)
            .ok_or_else(|| TokensError::NoUnknown { piece: model.unk_token.clone() })?;
        let strip_accents = normalizer.strip_accents.unwrap_or(normalizer.lowercase);
        let rules = Rules {
            clean: normalizer.clean_text,
            chinese: normalizer.handle_chinese_chars,
            strip_accents,
            lowercase: normalizer.lowercase,
        };
        let (mut first, mut further) = (Pieces::default(), Pieces::default());
        for (piece, id) in model.vocab {
            if let Some(rest) = piece.strip_prefix(&model.continuing_subword_prefix) {
                further.insert(Box::from(rest.as_bytes()), id);
            }
            // With its mark as well: a word that is written with the mark's characters is looked up as it stands.
            first.insert(Box::from(piece.as_bytes()), id);
        }
        let max_piece_bytes = first.keys().map(|piece| piece.len()).max().unwrap_or(0);
        let ascii = std::array::from_fn(|code| rules.class(char::from(u8::try_from(code).expect("below 128"))));
        let max_word_chars = model.max_input_chars_per_word;
        Ok(Self { first, further, unknown, n_pieces, max_word_chars, max_piece_bytes, rules, ascii })
    }

    /// One more than the highest id.
    pub(super) fn n_pieces(&self) -> usize {
        self.n_pieces
    }

    /// Adds the ids of a text, and may stop at the end of a word once there are `enough` of them.
    pub(super) fn append(&self, text: &str, enough: usize, ids: &mut Vec<u32>) {
        let mut word = Word { bytes: Vec::with_capacity(64), n_chars: 0 };
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            if !bytes[at].is_ascii() {
                let end = self.foreign_end(text, at);
                self.append_foreign(&text[at..end], &mut word, ids);
                at = end;
                continue;
            }
            match self.ascii[usize::from(bytes[at])] {
                Class::Gone => {}
                Class::Space => self.flush(&mut word, ids),
                Class::Mark => {
                    self.flush(&mut word, ids);
                    ids.push(self.first.get(&bytes[at..=at]).copied().unwrap_or(self.unknown));
                }
                Class::Letter => {
                    let letter = if self.rules.lowercase { bytes[at].to_ascii_lowercase() } else { bytes[at] };
                    word.bytes.push(letter);
                    word.n_chars += 1;
                }
            }
            at += 1;
            if ids.len() >= enough {
                return;
            }
        }
        self.flush(&mut word, ids);
    }

    /// Where a run of characters beyond ASCII ends. Characters that go away do not end it: what they part is normalised
    /// together.
    fn foreign_end(&self, text: &str, at: usize) -> usize {
        let stays = |c: char| c.is_ascii() && self.ascii[c as usize] != Class::Gone;
        text[at..].find(stays).map_or(text.len(), |length| at + length)
    }

    /// The steps of `BertNormalizer`, in its order, on a run beyond ASCII.
    fn append_foreign(&self, text: &str, word: &mut Word, ids: &mut Vec<u32>) {
        let rules = self.rules;
        let spaced = text.chars().filter(|c| !(rules.clean && is_dirt(*c))).flat_map(|c| {
            let around = (rules.chinese && is_chinese(c)).then_some(' ');
            around.into_iter().chain([c]).chain(around)
        });
        if rules.strip_accents {
            // The normaliser is given whole texts, as in `tokenizers`; it cannot take a stream of characters.
            let spaced: String = spaced.collect();
            let bare = spaced.nfd().map(|(c, _)| c).filter(|c| !c.is_mark_nonspacing());
            bare.for_each(|c| self.push(c, word, ids));
        } else {
            spaced.for_each(|c| self.push(c, word, ids));
        }
    }

    fn push(&self, c: char, word: &mut Word, ids: &mut Vec<u32>) {
        if self.rules.lowercase {
            c.to_lowercase().for_each(|c| self.push_lower(c, word, ids));
        } else {
            self.push_lower(c, word, ids);
        }
    }

    /// The step of `BertPreTokenizer`.
    fn push_lower(&self, c: char, word: &mut Word, ids: &mut Vec<u32>) {
        match split_class(c) {
            Class::Gone => {}
            Class::Space => self.flush(word, ids),
            Class::Mark => {
                self.flush(word, ids);
                word.push(c);
                self.flush(word, ids);
            }
            Class::Letter => word.push(c),
        }
    }

    /// Ends the word: its longest known pieces from the left, or the unknown piece for all of it.
    fn flush(&self, word: &mut Word, ids: &mut Vec<u32>) {
        if word.n_chars == 0 {
            return;
        }
        let before = ids.len();
        if word.n_chars > self.max_word_chars || !self.split(&word.bytes, ids) {
            ids.truncate(before);
            ids.push(self.unknown);
        }
        word.bytes.clear();
        word.n_chars = 0;
    }

    fn split(&self, word: &[u8], ids: &mut Vec<u32>) -> bool {
        let mut start = 0;
        while start < word.len() {
            let pieces = if start == 0 { &self.first } else { &self.further };
            let longest = word.len().min(start + self.max_piece_bytes);
            // A piece is whole characters, so an end within a character finds nothing.
            let found = (start + 1..=longest).rev().find_map(|end| Some((end, *pieces.get(&word[start..end])?)));
            let Some((end, id)) = found else { return false };
            ids.push(id);
            start = end;
        }
        true
    }
}

/// The word that is being read, normalised.
struct Word {
    bytes: Vec<u8>,
    n_chars: usize,
}

impl Word {
    fn push(&mut self, c: char) {
        self.bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        self.n_chars += 1;
    }
}

impl Rules {
    fn class(self, c: char) -> Class {
        if self.clean && is_dirt(c) { Class::Gone } else { split_class(c) }
    }
}

/// How a normalised character splits words.
fn split_class(c: char) -> Class {
    if c.is_whitespace() {
        Class::Space
    } else if c.is_ascii_punctuation() || c.is_punctuation() {
        Class::Mark
    } else {
        Class::Letter
    }
}

/// What cleaning removes.
fn is_dirt(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        '\0' | '\u{fffd}' => true,
        _ => c.is_other(),
    }
}

/// What BERT calls a Chinese character: these blocks, and no others.
fn is_chinese(c: char) -> bool {
    matches!(u32::from(c),
        0x4E00..=0x9FFF | 0x3400..=0x4DBF | 0x20000..=0x2A6DF | 0x2A700..=0x2B73F | 0x2B740..=0x2B81F
        | 0x2B920..=0x2CEAF | 0xF900..=0xFAFF | 0x2F800..=0x2FA1F)
}

#[derive(Deserialize)]
struct Twin {
    normalizer: NormalizerTwin,
    model: ModelTwin,
}

#[derive(Deserialize)]
struct NormalizerTwin {
    clean_text: bool,
    handle_chinese_chars: bool,
    strip_accents: Option<bool>,
    lowercase: bool,
}

#[derive(Deserialize)]
struct ModelTwin {
    vocab: HashMap<String, u32>,
    unk_token: String,
    continuing_subword_prefix: String,
    max_input_chars_per_word: usize,
}
