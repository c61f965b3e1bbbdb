//! Domain -> wire: a decision with all that explains it, and the catalog.

use std::collections::BTreeSet;

use classifier::Standing;
use decision::{Absent, Candidates, Change, Evidence, Expectation, Flip, Model, ModelForecast, ModelId, Side, Skill};
use proto::v1;
use proto::v1::flip::Change as WireChange;

use crate::pipeline::{Answer, Timing};
use crate::snapshot::Snapshot;

/// A decision, as either door tells it.
pub fn route_reply(answer: &Answer) -> v1::RouteReply {
    let Answer { id, decision, candidates, evidence, snapshot, timing } = answer;
    let Timing { convert_us, queue_us, forecast_us, decide_us } = *timing;
    v1::RouteReply {
        decision_id: id.to_string(),
        model: decision.model().to_string(),
        ranked: decision.ranked.iter().map(ToString::to_string).collect(),
        forecasts: forecasts(evidence, candidates),
        excluded: excluded(candidates),
        reason: decision.reason.to_string(),
        reason_code: decision.reason.word().to_owned(),
        flips: decision.flips.iter().map(flip).collect(),
        policy: decision.policy.to_string(),
        policy_version: decision.policy_version.to_string(),
        artifact: snapshot.artifact.to_string(),
        propensity: decision.propensity(),
        evidence: kind(evidence).into(),
        timing: Some(v1::Timing { convert_us, queue_us, forecast_us, decide_us }),
    }
}

fn kind(evidence: &Evidence) -> v1::Evidence {
    match evidence {
        Evidence::Forecast(_) => v1::Evidence::Forecast,
        Evidence::Absent(Absent::NotLoaded) => v1::Evidence::AbsentNotLoaded,
        Evidence::Absent(Absent::Overloaded) => v1::Evidence::AbsentOverloaded,
        Evidence::Absent(Absent::Late) => v1::Evidence::AbsentLate,
        Evidence::Absent(Absent::Broken) => v1::Evidence::AbsentBroken,
    }
}

/// Both lists are ordered by model, so this is one walk.
fn forecasts(evidence: &Evidence, candidates: &Candidates) -> Vec<v1::Forecast> {
    let Evidence::Forecast(forecast) = evidence else { return Vec::new() };
    let mut expected = forecast.models().iter().peekable();
    let mut list = Vec::with_capacity(candidates.all().len());
    for candidate in candidates.all() {
        while expected.next_if(|forecast| forecast.model < candidate.model).is_some() {}
        let Some(ModelForecast { quality, quality_low, completion, reasoning, output_p90, .. }) =
            expected.next_if(|forecast| forecast.model == candidate.model)
        else {
            continue;
        };
        // Who is cut off while still thinking is worth less than was forecast.
        let heard = candidate.expectation.unwrap_or(Expectation { quality: *quality, quality_low: *quality_low });
        list.push(v1::Forecast {
            model: candidate.model.to_string(),
            quality: heard.quality.get(),
            quality_low: heard.quality_low.get(),
            completion_tokens: completion.get(),
            reasoning_tokens: reasoning.get(),
            output_tokens_p90: output_p90.get(),
            cost_usd: candidate.cost.usd(),
            cost_usd_p90: candidate.cost_high.usd(),
        });
    }
    list
}

fn excluded(candidates: &Candidates) -> Vec<v1::Exclusion> {
    let excluded = candidates.all().iter().filter_map(|candidate| Some((candidate, candidate.exclusion.as_ref()?)));
    let exclusion = |(candidate, why): (&decision::Candidate, &decision::Exclusion)| v1::Exclusion {
        model: candidate.model.to_string(),
        reason: why.word().to_owned(),
        detail: why.to_string(),
    };
    excluded.map(exclusion).collect()
}

fn flip(flip: &Flip) -> v1::Flip {
    let change = match &flip.change {
        Change::CostAbove { cost, .. } => WireChange::CostUsdAbove(cost.usd()),
        Change::Parameter { parameter, side, at } => WireChange::Parameter(v1::ParameterFlip {
            key: parameter.key().to_owned(),
            side: match side {
                Side::Above => v1::Side::Above,
                Side::AtLeast => v1::Side::AtLeast,
                Side::Below => v1::Side::Below,
                Side::AtMost => v1::Side::AtMost,
            }
            .into(),
            at: *at,
        }),
    };
    v1::Flip { wins: flip.wins.to_string(), sentence: flip.to_string(), change: Some(change) }
}

/// The catalog with what stands behind each model's forecasts.
pub fn model_list(snapshot: &Snapshot, unhealthy: &BTreeSet<ModelId>) -> v1::ListModelsReply {
    let standings = snapshot.classifier.standings();
    let standing_of = |model: &Model| standings.iter().find(|(id, _)| **id == model.id).map(|(_, standing)| standing);
    let default = snapshot.policies.default_policy().name();
    let others = snapshot.policies.iter().map(decision::Policy::name).filter(|name| *name != default);
    v1::ListModelsReply {
        models: snapshot
            .catalog
            .models()
            .iter()
            .map(|found| model(found, standing_of(found), unhealthy.contains(&found.id)))
            .collect(),
        policies: std::iter::once(default).chain(others).map(ToString::to_string).collect(),
        artifact: snapshot.artifact.to_string(),
    }
}

fn model(model: &Model, standing: Option<&Standing>, unhealthy: bool) -> v1::Model {
    v1::Model {
        id: model.id.to_string(),
        owner: model.owner.clone().unwrap_or_default(),
        context_window: model.context_window.get(),
        max_completion_tokens: model.max_completion.map(decision::Tokens::get),
        skills: model.skills.iter().map(|skill| skill_number(skill).into()).collect(),
        regions: model.regions.iter().cloned().collect(),
        zero_data_retention: model.zero_data_retention,
        prompt_usd_per_1m: model.prices.prompt.usd_per_1m(),
        cached_prompt_usd_per_1m: model.prices.cached_prompt.usd_per_1m(),
        completion_usd_per_1m: model.prices.completion.usd_per_1m(),
        reasoning_usd_per_1m: model.prices.reasoning.usd_per_1m(),
        released: model.released.clone().unwrap_or_default(),
        n_outcomes: match standing {
            Some(Standing::Trained { n_outcomes } | Standing::Onboarded { n_outcomes }) => *n_outcomes,
            Some(Standing::Like { .. } | Standing::Benchmarks { .. } | Standing::Unknown) | None => 0,
        },
        unhealthy,
    }
}

fn skill_number(skill: Skill) -> v1::Skill {
    match skill {
        Skill::Tools => v1::Skill::Tools,
        Skill::Vision => v1::Skill::Vision,
        Skill::JsonSchema => v1::Skill::JsonSchema,
        Skill::Audio => v1::Skill::Audio,
        Skill::Documents => v1::Skill::Documents,
    }
}
