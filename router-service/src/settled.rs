//! How a forwarded call is entered into everything that remembers: the outcome log, the budget of its policy, the conversation's
//! model and the metrics. A caller may still report how good the answer was; the bill is entered here, once.

use std::time::{Duration, Instant};

use decision::{ModelId, PicoUsd};

use crate::metrics::list::Metric;
use crate::pipeline::{Answer, Pipeline};
use crate::question::{SessionWish, Verdict};
use crate::reported::logged;
use crate::upstream::usage::Usage;

/// A call that has ended.
pub(crate) struct Settled<'a> {
    /// What was decided.
    pub(crate) answer: &'a Answer,
    /// Who is billed.
    pub(crate) tenant: &'a str,
    /// The conversation it goes on with.
    pub(crate) session: Option<&'a SessionWish>,
    /// Who answered, or was tried last.
    pub(crate) model: &'a ModelId,
    /// How it ended, in one word.
    pub(crate) end: &'static str,
    /// What it took.
    pub(crate) spent: Spent,
}

/// What a call took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spent {
    /// The tokens of its last attempt.
    pub(crate) usage: Usage,
    /// What all its attempts cost.
    pub(crate) cost: PicoUsd,
    /// From its head to its end.
    pub(crate) took: Duration,
}

impl Pipeline {
    /// Enters a call that has ended.
    pub(crate) fn settle(&self, settled: &Settled<'_>) {
        let Settled { answer, model, end, spent, .. } = settled;
        let verdict = self.verdict(settled);
        let expected = answer.candidates.get(answer.decision.model()).map(|chosen| chosen.cost).unwrap_or_default();
        self.budgets.account(&answer.decision, expected, spent.cost);
        if let Some(log) = &self.outcome_log {
            log.reported(logged(&verdict));
        }
        self.count_outcome(model, &verdict);
        self.metrics.count(Metric::ForwardedCalls, &[model.as_str(), end]);
        let source = match (spent.usage.doubtful, spent.usage.estimated) {
            // A call that was refused or never made has no tokens that somebody could have told.
            (false, false) if spent.usage == Usage::default() => "none",
            (true, _) => "doubtful",
            (false, true) => "estimated",
            (false, false) => "reported",
        };
        self.metrics.count(Metric::ForwardedUsage, &[source]);
        if *end == "answered" {
            self.count_baseline(answer, spent);
            if let Some(wish) = settled.session {
                let now = Instant::now();
                self.sessions.remember(settled.tenant, wish, model, spent.usage.by_kind().prompt, now);
            }
        }
        tracing::debug!(decision = %answer.id, model = %model, end, "a forwarded call ended");
    }

    /// What the same tokens would have cost at the model that savings are counted against. Only answers count there: what a failed
    /// call cost is a cost without anything to show for it.
    fn count_baseline(&self, answer: &Answer, spent: &Spent) {
        let baseline = self.forwarder.rule.baseline.as_ref().and_then(|model| answer.snapshot.catalog.get(model));
        if let Some(baseline) = baseline {
            let cost = spent.usage.bill(&baseline.prices);
            self.metrics.add(Metric::BaselineCost, &[baseline.id.as_str()], cost.0);
        }
    }

    fn verdict(&self, settled: &Settled<'_>) -> Verdict {
        let Spent { usage, cost, took } = settled.spent;
        let tokens = usage.by_kind();
        Verdict {
            decision: settled.answer.id,
            model: Some(settled.model.clone()),
            quality: None,
            judge: String::new(),
            prompt: Some(tokens.prompt),
            cached_prompt: Some(tokens.cached_prompt),
            completion: Some(tokens.completion),
            reasoning: Some(tokens.reasoning),
            cost: Some(cost),
            latency_ms: Some(u32::try_from(took.as_millis()).unwrap_or(u32::MAX)),
            end: None,
        }
    }

    /// An attempt has ended.
    pub(crate) fn tell_attempt(&self, provider: &str, model: &str, end: &'static str, cost: PicoUsd) {
        self.metrics.count(Metric::Attempts, &[provider, end]);
        let kind = match end {
            "answered" => "answered",
            "cancelled" => "cancelled",
            _ => "failed",
        };
        self.metrics.add(Metric::ForwardedCost, &[model, kind], cost.0);
    }

    /// The first token of a stream has come.
    pub(crate) fn tell_first_token(&self, model: &str, span: Duration) {
        self.metrics.took(Metric::FirstTokenSeconds, &[model], span);
    }
}
