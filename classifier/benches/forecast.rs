//! How long a forecast takes, beside a sentence encoder of MiniLM's shape through candle-transformers in the same run. That one has
//! random weights, since only its time is asked; it is written to a temporary folder.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use classifier::encoder::Encoder;
use classifier::{Artifact, Classifier, Prompt, artifact::built_in_encoder, built_in_catalog};
use criterion::{Criterion, criterion_group, criterion_main};
use decision::{Catalog, Model, ModelId};
use safetensors::tensor::{Dtype, TensorView};

/// Word pieces come to about one and a third a word here: 96 words are some 128 pieces.
fn words(n: usize) -> String {
    let sentence = "the second baker counted seventeen unsold loaves before the evening train reached a distant harbour \
        while her apprentice calculated interest on borrowed flour and wondered whether probability explains weather ";
    sentence.split_whitespace().cycle().take(n).collect::<Vec<_>>().join(" ")
}

/// A catalog of `n` models, all of them known.
fn catalog(n: usize) -> Catalog {
    let known = built_in_catalog();
    let models = (0..n).map(|at| {
        let model = &known.models()[at % known.models().len()];
        if at < known.models().len() {
            return model.clone();
        }
        let id = ModelId::new(&format!("{}-{at}", model.id.as_str())).expect("a longer name is a name");
        Model { id, like: Some(model.id.clone()), ..model.clone() }
    });
    // A `like` must be in the catalog; below eighty models nobody is like another.
    Catalog::new(models.collect()).expect("names differ")
}

fn forecasts(c: &mut Criterion) {
    let artifact = Arc::new(Artifact::built_in().expect("inside the binary"));
    let twenty = Classifier::new(Arc::clone(&artifact), &catalog(20));
    let many = Classifier::new(artifact, &catalog(400));
    let prompt = |text: String| [Prompt::from_text(&text)];
    let short = prompt(words(96));
    let mut group = c.benchmark_group("forecast");
    group.bench_function("128_tokens_20_models", |b| b.iter(|| twenty.forecast(black_box(&short))));
    group.bench_function("128_tokens_400_models", |b| b.iter(|| many.forecast(black_box(&short))));
    let text = words(96);
    group.bench_function("128_tokens_20_models_and_reading_the_text", |b| {
        b.iter(|| twenty.forecast(&[Prompt::from_text(black_box(&text))]));
    });
    let text = words(1500);
    group.bench_function("2000_tokens_20_models", |b| {
        b.iter(|| twenty.forecast(&[Prompt::from_text(black_box(&text))]));
    });
    let text: String = words(17_000).chars().take(100_000).collect();
    group.bench_function("100000_characters_20_models", |b| {
        b.iter(|| twenty.forecast(&[Prompt::from_text(black_box(&text))]));
    });
    // Whoever wants to keep a thread busy sends what has no words.
    for (name, sign) in [
        ("brackets", "["),
        ("quotes", "\""),
        ("commas", "a,"),
        ("slices", "[1:"),
        ("tags", "<b>"),
        ("keys", "{\"a\":"),
        ("lines", "a\n"),
    ] {
        let text = sign.repeat(100_000 / sign.len());
        group.bench_function(format!("100000_characters_of_{name}"), |b| {
            b.iter(|| twenty.forecast(black_box(&[Prompt::from_text(&text)])));
        });
    }
    group.bench_function("load_from_the_binary", |b| b.iter(|| Artifact::built_in().expect("inside the binary")));
    group.finish();
}

fn minilm_shape(c: &mut Criterion) {
    let folder = std::env::temp_dir().join(format!("pointsman-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    write_bert(&folder);
    let encoder = Encoder::read(&folder).expect("written above");
    let text = words(96);
    let mut group = c.benchmark_group("forecast");
    group.sample_size(20);
    group.bench_function("minilm_shape_128_tokens", |b| b.iter(|| encoder.embed(black_box(&[text.as_str()]))));
    group.finish();
    std::fs::remove_dir_all(&folder).expect("our own folder");
}

fn write_bert(folder: &Path) {
    const WIDTH: usize = 384;
    const INNER: usize = 1536;
    let config = serde_json::json!({
        "model_type": "bert", "architectures": ["BertModel"], "vocab_size": 30522, "hidden_size": WIDTH, "num_hidden_layers": 6,
        "num_attention_heads": 12, "intermediate_size": INNER, "hidden_act": "gelu", "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1, "max_position_embeddings": 512, "type_vocab_size": 2, "initializer_range": 0.02,
        "layer_norm_eps": 1e-12, "pad_token_id": 0, "position_embedding_type": "absolute",
    });
    std::fs::write(folder.join("config.json"), config.to_string()).expect("a temporary file");
    let [_, _, (_, tokenizer)] = built_in_encoder();
    std::fs::write(folder.join("tokenizer.json"), tokenizer).expect("a temporary file");
    let mut shapes: Vec<(String, Vec<usize>)> = vec![
        ("embeddings.word_embeddings.weight".to_owned(), vec![30522, WIDTH]),
        ("embeddings.position_embeddings.weight".to_owned(), vec![512, WIDTH]),
        ("embeddings.token_type_embeddings.weight".to_owned(), vec![2, WIDTH]),
        ("embeddings.LayerNorm.weight".to_owned(), vec![WIDTH]),
        ("embeddings.LayerNorm.bias".to_owned(), vec![WIDTH]),
    ];
    for layer in 0..6 {
        let name = |part: &str| format!("encoder.layer.{layer}.{part}");
        for part in ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"] {
            shapes.push((name(&format!("{part}.weight")), vec![WIDTH, WIDTH]));
            shapes.push((name(&format!("{part}.bias")), vec![WIDTH]));
        }
        shapes.push((name("intermediate.dense.weight"), vec![INNER, WIDTH]));
        shapes.push((name("intermediate.dense.bias"), vec![INNER]));
        shapes.push((name("output.dense.weight"), vec![WIDTH, INNER]));
        shapes.push((name("output.dense.bias"), vec![WIDTH]));
        for part in ["attention.output.LayerNorm", "output.LayerNorm"] {
            shapes.push((name(&format!("{part}.weight")), vec![WIDTH]));
            shapes.push((name(&format!("{part}.bias")), vec![WIDTH]));
        }
    }
    let mut state = 1_u32;
    let bytes: Vec<Vec<u8>> = shapes
        .iter()
        .map(|(_, shape)| {
            let numbers = (0..shape.iter().product::<usize>()).map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f32::from(u8::try_from(state >> 24).unwrap_or(0)) / 2_550.0 - 0.05
            });
            numbers.flat_map(f32::to_le_bytes).collect()
        })
        .collect();
    let tensors = shapes.iter().zip(&bytes).map(|((name, shape), bytes)| {
        (name.clone(), TensorView::new(Dtype::F32, shape.clone(), bytes).expect("as many bytes as the shape has"))
    });
    let file = safetensors::serialize(tensors, None).expect("shapes and bytes agree");
    std::fs::write(folder.join("model.safetensors"), file).expect("a temporary file");
}

criterion_group!(benches, forecasts, minilm_shape);
criterion_main!(benches);
