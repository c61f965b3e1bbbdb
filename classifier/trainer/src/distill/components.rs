//! Principal components: the directions in which rows differ most. The covariance is diagonalised by Jacobi's rotations in
//! a fixed order, which is slower than other ways and more exact than any, and draws nothing by chance.

/// The main directions of some rows, and their mean.
pub(super) struct Components {
    mean: Vec<f64>,
    directions: Vec<Vec<f64>>,
    /// The share of the rows' variance that lies in these directions.
    pub(super) variance_kept: f64,
}

/// Rotations of every pair; the off-diagonal shrinks quadratically, so that seven suffice for a thousand dimensions.
const MAX_SWEEPS: usize = 60;

/// What is left off the diagonal, against what is on it, when it counts as diagonal: below what a double can add.
const DIAGONAL: f64 = 1e-30;

impl Components {
    /// The first `n` components of rows of one length, by falling variance.
    pub(super) fn of(rows: &[Vec<f64>], n: usize) -> Self {
        let width = rows.first().map_or(0, Vec::len);
        #[expect(clippy::cast_precision_loss, reason = "rows are counted in thousands")]
        let n_rows = rows.len() as f64;
        let mut mean = vec![0.0; width];
        for row in rows {
            mean.iter_mut().zip(row).for_each(|(sum, number)| *sum += number);
        }
        mean.iter_mut().for_each(|sum| *sum /= n_rows);
        let mut sums = vec![vec![0.0; width]; width];
        for row in rows {
            let centred: Vec<f64> = row.iter().zip(&mean).map(|(number, mean)| number - mean).collect();
            for (at, sums) in sums.iter_mut().enumerate() {
                // The lower half suffices; the covariance is its own mirror.
                for (sum, other) in sums[..=at].iter_mut().zip(&centred) {
                    *sum += centred[at] * other;
                }
            }
        }
        let covariance = |at: usize, other: usize| sums[at.max(other)][at.min(other)] / n_rows;
        let pairs = eigen((0..width).map(|at| (0..width).map(|other| covariance(at, other)).collect()).collect());
        let total: f64 = pairs.iter().map(|(value, _)| value.max(0.0)).sum();
        let kept: f64 = pairs.iter().take(n).map(|(value, _)| value.max(0.0)).sum();
        let variance_kept = if total > 0.0 { kept / total } else { 1.0 };
        let directions = pairs.into_iter().take(n).map(|(_, direction)| direction).collect();
        Self { mean, directions, variance_kept }
    }

    /// A row in the main directions.
    pub(super) fn project(&self, row: &[f64]) -> Vec<f32> {
        let along = |direction: &Vec<f64>| -> f64 {
            let centred = row.iter().zip(&self.mean).map(|(number, mean)| number - mean);
            centred.zip(direction).map(|(number, part)| number * part).sum()
        };
        #[expect(clippy::cast_possible_truncation, reason = "the numbers are at most 2, and are rounded further")]
        let rounded = |number: f64| number as f32;
        self.directions.iter().map(|direction| rounded(along(direction))).collect()
    }
}

/// Eigenvalues and their unit vectors of a symmetric matrix, by falling value. Of a vector and its opposite the one is
/// taken whose largest number is positive.
fn eigen(mut matrix: Vec<Vec<f64>>) -> Vec<(f64, Vec<f64>)> {
    let width = matrix.len();
    // The vectors lie in rows here: a rotation then touches two stretches of memory.
    let mut vectors: Vec<Vec<f64>> =
        (0..width).map(|at| (0..width).map(|other| f64::from(u8::from(at == other))).collect()).collect();
    for _ in 0..MAX_SWEEPS {
        let diagonal: f64 = (0..width).map(|at| matrix[at][at].powi(2)).sum();
        let off: f64 = (0..width).map(|at| matrix[at][..at].iter().map(|number| number.powi(2)).sum::<f64>()).sum();
        if off <= DIAGONAL * diagonal {
            break;
        }
        for p in 0..width {
            for q in p + 1..width {
                if let Some((cosine, sine)) = rotation(&matrix, p, q) {
                    for row in &mut matrix {
                        (row[p], row[q]) = (cosine * row[p] - sine * row[q], sine * row[p] + cosine * row[q]);
                    }
                    rotate_rows(&mut matrix, (p, q), (cosine, sine));
                    rotate_rows(&mut vectors, (p, q), (cosine, sine));
                }
            }
        }
    }
    let mut pairs: Vec<(f64, Vec<f64>)> =
        vectors.into_iter().enumerate().map(|(at, vector)| (matrix[at][at], positive(vector))).collect();
    // Stable: equal values stay in the order of the matrix.
    pairs.sort_by(|one, other| other.0.total_cmp(&one.0));
    pairs
}

/// The rotation that makes an element zero (Numerical Recipes, 11.1), unless it is zero.
fn rotation(matrix: &[Vec<f64>], p: usize, q: usize) -> Option<(f64, f64)> {
    let element = matrix[p][q];
    if element.abs() < f64::MIN_POSITIVE {
        return None;
    }
    let theta = (matrix[q][q] - matrix[p][p]) / (2.0 * element);
    let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    Some((cosine, tangent * cosine))
}

fn rotate_rows(rows: &mut [Vec<f64>], (p, q): (usize, usize), (cosine, sine): (f64, f64)) {
    let (upper, lower) = rows.split_at_mut(q);
    for (one, other) in upper[p].iter_mut().zip(&mut lower[0]) {
        (*one, *other) = (cosine * *one - sine * *other, sine * *one + cosine * *other);
    }
}

fn positive(vector: Vec<f64>) -> Vec<f64> {
    let mut largest = 0.0_f64;
    for number in &vector {
        // Strictly: of two equally large numbers the first decides.
        if number.abs() > largest.abs() {
            largest = *number;
        }
    }
    if largest < 0.0 { vector.into_iter().map(|number| -number).collect() } else { vector }
}

#[cfg(test)]
mod tests;
