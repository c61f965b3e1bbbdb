//! A made-up town whose truth is known: models that differ in what they can, prompts that differ in how hard they are, and
//! forecasts that err. Two models are nearly equally best, some prompts come in near-duplicates, and cheap models fail where
//! it is hard: everything that makes a promise difficult to keep.

use evals::curve::{Forecast, Truth};
use evals::dice::Dice;
use evals::grid::Grid;
use evals::pool::{JudgedPrompt, Pool};

/// Skill and cost in USD of the models.
const MODELS: [(&str, f64, f64); 5] =
    [("ace", 1.9, 0.010), ("bee", 1.88, 0.007), ("cat", 1.5, 0.002), ("dog", 1.1, 0.0005), ("eel", 0.2, 0.0001)];

/// A town.
pub struct Town {
    /// Its outcomes.
    pub pool: Pool,
    /// What was forecast of them.
    pub forecast: Forecast,
}

/// A town of about this many groups of prompts.
pub fn town(n_groups: usize, seed: u32) -> Town {
    let mut dice = Dice::new(seed);
    let (mut prompts, mut quality, mut bill, mut expected, mut cost) = (vec![], vec![], vec![], vec![], vec![]);
    for group in 0..n_groups {
        // One group in ten has three prompts, which are all but one question.
        let n_prompts = if group % 10 == 0 { 3 } else { 1 };
        let hardness = 3.5 * dice.unit() - 0.8;
        let chances: Vec<f64> = MODELS
            .iter()
            .map(|(_, skill, _)| {
                let own = 1.2 * (dice.unit() + dice.unit() - 1.0);
                1.0 / (1.0 + (-2.0 * (skill - hardness) - own).exp())
            })
            .collect();
        let answers: Vec<f64> = chances.iter().map(|chance| f64::from(u8::from(dice.unit() < *chance))).collect();
        let error = 0.25 * (dice.unit() - 0.5);
        for copy in 0..n_prompts {
            let n_tokens = 50.0 + 400.0 * dice.unit();
            let dataset = if hardness > 0.9 { "hard" } else { "easy" };
            prompts.push(JudgedPrompt {
                id: format!("town/{dataset}/{group:06}-{copy}"),
                dataset: dataset.to_owned(),
                group: format!("{group:06}"),
                n_tokens,
                text: None,
            });
            quality.push(answers.clone());
            bill.push(MODELS.iter().map(|(_, _, usd)| usd * (0.5 + dice.unit())).collect());
            expected.push(
                chances.iter().map(|chance| (chance + error + 0.2 * (dice.unit() - 0.5)).clamp(0.0, 1.0)).collect(),
            );
            cost.push(MODELS.iter().map(|(_, _, usd)| *usd).collect());
        }
    }
    let grid = |rows: Vec<Vec<f64>>| Grid::from_rows(MODELS.len(), rows);
    let n = prompts.len();
    let pool = Pool {
        name: "town".to_owned(),
        models: MODELS.iter().map(|(name, _, _)| (*name).to_owned()).collect(),
        prompts,
        truth: Truth { quality: grid(quality), bill_usd: grid(bill) },
        completion_tokens: Grid::filled(n, MODELS.len(), f64::NAN),
        prices: vec![None; MODELS.len()],
        n_assumed_bills: 0,
    };
    Town { pool, forecast: Forecast { quality: grid(expected), cost_usd: grid(cost) } }
}
