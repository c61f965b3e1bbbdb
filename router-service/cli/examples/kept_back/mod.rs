//! The prompts that a plan kept back, and what an artifact forecasts of them: shared by the examples that judge.

use std::error::Error;
use std::path::PathBuf;

use classifier::artifact::Parts;
use classifier::council::Heard;
use classifier::lens::Reading;
use trainer::dataset::{Dataset, Gathering};
use trainer::plan::Plan;

pub(crate) type Failure = Box<dyn Error>;

/// The prompts that the plan kept back, as the artifact reads them.
pub(crate) fn held_out(parts: &Parts, plan: &Plan, outcomes: &str) -> Result<Dataset, Failure> {
    let split = plan.split()?;
    let mut rows = training_data::rows::read(&[PathBuf::from(outcomes)], false)?;
    let mut gathering = Gathering::default();
    for row in split.held_out_rows(rows.by_ref()) {
        gathering.add(&row?)?;
    }
    Ok(gathering.read(&parts.lens, |_| ()))
}

/// The probability that a model succeeds on a prompt, by what was heard of it and by what is added for all models alike.
pub(crate) fn forecast(parts: &Parts, heard: &Heard, alike: f32, place: usize) -> f32 {
    let sights = parts.sights.iter().zip(&heard.traits);
    let own: f32 = sights.map(|(sight, traits)| sight.weight * sight.view.logit(traits, sight.row(place))).sum();
    parts.calibration.quality(alike + own, parts.models[place].offset)
}

/// What the views hear of a prompt, and what is added for all models alike.
pub(crate) fn heard(parts: &Parts, usual: &[Vec<f32>], reading: &Reading) -> (Heard, f32) {
    let heard = parts.hear(usual, reading);
    let alike = parts.trust_adds(&heard, reading);
    (heard, alike)
}
