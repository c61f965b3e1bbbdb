//! What an answer was really billed: the source's own bill where it has one, else list prices on its tokens.

use std::collections::BTreeMap;

use super::{JudgedPrompt, PoolError, known_mean};
use crate::grid::Grid;

/// What a model's tokens cost, in USD per million.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenPrices {
    /// Per million prompt tokens.
    pub prompt: f64,
    /// Per million completion tokens.
    pub completion: f64,
}

impl TokenPrices {
    /// What these tokens cost, in USD.
    pub fn of(&self, prompt_tokens: f64, completion_tokens: f64) -> f64 {
        (prompt_tokens * self.prompt + completion_tokens * self.completion) / 1e6
    }
}

/// The prices of models, by name.
#[derive(Clone, Debug, Default)]
pub struct PriceList {
    by_model: BTreeMap<String, TokenPrices>,
}

impl PriceList {
    /// The prices of a model.
    pub fn get(&self, model: &str) -> Option<TokenPrices> {
        self.by_model.get(model).copied()
    }
}

impl FromIterator<(String, TokenPrices)> for PriceList {
    fn from_iter<I: IntoIterator<Item = (String, TokenPrices)>>(prices: I) -> Self {
        Self { by_model: prices.into_iter().collect() }
    }
}

/// What is assumed of tokens that the rows do not say.
#[derive(Clone, Debug)]
pub struct AssumedTokens {
    /// Of a prompt that is not there to be counted.
    pub prompt: f64,
    /// Of an answer, where the model has not one answer with a count.
    pub completion: f64,
    /// The same for single sources: answers of one letter, say.
    pub completion_of: BTreeMap<String, f64>,
}

/// Public sources that give no counts and whose answers are known to be this long: HELM's MMLU-Redux runs answer with a letter.
const KNOWN_ANSWERS: [(&str, f64); 1] = [("mmlu_redux_helm", 1.0)];

impl Default for AssumedTokens {
    /// 200 of each, a guess at a question and a short answer, except where a source is known.
    fn default() -> Self {
        let completion_of = KNOWN_ANSWERS.into_iter().map(|(source, tokens)| (source.to_owned(), tokens)).collect();
        Self { prompt: 200.0, completion: 200.0, completion_of }
    }
}

/// The bill of a pool.
pub(super) struct Bill<'a> {
    pub(super) pool: &'a str,
    pub(super) models: &'a [String],
    pub(super) prompts: &'a [JudgedPrompt],
    pub(super) prices: &'a PriceList,
    pub(super) assumed: &'a AssumedTokens,
}

impl Bill<'_> {
    /// The bill of each answer, and how many rest on an assumption about the length of the answer.
    pub(super) fn of(&self, completion_tokens: &Grid, own_cost_usd: &Grid) -> Result<(Grid, usize), PoolError> {
        let assumed = self.assumed.completion_of.get(self.pool).copied().unwrap_or(self.assumed.completion);
        let mut bill = own_cost_usd.clone();
        let mut n_assumed = 0;
        for (column, model) in self.models.iter().enumerate() {
            let prices = self.prices.get(model);
            let mean = known_mean(completion_tokens.column(column));
            let usual = if mean.is_nan() { assumed } else { mean };
            for (row, prompt) in self.prompts.iter().enumerate() {
                let cell = &mut bill.row_mut(row)[column];
                if !cell.is_nan() {
                    continue;
                }
                let Some(prices) = prices else {
                    return Err(PoolError::NoBill {
                        pool: self.pool.to_owned(),
                        model: model.clone(),
                        prompt: prompt.id.clone(),
                    });
                };
                let written = completion_tokens.row(row)[column];
                n_assumed += usize::from(written.is_nan());
                *cell = prices.of(prompt.n_tokens, if written.is_nan() { usual } else { written });
            }
        }
        Ok((bill, n_assumed))
    }
}
