//! Whole trials: pools that nobody forecasts, champions that never meet the challenger.

use decision::{Mode, Policy, PolicyName, Quality, Rules};

use super::{Outcome, Trial, TrialError, as_lines};
use crate::baselines::Baseline;
use crate::forecasts::Forecasts;
use crate::pool::Pool;
use crate::town::pool;
use crate::verdict::Judge;

fn judge() -> Judge {
    let mode = Mode::Tolerance { quality_tolerance: Quality::new(0.02).unwrap() };
    let policy = Policy::new(PolicyName::new("test").unwrap(), Rules::of(mode)).unwrap();
    Judge { seed: 0, n_bootstraps: 20, pair: None, policy }
}

fn forecasts(lines: &[String]) -> Forecasts {
    Forecasts::read(lines.join("\n").as_bytes(), "f.jsonl").unwrap()
}

fn hold(pools: &[Pool], challenger: &[String], champion: Option<&[String]>) -> Result<Outcome, TrialError> {
    let (challenger, champion) = (forecasts(challenger), champion.map(forecasts));
    let judge = judge();
    Trial { judge: &judge, forecasts: Some(&challenger), champion: champion.as_ref() }.hold(pools, |_| ())
}

#[test]
fn a_pool_that_nobody_forecasts_is_passed_over_with_its_reason() {
    let town = pool(120, 1);
    let mut city = pool(120, 2);
    city.name = "city".to_owned();
    city.prompts.iter_mut().for_each(|prompt| prompt.id = prompt.id.replace("town", "city"));
    let lines = as_lines(&town, Baseline::ModelMean).unwrap();
    let outcome = hold(&[city.clone(), town], &lines, None).unwrap();
    assert_eq!(outcome.verdicts.iter().map(|verdict| verdict.pool.as_str()).collect::<Vec<_>>(), ["town"]);
    assert_eq!(
        outcome.passed_over,
        ["pool `city`: expected forecasts for all 3 models on at least 50 prompts, found them on 0 of 120"]
    );
    assert!(matches!(hold(&[city], &lines, None), Err(TrialError::Forecasts(_))), "nothing left to judge is an error");
}

#[test]
fn champion_and_challenger_must_meet_on_enough_prompts() {
    let town = pool(120, 1);
    let lines = as_lines(&town, Baseline::ModelMean).unwrap();
    let error = hold(std::slice::from_ref(&town), &lines[..62], Some(&lines[58..])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "pool `town`: expected at least 50 prompts that champion and challenger both forecast, found 4"
    );
    let outcome = hold(&[town], &lines[..90], Some(&lines[30..])).unwrap();
    assert_eq!(outcome.gate.unwrap().bouts[0].aiq.value.to_string(), "0", "the same forecasts on the same prompts");
}

#[test]
fn a_challenger_does_not_ship_by_keeping_silent() {
    let town = pool(120, 1);
    let mut city = pool(120, 2);
    city.name = "city".to_owned();
    city.prompts.iter_mut().for_each(|prompt| prompt.id = prompt.id.replace("town", "city"));
    let lines = |pool: &Pool| as_lines(pool, Baseline::ModelMean).unwrap();
    let (town_alone, both) = (lines(&town), [lines(&town), lines(&city)].concat());
    let pools = [town, city];
    let gate =
        |challenger: &[String], champion: &[String]| hold(&pools, challenger, Some(champion)).unwrap().gate.unwrap();
    assert_eq!(gate(&town_alone, &both).reason, "it does not forecast city, which the champion does");
    assert!(gate(&both, &town_alone).ship, "what the champion does not forecast is nothing against it");
    let silent = gate(&town_alone[..60], &town_alone);
    assert_eq!(silent.reason, "of `town` it forecasts 50% of the champion's prompts, 95% are asked for");
    assert!(gate(&both, &both).ship && !silent.ship);
}
