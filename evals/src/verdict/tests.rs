//! A verdict in the made-up town: a seer, a fool and the truth about both.

use decision::{Mode, Policy, PolicyName, Quality, Rules};

use super::{Judge, Verdict};
use crate::curve::Forecast;
use crate::forecasts::Matched;
use crate::grid::Grid;
use crate::pool::Pool;
use crate::town::pool;

fn judge() -> Judge {
    let mode = Mode::Tolerance { quality_tolerance: Quality::new(0.02).unwrap() };
    let policy = Policy::new(PolicyName::new("test").unwrap(), Rules::of(mode)).unwrap();
    Judge { seed: 0, n_bootstraps: 60, pair: Some(("cheap".to_owned(), "dear".to_owned())), policy }
}

fn judged(pool: &Pool, quality: Grid, rows: Vec<usize>) -> Verdict {
    let cost_usd = pool.truth.bill_usd.taken(&rows);
    let matched = Matched {
        barred: crate::replay::Barred::nobody(),
        quality_low: quality.clone(),
        forecast: Forecast { quality, cost_usd },
        rows,
    };
    judge().judge(pool, Some(("router", &matched))).unwrap()
}

fn all(pool: &Pool) -> Vec<usize> {
    (0..pool.prompts.len()).collect()
}

#[test]
fn a_seer_beats_blind_mixing_and_every_baseline() {
    let pool = pool(300, 1);
    let verdict = judged(&pool, pool.truth.quality.clone(), all(&pool));
    let figures = &verdict.router().unwrap().figures;
    assert_eq!((figures.auc, figures.brier), (Some(1.0), 0.0));
    assert!(figures.gain.low > 0.0);
    assert!(figures.regret.abs() < 1e-12);
    assert!(figures.cost_save.unwrap() > 0.5 && figures.perf_gain > 0.0);
    for baseline in &verdict.methods[1..] {
        assert!(baseline.behind_router.unwrap().low > 0.0, "{}", baseline.name);
    }
    assert!(verdict.pair.unwrap().apgr > 0.75);
}

#[test]
fn a_fool_is_told_so() {
    let pool = pool(300, 1);
    let backwards = pool.truth.quality.rows().map(|row| row.iter().map(|quality| 1.0 - quality).collect::<Vec<f64>>());
    let verdict = judged(&pool, Grid::from_rows(3, backwards), all(&pool));
    let figures = &verdict.router().unwrap().figures;
    assert_eq!((figures.auc, figures.brier), (Some(0.0), 1.0));
    assert!(figures.gain.high < 0.0);
    assert!(figures.ece > 0.9 && figures.ece_if_perfect < 0.1);
}

#[test]
fn no_verdict_lacks_its_baselines() {
    let pool = pool(300, 1);
    let verdict = judge().judge(&pool, None).unwrap();
    assert!(!verdict.has_router && verdict.router().is_none());
    let names: Vec<&str> = verdict.methods.iter().map(|method| method.name.as_str()).collect();
    assert_eq!(names, ["per-model mean", "per-data-set mean (1)", "kNN (2)"]);
    let references: Vec<&str> = verdict.references.iter().map(|reference| reference.name.as_str()).collect();
    assert_eq!(references, ["cheapest: weak", "dearest: dear", "best single: dear", "random mix", "oracle"]);
}

#[test]
fn the_same_seed_gives_the_same_verdict() {
    let pool = pool(120, 1);
    assert_eq!(judge().judge(&pool, None).unwrap(), judge().judge(&pool, None).unwrap());
}

#[test]
fn a_router_that_forecast_some_prompts_is_judged_on_those_with_its_baselines() {
    let pool = pool(300, 1);
    let rows: Vec<usize> = (0..200).collect();
    let verdict = judged(&pool, pool.truth.quality.taken(&rows), rows);
    assert_eq!((verdict.n_prompts, verdict.n_of), (200, 300));
    assert!(verdict.methods.iter().all(|method| method.reliability.iter().map(|bin| bin.n).sum::<usize>() == 600));
}

#[test]
fn copies_of_one_prompt_have_no_baselines() {
    let mut pool = pool(60, 1);
    pool.prompts.iter_mut().for_each(|prompt| prompt.group = "one".to_owned());
    let judge = judge();
    let error = judge.judge(&pool, None).unwrap_err().to_string();
    assert!(error.starts_with("pool `town`: expected prompts of several groups, found copies of one"), "{error}");
    let quality = pool.truth.quality.clone();
    let forecast = Forecast { cost_usd: pool.truth.bill_usd.clone(), quality: quality.clone() };
    let matched =
        Matched { rows: (0..60).collect(), forecast, quality_low: quality, barred: crate::replay::Barred::nobody() };
    let verdict = judge.judge(&pool, Some(("router", &matched))).unwrap();
    assert_eq!(verdict.methods.len(), 1, "the router alone");
}
