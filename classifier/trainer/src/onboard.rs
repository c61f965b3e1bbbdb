//! Lets a new model in without touching the others: its abilities are what its few outcomes and the usual model make likely. And
//! says on which prompts its outcomes would tell most.

use classifier::abilities::{Seen, Usual};
use classifier::artifact::{Known, Parts, Sight};
use classifier::asked;
use classifier::council::Heard;
use classifier::heads::View;
use classifier::kernel::add_scaled;
use classifier::lens::Reading;
use classifier::manner::{kinds, known_after, n_kinds};

use crate::herd::representatives;

/// The fewest outcomes that say anything at all; below, `like` in the catalog is the better way.
pub const MIN_OUTCOMES: usize = 5;

/// Prompts that a suggestion is chosen from, at most.
pub const MAX_CANDIDATES: usize = 50_000;

/// A model that another one lends its abilities to leaves it by half as much as models usually do.
const KINSHIP: f64 = 0.5;

/// One outcome of the new model.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The prompt, as the views see it.
    pub reading: Reading,
    /// From 0 to 1.
    pub quality: f32,
    /// Tokens of the answer, where they are known.
    pub output: Option<f32>,
    /// Of those, hidden ones, where they are known.
    pub reasoning: Option<f32>,
}

/// Why a model cannot be let in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OnboardError {
    /// The artifact was trained on it.
    #[error(
        "model `{model}` was trained on {n_outcomes} outcomes; expected a new one. To use more outcomes, train again"
    )]
    Trained {
        /// The model.
        model: String,
        /// How many outcomes it has.
        n_outcomes: u64,
    },
    /// Too few outcomes.
    #[error("model `{model}`: expected at least {MIN_OUTCOMES} outcomes with the text of their prompts, found {found}")]
    TooFew {
        /// The model.
        model: String,
        /// How many there are.
        found: usize,
    },
    /// The model that it is said to be like is not there.
    #[error("--like: {0}")]
    UnknownLike(String),
    /// It is said to be like itself: its outcomes would count twice.
    #[error("--like: expected another model than the one that is let in, found `{0}`")]
    LikeItself(String),
}

/// Lets the model in, or takes it in anew if it came in this way before.
pub fn onboard(parts: &mut Parts, model: &str, outcomes: &[Outcome], like: Option<&str>) -> Result<(), OnboardError> {
    let place = parts.place(model);
    if let Some(known) = place.map(|place| &parts.models[place]).filter(|known| !known.onboarded) {
        return Err(OnboardError::Trained { model: model.to_owned(), n_outcomes: known.n_outcomes });
    }
    if outcomes.len() < MIN_OUTCOMES {
        return Err(OnboardError::TooFew { model: model.to_owned(), found: outcomes.len() });
    }
    if like == Some(model) {
        return Err(OnboardError::LikeItself(model.to_owned()));
    }
    let kin = like.map(|like| kin(parts, like)).transpose()?;
    // Its abilities are asked for by what is heard of a prompt, so they are learned from that.
    let usual = parts.usual_rows();
    let heard: Vec<Heard> = outcomes.iter().map(|outcome| parts.hear(&usual, &outcome.reading)).collect();
    let of_view = |(at, sight): (usize, &Sight)| {
        let traits = heard.iter().map(|heard| heard.traits[at].clone());
        row(sight, kin, traits.zip(outcomes.iter().map(|outcome| outcome.quality)))
    };
    let views: Vec<Vec<f32>> = parts.sights.iter().enumerate().map(of_view).collect();
    let told = outcomes.iter().filter_map(|outcome| Some((outcome, libm::log1pf(outcome.output?))));
    let lengths = told.map(|(outcome, log)| (parts.tokens.view.traits(&outcome.reading), log));
    let tokens = row(&parts.tokens, kin, lengths);
    let (known, habits) = manner(parts, kin, outcomes);
    let rows = Rows { views, tokens, known, habits, asked: asked(parts, kin, outcomes) };
    let newcomer = newcomer(parts, model, outcomes);
    put(parts, place, newcomer, rows);
    Ok(())
}

/// All that an artifact holds of one model, but for a few numbers.
struct Rows {
    views: Vec<Vec<f32>>,
    tokens: Vec<f32>,
    /// Of its manner.
    known: Vec<f32>,
    habits: Vec<f32>,
    asked: Vec<f32>,
}

fn kin(parts: &Parts, like: &str) -> Result<usize, OnboardError> {
    let unknown = || {
        let names: Vec<&str> = parts.models.iter().map(|known| known.name.as_str()).collect();
        OnboardError::UnknownLike(decision::document::unknown("model", like, names))
    };
    parts.place(like).ok_or_else(unknown)
}

/// The abilities in one view, from traits and what came of them.
fn row(sight: &Sight, kin: Option<usize>, outcomes: impl Iterator<Item = (Vec<f32>, f32)>) -> Vec<f32> {
    let seen: Vec<(Vec<f32>, f32)> = outcomes.collect();
    let seen: Vec<Seen<'_>> = seen.iter().map(|(traits, value)| Seen { traits, value: *value, weight: 1.0 }).collect();
    let usual = match kin {
        None => sight.usual.clone(),
        Some(place) => Usual {
            means: sight.row(place).iter().map(|value| f64::from(*value)).collect(),
            variances: sight.usual.variances.iter().map(|variance| variance * KINSHIP).collect(),
        },
    };
    usual.fit(&seen, sight.view.link())
}

fn newcomer(parts: &Parts, model: &str, outcomes: &[Outcome]) -> Known {
    let counted = outcomes.iter().filter_map(|outcome| Some((outcome.output?, outcome.reasoning?)));
    Known {
        name: model.to_owned(),
        n_outcomes: outcomes.len() as u64,
        onboarded: true,
        offset: 0.0,
        log_mean: parts.mean_of_trained(|known| known.log_mean),
        log_p90: parts.mean_of_trained(|known| known.log_p90),
        reasoning: hidden_share(counted).unwrap_or_else(|| parts.mean_of_trained(|known| known.reasoning)),
    }
}

/// The share of hidden tokens in answers, of which all tokens and the hidden ones are given; none where nobody counted them.
pub(crate) fn hidden_share(counted: impl Iterator<Item = (f32, f32)>) -> Option<f32> {
    let sum = |(all, hidden): (f64, f64), (output, reasoning): (f32, f32)| {
        (all + f64::from(output), hidden + f64::from(reasoning))
    };
    let (all, hidden) = counted.fold((0.0, 0.0), sum);
    (all > 0.0).then(|| (hidden / all.max(1.0)).clamp(0.0, 1.0) as f32)
}

/// An answer to a prompt is one of every kind that makes up this share of it. Of lesser kinds it is part of one, by the square: strays are
/// hardly any.
const OF_KIND: f32 = 0.1;

fn of_kind(share: f32) -> f32 {
    let part = (share / OF_KIND).min(1.0);
    part * part
}

/// How well its manner is known, kind by kind, from what it answered and from what its kin did, whose habits it has. What it has of its
/// own its abilities tell: few answers do not tell habits.
fn manner(parts: &Parts, kin: Option<usize>, outcomes: &[Outcome]) -> (Vec<f32>, Vec<f32>) {
    let n = n_kinds(parts.lens.n_topics());
    let mut counted = vec![0.0; n];
    for outcome in outcomes.iter().filter(|outcome| outcome.output.is_some()) {
        let shares = kinds(outcome.reading.row.topics()).iter();
        counted.iter_mut().zip(shares).for_each(|(counted, share)| *counted += of_kind(*share));
    }
    let own = counted.into_iter().map(known_after);
    match kin {
        None => (own.collect(), vec![0.0; n]),
        Some(kin) => {
            let known = parts.manner.known(kin, n).iter().zip(own).map(|(kin, own)| kin.max(own)).collect();
            (known, parts.manner.habits(kin, n).to_vec())
        }
    }
}

/// How well it is known, source by source, from what it was asked and from what its kin was.
fn asked(parts: &Parts, kin: Option<usize>, outcomes: &[Outcome]) -> Vec<f32> {
    let mut counts = vec![0.0; parts.asked.n_sources()];
    for outcome in outcomes {
        add_scaled(&mut counts, 1.0, &parts.asked.shares(outcome.reading.row.topics()));
    }
    let own = counts.into_iter().map(asked::known_after);
    match kin {
        None => own.collect(),
        Some(kin) => parts.asked.known(kin).iter().zip(own).map(|(kin, own)| kin.max(own)).collect(),
    }
}

/// In its place among the names.
fn put(parts: &mut Parts, old: Option<usize>, newcomer: Known, rows: Rows) {
    let place = parts.models.partition_point(|other| other.name < newcomer.name);
    if old.is_some() {
        parts.models.remove(place);
    }
    parts.models.insert(place, newcomer);
    let put = |all: &mut Vec<f32>, row: Vec<f32>| {
        let n = row.len();
        let gone = if old.is_some() { n } else { 0 };
        all.splice(place * n..place * n + gone, row);
    };
    for (sight, row) in parts.sights.iter_mut().zip(rows.views) {
        put(&mut sight.abilities, row);
    }
    put(&mut parts.tokens.abilities, rows.tokens);
    put(&mut parts.manner.known, rows.known);
    put(&mut parts.manner.habits, rows.habits);
    put(&mut parts.asked.known, rows.asked);
}

/// The prompts whose outcomes would tell most about a new model, most telling first: those that together stand for all, where
/// what models differ in counts most. Prompts in the greatest doubt, or those that leave the least, would tell more if models were
/// as plain as their abilities; as they are, strong ones come out wrong by them (`docs/model-card.md`).
pub fn suggest(parts: &Parts, readings: &[&Reading], n: usize) -> Vec<usize> {
    // Topics are many; what differs in them differs in the other views, too.
    let narrow = parts.sights.iter().filter(|sight| !matches!(sight.view, View::Topics(_)));
    let heaviest = narrow.max_by(|a, b| a.weight.total_cmp(&b.weight));
    let Some(sight) = heaviest.or(parts.sights.first()) else { return Vec::new() };
    // The bias of a model is the same on every prompt; its variance says nothing of them.
    let scales: Vec<f64> = sight.usual.variances.iter().skip(1).map(|variance| variance.sqrt()).collect();
    let point = |reading: &&Reading| -> Vec<f64> {
        sight.view.traits(reading).iter().zip(&scales).map(|(value, scale)| f64::from(*value) * scale).collect()
    };
    representatives(&readings.iter().take(MAX_CANDIDATES).map(point).collect::<Vec<_>>(), n)
}

#[cfg(test)]
mod tests;
