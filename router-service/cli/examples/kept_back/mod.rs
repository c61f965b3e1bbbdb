//! The prompts that a plan kept back, and what an artifact forecasts of them: shared by the examples that judge.

use std::error::Error;
use std::path::PathBuf;

use classifier::artifact::Parts;
use classifier::asked::unasked;
use classifier::council::Heard;
use classifier::kernel::dot;
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

/// What is heard of a prompt.
pub(crate) struct Told {
    heard: Heard,
    /// What is added for all models alike.
    alike: f32,
    /// How much of it is of each source.
    sources: Vec<f32>,
}

/// The probability that a model succeeds on a prompt and its lower bound, by what was heard of the prompt.
pub(crate) fn forecast(parts: &Parts, told: &Told, place: usize) -> (f64, f64) {
    let Told { heard, alike, sources } = told;
    let sights = parts.sights.iter().zip(&heard.traits);
    let own: f32 = sights.map(|(sight, traits)| sight.weight * sight.view.logit(traits, sight.row(place))).sum();
    let (calibration, known, logit) = (&parts.calibration, &parts.models[place], alike + own);
    let unasked = unasked(dot(parts.asked.known(place), sources));
    let elsewhere = calibration.doubt_elsewhere(unasked, logit - parts.usual_logit(heard, *alike));
    let doubt = calibration.doubt_after(known.n_outcomes as f32) + elsewhere;
    let quality = calibration.quality(logit, known.offset);
    let low = calibration.quality_low(logit, known.offset, doubt, heard.unlikeness);
    (f64::from(quality), f64::from(low))
}

/// What the views hear of a prompt.
pub(crate) fn heard(parts: &Parts, usual: &[Vec<f32>], reading: &Reading) -> Told {
    let heard = parts.hear(usual, reading);
    let alike = parts.trust_adds(&heard, reading);
    let sources = parts.asked.shares(reading.row.topics());
    Told { heard, alike, sources }
}
