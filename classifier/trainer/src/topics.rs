//! Fits topics: which data set a prompt is from, told by its word pieces, and by its features where the view of topics asks.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use classifier::lens::Reading;
use classifier::topics::{MAX_TOPICS, Topics};

use crate::crew::side_by_side;
use crate::dataset::{Dataset, Lesson};
use crate::dice::Dice;
use crate::plan::Plan;
use crate::topics::learner::{Example, Learner};
use crate::topics::signs::Signs;
pub(crate) use crate::topics::signs::ToldBy;

mod learner;
mod signs;

/// A data set with fewer prompts than this is no topic of its own. A source that has only such is one topic.
const MIN_TOPIC_PROMPTS: usize = 12;

/// Prompts that are learned from at once.
const BATCH: usize = 256;

/// Which data sets are topics, and which topic each prompt has: the same for all folds, so that shares can be compared.
#[derive(Clone, Debug)]
pub(crate) struct Subjects {
    pub(crate) n_topics: usize,
    /// Data sets and sources large enough for a topic beyond [`MAX_TOPICS`].
    pub(crate) n_left_out: usize,
    /// By prompt of the data set.
    of_prompts: Vec<Option<u16>>,
}

impl Subjects {
    /// The larger data sets, and the sources that have none; nothing where there are not two of them.
    pub(crate) fn of(dataset: &Dataset) -> Option<Self> {
        let mut sizes = vec![0_usize; dataset.datasets.len()];
        for prompt in &dataset.prompts {
            sizes[usize::from(prompt.dataset)] += 1;
        }
        let mut has_large = vec![false; dataset.sources.len()];
        let is_large = |prompt: &Lesson| sizes[usize::from(prompt.dataset)] >= MIN_TOPIC_PROMPTS;
        dataset
            .prompts
            .iter()
            .filter(|prompt| is_large(prompt))
            .for_each(|prompt| has_large[usize::from(prompt.source)] = true);
        let part = |prompt: &Lesson| match has_large[usize::from(prompt.source)] {
            true => Part::Dataset(prompt.dataset),
            false => Part::Source(prompt.source),
        };
        let mut parts = BTreeMap::<Part, (usize, u16)>::new();
        for prompt in &dataset.prompts {
            parts.entry(part(prompt)).or_insert((0, prompt.source)).0 += 1;
        }
        let n_large = parts.values().filter(|(size, _)| *size >= MIN_TOPIC_PROMPTS).count();
        let topics: BTreeMap<Part, u16> = chosen(parts).into_iter().zip(0..).collect();
        let of_prompts = dataset.prompts.iter().map(|prompt| topics.get(&part(prompt)).copied()).collect();
        let (n_topics, n_left_out) = (topics.len(), n_large - topics.len());
        (n_topics >= 2).then_some(Self { n_topics, n_left_out, of_prompts })
    }

    /// A row for every topic: the shares of the sources in its prompts.
    pub(crate) fn sources(&self, dataset: &Dataset) -> Vec<f32> {
        let n_sources = dataset.sources.len();
        let mut rows = vec![0.0; self.n_topics * n_sources];
        for (prompt, topic) in dataset.prompts.iter().zip(&self.of_prompts) {
            if let Some(topic) = topic {
                rows[usize::from(*topic) * n_sources + usize::from(prompt.source)] += 1.0;
            }
        }
        for row in rows.chunks_exact_mut(n_sources) {
            let whole = row.iter().sum::<f32>().max(1.0);
            row.iter_mut().for_each(|share| *share /= whole);
        }
        rows
    }
}

/// What may be a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Dataset(u16),
    Source(u16),
}

/// The largest, in order. The largest of each source goes before the rest, so that none is without.
fn chosen(parts: BTreeMap<Part, (usize, u16)>) -> Vec<Part> {
    let mut large: Vec<(Part, (usize, u16))> =
        parts.into_iter().filter(|(_, (size, _))| *size >= MIN_TOPIC_PROMPTS).collect();
    large.sort_by_key(|(_, (size, _))| Reverse(*size));
    let mut met = BTreeSet::new();
    let (first, others): (Vec<_>, Vec<_>) = large.into_iter().partition(|(_, (_, source))| met.insert(*source));
    let mut chosen: Vec<Part> = first.into_iter().chain(others).take(MAX_TOPICS).map(|(part, _)| part).collect();
    chosen.sort_unstable();
    chosen
}

/// Topics as they are told by whom.
pub(crate) struct Told {
    /// Learned from all prompts.
    pub(crate) whole: Topics,
    /// Learned from the prompts outside each fold.
    pub(crate) outside: Vec<Topics>,
    /// Each prompt's shares by the topics learned without its fold, row after row.
    pub(crate) unseen: Vec<f32>,
}

impl Told {
    /// Learns from all prompts, and from those outside each of `n_folds` folds.
    pub(crate) fn learn(
        dataset: &Dataset,
        subjects: &Subjects,
        told_by: ToldBy,
        folds: (&[u32], u32),
        plan: &Plan,
        step_done: &(dyn Fn() + Sync),
    ) -> Self {
        let (of_prompts, n_folds) = folds;
        let jobs: Vec<Option<u32>> = std::iter::once(None).chain((0..n_folds).map(Some)).collect();
        let mut learned = side_by_side(&jobs, |fold| {
            let rows = rows_outside(of_prompts, *fold);
            fit_topics(dataset, subjects, told_by, &rows, plan, step_done)
        });
        let whole = learned.remove(0);
        let unseen = dataset
            .prompts
            .iter()
            .zip(of_prompts)
            .flat_map(|(prompt, fold)| {
                let Reading { pieces, row } = &prompt.reading;
                learned[*fold as usize].shares(pieces, row.untold())
            })
            .collect();
        Self { whole, outside: learned, unseen }
    }

    /// The topics that never saw the prompts of a fold, or those that saw all.
    pub(crate) fn without(&self, fold: Option<u32>) -> &Topics {
        fold.map_or(&self.whole, |fold| &self.outside[fold as usize])
    }

    /// The shares of a prompt, by topics that never saw it.
    pub(crate) fn unseen(&self, prompt: u32) -> &[f32] {
        let n_topics = self.whole.n_topics();
        &self.unseen[prompt as usize * n_topics..][..n_topics]
    }

    /// Steps that [`Told::learn`] reports.
    pub(crate) fn n_steps(of_prompts: &[u32], n_folds: u32, plan: &Plan) -> usize {
        let folds = std::iter::once(None).chain((0..n_folds).map(Some));
        let steps = |fold| rows_outside(of_prompts, fold).len().div_ceil(BATCH) * plan.topic_epochs as usize;
        folds.map(steps).sum()
    }
}

/// The prompts outside a fold, or all.
pub(crate) fn rows_outside(of_prompts: &[u32], fold: Option<u32>) -> Vec<u32> {
    (0..).zip(of_prompts).filter(|(_, own)| fold != Some(**own)).map(|(row, _)| row).collect()
}

/// Learns to tell the topics of these prompts.
fn fit_topics(
    dataset: &Dataset,
    subjects: &Subjects,
    told_by: ToldBy,
    rows: &[u32],
    plan: &Plan,
    step_done: &dyn Fn(),
) -> Topics {
    let signs = Signs::known(dataset, rows, told_by);
    let examples: Vec<Example> = rows
        .iter()
        .filter_map(|row| {
            let topic = usize::from(subjects.of_prompts[*row as usize]?);
            Some(Example { signs: signs.of(&dataset.prompts[*row as usize].reading), topic })
        })
        .collect();
    let mut learner = Learner::new(signs.n(), subjects.n_topics, &examples);
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let mut dice = Dice::new(plan.seed, 11);
    for _ in 0..plan.topic_epochs {
        dice.shuffle(&mut order);
        for batch in order.chunks(BATCH) {
            learner.learn(&examples, batch);
        }
        (0..rows.len().div_ceil(BATCH)).for_each(|_| step_done());
    }
    signs.topics(&learner.weights, learner.biases, subjects.n_topics)
}

#[cfg(test)]
mod tests;
