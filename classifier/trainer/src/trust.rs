//! Learns how far views are trusted, from what the views of the folds said of prompts that they had not seen: what is to be added to
//! their blend, source by source, so that the logits of all models at a prompt lie right together. A few numbers for each source,
//! learned from all prompts at once as calibration is: folds apart would each miss what the others had too much of.

use classifier::council::Heard;
use classifier::kernel::sigmoid;
use classifier::system::System;
use classifier::trust::Trust;

use crate::dataset::Dataset;
use crate::topics::Subjects;

/// How far trust strays from the weights of the blend (a variance). On two splits of the shared outcomes a third of it and ten times
/// as much were as good, within 0.001 of AUC (2026-11-29).
const STRAY: f64 = 0.05;

/// Newton steps; from nothing added, five settle to rounding.
const STEPS: usize = 6;

/// A prompt of which all is certain must not make a step endless.
const LEAST_SLOPE: f64 = 0.02;

/// What trust is learned from.
pub(crate) struct Ledger<'a> {
    pub(crate) dataset: &'a Dataset,
    /// How much each prompt counts.
    pub(crate) weights: &'a [f32],
    /// What was heard of each prompt by the views of its fold, one of every kind.
    pub(crate) heard: &'a [Heard],
    /// A row of blended logits for every prompt, a model each.
    pub(crate) logits: &'a [f32],
    /// A row for every topic: the shares of the sources in its prompts.
    sources: Vec<f32>,
}

/// What was learned: a row for every source.
pub(crate) struct Learned {
    rows: Vec<f64>,
}

impl<'a> Ledger<'a> {
    pub(crate) fn new(
        dataset: &'a Dataset,
        subjects: &Subjects,
        weights: &'a [f32],
        heard: &'a [Heard],
        logits: &'a [f32],
    ) -> Self {
        Self { dataset, weights, heard, logits, sources: subjects.sources(dataset) }
    }

    /// Learns from all prompts.
    pub(crate) fn learn(&self) -> Learned {
        let inputs: Vec<Vec<f64>> = (0..self.heard.len()).map(|prompt| self.input(prompt)).collect();
        let mut rows = vec![0.0; inputs.first().map_or(0, Vec::len)];
        for _ in 0..STEPS {
            let mut system = System::new(rows.len());
            (0..rows.len()).for_each(|k| system.pull(k, 1.0 / STRAY, 0.0));
            for (prompt, input) in inputs.iter().enumerate() {
                let added: f64 = input.iter().zip(&rows).map(|(value, row)| value * row).sum();
                let (off, slope) = self.off(prompt, added);
                // A prompt that counts for nothing, as one without answers, tells nothing.
                if slope > 0.0 {
                    system.observe(input, added + off / slope, slope);
                }
            }
            rows.copy_from_slice(system.solved());
        }
        Learned { rows }
    }

    /// What is added to the logits of a prompt by what was learned.
    pub(crate) fn added(&self, prompt: usize, learned: &Learned) -> f32 {
        self.input(prompt).iter().zip(&learned.rows).map(|(value, row)| value * row).sum::<f64>() as f32
    }

    /// How far the outcomes of a prompt are off what is expected, and how that changes with what is added.
    fn off(&self, prompt: usize, added: f64) -> (f64, f64) {
        let lesson = &self.dataset.prompts[prompt];
        let logits = &self.logits[prompt * self.dataset.models.len()..];
        let (mut off, mut slope) = (0.0, 0.0);
        for answer in &lesson.answers {
            let expected = f64::from(sigmoid(logits[usize::from(answer.model)] + added as f32));
            off += f64::from(answer.quality) - expected;
            slope += expected * (1.0 - expected);
        }
        let (n, weight) = (lesson.answers.len().max(1) as f64, f64::from(self.weights[prompt]));
        (weight * off / n, weight * (slope / n).max(LEAST_SLOPE))
    }

    /// Its shares of the sources, each by itself and times what each view expects.
    fn input(&self, prompt: usize) -> Vec<f64> {
        let heard = &self.heard[prompt];
        let topics = self.dataset.prompts[prompt].reading.row.topics();
        let n_sources = self.dataset.sources.len();
        let mut shares = vec![0.0; n_sources];
        for (share, sources) in topics.iter().zip(self.sources.chunks_exact(n_sources)) {
            shares.iter_mut().zip(sources).for_each(|(sum, source)| *sum += f64::from(share * source * heard.share));
        }
        let of_source = |share: f64| {
            let levels = heard.levels.iter().map(move |level| share * f64::from(*level));
            std::iter::once(share).chain(levels)
        };
        shares.into_iter().flat_map(of_source).collect()
    }

    /// Trust in the views of the artifact: each is of the kind of one of the folds' views, and has a part of what is trusted of it.
    pub(crate) fn trust(&self, learned: &Learned, views: &[(usize, f32)]) -> Trust {
        let n_sources = self.dataset.sources.len();
        let n_kinds = learned.rows.len() / n_sources.max(1);
        let n_topics = self.sources.len() / n_sources.max(1);
        let mut rows = Vec::with_capacity(n_topics * Trust::n_columns(views.len()));
        for sources in self.sources.chunks_exact(n_sources) {
            let of_column = |column: usize| -> f32 {
                let of_sources = learned.rows.chunks_exact(n_kinds.max(1)).map(|row| row[column] as f32);
                sources.iter().zip(of_sources).map(|(share, value)| share * value).sum()
            };
            rows.push(of_column(0));
            rows.extend(views.iter().map(|(kind, part)| part * of_column(1 + kind)));
        }
        Trust { rows }
    }
}

#[cfg(test)]
mod tests;
