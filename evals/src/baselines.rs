//! What a router must be better than. The learned ones are cross-fitted: the groups are cut into folds, and what is said of a
//! fold was learned from the others, so that every prompt is judged and none is learned from.

use std::collections::BTreeMap;

use training_data::fingerprint::fingerprint;

use crate::curve::Forecast;
use crate::grid::{Grid, mean, number};
use crate::pool::Pool;

mod knn;

pub use knn::{Neighbours, hashed_words};

/// What the marks in the names mean.
pub const NOTES: [&str; 2] = [
    "(1) is told the true data set of each prompt, which no service is",
    "(2) the 40 nearest prompts by shared words; all three are cross-fitted over 5 folds of groups, so that a per-model mean, \
     which knows nothing of the prompt, ranks a little below chance: a fold that did well makes the others' mean lower",
];

/// Folds of the cross-fitting.
pub const N_FOLDS: usize = 5;

/// Neighbours that are asked.
pub const K: usize = 40;

/// A baseline that forecasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Baseline {
    /// Every model's mean: knows nothing of the prompt but its length.
    ModelMean,
    /// Every model's mean on the prompt's own data set, which no service is told.
    DatasetMean,
    /// Every model's mean over the nearest prompts.
    Knn,
}

impl Baseline {
    /// All of them, in the order they are shown.
    pub const ALL: [Self; 3] = [Self::ModelMean, Self::DatasetMean, Self::Knn];

    /// What it is called in a report.
    pub fn name(self) -> &'static str {
        match self {
            Self::ModelMean => "per-model mean",
            Self::DatasetMean => "per-data-set mean (1)",
            Self::Knn => "kNN (2)",
        }
    }

    /// What it is called on a command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::ModelMean => "model-mean",
            Self::DatasetMean => "dataset-mean",
            Self::Knn => "knn",
        }
    }

    /// What it would have forecast. None for neighbours where prompts have no text, and where all prompts are of one fold: there are no
    /// others to learn from.
    pub fn forecast(self, pool: &Pool) -> Option<Forecast> {
        let folds = folds(pool);
        if folds.iter().all(|fold| *fold == folds[0]) {
            return None;
        }
        let mut forecast = Forecast {
            quality: Grid::filled(pool.prompts.len(), pool.models.len(), 0.0),
            cost_usd: Grid::filled(pool.prompts.len(), pool.models.len(), 0.0),
        };
        let neighbours = match self {
            Self::Knn => Some(Neighbours::of(pool)?),
            Self::ModelMean | Self::DatasetMean => None,
        };
        for fold in 0..N_FOLDS {
            let learned = Learned::from(pool, &folds, fold);
            for row in (0..pool.prompts.len()).filter(|row| folds[*row] == fold) {
                let quality = match (self, &neighbours) {
                    (Self::Knn, Some(neighbours)) => learned.near(pool, neighbours, &folds, row),
                    (Self::DatasetMean, _) => learned.on_dataset(pool, row),
                    (Self::ModelMean | Self::Knn, _) => learned.quality.clone(),
                };
                forecast.quality.row_mut(row).copy_from_slice(&quality);
                forecast.cost_usd.row_mut(row).copy_from_slice(&learned.cost(pool, row));
            }
        }
        Some(forecast)
    }
}

/// The fold of each prompt, by its group.
fn folds(pool: &Pool) -> Vec<usize> {
    let n_folds = u64::try_from(N_FOLDS).expect("a small constant fits");
    let fold = |group: &str| usize::try_from(fingerprint(FOLD_SALT, group.as_bytes()) % n_folds).expect("a fold fits");
    pool.prompts.iter().map(|prompt| fold(&prompt.group)).collect()
}

/// Keeps these folds apart from every split that hashes the same groups.
const FOLD_SALT: u64 = 0x6a75_6467_6500_0001;

/// What all folds but one say.
struct Learned {
    fold: usize,
    /// Mean quality by model.
    quality: Vec<f64>,
    /// Mean completion tokens by model, where the rows say.
    completion_tokens: Vec<f64>,
    /// Mean bill by model, where they do not.
    bill_usd: Vec<f64>,
    /// Mean quality by model, by data set.
    by_dataset: BTreeMap<String, Vec<f64>>,
}

impl Learned {
    fn from(pool: &Pool, folds: &[usize], fold: usize) -> Self {
        let others = |grid: &Grid, model: usize| {
            let cells = grid.column(model).zip(folds).filter(|(_, other)| **other != fold).map(|(value, _)| value);
            mean(cells.filter(|value| !value.is_nan()))
        };
        let mut datasets: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (row, prompt) in pool.prompts.iter().enumerate().filter(|(row, _)| folds[*row] != fold) {
            datasets.entry(&prompt.dataset).or_default().push(row);
        }
        let by_dataset =
            datasets.into_iter().filter_map(|(dataset, rows)| Some((dataset.to_owned(), mean_over(pool, &rows)?)));
        let by_model = |grid: &Grid| (0..pool.models.len()).map(|model| others(grid, model)).collect();
        Self {
            fold,
            quality: by_model(&pool.truth.quality),
            completion_tokens: by_model(&pool.completion_tokens),
            bill_usd: by_model(&pool.truth.bill_usd),
            by_dataset: by_dataset.collect(),
        }
    }

    /// The prompt's own tokens and the model's usual answer at list prices, or the model's usual bill.
    fn cost(&self, pool: &Pool, row: usize) -> Vec<f64> {
        let cost = |model: usize| match pool.prices[model] {
            Some(prices) if !self.completion_tokens[model].is_nan() => {
                prices.of(pool.prompts[row].n_tokens, self.completion_tokens[model])
            }
            Some(_) | None => self.bill_usd[model],
        };
        (0..pool.models.len()).map(cost).collect()
    }

    fn on_dataset(&self, pool: &Pool, row: usize) -> Vec<f64> {
        self.by_dataset.get(&pool.prompts[row].dataset).cloned().unwrap_or_else(|| self.quality.clone())
    }

    fn near(&self, pool: &Pool, neighbours: &Neighbours, folds: &[usize], row: usize) -> Vec<f64> {
        let nearest = neighbours.nearest(row, K, |other| folds[other] != self.fold);
        mean_over(pool, &nearest).unwrap_or_else(|| self.quality.clone())
    }
}

/// Every model's mean over some prompts; none over none.
fn mean_over(pool: &Pool, prompts: &[usize]) -> Option<Vec<f64>> {
    let mut sums = vec![0.0; pool.models.len()];
    for prompt in prompts {
        for (sum, quality) in sums.iter_mut().zip(pool.truth.quality.row(*prompt)) {
            *sum += quality;
        }
    }
    (!prompts.is_empty()).then(|| sums.iter().map(|sum| sum / number(prompts.len())).collect())
}

/// What choosing blindly and evenly among all models gives: mean cost and quality.
pub fn random_mix(pool: &Pool) -> (f64, f64) {
    let even = |grid: &Grid| grid.column_means().iter().sum::<f64>() / number(grid.n_columns());
    (even(&pool.truth.bill_usd), even(&pool.truth.quality))
}

/// What a seer would pay: for each prompt the best answer there is, and of equals the cheapest.
pub fn oracle(pool: &Pool) -> (f64, f64) {
    let rows = pool.truth.quality.rows().zip(pool.truth.bill_usd.rows());
    let (mut cost, mut quality) = (0.0, 0.0);
    for (qualities, bills) in rows {
        let best = qualities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let equals = qualities.iter().zip(bills).filter(|(quality, _)| quality.total_cmp(&best).is_eq());
        cost += equals.map(|(_, bill)| *bill).fold(f64::INFINITY, f64::min);
        quality += best;
    }
    let n = number(pool.prompts.len());
    (cost / n, quality / n)
}

#[cfg(test)]
mod tests;
