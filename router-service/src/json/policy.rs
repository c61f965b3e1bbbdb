//! A policy as HTTP callers write it: the name of one, or rules of the request's own with the keys that a file has. Here
//! they are translated; what they mean is checked in `convert/policy.rs`.

use std::fmt;

use decision::stray_parameter;
use proto::v1;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use crate::status::Rejection;

/// The name of a policy, or the rules themselves.
#[derive(Debug)]
pub(crate) enum PolicyJson {
    Named(String),
    Own(Box<OwnPolicyJson>),
}

/// A policy's rules, as JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(crate) struct OwnPolicyJson {
    mode: ModeJson,
    quality_tolerance: Option<f64>,
    quality_floor: Option<f64>,
    usd_per_success: Option<f64>,
    model: Option<String>,
    /// Known, so that whoever takes a budget along from a file is told why not, rather than of an unknown key.
    usd_per_request: Option<IgnoredAny>,
    when_spent: Option<IgnoredAny>,
    judge_by: Option<BasisJson>,
    lean: Option<LeanJson>,
    #[serde(default)]
    fallback: Vec<String>,
    allow: Option<Vec<String>>,
    #[serde(default)]
    deny: Vec<String>,
    regions: Option<Vec<String>>,
    #[serde(default)]
    zero_data_retention: bool,
    max_cost_usd: Option<f64>,
    explore: Option<ExploreJson>,
    session: Option<MarginsJson>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ModeJson {
    Tolerance,
    Target,
    Value,
    Budget,
    Pin,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum BasisJson {
    Expected,
    LowerBound,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct LeanJson {
    towards: String,
    shrinkage: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct ExploreJson {
    rate: f64,
    max_cost_usd: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct MarginsJson {
    cost_margin: f64,
    quality_margin: f64,
}

impl<'de> Deserialize<'de> for PolicyJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrRules;

        impl<'de> Visitor<'de> for NameOrRules {
            type Value = PolicyJson;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a policy, or a policy as an object")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<PolicyJson, E> {
                Ok(PolicyJson::Named(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<PolicyJson, A::Error> {
                OwnPolicyJson::deserialize(MapAccessDeserializer::new(map)).map(|own| PolicyJson::Own(Box::new(own)))
            }
        }

        deserializer.deserialize_any(NameOrRules)
    }
}

impl PolicyJson {
    /// The same on the wire: the name, empty if there is none, and the rules.
    pub(crate) fn into_wire(asked: Option<Self>, field: &str) -> Result<(String, Option<v1::Policy>), Rejection> {
        match asked {
            None => Ok((String::new(), None)),
            Some(Self::Named(name)) => Ok((name, None)),
            Some(Self::Own(own)) => Ok((String::new(), Some(own.into_wire(field)?))),
        }
    }
}

impl OwnPolicyJson {
    /// The same on the wire. What the wire has no words for is refused here, in the words of a file's complaints.
    fn into_wire(self, field: &str) -> Result<v1::Policy, Rejection> {
        let mode = self.mode(field)?;
        Ok(v1::Policy {
            mode: Some(mode),
            judge_by: match self.judge_by {
                None => v1::Basis::Unspecified,
                Some(BasisJson::Expected) => v1::Basis::Expected,
                Some(BasisJson::LowerBound) => v1::Basis::LowerBound,
            }
            .into(),
            lean: self.lean.map(|lean| v1::Lean { towards: lean.towards, shrinkage: Some(lean.shrinkage) }),
            fallback: self.fallback,
            allow: some_names("allow", self.allow, field)?,
            deny: self.deny,
            regions: some_names("regions", self.regions, field)?,
            zero_data_retention: self.zero_data_retention,
            max_cost_usd: self.max_cost_usd,
            explore: (self.explore)
                .map(|explore| v1::Exploration { rate: Some(explore.rate), max_cost_usd: explore.max_cost_usd }),
            session: self.session.map(|margins| v1::SessionMargins {
                cost_margin: Some(margins.cost_margin),
                quality_margin: Some(margins.quality_margin),
            }),
        })
    }

    /// The mode with its parameter; a parameter of another mode is a mistake, not decoration.
    fn mode(&self, field: &str) -> Result<v1::policy::Mode, Rejection> {
        let refused = |key: &str, complaint: String| Rejection::field(format!("{field}.{key}"), complaint);
        let numbers = [self.quality_tolerance, self.quality_floor, self.usd_per_success];
        let of_budget = [self.usd_per_request.is_some(), self.when_spent.is_some()];
        let word = self.mode.word();
        if let Some((key, complaint)) = stray_parameter(word, numbers, of_budget, self.model.is_some()) {
            return Err(refused(key, complaint));
        }
        let lacks = |key: &str| refused("mode", format!("mode `{word}` lacks the key `{key}`"));
        match self.mode {
            ModeJson::Tolerance => {
                let most = self.quality_tolerance.ok_or_else(|| lacks("quality_tolerance"))?;
                Ok(v1::policy::Mode::QualityTolerance(most))
            }
            ModeJson::Target => {
                let least = self.quality_floor.ok_or_else(|| lacks("quality_floor"))?;
                Ok(v1::policy::Mode::QualityFloor(least))
            }
            ModeJson::Value => {
                let usd = self.usd_per_success.ok_or_else(|| lacks("usd_per_success"))?;
                Ok(v1::policy::Mode::UsdPerSuccess(usd))
            }
            ModeJson::Pin => {
                let model = self.model.clone().ok_or_else(|| lacks("model"))?;
                Ok(v1::policy::Mode::Model(model))
            }
            ModeJson::Budget => {
                let complaint = "a request's own policy keeps no budget, since the mean over requests needs a policy that stays: \
                                 name a policy of the file, or set `max_cost_usd`";
                Err(refused("mode", complaint.to_owned()))
            }
        }
    }
}

impl ModeJson {
    fn word(self) -> &'static str {
        match self {
            Self::Tolerance => "tolerance",
            Self::Target => "target",
            Self::Value => "value",
            Self::Budget => "budget",
            Self::Pin => "pin",
        }
    }
}

/// A list that is there has names in it: an empty one would exclude everybody, and the wire cannot tell it from none.
fn some_names(key: &'static str, names: Option<Vec<String>>, field: &str) -> Result<Vec<String>, Rejection> {
    match names {
        Some(names) if names.is_empty() => {
            let complaint = decision::PolicyError::EmptyList { key };
            Err(Rejection::field(format!("{field}.{key}"), complaint))
        }
        names => Ok(names.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests;
