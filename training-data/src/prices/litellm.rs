//! LiteLLM's `model_prices_and_context_window.json`: an object of models, prices in dollars per token. Its entry
//! `sample_spec` describes the others; entries of another `mode` than chat are no candidates for a router.

use std::path::Path;

use serde_json::Value;

use super::entry::Fields;
use super::{Entry, Found, PriceError, PriceRow};
use crate::cell::Cell;
use crate::table::json_cell;

const PER_TOKEN: f64 = 1e6;

/// What it says of a model, and the skill that this is.
const SUPPORTS: [(&str, &str); 5] = [
    ("supports_function_calling", "tools"),
    ("supports_vision", "vision"),
    ("supports_response_schema", "json_schema"),
    ("supports_audio_input", "audio"),
    ("supports_pdf_input", "documents"),
];

pub(super) fn read(path: &Path, models: &[(String, Value)]) -> Vec<Found> {
    let models = models.iter().enumerate().filter(|(_, (model, _))| model != "sample_spec");
    models
        .map(|(at, (model, fields))| Found {
            model: model.clone(),
            place: format!("entry {}", at + 1),
            entry: entry(path, model, fields),
        })
        .collect()
}

fn entry(path: &Path, model: &str, value: &Value) -> Entry {
    if !value.is_object() {
        let found = json_cell(value).to_string();
        return Entry::Bad(Fields { file: path, model }.wrong("entry", "an object", found));
    }
    let mode = json_cell(&value["mode"]);
    if !matches!(mode, Cell::Text("chat") | Cell::Null) {
        return Entry::NoModel(format!("its mode is {mode}, not \"chat\""));
    }
    match row(path, model, value) {
        Ok(row) if row.prompt_usd_per_1m.is_none() && row.completion_usd_per_1m.is_none() => {
            Entry::NoModel("the list lacks prices".to_owned())
        }
        row => row.into(),
    }
}

fn row(path: &Path, model: &str, value: &Value) -> Result<PriceRow, PriceError> {
    let fields = Fields { file: path, model };
    let cell = |field: &str| json_cell(&value[field]);
    let price = |field: &str| fields.usd_per_1m(field, loose(cell(field)), PER_TOKEN);
    let tokens = |field: &str| fields.tokens(field, loose(cell(field)));
    Ok(PriceRow {
        model: model.to_owned(),
        owner: cell("litellm_provider").text().map(str::to_owned),
        prompt_usd_per_1m: price("input_cost_per_token")?,
        cached_usd_per_1m: price("cache_read_input_token_cost")?,
        completion_usd_per_1m: price("output_cost_per_token")?,
        reasoning_usd_per_1m: price("output_cost_per_reasoning_token")?,
        context_window: tokens("max_input_tokens")?.or(tokens("max_tokens")?),
        max_completion_tokens: tokens("max_output_tokens")?,
        skills: SUPPORTS
            .into_iter()
            .filter(|(flag, _)| cell(flag).flag() == Some(true))
            .map(|(_, skill)| skill)
            .collect(),
        released: None,
        rest: toml::Table::new(),
    })
}

/// Some entries give their numbers in quotes.
fn loose(cell: Cell<'_>) -> Cell<'_> {
    cell.text().map_or(cell, Cell::Raw)
}
