//! A price list as CSV, the form that people keep by hand: `model,prompt_usd_per_1m,completion_usd_per_1m,..`. Columns
//! beyond the first three may be missing; an unknown one is refused, since it is most likely a misspelt price.

use std::path::Path;

use csv::{ReaderBuilder, StringRecord};

use super::entry::Fields;
use super::{Entry, Found, PriceError, PriceRow, SKILLS};
use crate::cell::Cell;
use crate::table::{Feed, QUOTES};

const COLUMNS: [&str; 14] = [
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
    "audio",
    "documents",
    "owner",
    "released",
];

const EXPECTED: &str = "a CSV with the columns model, prompt_usd_per_1m, completion_usd_per_1m, and of \
    cached_prompt_usd_per_1m, reasoning_usd_per_1m, context_window, max_completion_tokens, tools, vision, json_schema, \
    audio, documents, owner, released as many as there are (a catalog needs context_window)";

pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Vec<Found>, PriceError> {
    let format = |found: String| PriceError::Format { file: path.to_owned(), expected: EXPECTED, found };
    let quotes = |found: String| PriceError::Format { file: path.to_owned(), expected: QUOTES, found };
    let feed = Feed::new(bytes, b',').map_err(|error| format(error.to_string()))?;
    let mut reader = ReaderBuilder::new().trim(csv::Trim::All).from_reader(feed);
    let header = reader.headers().map_err(|error| format(error.to_string()))?.clone();
    if let Some(bad_quote) = reader.get_ref().bad_quote() {
        return Err(quotes(bad_quote.found(1)));
    }
    let stranger = header.iter().find(|name| !COLUMNS.contains(name));
    let lacking = COLUMNS[..3].iter().find(|name| !header.iter().any(|other| other == **name));
    match (stranger, lacking) {
        (Some(stranger), _) => return Err(format(format!("the column \"{stranger}\""))),
        (None, Some(lacking)) => return Err(format(format!("no column \"{lacking}\""))),
        (None, None) => {}
    }
    for (at, name) in header.iter().enumerate() {
        if let Some(before) = header.iter().take(at).position(|other| other == name) {
            return Err(format(format!("\"{name}\" as columns {} and {}", before + 1, at + 1)));
        }
    }
    let mut found = Vec::new();
    let mut record = StringRecord::new();
    loop {
        reader.get_mut().begin_record();
        let read = reader.read_record(&mut record);
        let line = reader.get_ref().began();
        // In a list kept by hand a slip is mended by hand, so that nothing needs to be read around it.
        if let Some(bad_quote) = reader.get_ref().bad_quote() {
            return Err(quotes(bad_quote.found(line)));
        }
        match read {
            Ok(false) => return Ok(found),
            Ok(true) => found.push(entry(path, &header, &record, line)),
            // The reader goes on behind a record with too few or too many fields, or with bytes that are no text.
            Err(error) => found.push(broken(path, line, &error)),
        }
    }
}

fn broken(path: &Path, line: u64, error: &csv::Error) -> Found {
    let place = format!("line {line}");
    let what = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => format!("{len} fields instead of {expected_len}"),
        csv::ErrorKind::Utf8 { .. } => "bytes that are no UTF-8".to_owned(),
        _ => error.to_string(),
    };
    let entry = Entry::Bad(Fields { file: path, model: &place }.wrong("record", "a field for each column", what));
    Found { model: String::new(), place, entry }
}

fn entry(path: &Path, header: &StringRecord, record: &StringRecord, line: u64) -> Found {
    let place = format!("line {line}");
    let at = header.iter().position(|name| name == "model");
    let model = at.and_then(|at| record.get(at)).unwrap_or_default().to_owned();
    let entry = if model.is_empty() {
        Entry::Bad(Fields { file: path, model: &place }.wrong("model", "a name", "nothing".to_owned()))
    } else {
        row(path, header, record, &model).into()
    };
    Found { model, place, entry }
}

fn row(path: &Path, header: &StringRecord, record: &StringRecord, model: &str) -> Result<PriceRow, PriceError> {
    let cell = |name: &str| {
        let place = header.iter().position(|other| other == name);
        place.and_then(|place| record.get(place)).map_or(Cell::Null, Cell::Raw)
    };
    let text = |name: &str| cell(name).text().filter(|text| !text.is_empty()).map(str::to_owned);
    let fields = Fields { file: path, model };
    let price = |name: &str| fields.usd_per_1m(name, cell(name), 1.0);
    let flag = |name: &str| match (cell(name).is_null(), cell(name).flag()) {
        (true, _) => Ok(false),
        (false, Some(flag)) => Ok(flag),
        (false, None) => Err(fields.wrong(name, "true or false", cell(name).to_string())),
    };
    let mut skills = Vec::new();
    for skill in SKILLS {
        skills.extend(flag(skill)?.then_some(skill));
    }
    Ok(PriceRow {
        model: model.to_owned(),
        owner: text("owner"),
        prompt_usd_per_1m: price("prompt_usd_per_1m")?,
        cached_usd_per_1m: price("cached_prompt_usd_per_1m")?,
        completion_usd_per_1m: price("completion_usd_per_1m")?,
        reasoning_usd_per_1m: price("reasoning_usd_per_1m")?,
        context_window: fields.tokens("context_window", cell("context_window"))?,
        max_completion_tokens: fields.tokens("max_completion_tokens", cell("max_completion_tokens"))?,
        skills,
        released: text("released"),
        rest: toml::Table::new(),
    })
}
