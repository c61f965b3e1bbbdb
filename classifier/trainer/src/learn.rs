//! Trains a net: small batches, gradients by hand, Adam with decay. The forward pass repeats `classifier::net` on many prompts at
//! once; a test holds the two together.

use classifier::net::Net;
use pulp::Arch;

use crate::dice::Dice;
use crate::learn::adam::Adam;
pub(crate) use crate::learn::adam::Step;
use crate::learn::batch::{Batch, Lesson};
use crate::learn::weights::{Layout, Weights};

mod adam;
mod backward;
mod batch;
#[cfg(test)]
mod tests;
mod weights;

/// How a net is trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Course {
    /// Whether it reads word pieces, or features alone.
    pub(crate) reads: bool,
    pub(crate) n_traits: usize,
    pub(crate) trunk: usize,
    pub(crate) epochs: usize,
    pub(crate) batch: usize,
    pub(crate) rate: f32,
    pub(crate) table_rate: f32,
    pub(crate) decay: f32,
    pub(crate) dropout: f32,
    pub(crate) feature_dropout: f32,
    pub(crate) piece_dropout: f32,
    /// Weight of guessing the data set beside the outcomes.
    pub(crate) aux: f32,
    /// Penalty on abilities.
    pub(crate) ability_penalty: f32,
}

/// The word pieces to start from.
pub(crate) struct Start<'a> {
    pub(crate) width: usize,
    /// One row a word piece.
    pub(crate) table: &'a [f32],
}

/// One prompt to learn from.
pub(crate) struct Pupil<'a> {
    pub(crate) pieces: &'a [u32],
    /// Its features, standardised.
    pub(crate) features: &'a [f32],
    /// Models and what they scored.
    pub(crate) answers: &'a [(u16, f32)],
    pub(crate) weight: f32,
    pub(crate) dataset: u16,
}

/// A model as a net sees it: bias, slope and abilities.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Abilities {
    /// Row after row: bias, slope, abilities.
    pub(crate) rows: Vec<f32>,
    pub(crate) n: usize,
}

/// What training gives.
pub(crate) struct Learned {
    pub(crate) net: Net,
    pub(crate) abilities: Abilities,
}

/// What is known before the first step.
pub(crate) struct Classroom<'a> {
    pub(crate) pupils: &'a [Pupil<'a>],
    pub(crate) start: Option<Start<'a>>,
    pub(crate) centre: &'a [f32],
    pub(crate) inverse_spread: &'a [f32],
    /// Where each model begins: its footing beside the others, on the data sets that it shares with them.
    pub(crate) biases: &'a [f32],
    pub(crate) n_datasets: usize,
}

/// Trains a net from a seed.
pub(crate) fn learn(room: &Classroom<'_>, course: &Course, seed: u64, mut step_done: impl FnMut()) -> Learned {
    let layout = Layout::new(room, course);
    let mut weights = Weights::start(&layout, room, &mut Dice::new(seed, 1));
    let mut adam = Adam::new(&weights);
    let mut dice = Dice::new(seed, 2);
    let mut order: Vec<usize> = (0..room.pupils.len()).collect();
    let n_steps = course.epochs * order.len().div_ceil(course.batch);
    let warm_up = (order.len() / (2 * course.batch)).max(1);
    let mut step = 0;
    for _ in 0..course.epochs {
        dice.shuffle(&mut order);
        for chosen in order.chunks(course.batch) {
            let pupils: Vec<&Pupil<'_>> = chosen.iter().map(|at| &room.pupils[*at]).collect();
            let batch = Batch::assemble(&layout, &pupils, course, &mut dice);
            step += 1;
            let rates = rates(course, step, n_steps, warm_up);
            // Wide instructions where there are some; see `gemm.rs` for why the bits do not depend on them.
            Arch::new().dispatch(
                #[inline(always)]
                || {
                    let lesson = Lesson::forward(&layout, &weights, &batch);
                    let gradient = lesson.backward(&layout, &weights, &batch, course);
                    adam.step(&layout, &mut weights, gradient, &rates);
                },
            );
            step_done();
        }
    }
    weights.finished(&layout, room)
}

/// The rates of one step.
pub(crate) struct Rates {
    pub(crate) rate: f32,
    pub(crate) table_rate: f32,
    pub(crate) decay: f32,
    pub(crate) step: usize,
}

/// Up in a line, then down along a cosine to a hundredth.
#[expect(clippy::cast_precision_loss, reason = "thousands of steps")]
fn rates(course: &Course, step: usize, n_steps: usize, warm_up: usize) -> Rates {
    let up = (step as f32 / warm_up as f32).min(1.0);
    let along = step.saturating_sub(warm_up) as f32 / (n_steps - warm_up.min(n_steps - 1)) as f32;
    let down = (0.5_f32 * (1.0 + libm::cosf(std::f32::consts::PI * along))).max(0.01);
    let factor = up * down;
    Rates { rate: course.rate * factor, table_rate: course.table_rate * factor, decay: course.decay, step }
}
