//! RouterArena predictions: a JSON list, one entry a query, with the model that was picked and how it did. Its owners
//! forbid learning from any of it, so every row is marked for judging only.

use std::path::Path;

use serde_json::Value;

use super::wide::set_text;
use super::{Plan, Sink, records};
use crate::cell::Cell;
use crate::row::{Column, Draft, Fault, OutcomeRow, RowError};
use crate::table::json_cell;

#[derive(Default)]
struct Entry {
    global_index: Value,
    prompt: Value,
    prediction: Value,
    generated_result: Value,
    cost: Value,
    accuracy: Value,
}

impl records::Record for Entry {
    fn field(&mut self, key: &str) -> Option<&mut Value> {
        match key {
            "global index" | "global_index" => Some(&mut self.global_index),
            "prompt" | "prompt_formatted" => Some(&mut self.prompt),
            "prediction" => Some(&mut self.prediction),
            "generated_result" => Some(&mut self.generated_result),
            "cost" => Some(&mut self.cost),
            "accuracy" => Some(&mut self.accuracy),
            _ => None,
        }
    }
}

pub(super) fn send(path: &Path, plan: &Plan, sink: &mut Sink<'_>) -> Result<(), RowError> {
    let source = plan.source_or("routerarena");
    let mut draft = Draft::default();
    records::read(path, None, &mut |entry: Result<Entry, Fault>, place| {
        draft.clear();
        let row = entry.and_then(|entry| row(&entry, &source, &mut draft));
        sink(row.map_err(|fault| RowError::Row { place, fault }))
    })
}

fn row(entry: &Entry, source: &str, draft: &mut Draft) -> Result<OutcomeRow, Fault> {
    let index = json_cell(&entry.global_index);
    let id = index.text().map_or_else(|| index.to_string(), str::to_owned);
    if !index.is_null() {
        draft.set(Column::PromptId, Cell::Text(&id))?;
    }
    // An index reads `AIME_17`: what stands before the number is the data set.
    let dataset = id.rsplit_once('_').map_or(source, |(dataset, _)| dataset);
    draft.set(Column::Source, Cell::Text(source))?;
    draft.set(Column::Dataset, Cell::Text(dataset))?;
    draft.set(Column::Prompt, json_cell(&entry.prompt))?;
    set_text(draft, Column::Model, json_cell(&entry.prediction))?;
    draft.set(Column::Quality, json_cell(&entry.accuracy))?;
    draft.set(Column::CostUsd, json_cell(&entry.cost))?;
    draft.set(Column::JudgingOnly, Cell::Flag(true))?;
    let usage = &entry.generated_result["token_usage"];
    draft.set(Column::PromptTokens, json_cell(&usage["input_tokens"]))?;
    draft.set(Column::CompletionTokens, json_cell(&usage["output_tokens"]))?;
    draft.finish()
}
