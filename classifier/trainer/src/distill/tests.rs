//! A table is made of every piece of its teacher, the same bytes each time, and appears whole.

use std::fs;
use std::path::PathBuf;

use classifier::encoder::{Bert, DESCRIPTION, Encoder, TENSORS, TOKENIZER as TOKENIZER_FILE};
use classifier::tokens::Tokenizer;
use safetensors::{Dtype, tensor::TensorView};
use serde_json::Value;
use training_data::row::Text;
use training_data::split::SplitError;

use super::{Distilled, Stage, distill};

/// BERT's kind of tokenizer with thirteen pieces, their ids out of order, and all that a table does not use.
pub(super) const TOKENIZER: &str = r###"{"version":"1.0","truncation":{"max_length":8,"strategy":"LongestFirst","stride":0},
"padding":{"strategy":{"Fixed":8},"direction":"Right","pad_to_multiple_of":null,"pad_id":0,"pad_type_id":0,"pad_token":"[PAD]"},
"added_tokens":[{"id":2,"content":"[CLS]","special":true,"single_word":false,"lstrip":false,"rstrip":false,"normalized":false}],
"normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true},
"pre_tokenizer":{"type":"BertPreTokenizer"},
"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"[CLS]","type_id":0}},{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"[SEP]","type_id":0}}],"pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],"special_tokens":{"[CLS]":{"id":"[CLS]","ids":[2],"tokens":["[CLS]"]},"[SEP]":{"id":"[SEP]","ids":[3],"tokens":["[SEP]"]}}},
"decoder":{"type":"WordPiece","prefix":"##","cleanup":true},
"model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,
"vocab":{"whistle":7,"[PAD]":0,"[UNK]":1,"[CLS]":2,"[SEP]":3,"the":4,"train":5,"##s":6,"9":8,":":9,"15":10,"\"":11,"'":12}}}"###;

pub(super) fn bert_tokenizer() -> Tokenizer {
    Tokenizer::from_json(TOKENIZER.as_bytes()).unwrap()
}

#[test]
fn every_piece_is_turned_and_rounded_as_its_teacher_sees_it() {
    let scratch = Scratch::teacher("rows");
    let distilled = distill(&scratch.0, 8, None, &mut |_| {}).unwrap();
    assert!((distilled.variance_kept - 1.0).abs() < 1e-9, "all eight dimensions of the teacher");
    assert_eq!((distilled.n_pieces, distilled.dims), (13, 8));
    let output = scratch.0.join("made/here");
    distilled.publish(&output).unwrap();
    let Encoder::Table(table) = Encoder::read(&output).unwrap() else { panic!("found no table") };
    // In all dimensions nothing is lost but by rounding: distances between pieces are those of the teacher.
    let pieces: Vec<u32> = (0..13).collect();
    let theirs = Bert::read(&scratch.0).unwrap().embed_pieces(&pieces);
    let theirs: Vec<Vec<f64>> = theirs.iter().map(|embedding| super::unit(embedding)).collect();
    let row = |piece: u32| {
        let mut row = vec![0.0; 8];
        table.add_row(piece, 1.0, &mut row);
        row.iter().copied().map(f64::from).collect::<Vec<f64>>()
    };
    let distance = |one: &[f64], other: &[f64]| {
        one.iter().zip(other).map(|(one, other)| (one - other).powi(2)).sum::<f64>().sqrt()
    };
    for one in pieces.clone() {
        for other in pieces.clone() {
            let (ours, theirs) =
                (distance(&row(one), &row(other)), distance(&theirs[one as usize], &theirs[other as usize]));
            // Half a step in each of eight dimensions at either end, of rows no longer than 2.
            assert!((ours - theirs).abs() < 0.05, "{one} {other}: {ours} {theirs}");
        }
    }
    // By rank: the first of the vocabulary counts least, brackets fully.
    assert!(table.weights()[4] < table.weights()[5] && table.weights()[2] > 0.999);
    assert_eq!(table.tokenizer().ids("The trains", 9, 9), [4, 5, 6]);
}

#[test]
fn tokens_that_a_teacher_was_taught_beside_its_vocabulary_are_left_out() {
    let scratch = Scratch::teacher("taught");
    let taught = r#""added_tokens":[{"id":13,"content":"[Q]","special":true,"single_word":false,"lstrip":false,"rstrip":false,"normalized":false},"#;
    let tokenizer = TOKENIZER.replacen("\"added_tokens\":[", taught, 1);
    fs::write(scratch.0.join(TOKENIZER_FILE), tokenizer).unwrap();
    let config = fs::read_to_string(scratch.0.join("config.json")).unwrap();
    fs::write(scratch.0.join("config.json"), config.replace("\"vocab_size\":13", "\"vocab_size\":14")).unwrap();
    fs::write(scratch.0.join("model.safetensors"), weights(14)).unwrap();
    assert_eq!(Bert::read(&scratch.0).unwrap().n_pieces(), 14);
    let distilled = distill(&scratch.0, 3, None, &mut |_| {}).unwrap();
    assert_eq!(distilled.n_pieces, 13);
    distilled.publish(&scratch.0.join("table")).unwrap();
    assert_eq!(Encoder::read(&scratch.0.join("table")).unwrap().dims(), 3);
}

#[test]
fn the_same_teacher_and_prompts_give_the_same_bytes() {
    let scratch = Scratch::teacher("bytes");
    let make = || {
        let mut prompts = ["the train", "the whistle"].into_iter().map(|text| Ok::<Text, SplitError>(Text::from(text)));
        distill(&scratch.0, 3, Some(&mut prompts), &mut |_| {}).unwrap()
    };
    let bytes =
        |distilled: &Distilled| [&distilled.tensors, &distilled.tokenizer, &distilled.description].map(Clone::clone);
    let (one, other) = (make(), make());
    assert_eq!(bytes(&one), bytes(&other));
    assert_eq!(one.n_bytes(), bytes(&one).iter().map(Vec::len).sum::<usize>());
    let description: Value = serde_json::from_slice(&one.description).unwrap();
    assert_eq!(description["teacher"]["name"], "A teacher of thirteen words");
    assert_eq!(description["teacher"]["licence"], "apache-2.0");
    assert_eq!(description["weights"]["frequencies"]["n_prompts"], 2);
    let weights = fs::read(scratch.0.join("model.safetensors")).unwrap();
    assert_eq!(description["teacher"]["files"]["model.safetensors"], classifier::encoder::digest(&weights));
    let path = scratch.0.display().to_string();
    assert!(!description.to_string().contains(&path), "no path of the machine it was made on");
}

#[test]
fn progress_is_told_from_the_first_to_the_last_piece() {
    let scratch = Scratch::teacher("progress");
    let mut stages = Vec::new();
    distill(&scratch.0, 2, None, &mut |stage| stages.push(stage)).unwrap();
    let pieces = |n_done| Stage::Pieces { n_done, n_pieces: 13 };
    assert_eq!(stages, [pieces(0), pieces(13), Stage::Components]);
}

#[test]
fn what_cannot_be_distilled_is_refused() {
    let scratch = Scratch::teacher("refused");
    let refused = |dims: usize, complaint: &str| {
        let error = distill(&scratch.0, dims, None, &mut |_| {}).unwrap_err().to_string();
        assert!(error.contains(complaint), "expected {complaint:?}, found {error:?}");
    };
    refused(0, "expected 1 to 8 dimensions, as many as the teacher has, found 0");
    refused(9, "expected 1 to 8 dimensions, as many as the teacher has, found 9");
    let mut none = std::iter::empty();
    let error = distill(&scratch.0, 2, Some(&mut none), &mut |_| {}).unwrap_err();
    assert_eq!(error.to_string(), "expected prompts to count word pieces in, found none");
    let distilled = distill(&scratch.0, 2, None, &mut |_| {}).unwrap();
    let output = scratch.0.join("table");
    distilled.publish(&output).unwrap();
    let error = distill(&output, 2, None, &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("expected a BERT-family encoder as the teacher, found a table"), "{error}");
    assert!(distilled.publish(&scratch.0.join("config.json")).is_err());
    fs::remove_file(scratch.0.join("config.json")).unwrap();
    refused(2, "expected encoder.json (a table) or config.json (a BERT-family encoder), found neither");
}

#[test]
fn a_table_takes_the_place_of_another_and_a_mixture_is_refused() {
    let scratch = Scratch::teacher("place");
    let output = scratch.0.join("table");
    for dims in [2, 3] {
        distill(&scratch.0, dims, None, &mut |_| {}).unwrap().publish(&output).unwrap();
        assert_eq!(Encoder::read(&output).unwrap().dims(), dims);
    }
    let mut names: Vec<String> =
        fs::read_dir(&output).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, [DESCRIPTION, TENSORS, TOKENIZER_FILE], "nothing else is left behind");
    // As if the machine had stopped between two files.
    let description = fs::read(output.join(DESCRIPTION)).unwrap();
    distill(&scratch.0, 2, None, &mut |_| {}).unwrap().publish(&output).unwrap();
    fs::write(output.join(DESCRIPTION), description).unwrap();
    let error = Encoder::read(&output).unwrap_err().to_string();
    assert!(error.contains("encoder.safetensors, digest: expected sha256:"), "{error}");
}

/// A directory that goes away with its owner.
struct Scratch(PathBuf);

impl Scratch {
    /// A BERT of one layer and eight dimensions.
    fn teacher(name: &str) -> Self {
        let scratch = Self(std::env::temp_dir().join(format!("pointsman-distill-{name}-{}", std::process::id())));
        fs::create_dir_all(&scratch.0).unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(scratch.0.join(name), bytes).unwrap();
        write("README.md", b"---\nlicense: apache-2.0\n---\n# A teacher of thirteen words\n");
        write("tokenizer.json", TOKENIZER.as_bytes());
        write(
            "config.json",
            br#"{"model_type":"bert","vocab_size":13,"hidden_size":8,"num_hidden_layers":1,"num_attention_heads":2,
            "intermediate_size":12,"hidden_act":"gelu","max_position_embeddings":8,"type_vocab_size":2,"layer_norm_eps":1e-12}"#,
        );
        write("model.safetensors", &weights(13));
        scratch
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Numbers that differ from place to place.
fn weights(n_pieces: usize) -> Vec<u8> {
    let layer = "encoder.layer.0";
    let mut shapes: Vec<(String, Vec<usize>)> = [("word", n_pieces), ("position", 8), ("token_type", 2)]
        .map(|(name, rows)| (format!("embeddings.{name}_embeddings.weight"), vec![rows, 8]))
        .into();
    for (name, out, into) in [
        ("attention.self.query", 8, 8),
        ("attention.self.key", 8, 8),
        ("attention.self.value", 8, 8),
        ("attention.output.dense", 8, 8),
        ("intermediate.dense", 12, 8),
        ("output.dense", 8, 12),
    ] {
        shapes
            .extend([(format!("{layer}.{name}.weight"), vec![out, into]), (format!("{layer}.{name}.bias"), vec![out])]);
    }
    for norm in ["embeddings".to_owned(), format!("{layer}.attention.output"), format!("{layer}.output")] {
        shapes.extend(["weight", "bias"].map(|part| (format!("{norm}.LayerNorm.{part}"), vec![8])));
    }
    let mut state = 1_u32;
    let mut number = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from(u16::try_from(state >> 16).unwrap()) / 32768.0 - 1.0
    };
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = shapes
        .into_iter()
        .map(|(name, shape)| {
            let bytes = (0..shape.iter().product()).flat_map(|_: usize| number().to_le_bytes()).collect();
            (name, shape, bytes)
        })
        .collect();
    let views =
        tensors.iter().map(|(name, shape, bytes)| (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    safetensors::serialize(views, None).unwrap()
}
