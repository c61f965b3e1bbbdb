//! `pointsman distill` as a caller meets it, with a teacher of seven words.

use std::fmt::Write;
use std::fs;

use crate::scratch::{Scratch, check};

const CONFIG: &str = r#"{"model_type":"bert","vocab_size":7,"hidden_size":4,"num_hidden_layers":1,"num_attention_heads":1,
"intermediate_size":4,"hidden_act":"gelu","max_position_embeddings":8,"type_vocab_size":1,"layer_norm_eps":1e-12}"#;

const TOKENIZER: &str = r###"{"added_tokens":[],
"normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true},
"pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":null,"decoder":null,
"model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,
"vocab":{"[UNK]":0,"a":1,"the":2,"train":3,"##s":4,"lever":5,"lamp":6}}}"###;

const ROW: &str =
    r#"{"source":"s","dataset":"d","prompt_id":"1","prompt":"The trains","model":"m","quality":1,"group":"g"}"#;

#[test]
fn a_table_is_made_and_reported() {
    let scratch = teacher("distill");
    let said =
        "written        table\nteacher        Seven words\nlicence        mit\nword pieces    7\ndimensions     2\n";
    check(&scratch.run("distill . -o table --dims 2"), 0, said, "");
    check(&scratch.run("distill . -o table --dims 2"), 0, "frequencies    by rank in the vocabulary\n", "");
    let first = fs::read(scratch.0.join("table/encoder.safetensors")).unwrap();
    // Enough rows that some are learned from, whatever the split.
    let rows: Vec<String> =
        (0..40).map(|n| ROW.replace("\"g\"", &format!("\"g{n}\"")).replace("trains", &format!("trains {n}"))).collect();
    scratch.write("rows.jsonl", &rows.join("\n"));
    let output = scratch.run("distill . -o table --corpus rows.jsonl --dims 2 --json");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["n_pieces"], &report["licence"]), (&7.into(), &"mit".into()));
    let n_prompts = report["corpus"]["n_prompts"].as_u64().unwrap();
    assert!(n_prompts > 0 && n_prompts < 40, "{n_prompts} of 40: some are held out");
    assert_ne!(fs::read(scratch.0.join("table/encoder.safetensors")).unwrap(), first, "other weights");
}

#[test]
fn what_cannot_be_distilled_is_said_and_nothing_is_written() {
    let scratch = teacher("distill-refused");
    scratch.write("judging.jsonl", &ROW.replace("\"quality\"", "\"judging_only\":true,\"quality\""));
    for (arguments, code, error) in [
        (". -o table --dims 5", 2, "error: --dims: expected 1 to 4 dimensions, as many as the teacher has, found 5\n"),
        (". -o table --salt x", 2, "--corpus"),
        ("nowhere -o table", 1, "error: nowhere: No such file"),
        (". -o table --dims 2 --corpus nothing.jsonl", 1, "error: nothing.jsonl: "),
        (". -o table --dims 2 --corpus judging.jsonl", 1, "expected rows to learn from, found one for judging only"),
    ] {
        check(&scratch.run(&format!("distill {arguments}")), code, "", error);
    }
    assert!(!scratch.0.join("table").exists());
}

/// A BERT of one layer and four dimensions.
fn teacher(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    scratch.write("README.md", "---\nlicense: mit\n---\n# Seven words\n");
    scratch.write("config.json", CONFIG);
    scratch.write("tokenizer.json", TOKENIZER);
    let layer = |part: &str| format!("encoder.layer.0.{part}");
    let mut shapes: Vec<(String, Vec<usize>)> = vec![
        ("embeddings.word_embeddings.weight".to_owned(), vec![7, 4]),
        ("embeddings.position_embeddings.weight".to_owned(), vec![8, 4]),
        ("embeddings.token_type_embeddings.weight".to_owned(), vec![1, 4]),
    ];
    for part in [
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
        "attention.output.dense",
        "intermediate.dense",
        "output.dense",
    ] {
        shapes.extend([(layer(part) + ".weight", vec![4, 4]), (layer(part) + ".bias", vec![4])]);
    }
    for norm in ["embeddings.LayerNorm".to_owned(), layer("attention.output.LayerNorm"), layer("output.LayerNorm")] {
        shapes.extend([(format!("{norm}.weight"), vec![4]), (format!("{norm}.bias"), vec![4])]);
    }
    // The safetensors format: the length of the header, the header, the numbers.
    let (mut header, mut numbers, mut state) = (String::new(), Vec::new(), 1_u32);
    for (name, shape) in shapes {
        let begin = numbers.len();
        for _ in 0..shape.iter().product::<usize>() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let number = f32::from(u16::try_from(state >> 16).expect("sixteen bits")) / 32768.0 - 1.0;
            numbers.extend(number.to_le_bytes());
        }
        let comma = if begin == 0 { "{" } else { "," };
        write!(
            header,
            r#"{comma}"{name}":{{"dtype":"F32","shape":{shape:?},"data_offsets":[{begin},{}]}}"#,
            numbers.len()
        )
        .expect("text can be written to");
    }
    header.push('}');
    let file = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &numbers].concat();
    fs::write(scratch.0.join("model.safetensors"), file).expect("the folder was made");
    scratch
}
