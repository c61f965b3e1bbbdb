//! What labels may say: sets of words, and names of models and policies. A new word of the engine goes in here, or it would count
//! as `other`; a test compares.

use decision::MAX_POLICIES;

use crate::config::MAX_PROVIDERS;

/// Models that are told apart; the rest count as `other`. A guess at what a dashboard can bear: the distributions of this many
/// models are about half a megabyte of text.
pub const MAX_MODEL_LABELS: usize = 512;

/// Policies that are told apart: all that a file may hold, the one of models that are asked for by name, and those of requests.
pub const MAX_POLICY_LABELS: usize = MAX_POLICIES + 2;

/// Providers that are told apart: all that a configuration may list, and the built-in echo.
pub const MAX_PROVIDER_LABELS: usize = MAX_PROVIDERS + 1;

/// What stands in for a word that is not in its set.
pub const OTHER: &str = "other";

/// What a label may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// One of these, or `other`.
    Fixed(&'static [&'static str]),
    /// A model of a catalog that was in use.
    Models,
    /// A policy of a file that was in use.
    Policies,
    /// A provider of the configuration, or the built-in echo.
    Providers,
}

/// A label of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// What it may say.
    pub words: Words,
}

pub(super) const fn fixed(name: &'static str, words: &'static [&'static str]) -> Label {
    Label { name, words: Words::Fixed(words) }
}

pub(super) const DOOR: Label = fixed("door", &["grpc", "http"]);
pub(super) const METHOD: Label = fixed(
    "method",
    &[
        "route",
        "route_batch",
        "list_models",
        "report_outcome",
        "complete",
        "chat_completions",
        "reload",
        "openapi",
        "healthz",
        "readyz",
        "metrics",
        "health",
        "reflection",
    ],
);
/// gRPC codes by their names in lower case, HTTP statuses by their numbers.
pub(super) const STATUS: Label = fixed(
    "status",
    &[
        "ok",
        "cancelled",
        "unknown",
        "invalid_argument",
        "deadline_exceeded",
        "not_found",
        "already_exists",
        "permission_denied",
        "resource_exhausted",
        "failed_precondition",
        "aborted",
        "out_of_range",
        "unimplemented",
        "internal",
        "unavailable",
        "data_loss",
        "unauthenticated",
        "200",
        "204",
        "400",
        "401",
        "403",
        "404",
        "405",
        "408",
        "409",
        "411",
        "413",
        "415",
        "422",
        "429",
        "431",
        "499",
        "500",
        "502",
        "503",
        "504",
    ],
);
pub(super) const REASON: &[&str] = &[
    "cheapest_within",
    "cheapest_above",
    "best_below",
    "most_value",
    "within_budget",
    "budget_spent",
    "pinned",
    "pinned_fallback",
    "fallback",
    "cheapest_blind",
    "stayed_blind",
    "locked",
    "stayed",
    "explored",
];
pub(super) const ALARM: &[&str] = &["loss", "forecasts_too_high", "forecasts_too_low"];
pub(super) const EXCLUSION: &[&str] = &[
    "unknown",
    "denied",
    "not_allowed",
    "context_window",
    "completion_limit",
    "tools",
    "vision",
    "json_schema",
    "audio",
    "documents",
    "region",
    "zero_data_retention",
    "price_cap",
    "unhealthy",
    "over_budget",
];
/// `gen_ai.request.model` in OpenTelemetry: the model that is asked.
pub(super) const ASKED: Label = Label { name: "gen_ai_request_model", words: Words::Models };
/// `gen_ai.response.model`: the model that answered.
pub(super) const ANSWERED: Label = Label { name: "gen_ai_response_model", words: Words::Models };
/// How an attempt or a call ended.
pub(super) const END: &[&str] = &[
    "answered",
    "cancelled",
    "upstream_refused",
    "context_length_exceeded",
    "upstream_busy",
    "upstream_away",
    "upstream_failed",
    "upstream_late",
    "upstream_cut",
    "refused",
];
pub(super) const PROVIDER: Label = Label { name: "provider", words: Words::Providers };
pub(super) const POLICY: Label = Label { name: "policy", words: Words::Policies };
