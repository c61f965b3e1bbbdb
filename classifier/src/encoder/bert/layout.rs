//! The families of BERT as one: what `config.json` says, and how the tensors of each family are called. They compute the
//! same; RoBERTa's positions begin later, and DistilBERT has no segments. candle has models of its own for the two, but
//! its DistilBERT rounds the activation (tanh for erf) and so misses the original by 1e-3.

use std::path::Path;

use serde::Deserialize;

use super::super::{EncoderError, parse};

/// A model, whatever its family.
#[derive(Debug)]
pub(super) struct Layout {
    family: Family,
    pub(super) n_pieces: usize,
    pub(super) dims: usize,
    pub(super) n_layers: usize,
    pub(super) n_heads: usize,
    pub(super) n_inner: usize,
    /// Positions that a text can have, those that are skipped not counted.
    pub(super) n_positions: usize,
    n_skipped_positions: usize,
    pub(super) n_segments: usize,
    pub(super) norm_floor: f64,
    pub(super) pad_id: u32,
    pub(super) activation: Activation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Bert,
    Roberta,
    DistilBert,
}

/// The activation between the inner layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activation {
    /// By the error function.
    Gelu,
    /// By tanh.
    GeluTanh,
    /// Cut off below zero.
    Relu,
}

/// A tensor that is needed.
#[derive(Debug)]
pub(super) struct Wanted {
    /// BERT's name.
    pub(super) name: String,
    /// The family's names, without prefix; the usual one first.
    pub(super) called: Vec<String>,
    pub(super) shape: Vec<usize>,
    /// Rows at the beginning that the file has on top and that are not used.
    pub(super) n_skipped: usize,
}

/// How large a number of `config.json` may be: far beyond any encoder, and far below what overflows.
const MAX_COUNT: usize = 1 << 24;

/// Every family has it, under this name, behind the prefix.
const MARK: &str = "embeddings.word_embeddings.weight";

/// Reads `config.json`.
pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Layout, EncoderError> {
    let text: ConfigText = parse(path, bytes)?;
    let family = match text.model_type.as_str() {
        "bert" => Family::Bert,
        "roberta" | "xlm-roberta" | "camembert" => Family::Roberta,
        "distilbert" => Family::DistilBert,
        other => {
            let expected = "bert, roberta, xlm-roberta, camembert or distilbert";
            return Err(field(path, "model_type", expected, &format!("{other:?}")));
        }
    };
    let positions = text.position_embedding_type.as_deref().unwrap_or("absolute");
    if positions != "absolute" {
        return Err(field(path, "position_embedding_type", "\"absolute\"", &format!("{positions:?}")));
    }
    let activation = match text.hidden_act.as_str() {
        "gelu" => Activation::Gelu,
        "gelu_new" | "gelu_fast" | "gelu_pytorch_tanh" => Activation::GeluTanh,
        "relu" => Activation::Relu,
        other => return Err(field(path, "hidden_act", "gelu, gelu_new or relu", &format!("{other:?}"))),
    };
    let norm_floor = text.layer_norm_eps.unwrap_or(1e-12); // DistilBERT does not write it.
    if !(norm_floor > 0.0 && norm_floor < 1.0) {
        return Err(field(path, "layer_norm_eps", "a number above 0 and below 1", &norm_floor.to_string()));
    }
    // RoBERTa's positions begin behind the padding's id.
    let n_skipped_positions = if family == Family::Roberta { text.pad_token_id as usize + 1 } else { 0 };
    let layout = Layout {
        family,
        n_pieces: text.vocab_size,
        dims: text.hidden_size,
        n_layers: text.num_hidden_layers,
        n_heads: text.num_attention_heads,
        n_inner: text.intermediate_size,
        n_positions: text.max_position_embeddings.saturating_sub(n_skipped_positions),
        n_skipped_positions,
        n_segments: if family == Family::DistilBert { 1 } else { text.type_vocab_size.unwrap_or(2) },
        norm_floor,
        pad_id: text.pad_token_id,
        activation,
    };
    layout.check(path)?;
    Ok(layout)
}

impl Layout {
    fn check(&self, path: &Path) -> Result<(), EncoderError> {
        for (key, count) in [
            ("vocab_size", self.n_pieces),
            ("hidden_size", self.dims),
            ("num_hidden_layers", self.n_layers),
            ("num_attention_heads", self.n_heads),
            ("intermediate_size", self.n_inner),
            ("max_position_embeddings", self.n_positions),
            ("type_vocab_size", self.n_segments),
        ] {
            if count == 0 || count > MAX_COUNT {
                return Err(field(path, key, &format!("a count of 1 to {MAX_COUNT}"), &count.to_string()));
            }
        }
        if !self.dims.is_multiple_of(self.n_heads) {
            let expected = format!("a divisor of hidden_size, which is {}", self.dims);
            return Err(field(path, "num_attention_heads", &expected, &self.n_heads.to_string()));
        }
        if self.pad_id as usize >= self.n_pieces {
            return Err(field(path, "pad_token_id", "an id below vocab_size", &self.pad_id.to_string()));
        }
        Ok(())
    }

    /// What stands before the names of the tensors in a file: nothing, or the name of a larger model around.
    pub(super) fn prefix(&self, names: &[&str]) -> Result<String, (String, String)> {
        let prefix = names.iter().find_map(|name| name.strip_suffix(MARK));
        prefix.map(str::to_owned).ok_or_else(|| (MARK.to_owned(), "the embeddings of word pieces".to_owned()))
    }

    /// The tensors that are needed.
    pub(super) fn wanted(&self) -> Vec<Wanted> {
        let (dims, inner) = (self.dims, self.n_inner);
        let mut wanted = vec![
            self.matrix("embeddings.word_embeddings", "embeddings.word_embeddings", self.n_pieces, dims),
            Wanted {
                n_skipped: self.n_skipped_positions,
                ..self.matrix(
                    "embeddings.position_embeddings",
                    "embeddings.position_embeddings",
                    self.n_positions,
                    dims,
                )
            },
        ];
        if self.family != Family::DistilBert {
            wanted.push(self.matrix(SEGMENTS, SEGMENTS, self.n_segments, dims));
        }
        wanted.extend(norm("embeddings.LayerNorm", "embeddings.LayerNorm", dims));
        for layer in 0..self.n_layers {
            for (ours, theirs) in [
                ("attention.self.query", "attention.q_lin"),
                ("attention.self.key", "attention.k_lin"),
                ("attention.self.value", "attention.v_lin"),
                ("attention.output.dense", "attention.out_lin"),
            ] {
                wanted.extend(self.linear(layer, ours, theirs, (dims, dims)));
            }
            wanted.extend(self.linear(layer, "intermediate.dense", "ffn.lin1", (inner, dims)));
            wanted.extend(self.linear(layer, "output.dense", "ffn.lin2", (dims, inner)));
            for (ours, theirs) in
                [("attention.output.LayerNorm", "sa_layer_norm"), ("output.LayerNorm", "output_layer_norm")]
            {
                let (ours, theirs) = self.within(layer, ours, theirs);
                wanted.extend(norm(&ours, &theirs, dims));
            }
        }
        wanted
    }

    /// A tensor that the family lacks and BERT adds: zeros change nothing.
    pub(super) fn filled_with_zeros(&self) -> Option<(String, Vec<usize>)> {
        (self.family == Family::DistilBert).then(|| (format!("{SEGMENTS}.weight"), vec![self.n_segments, self.dims]))
    }

    fn matrix(&self, ours: &str, theirs: &str, rows: usize, columns: usize) -> Wanted {
        Wanted {
            name: format!("{ours}.weight"),
            called: vec![format!("{theirs}.weight")],
            shape: vec![rows, columns],
            n_skipped: 0,
        }
    }

    fn linear(&self, layer: usize, ours: &str, theirs: &str, (out, into): (usize, usize)) -> [Wanted; 2] {
        let (ours, theirs) = self.within(layer, ours, theirs);
        let bias = Wanted {
            name: format!("{ours}.bias"),
            called: vec![format!("{theirs}.bias")],
            shape: vec![out],
            n_skipped: 0,
        };
        [self.matrix(&ours, &theirs, out, into), bias]
    }

    fn within(&self, layer: usize, ours: &str, distil: &str) -> (String, String) {
        let name = format!("encoder.layer.{layer}.{ours}");
        match self.family {
            Family::Bert | Family::Roberta => (name.clone(), name),
            Family::DistilBert => (name, format!("transformer.layer.{layer}.{distil}")),
        }
    }
}

/// The embeddings of first and second sentence.
const SEGMENTS: &str = "embeddings.token_type_embeddings";

/// The two vectors of a layer norm; files converted from TensorFlow call them by Greek letters.
fn norm(ours: &str, theirs: &str, dims: usize) -> [Wanted; 2] {
    [("weight", "gamma"), ("bias", "beta")].map(|(part, greek)| Wanted {
        name: format!("{ours}.{part}"),
        called: vec![format!("{theirs}.{part}"), format!("{theirs}.{greek}")],
        shape: vec![dims],
        n_skipped: 0,
    })
}

fn field(path: &Path, key: &'static str, expected: &str, found: &str) -> EncoderError {
    EncoderError::Field { path: path.to_owned(), key, expected: expected.to_owned(), found: found.to_owned() }
}

/// `config.json`, as far as it is read. DistilBERT has names of its own.
#[derive(Deserialize)]
struct ConfigText {
    model_type: String,
    vocab_size: usize,
    #[serde(alias = "dim")]
    hidden_size: usize,
    #[serde(alias = "n_layers")]
    num_hidden_layers: usize,
    #[serde(alias = "n_heads")]
    num_attention_heads: usize,
    #[serde(alias = "hidden_dim")]
    intermediate_size: usize,
    #[serde(alias = "activation")]
    hidden_act: String,
    max_position_embeddings: usize,
    type_vocab_size: Option<usize>,
    layer_norm_eps: Option<f64>,
    #[serde(default)]
    pad_token_id: u32,
    position_embedding_type: Option<String>,
}
