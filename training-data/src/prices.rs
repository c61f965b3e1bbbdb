//! Price lists of others, and our catalog's text. All prices are US dollars per million tokens, whatever the list says
//! them in. A list holds more than chat models; what has no chat price is left out and counted, never guessed.

use std::fs;
use std::path::{Path, PathBuf};

pub mod catalog;
mod litellm;
mod openrouter;
mod sheet;

pub use catalog::catalog_toml;

/// The largest list that is read. LiteLLM's, the longest, has about 1.5 MiB.
pub const MAX_LIST_BYTES: u64 = 32 << 20;

/// No token costs more than this per million; a list that says so has its units wrong.
const MAX_USD_PER_1M: f64 = 10_000.0;

/// What a model costs and can do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PriceRow {
    /// The name that the list gives it.
    pub model: String,
    /// Who offers it.
    pub owner: Option<String>,
    /// US dollars per million tokens that are sent.
    pub prompt_usd_per_1m: Option<f64>,
    /// The same, where the provider has them cached.
    pub cached_usd_per_1m: Option<f64>,
    /// US dollars per million tokens that are written.
    pub completion_usd_per_1m: Option<f64>,
    /// The same, for hidden reasoning.
    pub reasoning_usd_per_1m: Option<f64>,
    /// Tokens of prompt and completion together.
    pub context_window: Option<u64>,
    /// Tokens of the completion.
    pub max_completion_tokens: Option<u64>,
    /// It can call tools.
    pub tools: bool,
    /// It can see images.
    pub vision: bool,
    /// It can keep to a JSON schema.
    pub json_schema: bool,
    /// When it came out, as `2024-07-18`.
    pub released: Option<String>,
}

impl PriceRow {
    /// What a catalog needs and the list does not say.
    #[must_use]
    pub fn lacks(&self) -> Option<&'static str> {
        match (self.prompt_usd_per_1m, self.completion_usd_per_1m, self.context_window) {
            (None, _, _) => Some("a price for prompt tokens"),
            (_, None, _) => Some("a price for completion tokens"),
            (_, _, None) => Some("a context window"),
            (Some(_), Some(_), Some(_)) => None,
        }
    }
}

/// Why a price list cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PriceError {
    /// The file cannot be read.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is no price list, or larger than one.
    #[error("{}: expected {expected}, found {found}", file.display())]
    Format {
        /// The file.
        file: PathBuf,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// One entry is wrong.
    #[error("{}, model \"{model}\", {field}: expected {expected}, found {found}", file.display())]
    Entry {
        /// The file.
        file: PathBuf,
        /// The entry.
        model: String,
        /// Its field, in the words of the list.
        field: String,
        /// What it should hold.
        expected: &'static str,
        /// What it holds.
        found: String,
    },
    /// A model that was asked for and is not in the list.
    #[error("expected model \"{model}\" in the list, found none{}", nearest.as_ref().map(|near| format!("; nearest is \"{near}\"")).unwrap_or_default())]
    UnknownModel {
        /// The model.
        model: String,
        /// The name in the list that looks most like it.
        nearest: Option<String>,
    },
}

/// Reads a price list: LiteLLM's or OpenRouter's JSON, told apart by their shape, a CSV, or our own catalog.
///
/// # Errors
/// The file is none of these, or an entry of it is wrong.
pub fn read(path: &Path) -> Result<Vec<PriceRow>, PriceError> {
    let io = |source| PriceError::Io { file: path.to_owned(), source };
    let format = |expected: &'static str, found: String| PriceError::Format { file: path.to_owned(), expected, found };
    let n_bytes = fs::metadata(path).map_err(io)?.len();
    if n_bytes > MAX_LIST_BYTES {
        return Err(format("a price list of at most 32 MiB", format!("{n_bytes} bytes")));
    }
    let bytes = fs::read(path).map_err(io)?;
    let rows = match path.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => sheet::read(path, &bytes)?,
        Some("toml") => catalog::read(path, &bytes)?,
        Some("json") => {
            let json: serde_json::Value =
                serde_json::from_slice(&bytes).map_err(|error| format("a price list in JSON", error.to_string()))?;
            match (json.get("data").and_then(serde_json::Value::as_array), json.as_object()) {
                (Some(models), _) => openrouter::read(path, models)?,
                (None, Some(models)) => litellm::read(path, models)?,
                (None, None) => {
                    return Err(format("an object of models or a \"data\" list", "another value".to_owned()));
                }
            }
        }
        _ => {
            let found = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            return Err(format("a name that ends in .json, .csv or .toml", found));
        }
    };
    sorted(path, rows)
}

/// The rows of some models, in the order in which they were asked for.
///
/// # Errors
/// A model is not in the list.
pub fn select(rows: &[PriceRow], models: &[String]) -> Result<Vec<PriceRow>, PriceError> {
    models
        .iter()
        .map(|model| {
            rows.iter()
                .find(|row| row.model == *model)
                .cloned()
                .ok_or_else(|| PriceError::UnknownModel { model: model.clone(), nearest: nearest(rows, model) })
        })
        .collect()
}

fn sorted(path: &Path, mut rows: Vec<PriceRow>) -> Result<Vec<PriceRow>, PriceError> {
    rows.sort_by(|left, right| left.model.cmp(&right.model));
    match rows.windows(2).find(|pair| pair[0].model == pair[1].model) {
        Some(pair) => Err(PriceError::Entry {
            file: path.to_owned(),
            model: pair[0].model.clone(),
            field: "name".to_owned(),
            expected: "every model once",
            found: "it twice".to_owned(),
        }),
        None => Ok(rows),
    }
}

/// The name that shares the longest beginning or holds the other whole.
fn nearest(rows: &[PriceRow], model: &str) -> Option<String> {
    let likeness = |name: &str| {
        let common = name.chars().zip(model.chars()).take_while(|(left, right)| left == right).count();
        if name.contains(model) || model.contains(name) { common + model.len() } else { common }
    };
    let best = rows.iter().max_by_key(|row| (likeness(&row.model), std::cmp::Reverse(row.model.len())))?;
    (likeness(&best.model) >= 3).then(|| best.model.clone())
}

/// Reads the fields of one entry, and names it when one is wrong.
struct Entry<'e> {
    file: &'e Path,
    model: &'e str,
}

impl Entry<'_> {
    fn wrong(&self, field: &str, expected: &'static str, found: String) -> PriceError {
        let (file, model, field) = (self.file.to_owned(), self.model.to_owned(), field.to_owned());
        PriceError::Entry { file, model, field, expected, found }
    }

    /// A price, given per token or in a text.
    fn usd_per_1m(&self, field: &str, cell: crate::cell::Cell<'_>, unit: f64) -> Result<Option<f64>, PriceError> {
        if cell.is_null() {
            return Ok(None);
        }
        // Prices per token are tiny decimals; what multiplying leaves behind the sixth digit is noise, and finer than any
        // catalog keeps.
        let price = cell.number().map(|price| (price * unit * 1e6).round() / 1e6);
        match price.filter(|price| price.is_finite() && (0.0..=MAX_USD_PER_1M).contains(price)) {
            Some(price) => Ok(Some(price)),
            None => Err(self.wrong(field, "a price of 0 to 10000 USD per million tokens", cell.to_string())),
        }
    }

    fn tokens(&self, field: &str, cell: crate::cell::Cell<'_>) -> Result<Option<u64>, PriceError> {
        if cell.is_null() {
            return Ok(None);
        }
        cell.count().map(Some).ok_or_else(|| self.wrong(field, "a whole number of tokens", cell.to_string()))
    }
}

#[cfg(test)]
mod tests;
