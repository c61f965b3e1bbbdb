//! Small nets that learn from examples whether a cut takes an aside.

use classifier::asides::Asides;
use classifier::kernel::{add_scaled, dot, sigmoid, widely};

use crate::dice::Dice;
use crate::learn::Step;

// Nets of 32 units undid a hundredth or two more of phrases that none of them had seen than nets of 16 did, at as many prompts that lost a
// word. Six, each with examples of its own, did as well as three or a little better, and what they tell is less a matter of chance: of two
// seeds both told 304 of 360 phrases beside short questions, where with the same examples for all it was 291 to 308. Only the first of them
// takes time (2026-11-29). Ten rounds did as well as twenty (2026-11-28). The other sizes are guesses.
const NETS: usize = 6;
const UNITS: usize = 32;
const EPOCHS: usize = 10;
const BATCH: usize = 64;
const RATE: f32 = 3e-3;
const DECAY: f32 = 1e-2;

/// Signs that hardly differ are not blown up beyond this.
const MIN_SPREAD: f32 = 1e-3;

/// What was seen, and whether it is an aside.
pub(super) struct Example {
    pub(super) signs: Vec<f32>,
    pub(super) is_aside: bool,
}

/// Nets fitted by Adam, each to examples of its own whose signs have been brought to one scale, and taken together as one whose score is
/// their mean; and the score at which an aside is as likely as not.
pub(super) fn fitted(mut draw: impl FnMut(&mut Dice) -> Vec<Example>, dice: &mut Dice) -> (Asides, f32) {
    let mut asides = Asides::default();
    let mut even = 0.0;
    #[expect(clippy::cast_precision_loss, reason = "some nets")]
    let part = 1.0 / NETS as f32;
    for at in 0..NETS {
        let mut examples = draw(dice);
        let n_signs = examples.first().map_or(0, |example| example.signs.len());
        let (means, spreads) = scale(&examples, n_signs);
        for example in &mut examples {
            for ((sign, mean), spread) in example.signs.iter_mut().zip(&means).zip(&spreads) {
                *sign = (*sign - mean) / spread;
            }
        }
        let net = Net::fitted(&examples, n_signs, dice);
        net.join(&means, &spreads, part, &mut asides);
        // At its last bias a net finds an aside as likely as not.
        let its_even = -part * net.values[UNITS * (n_signs + 2)];
        if at == 0 {
            (asides.n_first, asides.least_of_first) = (UNITS, its_even);
        }
        even += its_even;
    }
    (asides, even)
}

#[expect(clippy::cast_precision_loss, reason = "some hundred thousand examples")]
fn scale(examples: &[Example], n_signs: usize) -> (Vec<f32>, Vec<f32>) {
    let n = examples.len().max(1) as f32;
    let mut means = vec![0.0; n_signs];
    examples.iter().for_each(|example| add_scaled(&mut means, 1.0 / n, &example.signs));
    let mut squares = vec![0.0_f32; n_signs];
    for example in examples {
        for ((square, sign), mean) in squares.iter_mut().zip(&example.signs).zip(&means) {
            *square += (sign - mean) * (sign - mean) / n;
        }
    }
    (means, squares.into_iter().map(|square| square.sqrt().max(MIN_SPREAD)).collect())
}

/// The net while it learns: rows of units, their biases, their outputs, and one bias more, in one run of numbers.
struct Net {
    n_signs: usize,
    values: Vec<f32>,
    moments: (Vec<f32>, Vec<f32>),
    steps: usize,
}

impl Net {
    fn new(n_signs: usize, dice: &mut Dice) -> Self {
        let n_values = UNITS * (n_signs + 2) + 1;
        #[expect(clippy::cast_precision_loss, reason = "some hundred signs")]
        let spread = 1.0 / (n_signs.max(1) as f32).sqrt();
        let mut values: Vec<f32> = (0..n_values).map(|_| dice.normal() * spread).collect();
        values[UNITS * n_signs..UNITS * (n_signs + 1)].fill(0.0);
        let zeros = vec![0.0; n_values];
        Self { n_signs, values, moments: (zeros.clone(), zeros), steps: 0 }
    }

    fn fitted(examples: &[Example], n_signs: usize, dice: &mut Dice) -> Self {
        let mut net = Self::new(n_signs, dice);
        let mut order: Vec<usize> = (0..examples.len()).collect();
        for epoch in 0..EPOCHS {
            dice.shuffle(&mut order);
            #[expect(clippy::cast_precision_loss, reason = "some epochs")]
            let rate = RATE * (1.0 - epoch as f32 / EPOCHS as f32);
            for batch in order.chunks(BATCH) {
                let batch = batch.iter().map(|at| &examples[*at]);
                widely(
                    #[inline(always)]
                    || net.step(batch, rate),
                );
            }
        }
        net
    }

    #[inline(always)]
    fn step<'a>(&mut self, batch: impl ExactSizeIterator<Item = &'a Example>, rate: f32) {
        #[expect(clippy::cast_precision_loss, reason = "a batch")]
        let part = 1.0 / batch.len() as f32;
        let mut gradient = vec![0.0; self.values.len()];
        let (rows, rest) = self.values.split_at(UNITS * self.n_signs);
        let (biases, out) = rest.split_at(UNITS);
        let (row_slopes, rest_slopes) = gradient.split_at_mut(UNITS * self.n_signs);
        for Example { signs, is_aside } in batch {
            let mut units = [0.0; UNITS];
            for ((unit, row), bias) in units.iter_mut().zip(rows.chunks_exact(self.n_signs)).zip(biases) {
                *unit = (dot(row, signs) + bias).max(0.0);
            }
            let slope = (sigmoid(dot(&units, &out[..UNITS]) + out[UNITS]) - f32::from(u8::from(*is_aside))) * part;
            rest_slopes[2 * UNITS] += slope;
            for (at, unit) in units.iter().enumerate().filter(|(_, unit)| **unit > 0.0) {
                rest_slopes[UNITS + at] += slope * unit;
                rest_slopes[at] += slope * out[at];
                add_scaled(&mut row_slopes[at * self.n_signs..][..self.n_signs], slope * out[at], signs);
            }
        }
        self.steps += 1;
        let moments = (self.moments.0.as_mut_slice(), self.moments.1.as_mut_slice());
        Step::new(self.steps).run(&mut self.values, &gradient, moments, (rate, DECAY));
    }

    /// Adds its units, over signs as they are, to those of others. Its last bias is left to the thresholds.
    fn join(&self, means: &[f32], spreads: &[f32], part: f32, asides: &mut Asides) {
        for (row, bias) in
            self.values.chunks_exact(self.n_signs.max(1)).take(UNITS).zip(&self.values[UNITS * self.n_signs..])
        {
            let row: Vec<f32> = row.iter().zip(spreads).map(|(weight, spread)| weight / spread).collect();
            asides.biases.push(bias - dot(&row, means));
            asides.weights.extend(row);
        }
        let out = &self.values[UNITS * (self.n_signs + 1)..][..UNITS];
        asides.out.extend(out.iter().map(|out| out * part));
    }
}
