//! What a prompt is about, told by the word pieces in it in whatever order, and by its features where they are asked: its shares of
//! the topics that training knew. Who is good at a topic can be counted; the nets and trees see too much else to count it as well.

use crate::feature_layer::FeatureLayer;
use crate::kernel::{softmax, widely};
use crate::matrix::Matrix;

/// Topics that a prompt can have shares of, at most: a few bytes each for every word piece.
pub const MAX_TOPICS: usize = 192;

/// A smaller share is none: it says nothing, and would have to be told of every prompt.
const LEAST_SHARE: f32 = 0.002;

/// A linear classifier over the bag of a prompt's word pieces, and its features.
#[derive(Clone, Debug, PartialEq)]
pub struct Topics {
    /// The word pieces that say something, in order.
    pub pieces: Vec<u32>,
    /// How much each counts: the rarer, the more.
    pub rarities: Vec<f32>,
    /// A row for each of them, a column for each topic.
    pub weights: Matrix,
    /// What the features, if any are asked, say of each topic before a piece is read.
    pub features: FeatureLayer,
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
        self.features.width()
    }

    /// The share of each topic in a prompt of these word pieces and features; together about 1.
    pub fn shares(&self, pieces: &[u32], features: &[f32]) -> Vec<f32> {
        let bag = bag(pieces, &self.pieces, &self.rarities);
        let mut shares = widely(
            #[inline(always)]
            || {
                let mut shares = self.features.sums(features);
                for (place, part) in &bag {
                    let Some((steps, scale)) = self.weights.row(*place, shares.len()) else { continue };
                    let factor = part * scale;
                    for (share, step) in shares.iter_mut().zip(steps) {
                        *share += factor * f32::from(*step);
                    }
                }
                softmax(&mut shares);
                shares
            },
        );
        shares.iter_mut().filter(|share| **share < LEAST_SHARE).for_each(|share| *share = 0.0);
        shares
    }

    /// Checks that the parts fit together, and that so many features are asked.
    pub(crate) fn check(&self, n_features: usize) -> Result<(), String> {
        let (n_pieces, n_topics) = (self.pieces.len(), self.n_topics());
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
        self.features.check(n_features)?;
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
    use crate::feature_layer::FeatureLayer;
    use crate::matrix::Matrix;

    /// Of two features the second speaks for the second topic.
    fn layer(biases: Vec<f32>) -> FeatureLayer {
        FeatureLayer::new(vec![0.0; 2], vec![1.0; 2], Matrix::of(&[0.0, 0.0, -3.0, 3.0], 2), biases)
    }

    /// Piece 3 speaks for the first topic, piece 7 for the second.
    fn topics() -> Topics {
        Topics {
            pieces: vec![3, 7],
            rarities: vec![1.0, 2.0],
            weights: Matrix::of(&[4.0, -4.0, -4.0, 4.0], 2),
            features: layer(vec![0.0, 0.0]),
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
        let shares = topics.shares(&[3, 3, 9], &[0.0, 0.0]);
        assert!(shares[0] > 0.99 && shares[1] == 0.0, "{shares:?}");
        assert_eq!(topics.shares(&[], &[1.0, 0.0]), [0.5, 0.5]);
        assert_eq!(topics.check(2), Ok(()));
    }

    #[test]
    fn features_speak_beside_the_pieces_where_they_are_asked() {
        let topics = topics();
        let told = topics.shares(&[], &[1.0, 1.0]);
        assert!(told[1] > 0.99, "{told:?}");
        let both = topics.shares(&[3], &[1.0, 1.0]);
        assert!(both[0] > 0.8 && both[1] > 0.1, "the piece says 4 a side, the feature 3: {both:?}");
        let unasked = Topics { features: FeatureLayer::without_features(vec![0.0, 0.0]), ..topics };
        assert_eq!(unasked.shares(&[3], &[1.0, 1.0]), unasked.shares(&[3], &[]));
        assert_eq!(unasked.check(0), Ok(()));
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        for (broken, why) in [
            (Topics { pieces: vec![7, 3], ..topics() }, "not in order"),
            (Topics { rarities: vec![1.0], ..topics() }, "1 rarities"),
            (Topics { weights: Matrix::of(&[1.0; 6], 2), ..topics() }, "3 rows of weights for 2 pieces and 2 topics"),
            (Topics { features: layer(vec![0.0; 3]), ..topics() }, "2 rows of weights for 2 pieces and 3 topics"),
            (Topics { features: layer(vec![0.0; 1]), ..topics() }, "1 topics, expected 2"),
        ] {
            let error = broken.check(2).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        assert_eq!(topics().check(3).unwrap_err(), "2 numbers in `centre` instead of 3");
    }
}
