//! The trained files: a manifest, tensors and an encoder, checked whole before any of it is used. Files become parts and parts
//! become files without touching a disk; reading a directory is the only input here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use decision::ModelId;

use crate::abilities::Usual;
use crate::asked::Asked;
use crate::calibration::Calibration;
use crate::council::{Heard, Member};
use crate::encoder::{Encoder, EncoderError};
use crate::features::HAND_FEATURES;
use crate::heads::View;
use crate::lens::{Lens, Reading};
use crate::manner::{Manner, UsualManner, n_kinds};
use crate::ordinary::Ordinary;
use crate::trust::Trust;
use crate::unlikeness::Places;

mod built_in;
mod known;
mod manifest;
mod pack;
mod seal;

pub use built_in::{built_in_catalog, built_in_encoder};
pub use known::Known;
pub(crate) use known::is_log;

/// The version of the files. It rises when older builds could not read them.
pub const ARTIFACT_SCHEMA: u32 = 14;

/// The description, for programs and people.
pub const MANIFEST: &str = "manifest.json";

/// All weights.
pub const WEIGHTS: &str = "weights.safetensors";

/// The folder of the encoder.
pub const ENCODER: &str = "encoder";

/// Bytes that a manifest may have: thousands of models at some hundreds of bytes.
pub const MAX_MANIFEST_BYTES: u64 = 16 << 20;

/// Bytes that weights may have.
pub const MAX_WEIGHTS_BYTES: u64 = 1 << 30;

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
    /// Nothing is known: the mean of all models, taken at its lower bound.
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
    /// A file that is larger than any artifact's.
    #[error("{path}: expected at most {limit} bytes, found {found}")]
    TooLarge {
        /// The file.
        path: String,
        /// The limit.
        limit: u64,
        /// Its size.
        found: u64,
    },
    /// A manifest or weights that do not hold what they must.
    #[error("{file}, {place}: expected {expected}, found {found}")]
    Content {
        /// The file.
        file: &'static str,
        /// The key or tensor.
        place: String,
        /// What it should hold.
        expected: String,
        /// What it holds.
        found: String,
    },
    /// Files of another version.
    #[error(
        "{MANIFEST}, {key}: expected {expected}, which this build reads, found {found}; train it anew, or use the build that made it"
    )]
    Schema {
        /// Which version.
        key: &'static str,
        /// This build's.
        expected: u32,
        /// The files'.
        found: u32,
    },
    /// The encoder cannot be used.
    #[error("encoder: {0}")]
    Encoder(#[from] EncoderError),
}

/// A view with its weight in the blend and the abilities it found.
#[derive(Clone, Debug, PartialEq)]
pub struct Sight {
    /// How it sees prompts.
    pub view: View,
    /// Its factor in the blend of logits. Without meaning for the view of tokens.
    pub weight: f32,
    /// Row after row, a model each: bias, slope, abilities.
    pub abilities: Vec<f32>,
    /// What is usual among them.
    pub usual: Usual,
    /// What is ordinary about prompts in it. Without meaning for the view of tokens: lengths are forecast of what is peculiar, too.
    pub ordinary: Ordinary,
}

impl Sight {
    /// Numbers in a row of abilities.
    pub fn n_columns(&self) -> usize {
        1 + self.view.n_traits()
    }

    /// The abilities of a usual model.
    pub fn usual_row(&self) -> Vec<f32> {
        self.usual.row(self.view.link())
    }

    /// The abilities of a model.
    pub fn row(&self, model: usize) -> &[f32] {
        &self.abilities[model * self.n_columns()..][..self.n_columns()]
    }
}

/// Everything that training makes.
#[derive(Debug)]
pub struct Parts {
    /// How prompts are read.
    pub lens: Lens,
    /// The models, by name.
    pub models: Vec<Known>,
    /// The views that are blended.
    pub sights: Vec<Sight>,
    /// The view of the length of answers; its values are logarithms.
    pub tokens: Sight,
    /// Of which kinds of prompts it is known how long each model answers.
    pub manner: Manner,
    /// Which sources asked whom.
    pub asked: Asked,
    /// How far each view is trusted about how hard a prompt is.
    pub trust: Trust,
    /// From blend to probability.
    pub calibration: Calibration,
    /// Where the training prompts lie.
    pub places: Places,
    /// Mean traits of known benchmarks, view after view, for published scores.
    pub benchmarks: BTreeMap<String, Vec<f32>>,
    /// How it was trained, as text.
    pub plan: String,
}

/// A checked artifact.
#[derive(Debug)]
pub struct Artifact {
    parts: Parts,
    digest: String,
}

/// The files of an artifact: name and contents.
pub type Files = BTreeMap<PathBuf, Vec<u8>>;

impl Artifact {
    /// The artifact inside the binary.
    pub fn built_in() -> Result<Self, ArtifactError> {
        let [manifest, weights, encoder @ ..] = built_in::FILES.map(|(_, bytes)| bytes);
        let encoder = Encoder::from_bytes(encoder[0], encoder[1], encoder[2])?;
        Self::checked(manifest, weights, encoder, built_in::DIGEST.to_owned())
    }

    /// Reads the directory that training wrote.
    pub fn read(directory: &Path) -> Result<Self, ArtifactError> {
        let files = files_of(directory)?;
        let content = |name: &str| files.get(Path::new(name)).map(Vec::as_slice).unwrap_or_default();
        // Of the very bytes that the seal is of: the folder may have changed since.
        let encoder = encoder_of(directory, &files)?;
        seal::check(&files)?;
        let digest = seal::digest_of(&files, |_| true);
        Self::checked(content(MANIFEST), content(WEIGHTS), encoder, digest)
    }

    fn checked(manifest: &[u8], weights: &[u8], encoder: Encoder, digest: String) -> Result<Self, ArtifactError> {
        let parts = pack::unpacked(manifest, weights, Lens::new(encoder))?;
        parts.check()?;
        Ok(Self { parts, digest })
    }

    /// What it is made of.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// What it is made of, to be changed.
    pub fn into_parts(self) -> Parts {
        self.parts
    }

    /// The digest over all its files, as `sha256:` and 64 hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

impl Parts {
    /// All files of an artifact with these of its encoder, by name and contents.
    pub fn files(&self, encoder: &[(String, Vec<u8>)]) -> Result<Files, ArtifactError> {
        let encoder = encoder.iter().map(|(name, bytes)| (Path::new(ENCODER).join(name), bytes.clone())).collect();
        pack::packed(self, encoder)
    }

    /// The place of a model.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.models.binary_search_by(|known| known.name.as_str().cmp(name)).ok()
    }

    /// The mean of a number of the models of training: one that came later moves no other's forecast.
    pub fn mean_of_trained(&self, of: fn(&Known) -> f32) -> f32 {
        let trained = || self.models.iter().filter(|model| !model.onboarded);
        trained().map(of).sum::<f32>() / trained().count().max(1) as f32
    }

    /// The mean traits of a benchmark: a source, a data set as rows name it, or the last part of its name.
    pub fn benchmark(&self, name: &str) -> Option<&[f32]> {
        let of_source = |(full, _): &(&String, _)| full.split_once('/').is_some_and(|(_, dataset)| dataset == name);
        let found =
            self.benchmarks.get(name).or_else(|| self.benchmarks.iter().find(of_source).map(|(_, traits)| traits));
        found.map(Vec::as_slice)
    }

    /// For each view, the abilities of a usual model.
    pub fn usual_rows(&self) -> Vec<Vec<f32>> {
        self.sights.iter().map(Sight::usual_row).collect()
    }

    /// What models usually do in the view of tokens, by those of training: one that came later moves no other's forecast.
    pub fn usual_manner(&self) -> UsualManner {
        let n_kinds = n_kinds(self.lens.n_topics());
        let mut known = self.manner.known.clone();
        let late = known.chunks_exact_mut(n_kinds).zip(&self.models).filter(|(_, model)| model.onboarded);
        late.for_each(|(known, _)| known.fill(0.0));
        UsualManner::of(&known, &self.manner.habits, &self.tokens.abilities, &self.tokens.usual_row())
    }

    /// What trust adds to the logits of all models, of a prompt of which this was heard.
    #[inline(always)]
    pub fn trust_adds(&self, heard: &Heard, reading: &Reading) -> f32 {
        self.trust.adds(reading.row.topics(), heard)
    }

    /// The blended logit of a usual model, on top of what all have alike.
    #[inline(always)]
    pub fn usual_logit(&self, heard: &Heard, alike: f32) -> f32 {
        alike + self.sights.iter().zip(&heard.levels).map(|(sight, level)| sight.weight * level).sum::<f32>()
    }

    /// What is heard of a prompt in council, which is asked by these abilities of a usual model.
    pub fn hear(&self, usual: &[Vec<f32>], reading: &Reading) -> Heard {
        let members = self.sights.iter().zip(usual).map(|(sight, usual)| Member {
            view: &sight.view,
            weight: sight.weight,
            usual,
            ordinary: &sight.ordinary,
        });
        Heard::of(members, reading, self.places.unlikeness(reading))
    }

    /// Whether sizes fit and every number is one.
    pub fn check(&self) -> Result<(), ArtifactError> {
        let n_topics = self.lens.n_topics();
        let n_features = HAND_FEATURES + self.lens.encoder().dims() + n_topics;
        let content = |place: String, expected: &str, found: String| {
            Err(ArtifactError::Content { file: WEIGHTS, place, expected: expected.to_owned(), found })
        };
        if let Some(pair) = self.models.windows(2).find(|pair| pair[0].name >= pair[1].name) {
            return content(
                format!("model `{}`", pair[1].name),
                "models in order of their names",
                "another order".to_owned(),
            );
        }
        self.check_manifest()?;
        self.check_lens()?;
        if self.sights.is_empty() {
            return content("views".to_owned(), "at least one view", "none".to_owned());
        }
        for (at, sight) in self.sights.iter().chain([&self.tokens]).enumerate() {
            if let Err(found) = sight.view.check(n_features, n_topics) {
                return content(format!("view {at}"), "a view that fits the features", found);
            }
            let n_columns = sight.n_columns();
            let usual = &sight.usual;
            if sight.abilities.len() != self.models.len() * n_columns
                || usual.means.len() != n_columns
                || usual.variances.len() != n_columns
            {
                let found = format!("{} and {} numbers", sight.abilities.len(), usual.means.len());
                return content(format!("view {at}, abilities"), "a row for every model and one for the usual", found);
            }
            if !sight.ordinary.fits(sight.view.n_traits()) {
                let found = format!("{} and {} numbers", sight.ordinary.mean.len(), sight.ordinary.along.len());
                return content(format!("view {at}, ordinary"), "two numbers for every trait", found);
            }
            if !sight.ordinary.is_finite() {
                return content(format!("view {at}, ordinary"), "finite numbers", "one that is not".to_owned());
            }
            let finite = sight.abilities.iter().all(|value| value.is_finite())
                && usual.means.iter().all(|value| value.is_finite())
                && usual.variances.iter().all(|value| value.is_finite() && *value > 0.0);
            if !finite {
                return content(format!("view {at}, abilities"), "finite numbers", "one that is not".to_owned());
            }
        }
        if let Err(found) = self.trust.check(n_topics, self.sights.len()) {
            return content(
                "trust".to_owned(),
                "a row for every topic, with a number for every view and one more",
                found,
            );
        }
        if let Err(found) = self.manner.check(self.models.len() * n_kinds(n_topics)) {
            return content("manner".to_owned(), "how well it is known, and a habit, for every model and topic", found);
        }
        if let Err(found) = self.asked.check(n_topics, self.models.len()) {
            return content("asked".to_owned(), "the shares of the sources, for every topic and model", found);
        }
        let dims = self.lens.encoder().dims();
        if self.places.centres.is_empty() || !self.places.centres.len().is_multiple_of(dims) {
            return content(
                "places".to_owned(),
                "rows of the encoder's width",
                format!("{} numbers", self.places.centres.len()),
            );
        }
        self.check_benchmarks()
    }

    /// Whoever reads prompts, and what it needs of its encoder.
    fn check_lens(&self) -> Result<(), ArtifactError> {
        let n_topics = self.lens.n_topics();
        let content = |place: &str, expected: &str, found: String| {
            let (place, expected) = (place.to_owned(), expected.to_owned());
            Err(ArtifactError::Content { file: WEIGHTS, place, expected, found })
        };
        let reads = |sight: &Sight| matches!(&sight.view, View::Net(net) if net.reader.is_some());
        let hears = self.lens.asides().is_some() || n_topics > 0 || self.sights.iter().any(reads);
        if hears && !matches!(self.lens.encoder(), Encoder::Table(_)) {
            let found = "a BERT-family encoder".to_owned();
            return content("encoder", "a table, whose word pieces asides, topics and views read", found);
        }
        if let Some(Err(found)) = self.lens.asides().map(|asides| asides.check(self.lens.encoder().dims())) {
            return content("asides", "a net over the signs of a cut", found);
        }
        if let Some(Err(found)) = self.lens.topics().map(|topics| topics.check(0)) {
            return content("topics", "topics with a weight for each of their word pieces", found);
        }
        Ok(())
    }

    /// The numbers that stand in the manifest.
    fn check_manifest(&self) -> Result<(), ArtifactError> {
        let content = |place: String, expected: &str, found: String| {
            Err(ArtifactError::Content { file: MANIFEST, place, expected: expected.to_owned(), found })
        };
        if let Err(found) = self.calibration.check() {
            return content("calibration".to_owned(), "finite numbers, and doubts that are not below 0", found);
        }
        let weights = self.sights.iter().map(|sight| sight.weight).enumerate();
        if let Some((at, weight)) = weights.into_iter().find(|(_, weight)| !(weight.is_finite() && *weight >= 0.0)) {
            return content(format!("sights[{at}].weight"), "a number of 0 or more", weight.to_string());
        }
        for known in &self.models {
            if let Err(found) = known.check() {
                let expected = "finite numbers, and a share from 0 to 1 as reasoning";
                return content(format!("model `{}`", known.name), expected, found);
            }
        }
        Ok(())
    }

    fn check_benchmarks(&self) -> Result<(), ArtifactError> {
        let n_traits: usize = self.sights.iter().map(|sight| sight.view.n_traits()).sum();
        match self.benchmarks.iter().find(|(_, row)| row.len() != n_traits) {
            None => Ok(()),
            Some((name, row)) => Err(ArtifactError::Content {
                file: WEIGHTS,
                place: format!("benchmark `{name}`"),
                expected: "a row of all traits".to_owned(),
                found: format!("{} numbers", row.len()),
            }),
        }
    }
}

/// The files of a directory that belong to an artifact, the encoder's included.
fn files_of(directory: &Path) -> Result<Files, ArtifactError> {
    let mut files = Files::new();
    for (name, limit) in [(MANIFEST, MAX_MANIFEST_BYTES), (WEIGHTS, MAX_WEIGHTS_BYTES)] {
        files.insert(PathBuf::from(name), read_bounded(&directory.join(name), limit)?);
    }
    add_folder(&mut files, directory, Path::new(ENCODER))?;
    // How a BERT-family encoder pools stands in a folder of its own.
    let folders = entries(&directory.join(ENCODER))?.into_iter().filter(|path| path.is_dir());
    for folder in folders.filter_map(|path| path.file_name().map(|name| Path::new(ENCODER).join(name))) {
        add_folder(&mut files, directory, &folder)?;
    }
    Ok(files)
}

/// The encoder among the files of an artifact.
fn encoder_of(directory: &Path, files: &Files) -> Result<Encoder, ArtifactError> {
    let own = files.iter().filter_map(|(place, bytes)| Some((place.strip_prefix(ENCODER).ok()?, bytes.as_slice())));
    Ok(Encoder::of_files(&directory.join(ENCODER), &own.collect())?)
}

/// Adds the files of one folder, by their place in the directory.
fn add_folder(files: &mut Files, directory: &Path, folder: &Path) -> Result<(), ArtifactError> {
    for path in entries(&directory.join(folder))?.into_iter().filter(|path| path.is_file()) {
        let place = path.file_name().map(|name| folder.join(name)).unwrap_or_default();
        files.insert(place, read_bounded(&path, MAX_WEIGHTS_BYTES)?);
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, ArtifactError> {
    let failed = |source| ArtifactError::Read { path: folder.display().to_string(), source };
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect()
}

fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, ArtifactError> {
    let shown = || path.display().to_string();
    let failed = |source| ArtifactError::Read { path: shown(), source };
    let found = std::fs::metadata(path).map_err(failed)?.len();
    if found > limit {
        return Err(ArtifactError::TooLarge { path: shown(), limit, found });
    }
    std::fs::read(path).map_err(failed)
}
