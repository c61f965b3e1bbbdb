//! The quick path gives the ids of the crate, character by character and word by word, and long text is cut by rule.

use std::fmt::Write;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::{BYTES_PER_ID, FramedTokenizer, Pipeline, Tokenizer, TokensError};

/// A vocabulary in which ids tell every character of the basic plane, and whether it begins a word or continues one: what
/// normalising and splitting did can then be read off the ids. On top some longer pieces.
fn telling_json(lowercase: bool, strip_accents: &str) -> String {
    let characters = (0x21..0x1_0000).filter_map(char::from_u32);
    let mut pieces = vec!["[UNK]".to_owned(), "[CLS]".to_owned(), "[SEP]".to_owned()];
    for c in characters {
        pieces.extend([c.to_string(), format!("##{c}")]);
    }
    pieces.extend(["train", "tra", "##in", "##ing", "##ins", "##rain", "##\u{e9}t\u{e9}", "12"].map(str::to_owned));
    json(&pieces, lowercase, strip_accents)
}

fn json(pieces: &[String], lowercase: bool, strip_accents: &str) -> String {
    let mut vocab = String::new();
    for (id, piece) in pieces.iter().enumerate() {
        let comma = if id == 0 { "" } else { "," };
        write!(vocab, "{comma}{}:{id}", serde_json::Value::from(piece.as_str())).unwrap();
    }
    let added = |id: usize, name: &str| {
        format!(
            r#"{{"id":{id},"content":"{name}","special":true,"single_word":false,"lstrip":false,"rstrip":false,"normalized":false}}"#
        )
    };
    format!(
        r####"{{"version":"1.0","truncation":{{"max_length":8,"strategy":"LongestFirst","stride":0}},"padding":null,
        "added_tokens":[{},{},{}],
        "normalizer":{{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":{strip_accents},"lowercase":{lowercase}}},
        "pre_tokenizer":{{"type":"BertPreTokenizer"}},
        "post_processor":{{"type":"TemplateProcessing","single":[{{"SpecialToken":{{"id":"[CLS]","type_id":0}}}},{{"Sequence":{{"id":"A","type_id":0}}}},{{"SpecialToken":{{"id":"[SEP]","type_id":0}}}}],
          "pair":[{{"Sequence":{{"id":"A","type_id":0}}}},{{"Sequence":{{"id":"B","type_id":1}}}}],
          "special_tokens":{{"[CLS]":{{"id":"[CLS]","ids":[1],"tokens":["[CLS]"]}},"[SEP]":{{"id":"[SEP]","ids":[2],"tokens":["[SEP]"]}}}}}},
        "decoder":null,
        "model":{{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":20,"vocab":{{{vocab}}}}}}}"####,
        added(0, "[UNK]"),
        added(1, "[CLS]"),
        added(2, "[SEP]"),
    )
}

/// The same tokenizer on both paths, for each way to normalise.
struct Pair {
    quick: Tokenizer,
    slow: Tokenizer,
}

static PAIRS: LazyLock<Vec<Pair>> = LazyLock::new(|| {
    let ways = [(true, "null"), (false, "null"), (false, "true"), (true, "false")];
    let pair = |(lowercase, strip_accents)| {
        let json = telling_json(lowercase, strip_accents);
        let quick = Tokenizer::from_json(json.as_bytes()).unwrap();
        let slow = Tokenizer::through_crate(json.as_bytes()).unwrap();
        assert!(matches!(quick.pipeline, Pipeline::Quick(_)) && matches!(slow.pipeline, Pipeline::Crate(_)));
        Pair { quick, slow }
    };
    ways.map(pair).into()
});

#[track_caller]
fn same(text: &str) {
    for Pair { quick, slow } in PAIRS.iter() {
        assert_eq!(quick.ids(text, 4096, 4096), slow.ids(text, 4096, 4096), "{text:?}");
    }
}

fn small() -> Tokenizer {
    let pieces = ["[UNK]", "[CLS]", "[SEP]", "a", "b", "##b", "c", "[", "]", "sep", "train", "##ing", "\u{4e2d}", "e"];
    Tokenizer::from_json(json(&pieces.map(str::to_owned), true, "null").as_bytes()).unwrap()
}

#[test]
fn every_character_is_treated_as_the_crate_treats_it() {
    // Long blocks whose characters are all alike (Han, Hangul, private, emoji), and planes that are mostly empty, are
    // sampled; the property below draws from all.
    let alike = |code: &u32| {
        matches!(code, 0x3410..0x4da0 | 0x4e10..0x9fe0 | 0xa000..0xa480 | 0xac10..0xd790 | 0xe010..0xf8f0)
            || (*code >= 0x1_0200 && !matches!(code, 0x1_d100..0x1_d250 | 0x1_1000..0x1_1100 | 0xe_0000..0xe_0200))
    };
    let characters: Vec<char> = (0..0x3_2000)
        .chain(0xe_0000..0xe_0200)
        .chain(0xf_ff00..0x10_0000)
        .filter(|code| !alike(code) || code % 31 == 0)
        .filter_map(char::from_u32)
        .collect();
    for characters in characters.chunks(256) {
        // Within a word, beside a mark that normalising reorders, and alone.
        same(&characters.iter().map(|c| format!("a{c}b {c}\u{302e} {c} ")).collect::<String>());
    }
}

proptest! {
    #[test]
    fn random_text_has_the_ids_of_the_crate(text in any_text()) {
        same(&text);
    }

    #[test]
    fn a_cut_text_has_the_first_and_last_ids_of_its_windows(text in any_text(), head in 0..40_usize, tail in 0..40_usize) {
        let tokenizer = &PAIRS[0].quick;
        let ids = tokenizer.ids(&text, head, tail);
        prop_assert!(ids.len() <= head + tail);
        let all = tokenizer.ids(&text, usize::MAX, 0);
        if text.len() <= BYTES_PER_ID * (head + tail) {
            let cut = all.len() > head + tail;
            let expected = if cut { [&all[..head], &all[all.len() - tail..]].concat() } else { all };
            prop_assert_eq!(ids, expected);
        } else {
            prop_assert_eq!(ids, PAIRS[0].slow.ids(&text, head, tail));
        }
    }
}

/// Words, marks, accents, other scripts, controls and whatever else there is.
fn any_text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[ -~]{1,12}",
        "(train|trains|training|\u{e9}t\u{e9}|12|[a-z]{1,25})",
        "[ \t\r\n\u{b}\u{c}\u{85}\u{a0}\u{2003}\u{2028}\u{3000}]{1,3}",
        "[\u{300}-\u{36f}\u{302e}\u{302f}\u{1d165}\u{1d16d}\u{0}\u{ad}\u{200d}\u{fffd}]{1,4}",
        "[\u{4e00}-\u{4e20}\u{f900}-\u{f910}\u{20000}-\u{20005}\u{ac00}-\u{ac20}\u{1100}-\u{1112}]{1,6}",
        "[\u{130}\u{1e9e}\u{df}\u{3a3}\u{1c4}\u{fb01}\u{2126}\u{1f80}-\u{1faf}]{1,4}",
        "[\u{1f300}-\u{1f64f}\u{fe0f}\u{1f3fb}]{1,3}",
        "\\PC{1,8}",
        any::<String>(),
    ];
    prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

#[test]
fn special_tokens_in_the_text_are_text() {
    assert_eq!(small().ids("a [SEP] b", 9, 9), [3, 7, 9, 8, 4]);
    let pieces = ["[UNK]", "[CLS]", "[SEP]", "a", "[", "]", "sep"].map(str::to_owned);
    let slow = Tokenizer::through_crate(json(&pieces, true, "null").as_bytes()).unwrap();
    assert_eq!(slow.ids("a [SEP]", 9, 9), [3, 4, 6, 5]);
}

#[test]
fn head_and_tail_are_kept_and_the_middle_is_cut() {
    let tokenizer = small();
    for (text, head, tail, ids) in [
        ("a b c", 2, 1, vec![3, 4, 6]),
        ("a a b b c c", 2, 1, vec![3, 3, 6]),
        ("a a b b c c", 0, 2, vec![6, 6]),
        ("a a b b c c", 2, 0, vec![3, 3]),
        ("a a b b c c", 0, 0, vec![]),
        ("", 2, 2, vec![]),
        ("training", 2, 2, vec![10, 11]),
    ] {
        assert_eq!(tokenizer.ids(text, head, tail), ids, "{text:?} {head} {tail}");
    }
}

#[test]
fn a_megabyte_costs_no_more_than_its_windows() {
    let tokenizer = small();
    let long = format!("a {} c", "b ".repeat(1 << 19));
    assert_eq!(tokenizer.ids(&long, 2, 2), [3, 4, 4, 6]);
    // Nothing is looked at beyond the windows: what stands there does not change the ids, nor is it waited for.
    let blank = format!("a {}c", " ".repeat(1 << 20));
    assert_eq!(tokenizer.ids(&blank, 2, 2), [3, 6]);
    assert_eq!(tokenizer.ids(&"a".repeat(1 << 20), 2, 2), [0, 0], "one endless word is unknown at either end");
    for odd in ["\0", "\u{fffd}", "\u{1f642}", "\u{e9}", "\u{4e2d}", "\u{301}", "\u{feff}"] {
        let ids = tokenizer.ids(&odd.repeat(1 << 18), 20, 20);
        assert!(ids.len() <= 40 && ids.iter().all(|id| (*id as usize) < tokenizer.n_pieces()), "{odd:?}");
    }
}

#[test]
fn a_cut_falls_on_white_space_where_there_is_some_near() {
    let tokenizer = small();
    // The window of one id is 16 bytes: it would end within the third word.
    assert_eq!(tokenizer.ids(&format!("e{}training training", " ".repeat(10)), 1, 0), [13]);
    let text = format!("{} training", "a".repeat(30));
    assert_eq!(tokenizer.ids(&text, 0, 1), [11]);
    // Behind the cut stands a piece of the word "training", up to the space; it is passed over.
    let text = format!("training{}b", " ".repeat(15 - 4));
    assert_eq!(tokenizer.ids(&text, 0, 1), [4]);
}

#[test]
fn framed_text_has_the_special_tokens_of_the_original_and_its_length() {
    let pieces = ["[UNK]", "[CLS]", "[SEP]", "a", "b", "##b"].map(str::to_owned);
    let tokenizer = FramedTokenizer::from_json(json(&pieces, true, "null").as_bytes(), 5).unwrap();
    assert_eq!((tokenizer.n_frame(), tokenizer.n_pieces()), (2, 6));
    for (text, ids) in [
        ("", vec![1, 2]),
        ("a b", vec![1, 3, 4, 2]),
        ("a b a b a", vec![1, 3, 4, 3, 2]),
        // As in the original: written out, they are what they say.
        ("a [SEP] b", vec![1, 3, 2, 4, 2]),
    ] {
        assert_eq!(tokenizer.ids(text), ids, "{text:?}");
    }
    assert_eq!(tokenizer.ids(&"a ".repeat(1 << 20)), [1, 3, 3, 3, 2]);
    assert_eq!(tokenizer.framed([4]), [1, 4, 2]);
}

#[test]
fn what_is_no_tokenizer_is_refused() {
    for (json, complaint) in [
        ("", "expected a tokenizer in JSON, found EOF while parsing"),
        ("{}", "expected a tokenizer in JSON, found missing field `model`"),
        (r#"{"model":{"type":"Mind"}}"#, "expected a tokenizer in JSON, found "),
        (
            &json(&["a".to_owned()], true, "null"),
            "expected the piece \"[UNK]\" for unknown words in the vocabulary, found none",
        ),
        (&json(&[], true, "null"), "expected a vocabulary, found an empty one"),
    ] {
        let error: TokensError = Tokenizer::from_json(json.as_bytes()).unwrap_err();
        assert!(error.to_string().starts_with(complaint), "expected {complaint:?}, found {error}");
    }
}
