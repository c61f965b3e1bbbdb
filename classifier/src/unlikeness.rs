//! How unlike the training prompts a prompt is: its distance to the nearest of some dozens of places where they lie, in units of
//! what is usual, and how far the views are apart about it. Somewhat above 1 for a prompt like theirs, at most [`MOST`] for one like nothing.

use crate::lens::Reading;

/// The most unlike a prompt can be.
pub const MOST: f32 = 4.0;

/// Fewer word pieces than this say nothing.
const FEW_PIECES: usize = 3;

/// How far views usually are apart about prompts like those of training: the median over 43 data sets of prompts kept back was
/// 0.072, the most 0.109; about code, contests and logic grids, left out of training whole, it was 0.12 to 0.17 (2026-11-28). An eighth
/// more of it all since a usual model is one of those that share sources: at the median of cross-fitted prompts, and at three in four
/// (2026-11-30).
const USUAL_DISSENT: f32 = 0.08;

/// How far views are apart about what a usual model would do: each says with its weight how likely it is to succeed. They learned
/// from the same outcomes, each in its own way, so they agree about what they learned and differ about what they did not.
pub fn dissent(said: &[(f32, f32)]) -> f32 {
    let whole: f32 = said.iter().map(|(weight, _)| weight).sum();
    let mean = said.iter().map(|(weight, says)| weight * says).sum::<f32>() / whole.max(f32::MIN_POSITIVE);
    let squares: f32 = said.iter().map(|(weight, says)| weight * (says - mean) * (says - mean)).sum();
    libm::sqrtf(squares / whole.max(f32::MIN_POSITIVE))
}

/// Up to here a prompt is like those of training, or nearly, and all that views see in it is heard. This and the next were chosen
/// on six families left out of training, from a handful that hardly differed (2026-11-29, `docs/model-card.md`).
const FAMILIAR: f32 = 2.0;

/// Beyond, this much more of it halves what is heard.
const HALVING: f32 = 1.0;

/// The share, from 1 to 0, that is heard of what is peculiar about a prompt of this unlikeness.
pub fn share_heard(unlikeness: f32) -> f32 {
    let beyond = (unlikeness - FAMILIAR).max(0.0) / HALVING;
    1.0 / (1.0 + beyond * beyond)
}

/// Unlikeness by distance and by dissent, from 0 to [`MOST`]. A usual dissent says little and twice as much says a lot, so it
/// counts by its square.
pub fn together(distance: f32, dissent: f32) -> f32 {
    let apart = (dissent / USUAL_DISSENT) * (dissent / USUAL_DISSENT);
    libm::sqrtf(distance * distance + apart * apart).min(MOST)
}

/// Where training prompts lie.
#[derive(Clone, Debug, PartialEq)]
pub struct Places {
    /// Row after row of the encoder's numbers.
    pub centres: Vec<f32>,
    /// The usual distance to the nearest.
    pub usual: f32,
}

impl Places {
    /// By its distance alone, from 0 to [`MOST`].
    pub fn unlikeness(&self, reading: &Reading) -> f32 {
        let embedding = reading.row.embedding();
        let few = reading.pieces.len() < FEW_PIECES && embedding.iter().all(|value| *value == 0.0);
        if few || embedding.is_empty() {
            return MOST;
        }
        self.distance(embedding).min(MOST)
    }

    /// To the nearest place, in usual distances.
    pub fn distance(&self, embedding: &[f32]) -> f32 {
        let squares = self
            .centres
            .chunks_exact(embedding.len())
            .map(|centre| centre.iter().zip(embedding).map(|(a, b)| (a - b) * (a - b)).sum::<f32>());
        libm::sqrtf(squares.fold(f32::MAX, f32::min)) / self.usual
    }
}

#[cfg(test)]
mod tests {
    //! What views that differ say of a prompt.

    use super::{FAMILIAR, HALVING, MOST, USUAL_DISSENT, dissent, share_heard, together};

    #[test]
    fn views_that_agree_say_nothing_and_heavy_ones_that_differ_say_most() {
        assert!(dissent(&[]).abs() < 1e-6);
        assert!(dissent(&[(0.5, 0.3), (0.2, 0.3), (0.3, 0.3)]) < 1e-6);
        let (heavy, light) = (dissent(&[(0.5, 0.2), (0.5, 0.8)]), dissent(&[(0.9, 0.2), (0.1, 0.8)]));
        assert!((heavy - 0.3).abs() < 1e-6 && (light - 0.18).abs() < 1e-6, "{heavy} {light}");
        assert!((dissent(&[(1.0, 0.2), (1.0, 0.8)]) - heavy).abs() < 1e-6, "weights are shares, whatever they sum to");
    }

    #[test]
    fn all_is_heard_of_what_is_familiar_and_ever_less_of_what_is_not() {
        assert!(share_heard(0.0) >= 1.0 && share_heard(FAMILIAR) >= 1.0);
        assert!((share_heard(FAMILIAR + HALVING) - 0.5).abs() < 1e-6 && share_heard(MOST) < 0.3);
    }

    #[test]
    fn a_usual_dissent_adds_little_to_a_usual_distance_and_twice_as_much_a_lot() {
        let usual = together(1.0, USUAL_DISSENT);
        assert!((together(1.0, 0.0) - 1.0).abs() < 1e-6 && usual < 1.5, "{usual}");
        assert!(together(1.0, 2.0 * USUAL_DISSENT) > 2.5 * usual);
        assert!((together(1.0, 0.5) - MOST).abs() < 1e-6);
    }
}
