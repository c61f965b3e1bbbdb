//! The gradient against differences, and the trained net against the serving one.

use super::batch::{Batch, Lesson};
use super::weights::{Layout, Weights};
use super::{Classroom, Course, Pupil, Start, learn};
use crate::dice::Dice;

const COURSE: Course = Course {
    reads: true,
    n_traits: 3,
    trunk: 16,
    epochs: 2,
    batch: 4,
    rate: 1e-2,
    table_rate: 1e-2,
    decay: 0.0,
    dropout: 0.0,
    feature_dropout: 0.0,
    piece_dropout: 0.0,
    aux: 0.3,
    ability_penalty: 0.1,
};

/// A small room with everything in it: prompts of several lengths, one of them empty.
struct School {
    pieces: Vec<Vec<u32>>,
    features: Vec<Vec<f32>>,
    answers: Vec<Vec<(u16, f32)>>,
    table: Vec<f32>,
}

impl School {
    fn new() -> Self {
        let mut dice = Dice::new(7, 7);
        let mut numbers = |n: usize| -> Vec<f32> { (0..n).map(|_| dice.normal()).collect() };
        let features = (0..4).map(|_| numbers(5)).collect();
        let table = numbers(9 * 16);
        Self {
            pieces: vec![vec![1, 2, 3, 2], vec![], vec![8], vec![4, 5, 6, 7, 0, 1, 1]],
            features,
            answers: vec![
                vec![(0, 1.0), (1, 0.0)],
                vec![(1, 0.5)],
                vec![(0, 0.0), (1, 1.0), (2, 1.0)],
                vec![(2, 0.25)],
            ],
            table,
        }
    }

    fn with_room<T>(&self, then: impl FnOnce(&Classroom<'_>) -> T) -> T {
        let pupils: Vec<Pupil<'_>> = (0..4)
            .map(|at| Pupil {
                pieces: &self.pieces[at],
                features: &self.features[at],
                answers: &self.answers[at],
                weight: [0.5, 1.0, 2.0, 1.5][at],
                dataset: [0, 1, 1, 0][at],
            })
            .collect();
        then(&Classroom {
            pupils: &pupils,
            start: Some(Start { width: 16, table: &self.table }),
            centre: &[0.0; 5],
            inverse_spread: &[1.0; 5],
            biases: &[0.3, -0.2, 0.1],
            n_datasets: 2,
        })
    }
}

/// The loss whose gradient training follows.
fn loss(layout: &Layout, weights: &Weights, batch: &Batch<'_>) -> f64 {
    let lesson = Lesson::forward(layout, weights, batch);
    let mut sum = 0.0;
    for (prompt, pupil) in batch.pupils.iter().enumerate() {
        let share = f64::from(pupil.weight) / batch.n() as f64;
        for (model, quality) in pupil.answers {
            let expected = f64::from(lesson.quality(layout, weights, prompt, usize::from(*model)));
            let quality = f64::from(*quality);
            let surprise = -quality * expected.ln() - (1.0 - quality) * (1.0 - expected).ln();
            let abilities = &weights.at(&layout.abilities)[usize::from(*model) * 3..][..3];
            let held: f64 = abilities.iter().map(|value| f64::from(value * value)).sum();
            sum += share / pupil.answers.len() as f64 * (surprise + f64::from(COURSE.ability_penalty) * held);
        }
        let guessed = lesson.datasets[prompt * layout.n_datasets + usize::from(pupil.dataset)];
        sum -= share * f64::from(COURSE.aux) * f64::from(guessed).ln();
    }
    sum
}

#[test]
fn the_gradient_is_the_slope_of_the_loss() {
    School::new().with_room(|room| {
        let layout = Layout::new(room, &COURSE);
        let mut dice = Dice::new(3, 3);
        let mut weights = Weights::start(&layout, room, &mut dice);
        let pupils: Vec<&Pupil<'_>> = room.pupils.iter().collect();
        let batch = Batch::assemble(&layout, &pupils, &COURSE, &mut dice);
        let gradient = Lesson::forward(&layout, &weights, &batch).backward(&layout, &weights, &batch, &COURSE);
        // The step of a central difference in single precision.
        let step = 2e-3_f32;
        let mut worst = 0.0_f64;
        for _ in 0..600 {
            let at = dice.below(layout.n_dense + weights.table.len());
            let dense = at < layout.n_dense;
            let at = if dense { at } else { at - layout.n_dense };
            let mut shifted = |by: f32| {
                let value = if dense { &mut weights.dense[at] } else { &mut weights.table[at] };
                let before = *value;
                *value = before + by;
                let loss = loss(&layout, &weights, &batch);
                let value = if dense { &mut weights.dense[at] } else { &mut weights.table[at] };
                *value = before;
                loss
            };
            let slope = (shifted(step) - shifted(-step)) / f64::from(2.0 * step);
            let ours = f64::from(if dense { gradient.dense[at] } else { gradient.table[at] });
            let off = (slope - ours).abs() / (0.02 + slope.abs());
            worst = worst.max(off);
        }
        assert!(worst < 0.03, "off by {worst}");
    });
}

#[test]
fn prompts_without_a_word_piece_are_learned_by_their_features() {
    let school = School { pieces: vec![Vec::new(); 4], ..School::new() };
    school.with_room(|room| {
        let layout = Layout::new(room, &COURSE);
        let mut dice = Dice::new(3, 3);
        let weights = Weights::start(&layout, room, &mut dice);
        let pupils: Vec<&Pupil<'_>> = room.pupils.iter().collect();
        let batch = Batch::assemble(&layout, &pupils, &COURSE, &mut dice);
        let gradient = Lesson::forward(&layout, &weights, &batch).backward(&layout, &weights, &batch, &COURSE);
        assert!(gradient.dense.iter().all(|value| value.is_finite()));
        assert!(gradient.at(&layout.features_in).iter().any(|value| *value != 0.0));
        assert!(gradient.table.iter().all(|value| *value == 0.0), "nothing of the table was looked at");
    });
}

#[test]
fn the_serving_net_says_what_training_said() {
    School::new().with_room(|room| {
        let layout = Layout::new(room, &COURSE);
        let mut dice = Dice::new(3, 3);
        let weights = Weights::start(&layout, room, &mut dice);
        let pupils: Vec<&Pupil<'_>> = room.pupils.iter().collect();
        let batch = Batch::assemble(&layout, &pupils, &COURSE, &mut dice);
        let lesson = Lesson::forward(&layout, &weights, &batch);
        let learned = weights.finished(&layout, room);
        for (prompt, pupil) in pupils.iter().enumerate() {
            let served = learned.net.traits(pupil.pieces, pupil.features);
            let trained = &lesson.out[prompt * layout.n_out..][..layout.n_out];
            for (served, trained) in served.iter().zip(trained) {
                // The table serves in single bytes.
                assert!((served - trained).abs() < 0.05, "{served} against {trained}");
            }
        }
    });
}

#[test]
fn a_seed_gives_the_same_net_again() {
    School::new().with_room(|room| {
        let once = learn(room, &COURSE, 5, || {});
        let again = learn(room, &COURSE, 5, || {});
        assert!(once.net == again.net && once.abilities == again.abilities);
        assert!(once.net != learn(room, &COURSE, 6, || {}).net);
    });
}
