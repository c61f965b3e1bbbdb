//! Hulls by hand and by property.

use proptest::prelude::*;

use super::{Hull, Point};

fn point(cost_usd: f64, quality: f64) -> Point {
    Point { cost_usd, quality }
}

#[test]
fn what_lies_below_a_mix_is_left_out() {
    let hull = Hull::of([point(3.0, 0.9), point(1.0, 0.5), point(2.0, 0.6), point(4.0, 0.8), point(1.0, 0.4)]);
    assert_eq!(hull.points(), [point(1.0, 0.5), point(3.0, 0.9)]);
    assert!((hull.quality_at(2.0) - 0.7).abs() < 1e-12);
    assert!((hull.quality_at(0.5) - 0.5).abs() < 1e-12);
    assert!((hull.quality_at(9.0) - 0.9).abs() < 1e-12);
    assert!((hull.mean_height(1.0, 3.0) - 0.7).abs() < 1e-12);
}

#[test]
fn a_saving_is_read_off_the_hull() {
    let hull = Hull::of([point(1.0, 0.5), point(3.0, 0.9)]);
    assert_eq!(hull.saving(0.9, 4.0), Some(0.25));
    assert_eq!(hull.saving(0.7, 4.0), Some(0.5));
    assert_eq!(hull.saving(0.1, 4.0), Some(0.75), "below the cheapest point, its cost is what it costs");
    assert_eq!(hull.saving(0.91, 4.0), None);
    assert_eq!(hull.saving(0.5, 0.0), None, "of nothing nothing can be saved");
}

#[test]
fn nothing_has_no_height() {
    assert!(Hull::of([]).quality_at(1.0).is_nan());
    assert_eq!(Hull::of([]).cost_of(0.5), None);
}

proptest! {
    #[test]
    fn a_hull_is_above_all_its_points_and_bends_one_way(raw in prop::collection::vec((0u32..50, 0u32..50), 1..30)) {
        let points: Vec<Point> = raw.iter().map(|(cost, quality)| point(f64::from(*cost), f64::from(*quality) / 50.0)).collect();
        let hull = Hull::of(points.iter().copied());
        for point in &points {
            prop_assert!(hull.quality_at(point.cost_usd) >= point.quality - 1e-12);
        }
        for corner in hull.points() {
            prop_assert!(points.contains(corner));
        }
        for three in hull.points().windows(3) {
            let slope = |a: Point, b: Point| (b.quality - a.quality) / (b.cost_usd - a.cost_usd);
            prop_assert!(slope(three[0], three[1]) > slope(three[1], three[2]));
        }
    }
}
