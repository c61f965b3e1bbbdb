//! Two models and four prompts: the strong one helps on two.

use super::judge_pair;
use crate::curve::{Forecast, Truth};
use crate::grid::Grid;

fn truth() -> Truth {
    let quality = Grid::from_rows(2, [vec![0.0, 1.0], vec![1.0, 1.0], vec![0.0, 1.0], vec![1.0, 1.0]]);
    Truth { bill_usd: Grid::filled(4, 2, 1.0), quality }
}

fn forecast(help: [f64; 4]) -> Forecast {
    let quality = Grid::from_rows(2, help.map(|help| vec![0.5, 0.5 + help]));
    Forecast { cost_usd: Grid::filled(4, 2, 1.0), quality }
}

#[test]
fn whoever_knows_where_help_is_needed_recovers_the_gap_with_half_the_calls() {
    let figures = judge_pair(&forecast([0.4, 0.1, 0.3, 0.0]), &truth(), (0, 1), ("weak", "strong")).unwrap();
    assert_eq!(figures.quality, (0.5, 1.0));
    assert_eq!((figures.cpt50, figures.cpt80), (Some(0.25), Some(0.5)));
    assert!((figures.apgr - 0.75).abs() < 1e-12, "{}", figures.apgr);
}

#[test]
fn whoever_has_it_backwards_needs_them_all() {
    let figures = judge_pair(&forecast([0.0, 0.4, 0.1, 0.3]), &truth(), (0, 1), ("weak", "strong")).unwrap();
    assert_eq!((figures.cpt50, figures.cpt80), (Some(0.75), Some(1.0)));
    assert!((figures.apgr - 0.25).abs() < 1e-12, "{}", figures.apgr);
}

#[test]
fn without_a_gap_there_is_nothing_to_recover() {
    assert_eq!(judge_pair(&forecast([0.0; 4]), &truth(), (1, 0), ("strong", "weak")), None);
}
