//! The TOML form of policies, through private twins: all keys are optional there, and each mode then says which it takes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Basis, Lean, Mode, Policies, Policy, PolicyName, Rules, WhenSpent, stray_parameter};
use crate::catalog::Region;
use crate::document::{Document, DocumentError, Step, unknown};
use crate::explore::Exploration;
use crate::promise::PromiseText;
use crate::request::Limits;
use crate::session::SessionRule;
use crate::units::{ModelId, PicoUsd, Quality};
use crate::version::version_of;

impl Policies {
    /// Reads policies from their TOML form.
    pub fn from_toml(text: &str) -> Result<Self, DocumentError> {
        let document = Document::parse(text)?;
        let twin: PoliciesText = document.read()?;
        let mut policies = Vec::new();
        for (name, mut twin) in twin.policy {
            let place = |keys: &str| -> Vec<Step> {
                let keys = keys.split('.').filter(|key| !key.is_empty()).map(Step::from);
                ["policy".into(), Step::from(name.as_str())].into_iter().chain(keys).collect()
            };
            let checked = PolicyName::new(&name).map_err(|error| document.fault(&place(""), error))?;
            let promise = twin.promise.take().map(PromiseText::checked).transpose();
            let rules = twin.checked().map_err(|(keys, complaint)| document.fault(&place(keys), complaint))?;
            let policy = Policy::new(checked, rules).map_err(|error| document.fault(&place(error.key()), error))?;
            let promise = promise.map_err(|(keys, complaint)| document.fault(&place(keys), complaint))?;
            policies.push(match promise {
                Some(promise) => {
                    policy.promised(promise).map_err(|error| document.fault(&place(error.key()), error))?
                }
                None => policy,
            });
        }
        let known: Vec<String> = policies.iter().map(|policy| policy.name().to_string()).collect();
        let Some(default) = policies.iter().map(Policy::name).find(|name| name.as_str() == twin.default).cloned()
        else {
            let complaint = unknown("policy", &twin.default, known.iter().map(String::as_str));
            return Err(document.fault(&["default".into()], complaint));
        };
        Self::new(default, policies).map_err(|error| document.fault(&["policy".into()], error))
    }

    /// Writes the TOML form: what `from_toml` reads back as the same policies.
    pub fn to_toml(&self) -> String {
        let text = |policy: &Policy| RulesText {
            promise: policy.promise.as_ref().map(PromiseText::of),
            ..RulesText::of(&policy.rules)
        };
        let policy = self.iter().map(|policy| (policy.name.to_string(), text(policy))).collect();
        let twin = PoliciesText { default: self.default.to_string(), policy };
        toml::to_string(&twin).expect("tables of strings and finite numbers have a TOML form")
    }
}

/// The digest of the rules' canonical text.
pub(super) fn version(rules: &Rules) -> String {
    let text = toml::to_string(&RulesText::of(rules)).expect("tables of strings and finite numbers have a TOML form");
    version_of(&text)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PoliciesText {
    default: String,
    #[serde(default)]
    policy: BTreeMap<String, RulesText>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ModeText {
    Tolerance,
    Target,
    Value,
    Budget,
    Pin,
}

impl ModeText {
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

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum BasisText {
    Expected,
    LowerBound,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WhenSpentText {
    Cheapest,
    Refuse,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesText {
    mode: ModeText,
    #[serde(skip_serializing_if = "Option::is_none")]
    quality_tolerance: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quality_floor: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usd_per_success: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usd_per_request: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    when_spent: Option<WhenSpentText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    judge_by: Option<BasisText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lean: Option<LeanText>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fallback: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    deny: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    regions: Option<BTreeSet<Region>>,
    #[serde(default, skip_serializing_if = "is_false")]
    zero_data_retention: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_cost_usd: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explore: Option<ExploreText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<SessionText>,
    /// Not one of the rules, and so no part of their version.
    #[serde(skip_serializing_if = "Option::is_none")]
    promise: Option<PromiseText>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LeanText {
    towards: String,
    shrinkage: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExploreText {
    rate: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_cost_usd: Option<f64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SessionText {
    cost_margin: f64,
    quality_margin: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// A complaint with the key it is about.
type Fault = (&'static str, String);

impl RulesText {
    fn checked(self) -> Result<Rules, Fault> {
        let mode = self.mode()?;
        let limits = Limits {
            allow: self.allow.map(|models| names("allow", &models)).transpose()?.map(BTreeSet::from_iter),
            deny: names("deny", &self.deny)?.into_iter().collect(),
            regions: self.regions,
            zero_data_retention: self.zero_data_retention,
            max_cost: self.max_cost_usd.map(|usd| money("max_cost_usd", usd)).transpose()?,
        };
        Ok(Rules {
            mode,
            basis: match self.judge_by {
                None | Some(BasisText::Expected) => Basis::Expected,
                Some(BasisText::LowerBound) => Basis::LowerBound,
            },
            lean: self.lean.map(LeanText::checked).transpose()?,
            fallback: names("fallback", &self.fallback)?,
            limits,
            exploration: self.explore.map(ExploreText::checked).transpose()?,
            session: self.session.map(SessionText::checked).transpose()?.unwrap_or_default(),
        })
    }

    /// The mode with its parameter; a parameter of another mode is a mistake, not decoration.
    fn mode(&self) -> Result<Mode, Fault> {
        let numbers = [self.quality_tolerance, self.quality_floor, self.usd_per_success];
        let of_budget = [self.usd_per_request.is_some(), self.when_spent.is_some()];
        let word = self.mode.word();
        if let Some(stray) = stray_parameter(word, numbers, of_budget, self.model.is_some()) {
            return Err(stray);
        }
        let lacks = |key: &'static str| ("mode", format!("mode `{word}` lacks the key `{key}`"));
        let quality = |key, value: Option<f64>| {
            Quality::new(value.ok_or_else(|| lacks(key))?).map_err(|error| (key, error.to_string()))
        };
        let usd = |key, value: Option<f64>| money(key, value.ok_or_else(|| lacks(key))?);
        Ok(match self.mode {
            ModeText::Tolerance => {
                Mode::Tolerance { quality_tolerance: quality("quality_tolerance", self.quality_tolerance)? }
            }
            ModeText::Target => Mode::Target { quality_floor: quality("quality_floor", self.quality_floor)? },
            ModeText::Value => Mode::Value { usd_per_success: usd("usd_per_success", self.usd_per_success)? },
            ModeText::Budget => Mode::Budget {
                usd_per_request: usd("usd_per_request", self.usd_per_request)?,
                when_spent: match self.when_spent {
                    None | Some(WhenSpentText::Cheapest) => WhenSpent::Cheapest,
                    Some(WhenSpentText::Refuse) => WhenSpent::Refuse,
                },
            },
            ModeText::Pin => Mode::Pin { model: model("model", self.model.as_deref().ok_or_else(|| lacks("model"))?)? },
        })
    }

    fn of(rules: &Rules) -> Self {
        let limits = &rules.limits;
        let mut twin = Self {
            mode: ModeText::Pin,
            quality_tolerance: None,
            quality_floor: None,
            usd_per_success: None,
            usd_per_request: None,
            when_spent: None,
            model: None,
            judge_by: match rules.basis {
                Basis::Expected => None,
                Basis::LowerBound => Some(BasisText::LowerBound),
            },
            lean: rules
                .lean
                .as_ref()
                .map(|lean| LeanText { towards: lean.towards.to_string(), shrinkage: lean.shrinkage.get() }),
            promise: None,
            fallback: rules.fallback.iter().map(ToString::to_string).collect(),
            allow: limits.allow.as_ref().map(|models| models.iter().map(ToString::to_string).collect()),
            deny: limits.deny.iter().map(ToString::to_string).collect(),
            regions: limits.regions.clone(),
            zero_data_retention: limits.zero_data_retention,
            max_cost_usd: limits.max_cost.map(PicoUsd::usd),
            explore: rules.exploration.map(|exploration| ExploreText {
                rate: exploration.rate(),
                max_cost_usd: exploration.max_cost().map(PicoUsd::usd),
            }),
            session: (rules.session != SessionRule::default()).then(|| SessionText {
                cost_margin: rules.session.cost_margin(),
                quality_margin: rules.session.quality_margin().get(),
            }),
        };
        twin.put_mode(&rules.mode);
        twin
    }

    fn put_mode(&mut self, mode: &Mode) {
        match mode {
            Mode::Tolerance { quality_tolerance } => {
                self.mode = ModeText::Tolerance;
                self.quality_tolerance = Some(quality_tolerance.get());
            }
            Mode::Target { quality_floor } => {
                self.mode = ModeText::Target;
                self.quality_floor = Some(quality_floor.get());
            }
            Mode::Value { usd_per_success } => {
                self.mode = ModeText::Value;
                self.usd_per_success = Some(usd_per_success.usd());
            }
            Mode::Budget { usd_per_request, when_spent } => {
                self.mode = ModeText::Budget;
                self.usd_per_request = Some(usd_per_request.usd());
                self.when_spent = match when_spent {
                    WhenSpent::Cheapest => None,
                    WhenSpent::Refuse => Some(WhenSpentText::Refuse),
                };
            }
            Mode::Pin { model } => {
                self.mode = ModeText::Pin;
                self.model = Some(model.to_string());
            }
        }
    }
}

impl LeanText {
    fn checked(self) -> Result<Lean, Fault> {
        let shrinkage = Quality::new(self.shrinkage).map_err(|error| ("lean.shrinkage", error.to_string()))?;
        Ok(Lean { towards: model("lean.towards", &self.towards)?, shrinkage })
    }
}

impl ExploreText {
    fn checked(self) -> Result<Exploration, Fault> {
        let max_cost = self.max_cost_usd.map(|usd| money("explore.max_cost_usd", usd)).transpose()?;
        Exploration::new(self.rate, max_cost).map_err(|error| ("explore.rate", error.to_string()))
    }
}

impl Default for SessionText {
    fn default() -> Self {
        let usual = SessionRule::default();
        Self { cost_margin: usual.cost_margin(), quality_margin: usual.quality_margin().get() }
    }
}

impl SessionText {
    fn checked(self) -> Result<SessionRule, Fault> {
        let quality_margin =
            Quality::new(self.quality_margin).map_err(|error| ("session.quality_margin", error.to_string()))?;
        SessionRule::new(self.cost_margin, quality_margin).map_err(|error| ("session.cost_margin", error.to_string()))
    }
}

fn money(key: &'static str, usd: f64) -> Result<PicoUsd, Fault> {
    PicoUsd::from_usd(usd).map_err(|error| (key, error.to_string()))
}

fn model(key: &'static str, name: &str) -> Result<ModelId, Fault> {
    ModelId::new(name).map_err(|error| (key, error.to_string()))
}

fn names(key: &'static str, models: &[String]) -> Result<Vec<ModelId>, Fault> {
    models.iter().map(|name| model(key, name)).collect()
}
