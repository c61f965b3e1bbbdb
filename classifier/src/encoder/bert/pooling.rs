//! How the states of a text's tokens become one embedding: what sentence-transformers keeps beside the weights, in
//! `modules.json`, the folder of the pooling module, and `sentence_bert_config.json`. Without them: the mean.

use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::super::folder::Folder;
use super::super::{EncoderError, parse};

/// The modules of the encoder, in their order.
const MODULES: &str = "modules.json";

/// How the first of them is used.
const SENTENCE: &str = "sentence_bert_config.json";

/// How the tokenizer is used.
const TOKENIZER: &str = "tokenizer_config.json";

/// What describes a module, in its own folder.
const CONFIG: &str = "config.json";

/// How to pool.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pooling {
    pub(super) mode: Mode,
    /// Whether the embedding is brought to length 1.
    pub(super) is_unit: bool,
    /// The ids of a text that are read, the special ones included.
    pub(super) max_ids: usize,
}

/// Which tokens count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// All of them alike.
    Mean,
    /// The first alone.
    First,
}

/// Below this length an embedding is left as it is, as in the original.
const UNIT_FLOOR: f32 = 1e-12;

impl Pooling {
    pub(super) fn read(folder: Folder<'_>) -> Result<Self, EncoderError> {
        let mut pooling = Self { mode: Mode::Mean, is_unit: false, max_ids: max_ids(folder)? };
        if !folder.has(MODULES) {
            return Ok(pooling);
        }
        let modules_in = folder.path(MODULES);
        let modules: Vec<Module> = parse(&modules_in, &folder.read(MODULES)?)?;
        for module in modules {
            // "./1_Pooling" is the folder "1_Pooling", by which an artifact knows it.
            let place: PathBuf =
                Path::new(&module.path).components().filter(|part| *part != Component::CurDir).collect();
            match module.kind.rsplit('.').next().unwrap_or_default() {
                "Transformer" if place.as_os_str().is_empty() => {}
                "Pooling" => pooling.mode = mode(folder, &place.join(CONFIG))?,
                "Normalize" => pooling.is_unit = true,
                _ => {
                    return Err(EncoderError::Field {
                        path: modules_in,
                        key: "type",
                        expected: "Transformer (in the folder itself), Pooling or Normalize".to_owned(),
                        found: format!("{:?} in {:?}", module.kind, module.path),
                    });
                }
            }
        }
        Ok(pooling)
    }

    /// Pools the states of a text's tokens, at least one.
    pub(super) fn apply(&self, states: &[Vec<f32>]) -> Vec<f32> {
        let mut embedding = states[0].clone();
        if self.mode == Mode::Mean {
            for state in &states[1..] {
                embedding.iter_mut().zip(state).for_each(|(sum, number)| *sum += number);
            }
            #[expect(clippy::cast_precision_loss, reason = "a text has a few hundred tokens")]
            let n_states = states.len() as f32;
            embedding.iter_mut().for_each(|sum| *sum /= n_states);
        }
        if self.is_unit {
            let length = embedding.iter().map(|number| number * number).sum::<f32>().sqrt().max(UNIT_FLOOR);
            embedding.iter_mut().for_each(|number| *number /= length);
        }
        embedding
    }
}

/// How many ids of a text the original reads; what the model has positions for comes on top.
fn max_ids(folder: Folder<'_>) -> Result<usize, EncoderError> {
    if folder.has(SENTENCE) {
        let sentence_in = folder.path(SENTENCE);
        let sentence: Sentence = parse(&sentence_in, &folder.read(SENTENCE)?)?;
        if sentence.do_lower_case {
            return Err(unsupported(sentence_in, "do_lower_case", "false, with the case left to tokenizer.json"));
        }
        if let Some(max_ids) = sentence.max_seq_length {
            return Ok(max_ids);
        }
    }
    if !folder.has(TOKENIZER) {
        return Ok(usize::MAX);
    }
    let tokenizer: Value = parse(&folder.path(TOKENIZER), &folder.read(TOKENIZER)?)?;
    // Where there is no limit the original writes a number beyond all integers.
    let max_ids = tokenizer["model_max_length"].as_u64().and_then(|max| usize::try_from(max).ok());
    Ok(max_ids.unwrap_or(usize::MAX))
}

fn mode(folder: Folder<'_>, name: &Path) -> Result<Mode, EncoderError> {
    let path = folder.path(name);
    let config: PoolingText = parse(&path, &folder.read(name)?)?;
    let modes = [
        ("cls", config.cls),
        ("mean", config.mean),
        ("max", config.max),
        ("mean_sqrt_len", config.mean_sqrt_len),
        ("weightedmean", config.weighted_mean),
        ("lasttoken", config.last),
    ];
    let mut chosen: Vec<String> =
        modes.iter().filter(|(_, is_on)| *is_on).map(|(name, _)| (*name).to_owned()).collect();
    chosen.extend(config.named); // Newer versions name it instead.
    match chosen.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["mean"] => Ok(Mode::Mean),
        ["cls"] => Ok(Mode::First),
        _ => Err(EncoderError::Field {
            path,
            key: "pooling_mode",
            expected: "mean alone, or cls alone".to_owned(),
            found: if chosen.is_empty() { "none".to_owned() } else { chosen.join(" and ") },
        }),
    }
}

fn unsupported(path: PathBuf, key: &'static str, expected: &str) -> EncoderError {
    EncoderError::Field { path, key, expected: expected.to_owned(), found: "true".to_owned() }
}

#[derive(Deserialize)]
struct Module {
    path: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Sentence {
    max_seq_length: Option<usize>,
    #[serde(default)]
    do_lower_case: bool,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct PoolingText {
    #[serde(rename = "pooling_mode_cls_token")]
    cls: bool,
    #[serde(rename = "pooling_mode_mean_tokens")]
    mean: bool,
    #[serde(rename = "pooling_mode_max_tokens")]
    max: bool,
    #[serde(rename = "pooling_mode_mean_sqrt_len_tokens")]
    mean_sqrt_len: bool,
    #[serde(rename = "pooling_mode_weightedmean_tokens")]
    weighted_mean: bool,
    #[serde(rename = "pooling_mode_lasttoken")]
    last: bool,
    #[serde(rename = "pooling_mode")]
    named: Option<String>,
}
