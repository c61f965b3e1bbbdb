//! BERT-family directories, run by candle on the processor. All families are brought to the shape of BERT on loading
//! (see `layout.rs`) and run by one model. Candle's types never leave this file. It takes as many threads as the process
//! has cores, or as `RAYON_NUM_THREADS` says.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config, HiddenAct, PositionEmbeddingType};
use safetensors::{Dtype, SafeTensors};

use self::layout::{Activation, Layout, Wanted};
use self::pooling::Pooling;
use super::folder::Folder;
use super::{EncoderError, TOKENIZER};
use crate::tokens::FramedTokenizer;

mod layout;
mod pooling;

/// What describes a BERT-family encoder; a directory that holds one is such an encoder.
pub(super) const CONFIG: &str = "config.json";

/// Its weights.
const WEIGHTS: &str = "model.safetensors";

/// Ids, padding included, that go through the model at once. Larger batches are no faster on a processor (measured on
/// MiniLM: 2,048 to 16,384 differ by less than 5 %), and this one keeps the attention of 12 heads below 100 MB.
const MAX_BATCH_IDS: usize = 4096;

/// A BERT-family encoder.
pub struct Bert {
    tokenizer: FramedTokenizer,
    model: BertModel,
    dims: usize,
    pad_id: u32,
    pooling: Pooling,
}

impl Bert {
    /// Reads a directory with `config.json`, `tokenizer.json` and `model.safetensors`. How its tokens are pooled is read
    /// from `modules.json` and its neighbours where they exist; else it is their mean.
    ///
    /// # Errors
    /// A file is missing or cannot be used.
    pub fn read(directory: &Path) -> Result<Self, EncoderError> {
        Self::of(Folder::on_disk(directory))
    }

    pub(super) fn of(folder: Folder<'_>) -> Result<Self, EncoderError> {
        let layout: Layout = layout::read(&folder.path(CONFIG), &folder.read(CONFIG)?)?;
        let pooling = Pooling::read(folder)?;
        let tokenizer_in = folder.path(TOKENIZER);
        let max_ids = layout.n_positions.min(pooling.max_ids);
        let tokenizer = FramedTokenizer::from_json(&folder.read(TOKENIZER)?, max_ids)
            .map_err(|source| EncoderError::Tokens { path: tokenizer_in.clone(), source })?;
        let refuse = |key, expected: String, found: String| {
            Err(EncoderError::Field { path: tokenizer_in.clone(), key, expected, found })
        };
        if tokenizer.n_pieces() > layout.n_pieces {
            let expected = format!("ids below {}, the vocab_size of {CONFIG}", layout.n_pieces);
            return refuse("model.vocab", expected, format!("id {}", tokenizer.n_pieces() - 1));
        }
        if let Some(id) = tokenizer.highest_of_frame().filter(|id| *id as usize >= layout.n_pieces) {
            let expected = format!("ids below {}, the vocab_size of {CONFIG}", layout.n_pieces);
            return refuse("post_processor.special_tokens", expected, format!("id {id}"));
        }
        if tokenizer.n_frame() >= max_ids {
            let expected = format!("fewer special tokens than the {max_ids} ids of a text");
            return refuse("post_processor", expected, tokenizer.n_frame().to_string());
        }
        let model = load(&folder.path(WEIGHTS), &folder.read(WEIGHTS)?, &layout)?;
        Ok(Self { tokenizer, model, dims: layout.dims, pad_id: layout.pad_id, pooling })
    }

    /// The numbers of an embedding.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// The word pieces.
    pub fn n_pieces(&self) -> usize {
        self.tokenizer.n_pieces()
    }

    /// An embedding for each text. What is longer than the model reads is cut off at its end, as the original does.
    pub fn embed(&self, texts: &[&str]) -> Vec<Vec<f32>> {
        self.embed_ids(&texts.iter().map(|text| self.tokenizer.ids(text)).collect::<Vec<_>>())
    }

    /// An embedding for each word piece alone, as if it were a text. Pieces past [`Bert::n_pieces`] are not known to the
    /// model and give zeros.
    pub fn embed_pieces(&self, pieces: &[u32]) -> Vec<Vec<f32>> {
        let known = |piece: &u32| (*piece as usize) < self.n_pieces();
        let ids = |piece: &u32| if known(piece) { self.tokenizer.framed([*piece]) } else { Vec::new() };
        self.embed_ids(&pieces.iter().map(ids).collect::<Vec<_>>())
    }

    fn embed_ids(&self, texts: &[Vec<u32>]) -> Vec<Vec<f32>> {
        let mut embeddings = vec![vec![0.0; self.dims]; texts.len()];
        // Texts of like length share a batch, so that little padding is computed.
        let mut order: Vec<usize> = (0..texts.len()).filter(|at| !texts[*at].is_empty()).collect();
        order.sort_by_key(|at| texts[*at].len());
        let mut rest = order.as_slice();
        while !rest.is_empty() {
            let fits = |n: &usize| n * texts[rest[n - 1]].len() <= MAX_BATCH_IDS;
            let (batch, later) = rest.split_at((1..=rest.len()).take_while(fits).last().unwrap_or(1));
            let ids: Vec<&[u32]> = batch.iter().map(|at| texts[*at].as_slice()).collect();
            // All that the world can break (shapes, ids, lengths) was checked on loading.
            let embedded = self.run(&ids).expect("the model's shapes and the tokenizer's ids were checked on loading");
            for (at, embedding) in batch.iter().zip(embedded) {
                embeddings[*at] = embedding;
            }
            rest = later;
        }
        embeddings
    }

    fn run(&self, texts: &[&[u32]]) -> candle_core::Result<Vec<Vec<f32>>> {
        let longest = texts.iter().map(|ids| ids.len()).max().unwrap_or(0);
        let padded = |fill: u32, each: &dyn Fn(u32) -> u32| {
            let row = |ids: &&[u32]| {
                let mut row: Vec<u32> = ids.iter().map(|id| each(*id)).collect();
                row.resize(longest, fill);
                row
            };
            let all: Vec<u32> = texts.iter().flat_map(row).collect();
            Tensor::from_vec(all, (texts.len(), longest), &Device::Cpu)
        };
        let (ids, mask) = (padded(self.pad_id, &|id| id)?, padded(0, &|_| 1)?);
        let states = self.model.forward(&ids, &ids.zeros_like()?, Some(&mask))?.to_vec3::<f32>()?;
        let pooled = |(states, ids): (&Vec<Vec<f32>>, &&[u32])| self.pooling.apply(&states[..ids.len()]);
        Ok(states.iter().zip(texts).map(pooled).collect())
    }
}

impl std::fmt::Debug for Bert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bert").field("dims", &self.dims).field("pooling", &self.pooling).finish_non_exhaustive()
    }
}

/// The weights, under the names and in the shapes of BERT.
fn load(path: &Path, bytes: &[u8], layout: &Layout) -> Result<BertModel, EncoderError> {
    let format = |complaint: String| EncoderError::Format { path: path.to_owned(), complaint };
    let file = SafeTensors::deserialize(bytes)
        .map_err(|error| format(format!("expected tensors in the safetensors format, found {error}")))?;
    let prefix = layout.prefix(&file.names()).map_err(|(tensor, expected)| EncoderError::Tensor {
        path: path.to_owned(),
        tensor,
        expected,
        found: "none".to_owned(),
    })?;
    let mut tensors = HashMap::new();
    for wanted in layout.wanted() {
        let numbers = numbers(path, &file, &prefix, &wanted)?;
        let tensor = Tensor::from_vec(numbers, wanted.shape.as_slice(), &Device::Cpu);
        tensors.insert(wanted.name, tensor.map_err(|error| format(error.to_string()))?);
    }
    if let Some((name, shape)) = layout.filled_with_zeros() {
        let zeros = Tensor::zeros(shape.as_slice(), DType::F32, &Device::Cpu);
        tensors.insert(name, zeros.map_err(|error| format(error.to_string()))?);
    }
    let tensors = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
    BertModel::load(tensors, &config(layout)).map_err(|error| format(error.to_string()))
}

/// The numbers of one tensor, all finite, less the rows that are skipped.
fn numbers(path: &Path, file: &SafeTensors<'_>, prefix: &str, wanted: &Wanted) -> Result<Vec<f32>, EncoderError> {
    let named = |name: &String| format!("{prefix}{name}");
    let name = wanted.called.iter().map(named).find(|name| file.tensor(name).is_ok());
    let name = name.unwrap_or_else(|| named(&wanted.called[0]));
    let mut shape = wanted.shape.clone();
    shape[0] += wanted.n_skipped;
    let wrong = |expected: String, found: String| EncoderError::Tensor {
        path: PathBuf::from(path),
        tensor: name.clone(),
        expected,
        found,
    };
    let shaped = format!("F32, F16 or BF16 {shape:?}");
    let view = file.tensor(&name).map_err(|_| wrong(shaped.clone(), "none".to_owned()))?;
    let (data, kind) = (view.data(), view.dtype());
    if view.shape() != shape || !matches!(kind, Dtype::F32 | Dtype::F16 | Dtype::BF16) {
        return Err(wrong(shaped, format!("{kind:?} {:?}", view.shape())));
    }
    let mut numbers: Vec<f32> = match kind {
        Dtype::F32 => data.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        Dtype::F16 => data.as_chunks::<2>().0.iter().map(|bytes| f16_to_f32(u16::from_le_bytes(*bytes))).collect(),
        // A bfloat is the upper half of a float.
        _ => data.as_chunks::<2>().0.iter().map(|[low, high]| f32::from_le_bytes([0, 0, *low, *high])).collect(),
    };
    if let Some(at) = numbers.iter().position(|number| !number.is_finite()) {
        return Err(wrong("finite numbers".to_owned(), format!("{} at place {at}", numbers[at])));
    }
    let row: usize = shape[1..].iter().product();
    numbers.drain(..wanted.n_skipped * row);
    Ok(numbers)
}

/// A half-precision float, widened.
fn f16_to_f32(half: u16) -> f32 {
    let sign = if half >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(half >> 10 & 0x1f), f32::from(half & 0x3ff) / 1024.0);
    match exponent {
        0 => sign * fraction * 2_f32.powi(-14),
        31 if fraction > 0.0 => f32::NAN,
        31 => sign * f32::INFINITY,
        _ => sign * (1.0 + fraction) * 2_f32.powi(exponent - 15),
    }
}

fn config(layout: &Layout) -> Config {
    Config {
        vocab_size: layout.n_pieces,
        hidden_size: layout.dims,
        num_hidden_layers: layout.n_layers,
        num_attention_heads: layout.n_heads,
        intermediate_size: layout.n_inner,
        hidden_act: match layout.activation {
            Activation::Gelu => HiddenAct::Gelu,
            Activation::GeluTanh => HiddenAct::GeluApproximate,
            Activation::Relu => HiddenAct::Relu,
        },
        hidden_dropout_prob: 0.0,
        max_position_embeddings: layout.n_positions,
        type_vocab_size: layout.n_segments,
        initializer_range: 0.0,
        layer_norm_eps: layout.norm_floor,
        pad_token_id: layout.pad_id as usize,
        position_embedding_type: PositionEmbeddingType::Absolute,
        use_cache: false,
        classifier_dropout: None,
        model_type: None,
    }
}

#[cfg(test)]
mod tests;
