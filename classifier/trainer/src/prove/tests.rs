//! The coverage experiment, small: promises hold on towns whose truth is known. The large one is `pointsman tune --prove`.

use decision::Loss;
use evals::replay::Barred;

use super::{Coverage, Plan, coverage, town};
use crate::tune::{Against, Ask, Bench, Knob};

/// Tunes on small parts of a large town, whose whole is the truth.
fn proved(ask: &Ask, losses: &[f64], plan: Plan) -> Vec<Coverage> {
    let town = town(2_500, 99);
    let (quality_low, barred) = (&town.forecast.quality, &Barred::nobody());
    let bench = Bench { pool: &town.pool, forecast: &town.forecast, quality_low, barred };
    coverage(&bench, ask, losses, plan, &mut |_| ()).unwrap()
}

#[track_caller]
fn holds(found: &[Coverage]) {
    for coverage in found {
        assert!(f64::from(coverage.n_broken) <= coverage.n_allowed, "{coverage:?}");
    }
    assert!(found.iter().any(|coverage| coverage.n_promised > 0), "nothing was ever promised: {found:?}");
}

#[test]
fn promises_hold_in_every_mode_for_every_loss() {
    for knob in Knob::ALL {
        // A budget is replayed anew for every part, which takes its time.
        let n_trials = if knob.word() == "budget" { 2 } else { 40 };
        let plan = Plan { n_trials, share: 0.25, seed: 1 };
        holds(&proved(&Ask::of(knob, 0.05, 0.9), &[0.01, 0.02, 0.05, 0.1], plan));
    }
}

#[test]
fn promises_hold_for_every_loss_and_reference() {
    for loss in Loss::ALL {
        for against in [Against::Model("ace".to_owned()), Against::BestForecast, Against::BestSingle] {
            let ask = Ask { loss, against, ..Ask::of(Knob::Tolerance, 0.05, 0.9) };
            holds(&proved(&ask, &[0.05, 0.1, 0.2], Plan { n_trials: 25, share: 0.25, seed: 7 }));
        }
    }
}

#[test]
fn the_experiment_can_fail() {
    // With hardly any confidence, promises are broken more often than a confidence of nine in ten would allow.
    let losses = [0.02, 0.025, 0.03, 0.035, 0.04, 0.045, 0.05];
    let against = Against::Model("ace".to_owned());
    let ask = Ask { shrinkages: vec![0.05], against, ..Ask::of(Knob::Tolerance, 0.05, 0.02) };
    let found = proved(&ask, &losses, Plan { n_trials: 60, share: 0.25, seed: 3 });
    assert!(found.iter().any(|coverage| coverage.n_broken > 11), "{found:?}");
}

#[test]
fn the_same_plan_gives_the_same_figures() {
    let run = || proved(&Ask::of(Knob::Tolerance, 0.05, 0.9), &[0.05], Plan { n_trials: 5, share: 0.25, seed: 5 });
    assert_eq!(run(), run());
}
