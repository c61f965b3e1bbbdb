//! What a plan makes of the prompts: which fold each is in, what reading nets start from, which data sets are topics; and from
//! that the jobs of a training, the long ones first.

use std::collections::BTreeMap;

use classifier::encoder::{Encoder, Table};
use classifier::lens::Lens;

use super::BATCH;
use crate::dataset::Dataset;
use crate::plan::Plan;
use crate::topics::{Subjects, Told, ToldBy, rows_outside};

/// What a job fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    ReadingNet,
    FeatureNet,
    Forest,
    Topics,
    Tokens,
}

/// One view to fit: without a fold on all prompts, else on those outside it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub(super) kind: Kind,
    pub(super) fold: Option<u32>,
    pub(super) seed: u64,
}

/// The plan as it meets the prompts.
pub(super) struct Setting<'a> {
    pub(super) plan: &'a Plan,
    /// The fold of each prompt.
    pub(super) folds: Vec<u32>,
    /// The width and the rows of the encoder's table, if it is one.
    pub(super) start: Option<(usize, Vec<f32>)>,
    /// Which data sets are topics, if there are topics.
    pub(super) subjects: Option<Subjects>,
}

impl<'a> Setting<'a> {
    pub(super) fn new(dataset: &Dataset, lens: &Lens, plan: &'a Plan) -> Self {
        let start = match lens.encoder() {
            Encoder::Table(table) => Some((table.dims(), unit_rows(table))),
            Encoder::Bert(_) => None,
        };
        let mut groups: Vec<u64> = dataset.prompts.iter().map(|prompt| prompt.group).collect();
        groups.sort_unstable();
        groups.dedup();
        crate::dice::Dice::new(plan.seed, 5).shuffle(&mut groups);
        let order: BTreeMap<u64, u32> = groups.into_iter().zip((0..plan.folds).cycle()).collect();
        let folds = dataset.prompts.iter().map(|prompt| order[&prompt.group]).collect();
        // Pieces of another encoder's tokenizer are not ours to count.
        let subjects = start.as_ref().filter(|_| plan.topic_epochs > 0).and_then(|_| Subjects::of(dataset));
        Self { plan, folds, start, subjects }
    }

    /// The long jobs first, so that no worker is left alone with one at the end. A fold makes do with one net of a kind and half
    /// the trees: it is there to calibrate, and errs on the side of doubt.
    pub(super) fn jobs(&self) -> Vec<Job> {
        let plan = self.plan;
        let reading = if self.start.is_some() { plan.reading_nets } else { 0 };
        let mut jobs = Vec::new();
        for (kind, n) in [
            (Kind::ReadingNet, reading),
            (Kind::Forest, plan.trees.min(1)),
            (Kind::FeatureNet, plan.feature_nets),
            (Kind::Topics, u32::from(self.subjects.is_some())),
            (Kind::Tokens, 1),
        ] {
            let seed = |at: u32| plan.seed.wrapping_mul(1_000_003).wrapping_add(u64::from(at));
            jobs.extend((0..n).map(|at| Job { kind, fold: None, seed: seed(at) }));
            if n > 0 {
                jobs.extend((0..plan.folds).map(|fold| Job { kind, fold: Some(fold), seed: seed(100 + fold) }));
            }
        }
        jobs
    }

    /// For each view of the artifact, which of a fold's views is of its kind, and its part of that one's weight.
    pub(super) fn kinds(&self) -> Vec<(usize, f32)> {
        let jobs = self.jobs();
        let blended = || jobs.iter().filter(|job| job.kind != Kind::Tokens);
        let of_fold: Vec<Kind> = blended().filter(|job| job.fold == Some(0)).map(|job| job.kind).collect();
        let whole = || blended().filter(|job| job.fold.is_none());
        // By number, not by weight: a view without a say in the blend may be trusted about how hard prompts are.
        let part = |of: Kind| 1.0 / whole().filter(|job| job.kind == of).count() as f32;
        whole().filter_map(|job| Some((of_fold.iter().position(|kind| *kind == job.kind)?, part(job.kind)))).collect()
    }

    /// Progress steps of a job: one an epoch-sized piece of work.
    fn steps(&self, job: &Job) -> usize {
        let n = self.rows(job.fold).len().div_ceil(BATCH);
        match job.kind {
            Kind::ReadingNet => self.plan.reading_epochs as usize * n,
            Kind::FeatureNet => self.plan.feature_epochs as usize * n,
            Kind::Forest | Kind::Tokens => self.trees(job),
            Kind::Topics => 1,
        }
    }

    /// All steps of a training.
    pub(super) fn total(&self, jobs: &[Job]) -> usize {
        let topics = self.subjects.as_ref().map_or(0, |_| Told::n_steps(&self.folds, self.plan.folds, self.plan));
        2 * topics + jobs.iter().map(|job| self.steps(job)).sum::<usize>()
    }

    /// Topics are learned before the views are, which see them. Each prompt is told them by what the other folds taught.
    pub(super) fn tell_topics(&self, dataset: &mut Dataset, lens: Lens, step: &(dyn Fn() + Sync)) -> Lens {
        let told = self.learn_topics(dataset, ToldBy::Pieces, step);
        let (whole, unseen) = told.map_or((None, Vec::new()), |told| (Some(told.whole), told.unseen));
        dataset.tell_topics(&unseen);
        lens.with_topics(whole)
    }

    /// Topics told by so much, where there are topics.
    pub(super) fn learn_topics(&self, dataset: &Dataset, by: ToldBy, step: &(dyn Fn() + Sync)) -> Option<Told> {
        let folds = (self.folds.as_slice(), self.plan.folds);
        self.subjects.as_ref().map(|subjects| Told::learn(dataset, subjects, by, folds, self.plan, step))
    }

    pub(super) fn trees(&self, job: &Job) -> usize {
        let all = if job.kind == Kind::Tokens { self.plan.token_trees } else { self.plan.trees };
        (if job.fold.is_some() { all.div_ceil(2) } else { all }) as usize
    }

    /// The prompts that a fold's views learn from.
    pub(super) fn rows(&self, fold: Option<u32>) -> Vec<u32> {
        rows_outside(&self.folds, fold)
    }

    /// The factor of one view in the blend.
    pub(super) fn weight(&self, kind: Kind, fold: Option<u32>) -> f32 {
        let plan = self.plan;
        let reads = self.start.is_some() && plan.reading_nets > 0;
        let among = |n: u32| if fold.is_some() { 1.0 } else { n.max(1) as f32 };
        let shares = [
            if reads { plan.reading_weight } else { 0.0 },
            if plan.feature_nets > 0 { plan.feature_weight } else { 0.0 },
            if plan.trees > 0 { plan.forest_weight } else { 0.0 },
            if self.subjects.is_some() { plan.topic_weight } else { 0.0 },
        ];
        let whole = shares.iter().sum::<f32>().max(f32::MIN_POSITIVE);
        match kind {
            Kind::ReadingNet => shares[0] / whole / among(plan.reading_nets),
            Kind::FeatureNet => shares[1] / whole / among(plan.feature_nets),
            Kind::Forest => shares[2] / whole,
            Kind::Topics => shares[3] / whole,
            Kind::Tokens => 0.0,
        }
    }
}

/// The table's rows, scaled to a variance of 1: what reading nets start from.
fn unit_rows(table: &Table) -> Vec<f32> {
    let width = table.dims();
    let mut rows = vec![0.0; table.n_pieces() * width];
    for (piece, row) in (0..).zip(rows.chunks_exact_mut(width)) {
        table.add_row(piece, 1.0, row);
    }
    let variance = classifier::kernel::dot(&rows, &rows) / rows.len().max(1) as f32;
    let scale = 1.0 / variance.sqrt().max(f32::MIN_POSITIVE);
    rows.iter_mut().for_each(|value| *value *= scale);
    rows
}
