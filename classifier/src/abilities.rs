//! A model's abilities from its outcomes and the traits of its prompts: a regression for each model, held together by what is
//! usual among models. How far a model may leave the usual is learned trait by trait: where models hardly differ beyond
//! chance, they are told apart by nothing. The same prior lets a new model in with few outcomes, or none.

use crate::system::System;

/// How a sum of products becomes what is observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// The sum is the value.
    Identity,
    /// The sum is the logit of a probability.
    Logit,
}

/// What is usual: a mean and a variance for the bias, the slope and each ability.
#[derive(Clone, Debug, PartialEq)]
pub struct Usual {
    /// The mean model.
    pub means: Vec<f64>,
    /// How far models leave it.
    pub variances: Vec<f64>,
}

/// One outcome: the traits of its prompt, what was observed, how much it counts.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Level and traits.
    pub traits: &'a [f32],
    /// The quality, or whatever is regressed.
    pub value: f32,
    /// One for an ordinary outcome.
    pub weight: f32,
}

/// What is known of one model.
struct Known<'a> {
    row: &'a [f64],
    doubt: &'a [f64],
    /// How much it counts.
    weight: f64,
}

/// Rounds in which prior and regressions settle.
const ROUNDS: usize = 12;

/// Newton steps of a logistic regression: from the prior's mean, five settle to rounding.
const NEWTON_STEPS: usize = 8;

/// No ability is held more tightly than this: a variance of nothing could never grow again.
const LEAST_VARIANCE: f64 = 1e-6;

/// What is usual is left as it was where all models together say less than this part of one.
const LEAST_SAYING: f64 = 0.1;

/// The variance of an observation around what is expected of it, where the link is the identity.
const NOISE: f64 = 0.15;

impl Usual {
    /// Learns what is usual from many models' outcomes, and each model's abilities with it.
    pub fn learn(models: &[Vec<Seen<'_>>], n_traits: usize) -> (Self, Vec<Vec<f64>>) {
        let n = 1 + n_traits;
        let mut usual = Self { means: vec![0.0; n], variances: vec![1.0; n] };
        let mut rows = Vec::new();
        let observed: Vec<System> = models.iter().map(|seen| observed(n, seen)).collect();
        for _ in 0..ROUNDS {
            let fitted: Vec<(Vec<f64>, Vec<f64>)> =
                observed.iter().map(|observed| usual.line(observed.clone())).collect();
            // Models without outcomes here say nothing of what is usual.
            let known: Vec<Known<'_>> = fitted
                .iter()
                .zip(models)
                .filter(|(_, seen)| !seen.is_empty())
                .map(|((row, doubt), _)| Known { row, doubt, weight: 1.0 })
                .collect();
            usual.settle(&known);
            rows = fitted.into_iter().map(|(row, _)| row).collect();
        }
        (usual, rows)
    }

    /// What is usual among models whose abilities are known, each with how much it counts; they count one on average.
    pub fn of_rows(rows: &[(&[f32], f64)]) -> Self {
        let n = rows.first().map_or(0, |(row, _)| row.len());
        let mut usual = Self { means: vec![0.0; n], variances: vec![1.0; n] };
        let doubt = vec![0.0; n];
        let wide: Vec<Vec<f64>> =
            rows.iter().map(|(row, _)| row.iter().map(|value| f64::from(*value)).collect()).collect();
        let known = wide.iter().zip(rows).map(|(row, (_, weight))| Known { row, doubt: &doubt, weight: *weight });
        usual.settle(&known.collect::<Vec<_>>());
        usual
    }

    /// Models count by how much their outcomes say beyond what was held to be usual: one that never met a topic only repeats it.
    fn settle(&mut self, known: &[Known<'_>]) {
        for k in 0..self.means.len() {
            let says = |known: &Known<'_>| known.weight * (1.0 - known.doubt[k] / self.variances[k]).clamp(0.0, 1.0);
            let count: f64 = known.iter().map(says).sum();
            if count < LEAST_SAYING {
                continue;
            }
            let mean = known.iter().map(|known| says(known) * known.row[k]).sum::<f64>() / count;
            let square = |known: &Known<'_>| (known.row[k] - mean) * (known.row[k] - mean) + known.doubt[k];
            let squares = known.iter().map(|known| says(known) * square(known));
            self.variances[k] = (squares.sum::<f64>() / count).max(LEAST_VARIANCE);
            self.means[k] = mean;
        }
    }

    /// A model's most likely abilities after these outcomes: bias, slope, abilities. Without outcomes, the usual.
    pub fn fit(&self, seen: &[Seen<'_>], link: Link) -> Vec<f32> {
        let row = match link {
            Link::Identity => self.line(observed(self.means.len(), seen)).0,
            Link::Logit => self.logistic(seen),
        };
        #[expect(clippy::cast_possible_truncation, reason = "weights are kept in single precision")]
        row.iter().map(|value| *value as f32).collect()
    }

    /// The abilities of a usual model.
    pub fn row(&self, link: Link) -> Vec<f32> {
        self.fit(&[], link)
    }

    /// A straight line through what was observed, and how doubtful each of its numbers is (a variance).
    fn line(&self, observed: System) -> (Vec<f64>, Vec<f64>) {
        let mut system = observed;
        self.pull(&mut system);
        // One over the diagonal is close enough to the diagonal of the inverse.
        let doubt = system.diagonal().iter().map(|strength| 1.0 / strength).collect();
        (system.solved().to_vec(), doubt)
    }

    fn logistic(&self, seen: &[Seen<'_>]) -> Vec<f64> {
        let mut row = self.means.clone();
        let mut input = vec![1.0; row.len()];
        for _ in 0..NEWTON_STEPS {
            let mut system = System::new(row.len());
            self.pull(&mut system);
            for seen in seen {
                fill(&mut input, seen.traits);
                let sum: f64 = input.iter().zip(&row).map(|(input, weight)| input * weight).sum();
                let probability = 1.0 / (1.0 + libm::exp(-sum));
                // Never flat: a step from a saturated start must not be endless.
                let slope = (probability * (1.0 - probability)).max(0.02);
                let working = sum + (f64::from(seen.value) - probability) / slope;
                system.observe(&input, working, f64::from(seen.weight) * slope);
            }
            row.copy_from_slice(system.solved());
        }
        row
    }

    /// What is usual speaks before any outcome.
    fn pull(&self, system: &mut System) {
        for (k, (mean, variance)) in self.means.iter().zip(&self.variances).enumerate() {
            system.pull(k, 1.0 / variance, *mean);
        }
    }
}

/// The equations of a straight line through these outcomes: gathered once, whatever is held to be usual.
fn observed(n: usize, seen: &[Seen<'_>]) -> System {
    let mut system = System::new(n);
    let mut input = vec![1.0; n];
    for seen in seen {
        fill(&mut input, seen.traits);
        system.observe(&input, f64::from(seen.value), f64::from(seen.weight) / NOISE);
    }
    system
}

fn fill(input: &mut [f64], traits: &[f32]) {
    for (onto, value) in input[1..].iter_mut().zip(traits) {
        *onto = f64::from(*value);
    }
}

#[cfg(test)]
mod tests {
    //! What outcomes do to abilities, and what their absence does.

    use super::{Link, Seen, Usual};

    fn usual() -> Usual {
        Usual { means: vec![0.5, 1.0], variances: vec![0.04, 0.01] }
    }

    #[test]
    fn without_outcomes_a_model_is_the_usual_one() {
        for link in [Link::Identity, Link::Logit] {
            assert_eq!(usual().fit(&[], link), [0.5, 1.0]);
        }
    }

    #[test]
    fn outcomes_move_a_model_and_many_move_it_further() {
        let bad = Seen { traits: &[0.0], value: 0.0, weight: 1.0 };
        for link in [Link::Identity, Link::Logit] {
            let (few, many) = (usual().fit(&[bad; 3], link)[0], usual().fit(&[bad; 300], link)[0]);
            assert!(many < few && few < 0.5, "{link:?}: {many} {few}");
        }
    }

    #[test]
    fn a_trait_in_which_models_do_not_differ_is_held_tightly() {
        let traits: Vec<[f32; 2]> = (0_u8..200).map(|at| [f32::from(at % 5) - 2.0, f32::from(at % 7) - 3.0]).collect();
        let models: Vec<Vec<Seen<'_>>> = (0..12_u8)
            .map(|model| {
                let own = f32::from(model) / 20.0;
                let seen =
                    |row: &'static [f32; 2]| Seen { traits: row, value: own * row[0] + 0.1 * row[1], weight: 1.0 };
                traits.clone().leak().iter().map(seen).collect()
            })
            .collect();
        let (usual, _) = Usual::learn(&models, 2);
        assert!(usual.variances[1] > 20.0 * usual.variances[2], "{usual:?}");
    }
}
