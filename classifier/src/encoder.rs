//! From text to an embedding: a table of word pieces that is looked up and averaged, or a BERT-family directory that is
//! run. The table is plain loops and gives the same bits on any machine; what runs through candle does not, quite.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use self::folder::Folder;
use crate::tokens::TokensError;

mod bert;
mod folder;
mod table;

pub use self::bert::Bert;
pub use self::table::{SCHEMA, Table, digest};

/// What describes a table; a directory that holds one is a table.
pub const DESCRIPTION: &str = "encoder.json";

/// The tensors of a table.
pub const TENSORS: &str = "encoder.safetensors";

/// The tokenizer, of a table and of a BERT-family directory alike.
pub const TOKENIZER: &str = "tokenizer.json";

/// An encoder.
#[derive(Debug)]
pub enum Encoder {
    /// A table of word pieces.
    Table(Table),
    /// A BERT-family directory.
    Bert(Box<Bert>),
}

/// Why files are no encoder.
#[derive(Debug, thiserror::Error)]
pub enum EncoderError {
    /// A file that cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A directory that holds no encoder.
    #[error("{path}: expected encoder.json (a table) or config.json (a BERT-family encoder), found neither")]
    Nothing {
        /// The directory.
        path: PathBuf,
    },
    /// A file that is not of its format.
    #[error("{path}: {complaint}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What the parser says.
        complaint: String,
    },
    /// A key with a value that cannot be used.
    #[error("{path}, {key}: expected {expected}, found {found}")]
    Field {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// What could be used.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A tensor that is missing, of another shape, of another type, or not finite.
    #[error("{path}, tensor \"{tensor}\": expected {expected}, found {found}")]
    Tensor {
        /// The file.
        path: PathBuf,
        /// The name of the tensor.
        tensor: String,
        /// What could be used.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A tokenizer that cannot be used.
    #[error("{path}: {source}")]
    Tokens {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: TokensError,
    },
}

impl Encoder {
    /// Reads a directory: the one that `distill` wrote, or any BERT-family encoder with `config.json`,
    /// `tokenizer.json` and `model.safetensors`.
    ///
    /// # Errors
    /// A file is missing or cannot be used; the error names it, what was expected and what was found.
    pub fn read(directory: &Path) -> Result<Self, EncoderError> {
        Self::of(Folder::on_disk(directory))
    }

    /// The same from files that were read before, by their place in the directory, which is for complaints.
    ///
    /// # Errors
    /// As [`Encoder::read`].
    pub fn of_files(directory: &Path, files: &BTreeMap<&Path, &[u8]>) -> Result<Self, EncoderError> {
        Self::of(Folder::of_files(directory, files))
    }

    fn of(folder: Folder<'_>) -> Result<Self, EncoderError> {
        if folder.has(DESCRIPTION) {
            Table::of(folder).map(Self::Table)
        } else if folder.has(bert::CONFIG) {
            Bert::of(folder).map(|bert| Self::Bert(Box::new(bert)))
        } else {
            let path = folder.directory().to_owned();
            // A folder that does not exist is said to be so, rather than to lack files.
            match std::fs::read_dir(&path) {
                Err(source) => Err(EncoderError::Read { path, source }),
                Ok(_) => Err(EncoderError::Nothing { path }),
            }
        }
    }

    /// A table from the contents of its three files.
    ///
    /// # Errors
    /// As [`Encoder::read`]; files are called by their names alone.
    pub fn from_bytes(description: &[u8], tensors: &[u8], tokenizer: &[u8]) -> Result<Self, EncoderError> {
        Table::from_bytes(description, tensors, tokenizer).map(Self::Table)
    }

    /// The numbers of an embedding.
    pub fn dims(&self) -> usize {
        match self {
            Self::Table(table) => table.dims(),
            Self::Bert(bert) => bert.dims(),
        }
    }

    /// An embedding for each text. It does not depend on the text's company: of a table to the bit, of BERT to 1e-6.
    pub fn embed(&self, texts: &[&str]) -> Vec<Vec<f32>> {
        match self {
            Self::Table(table) => table.embed(texts),
            Self::Bert(bert) => bert.embed(texts),
        }
    }
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, EncoderError> {
    let format =
        |error: serde_json::Error| EncoderError::Format { path: path.to_owned(), complaint: error.to_string() };
    serde_json::from_slice(bytes).map_err(format)
}
