//! What the HTTP door answers: the replies of the wire as JSON, with the same names. Money and shares stay numbers.

use decision::Prices;
use proto::v1;
use proto::v1::flip::Change;
use serde::Serialize;

use crate::auto::Auto;

/// A decision, as JSON.
#[derive(Debug, Serialize)]
pub struct ReplyJson {
    decision_id: String,
    model: String,
    ranked: Vec<String>,
    forecasts: Vec<ForecastJson>,
    excluded: Vec<ExclusionJson>,
    reason: String,
    reason_code: String,
    flips: Vec<FlipJson>,
    policy: String,
    policy_version: String,
    artifact: String,
    propensity: f64,
    evidence: &'static str,
    timing: TimingJson,
}

#[derive(Debug, Serialize)]
struct ForecastJson {
    model: String,
    quality: f64,
    quality_low: f64,
    completion_tokens: u32,
    reasoning_tokens: u32,
    output_tokens_p90: u32,
    cost_usd: f64,
    cost_usd_p90: f64,
}

#[derive(Debug, Serialize)]
struct ExclusionJson {
    model: String,
    reason: String,
    detail: String,
}

#[derive(Debug, Serialize)]
struct FlipJson {
    wins: String,
    sentence: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_usd_above: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<ParameterJson>,
}

#[derive(Debug, Serialize)]
struct ParameterJson {
    key: String,
    side: &'static str,
    at: f64,
}

#[derive(Debug, Default, Serialize)]
struct TimingJson {
    convert_us: u32,
    queue_us: u32,
    forecast_us: u32,
    decide_us: u32,
}

impl From<v1::RouteReply> for ReplyJson {
    fn from(reply: v1::RouteReply) -> Self {
        let evidence = word(reply.evidence());
        let timing = reply.timing.unwrap_or_default();
        let v1::Timing { convert_us, queue_us, forecast_us, decide_us } = timing;
        Self {
            decision_id: reply.decision_id,
            model: reply.model,
            ranked: reply.ranked,
            forecasts: reply.forecasts.into_iter().map(forecast).collect(),
            excluded: reply.excluded.into_iter().map(exclusion).collect(),
            reason: reply.reason,
            reason_code: reply.reason_code,
            flips: reply.flips.into_iter().map(flip).collect(),
            policy: reply.policy,
            policy_version: reply.policy_version,
            artifact: reply.artifact,
            propensity: reply.propensity,
            evidence,
            timing: TimingJson { convert_us, queue_us, forecast_us, decide_us },
        }
    }
}

fn word(evidence: v1::Evidence) -> &'static str {
    match evidence {
        v1::Evidence::Unspecified => "unspecified",
        v1::Evidence::Forecast => "forecast",
        v1::Evidence::AbsentNotLoaded => "absent_not_loaded",
        v1::Evidence::AbsentOverloaded => "absent_overloaded",
        v1::Evidence::AbsentLate => "absent_late",
        v1::Evidence::AbsentBroken => "absent_broken",
    }
}

fn forecast(forecast: v1::Forecast) -> ForecastJson {
    let v1::Forecast {
        model,
        quality,
        quality_low,
        completion_tokens,
        reasoning_tokens,
        output_tokens_p90,
        cost_usd,
        cost_usd_p90,
    } = forecast;
    ForecastJson {
        model,
        quality,
        quality_low,
        completion_tokens,
        reasoning_tokens,
        output_tokens_p90,
        cost_usd,
        cost_usd_p90,
    }
}

fn exclusion(exclusion: v1::Exclusion) -> ExclusionJson {
    ExclusionJson { model: exclusion.model, reason: exclusion.reason, detail: exclusion.detail }
}

fn flip(flip: v1::Flip) -> FlipJson {
    let (cost_usd_above, parameter) = match flip.change {
        None => (None, None),
        Some(Change::CostUsdAbove(cost)) => (Some(cost), None),
        Some(Change::Parameter(parameter)) => {
            let side = match parameter.side() {
                v1::Side::Unspecified => "unspecified",
                v1::Side::Above => "above",
                v1::Side::AtLeast => "at_least",
                v1::Side::Below => "below",
                v1::Side::AtMost => "at_most",
            };
            (None, Some(ParameterJson { key: parameter.key, side, at: parameter.at }))
        }
    };
    FlipJson { wins: flip.wins, sentence: flip.sentence, cost_usd_above, parameter }
}

/// The catalog, in the shape of OpenAI's list of models with what we know besides.
#[derive(Debug, Serialize)]
pub struct ModelsJson {
    object: &'static str,
    data: Vec<EntryJson>,
    policies: Vec<String>,
    artifact: String,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum EntryJson {
    Model(Box<ModelJson>),
    Auto(Box<AutoJson>),
}

/// A name that lets a policy choose.
#[derive(Debug, Serialize)]
pub(crate) struct AutoJson {
    id: String,
    object: &'static str,
    created: u64,
    owned_by: &'static str,
    policy: String,
    context_window: u32,
    n_models: usize,
    usd_per_1m_lowest: PricesJson,
    usd_per_1m_highest: PricesJson,
}

impl ModelsJson {
    /// The same with the names that let a policy choose, behind the models.
    pub(crate) fn with_autos(mut self, autos: impl IntoIterator<Item = Auto>) -> Self {
        self.data.extend(autos.into_iter().map(|auto| {
            EntryJson::Auto(Box::new(AutoJson {
                id: auto.id,
                object: "model",
                created: 0,
                owned_by: "pointsman",
                policy: auto.policy,
                context_window: auto.context_window.get(),
                n_models: auto.n_models,
                usd_per_1m_lowest: prices(&auto.lowest),
                usd_per_1m_highest: prices(&auto.highest),
            }))
        }));
        self
    }

    /// The one of this name.
    pub(crate) fn one(self, id: &str) -> Option<EntryJson> {
        self.data.into_iter().find(|entry| match entry {
            EntryJson::Model(model) => model.id == id,
            EntryJson::Auto(auto) => auto.id == id,
        })
    }
}

/// `2024-07-18` in seconds since 1970; typed clients of OpenAI's interface want such a number, so what is no day is 0.
fn unix_seconds(day: &str) -> u64 {
    let parts: Vec<u64> = day.split('-').filter_map(|part| part.parse().ok()).collect();
    let [year, month, day] = parts[..] else { return 0 };
    // Years that begin in March have their leap day at the end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year.saturating_sub(1), month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day;
    // From the first of March of the year 0 to 1970, and the day itself.
    days.saturating_sub(719_469) * 86_400
}

fn prices(prices: &Prices) -> PricesJson {
    PricesJson {
        prompt: prices.prompt.usd_per_1m(),
        cached_prompt: prices.cached_prompt.usd_per_1m(),
        completion: prices.completion.usd_per_1m(),
        reasoning: prices.reasoning.usd_per_1m(),
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct ModelJson {
    id: String,
    object: &'static str,
    created: u64,
    owned_by: String,
    context_window: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    skills: Vec<&'static str>,
    regions: Vec<String>,
    zero_data_retention: bool,
    usd_per_1m: PricesJson,
    #[serde(skip_serializing_if = "String::is_empty")]
    released: String,
    n_outcomes: u64,
    unhealthy: bool,
}

#[derive(Debug, Serialize)]
struct PricesJson {
    prompt: f64,
    cached_prompt: f64,
    completion: f64,
    reasoning: f64,
}

impl From<v1::ListModelsReply> for ModelsJson {
    fn from(reply: v1::ListModelsReply) -> Self {
        Self {
            object: "list",
            data: reply.models.into_iter().map(|found| EntryJson::Model(Box::new(model(found)))).collect(),
            policies: reply.policies,
            artifact: reply.artifact,
        }
    }
}

fn model(model: v1::Model) -> ModelJson {
    let skills = model.skills().filter_map(|skill| match skill {
        v1::Skill::Unspecified => None,
        v1::Skill::Tools => Some("tools"),
        v1::Skill::Vision => Some("vision"),
        v1::Skill::JsonSchema => Some("json_schema"),
        v1::Skill::Audio => Some("audio"),
        v1::Skill::Documents => Some("documents"),
    });
    ModelJson {
        skills: skills.collect(),
        id: model.id,
        object: "model",
        created: unix_seconds(&model.released),
        owned_by: model.owner,
        context_window: model.context_window,
        max_completion_tokens: model.max_completion_tokens,
        regions: model.regions,
        zero_data_retention: model.zero_data_retention,
        usd_per_1m: PricesJson {
            prompt: model.prompt_usd_per_1m,
            cached_prompt: model.cached_prompt_usd_per_1m,
            completion: model.completion_usd_per_1m,
            reasoning: model.reasoning_usd_per_1m,
        },
        released: model.released,
        n_outcomes: model.n_outcomes,
        unhealthy: model.unhealthy,
    }
}
