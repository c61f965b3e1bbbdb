//! The catalog's text: written from price rows, and read back as price rows. The checks of what a catalog may say are
//! the engine's; this is only its spelling, so keys that are not about prices, limits and skills are passed over here.

use std::fmt::Write;
use std::path::Path;

use serde::Deserialize;

use super::{PriceError, PriceRow};

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
    let skills = [("tools", row.tools), ("vision", row.vision), ("json_schema", row.json_schema)];
    let skills: Vec<String> = skills.iter().filter(|(_, has)| *has).map(|(skill, _)| quoted(skill)).collect();
    writeln!(text, "skills = [{}]", skills.join(", "))?;
    if let Some(released) = &row.released {
        writeln!(text, "released = {}", quoted(released))?;
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
    toml::Value::String(text.to_owned()).to_string()
}

#[derive(Deserialize)]
struct Text {
    #[serde(default)]
    model: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
    owner: Option<String>,
    context_window: Option<u64>,
    max_completion_tokens: Option<u64>,
    #[serde(default)]
    skills: Vec<String>,
    released: Option<String>,
    usd_per_1m: Prices,
}

#[derive(Deserialize)]
struct Prices {
    prompt: f64,
    cached_prompt: Option<f64>,
    completion: f64,
    reasoning: Option<f64>,
}

pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Vec<PriceRow>, PriceError> {
    let format = |found: String| PriceError::Format { file: path.to_owned(), expected: "a catalog in TOML", found };
    let text = std::str::from_utf8(bytes).map_err(|error| format(error.to_string()))?;
    let text: Text = toml::from_str(text).map_err(|error| format(error.to_string()))?;
    let rows = text.model.into_iter().map(|model| {
        let has = |skill: &str| model.skills.iter().any(|other| other == skill);
        PriceRow {
            tools: has("tools"),
            vision: has("vision"),
            json_schema: has("json_schema"),
            model: model.id,
            owner: model.owner,
            prompt_usd_per_1m: Some(model.usd_per_1m.prompt),
            cached_usd_per_1m: model.usd_per_1m.cached_prompt,
            completion_usd_per_1m: Some(model.usd_per_1m.completion),
            reasoning_usd_per_1m: model.usd_per_1m.reasoning,
            context_window: model.context_window,
            max_completion_tokens: model.max_completion_tokens,
            released: model.released,
        }
    });
    Ok(rows.collect())
}
