//! Makes the table that classifiers carry with them out of a large sentence encoder, its teacher: every word piece is
//! embedded alone, the embeddings are turned to their few main directions and rounded to bytes. How much a piece counts is
//! kept beside its row. Nothing here is drawn by chance: the same teacher, prompts and dimensions give the same bytes.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use classifier::encoder::{Bert, DESCRIPTION, Encoder, EncoderError, TENSORS, TOKENIZER, digest};
use classifier::tokens::{Tokenizer, TokensError};
use training_data::publish::Staged;
use training_data::row::Text;
use training_data::split::SplitError;

use self::components::Components;
use self::description::Teacher;
use self::frequencies::Frequencies;

mod components;
mod description;
mod frequencies;
mod tokenizer;

pub use self::frequencies::{Census, prompts};

/// The dimensions of a table where nobody says otherwise: of 384, the first 64 hold most of what the pieces differ by,
/// and a table of 30,000 pieces stays at two megabytes.
pub const DIMS: usize = 64;

/// Pieces that are embedded between two reports of progress.
const PIECES_AT_ONCE: usize = 1024;

/// The largest step of a row: a signed byte without -128, so that rounding is the same on both sides of zero.
const MAX_STEP: f32 = 127.0;

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Prompts are counted.
    Prompts {
        /// Different ones so far.
        n_done: usize,
    },
    /// Pieces are embedded.
    Pieces {
        /// So far.
        n_done: usize,
        /// All.
        n_pieces: usize,
    },
    /// The main directions are looked for.
    Components,
}

/// Why nothing was distilled.
#[derive(Debug, thiserror::Error)]
pub enum DistillError {
    /// The teacher cannot be used.
    #[error(transparent)]
    Teacher(#[from] EncoderError),
    /// The teacher is a table already.
    #[error("{path}: expected a BERT-family encoder as the teacher, found a table")]
    TableTeacher {
        /// The directory.
        path: PathBuf,
    },
    /// More dimensions than the teacher has, or none.
    #[error("expected 1 to {n_teacher} dimensions, as many as the teacher has, found {found}")]
    Dims {
        /// The dimensions of the teacher.
        n_teacher: usize,
        /// The dimensions asked for.
        found: usize,
    },
    /// A file that cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The teacher's tokenizer cannot be used.
    #[error("{path}: {source}")]
    Tokens {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: TokensError,
    },
    /// The rows of the prompts cannot be read.
    #[error(transparent)]
    Prompts(#[from] SplitError),
    /// There are no prompts among the rows.
    #[error("expected prompts to count word pieces in, found none")]
    NoPrompts,
}

/// A table that was made, and how.
#[derive(Debug)]
pub struct Distilled {
    tensors: Vec<u8>,
    tokenizer: Vec<u8>,
    description: Vec<u8>,
    /// The name of the teacher.
    pub teacher: String,
    /// Its licence, as its own description states it.
    pub licence: Option<String>,
    /// The word pieces.
    pub n_pieces: usize,
    /// The dimensions.
    pub dims: usize,
    /// The share of the pieces' variance that the dimensions keep.
    pub variance_kept: f64,
    /// The prompts that were counted, if any.
    pub census: Option<Census>,
}

/// Makes a table of so many dimensions from a teacher's directory. With prompts, a piece counts by how rare it is in
/// them; without, by its rank in the vocabulary, which is roughly by frequency.
///
/// # Errors
/// The teacher or the prompts cannot be read, or the dimensions are more than the teacher's.
pub fn distill(
    teacher_in: &Path,
    dims: usize,
    prompts: Option<&mut dyn Iterator<Item = Result<Text, SplitError>>>,
    progress: &mut dyn FnMut(Stage),
) -> Result<Distilled, DistillError> {
    let Encoder::Bert(bert) = Encoder::read(teacher_in)? else {
        return Err(DistillError::TableTeacher { path: teacher_in.to_owned() });
    };
    if dims == 0 || dims > bert.dims() {
        return Err(DistillError::Dims { n_teacher: bert.dims(), found: dims });
    }
    let teacher = Teacher::read(teacher_in, bert.dims())?;
    let tokenizer_in = teacher_in.join(TOKENIZER);
    let tokenizer_text = std::fs::read(&tokenizer_in).map_err(file(&tokenizer_in))?;
    let broken = |source| DistillError::Tokens { path: tokenizer_in.clone(), source };
    let minimal = tokenizer::minimal(&tokenizer_text).map_err(broken)?;
    let tokenizer = Tokenizer::from_json(&minimal).map_err(broken)?;
    let frequencies = match prompts {
        Some(prompts) => Frequencies::of_prompts(&tokenizer, prompts, progress)?,
        None => Frequencies::of_ranks(&tokenizer::ranks(&minimal, tokenizer.n_pieces())),
    };
    let rows = embedded(&bert, tokenizer.n_pieces(), progress);
    progress(Stage::Components);
    let components = Components::of(&rows, dims);
    let table = Rounded::of(rows.iter().map(|row| components.project(row)));
    let tensors = table.tensors(dims, &frequencies.weights());
    let mut distilled = Distilled {
        tensors,
        tokenizer: minimal,
        description: Vec::new(),
        teacher: teacher.name.clone(),
        licence: teacher.licence.clone(),
        n_pieces: rows.len(),
        dims,
        variance_kept: components.variance_kept,
        census: frequencies.census,
    };
    let files = [(TENSORS, digest(&distilled.tensors)), (TOKENIZER, digest(&distilled.tokenizer))];
    distilled.description = description::text(&teacher, &distilled, files);
    Ok(distilled)
}

impl Distilled {
    /// Writes the table into a directory, which is made if it does not exist. Each file appears whole or not at all, the
    /// description last; it holds the digests of the others, so that a mixture of two tables is refused when read.
    ///
    /// # Errors
    /// The directory cannot be written to.
    pub fn publish(&self, directory: &Path) -> Result<(), DistillError> {
        std::fs::create_dir_all(directory).map_err(file(directory))?;
        let files = [(TENSORS, &self.tensors), (TOKENIZER, &self.tokenizer), (DESCRIPTION, &self.description)];
        let mut staged = Vec::new();
        for (name, bytes) in files {
            let path = directory.join(name);
            let write = || {
                let mut staged = Staged::create(&path)?;
                staged.write_all(bytes)?;
                staged.flush()?;
                Ok(staged)
            };
            staged.push((path.clone(), write().map_err(file(&path))?));
        }
        staged.into_iter().try_for_each(|(path, staged)| staged.publish().map_err(file(&path)))
    }

    /// The bytes that [`Distilled::publish`] writes.
    pub fn n_bytes(&self) -> usize {
        self.tensors.len() + self.tokenizer.len() + self.description.len()
    }
}

/// Every piece as the teacher sees it, of length 1: how far a piece leans, not how loud it is, is what tells pieces apart.
/// Tokens that the teacher was taught beside its vocabulary are none of the table's.
fn embedded(bert: &Bert, n_pieces: usize, progress: &mut dyn FnMut(Stage)) -> Vec<Vec<f64>> {
    let pieces: Vec<u32> = (0..n_pieces).map(|piece| u32::try_from(piece).expect("ids are u32")).collect();
    let mut rows = Vec::with_capacity(n_pieces);
    progress(Stage::Pieces { n_done: 0, n_pieces });
    for pieces in pieces.chunks(PIECES_AT_ONCE) {
        rows.extend(bert.embed_pieces(pieces).iter().map(|embedding| unit(embedding)));
        progress(Stage::Pieces { n_done: rows.len(), n_pieces });
    }
    rows
}

fn unit(embedding: &[f32]) -> Vec<f64> {
    let length = embedding.iter().map(|number| f64::from(*number).powi(2)).sum::<f64>().sqrt();
    let factor = if length > 0.0 { 1.0 / length } else { 0.0 };
    embedding.iter().map(|number| f64::from(*number) * factor).collect()
}

/// Rows of signed bytes, each with its scale.
#[derive(Default)]
struct Rounded {
    steps: Vec<i8>,
    scales: Vec<f32>,
}

impl Rounded {
    fn of(rows: impl Iterator<Item = Vec<f32>>) -> Self {
        let mut rounded = Self::default();
        for row in rows {
            let largest = row.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
            let scale = largest / MAX_STEP;
            let step = |number: &f32| if scale > 0.0 { number / scale } else { 0.0 };
            #[expect(clippy::cast_possible_truncation, reason = "held within -127 and 127")]
            rounded.steps.extend(row.iter().map(|number| step(number).round().clamp(-MAX_STEP, MAX_STEP) as i8));
            rounded.scales.push(scale);
        }
        rounded
    }

    fn tensors(&self, dims: usize, weights: &[f32]) -> Vec<u8> {
        use safetensors::{Dtype, tensor::TensorView};
        let steps: Vec<u8> = self.steps.iter().map(|step| step.cast_unsigned()).collect();
        let bytes = |numbers: &[f32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
        let (scales, weights) = (bytes(&self.scales), bytes(weights));
        let n_pieces = self.scales.len();
        let view = |dtype, shape, bytes| TensorView::new(dtype, shape, bytes).expect("as many bytes as the shape says");
        let tensors = [
            ("table", view(Dtype::I8, vec![n_pieces, dims], steps.as_slice())),
            ("scale", view(Dtype::F32, vec![n_pieces], scales.as_slice())),
            ("weight", view(Dtype::F32, vec![n_pieces], weights.as_slice())),
        ];
        safetensors::serialize(tensors, None).expect("three tensors with names of their own")
    }
}

fn file(path: &Path) -> impl Fn(io::Error) -> DistillError {
    move |source| DistillError::File { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
