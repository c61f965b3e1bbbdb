//! How unlike the training prompts a prompt is: its distance to the nearest of some dozens of places where they lie, in units of
//! what is usual. Around 1 for a prompt like theirs, at most [`MOST`] for one like nothing.

use crate::lens::Reading;

/// The most unlike a prompt can be.
pub const MOST: f32 = 4.0;

/// Fewer word pieces than this say nothing.
const FEW_PIECES: usize = 3;

/// Where training prompts lie.
#[derive(Clone, Debug, PartialEq)]
pub struct Places {
    /// Row after row of the encoder's numbers.
    pub centres: Vec<f32>,
    /// The usual distance to the nearest.
    pub usual: f32,
}

impl Places {
    /// From 0 to [`MOST`].
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
