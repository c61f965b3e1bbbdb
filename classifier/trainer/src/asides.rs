//! Learns to tell asides from questions: phrases of our own put before and after prompts of the training rows, against what those
//! prompts begin and end with themselves.

use classifier::asides::cuts::{Cut, N_SEAMS, Seam, cuts};
use classifier::asides::{Asides, canonical_phrase, canonical_question};
use classifier::encoder::{Encoder, Table};
use classifier::kernel::{add_scaled, dot, sigmoid, widely};

use crate::dice::Dice;
use crate::learn::Step;

/// One aside a line; `\n` is a line break.
const PHRASES: &str = include_str!("asides/phrases.txt");

/// Fewer prompts do not show what questions begin and end with: no asides are learned from them, and none are told by sound.
pub const MIN_PROMPTS: usize = 1_000;

/// Prompts that are looked at, at most.
const MAX_PROMPTS: usize = 8_000;

/// One prompt in so many is not learned from: it says what must speak for an aside before one is taken away.
const KEPT_BACK: usize = 4;

/// Of prompts that were kept back and have such a seam, those of which something may be taken away there: a guess at what a forecast does not miss.
const SHARES_CUT: [f32; N_SEAMS] = [0.02, 0.02, 0.015];

/// Cuts of a prompt that are learned from, of each kind.
const PER_PROMPT: usize = 4;

/// How often each phrase is put behind some prompt, and before one.
const TIMES_BEHIND: usize = 8;
const TIMES_BEFORE: usize = 6;

/// Phrases that stand in a line of their own, and those of which a cut too much is learned from, as shares.
const OWN_LINE: f32 = 0.35;
const CUT_TOO_MUCH: f32 = 0.3;

/// Words of the question that are cut too much with an aside, at most.
const MAX_TOO_MUCH: usize = 6;

// Of 16, 32 and 64 units 16 undid most of 96 phrases that were kept from it; without any, a linear classifier, a tenth fewer (2026-11-28).
// The other sizes are guesses, and little rests on them.
const UNITS: usize = 16;
const EPOCHS: usize = 20;
const BATCH: usize = 64;
const RATE: f32 = 3e-3;
const DECAY: f32 = 1e-2;

/// The purpose of its random numbers.
const PURPOSE: u64 = 0xa51d;

/// What was seen, and whether it is an aside.
struct Example {
    signs: Vec<f32>,
    is_aside: bool,
}

/// Asides as these prompts show them; nothing from too few, nor for an encoder that is no table.
pub fn learn<'a>(encoder: &Encoder, texts: impl ExactSizeIterator<Item = &'a str>, seed: u64) -> Option<Asides> {
    let n = texts.len();
    let Encoder::Table(table) = encoder else { return None };
    if n < MIN_PROMPTS {
        return None;
    }
    let step = n.div_ceil(MAX_PROMPTS);
    let prompts: Vec<String> = texts.step_by(step).map(canonical_question).collect();
    let part = |kept_back: bool| -> Vec<&str> {
        let texts = (0..).zip(&prompts).filter(|(at, _)| (at % KEPT_BACK == 0) == kept_back);
        texts.map(|(_, text)| text.as_str()).collect()
    };
    let mut dice = Dice::new(seed, PURPOSE);
    let examples = examples(table, &part(false), &mut dice);
    let (mut asides, least) = fitted(&examples, &mut dice);
    asides.thresholds = thresholds(table, &part(true), &asides, least);
    Some(asides)
}

/// What there is to learn from.
fn examples(table: &Table, prompts: &[&str], dice: &mut Dice) -> Vec<Example> {
    let mut examples = Vec::new();
    examples_of_questions(table, prompts, dice, &mut examples);
    examples_of_phrases(table, prompts, dice, &mut examples);
    examples
}

fn is_no_aside(cut: Cut) -> Example {
    Example { signs: cut.signs, is_aside: false }
}

/// What questions begin and end with themselves.
fn examples_of_questions(table: &Table, prompts: &[&str], dice: &mut Dice, examples: &mut Vec<Example>) {
    for text in prompts {
        let mut by_seam = [const { Vec::new() }; N_SEAMS];
        cuts(table, text).into_iter().for_each(|cut| by_seam[cut.seam as usize].push(cut));
        for mut cuts in by_seam {
            dice.shuffle(&mut cuts);
            examples.extend(cuts.into_iter().take(PER_PROMPT).map(is_no_aside));
        }
    }
}

/// Phrases around questions: the cut that takes the phrase is right, one that takes more is not.
fn examples_of_phrases(table: &Table, prompts: &[&str], dice: &mut Dice, examples: &mut Vec<Example>) {
    let times = (prompts.len() * PER_PROMPT).div_ceil(PHRASES.lines().count()).min(TIMES_BEHIND);
    for phrase in PHRASES.lines().map(canonical_phrase) {
        for at in 0..times + times.min(TIMES_BEFORE) {
            let text = prompts[dice.below(prompts.len())];
            let between = if dice.unit() < OWN_LINE { '\n' } else { ' ' };
            let behind = at < times;
            let whole = if behind { format!("{text}{between}{phrase}") } else { format!("{phrase}{between}{text}") };
            let kept = if behind { 0..text.len() } else { phrase.len() + 1..whole.len() };
            let found = cuts(table, &whole);
            let Some(place) = found.iter().position(|cut| cut.kept == kept) else { continue };
            examples.push(Example { signs: found[place].signs.clone(), is_aside: true });
            let too_much = place + 1 + if behind { dice.below(MAX_TOO_MUCH) } else { 0 };
            let same_end = |cut: &&Cut| (cut.seam != Seam::Front) == behind;
            if dice.unit() < CUT_TOO_MUCH
                && let Some(cut) = found.get(too_much).filter(same_end)
            {
                examples.push(is_no_aside(cut.clone()));
            }
        }
    }
}

/// A net fitted by Adam to examples whose signs have been brought to one scale; the scale is then taken into its weights.
fn fitted(examples: &[Example], dice: &mut Dice) -> (Asides, f32) {
    let n_signs = examples.first().map_or(0, |example| example.signs.len());
    let (means, spreads) = scale(examples, n_signs);
    let scaled: Vec<Vec<f32>> = examples
        .iter()
        .map(|example| {
            example
                .signs
                .iter()
                .zip(&means)
                .zip(&spreads)
                .map(|((sign, mean), spread)| (sign - mean) / spread)
                .collect()
        })
        .collect();
    let mut net = Net::new(n_signs, dice);
    let mut order: Vec<usize> = (0..examples.len()).collect();
    for epoch in 0..EPOCHS {
        dice.shuffle(&mut order);
        #[expect(clippy::cast_precision_loss, reason = "some epochs")]
        let rate = RATE * (1.0 - epoch as f32 / EPOCHS as f32);
        for batch in order.chunks(BATCH) {
            widely(
                #[inline(always)]
                || net.step(batch.iter().map(|at| (scaled[*at].as_slice(), examples[*at].is_aside)), rate),
            );
        }
    }
    // At its last bias the net finds an aside as likely as not.
    (net.asides(&means, &spreads), -net.values[UNITS * (n_signs + 2)])
}

#[expect(clippy::cast_precision_loss, reason = "a hundred thousand examples at most")]
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
    (means, squares.into_iter().map(|square| square.sqrt().max(1e-4)).collect())
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

    #[inline(always)]
    fn step<'a>(&mut self, batch: impl ExactSizeIterator<Item = (&'a [f32], bool)>, rate: f32) {
        #[expect(clippy::cast_precision_loss, reason = "a batch")]
        let part = 1.0 / batch.len() as f32;
        let mut gradient = vec![0.0; self.values.len()];
        let (rows, rest) = self.values.split_at(UNITS * self.n_signs);
        let (biases, out) = rest.split_at(UNITS);
        let (row_slopes, rest_slopes) = gradient.split_at_mut(UNITS * self.n_signs);
        for (signs, is_aside) in batch {
            let mut units = [0.0; UNITS];
            for ((unit, row), bias) in units.iter_mut().zip(rows.chunks_exact(self.n_signs)).zip(biases) {
                *unit = (dot(row, signs) + bias).max(0.0);
            }
            let slope = (sigmoid(dot(&units, &out[..UNITS]) + out[UNITS]) - f32::from(u8::from(is_aside))) * part;
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

    /// The net over signs as they are. Its last bias is left to the thresholds.
    fn asides(&self, means: &[f32], spreads: &[f32]) -> Asides {
        let mut weights = self.values[..UNITS * self.n_signs].to_vec();
        let mut biases = self.values[UNITS * self.n_signs..][..UNITS].to_vec();
        for (row, bias) in weights.chunks_exact_mut(self.n_signs).zip(&mut biases) {
            row.iter_mut().zip(spreads).for_each(|(weight, spread)| *weight /= spread);
            *bias -= dot(row, means);
        }
        let out = self.values[UNITS * (self.n_signs + 1)..][..UNITS].to_vec();
        Asides { weights, biases, out, thresholds: [0.0; N_SEAMS] }
    }
}

/// What must be spoken for a cut, so that hardly a prompt that was kept back and could be cut there loses anything; no less than says that an aside is more likely than not.
fn thresholds(table: &Table, prompts: &[&str], asides: &Asides, least: f32) -> [f32; N_SEAMS] {
    let mut most = [const { Vec::new() }; N_SEAMS];
    for text in prompts {
        let mut highest = [f32::MIN; N_SEAMS];
        for cut in cuts(table, text).into_iter().filter(|cut| cut.may_be_made(text)) {
            let place = &mut highest[cut.seam as usize];
            *place = place.max(asides.score(&cut.signs));
        }
        most.iter_mut()
            .zip(highest)
            .filter(|(_, highest)| *highest > f32::MIN)
            .for_each(|(most, highest)| most.push(highest));
    }
    let mut shares = SHARES_CUT.into_iter();
    most.map(|mut scores| {
        scores.sort_by(|a, b| b.total_cmp(a));
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of thousands"
        )]
        let place = (scores.len() as f32 * shares.next().unwrap_or(0.0)) as usize;
        scores.get(place).map_or(least, |score| score.max(least))
    })
}

#[cfg(test)]
mod tests;
