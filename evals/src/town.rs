//! A made-up town of prompts and models for the tests: two data sets, two models that differ in what they are good at, and a
//! weak one. Nothing in it is random but what a seed says.

use std::sync::Arc;

use training_data::OutcomeRow;

use crate::dice::Dice;
use crate::pool::{AssumedTokens, Outcomes, Pool, PriceList, TokenPrices};

pub(crate) const MODELS: [&str; 3] = ["cheap", "dear", "weak"];

pub(crate) fn prices() -> PriceList {
    let price = |prompt: f64, completion: f64| TokenPrices { prompt, completion };
    let prices = [price(0.1, 0.4), price(2.0, 8.0), price(0.05, 0.2)];
    MODELS.iter().map(ToString::to_string).zip(prices).collect()
}

pub(crate) fn row(dataset: &str, prompt_id: &str, model: &str, quality: f64) -> OutcomeRow {
    OutcomeRow {
        prompt: Some(text(dataset, prompt_id)),
        prompt_tokens: Some(100),
        completion_tokens: Some(50),
        ..OutcomeRow::bare("town", dataset, prompt_id, model, quality)
    }
}

/// Prompts of one data set share words, two of a couple of dozen.
fn text(dataset: &str, prompt_id: &str) -> Arc<str> {
    let number: usize = prompt_id.trim_start_matches(|letter: char| !letter.is_ascii_digit()).parse().unwrap_or(0);
    Arc::from(format!("Is {dataset}{} like {dataset}{}?", number % 11, number % 13))
}

/// `n` prompts: all succeed on easy ones; on hard ones the dear model nearly always, the cheap one rarely.
pub(crate) fn outcomes(n: u32, seed: u32) -> Outcomes {
    let mut dice = Dice::new(seed);
    let mut outcomes = Outcomes::default();
    for index in 0..n {
        let dataset = if index % 2 == 0 { "easy" } else { "hard" };
        let chances = if index % 2 == 0 { [0.95, 0.95, 0.6] } else { [0.2, 0.9, 0.1] };
        for (model, chance) in MODELS.iter().zip(chances) {
            let quality = f64::from(u8::from(dice.unit() < chance));
            outcomes.add(&row(dataset, &format!("p{index:05}"), model, quality)).unwrap();
        }
    }
    outcomes
}

pub(crate) fn pool(n: u32, seed: u32) -> Pool {
    outcomes(n, seed).pools(None, &prices(), &AssumedTokens::default()).unwrap().0.remove(0)
}
