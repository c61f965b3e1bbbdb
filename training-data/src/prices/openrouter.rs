//! OpenRouter's `/models`: a list under `data`, prices as texts in dollars per token. A negative price stands for
//! "depends on where it is sent", which is a router and no model.

use std::path::Path;

use serde_json::Value;

use super::entry::Fields;
use super::{Entry, Found, PriceError, PriceRow};
use crate::cell::Cell;
use crate::table::json_cell;

const PER_TOKEN: f64 = 1e6;

pub(super) fn read(path: &Path, models: &[Value]) -> Vec<Found> {
    let models = models.iter().enumerate();
    models
        .map(|(at, value)| {
            let place = format!("entry {}", at + 1);
            let model = value["id"].as_str().unwrap_or_default().to_owned();
            Found { entry: entry(path, &model, &place, value), model, place }
        })
        .collect()
}

fn entry(path: &Path, model: &str, place: &str, value: &Value) -> Entry {
    if model.is_empty() {
        let found = json_cell(&value["id"]).to_string();
        return Entry::Bad(Fields { file: path, model: place }.wrong("id", "a name", found));
    }
    let is_negative = |field: &str| loose(&value["pricing"][field]).number().is_some_and(|price| price < 0.0);
    if ["prompt", "completion"].into_iter().any(is_negative) {
        return Entry::NoModel("its price depends on where it is sent".to_owned());
    }
    row(path, model, value).into()
}

fn row(path: &Path, model: &str, value: &Value) -> Result<PriceRow, PriceError> {
    let fields = Fields { file: path, model };
    let price =
        |field: &str| fields.usd_per_1m(&format!("pricing.{field}"), loose(&value["pricing"][field]), PER_TOKEN);
    // Nought means "not charged apart" for these two, and the ordinary price holds.
    let apart = |field: &str| price(field).map(|price| price.filter(|price| *price > 0.0));
    Ok(PriceRow {
        model: model.to_owned(),
        owner: model.split_once('/').map(|(owner, _)| owner.to_owned()),
        prompt_usd_per_1m: price("prompt")?,
        cached_usd_per_1m: apart("input_cache_read")?,
        completion_usd_per_1m: price("completion")?,
        reasoning_usd_per_1m: apart("internal_reasoning")?,
        context_window: fields.tokens("context_length", json_cell(&value["context_length"]))?,
        max_completion_tokens: fields
            .tokens("top_provider.max_completion_tokens", json_cell(&value["top_provider"]["max_completion_tokens"]))?,
        skills: skills(&value["supported_parameters"], &value["architecture"]["input_modalities"]),
        released: None,
        rest: toml::Table::new(),
    })
}

fn skills(parameters: &Value, inputs: &Value) -> Vec<&'static str> {
    let lists = |list: &Value, word: &str| list.as_array().is_some_and(|list| list.iter().any(|item| item == word));
    let offered = [
        (lists(parameters, "tools"), "tools"),
        (lists(inputs, "image"), "vision"),
        (lists(parameters, "structured_outputs"), "json_schema"),
        (lists(inputs, "audio"), "audio"),
        (lists(inputs, "file"), "documents"),
    ];
    offered.into_iter().filter(|(is_offered, _)| *is_offered).map(|(_, skill)| skill).collect()
}

/// Prices are texts here.
fn loose(value: &Value) -> Cell<'_> {
    let cell = json_cell(value);
    cell.text().map_or(cell, Cell::Raw)
}
