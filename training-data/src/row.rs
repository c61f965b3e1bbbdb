//! The outcome row: how one model did on one prompt. `source`, `dataset` and `prompt_id` together name the prompt.
//! Texts are shared, so cloning a row is cheap. A row of a logged decision carries `logged` on top.

use std::sync::Arc;

use crate::cell::Cell;

pub mod column;
pub mod draft;
pub mod fault;

pub use column::{Column, Kind};
pub use draft::Draft;
pub use fault::{Fault, Place, RowError};

/// The version of the columns, written into every file of ours. Files without one are foreign and read by their names.
pub const SCHEMA_VERSION: u32 = 1;

/// Under this key a file of ours says its version.
pub const SCHEMA_VERSION_KEY: &str = "schema_version";

/// A text that many rows share.
pub type Text = Arc<str>;

/// How one model did on one prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct OutcomeRow {
    /// Where the row comes from: a benchmark's results, a service's log.
    pub source: Text,
    /// The part of the source, in the source's own words.
    pub dataset: Text,
    /// Names the prompt within its data set.
    pub prompt_id: Text,
    /// The prompt as a user would send it, where it may be kept.
    pub prompt: Option<Text>,
    /// A digest of the prompt, for logs that keep no text.
    pub prompt_digest: Option<Text>,
    /// The model that answered.
    pub model: Text,
    /// From 0 to 1: right or wrong, a pass rate, or a judged score.
    pub quality: f64,
    /// Who judged the answer.
    pub judge: Option<Text>,
    /// Tokens that were sent, the cached ones included.
    pub prompt_tokens: Option<u64>,
    /// Of those, the tokens that the provider had cached.
    pub cached_tokens: Option<u64>,
    /// Tokens of the answer, hidden reasoning included where the source counts it.
    pub completion_tokens: Option<u64>,
    /// Of those, the tokens of hidden reasoning.
    pub reasoning_tokens: Option<u64>,
    /// The bill, in US dollars, as the source states it.
    pub cost_usd: Option<f64>,
    /// From the call to the last byte.
    pub latency_ms: Option<u64>,
    /// Prompts that ask the same question have the same group. Splits never cut one.
    pub group: Option<Text>,
    /// The source forbids learning from it: for judging only.
    pub judging_only: bool,
    /// What the router thought, if it was the router who chose.
    pub logged: Option<Box<Logged>>,
}

impl OutcomeRow {
    /// A row with nothing but what it cannot do without; whoever knows more says so on top of it.
    #[must_use]
    pub fn bare(source: &str, dataset: &str, prompt_id: &str, model: &str, quality: f64) -> Self {
        Self {
            source: source.into(),
            dataset: dataset.into(),
            prompt_id: prompt_id.into(),
            prompt: None,
            prompt_digest: None,
            model: model.into(),
            quality,
            judge: None,
            prompt_tokens: None,
            cached_tokens: None,
            completion_tokens: None,
            reasoning_tokens: None,
            cost_usd: None,
            latency_ms: None,
            group: None,
            judging_only: false,
            logged: None,
        }
    }
}

/// The decision behind a row of the service's log.
#[derive(Clone, Debug, PartialEq)]
pub struct Logged {
    /// The id that the caller was given.
    pub decision_id: Text,
    /// When it was decided, in milliseconds since 1970.
    pub at_ms: Option<u64>,
    /// The name of the policy.
    pub policy: Option<Text>,
    /// The digest of the policy's text.
    pub policy_version: Option<Text>,
    /// The digest of the artifact that forecast.
    pub artifact: Option<Text>,
    /// The quality that was forecast for this model.
    pub forecast_quality: Option<f64>,
    /// Its lower bound.
    pub forecast_quality_low: Option<f64>,
    /// The completion tokens that were forecast.
    pub forecast_completion_tokens: Option<f64>,
    /// The cost that was forecast.
    pub forecast_cost_usd: Option<f64>,
    /// How likely this choice was, given that some choices are detours.
    pub propensity: Option<f64>,
    /// What was forecast of every candidate, as the JSON list that `pointsman route` writes: what another policy would have
    /// chosen can be told from it.
    pub forecasts: Option<Text>,
}

impl OutcomeRow {
    /// What the row holds in a column, as a file would.
    #[must_use]
    pub fn cell(&self, column: Column) -> Cell<'_> {
        let logged = self.logged.as_deref();
        match column {
            Column::Source => Cell::Text(&self.source),
            Column::Dataset => Cell::Text(&self.dataset),
            Column::PromptId => Cell::Text(&self.prompt_id),
            Column::Model => Cell::Text(&self.model),
            Column::Prompt => text(self.prompt.as_ref()),
            Column::PromptDigest => text(self.prompt_digest.as_ref()),
            Column::Judge => text(self.judge.as_ref()),
            Column::Group => text(self.group.as_ref()),
            Column::DecisionId => text(logged.map(|logged| &logged.decision_id)),
            Column::Policy => text(logged.and_then(|logged| logged.policy.as_ref())),
            Column::PolicyVersion => text(logged.and_then(|logged| logged.policy_version.as_ref())),
            Column::Artifact => text(logged.and_then(|logged| logged.artifact.as_ref())),
            Column::JudgingOnly => {
                if self.judging_only {
                    Cell::Flag(true)
                } else {
                    Cell::Null
                }
            }
            Column::PromptTokens => count(self.prompt_tokens),
            Column::CachedTokens => count(self.cached_tokens),
            Column::CompletionTokens => count(self.completion_tokens),
            Column::ReasoningTokens => count(self.reasoning_tokens),
            Column::LatencyMs => count(self.latency_ms),
            Column::AtMs => count(logged.and_then(|logged| logged.at_ms)),
            Column::Quality => Cell::Number(self.quality),
            Column::CostUsd => number(self.cost_usd),
            Column::ForecastQuality => number(logged.and_then(|logged| logged.forecast_quality)),
            Column::ForecastQualityLow => number(logged.and_then(|logged| logged.forecast_quality_low)),
            Column::ForecastCompletionTokens => number(logged.and_then(|logged| logged.forecast_completion_tokens)),
            Column::ForecastCostUsd => number(logged.and_then(|logged| logged.forecast_cost_usd)),
            Column::Propensity => number(logged.and_then(|logged| logged.propensity)),
            Column::Forecasts => text(logged.and_then(|logged| logged.forecasts.as_ref())),
        }
    }
}

fn text(text: Option<&Text>) -> Cell<'_> {
    text.map_or(Cell::Null, |text| Cell::Text(text))
}

fn count(count: Option<u64>) -> Cell<'static> {
    // A count past what a file can hold could only come from our own bug, and saturating keeps the column's type.
    count.map_or(Cell::Null, |count| Cell::Integer(i64::try_from(count).unwrap_or(i64::MAX)))
}

fn number(number: Option<f64>) -> Cell<'static> {
    number.map_or(Cell::Null, Cell::Number)
}

#[cfg(test)]
pub(crate) mod tests;
