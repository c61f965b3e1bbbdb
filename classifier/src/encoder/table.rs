//! A static table: one row of small integers for each word piece, its scale, and the weight with which it counts. A text
//! is the weighted mean of its pieces. Rows are stored without their weights, so that they can be pooled in other ways.

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::folder::Folder;
use super::{DESCRIPTION, EncoderError, TENSORS, TOKENIZER, parse};
use crate::tokens::Tokenizer;

/// The version of a table's files that this build reads.
pub const SCHEMA: u32 = 1;

/// The ids at the beginning of a text that [`Table::embed`] reads. Beyond a few hundred the mean hardly moves.
const HEAD_IDS: usize = 384;

/// The ids at its end, where a long prompt usually asks its question.
const TAIL_IDS: usize = 128;

/// A table of word pieces.
#[derive(Debug)]
pub struct Table {
    tokenizer: Tokenizer,
    dims: usize,
    rows: Vec<i8>,
    scales: Vec<f32>,
    weights: Vec<f32>,
}

/// The parts of the description that the table is read by; the rest is for people.
#[derive(Deserialize)]
struct Description {
    schema: u32,
    kind: String,
    dims: usize,
    pieces: usize,
    files: BTreeMap<String, String>,
}

impl Table {
    /// The table that `distill` wrote into a folder.
    pub(super) fn of(folder: Folder<'_>) -> Result<Self, EncoderError> {
        let [described_in, tensors_in, tokenizer_in] = [DESCRIPTION, TENSORS, TOKENIZER].map(|name| folder.path(name));
        let contents = (folder.read(DESCRIPTION)?, folder.read(TENSORS)?, folder.read(TOKENIZER)?);
        Self::checked([&described_in, &tensors_in, &tokenizer_in], (&contents.0, &contents.1, &contents.2))
    }

    /// A table from the contents of its three files.
    ///
    /// # Errors
    /// One of them cannot be used.
    pub fn from_bytes(description: &[u8], tensors: &[u8], tokenizer: &[u8]) -> Result<Self, EncoderError> {
        let paths = [DESCRIPTION, TENSORS, TOKENIZER].map(Path::new);
        Self::checked(paths, (description, tensors, tokenizer))
    }

    fn checked(paths: [&Path; 3], contents: (&[u8], &[u8], &[u8])) -> Result<Self, EncoderError> {
        let [described_in, tensors_in, tokenizer_in] = paths;
        let described: Description = parse(described_in, contents.0)?;
        described.check(described_in)?;
        for (name, path, bytes) in [(TENSORS, tensors_in, contents.1), (TOKENIZER, tokenizer_in, contents.2)] {
            described.check_digest(name, path, bytes)?;
        }
        let Description { dims, pieces, .. } = described;
        let tensors = SafeTensors::deserialize(contents.1).map_err(|error| EncoderError::Format {
            path: tensors_in.to_owned(),
            complaint: format!("expected tensors in the safetensors format, found {error}"),
        })?;
        let rows = tensor(tensors_in, &tensors, "table", Dtype::I8, &[pieces, dims])?;
        let rows = rows.data().iter().map(|byte| byte.cast_signed()).collect();
        let scales = numbers(tensors_in, &tensors, "scale", pieces)?;
        let weights = numbers(tensors_in, &tensors, "weight", pieces)?;
        let tokenizer = Tokenizer::from_json(contents.2)
            .map_err(|source| EncoderError::Tokens { path: tokenizer_in.to_owned(), source })?;
        if tokenizer.n_pieces() > pieces {
            return Err(EncoderError::Field {
                path: tokenizer_in.to_owned(),
                key: "model.vocab",
                expected: format!("ids below {pieces}, one for each row of the table"),
                found: format!("id {}", tokenizer.n_pieces() - 1),
            });
        }
        Ok(Self { tokenizer, dims, rows, scales, weights })
    }

    /// The numbers of an embedding.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// The word pieces.
    pub fn n_pieces(&self) -> usize {
        self.scales.len()
    }

    /// The tokenizer whose ids are rows of this table.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The weight of each piece: near 1 for a rare one, near 0 for one that is in every text.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Adds `factor` times the row of a piece to some numbers, as many as there are dimensions. A piece that the table
    /// does not have adds nothing.
    pub fn add_row(&self, piece: u32, factor: f32, to: &mut [f32]) {
        let piece = piece as usize;
        let Some(scale) = self.scales.get(piece) else { return };
        let factor = factor * scale;
        let row = &self.rows[piece * self.dims..(piece + 1) * self.dims];
        for (sum, number) in to.iter_mut().zip(row) {
            *sum += factor * f32::from(*number);
        }
    }

    /// The mean of the rows of some pieces, each counted by its weight. Of no pieces, or only weightless ones, zeros.
    pub fn pooled(&self, ids: &[u32]) -> Vec<f32> {
        let mut mean = vec![0.0; self.dims];
        let mut total = 0.0;
        for id in ids {
            let Some(weight) = self.weights.get(*id as usize) else { continue };
            self.add_row(*id, *weight, &mut mean);
            total += weight;
        }
        if total > 0.0 {
            mean.iter_mut().for_each(|number| *number /= total);
        }
        mean
    }

    /// The pooled pieces of each text: of a long one, those at its beginning and its end.
    pub fn embed(&self, texts: &[&str]) -> Vec<Vec<f32>> {
        texts.iter().map(|text| self.pooled(&self.tokenizer.ids(text, HEAD_IDS, TAIL_IDS))).collect()
    }
}

impl Description {
    fn check(&self, path: &Path) -> Result<(), EncoderError> {
        let field = |key, expected: String, found: String| {
            Err(EncoderError::Field { path: path.to_owned(), key, expected, found })
        };
        if self.schema != SCHEMA {
            return field("schema", format!("{SCHEMA}, which this build reads"), self.schema.to_string());
        }
        if self.kind != "table" {
            return field("kind", "\"table\"".to_owned(), format!("{:?}", self.kind));
        }
        for (key, count) in [("dims", self.dims), ("pieces", self.pieces)] {
            if count == 0 {
                return field(key, "at least 1".to_owned(), "0".to_owned());
            }
        }
        Ok(())
    }

    /// Files are published one by one; the digests tell when one of another table stands among them, or a broken one.
    fn check_digest(&self, name: &'static str, path: &Path, bytes: &[u8]) -> Result<(), EncoderError> {
        let found = digest(bytes);
        match self.files.get(name) {
            Some(expected) if *expected == found => Ok(()),
            expected => Err(EncoderError::Field {
                path: path.to_owned(),
                key: "digest",
                expected: expected.cloned().unwrap_or_else(|| format!("a digest of {name} in {DESCRIPTION}")),
                found,
            }),
        }
    }
}

/// The digest of a file's contents, as `sha256:` and 64 hexadecimal digits.
pub fn digest(bytes: &[u8]) -> String {
    let digits = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("sha256:{digits}")
}

fn tensor<'a>(
    path: &Path,
    tensors: &SafeTensors<'a>,
    name: &str,
    dtype: Dtype,
    shape: &[usize],
) -> Result<TensorView<'a>, EncoderError> {
    let wrong = |found: String| EncoderError::Tensor {
        path: path.to_owned(),
        tensor: name.to_owned(),
        expected: format!("{dtype:?} {shape:?}"),
        found,
    };
    let view = tensors.tensor(name).map_err(|_| wrong("none".to_owned()))?;
    if view.dtype() == dtype && view.shape() == shape {
        Ok(view)
    } else {
        Err(wrong(format!("{:?} {:?}", view.dtype(), view.shape())))
    }
}

/// A tensor of numbers that are finite and not negative.
fn numbers(path: &Path, tensors: &SafeTensors<'_>, name: &str, count: usize) -> Result<Vec<f32>, EncoderError> {
    let view = tensor(path, tensors, name, Dtype::F32, &[count])?;
    let (bytes, _) = view.data().as_chunks::<4>();
    let numbers: Vec<f32> = bytes.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    match numbers.iter().position(|number| !(number.is_finite() && *number >= 0.0)) {
        None => Ok(numbers),
        Some(piece) => Err(EncoderError::Tensor {
            path: path.to_owned(),
            tensor: name.to_owned(),
            expected: "finite numbers of 0 or more".to_owned(),
            found: format!("{} for piece {piece}", numbers[piece]),
        }),
    }
}

#[cfg(test)]
mod tests;
