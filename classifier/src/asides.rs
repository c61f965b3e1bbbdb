//! Asides, by how they sound: what is said before or after a question and has nothing to do with it. `courtesy` knows the
//! usual ones by name; these are told by a small net that has learned from phrases, and from what real questions begin and end with.

use std::ops::Range;

use self::cuts::{Cut, N_SEAMS, cuts_to_hear};
use crate::canon::{canonical, folded};
use crate::courtesy;
use crate::encoder::Table;
use crate::kernel::{dots, widely};
use crate::lens::pieces_of;

pub mod cuts;
mod ear;
mod said;
mod starts;

/// A question in the canonical form of a prompt, for those who learn from questions.
pub fn canonical_question(text: &str) -> String {
    canonical(text)
}

/// A phrase as it stands in the canonical form of a prompt, `\\n` for a line break in it.
pub fn canonical_phrase(line: &str) -> String {
    folded(&line.replace("\\n", "\n"))
}

/// Asides that are looked for one after the other: thanks before a name, a greeting before a plea.
const MAX_ROUNDS: usize = 4;

/// Cuts that are scored at a time: their signs stay near while the weights go by.
const AT_A_TIME: usize = 8;

/// Nets of one hidden layer over the signs of a [`cuts::Cut`], whose scores add up. Most cuts are none, and the first net sees that: the
/// others are asked only about such as it finds likely.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asides {
    /// A row for each hidden unit, as long as there are signs, net after net.
    pub weights: Vec<f32>,
    /// What each unit has before a sign is read.
    pub biases: Vec<f32>,
    /// How much each unit speaks for an aside.
    pub out: Vec<f32>,
    /// Units of the first net.
    pub n_first: usize,
    /// What these must speak for a cut before the others are asked.
    pub least_of_first: f32,
    /// What all must speak for a cut, by its [`cuts::Seam`].
    pub thresholds: [f32; N_SEAMS],
}

impl Asides {
    /// How much speaks for an aside; nothing where the first net sees none.
    pub fn score(&self, signs: &[f32]) -> Option<f32> {
        self.scores(&[signs])[0]
    }

    /// The same for many.
    #[inline(always)]
    fn scores(&self, signs: &[&[f32]]) -> Vec<Option<f32>> {
        let first = self.said_of(signs, 0..self.n_first);
        let likely = |said: &f32| *said > self.least_of_first;
        let asked: Vec<&[f32]> =
            signs.iter().zip(&first).filter(|(_, said)| likely(said)).map(|(signs, _)| *signs).collect();
        let mut others = self.said_of(&asked, self.n_first..self.out.len()).into_iter();
        first.into_iter().map(|said| if likely(&said) { others.next().map(|more| said + more) } else { None }).collect()
    }

    /// What some units say of each: of some at a time, so that the weights are read once for all of them.
    #[inline(always)]
    fn said_of(&self, signs: &[&[f32]], units: Range<usize>) -> Vec<f32> {
        let (together, rest) = signs.as_chunks::<AT_A_TIME>();
        let mut said = Vec::with_capacity(signs.len());
        // Loops, as an adapter of iterators would be compiled on its own, for processors that are less wide.
        for signs in together {
            said.extend_from_slice(&self.said_of_these(*signs, units.clone()));
        }
        for signs in rest {
            said.extend_from_slice(&self.said_of_these([*signs], units.clone()));
        }
        said
    }

    #[inline(always)]
    fn said_of_these<const N: usize>(&self, signs: [&[f32]; N], units: Range<usize>) -> [f32; N] {
        let mut said = [0.0; N];
        let n_signs = signs[0].len();
        let rows = self.weights[units.start * n_signs..units.end * n_signs].chunks_exact(n_signs.max(1));
        for ((row, bias), out) in rows.zip(&self.biases[units.clone()]).zip(&self.out[units]) {
            for (said, sum) in said.iter_mut().zip(dots(row, signs)) {
                *said += out * (sum + bias).max(0.0);
            }
        }
        said
    }

    /// The canonical text without its asides, as many as are found at either end, and the pieces of what is left.
    pub(crate) fn stripped<'a>(&self, table: &Table, text: &'a str) -> (&'a str, Vec<u32>) {
        let (mut text, mut pieces) = (text, pieces_of(table, text));
        for _ in 0..MAX_ROUNDS {
            let Some(kept) = self.kept(table, text, &pieces) else { break };
            text = courtesy::stripped(&text[kept]);
            pieces = pieces_of(table, text);
        }
        (text, pieces)
    }

    /// What stays where most speaks for an aside, if enough does.
    fn kept(&self, table: &Table, text: &str, pieces: &[u32]) -> Option<Range<usize>> {
        widely(
            #[inline(always)]
            || {
                let cuts = cuts_to_hear(table, text, pieces);
                let signs: Vec<&[f32]> = cuts.iter().map(|cut| cut.signs.as_slice()).collect();
                let beyond = |(cut, score): (&Cut, Option<f32>)| {
                    score.map(|score| (score - self.thresholds[cut.seam as usize], cut.kept.clone()))
                };
                let scored = cuts.iter().zip(self.scores(&signs)).filter_map(beyond);
                let best = scored.max_by(|a, b| a.0.total_cmp(&b.0));
                best.filter(|(beyond, _)| *beyond > 0.0).map(|(_, kept)| kept)
            },
        )
    }

    /// Checks that the parts fit together, for embeddings of so many numbers.
    pub(crate) fn check(&self, dims: usize) -> Result<(), String> {
        let (n_units, n_signs) = (self.out.len(), cuts::n_signs(dims));
        let fits = self.biases.len() == n_units && self.weights.len() == n_units * n_signs;
        if n_units == 0 || !fits || !(1..=n_units).contains(&self.n_first) {
            return Err(format!(
                "{} weights, {} biases and {n_units} units, {} of them first, for {n_signs} signs",
                self.weights.len(),
                self.biases.len(),
                self.n_first
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
