//! A table gives the weighted mean of its rows, to the last bit, and is refused when any of its files is not as described.

use safetensors::tensor::TensorView;
use safetensors::{Dtype, serialize};

use super::super::Encoder;
use super::{Table, digest};

const TOKENIZER: &str = r###"{"version":"1.0","truncation":null,"padding":null,"added_tokens":[],
"normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true},
"pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":null,"decoder":null,
"model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,
"vocab":{"[UNK]":0,"rail":1,"##way":2,"the":3}}}"###;

/// The files of a table of four pieces and two dimensions.
#[derive(Clone)]
struct Files {
    steps: Vec<i8>,
    scales: Vec<f32>,
    weights: Vec<f32>,
    dims: usize,
    tokenizer: String,
}

impl Default for Files {
    fn default() -> Self {
        Self {
            steps: vec![0, 0, 4, -127, 2, 1, 10, 10],
            scales: vec![0.0, 0.5, 2.0, 0.1],
            weights: vec![1.0, 1.0, 0.5, 0.0],
            dims: 2,
            tokenizer: TOKENIZER.to_owned(),
        }
    }
}

impl Files {
    fn tensors(&self) -> Vec<u8> {
        let steps: Vec<u8> = self.steps.iter().map(|step| step.cast_unsigned()).collect();
        let bytes = |numbers: &[f32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
        let (scales, weights) = (bytes(&self.scales), bytes(&self.weights));
        let view = |dtype, shape, bytes| TensorView::new(dtype, shape, bytes).unwrap();
        let tensors = [
            ("table", view(Dtype::I8, vec![self.steps.len() / self.dims, self.dims], &steps)),
            ("scale", view(Dtype::F32, vec![self.scales.len()], &scales)),
            ("weight", view(Dtype::F32, vec![self.weights.len()], &weights)),
        ];
        serialize(tensors, None).unwrap()
    }

    fn description(&self, schema: u32, kind: &str, dims: usize, pieces: usize) -> String {
        let (tensors, tokenizer) = (digest(&self.tensors()), digest(self.tokenizer.as_bytes()));
        format!(
            r#"{{"schema":{schema},"kind":"{kind}","dims":{dims},"pieces":{pieces},"files":{{"encoder.safetensors":"{tensors}","tokenizer.json":"{tokenizer}"}}}}"#
        )
    }

    fn table(&self) -> Table {
        let description = self.description(1, "table", 2, 4);
        Table::from_bytes(description.as_bytes(), &self.tensors(), self.tokenizer.as_bytes()).unwrap()
    }
}

#[track_caller]
fn refused(files: &Files, description: &str, complaint: &str) {
    let error = Encoder::from_bytes(description.as_bytes(), &files.tensors(), files.tokenizer.as_bytes()).unwrap_err();
    assert!(error.to_string().contains(complaint), "expected {complaint:?}, found {error}");
}

#[test]
fn a_text_is_the_weighted_mean_of_its_rows() {
    let table = Files::default().table();
    assert_eq!((table.dims(), table.n_pieces()), (2, 4));
    // (1 * (2, -63.5) + 0.5 * (4, 2)) / 1.5
    let expected = vec![(2.0 + 2.0) / 1.5_f32, (-63.5 + 1.0) / 1.5_f32];
    assert_eq!(table.pooled(&[1, 2]), expected);
    assert_eq!(table.embed(&["Railway", "RAIL-way"])[0], expected);
    assert_eq!(table.pooled(&[1, 2, 3, 99]), expected, "weightless and unknown pieces do not count");
    for ids in [&[][..], &[3], &[99]] {
        assert_eq!(table.pooled(ids), [0.0, 0.0]);
    }
}

#[test]
fn company_does_not_change_an_embedding() {
    let encoder = Encoder::Table(Files::default().table());
    assert_eq!(encoder.dims(), 2);
    let long = "rail way railway ".repeat(100_000);
    let texts = ["", "the railway", long.as_str(), "\0\u{fffd}", "\u{1f682}"];
    let together = encoder.embed(&texts);
    for (text, together) in texts.iter().zip(together) {
        assert_eq!(encoder.embed(&[text])[0], together);
        assert!(together.iter().all(|number| number.is_finite()));
    }
}

#[test]
fn a_table_that_is_not_as_described_is_refused() {
    let files = Files::default();
    let sound = files.description(1, "table", 2, 4);
    for (description, complaint) in [
        ("{", "encoder.json: EOF"),
        ("{}", "encoder.json: missing field"),
        (&files.description(2, "table", 2, 4), "encoder.json, schema: expected 1, which this build reads, found 2"),
        (&files.description(1, "chair", 2, 4), "encoder.json, kind: expected \"table\", found \"chair\""),
        (&files.description(1, "table", 0, 4), "encoder.json, dims: expected at least 1, found 0"),
        (&files.description(1, "table", 3, 4), "\"table\": expected I8 [4, 3], found I8 [4, 2]"),
        (&sound.replace("tokenizer.json", "other.json"), "digest: expected a digest of tokenizer.json in encoder.json"),
    ] {
        refused(&files, description, complaint);
    }
    // A file of another table among them.
    refused(&Files { scales: vec![1.0; 4], ..files.clone() }, &sound, "encoder.safetensors, digest: expected sha256:");
    refused(&Files { tokenizer: "{}".to_owned(), ..files.clone() }, &sound, "tokenizer.json, digest: expected sha256:");
    for (files, complaint) in [
        (Files { scales: vec![1.0; 3], ..files.clone() }, "\"scale\": expected F32 [4], found F32 [3]"),
        (
            Files { scales: vec![1.0, f32::NAN, 1.0, 1.0], ..files.clone() },
            "\"scale\": expected finite numbers of 0 or more, found NaN for piece 1",
        ),
        (
            Files { weights: vec![1.0, 1.0, -1.0, 1.0], ..files.clone() },
            "\"weight\": expected finite numbers of 0 or more, found -1 for piece 2",
        ),
        (Files { tokenizer: "{}".to_owned(), ..files.clone() }, "tokenizer.json: expected a tokenizer in JSON, found"),
        (
            Files { tokenizer: TOKENIZER.replace("\"the\":3", "\"the\":4"), ..files },
            "tokenizer.json, model.vocab: expected ids below 4, one for each row of the table, found id 4",
        ),
    ] {
        refused(&files, &files.description(1, "table", 2, 4), complaint);
    }
    let files = Files::default();
    let error = Table::from_bytes(sound.as_bytes(), b"", files.tokenizer.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("encoder.safetensors, digest"), "{error}");
}
