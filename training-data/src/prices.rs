//! Price lists of others, and our catalog's text. All prices are US dollars per million tokens, whatever the list says
//! them in. A list holds more than chat models; what has no chat price is left out and counted, never guessed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

pub mod catalog;
mod entry;
mod litellm;
mod openrouter;
mod sheet;

pub use catalog::catalog_toml;
use entry::{Entry, Found};

use crate::mark;

/// The largest list that is read. LiteLLM's, the longest, has about 1.5 MiB.
pub const MAX_LIST_BYTES: u64 = 32 << 20;

/// What a model can do beyond text, as a catalog spells it.
pub const SKILLS: [&str; 5] = ["tools", "vision", "json_schema", "audio", "documents"];

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
    /// What it can do beyond text, of [`SKILLS`] and in their order.
    pub skills: Vec<&'static str>,
    /// When it came out, as `2024-07-18`.
    pub released: Option<String>,
    /// What a catalog of ours says of it beyond all this, kept as it stands.
    pub rest: toml::Table,
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
    /// A model stands in the list twice, and nobody can say which of its prices holds.
    #[error("{}, model \"{model}\": expected it once, found it at {first} and {second}", file.display())]
    Twice {
        /// The file.
        file: PathBuf,
        /// The model.
        model: String,
        /// Where it stands first.
        first: String,
        /// Where it stands again.
        second: String,
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

/// What was taken from a price list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chosen {
    /// The models that a catalog can hold, in the order in which they were asked for, or else of their names.
    pub rows: Vec<PriceRow>,
    /// The rest.
    pub left_out: Vec<LeftOut>,
}

/// An entry of a price list that gave no model of a catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The name that the list gives it; empty if it has none.
    pub model: String,
    /// Where it stands in the list.
    pub place: String,
    /// Why it was left out, in words that equal cases share.
    pub reason: String,
}

/// Reads a price list: LiteLLM's or OpenRouter's JSON, told apart by their shape, a CSV, or our own catalog. The rows come
/// in the order of their names; some may lack what a catalog needs.
///
/// # Errors
/// The file is none of these, or an entry of it is wrong.
pub fn read(path: &Path) -> Result<Vec<PriceRow>, PriceError> {
    let mut rows = Vec::new();
    for (_, found) in by_name(found(path)?) {
        only_one(path, &found)?;
        for found in found {
            match found.entry {
                Entry::Row(row) => rows.push(*row),
                Entry::NoModel(_) => {}
                Entry::Bad(error) => return Err(error),
            }
        }
    }
    Ok(rows)
}

/// Chooses from a price list: everything, or only some models, in which case nothing else is judged. With `skip_bad`, bad
/// entries are left out too, instead of ending at the first.
///
/// # Errors
/// The file is no price list, an entry that was asked for is wrong or stands twice, or there is no such model.
pub fn choose(path: &Path, models: &[String], skip_bad: bool) -> Result<Chosen, PriceError> {
    let mut by_name = by_name(found(path)?);
    let mut chosen = Chosen::default();
    if models.is_empty() {
        for found in by_name.into_values() {
            chosen.take(path, found, skip_bad)?;
        }
        return Ok(chosen);
    }
    // A model that is asked for twice is wanted once: a catalog with it twice would be none.
    let wanted = models.iter().enumerate().filter(|(at, model)| !models[..*at].contains(model));
    let unknown = wanted.clone().find(|(_, model)| !by_name.contains_key(*model));
    if let Some((_, model)) = unknown {
        return Err(PriceError::UnknownModel { model: model.clone(), nearest: nearest(&by_name, model) });
    }
    for (_, model) in wanted {
        chosen.take(path, by_name.remove(model).unwrap_or_default(), skip_bad)?;
    }
    Ok(chosen)
}

impl Chosen {
    /// Takes all the entries of one name.
    fn take(&mut self, path: &Path, found: Vec<Found>, skip_bad: bool) -> Result<(), PriceError> {
        let twice = only_one(path, &found);
        if !skip_bad {
            twice?;
        } else if twice.is_err() {
            // Which of them is right would be a guess, so it is none of them.
            for Found { model, place, .. } in found {
                self.left_out.push(LeftOut { model, place, reason: "the list has it twice".to_owned() });
            }
            return Ok(());
        }
        for Found { model, place, entry } in found {
            let reason = match entry {
                Entry::Row(row) => match row.lacks() {
                    Some(lacks) => format!("the list lacks {lacks}"),
                    None => {
                        self.rows.push(*row);
                        continue;
                    }
                },
                Entry::NoModel(reason) => reason,
                Entry::Bad(PriceError::Entry { field, expected, .. }) if skip_bad => {
                    format!("{field}: expected {expected}")
                }
                Entry::Bad(error) => return Err(error),
            };
            self.left_out.push(LeftOut { model, place, reason });
        }
        Ok(())
    }
}

/// Everything in a list, in its order.
fn found(path: &Path) -> Result<Vec<Found>, PriceError> {
    let io = |source| PriceError::Io { file: path.to_owned(), source };
    let format = |expected: &'static str, found: String| PriceError::Format { file: path.to_owned(), expected, found };
    let n_bytes = fs::metadata(path).map_err(io)?.len();
    if n_bytes > MAX_LIST_BYTES {
        return Err(format("a price list of at most 32 MiB", format!("{n_bytes} bytes")));
    }
    let bytes = fs::read(path).map_err(io)?;
    let bytes = mark::behind(&bytes);
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => sheet::read(path, bytes),
        Some("toml") => catalog::read(path, bytes),
        Some("json") => {
            let json: entry::Keyed = serde_json::from_slice(bytes).map_err(|error| {
                if error.is_data() {
                    format("an object of models or a \"data\" list", "another value".to_owned())
                } else {
                    format("a price list in JSON", error.to_string())
                }
            })?;
            let data = json.0.iter().find_map(|(key, value)| value.as_array().filter(|_| key == "data"));
            Ok(data.map_or_else(|| litellm::read(path, &json.0), |models| openrouter::read(path, models)))
        }
        _ => {
            let found = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            Err(format("a name that ends in .json, .csv or .toml", found))
        }
    }
}

/// Entries by their names. Those without a name stand together under none.
fn by_name(found: Vec<Found>) -> BTreeMap<String, Vec<Found>> {
    let mut by_name: BTreeMap<String, Vec<Found>> = BTreeMap::new();
    for found in found {
        by_name.entry(found.model.clone()).or_default().push(found);
    }
    by_name
}

/// Refuses a model that stands in a list twice. Entries without a name are no model, nor are those that all say so.
fn only_one(path: &Path, found: &[Found]) -> Result<(), PriceError> {
    match found {
        [first, second, ..] if !first.model.is_empty() && found.iter().any(Found::may_be_model) => {
            Err(PriceError::Twice {
                file: path.to_owned(),
                model: first.model.clone(),
                first: first.place.clone(),
                second: second.place.clone(),
            })
        }
        _ => Ok(()),
    }
}

/// The name that shares the longest beginning or holds the other whole.
fn nearest(by_name: &BTreeMap<String, Vec<Found>>, model: &str) -> Option<String> {
    let likeness = |name: &str| {
        let common = name.chars().zip(model.chars()).take_while(|(left, right)| left == right).count();
        if !name.is_empty() && (name.contains(model) || model.contains(name)) { common + model.len() } else { common }
    };
    let best = by_name.keys().max_by_key(|name| (likeness(name), std::cmp::Reverse(name.len())))?;
    (likeness(best) >= 3).then(|| best.clone())
}

#[cfg(test)]
mod tests;
