//! Small ridge regressions: normal equations that are gathered one observation at a time and solved by Cholesky's method.

/// The normal equations of one regression.
#[derive(Clone, Debug)]
pub struct System {
    matrix: Vec<f64>,
    target: Vec<f64>,
}

impl System {
    /// Equations for `n` unknowns, none gathered yet.
    pub fn new(n: usize) -> Self {
        Self { matrix: vec![0.0; n * n], target: vec![0.0; n] }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.matrix.fill(0.0);
        self.target.fill(0.0);
    }

    /// Pulls an unknown towards a value.
    pub fn pull(&mut self, k: usize, strength: f64, towards: f64) {
        let n = self.target.len();
        self.matrix[k * n + k] += strength;
        self.target[k] += strength * towards;
    }

    /// Takes in an equation.
    pub fn observe(&mut self, input: &[f64], value: f64, weight: f64) {
        let n = self.target.len();
        // A prompt has most numbers of a long row at nothing.
        for (i, a) in input.iter().enumerate().filter(|(_, a)| **a != 0.0) {
            for (j, b) in input[..=i].iter().enumerate() {
                self.matrix[i * n + j] += weight * a * b;
            }
            self.target[i] += weight * a * value;
        }
    }

    /// How strongly each unknown is held, the others given.
    pub fn diagonal(&self) -> Vec<f64> {
        let n = self.target.len();
        (0..n).map(|k| self.matrix[k * n + k]).collect()
    }

    /// The unknowns. The equations are used up.
    pub fn solved(&mut self) -> &[f64] {
        let (a, b) = (&mut self.matrix, &mut self.target);
        let n = b.len();
        for j in 0..n {
            for i in j..n {
                let mut sum = a[i * n + j];
                for k in 0..j {
                    sum -= a[i * n + k] * a[j * n + k];
                }
                // Not positive definite to rounding: met with a small ridge instead of a division by zero.
                a[i * n + j] = if i == j { sum.max(1e-10).sqrt() } else { sum / a[j * n + j] };
            }
        }
        for i in 0..n {
            let sum: f64 = (0..i).map(|k| a[i * n + k] * b[k]).sum();
            b[i] = (b[i] - sum) / a[i * n + i];
        }
        for i in (0..n).rev() {
            let sum: f64 = (i + 1..n).map(|k| a[k * n + i] * b[k]).sum();
            b[i] = (b[i] - sum) / a[i * n + i];
        }
        &self.target
    }
}

#[cfg(test)]
mod tests {
    //! One regression by hand.

    use super::System;

    #[test]
    fn a_small_system_is_solved() {
        let mut system = System::new(2);
        system.observe(&[1.0, 1.0], 3.0, 2.0);
        system.observe(&[1.0, -1.0], 1.0, 2.0);
        assert!(system.diagonal().iter().all(|strength| (strength - 4.0).abs() < 1e-12));
        let solved = system.solved();
        assert!((solved[0] - 2.0).abs() < 1e-12 && (solved[1] - 1.0).abs() < 1e-12, "{solved:?}");
    }
}
