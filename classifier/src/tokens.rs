//! Text to bounded word-piece ids. The only file that imports `tokenizers`; what an English prompt meets, the tokenizer
//! of BERT, runs on our own quick path, which a test holds equal to that crate. Long text is cut by bytes before it is
//! tokenised, so that a megabyte costs no more than a page: see [`BYTES_PER_ID`].

use serde::Deserialize;

use self::wordpiece::WordPiece;

mod wordpiece;

/// How many bytes of text are looked at for each id that is asked for. English prose takes 4.5 bytes an id, source code
/// 3 to 6, and other scripts 1 to 3 of their two or three bytes each, so four times that leaves room for
/// indentation and long words. Text sparser than this gives fewer ids than were asked for: by rule, and the same each time.
pub const BYTES_PER_ID: usize = 16;

/// How far a cut moves to find white space, so that it seldom splits a word. The longest piece of the usual vocabularies
/// has 18 letters; three times that.
const CUT_REACH_BYTES: usize = 64;

/// The bytes an encoder that frames its input looks at for each id: more than [`BYTES_PER_ID`], since its ids are held
/// to those of the original, which tokenises everything, and the encoder itself costs a thousand times as much.
const FRAMED_BYTES_PER_ID: usize = 128;

/// Why a file is no tokenizer.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// It is not the JSON of a tokenizer.
    #[error("expected a tokenizer in JSON, found {complaint}")]
    Format {
        /// What the parser says.
        complaint: String,
    },
    /// It lacks the piece that stands for what it does not know.
    #[error("expected the piece \"{piece}\" for unknown words in the vocabulary, found none")]
    NoUnknown {
        /// The missing piece.
        piece: String,
    },
    /// It knows no pieces.
    #[error("expected a vocabulary, found an empty one")]
    Empty,
    /// It cannot tokenise the simplest of texts.
    #[error("expected ids for a letter, found {complaint}")]
    Useless {
        /// What came instead.
        complaint: String,
    },
}

/// Text to ids, without special tokens: one that is written out in the text is text like any other.
#[derive(Debug)]
pub struct Tokenizer {
    pipeline: Pipeline,
    n_pieces: usize,
}

#[derive(Debug)]
enum Pipeline {
    Quick(Box<WordPiece>),
    Crate(Box<tokenizers::Tokenizer>),
}

impl Tokenizer {
    /// Reads a `tokenizer.json`. Its truncation, padding and special tokens are not used.
    ///
    /// # Errors
    /// It is not one, or one that cannot tokenise.
    pub fn from_json(bytes: &[u8]) -> Result<Self, TokensError> {
        let shape: Shape = serde_json::from_slice(bytes).map_err(format)?;
        if shape.is_plain_bert() {
            let pieces = WordPiece::from_json(bytes)?;
            return Ok(Self { n_pieces: pieces.n_pieces(), pipeline: Pipeline::Quick(Box::new(pieces)) });
        }
        Self::through_crate(bytes)
    }

    /// The first `head` and the last `tail` ids of the text; all of them where there are no more. Text that is longer
    /// than [`BYTES_PER_ID`] bytes for each of these ids is first cut to a window at either end.
    pub fn ids(&self, text: &str, head: usize, tail: usize) -> Vec<u32> {
        let window = |n_ids: usize| n_ids.saturating_mul(BYTES_PER_ID);
        let mut ids = Vec::new();
        if text.len() <= window(head.saturating_add(tail)) {
            self.append(text, usize::MAX, &mut ids);
            if ids.len() > head.saturating_add(tail) {
                ids.drain(head..ids.len() - tail);
            }
            return ids;
        }
        self.append(&text[..cut_before(text, window(head))], head, &mut ids);
        ids.truncate(head);
        let n_head = ids.len();
        self.append(&text[cut_after(text, text.len() - window(tail))..], usize::MAX, &mut ids);
        if ids.len() > n_head + tail {
            ids.drain(n_head..ids.len() - tail);
        }
        ids
    }

    /// One more than the highest id.
    pub fn n_pieces(&self) -> usize {
        self.n_pieces
    }

    fn through_crate(bytes: &[u8]) -> Result<Self, TokensError> {
        let mut tokenizer = plain(bytes)?;
        tokenizer.set_encode_special_tokens(true);
        // The letter shows that it works at all, the private character that it can stand for what it does not know.
        for text in ["a", "\u{10fffd}"] {
            tokenizer.encode_fast(text, false).map_err(|error| useless(&error))?;
        }
        let n_pieces = n_pieces(&tokenizer)?;
        Ok(Self { pipeline: Pipeline::Crate(Box::new(tokenizer)), n_pieces })
    }

    /// Adds the ids of a text; may stop once there are `enough` of them.
    fn append(&self, text: &str, enough: usize, ids: &mut Vec<u32>) {
        match &self.pipeline {
            Pipeline::Quick(pieces) => pieces.append(text, enough, ids),
            // It was seen to tokenise both what it knows and what it does not. Should a text fail all the same, then
            // no ids are an honest answer: a forecast without evidence is better than none.
            Pipeline::Crate(tokenizer) => {
                ids.extend(tokenizer.encode_fast(text, false).iter().flat_map(tokenizers::Encoding::get_ids));
            }
        }
    }
}

/// Text to ids as an encoder was trained on them: from its first special token to its last, cut to its length.
#[derive(Debug)]
pub(crate) struct FramedTokenizer {
    tokenizer: tokenizers::Tokenizer,
    before: Vec<u32>,
    after: Vec<u32>,
    max_ids: usize,
    n_pieces: usize,
}

impl FramedTokenizer {
    /// Reads a `tokenizer.json`. Its truncation and padding are not used.
    pub(crate) fn from_json(bytes: &[u8], max_ids: usize) -> Result<Self, TokensError> {
        let tokenizer = plain(bytes)?;
        let ids = |special| {
            let encoding = tokenizer.encode_fast("a", special).map_err(|error| useless(&error))?;
            Ok::<_, TokensError>(encoding.get_ids().to_vec())
        };
        let (bare, framed) = (ids(false)?, ids(true)?);
        let place = framed.windows(bare.len().max(1)).position(|window| window == bare);
        let place = place.ok_or_else(|| TokensError::Useless { complaint: "none".to_owned() })?;
        let (before, after) = (framed[..place].to_vec(), framed[place + bare.len()..].to_vec());
        let n_pieces = n_pieces(&tokenizer)?;
        Ok(Self { tokenizer, before, after, max_ids, n_pieces })
    }

    /// The ids of a text within their frame. What does not fit is cut off at the end.
    pub(crate) fn ids(&self, text: &str) -> Vec<u32> {
        let room = self.max_ids.saturating_sub(self.n_frame());
        let window = room.saturating_mul(FRAMED_BYTES_PER_ID);
        let text = if text.len() <= window { text } else { &text[..cut_before(text, window)] };
        let encoding = self.tokenizer.encode_fast(text, false);
        let ids = encoding.iter().flat_map(tokenizers::Encoding::get_ids).copied().take(room);
        self.framed(ids)
    }

    /// Ids within their frame.
    pub(crate) fn framed(&self, ids: impl IntoIterator<Item = u32>) -> Vec<u32> {
        self.before.iter().copied().chain(ids).chain(self.after.iter().copied()).collect()
    }

    /// The highest id of the special tokens around every text. What a post-processor puts there nobody else has checked.
    pub(crate) fn highest_of_frame(&self) -> Option<u32> {
        self.before.iter().chain(&self.after).copied().max()
    }

    /// The special tokens around every text.
    pub(crate) fn n_frame(&self) -> usize {
        self.before.len() + self.after.len()
    }

    /// One more than the highest id.
    pub(crate) fn n_pieces(&self) -> usize {
        self.n_pieces
    }
}

fn plain(bytes: &[u8]) -> Result<tokenizers::Tokenizer, TokensError> {
    let mut tokenizer = tokenizers::Tokenizer::from_bytes(bytes).map_err(format)?;
    tokenizer.with_padding(None);
    tokenizer.with_truncation(None).map_err(format)?;
    Ok(tokenizer)
}

fn n_pieces(tokenizer: &tokenizers::Tokenizer) -> Result<usize, TokensError> {
    let highest = tokenizer.get_vocab(true).into_values().max().ok_or(TokensError::Empty)?;
    Ok(highest as usize + 1)
}

fn format(error: impl std::fmt::Display) -> TokensError {
    TokensError::Format { complaint: error.to_string() }
}

fn useless(error: &tokenizers::Error) -> TokensError {
    TokensError::Useless { complaint: error.to_string() }
}

/// The place to cut text so that at most `limit` bytes stand before it.
fn cut_before(text: &str, limit: usize) -> usize {
    let end = text.floor_char_boundary(limit);
    let near = end.saturating_sub(CUT_REACH_BYTES);
    let space = text.as_bytes()[near..end].iter().rposition(u8::is_ascii_whitespace);
    space.map_or(end, |space| near + space)
}

/// The place to cut text so that at most what lies behind `limit` stands after it.
fn cut_after(text: &str, limit: usize) -> usize {
    let start = text.ceil_char_boundary(limit);
    let near = text.len().min(start + CUT_REACH_BYTES);
    let space = text.as_bytes()[start..near].iter().position(u8::is_ascii_whitespace);
    space.map_or(start, |space| start + space)
}

/// What a `tokenizer.json` is made of, without reading the parts.
#[derive(Deserialize)]
struct Shape {
    #[serde(default)]
    added_tokens: Vec<Added>,
    normalizer: Option<Part>,
    pre_tokenizer: Option<Part>,
    model: Part,
}

#[derive(Deserialize)]
struct Part {
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Added {
    special: bool,
}

impl Shape {
    /// Whether the quick path does the same. Added tokens that are not special would be looked for in the text.
    fn is_plain_bert(&self) -> bool {
        let is = |part: Option<&Part>, kind: &str| part.is_some_and(|part| part.kind.as_deref() == Some(kind));
        is(self.normalizer.as_ref(), "BertNormalizer")
            && is(self.pre_tokenizer.as_ref(), "BertPreTokenizer")
            && is(Some(&self.model), "WordPiece")
            && self.added_tokens.iter().all(|added| added.special)
    }
}

#[cfg(test)]
mod tests;
