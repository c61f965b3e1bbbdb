//! LiteLLM's `model_prices_and_context_window.json`: an object of models, prices in dollars per token. Its entry
//! `sample_spec` describes the others; entries of another `mode` than chat are no candidates for a router.

use std::path::Path;

use serde_json::{Map, Value};

use super::{Entry, PriceError, PriceRow};
use crate::cell::Cell;
use crate::table::json_cell;

const PER_TOKEN: f64 = 1e6;

pub(super) fn read(path: &Path, models: &Map<String, Value>) -> Result<Vec<PriceRow>, PriceError> {
    let mut rows = Vec::new();
    for (model, fields) in models.iter().filter(|(model, _)| *model != "sample_spec") {
        let entry = Entry { file: path, model };
        let Some(fields) = fields.as_object() else {
            return Err(entry.wrong("entry", "an object", json_cell(fields).to_string()));
        };
        let cell = |field: &str| fields.get(field).map_or(Cell::Null, json_cell);
        if !matches!(cell("mode"), Cell::Text("chat") | Cell::Null) {
            continue;
        }
        let price = |field: &str| entry.usd_per_1m(field, loose(cell(field)), PER_TOKEN);
        let tokens = |field: &str| entry.tokens(field, loose(cell(field)));
        let row = PriceRow {
            model: model.clone(),
            owner: cell("litellm_provider").text().map(str::to_owned),
            prompt_usd_per_1m: price("input_cost_per_token")?,
            cached_usd_per_1m: price("cache_read_input_token_cost")?,
            completion_usd_per_1m: price("output_cost_per_token")?,
            reasoning_usd_per_1m: price("output_cost_per_reasoning_token")?,
            context_window: tokens("max_input_tokens")?.or(tokens("max_tokens")?),
            max_completion_tokens: tokens("max_output_tokens")?,
            tools: cell("supports_function_calling").flag().unwrap_or(false),
            vision: cell("supports_vision").flag().unwrap_or(false),
            json_schema: cell("supports_response_schema").flag().unwrap_or(false),
            released: None,
        };
        if row.prompt_usd_per_1m.is_some() || row.completion_usd_per_1m.is_some() {
            rows.push(row);
        }
    }
    Ok(rows)
}

/// Some entries give their numbers in quotes.
fn loose(cell: Cell<'_>) -> Cell<'_> {
    cell.text().map_or(cell, Cell::Raw)
}
