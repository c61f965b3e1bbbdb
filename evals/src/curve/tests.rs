//! The sweep against the engine it stands in for, and intervals whose truth is known.

use decision::{
    Candidate, Candidates, Expectation, Mode, ModelId, PicoUsd, Policy, PolicyName, Quality, RequestFacts, Rules,
    Tokens, decide,
};
use proptest::prelude::*;

use super::{Forecast, Interval, Resamples, Sweep, Truth, picks, prices_of_money, quantile};
use crate::grid::{Grid, mean};
use crate::hull::Point;

fn grids(rows: &[Vec<(u32, u32)>]) -> Forecast {
    let n = rows[0].len();
    let quality = rows.iter().map(|row| row.iter().map(|(quality, _)| f64::from(*quality) / 1000.0).collect());
    let cost_usd = rows.iter().map(|row| row.iter().map(|(_, cost)| f64::from(*cost) / 1e6).collect());
    Forecast { quality: Grid::from_rows(n, quality), cost_usd: Grid::from_rows(n, cost_usd) }
}

/// What `decide` chooses when a success is worth this many dollars.
fn decided(forecast: &Forecast, usd_per_success: f64) -> Vec<usize> {
    let worth = PicoUsd::from_usd(usd_per_success).unwrap();
    let policy =
        Policy::new(PolicyName::new("value").unwrap(), Rules::of(Mode::Value { usd_per_success: worth })).unwrap();
    let name = |model: usize| ModelId::new(&format!("m{model}")).unwrap();
    let rows = forecast.quality.rows().zip(forecast.cost_usd.rows());
    rows.map(|(quality, cost)| {
        let candidate = |model: usize| {
            let quality = Quality::new(quality[model]).unwrap();
            let cost = PicoUsd::from_usd(cost[model]).unwrap();
            let expectation = Some(Expectation { quality, quality_low: quality });
            Candidate { model: name(model), expectation, cost, cost_high: cost, exclusion: None }
        };
        let candidates = Candidates::new((0..quality.len()).map(candidate).collect(), None).unwrap();
        let decision = decide(&policy, &RequestFacts::of_size(Tokens::ZERO), &candidates).unwrap();
        (0..quality.len()).find(|model| name(*model) == *decision.model()).unwrap()
    })
    .collect()
}

proptest! {
    #[test]
    fn the_sweep_chooses_what_the_engine_chooses(
        rows in (2usize..6).prop_flat_map(|n| prop::collection::vec(prop::collection::vec((0u32..=1000, 1u32..5000), n), 1..6)),
        price in prop::sample::select(prices_of_money().skip(1).collect::<Vec<_>>()),
    ) {
        let forecast = grids(&rows);
        let scale = mean(forecast.cost_usd.cells().iter().copied());
        // A price of money in quality per mean cost is the inverse of the worth of a success.
        let usd_per_success = scale / price;
        let (swept, decided) = (picks(&forecast, price), decided(&forecast, usd_per_success));
        for (row, (swept, decided)) in swept.iter().zip(&decided).enumerate() {
            let net = |model: usize| forecast.quality.row(row)[model] - price * forecast.cost_usd.row(row)[model] / scale;
            // Where two models are even they may differ: the engine then takes the cheaper, the sweep the first.
            prop_assert!(swept == decided || (net(*swept) - net(*decided)).abs() < 1e-9);
        }
    }

    #[test]
    fn a_dearer_dollar_never_buys_a_dearer_forecast(
        rows in (2usize..5).prop_flat_map(|n| prop::collection::vec(prop::collection::vec((0u32..=1000, 1u32..5000), n), 1..6)),
    ) {
        let forecast = grids(&rows);
        let spent = |price| -> f64 {
            picks(&forecast, price).iter().enumerate().map(|(row, pick)| forecast.cost_usd.row(row)[*pick]).sum()
        };
        let spent: Vec<f64> = prices_of_money().map(spent).collect();
        prop_assert!(spent.windows(2).all(|pair| pair[1] <= pair[0] + 1e-12));
    }
}

#[test]
fn a_seer_reaches_the_oracle_at_no_price_of_money() {
    let truth = Truth {
        quality: Grid::from_rows(2, [vec![1.0, 0.0], vec![0.0, 1.0]]),
        bill_usd: Grid::from_rows(2, [vec![1.0, 2.0], vec![1.0, 2.0]]),
    };
    let seer = Forecast { quality: truth.quality.clone(), cost_usd: truth.bill_usd.clone() };
    let points = Sweep::of(&seer, &truth).points();
    assert_eq!(points[0], Point { cost_usd: 1.5, quality: 1.0 });
    assert_eq!(points[points.len() - 1], Point { cost_usd: 1.0, quality: 0.5 });
}

#[test]
fn where_everything_is_free_the_best_forecast_is_taken_at_every_price() {
    let forecast =
        Forecast { quality: Grid::from_rows(2, [vec![0.2, 0.9]]), cost_usd: Grid::from_rows(2, [vec![0.0, 0.0]]) };
    assert!(prices_of_money().all(|price| picks(&forecast, price) == [1]));
}

#[test]
fn a_bootstrap_interval_covers_the_truth_about_as_often_as_it_says() {
    // Coins that fall heads 30 times in 100; the 95% interval of their share, over a hundred independent sets.
    let mut dice = crate::dice::Dice::new(5);
    let covered = (0..100).filter(|set| {
        let coins: Vec<f64> = (0..400).map(|_| f64::from(u8::from(dice.unit() < 0.3))).collect();
        let samples = Resamples::draw(coins.len(), 200, *set).means(&coins);
        let interval = Interval::of(mean(coins.iter().copied()), &samples);
        interval.low <= 0.3 && 0.3 <= interval.high
    });
    let covered = covered.count();
    assert!((88..=100).contains(&covered), "{covered} of 100");
}

#[test]
fn the_same_seed_gives_the_same_interval_and_another_seed_another() {
    let values: Vec<f64> = (0..50).map(f64::from).collect();
    let means = |seed| Resamples::draw(50, 20, seed).means(&values);
    assert_eq!(means(1), means(1));
    assert_ne!(means(1), means(2));
}

#[test]
fn quantiles_lie_between_their_neighbours() {
    assert!((quantile(&[3.0, 1.0, 2.0], 0.5) - 2.0).abs() < 1e-12);
    assert!((quantile(&[0.0, 10.0], 0.25) - 2.5).abs() < 1e-12);
    assert!((quantile(&[4.0], 0.975) - 4.0).abs() < 1e-12);
    assert!(quantile(&[], 0.5).is_nan());
}

#[test]
fn copies_of_a_question_rise_and_fall_together() {
    let values: Vec<f64> = (0..200).map(|prompt| f64::from(prompt / 10 % 2)).collect();
    let names: Vec<String> = (0..200).map(|prompt| (prompt / 10).to_string()).collect();
    let grouped = Resamples::draw_groups(names.iter().map(String::as_str), 400, 1);
    let width = |samples: &Resamples| {
        let interval = Interval::of(0.5, &samples.means(&values));
        interval.high - interval.low
    };
    let alone = Resamples::draw(200, 400, 1);
    let ratio = width(&grouped) / width(&alone);
    // Ten copies each: the root of ten wider.
    assert!((2.5..4.0).contains(&ratio), "{ratio}");
    let singles: Vec<String> = (0..200).map(|prompt| prompt.to_string()).collect();
    let singles = Resamples::draw_groups(singles.iter().map(String::as_str), 400, 1);
    assert_eq!(singles.means(&values), alone.means(&values), "each by itself, as if nobody had grouped them");
}
