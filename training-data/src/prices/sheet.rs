//! A price list as CSV, the form that people keep by hand: `model,prompt_usd_per_1m,completion_usd_per_1m,..`. Columns
//! beyond the first three may be missing; an unknown one is refused, since it is most likely a misspelt price.

use std::path::Path;

use csv::{ReaderBuilder, StringRecord};

use super::{Entry, PriceError, PriceRow};
use crate::cell::Cell;

const COLUMNS: [&str; 12] = [
    "model",
    "prompt_usd_per_1m",
    "completion_usd_per_1m",
    "cached_prompt_usd_per_1m",
    "reasoning_usd_per_1m",
    "context_window",
    "max_completion_tokens",
    "tools",
    "vision",
    "json_schema",
    "owner",
    "released",
];

const EXPECTED: &str = "a CSV with the columns model, prompt_usd_per_1m, completion_usd_per_1m, and of \
    cached_prompt_usd_per_1m, reasoning_usd_per_1m, context_window, max_completion_tokens, tools, vision, json_schema, \
    owner, released as many as there are";

pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Vec<PriceRow>, PriceError> {
    let format = |found: String| PriceError::Format { file: path.to_owned(), expected: EXPECTED, found };
    let mut reader = ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let header = reader.headers().map_err(|error| format(error.to_string()))?.clone();
    let stranger = header.iter().find(|name| !COLUMNS.contains(name));
    let lacking = COLUMNS[..3].iter().find(|name| !header.iter().any(|other| other == **name));
    match (stranger, lacking) {
        (Some(stranger), _) => return Err(format(format!("the column \"{stranger}\""))),
        (None, Some(lacking)) => return Err(format(format!("no column \"{lacking}\""))),
        (None, None) => {}
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| format(error.to_string()))?;
        rows.push(row(path, &header, &record)?);
    }
    Ok(rows)
}

fn row(path: &Path, header: &StringRecord, record: &StringRecord) -> Result<PriceRow, PriceError> {
    let cell = |name: &str| {
        let place = header.iter().position(|other| other == name);
        place.and_then(|place| record.get(place)).map_or(Cell::Null, Cell::Raw)
    };
    let text = |name: &str| cell(name).text().filter(|text| !text.is_empty()).map(str::to_owned);
    let line = record.position().map_or(0, csv::Position::line);
    let Some(model) = text("model") else {
        return Err(Entry { file: path, model: &format!("line {line}") }.wrong(
            "model",
            "a name",
            "nothing".to_owned(),
        ));
    };
    let entry = Entry { file: path, model: &model };
    let price = |name: &str| entry.usd_per_1m(name, cell(name), 1.0);
    let flag = |name: &str| match (cell(name).is_null(), cell(name).flag()) {
        (true, _) => Ok(false),
        (false, Some(flag)) => Ok(flag),
        (false, None) => Err(entry.wrong(name, "true or false", cell(name).to_string())),
    };
    Ok(PriceRow {
        owner: text("owner"),
        prompt_usd_per_1m: price("prompt_usd_per_1m")?,
        cached_usd_per_1m: price("cached_prompt_usd_per_1m")?,
        completion_usd_per_1m: price("completion_usd_per_1m")?,
        reasoning_usd_per_1m: price("reasoning_usd_per_1m")?,
        context_window: entry.tokens("context_window", cell("context_window"))?,
        max_completion_tokens: entry.tokens("max_completion_tokens", cell("max_completion_tokens"))?,
        tools: flag("tools")?,
        vision: flag("vision")?,
        json_schema: flag("json_schema")?,
        released: text("released"),
        model,
    })
}
