//! The price of money swept from nothing to everything: which model each prompt gets at each price, what that costs and how
//! good it is. This is the `value` mode of `decision` in matrix form (a test holds the two together), kept apart because a
//! verdict with its intervals asks for it a hundred million times.

use std::collections::HashMap;

use crate::dice::Dice;
use crate::grid::{Grid, mean, number};
use crate::hull::{Hull, Point};

/// Prices of money beside zero, evenly spaced on a logarithmic scale from 10^-4 to 10^2.
const N_PRICES: usize = 120;

/// What a method forecasts for a pool.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// Probability of success.
    pub quality: Grid,
    /// Expected bill in USD.
    pub cost_usd: Grid,
}

/// What really happened.
#[derive(Clone, Debug)]
pub struct Truth {
    /// Quality of each answer.
    pub quality: Grid,
    /// Bill of each answer in USD.
    pub bill_usd: Grid,
}

/// The prices of money, in quality per mean forecast cost.
pub fn prices_of_money() -> impl Iterator<Item = f64> {
    let step = 6.0 / (number(N_PRICES) - 1.0);
    std::iter::once(0.0).chain((0..N_PRICES).map(move |index| 10f64.powf(number(index) * step - 4.0)))
}

/// For one price of money, the model of each prompt: the most quality net of cost, of equals the first.
pub fn picks(forecast: &Forecast, price_of_money: f64) -> Vec<usize> {
    let mean_cost = mean(forecast.cost_usd.cells().iter().copied());
    // Where everything is free no price of money matters.
    let scale = if mean_cost > 0.0 { mean_cost } else { 1.0 };
    let rows = forecast.quality.rows().zip(forecast.cost_usd.rows());
    rows.map(|(quality, cost)| {
        let mut best = (f64::NEG_INFINITY, 0);
        for (model, (quality, cost)) in quality.iter().zip(cost).enumerate() {
            let net = quality - price_of_money * cost / scale;
            if net > best.0 {
                best = (net, model);
            }
        }
        best.1
    })
    .collect()
}

/// A method's choices at every price of money, with the real bill and quality of each.
pub struct Sweep {
    /// A row a price of money, a number a prompt.
    bills: Vec<Vec<f64>>,
    qualities: Vec<Vec<f64>>,
}

impl Forecast {
    /// The forecasts at these places.
    #[must_use]
    pub fn taken(&self, rows: &[usize]) -> Self {
        Self { quality: self.quality.taken(rows), cost_usd: self.cost_usd.taken(rows) }
    }
}

impl Sweep {
    /// Lets the forecasts choose and looks up what really happened.
    pub fn of(forecast: &Forecast, truth: &Truth) -> Self {
        let looked_up = |grid: &Grid, picks: &[usize]| -> Vec<f64> {
            grid.rows().zip(picks).map(|(row, pick)| row[*pick]).collect()
        };
        let all: Vec<Vec<usize>> = prices_of_money().map(|price| picks(forecast, price)).collect();
        Self {
            bills: all.iter().map(|picks| looked_up(&truth.bill_usd, picks)).collect(),
            qualities: all.iter().map(|picks| looked_up(&truth.quality, picks)).collect(),
        }
    }

    /// Every model by itself: what the zero router mixes.
    pub fn of_singles(truth: &Truth) -> Self {
        let columns = |grid: &Grid| (0..grid.n_columns()).map(|model| grid.column(model).collect()).collect();
        Self { bills: columns(&truth.bill_usd), qualities: columns(&truth.quality) }
    }

    /// The mean cost and quality at each price.
    pub fn points(&self) -> Vec<Point> {
        let means = self.bills.iter().zip(&self.qualities);
        means
            .map(|(bills, qualities)| Point {
                cost_usd: mean(bills.iter().copied()),
                quality: mean(qualities.iter().copied()),
            })
            .collect()
    }

    /// The hull of those points.
    pub fn hull(&self) -> Hull {
        Hull::of(self.points())
    }

    /// The hull had the prompts come in these proportions.
    fn reweighed(&self, weights: &[f64]) -> Hull {
        let n: f64 = weights.iter().sum();
        let dot = |values: &Vec<f64>| dot(values, weights) / n;
        let points = self.bills.iter().zip(&self.qualities);
        Hull::of(points.map(|(bills, qualities)| Point { cost_usd: dot(bills), quality: dot(qualities) }))
    }
}

/// Eight running sums, so that the compiler may use the machine's vectors: their order is fixed, the result deterministic.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a_chunks, b_chunks) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f64 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_chunks.zip(b_chunks) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f64>() + tail
}

/// How often each prompt comes in each bootstrap sample. Methods judged on the same samples are judged in pairs.
pub struct Resamples {
    /// A byte a prompt: nobody is drawn 255 times in a sample of their own size.
    counts: Vec<Vec<u8>>,
}

impl Resamples {
    /// Draws the samples.
    pub fn draw(n_prompts: usize, n_samples: usize, seed: u32) -> Self {
        let n = u32::try_from(n_prompts).unwrap_or(u32::MAX);
        let mut dice = Dice::new(seed);
        let sample = |_| {
            let mut counts = vec![0u8; n_prompts];
            for _ in 0..n_prompts {
                let count = &mut counts[usize::try_from(dice.below(n)).expect("an index fits")];
                *count = count.saturating_add(1);
            }
            counts
        };
        Self { counts: (0..n_samples).map(sample).collect() }
    }

    /// Draws samples of whole groups: near-duplicates are one question, and rise and fall together. Where each prompt is a group of its
    /// own these are the samples of [`Resamples::draw`].
    pub fn draw_groups<'g>(groups: impl IntoIterator<Item = &'g str>, n_samples: usize, seed: u32) -> Self {
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let number = |group: &'g str| {
            let next = numbers.len();
            *numbers.entry(group).or_insert(next)
        };
        let of: Vec<usize> = groups.into_iter().map(number).collect();
        let drawn = Self::draw(numbers.len(), n_samples, seed);
        let spread = |counts: &Vec<u8>| of.iter().map(|group| counts[*group]).collect();
        Self { counts: drawn.counts.iter().map(spread).collect() }
    }

    /// The mean of some numbers, one a prompt, in each sample.
    pub fn means(&self, values: &[f64]) -> Vec<f64> {
        self.each(|weights| dot(values, weights) / weights.iter().sum::<f64>())
    }

    /// A method's hull in each sample.
    pub fn hulls(&self, sweep: &Sweep) -> Vec<Hull> {
        self.each(|weights| sweep.reweighed(weights))
    }

    fn each<T>(&self, figure: impl Fn(&[f64]) -> T) -> Vec<T> {
        let mut weights = Vec::new();
        let samples = self.counts.iter().map(|counts| {
            weights.clear();
            weights.extend(counts.iter().map(|count| f64::from(*count)));
            figure(&weights)
        });
        samples.collect()
    }
}

/// A figure with its 95% interval.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Interval {
    /// The figure on all prompts.
    pub value: f64,
    /// The 2.5% quantile over the samples.
    pub low: f64,
    /// The 97.5% quantile.
    pub high: f64,
}

impl Interval {
    /// The interval of a figure from its value in each sample.
    pub fn of(value: f64, samples: &[f64]) -> Self {
        Self { value, low: quantile(samples, 0.025), high: quantile(samples, 0.975) }
    }

    /// The interval of a difference of two figures judged on the same samples.
    pub fn of_difference(value: f64, one: &[f64], other: &[f64]) -> Self {
        let differences: Vec<f64> = one.iter().zip(other).map(|(one, other)| one - other).collect();
        Self::of(value, &differences)
    }
}

/// A quantile with linear interpolation; NaN of nothing.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = share * number(last);
    let below = (0..=last).rev().find(|index| number(*index) <= place).unwrap_or(0);
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * (place - number(below))
}

#[cfg(test)]
mod tests;
