//! The minimal tokenizer gives the ids of the teacher's, less its special tokens.

use classifier::tokens::Tokenizer;

use super::{minimal, ranks};
use crate::distill::tests::TOKENIZER;

#[test]
fn the_minimal_tokenizer_gives_the_same_ids() {
    let minimal = minimal(TOKENIZER.as_bytes()).unwrap();
    let [theirs, ours] = [TOKENIZER.as_bytes(), &minimal].map(|json| Tokenizer::from_json(json).unwrap());
    assert_eq!(theirs.n_pieces(), ours.n_pieces());
    for text in ["", "The trains, the train's whistle", "[CLS] \u{e9}t\u{e9} \"\\ 9:15", "\u{4e2d}\u{0}\u{1f642}"] {
        assert_eq!(ours.ids(text, 99, 99), theirs.ids(text, 99, 99), "{text:?}");
    }
}

#[test]
fn what_a_table_does_not_use_is_gone_and_pieces_stand_by_their_ids() {
    let text = String::from_utf8(minimal(TOKENIZER.as_bytes()).unwrap()).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    for part in ["truncation", "padding", "post_processor", "decoder"] {
        assert!(json[part].is_null(), "{part}");
    }
    let ids: Vec<u32> = text
        .lines()
        .filter_map(|line| line.trim_end_matches(['}', ',']).rsplit_once("\":").and_then(|(_, id)| id.parse().ok()))
        .collect();
    assert_eq!(ids, (0..13).collect::<Vec<u32>>(), "{text}");
    // Another order in the file is another way to say the same.
    let (first, second) = ("\"the\":4", "\"train\":5");
    let turned = TOKENIZER.replace(first, "X").replace(second, first).replace('X', second);
    assert_ne!(turned, TOKENIZER);
    assert_eq!(minimal(turned.as_bytes()).unwrap(), text.as_bytes());
}

#[test]
fn only_pieces_that_occur_have_ranks() {
    let minimal = minimal(TOKENIZER.as_bytes()).unwrap();
    let ranks = ranks(&minimal, 14);
    assert_eq!(ranks[..7], [None, None, None, None, Some(0), Some(1), Some(2)]);
    assert_eq!(ranks[13], None, "an id without a piece");
}

#[test]
fn a_tokenizer_of_another_kind_is_passed_on() {
    let other = br#"{"padding":{"pad_id":1},"model":{"type":"WordLevel","vocab":{"a":0,"b":1},"unk_token":"a"}}"#;
    let text = String::from_utf8(minimal(other).unwrap()).unwrap();
    assert!(text.contains(r#""WordLevel""#) && text.contains(r#""padding":null"#), "{text}");
    assert_eq!(ranks(text.as_bytes(), 2), [Some(0), Some(1)]);
    assert!(minimal(b"[]").unwrap_err().to_string().ends_with("found something that is no object"));
    assert!(minimal(b"{").unwrap_err().to_string().starts_with("expected a tokenizer in JSON, found EOF"));
}
