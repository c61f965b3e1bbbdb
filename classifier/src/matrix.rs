//! A matrix in single bytes with a scale for each row: a quarter of the memory, so that the weights of all nets stay in a cache
//! near the processor, at an error far below that of training.

use crate::kernel::add_product;

/// Rows of weights, each in steps of its own scale.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    /// Row after row, in steps.
    pub steps: Vec<i8>,
    /// What one step of a row is worth.
    pub scales: Vec<f32>,
}

impl Matrix {
    /// Each row of so many numbers in steps of a 127th of its largest.
    pub fn of(values: &[f32], width: usize) -> Self {
        let mut matrix = Self::default();
        for row in values.chunks_exact(width.max(1)) {
            let scale = row.iter().fold(f32::MIN_POSITIVE, |top, value| top.max(value.abs())) / 127.0;
            #[expect(clippy::cast_possible_truncation, reason = "between -127 and 127")]
            matrix.steps.extend(row.iter().map(|value| (value / scale).round() as i8));
            matrix.scales.push(scale);
        }
        matrix
    }

    /// How many rows it has.
    pub fn n_rows(&self) -> usize {
        self.scales.len()
    }

    /// Whether it holds so many rows of so many numbers.
    pub fn measures(&self, n_rows: usize, width: usize) -> bool {
        self.scales.len() == n_rows && self.steps.len() == n_rows * width && n_rows * width > 0
    }

    /// The steps and the scale of a row, where there is one.
    #[inline(always)]
    pub fn row(&self, at: usize, width: usize) -> Option<(&[i8], f32)> {
        Some((self.steps.get(at * width..(at + 1) * width)?, *self.scales.get(at)?))
    }

    /// `onto += input x matrix`.
    #[inline(always)]
    pub fn add_product(&self, onto: &mut [f32], input: &[f32]) {
        let scaled: Vec<f32> = input.iter().zip(&self.scales).map(|(value, scale)| value * scale).collect();
        add_product(onto, &scaled, &self.steps);
    }
}

#[cfg(test)]
mod tests {
    //! What bytes keep of numbers.

    use super::Matrix;
    use crate::kernel::widely;

    #[expect(clippy::cast_precision_loss, reason = "small")]
    fn number(at: usize) -> f32 {
        ((at * 7919 % 1013) as f32 - 500.0) / 37.0
    }

    #[test]
    fn a_row_is_kept_to_half_a_step_of_its_largest_number() {
        let values: Vec<f32> = (0..60).map(number).chain([0.0; 12]).collect();
        let matrix = Matrix::of(&values, 12);
        assert!(matrix.measures(6, 12) && !matrix.measures(12, 6) && !Matrix::default().measures(0, 12));
        for (at, row) in values.chunks(12).enumerate() {
            let (steps, scale) = matrix.row(at, 12).unwrap();
            for (value, step) in row.iter().zip(steps) {
                assert!((value - f32::from(*step) * scale).abs() <= 0.501 * scale, "row {at}");
            }
        }
        assert_eq!(matrix.row(6, 12), None);
    }

    #[test]
    fn a_product_has_the_bits_of_its_rows_added_one_by_one() {
        for (inputs, width) in [(0, 3), (1, 1), (3, 5), (4, 8), (11, 17), (5, 100), (64, 192)] {
            let input: Vec<f32> = (0..inputs).map(number).collect();
            let matrix = Matrix::of(&(0..inputs * width).map(|at| number(at + 5)).collect::<Vec<_>>(), width);
            let (mut one_by_one, mut plain) = (vec![0.5; width], vec![0.5; width]);
            let mut wide = plain.clone();
            for (at, value) in input.iter().enumerate() {
                let (steps, scale) = matrix.row(at, width).unwrap();
                let pairs = one_by_one.iter_mut().zip(steps);
                pairs.for_each(|(onto, step): (&mut f32, _)| *onto += value * scale * f32::from(*step));
            }
            matrix.add_product(&mut plain, &input);
            widely(|| matrix.add_product(&mut wide, &input));
            let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&plain), bits(&one_by_one), "{inputs} x {width}");
            assert_eq!(bits(&wide), bits(&one_by_one), "{inputs} x {width}, wide");
        }
    }
}
