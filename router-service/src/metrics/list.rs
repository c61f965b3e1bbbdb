//! Every metric there is, in one list: name, kind, labels, help. What `/metrics` prints, what `docs/metrics.md` says and what
//! the code can count are all made from it. A label takes words of a fixed set, or names bound from catalog and policies.

use super::words::{
    ALARM, ANSWERED, ASKED, DOOR, END, EXCLUSION, Label, METHOD, POLICY, PROVIDER, REASON, STATUS, Words, fixed,
};

/// Series of one metric. Whatever would be one more counts under `other` in all its labels.
pub const MAX_SERIES: usize = 4096;

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// It only rises.
    Counter,
    /// It rises and falls.
    Gauge,
    /// A distribution, with the upper bounds of its buckets.
    Histogram(&'static [f64]),
}

impl Kind {
    /// The word of the text format.
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// One metric, described.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Facts {
    /// Which one.
    pub metric: Metric,
    /// Its name on the wire.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// How many of the integers it is counted in make one of what its name says.
    pub unit: f64,
    /// What it is told apart by.
    pub labels: &'static [Label],
    /// What it says, for people.
    pub help: &'static str,
}

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
#[expect(missing_docs, reason = "each has its help in the list below")]
pub enum Metric {
    BuildInfo,
    Requests,
    RequestSeconds,
    InFlight,
    Shed,
    DecisionSeconds,
    Decisions,
    DecisionReasons,
    ExpectedCost,
    EvidenceAbsent,
    Refusals,
    Exclusions,
    ForecastQuality,
    OutcomesReported,
    OutcomesJudged,
    JudgedForecast,
    JudgedQuality,
    JudgedSquaredError,
    CalibrationDrift,
    OutcomeCost,
    OutcomeTokens,
    OutcomeSeconds,
    PromiseOutcomes,
    PromiseAlarms,
    PromiseVoid,
    ForwardedCalls,
    Attempts,
    FirstTokenSeconds,
    ForwardedUsage,
    ForwardedCost,
    BaselineCost,
    Hedges,
    SnapshotAge,
    SnapshotModels,
    Reloads,
    InferenceQueue,
    InferenceBatch,
    CacheLookups,
    CacheEntries,
    LogRows,
    LogDropped,
    LogQueue,
    LogSegments,
    SpansExported,
    SpansDropped,
    LogLinesDropped,
}

/// How many metrics there are.
pub const N_METRICS: usize = 46;

const COUNT: f64 = 1.0;
const NANOSECONDS: f64 = 1e9;
const BILLIONTHS: f64 = 1e9;
const PICO_USD: f64 = 1e12;

/// A decision takes tens of microseconds, a request behind a queue a millisecond, and what takes a second is an accident.
const DECISION_BOUNDS: &[f64] =
    &[0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 1.0];
const QUALITY_BOUNDS: &[f64] = &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];
const BATCH_BOUNDS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];
/// As OpenTelemetry's conventions for generative models advise.
const TOKEN_BOUNDS: &[f64] = &[
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
/// As the same conventions advise.
const CALL_BOUNDS: &[f64] = &[0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

const fn counter(metric: Metric, name: &'static str, labels: &'static [Label], help: &'static str) -> Facts {
    Facts { metric, name, kind: Kind::Counter, unit: COUNT, labels, help }
}

const fn gauge(metric: Metric, name: &'static str, labels: &'static [Label], help: &'static str) -> Facts {
    Facts { metric, name, kind: Kind::Gauge, unit: COUNT, labels, help }
}

const fn histogram(
    metric: Metric,
    name: &'static str,
    bounds: &'static [f64],
    unit: f64,
    labels: &'static [Label],
    help: &'static str,
) -> Facts {
    Facts { metric, name, kind: Kind::Histogram(bounds), unit, labels, help }
}

impl Facts {
    const fn in_unit(self, unit: f64) -> Self {
        Self { unit, ..self }
    }
}

/// The list, in the order of [`Metric`].
pub const METRICS: [Facts; N_METRICS] = [
    gauge(
        Metric::BuildInfo,
        "pointsman_build_info",
        &[fixed("version", &[env!("CARGO_PKG_VERSION")])],
        "Always 1; the version is its label.",
    ),
    counter(
        Metric::Requests,
        "pointsman_requests_total",
        &[DOOR, METHOD, STATUS],
        "Requests that were answered, by door, method and status.",
    ),
    histogram(
        Metric::RequestSeconds,
        "pointsman_request_duration_seconds",
        DECISION_BOUNDS,
        NANOSECONDS,
        &[DOOR, METHOD],
        "From the first byte of a request to the last of its answer.",
    ),
    gauge(Metric::InFlight, "pointsman_requests_in_flight", &[DOOR], "Requests that are being served now."),
    counter(
        Metric::Shed,
        "pointsman_requests_shed_total",
        &[DOOR, fixed("reason", &["concurrency", "queue_full", "draining", "too_large", "too_slow", "connections", "memory"])],
        "Requests that were turned away to protect the others.",
    ),
    histogram(
        Metric::DecisionSeconds,
        "pointsman_decision_duration_seconds",
        DECISION_BOUNDS,
        NANOSECONDS,
        &[fixed("stage", &["convert", "queue", "forecast", "decide", "total"])],
        "Where the time of a decision goes, stage by stage.",
    ),
    counter(
        Metric::Decisions,
        "pointsman_decisions_total",
        &[ASKED, POLICY],
        "Decisions, by the model that was chosen and the policy that chose.",
    ),
    counter(
        Metric::DecisionReasons,
        "pointsman_decision_reasons_total",
        &[POLICY, fixed("reason", REASON)],
        "Decisions, by the reason for the choice; `fallback` and those that end in `blind` were made without a forecast.",
    ),
    counter(
        Metric::ExpectedCost,
        "pointsman_decision_expected_cost_usd_total",
        &[ASKED],
        "What the chosen calls are expected to cost, in US dollars.",
    )
    .in_unit(PICO_USD),
    counter(
        Metric::EvidenceAbsent,
        "pointsman_evidence_absent_total",
        &[fixed("reason", &["not_loaded", "overloaded", "late", "broken"])],
        "Decisions that had to be made without forecasts, by why.",
    ),
    counter(
        Metric::Refusals,
        "pointsman_refusals_total",
        &[POLICY, fixed("reason", &["nobody_eligible", "pin_excluded", "locked"])],
        "Requests that no model may serve, by why.",
    ),
    counter(
        Metric::Exclusions,
        "pointsman_exclusions_total",
        &[fixed("reason", EXCLUSION)],
        "Candidates that were not eligible, by why.",
    ),
    histogram(
        Metric::ForecastQuality,
        "pointsman_forecast_quality",
        QUALITY_BOUNDS,
        BILLIONTHS,
        &[ASKED],
        "The quality that was forecast of each candidate, chosen or not.",
    ),
    counter(
        Metric::OutcomesReported,
        "pointsman_outcomes_reported_total",
        &[fixed("result", &["joined", "unknown_decision", "repeated"])],
        "Verdicts that callers reported, by whether their decision is still remembered.",
    ),
    counter(
        Metric::OutcomesJudged,
        "pointsman_outcomes_judged_total",
        &[ANSWERED],
        "Reported outcomes with a quality whose forecast is remembered.",
    ),
    counter(
        Metric::JudgedForecast,
        "pointsman_judged_forecast_quality_total",
        &[ANSWERED],
        "The sum of what was forecast of the judged outcomes.",
    )
    .in_unit(BILLIONTHS),
    counter(
        Metric::JudgedQuality,
        "pointsman_judged_quality_total",
        &[ANSWERED],
        "The sum of the quality that was reported of the judged outcomes.",
    )
    .in_unit(BILLIONTHS),
    counter(
        Metric::JudgedSquaredError,
        "pointsman_judged_squared_error_total",
        &[ANSWERED],
        "The sum of squared differences between forecast and reported quality; divided by the count, the Brier score.",
    )
    .in_unit(BILLIONTHS),
    gauge(
        Metric::CalibrationDrift,
        "pointsman_calibration_drift",
        &[ANSWERED],
        "Mean reported quality less mean forecast quality since the start: below 0 the forecasts are too hopeful.",
    ),
    counter(
        Metric::OutcomeCost,
        "pointsman_outcome_cost_usd_total",
        &[ANSWERED],
        "What reported calls cost, in US dollars.",
    )
    .in_unit(PICO_USD),
    histogram(
        Metric::OutcomeTokens,
        "gen_ai_client_token_usage",
        TOKEN_BOUNDS,
        COUNT,
        &[ANSWERED, fixed("gen_ai_token_type", &["input", "output"])],
        "Tokens of reported calls, as OpenTelemetry counts them.",
    ),
    histogram(
        Metric::OutcomeSeconds,
        "gen_ai_client_operation_duration_seconds",
        CALL_BOUNDS,
        NANOSECONDS,
        &[ANSWERED],
        "How long reported calls took, as OpenTelemetry measures it.",
    ),
    counter(
        Metric::PromiseOutcomes,
        "pointsman_promise_outcomes_total",
        &[POLICY],
        "Judged outcomes that the watch over a policy's promise has seen.",
    ),
    gauge(
        Metric::PromiseAlarms,
        "pointsman_promise_alarms",
        &[POLICY, fixed("alarm", ALARM)],
        "1 where the watch over a policy's promise has raised this alarm.",
    ),
    gauge(
        Metric::PromiseVoid,
        "pointsman_promise_void",
        &[POLICY],
        "1 where a policy's promise was made with another artifact or catalog and does not hold.",
    ),
    counter(
        Metric::ForwardedCalls,
        "pointsman_forwarded_calls_total",
        &[ANSWERED, fixed("end", END)],
        "Calls that were forwarded, by the model that answered or was tried last, and how they ended.",
    ),
    counter(
        Metric::Attempts,
        "pointsman_upstream_attempts_total",
        &[PROVIDER, fixed("end", END)],
        "Calls to providers, by how they ended; a call that was forwarded may take several.",
    ),
    histogram(
        Metric::FirstTokenSeconds,
        "pointsman_first_token_seconds",
        CALL_BOUNDS,
        NANOSECONDS,
        &[ANSWERED],
        "From a call to a provider to the first token of its stream.",
    ),
    counter(
        Metric::ForwardedUsage,
        "pointsman_forwarded_usage_total",
        &[fixed("source", &["reported", "estimated", "doubtful", "none"])],
        "Forwarded calls, by whether the provider told their tokens, told nothing, or told what cannot be true; none where they had none.",
    ),
    counter(
        Metric::ForwardedCost,
        "pointsman_forwarded_cost_usd_total",
        &[ANSWERED, fixed("attempt", &["answered", "failed", "cancelled"])],
        "What calls to providers cost, in US dollars, those that failed and those nobody waited for too.",
    )
    .in_unit(PICO_USD),
    counter(
        Metric::BaselineCost,
        "pointsman_baseline_cost_usd_total",
        &[Label { name: "baseline", words: Words::Models }],
        "What the tokens of answered calls would have cost at `forwarding.baseline_model`, in US dollars; savings are this less the cost of all attempts.",
    )
    .in_unit(PICO_USD),
    counter(
        Metric::Hedges,
        "pointsman_hedges_total",
        &[fixed("result", &["won", "lost", "failed", "over_budget"])],
        "Second providers that were asked beside a slow first one, by whose answer was taken.",
    ),
    gauge(
        Metric::SnapshotAge,
        "pointsman_snapshot_age_seconds",
        &[],
        "How long the catalog, the policies and the artifact in use have been in use.",
    ),
    gauge(Metric::SnapshotModels, "pointsman_snapshot_models", &[], "Models of the catalog in use."),
    counter(
        Metric::Reloads,
        "pointsman_reloads_total",
        &[fixed("result", &["swapped", "unchanged", "rejected"])],
        "Attempts to swap the snapshot, by how they ended.",
    ),
    gauge(Metric::InferenceQueue, "pointsman_inference_queue_depth", &[], "Prompts that wait for a forecast."),
    histogram(
        Metric::InferenceBatch,
        "pointsman_inference_batch_size",
        BATCH_BOUNDS,
        COUNT,
        &[],
        "Prompts that were forecast together.",
    ),
    counter(
        Metric::CacheLookups,
        "pointsman_forecast_cache_total",
        &[fixed("result", &["hit", "miss"])],
        "Look-ups in the cache of forecasts.",
    ),
    gauge(Metric::CacheEntries, "pointsman_forecast_cache_entries", &[], "Forecasts in the cache."),
    counter(
        Metric::LogRows,
        "pointsman_outcome_log_rows_total",
        &[fixed("record", &["decision", "verdict"])],
        "Rows written to the outcome log.",
    ),
    counter(
        Metric::LogDropped,
        "pointsman_outcome_log_dropped_total",
        &[fixed("reason", &["queue_full", "write_failed", "too_large", "torn", "closed"])],
        "Rows that the outcome log lost, by why.",
    ),
    gauge(Metric::LogQueue, "pointsman_outcome_log_queue_depth", &[], "Rows that wait to be written."),
    counter(
        Metric::LogSegments,
        "pointsman_outcome_log_segments_total",
        &[fixed("result", &["published", "recovered", "failed"])],
        "Segments of the outcome log, by how they ended.",
    ),
    counter(Metric::SpansExported, "pointsman_spans_exported_total", &[], "Spans that the collector took."),
    counter(
        Metric::SpansDropped,
        "pointsman_spans_dropped_total",
        &[fixed("reason", &["queue_full", "export_failed", "rejected"])],
        "Spans that were lost, by why.",
    ),
    counter(
        Metric::LogLinesDropped,
        "pointsman_log_lines_dropped_total",
        &[],
        "Lines of the log that nobody read in time.",
    ),
];

impl Metric {
    /// What the list says of it.
    pub fn facts(self) -> &'static Facts {
        &METRICS[self as usize]
    }
}

/// The list as `docs/metrics.md` shows it.
pub fn table() -> String {
    let mut table = String::from("| metric | kind | labels | says |\n|---|---|---|---|\n");
    for Facts { name, kind, labels, help, .. } in METRICS {
        let labels: Vec<String> = labels.iter().map(|label| format!("`{}`", label.name)).collect();
        table.push_str(&format!("| `{name}` | {} | {} | {help} |\n", kind.word(), labels.join(", ")));
    }
    table
}
