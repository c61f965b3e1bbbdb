//! OpenRouter's `/models`: a list under `data`, prices as texts in dollars per token. A negative price stands for
//! "depends on where it is sent", which is a router and no model.

use std::path::Path;

use serde_json::Value;

use super::{Entry, PriceError, PriceRow};
use crate::cell::Cell;
use crate::table::json_cell;

const PER_TOKEN: f64 = 1e6;

pub(super) fn read(path: &Path, models: &[Value]) -> Result<Vec<PriceRow>, PriceError> {
    let mut rows = Vec::new();
    for (place, fields) in models.iter().enumerate() {
        let Some(model) = fields["id"].as_str().filter(|model| !model.is_empty()) else {
            let entry = Entry { file: path, model: &format!("#{}", place + 1) };
            return Err(entry.wrong("id", "a name", json_cell(&fields["id"]).to_string()));
        };
        let entry = Entry { file: path, model };
        let pricing = &fields["pricing"];
        let of_price =
            |field: &str| json_cell(&pricing[field]).text().map_or_else(|| json_cell(&pricing[field]), Cell::Raw);
        if ["prompt", "completion"].iter().any(|field| of_price(field).number().is_some_and(|price| price < 0.0)) {
            continue;
        }
        let price = |field: &str| entry.usd_per_1m(&format!("pricing.{field}"), of_price(field), PER_TOKEN);
        // Nought means "not charged apart" for these two, and the ordinary price holds.
        let apart = |field: &str| price(field).map(|price| price.filter(|price| *price > 0.0));
        let lists = |list: &Value, word: &str| list.as_array().is_some_and(|list| list.iter().any(|item| item == word));
        rows.push(PriceRow {
            model: model.to_owned(),
            owner: model.split_once('/').map(|(owner, _)| owner.to_owned()),
            prompt_usd_per_1m: price("prompt")?,
            cached_usd_per_1m: apart("input_cache_read")?,
            completion_usd_per_1m: price("completion")?,
            reasoning_usd_per_1m: apart("internal_reasoning")?,
            context_window: entry.tokens("context_length", json_cell(&fields["context_length"]))?,
            max_completion_tokens: entry.tokens(
                "top_provider.max_completion_tokens",
                json_cell(&fields["top_provider"]["max_completion_tokens"]),
            )?,
            tools: lists(&fields["supported_parameters"], "tools"),
            vision: lists(&fields["architecture"]["input_modalities"], "image"),
            json_schema: lists(&fields["supported_parameters"], "structured_outputs"),
            released: None,
        });
    }
    Ok(rows)
}
