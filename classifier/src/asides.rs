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

/// A net of one hidden layer over the signs of a [`cuts::Cut`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asides {
    /// A row for each hidden unit, as long as there are signs.
    pub weights: Vec<f32>,
    /// What each unit has before a sign is read.
    pub biases: Vec<f32>,
    /// How much each unit speaks for an aside.
    pub out: Vec<f32>,
    /// What must be spoken for a cut, by its [`cuts::Seam`].
    pub thresholds: [f32; N_SEAMS],
}

impl Asides {
    /// How much speaks for an aside.
    pub fn score(&self, signs: &[f32]) -> f32 {
        let [score] = self.scores_of([signs]);
        score
    }

    /// The same for many: some at a time, so that the weights are read once for all of them.
    #[inline(always)]
    fn scores(&self, signs: &[&[f32]]) -> Vec<f32> {
        let (together, rest) = signs.as_chunks::<AT_A_TIME>();
        let mut scores = Vec::with_capacity(signs.len());
        // Loops, as an adapter of iterators would be compiled on its own, for processors that are less wide.
        for signs in together {
            scores.extend_from_slice(&self.scores_of(*signs));
        }
        for signs in rest {
            scores.extend_from_slice(&self.scores_of([*signs]));
        }
        scores
    }

    #[inline(always)]
    fn scores_of<const N: usize>(&self, signs: [&[f32]; N]) -> [f32; N] {
        let mut scores = [0.0; N];
        let rows = self.weights.chunks_exact(signs[0].len().max(1));
        for ((row, bias), out) in rows.zip(&self.biases).zip(&self.out) {
            for (score, said) in scores.iter_mut().zip(dots(row, signs)) {
                *score += out * (said + bias).max(0.0);
            }
        }
        scores
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
                let beyond = |(cut, score): (&Cut, f32)| (score - self.thresholds[cut.seam as usize], cut.kept.clone());
                let scored = cuts.iter().zip(self.scores(&signs)).map(beyond);
                let best = scored.max_by(|a, b| a.0.total_cmp(&b.0));
                best.filter(|(beyond, _)| *beyond > 0.0).map(|(_, kept)| kept)
            },
        )
    }

    /// Checks that the parts fit together, for embeddings of so many numbers.
    pub(crate) fn check(&self, dims: usize) -> Result<(), String> {
        let (n_units, n_signs) = (self.out.len(), cuts::n_signs(dims));
        if n_units == 0 || self.biases.len() != n_units || self.weights.len() != n_units * n_signs {
            return Err(format!(
                "{} weights, {} biases and {n_units} units for {n_signs} signs",
                self.weights.len(),
                self.biases.len()
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
