//! The rules a request wants to be decided by: none, those of a name, or its own. Its own pass the checks that a policy of a file
//! passes; whether the catalog has the models it names is asked when it is decided, of the snapshot that decides.

use decision::{Basis, Exploration, Lean, Mode, Policy, PolicyName, Quality, Rules, SessionRule};
use proto::v1;
use proto::v1::policy::Mode as Wanted;

use super::{model, money, wished};
use crate::config::Limits;
use crate::question::{OWN_POLICY, OwnPolicy, WantedPolicy};
use crate::status::Rejection;

/// Reads them. `field` is how the door spells that of an own policy.
pub(super) fn wanted(
    request: &v1::RouteRequest,
    field: &'static str,
    limits: &Limits,
) -> Result<WantedPolicy, Rejection> {
    match (request.policy.as_str(), &request.own_policy) {
        ("", None) => Ok(WantedPolicy::Default),
        (name, None) => {
            PolicyName::new(name).map(WantedPolicy::Named).map_err(|error| Rejection::field("policy", error))
        }
        ("", Some(own)) => {
            let policy = policy(own, field, limits)?;
            Ok(WantedPolicy::Own(Box::new(OwnPolicy { policy, field })))
        }
        (_, Some(_)) => {
            let complaint = "expected the name of a policy or one of the request's own, found both";
            Err(Rejection::field(field, complaint))
        }
    }
}

fn policy(own: &v1::Policy, field: &str, limits: &Limits) -> Result<Policy, Rejection> {
    let at = |key: &str| format!("{field}.{key}");
    let wishes = v1::Limits {
        allow: own.allow.clone(),
        deny: own.deny.clone(),
        regions: own.regions.clone(),
        zero_data_retention: own.zero_data_retention,
        max_cost_usd: own.max_cost_usd,
    };
    let fallback = own.fallback.iter().enumerate();
    let rules = Rules {
        mode: mode(own, field)?,
        basis: basis(own, field)?,
        lean: own.lean.as_ref().map(|written| lean(written, &at("lean"))).transpose()?,
        fallback: fallback
            .map(|(place, name)| model(&format!("{}[{place}]", at("fallback")), name))
            .collect::<Result<_, _>>()?,
        limits: wished(field, &wishes, limits)?,
        exploration: own.explore.as_ref().map(|written| exploration(written, &at("explore"))).transpose()?,
        session: match &own.session {
            None => SessionRule::default(),
            Some(written) => session(written, &at("session"))?,
        },
    };
    let name = PolicyName::new(OWN_POLICY).expect("a plain word is a name");
    Policy::new(name, rules).map_err(|error| OwnPolicy::rejection(field, &error))
}

fn mode(own: &v1::Policy, field: &str) -> Result<Mode, Rejection> {
    let at = |key: &str| format!("{field}.{key}");
    Ok(match &own.mode {
        Some(Wanted::QualityTolerance(most)) => {
            Mode::Tolerance { quality_tolerance: quality(&at("quality_tolerance"), *most)? }
        }
        Some(Wanted::QualityFloor(least)) => Mode::Target { quality_floor: quality(&at("quality_floor"), *least)? },
        Some(Wanted::UsdPerSuccess(usd)) => Mode::Value { usd_per_success: money(&at("usd_per_success"), *usd)? },
        Some(Wanted::Model(name)) => Mode::Pin { model: model(&at("model"), name)? },
        None => {
            let complaint = "expected quality_tolerance, quality_floor, usd_per_success or model, found none";
            return Err(Rejection::field(at("mode"), complaint));
        }
    })
}

fn basis(own: &v1::Policy, field: &str) -> Result<Basis, Rejection> {
    match v1::Basis::try_from(own.judge_by) {
        Ok(v1::Basis::Unspecified | v1::Basis::Expected) => Ok(Basis::Expected),
        Ok(v1::Basis::LowerBound) => Ok(Basis::LowerBound),
        Err(_) => {
            let complaint = format!("expected expected, lower_bound or nothing, found number {}", own.judge_by);
            Err(Rejection::field(format!("{field}.judge_by"), complaint))
        }
    }
}

fn lean(written: &v1::Lean, field: &str) -> Result<Lean, Rejection> {
    let shrinkage = required(field, "shrinkage", written.shrinkage)?;
    Ok(Lean {
        towards: model(&format!("{field}.towards"), &written.towards)?,
        shrinkage: quality(&format!("{field}.shrinkage"), shrinkage)?,
    })
}

fn exploration(written: &v1::Exploration, field: &str) -> Result<Exploration, Rejection> {
    let rate = required(field, "rate", written.rate)?;
    let most = written.max_cost_usd.map(|usd| money(&format!("{field}.max_cost_usd"), usd)).transpose()?;
    Exploration::new(rate, most).map_err(|error| Rejection::field(format!("{field}.rate"), error))
}

fn session(written: &v1::SessionMargins, field: &str) -> Result<SessionRule, Rejection> {
    let cost = required(field, "cost_margin", written.cost_margin)?;
    let of_quality = required(field, "quality_margin", written.quality_margin)?;
    let of_quality = quality(&format!("{field}.quality_margin"), of_quality)?;
    SessionRule::new(cost, of_quality).map_err(|error| Rejection::field(format!("{field}.cost_margin"), error))
}

fn required(field: &str, key: &str, number: Option<f64>) -> Result<f64, Rejection> {
    number.ok_or_else(|| Rejection::field(format!("{field}.{key}"), "expected a number, found none"))
}

fn quality(field: &str, number: f64) -> Result<Quality, Rejection> {
    Quality::new(number).map_err(|error| Rejection::field(field, error))
}
