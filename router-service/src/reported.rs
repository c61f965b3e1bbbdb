//! What callers tell of decisions that they have carried out themselves: entered into the outcome log, the budget, the breakers of
//! models and the metrics. The same verdict told twice counts once.

use std::time::{Duration, Instant};

use decision::{ModelId, PicoUsd, Quality, Tokens};
use training_data::log::Verdict as LoggedVerdict;

use crate::metrics::list::Metric;
use crate::pipeline::{Pipeline, now_ms};
use crate::question::Verdict;
use crate::status::Rejection;

impl Pipeline {
    /// How an earlier decision turned out.
    pub fn report(&self, verdict: &Verdict) -> Result<(), Rejection> {
        let verdict = self.with_bill(verdict);
        let joined = self.decisions.join(&verdict, &self.budgets);
        // The log joins by id at rest, so a verdict that comes after the decision is forgotten here is not lost there.
        if let Some(log) = &self.outcome_log {
            log.reported(logged(&verdict));
        }
        let joined = match joined {
            Ok(joined) => joined,
            Err(forgotten) => {
                self.metrics.count(Metric::OutcomesReported, &["unknown_decision"]);
                return if self.outcome_log.is_some() { Ok(()) } else { Err(forgotten) };
            }
        };
        self.metrics.count(Metric::OutcomesReported, &[if joined.repeated { "repeated" } else { "joined" }]);
        if !joined.repeated && !joined.accounted {
            self.count_outcome(&joined.model, &verdict);
        }
        if let Some(end) = verdict.end {
            let latency_ms = u64::from(verdict.latency_ms.unwrap_or(0));
            let catalog = &self.snapshot().catalog;
            self.providers.ended(catalog, &joined.model, end, latency_ms, Instant::now());
        }
        if let Some((forecast, reported)) = joined.drift {
            self.metrics.judged(joined.model.as_str(), forecast, reported);
        }
        if let Some(promised) = joined.promised {
            self.promises.saw(&promised.policy, &promised.rules, &promised.served, &self.metrics);
        }
        Ok(())
    }

    pub(crate) fn count_outcome(&self, model: &ModelId, verdict: &Verdict) {
        let model = model.as_str();
        if let Some(cost) = verdict.cost {
            self.metrics.add(Metric::OutcomeCost, &[model], cost.0);
        }
        let output = verdict.completion.map(|tokens| tokens.plus(verdict.reasoning.unwrap_or_default()));
        for (tokens, kind) in [(verdict.prompt, "input"), (output, "output")] {
            if let Some(tokens) = tokens {
                self.metrics.add(Metric::OutcomeTokens, &[model, kind], u64::from(tokens.get()));
            }
        }
        if let Some(ms) = verdict.latency_ms {
            self.metrics.took(Metric::OutcomeSeconds, &[model], Duration::from_millis(u64::from(ms)));
        }
    }

    /// A bill that is not given is computed from the catalog, where tokens are.
    fn with_bill(&self, verdict: &Verdict) -> Verdict {
        let snapshot = self.snapshot();
        let model = verdict.model.as_ref().and_then(|model| snapshot.catalog.get(model));
        let billed = match (verdict.cost, model, verdict.prompt, verdict.completion) {
            (Some(cost), _, _, _) => Some(cost),
            (None, Some(model), Some(prompt), Some(completion)) => Some(model.prices.bill(&decision::Usage {
                prompt,
                cached_prompt: verdict.cached_prompt.unwrap_or_default(),
                completion,
                reasoning: verdict.reasoning.unwrap_or_default(),
            })),
            (None, _, _, _) => None,
        };
        Verdict { cost: billed, ..verdict.clone() }
    }
}

/// A verdict as the log keeps it, where the tokens of an answer include the hidden ones.
pub(crate) fn logged(verdict: &Verdict) -> LoggedVerdict {
    let count = |tokens: Option<Tokens>| tokens.map(|tokens| u64::from(tokens.get()));
    let reasoning = verdict.reasoning.unwrap_or_default();
    LoggedVerdict {
        decision_id: Some(verdict.decision.to_string().as_str().into()),
        at_ms: Some(now_ms()),
        model: verdict.model.as_ref().map(|model| model.as_str().into()),
        quality: verdict.quality.map(Quality::get),
        judge: (!verdict.judge.is_empty()).then(|| verdict.judge.as_str().into()),
        prompt_tokens: count(verdict.prompt),
        cached_tokens: count(verdict.cached_prompt),
        completion_tokens: count(verdict.completion.map(|tokens| tokens.plus(reasoning))),
        reasoning_tokens: count(verdict.reasoning),
        cost_usd: verdict.cost.map(PicoUsd::usd),
        latency_ms: verdict.latency_ms.map(u64::from),
    }
}
