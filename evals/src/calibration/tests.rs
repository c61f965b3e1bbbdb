//! Figures small enough to do by hand.

use super::{auc, brier, ece, perfect_ece, reliability};
use crate::grid::Grid;

#[test]
fn auc_counts_pairs_and_halves_ties() {
    assert_eq!(auc(&[1.0, 0.0], &[0.9, 0.1]), Some(1.0));
    assert_eq!(auc(&[1.0, 0.0], &[0.1, 0.9]), Some(0.0));
    assert_eq!(auc(&[1.0, 0.0], &[0.5, 0.5]), Some(0.5));
    assert_eq!(auc(&[1.0, 0.0, 1.0, 0.0], &[0.8, 0.6, 0.6, 0.2]), Some(0.875));
    assert_eq!(auc(&[1.0, 1.0], &[0.8, 0.6]), None, "one kind of outcome cannot be ordered");
}

#[test]
fn brier_is_the_mean_squared_distance() {
    let outcomes = Grid::from_rows(2, [vec![1.0, 0.0]]);
    let forecasts = Grid::from_rows(2, [vec![0.5, 0.5]]);
    assert!((brier(&outcomes, &forecasts) - 0.25).abs() < 1e-12);
}

#[test]
fn ece_is_the_gap_between_forecast_and_outcome_in_bins_of_equal_size() {
    let forecasts: Vec<f64> = (0..20).map(|index| if index < 10 { 0.2 } else { 0.8 }).collect();
    let outcomes: Vec<f64> = (0..20).map(|index| if index < 10 { 0.0 } else { 1.0 }).collect();
    assert!((ece(&outcomes, &forecasts) - 0.2).abs() < 1e-12);
    assert!(ece(&[0.0, 1.0], &[0.0, 1.0]).abs() < 1e-12, "fewer forecasts than bins");
}

#[test]
fn even_perfect_calibration_shows_an_error_and_less_of_it_on_more_prompts() {
    let forecasts = |n: u32| Grid::from_rows(1, (0..n).map(|index| vec![f64::from(index) / f64::from(n)]));
    let (few, many) = (perfect_ece(&forecasts(200), 0), perfect_ece(&forecasts(20_000), 0));
    assert!(few > 0.03 && few < 0.12, "{few}");
    assert!(many > 0.0 && many < 0.02, "{many}");
}

#[test]
fn a_reliability_table_holds_everything_once_and_its_intervals_cover_it() {
    let forecasts = Grid::from_rows(1, (0..105).map(|index| vec![f64::from(index) / 105.0]));
    let outcomes = Grid::from_rows(1, (0..105).map(|index| vec![f64::from(u8::from(index % 3 == 0))]));
    let bins = reliability(&outcomes, &forecasts);
    assert_eq!(bins.iter().map(|bin| bin.n).sum::<usize>(), 105);
    assert!(bins.windows(2).all(|pair| pair[0].forecast < pair[1].forecast));
    assert!(bins.iter().all(|bin| bin.low <= bin.outcome && bin.outcome <= bin.high));
}
