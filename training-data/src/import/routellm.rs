//! RouteLLM: a wide CSV of right and wrong, one file a subject. Any column of truth values is a model; the file's name
//! is the data set.

use std::path::Path;

use super::wide::{Dataset, Model, Wide, as_it_is};
use super::{Plan, Sink, missing, stem};
use crate::row::RowError;
use crate::table::Table;

pub(super) fn send(path: &Path, plan: &Plan, sink: &mut Sink<'_>) -> Result<(), RowError> {
    let everything = |_: &str| true;
    let mut first = Table::open(path, everything)?;
    let prompt = first.column("prompt").ok_or_else(|| missing(path, "prompt", &first))?;
    let mut models = Vec::new();
    if first.advance()? {
        for (quality, name) in first.names().iter().enumerate() {
            if first.cell(quality).flag().is_some() {
                models.push(Model { name: name.clone(), quality, more: Vec::new() });
            }
        }
    }
    if models.is_empty() {
        return Err(missing(path, "MODEL (of True and False)", &first));
    }
    let stem = stem(path);
    let wide = Wide {
        source: plan.source_or("routellm"),
        dataset: Dataset::Named(stem.strip_suffix("_responses").unwrap_or(&stem).to_owned()),
        prompt_id: None,
        prompt: Some(prompt),
        unwrap: as_it_is,
        models,
        quality_max: 1.0,
    };
    wide.send(&mut Table::open(path, everything)?, sink)
}
