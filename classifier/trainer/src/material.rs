//! What all views start from: the prompts to learn from, how much each counts, and what was answered.

use crate::dataset::Dataset;
use crate::factors::Cell;

/// Prompts of a data set, those of small sources weighing more than their share.
pub(crate) struct Material<'a> {
    pub(crate) dataset: &'a Dataset,
    pub(crate) rows: &'a [u32],
    pub(crate) weights: Vec<f32>,
}

/// Small sources count for more than their share: a source of `n` prompts weighs as this power of `n`.
const SOURCE_POWER: f32 = 0.6;

impl<'a> Material<'a> {
    pub(crate) fn new(dataset: &'a Dataset, rows: &'a [u32]) -> Self {
        let mut sizes = vec![0.0_f32; dataset.sources.len()];
        for row in rows {
            sizes[usize::from(dataset.prompts[*row as usize].source)] += 1.0;
        }
        let mut weights = vec![0.0; dataset.prompts.len()];
        for row in rows {
            let prompt = &dataset.prompts[*row as usize];
            let size = sizes[usize::from(prompt.source)];
            weights[*row as usize] = libm::powf(size, SOURCE_POWER) / size * (prompt.answers.len() as f32).sqrt();
        }
        let mean = weights.iter().sum::<f32>() / rows.len().max(1) as f32;
        weights.iter_mut().for_each(|weight| *weight /= mean);
        Self { dataset, rows, weights }
    }

    /// The logarithms of the lengths of answers, where rows say them; prompt by prompt.
    pub(crate) fn lengths(&self) -> Vec<Cell> {
        let cells = self.rows.iter().flat_map(|row| {
            let answers = self.dataset.prompts[*row as usize].answers.iter();
            answers.filter_map(|answer| {
                let value = libm::log1pf(answer.output?);
                Some(Cell { prompt: *row, model: u32::from(answer.model), value })
            })
        });
        cells.collect()
    }

    /// The qualities; prompt by prompt.
    pub(crate) fn qualities(&self) -> Vec<Cell> {
        let cells = self.rows.iter().flat_map(|row| {
            let answers = &self.dataset.prompts[*row as usize].answers;
            answers.iter().map(|answer| Cell { prompt: *row, model: u32::from(answer.model), value: answer.quality })
        });
        cells.collect()
    }
}
