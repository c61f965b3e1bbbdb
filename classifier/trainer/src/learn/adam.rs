//! Adam with decoupled decay, over all numbers at once.

use super::Rates;
use super::weights::{Layout, Weights};

const FIRST: f32 = 0.9;
const SECOND: f32 = 0.99;
const FLOOR: f32 = 1e-8;

/// A gradient longer than this is shortened to it: one odd batch must not throw a net off.
const MAX_LENGTH: f32 = 1.0;

/// The running means of gradients and of their squares.
pub(crate) struct Adam {
    dense: Moments,
    table: Moments,
}

struct Moments {
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Adam {
    pub(crate) fn new(weights: &Weights) -> Self {
        let moments = |n: usize| Moments { first: vec![0.0; n], second: vec![0.0; n] };
        Self { dense: moments(weights.dense.len()), table: moments(weights.table.len()) }
    }

    #[inline(always)]
    pub(crate) fn step(&mut self, layout: &Layout, weights: &mut Weights, mut gradient: Weights, rates: &Rates) {
        shorten(&mut gradient);
        let (decaying, free) = weights.dense.split_at_mut(layout.model_bias.start);
        let n = decaying.len();
        let step = Step::new(rates.step);
        step.run(decaying, &gradient.dense[..n], self.dense.part(0, n), (rates.rate, rates.decay));
        step.run(free, &gradient.dense[n..], self.dense.part(n, layout.n_dense), (rates.rate, 0.0));
        let n_table = weights.table.len();
        step.run(&mut weights.table, &gradient.table, self.table.part(0, n_table), (rates.table_rate, 0.0));
    }
}

impl Moments {
    fn part(&mut self, from: usize, to: usize) -> (&mut [f32], &mut [f32]) {
        (&mut self.first[from..to], &mut self.second[from..to])
    }
}

#[inline(always)]
fn shorten(gradient: &mut Weights) {
    let square = |values: &[f32]| classifier::kernel::dot(values, values);
    let length = libm::sqrtf(square(&gradient.dense) + square(&gradient.table));
    if length > MAX_LENGTH {
        let scale = MAX_LENGTH / length;
        gradient.dense.iter_mut().chain(&mut gradient.table).for_each(|value| *value *= scale);
    }
}

/// The corrections of one step.
pub(crate) struct Step {
    first: f32,
    second: f32,
}

impl Step {
    #[expect(clippy::cast_precision_loss, reason = "thousands of steps")]
    pub(crate) fn new(step: usize) -> Self {
        let left = |rate: f32| 1.0 - libm::powf(rate, step as f32);
        Self { first: 1.0 / left(FIRST), second: 1.0 / left(SECOND) }
    }

    /// Moves weights against their gradient, by a rate and a decay.
    #[inline(always)]
    pub(crate) fn run(
        &self,
        weights: &mut [f32],
        gradient: &[f32],
        moments: (&mut [f32], &mut [f32]),
        rates: (f32, f32),
    ) {
        let (rate, decay) = rates;
        let (first, second) = moments;
        for (((weight, slope), first), second) in weights.iter_mut().zip(gradient).zip(first).zip(second) {
            *first = FIRST * *first + (1.0 - FIRST) * slope;
            *second = SECOND * *second + (1.0 - SECOND) * slope * slope;
            // The hardware's square root is exact to the last bit on every machine.
            let deviation = (*second * self.second).sqrt() + FLOOR;
            *weight -= rate * (*first * self.first / deviation + decay * *weight);
        }
    }
}
