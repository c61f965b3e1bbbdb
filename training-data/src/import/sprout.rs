//! SPROUT, the data of CARROT: a wide table in which each model is a struct with `score`, `num_input_tokens`,
//! `num_output_tokens` and `response`; the answers are not read.

use std::path::Path;

use super::wide::{Dataset, Model, Wide, as_it_is};
use super::{Plan, Sink, missing};
use crate::row::{Column, RowError};
use crate::table::Table;

/// Columns that name the prompt in the releases seen so far; without any, its text names it.
const IDS: [&str; 3] = ["key", "id", "prompt_id"];

pub(super) fn send(path: &Path, plan: &Plan, sink: &mut Sink<'_>) -> Result<(), RowError> {
    let mut table = Table::open(path, |name| !name.ends_with(".response"))?;
    let mut models = Vec::new();
    for (quality, name) in table.names().iter().enumerate() {
        let Some(name) = name.strip_suffix(".score") else { continue };
        let tokens = [(Column::PromptTokens, "num_input_tokens"), (Column::CompletionTokens, "num_output_tokens")];
        let more = tokens
            .into_iter()
            .filter_map(|(column, field)| Some((column, table.column(&format!("{name}.{field}"))?)))
            .collect();
        models.push(Model { name: name.to_owned(), quality, more });
    }
    if models.is_empty() {
        return Err(missing(path, "MODEL.score", &table));
    }
    let wide = Wide {
        source: plan.source_or("sprout"),
        dataset: table.column("dataset").map_or_else(|| Dataset::Named("sprout".to_owned()), Dataset::Column),
        prompt_id: IDS.iter().find_map(|id| table.column(id)),
        prompt: Some(table.column("prompt").ok_or_else(|| missing(path, "prompt", &table))?),
        unwrap: as_it_is,
        models,
        quality_max: 1.0,
    };
    wide.send(&mut table, sink)
}
