//! LLMRouterBench: a JSON file a data set, split and model, with a list of `records`. Where the file does not say which
//! model it is about, its folders do: `<dataset>/<split>/<model>/<file>.json`. Demonstration runs are not outcomes.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::wide::{name_prompt, set_text};
use super::{Plan, Sink, records};
use crate::cell::Cell;
use crate::jsonl::broken;
use crate::row::{Column, Draft, Fault, OutcomeRow, RowError};
use crate::table::json_cell;

/// What the file says of itself, outside the records.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Header {
    model_name: Option<String>,
    dataset_name: Option<String>,
    split: Option<String>,
    demo: bool,
}

/// One record. Answers and the like are passed over.
#[derive(Default)]
struct Record {
    index: Value,
    origin_query: Value,
    prompt: Value,
    prompt_tokens: Value,
    completion_tokens: Value,
    cost: Value,
    score: Value,
}

impl records::Record for Record {
    fn field(&mut self, key: &str) -> Option<&mut Value> {
        match key {
            "index" => Some(&mut self.index),
            "origin_query" => Some(&mut self.origin_query),
            "prompt" => Some(&mut self.prompt),
            "prompt_tokens" => Some(&mut self.prompt_tokens),
            "completion_tokens" => Some(&mut self.completion_tokens),
            "cost" => Some(&mut self.cost),
            "score" => Some(&mut self.score),
            _ => None,
        }
    }
}

pub(super) fn send(path: &Path, plan: &Plan, sink: &mut Sink<'_>) -> Result<(), RowError> {
    let header = header(path)?;
    if header.demo {
        return Ok(());
    }
    let folder = |above: usize| {
        let folder = path.ancestors().nth(above)?.file_name()?;
        Some(folder.to_string_lossy().into_owned())
    };
    let missing = |column: &str| RowError::MissingColumn {
        file: path.to_owned(),
        column: column.to_owned(),
        found: "neither the key nor folders that say it".to_owned(),
    };
    let model = header.model_name.or_else(|| folder(1)).ok_or_else(|| missing("model_name"))?;
    let dataset = header.dataset_name.or_else(|| folder(3)).ok_or_else(|| missing("dataset_name"))?;
    let split = header.split.or_else(|| folder(2)).unwrap_or_default();
    let source = plan.source_or("llmrouterbench");
    let mut draft = Draft::default();
    let mut names = Names { source: &source, dataset: &dataset, split: &split, model: &model };
    records::read(path, Some("records"), &mut |record: Result<Record, Fault>, place| {
        draft.clear();
        let row = record.and_then(|record| row(&record, &mut names, &mut draft));
        sink(row.map_err(|fault| RowError::Row { place, fault }))
    })
}

struct Names<'n> {
    source: &'n str,
    dataset: &'n str,
    split: &'n str,
    model: &'n str,
}

fn row(record: &Record, names: &mut Names<'_>, draft: &mut Draft) -> Result<OutcomeRow, Fault> {
    draft.set(Column::Source, Cell::Text(names.source))?;
    draft.set(Column::Dataset, Cell::Text(names.dataset))?;
    draft.set(Column::Model, Cell::Text(names.model))?;
    // The question as it was asked, not the template around it, is what a router will see.
    let asked = json_cell(&record.origin_query);
    let prompt =
        if asked.text().is_some_and(|text| !text.trim().is_empty()) { asked } else { json_cell(&record.prompt) };
    draft.set(Column::Prompt, prompt)?;
    let index = json_cell(&record.index);
    if index.is_null() {
        name_prompt(draft, Some("prompt"))?;
    } else {
        let id = index.text().map_or_else(|| index.to_string(), str::to_owned);
        set_text(draft, Column::PromptId, Cell::Text(&format!("{}-{id}", names.split)))?;
    }
    draft.set(Column::Quality, json_cell(&record.score))?;
    draft.set(Column::PromptTokens, json_cell(&record.prompt_tokens))?;
    draft.set(Column::CompletionTokens, json_cell(&record.completion_tokens))?;
    draft.set(Column::CostUsd, json_cell(&record.cost))?;
    draft.finish()
}

/// A first walk through the file, since the header may stand behind the records.
fn header(path: &Path) -> Result<Header, RowError> {
    serde_json::from_reader(records::open(path)?).map_err(|error| RowError::Format {
        file: path.to_owned(),
        expected: "a JSON object with a list of records",
        found: format!("{}, line {}", broken(&error), error.line()),
    })
}
