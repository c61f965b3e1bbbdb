//! What the plain methods know in the made-up town, where the truth is known.

use super::{Baseline, folds, hashed_words, oracle, random_mix};
use crate::grid::mean;
use crate::town::pool;

#[test]
fn the_per_model_mean_knows_nothing_of_the_prompt() {
    let pool = pool(400, 1);
    let forecast = Baseline::ModelMean.forecast(&pool).unwrap();
    let folds = folds(&pool);
    for row in 1..400 {
        let same_fold = (0..row).find(|other| folds[*other] == folds[row]);
        if let Some(other) = same_fold {
            assert_eq!(forecast.quality.row(row), forecast.quality.row(other));
        }
    }
    assert!((mean(forecast.quality.column(1)) - 0.925).abs() < 0.05);
}

#[test]
fn the_per_data_set_mean_knows_which_prompts_are_hard() {
    let pool = pool(400, 1);
    let forecast = Baseline::DatasetMean.forecast(&pool).unwrap();
    for (row, prompt) in pool.prompts.iter().enumerate() {
        let chance = if prompt.dataset == "easy" { 0.95 } else { 0.2 };
        assert!((forecast.quality.row(row)[0] - chance).abs() < 0.1, "{} {}", prompt.id, forecast.quality.row(row)[0]);
    }
}

#[test]
fn neighbours_share_words_and_so_know_nearly_as_much() {
    let pool = pool(400, 1);
    let forecast = Baseline::Knn.forecast(&pool).unwrap();
    let of = |dataset: &str| {
        let rows = (0..400).filter(|row| pool.prompts[*row].dataset == dataset);
        mean(rows.map(|row| forecast.quality.row(row)[0]))
    };
    assert!(of("easy") - of("hard") > 0.5, "{} {}", of("easy"), of("hard"));
}

#[test]
fn no_baseline_sees_the_outcome_it_forecasts() {
    // Turn one prompt's outcomes around: what is forecast of that prompt must not move.
    let before = pool(200, 1);
    let mut after = before.clone();
    after.truth.quality.row_mut(7).iter_mut().for_each(|quality| *quality = 1.0 - *quality);
    for baseline in Baseline::ALL {
        let (before, after) = (baseline.forecast(&before).unwrap(), baseline.forecast(&after).unwrap());
        assert_eq!(before.quality.row(7), after.quality.row(7), "{}", baseline.name());
    }
}

#[test]
fn a_group_is_never_cut() {
    let mut pool = pool(200, 1);
    for (index, prompt) in pool.prompts.iter_mut().enumerate() {
        prompt.group = format!("g{}", index / 4);
    }
    let folds = folds(&pool);
    assert!(folds.chunks(4).all(|four| four.iter().all(|fold| *fold == four[0])));
    assert!((0..super::N_FOLDS).all(|fold| folds.iter().filter(|other| **other == fold).count() > 10));
}

#[test]
fn without_texts_there_are_no_neighbours() {
    let mut pool = pool(60, 1);
    pool.prompts[3].text = None;
    assert!(Baseline::Knn.forecast(&pool).is_none());
    assert!(Baseline::ModelMean.forecast(&pool).is_some());
}

#[test]
fn the_oracle_takes_the_cheapest_of_the_best_and_the_mix_takes_all() {
    let pool = pool(400, 1);
    let (cost, quality) = oracle(&pool);
    let means = pool.truth.quality.column_means();
    assert!(quality > means[1]);
    assert!(cost < pool.truth.bill_usd.column_means()[1]);
    assert!((random_mix(&pool).1 - mean(means)).abs() < 1e-12);
}

#[test]
fn words_are_counted_whatever_their_case_and_signs() {
    assert_eq!(hashed_words("Two, two TWO!"), hashed_words("two two two"));
    assert_eq!(hashed_words("a b").len(), 2);
    assert!(hashed_words("?!").is_empty());
}
