//! The story of a training: cross-fit the views, calibrate on what they say of prompts they had not seen, fit them once more on
//! all, and put the parts together.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use classifier::artifact::{Known, Parts, Sight};
use classifier::asked::unasked;
use classifier::council::Heard;
use classifier::kernel::dot;
use classifier::lens::Lens;
use classifier::manner::Manner;
use classifier::trust::Trust;
use classifier::unlikeness::Places;
use decision::Tokens;

use crate::calibrate::{Strangers, Unseen, calibrate};
use crate::crew::side_by_side;
use crate::dataset::Dataset;
use crate::elsewhere::{asked, doubts};
use crate::factors::Penalties;
use crate::fit::{Fitted, ForestCourse, fit_forest, fit_net, fit_shares};
use crate::grow::Growth;
use crate::learn::{Course, Start};
use crate::manner::{Manners, Unread, manners};
use crate::material::Material;
use crate::onboard::hidden_share;
use crate::places::places;
use crate::plan::Plan;
use crate::say::Say;
use crate::topics::{Told, ToldBy};
use crate::trust::Ledger;

use self::council::Council;
use self::setting::{Job, Kind, Setting};

mod council;
mod setting;

/// The fewest prompts that anything can be learned from.
pub const MIN_PROMPTS: usize = 50;

/// Prompts of a data set that make it a benchmark whose published scores mean something.
const MIN_BENCHMARK_PROMPTS: usize = 20;

/// Why there is no artifact.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Too little.
    #[error("expected at least {MIN_PROMPTS} prompts with text to learn from, found {found}")]
    TooFewPrompts {
        /// How many there are.
        found: usize,
    },
    /// One model leaves nothing to choose.
    #[error("expected outcomes of at least 2 models, found {found}")]
    OneModel {
        /// How many there are.
        found: usize,
    },
    /// A plan whose views cannot be had.
    #[error(
        "plan: expected feature nets or trees with a weight above 0, found none; nets that read word pieces cannot be had with an encoder of the BERT family"
    )]
    NoView,
    /// Prompts that are all near-duplicates cannot be split.
    #[error("expected prompts of at least {expected} groups, found {found}")]
    TooFewGroups {
        /// One for each fold.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// What came out cannot be used.
    #[error(transparent)]
    Artifact(#[from] classifier::ArtifactError),
}

/// How far training is: steps done, of how many.
pub type OnProgress<'a> = &'a (dyn Fn(usize, usize) + Sync);

/// What training gives.
#[derive(Debug)]
pub struct Trained {
    /// The parts of the artifact.
    pub parts: Parts,
    /// What was said of each prompt by views that had not seen it.
    pub cross_fitted: Vec<CrossFitted>,
    /// Data sets that are large enough for a topic, beyond as many as there may be.
    pub n_topics_left_out: usize,
}

/// Forecasts of one prompt by views that had not seen it.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossFitted {
    /// `source/dataset/prompt_id`.
    pub id: String,
    /// Its tokens.
    pub tokens: f64,
    /// The probability of success, model by model as in the parts.
    pub quality: Vec<f32>,
    /// Its lower bound.
    pub quality_low: Vec<f32>,
    /// The logarithm of the length of the answer by each model's own manner.
    pub log_own: Vec<f32>,
    /// How well that manner is known.
    pub log_own_known: Vec<f32>,
    /// The logarithm of what is usual.
    pub log_usual: f32,
}

impl CrossFitted {
    /// What a model is expected to write, and the share of it that is beyond what others would; by what is stated of its length, too.
    pub fn output(&self, model: usize, manner: &Manner, stated: Option<Tokens>) -> (f32, f32) {
        manner.output((self.log_own_known[model], self.log_own[model]), self.log_usual, stated)
    }
}

/// Trains on these prompts, which the lens has read. They are told their topics on the way.
pub fn train(dataset: &mut Dataset, lens: Lens, plan: &Plan, progress: OnProgress<'_>) -> Result<Trained, TrainError> {
    check(dataset, plan)?;
    dataset.take_for_one(&plan.same_models);
    let setting = Setting::new(dataset, &lens, plan);
    let jobs = setting.jobs();
    if !jobs.iter().any(|job| setting.weight(job.kind, None) > 0.0) {
        return Err(TrainError::NoView);
    }
    let (done, total) = (AtomicUsize::new(0), setting.total(&jobs));
    let step = || progress(done.fetch_add(1, Ordering::Relaxed) + 1, total);
    let lens = setting.tell_topics(dataset, lens, &step);
    let dataset = &*dataset;
    let told = setting.learn_topics(dataset, ToldBy::All, &step);
    let workshop = Workshop::new(dataset, &setting, told);
    let fitted = side_by_side(&jobs, |job| workshop.fit(job, &step));
    let all: Vec<u32> = (0..).take(dataset.prompts.len()).collect();
    let material = Material::new(dataset, &all);
    let (unseen, Manners { known: manners, habits }, trust) = workshop.unseen(&jobs, &fitted, &material.weights);
    let calibrated = calibrate(&material, &unseen, doubts(&material, plan.seed));
    let asked = asked(dataset, setting.subjects.as_ref());
    let mut sights = Vec::new();
    let mut tokens = None;
    for (job, fitted) in jobs.iter().zip(fitted).filter(|(job, _)| job.fold.is_none()) {
        let sight = Sight {
            view: fitted.view,
            weight: setting.weight(job.kind, None),
            abilities: fitted.abilities,
            usual: fitted.usual,
            ordinary: fitted.ordinary,
        };
        match job.kind {
            Kind::Tokens => tokens = Some(sight),
            Kind::ReadingNet | Kind::FeatureNet | Kind::Forest | Kind::Topics => sights.push(sight),
        }
    }
    let embeddings: Vec<&[f32]> = dataset.prompts.iter().map(|prompt| prompt.reading.row.embedding()).collect();
    let mut models = known(dataset);
    for ((model, offset), (log_mean, log_p90)) in models.iter_mut().zip(&calibrated.offsets).zip(&calibrated.lengths) {
        (model.offset, model.log_mean, model.log_p90) = (*offset, *log_mean, *log_p90);
    }
    let Strangers { log_mean, log_p90, log_usual } = calibrated.strangers;
    let manner = Manner { known: manners, habits, log_mean, log_p90, log_usual };
    let parts = Parts {
        lens,
        models,
        manner,
        asked,
        benchmarks: benchmarks(dataset, &sights),
        sights,
        tokens: tokens.expect("every training has a job for tokens"),
        trust,
        calibration: calibrated.calibration,
        places: places(&embeddings, plan.places as usize, plan.seed),
        plan: plan.to_toml(),
    };
    parts.check()?;
    let cross_fitted = cross_fitted(dataset, &unseen, &parts);
    let n_topics_left_out = setting.subjects.as_ref().map_or(0, |subjects| subjects.n_left_out);
    Ok(Trained { parts, cross_fitted, n_topics_left_out })
}

fn check(dataset: &Dataset, plan: &Plan) -> Result<(), TrainError> {
    let found = dataset.prompts.len();
    if found < MIN_PROMPTS {
        return Err(TrainError::TooFewPrompts { found });
    }
    if dataset.models.len() < 2 {
        return Err(TrainError::OneModel { found: dataset.models.len() });
    }
    let mut groups: Vec<u64> = dataset.prompts.iter().map(|prompt| prompt.group).collect();
    groups.sort_unstable();
    groups.dedup();
    let expected = plan.folds as usize;
    if groups.len() < expected { Err(TrainError::TooFewGroups { expected, found: groups.len() }) } else { Ok(()) }
}

/// All that jobs share.
struct Workshop<'a> {
    dataset: &'a Dataset,
    setting: &'a Setting<'a>,
    columns: Vec<f32>,
    /// What the view of topics hears, where there is one.
    told: Option<Told>,
}

impl<'a> Workshop<'a> {
    fn new(dataset: &'a Dataset, setting: &'a Setting<'a>, told: Option<Told>) -> Self {
        Self { dataset, setting, columns: columns(dataset), told }
    }

    fn fit(&self, job: &Job, step: &dyn Fn()) -> Fitted {
        let (setting, plan) = (self.setting, self.setting.plan);
        let rows = setting.rows(job.fold);
        let material = Material::new(self.dataset, &rows);
        let start = setting.start.as_ref().map(|(width, table)| Start { width: *width, table });
        let min_leaf = plan.min_leaf as usize;
        let growth = Growth { n_trees: setting.trees(job), min_leaf, share_of_columns: 0.3, left_out: 0.3 };
        match job.kind {
            Kind::ReadingNet => {
                let course = Course { reads: true, epochs: plan.reading_epochs as usize, ..COURSE };
                fit_net(&material, start.as_ref(), &course, job.seed, step)
            }
            Kind::FeatureNet => {
                let course = Course { reads: false, epochs: plan.feature_epochs as usize, ..COURSE };
                fit_net(&material, None, &course, job.seed, step)
            }
            Kind::Forest => {
                let course = ForestCourse { growth, rank: 7, penalties: QUALITY, say: Say::OfTheMost };
                fit_forest(&material, &self.columns, &material.qualities(), &course, job.seed, step)
            }
            Kind::Topics => {
                step();
                let told = self.told.as_ref().expect("a view of topics is asked for where there are topics");
                fit_shares(&material, told, job.fold)
            }
            Kind::Tokens => {
                let course = ForestCourse { growth, rank: 4, penalties: LENGTH, say: Say::Alike };
                fit_forest(&material, &self.columns, &material.lengths(), &course, job.seed, step)
            }
        }
    }

    /// What the folds' views say of the prompts in their folds; the manners of all models; and how far views are trusted.
    fn unseen(&self, jobs: &[Job], fitted: &[Fitted], weights: &[f32]) -> (Unseen, Manners, Trust) {
        let (n_prompts, n_models) = (self.dataset.prompts.len(), self.dataset.models.len());
        let setting = self.setting;
        let places: Vec<Places> = (0..setting.plan.folds).map(|fold| self.places_outside(fold)).collect();
        let councils: Vec<Council<'_>> =
            (0..setting.plan.folds).map(|fold| Council::of(setting, jobs, fitted, fold)).collect();
        let tokens: Vec<&Fitted> = councils.iter().filter_map(|council| council.tokens).collect();
        let (manners, lengths) = manners(self.dataset, &setting.folds, &tokens);
        let mut logits = vec![0.0; n_prompts * n_models];
        let mut all_heard = Vec::with_capacity(n_prompts);
        for (prompt, lesson) in self.dataset.prompts.iter().enumerate() {
            let (fold, reading) = (setting.folds[prompt] as usize, &lesson.reading);
            let (council, span) = (&councils[fold], prompt * n_models..(prompt + 1) * n_models);
            let heard = Heard::of(council.members(), reading, places[fold].unlikeness(reading));
            for ((fitted, weight, _), traits) in council.views.iter().zip(&heard.traits) {
                let rows = fitted.abilities.chunks_exact(1 + traits.len());
                let onto = logits[span.clone()].iter_mut();
                onto.zip(rows).for_each(|(onto, row)| *onto += weight * fitted.view.logit(traits, row));
            }
            all_heard.push(heard);
        }
        let level = |(council, heard): (&Council<'_>, &Heard)| {
            council.views.iter().zip(&heard.levels).map(|((_, weight, _), level)| weight * level).sum()
        };
        let mut usual: Vec<f32> =
            setting.folds.iter().map(|fold| &councils[*fold as usize]).zip(&all_heard).map(level).collect();
        let trust = setting.subjects.as_ref().map_or_else(Trust::default, |subjects| {
            let ledger = Ledger::new(self.dataset, subjects, weights, &all_heard, &logits);
            let learned = ledger.learn();
            let added: Vec<f32> = (0..n_prompts).map(|prompt| ledger.added(prompt, &learned)).collect();
            let trust = ledger.trust(&learned, &setting.kinds());
            for ((row, usual), added) in logits.chunks_exact_mut(n_models).zip(&mut usual).zip(added) {
                row.iter_mut().for_each(|logit| *logit += added);
                *usual += added;
            }
            trust
        });
        let unlikeness = all_heard.iter().map(|heard| heard.unlikeness).collect();
        (Unseen { logits, lengths, unlikeness, usual }, manners, trust)
    }

    fn places_outside(&self, fold: u32) -> Places {
        let rows = self.setting.rows(Some(fold));
        let embeddings: Vec<&[f32]> =
            rows.iter().map(|row| self.dataset.prompts[*row as usize].reading.row.embedding()).collect();
        places(&embeddings, self.setting.plan.places as usize, self.setting.plan.seed)
    }
}

const BATCH: usize = 128;

/// Found on folds of the shared outcomes, 2026-11; most of it hardly matters.
pub(crate) const COURSE: Course = Course {
    reads: true,
    n_traits: 32,
    trunk: 192,
    epochs: 5,
    batch: BATCH,
    rate: 2e-3,
    table_rate: 1e-3,
    decay: 0.02,
    dropout: 0.15,
    feature_dropout: 0.1,
    piece_dropout: 0.1,
    aux: 0.05,
    ability_penalty: 0.01,
};

/// Likewise. The noise is that of a success: a probability times its opposite, nearly everywhere.
pub(crate) const QUALITY: Penalties = Penalties { noise: 0.15, slopes: 20.0, slope: 0.3, abilities: 20.0 };

/// Logarithms of lengths vary by half around what is expected.
const LENGTH: Penalties = Penalties { noise: 0.3, slopes: 20.0, slope: 0.5, abilities: 20.0 };

/// Feature by feature, as trees ask them.
pub(crate) fn columns(dataset: &Dataset) -> Vec<f32> {
    let n = dataset.prompts.len();
    let width = dataset.prompts.first().map_or(0, |prompt| prompt.reading.row.values().len());
    let mut columns = vec![0.0; n * width];
    for (row, prompt) in dataset.prompts.iter().enumerate() {
        for (column, value) in prompt.reading.row.values().iter().enumerate() {
            columns[column * n + row] = *value;
        }
    }
    columns
}

/// What is counted of each model; the rest comes with calibration.
fn known(dataset: &Dataset) -> Vec<Known> {
    let mut counts = vec![(0_u64, Vec::new()); dataset.models.len()];
    for answer in dataset.prompts.iter().flat_map(|prompt| &prompt.answers) {
        let count = &mut counts[usize::from(answer.model)];
        count.0 += 1;
        count.1.extend(answer.output.zip(answer.reasoning));
    }
    let models = dataset.models.iter().zip(counts).map(|(name, (n_outcomes, counted))| Known {
        name: name.clone(),
        n_outcomes,
        onboarded: false,
        offset: 0.0,
        log_mean: 0.0,
        log_p90: 0.0,
        reasoning: hidden_share(counted.into_iter()).unwrap_or(0.0),
    });
    models.collect()
}

/// The mean traits of every source and data set with enough prompts, under the names that people publish scores by.
fn benchmarks(dataset: &Dataset, sights: &[Sight]) -> BTreeMap<String, Vec<f32>> {
    let mut sums: BTreeMap<&str, (Vec<f64>, usize)> = BTreeMap::new();
    for prompt in &dataset.prompts {
        let traits: Vec<f32> = sights.iter().flat_map(|sight| sight.view.traits(&prompt.reading)).collect();
        let source = dataset.sources[usize::from(prompt.source)].as_str();
        let part = dataset.datasets[usize::from(prompt.dataset)].as_str();
        let mut names = vec![source, part, part.rsplit('/').next().unwrap_or(part)];
        names.sort_unstable();
        names.dedup();
        for name in names {
            let (sum, n) = sums.entry(name).or_insert_with(|| (vec![0.0; traits.len()], 0));
            sum.iter_mut().zip(&traits).for_each(|(sum, value)| *sum += f64::from(*value));
            *n += 1;
        }
    }
    let enough = sums.into_iter().filter(|(_, (_, n))| *n >= MIN_BENCHMARK_PROMPTS);
    enough
        .map(|(name, (sum, n))| (name.to_owned(), sum.iter().map(|value| (value / n as f64) as f32).collect()))
        .collect()
}

fn cross_fitted(dataset: &Dataset, unseen: &Unseen, parts: &Parts) -> Vec<CrossFitted> {
    let Parts { models, calibration, manner, asked, .. } = parts;
    let n = models.len();
    let rows = dataset.prompts.iter().enumerate().map(|(at, prompt)| {
        let logits = &unseen.logits[at * n..][..n];
        let Unread { own, known, usual } = &unseen.lengths;
        let shares = asked.shares(prompt.reading.row.topics());
        let low = |((place, model), logit): ((usize, &Known), &f32)| {
            let unasked = unasked(dot(asked.known(place), &shares));
            let elsewhere = calibration.doubt_elsewhere(unasked, logit - unseen.usual[at]);
            let doubt = calibration.doubt_after(model.n_outcomes as f32) + elsewhere;
            calibration.quality_low(*logit, model.offset, doubt, unseen.unlikeness[at])
        };
        let each = || models.iter().zip(logits);
        CrossFitted {
            id: prompt.id.clone(),
            tokens: prompt.tokens,
            quality: each().map(|(model, logit)| calibration.quality(*logit, model.offset)).collect(),
            quality_low: models.iter().enumerate().zip(logits).map(low).collect(),
            log_own: models.iter().zip(&own[at * n..]).map(|(model, log)| log + model.log_mean).collect(),
            log_own_known: known[at * n..][..n].to_vec(),
            log_usual: usual[at] + manner.log_mean,
        }
    });
    rows.collect()
}

#[cfg(test)]
mod tests;
