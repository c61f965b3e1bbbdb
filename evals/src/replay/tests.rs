//! Policies replayed in the made-up town.

use std::collections::BTreeSet;

use decision::{Exclusion, Limits, Mode, ModelId, PicoUsd, Policy, PolicyName, Quality, Rules, WhenSpent};

use super::{Barred, Replayer, arena_score};
use crate::baselines::Baseline;
use crate::curve::Resamples;
use crate::hull::Point;
use crate::pool::Pool;
use crate::town::pool;

fn policy(mode: Mode) -> Policy {
    Policy::new(PolicyName::new("test").unwrap(), Rules::of(mode)).unwrap()
}

fn replayed(pool: &Pool, mode: Mode) -> (super::Replay, Policy) {
    let forecast = Baseline::DatasetMean.forecast(pool).unwrap();
    let replayer = Replayer::new(pool, &forecast, &forecast.quality, &Barred::nobody()).unwrap();
    let policy = policy(mode);
    (replayer.replay(&policy), policy)
}

#[test]
fn easy_prompts_go_to_the_cheap_model_and_hard_ones_to_the_dear() {
    let pool = pool(400, 1);
    let (replay, policy) = replayed(&pool, Mode::Tolerance { quality_tolerance: Quality::new(0.1).unwrap() });
    for (row, pick) in replay.picks.iter().enumerate() {
        assert_eq!(*pick, Some(usize::from(pool.prompts[row].dataset == "hard")));
    }
    let verdict = replay.verdict(&pool, &policy, &Resamples::draw(400, 50, 0)).unwrap();
    assert_eq!(verdict.traffic, [("cheap".to_owned(), 0.5), ("dear".to_owned(), 0.5)]);
    assert!((verdict.saving.value - 0.475).abs() < 1e-9, "half the prompts at a twentieth of the price");
    assert!(verdict.saving.low < 0.475 && verdict.saving.high > 0.475);
    assert_eq!(verdict.best_single, "dear");
    let slices = &verdict.slices["dataset"];
    assert_eq!((slices[0].name.as_str(), slices[0].n, slices[1].n), ("easy", 200, 200));
    assert!(slices[0].point.cost_usd < slices[1].point.cost_usd);
    assert_eq!(verdict.slices["model"].len(), 2);
}

#[test]
fn a_budget_is_kept_with_the_real_bills() {
    let pool = pool(400, 1);
    let figure = PicoUsd::from_usd(0.000_2).unwrap();
    let mode = Mode::Budget { usd_per_request: figure, when_spent: WhenSpent::Cheapest };
    let (replay, _) = replayed(&pool, mode);
    let spent = replay.point(&pool).unwrap().cost_usd;
    assert!(spent <= 0.000_2 && spent > 0.000_15, "{spent}");
}

#[test]
fn a_hard_budget_refuses_and_refusals_are_counted() {
    let pool = pool(100, 1);
    let mode = Mode::Budget { usd_per_request: PicoUsd(1), when_spent: WhenSpent::Refuse };
    let (replay, policy) = replayed(&pool, mode);
    assert!(replay.point(&pool).is_none());
    assert!(replay.verdict(&pool, &policy, &Resamples::draw(100, 20, 0)).is_none());
}

#[test]
fn whom_a_policy_keeps_out_is_never_chosen() {
    let pool = pool(100, 1);
    let forecast = Baseline::DatasetMean.forecast(&pool).unwrap();
    let replayer = Replayer::new(&pool, &forecast, &forecast.quality, &Barred::nobody()).unwrap();
    let limited = |limits: Limits| {
        let mode = Mode::Tolerance { quality_tolerance: Quality::ZERO };
        Policy::new(PolicyName::new("test").unwrap(), Rules { limits, ..Rules::of(mode) }).unwrap()
    };
    let dear = || BTreeSet::from([ModelId::new("dear").unwrap()]);
    let denied = replayer.replay(&limited(Limits { deny: dear(), ..Limits::default() }));
    assert!(denied.picks.iter().all(|pick| *pick == Some(0)));
    let allowed = replayer.replay(&limited(Limits { allow: Some(dear()), ..Limits::default() }));
    assert!(allowed.picks.iter().all(|pick| *pick == Some(1)));
}

#[test]
fn who_may_not_answer_a_prompt_does_not() {
    let pool = pool(100, 1);
    let forecast = Baseline::DatasetMean.forecast(&pool).unwrap();
    // The dear one keeps what it is sent; the first prompt fits nobody.
    let n = pool.models.len();
    let kept = |cell: usize| (cell < n || cell % n == 1).then_some(Exclusion::ZeroDataRetention);
    let barred = Barred::of(n, (0..100 * n).map(kept).collect());
    let replayer = Replayer::new(&pool, &forecast, &forecast.quality, &barred).unwrap();
    let replay = replayer.replay(&policy(Mode::Tolerance { quality_tolerance: Quality::ZERO }));
    assert!(replay.picks[0].is_none() && replay.picks[1..].iter().all(|pick| *pick == Some(0)));
}

#[test]
fn a_sweep_spends_more_for_more() {
    let pool = pool(400, 1);
    let forecast = Baseline::DatasetMean.forecast(&pool).unwrap();
    let replayer = Replayer::new(&pool, &forecast, &forecast.quality, &Barred::nobody()).unwrap();
    let modes = [
        Mode::Tolerance { quality_tolerance: Quality::ZERO },
        Mode::Target { quality_floor: Quality::ZERO },
        Mode::Value { usd_per_success: PicoUsd(1) },
        Mode::Budget { usd_per_request: PicoUsd(1), when_spent: WhenSpent::Cheapest },
    ];
    for mode in modes {
        let sweep = replayer.sweep(&policy(mode.clone()));
        let costs: Vec<f64> = sweep.iter().map(|(_, point)| point.cost_usd).collect();
        let (least, most) =
            (costs.iter().copied().fold(f64::INFINITY, f64::min), costs.iter().copied().fold(0.0, f64::max));
        assert!(sweep.len() > 20 && most > 1.5 * least, "{mode:?}: {least} to {most}");
    }
    let pin = Mode::Pin { model: ModelId::new("cheap").unwrap() };
    assert!(replayer.sweep(&policy(pin)).is_empty(), "a pin has nothing to sweep");
}

#[test]
fn the_arena_score_rewards_quality_and_thrift() {
    let score = |quality, cost_usd| arena_score(Point { cost_usd, quality });
    // A = 0.7, C = (log2 200 - log2 1) / (log2 200 - log2 0.0044) = 0.494040; 1.1 A C / (0.1 A + C).
    assert!((score(0.7, 0.001) - 0.674_439).abs() < 1e-5, "{}", score(0.7, 0.001));
    assert!(score(0.8, 0.001) > score(0.7, 0.001));
    assert!(score(0.7, 0.0001) > score(0.7, 0.001));
    assert!(score(0.7, 10.0).abs() < 1e-12, "dearer than the scale is worth nothing");
    assert!((score(0.7, 0.0) - 1.1 * 0.7 / 1.07).abs() < 1e-9);
}
