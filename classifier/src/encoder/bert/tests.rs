//! Encoders of every family give the embeddings of the Python original, alone and in company, and broken directories are
//! refused by name. The tiny encoders are made here: their weights follow from the names of their tensors, in Python too.

use std::fs;
use std::path::{Path, PathBuf};

use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};

use super::super::folder::Folder;
use super::super::{Encoder, digest};
use super::{Bert, CONFIG, WEIGHTS, layout};
use crate::artifact::Artifact;
use crate::encoder::TOKENIZER;
use crate::lens::Lens;

/// How far a number may be from the original's: both compute in single precision and add in different orders, over
/// hundreds of numbers of about 1, of which seven digits were kept.
const TOLERANCE: f32 = 2e-5;

/// How far an embedding may move when it is computed in other company.
const COMPANY_TOLERANCE: f32 = 1e-6;

const TINY: &str = include_str!("../../../fixtures/tiny_encoders.json");

const MINILM: &str = include_str!("../../../fixtures/minilm.json");

#[test]
fn every_family_gives_the_embeddings_of_the_original() {
    let tiny: Value = serde_json::from_str(TINY).unwrap();
    let texts = strings(&tiny["texts"]);
    for (family, model) in tiny["models"].as_object().unwrap() {
        let scratch = Scratch::encoder(&format!("family-{family}"), &tiny, family);
        let mean = bert(&scratch).embed(&texts);
        check(&format!("{family}, mean"), &mean, &model["mean"]);
        scratch.pooled("pooling_mode_cls_token", true);
        check(&format!("{family}, first, of length 1"), &bert(&scratch).embed(&texts), &model["first_unit"]);
    }
}

#[test]
fn the_folder_of_a_module_may_be_written_otherwise() {
    let tiny: Value = serde_json::from_str(TINY).unwrap();
    let scratch = Scratch::encoder("module", &tiny, "bert");
    scratch.pooled("pooling_mode_cls_token", true);
    let modules = fs::read_to_string(scratch.0.join("modules.json")).unwrap();
    scratch.write("modules.json", modules.replace("1_Pooling", "./1_Pooling/").as_bytes());
    // As an artifact reads it, by names that it has for its files.
    let names = [CONFIG, WEIGHTS, TOKENIZER, "modules.json", "1_Pooling/config.json"];
    let contents = names.map(|name| fs::read(scratch.0.join(name)).unwrap());
    let files = names.iter().map(Path::new).zip(contents.iter().map(Vec::as_slice)).collect();
    let texts = strings(&tiny["texts"]);
    let embeddings = Bert::of(Folder::of_files(&scratch.0, &files)).unwrap().embed(&texts);
    check("of files", &embeddings, &tiny["models"]["bert"]["first_unit"]);
}

#[test]
fn company_does_not_change_an_embedding() {
    let tiny: Value = serde_json::from_str(TINY).unwrap();
    let texts = strings(&tiny["texts"]);
    for family in ["bert", "distilbert", "roberta"] {
        let bert = bert(&Scratch::encoder(&format!("company-{family}"), &tiny, family));
        agree_alone_and_together(&bert, &texts);
        assert!(bert.embed(&[]).is_empty());
        // More than one batch of the longest text there is.
        let all = bert.embed(&[texts[5]; 400]);
        assert!(all.iter().all(|embedding| difference(embedding, &all[0]) <= COMPANY_TOLERANCE));
    }
}

#[test]
fn what_reads_the_word_pieces_of_a_table_is_refused_beside_it() {
    let tiny: Value = serde_json::from_str(TINY).unwrap();
    let scratch = Scratch::encoder("lens", &tiny, "bert");
    let mut parts = Artifact::built_in().unwrap().into_parts();
    parts.check().unwrap();
    let (asides, topics) = (parts.lens.asides().cloned(), parts.lens.topics().cloned());
    parts.lens = Lens::new(Encoder::Bert(Box::new(bert(&scratch)))).with_asides(asides).with_topics(topics);
    let refusal = parts.check().unwrap_err().to_string();
    let complaint = "encoder: expected a table, whose word pieces asides, topics and views read, found a BERT-family";
    assert!(refusal.contains(complaint), "{refusal}");
}

#[test]
fn files_are_read_in_half_precision_under_a_prefix_and_with_other_tensors_beside() {
    let tiny: Value = serde_json::from_str(TINY).unwrap();
    let texts = strings(&tiny["texts"]);
    let scratch = Scratch::encoder("precision", &tiny, "bert");
    let whole = bert(&scratch).embed(&texts);
    for dtype in [Dtype::F16, Dtype::BF16] {
        scratch.weights("bert.", dtype, |_, _| {});
        for (half, whole) in bert(&scratch).embed(&texts).iter().zip(&whole) {
            let off = difference(half, whole);
            assert!(off > 0.0 && off < 0.2, "{dtype:?}: {off}");
        }
    }
    for (half, number) in [
        (0x0000, 0.0),
        (0x3c00, 1.0),
        (0xc000, -2.0),
        (0x7bff, 65504.0),
        (0x0001, 2_f32.powi(-24)),
        (0x3555, 0.333_251_95),
        (0xfc00, f32::NEG_INFINITY),
    ] {
        assert_eq!(super::f16_to_f32(half).to_bits(), f32::to_bits(number), "{half:04x}");
    }
    assert!(super::f16_to_f32(0x7e00).is_nan());
}

#[test]
fn pieces_are_embedded_as_texts_of_one_piece() {
    let tiny: Value = serde_json::from_str(TINY).unwrap();
    let bert = bert(&Scratch::encoder("pieces", &tiny, "bert"));
    assert_eq!(bert.n_pieces(), 21);
    let pieces = bert.embed_pieces(&[5, 4, 21]);
    for (piece, text) in pieces.iter().zip(bert.embed(&["train", "the"])) {
        assert!(difference(piece, &text) <= COMPANY_TOLERANCE);
    }
    assert_eq!(pieces[2], vec![0.0; 32], "an unknown piece");
}

#[test]
fn a_broken_directory_is_refused_by_name() {
    let tiny: Value = serde_json::from_str(TINY).unwrap();
    let scratch = Scratch::encoder("broken", &tiny, "bert");
    let word_embeddings = "embeddings.word_embeddings.weight";
    let query = "encoder.layer.1.attention.self.query.weight";
    scratch.weights("", Dtype::F32, |name, numbers| {
        if name == query {
            numbers[7] = f32::NAN;
        }
    });
    refused(
        &scratch,
        "model.safetensors, tensor \"encoder.layer.1.attention.self.query.weight\": expected finite numbers, found NaN at place 7",
    );
    scratch.tensors(&[(query, Dtype::F32, vec![1])]);
    refused(
        &scratch,
        "tensor \"embeddings.word_embeddings.weight\": expected the embeddings of word pieces, found none",
    );
    scratch.tensors(&[(word_embeddings, Dtype::F32, vec![21, 31])]);
    refused(&scratch, "weight\": expected F32, F16 or BF16 [21, 32], found F32 [21, 31]");
    scratch.tensors(&[(word_embeddings, Dtype::I64, vec![21, 32])]);
    refused(&scratch, "weight\": expected F32, F16 or BF16 [21, 32], found I64 [21, 32]");
    scratch.tensors(&[(word_embeddings, Dtype::F32, vec![21, 32])]);
    refused(&scratch, "position_embeddings.weight\": expected F32, F16 or BF16 [14, 32], found none");
    scratch.write(WEIGHTS, b"no tensors");
    refused(&scratch, "model.safetensors: expected tensors in the safetensors format, found ");
    fs::remove_file(scratch.0.join(WEIGHTS)).unwrap();
    refused(&scratch, "model.safetensors: No such file");
    scratch.write(TOKENIZER, b"{}");
    refused(&scratch, "tokenizer.json: expected a tokenizer in JSON, found ");
}

#[test]
fn a_setting_that_cannot_be_used_is_refused_by_name() {
    let tiny: Value = serde_json::from_str(TINY).unwrap();
    let scratch = Scratch::encoder("settings", &tiny, "bert");
    let config = &tiny["models"]["bert"]["config"];
    for (key, value, complaint) in [
        ("model_type", json!("mpnet"), "expected bert, roberta, xlm-roberta, camembert or distilbert, found \"mpnet\""),
        ("hidden_act", json!("silu"), "expected gelu, gelu_new or relu, found \"silu\""),
        ("position_embedding_type", json!("relative_key"), "expected \"absolute\", found \"relative_key\""),
        ("num_attention_heads", json!(5), "expected a divisor of hidden_size, which is 32, found 5"),
        ("num_hidden_layers", json!(0), "expected a count of 1 to 16777216, found 0"),
        ("intermediate_size", json!(1_u64 << 40), "expected a count of 1 to 16777216, found 1099511627776"),
        ("layer_norm_eps", json!(0), "expected a number above 0 and below 1, found 0"),
        ("pad_token_id", json!(21), "expected an id below vocab_size, found 21"),
    ] {
        let mut config = config.clone();
        config[key] = value;
        scratch.write(CONFIG, config.to_string().as_bytes());
        refused(&scratch, &format!("config.json, {key}: {complaint}"));
    }
    let mut smaller = config.clone();
    smaller["vocab_size"] = json!(20);
    scratch.write(CONFIG, smaller.to_string().as_bytes());
    refused(&scratch, "tokenizer.json, model.vocab: expected ids below 20, the vocab_size of config.json, found id 20");
    scratch.write(CONFIG, config.to_string().as_bytes());
    let sound = fs::read(scratch.0.join(TOKENIZER)).unwrap();
    let mut framed: Value = serde_json::from_slice(&sound).unwrap();
    let special = framed["post_processor"]["special_tokens"].as_object_mut().unwrap();
    special.values_mut().for_each(|token| token["ids"] = json!([999_999]));
    scratch.write(TOKENIZER, framed.to_string().as_bytes());
    refused(
        &scratch,
        "tokenizer.json, post_processor.special_tokens: expected ids below 21, the vocab_size of config.json, found id 999999",
    );
    scratch.write(TOKENIZER, &sound);
    scratch.write(CONFIG, b"{\"model_type\":");
    refused(&scratch, "config.json: EOF while parsing");
    scratch.write(CONFIG, config.to_string().as_bytes());
    scratch.pooled("pooling_mode_max_tokens", true);
    refused(&scratch, "config.json, pooling_mode: expected mean alone, or cls alone, found max");
    scratch.write("modules.json", br#"[{"path":"2_Dense","type":"sentence_transformers.models.Dense"}]"#);
    refused(&scratch, "modules.json, type: expected Transformer (in the folder itself), Pooling or Normalize, found");
    fs::remove_file(scratch.0.join("modules.json")).unwrap();
    scratch.write("sentence_bert_config.json", br#"{"max_seq_length":2}"#);
    refused(
        &scratch,
        "tokenizer.json, post_processor: expected fewer special tokens than the 2 ids of a text, found 2",
    );
    scratch.write("sentence_bert_config.json", br#"{"do_lower_case":true}"#);
    refused(&scratch, "sentence_bert_config.json, do_lower_case: expected false");
}

#[test]
fn minilm_gives_the_embeddings_of_the_original() {
    #[expect(clippy::disallowed_methods, reason = "weights of ninety megabytes do not lie in the repository")]
    let Some(directory) = std::env::var_os("POINTSMAN_MINILM").map(PathBuf::from) else {
        use std::io::Write;
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: needs POINTSMAN_MINILM, the directory of all-MiniLM-L6-v2; without it nothing is held against the original of that size"
        );
        return;
    };
    let minilm: Value = serde_json::from_str(MINILM).unwrap();
    let weights = digest(&fs::read(directory.join(WEIGHTS)).unwrap());
    assert_eq!(minilm["weights"], weights, "other weights than the reference was made of");
    let Encoder::Bert(bert) = Encoder::read(&directory).unwrap() else { panic!("found a table") };
    let texts = strings(&minilm["texts"]);
    let furthest = check("MiniLM", &bert.embed(&texts), &minilm["embeddings"]);
    agree_alone_and_together(&bert, &texts);
    // For whoever runs it by hand, with --nocapture.
    println!("furthest from the original: {furthest:e}");
}

#[track_caller]
fn check(what: &str, embeddings: &[Vec<f32>], expected: &Value) -> f32 {
    let expected: Vec<Vec<f32>> = serde_json::from_value(expected.clone()).unwrap();
    assert_eq!(embeddings.len(), expected.len(), "{what}");
    let mut furthest = 0.0_f32;
    for (at, (embedding, expected)) in embeddings.iter().zip(&expected).enumerate() {
        let off = difference(embedding, expected);
        assert!(off <= TOLERANCE, "{what}, text {at}: {off}");
        furthest = furthest.max(off);
    }
    furthest
}

#[track_caller]
fn agree_alone_and_together(bert: &Bert, texts: &[&str]) {
    for (text, together) in texts.iter().zip(bert.embed(texts)) {
        let alone = bert.embed(&[text]).remove(0);
        let off = difference(&alone, &together);
        assert!(off <= COMPANY_TOLERANCE, "{text:?}: {off}");
    }
}

#[track_caller]
fn difference(one: &[f32], other: &[f32]) -> f32 {
    assert_eq!(one.len(), other.len());
    assert!(one.iter().all(|number| number.is_finite()));
    one.iter().zip(other).fold(0.0, |most, (one, other)| most.max((one - other).abs()))
}

#[track_caller]
fn refused(scratch: &Scratch, complaint: &str) {
    let error = Encoder::read(&scratch.0).unwrap_err().to_string();
    assert!(error.contains(complaint), "expected {complaint:?}, found {error:?}");
}

fn bert(scratch: &Scratch) -> Bert {
    Bert::read(&scratch.0).unwrap()
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

/// The numbers of a tensor, from its name: a congruential generator seeded by FNV-1a, in steps that a float holds exactly.
fn numbers_of(name: &str, n: usize) -> Vec<f32> {
    let fnv = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let mut state = name.bytes().fold(0xcbf2_9ce4_8422_2325, fnv);
    let is_norm = (name.contains("LayerNorm") || name.contains("layer_norm")) && name.ends_with("weight");
    let middle: i16 = if is_norm { 8192 } else { 0 };
    let mut number = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let step = i16::try_from((state >> 40) % 4097).unwrap();
        f32::from(step - 2048 + middle) / 8192.0
    };
    (0..n).map(|_| number()).collect()
}

/// A directory that goes away with its owner.
struct Scratch(PathBuf);

impl Scratch {
    /// A tiny encoder of a family.
    fn encoder(name: &str, tiny: &Value, family: &str) -> Self {
        let scratch = Self(std::env::temp_dir().join(format!("pointsman-bert-{name}-{}", std::process::id())));
        fs::create_dir_all(&scratch.0).unwrap();
        scratch.write(CONFIG, tiny["models"][family]["config"].to_string().as_bytes());
        scratch.write(TOKENIZER, tiny["tokenizer"].to_string().as_bytes());
        scratch.weights("", Dtype::F32, |_, _| {});
        scratch
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.join(name), bytes).unwrap();
    }

    /// The tensors that the family needs, their numbers by their names; beside them one that nobody needs.
    fn weights(&self, prefix: &str, dtype: Dtype, mut spoil: impl FnMut(&str, &mut [f32])) {
        let config = self.0.join(CONFIG);
        let layout = layout::read(&config, &fs::read(&config).unwrap()).unwrap();
        let mut tensors = vec![("embeddings.position_ids".to_owned(), Dtype::I64, vec![1], vec![0; 8])];
        for wanted in layout.wanted() {
            let (name, mut shape) = (&wanted.called[0], wanted.shape);
            shape[0] += wanted.n_skipped;
            let mut numbers = numbers_of(name, shape.iter().product());
            spoil(name, &mut numbers);
            let bytes = numbers.iter().flat_map(|number| encoded(*number, dtype)).collect();
            tensors.push((format!("{prefix}{name}"), dtype, shape, bytes));
        }
        self.store(&tensors);
    }

    /// Tensors of zeros.
    fn tensors(&self, tensors: &[(&str, Dtype, Vec<usize>)]) {
        let zeros = |(name, dtype, shape): &(&str, Dtype, Vec<usize>)| {
            let n_bytes = shape.iter().product::<usize>() * dtype.bitsize() / 8;
            ((*name).to_owned(), *dtype, shape.clone(), vec![0; n_bytes])
        };
        self.store(&tensors.iter().map(zeros).collect::<Vec<_>>());
    }

    fn store(&self, tensors: &[(String, Dtype, Vec<usize>, Vec<u8>)]) {
        let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
            (name.as_str(), TensorView::new(*dtype, shape.clone(), bytes.as_slice()).unwrap())
        });
        self.write(WEIGHTS, &safetensors::serialize(views, None).unwrap());
    }

    /// Says how to pool, as sentence-transformers does.
    fn pooled(&self, mode: &str, is_unit: bool) {
        let module =
            |path: &str, kind: &str| json!({"path": path, "type": format!("sentence_transformers.models.{kind}")});
        let mut modules = vec![module("", "Transformer"), module("1_Pooling", "Pooling")];
        modules.extend(is_unit.then(|| module("2_Normalize", "Normalize")));
        self.write("modules.json", Value::from(modules).to_string().as_bytes());
        fs::create_dir_all(self.0.join("1_Pooling")).unwrap();
        self.write("1_Pooling/config.json", json!({mode: true, "word_embedding_dimension": 32}).to_string().as_bytes());
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn encoded(number: f32, dtype: Dtype) -> Vec<u8> {
    let bits = number.to_bits();
    match dtype {
        Dtype::F32 => number.to_le_bytes().to_vec(),
        Dtype::BF16 => u16::try_from(bits >> 16).unwrap().to_le_bytes().to_vec(),
        // Rounded towards zero; the numbers here are neither huge nor infinite.
        _ => {
            let exponent = (bits >> 23 & 0xff).saturating_sub(112);
            let half = if exponent == 0 { 0 } else { exponent << 10 | bits >> 13 & 0x3ff };
            u16::try_from(bits >> 31 << 15 | half).unwrap().to_le_bytes().to_vec()
        }
    }
}

#[test]
fn a_directory_without_an_encoder_is_refused() {
    let scratch = Scratch(std::env::temp_dir().join(format!("pointsman-bert-nothing-{}", std::process::id())));
    refused(&scratch, "No such file");
    fs::create_dir_all(&scratch.0).unwrap();
    refused(&scratch, "expected encoder.json (a table) or config.json (a BERT-family encoder), found neither");
    assert!(Encoder::read(Path::new(file!())).is_err());
}
