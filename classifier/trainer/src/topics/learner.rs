//! A softmax over sparse signs, learned by AdaGrad, whose steps grow small where much was seen and stay large for rare word pieces.

use classifier::kernel::{add_scaled, softmax, widely};

/// The length of a step, of the weights and of the biases. Found on folds of the shared outcomes, 2026-11.
const RATE: f32 = 0.6;
const BIAS_RATE: f32 = 0.5;

/// Small topics count for more than their share: a prompt of a topic of `n` weighs as this power of `n`.
const TOPIC_POWER: f32 = -0.3;

/// Squares that every weight is taken to have seen.
const FIRST_SQUARES: f32 = 1e-4;

/// A prompt that is learned from.
pub(super) struct Example {
    /// Which signs it shows, and how much of each.
    pub(super) signs: Vec<(usize, f32)>,
    pub(super) topic: usize,
}

pub(super) struct Learner {
    n_topics: usize,
    /// Row after row, one for each sign.
    pub(super) weights: Vec<f32>,
    /// Of the gradients so far, summed.
    squares: Vec<f32>,
    pub(super) biases: Vec<f32>,
    /// How much a prompt of each topic counts.
    emphasis: Vec<f32>,
    /// Of one batch: the signs it shows, where each one's gradient is, and the gradients.
    touched: Vec<usize>,
    places: Vec<Option<usize>>,
    gradients: Vec<f32>,
}

impl Learner {
    pub(super) fn new(n_signs: usize, n_topics: usize, examples: &[Example]) -> Self {
        let mut sizes = vec![0.0_f32; n_topics];
        examples.iter().for_each(|example| sizes[example.topic] += 1.0);
        let mut emphasis: Vec<f32> = sizes.iter().map(|size| libm::powf(size.max(1.0), TOPIC_POWER)).collect();
        let total: f32 = examples.iter().map(|example| emphasis[example.topic]).sum();
        let mean = (total / examples.len().max(1) as f32).max(f32::MIN_POSITIVE);
        emphasis.iter_mut().for_each(|weight| *weight /= mean);
        Self {
            n_topics,
            weights: vec![0.0; n_signs * n_topics],
            squares: vec![FIRST_SQUARES; n_signs * n_topics],
            biases: vec![0.0; n_topics],
            emphasis,
            touched: Vec::new(),
            places: vec![None; n_signs],
            gradients: Vec::new(),
        }
    }

    /// Learns from one batch: the examples at these places.
    pub(super) fn learn(&mut self, examples: &[Example], batch: &[usize]) {
        self.touched.clear();
        self.gradients.clear();
        let mut bias_gradient = vec![0.0; self.n_topics];
        for at in batch {
            widely(
                #[inline(always)]
                || self.take_in(&examples[*at], batch.len() as f32, &mut bias_gradient),
            );
        }
        widely(
            #[inline(always)]
            || self.step(),
        );
        add_scaled(&mut self.biases, -BIAS_RATE, &bias_gradient);
        self.touched.iter().for_each(|sign| self.places[*sign] = None);
    }

    /// Adds up what one prompt says.
    #[inline(always)]
    fn take_in(&mut self, example: &Example, n: f32, bias_gradient: &mut [f32]) {
        let width = self.n_topics;
        let mut wrong = self.biases.clone();
        for (sign, part) in &example.signs {
            add_scaled(&mut wrong, *part, &self.weights[sign * width..][..width]);
        }
        softmax(&mut wrong);
        wrong[example.topic] -= 1.0;
        let scale = self.emphasis[example.topic] / n;
        wrong.iter_mut().for_each(|value| *value *= scale);
        for (sign, part) in &example.signs {
            let place = match self.places[*sign] {
                Some(place) => place,
                None => {
                    let place = self.touched.len();
                    self.touched.push(*sign);
                    self.places[*sign] = Some(place);
                    self.gradients.resize((place + 1) * width, 0.0);
                    place
                }
            };
            add_scaled(&mut self.gradients[place * width..][..width], *part, &wrong);
        }
        add_scaled(bias_gradient, 1.0, &wrong);
    }

    /// Moves the weights of the signs that were met.
    #[inline(always)]
    fn step(&mut self) {
        let width = self.n_topics;
        for (sign, gradient) in self.touched.iter().zip(self.gradients.chunks_exact(width)) {
            let weights = &mut self.weights[sign * width..][..width];
            let squares = &mut self.squares[sign * width..][..width];
            for ((weight, square), gradient) in weights.iter_mut().zip(squares).zip(gradient) {
                *square += gradient * gradient;
                *weight -= RATE * gradient / square.sqrt();
            }
        }
    }
}
