//! Products of matrices, row by row. Wide instructions are used where the processor has them, but every sum runs over the same
//! terms in the same order and nothing is fused, so training gives the same bits on any machine.

use pulp::Arch;

/// Rows and columns of the block whose sums stay in registers.
const ROWS: usize = 4;
const COLUMNS: usize = 16;

/// The shape of a product: `rows x inner` times `inner x columns`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shape {
    pub(crate) rows: usize,
    pub(crate) inner: usize,
    pub(crate) columns: usize,
}

/// `c += a b`.
pub(crate) fn multiply(c: &mut [f32], a: &[f32], b: &[f32], shape: Shape) {
    assert!(
        c.len() == shape.rows * shape.columns
            && a.len() == shape.rows * shape.inner
            && b.len() == shape.inner * shape.columns
    );
    Arch::new().dispatch(
        #[inline(always)]
        || blocks(c, a, b, shape),
    );
}

/// `c += aT b`, where `a` is `inner x rows`.
pub(crate) fn multiply_transposed(c: &mut [f32], a: &[f32], b: &[f32], shape: Shape) {
    let turned = transposed(a, shape.inner, shape.rows);
    multiply(c, &turned, b, shape);
}

/// Rows become columns.
pub(crate) fn transposed(a: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    const TILE: usize = 16;
    let mut turned = vec![0.0; a.len()];
    for row_tile in (0..rows).step_by(TILE) {
        for column_tile in (0..columns).step_by(TILE) {
            for row in row_tile..(row_tile + TILE).min(rows) {
                for column in column_tile..(column_tile + TILE).min(columns) {
                    turned[column * rows + row] = a[row * columns + column];
                }
            }
        }
    }
    turned
}

#[inline(always)]
fn blocks(c: &mut [f32], a: &[f32], b: &[f32], shape: Shape) {
    let Shape { rows, inner, columns } = shape;
    let whole = columns / COLUMNS * COLUMNS;
    // A strip of `b` is packed once and then read in order by every block of rows.
    let mut strip = vec![[0.0_f32; COLUMNS]; inner];
    for column in (0..whole).step_by(COLUMNS) {
        for (k, packed) in strip.iter_mut().enumerate() {
            packed.copy_from_slice(&b[k * columns + column..][..COLUMNS]);
        }
        for row in (0..rows).step_by(ROWS) {
            if row + ROWS <= rows {
                block::<ROWS>(c, a, &strip, (row, column), shape);
            } else {
                (row..rows).for_each(|row| block::<1>(c, a, &strip, (row, column), shape));
            }
        }
    }
    for row in 0..rows {
        for column in whole..columns {
            let mut sum = 0.0;
            for k in 0..inner {
                sum += a[row * inner + k] * b[k * columns + column];
            }
            c[row * columns + column] += sum;
        }
    }
}

#[inline(always)]
fn block<const N: usize>(c: &mut [f32], a: &[f32], strip: &[[f32; COLUMNS]], at: (usize, usize), shape: Shape) {
    let (row, column) = at;
    let a: [&[f32]; N] = std::array::from_fn(|i| &a[(row + i) * shape.inner..][..strip.len()]);
    let mut sums = [[0.0_f32; COLUMNS]; N];
    for (k, b) in strip.iter().enumerate() {
        for i in 0..N {
            let factor = a[i][k];
            for j in 0..COLUMNS {
                sums[i][j] += factor * b[j];
            }
        }
    }
    for (i, sums) in sums.iter().enumerate() {
        let onto = &mut c[(row + i) * shape.columns + column..][..COLUMNS];
        for (onto, sum) in onto.iter_mut().zip(sums) {
            *onto += sum;
        }
    }
}

#[cfg(test)]
mod tests {
    //! Products against the plain triple loop, for shapes that fill blocks and shapes that do not.

    use super::{Shape, multiply, multiply_transposed, transposed};
    use crate::dice::Dice;

    #[test]
    fn products_equal_the_plain_loop() {
        let mut dice = Dice::new(1, 1);
        for (rows, inner, columns) in [(1, 1, 1), (4, 7, 16), (5, 33, 35), (9, 64, 48), (3, 2, 15)] {
            let shape = Shape { rows, inner, columns };
            let a: Vec<f32> = (0..rows * inner).map(|_| dice.normal()).collect();
            let b: Vec<f32> = (0..inner * columns).map(|_| dice.normal()).collect();
            let mut ours = vec![1.0; rows * columns];
            multiply(&mut ours, &a, &b, shape);
            let mut turned = vec![1.0; rows * columns];
            multiply_transposed(&mut turned, &transposed(&a, rows, inner), &b, shape);
            assert_eq!(ours, turned);
            for (at, ours) in ours.iter().enumerate() {
                let (row, column) = (at / columns, at % columns);
                let plain: f32 = (0..inner).map(|k| a[row * inner + k] * b[k * columns + column]).sum();
                assert!((ours - 1.0 - plain).abs() < 1e-4, "{rows}x{inner}x{columns}");
            }
        }
    }
}
