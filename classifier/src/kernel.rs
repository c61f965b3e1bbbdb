//! Arithmetic on slices, written so that it gives the same bits on any machine: sums run in a fixed order over fixed lanes,
//! nothing is fused, and exponentials are our own. The trainer uses these too, so that what is trained is what serves.

use pulp::Arch;

/// Runs something with the widest instructions that the processor has, as far as it is inlined. They are faster and change
/// no bit: lanes do not mix, and nothing is fused.
#[inline(always)]
pub fn widely<R>(work: impl FnOnce() -> R) -> R {
    Arch::new().dispatch(work)
}

/// Partial sums that a dot product keeps, whatever the processor.
const LANES: usize = 8;

/// The sum of products.
#[inline(always)]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (a_whole, a_rest) = a.as_chunks::<LANES>();
    let (b_whole, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_whole.iter().zip(b_whole) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    let [s0, s1, s2, s3, s4, s5, s6, s7] = sums;
    ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7)) + rest
}

/// The sums of products of one row with several, all as long: the bits are those of [`dot`], and no sum waits for another.
#[inline(always)]
pub fn dots<const N: usize>(a: &[f32], rows: [&[f32]; N]) -> [f32; N] {
    let mut sums = [[0.0_f32; LANES]; N];
    let (a_whole, a_rest) = a.as_chunks::<LANES>();
    let rows = rows.map(|row| row.as_chunks::<LANES>());
    for (at, a) in a_whole.iter().enumerate() {
        for (sums, (whole, _)) in sums.iter_mut().zip(&rows) {
            let Some(b) = whole.get(at) else { continue };
            for lane in 0..LANES {
                sums[lane] += a[lane] * b[lane];
            }
        }
    }
    let mut each = [0.0; N];
    for ((each, sums), (_, b_rest)) in each.iter_mut().zip(sums).zip(rows) {
        let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
        let [s0, s1, s2, s3, s4, s5, s6, s7] = sums;
        *each = ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7)) + rest;
    }
    each
}

/// `onto += factor * row`.
#[inline(always)]
pub fn add_scaled(onto: &mut [f32], factor: f32, row: &[f32]) {
    for (onto, value) in onto.iter_mut().zip(row) {
        *onto += factor * value;
    }
}

/// Columns that [`add_rows`] sums side by side: as many as stay in registers.
const COLUMNS: usize = 64;

/// And half as many, for what is left: fewer at once would wait for each sum.
const HALF_COLUMNS: usize = COLUMNS / 2;

/// `onto += input x weights`, with one row of weights for each input.
#[inline(always)]
pub fn add_product<W: Copy>(onto: &mut [f32], input: &[f32], weights: &[W])
where
    f32: From<W>,
{
    let rows = weights.chunks_exact(onto.len().max(1));
    add_rows(onto, input.iter().copied().zip(rows));
}

/// `onto += factor * row` for each row, of numbers or bytes. Blocks of columns take all their rows in before they are written
/// back; each column still adds up in the order of the rows.
#[inline(always)]
pub fn add_rows<'a, W: Copy + 'a>(onto: &mut [f32], rows: impl Iterator<Item = (f32, &'a [W])> + Clone)
where
    f32: From<W>,
{
    let (blocks, rest) = onto.as_chunks_mut::<COLUMNS>();
    let mut from = 0;
    for block in blocks {
        add_block(block, from, rows.clone());
        from += COLUMNS;
    }
    let (blocks, rest) = rest.as_chunks_mut::<HALF_COLUMNS>();
    for block in blocks {
        add_block(block, from, rows.clone());
        from += HALF_COLUMNS;
    }
    let (blocks, rest) = rest.as_chunks_mut::<LANES>();
    for block in blocks {
        add_block(block, from, rows.clone());
        from += LANES;
    }
    if rest.is_empty() {
        return;
    }
    for (value, row) in rows {
        for (sum, weight) in rest.iter_mut().zip(&row[from..]) {
            *sum += value * f32::from(*weight);
        }
    }
}

/// Adds the columns of the rows from `from` on.
#[inline(always)]
fn add_block<'a, W: Copy + 'a, const N: usize>(
    onto: &mut [f32; N],
    from: usize,
    rows: impl Iterator<Item = (f32, &'a [W])>,
) where
    f32: From<W>,
{
    let mut sums = *onto;
    for (value, row) in rows {
        if let Some(columns) = row[from..].first_chunk::<N>() {
            for (sum, weight) in sums.iter_mut().zip(columns) {
                *sum += value * f32::from(*weight);
            }
        }
    }
    *onto = sums;
}

/// The exponential, to a few units in the last place.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    // ln 2 in two parts, so that the reduction below loses nothing (Cody and Waite, 1980).
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    // Adding and taking away 1.5 * 2^23 rounds to the nearest integer, and vectorises where `round` would not.
    let n = (x * LOG2_E + 12_582_912.0) - 12_582_912.0;
    let r = x - n * LN2_HIGH - n * LN2_LOW;
    // Coefficients of the Cephes library's `expf`.
    let mut p = 1.987_569_1e-4;
    p = p * r + 1.398_2e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 0.5;
    let mantissa = p * r * r + r + 1.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between -126 and 127 by the clamp")]
    let power = f32::from_bits(((n as i32 + 127) << 23) as u32);
    mantissa * power
}

/// The logistic function.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// A smooth rectifier: `x * sigmoid(1.702 x)`, the common approximation of GELU.
#[inline(always)]
pub fn gelu(x: f32) -> f32 {
    x * sigmoid(GELU_SLOPE * x)
}

/// The slope inside [`gelu`].
pub const GELU_SLOPE: f32 = 1.702;

/// The logit of a probability that is kept away from 0 and 1.
pub fn logit(probability: f32) -> f32 {
    libm::logf(probability / (1.0 - probability))
}

/// Makes the values positive with a sum of 1.
#[inline(always)]
pub fn softmax(values: &mut [f32]) {
    let top = values.iter().copied().fold(f32::MIN, f32::max);
    // Apart from the sum, whose order must stay, so that exponentials are taken abreast.
    values.iter_mut().for_each(|value| *value = exp(*value - top));
    let scale = 1.0 / values.iter().sum::<f32>();
    for value in values.iter_mut() {
        *value *= scale;
    }
}

#[cfg(test)]
mod tests {
    //! Our own arithmetic against the standard library's.

    use super::{add_product, add_scaled, dot, dots, exp, softmax, widely};

    #[test]
    fn a_product_has_the_bits_of_its_rows_added_one_by_one() {
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let number = |at: usize| ((at * 7919 % 1013) as f32 - 500.0) / 37.0;
        for (inputs, width) in [(0, 3), (1, 1), (3, 5), (4, 8), (11, 17), (64, 64)] {
            let input: Vec<f32> = (0..inputs).map(number).collect();
            let weights: Vec<f32> = (0..inputs * width).map(|at| number(at + 5)).collect();
            let (mut one_by_one, mut plain) = (vec![0.5; width], vec![0.5; width]);
            let mut wide = plain.clone();
            for (value, row) in input.iter().zip(weights.chunks_exact(width)) {
                add_scaled(&mut one_by_one, *value, row);
            }
            add_product(&mut plain, &input, &weights);
            widely(|| add_product(&mut wide, &input, &weights));
            let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&plain), bits(&one_by_one), "{inputs} x {width}");
            assert_eq!(bits(&wide), bits(&one_by_one), "{inputs} x {width}, wide");
        }
    }

    #[test]
    fn exp_is_exact_to_a_millionth() {
        for step in -8700..8800 {
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let x = step as f32 / 100.0;
            let (ours, theirs) = (f64::from(exp(x)), f64::from(x).exp());
            assert!((ours - theirs).abs() <= 1e-6 * theirs, "{x}: {ours} against {theirs}");
        }
        assert!(exp(f32::MAX).is_finite() && exp(f32::MIN) > 0.0);
    }

    #[test]
    fn several_dot_products_at_once_have_the_bits_of_one_by_one() {
        let row =
            |seed: usize, n: usize| -> Vec<f32> { (0..n).map(|at| ((at * 7 + seed) as f32 * 0.37).sin()).collect() };
        for n in [0, 1, 7, 8, 9, 64, 334] {
            let (a, rows) = (row(1, n), [2, 3, 5, 8].map(|seed| row(seed, n)));
            let together = dots(&a, rows.each_ref().map(Vec::as_slice));
            assert_eq!(together.map(f32::to_bits), rows.each_ref().map(|row| dot(&a, row).to_bits()), "{n}");
        }
    }

    #[test]
    fn a_dot_product_takes_any_length() {
        for n in 0_u8..40 {
            let a: Vec<f32> = (0..n).map(f32::from).collect();
            let expected: f32 = a.iter().map(|a| a * a).sum();
            assert!((dot(&a, &a) - expected).abs() < 0.5, "{n}");
        }
    }

    #[test]
    fn softmax_sums_to_one() {
        let mut values = [1000.0, -1000.0, 999.0, 0.0];
        softmax(&mut values);
        assert!((values.iter().sum::<f32>() - 1.0).abs() < 1e-6 && values[0] > values[2]);
    }
}
