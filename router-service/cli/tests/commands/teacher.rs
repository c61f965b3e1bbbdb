//! A directory as published encoders have it, in miniature.

use std::fmt::Write;
use std::fs;
use std::path::Path;

const CONFIG: &str = r#"{"model_type":"bert","vocab_size":7,"hidden_size":4,"num_hidden_layers":1,"num_attention_heads":1,
"intermediate_size":4,"hidden_act":"gelu","max_position_embeddings":8,"type_vocab_size":1,"layer_norm_eps":1e-12}"#;

const TOKENIZER: &str = r###"{"added_tokens":[],
"normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true},
"pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":null,"decoder":null,
"model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,
"vocab":{"[UNK]":0,"a":1,"the":2,"train":3,"##s":4,"lever":5,"lamp":6}}}"###;

/// A BERT of one layer and four dimensions.
pub(crate) fn write_teacher(folder: &Path) {
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).expect("the folder was made");
    write("README.md", b"---\nlicense: mit\n---\n# Seven words\n");
    write("config.json", CONFIG.as_bytes());
    write("tokenizer.json", TOKENIZER.as_bytes());
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
    write("model.safetensors", &file);
}
