//! The teacher's tokenizer without what a table does not use: special tokens, truncation, padding, decoding. Pieces of a
//! word-piece vocabulary stand in order of their ids, so that the file does not depend on who wrote the teacher's.

use std::collections::BTreeMap;

use classifier::tokens::TokensError;
use serde_json::{Value, json};

/// The tokenizer with what is needed. One that is not of BERT's kind keeps its special tokens, which may be part of how
/// it works.
pub(super) fn minimal(bytes: &[u8]) -> Result<Vec<u8>, TokensError> {
    let mut tokenizer: Value =
        serde_json::from_slice(bytes).map_err(|error| TokensError::Format { complaint: error.to_string() })?;
    if !tokenizer.is_object() {
        return Err(TokensError::Format { complaint: "something that is no object".to_owned() });
    }
    for unused in ["truncation", "padding", "post_processor", "decoder"] {
        tokenizer[unused] = Value::Null;
    }
    if !is_word_piece(&tokenizer) {
        return Ok((tokenizer.to_string() + "\n").into_bytes());
    }
    let model = &tokenizer["model"];
    let head = json!({
        "version": "1.0",
        "normalizer": tokenizer["normalizer"],
        "pre_tokenizer": tokenizer["pre_tokenizer"],
    });
    let quoted = |text: &str| Value::from(text).to_string();
    let vocabulary: Vec<String> =
        by_id(&tokenizer).into_iter().map(|(id, piece)| format!("{}:{id}", quoted(piece))).collect();
    // Written by hand: a JSON object of the parser may be ordered by key or not, as some other package wishes.
    let text = format!(
        "{{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[],\n\
         \"normalizer\":{},\n\"pre_tokenizer\":{},\n\"post_processor\":null,\"decoder\":null,\n\
         \"model\":{{\"type\":\"WordPiece\",\"unk_token\":{},\"continuing_subword_prefix\":{},\
         \"max_input_chars_per_word\":{},\"vocab\":{{\n{}\n}}}}}}\n",
        head["normalizer"],
        head["pre_tokenizer"],
        model["unk_token"],
        model["continuing_subword_prefix"],
        model["max_input_chars_per_word"],
        vocabulary.join(",\n"),
    );
    Ok(text.into_bytes())
}

/// The rank of each piece among those that occur in text: its place in the vocabulary, which is roughly by frequency.
/// Pieces in brackets (`[CLS]`, `[unused7]`) and ids without a piece have none.
pub(super) fn ranks(minimal: &[u8], n_pieces: usize) -> Vec<Option<u32>> {
    let tokenizer: Value = serde_json::from_slice(minimal).unwrap_or_default();
    if !is_word_piece(&tokenizer) {
        return (0..n_pieces).map(|id| u32::try_from(id).ok()).collect();
    }
    let mut ranks = vec![None; n_pieces];
    let in_text = |piece: &&str| !(piece.len() > 2 && piece.starts_with('[') && piece.ends_with(']'));
    let occurring = by_id(&tokenizer).into_iter().filter(|(_, piece)| in_text(piece));
    for (rank, (id, _)) in occurring.enumerate() {
        let place = usize::try_from(id).ok().and_then(|id| ranks.get_mut(id));
        if let Some(place) = place {
            *place = u32::try_from(rank).ok();
        }
    }
    ranks
}

fn is_word_piece(tokenizer: &Value) -> bool {
    tokenizer["model"]["type"] == "WordPiece" && tokenizer["normalizer"]["type"] == "BertNormalizer"
}

fn by_id(tokenizer: &Value) -> BTreeMap<u64, &str> {
    let vocabulary = tokenizer["model"]["vocab"].as_object().into_iter().flatten();
    vocabulary.filter_map(|(piece, id)| Some((id.as_u64()?, piece.as_str()))).collect()
}

#[cfg(test)]
mod tests;
