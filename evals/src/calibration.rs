//! Whether forecasts come true: order (AUC), distance (Brier) and honesty (ECE, beside the ECE that these very forecasts would
//! show if they were perfectly honest: a finite sample is never at 0, so only the difference means anything).

use serde::Serialize;

use crate::dice::Dice;
use crate::grid::{Grid, mean, number};

/// Bins of equally many forecasts.
const N_BINS: usize = 10;

/// How often perfect honesty is simulated.
const N_PERFECT_DRAWS: usize = 5;

/// One bin of forecasts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// The mean forecast.
    pub forecast: f64,
    /// What came true.
    pub outcome: f64,
    /// How many forecasts.
    pub n: usize,
    /// The 95% interval of the outcome (Wilson), so that a plot shows what a small bin can say.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// The probability that a success was forecast higher than a failure; none where there is only one kind.
pub fn auc(outcomes: &[f64], forecasts: &[f64]) -> Option<f64> {
    let ranks = average_ranks(forecasts);
    let (mut n_good, mut rank_sum) = (0.0, 0.0);
    for (outcome, rank) in outcomes.iter().zip(ranks) {
        if *outcome > 0.5 {
            n_good += 1.0;
            rank_sum += rank;
        }
    }
    let n_bad = number(outcomes.len()) - n_good;
    (n_good > 0.0 && n_bad > 0.0).then(|| (rank_sum - n_good * (n_good + 1.0) / 2.0) / (n_good * n_bad))
}

/// Ranks from 1, ties sharing their mean.
fn average_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut n_before = 0;
    for tie in order.chunk_by(|a, b| values[*a].total_cmp(&values[*b]).is_eq()) {
        let rank = number(n_before) + (number(tie.len()) + 1.0) / 2.0;
        tie.iter().for_each(|index| ranks[*index] = rank);
        n_before += tie.len();
    }
    ranks
}

/// Mean squared distance.
pub fn brier(outcomes: &Grid, forecasts: &Grid) -> f64 {
    mean(outcomes.cells().iter().zip(forecasts.cells()).map(|(outcome, forecast)| (forecast - outcome).powi(2)))
}

/// Forecasts in their order, cut into [`N_BINS`] of equal size; the first ones hold one more where it does not come out even.
fn binned(forecasts: &[f64]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..forecasts.len()).collect();
    order.sort_by(|a, b| forecasts[*a].total_cmp(&forecasts[*b]));
    let (size, more) = (order.len() / N_BINS, order.len() % N_BINS);
    let mut rest = order.as_slice();
    let mut bins = Vec::with_capacity(N_BINS);
    for bin in 0..N_BINS {
        let (taken, left) = rest.split_at(size + usize::from(bin < more));
        bins.push(taken.to_vec());
        rest = left;
    }
    bins
}

fn error_in(bins: &[Vec<usize>], outcomes: &[f64], forecasts: &[f64]) -> f64 {
    let gap = |bin: &Vec<usize>| {
        let outcome = mean(bin.iter().map(|index| outcomes[*index]));
        let forecast = mean(bin.iter().map(|index| forecasts[*index]));
        number(bin.len()) / number(forecasts.len()) * (outcome - forecast).abs()
    };
    bins.iter().filter(|bin| !bin.is_empty()).map(gap).sum()
}

/// Expected calibration error over bins of equal size.
pub fn ece(outcomes: &[f64], forecasts: &[f64]) -> f64 {
    error_in(&binned(forecasts), outcomes, forecasts)
}

/// The ECE that these forecasts would show if each came true exactly as often as it says.
pub fn perfect_ece(forecasts: &Grid, seed: u32) -> f64 {
    let mut dice = Dice::new(seed);
    let columns: Vec<Vec<f64>> = (0..forecasts.n_columns())
        .map(|column| forecasts.column(column).map(|forecast| forecast.clamp(0.0, 1.0)).collect())
        .collect();
    let bins: Vec<Vec<Vec<usize>>> = columns.iter().map(|column| binned(column)).collect();
    let mut errors = Vec::new();
    for _ in 0..N_PERFECT_DRAWS {
        for (column, bins) in columns.iter().zip(&bins) {
            let outcomes: Vec<f64> =
                column.iter().map(|forecast| if dice.unit() < *forecast { 1.0 } else { 0.0 }).collect();
            errors.push(error_in(bins, &outcomes, column));
        }
    }
    mean(errors)
}

/// What was forecast against what came true, over all models.
pub fn reliability(outcomes: &Grid, forecasts: &Grid) -> Vec<Bin> {
    let (outcomes, forecasts) = (outcomes.cells(), forecasts.cells());
    let bins = binned(forecasts).into_iter().filter(|bin| !bin.is_empty());
    bins.map(|bin| {
        let outcome = mean(bin.iter().map(|index| outcomes[*index]));
        let (low, high) = wilson(outcome, number(bin.len()));
        Bin { forecast: mean(bin.iter().map(|index| forecasts[*index])), outcome, n: bin.len(), low, high }
    })
    .collect()
}

/// Wilson's 95% score interval of a share.
fn wilson(share: f64, n: f64) -> (f64, f64) {
    const Z: f64 = 1.959_963_984_540_054;
    let middle = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).max(0.0).sqrt();
    (middle - half, middle + half)
}

#[cfg(test)]
mod tests;
