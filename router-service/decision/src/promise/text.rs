//! The TOML form of a promise, a table below its policy, through a private twin.

use serde::{Deserialize, Serialize};

use super::{Loss, OnAlarm, Promise, Reference, Slices, Span, Terms, Weighed};
use crate::units::ModelId;

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LossText {
    Difference,
    Relative,
    Worse,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AgainstText {
    BestSingle,
    Model,
    BestForecast,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OnAlarmText {
    Warn,
    Reference,
}

/// The twin of a promise.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PromiseText {
    loss: LossText,
    loss_at_most: f64,
    confidence: f64,
    against: AgainstText,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slices_by: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    slices: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    slices_too_small: Vec<String>,
    /// Each as `slice=share`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    proportions: Vec<String>,
    saving: f64,
    saving_low: f64,
    saving_high: f64,
    n_prompts: u64,
    n_groups: u64,
    reference_bias: f64,
    policy: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog: Option<String>,
    outcomes: String,
    tuned: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_alarm: Option<OnAlarmText>,
}

fn share(text: &str) -> Result<(String, f64), (&'static str, String)> {
    let (slice, share) = text.rsplit_once('=').unwrap_or((text, ""));
    match share.parse() {
        Ok(share) => Ok((slice.to_owned(), share)),
        Err(_) => Err(("promise.proportions", format!("expected SLICE=SHARE, found {text:?}"))),
    }
}

impl PromiseText {
    pub(crate) fn checked(self) -> Result<Promise, (&'static str, String)> {
        let reference = match (self.against, self.reference) {
            (AgainstText::BestForecast, Some(_)) => {
                return Err(("promise.reference", "the best forecast of each prompt has no one model".to_owned()));
            }
            (AgainstText::BestForecast, None) => Reference::BestForecast,
            (AgainstText::BestSingle | AgainstText::Model, None) => {
                return Err(("promise", "lacks the key `reference`".to_owned()));
            }
            (against, Some(name)) => {
                let model = ModelId::new(&name).map_err(|error| ("promise.reference", error.to_string()))?;
                if matches!(against, AgainstText::Model) {
                    Reference::Model(model)
                } else {
                    Reference::BestSingle(model)
                }
            }
        };
        let shares = self.proportions.iter().map(|one| share(one)).collect::<Result<Vec<_>, _>>()?;
        let named = !self.slices.is_empty() || !self.slices_too_small.is_empty();
        let (slices, weighed) = match self.slices_by {
            Some(by) if !shares.is_empty() => {
                let slices = Slices { by: by.clone(), held: self.slices, too_small: self.slices_too_small };
                (named.then_some(slices), Some(Weighed { by, shares }))
            }
            Some(by) => (Some(Slices { by, held: self.slices, too_small: self.slices_too_small }), None),
            None if !named && shares.is_empty() => (None, None),
            None => {
                let key = if named { "promise.slices" } else { "promise.proportions" };
                return Err((key, "needs `slices_by`, the column the slices come from".to_owned()));
            }
        };
        let terms = Terms {
            loss: match self.loss {
                LossText::Difference => Loss::Difference,
                LossText::Relative => Loss::Relative,
                LossText::Worse => Loss::Worse,
            },
            loss_at_most: self.loss_at_most,
            confidence: self.confidence,
            reference,
            slices,
            weighed,
            policy: self.policy,
            artifact: self.artifact,
            catalog: self.catalog,
            outcomes: self.outcomes,
            tuned: self.tuned,
            n_prompts: self.n_prompts,
            n_groups: self.n_groups,
            saving: Span { value: self.saving, low: self.saving_low, high: self.saving_high },
            reference_bias: self.reference_bias,
            on_alarm: match self.on_alarm {
                None | Some(OnAlarmText::Warn) => OnAlarm::Warn,
                Some(OnAlarmText::Reference) => OnAlarm::Reference,
            },
        };
        Promise::new(terms).map_err(|error| (error.key(), error.to_string()))
    }

    pub(crate) fn of(promise: &Promise) -> Self {
        let terms = promise.terms().clone();
        let (against, reference) = match terms.reference {
            Reference::BestSingle(model) => (AgainstText::BestSingle, Some(model.to_string())),
            Reference::Model(model) => (AgainstText::Model, Some(model.to_string())),
            Reference::BestForecast => (AgainstText::BestForecast, None),
        };
        let (slices_by, slices, slices_too_small) = match terms.slices {
            Some(Slices { by, held, too_small }) => (Some(by), held, too_small),
            None => (None, Vec::new(), Vec::new()),
        };
        let (weighed_by, shares) = match terms.weighed {
            Some(Weighed { by, shares }) => (Some(by), shares),
            None => (None, Vec::new()),
        };
        Self {
            loss: match terms.loss {
                Loss::Difference => LossText::Difference,
                Loss::Relative => LossText::Relative,
                Loss::Worse => LossText::Worse,
            },
            loss_at_most: terms.loss_at_most,
            confidence: terms.confidence,
            against,
            reference,
            slices_by: slices_by.or(weighed_by),
            slices,
            slices_too_small,
            proportions: shares.into_iter().map(|(slice, share)| format!("{slice}={share}")).collect(),
            saving: terms.saving.value,
            saving_low: terms.saving.low,
            saving_high: terms.saving.high,
            n_prompts: terms.n_prompts,
            n_groups: terms.n_groups,
            reference_bias: terms.reference_bias,
            policy: terms.policy,
            artifact: terms.artifact,
            catalog: terms.catalog,
            outcomes: terms.outcomes,
            tuned: terms.tuned,
            on_alarm: match terms.on_alarm {
                OnAlarm::Warn => None,
                OnAlarm::Reference => Some(OnAlarmText::Reference),
            },
        }
    }
}
