//! One line of a batch's output. The keys and their order are a promise; qualities have four digits, costs all that the engine
//! counts in.

use decision::{Candidate, ModelId};
use router_service::outcome_log::{ForecastLine, forecast_lines};
use serde::Serialize;

use crate::router::Answer;

/// A decision, or that nobody may serve: then `model` is null and `ranked` is empty.
#[derive(Serialize)]
pub(super) struct DecisionLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    model: Option<&'a str>,
    policy: &'a str,
    ranked: Vec<&'a str>,
    forecasts: Vec<ForecastLine<'a>>,
    excluded: Vec<ExclusionLine<'a>>,
    reason: String,
    artifact: &'a str,
}

#[derive(Serialize)]
struct ExclusionLine<'a> {
    model: &'a str,
    reason: &'static str,
    detail: String,
}

/// A line that could not be read.
#[derive(Serialize)]
pub(super) struct ErrorLine<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) error: String,
}

impl<'a> DecisionLine<'a> {
    pub(super) fn of(id: Option<&'a str>, answer: &'a Answer<'a>, artifact: &'a str) -> Self {
        let (ranked, reason) = match &answer.outcome {
            Ok(decision) => (decision.ranked.iter().map(ModelId::as_str).collect(), decision.reason.to_string()),
            Err(refusal) => (Vec::new(), refusal.to_string()),
        };
        let excluded = |candidate: &'a Candidate| {
            let exclusion = candidate.exclusion.as_ref()?;
            let (reason, detail) = (exclusion.word(), exclusion.to_string());
            Some(ExclusionLine { model: candidate.model.as_str(), reason, detail })
        };
        Self {
            id,
            model: ranked.first().copied(),
            policy: answer.policy.name().as_str(),
            ranked,
            forecasts: forecast_lines(&answer.candidates, &answer.evidence),
            excluded: answer.candidates.all().iter().filter_map(excluded).collect(),
            reason,
            artifact,
        }
    }
}
