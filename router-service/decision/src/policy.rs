//! The rules for choosing, as the operator means them. A `Policy` is always valid: it is made by constructors that check,
//! or read from TOML through a private twin. Its version is a digest of its canonical text, so two replicas can compare.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::catalog::Catalog;
use crate::explore::Exploration;
use crate::promise::Promise;
use crate::request::Limits;
use crate::session::SessionRule;
use crate::units::{MAX_USD, ModelId, PicoUsd, Quality};

mod parameters;
mod text;

pub use parameters::stray_parameter;

/// Policies one file may hold. A guess at far more than a team names; nothing rests on it.
pub const MAX_POLICIES: usize = 256;

/// Models a fallback order may hold.
pub const MAX_FALLBACKS: usize = 64;

/// Bytes a policy's name may have: it travels in a model name, `auto:NAME`, and in metrics.
pub const MAX_POLICY_NAME_BYTES: usize = 64;

/// How a policy weighs quality against cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The cheapest model whose quality is within a tolerance of the best candidate's.
    Tolerance {
        /// How much quality may be given up.
        quality_tolerance: Quality,
    },
    /// The cheapest model whose quality reaches a floor; if none does, the best.
    Target {
        /// The quality to reach.
        quality_floor: Quality,
    },
    /// The model with the largest `quality * usd_per_success - cost`.
    Value {
        /// What a success is worth.
        usd_per_success: PicoUsd,
    },
    /// The most quality for a running mean cost at or under a figure.
    Budget {
        /// The mean cost per request.
        usd_per_request: PicoUsd,
        /// What happens when not even the cheapest model fits what is left.
        when_spent: WhenSpent,
    },
    /// One model, no questions.
    Pin {
        /// The model.
        model: ModelId,
    },
}

/// What a spent budget means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenSpent {
    /// The cheapest model serves all the same: a router is not the reason for an outage.
    #[default]
    Cheapest,
    /// Nobody serves: the figure is a hard limit.
    Refuse,
}

/// The number a policy judges quality by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Basis {
    /// What is expected.
    #[default]
    Expected,
    /// The lower confidence bound, so that a model nobody knows is not chosen on luck.
    LowerBound,
}

/// A shrinkage towards a reference: every other model is judged at this much less than its quality. The best of many noisy
/// forecasts is mostly the luckiest, so whoever is to be chosen over a known model must look better by more than the noise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lean {
    /// The model that is judged at its full quality.
    pub towards: ModelId,
    /// What every other one is judged lower by, never below nothing.
    pub shrinkage: Quality,
}

/// Why rules are no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A name that does not fit where names travel.
    #[error("expected a policy name of 1 to {MAX_POLICY_NAME_BYTES} letters a-z, digits, `-` or `_`, found {found:?}")]
    Name {
        /// The name, cut to a printable length.
        found: String,
    },
    /// A fallback order that comes back to a model it has already tried.
    #[error("the fallback order runs in a loop: `{model}` stands at places {first} and {again}")]
    FallbackLoop {
        /// The model.
        model: ModelId,
        /// Its first place, counted from 1.
        first: usize,
        /// Its second place.
        again: usize,
    },
    /// A fallback order longer than [`MAX_FALLBACKS`].
    #[error("expected at most {MAX_FALLBACKS} fallbacks, found {found}")]
    TooManyFallbacks {
        /// How many.
        found: usize,
    },
    /// A budget of nothing, which no call can keep.
    #[error("expected a budget above $0 a request")]
    NoBudget,
    /// A pinned model that is to be judged, explored around or moved all the same.
    #[error("a pinned model is not judged, explored around or moved; remove the key")]
    PinWeighed {
        /// The key.
        key: &'static str,
    },
    /// A promise that was made for other rules.
    #[error(
        "the promise was made for rules of version {made_for}, and these are version {found}: tune again, or remove the promise"
    )]
    OtherRules {
        /// The version it was made for.
        made_for: String,
        /// The version of the rules it stands with.
        found: String,
    },
    /// A list that nothing can satisfy.
    #[error("expected at least one name under `{key}`, found an empty list, which excludes every model")]
    EmptyList {
        /// The key.
        key: &'static str,
    },
    /// More money than the text form can hold exactly.
    #[error("expected at most {MAX_USD} USD under `{key}`, found {found:#}")]
    TooMuch {
        /// The key.
        key: &'static str,
        /// The amount.
        found: PicoUsd,
    },
    /// A region no model of the catalog is served in.
    #[error("policy `{policy}` names the region `{region}`, in which the catalog serves no model{}", nearest.as_ref().map(|near| format!("; the nearest name there is `{near}`")).unwrap_or_default())]
    UnknownRegion {
        /// The policy.
        policy: PolicyName,
        /// The region.
        region: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// A model that is both allowed and denied.
    #[error("`{model}` is both allowed and denied")]
    AllowedAndDenied {
        /// The model.
        model: ModelId,
    },
    /// No policies at all.
    #[error("expected at least one policy, found none")]
    NoPolicies,
    /// More than [`MAX_POLICIES`].
    #[error("expected at most {MAX_POLICIES} policies, found {found}")]
    TooManyPolicies {
        /// How many.
        found: usize,
    },
    /// Two policies of one name.
    #[error("policy `{name}` is given twice")]
    DuplicatePolicy {
        /// The name.
        name: PolicyName,
    },
    /// A default that is no policy of the file.
    #[error("the default policy `{name}` is not among the policies")]
    UnknownDefault {
        /// The name.
        name: PolicyName,
    },
    /// A model the catalog does not have.
    #[error("policy `{policy}` names the model `{model}` under `{key}`, which is not in the catalog{}", nearest.as_ref().map(|near| format!("; the nearest name there is `{near}`")).unwrap_or_default())]
    UnknownModel {
        /// The policy.
        policy: PolicyName,
        /// Where in it.
        key: &'static str,
        /// The model.
        model: ModelId,
        /// What was probably meant.
        nearest: Option<ModelId>,
    },
}

impl PolicyError {
    /// The key of the text form that the complaint is about; empty where it is about the whole.
    pub fn key(&self) -> &'static str {
        match self {
            Self::FallbackLoop { .. } | Self::TooManyFallbacks { .. } => "fallback",
            Self::NoBudget => "usd_per_request",
            Self::PinWeighed { key } | Self::EmptyList { key } | Self::TooMuch { key, .. } => key,
            Self::UnknownRegion { .. } => "regions",
            Self::OtherRules { .. } => "promise.policy",
            Self::AllowedAndDenied { .. } => "deny",
            Self::UnknownModel { key, .. } => key,
            Self::Name { .. }
            | Self::NoPolicies
            | Self::TooManyPolicies { .. }
            | Self::DuplicatePolicy { .. }
            | Self::UnknownDefault { .. } => "",
        }
    }
}

/// The name of a policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyName(Arc<str>);

impl PolicyName {
    /// Checks a name.
    pub fn new(name: &str) -> Result<Self, PolicyError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        if name.is_empty() || name.len() > MAX_POLICY_NAME_BYTES || !name.bytes().all(plain) {
            return Err(PolicyError::Name { found: name.chars().take(60).collect() });
        }
        Ok(Self(Arc::from(name)))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The rules for choosing.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    name: PolicyName,
    rules: Rules,
    version: Arc<str>,
    promise: Option<Promise>,
}

/// What a policy is made of, before it is checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// How quality is weighed against cost.
    pub mode: Mode,
    /// The number quality is judged by.
    pub basis: Basis,
    /// A shrinkage towards a reference.
    pub lean: Option<Lean>,
    /// Who answers, in this order, when there is no forecast to choose by.
    pub fallback: Vec<ModelId>,
    /// What may serve at all.
    pub limits: Limits,
    /// Rare deliberate detours, for learning.
    pub exploration: Option<Exploration>,
    /// When a conversation may change its model.
    pub session: SessionRule,
}

impl Rules {
    /// The plain rules of a mode: judged by expectation, no shrinkage, no limits, no detours, no fallback order.
    pub fn of(mode: Mode) -> Self {
        Self {
            mode,
            basis: Basis::default(),
            lean: None,
            fallback: Vec::new(),
            limits: Limits::default(),
            exploration: None,
            session: SessionRule::default(),
        }
    }
}

impl Rules {
    /// A pin weighs nothing, so whatever would weigh is a mistake and not decoration.
    fn check_pin(&self) -> Result<(), PolicyError> {
        let weighs = [
            ("judge_by", self.basis != Basis::Expected),
            ("lean", self.lean.is_some()),
            ("explore", self.exploration.is_some()),
            ("session", self.session != SessionRule::default()),
        ];
        match (&self.mode, weighs.into_iter().find(|(_, given)| *given)) {
            (Mode::Pin { .. }, Some((key, _))) => Err(PolicyError::PinWeighed { key }),
            (_, _) => Ok(()),
        }
    }

    fn check_lists(&self) -> Result<(), PolicyError> {
        let limits = &self.limits;
        match () {
            () if limits.allow.as_ref().is_some_and(BTreeSet::is_empty) => Err(PolicyError::EmptyList { key: "allow" }),
            () if limits.regions.as_ref().is_some_and(BTreeSet::is_empty) => {
                Err(PolicyError::EmptyList { key: "regions" })
            }
            () => Ok(()),
        }
    }

    fn check_money(&self) -> Result<(), PolicyError> {
        let of_mode = match self.mode {
            Mode::Value { usd_per_success } => Some(("usd_per_success", usd_per_success)),
            Mode::Budget { usd_per_request, .. } => Some(("usd_per_request", usd_per_request)),
            Mode::Tolerance { .. } | Mode::Target { .. } | Mode::Pin { .. } => None,
        };
        let cap = self.limits.max_cost.map(|cost| ("max_cost_usd", cost));
        let detour =
            self.exploration.and_then(|exploration| exploration.max_cost()).map(|cost| ("explore.max_cost_usd", cost));
        let most = PicoUsd::from_usd(MAX_USD).expect("the limit is within itself");
        match of_mode.into_iter().chain(cap).chain(detour).find(|(_, amount)| *amount > most) {
            Some((key, found)) => Err(PolicyError::TooMuch { key, found }),
            None => Ok(()),
        }
    }
}

impl Policy {
    /// Checks the rules and computes their version.
    pub fn new(name: PolicyName, rules: Rules) -> Result<Self, PolicyError> {
        check_fallback(&rules.fallback)?;
        if let Some(model) = rules.limits.allow.iter().flatten().find(|model| rules.limits.deny.contains(*model)) {
            return Err(PolicyError::AllowedAndDenied { model: model.clone() });
        }
        if let Mode::Budget { usd_per_request: PicoUsd::ZERO, .. } = rules.mode {
            return Err(PolicyError::NoBudget);
        }
        rules.check_pin()?;
        rules.check_lists()?;
        rules.check_money()?;
        let version = Arc::from(text::version(&rules));
        Ok(Self { name, rules, version, promise: None })
    }

    /// The same policy with what tuning promised of it. A promise made for other rules is refused.
    pub fn promised(self, promise: Promise) -> Result<Self, PolicyError> {
        let made_for = &promise.terms().policy;
        if *made_for != *self.version {
            let (made_for, found) = (made_for.clone(), self.version.to_string());
            return Err(PolicyError::OtherRules { made_for, found });
        }
        Ok(Self { promise: Some(promise), ..self })
    }

    /// What tuning promised of it, where it was tuned.
    pub fn promise(&self) -> Option<&Promise> {
        self.promise.as_ref()
    }

    /// Its name.
    pub fn name(&self) -> &PolicyName {
        &self.name
    }

    /// Its rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// A digest of its rules: two policies with one version choose alike, whatever they are called.
    pub fn version(&self) -> &str {
        &self.version
    }

    pub(crate) fn version_shared(&self) -> Arc<str> {
        Arc::clone(&self.version)
    }

    /// Refuses a policy that names a model or a region the catalog lacks: it is nearly always a slip of the hand.
    pub fn check_against(&self, catalog: &Catalog) -> Result<(), PolicyError> {
        let limits = &self.rules.limits;
        let pinned = match &self.rules.mode {
            Mode::Pin { model } => Some(model),
            Mode::Tolerance { .. } | Mode::Target { .. } | Mode::Value { .. } | Mode::Budget { .. } => None,
        };
        let named = (self.rules.fallback.iter().map(|model| ("fallback", model)))
            .chain(pinned.map(|model| ("model", model)))
            .chain(self.rules.lean.iter().map(|lean| ("lean", &lean.towards)))
            .chain(limits.allow.iter().flatten().map(|model| ("allow", model)))
            .chain(limits.deny.iter().map(|model| ("deny", model)));
        for (key, model) in named {
            if catalog.get(model).is_none() {
                let nearest = catalog.nearest(model).cloned();
                return Err(PolicyError::UnknownModel {
                    policy: self.name.clone(),
                    key,
                    model: model.clone(),
                    nearest,
                });
            }
        }
        let served: BTreeSet<&str> =
            catalog.models().iter().flat_map(|model| &model.regions).map(String::as_str).collect();
        if let Some(region) = limits.regions.iter().flatten().find(|region| !served.contains(region.as_str())) {
            let nearest = crate::nearest::nearest(region, served).map(str::to_owned);
            return Err(PolicyError::UnknownRegion { policy: self.name.clone(), region: region.clone(), nearest });
        }
        Ok(())
    }
}

fn check_fallback(fallback: &[ModelId]) -> Result<(), PolicyError> {
    if fallback.len() > MAX_FALLBACKS {
        return Err(PolicyError::TooManyFallbacks { found: fallback.len() });
    }
    for (again, model) in fallback.iter().enumerate() {
        if let Some(first) = fallback[..again].iter().position(|earlier| earlier == model) {
            let (first, again) = (first + 1, again + 1);
            return Err(PolicyError::FallbackLoop { model: model.clone(), first, again });
        }
    }
    Ok(())
}

/// All policies of a deployment, with the one that `auto` means.
#[derive(Clone, Debug, PartialEq)]
pub struct Policies {
    default: PolicyName,
    by_name: BTreeMap<PolicyName, Policy>,
}

impl Policies {
    /// Checks that names differ and that the default is one of them.
    pub fn new(default: PolicyName, policies: Vec<Policy>) -> Result<Self, PolicyError> {
        if policies.is_empty() {
            return Err(PolicyError::NoPolicies);
        }
        if policies.len() > MAX_POLICIES {
            return Err(PolicyError::TooManyPolicies { found: policies.len() });
        }
        let mut by_name = BTreeMap::new();
        for policy in policies {
            let name = policy.name.clone();
            if by_name.insert(name.clone(), policy).is_some() {
                return Err(PolicyError::DuplicatePolicy { name });
            }
        }
        if !by_name.contains_key(&default) {
            return Err(PolicyError::UnknownDefault { name: default });
        }
        Ok(Self { default, by_name })
    }

    /// What `auto` means.
    pub fn default_policy(&self) -> &Policy {
        self.by_name.get(&self.default).expect("`new` checked that the default is one of the policies")
    }

    /// The policy of this name.
    pub fn get(&self, name: &str) -> Option<&Policy> {
        self.by_name.iter().find(|(known, _)| known.as_str() == name).map(|(_, policy)| policy)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Policy> {
        self.by_name.values()
    }

    /// Refuses policies that name a model the catalog lacks.
    pub fn check_against(&self, catalog: &Catalog) -> Result<(), PolicyError> {
        self.iter().try_for_each(|policy| policy.check_against(catalog))
    }
}

#[cfg(test)]
mod tests;
