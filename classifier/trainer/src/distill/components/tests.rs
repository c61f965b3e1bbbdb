//! Components are orthogonal directions of falling variance, found the same each time.

use super::{Components, eigen};

/// Rows drawn by a fixed congruential generator, stretched by their column.
fn rows(n: usize, width: usize) -> Vec<Vec<f64>> {
    let mut state = 7_u64;
    let mut number = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(state >> 32).unwrap()) / f64::from(u32::MAX) - 0.5
    };
    (0..n).map(|_| (0..width).map(|at| number() * f64::from(u32::try_from(at).unwrap() + 1)).collect()).collect()
}

#[test]
fn eigenvectors_turn_the_matrix_into_its_eigenvalues() {
    let pairs = eigen(vec![vec![2.0, 1.0, 0.0], vec![1.0, 2.0, 0.0], vec![0.0, 0.0, -5.0]]);
    let half = 0.5_f64.sqrt();
    for ((value, vector), expected) in
        pairs.iter().zip([(3.0, [half, half, 0.0]), (1.0, [half, -half, 0.0]), (-5.0, [0.0, 0.0, 1.0])])
    {
        assert!((value - expected.0).abs() < 1e-12, "{value}");
        assert!(vector.iter().zip(expected.1).all(|(one, other)| (one - other).abs() < 1e-12), "{vector:?}");
    }
    // Equal values, zeros and nothing at all.
    assert_eq!(eigen(vec![vec![1.0, 0.0], vec![0.0, 1.0]]), [(1.0, vec![1.0, 0.0]), (1.0, vec![0.0, 1.0])]);
    assert_eq!(eigen(vec![vec![0.0]]), [(0.0, vec![1.0])]);
    assert!(eigen(Vec::new()).is_empty());
}

#[test]
fn eigenvectors_of_a_large_matrix_are_orthogonal_and_rebuild_it() {
    let width = 40;
    let rows = rows(width, width);
    let dot = |one: &[f64], other: &[f64]| one.iter().zip(other).map(|(one, other)| one * other).sum::<f64>();
    let matrix: Vec<Vec<f64>> = rows.iter().map(|row| rows.iter().map(|other| dot(row, other)).collect()).collect();
    let pairs = eigen(matrix.clone());
    assert!(pairs.windows(2).all(|two| two[0].0 >= two[1].0));
    for (at, (_, one)) in pairs.iter().enumerate() {
        for (other_at, (_, other)) in pairs.iter().enumerate() {
            let expected = f64::from(u8::from(at == other_at));
            assert!((dot(one, other) - expected).abs() < 1e-10, "{at} {other_at}");
        }
        let largest = one.iter().copied().max_by(|one, other| one.abs().total_cmp(&other.abs())).unwrap();
        assert!(largest > 0.0, "of a direction and its opposite the one is taken whose largest number is positive");
    }
    for (at, row) in matrix.iter().enumerate() {
        for (other, number) in row.iter().enumerate() {
            let rebuilt: f64 = pairs.iter().map(|(value, vector)| value * vector[at] * vector[other]).sum();
            assert!((rebuilt - number).abs() < 1e-8, "{at} {other}: {rebuilt} {number}");
        }
    }
}

#[test]
fn rows_are_kept_whole_in_all_directions_and_best_in_the_first() {
    let rows = rows(200, 6);
    let squares = |numbers: &[f32]| numbers.iter().map(|number| f64::from(*number).powi(2)).sum::<f64>();
    let spread = |n: usize| {
        let components = Components::of(&rows, n);
        let projected: Vec<Vec<f32>> = rows.iter().map(|row| components.project(row)).collect();
        assert!(projected.iter().all(|row| row.len() == n));
        (projected.iter().map(|row| squares(row)).sum::<f64>(), components.variance_kept)
    };
    let (whole, all) = spread(6);
    assert!((all - 1.0).abs() < 1e-12);
    let mut before = 0.0;
    for n in 1..6 {
        let (part, kept) = spread(n);
        assert!((part / whole - kept).abs() < 1e-6, "{n}: {part} of {whole}, {kept}");
        // No other direction holds more than the next one.
        assert!(kept > before && kept - before >= (1.0 - kept) / f64::from(7 - u32::try_from(n).unwrap()) - 1e-9);
        before = kept;
    }
    // Rows that do not differ.
    let alike = Components::of(&[vec![1.0, 2.0], vec![1.0, 2.0]], 1);
    assert_eq!((alike.project(&[1.0, 2.0]), alike.variance_kept.to_bits()), (vec![0.0], 1.0_f64.to_bits()));
}
