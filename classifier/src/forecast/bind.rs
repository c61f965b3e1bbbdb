//! A catalog meets an artifact: for each model its place in the forecasts and what it is forecast by.

use decision::{Catalog, Model, ModelId};

use crate::abilities::Seen;
use crate::artifact::{Known, Parts, Sight, Standing};
use crate::manner::{Manner, n_kinds};

/// A published score counts as this many outcomes on the mean prompt of its benchmark: it is a mean of hundreds, but of other
/// people's harness.
const SCORE_WEIGHT: f32 = 10.0;

/// One model of the catalog, as it is forecast.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    pub(super) id: ModelId,
    pub(super) standing: Standing,
    pub(super) reasoning: f32,
    /// What its answers cannot exceed.
    pub(super) max_tokens: u64,
}

/// The numbers of all models that every forecast reckons with, side by side: so several are reckoned at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Abreast {
    /// What a model adds to the variance of its forecasts, by its outcomes.
    pub(super) doubt: Vec<f32>,
    pub(super) offset: Vec<f32>,
    pub(super) log_mean: Vec<f32>,
    pub(super) log_p90: Vec<f32>,
    /// By how much it is said to answer longer than usual where its manner is not known, as a logarithm.
    pub(super) longer: Vec<f32>,
}

/// A model's place in the forecasts; its abilities view by view, kind by kind how well its manner is known and its habits, and source
/// by source how well it is known. Its numbers go beside those of the others.
pub(super) fn bind(parts: &Parts, catalog: &Catalog, model: &Model, abreast: &mut Abreast) -> (Bound, Vec<Vec<f32>>) {
    let sights = || parts.sights.iter().chain([&parts.tokens]);
    let lends = lender(parts, catalog, model);
    let scores = scores(parts, model);
    let known = lends.as_ref().map(|(place, _)| &parts.models[*place]);
    let (standing, mut rows): (Standing, Vec<Vec<f32>>) = match &lends {
        Some((place, None)) => {
            let Known { n_outcomes, onboarded, .. } = parts.models[*place];
            let standing =
                if onboarded { Standing::Onboarded { n_outcomes } } else { Standing::Trained { n_outcomes } };
            (standing, sights().map(|sight| sight.row(*place).to_vec()).collect())
        }
        Some((place, Some(like))) => {
            (Standing::Like { model: like.clone() }, sights().map(|sight| sight.row(*place).to_vec()).collect())
        }
        None if scores.is_empty() => (Standing::Unknown, sights().map(Sight::usual_row).collect()),
        None => {
            let n_scores = scores.len() as u64;
            (Standing::Benchmarks { n_scores }, from_scores(parts, &scores))
        }
    };
    let evidence = match &standing {
        #[expect(clippy::cast_precision_loss, reason = "a count of outcomes; beyond thousands it no longer matters")]
        Standing::Trained { n_outcomes } | Standing::Onboarded { n_outcomes } => *n_outcomes as f32,
        Standing::Like { .. } | Standing::Unknown => 0.0,
        #[expect(clippy::cast_precision_loss, reason = "a few scores")]
        Standing::Benchmarks { n_scores } => *n_scores as f32 * SCORE_WEIGHT / 4.0,
    };
    let mean = |of: fn(&Known) -> f32| known.map_or_else(|| parts.mean_of_trained(of), of);
    let n_kinds = n_kinds(parts.lens.n_topics());
    // Of the manner of a model that it is like nothing is borrowed where the catalog states its own.
    let of_kin = lends.as_ref().is_some_and(|(_, like)| like.is_some());
    let lent = lends.as_ref().map(|(place, _)| *place).filter(|_| !of_kin || model.mean_completion.is_none());
    for of in [Manner::known, Manner::habits] {
        rows.push(lent.map_or_else(|| vec![0.0; n_kinds], |place| of(&parts.manner, place, n_kinds).to_vec()));
    }
    let asked = lends.as_ref().map(|(place, _)| parts.asked.known(*place).to_vec());
    rows.push(asked.unwrap_or_else(|| vec![0.0; parts.asked.n_sources()]));
    let max_tokens = model.max_completion.unwrap_or(model.context_window);
    abreast.doubt.push(parts.calibration.doubt_after(evidence));
    abreast.offset.push(known.map_or(0.0, |known| known.offset));
    abreast.log_mean.push(mean(|known| known.log_mean));
    abreast.log_p90.push(mean(|known| known.log_p90));
    let bound = Bound {
        id: model.id.clone(),
        standing,
        reasoning: mean(|known| known.reasoning),
        max_tokens: u64::from(max_tokens.get()),
    };
    (bound, rows)
}

/// The trained model that lends its abilities: the model itself, or the first known one along its `like`s.
fn lender(parts: &Parts, catalog: &Catalog, model: &Model) -> Option<(usize, Option<ModelId>)> {
    if let Some(place) = parts.place(model.id.as_str()) {
        return Some((place, None));
    }
    // A catalog has no circles of `like`.
    let mut next = model.like.as_ref();
    while let Some(like) = next {
        if let Some(place) = parts.place(like.as_str()) {
            return Some((place, Some(like.clone())));
        }
        next = catalog.get(like).and_then(|model| model.like.as_ref());
    }
    None
}

/// The published scores whose benchmarks are known here: the traits of their mean prompt, and the score.
fn scores<'a>(parts: &'a Parts, model: &Model) -> Vec<(&'a [f32], f32)> {
    #[expect(clippy::cast_possible_truncation, reason = "a share")]
    let known = model.benchmarks.iter().filter_map(|(name, score)| Some((parts.benchmark(name)?, *score as f32)));
    known.collect()
}

/// Abilities that would have scored so.
fn from_scores(parts: &Parts, scores: &[(&[f32], f32)]) -> Vec<Vec<f32>> {
    let mut from = 0;
    let mut fitted = |sight: &Sight| {
        let n = sight.view.n_traits();
        let seen: Vec<Seen<'_>> = scores
            .iter()
            .map(|(traits, score)| Seen { traits: &traits[from..from + n], value: *score, weight: SCORE_WEIGHT })
            .collect();
        from += n;
        sight.usual.fit(&seen, sight.view.link())
    };
    let mut rows: Vec<Vec<f32>> = parts.sights.iter().map(&mut fitted).collect();
    rows.push(parts.tokens.usual_row());
    rows
}
