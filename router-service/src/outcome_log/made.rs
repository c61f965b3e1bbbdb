//! A decision as the log keeps it: what was forecast of everybody, what was chosen and how likely that was. The text of the prompt
//! goes along only where the operator opted in; its digest always does, and names the prompt.

use std::fmt::Write;

use classifier::Prompt;
use decision::{Candidate, Candidates, Decision, Evidence, Tokens};
use serde::Serialize;
use training_data::log::Record;
use training_data::row::{Logged, OutcomeRow, Text};

/// A decision that was made, with all that belongs to it.
#[derive(Clone, Copy)]
pub struct Made<'a> {
    /// The id that the caller was given.
    pub decision_id: &'a str,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Who is billed; never a person's name. Empty means nobody said.
    pub tenant: &'a str,
    /// What was asked.
    pub prompt: &'a Prompt,
    /// Its text, where it is at hand: it is kept only if the operator opted in.
    pub text: Option<&'a str>,
    /// Tokens of the prompt, as they were decided by.
    pub prompt_tokens: Tokens,
    /// What was chosen.
    pub decision: &'a Decision,
    /// Among whom.
    pub candidates: &'a Candidates,
    /// On what evidence.
    pub evidence: &'a Evidence,
    /// The digest of the artifact that forecast, if one did.
    pub artifact: Option<&'a str>,
}

impl Made<'_> {
    pub(super) fn record(&self, source: &str, keep_prompts: bool) -> Record {
        let digest = hexadecimal(&self.prompt.digest());
        let text = |text: &str| Text::from(text);
        Record::Decision(Box::new(OutcomeRow {
            source: text(source),
            dataset: text(if self.tenant.is_empty() { "all" } else { self.tenant }),
            // The same prompt has the same id, so that what several models answered to it can be compared.
            prompt_id: text(&digest),
            prompt: self.text.filter(|_| keep_prompts).map(text),
            prompt_digest: Some(text(&digest)),
            model: text(self.decision.model().as_str()),
            quality: 0.0,
            judge: None,
            prompt_tokens: Some(u64::from(self.prompt_tokens.get())),
            cached_tokens: None,
            completion_tokens: None,
            reasoning_tokens: None,
            cost_usd: None,
            latency_ms: None,
            group: None,
            judging_only: false,
            logged: Some(Box::new(self.logged())),
        }))
    }

    fn logged(&self) -> Logged {
        let model = self.decision.model();
        let candidate = self.candidates.get(model);
        let expectation = candidate.and_then(|candidate| candidate.expectation);
        let forecast = match self.evidence {
            Evidence::Forecast(forecast) => forecast.models().iter().find(|forecast| forecast.model == *model),
            Evidence::Absent(_) => None,
        };
        Logged {
            decision_id: Text::from(self.decision_id),
            at_ms: Some(self.at_ms),
            policy: Some(Text::from(self.decision.policy.as_str())),
            policy_version: Some(Text::from(&*self.decision.policy_version)),
            artifact: self.artifact.map(Text::from),
            forecast_quality: expectation.map(|expectation| expectation.quality.get()),
            forecast_quality_low: expectation.map(|expectation| expectation.quality_low.get()),
            forecast_completion_tokens: forecast.map(|forecast| f64::from(forecast.completion.get())),
            forecast_cost_usd: expectation.and(candidate).map(|candidate| candidate.cost.usd()),
            propensity: Some(self.decision.propensity().clamp(0.0, 1.0)),
            forecasts: serde_json::to_string(&forecast_lines(self.candidates, self.evidence)).ok().map(Text::from),
        }
    }
}

/// What is expected of one candidate, as `pointsman route` writes it and `pointsman eval` reads it. Qualities have four digits,
/// costs all that the engine counts in; where nothing was forecast, there is nothing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ForecastLine<'a> {
    /// The model.
    pub model: &'a str,
    /// The probability of success.
    pub quality: Option<f64>,
    /// Its lower bound.
    pub quality_low: Option<f64>,
    /// Expected tokens of the answer, hidden reasoning included, as rows of outcomes count them.
    pub completion_tokens: Option<u32>,
    /// The expected bill.
    pub cost_usd: Option<f64>,
}

/// What is expected of every candidate, the excluded ones too, by name.
pub fn forecast_lines<'a>(candidates: &'a Candidates, evidence: &Evidence) -> Vec<ForecastLine<'a>> {
    let forecasts = match evidence {
        Evidence::Forecast(forecast) => forecast.models(),
        Evidence::Absent(_) => &[],
    };
    let mut forecasts = forecasts.iter().peekable();
    let mut line = |candidate: &'a Candidate| {
        while forecasts.next_if(|forecast| forecast.model < candidate.model).is_some() {}
        let forecast = forecasts.next_if(|forecast| forecast.model == candidate.model);
        let expectation = candidate.expectation;
        ForecastLine {
            model: candidate.model.as_str(),
            quality: expectation.map(|expectation| four_digits(expectation.quality.get())),
            quality_low: expectation.map(|expectation| four_digits(expectation.quality_low.get())),
            completion_tokens: expectation
                .and(forecast)
                .map(|forecast| forecast.completion.plus(forecast.reasoning).get()),
            cost_usd: expectation.map(|_| candidate.cost.usd()),
        }
    };
    candidates.all().iter().map(&mut line).collect()
}

fn four_digits(quality: f64) -> f64 {
    (quality * 1e4).round() / 1e4
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
