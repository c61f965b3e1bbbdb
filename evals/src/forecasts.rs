//! Other people's routers, judged by ours: forecasts read from JSONL, one object a line with
//! `id` and `forecasts`; whatever else is on the line is theirs.

use std::collections::{BTreeSet, HashMap};
use std::io::BufRead;

use decision::{Exclusion, Limits, PicoUsd, Policy, Tokens};
use serde::Deserialize;
use training_data::jsonl::broken;

use crate::curve::Forecast;
use crate::grid::{Grid, mean};
use crate::pool::{MIN_PROMPTS, Pool};
use crate::replay::Barred;

/// Bytes a line may have: ten thousand models at two hundred bytes each, with room to spare.
pub const MAX_LINE_BYTES: u64 = 8 * 1024 * 1024;

/// Different artifacts that are remembered.
const MAX_ARTIFACTS: usize = 16;

/// Likewise policies.
const MAX_POLICIES: usize = 16;

/// What one model is expected to do with one prompt.
#[derive(Clone, Copy, Debug)]
struct Expected {
    quality: f64,
    quality_low: Option<f64>,
    cost_usd: Option<f64>,
}

#[derive(Deserialize)]
struct ModelLine {
    model: String,
    /// Null where whoever forecasts does not know.
    quality: Option<f64>,
    quality_low: Option<f64>,
    cost_usd: Option<f64>,
}

#[derive(Deserialize)]
struct Line {
    id: Option<String>,
    forecasts: Option<Vec<ModelLine>>,
    /// The digest of the artifact that made them; what somebody else means by it is theirs.
    artifact: Option<serde_json::Value>,
    /// The policy that chose by them.
    policy: Option<serde_json::Value>,
    /// Who could not serve; what somebody else means by it is theirs.
    excluded: Option<serde_json::Value>,
    /// A line that could not be forecast says why.
    error: Option<serde_json::Value>,
}

/// Why a file is no forecasts file.
#[derive(Debug, thiserror::Error)]
pub enum ForecastsError {
    /// A line that is no such object.
    #[error("{file}, line {line}: expected an object with `id` and `forecasts`, found {found}")]
    Line {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What the reader says.
        found: String,
    },
    /// A number outside its range.
    #[error("{file}, line {line}, model `{model}`: expected `{field}` {expected}, found {found}")]
    Range {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The model.
        model: String,
        /// The field.
        field: &'static str,
        /// Its range.
        expected: &'static str,
        /// The number.
        found: f64,
    },
    /// A line too long.
    #[error("{file}, line {line}: expected at most {MAX_LINE_BYTES} bytes")]
    TooLong {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
    },
    /// The file cannot be read.
    #[error("{file}: {source}")]
    Io {
        /// The file.
        file: String,
        /// Why not.
        source: std::io::Error,
    },
    /// Hardly a prompt of a pool has forecasts for all its models.
    #[error(
        "pool `{pool}`: expected forecasts for all {n_models} models on at least {MIN_PROMPTS} prompts, found them on {found} of {of}{hint}"
    )]
    TooFew {
        /// The pool.
        pool: String,
        /// How many models it has.
        n_models: usize,
        /// How many prompts have all.
        found: usize,
        /// Of how many.
        of: usize,
        /// What is missing, where one can say.
        hint: String,
    },
}

/// Forecasts by prompt and model.
#[derive(Debug, Default)]
pub struct Forecasts {
    models: HashMap<String, u32>,
    by_prompt: HashMap<String, Vec<(u32, Expected)>>,
    /// Lines that carried an `error`, or no forecasts at all.
    pub n_without: usize,
    /// Lines about a prompt that an earlier line was about: the later forecast of a model counts.
    pub n_repeated: usize,
    /// Lines of forecasts that name no artifact.
    pub n_unsigned: usize,
    artifacts: BTreeSet<String>,
    /// Who could not answer a prompt, where a line says so.
    excluded: HashMap<String, Vec<(u32, Exclusion)>>,
    policies: BTreeSet<String>,
    n_without_policy: usize,
}

impl Forecasts {
    /// Reads forecasts; `file` is only for messages.
    pub fn read(mut from: impl BufRead, file: &str) -> Result<Self, ForecastsError> {
        let mut all = Self::default();
        let mut bytes = Vec::new();
        let io = |source| ForecastsError::Io { file: file.to_owned(), source };
        for line in 1.. {
            bytes.clear();
            let n_bytes = std::io::Read::take(&mut from, MAX_LINE_BYTES).read_until(b'\n', &mut bytes).map_err(io)?;
            if n_bytes == 0 {
                break;
            }
            if u64::try_from(n_bytes).unwrap_or(u64::MAX) >= MAX_LINE_BYTES && !bytes.ends_with(b"\n") {
                return Err(ForecastsError::TooLong { file: file.to_owned(), line });
            }
            let text = std::str::from_utf8(&bytes).map_err(|error| ForecastsError::Line {
                file: file.to_owned(),
                line,
                found: format!("bytes that are no UTF-8 at byte {}", error.valid_up_to() + 1),
            })?;
            // Some editors put a mark in front of a text.
            let text = if line == 1 { text.trim_start_matches('\u{feff}') } else { text };
            if !text.trim().is_empty() {
                all.add(text, file, line)?;
            }
        }
        Ok(all)
    }

    fn add(&mut self, text: &str, file: &str, line: usize) -> Result<(), ForecastsError> {
        let bad = |found: String| ForecastsError::Line { file: file.to_owned(), line, found };
        let read: Line = serde_json::from_str(text).map_err(|error| bad(broken(&error)))?;
        let (id, forecasts) = match (read.error, read.id, read.forecasts) {
            (None, None, _) => return Err(bad("one without `id`".to_owned())),
            (Some(_), _, _) | (None, Some(_), None) => {
                self.n_without += 1;
                return Ok(());
            }
            (None, Some(id), Some(forecasts)) => (id, forecasts),
        };
        match read.artifact.as_ref().and_then(serde_json::Value::as_str) {
            // Who asks wants to know whether it is one; a name on every line need not be kept.
            Some(digest) if self.artifacts.len() < MAX_ARTIFACTS => drop(self.artifacts.insert(digest.to_owned())),
            Some(_) => (),
            None => self.n_unsigned += 1,
        }
        match read.policy.as_ref().and_then(serde_json::Value::as_str) {
            Some(policy) if self.policies.len() < MAX_POLICIES => drop(self.policies.insert(policy.to_owned())),
            Some(_) => (),
            None => self.n_without_policy += 1,
        }
        let mut row: Vec<(u32, Expected)> = Vec::with_capacity(forecasts.len());
        for ModelLine { model, quality, quality_low, cost_usd } in forecasts {
            let out = |field, wanted, found| ForecastsError::Range {
                file: file.to_owned(),
                line,
                model: model.clone(),
                field,
                expected: wanted,
                found,
            };
            let Some(quality) = quality else { continue };
            for (field, value) in [("quality", Some(quality)), ("quality_low", quality_low)] {
                if let Some(value) = value.filter(|value| !(0.0..=1.0).contains(value)) {
                    return Err(out(field, "between 0 and 1", value));
                }
            }
            if let Some(cost) = cost_usd.filter(|cost| *cost < 0.0) {
                return Err(out("cost_usd", "at or above 0", cost));
            }
            // What the engine cannot count in would only be found when it is asked, far from the line that says it.
            if let Some(cost) = cost_usd.filter(|cost| PicoUsd::from_f64(cost * PicoUsd::PER_USD).is_none()) {
                return Err(out("cost_usd", "below 1000000", cost));
            }
            row.push((self.number(model), Expected { quality, quality_low, cost_usd }));
        }
        let excluded: Vec<(u32, Exclusion)> =
            excluded(read.excluded.as_ref()).map(|(model, why)| (self.number(model.to_owned()), why)).collect();
        if excluded.is_empty() {
            self.excluded.remove(&id);
        } else {
            self.excluded.insert(id.clone(), excluded);
        }
        let known = self.by_prompt.entry(id).or_default();
        self.n_repeated += usize::from(!known.is_empty());
        // Of several forecasts for one model the last counts, within a line and from line to line.
        for (model, expected) in row {
            match known.binary_search_by_key(&model, |(known, _)| *known) {
                Ok(place) => known[place].1 = expected,
                Err(place) => known.insert(place, (model, expected)),
            }
        }
        Ok(())
    }

    fn number(&mut self, model: String) -> u32 {
        let n_models = u32::try_from(self.models.len()).unwrap_or(u32::MAX);
        *self.models.entry(model).or_insert(n_models)
    }

    /// Whether what a policy forbids can be told of these prompts: models are forbidden by name, and all else only where the lines were
    /// made under that policy and say who could not serve.
    pub fn tell_limits_of(&self, policy: &Policy) -> bool {
        let Limits { allow: _, deny: _, regions, zero_data_retention, max_cost } = &policy.rules().limits;
        let only = |name: &str| self.n_without_policy == 0 && self.policies.iter().eq([name]);
        regions.is_none() && !zero_data_retention && max_cost.is_none() || only(policy.name().as_str())
    }

    /// What a reader of the verdict must know about the file.
    pub fn notes(&self, pools: &[Pool]) -> Vec<String> {
        let judged: std::collections::HashSet<&str> =
            pools.iter().flat_map(|pool| &pool.prompts).map(|prompt| prompt.id.as_str()).collect();
        let n_strangers = self.by_prompt.keys().filter(|id| !judged.contains(id.as_str())).count();
        let counted = [
            (self.n_without, "lines of forecasts carry an error or no forecasts"),
            (self.n_repeated, "lines of forecasts repeat a prompt; the later ones count"),
            (n_strangers, "prompts that are forecast are not among those judged"),
        ];
        counted.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect()
    }

    /// The artifacts that lines name as those that made them, the first few.
    pub fn artifacts(&self) -> &BTreeSet<String> {
        &self.artifacts
    }

    /// How many prompts have forecasts.
    pub fn len(&self) -> usize {
        self.by_prompt.len()
    }

    /// Whether no prompt has.
    pub fn is_empty(&self) -> bool {
        self.by_prompt.is_empty()
    }

    /// The prompts of a pool that have a forecast for each of its models, with those forecasts. A missing cost counts as the
    /// model's mean bill over the whole pool.
    pub fn of(&self, pool: &Pool) -> Result<Matched, ForecastsError> {
        let numbers: Vec<Option<u32>> = pool.models.iter().map(|model| self.models.get(model).copied()).collect();
        let mean_bills = pool.truth.bill_usd.column_means();
        let (mut rows, mut quality, mut low, mut cost) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut barred = Vec::new();
        for (index, prompt) in pool.prompts.iter().enumerate() {
            let Some(known) = self.by_prompt.get(&prompt.id) else { continue };
            let expected = |number: &Option<u32>| {
                let place = known.binary_search_by_key(&(*number)?, |(model, _)| *model).ok()?;
                Some(known[place].1)
            };
            let Some(expected) = numbers.iter().map(expected).collect::<Option<Vec<Expected>>>() else { continue };
            rows.push(index);
            quality.push(expected.iter().map(|expected| expected.quality).collect());
            low.push(expected.iter().map(|expected| expected.quality_low.unwrap_or(expected.quality)).collect());
            let costs = expected.iter().zip(&mean_bills).map(|(expected, bill)| expected.cost_usd.unwrap_or(*bill));
            cost.push(costs.collect());
            let excluded = self.excluded.get(&prompt.id).map_or(&[][..], Vec::as_slice);
            barred.extend(numbers.iter().map(|number| {
                let (_, why) = excluded.iter().find(|(model, _)| Some(*model) == *number)?;
                Some(why.clone())
            }));
        }
        if rows.len() < MIN_PROMPTS {
            let unknown = pool.models.iter().zip(&numbers).find(|(_, number)| number.is_none());
            let hint = unknown.map(|(model, _)| format!("; nobody forecasts `{model}`")).unwrap_or_default();
            return Err(ForecastsError::TooFew {
                pool: pool.name.clone(),
                n_models: pool.models.len(),
                found: rows.len(),
                of: pool.prompts.len(),
                hint,
            });
        }
        let n = pool.models.len();
        let forecast = Forecast { quality: Grid::from_rows(n, quality), cost_usd: Grid::from_rows(n, cost) };
        Ok(Matched { rows, forecast, quality_low: Grid::from_rows(n, low), barred: Barred::of(n, barred) })
    }
}

/// Forecasts matched with the prompts of a pool.
#[derive(Debug)]
pub struct Matched {
    /// The places of the prompts in the pool.
    pub rows: Vec<usize>,
    /// The forecasts, a row each.
    pub forecast: Forecast,
    /// The lower bounds; the forecast itself where there is none.
    pub quality_low: Grid,
    /// Who may not answer which of the prompts.
    pub barred: Barred,
}

/// Who could not serve by what does not hang on names: those a policy allows or denies are known from the policy itself, and what is
/// unhealthy or over budget is so for a while.
fn excluded(told: Option<&serde_json::Value>) -> impl Iterator<Item = (&str, Exclusion)> {
    let nothing = (Tokens::ZERO, PicoUsd::ZERO);
    told.and_then(serde_json::Value::as_array).into_iter().flatten().filter_map(move |one| {
        let (needs, could_cost) = nothing;
        let why = match one.get("reason")?.as_str()? {
            "context_window" => Exclusion::ContextWindow { needs, has: needs },
            "completion_limit" => Exclusion::CompletionLimit { needs, has: needs },
            "region" => Exclusion::Region,
            "zero_data_retention" => Exclusion::ZeroDataRetention,
            "price_cap" => Exclusion::PriceCap { could_cost, cap: could_cost },
            _ => return None,
        };
        Some((one.get("model")?.as_str()?, why))
    })
}

impl Matched {
    /// The share of the pool that has forecasts.
    pub fn share(&self, pool: &Pool) -> f64 {
        crate::grid::number(self.rows.len()) / crate::grid::number(pool.prompts.len())
    }

    /// The mean forecast, for a first look at a file.
    pub fn mean_quality(&self) -> f64 {
        mean(self.forecast.quality.cells().iter().copied())
    }
}

#[cfg(test)]
mod tests;
