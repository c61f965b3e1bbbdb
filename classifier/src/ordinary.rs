//! What is ordinary about a prompt that a usual model finds so hard: the traits that prompts as hard have on average. What a
//! prompt has beyond them is peculiar, and tells models apart; pulled back to the ordinary, it is as hard as before, and models
//! are told apart by what they can do in general.

/// A usual model whose expectations vary less than this (a variance) does everything alike: nothing goes along with them.
const ALIKE: f64 = 1e-7;

/// In one view, a line through the traits of training prompts, along what a usual model would do with them.
#[derive(Clone, Debug, PartialEq)]
pub struct Ordinary {
    /// The mean traits.
    pub mean: Vec<f32>,
    /// How each changes where a usual model is expected to do better by one.
    pub along: Vec<f32>,
}

impl Ordinary {
    /// Learned from the traits of prompts, each with how much it counts, by the abilities of a usual model.
    pub fn learn(prompts: &[(&[f32], f32)], usual: &[f32]) -> Self {
        let n = usual.len() - 1;
        let whole = prompts.iter().map(|(_, weight)| f64::from(*weight)).sum::<f64>().max(f64::MIN_POSITIVE);
        let mut mean = vec![0.0_f64; n];
        for (traits, weight) in prompts {
            let share = f64::from(*weight) / whole;
            mean.iter_mut().zip(*traits).for_each(|(mean, value)| *mean += share * f64::from(*value));
        }
        // How a trait changes with what a usual model does, times how much that varies.
        let (mut together, mut variance) = (vec![0.0_f64; n], 0.0_f64);
        for (traits, weight) in prompts {
            let share = f64::from(*weight) / whole;
            let apart = || traits.iter().zip(&mean).map(|(value, mean)| f64::from(*value) - mean);
            let does: f64 = apart().zip(&usual[1..]).map(|(value, ability)| value * f64::from(*ability)).sum();
            variance += share * does * does;
            together.iter_mut().zip(apart()).for_each(|(sum, value)| *sum += share * does * value);
        }
        let scale = if variance > ALIKE { 1.0 / variance } else { 0.0 };
        #[expect(clippy::cast_possible_truncation, reason = "weights are kept in single precision")]
        let single = |values: Vec<f64>, scale: f64| values.iter().map(|value| (value * scale) as f32).collect();
        Self { mean: single(mean, 1.0), along: single(together, scale) }
    }

    /// Pulls traits to the ordinary, of which a usual model notices nothing. This share of what is peculiar remains.
    pub(crate) fn temper(&self, traits: &mut [f32], usual: &[f32], share: f32) {
        let apart = traits.iter().zip(&self.mean).map(|(value, mean)| value - mean);
        let does: f32 = apart.zip(&usual[1..]).map(|(value, ability)| value * ability).sum();
        for ((value, mean), along) in traits.iter_mut().zip(&self.mean).zip(&self.along) {
            let ordinary = mean + does * along;
            *value = ordinary + share * (*value - ordinary);
        }
    }

    /// Whether it is of so many traits.
    pub(crate) fn fits(&self, n_traits: usize) -> bool {
        self.mean.len() == n_traits && self.along.len() == n_traits
    }

    /// Whether every number is one.
    pub(crate) fn is_finite(&self) -> bool {
        self.mean.iter().chain(&self.along).all(|value| value.is_finite())
    }
}

#[cfg(test)]
mod tests {
    //! What remains of a prompt that is pulled to the ordinary.

    use super::Ordinary;
    use crate::heads::View;

    /// Where the second trait goes up the first usually does, and the third goes its own way.
    fn learned(usual: &[f32]) -> Ordinary {
        let of = |at: u8| {
            let along = f32::from(at % 5) - 2.0;
            ([0.5 * along, along, f32::from(at % 7) - 3.0], 1.0 + f32::from(at % 2))
        };
        let prompts: Vec<([f32; 3], f32)> = (0..70).map(of).collect();
        let prompts: Vec<(&[f32], f32)> = prompts.iter().map(|(traits, weight)| (&traits[..], *weight)).collect();
        Ordinary::learn(&prompts, usual)
    }

    const USUAL: [f32; 4] = [0.3, 0.0, 1.0, 0.0];

    #[test]
    fn a_usual_model_finds_it_as_hard_as_before() {
        let usual = [0.3, 0.4, 1.0, -0.7];
        let ordinary = learned(&usual);
        for share in [0.0, 0.4, 1.0] {
            let mut traits = vec![2.0, -1.0, 3.0];
            let before = View::sum(&traits, &usual);
            ordinary.temper(&mut traits, &usual, share);
            assert!((View::sum(&traits, &usual) - before).abs() < 1e-5, "{share}: {traits:?}");
        }
    }

    #[test]
    fn what_is_peculiar_goes_and_what_goes_along_with_being_so_hard_stays() {
        let ordinary = learned(&USUAL);
        let mut traits = vec![-3.0, 2.0, 3.0];
        ordinary.temper(&mut traits, &USUAL, 0.0);
        assert!(
            (traits[0] - 1.0).abs() < 1e-5 && (traits[1] - 2.0).abs() < 1e-5 && traits[2].abs() < 0.2,
            "{traits:?}"
        );
        let mut half = vec![-3.0, 2.0, 3.0];
        ordinary.temper(&mut half, &USUAL, 0.5);
        assert!((half[0] + 1.0).abs() < 1e-5 && half[2] > 1.4, "{half:?}");
    }

    #[test]
    fn a_usual_model_that_does_everything_alike_leaves_the_mean() {
        let ordinary = learned(&[0.3, 0.0, 0.0, 0.0]);
        assert!(ordinary.along.iter().all(|along| *along == 0.0) && ordinary.fits(3) && !ordinary.fits(4));
        let nothing = Ordinary::learn(&[], &USUAL);
        assert_eq!((nothing.mean, nothing.along), (vec![0.0; 3], vec![0.0; 3]));
    }
}
