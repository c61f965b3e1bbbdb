//! What a prompt is about, told by the word pieces in it in whatever order: its shares of the topics that training knew. Who is
//! good at a topic can be counted; the nets and trees see too much else to count it as well.

use crate::kernel::{softmax, widely};
use crate::matrix::Matrix;

/// Topics that a prompt can have shares of, at most: a few bytes each for every word piece.
pub const MAX_TOPICS: usize = 192;

/// A smaller share is none: it says nothing, and would have to be told of every prompt.
const LEAST_SHARE: f32 = 0.002;

/// A linear classifier over the bag of a prompt's word pieces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Topics {
    /// The word pieces that say something, in order.
    pub pieces: Vec<u32>,
    /// How much each counts: the rarer, the more.
    pub rarities: Vec<f32>,
    /// A row for each of them, a column for each topic.
    pub weights: Matrix,
    /// What each topic has before a piece is read.
    pub biases: Vec<f32>,
}

/// Word pieces of a prompt that are among the known ones: where each stands there, and its part of the whole. The parts' squares
/// sum to 1, so that a long prompt speaks no louder than a short one.
pub fn bag(pieces: &[u32], known: &[u32], rarities: &[f32]) -> Vec<(usize, f32)> {
    let mut sorted = pieces.to_vec();
    sorted.sort_unstable();
    let mut parts: Vec<(usize, f32)> = Vec::new();
    for run in sorted.chunk_by(|a, b| a == b) {
        let Ok(place) = known.binary_search(&run[0]) else { continue };
        #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
        let often = 1.0 + libm::logf(run.len() as f32);
        parts.push((place, often * rarities[place]));
    }
    let length = parts.iter().map(|(_, part)| part * part).sum::<f32>().sqrt();
    let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
    parts.iter_mut().for_each(|(_, part)| *part *= scale);
    parts
}

impl Topics {
    /// How many topics there are.
    pub fn n_topics(&self) -> usize {
        self.biases.len()
    }

    /// The prompt's share of each topic; together about 1.
    pub fn shares(&self, pieces: &[u32]) -> Vec<f32> {
        let bag = bag(pieces, &self.pieces, &self.rarities);
        let mut shares = self.biases.clone();
        widely(
            #[inline(always)]
            || {
                for (place, part) in &bag {
                    let Some((steps, scale)) = self.weights.row(*place, self.biases.len()) else { continue };
                    let factor = part * scale;
                    for (share, step) in shares.iter_mut().zip(steps) {
                        *share += factor * f32::from(*step);
                    }
                }
                softmax(&mut shares);
            },
        );
        shares.iter_mut().filter(|share| **share < LEAST_SHARE).for_each(|share| *share = 0.0);
        shares
    }

    /// Checks that the parts fit together.
    pub(crate) fn check(&self) -> Result<(), String> {
        let (n_pieces, n_topics) = (self.pieces.len(), self.biases.len());
        if !(2..=MAX_TOPICS).contains(&n_topics) {
            return Err(format!("{n_topics} topics, expected 2 to {MAX_TOPICS}"));
        }
        if self.rarities.len() != n_pieces || !self.weights.measures(n_pieces, n_topics) {
            return Err(format!(
                "{} rarities and {} rows of weights for {n_pieces} pieces and {n_topics} topics",
                self.rarities.len(),
                self.weights.n_rows()
            ));
        }
        if !self.pieces.is_sorted_by(|a, b| a < b) {
            return Err("pieces of topics that are not in order".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    //! A prompt's topics by hand.

    use super::{Topics, bag};
    use crate::matrix::Matrix;

    /// Piece 3 speaks for the first topic, piece 7 for the second.
    fn topics() -> Topics {
        Topics {
            pieces: vec![3, 7],
            rarities: vec![1.0, 2.0],
            weights: Matrix::of(&[4.0, -4.0, -4.0, 4.0], 2),
            biases: vec![0.0, 0.0],
        }
    }

    #[test]
    fn order_does_not_matter_and_pieces_that_say_nothing_are_passed_over() {
        let one = bag(&[7, 3, 9, 3], &[3, 7], &[1.0, 2.0]);
        assert_eq!(one, bag(&[3, 3, 7], &[3, 7], &[1.0, 2.0]));
        let squares: f32 = one.iter().map(|(_, part)| part * part).sum();
        assert!((squares - 1.0).abs() < 1e-6 && one[0].1 < one[1].1, "{one:?}");
        assert_eq!(bag(&[9], &[3, 7], &[1.0, 2.0]), []);
    }

    #[test]
    fn a_prompt_belongs_to_the_topic_of_its_pieces_and_an_empty_one_to_all() {
        let topics = topics();
        let shares = topics.shares(&[3, 3, 9]);
        assert!(shares[0] > 0.99 && shares[1] == 0.0, "{shares:?}");
        assert_eq!(topics.shares(&[]), [0.5, 0.5]);
        assert_eq!(topics.check(), Ok(()));
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        for (broken, why) in [
            (Topics { pieces: vec![7, 3], ..topics() }, "not in order"),
            (Topics { rarities: vec![1.0], ..topics() }, "1 rarities"),
            (Topics { biases: vec![0.0; 3], ..topics() }, "2 rows of weights for 2 pieces and 3 topics"),
            (Topics { biases: vec![0.0; 1], ..topics() }, "1 topics, expected 2"),
        ] {
            let error = broken.check().unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
