//! Whose turn it is among several, by weight: an order that is drawn, so that over many requests each comes first as often as its
//! weight says, and those behind it share what it leaves by theirs.

/// The places of the weights in the order drawn. Each draw is in [0, 1), one a weight. A weight that is no positive number comes
/// last, in its place.
pub fn weighted_order(weights: &[f64], mut draw: impl FnMut() -> f64) -> Vec<usize> {
    // The first of several exponential clocks to ring is each with the share of its rate.
    let ring = |weight: f64, draw: f64| -(1.0 - draw.clamp(0.0, 1.0 - f64::EPSILON)).ln() / weight;
    let mut rings: Vec<(f64, usize)> = Vec::with_capacity(weights.len());
    for (place, weight) in weights.iter().enumerate() {
        let draw = draw();
        let usable = *weight > 0.0 && weight.is_finite() && !draw.is_nan();
        rings.push((if usable { ring(*weight, draw) } else { f64::INFINITY }, place));
    }
    rings.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    rings.into_iter().map(|(_, place)| place).collect()
}

#[cfg(test)]
mod tests {
    //! Everybody is in the order once, and first as often as the weight says.

    use proptest::prelude::*;

    use super::weighted_order;

    proptest! {
        #[test]
        fn everybody_has_one_place(weights in prop::collection::vec(any::<f64>(), 0..20), draws in prop::collection::vec(any::<f64>(), 20)) {
            let mut draws = draws.into_iter();
            let mut order = weighted_order(&weights, || draws.next().unwrap_or(0.5));
            order.sort_unstable();
            prop_assert_eq!(order, (0..weights.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_first_place_goes_by_weight_and_so_does_the_second() {
        // A grid of draws instead of chance: three weights, a hundred draws each.
        let (weights, n) = ([6.0, 3.0, 1.0], 100);
        let mut first = [0_u32; 3];
        let mut second_after_the_heaviest = [0_u32; 3];
        for point in 0..n * n * n {
            let coordinates =
                [point % n, point / n % n, point / n / n].map(|place| (f64::from(place) + 0.5) / f64::from(n));
            let mut draws = coordinates.into_iter();
            let order = weighted_order(&weights, || draws.next().unwrap());
            first[order[0]] += 1;
            second_after_the_heaviest[order[1]] += u32::from(order[0] == 0);
        }
        let share = |count: u32, of: u32| f64::from(count) / f64::from(of);
        for (place, expected) in [0.6, 0.3, 0.1].into_iter().enumerate() {
            // The grid is coarse near the ends, where the clocks ring latest.
            assert!((share(first[place], n * n * n) - expected).abs() < 0.01, "{first:?}");
        }
        let seconds = second_after_the_heaviest;
        assert!((share(seconds[1], seconds[1] + seconds[2]) - 0.75).abs() < 0.02, "{seconds:?}");
    }

    #[test]
    fn what_is_no_weight_comes_last() {
        assert_eq!(weighted_order(&[f64::NAN, 1.0, -1.0, 0.0], || 0.9), [1, 0, 2, 3]);
    }
}
