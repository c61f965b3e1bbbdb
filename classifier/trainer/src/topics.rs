//! Fits topics: which data set a prompt is from, told by its word pieces. A softmax over sparse bags, learned by AdaGrad, whose
//! steps grow small where much was seen and stay large for rare pieces.

use std::collections::BTreeMap;

use classifier::kernel::{add_scaled, softmax, widely};
use classifier::matrix::Matrix;
use classifier::topics::{MAX_TOPICS, Topics, bag};

use crate::crew::side_by_side;
use crate::dataset::Dataset;
use crate::dice::Dice;
use crate::plan::Plan;

/// A data set with fewer prompts than this is no topic of its own.
const MIN_TOPIC_PROMPTS: usize = 12;

/// A word piece that fewer prompts hold says nothing: it would only remember them.
const MIN_PIECE_PROMPTS: usize = 3;

/// Prompts that are learned from at once.
const BATCH: usize = 256;

/// The length of a step, of the weights and of the biases. Found on folds of the shared outcomes, 2026-11.
const RATE: f32 = 0.6;
const BIAS_RATE: f32 = 0.5;

/// Small topics count for more than their share: a prompt of a topic of `n` weighs as this power of `n`.
const TOPIC_POWER: f32 = -0.3;

/// Squares that every weight is taken to have seen.
const FIRST_SQUARES: f32 = 1e-4;

/// Which data sets are topics, and which topic each prompt has: the same for all folds, so that shares can be compared.
#[derive(Clone, Debug)]
pub(crate) struct Subjects {
    pub(crate) n_topics: usize,
    /// By prompt of the data set.
    of_prompts: Vec<Option<u16>>,
}

impl Subjects {
    /// The larger data sets; none where there are not two of them.
    pub(crate) fn of(dataset: &Dataset) -> Option<Self> {
        let mut sizes = vec![0_usize; dataset.datasets.len()];
        for prompt in &dataset.prompts {
            sizes[usize::from(prompt.dataset)] += 1;
        }
        let mut large: Vec<usize> = (0..sizes.len()).filter(|at| sizes[*at] >= MIN_TOPIC_PROMPTS).collect();
        large.sort_by_key(|at| std::cmp::Reverse(sizes[*at]));
        large.truncate(MAX_TOPICS);
        large.sort_unstable();
        let topics: BTreeMap<usize, u16> = large.into_iter().zip(0..).collect();
        let of_prompts =
            dataset.prompts.iter().map(|prompt| topics.get(&usize::from(prompt.dataset)).copied()).collect();
        (topics.len() >= 2).then_some(Self { n_topics: topics.len(), of_prompts })
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

/// Topics as they are told by whom.
pub(crate) struct Told {
    /// Learned from all prompts.
    pub(crate) whole: Topics,
    /// Each prompt's shares by the topics learned without its fold, row after row.
    pub(crate) unseen: Vec<f32>,
}

impl Told {
    /// Learns from all prompts, and from those outside each of `n_folds` folds.
    pub(crate) fn learn(
        dataset: &Dataset,
        subjects: &Subjects,
        folds: (&[u32], u32),
        plan: &Plan,
        step_done: &(dyn Fn() + Sync),
    ) -> Self {
        let (of_prompts, n_folds) = folds;
        let jobs: Vec<Option<u32>> = std::iter::once(None).chain((0..n_folds).map(Some)).collect();
        let mut learned = side_by_side(&jobs, |fold| {
            let rows = rows_outside(of_prompts, *fold);
            fit_topics(dataset, subjects, &rows, plan.topic_epochs as usize, plan.seed, step_done)
        });
        let whole = learned.remove(0);
        let unseen = dataset
            .prompts
            .iter()
            .zip(of_prompts)
            .flat_map(|(prompt, fold)| learned[*fold as usize].shares(&prompt.reading.pieces))
            .collect();
        Self { whole, unseen }
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
    rows: &[u32],
    epochs: usize,
    seed: u64,
    step_done: &dyn Fn(),
) -> Topics {
    let (pieces, rarities) = telling(dataset, rows);
    let bags: Vec<(Vec<(usize, f32)>, usize)> = rows
        .iter()
        .filter_map(|row| {
            let topic = usize::from(subjects.of_prompts[*row as usize]?);
            Some((bag(&dataset.prompts[*row as usize].reading.pieces, &pieces, &rarities), topic))
        })
        .collect();
    let mut learner = Learner::new(pieces.len(), subjects.n_topics, &bags);
    let mut order: Vec<usize> = (0..bags.len()).collect();
    let mut dice = Dice::new(seed, 11);
    for _ in 0..epochs {
        dice.shuffle(&mut order);
        for part in order.chunks(BATCH) {
            learner.learn(&bags, part);
        }
        (0..rows.len().div_ceil(BATCH)).for_each(|_| step_done());
    }
    let Learner { weights, biases, n_topics, .. } = learner;
    Topics { pieces, rarities, weights: Matrix::of(&weights, n_topics), biases }
}

/// The word pieces that enough of the prompts hold, in order, and how rare each is.
fn telling(dataset: &Dataset, rows: &[u32]) -> (Vec<u32>, Vec<f32>) {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for row in rows {
        let mut held = dataset.prompts[*row as usize].reading.pieces.clone();
        held.sort_unstable();
        held.dedup();
        held.into_iter().for_each(|piece| *counts.entry(piece).or_default() += 1);
    }
    let n = rows.len() as f32;
    let enough = counts.into_iter().filter(|(_, count)| *count >= MIN_PIECE_PROMPTS);
    enough.map(|(piece, count)| (piece, 1.0 + libm::logf((1.0 + n) / (1.0 + count as f32)))).unzip()
}

struct Learner {
    n_topics: usize,
    /// Row after row, one for each piece.
    weights: Vec<f32>,
    /// Of the gradients so far, summed.
    squares: Vec<f32>,
    biases: Vec<f32>,
    /// How much a prompt of each topic counts.
    emphasis: Vec<f32>,
    /// Of one batch: the pieces it holds, where each piece's gradient is, and the gradients.
    touched: Vec<usize>,
    places: Vec<Option<usize>>,
    gradients: Vec<f32>,
}

impl Learner {
    fn new(n_pieces: usize, n_topics: usize, bags: &[(Vec<(usize, f32)>, usize)]) -> Self {
        let mut sizes = vec![0.0_f32; n_topics];
        bags.iter().for_each(|(_, topic)| sizes[*topic] += 1.0);
        let mut emphasis: Vec<f32> = sizes.iter().map(|size| libm::powf(size.max(1.0), TOPIC_POWER)).collect();
        let total: f32 = bags.iter().map(|(_, topic)| emphasis[*topic]).sum();
        let mean = (total / bags.len().max(1) as f32).max(f32::MIN_POSITIVE);
        emphasis.iter_mut().for_each(|weight| *weight /= mean);
        Self {
            n_topics,
            weights: vec![0.0; n_pieces * n_topics],
            squares: vec![FIRST_SQUARES; n_pieces * n_topics],
            biases: vec![0.0; n_topics],
            emphasis,
            touched: Vec::new(),
            places: vec![None; n_pieces],
            gradients: Vec::new(),
        }
    }

    fn learn(&mut self, bags: &[(Vec<(usize, f32)>, usize)], part: &[usize]) {
        self.touched.clear();
        self.gradients.clear();
        let mut bias_gradient = vec![0.0; self.n_topics];
        for at in part {
            let (bag, topic) = &bags[*at];
            widely(
                #[inline(always)]
                || self.take_in(bag, *topic, part.len() as f32, &mut bias_gradient),
            );
        }
        widely(
            #[inline(always)]
            || self.step(),
        );
        add_scaled(&mut self.biases, -BIAS_RATE, &bias_gradient);
        self.touched.iter().for_each(|piece| self.places[*piece] = None);
    }

    /// Adds up what one prompt says.
    #[inline(always)]
    fn take_in(&mut self, bag: &[(usize, f32)], topic: usize, n: f32, bias_gradient: &mut [f32]) {
        let width = self.n_topics;
        let mut wrong = self.biases.clone();
        for (piece, part) in bag {
            add_scaled(&mut wrong, *part, &self.weights[piece * width..][..width]);
        }
        softmax(&mut wrong);
        wrong[topic] -= 1.0;
        let scale = self.emphasis[topic] / n;
        wrong.iter_mut().for_each(|value| *value *= scale);
        for (piece, part) in bag {
            let place = match self.places[*piece] {
                Some(place) => place,
                None => {
                    let place = self.touched.len();
                    self.touched.push(*piece);
                    self.places[*piece] = Some(place);
                    self.gradients.resize((place + 1) * width, 0.0);
                    place
                }
            };
            add_scaled(&mut self.gradients[place * width..][..width], *part, &wrong);
        }
        add_scaled(bias_gradient, 1.0, &wrong);
    }

    /// Moves the weights of the pieces that were met.
    #[inline(always)]
    fn step(&mut self) {
        let width = self.n_topics;
        for (piece, gradient) in self.touched.iter().zip(self.gradients.chunks_exact(width)) {
            let weights = &mut self.weights[piece * width..][..width];
            let squares = &mut self.squares[piece * width..][..width];
            for ((weight, square), gradient) in weights.iter_mut().zip(squares).zip(gradient) {
                *square += gradient * gradient;
                *weight -= RATE * gradient / square.sqrt();
            }
        }
    }
}

#[cfg(test)]
mod tests;
