//! The manifest as it is written: everything that is no tensor.

use serde::{Deserialize, Serialize};

use crate::artifact::Known;
use crate::calibration::Calibration;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) schema: u32,
    pub(super) feature_schema: u32,
    pub(super) n_features: usize,
    /// The digest over the weights and the encoder's files: those of another artifact are none of this one's.
    pub(super) files: String,
    /// Whether asides are among the weights.
    pub(super) asides: bool,
    /// Whether topics are among the weights.
    pub(super) topics: bool,
    pub(super) sights: Vec<SightLine>,
    pub(super) tokens: SightLine,
    pub(super) manner: MannerLine,
    /// The names of the sources that asked; which asked whom is a tensor.
    pub(super) sources: Vec<String>,
    pub(super) calibration: CalibrationLine,
    pub(super) usual_distance: f32,
    pub(super) models: Vec<ModelLine>,
    /// Their names; the traits of their mean prompts are a tensor with a row for each.
    pub(super) benchmarks: Vec<String>,
    pub(super) plan: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SightLine {
    pub(super) kind: Kind,
    pub(super) weight: f32,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MannerLine {
    pub(super) log_mean: f32,
    pub(super) log_p90: f32,
    pub(super) log_usual: f32,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    ReadingNet,
    FeatureNet,
    Forest,
    Topics,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CalibrationLine {
    slope: f32,
    offset: f32,
    doubt: f32,
    doubt_unlike: f32,
    doubt_model: f32,
    doubt_unasked: f32,
    doubt_apart: f32,
}

impl From<Calibration> for CalibrationLine {
    fn from(calibration: Calibration) -> Self {
        let Calibration { slope, offset, doubt, doubt_unlike, doubt_model, doubt_unasked, doubt_apart } = calibration;
        Self { slope, offset, doubt, doubt_unlike, doubt_model, doubt_unasked, doubt_apart }
    }
}

impl From<CalibrationLine> for Calibration {
    fn from(line: CalibrationLine) -> Self {
        let CalibrationLine { slope, offset, doubt, doubt_unlike, doubt_model, doubt_unasked, doubt_apart } = line;
        Self { slope, offset, doubt, doubt_unlike, doubt_model, doubt_unasked, doubt_apart }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelLine {
    name: String,
    n_outcomes: u64,
    onboarded: bool,
    offset: f32,
    log_mean: f32,
    log_p90: f32,
    reasoning: f32,
}

impl From<&Known> for ModelLine {
    fn from(known: &Known) -> Self {
        let Known { name, n_outcomes, onboarded, offset, log_mean, log_p90, reasoning } = known.clone();
        Self { name, n_outcomes, onboarded, offset, log_mean, log_p90, reasoning }
    }
}

impl From<ModelLine> for Known {
    fn from(line: ModelLine) -> Self {
        let ModelLine { name, n_outcomes, onboarded, offset, log_mean, log_p90, reasoning } = line;
        Self { name, n_outcomes, onboarded, offset, log_mean, log_p90, reasoning }
    }
}
