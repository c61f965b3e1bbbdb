//! Parts to files and back. Every tensor is looked up by its name and checked for its type, its size and its numbers.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::iter;
use std::path::PathBuf;

use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, View as TensorLike};

use super::manifest::{Kind, Manifest, MannerLine, SightLine};
use super::seal::{check_versions, digest_of, not_a_manifest};
use super::{ARTIFACT_SCHEMA, ArtifactError, Files, MANIFEST, Parts, Sight, WEIGHTS};
use crate::abilities::Usual;
use crate::asides::Asides;
use crate::asked::Asked;
use crate::feature_layer::FeatureLayer;
use crate::features::{FEATURE_SCHEMA, HAND_FEATURES};
use crate::forest::{Forest, LEAF, Node};
use crate::heads::View;
use crate::lens::Lens;
use crate::manner::Manner;
use crate::matrix::Matrix;
use crate::net::{Net, Reader};
use crate::ordinary::Ordinary;
use crate::topics::Topics;
use crate::trust::Trust;
use crate::unlikeness::Places;

/// The tensor with the traits of benchmarks.
const BENCHMARKS: &str = "benchmarks";

/// The tensors of the topics that every row is told, and behind a view's name of those that are its own.
const TOPICS: &str = "topics";

/// The tensors with how well manners are known, and with habits.
const KNOWN: &str = "tokens.known";
const HABITS: &str = "tokens.habits";

/// The tensors with the sources of topics, and with which of them asked whom.
const SOURCES: &str = "sources";
const ASKED: &str = "asked";

/// The tensor with how far views are trusted.
const TRUST: &str = "trust";

/// A tensor on its way to a file.
struct Tensor {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl TensorLike for &Tensor {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// Tensors by name.
#[derive(Default)]
struct Shelf {
    tensors: Vec<(String, Tensor)>,
}

impl Shelf {
    fn put(&mut self, name: String, dtype: Dtype, n: usize, bytes: Vec<u8>) {
        self.tensors.push((name, Tensor { dtype, shape: vec![n], bytes }));
    }

    fn put_f32(&mut self, name: String, values: &[f32]) {
        self.put(name, Dtype::F32, values.len(), values.iter().flat_map(|value| value.to_le_bytes()).collect());
    }

    fn put_f64(&mut self, name: String, values: &[f64]) {
        self.put(name, Dtype::F64, values.len(), values.iter().flat_map(|value| value.to_le_bytes()).collect());
    }

    fn put_i8(&mut self, name: String, values: &[i8]) {
        self.put(name, Dtype::I8, values.len(), values.iter().map(|value| value.cast_unsigned()).collect());
    }

    fn put_matrix(&mut self, name: &str, matrix: &Matrix) {
        self.put_i8(format!("{name}.steps"), &matrix.steps);
        self.put_f32(format!("{name}.scales"), &matrix.scales);
    }

    fn put_u16(&mut self, name: String, values: impl Iterator<Item = u16>) {
        let bytes: Vec<u8> = values.flat_map(u16::to_le_bytes).collect();
        self.put(name, Dtype::U16, bytes.len() / 2, bytes);
    }

    fn put_u32(&mut self, name: String, values: impl Iterator<Item = u32>) {
        let bytes: Vec<u8> = values.flat_map(u32::to_le_bytes).collect();
        self.put(name, Dtype::U32, bytes.len() / 4, bytes);
    }
}

/// All files: the manifest says which weights and which encoder it was written with.
pub(super) fn packed(parts: &Parts, encoder: Files) -> Result<Files, ArtifactError> {
    let mut shelf = Shelf::default();
    for (at, sight) in parts.sights.iter().enumerate() {
        put_sight(&mut shelf, &format!("view{at}"), sight);
    }
    put_sight(&mut shelf, "tokens", &parts.tokens);
    shelf.put_f32(TRUST.to_owned(), &parts.trust.rows);
    shelf.put_f32(SOURCES.to_owned(), &parts.asked.sources);
    shelf.put_f32(ASKED.to_owned(), &parts.asked.known);
    shelf.put_f32(KNOWN.to_owned(), &parts.manner.known);
    shelf.put_f32(HABITS.to_owned(), &parts.manner.habits);
    if let Some(asides) = parts.lens.asides() {
        put_asides(&mut shelf, asides);
    }
    if let Some(topics) = parts.lens.topics() {
        put_topics(&mut shelf, TOPICS, topics);
    }
    shelf.put_f32("places".to_owned(), &parts.places.centres);
    let traits: Vec<f32> = parts.benchmarks.values().flatten().copied().collect();
    shelf.put_f32(BENCHMARKS.to_owned(), &traits);
    let broken = |found: String| ArtifactError::Content {
        file: WEIGHTS,
        place: "tensors".to_owned(),
        expected: "tensors that can be written".to_owned(),
        found,
    };
    let tensors = shelf.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor));
    let weights = safetensors::serialize(tensors, None).map_err(|error| broken(error.to_string()))?;
    let mut files = encoder;
    files.insert(PathBuf::from(WEIGHTS), weights);
    let manifest = Manifest {
        schema: ARTIFACT_SCHEMA,
        feature_schema: FEATURE_SCHEMA,
        n_features: HAND_FEATURES,
        files: digest_of(&files, |_| true),
        asides: parts.lens.asides().is_some(),
        topics: parts.lens.topics().is_some(),
        sights: parts.sights.iter().map(line).collect(),
        tokens: line(&parts.tokens),
        manner: MannerLine {
            log_mean: parts.manner.log_mean,
            log_p90: parts.manner.log_p90,
            log_usual: parts.manner.log_usual,
        },
        sources: parts.asked.names.clone(),
        calibration: parts.calibration.into(),
        usual_distance: parts.places.usual,
        models: parts.models.iter().map(Into::into).collect(),
        benchmarks: parts.benchmarks.keys().cloned().collect(),
        plan: parts.plan.clone(),
    };
    let mut text = serde_json::to_vec_pretty(&manifest).map_err(|error| broken(error.to_string()))?;
    text.push(b'\n');
    files.insert(PathBuf::from(MANIFEST), text);
    Ok(files)
}

fn line(sight: &Sight) -> SightLine {
    let kind = match &sight.view {
        View::Net(net) if net.reader.is_some() => Kind::ReadingNet,
        View::Net(_) => Kind::FeatureNet,
        View::Forest(_) => Kind::Forest,
        View::Topics(_) => Kind::Topics,
    };
    SightLine { kind, weight: sight.weight }
}

fn put_sight(shelf: &mut Shelf, name: &str, sight: &Sight) {
    let at = |part: &str| format!("{name}.{part}");
    shelf.put_f32(at("abilities"), &sight.abilities);
    shelf.put_f64(at("usual.means"), &sight.usual.means);
    shelf.put_f64(at("usual.variances"), &sight.usual.variances);
    shelf.put_f32(at("ordinary.mean"), &sight.ordinary.mean);
    shelf.put_f32(at("ordinary.along"), &sight.ordinary.along);
    match &sight.view {
        View::Net(net) => {
            for (part, matrix) in net.matrices() {
                shelf.put_matrix(&at(part), matrix);
            }
            for (part, values) in net.tensors() {
                shelf.put_f32(at(part), values);
            }
            if let Some(reader) = &net.reader {
                for (part, matrix) in reader.matrices() {
                    shelf.put_matrix(&at(part), matrix);
                }
                for (part, values) in reader.tensors() {
                    shelf.put_f32(at(part), values);
                }
            }
        }
        View::Forest(forest) => {
            shelf.put_u16(at("forest.columns"), forest.nodes.iter().map(|node| node.column));
            // Thresholds have nothing in their lower half: the trainer asks no finer questions.
            shelf.put_u16(at("forest.thresholds"), forest.nodes.iter().map(|node| upper_half(node.threshold)));
            shelf.put_u32(at("forest.rights"), forest.nodes.iter().map(|node| node.right));
            shelf.put_u32(at("forest.roots"), forest.roots.iter().copied());
            shelf.put_i8(at("forest.leaves"), &forest.leaves);
            shelf.put_f32(at("forest.steps"), &forest.steps);
        }
        View::Topics(topics) => put_topics(shelf, &at(TOPICS), topics),
    }
}

fn put_asides(shelf: &mut Shelf, asides: &Asides) {
    shelf.put_f32("asides.weights".to_owned(), &asides.weights);
    shelf.put_f32("asides.biases".to_owned(), &asides.biases);
    shelf.put_f32("asides.out".to_owned(), &asides.out);
    shelf.put_u32("asides.n_first".to_owned(), iter::once(u32::try_from(asides.n_first).unwrap_or(u32::MAX)));
    shelf.put_f32("asides.least_of_first".to_owned(), &[asides.least_of_first]);
    shelf.put_f32("asides.thresholds".to_owned(), &asides.thresholds);
}

fn put_topics(shelf: &mut Shelf, name: &str, topics: &Topics) {
    shelf.put_u32(format!("{name}.pieces"), topics.pieces.iter().copied());
    shelf.put_f32(format!("{name}.rarities"), &topics.rarities);
    shelf.put_matrix(&format!("{name}.weights"), &topics.weights);
    shelf.put_matrix(&format!("{name}.features"), topics.features.weights());
    for (part, values) in ["centre", "inverse_spread", "biases"].into_iter().zip(topics.features.tensors()) {
        shelf.put_f32(format!("{name}.{part}"), values);
    }
}

fn upper_half(value: f32) -> u16 {
    (value.to_bits() >> 16) as u16
}

pub(super) fn unpacked(manifest: &[u8], weights: &[u8], lens: Lens) -> Result<Parts, ArtifactError> {
    let wrong = |file: &'static str, expected: &str, found: String| ArtifactError::Content {
        file,
        place: "the whole file".to_owned(),
        expected: expected.to_owned(),
        found,
    };
    check_versions(manifest)?;
    let manifest: Manifest = serde_json::from_slice(manifest).map_err(|error| not_a_manifest(&error))?;
    let tensors = SafeTensors::deserialize(weights)
        .map_err(|error| wrong(WEIGHTS, "tensors in the safetensors format", error.to_string()))?;
    let shelf = Found { tensors };
    let asides = if manifest.asides { Some(shelf.asides()?) } else { None };
    let topics = if manifest.topics { Some(shelf.topics(TOPICS)?) } else { None };
    let lens = lens.with_asides(asides).with_topics(topics);
    let sights = manifest
        .sights
        .iter()
        .enumerate()
        .map(|(at, line)| shelf.sight(&format!("view{at}"), line))
        .collect::<Result<_, _>>()?;
    if !manifest.usual_distance.is_finite() || manifest.usual_distance <= 0.0 {
        return Err(wrong(MANIFEST, "a usual distance above 0", manifest.usual_distance.to_string()));
    }
    Ok(Parts {
        lens,
        asked: Asked { sources: shelf.f32(SOURCES)?, known: shelf.f32(ASKED)?, names: manifest.sources },
        models: manifest.models.into_iter().map(Into::into).collect(),
        sights,
        trust: Trust { rows: shelf.f32(TRUST)? },
        tokens: shelf.sight("tokens", &manifest.tokens)?,
        manner: Manner {
            known: shelf.f32(KNOWN)?,
            habits: shelf.f32(HABITS)?,
            log_mean: manifest.manner.log_mean,
            log_p90: manifest.manner.log_p90,
            log_usual: manifest.manner.log_usual,
        },
        calibration: manifest.calibration.into(),
        places: Places { centres: shelf.f32("places")?, usual: manifest.usual_distance },
        benchmarks: shelf.benchmarks(manifest.benchmarks)?,
        plan: manifest.plan,
    })
}

/// The tensors of a file.
struct Found<'a> {
    tensors: SafeTensors<'a>,
}

impl Found<'_> {
    fn tensor(&self, name: &str, dtype: Dtype) -> Result<TensorView<'_>, ArtifactError> {
        let wrong = |found: String| ArtifactError::Content {
            file: WEIGHTS,
            place: format!("tensor `{name}`"),
            expected: format!("numbers of type {dtype:?}"),
            found,
        };
        let tensor = self.tensors.tensor(name).map_err(|_| wrong("no such tensor".to_owned()))?;
        if tensor.dtype() == dtype { Ok(tensor) } else { Err(wrong(format!("{:?}", tensor.dtype()))) }
    }

    fn f32(&self, name: &str) -> Result<Vec<f32>, ArtifactError> {
        let tensor = self.tensor(name, Dtype::F32)?;
        let values: Vec<f32> =
            tensor.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(values),
            Some(at) => Err(not_finite(name, at, f64::from(values[at]))),
        }
    }

    fn f64(&self, name: &str) -> Result<Vec<f64>, ArtifactError> {
        let tensor = self.tensor(name, Dtype::F64)?;
        let values: Vec<f64> =
            tensor.data().as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(values),
            Some(at) => Err(not_finite(name, at, values[at])),
        }
    }

    fn i8(&self, name: &str) -> Result<Vec<i8>, ArtifactError> {
        Ok(self.tensor(name, Dtype::I8)?.data().iter().map(|byte| byte.cast_signed()).collect())
    }

    fn matrix(&self, name: &str) -> Result<Matrix, ArtifactError> {
        Ok(Matrix { steps: self.i8(&format!("{name}.steps"))?, scales: self.f32(&format!("{name}.scales"))? })
    }

    fn u16(&self, name: &str) -> Result<Vec<u16>, ArtifactError> {
        let tensor = self.tensor(name, Dtype::U16)?;
        Ok(tensor.data().as_chunks::<2>().0.iter().map(|bytes| u16::from_le_bytes(*bytes)).collect())
    }

    fn u32(&self, name: &str) -> Result<Vec<u32>, ArtifactError> {
        let tensor = self.tensor(name, Dtype::U32)?;
        Ok(tensor.data().as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect())
    }

    /// The traits of each benchmark's mean prompt.
    fn benchmarks(&self, names: Vec<String>) -> Result<BTreeMap<String, Vec<f32>>, ArtifactError> {
        let traits = self.f32(BENCHMARKS)?;
        let (n, found) = (names.len(), traits.len());
        if n == 0 && found == 0 {
            return Ok(BTreeMap::new());
        }
        let width = found / n.max(1);
        let named: BTreeMap<String, Vec<f32>> =
            names.into_iter().zip(traits.chunks_exact(width.max(1)).map(<[f32]>::to_vec)).collect();
        if named.len() != n || width * n != found {
            return Err(ArtifactError::Content {
                file: WEIGHTS,
                place: format!("tensor `{BENCHMARKS}`"),
                expected: format!("a row for each of {n} names, each named once"),
                found: format!("{found} numbers for {} names", named.len()),
            });
        }
        Ok(named)
    }

    fn sight(&self, name: &str, line: &SightLine) -> Result<Sight, ArtifactError> {
        let at = |part: &str| format!("{name}.{part}");
        let view = match line.kind {
            Kind::ReadingNet => View::Net(Box::new(self.net(name, true)?)),
            Kind::FeatureNet => View::Net(Box::new(self.net(name, false)?)),
            Kind::Forest => View::Forest(self.forest(name)?),
            Kind::Topics => View::Topics(Box::new(self.topics(&at(TOPICS))?)),
        };
        let usual = Usual { means: self.f64(&at("usual.means"))?, variances: self.f64(&at("usual.variances"))? };
        let ordinary = Ordinary { mean: self.f32(&at("ordinary.mean"))?, along: self.f32(&at("ordinary.along"))? };
        Ok(Sight { view, weight: line.weight, abilities: self.f32(&at("abilities"))?, usual, ordinary })
    }

    fn net(&self, name: &str, reads: bool) -> Result<Net, ArtifactError> {
        let part = |part: &str| self.f32(&format!("{name}.{part}"));
        let matrix = |part: &str| self.matrix(&format!("{name}.{part}"));
        let reader = if reads {
            let queries = part("reader.queries")?;
            Some(Reader {
                width: queries.len() / crate::net::N_QUERIES,
                table: matrix("reader.table")?,
                neighbours: part("reader.neighbours")?,
                mix: part("reader.mix")?,
                mix_bias: part("reader.mix_bias")?,
                queries,
                norm_scale: part("reader.norm_scale")?,
                norm_shift: part("reader.norm_shift")?,
                into_trunk: matrix("reader.into_trunk")?,
            })
        } else {
            None
        };
        Ok(Net {
            reader,
            features: FeatureLayer::new(
                part("centre")?,
                part("inverse_spread")?,
                matrix("into_trunk")?,
                part("trunk_bias")?,
            ),
            second: matrix("second")?,
            second_bias: part("second_bias")?,
            out: part("out")?,
            out_bias: part("out_bias")?,
        })
    }

    fn asides(&self) -> Result<Asides, ArtifactError> {
        let [n_first] = exactly("asides.n_first", self.u32("asides.n_first")?)?;
        let [least_of_first] = exactly("asides.least_of_first", self.f32("asides.least_of_first")?)?;
        Ok(Asides {
            weights: self.f32("asides.weights")?,
            biases: self.f32("asides.biases")?,
            out: self.f32("asides.out")?,
            n_first: n_first as usize,
            least_of_first,
            thresholds: exactly("asides.thresholds", self.f32("asides.thresholds")?)?,
        })
    }

    fn topics(&self, name: &str) -> Result<Topics, ArtifactError> {
        let at = |part: &str| format!("{name}.{part}");
        Ok(Topics {
            pieces: self.u32(&at("pieces"))?,
            rarities: self.f32(&at("rarities"))?,
            weights: self.matrix(&at("weights"))?,
            features: FeatureLayer::new(
                self.f32(&at("centre"))?,
                self.f32(&at("inverse_spread"))?,
                self.matrix(&at("features"))?,
                self.f32(&at("biases"))?,
            ),
        })
    }

    fn forest(&self, name: &str) -> Result<Forest, ArtifactError> {
        let at = |part: &str| format!("{name}.forest.{part}");
        let (columns, thresholds, rights) =
            (self.u16(&at("columns"))?, self.u16(&at("thresholds"))?, self.u32(&at("rights"))?);
        if columns.len() != thresholds.len() || columns.len() != rights.len() {
            return Err(ArtifactError::Content {
                file: WEIGHTS,
                place: format!("tensor `{}`", at("thresholds")),
                expected: format!("{} numbers, one a node", columns.len()),
                found: format!("{} and {}", thresholds.len(), rights.len()),
            });
        }
        let nodes = columns.iter().zip(&thresholds).zip(&rights).map(|((column, threshold), right)| Node {
            column: *column,
            threshold: if *column == LEAF { 0.0 } else { f32::from_bits(u32::from(*threshold) << 16) },
            right: *right,
        });
        let steps = self.f32(&at("steps"))?;
        let leaves = self.i8(&at("leaves"))?;
        Ok(Forest { nodes: nodes.collect(), roots: self.u32(&at("roots"))?, n_values: steps.len(), leaves, steps })
    }
}

/// So many numbers, neither more nor fewer.
fn exactly<T, const N: usize>(name: &str, numbers: Vec<T>) -> Result<[T; N], ArtifactError> {
    numbers.try_into().map_err(|found: Vec<T>| ArtifactError::Content {
        file: WEIGHTS,
        place: format!("tensor `{name}`"),
        expected: format!("a length of {N}"),
        found: found.len().to_string(),
    })
}

fn not_finite(name: &str, at: usize, value: f64) -> ArtifactError {
    ArtifactError::Content {
        file: WEIGHTS,
        place: format!("tensor `{name}`, number {at}"),
        expected: "a finite number".to_owned(),
        found: value.to_string(),
    }
}
