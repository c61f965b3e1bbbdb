//! The catalog's text: written from price rows, and read back as price rows. The checks of what a catalog may say are
//! the engine's; this is only its spelling, so keys that are not about prices, limits and skills are handed on as they are.

use std::fmt::Write;
use std::path::Path;

use serde::Deserialize;
use toml::{Spanned, Table, Value};

use super::entry::Fields;
use super::{Entry, Found, PriceError, PriceRow, SKILLS};
use crate::cell::Cell;

/// Writes rows as a catalog. Rows that lack what a catalog needs are left out; see [`PriceRow::lacks`].
#[must_use]
pub fn catalog_toml(rows: &[PriceRow]) -> String {
    let mut text = String::new();
    for row in rows.iter().filter(|row| row.lacks().is_none()) {
        if !text.is_empty() {
            text.push('\n');
        }
        // Writing to a text cannot fail.
        let _ = write_model(&mut text, row);
    }
    text
}

fn write_model(text: &mut String, row: &PriceRow) -> std::fmt::Result {
    writeln!(text, "[[model]]\nid = {}", quoted(&row.model))?;
    if let Some(owner) = &row.owner {
        writeln!(text, "owner = {}", quoted(owner))?;
    }
    if let Some(context_window) = row.context_window {
        writeln!(text, "context_window = {context_window}")?;
    }
    if let Some(max_completion_tokens) = row.max_completion_tokens {
        writeln!(text, "max_completion_tokens = {max_completion_tokens}")?;
    }
    let skills: Vec<String> = row.skills.iter().map(|skill| quoted(skill)).collect();
    writeln!(text, "skills = [{}]", skills.join(", "))?;
    if let Some(released) = &row.released {
        writeln!(text, "released = {}", quoted(released))?;
    }
    for (key, value) in &row.rest {
        writeln!(text, "{key} = {value}")?;
    }
    writeln!(text, "[model.usd_per_1m]")?;
    let prices = [
        ("prompt", row.prompt_usd_per_1m),
        ("cached_prompt", row.cached_usd_per_1m),
        ("completion", row.completion_usd_per_1m),
        ("reasoning", row.reasoning_usd_per_1m),
    ];
    for (name, price) in prices {
        if let Some(price) = price {
            // The debug form keeps the point (`5.0`), and never turns to exponents within the prices we take.
            writeln!(text, "{name} = {}", plain(price))?;
        }
    }
    Ok(())
}

/// A number without an exponent and with a point.
fn plain(number: f64) -> String {
    let text = format!("{number}");
    if text.contains('.') { text } else { format!("{text}.0") }
}

fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

#[derive(Deserialize)]
struct Text {
    #[serde(default)]
    model: Vec<Spanned<Table>>,
}

pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Vec<Found>, PriceError> {
    let format = |found: String| PriceError::Format { file: path.to_owned(), expected: "a catalog in TOML", found };
    let text = std::str::from_utf8(bytes).map_err(|error| format(error.to_string()))?;
    let models: Text = toml::from_str(text).map_err(|error| format(error.to_string()))?;
    let line = |at: usize| text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    let found = models.model.into_iter().map(|model| {
        let place = format!("line {}", line(model.span().start));
        entry(path, place, model.get_ref())
    });
    Ok(found.collect())
}

fn entry(path: &Path, place: String, table: &Table) -> Found {
    let model = table.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let entry = if model.is_empty() {
        let found = cell(table.get("id")).to_string();
        Entry::Bad(Fields { file: path, model: &place }.wrong("id", "a name", found))
    } else {
        row(path, &model, table).into()
    };
    Found { model, place, entry }
}

/// Keys of a model that have a field of their own in a price row.
const READ: [&str; 7] = ["id", "owner", "context_window", "max_completion_tokens", "skills", "released", "usd_per_1m"];

fn row(path: &Path, model: &str, table: &Table) -> Result<PriceRow, PriceError> {
    let fields = Fields { file: path, model };
    let prices = match table.get("usd_per_1m") {
        Some(Value::Table(prices)) => prices,
        other => return Err(fields.wrong("usd_per_1m", "a table of prices", cell(other).to_string())),
    };
    let price = |name: &str| fields.usd_per_1m(&format!("usd_per_1m.{name}"), cell(prices.get(name)), 1.0);
    // In a catalog of ours, a model without its two prices is a mistake and not a gap.
    let required = |name: &str| match price(name)? {
        None => Err(fields.wrong(&format!("usd_per_1m.{name}"), "a price", "nothing".to_owned())),
        price => Ok(price),
    };
    let text = |name: &str| match table.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        other => Err(fields.wrong(name, "a text", cell(other).to_string())),
    };
    let skills = match table.get("skills") {
        None => &[][..],
        Some(Value::Array(skills)) => skills,
        other => return Err(fields.wrong("skills", "a list", cell(other).to_string())),
    };
    let has = |skill: &str| skills.iter().any(|other| other.as_str() == Some(skill));
    Ok(PriceRow {
        model: model.to_owned(),
        owner: text("owner")?,
        prompt_usd_per_1m: required("prompt")?,
        cached_usd_per_1m: price("cached_prompt")?,
        completion_usd_per_1m: required("completion")?,
        reasoning_usd_per_1m: price("reasoning")?,
        context_window: fields.tokens("context_window", cell(table.get("context_window")))?,
        max_completion_tokens: fields.tokens("max_completion_tokens", cell(table.get("max_completion_tokens")))?,
        skills: SKILLS.into_iter().filter(|skill| has(skill)).collect(),
        released: text("released")?,
        rest: table
            .iter()
            .filter(|(key, _)| !READ.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
    })
}

fn cell(value: Option<&Value>) -> Cell<'_> {
    match value {
        None => Cell::Null,
        Some(Value::String(text)) => Cell::Text(text),
        Some(Value::Integer(integer)) => Cell::Integer(*integer),
        Some(Value::Float(number)) => Cell::Number(*number),
        Some(Value::Boolean(flag)) => Cell::Flag(*flag),
        Some(Value::Datetime(_)) => Cell::Other("a date"),
        Some(Value::Array(_)) => Cell::Other("a list"),
        Some(Value::Table(_)) => Cell::Other("a table"),
    }
}
